//! What has gone wrong with a source since it was configured, in numbers.
//!
//! A fault counts once, however often it is tried again meanwhile; a fault that turns out to be another
//! one counts as that, too.

use crate::core::control::FaultsInfo;
use crate::core::protocol::{FailureCause, SourceState};
use std::collections::BTreeMap;
use std::time::Instant;

/// Of one source with its encoders.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    /// Faults of its capture and its encoders, by cause.
    pub(super) failures: BTreeMap<FailureCause, u64>,
    /// Starts of its capture.
    pub(super) starts: u64,
    /// Those of them that followed a fault.
    pub(super) restarts: u64,
    /// How often an encoder has taken over from one that failed.
    pub(super) takeovers: u64,
    /// The last fault's cause.
    pub(super) last: Option<FailureCause>,
    /// Since when its state for the viewers is what it is.
    pub(super) since: Instant,
}

impl Faults {
    pub(super) fn new() -> Self {
        Self {
            failures: BTreeMap::new(),
            starts: 0,
            restarts: 0,
            takeovers: 0,
            last: None,
            since: Instant::now(),
        }
    }

    /// A capture or an encoder goes over to a state. `fault`: what was wrong with it until now.
    pub(super) fn changes(&mut self, fault: &mut Option<FailureCause>, state: &SourceState) {
        let new = match state {
            SourceState::Failed { cause, .. } => Some(*cause),
            SourceState::Idle | SourceState::Starting | SourceState::Live | SourceState::Paused { .. } => {
                None
            }
        };
        if let Some(cause) = new
            && *fault != new
        {
            *self.failures.entry(cause).or_default() += 1;
            self.last = new;
        }
        *fault = new;
    }

    /// Faults of every cause.
    pub(super) fn total(&self) -> u64 {
        self.failures.values().sum()
    }

    pub(super) fn info(&self) -> FaultsInfo {
        FaultsInfo {
            total: self.total(),
            causes: self.failures.clone(),
            last: self.last,
            starts: self.starts,
            restarts: self.restarts,
            takeovers: self.takeovers,
        }
    }

    /// Its capture is started.
    pub(super) fn started(&mut self, state: &SourceState) {
        self.starts += 1;
        if matches!(state, SourceState::Failed { .. }) {
            self.restarts += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_counts_once_and_what_it_turns_into_too() {
        let failed = |cause, detail: &str| SourceState::Failed { cause, detail: detail.into() };
        let states = [
            SourceState::Starting,
            SourceState::Live,
            failed(FailureCause::Stalled, "no frame for 2 s"),
            failed(FailureCause::Stalled, "no frame since the start"),
            failed(FailureCause::Busy, "cheese"),
            SourceState::Live,
            failed(FailureCause::Busy, "cheese"),
        ];
        let (mut faults, mut fault) = (Faults::new(), None);
        for state in &states {
            faults.changes(&mut fault, state);
        }
        let counts = [(FailureCause::Busy, 2), (FailureCause::Stalled, 1)];
        assert_eq!(faults.failures, BTreeMap::from(counts));
        assert_eq!((faults.info().total, faults.last), (3, Some(FailureCause::Busy)));
        faults.started(&SourceState::Starting);
        faults.started(&failed(FailureCause::Busy, "cheese"));
        assert_eq!((faults.starts, faults.restarts), (2, 1));
    }
}
