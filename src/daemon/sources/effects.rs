//! What the machines of captures and encoders ask for, carried out.

use super::{Changes, Sources};
use crate::core::lifecycle::{Effect, Input};
use crate::core::protocol::{FailureCause, SourceState};
use crate::media::encoder::EncodeSettings;
use crate::media::{Format, RenditionId};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// What is encoded, for the log.
struct Shown<'s>(&'s EncodeSettings);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Format::Video { size, framerate } = self.0.format {
            write!(f, "{size} {framerate} ")?;
        }
        write!(f, "{}", self.0.bitrate)
    }
}

impl Sources {
    pub(super) fn apply_source(
        &mut self,
        index: usize,
        now: Instant,
        effects: Vec<Effect>,
        changes: &mut Changes,
    ) {
        for effect in effects {
            let Some(unit) = self.all.get_mut(index) else { return };
            match effect {
                Effect::Start { run } => {
                    unit.faults.started(unit.lifecycle.published());
                    unit.formats.clear();
                    // One that was given up may still send.
                    unit.taps.forget_before(run);
                    // The frames so far are an earlier run's.
                    unit.has_progressed();
                    let (source, files) = (unit.source.clone(), self.files.clone());
                    let (still, taps, events) = (unit.still(), unit.taps.clone(), self.events.clone());
                    self.jobs.start_capture(source, still, unit.camera.clone(), run, files, taps, events);
                }
                // A still picture in its place does not fail for want of a device.
                Effect::Look { run } if unit.paused.is_none() => {
                    self.jobs.look(unit.source.clone(), unit.camera.clone(), run);
                }
                Effect::Look { .. } => {}
                Effect::Stop { .. } => {
                    unit.stop_capture();
                    self.demand_renditions(index, now, |_| false, changes);
                }
                Effect::Publish(state) => {
                    unit.faults.changes(&mut unit.fault, &state);
                    match (&state, unit.paused) {
                        (_, None) | (SourceState::Failed { .. }, Some(_)) => unit.log(&state),
                        (_, Some(_)) => {}
                    }
                    unit.announce(now, changes);
                }
            }
        }
    }

    pub(super) fn apply_rendition(
        &mut self,
        index: usize,
        id: &RenditionId,
        now: Instant,
        effects: Vec<Effect>,
        changes: &mut Changes,
    ) {
        for effect in effects {
            let Some(unit) = self.all.get_mut(index) else { return };
            let Some(rendition) = unit.renditions.get_mut(id) else { return };
            match effect {
                Effect::Start { run } => {
                    let settings = rendition.settings(&unit.formats, &unit.ladders, &self.encoding);
                    let Some(settings) = settings else {
                        // The capture has stopped since: nothing to encode.
                        let detail = "the capture has stopped".to_owned();
                        let input = Input::Failed { run, cause: FailureCause::Encoder, detail };
                        rendition.lifecycle.handle(now, input);
                        rendition.lifecycle.handle(now, Input::Stopped { run });
                        continue;
                    };
                    rendition.has_progressed();
                    rendition.running = Some(settings);
                    let encoder = self.encoders.ranking(id.codec, rendition.failover.rank(now)).clone();
                    tracing::info!(
                        rendition = %id,
                        encoder = encoder.element,
                        encoding = %Shown(&settings),
                        "encoder starts"
                    );
                    self.jobs.start_rendition(
                        rendition.id.clone(),
                        run,
                        encoder,
                        settings,
                        Arc::clone(unit.taps.of(rendition.id.media())),
                        Arc::clone(&rendition.fanout),
                        self.events.clone(),
                    );
                }
                Effect::Stop { .. } => {
                    tracing::info!(rendition = %id, "encoder stops");
                    rendition.encoder = None;
                }
                // Encoders have nothing to look at.
                Effect::Look { .. } => {}
                Effect::Publish(state) => {
                    unit.faults.changes(&mut rendition.fault, &state);
                    unit.announce(now, changes);
                }
            }
        }
    }
}
