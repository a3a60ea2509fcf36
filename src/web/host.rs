//! What this machine is called and which addresses it has.
//!
//! Only for links, certificates and the check of `Host`; nothing is sent.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// The host's name; empty when it has none that can be written.
pub(crate) fn name() -> String {
    gethostname::gethostname().into_string().unwrap_or_default()
}

/// Every address of its interfaces, loopback among them; link-local IPv6 addresses, which need a
/// zone to be reached, left out.
pub(crate) fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> =
        interfaces.iter().map(if_addrs::Interface::ip).filter(|ip| !is_link_local_v6(ip)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// The address under which other machines most likely reach this one: that of the default route,
/// or else the first that is not loopback. Connecting a UDP socket sends nothing.
pub(crate) fn main_address() -> Option<IpAddr> {
    let by_route = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        // 192.0.2.1 is set aside for documentation (RFC 5737): no machine has it.
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
    };
    by_route().or_else(|| addresses().into_iter().find(|ip| !ip.is_loopback()))
}

/// Where a browser goes for a listening address: the address itself, or for `0.0.0.0` and `[::]`
/// one that can be reached.
pub(crate) fn reachable(listening: SocketAddr) -> IpAddr {
    match listening.ip().to_canonical() {
        ip if ip.is_unspecified() => main_address().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ip => ip,
    }
}

fn is_link_local_v6(ip: &IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_becomes_an_address_that_a_browser_can_open() {
        for wildcard in ["0.0.0.0:1", "[::]:1"] {
            assert!(!reachable(wildcard.parse().unwrap()).is_unspecified());
        }
        let given = "192.0.2.7:1".parse().unwrap();
        assert_eq!(reachable(given).to_string(), "192.0.2.7");
    }

    #[test]
    fn loopback_is_among_the_addresses() {
        assert!(addresses().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
