//! The page's certificate: whose it is, for which names, until when.

use super::finding::{Area, Finding};
use crate::config::{Config, Tls};
use crate::web::{self, Certificate};
use std::net::IpAddr;
use std::time::SystemTime;

const AREA: Area = Area::Certificate;
/// Who makes certificates renews them a month before their end.
const SOON_DAYS: i64 = 21;

/// What is to be said of it. `own` are the machine's addresses.
pub(super) fn findings(config: &Config, own: &[IpAddr], now: SystemTime) -> Vec<Finding> {
    if config.server.tls == Tls::Off {
        return vec![if config.server.listen.ip().is_loopback() {
            Finding::ok(AREA, "none: the page is served by plain HTTP, on loopback alone")
        } else {
            let finding = "none: whoever is on the way reads what viewers send, also their token or password";
            Finding::note(AREA, finding, "leave server.tls out, or have a proxy in front that encrypts")
        }];
    }
    match web::certificate(config, now) {
        Ok(None) => vec![Finding::ok(AREA, "a self-signed one is made at the first start")],
        Ok(Some(certificate)) => told(&certificate, config, own),
        Err(error) if config.server.tls == Tls::SelfSigned => vec![Finding::note(
            AREA,
            error.to_string(),
            "run this as the daemon's user or as root; where it cannot be used the next start makes another",
        )],
        Err(error) => vec![Finding::problem(
            AREA,
            error.to_string(),
            "have server.certificate be the chain and server.private_key its key, in PEM form, readable by the \
             daemon's user",
        )],
    }
}

fn told(certificate: &Certificate, config: &Config, own: &[IpAddr]) -> Vec<Finding> {
    let Certificate { path, issuer, ends_on, ends_in_days, .. } = certificate;
    let path = path.display();
    let whose = match (certificate.of_user, certificate.self_signed) {
        (false, _) => "made by vitrina".to_owned(),
        (true, true) => "self-signed".to_owned(),
        (true, false) => format!("by {issuer}"),
    };
    let addresses = certificate.addresses.iter().map(ToString::to_string);
    let names: Vec<String> = certificate.names.iter().cloned().chain(addresses).collect();
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let until = format!("{whose}, for {names}");
    let renew = "renew it: the daemon takes the new files by itself";
    let mut findings = vec![if certificate.begins_in_days > 0 {
        let days = certificate.begins_in_days;
        let finding = format!("{path} is good only in {days} days: {until}");
        Finding::problem(
            AREA,
            finding,
            "look at this machine's clock (`timedatectl`), or take another certificate",
        )
    } else if *ends_in_days < 0 {
        let finding = format!("{path} has expired on {ends_on}: {until}");
        let made_here = "restart the daemon: it makes another";
        Finding::problem(AREA, finding, if certificate.of_user { renew } else { made_here })
    } else if *ends_in_days < SOON_DAYS && certificate.of_user {
        Finding::note(AREA, format!("{path} ends on {ends_on}, in {ends_in_days} days: {until}"), renew)
    } else {
        Finding::ok(AREA, format!("good until {ends_on} ({ends_in_days} days), {until}"))
    }];
    if certificate.self_signed {
        findings.push(Finding::note(
            AREA,
            "browsers warn of it, as no authority vouches for it",
            "compare its SHA-256 in the browser with the one that `vitrina run` prints; or set server.certificate and \
             server.private_key to a pair that browsers trust",
        ));
    }
    if let Some(key) = &certificate.open_key {
        let finding = format!("every user of this machine may read the key {}", key.display());
        findings.push(Finding::problem(AREA, finding, format!("chmod o= {}", key.display())));
    }
    findings.extend(misnamed(certificate, config, own));
    findings
}

