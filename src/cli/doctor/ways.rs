//! The ways to this machine that a viewer is told, and what they mean for viewers elsewhere.

use super::finding::{Area, Finding};
use crate::config::Config;
use crate::core::ice::{Paths, usable};
use std::net::IpAddr;

const AREA: Area = Area::Network;

/// As the daemon has them when it starts; what STUN servers see is looked at elsewhere.
pub(super) fn paths(config: &Config, found: &[IpAddr]) -> Paths {
    let listening = config.server.listen;
    Paths {
        addresses: usable(found, &config.network.addresses),
        advertised: config.network.advertise.clone(),
        reflexive: Vec::new(),
        udp: config.network.port.unwrap_or(listening.port()),
        tcp: config.network.tcp.then_some(listening),
    }
}

/// What is to be said of them. `found` are all addresses of the machine.
pub(super) fn findings(config: &Config, paths: &Paths, found: &[IpAddr]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let missing: Vec<String> =
        config.network.addresses.iter().filter(|ip| !found.contains(ip)).map(ToString::to_string).collect();
    let list = "name those that it has (`ip address`), or none for all of them";
    if paths.addresses.is_empty() && paths.advertised.is_empty() {
        let finding = "viewers are told no address: this machine has none of network.addresses";
        return vec![Finding::problem(AREA, finding, list)];
    }
    if !missing.is_empty() {
        let finding = format!("network.addresses has what this machine has not: {}", missing.join(", "));
        findings.push(Finding::note(AREA, finding, list));
    }
    let candidates = paths.candidates();
    let by = |protocol| {
        let ways =
            candidates.iter().filter_map(|line| match line.split(' ').collect::<Vec<_>>().as_slice() {
                [_, _, kind, _, address, port, ..] if *kind == protocol => Some(written(address, port)),
                _ => None,
            });
        ways.collect::<Vec<_>>().join(", ")
    };
    findings.push(Finding::ok(AREA, format!("viewers are told UDP {}", by("UDP"))));
    findings.push(match by("TCP") {
        none if none.is_empty() && !config.network.tcp => Finding::note(
            AREA,
            "where UDP is blocked there are no pictures: network.tcp is off",
            "leave network.tcp out, and pictures go over the page's port there",
        ),
        none if none.is_empty() => Finding::note(
            AREA,
            format!("where UDP is blocked there are no pictures: the page listens on {} alone", config.server.listen.ip()),
            "if a proxy serves the page, have a TURN server for such viewers; else let server.listen be an address \
             that viewers reach",
        ),
        ways => Finding::ok(AREA, format!("and where UDP is blocked TCP {ways}")),
    });
    findings.extend(outside(config, paths));
    findings.extend(ipv6(config, found));
    findings
}

fn written(address: &str, port: &str) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// Whether viewers of other networks can come.
fn outside(config: &Config, paths: &Paths) -> Option<Finding> {
    let mut told = paths.addresses.iter().copied().chain(paths.advertised.iter().map(|other| other.address));
    if paths.addresses.iter().all(IpAddr::is_loopback) && paths.advertised.is_empty() {
        return Some(Finding::note(
            AREA,
            "only browsers on this machine can watch: it has no address but loopback",
            "connect it to a network, or leave network.addresses out",
        ));
    }
    if told.any(is_public) {
        let finding = "viewers of other networks can come, if no firewall is between";
        return Some(Finding::ok(AREA, finding));
    }
    if !config.network.ice_servers.is_empty() {
        // What the servers are good for is said of them.
        return None;
    }
    Some(Finding::note(
        AREA,
        "viewers of other networks cannot come: all addresses are private, behind a router (NAT) or a container's host",
        "if they are to: forward the ports and name the outer address in network.advertise, or take a VPN, or name a STUN \
         or a TURN server in [[network.ice_server]]",
    ))
}

fn ipv6(config: &Config, found: &[IpAddr]) -> Option<Finding> {
    let has_it = found.iter().any(|ip| ip.is_ipv6() && !ip.is_loopback() && usable(&[*ip], &[]).contains(ip));
    match (has_it, config.server.listen.ip()) {
        (true, IpAddr::V4(ip)) if ip.is_unspecified() => Some(Finding::note(
            AREA,
            "the machine has IPv6, and the page listens for IPv4 alone",
            format!(
                "if viewers have IPv6 alone: server.listen = \"[::]:{}\", which takes both",
                config.server.listen.port()
            ),
        )),
        (true, _) => None,
        (false, _) => Some(Finding::ok(AREA, "no IPv6 here: viewers come by IPv4")),
    }
}

/// Whether an address is one of the internet's (RFC 1918, RFC 6598, RFC 4193, RFC 3927).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = matches!(v4.octets(), [100, 64..=127, ..]);
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(v4.into()),
            None => {
                !(v6.is_loopback()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || v6.is_unspecified())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::config::Environment;

    fn told(toml: &str, found: &[&str]) -> Vec<(Level, String)> {
        let environment = Environment { home: Some("/home/ana".into()), ..Environment::empty() };
        let config = Config::parse(toml, None, &environment).unwrap();
        let found: Vec<IpAddr> = found.iter().map(|ip| ip.parse().unwrap()).collect();
        let findings = findings(&config, &paths(&config, &found), &found);
        findings.into_iter().map(|finding| (finding.level, finding.finding)).collect()
    }

    fn has(told: &[(Level, String)], level: Level, words: &str) {
        assert!(told.iter().any(|(l, finding)| *l == level && finding.contains(words)), "{words}: {told:?}");
    }

    #[test]
    fn private_addresses_alone_are_told_as_what_they_are() {
        let told = told("", &["127.0.0.1", "192.168.1.20"]);
        has(&told, Level::Ok, "viewers are told UDP 192.168.1.20:8443");
        has(&told, Level::Ok, "where UDP is blocked TCP 192.168.1.20:8443");
        has(&told, Level::Note, "all addresses are private");
        has(&told, Level::Ok, "no IPv6");
    }

    #[test]
    fn an_advertised_address_lets_viewers_come_from_elsewhere() {
        let told = told("[network]\nadvertise = [\"203.0.113.7:9000\"]\n", &["127.0.0.1", "10.0.0.2"]);
        has(&told, Level::Ok, "10.0.0.2:8443, 203.0.113.7:9000");
        has(&told, Level::Ok, "viewers of other networks can come");
    }

    #[test]
    fn a_page_for_ipv4_alone_on_a_machine_with_ipv6_is_told() {
        let found = ["127.0.0.1", "192.168.1.20", "2001:db8::20"];
        has(&told("", &found), Level::Note, "listens for IPv4 alone");
        let both = told("[server]\nlisten = \"[::]:8443\"\n", &found);
        assert!(!both.iter().any(|(_, finding)| finding.contains("IPv4 alone")), "{both:?}");
        has(&both, Level::Ok, "[2001:db8::20]:8443");
    }

    #[test]
    fn addresses_that_are_not_there_are_a_problem_when_none_is_left() {
        let config = "[network]\naddresses = [\"192.168.1.20\", \"10.9.9.9\"]\n";
        has(&told(config, &["127.0.0.1", "192.168.1.20"]), Level::Note, "10.9.9.9");
        has(&told(config, &["127.0.0.1"]), Level::Problem, "no address");
    }

    #[test]
    fn which_addresses_are_the_internets() {
        for private in [
            "10.1.1.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.1.1",
            "127.0.0.1",
            "fd00::1",
            "::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["203.0.113.7", "100.128.0.1", "2001:db8::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
