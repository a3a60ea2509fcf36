//! Sessions: what a cookie says, and which of them have been signed out.

use crate::core::principal::{AccountName, InvitationId, Who};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How long a session lasts.
pub const SESSION_LENGTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// Which session, from its sign-in to its end; renewing its cookie does not change it. Useless
/// without the tag that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub [u8; 16]);

/// Why a text is not the id of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 of 0-9 and a-f")]
pub struct BadSessionId;

impl std::str::FromStr for SessionId {
    type Err = BadSessionId;
    fn from_str(text: &str) -> Result<Self, BadSessionId> {
        let well_formed = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| well_formed);
        number.map(|number| Self(number.to_be_bytes())).ok_or(BadSessionId)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// What a session cookie says: when it ends, whose it is, and the tag that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie<'a> {
    /// Seconds since 1970-01-01 UTC.
    pub expires_s: u64,
    /// Which session, and whose; `None` in a cookie of vitrina 0.1, which the token or the password
    /// was exchanged for.
    pub of: Option<(SessionId, Who)>,
    /// The keyed digest, base64url.
    pub tag: &'a str,
}

impl<'a> SessionCookie<'a> {
    /// Reads `EXPIRY.ID.WHO.TAG`, or `EXPIRY.TAG` as vitrina 0.1 wrote it. `WHO` is `s` (what many
    /// share), `aNAME` or `iID`.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        let (expiry, rest) = value.split_once('.')?;
        let (rest, tag) = rest.rsplit_once('.').map_or((None, rest), |(rest, tag)| (Some(rest), tag));
        let well_formed = !expiry.is_empty() && expiry.bytes().all(|b| b.is_ascii_digit());
        if !well_formed || tag.is_empty() {
            return None;
        }
        let of = match rest {
            None => None,
            Some(rest) => {
                let (id, who) = rest.split_once('.')?;
                Some((id.parse().ok()?, who_of(who)?))
            }
        };
        Some(Self { expires_s: expiry.parse().ok()?, of, tag })
    }

    /// What stands before the tag.
    #[must_use]
    pub fn text(expires_s: u64, id: SessionId, who: &Who) -> String {
        match who {
            Who::Anyone => format!("{expires_s}.{id}.s"),
            Who::Account(name) => format!("{expires_s}.{id}.a{name}"),
            Who::Invitation(invitation) => format!("{expires_s}.{id}.i{invitation}"),
        }
    }

    /// Whether it has ended, or claims to end later than any cookie made here could.
    #[must_use]
    pub fn is_outside_its_time(&self, now_s: u64) -> bool {
        self.expires_s <= now_s || self.expires_s > now_s.saturating_add(SESSION_LENGTH.as_secs())
    }

    /// Whether half of its time is over, so that a new one is due.
    #[must_use]
    pub fn wants_renewal(&self, now_s: u64) -> bool {
        self.expires_s.saturating_sub(now_s) < SESSION_LENGTH.as_secs() / 2
    }
}

fn who_of(text: &str) -> Option<Who> {
    if text == "s" {
        return Some(Who::Anyone);
    }
    match text.split_at_checked(1)? {
        ("a", name) => AccountName::new(name).ok().map(Who::Account),
        ("i", id) => InvitationId::new(id).ok().map(Who::Invitation),
        _ => None,
    }
}

/// The values of the cookies of that name in one `Cookie` header (RFC 6265 section 4.2).
pub fn cookies_named<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    header.split(';').filter_map(move |pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// Sessions remembered that were signed out.
const MOST_ENDED: usize = 4096;

/// The sessions that were signed out before their time: their cookies are worth nothing any more,
/// whoever has kept one. Bounded: past 4096 the one that would have ended first is forgotten, and
/// every session that would end before it ends with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// With when their last cookie ends, in seconds since 1970-01-01 UTC.
    sessions: BTreeMap<SessionId, u64>,
    /// What ends no later has ended.
    floor_s: u64,
}

impl Ended {
    /// A session ends now; no cookie of it ends after `until_s`.
    pub fn end(&mut self, now_s: u64, id: SessionId, until_s: u64) {
        self.sessions.retain(|_, until| *until > now_s);
        self.sessions.insert(id, until_s);
        while self.sessions.len() > MOST_ENDED {
            let first =
                self.sessions.iter().min_by_key(|(_, until)| **until).map(|(id, until)| (*id, *until));
            let Some((id, until)) = first else { return };
            self.sessions.remove(&id);
            self.floor_s = self.floor_s.max(until);
        }
    }

