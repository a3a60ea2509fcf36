//! Pictures and sound by the WebSocket: the encoders of pictures, each while somebody takes it.
//!
//! The rules are those of [`crate::core::lifecycle`]; what each viewer is sent of it is in `taking`.

use super::jobs::Jobs;
use super::sources::Sources;
use super::viewers::Viewers;
use crate::core::ids::SourceName;
use crate::core::lifecycle::{Effect, Input, Lifecycle, Timing};
use crate::core::pictures::fit;
use crate::core::protocol::FailureCause;
use crate::core::units::Size;
use crate::media::launch::LaunchFiles;
use crate::media::pictures::{Ends, Picture, PictureEncoder, PictureId, Slot};
use crate::media::source::Tap;
use crate::media::{Events, MediaError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As with other encoders, but for the grace: another one is quickly there.
const TIMING: Timing = Timing {
    start: Duration::from_secs(10),
    again: Duration::from_secs(10),
    stall: Duration::from_secs(8),
    grace: Duration::from_secs(2),
    stop: Duration::from_secs(6),
    look: None,
};

/// A capture's picture that is there to be encoded.
#[derive(Debug, Clone)]
pub(super) struct Captured {
    /// The run of the capture.
    pub(super) run: u64,
    pub(super) size: Size,
    pub(super) tap: Arc<Tap>,
    pub(super) files: LaunchFiles,
}

/// Every encoder of pictures.
#[derive(Debug)]
pub(super) struct Pictures {
    all: BTreeMap<PictureId, Unit>,
    events: Events,
    jobs: Jobs,
    /// Runs are counted on over encoders that are forgotten.
    last_run: u64,
    /// There are pictures that viewers may not have had.
    due: bool,
}

#[derive(Debug)]
struct Unit {
    lifecycle: Lifecycle,
    encoder: Option<PictureEncoder>,
    slot: Arc<Slot>,
    /// The run and the size of the capture that it encodes.
    of: Option<(u64, Size)>,
    /// Pictures, and raw frames, when progress was last looked at.
    progress: (u64, u64),
}

impl Pictures {
    pub(super) fn new(events: Events, jobs: Jobs) -> Self {
        Self { all: BTreeMap::new(), events, jobs, last_run: 0, due: false }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all.values().filter_map(|unit| unit.lifecycle.deadline()).min()
    }

    /// The newest picture.
    pub(super) fn newest(&self, id: &PictureId) -> Option<Arc<Picture>> {
        self.all.get(id)?.slot.newest()
    }

    /// Has what viewers take encoded, and nothing else.
    pub(super) fn demand(&mut self, now: Instant, viewers: &Viewers, sources: &Sources) {
        let wanted = viewers.pictures_wanted(sources);
        for id in &wanted {
            if !self.all.contains_key(id) {
                self.all.insert(id.clone(), Unit::new(self.last_run));
            }
        }
        let ids: Vec<_> = self.all.keys().cloned().collect();
        for id in ids {
            let captured = sources.captured(&id.source);
            self.demand_one(now, &id, wanted.contains(&id), captured.as_ref());
        }
        self.all.retain(|id, unit| wanted.contains(id) || unit.lifecycle.is_running());
    }

    fn demand_one(&mut self, now: Instant, id: &PictureId, wanted: bool, captured: Option<&Captured>) {
        let Some(unit) = self.all.get_mut(id) else { return };
        let mut effects = Vec::new();
        let of = captured.map(|captured| (captured.run, captured.size));
        // What is forgotten, or of another run, is none of a capture that goes on.
        if unit.lifecycle.keeps(unit.lifecycle.run()) && of.is_some() && unit.of != of {
            unit.forget();
            effects.extend(unit.lifecycle.handle(now, Input::Restart));
        }
        if unit.lifecycle.deadline().is_some_and(|due| now >= due) {
            effects.extend(unit.lifecycle.handle(now, Input::Tick));
        }
        let runs = Input::Wanted(wanted && captured.is_some());
        effects.extend(unit.lifecycle.handle(now, runs));
        self.apply(now, id, captured, effects);
    }

    fn apply(&mut self, now: Instant, id: &PictureId, captured: Option<&Captured>, effects: Vec<Effect>) {
        for effect in effects {
            let Some(unit) = self.all.get_mut(id) else { return };
            match effect {
                Effect::Start { run } => {
                    self.last_run = self.last_run.max(run);
                    let Some(captured) = captured else {
                        let detail = "the capture has stopped".to_owned();
                        let input = Input::Failed { run, cause: FailureCause::Encoder, detail };
                        unit.lifecycle.handle(now, input);
                        unit.lifecycle.handle(now, Input::Stopped { run });
                        continue;
                    };
                    unit.of = Some((captured.run, captured.size));
                    unit.slot = Arc::default();
                    let ends = Ends {
                        tap: Arc::clone(&captured.tap),
                        captured: captured.size,
                        size: fit(captured.size, id.width),
                        slot: Arc::clone(&unit.slot),
                    };
                    tracing::info!(picture = %id, "encoder starts");
                    self.jobs.start_pictures(
                        id.clone(),
                        run,
                        captured.files.clone(),
                        ends,
                        self.events.clone(),
                    );
                }
                Effect::Stop { .. } => {
                    tracing::info!(picture = %id, "encoder stops");
                    unit.encoder = None;
                    unit.forget();
                }
                Effect::Look { .. } | Effect::Publish(_) => {}
            }
        }
    }

    /// A job has come to its end.
    pub(super) fn started(
        &mut self,
        now: Instant,
        id: &PictureId,
        run: u64,
        result: Result<PictureEncoder, MediaError>,
    ) {
        let Some(unit) = self.all.get_mut(id) else { return };
        match result {
            Ok(encoder) if unit.lifecycle.keeps(run) => unit.encoder = Some(encoder),
            // What was told to stop while it started stops now, by being dropped.
            Ok(_) => {}
            Err(error) => {
                let detail = error.to_string();
                tracing::warn!(picture = %id, detail, "encoder does not start");
                // Another run encodes what it encodes.
                if unit.lifecycle.run() == run {
                    unit.of = None;
                }
                unit.lifecycle.handle(now, Input::Failed { run, cause: FailureCause::Encoder, detail });
                unit.lifecycle.handle(now, Input::Stopped { run });
            }
        }
    }

    pub(super) fn stopped(&mut self, now: Instant, id: &PictureId, run: u64, sources: &Sources) {
        let Some(unit) = self.all.get_mut(id) else { return };
        let effects = unit.lifecycle.handle(now, Input::Stopped { run });
        let captured = sources.captured(&id.source);
        self.apply(now, id, captured.as_ref(), effects);
    }

    pub(super) fn failed(&mut self, now: Instant, id: &PictureId, run: u64, detail: String) {
        tracing::warn!(picture = %id, detail, "encoder failed");
        let Some(unit) = self.all.get_mut(id) else { return };
        let input = Input::Failed { run, cause: FailureCause::Encoder, detail };
        let effects = unit.lifecycle.handle(now, input);
        self.apply(now, id, None, effects);
    }

    /// There is a new picture.
    pub(super) fn came(&mut self, now: Instant, id: &PictureId, run: u64) {
        let Some(unit) = self.all.get_mut(id) else { return };
        let effects = unit.lifecycle.handle(now, Input::Progress { run });
        self.apply(now, id, None, effects);
        self.due = true;
    }

    /// Whether there may be something to send, once.
    pub(super) fn take_due(&mut self) -> bool {
        std::mem::take(&mut self.due)
    }

    /// A viewer takes something else, or has seen something.
    pub(super) fn look(&mut self) {
        self.due = true;
    }

    /// From time to time: who has made progress, and whose last frame was left out.
    pub(super) fn tick(&mut self, now: Instant, sources: &Sources) {
        for (id, unit) in &mut self.all {
            let raw = sources.captured(&id.source).map_or(0, |captured| captured.tap.frames());
            let progress = (unit.slot.count(), raw);
            let before = std::mem::replace(&mut unit.progress, progress);
            if before.0 != progress.0 {
                let run = unit.lifecycle.run();
                unit.lifecycle.handle(now, Input::Progress { run });
            }
            if before.1 != progress.1
                && let Some(encoder) = &unit.encoder
            {
                encoder.refresh();
            }
        }
    }

    /// Stops everything, for good.
    pub(super) fn stop(&mut self) {
        // Dropping them stops their pipelines.
        self.all.clear();
    }

    /// Nothing of this source, or of any, as it was until now is sent from here on.
    pub(super) fn forget(&mut self, source: Option<&SourceName>) {
        let concerned = |id: &PictureId| source.is_none_or(|source| id.source == *source);
        self.all.iter_mut().filter(|(id, _)| concerned(id)).for_each(|(_, unit)| unit.forget());
    }
}

impl Unit {
    fn new(last_run: u64) -> Self {
        Self {
            lifecycle: Lifecycle::new(TIMING, super::random_u64(), last_run),
            encoder: None,
            slot: Arc::default(),
            of: None,
            progress: (0, 0),
        }
    }

    /// What it makes from here on goes to nobody; another encoder takes its place.
    fn forget(&mut self) {
        self.of = None;
        self.slot = Arc::default();
    }
}

/// What viewers take, as wide as their links carry it.
pub(super) type Wanted = BTreeSet<PictureId>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_run_that_does_not_start_leaves_the_next_what_it_encodes() {
        let (events, done) = (async_channel::bounded(1).0, async_channel::bounded(1).0);
        let mut pictures = Pictures::new(Events::new(events), Jobs::new(done));
        let id = PictureId { source: SourceName::new("cam").unwrap(), width: 640 };
        let of = Some((7, Size { width: 640, height: 360 }));
        let mut unit = Unit::new(2);
        unit.of = of;
        pictures.all.insert(id.clone(), unit);
        let mut fails = |run| {
            let result = Err(MediaError::Init(String::new()));
            pictures.started(Instant::now(), &id, run, result);
            pictures.all[&id].of
        };
        assert_eq!(fails(1), of);
        assert_eq!(fails(2), None);
    }
}
