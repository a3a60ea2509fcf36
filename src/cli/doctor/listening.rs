//! Where the page and the pictures are listened for: whether the ports can be had, who has them, and
//! whether what is sent to them on this machine arrives.
//!
//! Takes a port only for the moment, and never one that somebody has.

use super::finding::{Area, Finding};
use super::holder::{self, Holder, Protocol};
use crate::config::Config;
use crate::core::ice::Paths;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const AREA: Area = Area::Listening;
/// Between two sockets of one machine.
const ROUND_TRIP: Duration = Duration::from_secs(1);
const OPEN_IT: &str = "a firewall of this machine drops it: open the port there, TCP and UDP both (`ufw status`, \
                       `firewall-cmd --list-all` or `nft list ruleset` show what is closed)";

/// The page's address.
pub(super) fn page(config: &Config, paths: &Paths, running: Option<&str>) -> Vec<Finding> {
    let address = config.server.listen;
    if address.port() == 0 {
        return vec![Finding::ok(AREA, format!("the page takes any free port of {}", address.ip()))];
    }
    let listener = TcpListener::bind(address);
    let mut findings = vec![match &listener {
        Ok(_) => Finding::ok(AREA, format!("TCP {address} is free for the page")),
        Err(error) => taken(error, address, running),
    }];
    let own = running.is_some() && findings.iter().all(|finding| finding.remedy.is_none());
    if listener.is_ok() || own {
        let listens = Paths { tcp: Some(address), ..paths.clone() };
        for ip in paths.addresses.iter().filter(|ip| listens.listens_on(**ip)) {
            let to = SocketAddr::new(*ip, address.port());
            if let Err(error) = TcpStream::connect_timeout(&to, ROUND_TRIP) {
                findings.push(Finding::problem(
                    AREA,
                    format!("TCP to {to} does not arrive: {error}"),
                    OPEN_IT,
                ));
            }
        }
    }
    findings
}

fn taken(error: &io::Error, address: SocketAddr, running: Option<&str>) -> Finding {
    let listen = "server.listen";
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let holder = holder::of(Protocol::Tcp, address.port());
            match running.filter(|_| is_vitrina(holder.as_ref())) {
                Some(daemon) => Finding::ok(AREA, format!("the running daemon has TCP {address}: {daemon}")),
                None => Finding::problem(
                    AREA,
                    format!("TCP {address} is taken by {}", named(holder.as_ref())),
                    format!("end that program, or choose another port in {listen}"),
                ),
            }
        }
        io::ErrorKind::PermissionDenied => Finding::problem(
            AREA,
            format!("TCP {address} may not be taken: ports below 1024 need a privilege"),
            format!(
                "choose a port from 1024 on in {listen}, or give the service \
                 AmbientCapabilities=CAP_NET_BIND_SERVICE (`systemctl edit vitrina`)"
            ),
        ),
        io::ErrorKind::AddrNotAvailable => Finding::problem(
            AREA,
            format!("no interface of this machine has the address {}", address.ip()),
            format!("name one that it has in {listen}, or 0.0.0.0 for all"),
        ),
        _ => Finding::problem(
            AREA,
            format!("TCP {address} cannot be taken: {error}"),
            format!("choose another address in {listen}"),
        ),
    }
}

