//! The media path with real elements: a test picture is captured, encoded once, fanned out to
//! several viewers, and decoded by peers made of GStreamer's own elements.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/peer.rs"]
mod peer;

use gstreamer as gst;
use peer::Peer;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vitrina::core::ids::{SourceName, ViewerId};
use vitrina::core::protocol::{Codec, MediaKind};
use vitrina::core::template::Values;
use vitrina::core::units::{Bitrate, FrameRate, Size};
use vitrina::media::encoder::{EncodeSettings, Encoders};
use vitrina::media::fanout::Fanout;
use vitrina::media::launch::LaunchFiles;
use vitrina::media::rendition::Rendition;
use vitrina::media::source::{Capture, CapturePlan, Taps};
use vitrina::media::viewer::{IceSettings, TrackSpec, Viewer, ViewerEvent};
use vitrina::media::{Event, Events, Format, RenditionId, Rung};

const LIMIT: Duration = Duration::from_secs(20);
const PICTURE: &str = "videotestsrc is-live=true pattern=ball
    ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! appsink name=video
    audiotestsrc is-live=true samplesperbuffer=480 ! audio/x-raw,rate=48000,channels=2,format=S16LE ! appsink name=audio";

/// Waits until that is so.
fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One source with its encoders and viewers, driven by hand.
struct Rig {
    _folder: tempfile::TempDir,
    files: LaunchFiles,
    encoders: Encoders,
    events: Events,
    received: async_channel::Receiver<Event>,
    source: SourceName,
    taps: Taps,
    capture: Option<Capture>,
}

