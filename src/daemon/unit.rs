//! One of the daemon's sources: its capture, its renditions, and its state for the viewers.

use super::sources::Changes;
use crate::config::Source;
use crate::core::keyframe::KeyframeGate;
use crate::core::lifecycle::{Lifecycle, Timing};
use crate::core::protocol::{Codec, MediaKind, SourceState};
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
    /// When progress was last looked at.
    frames: u64,
    pub(super) renditions: BTreeMap<RenditionId, RenditionUnit>,
    /// What the viewers have been told.
    announced: SourceState,
}

#[derive(Debug)]
pub(super) struct RenditionUnit {
    pub(super) id: RenditionId,
    pub(super) fanout: Arc<Fanout>,
    pub(super) lifecycle: Lifecycle,
    pub(super) encoder: Option<Rendition>,
    /// What the present or last encoder was started for.
    pub(super) format: Option<Format>,
    /// What it has said of its stream.
    pub(super) profile: Option<String>,
    pub(super) gate: KeyframeGate,
    /// When progress was last looked at.
    frames: u64,
}

impl Unit {
    /// Idle. `last_run`: that of any predecessor.
    pub(super) fn new(source: Source, grace: Duration, events: &Events, last_run: u64) -> Self {
        let timing = Timing { start: CAPTURE_START, stall: CAPTURE_STALL, grace, stop: STOP };
        let codecs = source.media().into_iter().flat_map(|media| match media {
            MediaKind::Video => vec![Codec::H264, Codec::Vp8],
            MediaKind::Audio => vec![Codec::Opus],
        });
        let renditions = codecs.map(|codec| {
            let id = RenditionId { source: source.name.clone(), codec, rung: 0 };
            (id.clone(), RenditionUnit::new(id, grace, events, last_run))
        });
        Self {
            lifecycle: Lifecycle::new(timing, super::random_u64(), last_run),
            renditions: renditions.collect(),
            source,
            taps: Taps::default(),
            capture: None,
            formats: BTreeMap::new(),
            frames: 0,
            announced: SourceState::Idle,
        }
    }

    /// The highest number under which something was started.
    pub(super) fn last_run(&self) -> u64 {
        let renditions = self.renditions.values().map(|each| each.lifecycle.run());
        renditions.fold(self.lifecycle.run(), u64::max)
    }

    /// The source's own state, or its encoder's where that has failed.
    pub(super) fn state(&self) -> SourceState {
        let own = self.lifecycle.published();
        let failed = self.renditions.values().map(|each| each.lifecycle.published());
        match own {
            SourceState::Live => failed
                .into_iter()
                .find(|state| matches!(state, SourceState::Failed { .. }))
                .unwrap_or(own)
                .clone(),
            SourceState::Idle | SourceState::Starting | SourceState::Failed { .. } => own.clone(),
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
            SourceState::Failed { cause, detail } => {
                tracing::warn!(%source, ?cause, detail, "source failed; it is tried again while somebody watches");
            }
        }
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
            format: None,
            profile: None,
            gate: KeyframeGate::default(),
            frames: 0,
        }
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
