//! The least value of the last while.

use std::collections::VecDeque;

/// The least value of a long window, in buckets: cheap, and forgets the oldest bucket at once.
#[derive(Debug, Clone)]
pub(super) struct LongMin {
    bucket_us: i64,
    buckets: [i64; BUCKETS],
    newest: i64,
}

const BUCKETS: usize = 12;

impl LongMin {
    /// Over `BUCKETS` times that.
    pub fn new(bucket_us: i64) -> Self {
        Self { bucket_us, buckets: [i64::MAX; BUCKETS], newest: 0 }
    }

    pub fn push(&mut self, at: i64, value: i64) {
        let bucket = at / self.bucket_us;
        while self.newest < bucket {
            // A leap clears each bucket once.
            self.newest = (self.newest + 1).max(bucket - BUCKETS as i64);
            if let Some(slot) = self.slot(self.newest) {
                *slot = i64::MAX;
            }
        }
        let newest = self.newest;
        if let Some(slot) = self.slot(newest) {
            *slot = value.min(*slot);
        }
    }

    fn slot(&mut self, bucket: i64) -> Option<&mut i64> {
        let place = usize::try_from(bucket.rem_euclid(BUCKETS as i64)).ok()?;
        self.buckets.get_mut(place)
    }

    /// Forgets everything but this.
    pub fn restart(&mut self, value: i64) {
        self.buckets = [i64::MAX; BUCKETS];
        let newest = self.newest;
        if let Some(slot) = self.slot(newest) {
            *slot = value;
        }
    }

    pub fn get(&self) -> Option<i64> {
        self.buckets.iter().copied().min().filter(|least| *least != i64::MAX)
    }
}

/// The least value of a short window, exactly.
#[derive(Debug, Clone)]
pub(super) struct ShortMin {
    length_us: i64,
    /// Rising from front to back, in time and in value.
    rising: VecDeque<(i64, i64)>,
}

/// More than this are never in a short window that rises in steps of 250 us.
const MOST: usize = 512;

impl ShortMin {
    pub fn new(length_us: i64) -> Self {
        Self { length_us, rising: VecDeque::new() }
    }

    pub fn push(&mut self, at: i64, value: i64) {
        while self.rising.back().is_some_and(|(_, last)| *last >= value) {
            self.rising.pop_back();
        }
        while self.rising.len() >= MOST
            || self.rising.front().is_some_and(|(first, _)| *first < at - self.length_us)
        {
            self.rising.pop_front();
        }
        self.rising.push_back((at, value));
    }

    pub fn get(&self) -> Option<i64> {
        self.rising.front().map(|(_, value)| *value)
    }
}
