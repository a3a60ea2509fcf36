//! What the media and the jobs say of captures and encoders, handed to their machines.

use super::{Changes, Sources};
use crate::core::ids::SourceName;
use crate::core::lifecycle::{Effect, Input};
use crate::core::protocol::{FailureCause, MediaKind};
use crate::daemon::jobs::Done;
use crate::media::rendition::Rendition;
use crate::media::source::Capture;
use crate::media::{Fault, Format, MediaError, RenditionId};
use std::time::Instant;

impl Sources {
    /// A capture delivers frames of this format: for the first time, or of a new one.
    pub(in crate::daemon) fn capture_format(
        &mut self,
        now: Instant,
        name: &SourceName,
        run: u64,
        format: Format,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(name) else { return changes };
        let Some(unit) = self.all.get_mut(index) else { return changes };
        if !unit.lifecycle.keeps(run) {
            return changes;
        }
        tracing::info!(source = %name, ?format, "capture delivers");
        let media = if format == Format::Audio { MediaKind::Audio } else { MediaKind::Video };
        unit.takes_format(format, &self.encoding);
        let mut due = Vec::new();
        for (id, rendition) in &mut unit.renditions {
            let now_due = rendition.settings(&unit.formats, &unit.ladders, &self.encoding);
            if rendition.id.media() == media && rendition.running.is_some() && rendition.running != now_due {
                rendition.running = None;
                rendition.profile = None;
                due.push((id.clone(), rendition.lifecycle.handle(now, Input::Restart)));
            }
        }
        let effects = unit.lifecycle.handle(now, Input::Progress { run });
        self.apply_source(index, now, effects, &mut changes);
        for (id, effects) in due {
            self.apply_rendition(index, &id, now, effects, &mut changes);
        }
        changes
    }

    pub(in crate::daemon) fn capture_failed(
        &mut self,
        now: Instant,
        name: &SourceName,
        run: u64,
        fault: Fault,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(name) else { return changes };
        let Some(unit) = self.all.get_mut(index) else { return changes };
        let effects =
            unit.lifecycle.handle(now, Input::Failed { run, cause: fault.cause, detail: fault.detail });
        self.apply_source(index, now, effects, &mut changes);
        changes
    }

    pub(in crate::daemon) fn rendition_ready(
        &mut self,
        now: Instant,
        id: &RenditionId,
        run: u64,
        profile: Option<String>,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(&id.source) else { return changes };
        let Some(rendition) = self.rendition_mut(id) else { return changes };
        if rendition.lifecycle.keeps(run) {
            tracing::debug!(rendition = %id, profile, "encoder delivers");
            rendition.profile = profile;
            let effects = rendition.lifecycle.handle(now, Input::Progress { run });
            self.apply_rendition(index, id, now, effects, &mut changes);
        }
        changes
    }

    pub(in crate::daemon) fn rendition_failed(
        &mut self,
        now: Instant,
        id: &RenditionId,
        run: u64,
        detail: String,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(&id.source) else { return changes };
        tracing::warn!(rendition = %id, detail, "encoder failed");
        let Some(rendition) = self.rendition_mut(id) else { return changes };
        let input = Input::Failed { run, cause: FailureCause::Encoder, detail };
        let effects = rendition.lifecycle.handle(now, input);
        self.fail_over(index, id, now, &effects);
        self.apply_rendition(index, id, now, effects, &mut changes);
        changes
    }

    /// Where these are of an encoder that has failed, has the next one in the order take over.
    pub(super) fn fail_over(&mut self, index: usize, id: &RenditionId, now: Instant, effects: &[Effect]) {
        let count = self.encoders.count(id.codec);
        let Some(unit) = self.all.get_mut(index) else { return };
        let Some(rendition) = unit.renditions.get_mut(id) else { return };
        if rendition.fails_over(now, effects, count) {
            unit.faults.takeovers += 1;
            let encoder = &self.encoders.ranking(id.codec, rendition.failover.rank(now)).element;
            tracing::warn!(rendition = %id, encoder, "the next encoder takes over");
        }
    }

