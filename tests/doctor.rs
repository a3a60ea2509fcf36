//! `vitrina doctor` as people and scripts run it, on machines in different states. All on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What no test here is about: the machine's own devices.
const SOURCE: &str = "[[source]]\nname = \"a\"\nkind = \"test\"\n";

/// A home folder with a configuration.
struct Machine {
    home: TempDir,
}

struct Told {
    code: Option<i32>,
    report: Value,
}

impl Machine {
    fn new(config: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("v.toml"), config).unwrap();
        Self { home }
    }

    /// Has the machine trust whom that certificate names.
    fn trust(&self, certificate: &str) {
        std::fs::write(self.home.path().join("trusted.pem"), certificate).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vitrina"));
        command
            .args(arguments)
            .args(["--config", "v.toml"])
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("GST_REGISTRY", Path::new(env!("CARGO_TARGET_TMPDIR")).join("doctor-registry.bin"))
            .current_dir(self.home.path());
        let trusted = self.home.path().join("trusted.pem");
        if trusted.exists() {
            command.env("SSL_CERT_FILE", trusted);
        }
        command
    }

    /// Asks the doctor, and holds the answer against what every answer promises.
    fn doctor(&self) -> Told {
        let output = self.command(&["doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let findings = report["findings"].as_array().unwrap();
        for finding in findings {
            let remedy = finding["remedy"].as_str();
            assert_eq!(remedy.is_some(), finding["level"] != "ok", "{finding}");
            assert!(remedy.is_none_or(|remedy| remedy.len() > 5), "{finding}");
        }
        for (count, level) in [("problems", "problem"), ("notes", "note")] {
            let counted = findings.iter().filter(|finding| finding["level"] == level).count();
            assert_eq!(report[count], counted, "{report:#}");
        }
        Told { code: output.status.code(), report }
    }

    /// A state folder without anything is still without anything.
    fn has_no_state(&self) -> bool {
        !self.home.path().join(".local").exists()
    }
}

impl Told {
    /// The finding that has these words.
    #[track_caller]
    fn finds(&self, area: &str, level: &str, words: &str) -> &Value {
        let mut findings = self.report["findings"].as_array().unwrap().iter();
        findings
            .find(|finding| {
                finding["area"] == area
                    && finding["level"] == level
                    && finding["finding"].as_str().unwrap().contains(words)
            })
            .unwrap_or_else(|| panic!("no {level} of {area} has {words:?}: {:#}", self.report))
    }
}

/// Ports that were free just now, TCP and UDP.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

fn listen(port: u16) -> String {
    format!("[server]\nlisten = \"0.0.0.0:{port}\"\n")
}

#[test]
fn a_machine_where_all_is_well_is_told_so_and_nothing_is_changed() {
    let port = free_port();
    let machine = Machine::new(&format!("{}{SOURCE}", listen(port)));
    let told = machine.doctor();
    assert_eq!((told.code, &told.report["problems"]), (Some(0), &0.into()), "{:#}", told.report);
    told.finds("configuration", "ok", "no mistakes");
    told.finds("listening", "ok", &format!("TCP 0.0.0.0:{port} is free"));
    told.finds("listening", "ok", &format!("UDP port {port} is free"));
    told.finds("network", "ok", "viewers are told UDP ");
    told.finds("certificate", "ok", "made at the first start");
    told.finds("capture", "ok", "a: ");
    told.finds("encoders", "ok", "H.264 by ");
    told.finds("encoders", "ok", "VP8 by vp8enc");
    told.finds("encoders", "ok", "Opus by opusenc");
    told.finds("gstreamer", "ok", "GStreamer 1.");
    assert!(machine.has_no_state());

    let text = machine.command(&["doctor"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("Configuration\n  ok       v.toml: no mistakes"), "{text}");
    assert!(text.contains("\nno problems, "), "{text}");
}

#[test]
fn ports_that_others_have_are_told_with_who_has_them() {
    let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let (page, media) = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    let me = format!("(process {})", std::process::id());
    let machine = Machine::new(&format!("{}[network]\nport = {media}\n{SOURCE}", listen(page)));
    let told = machine.doctor();
    assert_eq!(told.code, Some(1));
    let finding = told.finds("listening", "problem", &format!("TCP 0.0.0.0:{page} is taken by "));
    assert!(finding["finding"].as_str().unwrap().ends_with(&me), "{finding}");
    let finding = told.finds("listening", "problem", &format!("UDP port {media} is taken by "));
    assert!(finding["finding"].as_str().unwrap().ends_with(&me), "{finding}");

    // Where the configuration names no port, another is taken.
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, page));
    let machine = Machine::new(&format!("{}{SOURCE}", listen(page)));
    machine.doctor().finds("listening", "note", &format!("UDP port {page} is taken by "));
    drop(udp);
}

