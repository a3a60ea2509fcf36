//! A reload while somebody watches: what it does not change goes on untouched, and what it does is
//! changed in the session that there is.

use crate::client::{Client, LIMIT, Viewer};
use crate::process::Daemon;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FAST: &str = "[video]\ngrace_s = 0.5\n";

/// A source whose pictures are so wide, by which they are known.
fn source(name: &str, width: u32) -> String {
    let height = width / 4 * 2;
    format!(
        "[[source]]\nname = \"{name}\"\nkind = \"test\"\nsize = \"{width}x{height}\"\nframerate = 15\ntone = false\n"
    )
}

fn reload(daemon: &Daemon, more: &str, sources: &[String]) {
    daemon.rewrite_config(more, &sources.concat());
    daemon.told(&["reload"]);
}

fn names(message: &Value) -> Vec<&str> {
    message["sources"].as_array().unwrap().iter().map(|info| info["name"].as_str().unwrap()).collect()
}

fn count(viewer: &Viewer, width: i32) -> usize {
    viewer.peer.widths().iter().filter(|each| **each == width).count()
}

/// Waits for some more pictures of that width.
fn wait_for(viewer: &Viewer, width: i32) {
    let (begun, before) = (Instant::now(), count(viewer, width));
    while count(viewer, width) < before + 5 {
        assert!(begun.elapsed() < LIMIT, "no more pictures {width} wide");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How often that was begun.
fn begun(daemon: &Daemon, what: &str) -> usize {
    daemon.log().matches(&format!("starts {what}")).count()
}

#[test]
fn sources_come_go_and_change_and_the_others_go_on_untouched() {
    let (left, right, door) = (source("left", 320), source("right", 240), source("door", 160));
    let daemon = Daemon::start_with("open = true", &format!("{FAST}{left}{right}"), &[]);
    let mut viewer = Viewer::watch(daemon.address);
    wait_for(&viewer, 240);

    reload(&daemon, FAST, &[left.clone(), right.clone(), door.clone()]);
    assert_eq!(names(&viewer.client.expect("sources")), ["left", "right", "door"]);
    let mut second = Viewer::watch(daemon.address);
    wait_for(&second, 160);

    // Another device under the same name: in the same session, on the same m-line.
    reload(&daemon, FAST, &[left.clone(), source("right", 400), door.clone()]);
    wait_for(&viewer, 400);
    wait_for(&second, 400);

    reload(&daemon, FAST, &[left.clone(), door.clone()]);
    assert_eq!(names(&viewer.client.expect("sources")), ["left", "door"]);
    wait_for(&viewer, 320);
    // It comes back, and the session still has its m-line.
    reload(&daemon, FAST, &[left.clone(), door, right]);
    assert_eq!(names(&viewer.client.expect("sources")), ["left", "door", "right"]);
    viewer.client.say(&json!({"type": "select", "sources": ["left", "right"]}));
    wait_for(&viewer, 240);

    wait_for(&viewer, 320);
    assert_eq!(begun(&daemon, "source=left"), 1, "{}", daemon.log());
    assert_eq!(begun(&daemon, "rendition=left/H264/0"), 1, "{}", daemon.log());
    viewer.leave();
    second.client.expect("sources");
    second.leave();
}

#[test]
fn a_ladder_and_a_bit_rate_change_under_who_watches() {
    let (left, right) = (source("left", 640), source("right", 240));
    let full = "[[source.rendition]]\nbitrate_kbps = 900\n";
    let half = "[[source.rendition]]\nscale = 0.5\n";
    let daemon = Daemon::start_with("open = true", &format!("{FAST}{left}{full}{half}{right}"), &[]);
    let mut viewer = Viewer::watch(daemon.address);
    viewer.client.say(&json!({"type": "choose", "source": "left", "rung": 1}));
    wait_for(&viewer, 320);

    // The rung that was watched is not there any more.
    reload(&daemon, FAST, &[format!("{left}{full}"), right.clone()]);
    wait_for(&viewer, 640);
    wait_for(&viewer, 240);
    assert_eq!(begun(&daemon, "rendition=right/H264/0"), 1, "{}", daemon.log());
    assert_eq!(begun(&daemon, "source=left"), 1, "{}", daemon.log());

    // What holds for all is changed in all that has nothing of its own, and nobody has to come back.
    reload(&daemon, "[video]\ngrace_s = 0.5\nbitrate_kbps = 300\n", &[format!("{left}{full}"), right]);
    wait_for(&viewer, 240);
    wait_for(&viewer, 640);
    assert_eq!(begun(&daemon, "rendition=right/H264/0"), 2, "{}", daemon.log());
    assert_eq!(begun(&daemon, "source=right"), 1, "{}", daemon.log());
    viewer.leave();
}

#[test]
fn a_launch_file_that_was_edited_is_what_is_shown() {
    let text = |width: u32| {
        format!(
            "videotestsrc is-live=true ! video/x-raw,format=I420,width={width},height=120,framerate=15/1
            ! appsink name=video"
        )
    };
    let own = "[[source]]\nname = \"own\"\nkind = \"launch\"\nfile = \"own.launch\"\n";
    let daemon = Daemon::start_with("open = true", own, &[("own.launch", &text(200))]);
    let viewer = Viewer::watch(daemon.address);
    wait_for(&viewer, 200);
    std::fs::write(daemon.folder.path().join("pipelines/own.launch"), text(260)).unwrap();
    daemon.told(&["reload"]);
    wait_for(&viewer, 260);
    viewer.leave();
}

#[test]
fn pictures_by_the_websocket_go_on_and_those_of_what_is_gone_end() {
    let (left, right) = (source("left", 320), source("right", 240));
    let daemon = Daemon::start_with("open = true", &format!("{FAST}{left}{right}"), &[]);
    let mut client = Client::greeted(daemon.address);
    let take = |client: &mut Client, names: &[&str]| {
        let sources: Vec<_> = names.iter().map(|name| json!({"source": name})).collect();
        client.say(&json!({"type": "pictures", "sources": sources, "audio": false}));
    };
    // The next picture of that subject; each is acknowledged.
    let next = |client: &mut Client, wanted: u32| loop {
        let frame = client.frame();
        let word = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        let (number, subject) = (word(1), word(13));
        client.say(&json!({"type": "seen", "subject_kind": 1, "subject": subject, "number": number}));
        if subject == wanted {
            return;
        }
    };
    take(&mut client, &["left", "right"]);
    (0..3).for_each(|_| next(&mut client, 0));
    next(&mut client, 1);

    reload(&daemon, FAST, &[source("door", 160), right]);
    assert_eq!(names(&client.expect("sources")), ["door", "right"]);
    (0..3).for_each(|_| next(&mut client, 1));
    take(&mut client, &["door", "right"]);
    (0..3).for_each(|_| next(&mut client, 2));
    assert_eq!(begun(&daemon, "source=right"), 1, "{}", daemon.log());
}
