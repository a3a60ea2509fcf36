//! STUN and TURN servers: each is asked as a viewer's browser will ask it.
//!
//! Never shows a login.

use super::finding::{Area, Finding};
use super::side_by_side::Check;
use super::turn::{self, Credentials, Failure, Wire};
use super::wire::{self, Udp};
use crate::config::{IceServer, Login};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

const AREA: Area = Area::IceServers;
/// The name, and a few requests to two addresses.
const WITHIN: Duration = Duration::from_secs(20);
/// Addresses of a name that are tried.
const ADDRESSES: usize = 2;

/// How a URL says that the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
    Tls,
    /// TLS over UDP.
    Dtls,
}

/// A URL (RFC 7064, RFC 7065).
#[derive(Debug, PartialEq, Eq)]
struct Server {
    url: String,
    turn: bool,
    transport: Transport,
    host: String,
    port: u16,
}

impl Server {
    /// The configuration takes no others.
    fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let transport = match (scheme, query) {
            ("turns", "transport=udp") => Transport::Dtls,
            ("turns", _) => Transport::Tls,
            (_, "transport=tcp") => Transport::Tcp,
            _ => Transport::Udp,
        };
        let default = if scheme == "turns" { 5349 } else { 3478 };
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Some(default), |port| port.parse().ok())?;
        Some(Self {
            url: url.to_owned(),
            turn: scheme.starts_with("turn"),
            transport,
            host: host.to_owned(),
            port,
        })
    }
}

/// Begins to ask all of them. `own` are the machine's addresses; `login` makes one that is good now.
pub(super) fn begin(
    servers: &[IceServer],
    own: &[IpAddr],
    login: impl Fn(&IceServer) -> Option<(String, String)>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for server in servers {
        let made = matches!(server.login, Login::Made { .. });
        for at in server.urls.iter().filter_map(|url| Server::parse(url)) {
            let login = login(server).filter(|_| at.turn);
            let (url, own) = (at.url.clone(), own.to_vec());
            checks.push(Check::begin(AREA, url, WITHIN, move || vec![ask(&at, &own, login, made)]));
        }
    }
    checks
}

fn ask(server: &Server, own: &[IpAddr], login: Option<(String, String)>, made: bool) -> Finding {
    let url = &server.url;
    if server.transport == Transport::Dtls {
        let finding = format!("{url} is not tried: it is TLS over UDP");
        return Finding::note(
            AREA,
            finding,
            "name it with transport=tcp as well: browsers speak TLS to it over TCP alone",
        );
    }
    let found = match (server.host.as_str(), server.port).to_socket_addrs() {
        Ok(found) => found.take(ADDRESSES).collect::<Vec<_>>(),
        Err(error) => {
            let finding = format!("{url}: the name {} is not found ({error})", server.host);
            return Finding::problem(
                AREA,
                finding,
                "look whether it is spelt right, and whether this machine resolves names at all",
            );
        }
    };
    let mut last = Failure::Wire(io::ErrorKind::AddrNotAvailable.into());
    let login = login.map(|(username, password)| Credentials { username, password });
    for address in found {
        let asked = match &login {
            Some(login) => logged_in(server, address, login)
                .map(|relayed| format!("{url} takes the login, and relays at {relayed}")),
            None => seen(address, own).map(|how| format!("{url} answers: {how}")),
        };
        match asked {
            Ok(finding) => return Finding::ok(AREA, finding),
            Err(failure) => last = failure,
        }
    }
    Finding::problem(
        AREA,
        format!("{url}: {}", in_words(&last, server.transport)),
        remedy(&last, server, made),
    )
}

/// What a STUN server sees of this machine.
fn seen(server: SocketAddr, own: &[IpAddr]) -> Result<String, Failure> {
    let mut wire = Udp::connect(server)?;
    let mapped = turn::binding(&mut wire)?;
    let address = mapped.ip().to_canonical();
    Ok(if own.contains(&address) {
        format!("it sees this machine at its own address {address}, without a router between")
    } else if mapped.port() == wire.local()?.port() {
        format!("it sees this machine at {address}, behind a router that keeps port numbers")
    } else {
        format!("it sees this machine at {address}, behind a router")
    })
}

fn logged_in(server: &Server, address: SocketAddr, login: &Credentials) -> Result<SocketAddr, Failure> {
    fn by(mut wire: impl Wire, login: &Credentials) -> Result<SocketAddr, Failure> {
        turn::allocate(&mut wire, login)
    }
    match server.transport {
        Transport::Udp | Transport::Dtls => by(Udp::connect(address)?, login),
        Transport::Tcp => by(wire::tcp(address)?, login),
        Transport::Tls => by(wire::tls(address, &server.host)?, login),
    }
}

