//! The sign for whoever sits at the machine, on a real session bus.

use crate::client::Viewer;
use crate::process::{Daemon, SOURCES};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A desktop that shows notifications: its own session bus, with a service on it.
struct Desktop {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Desktop {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/notifications.py");
        let mut child = Command::new("dbus-run-session")
            .args(["--", "/usr/bin/python3", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-run-session is needed: apt install dbus-daemon python3-gi");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap();
        Self { child, lines, address }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // With its input the service ends, and with that the bus.
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

#[test]
fn the_desktop_tells_of_the_first_viewer_and_of_no_other() {
    let mut desktop = Desktop::start();
    let address = desktop.address.clone();
    let daemon = Daemon::start_in(&[("DBUS_SESSION_BUS_ADDRESS", &address)], SOURCES);
    let first = Viewer::watch(daemon.address);
    let told = desktop.next();
    assert_eq!(
        (&told["program"], &told["summary"]),
        (&"vitrina".into(), &"This machine is being watched".into())
    );
    let body = told["body"].as_str().unwrap();
    assert!(body.starts_with("Somebody from 127.0.0.1 watches screen, camera."), "{body}");
    let second = Viewer::watch(daemon.address);
    first.leave();
    second.leave();

    // Another daemon on the same desktop: what comes next is its word, not one of the first daemon's.
    let other =
        Daemon::start_in(&[("DBUS_SESSION_BUS_ADDRESS", &address)], &SOURCES.replace("camera", "bench"));
    let third = Viewer::watch(other.address);
    assert!(desktop.next()["body"].as_str().unwrap().contains("screen, bench"));
    third.leave();
    assert!(!other.log().contains("the desktop is not told"), "{}", other.log());
}

#[test]
fn who_does_not_want_to_be_told_is_not_and_a_bus_without_a_desktop_is_no_fault() {
    let mut desktop = Desktop::start();
    let address = desktop.address.clone();
    let silent = format!("[privacy]\nnotify = false\n{}", SOURCES.replace("camera", "quiet"));
    let quiet = Daemon::start_in(&[("DBUS_SESSION_BUS_ADDRESS", &address)], &silent);
    Viewer::watch(quiet.address).leave();
    let loud = Daemon::start_in(&[("DBUS_SESSION_BUS_ADDRESS", &address)], SOURCES);
    Viewer::watch(loud.address).leave();
    assert!(desktop.next()["body"].as_str().unwrap().contains("screen, camera"));

    let nobody = Daemon::start_in(&[("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")], SOURCES);
    let viewer = Viewer::watch(nobody.address);
    nobody.wait_for_line("the desktop is not told of the first viewer");
    viewer.leave();
}