    pub(in crate::daemon) fn keyframe_wanted(&mut self, now: Instant, id: &RenditionId) {
        let Some(rendition) = self.rendition_mut(id) else { return };
        rendition.fanout.totals().keyframes_asked.inc();
        if rendition.gate.request(now) {
            rendition.force_keyframe();
        }
    }

    pub(in crate::daemon) fn keyframe_sent(&mut self, id: &RenditionId, at: Instant) {
        if let Some(rendition) = self.rendition_mut(id) {
            rendition.gate.keyframe_seen(at);
        }
    }

    /// A job has come to its end.
    pub(in crate::daemon) fn done(&mut self, now: Instant, done: Done) -> Changes {
        let mut changes = Changes::new();
        match done {
            Done::CaptureStarted { source, run, result } => {
                self.capture_started(now, &source, run, result, &mut changes)
            }
            Done::CaptureStopped { source, run } => {
                let Some(index) = self.index(&source) else { return changes };
                let Some(unit) = self.all.get_mut(index) else { return changes };
                let effects = unit.lifecycle.handle(now, Input::Stopped { run });
                self.apply_source(index, now, effects, &mut changes);
            }
            Done::Looked { source, run, there } => {
                let Some(index) = self.index(&source) else { return changes };
                let Some(unit) = self.all.get_mut(index) else { return changes };
                let effects = unit.lifecycle.handle(now, Input::Looked { run, there });
                if !effects.is_empty() {
                    tracing::info!(%source, "what was missing is there again");
                }
                self.apply_source(index, now, effects, &mut changes);
            }
            Done::RenditionStarted { rendition, run, result } => {
                self.rendition_started(now, &rendition, run, result, &mut changes);
            }
            Done::RenditionStopped { rendition, run } => {
                tracing::debug!(%rendition, "encoder has stopped");
                let Some(index) = self.index(&rendition.source) else { return changes };
                let Some(unit) = self.rendition_mut(&rendition) else { return changes };
                let effects = unit.lifecycle.handle(now, Input::Stopped { run });
                self.apply_rendition(index, &rendition, now, effects, &mut changes);
            }
            // Not of a source's own.
            Done::PicturesStarted { .. } | Done::PicturesStopped { .. } => {}
        }
        changes
    }

    fn capture_started(
        &mut self,
        now: Instant,
        name: &SourceName,
        run: u64,
        result: Result<Capture, Fault>,
        changes: &mut Changes,
    ) {
        let Some(index) = self.index(name) else { return };
        let Some(unit) = self.all.get_mut(index) else { return };
        match result {
            // What was told to stop while it started stops now, by being dropped.
            Ok(capture) if unit.lifecycle.keeps(run) => {
                unit.camera = capture.camera().cloned().or(unit.camera.take());
                unit.capture = Some(capture);
            }
            Ok(_) => {}
            Err(Fault { cause, detail }) => {
                let mut effects = unit.lifecycle.handle(now, Input::Failed { run, cause, detail });
                // There is nothing to stop.
                effects.retain(|effect| !matches!(effect, Effect::Stop { .. }));
                effects.extend(unit.lifecycle.handle(now, Input::Stopped { run }));
                self.apply_source(index, now, effects, changes);
            }
        }
    }

    fn rendition_started(
        &mut self,
        now: Instant,
        id: &RenditionId,
        run: u64,
        result: Result<Rendition, MediaError>,
        changes: &mut Changes,
    ) {
        let Some(index) = self.index(&id.source) else { return };
        let Some(unit) = self.rendition_mut(id) else { return };
        match result {
            Ok(encoder) if unit.lifecycle.keeps(run) => {
                unit.encoder = Some(encoder);
            }
            Ok(_) => {}
            Err(error) => {
                let cause = FailureCause::Encoder;
                let detail = error.to_string();
                tracing::warn!(rendition = %id, detail, "encoder does not start");
                let mut effects = unit.lifecycle.handle(now, Input::Failed { run, cause, detail });
                self.fail_over(index, id, now, &effects);
                effects.retain(|effect| !matches!(effect, Effect::Stop { .. }));
                let Some(unit) = self.rendition_mut(id) else { return };
                effects.extend(unit.lifecycle.handle(now, Input::Stopped { run }));
                self.apply_rendition(index, id, now, effects, changes);
            }
        }
    }
}
