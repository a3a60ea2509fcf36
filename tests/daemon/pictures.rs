//! Pictures and sound by the WebSocket, where WebRTC cannot pass.

use crate::client::{Client, LIMIT};
use crate::process::Daemon;
use async_tungstenite::tungstenite::protocol::Message;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use serde_json::json;
use std::time::Instant;
use vitrina::core::jpeg;
use vitrina::core::protocol::{FrameHead, FrameKind};

/// A moving picture with a tone, and a white one.
const SOURCES: &str = r#"
[[source]]
name = "ball"
kind = "test"
pattern = "ball"
size = "640x360"
framerate = 15

[[source]]
name = "white"
kind = "test"
pattern = "white"
size = "800x450"
framerate = 15
tone = false
"#;

fn start() -> Daemon {
    Daemon::start_with("open = true", SOURCES, &[])
}

fn take(daemon: &Daemon, sources: &[&str], audio: bool) -> Client {
    let mut client = Client::greeted(daemon.address);
    let sources: Vec<_> = sources.iter().map(|source| json!({"source": source})).collect();
    client.say(&json!({"type": "pictures", "sources": sources, "audio": audio}));
    client
}

fn frame(client: &mut Client) -> (FrameHead, Vec<u8>) {
    let frame = client.frame();
    let (head, body) = FrameHead::parse(&frame).unwrap();
    (head, body.to_vec())
}

/// The next picture; sound is passed over.
fn picture(client: &mut Client) -> (FrameHead, Vec<u8>) {
    loop {
        let (head, body) = frame(client);
        if head.kind == FrameKind::Source {
            return (head, body);
        }
        assert_eq!(head.kind, FrameKind::Sound);
    }
}

fn seen(client: &mut Client, head: &FrameHead) {
    let kind = head.kind.byte();
    client.say(
        &json!({"type": "seen", "subject_kind": kind, "subject": head.subject, "number": head.number}),
    );
}

/// Decoded by somebody else: how bright it is, from 0 to 255.
fn brightness(jpeg: &[u8]) -> u8 {
    gst::init().unwrap();
    let text = "appsrc name=in ! image/jpeg ! jpegdec ! videoconvert ! video/x-raw,format=GRAY8 ! appsink name=out sync=false";
    let pipeline = gst::parse::launch(text).unwrap().downcast::<gst::Pipeline>().unwrap();
    let input = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let output = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    input.push_buffer(gst::Buffer::from_slice(jpeg.to_vec())).unwrap();
    input.end_of_stream().unwrap();
    let sample = output.try_pull_sample(gst::ClockTime::from_seconds(10)).expect("it can be decoded");
    let map = sample.buffer().unwrap().map_readable().unwrap();
    let sum: u64 = map.iter().map(|each| u64::from(*each)).sum();
    pipeline.set_state(gst::State::Null).unwrap();
    (sum / map.len() as u64) as u8
}

#[test]
fn pictures_come_one_at_a_time_and_are_real_and_move_and_sound_comes_beside_them() {
    let daemon = start();
    let mut client = take(&daemon, &["ball"], true);
    let (first, jpeg) = picture(&mut client);
    assert_eq!((first.number, first.subject), (1, 0));
    assert_eq!(jpeg::size(&jpeg), Ok((640, 360)));
    assert!(brightness(&jpeg) < 100);
    // Half a second of sound, and no other picture in it.
    let mut sounds = Vec::new();
    while sounds.len() < 25 {
        let (head, opus) = frame(&mut client);
        assert_eq!((head.kind, head.subject), (FrameKind::Sound, 0), "one picture is on its way");
        // RFC 6716 section 3.1: one frame of 20 ms in stereo.
        assert!(opus.len() > 3 && opus[0] & 4 == 4, "{:x}", opus[0]);
        sounds.push(head);
    }
    for pair in sounds.windows(2) {
        assert_eq!(pair[1].number, pair[0].number + 1);
        assert!(pair[1].time_us > pair[0].time_us);
    }
    let now_us = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64;
    assert!(now_us.abs_diff(sounds[24].time_us) < 5_000_000, "the time of day");
    seen(&mut client, &first);
    let (second, moved) = picture(&mut client);
    assert_eq!(second.number, 2);
    assert!(second.time_us > first.time_us && moved != jpeg);

    // In another width, once it is asked for; what was seen falsely changes nothing.
    let width = json!([{"source": "ball", "width": 320}]);
    client.say(&json!({"type": "pictures", "sources": width, "audio": false}));
    seen(&mut client, &first);
    seen(&mut client, &second);
    loop {
        let (head, jpeg) = picture(&mut client);
        seen(&mut client, &head);
        if jpeg::size(&jpeg) == Ok((320, 180)) {
            break;
        }
    }
    // A camera of the client's own is taken where it is one.
    let own = FrameHead { kind: FrameKind::Participant, number: 1, time_us: 1, subject: 0 };
    client.send(Message::binary(own.before(&jpeg)));
    client.send(Message::binary(own.before(b"no picture")));
    assert_eq!(client.error(), "bad_message");
    client.send(Message::binary(first.before(&jpeg)));
    assert_eq!(client.error(), "bad_message");
    client.say(&json!({"type": "pictures", "sources": [{"source": "nothing"}]}));
    assert_eq!(client.error(), "unknown_source");
}

