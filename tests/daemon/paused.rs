//! Sources that are paused: by the person at the machine, for everybody, at once.

use crate::asked::Program;
use crate::client::{Client, LIMIT, Viewer};
use crate::process::Daemon;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A white picture with a tone, which is as different as may be from the still picture; and another.
const WHITE: &str = r#"
[[source]]
name = "screen"
kind = "test"
pattern = "white"
size = "320x180"
framerate = 15

[[source]]
name = "other"
kind = "test"
pattern = "white"
size = "320x180"
framerate = 15
tone = false
"#;
/// The clocks in it take a part.
const BRIGHT: u8 = 150;
/// The words in it take a part.
const DARK: u8 = 90;

fn start() -> Daemon {
    Daemon::start_with("open = true", WHITE, &[])
}

/// Sees nothing but the first source.
fn watch(daemon: &Daemon) -> Viewer {
    let mut client = Client::greeted(daemon.address);
    client.say(&json!({"type": "join", "sources": ["screen"]}));
    let viewer = Viewer::answer(client);
    viewer.peer.wait_frames(1, LIMIT);
    viewer
}

/// The next state of a source that its viewer is told.
fn state(viewer: &mut Viewer, name: &str) -> Value {
    loop {
        let message = viewer.client.expect("source");
        if message["name"] == name {
            return message;
        }
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait_bright(viewer: &Viewer) {
    wait_until("bright", || viewer.peer.brightness().last().is_some_and(|last| *last > BRIGHT));
}

#[test]
fn a_pause_blanks_at_once_and_a_resume_shows_again_in_the_same_session() {
    let daemon = start();
    let mut viewer = watch(&daemon);
    wait_bright(&viewer);
    viewer.peer.wait_sound(10, LIMIT);
    let mut program = Program::connect(&daemon);

    let begun = Instant::now();
    let paused = program.ask(&json!({"type": "pause"}));
    let before = viewer.peer.brightness().len();
    let took = begun.elapsed();
    assert_eq!(paused, json!({"type": "paused", "sources": ["screen", "other"], "kept": true}));
    assert!(took < Duration::from_secs(1), "{took:?}");
    loop {
        let told = state(&mut viewer, "screen");
        if told["state"] == "paused" {
            assert_eq!(told["by"], "machine");
            break;
        }
    }
    // The still picture is there soon, and keeps coming.
    let dark = || viewer.peer.brightness().iter().skip(before).filter(|each| **each < DARK).count();
    wait_until("dark", || dark() > 0);
    let within = begun.elapsed();
    assert!(within < Duration::from_secs(3), "{within:?}");
    // What was in the peer's own buffer is all that came of the old one: 100 ms of pictures.
    let after = viewer.peer.brightness();
    let late = after.iter().skip(before).filter(|each| **each > DARK).count();
    assert!(late <= 3, "{:?}", after.get(before..));
    wait_until("more of it", || dark() > 5);
    let sound = viewer.peer.sound();
    wait_until("and more", || dark() > 15);
    let shown = viewer.peer.brightness();
    assert_eq!(
        shown.iter().skip(before).filter(|each| **each > DARK).count(),
        late,
        "{:?}",
        shown.get(before..)
    );
    assert!(viewer.peer.sound() <= sound + 1, "sound goes on");
    assert_eq!(program.ask(&json!({"type": "status"}))["sources"][0]["state"], "paused");

    // Back, in the same peer connection: no offer was made.
    let resumed = program.ask(&json!({"type": "resume"}));
    assert_eq!(resumed["sources"], json!([]));
    let sound = viewer.peer.sound();
    assert_eq!(state(&mut viewer, "screen")["state"], "starting");
    assert_eq!(state(&mut viewer, "screen")["state"], "live");
    wait_bright(&viewer);
    viewer.peer.wait_sound(sound + 20, LIMIT);
    let numbers: Vec<u16> = viewer.peer.headers().iter().map(|header| header.0).collect();
    let ssrcs: std::collections::BTreeSet<u32> =
        viewer.peer.headers().iter().map(|header| header.2).collect();
    assert_eq!(ssrcs.len(), 1, "one stream all the time");
    let jumps = numbers.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) > 64).count();
    assert_eq!(jumps, 0, "its numbers go on");
    println!("answered after {took:?}, still picture after {within:?}, {late} late pictures");
}

#[test]
fn one_source_is_paused_and_the_other_goes_on() {
    let daemon = start();
    assert_eq!(daemon.told(&["pause", "screen"]), "paused: screen\n");
    let unknown = daemon.command(&["pause", "nonsense"]);
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("There is no source 'nonsense'"),
        "{unknown:?}"
    );
    let mut client = Client::greeted(daemon.address);
    client.say(&json!({"type": "join", "sources": ["other"]}));
    let viewer = Viewer::answer(client);
    wait_bright(&viewer);
    assert!(daemon.told(&["status"]).contains("screen  paused"));
    assert!(!daemon.log().contains("source=other paused"), "{}", daemon.log());
}

#[test]
fn what_is_paused_stays_so_over_a_reload_and_a_restart_and_nobody_sees_it_meanwhile() {
    let mut daemon = start();
    assert_eq!(daemon.told(&["pause"]), "paused: screen, other\n");
    // Who comes now sees the still picture, and nothing else.
    let viewer = watch(&daemon);
    viewer.peer.wait_frames(5, LIMIT);
    assert!(viewer.peer.brightness().iter().all(|each| *each < DARK), "{:?}", viewer.peer.brightness());
    viewer.leave();

    // A source that comes later is paused with the others.
    daemon.rewrite_config("", &WHITE.replace("other", "later"));
    daemon.told(&["reload"]);
    let status: Value = serde_json::from_str(&daemon.told(&["status", "--json"])).unwrap();
    assert_eq!(
        (&status["sources"][1]["name"], &status["sources"][1]["state"]),
        (&json!("later"), &json!("paused"))
    );

    daemon.signal(libc::SIGKILL);
    daemon.wait();
    daemon.restart();
    let mut client = Client::connect(daemon.address);
    client.say(&json!({"type": "hello", "version": 1, "video_codecs": ["H264"]}));
    let sources = &client.expect("welcome")["sources"];
    assert_eq!((&sources[0]["state"], &sources[0]["by"]), (&json!("paused"), &json!("machine")));
    client.say(&json!({"type": "join", "sources": ["screen"]}));
    let viewer = Viewer::answer(client);
    viewer.peer.wait_frames(5, LIMIT);
    assert!(viewer.peer.brightness().iter().all(|each| *each < DARK), "{:?}", viewer.peer.brightness());
    assert_eq!(daemon.told(&["resume", "screen"]), "paused: later\n");
    wait_bright(&viewer);
}
