//! One of the daemon's sources: its capture, its renditions, and its state for the viewers.

mod reconfigured;

use super::faults::Faults;
use super::measures::Counted;
use super::sources::{Change, Changes, Encoding};
use crate::config::{ScreenArea, Source, SourceKind};
use crate::core::failover::Failover;
use crate::core::keyframe::KeyframeGate;
use crate::core::lifecycle::{Effect, Input, Lifecycle, Timing};
use crate::core::protocol::{Codec, FailureCause, MediaKind, PausedBy, SourceState};
use crate::core::renditions::{self, Full, Rung, Step};
use crate::core::units::{FrameRate, Size};
use crate::media::encoder::{BURST, EncodeSettings, NARROW_BURST};
use crate::media::fanout::Fanout;
use crate::media::launch::Description;
use crate::media::platform::CameraId;
use crate::media::rendition::Rendition;
use crate::media::source::{Capture, Taps};
use crate::media::{Events, Format, RenditionId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A network camera may take long to answer.
pub(super) const CAPTURE_START: Duration = Duration::from_secs(15);
/// Devices send at a steady rate, and say which.
const DEVICE_STALL: Duration = Duration::from_secs(2);
/// So many frames at that rate may be missing besides.
const MISSING_FRAMES: f64 = 3.0;
/// A screen that stands still sends a picture a second.
const SCREEN_STALL: Duration = Duration::from_millis(3500);
/// A network has hiccups, a user's own description whatever it has.
const OTHER_STALL: Duration = Duration::from_secs(5);
/// A device that has fallen silent and is started anew.
const DEVICE_AGAIN: Duration = Duration::from_secs(4);
/// Between two looks at a device that has failed: it is to be back within two seconds.
const LOOK: Duration = Duration::from_millis(500);
const ENCODER_START: Duration = Duration::from_secs(10);
const ENCODER_STALL: Duration = Duration::from_secs(8);
/// What takes longer to stop is given up.
const STOP: Duration = Duration::from_secs(6);
/// The same of what may be captured twice at a time: nothing is lost by beginning anew beside it.
const STOP_SHARED: Duration = Duration::from_millis(1500);

/// A source that there is to be.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) source: Source,
    /// Its launch file, where it has one of its own.
    pub(super) own: Option<Description>,
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) source: Source,
    /// As it was when the configuration was read.
    own: Option<Description>,
    pub(super) taps: Taps,
    pub(super) lifecycle: Lifecycle,
    pub(super) capture: Option<Capture>,
    /// Of the present or last run.
    pub(super) formats: BTreeMap<MediaKind, Format>,
    /// Of the last format of its picture; a codec that is not there has none yet.
    pub(super) ladders: Ladders,
    /// When progress was last looked at.
    frames: u64,
    pub(super) renditions: BTreeMap<RenditionId, RenditionUnit>,
    pub(super) faults: Faults,
    /// What is wrong with its capture.
    pub(super) fault: Option<FailureCause>,
    /// The camera that it was captured from last.
    pub(super) camera: Option<CameraId>,
    /// Who has paused it, if somebody has.
    pub(super) paused: Option<PausedBy>,
    /// The last format of its picture that was captured.
    picture: Option<(Size, FrameRate)>,
    /// What the viewers have been told.
    announced: SourceState,
    pub(super) counted: Counted,
}

/// The ladders of a source, by codec.
pub(super) type Ladders = BTreeMap<Codec, Vec<Rung>>;

#[derive(Debug)]
pub(super) struct RenditionUnit {
    pub(super) id: RenditionId,
    pub(super) fanout: Arc<Fanout>,
    pub(super) lifecycle: Lifecycle,
    pub(super) encoder: Option<Rendition>,
    /// With what the present or last encoder was started.
    pub(super) running: Option<EncodeSettings>,
    /// What it has said of its stream.
    pub(super) profile: Option<String>,
    pub(super) gate: KeyframeGate,
    /// Which of the encoders that there are for its codec is used.
    pub(super) failover: Failover,
    /// What is wrong with it.
    pub(super) fault: Option<FailureCause>,
    /// When progress was last looked at.
    frames: u64,
    /// The starts that the metrics have, as the number of the last one.
    pub(super) counted: u64,
}

