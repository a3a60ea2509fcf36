//! `config/vitrina.toml`, the commented reference: it says what is so, and all of it can be used.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io;
use std::path::Path;
use vitrina::config::{Access, Config, Environment, Tls};

const REFERENCE: &str = include_str!("../config/vitrina.toml");

/// A machine with the files that the reference names.
fn good(text: &str) -> Config {
    let environment = Environment {
        home: Some("/home/ana".into()),
        hostname: Some("workshop-3".into()),
        read_file: |path| match path.file_name().and_then(|name| name.to_str()) {
            Some("fullchain.pem") => Ok("-----BEGIN CERTIFICATE-----\n".into()),
            Some("privkey.pem") => Ok("-----BEGIN PRIVATE KEY-----\n".into()),
            Some("password") => Ok("correct horse\n".into()),
            Some("turn_secret") => Ok("north wind\n".into()),
            Some("metrics_token") => Ok("6f1d4b0c9a7e4f52\n".into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
        ..Environment::empty()
    };
    Config::parse(text, Some(Path::new("/etc/vitrina/v.toml")), &environment)
        .unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// A commented-out line of the reference: `#` and no space.
fn commented(line: &str) -> Option<&str> {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
}

/// The reference with those commented-out lines uncommented that `wanted` picks.
fn uncommented(wanted: impl Fn(&str) -> bool) -> String {
    let lines = REFERENCE.lines().map(|line| commented(line).filter(|rest| wanted(rest)).unwrap_or(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_reference_says_nothing_but_the_defaults() {
    assert_eq!(good(REFERENCE), good(""));
}

#[test]
fn the_reference_loads_with_every_key_uncommented() {
    let alternatives: [&[&str]; 3] = [
        &["password ", "token ", "secret ", "secret_file ", "lifetime_s "],
        &["password_file ", "token_file ", "username ", "credential ", "secret "],
        &["password_file ", "token_file ", "username ", "credential ", "secret_file "],
    ];
    for alternative in alternatives {
        let left_out = |line: &str| alternative.iter().any(|key| line.starts_with(key));
        let config = good(&uncommented(|line| !left_out(line)));
        assert!(matches!(config.access, Access::Password(_)));
        assert!(matches!(config.server.tls, Tls::Files { .. }));
        assert_eq!(config.server.title.as_deref(), Some("Workshop"));
        assert_eq!(config.network.port, Some(8443));
        assert_eq!(config.network.advertise.len(), 2);
        assert_eq!(config.network.ice_servers.len(), 1);
        assert_eq!(config.sources.len(), 8);
    }
}

/// A table of the reference: its header, the lines it cannot be without, and its other keys, each
/// with whether the text above it says that the value is an example.
#[derive(Debug, Default)]
struct Table {
    head: String,
    keys: Vec<(String, bool)>,
}

fn reference_tables() -> Vec<Table> {
    let mut tables = vec![Table::default()];
    let mut example = false;
    for line in REFERENCE.lines() {
        let line = commented(line).unwrap_or(line);
        let last = tables.last_mut().unwrap();
        match line.split_once(" = ") {
            _ if line.is_empty() => example = false,
            _ if line.starts_with("[[source.") => {
                // A table of the source above it.
                let source = tables.iter().rfind(|table| !table.head.contains("[[source.")).unwrap();
                let head = format!("{}{line}\n", source.head);
                tables.push(Table { head, ..Table::default() });
            }
            _ if line.starts_with('[') => {
                tables.push(Table { head: format!("{line}\n"), ..Table::default() })
            }
            _ if line.starts_with('#') => example |= line.contains("Example"),
            Some(("name" | "kind" | "password_hash" | "uri" | "file" | "urls", _)) => {
                last.head += &format!("{line}\n")
            }
            Some(_) => last.keys.push((line.to_owned(), example)),
            None => panic!("{line}"),
        }
    }
    tables
}

#[test]
fn the_reference_shows_the_defaults_as_they_are() {
    let mut checked = 0;
    for table in reference_tables().iter().filter(|table| !table.head.contains("ice_server")) {
        let without = good(&table.head);
        for (key, _) in table.keys.iter().filter(|(_, example)| !example) {
            assert_eq!(good(&format!("{}{key}\n", table.head)), without, "{key}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn every_example_of_the_reference_changes_something() {
    let mut checked = 0;
    for table in reference_tables().iter().filter(|table| !table.head.contains("ice_server")) {
        let without = good(&table.head);
        for (key, _) in table.keys.iter().filter(|(_, example)| *example) {
            let other = match key.split(' ').next() {
                Some("certificate") => "private_key = \"privkey.pem\"\n",
                Some("private_key") => "certificate = \"fullchain.pem\"\n",
                Some("codec") => "[[source.rendition]]\n",
                Some("token" | "token_file") => "listen = \"127.0.0.1:9464\"\n",
                _ => "",
            };
            assert_ne!(good(&format!("{}{key}\n{other}", table.head)), without, "{key}");
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}