#[test]
fn mistakes_in_the_configuration_are_told_and_the_machine_is_looked_at_all_the_same() {
    let machine = Machine::new("[server]\nlisen = \"x\"\n\n[limits]\nviewers = 0\n");
    let told = machine.doctor();
    assert_eq!(told.code, Some(2));
    told.finds("configuration", "problem", "v.toml:2: server.lisen: expected a key of [server]");
    told.finds("configuration", "problem", "v.toml:5: limits.viewers");
    told.finds("encoders", "ok", "H.264 by ");
    assert!(machine.has_no_state());
}

#[test]
fn a_certificate_that_cannot_be_used_is_told() {
    let with_files = format!(
        "{}certificate = \"c.pem\"\nprivate_key = \"k.pem\"\npublic_url = \"https://cam.example.org\"\n{SOURCE}",
        listen(free_port())
    );
    let machine = Machine::new(&with_files);
    let path = |name: &str| machine.home.path().join(name);
    std::fs::write(path("c.pem"), "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n")
        .unwrap();
    std::fs::write(path("k.pem"), "-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----\n")
        .unwrap();
    let told = machine.doctor();
    assert_eq!(told.code, Some(1));
    told.finds("certificate", "problem", "c.pem cannot be used with its private key");

    // One that can be used, but is for another name and ends soon.
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "5",
        ])
        .args(["-subj", "/CN=x", "-addext", "subjectAltName=DNS:other.example.org,IP:192.0.2.1"])
        .args(["-keyout", "k.pem", "-out", "c.pem"])
        .current_dir(machine.home.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let told = machine.doctor();
    told.finds("certificate", "note", "self-signed, for other.example.org, 192.0.2.1");
    told.finds("certificate", "problem", "it is not for cam.example.org");
}

/// A program that ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// coturn on loopback; `login` are lines of its configuration.
fn coturn(folder: &Path, login: &str) -> (Ends, u16) {
    // It takes no port 0; another program may have taken the port meanwhile.
    for _ in 0..5 {
        let port = free_port();
        let tls = if login.contains("cert=") { "" } else { "no-tls\n" };
        let lines = format!(
            "listening-ip=127.0.0.1\nlistening-port={port}\nrelay-ip=127.0.0.1\nrealm=lab\nlog-file=stdout\nsimple-log\nverbose\n\
             {tls}no-dtls\nno-cli\nallow-loopback-peers\nuserdb={0}/db\npidfile={0}/pid\n{login}",
            folder.display()
        );
        std::fs::write(folder.join("turn.conf"), lines).unwrap();
        let mut child = Command::new("turnserver")
            .arg("-c")
            .arg(folder.join("turn.conf"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("coturn is installed (scripts/packages test)");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let running = Ends(child);
        let listens = format!("UDP listener opened on: 127.0.0.1:{port}");
        if lines.any(|line| line.contains(&listens)) {
            // It writes on, and is not to stop at a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            return (running, port);
        }
    }
    panic!("coturn does not start");
}

fn server(url: &str, login: &str) -> String {
    format!("[[network.ice_server]]\nurls = [\"{url}\"]\n{login}\n")
}

#[test]
fn turn_servers_are_logged_in_to_by_udp_and_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let (_coturn, port) = coturn(folder.path(), "use-auth-secret\nstatic-auth-secret=the north wind\n");
    let (udp, tcp) = (format!("turn:127.0.0.1:{port}"), format!("turn:127.0.0.1:{port}?transport=tcp"));
    let stun = format!("stun:127.0.0.1:{port}");
    let good = "secret = \"the north wind\"";
    let servers = [
        server(&udp, good),
        server(&tcp, good),
        server(&stun, ""),
        server(&format!("turn:localhost:{port}"), "secret = \"the sun\""),
        server(&format!("turn:localhost:{port}?transport=tcp"), "username = \"ana\"\ncredential = \"south\""),
    ];
    let machine = Machine::new(&format!("{}{}{SOURCE}", listen(free_port()), servers.concat()));
    let told = machine.doctor();
    told.finds("ice_servers", "ok", &format!("{udp} takes the login, and relays at 127.0.0.1:"));
    told.finds("ice_servers", "ok", &format!("{tcp} takes the login"));
    told.finds(
        "ice_servers",
        "ok",
        &format!("{stun} answers: it sees this machine at its own address 127.0.0.1"),
    );
    let secret =
        told.finds("ice_servers", "problem", &format!("turn:localhost:{port}: it refuses the login (401)"));
    assert!(secret["remedy"].as_str().unwrap().contains("same secret"), "{secret}");
    let fixed = told.finds("ice_servers", "problem", "transport=tcp: it refuses the login (401)");
    assert!(fixed["remedy"].as_str().unwrap().contains("username and credential"), "{fixed}");
    assert_eq!(told.code, Some(1));
    let all = told.report.to_string();
    assert!(!all.contains("north wind") && !all.contains("the sun") && !all.contains("south"), "{all}");
}

#[test]
fn a_turn_server_by_tls_needs_a_certificate_that_the_machine_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("cert.pem"), own.cert.pem()).unwrap();
    std::fs::write(place("key.pem"), own.signing_key.serialize_pem()).unwrap();
    let tls = format!(
        "tls-listening-port={}\ncert={}\npkey={}\n",
        free_port(),
        place("cert.pem").display(),
        place("key.pem").display()
    );
    let login = "use-auth-secret\nstatic-auth-secret=the north wind\n";
    // Its plain port takes TLS, too.
    let (_coturn, port) = coturn(folder.path(), &format!("{login}{tls}"));
    let url = format!("turns:localhost:{port}");
    let machine = Machine::new(&format!(
        "{}{}{SOURCE}",
        listen(free_port()),
        server(&url, "secret = \"the north wind\"")
    ));
    let told = machine.doctor();
    let stranger = told.finds("ice_servers", "problem", &format!("{url}: no connection by TLS"));
    assert!(stranger["remedy"].as_str().unwrap().contains("certificate"), "{stranger}");
    machine.trust(&own.cert.pem());
    machine.doctor().finds("ice_servers", "ok", &format!("{url} takes the login, and relays at 127.0.0.1:"));
}

