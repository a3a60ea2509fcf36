//! The media path with real elements: a test picture is captured, encoded once, fanned out to
//! several viewers, and decoded by peers made of GStreamer's own elements.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/peer.rs"]
mod peer;
#[path = "support/rig.rs"]
mod rig;

use gstreamer as gst;
use rig::{LIMIT, Rig, until};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vitrina::core::ids::ViewerId;
use vitrina::core::protocol::{Codec, MediaKind};
use vitrina::core::units::Bitrate;
use vitrina::media::encoder::EncodeSettings;
use vitrina::media::fanout::Fanout;
use vitrina::media::rendition::Rendition;
use vitrina::media::{Event, Format, RenditionId};

#[test]
fn one_encode_reaches_every_viewer_and_one_leaving_disturbs_nobody() {
    let rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let level = profile.unwrap();
    assert!(level.starts_with("42c0"), "constrained baseline expected: {level}");

    let (one, first) = rig.connect(1, &[(Codec::H264, Some(level.as_str()))]);
    let (two, second) = rig.connect(2, &[(Codec::H264, Some(level.as_str()))]);
    until(|| video.counts().0 > 20);
    for viewer in [&one, &two] {
        video.subscribe(Arc::clone(&viewer.tracks()[0]));
    }
    // Nothing but a keyframe begins a picture; the next regular one is ten minutes away.
    let asked = rig.wait(|event| match event {
        Event::KeyframeWanted { rendition } => Some(rendition),
        _ => None,
    });
    assert_eq!(asked.codec, Codec::H264);
    rig.show(&encoder, &first, 30);
    rig.show(&encoder, &second, 30);
    assert!(first.offer_text().contains(&format!("profile-level-id={level}")), "{}", first.offer_text());
    assert!(first.offer_text().contains("rtx/90000"), "{}", first.offer_text());

    video.unsubscribe(ViewerId(1));
    drop((one, first));
    let before = second.frames();
    rig.show(&encoder, &second, before + 60);
    assert_eq!(video.viewers(), 1);
}

#[test]
fn sound_and_picture_arrive_in_streams_of_their_own() {
    let rig = Rig::start();
    let (video, audio) = (rig.fanout(Codec::Vp8), rig.fanout(Codec::Opus));
    let (encoder, _) = rig.encode(Codec::Vp8, 1, &video);
    // The sound's format may have come before the picture's.
    let id = RenditionId { source: rig.source.clone(), codec: Codec::Opus, rung: 0 };
    let settings = EncodeSettings::whole(Format::Audio, Bitrate::from_kbps(64), Duration::from_secs(1));
    let sound = Rendition::start(
        &id,
        1,
        rig.encoders.of(Codec::Opus),
        &settings,
        rig.taps.of(MediaKind::Audio),
        &audio,
        &rig.events,
        || {},
    )
    .unwrap();
    let (viewer, peer) = rig.connect(1, &[(Codec::Vp8, None), (Codec::Opus, None)]);
    video.subscribe(Arc::clone(&viewer.tracks()[0]));
    audio.subscribe(Arc::clone(&viewer.tracks()[1]));
    rig.show(&encoder, &peer, 30);
    peer.wait_sound(30, LIMIT);
    let offer = peer.offer_text();
    assert!(offer.contains("\r\na=msid:test-video ") && offer.contains("\r\na=msid:test-audio "), "{offer}");
    drop((encoder, sound));
}

#[test]
fn a_picture_begins_with_a_keyframe_and_with_nothing_else() {
    for codec in [Codec::H264, Codec::Vp8] {
        let rig = Rig::start();
        let video = rig.fanout(codec);
        let (encoder, profile) = rig.encode(codec, 1, &video);
        let (viewer, peer) = rig.connect(1, &[(codec, profile.as_deref())]);
        // The encoder's first frame was one; the next regular one is ten minutes away, and there
        // is too much in between to send it all.
        until(|| video.counts().0 > 20);
        let regular = video.counts().1;
        assert_eq!(regular, 1, "{codec:?}");
        let track = &viewer.tracks()[0];
        video.subscribe(Arc::clone(track));
        rig.wait(|event| matches!(event, Event::KeyframeWanted { .. }).then_some(()));
        assert_eq!(track.counts().0, 0, "{codec:?}");
        encoder.force_keyframe();
        peer.wait_frames(10, LIMIT);
        assert_eq!(video.counts().1, 2, "{codec:?}");
    }
}

