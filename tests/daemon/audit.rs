//! The audit file: who came, what they watched, who left and was refused, and nothing that is nobody's
//! business.

use crate::client::Client;
use crate::process::{Daemon, SOURCES};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// The file's lines, once there is one that this is true of.
fn wait_for(file: &Path, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if lines.iter().any(&wanted) {
            return lines;
        }
        assert!(Instant::now() < end, "not in the audit file:\n{text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

#[test]
fn the_audit_file_has_who_came_and_went_whatever_the_log_s_level() {
    let log = "[log]\nlevel = \"info,vitrina::audit=off\"\naudit_file = \"audit.jsonl\"\n";
    let daemon = Daemon::start_with("", &format!("{log}{SOURCES}"), &[]);
    let folder = daemon.folder.path();
    let (file, moved) = (folder.join("audit.jsonl"), folder.join("audit.1"));
    let token = std::fs::read_to_string(folder.join("state/token")).unwrap();
    assert!(Client::try_connect(daemon.address, Some("not-the-token-at-all")).is_none());
    let mut client = Client::try_connect(daemon.address, Some(token.trim())).unwrap();
    client.hello();
    client.say(&json!({"type": "join", "sources": ["camera"]}));
    client.expect("offer");
    client.say(&json!({"type": "leave"}));
    client.expect("bye");
    drop(client);

    let lines = wait_for(&file, |line| line["event"] == "left");
    assert_eq!(events(&lines), ["refused", "came", "watches", "shown_out", "left"]);
    assert_eq!(
        (&lines[0]["why"], &lines[0]["from"]),
        (&json!("wrong token or password"), &json!("127.0.0.0/24"))
    );
    assert_eq!((&lines[1]["who"], &lines[1]["role"]), (&json!("anyone"), &json!("viewer")));
    assert_eq!(lines[2]["sources"], "camera");
    assert_eq!(lines[3]["reason"], "left");
    assert!(lines.iter().all(|line| line["timestamp"].is_string()));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in [token.trim(), "not-the-token-at-all", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(!daemon.log().contains("viewer connected"), "off in the log");

    // As logrotate does it, and with addresses in full.
    std::fs::rename(&file, &moved).unwrap();
    daemon.rewrite_access("", &format!("{log}audit_addresses = \"full\"\n{SOURCES}"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("configuration reloaded");
    let _client = Client::try_connect(daemon.address, Some(token.trim())).unwrap();
    let lines = wait_for(&file, |line| line["event"] == "came");
    assert_eq!(lines.iter().find(|line| line["event"] == "came").unwrap()["from"], "127.0.0.1");
    assert_eq!(events(&wait_for(&moved, |_| true)), ["refused", "came", "watches", "shown_out", "left"]);
}

#[test]
fn an_audit_file_that_cannot_be_opened_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let rest = format!("[log]\naudit_file = \"none/audit.jsonl\"\n{SOURCES}");
    crate::process::write_config(folder.path(), "open = true", &rest);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_vitrina"))
        .args(["run", "--config"])
        .arg(folder.path().join("vitrina.toml"))
        .output()
        .unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint.contains("none/audit.jsonl (log.audit_file)"), "{complaint}");
}
