//! What the link carries, from how packets that were sent as one burst arrive spread out.
//!
//! A frame leaves as one burst. Where its packets wait for each other, each arrives one
//! transmission time after the one before: the bytes after the first, over the time from the
//! first to the last, are the rate of the narrowest place, however little of it the stream uses.
//! From one burst to the next nothing is told: the link may have been idle in between. Links that
//! send in bunches, and traffic beside, blur it; so it is a median, and what fails in spite of it
//! is remembered elsewhere.

use std::collections::VecDeque;

/// Packets sent within this of one another are one burst.
const BURST_US: i64 = 1_000;
/// How long a smaller packet takes is lost in the jitter.
const MIN_BYTES: u32 = 300;
/// A sample is taken about so often, so that the steps of the receiver's clock average out.
const SAMPLE_US: i64 = 100_000;
/// With less than this, a sample waits for more bursts,
const SAMPLE_BYTES: i64 = 1_200;
/// and for no longer than this.
const SAMPLE_MAX_US: i64 = 2_000_000;
/// Times shorter than this are not told: 250 us, the step of feedback.
const RESOLUTION_US: i64 = 250;
/// Samples count for so long,
const FRESH_US: i64 = 4_000_000;
/// and for so long when there are hardly any fresh ones: the stream says little.
const STALE_US: i64 = 10_000_000;
/// While a queue stands, only what was measured in so long counts: the link may have changed.
const RECENT_US: i64 = 500_000;
/// With less than this measured lately, nothing is said.
const RECENT_BYTES: i64 = 3_000;
const MAX_SAMPLES: usize = 64;
const MAX_LATE: usize = 256;

#[derive(Debug, Clone, Copy)]
struct Sample {
    /// When it was complete, on the receiver's clock.
    at: i64,
    bytes: i64,
    /// The time that those bytes took.
    span_us: i64,
}

/// The packet before.
#[derive(Debug, Clone, Copy)]
struct Previous {
    sent: i64,
    arrived: i64,
}

/// Measures the link's rate.
#[derive(Debug, Clone, Default)]
pub(super) struct Trains {
    previous: Option<Previous>,
    /// What is being measured; `at` is when it began.
    open: Option<Sample>,
    samples: VecDeque<Sample>,
    /// Late packets that arrived after the last in order.
    late: VecDeque<(i64, u32)>,
    scratch: Vec<(i64, i64)>,
}

impl Trains {
    /// A packet that arrived in order.
    pub fn push(&mut self, sent: i64, arrived: i64, bytes: u32) {
        let previous = self.previous.replace(Previous { sent, arrived });
        let Some(previous) = previous else { return };
        let open = self.open.get_or_insert(Sample { at: arrived, bytes: 0, span_us: 0 });
        let in_burst = sent - previous.sent <= BURST_US && bytes >= MIN_BYTES;
        if in_burst {
            open.bytes += i64::from(bytes);
            open.span_us += arrived - previous.arrived;
        }
        while let Some((at, late_bytes)) = self.late.front().copied()
            && at <= arrived
        {
            self.late.pop_front();
            open.bytes += if in_burst { i64::from(late_bytes) } else { 0 };
        }
        let age = arrived - open.at;
        if age >= SAMPLE_US && open.bytes >= SAMPLE_BYTES {
            let sample = Sample { at: arrived, ..*open };
            if self.samples.len() >= MAX_SAMPLES {
                self.samples.pop_front();
            }
            self.samples.push_back(sample);
            self.open = None;
        } else if age >= SAMPLE_MAX_US {
            self.open = None;
        }
    }

    /// A packet that was sent again, or overtaken: where it came between those of a burst, it has
    /// taken its time on the link too.
    pub fn push_late(&mut self, arrived: i64, bytes: u32) {
        if self.late.len() < MAX_LATE {
            self.late.push_back((arrived, bytes));
        }
    }

    /// Feedback is missing: what comes next is not next to what came last.
    pub fn interrupted(&mut self) {
        self.previous = None;
        self.late.clear();
    }

    /// A queue has begun to stand: what was measured before that time may be of another link.
    pub fn forget_before(&mut self, at: i64) {
        self.samples.retain(|sample| sample.at >= at);
    }

    /// The rate in kbit/s, if enough was measured. `now` is on the receiver's clock; `queueing`:
    /// a queue stands.
    pub fn rate_kbps(&mut self, now: i64, queueing: bool) -> Option<u32> {
        if queueing {
            let recent = self.samples.iter().rev().take_while(|sample| sample.at >= now - RECENT_US);
            let recent = recent.chain(self.open.iter());
            let (bytes, span) = recent.fold((0, 0), |(b, s), x| (b + x.bytes, s + x.span_us));
            if bytes >= RECENT_BYTES {
                return Some(kbps(bytes, span));
            }
        }
        self.scratch.clear();
        for sample in self.samples.iter().rev() {
            let age = now - sample.at;
            if age > STALE_US || age > FRESH_US && self.scratch.len() >= 3 {
                break;
            }
            self.scratch.push((i64::from(kbps(sample.bytes, sample.span_us)), sample.bytes));
        }
        if self.scratch.len() < 2 {
            return None;
        }
        self.scratch.sort_unstable();
        let half = self.scratch.iter().map(|(_, bytes)| bytes).sum::<i64>() / 2;
        let mut below = 0;
        let median = self.scratch.iter().find(|(_, bytes)| {
            below += bytes;
            below > half
        });
        median.and_then(|(rate, _)| u32::try_from(*rate).ok())
    }
}

/// Of bytes and microseconds.
pub(super) fn kbps(bytes: i64, span_us: i64) -> u32 {
    u32::try_from(bytes.max(0) * 8_000 / span_us.max(RESOLUTION_US)).unwrap_or(u32::MAX)
}
