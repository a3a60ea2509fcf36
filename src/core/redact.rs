//! What must not stand in a log line or go to a viewer: logins in URLs, addresses in full.
//!
//! Owns two pure functions. A viewer's address in full is personal data; its network is enough to
//! find a fault.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Hides the last part of each IP address in a text: `192.168.1.x`, `2001:db8:1:x`. Loopback and
/// the unspecified addresses stay: they are nobody's.
#[must_use]
pub fn redact_addresses(text: &str) -> Cow<'_, str> {
    let mut redacted = String::new();
    let mut copied = 0;
    for run in runs(text) {
        for (range, hidden) in addresses(text, run) {
            redacted.push_str(text.get(copied..range.start).unwrap_or_default());
            redacted.push_str(&hidden);
            copied = range.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(redacted)
}

/// Hides the login and the query in each URL of a text: `rtsp://***@camera/stream?***`. GStreamer's
/// messages repeat the address that could not be opened, and both may hold a secret.
#[must_use]
pub fn redact_logins(text: &str) -> Cow<'_, str> {
    const SCHEME_END: &str = "://";
    if !text.contains(SCHEME_END) {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(SCHEME_END) {
        let end = after.find(|c: char| matches!(c, '"' | '\'') || c.is_whitespace()).unwrap_or(after.len());
        let Some((url, tail)) = after.split_at_checked(end) else { break };
        redacted.push_str(before);
        redacted.push_str(SCHEME_END);
        let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
        let authority = path.find('/').unwrap_or(path.len());
        match path.get(..authority).and_then(|authority| authority.rfind('@')) {
            Some(at) => {
                redacted.push_str("***");
                redacted.push_str(path.get(at..).unwrap_or_default());
            }
            None => redacted.push_str(path),
        }
        if query.is_some() {
            redacted.push_str("?***");
        }
        rest = tail;
    }
    redacted.push_str(rest);
    Cow::Owned(redacted)
}

fn is_of_address(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'.' || byte == b':'
}

/// The longest pieces of the text that hold nothing but hexadecimal digits, points and colons.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.as_bytes().get(at..)?;
        let start = at + rest.iter().position(|byte| is_of_address(*byte))?;
        let tail = text.as_bytes().get(start..)?;
        let end = start + tail.iter().position(|byte| !is_of_address(*byte)).unwrap_or(tail.len());
        at = end;
        Some(start..end)
    })
}

/// The addresses in one such piece, each with what takes its place.
fn addresses(text: &str, run: Range<usize>) -> Vec<(Range<usize>, String)> {
    let Some(piece) = text.get(run.clone()) else { return Vec::new() };
    if !piece.contains([':', '.']) {
        return Vec::new();
    }
    if let Some((length, address)) = v6_at_start(piece)
        && stands_alone(text, &run)
    {
        return hidden_v6(address)
            .map(|hidden| (run.start..run.start + length, hidden))
            .into_iter()
            .collect();
    }
    let mut found = Vec::new();
    let mut start = run.start;
    for part in piece.split(':') {
        let address = part.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let from = start + part.len() - address.len();
        let address = address.trim_end_matches(|c: char| c == '.' || c.is_ascii_alphabetic());
        if let Some(hidden) = address.parse::<Ipv4Addr>().ok().and_then(hidden_v4) {
            found.push((from..from + address.len(), hidden));
        }
        start += part.len() + 1;
    }
    found
}

/// An IPv6 address, perhaps with a point or a colon of the sentence behind it.
fn v6_at_start(piece: &str) -> Option<(usize, Ipv6Addr)> {
    // `a::b` is an address and also a path in code; real ones have digits or are longer.
    if !piece.bytes().any(|byte| byte.is_ascii_digit()) && piece.len() < 8 {
        return None;
    }
    let candidates = [piece, piece.trim_end_matches('.'), piece.strip_suffix(':').unwrap_or(piece)];
    candidates.into_iter().find_map(|text| Some((text.len(), text.parse().ok()?)))
}

/// Whether no letter or digit touches it, which would make it a part of a word.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = text.get(..range.start).and_then(|text| text.chars().next_back());
    let after = text.get(range.end..).and_then(|text| text.chars().next());
    !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word)
}

