//! Devices that go and come back: how soon their pictures are back, with viewers who stay.

use crate::camera::Camera;
use crate::client::{Client, LIMIT, Viewer};
use crate::process::Daemon;
use crate::pulse::{Pulse, SPEAKERS};
use crate::xvfb::{Xvfb, place};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use vitrina::core::protocol::FrameHead;

/// What is promised: within two seconds. `VITRINA_BACK_MS` is for machines that are busy with other things.
fn back_within() -> Duration {
    let given = std::env::var("VITRINA_BACK_MS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(given.unwrap_or(2000))
}

/// Since the device is back.
struct Recovery {
    fault: &'static str,
    begun: Instant,
}

impl Recovery {
    fn of(fault: &'static str) -> Self {
        Self { fault, begun: Instant::now() }
    }

    /// The picture is back.
    #[track_caller]
    fn ends(self) {
        let took = self.begun.elapsed();
        println!("RECOVERY fault=\"{}\" ms={}", self.fault, took.as_millis());
        assert!(took < back_within(), "{}: {took:?}", self.fault);
    }
}

/// The next state of the only source; nothing is negotiated anew meanwhile.
#[track_caller]
fn next_state(client: &mut Client) -> Value {
    loop {
        let message = client.next().expect("the connection goes on");
        assert!(!matches!(message["type"].as_str(), Some("offer" | "bye" | "error")), "{message}");
        if message["type"] == "source" {
            return message;
        }
    }
}

/// Waits until viewers are told that it has failed, and of one of these causes.
#[track_caller]
fn fails(client: &mut Client, causes: &[&str]) {
    loop {
        let said = next_state(client);
        if said["state"] == "failed" {
            assert!(causes.contains(&said["cause"].as_str().unwrap()), "{said}");
            return;
        }
    }
}

/// Waits until viewers are told that it is live.
#[track_caller]
fn lives(client: &mut Client) {
    while next_state(client)["state"] != "live" {}
}

fn faults(daemon: &Daemon) -> Value {
    let status: Value = serde_json::from_str(&daemon.told(&["status", "--json"])).unwrap();
    status["sources"][0]["faults"].clone()
}

/// Waits until the daemon has tried in vain so often that seconds would pass before it tried again.
fn is_given_time(daemon: &Daemon) {
    let end = Instant::now() + LIMIT;
    while faults(daemon)["restarts"].as_u64().unwrap() < 3 {
        assert!(Instant::now() < end, "it is tried again");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Pictures come again.
fn shows(viewer: &Viewer, recovery: Recovery) {
    let before = viewer.peer.frames();
    viewer.peer.wait_frames(before + 2, LIMIT);
    recovery.ends();
}

fn screen(server: &Xvfb, more: &str) -> Daemon {
    let source =
        format!("[[source]]\nname = \"screen\"\nkind = \"screen\"\ndisplay = \"{}\"\n{more}\n", server.name);
    Daemon::start_with("open = true", &source, &[])
}

#[test]
fn a_screen_is_back_soon_after_its_x_server() {
    let mut server = Xvfb::start_apart(640, 480);
    let daemon = screen(&server, "");
    let mut viewer = Viewer::watch(daemon.address);
    server.kill();
    fails(&mut viewer.client, &["lost"]);
    is_given_time(&daemon);
    server.restart(640, 480);
    shows(&viewer, Recovery::of("X server gone"));
    lives(&mut viewer.client);
    let counted = faults(&daemon);
    assert_eq!((&counted["causes"]["lost"], &counted["last"]), (&json!(1), &json!("lost")), "{counted}");
    viewer.leave();
}

#[test]
fn a_monitor_is_back_soon_and_another_size_is_followed() {
    let server = Xvfb::start(1000, 400);
    let painter = server.painter();
    painter.monitor("LEFT-1", place(0, 0, 400, 400), false);
    painter.monitor("RIGHT-1", place(500, 0, 400, 400), false);
    let daemon = screen(&server, "monitor = \"RIGHT-1\"");
    let mut viewer = Viewer::watch(daemon.address);
    painter.unplug("RIGHT-1");
    fails(&mut viewer.client, &["lost", "not_found"]);
    is_given_time(&daemon);
    painter.monitor("RIGHT-1", place(500, 0, 400, 400), false);
    shows(&viewer, Recovery::of("monitor removed"));
    lives(&mut viewer.client);
    // At once, with another size.
    painter.unplug("RIGHT-1");
    painter.monitor("RIGHT-1", place(500, 0, 320, 240), false);
    let recovery = Recovery::of("resolution changed");
    let end = Instant::now() + LIMIT;
    while viewer.peer.widths().last() != Some(&320) {
        assert!(Instant::now() < end, "{:?}", viewer.peer.widths());
        std::thread::sleep(Duration::from_millis(5));
    }
    recovery.ends();
    viewer.leave();
}

#[test]
fn sound_is_back_soon_after_its_server() {
    let mut server = Pulse::start(&[SPEAKERS]);
    let config = "[[source]]\nname = \"sound\"\nkind = \"audio\"\nmonitor = true\n";
    let daemon = Daemon::start_in(&[("PULSE_SERVER", &server.address())], config);
    let mut viewer = Viewer::join(Client::greeted(daemon.address));
    viewer.peer.wait_sound(20, LIMIT);
    server.kill();
    fails(&mut viewer.client, &["lost", "other", "not_found", "stalled"]);
    is_given_time(&daemon);
    server.restart(&[SPEAKERS]);
    let recovery = Recovery::of("sound server restarted");
    let before = viewer.peer.sound();
    viewer.peer.wait_sound(before + 5, LIMIT);
    recovery.ends();
    viewer.leave();
}

#[test]
fn a_network_camera_is_back_soon_for_every_kind_of_viewer() {
    let mut camera = Camera::start("0");
    let uri = camera.uri();
    let source = format!("[[source]]\nname = \"camera\"\nkind = \"uri\"\nuri = \"{uri}\"\n");
    let daemon = Daemon::start_with("open = true", &source, &[]);
    let mut viewer = Viewer::watch(daemon.address);
    let mut by_socket = Client::greeted(daemon.address);
    by_socket.say(&json!({"type": "pictures", "sources": [{"source": "camera"}]}));
    see(&mut by_socket);
    camera.kill();
    fails(&mut viewer.client, &["lost", "not_found", "stalled", "other"]);
    fails(&mut by_socket, &["lost", "not_found", "stalled", "other"]);
    is_given_time(&daemon);
    // What was on its way when it went.
    for frame in by_socket.frames() {
        seen(&mut by_socket, &frame);
    }
    let _again = Camera::start(&camera.port.clone());
    let recovery = Recovery::of("network camera gone");
    let for_picture = Recovery::of("network camera gone, by WebSocket");
    shows(&viewer, recovery);
    see(&mut by_socket);
    for_picture.ends();
    viewer.leave();
}

/// Takes the next picture by the WebSocket, and says so.
fn see(client: &mut Client) {
    let frame = client.frame();
    seen(client, &frame);
}

fn seen(client: &mut Client, frame: &[u8]) {
    let (head, _) = FrameHead::parse(frame).unwrap();
    client.say(&json!({"type": "seen", "subject_kind": head.kind.byte(), "subject": head.subject, "number": head.number}));
}

#[test]
fn when_an_encoder_fails_the_next_one_takes_over() {
    let picture = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=15/1
        ! appsink name=video";
    // Enough frames for the trial at the start, and for two seconds.
    let failing = "appsrc name=in ! identity error-after=30 ! videoconvert ! video/x-raw,format=I420
        ! x264enc tune=zerolatency speed-preset=ultrafast ! video/x-h264,profile=constrained-baseline
        ! rtph264pay config-interval=-1 aggregate-mode=zero-latency ! appsink name=out";
    let config = "[video]\nencoders = [\"x264enc\", \"openh264enc\"]\n\
                  [[source]]\nname = \"screen\"\nkind = \"launch\"\nfile = \"screen.launch\"\n";
    let files = [("screen.launch", picture), ("x264enc.launch", failing)];
    let daemon = Daemon::start_with("open = true", config, &files);
    let mut viewer = Viewer::watch(daemon.address);
    fails(&mut viewer.client, &["encoder"]);
    shows(&viewer, Recovery::of("encoder failed"));
    lives(&mut viewer.client);
    // It has a higher rank, and is left alone for long.
    let second = Viewer::watch(daemon.address);
    let before = viewer.peer.frames();
    viewer.peer.wait_frames(before + 40, LIMIT);
    let counted = faults(&daemon);
    assert_eq!((&counted["causes"], &counted["takeovers"]), (&json!({"encoder": 1}), &json!(1)), "{counted}");
    assert!(daemon.log().contains("the next encoder takes over"));
    second.leave();
    viewer.leave();
}