/// The UDP port of pictures and sound.
pub(super) fn media(config: &Config, paths: &Paths, running: Option<&str>) -> Vec<Finding> {
    let (port, fixed) = (paths.udp, config.network.port.is_some());
    if port == 0 {
        return vec![Finding::ok(AREA, "pictures and sound take any free UDP port")];
    }
    match sockets(port) {
        Ok(sockets) => {
            let arrived = arrived(&sockets, &paths.addresses, port);
            let mut findings =
                vec![Finding::ok(AREA, format!("UDP port {port} is free for pictures and sound"))];
            for lost in paths.addresses.iter().filter(|address| !arrived.contains(address)) {
                let to = SocketAddr::new(*lost, port);
                findings.push(Finding::problem(AREA, format!("UDP to {to} does not arrive"), OPEN_IT));
            }
            findings
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let holder = holder::of(Protocol::Udp, port);
            let by = named(holder.as_ref());
            vec![if running.is_some() && is_vitrina(holder.as_ref()) {
                Finding::ok(AREA, format!("the running daemon has UDP port {port}"))
            } else if fixed {
                let finding = format!("UDP port {port} is taken by {by}");
                Finding::problem(AREA, finding, "end that program, or choose another network.port")
            } else {
                Finding::note(
                    AREA,
                    format!("UDP port {port} is taken by {by}: pictures and sound get any other"),
                    "where a firewall opens single ports, name a free one in network.port and open that",
                )
            }]
        }
        Err(error) => {
            let finding = format!("UDP port {port} cannot be taken: {error}");
            vec![Finding::problem(AREA, finding, "choose another network.port")]
        }
    }
}

/// A holder that nobody may see is the daemon that runs: it is another user's.
fn is_vitrina(holder: Option<&Holder>) -> bool {
    holder.is_none_or(|holder| holder.name == "vitrina")
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(
        || "another user's program (root sees which: `ss -tulpn`)".to_owned(),
        ToString::to_string,
    )
}

/// The port, as the daemon takes it: for IPv4, and for IPv6 where there is some.
fn sockets(port: u16) -> io::Result<Vec<UdpSocket>> {
    let bind = |ip: IpAddr| -> io::Result<UdpSocket> {
        let address = SocketAddr::new(ip, port);
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.set_nonblocking(true)?;
        Ok(UdpSocket::from(socket))
    };
    let v6 = bind(Ipv6Addr::UNSPECIFIED.into());
    match (bind(Ipv4Addr::UNSPECIFIED.into()), v6) {
        (Ok(v4), Ok(v6)) => Ok(vec![v4, v6]),
        (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(vec![one]),
        (Err(error), Err(_)) => Err(error),
    }
}

/// To which of the addresses datagrams arrive.
fn arrived(sockets: &[UdpSocket], addresses: &[IpAddr], port: u16) -> Vec<IpAddr> {
    // What else comes to the port is not of these; each datagram says to which address it went.
    let mark = format!("vitrina doctor {} ", std::process::id());
    for address in addresses {
        let any: IpAddr =
            if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // One that cannot be sent does not arrive.
        let _ = UdpSocket::bind((any, 0))
            .and_then(|from| from.send_to(format!("{mark}{address}").as_bytes(), (*address, port)));
    }
    let (mut arrived, until) = (Vec::new(), Instant::now() + ROUND_TRIP);
    let mut bytes = [0; 128];
    while arrived.len() < addresses.len() && Instant::now() < until {
        let before = arrived.len();
        for socket in sockets {
            let Ok((len, _)) = socket.recv_from(&mut bytes) else { continue };
            let text = bytes.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let address =
                text.and_then(|text| text.strip_prefix(&mark)).and_then(|address| address.parse().ok());
            arrived.extend(address.filter(|address| addresses.contains(address)));
        }
        if arrived.len() == before {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    arrived
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_to_an_own_address_arrives_and_to_another_it_does_not() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = socket.local_addr().unwrap().port();
        let (here, elsewhere) = ("127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap());
        assert_eq!(arrived(&[socket], &[here, elsewhere], port), [here]);
    }

    #[test]
    fn a_port_below_1024_and_a_foreign_address_are_told_with_what_to_do() {
        let address = "0.0.0.0:443".parse().unwrap();
        for (kind, words) in [
            (io::ErrorKind::PermissionDenied, "CAP_NET_BIND_SERVICE"),
            (io::ErrorKind::AddrNotAvailable, "0.0.0.0 for all"),
            (io::ErrorKind::Other, "another address"),
        ] {
            let finding = taken(&kind.into(), address, None);
            assert!(finding.remedy.as_ref().unwrap().contains(words), "{finding:?}");
        }
    }
}
