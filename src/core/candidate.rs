//! ICE candidates as text (RFC 8839 section 5.1, RFC 6544 section 4.5).
//!
//! Owns the check that stands between a client's candidate and the ICE agent, and the new text
//! that the agent is given. Never resolves a name; how many candidates a viewer may send is kept
//! by its session.

use super::ice::{MAX_UFRAG, is_ice_char, is_ufrag};
use super::mistake_kind::kind_of;
use std::fmt;
use std::net::IpAddr;

/// The longest candidate, in bytes after `candidate:`. Browsers write about 200.
pub const MAX_CANDIDATE: usize = 1024;

/// The highest priority (RFC 8445 section 5.1.2).
const MAX_PRIORITY: u32 = 0x7fff_ffff;
/// The port of a TCP candidate that only connects (RFC 6544 section 4.5).
const DISCARD_PORT: u16 = 9;

/// A candidate that the ICE agent may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    foundation: String,
    transport: Transport,
    priority: u32,
    address: Address,
    port: u16,
    kind: CandidateKind,
    related: Option<(IpAddr, u16)>,
    ufrag: Option<String>,
}

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP, with who connects.
    Tcp(TcpType),
}

/// Who opens a TCP connection (RFC 6544 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpType {
    /// The candidate's owner connects.
    Active,
    /// The candidate's owner listens.
    Passive,
    /// Both at once.
    SimultaneousOpen,
}

/// Where the candidate is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An address.
    Ip(IpAddr),
    /// A name under `.local` that browsers give in the place of a private address
    /// (draft-ietf-mmusic-mdns-ice-candidates).
    Mdns(String),
}

/// How the candidate was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandidateKind {
    /// An address of the machine itself.
    Host,
    /// As a STUN server sees it.
    ServerReflexive,
    /// As the peer sees it.
    PeerReflexive,
    /// On a TURN server.
    Relay,
}

/// Why a candidate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// Longer than [`MAX_CANDIDATE`].
    #[error("it has {0} bytes; at most {MAX_CANDIDATE} are taken")]
    TooLong(usize),
    /// A control character or one beyond ASCII.
    #[error("it holds a control character or one that is not ASCII")]
    Character,
    /// It does not begin with `candidate:`.
    #[error("expected it to begin with 'candidate:'")]
    Prefix,
    /// It ends too early, or its words are not in their places.
    #[error(
        "expected 'candidate:foundation component transport priority address port typ type' and pairs of words after it"
    )]
    Form,
    /// The foundation.
    #[error("expected a foundation of 1 to 32 letters, digits, '+' and '/'")]
    Foundation,
    /// The component.
    #[error("expected component 1, as RTP and RTCP share it")]
    Component,
    /// The transport.
    #[error("expected the transport udp, or tcp with a tcptype of active, passive or so")]
    Transport,
    /// The priority.
    #[error("expected a priority from 1 to {MAX_PRIORITY}")]
    Priority,
    /// The address is not one, or is a name beyond `.local`.
    #[error("expected an IP address or a name under .local")]
    Address,
    /// An address that nobody can be sent to.
    #[error("the address is unspecified, multicast or broadcast")]
    Unreachable,
    /// The port.
    #[error("expected a port from 1 to 65535")]
    Port,
    /// The type.
    #[error("expected one of the types host, srflx, prflx, relay")]
    Kind,
    /// `raddr` and `rport`.
    #[error("expected raddr with an address and rport with a port, together and once")]
    Related,
    /// The user name fragment.
    #[error("expected a ufrag of 4 to {MAX_UFRAG} letters, digits, '+' and '/'")]
    Ufrag,
    /// The generation.
    #[error("expected a number as generation")]
    Generation,
}

impl CandidateError {
    /// What kind of mistake it is, as one word; never the client's.
    #[must_use]
    pub fn kind(&self) -> String {
        kind_of(self)
    }
}

impl Candidate {
    /// Reads a candidate: the attribute with or without `a=`. An empty text, which ends the
    /// candidates, is not one.
    ///
    /// # Errors
    /// [`CandidateError`] when it is not one that the ICE agent may see.
    pub fn parse(text: &str) -> Result<Self, CandidateError> {
        let text = text.strip_prefix("a=").unwrap_or(text);
        Self::parse_value(text.strip_prefix("candidate:").ok_or(CandidateError::Prefix)?)
    }

    /// The same for what follows `candidate:`.
    pub(super) fn parse_value(value: &str) -> Result<Self, CandidateError> {
        if value.len() > MAX_CANDIDATE {
            return Err(CandidateError::TooLong(value.len()));
        }
        if !value.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return Err(CandidateError::Character);
        }
        let mut words = value.split(' ');
        let mut next = || words.next().filter(|word| !word.is_empty()).ok_or(CandidateError::Form);
        let (foundation, component, transport, priority) = (next()?, next()?, next()?, next()?);
        let (address, port, typ, kind) = (next()?, next()?, next()?, next()?);

