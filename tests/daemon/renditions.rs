//! Renditions: who is sent which, what runs for it, and what a viewer may ask for.

use crate::client::{Client, LIMIT, Viewer};
use crate::process::{Daemon, SOURCES};
use serde_json::{Value, json};

const SHORT_GRACE: &str = "[video]\ngrace_s = 0.5\n";

/// The next `rendition` of that source that is as wanted.
fn rendition(client: &mut Client, source: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let message = client.expect("rendition");
        if message["source"] == source && wanted(&message) {
            return message;
        }
    }
}

fn choose(client: &mut Client, source: &str, rung: impl Into<Option<u8>>) {
    match rung.into() {
        Some(rung) => client.say(&json!({"type": "choose", "source": source, "rung": rung})),
        None => client.say(&json!({"type": "choose", "source": source})),
    }
}

/// Waits until a picture that wide has been decoded after those there are.
fn wait_for_width(viewer: &Viewer, width: i32) {
    let begun = std::time::Instant::now();
    let before = viewer.peer.widths().len();
    while !viewer.peer.widths()[before..].contains(&width) {
        assert!(begun.elapsed() < LIMIT, "no picture {width} wide");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_viewer_chooses_a_rendition_and_is_told_when_it_is_there() {
    let daemon = Daemon::start(SHORT_GRACE);
    let mut viewer = Viewer::watch(daemon.address);
    // What automatic begins with.
    choose(&mut viewer.client, "camera", 0);
    let told = rendition(&mut viewer.client, "camera", |told| told["automatic"] == false);
    assert_eq!((&told["rung"], &told["too_slow"]), (&json!(0), &json!(false)));
    assert_eq!(told["rungs"].as_array().unwrap().len(), 2, "{told}");
    let small = json!({"width": 160, "height": 90, "framerate": 15.0, "bitrate_kbps": 60});
    assert_eq!(told["rungs"][1], small);
    assert!(!daemon.log().contains("encoder starts rendition=camera/H264/1"), "{}", daemon.log());

    choose(&mut viewer.client, "camera", 1);
    rendition(&mut viewer.client, "camera", |told| told["rung"] == 1);
    wait_for_width(&viewer, 160);
    daemon.wait_for_line("encoder starts rendition=camera/H264/1");
    daemon.wait_for_line("encoder stops rendition=camera/H264/0");
    // The other source is not touched.
    wait_for_width(&viewer, 320);

    choose(&mut viewer.client, "camera", None);
    rendition(&mut viewer.client, "camera", |told| told["rung"] == 0 && told["automatic"] == true);
    daemon.wait_for_line("encoder stops rendition=camera/H264/1");
    // What was hidden comes back in the rendition that was chosen.
    choose(&mut viewer.client, "camera", 1);
    rendition(&mut viewer.client, "camera", |told| told["rung"] == 1);
    viewer.client.say(&json!({"type": "select", "sources": []}));
    daemon.wait_for_line("encoder stops rendition=camera/H264/1");
    viewer.client.say(&json!({"type": "select", "sources": ["camera"]}));
    wait_for_width(&viewer, 160);
    viewer.leave();
}

#[test]
fn what_cannot_be_chosen_is_refused_and_changes_nothing() {
    let daemon = Daemon::start("");
    let mut client = Client::greeted(daemon.address);
    choose(&mut client, "screen", 1);
    assert_eq!(client.error(), "out_of_order");
    client.say(&json!({"type": "join", "sources": ["screen"]}));
    let mut viewer = Viewer::answer(client);
    viewer.peer.wait_frames(5, LIMIT);
    for (message, code) in [
        (json!({"type": "choose", "source": "nothing"}), "unknown_source"),
        (json!({"type": "choose", "source": "camera", "rung": 0}), "unknown_source"),
        (json!({"type": "choose", "source": "screen", "rung": 2}), "unknown_rung"),
        (json!({"type": "choose", "source": "screen", "rung": 255}), "unknown_rung"),
        (json!({"type": "choose", "source": "screen", "rung": 256}), "bad_message"),
        (json!({"type": "choose", "source": "screen", "rung": -1}), "bad_message"),
        (json!({"type": "choose", "source": "screen", "rung": "1"}), "bad_message"),
        (json!({"type": "choose", "source": "No Name"}), "bad_message"),
        (json!({"type": "choose"}), "bad_message"),
    ] {
        viewer.client.say(&message);
        assert_eq!(viewer.client.error(), code, "{message}");
    }
    let before = viewer.peer.frames();
    viewer.peer.wait_frames(before + 10, LIMIT);
    assert!(viewer.peer.widths().iter().all(|width| *width == 320));
    viewer.leave();
}

#[test]
fn two_viewers_are_on_different_renditions_of_one_capture() {
    let daemon = Daemon::start(SHORT_GRACE);
    let one = Viewer::watch(daemon.address);
    let mut two = Viewer::watch(daemon.address);
    choose(&mut two.client, "screen", 1);
    rendition(&mut two.client, "screen", |told| told["rung"] == 1);
    wait_for_width(&two, 160);
    let (first, second) = (one.peer.frames(), two.peer.frames());
    one.peer.wait_frames(first + 20, LIMIT);
    two.peer.wait_frames(second + 20, LIMIT);
    assert!(one.peer.widths().iter().all(|width| *width == 320));
    assert_eq!(daemon.log().matches("source starts source=screen").count(), 1);
    assert!(!daemon.log().contains("encoder stops"), "{}", daemon.log());
    two.leave();
    daemon.wait_for_line("encoder stops rendition=screen/H264/1");
    let first = one.peer.frames();
    one.peer.wait_frames(first + 20, LIMIT);
    assert!(!daemon.log().contains("encoder stops rendition=screen/H264/0"), "{}", daemon.log());
    one.leave();
}

#[test]
fn who_chooses_while_joining_is_never_sent_another_rendition() {
    // An encoder description from before there were renditions is given smaller pictures too.
    let mine = "appsrc name=in ! videoconvert ! video/x-raw,format=I420\n\
        ! x264enc tune=zerolatency speed-preset=superfast bitrate={bitrate_kbps:int} vbv-buf-capacity=600\n\
        key-int-max={keyframe_frames:int} bframes=0 byte-stream=true aud=false\n\
        ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au\n\
        ! rtph264pay pt=96 mtu=1200 config-interval=-1 aggregate-mode=zero-latency ! appsink name=out";
    let more = format!("[video]\nencoders = [\"x264enc\"]\n{SOURCES}");
    let daemon = Daemon::start_with("open = true", &more, &[("x264enc.launch", mine)]);
    let mut client = Client::greeted(daemon.address);
    client.say(&json!({"type": "join", "sources": ["screen"]}));
    choose(&mut client, "screen", 1);
    let viewer = Viewer::answer(client);
    viewer.peer.wait_frames(20, LIMIT);
    assert!(viewer.peer.widths().iter().all(|width| *width == 160), "{:?}", viewer.peer.widths());
    assert!(!daemon.log().contains("encoder starts rendition=screen/H264/0"), "{}", daemon.log());
    viewer.leave();
}

#[test]
fn a_ladder_of_ones_own_is_that_of_its_codec() {
    let source = r#"
[[source]]
name = "screen"
kind = "test"
size = "320x180"
framerate = 30
tone = false
[[source.rendition]]
[[source.rendition]]
size = "200x200"
framerate = 5
bitrate_kbps = 70
[[source.rendition]]
scale = 0.8
codec = "H264"
"#;
    let daemon = Daemon::start_with("open = true", source, &[]);
    let small = json!({"width": 200, "height": 112, "framerate": 5.0, "bitrate_kbps": 70});
    for (codec, count) in [("H264", 3), ("VP8", 2)] {
        let mut client = Client::connect(daemon.address);
        client.say(&json!({"type": "hello", "version": 1, "video_codecs": [codec]}));
        client.expect("welcome");
        client.say(&json!({"type": "join"}));
        let told = rendition(&mut client, "screen", |_| true);
        let rungs = told["rungs"].as_array().unwrap();
        assert_eq!((rungs.len(), &rungs[count - 1]), (count, &small), "{told}");
        let last = u8::try_from(count - 1).unwrap();
        choose(&mut client, "screen", last);
        let viewer = Viewer::answer(client);
        wait_for_width(&viewer, 200);
        viewer.leave();
    }
}
