//! One source with its encoders, and viewers with peers of GStreamer's, driven by hand.

// Each test binary uses a part of it.
#![allow(dead_code)]

use crate::peer::Peer;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vitrina::core::candidate::Candidate;
use vitrina::core::ids::{SourceName, ViewerId};
use vitrina::core::protocol::{Codec, MediaKind};
use vitrina::core::template::Values;
use vitrina::core::units::{Bitrate, FrameRate, Size};
use vitrina::media::encoder::{EncodeSettings, Encoders};
use vitrina::media::fanout::Fanout;
use vitrina::media::ice::{Ice, IceSettings};
use vitrina::media::launch::LaunchFiles;
use vitrina::media::rendition::Rendition;
use vitrina::media::source::{Capture, CapturePlan, Taps};
use vitrina::media::viewer::{TrackSpec, Viewer, ViewerEvent};
use vitrina::media::{Event, Events, Format, RenditionId, Rung};

pub const LIMIT: Duration = Duration::from_secs(20);
const PICTURE: &str = "videotestsrc is-live=true pattern=ball
    ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! appsink name=video
    audiotestsrc is-live=true samplesperbuffer=480 ! audio/x-raw,rate=48000,channels=2,format=S16LE ! appsink name=audio";

/// Waits until that is so.
pub fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One source with its encoders and viewers, driven by hand.
pub struct Rig {
    _folder: tempfile::TempDir,
    pub files: LaunchFiles,
    pub encoders: Encoders,
    pub events: Events,
    pub received: async_channel::Receiver<Event>,
    pub source: SourceName,
    pub taps: Taps,
    pub ice: Ice,
    pub capture: Option<Capture>,
}

impl Rig {
    pub fn start() -> Self {
        vitrina::media::init().unwrap();
        assert!(vitrina::media::srtp::install().unwrap());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("picture.launch"), PICTURE).unwrap();
        let files = LaunchFiles::new(Some(folder.path().into()));
        let encoders = Encoders::choose(&files, &["x264enc".into()]).unwrap();
        let (sender, received) = async_channel::bounded(4096);
        let events = Events::new(sender);
        let source = SourceName::new("test").unwrap();
        let taps = Taps::default();
        let addresses = vec!["127.0.0.1".parse().unwrap()];
        let ice = Ice::bind(0, false, IceSettings { addresses, ..IceSettings::default() }).unwrap();
        let mut rig =
            Self { _folder: folder, files, encoders, events, received, source, taps, ice, capture: None };
        rig.start_capture(1);
        rig
    }

    pub fn start_capture(&mut self, run: u64) {
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

    pub fn next(&self) -> Event {
        let deadline = async {
            smol::Timer::after(LIMIT).await;
            panic!("no event in time");
        };
        smol::block_on(smol::future::or(async { self.received.recv().await.unwrap() }, deadline))
    }

    pub fn wait<T>(&self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
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
    pub fn show(&self, encoder: &Rendition, peer: &Peer, frames: u64) {
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

    pub fn encode(&self, codec: Codec, run: u64, fanout: &Arc<Fanout>) -> (Rendition, Option<String>) {
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

    pub fn encode_as(
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
    pub fn encode_small(&self, codec: Codec) -> (Rendition, Arc<Fanout>) {
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
    pub fn wait_for_rung(&self, wanted: Rung, encoders: [&Rendition; 2]) {
        self.wait(|event| match event {
            Event::KeyframeWanted { rendition } => {
                encoders[usize::from(rendition.rung)].force_keyframe();
                None
            }
            Event::Viewer { event: ViewerEvent::Sending { rung, .. }, .. } => (rung == wanted).then_some(()),
            _ => None,
        });
    }

    pub fn fanout(&self, codec: Codec) -> Arc<Fanout> {
        let id = RenditionId { source: self.source.clone(), codec, rung: 0 };
        Arc::new(Fanout::new(id, self.events.clone()))
    }

    /// A viewer that is about to offer these tracks.
    pub fn open(&self, number: u64, tracks: &[(Codec, Option<&str>)]) -> Viewer {
        self.open_with(number, tracks, false)
    }

    /// The same, with data channels or without.
    pub fn open_with(&self, number: u64, tracks: &[(Codec, Option<&str>)], data: bool) -> Viewer {
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
        Viewer::open(ViewerId(number), &self.ice, &specs, data, &self.events).unwrap()
    }

    /// Connects a peer of GStreamer's to a new viewer; both are returned once connected.
    pub fn connect(&self, number: u64, tracks: &[(Codec, Option<&str>)]) -> (Viewer, Peer) {
        let (viewer, peer, _) = self.connect_by(number, tracks, str::to_owned);
        (viewer, peer)
    }

    /// The same with data channels, and with an answer that is made of the offer and the peer's own.
    pub fn connect_with_data(
        &self,
        number: u64,
        tracks: &[(Codec, Option<&str>)],
        edit: fn(&str, &str) -> String,
    ) -> (Viewer, Peer) {
        let viewer = self.open_with(number, tracks, true);
        let (viewer, peer, _) = self.negotiate(viewer, number, edit);
        (viewer, peer)
    }

    /// As `connect`, with another answer than the peer's own; also the certificate it came with.
    pub fn connect_by(
        &self,
        number: u64,
        tracks: &[(Codec, Option<&str>)],
        edit: fn(&str) -> String,
    ) -> (Viewer, Peer, Option<String>) {
        self.negotiate(self.open(number, tracks), number, |_, answer| edit(answer))
    }

    fn negotiate(
        &self,
        viewer: Viewer,
        number: u64,
        edit: impl Fn(&str, &str) -> String,
    ) -> (Viewer, Peer, Option<String>) {
        let id = ViewerId(number);
        let peer = Peer::new();
        let mut early: Vec<String> = Vec::new();
        let certificate = self.wait(|event| {
            let Event::Viewer { viewer: from, event, .. } = event else { return None };
            if from != id {
                return None;
            }
            match event {
                ViewerEvent::Offer { sdp } => {
                    let answer = peer.answer(&sdp);
                    let answer = edit(&sdp, &answer);
                    viewer.accept(&answer).unwrap();
                    for candidate in early.drain(..) {
                        peer.add_candidate(0, &candidate);
                    }
                    // Since 1.24 an empty one ends them.
                    for (_, candidate) in peer.candidates().into_iter().filter(|(_, line)| !line.is_empty()) {
                        viewer.add_candidate(Candidate::parse(&candidate).unwrap());
                    }
                    None
                }
                ViewerEvent::Candidate { candidate } if !candidate.is_empty() => {
                    if peer.has_description() {
                        peer.add_candidate(0, &candidate);
                    } else {
                        early.push(candidate);
                    }
                    None
                }
                ViewerEvent::Candidate { .. } | ViewerEvent::WayFound => None,
                ViewerEvent::Connected { certificate } => Some(certificate),
                other => panic!("{other:?}"),
            }
        });
        (viewer, peer, certificate)
    }
}