#[test]
fn who_joins_soon_after_a_keyframe_begins_with_it_at_once() {
    for codec in [Codec::H264, Codec::Vp8] {
        let rig = Rig::start();
        let video = rig.fanout(codec);
        let (encoder, profile) = rig.encode(codec, 1, &video);
        let (viewer, peer) = rig.connect(1, &[(codec, profile.as_deref())]);
        let track = &viewer.tracks()[0];
        encoder.force_keyframe();
        until(|| video.counts().1 == 2);
        let before = video.counts().0;
        while rig.received.try_recv().is_ok() {}
        video.subscribe(Arc::clone(track));
        // What there was since the keyframe, without a wait for the next frame.
        let begun_with = track.counts().0;
        assert!((1..=20).contains(&begun_with), "{codec:?}: {begun_with} frames");
        peer.wait_frames(10, LIMIT);
        // Each frame once, none left out: one that refers to a missing one would not be shown.
        assert!(track.counts().0 - begun_with <= video.counts().0 - before + 1, "{codec:?}");
        assert_eq!((track.counts().1, video.counts().1), (0, 2), "{codec:?}");
        let asked = std::iter::from_fn(|| rig.received.try_recv().ok())
            .any(|event| matches!(event, Event::KeyframeWanted { .. }));
        assert!(!asked, "{codec:?}: a keyframe was asked for");

        // Who looks away for a moment misses nothing.
        let sent = track.counts().0;
        video.unsubscribe(ViewerId(1));
        let missed = video.counts().0;
        until(|| video.counts().0 > missed + 2);
        video.subscribe(Arc::clone(track));
        assert!(track.counts().0 > sent, "{codec:?}");
        peer.wait_frames(sent + 10, LIMIT);
        assert_eq!((track.counts().1, video.counts().1), (0, 2), "{codec:?}");
        drop(encoder);
        // Nobody is shown what an encoder that has ended showed last.
        let (viewer, _peer) = rig.connect(2, &[(codec, profile.as_deref())]);
        video.subscribe(Arc::clone(&viewer.tracks()[0]));
        assert_eq!(viewer.tracks()[0].counts().0, 0, "{codec:?}");
    }
}

#[test]
fn what_was_paused_goes_on_with_a_keyframe() {
    let rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let (viewer, peer) = rig.connect(1, &[(Codec::H264, profile.as_deref())]);
    let track = &viewer.tracks()[0];
    video.subscribe(Arc::clone(track));
    rig.show(&encoder, &peer, 10);
    video.unsubscribe(ViewerId(1));
    let (sent, encoded) = (track.counts().0, video.counts());
    until(|| video.counts().0 > encoded.0 + 20);
    video.subscribe(Arc::clone(track));
    // It asks by itself, and shows nothing that refers to frames that it has not seen.
    rig.wait(|event| matches!(event, Event::KeyframeWanted { .. }).then_some(()));
    assert_eq!((track.counts().0, video.counts().1), (sent, encoded.1));
    rig.show(&encoder, &peer, peer.frames() + 10);
}

#[test]
fn the_peers_certificate_is_known_once_connected() {
    let rig = Rig::start();
    let tracks = [(Codec::Vp8, None), (Codec::Opus, None)];
    let (_viewer, _peer, certificate) = rig.connect_by(1, &tracks, str::to_owned);
    assert!(certificate.unwrap().contains("BEGIN CERTIFICATE"));
}

/// What each socket is handed, by the name of its element: lists, and single packets.
type Sent = Arc<Mutex<BTreeMap<String, (u64, u64)>>>;

/// Beside the sockets: what rtpsession complains of, which it did for each packet without a latency.
const COMPLAINTS: &str = "rtpsession";

