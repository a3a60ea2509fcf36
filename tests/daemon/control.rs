//! Reload and stop.

use crate::client::{Client, LIMIT, Viewer};
use crate::process::{Daemon, SOURCES};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_stop_says_goodbye_closes_everything_and_takes_less_than_two_seconds() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut daemon = Daemon::start("");
        let mut viewers: Vec<_> = (0..3).map(|_| Viewer::watch(daemon.address)).collect();
        let mut idle = Client::greeted(daemon.address);
        daemon.signal(signal);
        let (status, took) = daemon.wait();
        assert_eq!(status.code(), Some(0), "{status:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
        for client in viewers.iter_mut().map(|viewer| &mut viewer.client).chain([&mut idle]) {
            let bye = client.expect("bye");
            assert_eq!((&bye["reason"], bye["retry_ms"].is_u64()), (&json!("shutdown"), true));
            assert!(client.next().is_none());
        }
        daemon.wait_for_line("stopped");
    }
}

#[test]
fn a_bad_reload_changes_nothing_and_limits_hold_from_the_next_viewer_on() {
    let daemon = Daemon::start("");
    let viewer = Viewer::watch(daemon.address);
    daemon.rewrite_config("", "[[source]]\nname = \"Bad Name\"\nkind = \"nothing\"");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("the configuration stays as it was");
    let before = viewer.peer.frames();
    viewer.peer.wait_frames(before + 10, LIMIT);

    // The same sources in the same words: nobody notices.
    daemon.rewrite_config("[limits]\nviewers = 2\n", SOURCES);
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("configuration reloaded");
    let before = viewer.peer.frames();
    viewer.peer.wait_frames(before + 10, LIMIT);
    let _second = Client::greeted(daemon.address);
    let mut third = Client::connect(daemon.address);
    assert_eq!(third.expect("bye")["reason"], "full");
}

#[test]
fn captures_run_only_while_somebody_watches() {
    let daemon = Daemon::start("[video]\ngrace_s = 0.5\n");
    let quiet = daemon.holdings().threads;
    let viewer = Viewer::watch(daemon.address);
    daemon.wait_for_line("source live");
    assert!(daemon.holdings().threads > quiet + 4);
    viewer.leave();
    daemon.wait_for_line("source idle");
    daemon.wait_for_line("source idle");
    // And start again for the next one.
    Viewer::watch(daemon.address).leave();
}

#[test]
fn what_a_viewer_does_not_select_is_not_sent() {
    let daemon = Daemon::start("");
    let mut viewer = Viewer::watch(daemon.address);
    viewer.client.say(&json!({"type": "select", "sources": []}));
    viewer.client.say(&json!({"type": "ping", "id": 7}));
    assert_eq!(viewer.client.expect("pong")["id"], 7);
    // What was on its way arrives; then there is nothing more, for longer than a frame takes.
    let mut last = viewer.peer.frames();
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(400));
        let now = viewer.peer.frames();
        if now == last {
            break;
        }
        last = now;
    }
    assert_eq!(viewer.peer.frames(), last);
    viewer.client.say(&json!({"type": "select", "sources": ["camera"]}));
    viewer.peer.wait_frames(last + 10, LIMIT);
}

#[test]
fn what_is_hidden_from_the_start_holds_nothing_up() {
    let daemon = Daemon::start("");
    let mut client = Client::greeted(daemon.address);
    client.say(&json!({"type": "join", "select": ["camera"]}));
    let begun = std::time::Instant::now();
    let offer = client.expect("offer");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(offer["tracks"].as_array().unwrap().len(), 3, "{offer}");
    assert!(!daemon.log().contains("source starts source=screen"), "{}", daemon.log());
}
