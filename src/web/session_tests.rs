//! Cookies and secrets, without a socket.

use super::*;
use crate::core::access::SESSION_LENGTH;
use crate::core::principal::Rights;
use std::time::Duration;

const NOBODY: fn(SessionId, u64) -> bool = |_, _| false;

fn gate_of(kind: AccessKind, secret: &str, key: &[u8]) -> Gate {
    let secret = Some(Secret::new(secret.into()));
    let anyone = Principal::anyone(Rights::All);
    Gate::new(kind, secret, anyone, Accounts::default(), key, b"comparing")
}

fn gate(secret: &str, key: &[u8]) -> Gate {
    gate_of(AccessKind::Token, secret, key)
}

/// A cookie of a new session.
fn cookie(gate: &Gate, now: SystemTime, secure: bool) -> String {
    gate.new_cookie(gate.anyone().unwrap(), now, secure).unwrap()
}

/// What a cookie is worth: nothing, or whether it wants to be made anew.
fn worth(gate: &Gate, cookie: &str, at_s: u64, secure: bool) -> Option<bool> {
    let session = gate.session([pair(cookie)].into_iter(), at(at_s), secure, NOBODY, |_| None);
    session.map(|session| session.wants_renewal)
}

fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn sessions_are_renewed_when_half_spent_and_end() {
    let gate = gate("secret", b"key");
    let now = 1_800_000_000;
    let cookie = cookie(&gate, at(now), true);
    let length = SESSION_LENGTH.as_secs();
    let worth = |seconds| worth(&gate, &cookie, seconds, true);
    assert_eq!(worth(now), Some(false));
    assert_eq!(worth(now + length / 2), Some(false));
    assert_eq!(worth(now + length / 2 + 1), Some(true));
    assert_eq!(worth(now + length - 1), Some(true));
    assert_eq!(worth(now + length), None);
    assert_eq!(worth(now - 1), None, "from the future");
}

#[test]
fn a_cookie_holds_for_one_secret_one_key_and_one_kind() {
    let made_by = gate("secret", b"key");
    let now = 1_800_000_000;
    let cookie = cookie(&made_by, at(now), false);
    assert_eq!(worth(&made_by, &cookie, now, false), Some(false));
    assert_eq!(worth(&made_by, &cookie, now, true), None, "another name under TLS");
    assert_eq!(worth(&gate("secret2", b"key"), &cookie, now, false), None);
    assert_eq!(worth(&gate("secret", b"key2"), &cookie, now, false), None);
    assert_eq!(worth(&gate_of(AccessKind::Password, "secret", b"key"), &cookie, now, false), None);
    assert_eq!(worth(&gate_of(AccessKind::Named, "secret", b"key"), &cookie, now, false), None);
}

#[test]
fn a_session_that_goes_on_is_the_same_and_ends_as_one() {
    let gate = gate("secret", b"key");
    let now = 1_800_000_000;
    let first = cookie(&gate, at(now), true);
    let other = cookie(&gate, at(now), true);
    let session = |cookie: &str, has_ended: &dyn Fn(SessionId, u64) -> bool| {
        gate.session([pair(cookie)].into_iter(), at(now), true, has_ended, |_| None)
    };
    let grant = session(&first, &NOBODY).unwrap().grant;
    let id = grant.session.unwrap().0;
    let renewed = gate.cookie(&grant.pass, id, at(now), true);
    let has_ended = |which: SessionId, _: u64| which == id;
    assert!(session(&first, &has_ended).is_none() && session(&renewed, &has_ended).is_none());
    assert!(session(&other, &has_ended).is_some());
}

#[test]
fn under_tls_the_cookie_is_bound_to_the_host() {
    let cookie = cookie(&gate("secret", b"key"), at(0), true);
    assert!(cookie.starts_with("__Host-vitrina-"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
}

#[test]
fn secrets_are_compared_whole() {
    let gate = gate("secret", b"key");
    assert!(gate.is_secret(b"secret"));
    for wrong in [&b""[..], b"secre", b"secrets", b"Secret", b"\xff"] {
        assert!(!gate.is_secret(wrong));
    }
}