impl Unit {
    /// Idle. `last_run`: that of any predecessor.
    pub(super) fn new(planned: Planned, grace: Duration, events: &Events, last_run: u64) -> Self {
        let Planned { source, own } = planned;
        let timing = timing(&source.kind, grace);
        let renditions = rendition_ids(&source)
            .map(|id| (id.clone(), RenditionUnit::new(id, grace, events, last_run)))
            .collect();
        Self {
            lifecycle: Lifecycle::new(timing, super::random_u64(), last_run),
            renditions,
            source,
            own,
            taps: Taps::default(),
            capture: None,
            formats: BTreeMap::new(),
            ladders: Ladders::new(),
            frames: 0,
            faults: Faults::new(),
            fault: None,
            camera: None,
            paused: None,
            picture: None,
            announced: SourceState::Idle,
            counted: Counted::default(),
        }
    }

    /// Somebody pauses it, or nobody any more. True where other media are due: nothing of what there
    /// was until now is sent from here on.
    pub(super) fn pause(&mut self, by: Option<PausedBy>) -> bool {
        let before = std::mem::replace(&mut self.paused, by);
        if before.is_some() == by.is_some() {
            return false;
        }
        self.forget_captured();
        true
    }

    /// Nothing of what there is until now is sent from here on.
    fn forget_captured(&mut self) {
        // Runs are counted on: what is to be sent is of a later one.
        self.taps.forget_before(self.lifecycle.run() + 1);
        for rendition in self.renditions.values() {
            rendition.fanout.forget_before(rendition.lifecycle.run() + 1);
        }
    }

    /// Whether there is anything to run while somebody wants it. A still picture has no sound.
    pub(super) fn has_something(&self) -> bool {
        self.paused.is_none() || self.source.media().contains(&MediaKind::Video)
    }

    /// The size of the still picture in its place, if it is paused.
    pub(super) fn still(&self) -> Option<Size> {
        self.paused.map(|_| self.picture().0)
    }

    /// The format of its picture as it was captured last, or as it will be by what the config says.
    fn picture(&self) -> (Size, FrameRate) {
        let usual = (Size { width: 1280, height: 720 }, FrameRate::whole(30));
        self.picture.unwrap_or(match &self.source.kind {
            SourceKind::Screen(screen) => match screen.area {
                ScreenArea::Region { size, .. } => (size, screen.framerate),
                ScreenArea::Whole
                | ScreenArea::MonitorNumber(_)
                | ScreenArea::MonitorOutput(_)
                | ScreenArea::WindowId(_)
                | ScreenArea::WindowTitle(_) => (usual.0, screen.framerate),
            },
            SourceKind::Camera(camera) => (camera.size, camera.framerate),
            SourceKind::Test(test) => (test.size, test.framerate),
            SourceKind::Audio(_) | SourceKind::Uri(_) | SourceKind::Launch(_) => usual,
        })
    }

    /// The highest number under which something was started.
    pub(super) fn last_run(&self) -> u64 {
        let renditions = self.renditions.values().map(|each| each.lifecycle.run());
        renditions.fold(self.lifecycle.run(), u64::max)
    }

    /// The source's own state, or its encoder's where that has failed and no other rung of the same
    /// codec is there in its place.
    pub(super) fn state(&self) -> SourceState {
        if let Some(by) = self.paused {
            return SourceState::Paused { by };
        }
        let own = self.lifecycle.published();
        match own {
            SourceState::Live => self.encoder_failure().unwrap_or(own).clone(),
            SourceState::Idle
            | SourceState::Starting
            | SourceState::Paused { .. }
            | SourceState::Failed { .. } => own.clone(),
        }
    }

    fn encoder_failure(&self) -> Option<&SourceState> {
        self.renditions.values().find_map(|failed| {
            let state = failed.lifecycle.published();
            let mut beside = self.renditions.values().filter(|other| other.id.codec == failed.id.codec);
            let is_told = matches!(state, SourceState::Failed { .. })
                && !beside.any(|other| matches!(other.lifecycle.published(), SourceState::Live));
            is_told.then_some(state)
        })
    }