fn in_words(failure: &Failure, transport: Transport) -> String {
    let by = match transport {
        Transport::Udp | Transport::Dtls => "UDP",
        Transport::Tcp | Transport::Tls => "TCP",
    };
    match failure {
        Failure::Wire(error) => match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => format!("no answer by {by}"),
            io::ErrorKind::ConnectionRefused => format!("nobody listens there by {by}"),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "it ends the connection".to_owned()
            }
            _ if transport == Transport::Tls => format!("no connection by TLS: {error}"),
            _ => format!("it is not reached by {by}: {error}"),
        },
        Failure::Refused { code: 401, with_login: true, .. } => "it refuses the login (401)".to_owned(),
        Failure::Refused { .. } | Failure::Garbled(_) => failure.to_string(),
    }
}

fn remedy(failure: &Failure, server: &Server, made: bool) -> String {
    match failure {
        Failure::Wire(_) => {
            let tls = if server.transport == Transport::Tls { "; its certificate has to be one that browsers trust" } else { "" };
            format!("look whether the server runs, whether {} is its port, and whether a firewall is between{tls}", server.port)
        }
        Failure::Refused { code: 401 | 441, .. } if made => {
            "have the same secret on both sides (coturn: static-auth-secret), and clocks that agree".to_owned()
        }
        Failure::Refused { code: 401 | 441, .. } => {
            "have username and credential as the server knows them (coturn: user=NAME:PASSWORD, and lt-cred-mech)".to_owned()
        }
        Failure::Refused { code: 300, .. } => "name the server that it points to".to_owned(),
        Failure::Refused { code: 403, .. } => {
            "the server's own rules forbid it: see its log and its configuration".to_owned()
        }
        Failure::Refused { code: 437, .. } => {
            "it still holds a relay for this address and port: wait a minute, and try again".to_owned()
        }
        Failure::Refused { code: 442, .. } => "the server has to relay UDP: see its configuration".to_owned(),
        Failure::Refused { code: 486, .. } => "raise the server's quota (coturn: user-quota, total-quota)".to_owned(),
        Failure::Refused { code: 508, .. } => {
            "give the server more ports to relay at (coturn: min-port, max-port), or wait".to_owned()
        }
        Failure::Refused { .. } => "see the server's log".to_owned(),
        Failure::Garbled(_) => format!("look whether {} is the port of a STUN or TURN server", server.port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_the_server_is_and_how_it_is_reached() {
        let told = |url: &str| {
            let Server { turn, transport, host, port, .. } = Server::parse(url).unwrap();
            (turn, transport, host, port)
        };
        assert_eq!(told("stun:a.example"), (false, Transport::Udp, "a.example".into(), 3478));
        assert_eq!(told("turn:a.example:99"), (true, Transport::Udp, "a.example".into(), 99));
        assert_eq!(told("turn:[::1]?transport=tcp"), (true, Transport::Tcp, "::1".into(), 3478));
        assert_eq!(told("turns:[::1]:443"), (true, Transport::Tls, "::1".into(), 443));
        assert_eq!(told("turns:a?transport=udp"), (true, Transport::Dtls, "a".into(), 5349));
    }

    #[test]
    fn every_failure_has_its_words_and_its_remedy() {
        let server = Server::parse("turns:turn.example.org").unwrap();
        let refused = |code| Failure::Refused { code, reason: "Why".into(), with_login: true };
        let (mut words, mut remedies) = (Vec::new(), Vec::new());
        for code in [300, 401, 403, 437, 442, 486, 508, 599] {
            words.push(in_words(&refused(code), Transport::Udp));
            remedies.push(remedy(&refused(code), &server, false));
            assert!(words.last().unwrap().contains(&code.to_string()), "{words:?}");
        }
        remedies.push(remedy(&refused(401), &server, true));
        for kind in [io::ErrorKind::TimedOut, io::ErrorKind::ConnectionRefused, io::ErrorKind::UnexpectedEof]
        {
            words.push(in_words(&Failure::Wire(kind.into()), Transport::Tls));
        }
        let (said, advised) = (words.len(), remedies.len());
        words.sort_unstable();
        words.dedup();
        remedies.sort_unstable();
        remedies.dedup();
        assert_eq!((words.len(), remedies.len()), (said, advised), "{words:?} {remedies:?}");
        assert!(
            remedy(&Failure::Wire(io::ErrorKind::TimedOut.into()), &server, false).contains("certificate")
        );
    }
}