impl Rig {
    fn start() -> Self {
        vitrina::media::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("picture.launch"), PICTURE).unwrap();
        let files = LaunchFiles::new(Some(folder.path().into()));
        let encoders = Encoders::choose(&files, &["x264enc".into()]).unwrap();
        let (sender, received) = async_channel::bounded(4096);
        let events = Events::new(sender);
        let source = SourceName::new("test").unwrap();
        let taps = Taps::default();
        let mut rig =
            Self { _folder: folder, files, encoders, events, received, source, taps, capture: None };
        rig.start_capture(1);
        rig
    }

    fn start_capture(&mut self, run: u64) {
        let plan = CapturePlan {
            description: self.files.load("picture.launch").unwrap(),
            values: Values::new(),
            media: vec![MediaKind::Video, MediaKind::Audio],
            live: true,
            network_latency: None,
            device: None,
        };
        let capture = Capture::start(&self.source, run, &plan, &self.taps, &self.events, || {});
        self.capture = Some(capture.unwrap());
    }

    fn next(&self) -> Event {
        let deadline = async {
            smol::Timer::after(LIMIT).await;
            panic!("no event in time");
        };
        smol::block_on(smol::future::or(async { self.received.recv().await.unwrap() }, deadline))
    }

    fn wait<T>(&self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            if let Some(found) = wanted(self.next()) {
                return found;
            }
        }
        panic!("the event did not come");
    }

    /// Waits for pictures as the daemon would: whoever asks for a keyframe gets one. On a busy
    /// machine a viewer may fall behind and need another.
    fn show(&self, encoder: &Rendition, peer: &Peer, frames: u64) {
        encoder.force_keyframe();
        let end = Instant::now() + LIMIT;
        while peer.frames() < frames {
            assert!(Instant::now() < end, "{} frames of {frames} within {LIMIT:?}", peer.frames());
            while let Ok(event) = self.received.try_recv() {
                if matches!(event, Event::KeyframeWanted { .. }) {
                    encoder.force_keyframe();
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn encode(&self, codec: Codec, run: u64, fanout: &Arc<Fanout>) -> (Rendition, Option<String>) {
        let id = RenditionId { source: self.source.clone(), codec, rung: 0 };
        let format = self.wait(|event| match event {
            Event::CaptureFormat { format, .. } => match (format, id.media()) {
                (Format::Video { .. }, MediaKind::Video) | (Format::Audio, MediaKind::Audio) => Some(format),
                _ => None,
            },
            _ => None,
        });
        let settings = EncodeSettings::whole(format, Bitrate::from_kbps(500), Duration::from_secs(600));
        self.encode_as(&id, run, &settings, fanout)
    }

    fn encode_as(
        &self,
        id: &RenditionId,
        run: u64,
        settings: &EncodeSettings,
        fanout: &Arc<Fanout>,
    ) -> (Rendition, Option<String>) {
        let tap = self.taps.of(id.media());
        let encoder = self.encoders.of(id.codec);
        let started = Rendition::start(id, run, encoder, settings, tap, fanout, &self.events, || {});
        let profile = self.wait(|event| match event {
            Event::RenditionReady { profile_level_id, rendition, .. } if rendition == *id => {
                Some(profile_level_id)
            }
            Event::RenditionFailed { detail, .. } => panic!("{detail}"),
            _ => None,
        });
        (started.unwrap(), profile)
    }

    /// A second rendition of the picture: half its size at half its rate.
    fn encode_small(&self, codec: Codec) -> (Rendition, Arc<Fanout>) {
        let id = RenditionId { source: self.source.clone(), codec, rung: 1 };
        let fanout = Arc::new(Fanout::new(id.clone(), self.events.clone()));
        let format = |width, height, fps| Format::Video {
            size: Size { width, height },
            framerate: FrameRate::whole(fps),
        };
        let settings = EncodeSettings {
            captured: format(320, 180, 30),
            format: format(160, 90, 15),
            bitrate: Bitrate::from_kbps(200),
            keyframe_interval: Duration::from_secs(600),
            burst: Duration::from_millis(250),
        };
        (self.encode_as(&id, 1, &settings, &fanout).0, fanout)
    }

    /// Waits until a viewer is really sent this rung, giving keyframes to whoever asks, as the
    /// daemon would.
    fn wait_for_rung(&self, wanted: Rung, encoders: [&Rendition; 2]) {
        self.wait(|event| match event {
            Event::KeyframeWanted { rendition } => {
                encoders[usize::from(rendition.rung)].force_keyframe();
                None
            }
            Event::Viewer { event: ViewerEvent::Sending { rung, .. }, .. } => (rung == wanted).then_some(()),
            _ => None,
        });
    }

    fn fanout(&self, codec: Codec) -> Arc<Fanout> {
        let id = RenditionId { source: self.source.clone(), codec, rung: 0 };
        Arc::new(Fanout::new(id, self.events.clone()))
    }

    /// Connects a peer of GStreamer's to a new viewer; both are returned once connected.
    fn connect(&self, number: u64, tracks: &[(Codec, Option<&str>)]) -> (Viewer, Peer) {
        let (viewer, peer, _) = self.connect_by(number, tracks, str::to_owned);
        (viewer, peer)
    }

    /// As `connect`, with another answer than the peer's own; also the certificate it came with.
    fn connect_by(
        &self,
        number: u64,
        tracks: &[(Codec, Option<&str>)],
        edit: fn(&str) -> String,
    ) -> (Viewer, Peer, Option<String>) {
        let ice = IceSettings { addresses: vec!["127.0.0.1".parse().unwrap()], ..IceSettings::default() };
        let specs: Vec<_> = tracks
            .iter()
            .enumerate()
            .map(|(index, (codec, profile))| TrackSpec {
                rendition: RenditionId { source: self.source.clone(), codec: *codec, rung: 0 },
                profile_level_id: profile.map(str::to_owned),
                ssrc: 1000 * u32::try_from(number).unwrap() + u32::try_from(index).unwrap(),
                first_sequence: 65_500,
                first_timestamp: u32::MAX - 9000,
            })
            .collect();
        let id = ViewerId(number);
        let viewer = Viewer::open(id, &ice, &specs, &self.events).unwrap();
        let peer = Peer::new();
        let mut early: Vec<(u32, String)> = Vec::new();
        let certificate = self.wait(|event| {
            let Event::Viewer { viewer: from, event } = event else { return None };
            if from != id {
                return None;
            }
            match event {
                ViewerEvent::Offer { sdp } => {
                    let answer = peer.answer(&sdp);
                    let answer = edit(&answer);
                    viewer.accept(&answer).unwrap();
                    // A browser names its candidates by the first m-line that it has not rejected.
                    let mut mlines = answer.lines().filter(|line| line.starts_with("m="));
                    let transport = mlines.position(|line| !line.contains(" 0 UDP")).unwrap();
                    let transport = u32::try_from(transport).unwrap();
                    for (mline, candidate) in early.drain(..) {
                        peer.add_candidate(mline, &candidate);
                    }
                    for (_, candidate) in peer.candidates() {
                        viewer.add_candidate(transport, &candidate);
                    }
                    None
                }
                ViewerEvent::Candidate { mline, candidate } if !candidate.is_empty() => {
                    if peer.has_description() {
                        peer.add_candidate(mline, &candidate);
                    } else {
                        early.push((mline, candidate));
                    }
                    None
                }
                ViewerEvent::Candidate { .. } => None,
                ViewerEvent::Connected { certificate } => Some(certificate),
                other => panic!("{other:?}"),
            }
        });
        (viewer, peer, certificate)
    }
}

#[test]
fn one_encode_reaches_every_viewer_and_one_leaving_disturbs_nobody() {
    let rig = Rig::start();
    let video = rig.fanout(Codec::H264);
    let (encoder, profile) = rig.encode(Codec::H264, 1, &video);
    let level = profile.unwrap();
    assert!(level.starts_with("42c0"), "constrained baseline expected: {level}");

    let (one, first) = rig.connect(1, &[(Codec::H264, Some(level.as_str()))]);
    let (two, second) = rig.connect(2, &[(Codec::H264, Some(level.as_str()))]);
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
        // The encoder's first frame was one; the next regular one is ten minutes away.
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
    until(|| video.counts().0 > encoded.0 + 5);
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

/// Counts from now on, at every nicesink of the process.
fn count_what_sockets_get() -> Sent {
    let sent = Sent::default();
    let counts = Arc::clone(&sent);
    gst::log::remove_default_log_function();
    gst::log::set_threshold_for_name("GST_SCHEDULING", gst::DebugLevel::Log);
    gst::log::add_log_function(move |_, _, _, _, _, pad, message| {
        let (Some(text), Some(pad)) = (message.get(), pad) else { return };
        let is_list = text.starts_with("calling chainlistfunction ");
        if !is_list && !text.starts_with("calling chainfunction ") {
            return;
        }
        let name = pad.to_string();
        if name.contains("nicesink") {
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
    let sent = sent.lock().unwrap().clone();
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
            assert!(to.subscribe(Arc::clone(track)) && !to.subscribe(Arc::clone(track)), "{codec:?}");
            track.want_keyframe();
            rig.wait_for_rung(rung, encoders);
            from.unsubscribe(ViewerId(1));
            rig.show(encoders[usize::from(rung)], &peer, peer.frames() + 20);
        }
        drop((viewer, encoder, smaller));
        let mut widths = peer.widths();
        widths.dedup();
        assert_eq!(widths, [320, 160, 320, 160], "{codec:?}: one picture after the other");
        let packets = peer.packets();
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
    peer.wait_frames(before + 30, LIMIT);
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
