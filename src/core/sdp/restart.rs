//! An offer of the daemon's made again for an ICE restart (RFC 9429 section 5.2.2).

use crate::core::ice::Credentials;
use std::fmt::Write as _;

/// The same offer with other credentials, as the `times`th restart of its session. Its version in `o=` grows
/// (RFC 8866 section 5.2); nothing else changes.
#[must_use]
pub fn restarted(sdp: &str, own: &Credentials, times: u64) -> String {
    let mut out = String::with_capacity(sdp.len() + 64);
    for line in sdp.lines() {
        // Writing to a String cannot fail.
        let _ = if let Some(origin) = line.strip_prefix("o=") {
            write!(out, "o={}\r\n", with_version(origin, times))
        } else if line.starts_with("a=ice-ufrag:") {
            write!(out, "a=ice-ufrag:{}\r\n", own.ufrag)
        } else if line.starts_with("a=ice-pwd:") {
            write!(out, "a=ice-pwd:{}\r\n", own.password)
        } else {
            write!(out, "{line}\r\n")
        };
    }
    out
}

fn with_version(origin: &str, times: u64) -> String {
    let mut words: Vec<String> = origin.split(' ').map(str::to_owned).collect();
    if let Some(version) = words.get_mut(2) {
        let first: u64 = version.parse().unwrap_or(0);
        *version = first.saturating_add(times).to_string();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sdp::OfferSummary;

    const OFFER: &str = include_str!("../../../tests/golden/sdp/offer-h264.sdp");

    #[test]
    fn a_restart_changes_the_credentials_and_the_version_alone() {
        let own = Credentials { ufrag: "abcd1234".into(), password: "0123456789abcdefghijklmn".into() };
        let again = restarted(OFFER, &own, 3);
        let changed: Vec<_> = OFFER
            .lines()
            .zip(again.lines())
            .filter(|(before, now)| before != now)
            .map(|(_, now)| now.split([':', '=']).take(2).collect::<Vec<_>>().join("="))
            .collect();
        assert_eq!(OFFER.lines().count(), again.lines().count());
        assert!(
            changed.iter().all(|line| line.starts_with("a=ice-") || line.starts_with("o=")),
            "{changed:?}"
        );
        let (before, now) = (OfferSummary::parse(OFFER).unwrap(), OfferSummary::parse(&again).unwrap());
        assert_eq!(before.mlines(), now.mlines());
    }
}