/// Whether it names what viewers open.
fn misnamed(certificate: &Certificate, config: &Config, own: &[IpAddr]) -> Option<Finding> {
    let take = "take a certificate for that name, or let server.public_url have one that is in it";
    match config.server.public_url.as_deref().and_then(host) {
        Some(host) if names(certificate, host) => None,
        Some(host) => {
            Some(Finding::problem(AREA, format!("it is not for {host}, which server.public_url has"), take))
        }
        None => {
            let named = own.iter().any(|ip| !ip.is_loopback() && certificate.addresses.contains(ip));
            let finding =
                "the printed link has an address of this machine, and the certificate is for none of them";
            let name = certificate.names.first().map_or("NAME", String::as_str);
            let remedy = if certificate.of_user {
                format!("set server.public_url = \"https://{name}:{}\"", config.server.listen.port())
            } else {
                format!("remove {}, and the next start makes another", certificate.path.display())
            };
            (!named && own.iter().any(|ip| !ip.is_loopback())).then(|| Finding::note(AREA, finding, remedy))
        }
    }
}

/// The host of a URL.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let place = rest.split(['/', '?', '#']).next()?;
    match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => place.split(':').next(),
    }
}

fn names(certificate: &Certificate, host: &str) -> bool {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return certificate.addresses.contains(&ip);
    }
    certificate.names.iter().any(|name| match name.strip_prefix("*.") {
        // One label alone (RFC 9525 section 6.3).
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => name.eq_ignore_ascii_case(host),
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::config::Environment;

    fn certificate() -> Certificate {
        Certificate {
            path: "/c.pem".into(),
            of_user: true,
            self_signed: false,
            issuer: "CN=Authority".into(),
            names: vec!["cam.example.org".into(), "*.lab.example.org".into()],
            addresses: vec!["192.0.2.7".parse().unwrap()],
            begins_in_days: -10,
            ends_in_days: 80,
            ends_on: "2027-02-15".into(),
            open_key: None,
        }
    }

    fn levels(certificate: &Certificate, toml: &str) -> Vec<Level> {
        let environment = Environment { home: Some("/home/ana".into()), ..Environment::empty() };
        let config = Config::parse(toml, None, &environment).unwrap();
        let own = ["192.0.2.7".parse().unwrap()];
        told(certificate, &config, &own).iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told() {
        assert_eq!(levels(&certificate(), ""), [Level::Ok]);
        let expired = Certificate { ends_in_days: -1, ..certificate() };
        assert_eq!(levels(&expired, ""), [Level::Problem]);
        let soon = Certificate { ends_in_days: 5, ..certificate() };
        assert_eq!(levels(&soon, ""), [Level::Note]);
        let future = Certificate { begins_in_days: 2, ..certificate() };
        assert_eq!(levels(&future, ""), [Level::Problem]);
        let open = Certificate { open_key: Some("/k.pem".into()), self_signed: true, ..certificate() };
        assert_eq!(levels(&open, ""), [Level::Ok, Level::Note, Level::Problem]);
    }

    #[test]
    fn the_name_that_viewers_open_has_to_be_in_it() {
        for (url, level) in [
            ("https://cam.example.org:8443", vec![Level::Ok]),
            ("https://a.LAB.example.org", vec![Level::Ok]),
            ("https://192.0.2.7:8443", vec![Level::Ok]),
            ("https://a.b.lab.example.org", vec![Level::Ok, Level::Problem]),
            ("https://example.org", vec![Level::Ok, Level::Problem]),
        ] {
            assert_eq!(
                levels(&certificate(), &format!("[server]\npublic_url = \"{url}\"\n")),
                level,
                "{url}"
            );
        }
        let other = Certificate { addresses: vec![], ..certificate() };
        assert_eq!(levels(&other, ""), [Level::Ok, Level::Note]);
    }

    #[test]
    fn the_host_of_a_url() {
        assert_eq!(host("https://a.example:1/x"), Some("a.example"));
        assert_eq!(host("https://[2001:db8::1]:1"), Some("2001:db8::1"));
    }
}
