//! How often something may happen.
//!
//! Owns the token bucket. Time is an argument; nothing here reads a clock or waits.

use std::time::{Duration, Instant};

/// A token bucket in the form of the generic cell rate algorithm: one point in time instead of a
/// count, so that it cannot drift. Holds `burst` tokens when full and gains one in each `interval`.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    interval: Duration,
    /// How far ahead of now `full_at` may lie.
    room: Duration,
    /// When the bucket is full again; in the past, or `None` before the first token: it is full.
    full_at: Option<Instant>,
}

impl TokenBucket {
    /// A full bucket. `burst` is at least 1.
    #[must_use]
    pub fn new(burst: u32, interval: Duration) -> Self {
        Self { interval, room: interval.saturating_mul(burst.max(1)), full_at: None }
    }

    /// Whether a token could be taken now.
    ///
    /// # Errors
    /// How long to wait until it can.
    pub fn check(&self, now: Instant) -> Result<(), Duration> {
        let wait = (self.owed(now) + self.interval).saturating_sub(self.room);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// How long to wait until there is one; nothing was taken then.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.take_many(now, 1)
    }

    /// Takes so many tokens at once; more than the bucket holds are never there.
    ///
    /// # Errors
    /// How long to wait until there are so many; nothing was taken then.
    pub fn take_many(&mut self, now: Instant, count: u32) -> Result<(), Duration> {
        let owed = self.owed(now).saturating_add(self.interval.saturating_mul(count));
        let wait = owed.saturating_sub(self.room);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full_at = now.checked_add(owed);
        Ok(())
    }

    /// Puts back a token that was taken.
    pub fn give_back(&mut self) {
        self.full_at = self.full_at.and_then(|full_at| full_at.checked_sub(self.interval));
    }

    /// What was taken of another one of the same size is taken of this one, too, as far as it has it.
    pub fn add(&mut self, now: Instant, other: &Self) {
        self.full_at = now.checked_add(self.owed(now).saturating_add(other.owed(now)).min(self.room));
    }

    /// Whether every token is there.
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.owed(now).is_zero()
    }

    fn owed(&self, now: Instant) -> Duration {
        self.full_at.map_or(Duration::ZERO, |full_at| full_at.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_passes_and_then_one_for_each_interval() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(3, SECOND);
        for _ in 0..3 {
            assert_eq!(bucket.take(start), Ok(()));
        }
        assert_eq!(bucket.take(start), Err(SECOND));
        assert_eq!(bucket.take(start + SECOND / 2), Err(SECOND / 2));
        assert_eq!(bucket.take(start + SECOND), Ok(()));
        assert_eq!(bucket.take(start + SECOND), Err(SECOND));
        assert!(!bucket.is_full(start + 3 * SECOND));
        assert!(bucket.is_full(start + 4 * SECOND));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing_away() {
        let start = Instant::now() + 10 * SECOND;
        let mut bucket = TokenBucket::new(1, SECOND);
        assert_eq!(bucket.take(start), Ok(()));
        assert!(bucket.take(start - 5 * SECOND).is_err());
    }

    #[test]
    fn what_was_taken_of_another_is_taken_too() {
        let start = Instant::now();
        let mut buckets = [TokenBucket::new(10, SECOND), TokenBucket::new(10, SECOND)];
        buckets.iter_mut().for_each(|bucket| bucket.take_many(start, 4).unwrap());
        let [mut bucket, other] = buckets;
        bucket.add(start + SECOND, &other);
        assert_eq!(bucket.take_many(start + SECOND, 5), Err(SECOND));
        assert_eq!(bucket.take_many(start + SECOND, 4), Ok(()));
        bucket.add(start + SECOND, &bucket.clone());
        assert_eq!(bucket.take(start + SECOND), Err(SECOND), "and no more than there is");
    }

    #[test]
    fn many_are_taken_at_once_or_none_of_them() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10, SECOND);
        assert_eq!(bucket.take_many(start, 11), Err(SECOND));
        assert_eq!(bucket.take_many(start, 7), Ok(()));
        assert_eq!(bucket.take_many(start, 4), Err(SECOND));
        assert_eq!(bucket.take_many(start, 3), Ok(()));
        assert_eq!(bucket.take_many(start + 4 * SECOND, 4), Ok(()));
        assert!(bucket.take_many(start, u32::MAX).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            burst in 1u32..50,
            interval_ms in 1u64..1000,
            steps_ms in proptest::collection::vec(0u64..300, 1..200),
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut bucket = TokenBucket::new(burst, Duration::from_millis(interval_ms));
            let mut taken = 0u64;
            for step in steps_ms {
                now += Duration::from_millis(step);
                match bucket.take(now) {
                    Ok(()) => taken += 1,
                    Err(wait) => {
                        prop_assert!(wait <= Duration::from_millis(interval_ms));
                        prop_assert!(bucket.check(now + wait).is_ok(), "what it names as the wait is enough");
                    }
                }
                let elapsed_ms = u64::try_from((now - start).as_millis()).unwrap();
                prop_assert!(taken <= u64::from(burst) + elapsed_ms / interval_ms);
            }
        }
    }
}
