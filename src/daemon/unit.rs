//! One of the daemon's sources: its capture, its renditions, and its state for the viewers.

use super::measures::Counted;
use super::sources::{Changes, Encoding};
use crate::config::{ScreenArea, Source, SourceKind};
use crate::core::keyframe::KeyframeGate;
use crate::core::lifecycle::{Lifecycle, Timing};
use crate::core::protocol::{Codec, MediaKind, PausedBy, SourceState};
use crate::core::renditions::{self, Full, Rung, Step};
use crate::core::units::{FrameRate, Size};
use crate::media::encoder::{BURST, EncodeSettings, NARROW_BURST};
use crate::media::fanout::Fanout;
use crate::media::rendition::Rendition;
use crate::media::source::{Capture, Taps};
use crate::media::{Events, Format, RenditionId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A network camera may take long to answer.
pub(super) const CAPTURE_START: Duration = Duration::from_secs(15);
/// Live sources send at a steady rate.
const CAPTURE_STALL: Duration = Duration::from_secs(5);
const ENCODER_START: Duration = Duration::from_secs(10);
const ENCODER_STALL: Duration = Duration::from_secs(8);
/// What takes longer to stop is given up.
const STOP: Duration = Duration::from_secs(6);

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) source: Source,
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
    /// When progress was last looked at.
    frames: u64,
    pub(super) counted: Counted,
}

impl Unit {
    /// Idle. `last_run`: that of any predecessor.
    pub(super) fn new(source: Source, grace: Duration, events: &Events, last_run: u64) -> Self {
        let timing = Timing { start: CAPTURE_START, stall: CAPTURE_STALL, grace, stop: STOP };
        let codecs = source.media().into_iter().flat_map(|media| match media {
            MediaKind::Video => VIDEO_CODECS.as_slice(),
            MediaKind::Audio => &[Codec::Opus],
        });
        let rungs = codecs.flat_map(|codec| {
            let count = match codec {
                Codec::Opus => 1,
                Codec::H264 | Codec::Vp8 => renditions::rungs_at_most(steps(&source), *codec),
            };
            (0..u8::try_from(count).unwrap_or(u8::MAX)).map(|rung| (*codec, rung))
        });
        let renditions = rungs.map(|(codec, rung)| {
            let id = RenditionId { source: source.name.clone(), codec, rung };
            (id.clone(), RenditionUnit::new(id, grace, events, last_run))
        });
        Self {
            lifecycle: Lifecycle::new(timing, super::random_u64(), last_run),
            renditions: renditions.collect(),
            source,
            taps: Taps::default(),
            capture: None,
            formats: BTreeMap::new(),
            ladders: Ladders::new(),
            frames: 0,
            paused: None,
            picture: None,
            announced: SourceState::Idle,
            counted: Counted::from(last_run),
        }
    }

    /// Somebody pauses it, or nobody any more. True where other media are due: nothing of what there
    /// was until now is sent from here on.
    pub(super) fn pause(&mut self, by: Option<PausedBy>) -> bool {
        let before = std::mem::replace(&mut self.paused, by);
        if before.is_some() == by.is_some() {
            return false;
        }
        // Runs are counted on: what is to be sent is of a later one.
        self.taps.forget_before(self.lifecycle.run() + 1);
        for rendition in self.renditions.values() {
            rendition.fanout.forget_before(rendition.lifecycle.run() + 1);
        }
        true
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
                let fixed = self.source.bitrate.or(encoding.video.bitrate);
                let bitrate = fixed.unwrap_or_else(|| renditions::default_bitrate(size, framerate));
                let full = Full { size, framerate, bitrate };
                let ladder = |codec| renditions::ladder(steps(&self.source), codec, full);
                self.ladders = VIDEO_CODECS.into_iter().map(|codec| (codec, ladder(codec))).collect();
            }
        }
    }

    /// Adds its state to `changes` where it is another than the viewers know.
    pub(super) fn announce(&mut self, changes: &mut Changes) {
        let state = self.state();
        if state != self.announced {
            self.announced = state.clone();
            changes.push((self.source.name.clone(), state));
        }
    }

    /// Whether frames have come since this was last asked.
    pub(super) fn has_progressed(&mut self) -> bool {
        let frames = self.taps.frames();
        std::mem::replace(&mut self.frames, frames) != frames
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

/// The codecs of pictures.
const VIDEO_CODECS: [Codec; 2] = [Codec::H264, Codec::Vp8];

fn steps(source: &Source) -> &[Step] {
    if source.renditions.is_empty() {
        renditions::default_steps(source.kind_name())
    } else {
        &source.renditions
    }
}

impl RenditionUnit {
    fn new(id: RenditionId, grace: Duration, events: &Events, last_run: u64) -> Self {
        let timing = Timing { start: ENCODER_START, stall: ENCODER_STALL, grace, stop: STOP };
        Self {
            fanout: Arc::new(Fanout::new(id.clone(), events.clone())),
            id,
            lifecycle: Lifecycle::new(timing, super::random_u64(), last_run),
            encoder: None,
            running: None,
            profile: None,
            gate: KeyframeGate::default(),
            frames: 0,
            counted: Counted::from(last_run),
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

    /// Whether packets have come since this was last asked.
    pub(super) fn has_progressed(&mut self) -> bool {
        let frames = self.fanout.counts().0;
        std::mem::replace(&mut self.frames, frames) != frames
    }

    pub(super) fn force_keyframe(&self) {
        if let Some(encoder) = &self.encoder {
            encoder.force_keyframe();
        }
    }
}
