//! What ICE is made of here beside its agent (RFC 8445): which candidates the daemon has, what a
//! datagram on the shared port is, and how datagrams stand in a TCP stream.
//!
//! Owns their forms. Knows no socket and asks no machine for its addresses.

use std::net::{IpAddr, SocketAddr};

/// The most addresses that candidates are made of; a machine with more has containers or bridges.
pub const MAX_ADDRESSES: usize = 16;

/// The longest user name fragment that is taken of a client; RFC 8839 section 5.4 has 256. The name in a check is both
/// sides' (RFC 8445 section 7.2.2), and crate `is` panics where it has more than 128 bytes (0.12.0). Browsers' have 4
/// or 8.
pub const MAX_UFRAG: usize = 96;

/// Whether this may be a client's user name fragment (RFC 8839 section 5.4, but for [`MAX_UFRAG`]).
#[must_use]
pub fn is_ufrag(text: &str) -> bool {
    (4..=MAX_UFRAG).contains(&text.len()) && text.bytes().all(is_ice_char)
}

/// Whether this may be a client's password (RFC 8839 section 5.4).
#[must_use]
pub fn is_password(text: &str) -> bool {
    (22..=256).contains(&text.len()) && text.bytes().all(is_ice_char)
}

/// RFC 8839 section 5.1.
pub(super) fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Type preferences (RFC 8445 section 5.1.2.2).
const HOST: u32 = 126;
const REFLEXIVE: u32 = 100;
/// The greatest local preference (RFC 8445 section 5.1.2.1).
const BEST: u32 = 65_535;
/// That of a TCP candidate that listens: the direction preference 4 in the upper three bits (RFC 6544
/// section 4.2).
const BEST_TCP: u32 = (4 << 13) | 0x1fff;
/// RTP and RTCP share one component.
const COMPONENT: u32 = 1;

/// Another address under which viewers reach this machine: that of a router which forwards the
/// ports, or of a container's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertised {
    /// The address.
    pub address: IpAddr,
    /// The port there, where it is another one.
    pub port: Option<u16>,
}

/// What the ICE checks of one side are signed with (RFC 8445 section 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name fragment.
    pub ufrag: String,
    /// The password.
    pub password: String,
}

/// The password is a secret.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// The ways to the daemon's media.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// The machine's own addresses.
    pub addresses: Vec<IpAddr>,
    /// Other addresses of it.
    pub advertised: Vec<Advertised>,
    /// As STUN servers see the UDP port, with the address behind each.
    pub reflexive: Vec<(SocketAddr, IpAddr)>,
    /// The UDP port.
    pub udp: u16,
    /// The listening TCP address; with an unspecified IP, all of them.
    pub tcp: Option<SocketAddr>,
}

impl Paths {
    /// The daemon's candidates as lines without `a=`, the best first.
    #[must_use]
    pub fn candidates(&self) -> Vec<String> {
        let own = self.addresses.iter().map(|address| (*address, None));
        let other = self.advertised.iter().map(|other| (other.address, other.port));
        let hosts: Vec<_> = own.chain(other).collect();
        let mut lines = Vec::new();
        let preference = |best: u32, index: usize| best.saturating_sub(u32::try_from(index).unwrap_or(BEST));
        for (index, (address, port)) in hosts.iter().enumerate() {
            let priority = priority(HOST, preference(BEST, index));
            let port = port.unwrap_or(self.udp);
            lines.push(format!("candidate:u{index} {COMPONENT} UDP {priority} {address} {port} typ host"));
        }
        for (index, (seen, base)) in self.reflexive.iter().enumerate() {
            if hosts
                .iter()
                .any(|(address, port)| (*address, port.unwrap_or(self.udp)) == (seen.ip(), seen.port()))
            {
                continue;
            }
            let priority = priority(REFLEXIVE, preference(BEST, index));
            let (address, port, rport) = (seen.ip(), seen.port(), self.udp);
            lines.push(format!(
                "candidate:r{index} {COMPONENT} UDP {priority} {address} {port} typ srflx raddr {base} rport {rport}"
            ));
        }
        let Some(listening) = self.tcp else { return lines };
        for (index, (address, port)) in hosts.iter().enumerate() {
            let advertised = index >= self.addresses.len();
            if !(advertised || self.listens_on(*address)) {
                continue;
            }
            let priority = priority(HOST, preference(BEST_TCP, index));
            let port = port.unwrap_or(listening.port());
            lines.push(format!(
                "candidate:t{index} {COMPONENT} TCP {priority} {address} {port} typ host tcptype passive"
            ));
        }
        lines
    }

