//! How long joining takes, with viewers that join ten a second. `VITRINA_JOINS` says how many; the
//! figures are printed (`--no-capture`), and are those of a machine that does nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/peer.rs"]
mod peer;
#[path = "support/rig.rs"]
mod rig;

use peer::Peer;
use rig::{LIMIT, Rig};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vitrina::core::candidate::Candidate;
use vitrina::core::ids::ViewerId;
use vitrina::core::keyframe::KeyframeGate;
use vitrina::core::protocol::Codec;
use vitrina::media::Event;
use vitrina::media::viewer::{Viewer, ViewerEvent};

/// From one join to the next.
const EVERY: Duration = Duration::from_millis(100);

struct Joining {
    viewer: Viewer,
    peer: Peer,
    begun: Instant,
    opened: Instant,
    offered: Option<Instant>,
    answered: Option<Instant>,
    connected: Option<Instant>,
    sent: Option<Instant>,
    shown: Option<Instant>,
    early: Vec<String>,
}

/// Median, 95th percentile and worst, in ms.
fn figures(mut all: Vec<Duration>) -> [f64; 3] {
    all.sort();
    let at = |share: f64| {
        let index = ((all.len() as f64 * share) as usize).min(all.len() - 1);
        all[index].as_secs_f64() * 1000.0
    };
    [at(0.5), at(0.95), at(1.0)]
}

#[test]
fn viewers_that_join_ten_a_second_share_few_keyframes_and_wait_little() {
    let count = std::env::var("VITRINA_JOINS").map_or(8, |count| count.parse::<usize>().unwrap());
    let rig = Rig::start();
    vitrina::media::viewer::warm_up(&rig.ice).unwrap();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let mut gate = KeyframeGate::default();
    let (begun, before) = (Instant::now(), video.counts().1);
    let mut all: Vec<Joining> = Vec::new();
    while all.len() < count || all.iter().any(|each| each.shown.is_none()) {
        let now = Instant::now();
        assert!(now < begun + LIMIT + EVERY * u32::try_from(count).unwrap(), "not all have joined");
        if all.len() < count && now >= begun + EVERY * u32::try_from(all.len()).unwrap() {
            let peer = Peer::new();
            let begun = Instant::now();
            let viewer = rig.open(all.len() as u64 + 1, &[(Codec::H264, profile.as_deref())]);
            let opened = Instant::now();
            let (offered, answered, connected, sent, shown) = (None, None, None, None, None);
            let early = Vec::new();
            all.push(Joining {
                viewer,
                peer,
                begun,
                opened,
                offered,
                answered,
                connected,
                sent,
                shown,
                early,
            });
        }
        if gate.on_timeout(now) {
            encoder.force_keyframe();
        }
        for each in all.iter_mut().filter(|each| each.connected.is_some()) {
            let now = || Some(Instant::now());
            each.sent = each.sent.or_else(|| (each.viewer.tracks()[0].counts().0 > 0).then(now)?);
            each.shown = each.shown.or_else(|| (each.peer.frames() > 0).then(now)?);
        }
        match rig.received.try_recv() {
            Ok(Event::KeyframeWanted { .. }) if gate.request(now) => encoder.force_keyframe(),
            Ok(Event::KeyframeSent { at, .. }) => gate.keyframe_seen(at),
            Ok(Event::Viewer { viewer: ViewerId(id), event, .. }) => {
                let each = &mut all[usize::try_from(id).unwrap() - 1];
                match event {
                    ViewerEvent::Offer { sdp } => {
                        each.offered = Some(Instant::now());
                        each.viewer.accept(&each.peer.answer(&sdp)).unwrap();
                        each.answered = Some(Instant::now());
                        for candidate in each.early.drain(..) {
                            each.peer.add_candidate(0, &candidate);
                        }
                        let candidates = each.peer.candidates().into_iter();
                        for (_, candidate) in candidates.filter(|(_, line)| !line.is_empty()) {
                            each.viewer.add_candidate(Candidate::parse(&candidate).unwrap());
                        }
                    }
                    ViewerEvent::Candidate { candidate } if !candidate.is_empty() => {
                        if each.offered.is_some() {
                            each.peer.add_candidate(0, &candidate);
                        } else {
                            each.early.push(candidate);
                        }
                    }
                    ViewerEvent::Candidate { .. } | ViewerEvent::WayFound | ViewerEvent::Sending { .. } => {}
                    ViewerEvent::Connected { .. } => {
                        each.connected = Some(Instant::now());
                        video.subscribe(Arc::clone(&each.viewer.tracks()[0]));
                    }
                    other => panic!("{other:?}"),
                }
            }
            Ok(_) => {}
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    let keyframes = video.counts().1 - before;
    let of = |from: fn(&Joining) -> Option<Instant>, to: fn(&Joining) -> Option<Instant>| {
        figures(all.iter().map(|each| to(each).unwrap() - from(each).unwrap()).collect())
    };
    println!("{count} viewers, {keyframes} keyframes; median, 95th percentile, worst in ms");
    println!("  opened within           {:7.1?}", of(|each| Some(each.begun), |each| Some(each.opened)));
    println!("  open to offer           {:7.1?}", of(|each| Some(each.begun), |each| each.offered));
    println!("  the peer's answer       {:7.1?}", of(|each| each.offered, |each| each.answered));
    println!("  answer to connected     {:7.1?}", of(|each| each.answered, |each| each.connected));
    println!("  connected to first sent {:7.1?}", of(|each| each.connected, |each| each.sent));
    println!("  connected to decoded    {:7.1?}", of(|each| each.connected, |each| each.shown));
    let most = begun.elapsed().as_millis() / 400 + 2;
    assert!(u128::from(keyframes) <= most, "{keyframes} keyframes, {most} at the most");
}