fn is_nobodys(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

fn hidden_v4(address: Ipv4Addr) -> Option<String> {
    let [a, b, c, _] = address.octets();
    (!is_nobodys(address.into())).then(|| format!("{a}.{b}.{c}.x"))
}

/// The first three groups, 48 bits, are the site's; what follows is a network in a house and a
/// machine in it.
fn hidden_v6(address: Ipv6Addr) -> Option<String> {
    if let Some(v4) = address.to_ipv4_mapped() {
        return hidden_v4(v4).map(|hidden| format!("::ffff:{hidden}"));
    }
    let [a, b, c, ..] = address.segments();
    (!is_nobodys(address.into())).then(|| format!("{a:x}:{b:x}:{c:x}:x"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_part_of_an_address_is_hidden() {
        for (line, expected) in [
            (
                "candidate:1 1 UDP 2015363327 192.168.1.5 54321 typ host",
                "candidate:1 1 UDP 2015363327 192.168.1.x 54321 typ host",
            ),
            ("peer 203.0.113.77:61000 has gone", "peer 203.0.113.x:61000 has gone"),
            ("address:10.1.2.3, then 10.1.2.4.", "address:10.1.2.x, then 10.1.2.x."),
            ("[2001:db8:85a3:8d3::7334]:443", "[2001:db8:85a3:x]:443"),
            ("from fe80::1%eth0: lost", "from fe80:0:0:x%eth0: lost"),
            ("2001:db8::1.", "2001:db8:0:x."),
            ("2001:db8::1: gone", "2001:db8:0:x: gone"),
            ("::ffff:192.0.2.9", "::ffff:192.0.2.x"),
            ("dead:beef::cafe", "dead:beef:0:x"),
            ("é10.0.0.1 pad10.0.0.1é", "é10.0.0.x pad10.0.0.xé"),
        ] {
            assert_eq!(redact_addresses(line), expected);
        }
    }

    #[test]
    fn the_login_in_a_url_is_hidden() {
        for (line, expected) in [
            ("cannot open rtsp://me:se@cret@cam/1?x=a@b gone", "cannot open rtsp://***@cam/1?*** gone"),
            ("URL: http://h?token=t", "URL: http://h?***"),
            ("rtsp://a:b", "rtsp://a:b"),
            ("'http://u@h' and \"rtsp://v:w@k\"", "'http://***@h' and \"rtsp://***@k\""),
            ("rtsp://camera/stream @ 5", "rtsp://camera/stream @ 5"),
            ("a:// b@c", "a:// b@c"),
            ("no url", "no url"),
        ] {
            assert_eq!(redact_logins(line), expected);
        }
    }

    #[test]
    fn what_is_no_address_or_nobodys_stays_and_is_not_copied() {
        for line in [
            "",
            "listening on 127.0.0.1:8443 and [::1]:8443 and 0.0.0.0:1",
            "0:00:01.234567890 GST_ELEMENT_FACTORY",
            "std::fmt a::b core::ids::face",
            "aa:bb:cc:dd:ee:ff",
            "version 1.22.0 of 1.2.3.4.5 and 300.1.1.1",
            "a=fingerprint:sha-256 AA:BB:CC:DD:EE:FF:00:11:22",
            "...:::..",
        ] {
            assert!(matches!(redact_addresses(line), Cow::Borrowed(same) if same == line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_full_address_is_left(v4: [u8; 4], v6: [u16; 8], around in "[ ,;/()=%é-][ ,;/()=%-]") {
            for address in [IpAddr::from(v4), IpAddr::from(v6)] {
                let text = format!("{around}{address}{around}");
                let redacted = redact_addresses(&text);
                prop_assert_eq!(redacted.contains(&address.to_string()), is_nobodys(address), "{}", redacted);
            }
        }

        #[test]
        fn no_text_panics(text in "[0-9a-f:.é ]{0,60}|.{0,60}") {
            let once = redact_addresses(&text).into_owned();
            let twice = redact_addresses(&once).into_owned();
            prop_assert_eq!(twice, once);
        }
    }
}
