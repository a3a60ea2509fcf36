//! What the loop tells of itself twice a second: numbers for whoever reads the metrics, and whether all is
//! well.
//!
//! What happens is counted where it happens; here is what can only be looked at: how many there are, how
//! their links are, and what the machines have counted since the last look.

use super::audit::word;
use super::sources::Sources;
use super::unit::{RenditionUnit, Unit as SourceUnit};
use super::viewer::{Peer, Unit};
use super::viewers::Viewers;
use super::{Daemon, STUCK, TOO_MANY_STUCK};
use crate::core::ids::SourceName;
use crate::core::protocol::{FailureCause, SourceState, WatchesBy};
use crate::core::renditions::MAX_RUNGS;
use crate::media::{codec_word, pipeline};
use crate::telemetry::health;
use crate::telemetry::metrics::{metrics, number};
use crate::web::state;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often the links of all viewers are looked at.
const LINKS_EVERY: Duration = Duration::from_secs(5);
/// Counts the starts on a state folder.
const STARTS_FILE: &str = "starts.json";

const STATES: [&str; 5] = ["idle", "starting", "live", "paused", "failed"];
const CODECS: [&str; 3] = ["h264", "vp8", "opus"];

/// When the links were looked at last.
#[derive(Debug)]
pub(super) struct Measured {
    links: Instant,
}

impl Measured {
    pub(super) fn new(now: Instant) -> Self {
        Self { links: now }
    }
}

/// What of a source's counts the metrics have already.
#[derive(Debug, Default)]
pub(super) struct Counted {
    frames: u64,
    starts: u64,
    takeovers: u64,
    failures: [u64; FailureCause::ALL.len()],
}

/// What has been added since the last look.
fn added(before: &mut u64, now: u64) -> u64 {
    now.saturating_sub(std::mem::replace(before, now))
}

impl Daemon {
    pub(super) fn measure(&mut self, now: Instant, fault: Option<String>) {
        health::turned(now, fault);
        let all = metrics();
        all.pipelines_stopping.set(number(pipeline::stopping()));
        all.pipelines_stuck.set(number(pipeline::stuck(STUCK)));
        for kind in pipeline::newly_late(STUCK) {
            tracing::error!(pipeline = kind, "a pipeline does not stop within {} s", STUCK.as_secs());
            all.stuck(kind);
        }
        self.sources.measure();
        self.viewers.measure();
        if now >= self.measured.links + LINKS_EVERY {
            self.measured.links = now;
            self.viewers.measure_links(now);
        }
    }

    /// What only a new process helps against, in a sentence. The watchdog is not fed then.
    pub(super) fn fault(&self) -> Option<String> {
        let stuck = pipeline::stuck(STUCK);
        if self.sources.is_stuck() {
            return Some("A capture or an encoder neither starts nor fails.".to_owned());
        }
        (stuck > TOO_MANY_STUCK).then(|| format!("{stuck} pipelines do not stop."))
    }
}

impl Sources {
    fn measure(&mut self) {
        let mut names = BTreeSet::new();
        for unit in self.units() {
            unit.measure();
            names.insert(unit.source.name.clone());
        }
        for gone in self.measured(names) {
            let causes = FailureCause::ALL.iter().map(word).collect::<Vec<_>>();
            let rungs = u8::try_from(MAX_RUNGS).unwrap_or(u8::MAX);
            metrics().forget(&gone, &STATES, &causes, &CODECS.map(|codec| (codec, rungs)));
        }
    }
}

impl SourceUnit {
    fn measure(&mut self) {
        let (all, name, faults) = (metrics(), &self.source.name, &self.faults);
        let frames = added(&mut self.counted.frames, self.taps.frames());
        all.captured(name, frames, added(&mut self.counted.starts, faults.starts));
        all.taken_over(name, added(&mut self.counted.takeovers, faults.takeovers));
        for (cause, before) in FailureCause::ALL.iter().zip(&mut self.counted.failures) {
            let failures = faults.failures.get(cause).copied().unwrap_or(0);
            all.failed(name, word(cause), added(before, failures));
        }
        all.source_state(name, &STATES, state_word(&self.state()));
        for rendition in self.renditions.values_mut() {
            rendition.measure(name);
        }
    }
}

impl RenditionUnit {
    fn measure(&mut self, source: &SourceName) {
        let starts = added(&mut self.counted, self.lifecycle.run());
        metrics().encoder_started(source, codec_word(self.id.codec), starts);
    }
}

impl Viewers {
    fn measure(&self) {
        for by in ["webrtc", "whep", "pictures", "none"] {
            let count =
                self.all.values().filter(|unit| !unit.is_shown_out() && unit.carried_by() == by).count();
            metrics().viewers(by, count);
        }
        let rooms = self.meeting.infos();
        metrics().rooms.set(number(rooms.len()));
        metrics().participants.set(number(rooms.iter().map(|room| room.people).sum()));
    }

    fn measure_links(&self, now: Instant) {
        for unit in self.all.values() {
            let Peer::Open { viewer, .. } = &unit.peer else { continue };
            if unit.session.is_connected() {
                let estimate = viewer.link().estimate(now);
                metrics().link(estimate.loss, estimate.round_trip.map(|time| time.as_secs_f64()));
            }
        }
    }
}

impl Unit {
    /// By what its pictures and its sound come.
    fn carried_by(&self) -> &'static str {
        match self.watches_by() {
            WatchesBy::Whep => "whep",
            WatchesBy::Page if self.session.is_connected() => "webrtc",
            WatchesBy::Page if self.taken().next().is_some() => "pictures",
            WatchesBy::Page => "none",
        }
    }
}

fn state_word(state: &SourceState) -> &'static str {
    match state {
        SourceState::Idle => "idle",
        SourceState::Starting => "starting",
        SourceState::Live => "live",
        SourceState::Paused { .. } => "paused",
        SourceState::Failed { .. } => "failed",
    }
}

/// Counts this start, over restarts too. Blocks on a file.
pub(super) fn count_start(state_dir: &Path) {
    let path = state_dir.join(STARTS_FILE);
    // One that is not there, or cannot be read, begins anew.
    let before: u64 =
        std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or(0);
    metrics().restarts.inc_by(before);
    if let Err(error) = state::write_json(&path, Some(&before.saturating_add(1))) {
        tracing::warn!(%error, "this start is not counted");
    }
}