/// Counts from now on, at every socket's element of the process.
fn count_what_sockets_get() -> Sent {
    let sent = Sent::default();
    let counts = Arc::clone(&sent);
    gst::log::remove_default_log_function();
    gst::log::set_threshold_for_name("GST_SCHEDULING", gst::DebugLevel::Log);
    gst::log::set_threshold_for_name("rtpsession", gst::DebugLevel::Warning);
    gst::log::add_log_function(move |category, _, _, _, _, pad, message| {
        if category.name() == "rtpsession" {
            counts.lock().unwrap().entry(COMPLAINTS.into()).or_default().1 += 1;
            return;
        }
        let (Some(text), Some(pad)) = (message.get(), pad) else { return };
        let is_list = text.starts_with("calling chainlistfunction ");
        if !is_list && !text.starts_with("calling chainfunction ") {
            return;
        }
        let name = pad.to_string();
        if name.to_lowercase().contains("icesink") {
            let mut counts = counts.lock().unwrap();
            let (lists, packets) = counts.entry(name).or_default();
            *(if is_list { lists } else { packets }) += 1;
        }
    });
    sent
}

#[test]
fn packets_of_a_frame_stay_together_down_to_the_socket() {
    let rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let (viewer, peer) = rig.connect(1, &[(Codec::H264, profile.as_deref())]);
    let sent = count_what_sockets_get();
    video.subscribe(Arc::clone(&viewer.tracks()[0]));
    rig.show(&encoder, &peer, 60);
    // A peer's own socket sends nothing but RTCP.
    let mut sent = sent.lock().unwrap().clone();
    let (_, complaints) = sent.remove(COMPLAINTS).unwrap_or_default();
    assert!(complaints < 10, "rtpsession complains of {complaints} packets");
    let (lists, packets) = sent.values().max_by_key(|(lists, packets)| lists + packets).unwrap();
    assert!(*lists >= 50 && *packets < 30, "lists and single packets: {sent:?}");
}

#[test]
fn nothing_is_queued_for_a_viewer_that_is_not_connected_or_has_paused() {
    let rig = Rig::start();
    let audio = rig.fanout(Codec::Opus);
    let (_encoder, _) = rig.encode(Codec::Opus, 1, &audio);
    let (viewer, peer) = rig.connect(1, &[(Codec::Opus, None)]);
    let track = &viewer.tracks()[0];
    assert_eq!(track.counts(), (0, 0));
    for _ in 0..2 {
        let packets = audio.counts().0;
        until(|| audio.counts().0 > packets + 50);
        // A second of sound has gone by; what comes now comes at the pace of the present.
        let (heard, begun) = (peer.sound(), Instant::now());
        audio.subscribe(Arc::clone(track));
        peer.wait_sound(heard + 40, LIMIT);
        assert!(begun.elapsed() > Duration::from_millis(600), "a burst: {:?}", begun.elapsed());
        audio.unsubscribe(ViewerId(1));
    }
}

#[test]
fn a_restarted_encoder_goes_on_in_the_same_stream() {
    let mut rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let (viewer, peer) = rig.connect(1, &[(Codec::H264, profile.as_deref())]);
    video.subscribe(Arc::clone(&viewer.tracks()[0]));
    rig.show(&encoder, &peer, 20);
    drop(encoder);
    rig.capture = None;
    // As after a camera was unplugged: a new capture, a new encoder, the same viewer.
    rig.start_capture(2);
    let (encoder, _) = rig.encode(Codec::H264, 2, &video);
    rig.show(&encoder, &peer, peer.frames() + 30);
}