    /// Whether TCP connections to one of the machine's addresses arrive.
    #[must_use]
    pub fn listens_on(&self, address: IpAddr) -> bool {
        self.tcp.is_some_and(|listening| match listening.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.is_ipv4(),
            // Linux takes IPv4 connections there, too.
            IpAddr::V6(ip) if ip.is_unspecified() => true,
            ip => ip == address,
        })
    }
}

/// RFC 8445 section 5.1.2.1.
fn priority(kind: u32, local: u32) -> u32 {
    (kind << 24) | (local << 8) | (256 - COMPONENT)
}

/// Those of a machine's addresses that candidates are made of: the ones that are `wanted` and there, or
/// without such a wish all but those that lead nowhere else; only where there is none, loopback.
#[must_use]
pub fn usable(found: &[IpAddr], wanted: &[IpAddr]) -> Vec<IpAddr> {
    let mut usable = Vec::new();
    let pick = |usable: &mut Vec<IpAddr>, fits: &dyn Fn(IpAddr) -> bool| {
        for address in found.iter().copied().filter(|address| fits(*address)) {
            if usable.len() < MAX_ADDRESSES && !usable.contains(&address) {
                usable.push(address);
            }
        }
    };
    if wanted.is_empty() {
        pick(&mut usable, &leads_elsewhere);
        if usable.is_empty() {
            pick(&mut usable, &|address| address.is_loopback());
        }
    } else {
        for address in wanted {
            pick(&mut usable, &|found| found == *address);
        }
    }
    usable
}

/// Link-local addresses need an interface beside them, which a candidate cannot name (RFC 8445 section
/// 5.1.1.1).
fn leads_elsewhere(address: IpAddr) -> bool {
    let local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(local || address.is_unspecified() || address.is_multicast() || address.is_loopback())
}

/// What a datagram is, by its first byte (RFC 7983 section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagram {
    /// STUN: for the ICE agent.
    Stun,
    /// DTLS, RTP or RTCP: for whom it comes.
    Media,
    /// Nothing that belongs here.
    Other,
}

impl Datagram {
    /// Looks at it.
    #[must_use]
    pub fn of(datagram: &[u8]) -> Self {
        match datagram.first() {
            Some(0..=3) => Self::Stun,
            Some(20..=63 | 128..=191) => Self::Media,
            Some(_) | None => Self::Other,
        }
    }
}

/// The transaction id of a STUN message (RFC 8489 section 5), by which an answer finds its question.
#[must_use]
pub fn transaction(message: &[u8]) -> Option<[u8; 12]> {
    message.get(8..20)?.try_into().ok()
}

/// Whether a STUN message is a request (RFC 8489 section 5).
#[must_use]
pub fn is_request(message: &[u8]) -> bool {
    message.first().zip(message.get(1)).is_some_and(|(high, low)| high & 0x01 == 0 && low & 0x10 == 0)
}

/// The XOR-MAPPED-ADDRESS of a success response to a Binding request (RFC 8489 sections 5 and 14.2). A server that
/// is asked without a password signs nothing.
#[must_use]
pub fn mapped_address(message: &[u8]) -> Option<SocketAddr> {
    const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    let pad: [u8; 16] = message.get(4..20)?.try_into().ok()?;
    let mut rest = message.strip_prefix(&[1, 1]).and_then(|_| message.get(20..))?;
    if pad.get(..4)? != COOKIE {
        return None;
    }
    while let Some((&[k1, k2, l1, l2], behind)) = rest.split_first_chunk::<4>() {
        let len = usize::from(u16::from_be_bytes([l1, l2]));
        let value = behind.get(..len)?;
        if u16::from_be_bytes([k1, k2]) == XOR_MAPPED_ADDRESS {
            let (&[_, family, p1, p2], address) = value.split_first_chunk::<4>()?;
            let port = u16::from_be_bytes([p1, p2]) ^ 0x2112;
            let mut bytes = [0; 16];
            let plain =
                bytes.iter_mut().zip(address.iter().zip(pad)).map(|(to, (from, pad))| *to = from ^ pad);
            let ip = match (family, plain.count()) {
                (1, 4) => IpAddr::from(<[u8; 4]>::try_from(bytes.get(..4)?).ok()?),
                (2, 16) => IpAddr::from(bytes),
                _ => return None,
            };
            return Some(SocketAddr::new(ip, port));
        }
        rest = behind.get(len.next_multiple_of(4)..)?;
    }
    None
}

