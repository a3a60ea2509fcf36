//! Checks that wait for others, all at once and each for a bounded time.

use super::finding::{Area, Finding};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A check that has begun.
pub(super) struct Check {
    area: Area,
    what: String,
    until: Instant,
    within: Duration,
    answer: Receiver<Vec<Finding>>,
}

impl Check {
    /// Begins, on a thread of its own. One that never comes back is left behind: the process ends soon.
    pub(super) fn begin(
        area: Area,
        what: impl Into<String>,
        within: Duration,
        ask: impl FnOnce() -> Vec<Finding> + Send + 'static,
    ) -> Self {
        let (sender, answer) = mpsc::sync_channel(1);
        let ask = move || {
            // Nobody listens any more when this fails: the deadline has passed.
            drop(sender.send(ask()));
        };
        // Where no thread can be had, nobody answers, which is what is told.
        let _started = std::thread::Builder::new().name("check".into()).spawn(ask);
        Self { area, what: what.into(), until: Instant::now() + within, within, answer }
    }

    /// Waits for what it finds.
    pub(super) fn findings(self) -> Vec<Finding> {
        let Self { area, what, until, within, answer } = self;
        let left = until.saturating_duration_since(Instant::now());
        match answer.recv_timeout(left) {
            Ok(findings) => findings,
            Err(RecvTimeoutError::Timeout) => vec![Finding::problem(
                area,
                format!("{what}: no answer within {} s", within.as_secs()),
                "see what hangs there: the kernel's log (`dmesg`) names drivers, `systemctl` services",
            )],
            Err(RecvTimeoutError::Disconnected) => vec![Finding::problem(
                area,
                format!("{what}: this could not be looked at"),
                "see whether the machine has memory and processes to spare, and try again",
            )],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn what_hangs_is_told_and_keeps_nobody() {
        let (_never, wait) = mpsc::channel::<()>();
        let stuck = move || {
            let _ = wait.recv();
            Vec::new()
        };
        let stuck = Check::begin(Area::Capture, "the test", Duration::from_millis(20), stuck);
        let well = Check::begin(Area::Capture, "another", Duration::from_secs(60), || {
            vec![Finding::ok(Area::Capture, "well")]
        });
        let [finding] = &stuck.findings()[..] else { panic!("one finding") };
        assert_eq!(finding.level, Level::Problem);
        assert!(finding.finding.contains("the test: no answer"), "{finding:?}");
        assert_eq!(well.findings(), [Finding::ok(Area::Capture, "well")]);
    }
}
