//! What is counted, read as Prometheus reads it; and whether all is well.

use crate::client::{Client, LIMIT, Viewer};
use crate::process::Daemon;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub const OWN_LISTENER: &str = "[metrics]\nlisten = \"127.0.0.1:0\"\n";

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// Where the daemon says that its metrics are.
pub fn metrics_address(daemon: &Daemon) -> SocketAddr {
    let log = daemon.log();
    let at = log.split("metrics: http://").nth(1).unwrap_or_else(|| panic!("{log}"));
    at.split('/').next().unwrap().parse().unwrap()
}

pub struct Metrics(pub String);

impl Metrics {
    pub fn read(address: SocketAddr) -> Self {
        let answer = get(address, "/metrics", "");
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
        Self(answer.body)
    }

    /// The sum of the samples of this name that have all these labels, as `key="value"`.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let samples = self.0.lines().filter(|line| !line.starts_with('#'));
        let fitting = samples.filter(|line| {
            line.split(['{', ' ']).next() == Some(name) && labels.iter().all(|label| line.contains(label))
        });
        fitting.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// The metrics' names.
    fn names(&self) -> BTreeSet<String> {
        let types = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types.map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
    }
}

/// Reads again until that is so; what was read then.
pub fn wait_for(address: SocketAddr, what: &str, is_so: impl Fn(&Metrics) -> bool) -> Metrics {
    let end = Instant::now() + LIMIT;
    loop {
        let metrics = Metrics::read(address);
        if is_so(&metrics) {
            return metrics;
        }
        assert!(Instant::now() < end, "{what} does not come:\n{}", metrics.0);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn wait_until_ready(address: SocketAddr) {
    let end = Instant::now() + LIMIT;
    while get(address, "/readyz", "").status != 200 {
        assert!(Instant::now() < end, "{}", get(address, "/readyz", "").body);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What a hostile client has refused, in its own session.
fn misbehave(address: SocketAddr) {
    let mut viewer = Viewer::join(Client::greeted(address));
    viewer.client.say(&json!({"type": "candidate", "mline": 0, "candidate": "candidate:x"}));
    assert_eq!(viewer.client.error(), "bad_candidate");
    let mut client = Client::greeted(address);
    client.say(&json!({"type": "join"}));
    client.expect("offer");
    client.say(&json!({"type": "answer", "sdp": "v=1\r\n"}));
    assert_eq!(client.error(), "bad_sdp");
}

#[test]
fn all_is_counted_and_documented_and_scrapers_disturb_nobody() {
    let daemon = Daemon::start(OWN_LISTENER);
    let at = metrics_address(&daemon);
    for address in [at, daemon.address] {
        wait_until_ready(address);
        let alive = get(address, "/healthz", "");
        assert_eq!(
            (alive.status, serde_json::from_str::<Value>(&alive.body).unwrap()),
            (200, json!({"ok": true}))
        );
    }
    assert_eq!(get(daemon.address, "/metrics", "").status, 404, "the page's address has no metrics");

    let viewer = Viewer::watch(daemon.address);
    misbehave(daemon.address);
    let told = wait_for(at, "a viewer's figures", |metrics| {
        let screen = "source=\"screen\"";
        metrics.sum("vitrina_viewers", &["by=\"webrtc\""]) == 1.0
            && metrics.sum("vitrina_source_state", &[screen, "state=\"live\""]) == 1.0
            && metrics.sum("vitrina_source_frames_total", &[screen]) > 0.0
            && metrics.sum("vitrina_source_starts_total", &[screen]) == 1.0
            && metrics.sum("vitrina_rendition_frames_total", &[screen, "rung=\"0\""]) > 10.0
            && metrics.sum("vitrina_rendition_sent_bytes_total", &[screen, "codec=\"opus\""]) > 0.0
            && metrics.sum("vitrina_encode_seconds_count", &[screen]) > 10.0
            && metrics.sum("vitrina_viewer_loss_ratio_count", &[]) > 0.0
            && metrics.sum("vitrina_leaves_total", &["reason=\"gone\""]) == 2.0
            && metrics.sum("vitrina_teardown_seconds_count", &[]) > 0.0
    });
    for (at, cause) in [
        ("candidate", "form"),
        ("sdp", "line_version"),
        ("protocol", "bad_candidate"),
        ("protocol", "bad_sdp"),
        ("http", "not_found"),
    ] {
        let labels = [format!("at=\"{at}\""), format!("cause=\"{cause}\"")];
        let count = told.sum("vitrina_refusals_total", &[&labels[0], &labels[1]]);
        assert!(count >= 1.0, "{at} {cause}: {count}\n{}", told.0);
    }
    assert_eq!(told.sum("vitrina_joins_total", &["by=\"page\""]), 3.0);
    assert_eq!(told.sum("vitrina_restarts_total", &[]), 0.0);
    let held = daemon.holdings();
    assert!((told.sum("process_open_fds", &[]) - held.descriptors as f64).abs() < 20.0, "{held:?}");
    assert!((told.sum("process_threads", &[]) - held.threads as f64).abs() < 20.0, "{held:?}");
    assert!(told.sum("process_resident_memory_bytes", &[]) > 10e6);

    // A hundred scrapers that ask and read nothing.
    let mut idle: Vec<_> = (0..100).map(|_| TcpStream::connect(at).unwrap()).collect();
    for stream in &mut idle {
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    let before = viewer.peer.frames();
    viewer.peer.wait_frames(before + 10, LIMIT);
    assert_eq!(get(daemon.address, "/healthz", "").status, 200);
    drop(idle);
    viewer.leave();
    let told = wait_for(at, "a viewer's leaving", |metrics| {
        metrics.sum("vitrina_leaves_total", &["reason=\"left\""]) == 1.0
            && metrics.sum("vitrina_viewers", &[]) == 0.0
    });
    check_documents(&told.names());
}

#[test]
fn readers_show_their_token_and_starts_are_counted_and_lines_are_json() {
    let token = "6f1d4b0c9a7e4f52";
    let mut daemon = Daemon::start(&format!("[log]\nformat = \"json\"\n{OWN_LISTENER}token = \"{token}\"\n"));
    let at = metrics_address(&daemon);
    for headers in
        ["", "Authorization: Bearer 6f1d4b0c9a7e4f53\r\n", "Authorization: Basic 6f1d4b0c9a7e4f52\r\n"]
    {
        let refused = get(at, "/metrics", headers);
        assert_eq!(refused.status, 401, "{headers}");
        assert!(!refused.body.contains("vitrina_"), "{}", refused.body);
    }
    let shown =
        format!("Authorization: Bearer {token}\r\nAccept: application/openmetrics-text; version=1.0.0\r\n");
    let told = get(at, "/metrics", &shown);
    assert_eq!(told.status, 200);
    assert!(told.head.contains("content-type: application/openmetrics-text"), "{}", told.head);
    assert!(told.body.ends_with("# EOF\n"), "{}", told.body);
    // Whether all is well is no secret.
    wait_until_ready(at);
    daemon.signal(libc::SIGTERM);
    assert!(daemon.wait().0.success());
    daemon.restart();
    let told = get(metrics_address(&daemon), "/metrics", &format!("Authorization: Bearer {token}\r\n"));
    let told = Metrics(told.body);
    assert_eq!(told.sum("vitrina_restarts_total", &[]), 1.0);
    assert!(!daemon.log().contains(token));
    check_json(&daemon.log());
}

/// Each line is an object that says when, how grave, where and what.
fn check_json(log: &str) {
    assert!(log.lines().count() > 5, "{log}");
    for line in log.lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        for field in ["timestamp", "level", "target", "message"] {
            assert!(object[field].is_string(), "{field} in {line}");
        }
    }
    // What else is told stands beside them under its own name.
    assert!(
        log.lines().any(|line| serde_json::from_str::<Value>(line).unwrap()["encoder"].is_string()),
        "{log}"
    );
}

/// The metrics' names in the tables of docs/operations.md are those that are exported, and what the
/// dashboard and the alerts ask for is among them.
fn check_documents(exported: &BTreeSet<String>) {
    let document = include_str!("../../docs/operations.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let named = rows.filter_map(|row| row.split('`').next()).filter(|name| is_metric(name));
    let documented: BTreeSet<String> = named.map(str::to_owned).collect();
    assert_eq!(documented, *exported);
    let dashboard = include_str!("../../config/grafana/vitrina.json");
    assert!(serde_json::from_str::<Value>(dashboard).unwrap()["panels"].is_array());
    for text in [dashboard, include_str!("../../config/prometheus-alerts.yml")] {
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let asked: BTreeSet<&str> = words.filter(|word| is_metric(word)).collect();
        assert!(asked.len() > 10, "{asked:?}");
        for name in asked {
            let ends = ["_bucket", "_sum", "_count"];
            let base = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(exported.contains(base), "{name}");
        }
    }
}

fn is_metric(word: &str) -> bool {
    word.starts_with("vitrina_") || word.starts_with("process_")
}