#[test]
fn what_is_forgotten_goes_to_nobody_whoever_still_makes_it() {
    let mut rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let (viewer, peer) = rig.connect(1, &[(Codec::H264, profile.as_deref())]);
    let track = &viewer.tracks()[0];
    video.subscribe(Arc::clone(track));
    rig.show(&encoder, &peer, 20);
    let keyframes = video.counts().1;
    encoder.force_keyframe();
    until(|| video.counts().1 > keyframes);

    // Capture and encoder go on, as with a driver that is slow to stop.
    video.forget_before(2);
    let (sent, made) = (track.counts().0, video.counts().0);
    let (other, late) = rig.connect(2, &[(Codec::H264, profile.as_deref())]);
    video.subscribe(Arc::clone(&other.tracks()[0]));
    until(|| video.counts().0 > made + 20);
    assert_eq!((track.counts().0, other.tracks()[0].counts().0), (sent, 0));

    // Nor does an encoder get what such a capture still takes.
    rig.taps.forget_before(2);
    let taken = rig.taps.frames();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(rig.taps.frames(), taken);

    drop(encoder);
    rig.start_capture(2);
    let (next, _) = rig.encode(Codec::H264, 2, &video);
    let before = peer.frames();
    rig.show(&next, &peer, before + 20);
    rig.show(&next, &late, 20);
}

#[test]
fn a_viewer_goes_over_to_another_rendition_in_the_same_stream_and_back() {
    for codec in [Codec::H264, Codec::Vp8] {
        let begun = Instant::now();
        let rig = Rig::start();
        let large = rig.fanout(codec);
        let (encoder, profile) = rig.encode(codec, 1, &large);
        let (smaller, small) = rig.encode_small(codec);
        let (viewer, peer) = rig.connect(1, &[(codec, profile.as_deref())]);
        let track = &viewer.tracks()[0];
        let encoders = [&encoder, &smaller];
        large.subscribe(Arc::clone(track));
        track.want_keyframe();
        rig.wait_for_rung(0, encoders);
        rig.show(&encoder, &peer, 20);
        for (to, from, rung) in [(&small, &large, 1), (&large, &small, 0), (&small, &large, 1)] {
            to.subscribe(Arc::clone(track));
            to.subscribe(Arc::clone(track));
            track.want_keyframe();
            rig.wait_for_rung(rung, encoders);
            from.unsubscribe(ViewerId(1));
            rig.show(encoders[usize::from(rung)], &peer, peer.frames() + 20);
        }
        drop((viewer, encoder, smaller));
        let mut widths = peer.widths();
        widths.dedup();
        assert_eq!(widths, [320, 160, 320, 160], "{codec:?}: one picture after the other");
        let packets = peer.headers();
        for pair in packets.windows(2) {
            let [(sequence, timestamp, ssrc), (next, later, same)] = [pair[0], pair[1]];
            assert_eq!((next, same), (sequence.wrapping_add(1), ssrc), "{codec:?}");
            assert!(later.wrapping_sub(timestamp) < 90_000 * 5, "{codec:?}: {timestamp} {later}");
        }
        // At its own rate, not the capture's.
        let most = begun.elapsed().as_secs_f64() * 15.0 + 5.0;
        assert!((small.counts().0 as f64) < most, "{codec:?}: {:?} of {most}", small.counts());
    }
}

#[test]
fn a_rendition_that_never_comes_leaves_the_viewer_where_it_is() {
    let rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let (viewer, peer) = rig.connect(1, &[(Codec::H264, profile.as_deref())]);
    let track = &viewer.tracks()[0];
    video.subscribe(Arc::clone(track));
    rig.show(&encoder, &peer, 10);
    let id = RenditionId { source: rig.source.clone(), codec: Codec::H264, rung: 1 };
    let silent = Fanout::new(id, rig.events.clone());
    silent.subscribe(Arc::clone(track));
    let before = peer.frames();
    // On the way down nothing is asked of the larger one at first; longer than that.
    peer.wait_frames(before + 75, LIMIT);
    // What it has lost meanwhile it gets from where it is.
    track.want_keyframe();
    rig.wait(|event| {
        matches!(event, Event::KeyframeWanted { rendition } if rendition.rung == 0).then_some(())
    });
    silent.unsubscribe(ViewerId(1));
    peer.wait_frames(peer.frames() + 10, LIMIT);
    let mut widths = peer.widths();
    widths.dedup();
    assert_eq!(widths, [320]);
}

#[test]
fn stopped_pipelines_come_to_an_end() {
    let rig = Rig::start();
    drop(rig);
    until(|| vitrina::media::pipeline::stopping() == 0);
}