    /// Whether a session has ended, by a cookie of it that ends at `expires_s`.
    #[must_use]
    pub fn has(&self, id: SessionId, expires_s: u64) -> bool {
        expires_s <= self.floor_s || self.sessions.contains_key(&id)
    }

    /// Reads what [`Ended::to_text`] wrote; what is not understood is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut ended = Self::default();
        for (what, until_s) in text.lines().filter_map(|line| line.split_once(' ')) {
            let Ok(until_s) = until_s.parse() else { continue };
            match what.parse() {
                Ok(id) if ended.sessions.len() < MOST_ENDED => drop(ended.sessions.insert(id, until_s)),
                Err(_) if what == "until" => ended.floor_s = until_s,
                Ok(_) | Err(_) => {}
            }
        }
        ended
    }

    /// A line for each.
    #[must_use]
    pub fn to_text(&self) -> String {
        let floor = format!("until {}\n", self.floor_s);
        let sessions = self.sessions.iter().map(|(id, until_s)| format!("{id} {until_s}\n"));
        std::iter::once(floor).chain(sessions).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u128) -> SessionId {
        SessionId(n.to_be_bytes())
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let found = |header| cookies_named(header, "v").collect::<Vec<_>>();
        assert_eq!(found("v=1"), ["1"]);
        assert_eq!(found("a=0; v=1;v=2 ; vv=3; xv=4; v"), ["1", "2"]);
        assert!(found("").is_empty());
    }

    #[test]
    fn session_cookies_say_when_they_end_and_whose_they_are() {
        let whose = [
            Who::Anyone,
            Who::Account(AccountName::new("anna.b").unwrap()),
            Who::Invitation(InvitationId::new("k3f9").unwrap()),
        ];
        for who in whose {
            let value = format!("{}.ab", SessionCookie::text(12, id(7), &who));
            let cookie = SessionCookie { expires_s: 12, of: Some((id(7), who)), tag: "ab" };
            assert_eq!(SessionCookie::parse(&value), Some(cookie));
        }
        let old = SessionCookie { expires_s: 12, of: None, tag: "ab" };
        assert_eq!(SessionCookie::parse("12.ab"), Some(old));
        let id = id(7);
        for bad in ["", ".", "12", "12.", ".ab", "+12.ab", "x.ab", "99999999999999999999999.ab", "12.x.s.ab"]
        {
            assert_eq!(SessionCookie::parse(bad), None, "{bad}");
        }
        for bad in ["x", "", "S", "aAnna", "i", "a"] {
            assert_eq!(SessionCookie::parse(&format!("12.{id}.{bad}.ab")), None, "{bad}");
        }
    }

    #[test]
    fn session_cookies_have_their_time() {
        let length = SESSION_LENGTH.as_secs();
        let cookie = SessionCookie { expires_s: 1000 + length, of: None, tag: "t" };
        assert!(!cookie.is_outside_its_time(1000) && !cookie.wants_renewal(1000));
        assert!(cookie.is_outside_its_time(999), "later than any that was made");
        assert!(cookie.wants_renewal(1001 + length / 2));
        assert!(!cookie.is_outside_its_time(999 + length));
        assert!(cookie.is_outside_its_time(1000 + length));
    }

    proptest! {
        #[test]
        fn what_was_signed_out_stays_so_and_the_table_is_bounded(
            ends in prop::collection::vec((0u128..6000, 1u64..1000), 1..6000),
        ) {
            let mut ended = Ended::default();
            let mut last = BTreeMap::new();
            for (n, until) in ends {
                ended.end(0, id(n), until);
                last.insert(n, until);
            }
            prop_assert!(ended.sessions.len() <= MOST_ENDED);
            for (n, until) in last {
                prop_assert!(ended.has(id(n), until));
            }
            prop_assert!(!ended.has(id(9999), 1001));
            prop_assert_eq!(Ended::parse(&ended.to_text()), ended);
        }
    }

    #[test]
    fn a_session_whose_time_is_over_is_not_remembered() {
        let mut ended = Ended::default();
        ended.end(10, id(1), 20);
        ended.end(20, id(2), 30);
        assert_eq!(ended.sessions.keys().copied().collect::<Vec<_>>(), [id(2)]);
    }
}