#[test]
fn servers_that_are_not_there_are_told_in_bounded_time() {
    // A port that takes and says nothing, one with another protocol, and one that nobody has.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent_tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = |address: std::io::Result<SocketAddr>| address.unwrap().port();
    let (udp, tcp) = (port(silent.local_addr()), port(silent_tcp.local_addr()));
    let login = "username = \"ana\"\ncredential = \"south\"";
    let servers = [
        server(&format!("turn:127.0.0.1:{udp}"), login),
        server(&format!("turn:127.0.0.1:{tcp}?transport=tcp"), login),
        server(&format!("turns:127.0.0.1:{tcp}"), login),
        server(&format!("stun:127.0.0.1:{nobody}"), ""),
        server("stun:nowhere.invalid", ""),
        server(&format!("turns:127.0.0.1:{udp}?transport=udp"), login),
    ];
    let machine = Machine::new(&format!("{}{}{SOURCE}", listen(free_port()), servers.concat()));
    let began = Instant::now();
    let told = machine.doctor();
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    told.finds("ice_servers", "problem", &format!("turn:127.0.0.1:{udp}: no answer by UDP"));
    told.finds("ice_servers", "problem", &format!("turn:127.0.0.1:{tcp}?transport=tcp: no answer by TCP"));
    told.finds("ice_servers", "problem", &format!("turns:127.0.0.1:{tcp}: no answer by TCP"));
    told.finds("ice_servers", "problem", &format!("stun:127.0.0.1:{nobody}: nobody listens there"));
    told.finds("ice_servers", "problem", "the name nowhere.invalid is not found");
    told.finds("ice_servers", "note", "transport=udp is not tried");
}

#[test]
fn a_running_daemon_is_recognised_and_not_disturbed() {
    let machine = Machine::new(&format!("{}{SOURCE}", listen(free_port())));
    let mut child = machine.command(&["run"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let daemon = Ends(child);
    // It is told when the daemon listens.
    assert!(lines.any(|line| line.starts_with("Open this page")));
    let told = machine.doctor();
    assert_eq!(told.code, Some(0), "{:#}", told.report);
    told.finds("listening", "ok", "the running daemon has TCP 0.0.0.0:");
    told.finds("listening", "ok", "the running daemon has UDP port ");
    told.finds("certificate", "ok", "made by vitrina, for ");
    told.finds("certificate", "note", "browsers warn of it");
    let status = machine.command(&["status", "--json"]).output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["viewers"], Value::Array(Vec::new()));
    assert_eq!(status["sources"][0]["state"], "idle", "nothing was captured");
    drop(daemon);
}