/// Whether a TCP connection that begins with this byte carries ICE (RFC 4571, RFC 6544): its first
/// datagram is a STUN request of less than 256 bytes, so the upper byte of its length is 0. TLS begins
/// with 22, HTTP with a letter.
#[must_use]
pub fn is_framed(first: u8) -> bool {
    first == 0
}

/// The longest datagram that is taken from a TCP stream; DTLS handshakes have up to about 1,500 bytes.
pub const MAX_FRAME: usize = 4096;

/// Datagrams in a TCP stream: each behind its length in two bytes (RFC 4571 section 2).
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
}

/// A datagram is longer than [`MAX_FRAME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a datagram of {0} bytes; at most {MAX_FRAME} are taken")]
pub struct TooLong(usize);

impl Frames {
    /// Takes what has arrived; hands each datagram that is complete to `each`.
    ///
    /// # Errors
    /// [`TooLong`]: nothing that follows can be read.
    pub fn take(&mut self, arrived: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), TooLong> {
        self.waiting.extend_from_slice(arrived);
        let mut rest = self.waiting.as_slice();
        while let Some((&[high, low], body)) = rest.split_first_chunk::<2>() {
            let len = usize::from(u16::from_be_bytes([high, low]));
            if len > MAX_FRAME {
                return Err(TooLong(len));
            }
            let Some((frame, behind)) = body.split_at_checked(len) else { break };
            each(frame);
            rest = behind;
        }
        let taken = self.waiting.len() - rest.len();
        self.waiting.drain(..taken);
        Ok(())
    }

    /// Puts a datagram behind its length. One that is too long for it is left out.
    pub fn put(stream: &mut Vec<u8>, datagram: &[u8]) {
        if let Ok(len) = u16::try_from(datagram.len()) {
            stream.extend_from_slice(&len.to_be_bytes());
            stream.extend_from_slice(datagram);
        }
    }
}

