//! Who may watch: the rules, without the cryptography.
//!
//! Owns the throttling of wrong tokens and passwords, the checks of `Origin` and `Host`, and the
//! texts of cookies and bearer tokens. Never holds a secret and never reads a clock: time is an
//! argument, comparing is a closure.

use super::rate::TokenBucket;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

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

/// Wrong attempts of one client that cost nothing: typing errors.
const FREE_FAILURES: u32 = 5;
/// The longest that one client has to wait.
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// A client that has failed is forgotten after so long without another failure.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(900);
/// Clients remembered at once. Past that the one that failed longest ago is forgotten; the limit
/// on all failures together still holds.
const MOST_CLIENTS: usize = 1024;
/// Wrong attempts of all clients together: so many at once ...
const TOTAL_BURST: u32 = 60;
/// ... and then one in each of these: who has any number of addresses still gets no more than
/// 86,400 guesses a day.
const TOTAL_INTERVAL: Duration = Duration::from_secs(1);

/// How an attempt to get in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The secret was right.
    Right,
    /// It was wrong.
    Wrong,
    /// It was not looked at.
    Throttled {
        /// How long to wait before the next.
        retry_after: Duration,
    },
}

/// Slows down guessing: each client by itself with a growing delay, and all of them together.
#[derive(Debug)]
pub struct Throttle {
    clients: HashMap<ClientNet, Failures>,
    total: TokenBucket,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn blocked_until(self) -> Instant {
        self.last + delay_after(self.count)
    }
    fn forgotten(self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= FORGOTTEN_AFTER
    }
}

/// How long a client waits after its `failures`-th failure in a row: nothing at first, then a
/// second, doubled each time up to five minutes.
#[must_use]
pub fn delay_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1u64.checked_shl(over).unwrap_or(u64::MAX)).min(LONGEST_DELAY),
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self { clients: HashMap::new(), total: TokenBucket::new(TOTAL_BURST, TOTAL_INTERVAL) }
    }
}

impl Throttle {
    /// One attempt of a client. `is_right` is asked only if the attempt is let through, so that
    /// a throttled client learns nothing even when it has guessed right.
    pub fn attempt(&mut self, now: Instant, client: ClientNet, is_right: impl FnOnce() -> bool) -> Attempt {
        if let Err(retry_after) = self.check(now, client) {
            return Attempt::Throttled { retry_after };
        }
        if is_right() {
            self.clients.remove(&client);
            return Attempt::Right;
        }
        self.failed(now, client);
        Attempt::Wrong
    }

    fn check(&self, now: Instant, client: ClientNet) -> Result<(), Duration> {
        if let Some(failures) = self.clients.get(&client)
            && !failures.forgotten(now)
        {
            let wait = failures.blocked_until().saturating_duration_since(now);
            if !wait.is_zero() {
                return Err(wait);
            }
        }
        self.total.check(now)
    }

    fn failed(&mut self, now: Instant, client: ClientNet) {
        // Checked before: there is a token.
        let _ = self.total.take(now);
        let count = match self.clients.get(&client) {
            Some(failures) if !failures.forgotten(now) => failures.count.saturating_add(1),
            _ => 1,
        };
        if self.clients.len() >= MOST_CLIENTS && !self.clients.contains_key(&client) {
            self.make_room(now);
        }
        self.clients.insert(client, Failures { count, last: now });
    }

    fn make_room(&mut self, now: Instant) {
        self.clients.retain(|_, failures| !failures.forgotten(now));
        if self.clients.len() >= MOST_CLIENTS
            && let Some(oldest) = self.clients.iter().min_by_key(|(_, f)| f.last).map(|(client, _)| *client)
        {
            self.clients.remove(&oldest);
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

/// How long a session lasts.
pub const SESSION_LENGTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a session cookie says: when it ends, and the tag that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie<'a> {
    /// Seconds since 1970-01-01 UTC.
    pub expires_s: u64,
    /// The keyed digest, base64url.
    pub tag: &'a str,
}

impl<'a> SessionCookie<'a> {
    /// Reads `EXPIRY.TAG`.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        let (expiry, tag) = value.split_once('.')?;
        let well_formed = !expiry.is_empty() && expiry.bytes().all(|b| b.is_ascii_digit());
        if !well_formed || tag.is_empty() {
            return None;
        }
        Some(Self { expires_s: expiry.parse().ok()?, tag })
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

/// The values of the cookies of that name in one `Cookie` header (RFC 6265 section 4.2).
pub fn cookies_named<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    header.split(';').filter_map(move |pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
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