        if foundation.len() > 32 || !foundation.bytes().all(is_ice_char) {
            return Err(CandidateError::Foundation);
        }
        if component != "1" {
            return Err(CandidateError::Component);
        }
        let priority = number::<u32>(priority)
            .filter(|p| (1..=MAX_PRIORITY).contains(p))
            .ok_or(CandidateError::Priority)?;
        let address = Address::parse(address)?;
        let port = number::<u16>(port).ok_or(CandidateError::Port)?;
        if typ != "typ" {
            return Err(CandidateError::Form);
        }
        let kind = CandidateKind::ALL.into_iter().find(|k| k.name() == kind).ok_or(CandidateError::Kind)?;
        let extensions = Extensions::parse(words)?;
        let transport = match (transport, extensions.tcp_type) {
            (t, None) if t.eq_ignore_ascii_case("udp") => Transport::Udp,
            (t, Some(tcp_type)) if t.eq_ignore_ascii_case("tcp") => Transport::Tcp(tcp_type),
            _ => return Err(CandidateError::Transport),
        };
        let port = match (transport, port) {
            // Nobody connects to it: RFC 6544 asks for 9, some wrote 0.
            (Transport::Tcp(TcpType::Active), _) => DISCARD_PORT,
            (_, 0) => return Err(CandidateError::Port),
            (_, port) => port,
        };
        Ok(Self {
            foundation: foundation.to_owned(),
            transport,
            priority,
            address,
            port,
            kind,
            related: extensions.related,
            ufrag: extensions.ufrag,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether its address is a name under `.local`, which can be dropped when the daemon offers
    /// host candidates of its own: the browser then connects and is seen.
    #[must_use]
    pub fn is_mdns(&self) -> bool {
        matches!(self.address, Address::Mdns(_))
    }

    /// The port; 9 for a TCP candidate that only connects.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How packets travel.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// How it was found.
    #[must_use]
    pub fn kind(&self) -> CandidateKind {
        self.kind
    }

    /// The user name fragment of the ICE generation that it belongs to (RFC 8838), if written.
    #[must_use]
    pub fn ufrag(&self) -> Option<&str> {
        self.ufrag.as_deref()
    }
}

/// Writes it anew, beginning with `candidate:`, from what was understood.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { foundation, transport, priority, address, port, kind, related, ufrag } = self;
        let protocol = match transport {
            Transport::Udp => "UDP",
            Transport::Tcp(_) => "TCP",
        };
        let kind = kind.name();
        write!(f, "candidate:{foundation} 1 {protocol} {priority} {address} {port} typ {kind}")?;
        if let Some((address, port)) = related {
            write!(f, " raddr {address} rport {port}")?;
        }
        if let Transport::Tcp(tcp_type) = transport {
            write!(f, " tcptype {}", tcp_type.name())?;
        }
        if let Some(ufrag) = ufrag {
            write!(f, " ufrag {ufrag}")?;
        }
        Ok(())
    }
}

impl TcpType {
    const ALL: [Self; 3] = [Self::Active, Self::Passive, Self::SimultaneousOpen];

    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        }
    }
}

impl CandidateKind {
    const ALL: [Self; 4] = [Self::Host, Self::ServerReflexive, Self::PeerReflexive, Self::Relay];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relay => "relay",
        }
    }
}

impl Address {
    fn parse(word: &str) -> Result<Self, CandidateError> {
        if let Ok(ip) = word.parse::<IpAddr>() {
            return if is_reachable(ip) { Ok(Self::Ip(ip)) } else { Err(CandidateError::Unreachable) };
        }
        if is_mdns_name(word) { Ok(Self::Mdns(word.to_owned())) } else { Err(CandidateError::Address) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Mdns(name) => f.write_str(name),
        }
    }
}

/// One label under `.local`.
fn is_mdns_name(word: &str) -> bool {
    word.strip_suffix(".local").is_some_and(|label| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

fn is_reachable(ip: IpAddr) -> bool {
    // ::ffff:0.0.0.0 is 0.0.0.0.
    let ip = ip.to_canonical();
    let broadcast = match ip {
        IpAddr::V4(v4) => v4.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// The pairs of words after the type. Those that are not known are passed over.
#[derive(Default)]
struct Extensions {
    related: Option<(IpAddr, u16)>,
    tcp_type: Option<TcpType>,
    ufrag: Option<String>,
}

impl Extensions {
    fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Self, CandidateError> {
        let mut found = Self::default();
        let (mut address, mut port) = (None, None);
        while let Some(name) = words.next() {
            let value = words.next().filter(|_| !name.is_empty()).ok_or(CandidateError::Form)?;
            match name {
                "raddr" => {
                    let parsed = related_address(value).ok_or(CandidateError::Related)?;
                    if address.replace(parsed).is_some() {
                        return Err(CandidateError::Related);
                    }
                }
                "rport" => {
                    let parsed = number::<u16>(value).ok_or(CandidateError::Related)?;
                    if port.replace(parsed).is_some() {
                        return Err(CandidateError::Related);
                    }
                }
                "tcptype" => {
                    let parsed = TcpType::ALL.into_iter().find(|t| t.name() == value);
                    let parsed = parsed.ok_or(CandidateError::Transport)?;
                    if found.tcp_type.replace(parsed).is_some() {
                        return Err(CandidateError::Transport);
                    }
                }
                "ufrag" => {
                    let good = is_ufrag(value);
                    if !good || found.ufrag.replace(value.to_owned()).is_some() {
                        return Err(CandidateError::Ufrag);
                    }
                }
                "generation" => {
                    number::<u32>(value).ok_or(CandidateError::Generation)?;
                }
                _ => {}
            }
        }
        found.related = match (address, port) {
            (Some(address), Some(port)) => Some((address, port)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(CandidateError::Related),
        };
        Ok(found)
    }
}

/// The address behind a reflexive or relayed candidate. It is only for diagnosis, so a browser
/// that hides it writes 0.0.0.0 or a name.
fn related_address(word: &str) -> Option<IpAddr> {
    match word.parse() {
        Ok(ip) => Some(ip),
        Err(_) if is_mdns_name(word) => Some(IpAddr::from([0, 0, 0, 0])),
        Err(_) => None,
    }
}

/// A decimal number of digits alone, without the sign that [`str::parse`] would take.
pub(super) fn number<T: std::str::FromStr>(word: &str) -> Option<T> {
    if word.bytes().all(|b| b.is_ascii_digit()) { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
