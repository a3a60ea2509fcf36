use super::*;
use crate::core::access::SESSION_LENGTH;
use std::time::Duration;

fn gate(secret: &str, key: &[u8]) -> Gate {
    Gate {
        kind: AccessKind::Token,
        secret: Some(Secret::new(secret.into())),
        comparing: hmac::Key::new(hmac::HMAC_SHA256, b"comparing"),
        signing: hmac::Key::new(hmac::HMAC_SHA256, key),
        cookie_name: "vitrina-x".into(),
    }
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
    let cookie = gate.new_cookie(at(now), true);
    let length = SESSION_LENGTH.as_secs();
    let session = |seconds| gate.session([pair(&cookie)].into_iter(), at(seconds), true);
    assert_eq!(session(now), Session::Valid);
    assert_eq!(session(now + length / 2), Session::Valid);
    assert_eq!(session(now + length / 2 + 1), Session::WantsRenewal);
    assert_eq!(session(now + length - 1), Session::WantsRenewal);
    assert_eq!(session(now + length), Session::None);
    assert_eq!(session(now - 1), Session::None, "from the future");
}

#[test]
fn a_cookie_holds_for_one_secret_one_key_and_one_kind() {
    let made_by = gate("secret", b"key");
    let cookie = made_by.new_cookie(at(1_800_000_000), false);
    let session = |gate: &Gate, secure| gate.session([pair(&cookie)].into_iter(), at(1_800_000_000), secure);
    assert_eq!(session(&made_by, false), Session::Valid);
    assert_eq!(session(&made_by, true), Session::None, "another name under TLS");
    assert_eq!(session(&gate("secret2", b"key"), false), Session::None);
    assert_eq!(session(&gate("secret", b"key2"), false), Session::None);
    let by_password = Gate { kind: AccessKind::Password, ..gate("secret", b"key") };
    assert_eq!(session(&by_password, false), Session::None);
}

#[test]
fn under_tls_the_cookie_is_bound_to_the_host() {
    let cookie = gate("secret", b"key").new_cookie(at(0), true);
    assert!(cookie.starts_with("__Host-vitrina-x="), "{cookie}");
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