    /// The ladder in a codec, once it is known.
    pub(super) fn ladder(&self, codec: Codec) -> &[Rung] {
        self.ladders.get(&codec).map_or(&[], Vec::as_slice)
    }

    /// The capture delivers this.
    pub(super) fn takes_format(&mut self, format: Format, encoding: &Encoding) {
        match format {
            Format::Audio => {
                self.formats.insert(MediaKind::Audio, format);
            }
            Format::Video { size, framerate } => {
                // A still picture comes more slowly than what it stands for.
                let framerate = if self.paused.is_some() { self.picture().1 } else { framerate };
                if self.paused.is_none() {
                    self.picture = Some((size, framerate));
                }
                self.formats.insert(MediaKind::Video, Format::Video { size, framerate });
                self.lifecycle.set_stall(self.stall(framerate));
                self.climb(size, framerate, encoding);
            }
        }
    }

    /// Has the ladders of a picture that is captured so.
    fn climb(&mut self, size: Size, framerate: FrameRate, encoding: &Encoding) {
        let fixed = self.source.bitrate.or(encoding.video.bitrate);
        let bitrate = fixed.unwrap_or_else(|| renditions::default_bitrate(size, framerate));
        let full = Full { size, framerate, bitrate };
        let ladder = |codec| renditions::ladder(steps(&self.source), codec, full);
        self.ladders = VIDEO_CODECS.into_iter().map(|codec| (codec, ladder(codec))).collect();
    }

    /// The silence that is a failure, of a picture at that rate.
    fn stall(&self, framerate: FrameRate) -> Duration {
        // A still picture comes slowly.
        let stall = if self.paused.is_some() { OTHER_STALL } else { usual_stall(&self.source.kind) };
        stall + Duration::from_secs_f64(MISSING_FRAMES / framerate.as_f64().max(0.1))
    }

    /// Adds its state to `changes` where it is another than the viewers know.
    pub(super) fn announce(&mut self, now: Instant, changes: &mut Changes) {
        let state = self.state();
        if state != self.announced {
            self.faults.since = now;
            self.announced = state.clone();
            let (name, failures) = (self.source.name.clone(), self.faults.total());
            changes.push(Change { name, state, failures });
        }
    }

    /// Whether frames have come since this was last asked.
    pub(super) fn has_progressed(&mut self) -> bool {
        let frames = self.taps.frames();
        std::mem::replace(&mut self.frames, frames) != frames
    }

    /// It is no more, and nobody is sent anything of it.
    pub(super) fn end(self) {
        // Dropping what captures and encodes stops it.
        self.renditions.into_values().for_each(RenditionUnit::end);
    }

    pub(super) fn stop_capture(&mut self) {
        self.capture = None;
        self.taps.clear();
    }

    pub(super) fn log(&self, state: &SourceState) {
        let source = &self.source.name;
        match state {
            SourceState::Idle => tracing::info!(%source, "source idle: nobody watches"),
            SourceState::Starting => tracing::info!(%source, "source starts"),
            SourceState::Live => tracing::info!(%source, "source live"),
            SourceState::Paused { by } => tracing::info!(%source, ?by, "source paused"),
            SourceState::Failed { cause, detail } => {
                tracing::warn!(%source, ?cause, detail, "source failed; it is tried again while somebody watches");
            }
        }
    }
}

fn usual_stall(kind: &SourceKind) -> Duration {
    match kind {
        SourceKind::Camera(_) | SourceKind::Audio(_) => DEVICE_STALL,
        SourceKind::Screen(_) => SCREEN_STALL,
        SourceKind::Uri(_) | SourceKind::Test(_) | SourceKind::Launch(_) => OTHER_STALL,
    }
}

