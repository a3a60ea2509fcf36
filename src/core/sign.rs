//! When the person at the machine is told that somebody watches: with the first viewer, and not again
//! because one comes back or another joins.

use std::time::{Duration, Instant};

/// Nobody has watched for so long: who comes now is the first again. A page that was cut off, or a
/// daemon's reload, is over sooner.
const QUIET: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub struct Sign {
    watched: bool,
    /// When somebody watched last.
    last: Option<Instant>,
}

impl Sign {
    /// So many watch now. True when the person is to be told.
    pub fn is_due(&mut self, now: Instant, viewers: usize) -> bool {
        let before = std::mem::replace(&mut self.watched, viewers > 0);
        let first = !before && self.last.is_none_or(|last| now.saturating_duration_since(last) >= QUIET);
        if before || self.watched {
            self.last = Some(now);
        }
        self.watched && first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_viewer_is_told_of_and_nobody_who_comes_back_or_joins() {
        let t0 = Instant::now();
        let at = |seconds| t0 + Duration::from_secs(seconds);
        let mut sign = Sign::default();
        let turns = [
            (0, 0, false),
            (1, 1, true),
            (2, 2, false),
            (900, 1, false),
            (901, 0, false),
            // The page was loaded again.
            (905, 1, false),
            (910, 0, false),
            (935, 0, false),
            // Since 910 nobody has been here.
            (940, 1, true),
        ];
        for (seconds, viewers, due) in turns {
            assert_eq!(sign.is_due(at(seconds), viewers), due, "{seconds} s");
        }
    }
}