/// How many of `sizes`, from the first on, can go to the kernel as one (UDP GSO): all of the size of the
/// first but for the last, which may be smaller; together no more than `most` bytes and `segments`.
#[must_use]
pub fn run(sizes: &[usize], segments: usize, most: usize) -> usize {
    let Some(first) = sizes.first().copied() else { return 0 };
    let mut bytes = 0;
    let mut count = 0;
    for size in sizes.iter().take(segments.max(1)) {
        bytes += size;
        if count > 0 && (*size > first || bytes > most) {
            break;
        }
        count += 1;
        if *size < first {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::candidate::Candidate;
    use proptest::prelude::*;

    fn paths() -> Paths {
        Paths {
            addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
            advertised: vec![Advertised { address: "203.0.113.9".parse().unwrap(), port: Some(443) }],
            reflexive: vec![("198.51.100.4:61000".parse().unwrap(), "192.0.2.7".parse().unwrap())],
            udp: 8443,
            tcp: Some("0.0.0.0:8443".parse().unwrap()),
        }
    }

    #[test]
    fn every_way_to_the_daemon_is_a_candidate_and_udp_comes_first() {
        assert_eq!(
            paths().candidates(),
            [
                "candidate:u0 1 UDP 2130706431 192.0.2.7 8443 typ host",
                "candidate:u1 1 UDP 2130706175 2001:db8::7 8443 typ host",
                "candidate:u2 1 UDP 2130705919 203.0.113.9 443 typ host",
                "candidate:r0 1 UDP 1694498815 198.51.100.4 61000 typ srflx raddr 192.0.2.7 rport 8443",
                "candidate:t0 1 TCP 2124414975 192.0.2.7 8443 typ host tcptype passive",
                "candidate:t2 1 TCP 2124414463 203.0.113.9 443 typ host tcptype passive",
            ]
        );
    }

    #[test]
    fn every_candidate_is_one_that_would_be_taken_from_a_client() {
        let lines = paths().candidates();
        let best: Vec<_> = lines.iter().map(|line| Candidate::parse(line).unwrap().to_string()).collect();
        assert_eq!(best, lines);
    }

    #[test]
    fn a_reflexive_candidate_that_is_known_already_is_left_out() {
        let mut paths = paths();
        paths.reflexive = vec![("192.0.2.7:8443".parse().unwrap(), "192.0.2.7".parse().unwrap())];
        assert!(!paths.candidates().iter().any(|line| line.contains("srflx")));
    }

    #[test]
    fn without_a_listener_on_it_an_address_has_no_tcp() {
        let mut paths = paths();
        paths.advertised.clear();
        paths.tcp = Some("127.0.0.1:8443".parse().unwrap());
        assert!(!paths.candidates().iter().any(|line| line.contains("TCP")));
        paths.tcp = Some("[::]:8443".parse().unwrap());
        assert_eq!(paths.candidates().iter().filter(|line| line.contains("TCP")).count(), 2);
    }

    #[test]
    fn addresses_that_lead_nowhere_are_passed_over_unless_asked_for() {
        let found: Vec<IpAddr> =
            ["127.0.0.1", "192.0.2.7", "169.254.3.4", "fe80::1", "::1", "2001:db8::7", "192.0.2.7"]
                .iter()
                .map(|text| text.parse().unwrap())
                .collect();
        let texts = |list: Vec<IpAddr>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(usable(&found, &[])), ["192.0.2.7", "2001:db8::7"]);
        assert_eq!(texts(usable(&found[..1], &[])), ["127.0.0.1"]);
        let wanted = ["127.0.0.1".parse().unwrap(), "203.0.113.1".parse().unwrap()];
        assert_eq!(texts(usable(&found, &wanted)), ["127.0.0.1"]);
    }

    #[test]
    fn the_first_byte_says_what_a_datagram_is() {
        assert_eq!(Datagram::of(&[0, 1, 0, 0]), Datagram::Stun);
        assert_eq!(Datagram::of(&[22, 254, 253]), Datagram::Media);
        assert_eq!(Datagram::of(&[0x80, 200]), Datagram::Media);
        assert_eq!(Datagram::of(b"GET / HTTP/1.1"), Datagram::Other);
        assert_eq!(Datagram::of(&[]), Datagram::Other);
        assert!(is_framed(0) && !is_framed(0x16) && !is_framed(b'G'));
    }

    #[test]
    fn requests_and_answers_are_told_apart() {
        assert!(is_request(&[0, 1]));
        assert!(!is_request(&[1, 1]));
        assert!(!is_request(&[1, 0x11]));
        assert!(!is_request(&[0, 0x11]));
        assert!(!is_request(&[0]));
    }

    #[test]
    fn the_answers_of_rfc_5769_name_their_addresses() {
        // Sections 2.2 and 2.3, without what comes behind the address.
        let head = [1, 1, 0, 0x3c, 0x21, 0x12, 0xa4, 0x42];
        let id = [0xb7, 0xe7, 0xa7, 1, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
        let software =
            [0x80, 0x22, 0, 11, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20];
        let v4 = [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let message = [&head[..], &id, &software, &v4].concat();
        assert_eq!(mapped_address(&message), Some("192.0.2.1:32853".parse().unwrap()));
        let v6 = [
            0, 0x20, 0, 20, 0, 2, 0xa1, 0x47, 1, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4,
            0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        let message = [&head[..], &id, &software, &v6].concat();
        let expected = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        assert_eq!(mapped_address(&message), Some(expected));
        for end in 0..message.len() {
            assert_eq!(mapped_address(&message[..end]), None);
        }
    }

    #[test]
    fn runs_end_with_the_first_smaller_datagram() {
        assert_eq!(run(&[1200, 1200, 1200, 300, 1200], 64, 65_000), 4);
        assert_eq!(run(&[300, 1200], 64, 65_000), 1);
        assert_eq!(run(&[1200; 100], 64, 65_000), 54);
        assert_eq!(run(&[100; 100], 64, 65_000), 64);
        assert_eq!(run(&[100, 100], 1, 65_000), 1);
        assert_eq!(run(&[], 64, 65_000), 0);
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_the_stream_is_cut(
            datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            cuts in prop::collection::vec(1usize..500, 1..40),
        ) {
            let mut stream = Vec::new();
            for datagram in &datagrams {
                Frames::put(&mut stream, datagram);
            }
            let (mut frames, mut out) = (Frames::default(), Vec::new());
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                frames.take(now, |datagram| out.push(datagram.to_vec())).unwrap();
                rest = later;
            }
            prop_assert_eq!(out, datagrams);
        }

        #[test]
        fn no_stream_is_kept_beyond_one_frame(stream in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let mut frames = Frames::default();
            for part in stream.chunks(700) {
                if frames.take(part, |_| {}).is_err() {
                    break;
                }
                prop_assert!(frames.waiting.len() <= MAX_FRAME + 2);
            }
        }
    }
}