#[test]
fn who_takes_the_same_shares_an_encoder_and_it_ends_with_the_last() {
    let daemon = start();
    let mut all = [take(&daemon, &["white"], false), take(&daemon, &["white", "ball"], false)];
    for client in &mut all {
        let (head, jpeg) = loop {
            let (head, jpeg) = picture(client);
            seen(client, &head);
            if head.subject == 1 {
                break (head, jpeg);
            }
        };
        assert_eq!((head.subject, jpeg::size(&jpeg)), (1, Ok((640, 360))), "no larger than it begins with");
        assert!(brightness(&jpeg) > 150);
    }
    let starts = |id: &str| daemon.log().matches(&format!("encoder starts picture={id}")).count();
    assert_eq!((starts("white/JPEG/640"), starts("ball/JPEG/640")), (1, 1), "{}", daemon.log());
    assert!(daemon.told(&["status"]).contains("ball, white") || daemon.told(&["status"]).contains("white, ball"));

    let [mut first, second] = all;
    first.say(&json!({"type": "pictures", "sources": []}));
    second.cut();
    let stopped = daemon.wait_for_line("encoder stops").contains("JPEG");
    assert!(stopped && daemon.wait_for_line("encoder stops").contains("JPEG"));
    daemon.wait_for_line("source idle");
    daemon.wait_for_line("source idle");
}

#[test]
fn a_paused_source_shows_its_still_picture_at_once() {
    let daemon = start();
    let mut client = take(&daemon, &["white"], false);
    let (head, jpeg) = picture(&mut client);
    assert!(brightness(&jpeg) > 150);
    assert_eq!(daemon.told(&["pause", "white"]), "paused: white\n");
    seen(&mut client, &head);
    for _ in 0..3 {
        let (head, jpeg) = picture(&mut client);
        assert!(brightness(&jpeg) < 90, "the still picture and no other");
        seen(&mut client, &head);
    }
    daemon.told(&["resume", "white"]);
    let end = Instant::now() + LIMIT;
    loop {
        let (head, jpeg) = picture(&mut client);
        seen(&mut client, &head);
        if brightness(&jpeg) > 150 {
            break;
        }
        assert!(Instant::now() < end, "it stays dark");
    }
}

#[test]
fn who_reads_nothing_makes_nothing_grow_and_holds_up_nobody() {
    let daemon = start();
    let mut reads = take(&daemon, &["ball", "white"], true);
    let mut pass = |count: usize| {
        let mut passed = 0;
        while passed < count {
            let (head, _) = picture(&mut reads);
            seen(&mut reads, &head);
            passed += 1;
        }
    };
    pass(20);
    let before = daemon.holdings().memory_kb;
    let silent: Vec<_> = (0..20).map(|_| take(&daemon, &["ball", "white"], true)).collect();
    pass(150);
    let grown = daemon.holdings().memory_kb.saturating_sub(before);
    assert!(grown < 30_000, "{grown} kB");
    drop(silent);
}
