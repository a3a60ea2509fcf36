//! Captures and encoders that fail, and what viewers are told and shown of it.

use crate::client::{Client, LIMIT, Viewer};
use crate::process::Daemon;
use serde_json::json;
use std::time::{Duration, Instant};

const ONE_SOURCE: &str = "[[source]]\nname = \"screen\"\nkind = \"launch\"\nfile = \"screen.launch\"\n";
const PICTURE: &str =
    "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=15/1
    ! appsink name=video";

/// The states that the viewer is told, up to and with `last`.
fn states(client: &mut Client, last: &str) -> Vec<String> {
    let mut states = Vec::new();
    while states.last().is_none_or(|state| state != last) {
        states.push(client.expect("source")["state"].as_str().unwrap().to_owned());
    }
    states
}

#[test]
fn an_encoder_that_fails_is_seen_to_fail_and_to_recover() {
    // Enough frames for the trial at the start, and for two seconds.
    let encoder = "appsrc name=in ! identity error-after=30 ! videoconvert ! video/x-raw,format=I420
        ! x264enc tune=zerolatency speed-preset=ultrafast ! video/x-h264,profile=constrained-baseline
        ! rtph264pay config-interval=-1 aggregate-mode=zero-latency ! appsink name=out";
    let files = [("screen.launch", PICTURE), ("x264enc.launch", encoder)];
    let config = format!("[video]\nencoders = [\"x264enc\"]\n{ONE_SOURCE}");
    let daemon = Daemon::start_with("open = true", &config, &files);
    let mut client = Client::greeted(daemon.address);
    client.say(&json!({"type": "join"}));
    assert_eq!(states(&mut client, "failed"), ["starting", "live", "failed"]);
    assert_eq!(states(&mut client, "live"), ["live"]);
    let again = client.expect("source");
    assert_eq!((&again["state"], &again["failures"]), (&json!("failed"), &json!(2)));
}

#[test]
fn who_comes_after_a_capture_has_failed_and_come_back_waits_for_nothing() {
    // Ends after five seconds, as a camera does that is unplugged.
    let picture = PICTURE.replace("is-live=true", "is-live=true num-buffers=75");
    let config = format!("[video]\ngrace_s = 60\n{ONE_SOURCE}");
    let daemon = Daemon::start_with("open = true", &config, &[("screen.launch", &picture)]);
    let mut first = Viewer::watch(daemon.address);
    states(&mut first.client, "failed");
    assert_eq!(states(&mut first.client, "live"), ["live"]);
    // The encoder has gone on: it says nothing new of its stream.
    let mut second = Client::greeted(daemon.address);
    let begun = Instant::now();
    second.say(&json!({"type": "join"}));
    second.expect("offer");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let before = first.peer.frames();
    first.peer.wait_frames(before + 5, LIMIT);
}
