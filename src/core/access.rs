//! Who may watch: the rules, without the cryptography.
//!
//! Owns the throttling of wrong tokens and passwords (`throttle`), the texts of sessions and which
//! of them have been signed out (`session`), the checks of `Origin` and `Host`, and the forms of
//! tokens. Never holds a secret and never reads a clock: time is an argument.

mod session;
mod throttle;

pub use session::{BadSessionId, Ended, SESSION_LENGTH, SessionCookie, SessionId, cookies_named};
pub use throttle::{Attempt, Refusals, Throttle, delay_after};

use std::net::{IpAddr, Ipv6Addr};

/// A client as limits see it: its IPv4 address, or the /64 of its IPv6 address, of which one
/// household or one virtual machine has all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientNet(IpAddr);

impl ClientNet {
    /// The network that an address counts for.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

/// The shortest token that is taken from a file, in characters: 128 bits of base64url.
pub const MIN_TOKEN: usize = 22;
/// The longest.
pub const MAX_TOKEN: usize = 256;

/// Whether a text can be a token: long enough not to be guessed, and of characters that stand in
/// a URL's fragment and in a header as they are (base64url, RFC 4648 section 5).
#[must_use]
pub fn token_is_well_formed(text: &str) -> bool {
    (MIN_TOKEN..=MAX_TOKEN).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The token of an `Authorization: Bearer TOKEN` header (RFC 6750 section 2.1).
#[must_use]
pub fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") || token.is_empty() {
        return None;
    }
    Some(token.trim_ascii())
}

/// What an `Authorization: Basic ...` header carries, in base64 (RFC 7617 section 2).
#[must_use]
pub fn basic(header: &[u8]) -> Option<&[u8]> {
    let (scheme, credentials) = header.split_at_checked(6)?;
    scheme.eq_ignore_ascii_case(b"basic ").then(|| credentials.trim_ascii())
}

/// Whether a request that names this `Origin` (RFC 6454) comes from a page of this daemon: the
/// origin's host and port are those of the `Host` header, or those of `public_url`. The scheme is
/// not compared, since a proxy in front may add TLS.
#[must_use]
pub fn origin_is_own(origin: &str, host: &str, public_url: Option<&str>) -> bool {
    let Some((scheme, authority)) = origin_parts(origin) else { return false };
    if same_authority(scheme, authority, host) {
        return true;
    }
    public_url
        .and_then(origin_parts)
        .is_some_and(|(own_scheme, own)| own_scheme == scheme && same_authority(scheme, authority, own))
}

/// Scheme and authority of `http(s)://AUTHORITY[/...]`.
fn origin_parts(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    ((scheme == "https" || scheme == "http") && is_authority(authority)).then_some((scheme, authority))
}

fn same_authority(scheme: &str, a: &str, b: &str) -> bool {
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let bare =
        |authority: &str| authority.strip_suffix(default_port).unwrap_or(authority).to_ascii_lowercase();
    bare(a) == bare(b)
}

/// Whether a text has only characters of a host and a port, so that it may be put in a header.
#[must_use]
pub fn is_authority(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
}

/// Suffixes under which only the own network answers for a machine's name.
const LOCAL_SUFFIXES: [&str; 4] = [".local", ".lan", ".internal", ".home.arpa"];

/// Whether a `Host` header names this machine in a way that no stranger's DNS can point here: an
/// address, `localhost`, the machine's own name, or the host of `public_url`.
///
/// Where access is open over plain HTTP this is what stands between the pictures and a foreign
/// page whose own name was made to resolve to this address (DNS rebinding): its `Origin` and
/// `Host` agree.
#[must_use]
pub fn host_is_own(host: &str, machine: &str, public_url: Option<&str>) -> bool {
    if !is_authority(host) {
        return false;
    }
    let name = host_without_port(host).to_ascii_lowercase();
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    if literal.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let machine = machine.to_ascii_lowercase();
    let own_name = !machine.is_empty()
        && name
            .strip_prefix(machine.as_str())
            .is_some_and(|suffix| suffix.is_empty() || LOCAL_SUFFIXES.contains(&suffix));
    own_name
        || public_url
            .and_then(origin_parts)
            .is_some_and(|(_, own)| host_without_port(own).eq_ignore_ascii_case(&name))
}

fn host_without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
