//! Which of several encoders is used: the best that has not failed lately.
//!
//! When one fails the next in the order takes over; after the last one it is the first one's turn
//! again, and then there is reason to wait before. What has failed is left alone for a long time:
//! a driver that has crashed once while encoding will do so again, in the middle of somebody's
//! picture.

use std::time::{Duration, Instant};

/// Then the first in the order may show whether it works again. Nothing that runs is stopped for it.
const FORGIVEN_AFTER: Duration = Duration::from_secs(3600);

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Failover {
    rank: usize,
    failed: Option<Instant>,
}

impl Failover {
    /// The rank of the one that is started now; 0 is the best.
    pub fn rank(&mut self, now: Instant) -> usize {
        if self.failed.is_some_and(|failed| now.duration_since(failed) >= FORGIVEN_AFTER) {
            *self = Self::default();
        }
        self.rank
    }

    /// The one of [`Failover::rank`], one of `count`, has failed. The rank of the one that takes over at
    /// once; `None`: all have failed, and it begins with the first again.
    pub fn failed(&mut self, now: Instant, count: usize) -> Option<usize> {
        self.failed = Some(now);
        self.rank += 1;
        if self.rank >= count {
            self.rank = 0;
            return None;
        }
        Some(self.rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_in_the_order_takes_over_and_after_the_last_one_the_first() {
        let t0 = Instant::now();
        let mut failover = Failover::default();
        assert_eq!(failover.rank(t0), 0);
        let seen: Vec<_> = (0..5).map(|_| failover.failed(t0, 3)).collect();
        assert_eq!(seen, [Some(1), Some(2), None, Some(1), Some(2)]);
        assert_eq!(failover.rank(t0), 2);
        assert_eq!(Failover::default().failed(t0, 1), None);
    }

    #[test]
    fn what_has_failed_is_left_alone_for_long_and_then_tried_again() {
        let t0 = Instant::now();
        let mut failover = Failover::default();
        failover.failed(t0, 2);
        assert_eq!(failover.rank(t0 + FORGIVEN_AFTER / 2), 1);
        failover.failed(t0 + FORGIVEN_AFTER / 2, 3);
        assert_eq!(failover.rank(t0 + FORGIVEN_AFTER), 2, "the last failure counts");
        assert_eq!(failover.rank(t0 + FORGIVEN_AFTER * 3 / 2), 0);
    }
}
