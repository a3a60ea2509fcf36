//! The control socket, and the commands that ask by it.

use crate::client::{Client, Viewer};
use crate::process::{Daemon, SOURCES};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A program at the control socket.
pub struct Program(BufReader<UnixStream>);

impl Program {
    pub fn connect(daemon: &Daemon) -> Self {
        let stream = UnixStream::connect(daemon.control_socket()).unwrap();
        stream.set_read_timeout(Some(crate::client::LIMIT)).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: &[u8]) {
        // One that was shown out takes nothing any more; that is for `answer` to find.
        let _ = self.0.get_mut().write_all(bytes);
    }

    /// `None`: the connection has ended.
    pub fn answer(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                None
            }
        }
    }

    pub fn ask(&mut self, request: &Value) -> Value {
        self.send(format!("{request}\n").as_bytes());
        self.answer().expect("an answer")
    }
}

/// Asks for the status until that is so of it.
fn status_when(daemon: &Daemon, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut program = Program::connect(daemon);
    let end = Instant::now() + crate::client::LIMIT;
    loop {
        let status = program.ask(&json!({"type": "status"}));
        if is_so(&status) {
            return status;
        }
        assert!(Instant::now() < end, "{status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_status_tells_who_watches_what_since_when_and_how() {
    let daemon = Daemon::start("");
    let status = Program::connect(&daemon).ask(&json!({"type": "status"}));
    assert_eq!((&status["type"], &status["viewers"]), (&json!("status"), &json!([])));
    assert_eq!(
        (&status["sources"][0]["name"], &status["sources"][0]["state"]),
        (&json!("screen"), &json!("idle"))
    );
    assert!(daemon.told(&["status"]).contains("nobody is watching"));

    let viewer = Viewer::watch(daemon.address);
    let known = |status: &Value| {
        let link = &status["viewers"][0]["link"];
        link["sent_kbps"].as_u64().is_some_and(|kbps| kbps > 0) && link["rtt_ms"].is_f64()
    };
    let status = status_when(&daemon, known);
    let [told] = status["viewers"].as_array().unwrap().as_slice() else { panic!("{status}") };
    assert_eq!(
        (&told["by"], &told["from"], &told["connected"]),
        (&json!("page"), &json!("127.0.0.1"), &json!(true))
    );
    let watching = told["watching"].as_array().unwrap();
    assert_eq!(
        (watching.len(), &watching[0]["source"], &watching[0]["rung"]),
        (2, &json!("screen"), &json!(0))
    );
    assert_eq!(watching[0]["rendition"]["width"], 320);
    assert!(told["link"]["loss"].as_f64().is_some_and(|loss| (0.0..=1.0).contains(&loss)), "{told}");
    assert!(told["since_ms"].as_f64().unwrap() >= status["up_since_ms"].as_f64().unwrap());
    assert_eq!(
        (&status["sources"][0]["state"], &status["sources"][0]["viewers"]),
        (&json!("live"), &json!(1))
    );

    let text = daemon.told(&["status"]);
    assert!(text.contains("1 viewer\n") && text.contains("screen 320x180 at 15 fps"), "{text}");
    let printed: Value = serde_json::from_str(&daemon.told(&["status", "--json"])).unwrap();
    assert_eq!(printed["viewers"][0]["viewer"], told["viewer"]);

    viewer.leave();
    status_when(&daemon, |status| status["viewers"] == json!([]));
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_daemon() {
    let mut daemon = Daemon::start("");
    let mode = std::fs::metadata(daemon.control_socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A second daemon on the same state folder is told of the first, which notices nothing.
    let second = daemon.command(&["run"]);
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("another vitrina is running with the state folder"), "{said}");
    assert_eq!(Program::connect(&daemon).ask(&json!({"type": "status"}))["type"], "status");

    daemon.signal(libc::SIGTERM);
    daemon.wait();
    assert!(!daemon.control_socket().exists());
    let nobody = daemon.command(&["status"]);
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert_eq!(nobody.status.code(), Some(1), "{said}");
    assert!(said.contains("no vitrina is running here") && said.contains("control.sock"), "{said}");
}

#[test]
fn a_killed_daemons_socket_is_no_obstacle() {
    let mut daemon = Daemon::start("");
    daemon.signal(libc::SIGKILL);
    daemon.wait();
    assert!(daemon.control_socket().exists());
    let nobody = daemon.command(&["status"]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("no vitrina is running here"), "{nobody:?}");
    daemon.restart();
    assert!(daemon.told(&["status"]).contains("nobody is watching"));
}

#[test]
fn what_other_programs_say_is_bounded_and_answered() {
    let daemon = Daemon::start("");
    let mut program = Program::connect(&daemon);
    for bad in ["nonsense", "{}", "[]", r#"{"type":"shutdown"}"#, "\0\u{1}", r#"{"type":["status"]}"#, ""] {
        let answer = program.ask(&Value::Null).to_string();
        assert!(answer.contains("bad_request"), "{answer}");
        program.send(format!("{bad}\n").as_bytes());
        assert_eq!(program.answer().unwrap()["reason"], "bad_request", "{bad:?}");
    }
    assert_eq!(program.ask(&json!({"type": "status"}))["type"], "status", "it goes on");

    // Without an end: refused at the limit, and shown out.
    program.send(&vec![b'['; 1 << 20]);
    let refused = program.answer();
    assert!(refused.is_none_or(|refused| refused["reason"] == "bad_request"));
    assert!(program.0.read_to_end(&mut Vec::new()).is_ok_and(|read| read == 0) || program.answer().is_none());

    // Those who only hold the line: the ninth is turned away, and a place is free when one leaves.
    let mut idle: Vec<_> = (0..8).map(|_| Program::connect(&daemon)).collect();
    // Each is being served.
    idle.iter_mut().for_each(|each| assert_eq!(each.ask(&json!({"type": "status"}))["type"], "status"));
    assert_eq!(Program::connect(&daemon).answer().unwrap()["reason"], "busy");
    drop(idle.pop());
    let end = Instant::now() + crate::client::LIMIT;
    while !daemon.command(&["status"]).status.success() {
        assert!(Instant::now() < end);
    }

    drop(idle);

    // Half a line is given up, and everybody else is served meanwhile.
    let mut slow = Program::connect(&daemon);
    slow.send(b"{\"type\":");
    Client::greeted(daemon.address);
    assert!(slow.answer().is_none());
}

#[test]
fn a_reload_is_answered_with_every_mistake_or_when_it_is_done() {
    let daemon = Daemon::start("");
    daemon.rewrite_config("[limits]\nviewers = 0\n", "[[source]]\nname = \"Bad Name\"\nkind = \"nothing\"");
    let bad = daemon.command(&["reload"]);
    let said = String::from_utf8_lossy(&bad.stderr);
    assert_eq!(bad.status.code(), Some(2), "{said}");
    for mistake in ["limits.viewers", "source[1].name", "source[1].kind"] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
    let mut program = Program::connect(&daemon);
    assert_eq!(program.ask(&json!({"type": "status"}))["sources"][0]["name"], "screen");

    daemon.rewrite_config("", &SOURCES.replace("camera", "other"));
    // Several at once: each hears of a reading that began after it had asked.
    let mut others: Vec<_> = (0..3).map(|_| Program::connect(&daemon)).collect();
    others.iter_mut().for_each(|other| other.send(b"{\"type\":\"reload\"}\n"));
    for mut other in others {
        assert_eq!(other.answer().unwrap(), json!({"type": "reloaded"}));
        assert_eq!(other.ask(&json!({"type": "status"}))["sources"][1]["name"], "other");
    }
    assert!(daemon.told(&["reload"]).contains("read again"));
}
