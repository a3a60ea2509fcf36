//! Data channels: webrtcbin as the daemon has it, and a peer of GStreamer's own elements.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/peer.rs"]
mod peer;
#[path = "support/rig.rs"]
mod rig;

use peer::Peer;
use rig::{Rig, until};
use vitrina::core::channels::{Channel, MAX_SAID};
use vitrina::core::protocol::Codec;
use vitrina::core::sdp::{CheckedAnswer, OfferSummary};
use vitrina::media::viewer::{Viewer, ViewerEvent};
use vitrina::media::{Event, pipeline};

const TRACK: [(Codec, Option<&str>); 1] = [(Codec::Vp8, None)];

/// The answer as the daemon gives it to webrtcbin.
fn checked(offer: &str, answer: &str) -> String {
    let offer = OfferSummary::parse(offer).unwrap();
    CheckedAnswer::check(answer, &offer).unwrap_or_else(|error| panic!("{error}\n{answer}")).to_sdp()
}

/// A viewer whose peer has the daemon's channels open.
fn open(rig: &Rig, number: u64) -> (Viewer, Peer) {
    let (viewer, peer) = rig.connect_with_data(number, &TRACK, checked);
    until(|| peer.channels().len() == 3);
    (viewer, peer)
}

fn next_said(rig: &Rig) -> (Channel, String) {
    rig.wait(|event| match event {
        Event::Viewer { event: ViewerEvent::Said { channel, text }, .. } => Some((channel, text)),
        _ => None,
    })
}

fn heard(peer: &Peer, label: &str) -> Vec<String> {
    peer.heard().into_iter().filter(|(each, _)| each == label).map(|(_, text)| text).collect()
}

#[test]
fn what_is_said_goes_both_ways_and_echo_comes_back() {
    let rig = Rig::start();
    let (viewer, peer) = open(&rig, 1);
    let offer = peer.offer_text();
    assert!(offer.contains("a=max-message-size:65536\r\n"), "{offer}");
    let data = offer.split("m=").last().unwrap();
    assert!(data.starts_with("application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"), "{offer}");
    assert!(!data.contains("extmap"), "{offer}");

    peer.say("room", "hello");
    assert_eq!(next_said(&rig), (Channel::Room, "hello".into()));
    peer.say("pointer", "there");
    assert_eq!(next_said(&rig), (Channel::Pointer, "there".into()));
    assert!(viewer.say(Channel::Room, "good day"));
    assert!(viewer.say(Channel::Pointer, "here"));
    until(|| heard(&peer, "room") == ["good day"] && heard(&peer, "pointer") == ["here"]);
    peer.say("echo", "1 ¿dónde?");
    until(|| heard(&peer, "echo") == ["1 ¿dónde?"]);
}

#[test]
fn what_is_too_long_or_too_much_is_not_taken_and_what_waits_is_bounded() {
    let rig = Rig::start();
    let (viewer, peer) = open(&rig, 1);
    peer.say("echo", &"x".repeat(1025));
    let longest = "y".repeat(MAX_SAID);
    peer.say("room", &longest);
    assert_eq!(next_said(&rig), (Channel::Room, longest.clone()), "it is whole");
    // A channel of its own that the daemon's peer connection would have to carry.
    let made = peer.make_channels(10);
    for _ in 0..300 {
        peer.say("room", "z");
    }
    peer.say("echo", "still there?");
    until(|| heard(&peer, "echo") == ["still there?"]);
    let said = || rig.received.try_recv().ok();
    let count = std::iter::from_fn(said)
        .filter(|event| matches!(event, Event::Viewer { event: ViewerEvent::Said { .. }, .. }))
        .count();
    assert!((1..300).contains(&count), "{count} of 300 were taken");
    drop(made);

    // Faster than it goes, "room" is full at some time, and nothing that it took is lost.
    let mut taken = 0;
    while viewer.say(Channel::Room, &longest) {
        taken += 1;
        assert!(taken < 1000, "it takes everything");
    }
    until(|| heard(&peer, "room").len() == taken);
}

#[test]
fn who_does_not_take_the_channels_is_connected_all_the_same() {
    let rig = Rig::start();
    for (number, edit) in [
        // Rejected, and left out.
        (1, (|offer, answer| checked(offer, &answer.replace("m=application 9", "m=application 0"))) as fn(&str, &str) -> String),
        (2, |offer, answer| {
            let mid = answer.split("a=mid:").last().unwrap().lines().next().unwrap();
            let group = answer.lines().find(|line| line.starts_with("a=group:BUNDLE")).unwrap();
            let without = answer[..answer.find("m=application").unwrap()].to_owned();
            checked(offer, &without.replace(group, &group.replace(&format!(" {mid}"), "")))
        }),
    ] {
        let (viewer, peer) = rig.connect_with_data(number, &TRACK, edit);
        assert!(!viewer.say(Channel::Room, "nobody"), "{number}");
        drop((viewer, peer));
    }
    let (viewer, peer) = rig.connect(3, &TRACK);
    assert!(!peer.offer_text().contains("m=application"), "it has not asked");
    assert!(!viewer.say(Channel::Room, "nobody"));
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn viewers_with_channels_leave_no_threads_behind() {
    let rig = Rig::start();
    let gone = || {
        until(|| pipeline::stopping() == 0);
    };
    drop(open(&rig, 1));
    gone();
    let before = threads();
    for round in 0..3 {
        let all: Vec<_> = (0..4).map(|index| open(&rig, 10 + round * 4 + index)).collect();
        assert!(threads() > before);
        drop(all);
        gone();
    }
    until(|| threads() <= before + 2);
}