fn timing(kind: &SourceKind, grace: Duration) -> Timing {
    let (again, stop) = match kind {
        SourceKind::Camera(_) | SourceKind::Audio(_) => (DEVICE_AGAIN, STOP),
        SourceKind::Screen(_) => (DEVICE_AGAIN, STOP_SHARED),
        SourceKind::Uri(_) => (CAPTURE_START, STOP_SHARED),
        SourceKind::Test(_) | SourceKind::Launch(_) => (CAPTURE_START, STOP),
    };
    Timing { start: CAPTURE_START, again, stall: usual_stall(kind), grace, stop, look: Some(LOOK) }
}

/// The codecs of pictures.
const VIDEO_CODECS: [Codec; 2] = [Codec::H264, Codec::Vp8];

fn steps(source: &Source) -> &[Step] {
    if source.renditions.is_empty() {
        renditions::default_steps(source.kind_name())
    } else {
        &source.renditions
    }
}

/// Every rendition that a source may have.
fn rendition_ids(source: &Source) -> impl Iterator<Item = RenditionId> {
    let codecs = source.media().into_iter().flat_map(|media| match media {
        MediaKind::Video => VIDEO_CODECS.as_slice(),
        MediaKind::Audio => &[Codec::Opus],
    });
    codecs.flat_map(|codec| {
        let count = match codec {
            Codec::Opus => 1,
            Codec::H264 | Codec::Vp8 => renditions::rungs_at_most(steps(source), *codec),
        };
        let rungs = 0..u8::try_from(count).unwrap_or(u8::MAX);
        rungs.map(|rung| RenditionId { source: source.name.clone(), codec: *codec, rung })
    })
}

impl RenditionUnit {
    fn new(id: RenditionId, grace: Duration, events: &Events, last_run: u64) -> Self {
        let timing = Timing {
            start: ENCODER_START,
            again: ENCODER_START,
            stall: ENCODER_STALL,
            grace,
            stop: STOP,
            look: None,
        };
        Self {
            fanout: Arc::new(Fanout::new(id.clone(), events.clone())),
            id,
            lifecycle: Lifecycle::new(timing, super::random_u64(), last_run),
            encoder: None,
            running: None,
            profile: None,
            gate: KeyframeGate::default(),
            failover: Failover::default(),
            fault: None,
            frames: 0,
            counted: last_run,
        }
    }

    /// What it would be encoded with now; `None`: nothing comes that could be, or the ladder is
    /// shorter.
    pub(super) fn settings(
        &self,
        formats: &BTreeMap<MediaKind, Format>,
        ladders: &Ladders,
        encoding: &Encoding,
    ) -> Option<EncodeSettings> {
        let captured = *formats.get(&self.id.media())?;
        let keyframe_interval = encoding.video.keyframe_interval;
        if captured == Format::Audio {
            return Some(EncodeSettings::whole(captured, encoding.audio_bitrate, keyframe_interval));
        }
        let rung = ladders.get(&self.id.codec)?.get(usize::from(self.id.rung))?;
        Some(EncodeSettings {
            captured,
            format: Format::Video { size: rung.size, framerate: rung.framerate },
            bitrate: rung.bitrate,
            keyframe_interval,
            burst: if self.id.rung == 0 { BURST } else { NARROW_BURST },
        })
    }

    /// After its machine has asked for these: where the encoder has failed, the next of so many takes
    /// over as soon as this one has stopped. True if so.
    pub(super) fn fails_over(&mut self, now: Instant, effects: &[Effect], count: usize) -> bool {
        let fell = effects.iter().any(|effect| matches!(effect, Effect::Stop { .. }));
        if !fell || !self.lifecycle.is_faulty() || self.failover.failed(now, count).is_none() {
            return false;
        }
        self.lifecycle.handle(now, Input::Restart);
        true
    }

    /// Whether packets have come since this was last asked.
    pub(super) fn has_progressed(&mut self) -> bool {
        let frames = self.fanout.counts().0;
        std::mem::replace(&mut self.frames, frames) != frames
    }

    /// It is no more, and nobody is sent anything by it.
    pub(super) fn end(self) {
        self.fanout.end();
    }

    pub(super) fn force_keyframe(&self) {
        if let Some(encoder) = &self.encoder {
            encoder.force_keyframe();
        }
    }
}
