//! The link as seen by receiver reports alone, or by reports and REMB: seconds apart, and blunt.

use super::LinkState;
use super::window::LongMin;
use crate::core::rtcp::{Blocks, ReportBlock};

/// The least round trip is that of twelve times this.
const BASE_BUCKET_US: i64 = 5_000_000;
/// A loss is told from no fewer packets.
const MIN_EXPECTED: i64 = 20;
/// More than this of packets lost is overuse.
const LOSS_HIGH: f64 = 0.10;
/// A round trip so much above the least, twice, is overuse; and so much, once.
const QUEUE_US: i64 = 100_000;
const QUEUE_LONG_US: i64 = 250_000;
/// A receiver's estimate that falls below this of what is sent, and does not rise again, is
/// overuse. One that is low and rises is only slow: receivers add some 8 % a second.
const REMB_SHARE: f64 = 0.95;
/// Receivers raise their estimate to no more than one and a half times what arrives: from here on
/// it says what was sent and not what the link carries.
const REMB_BOUND: f64 = 1.3;
/// A transport has a few streams; a hostile report makes up more.
const MAX_STREAMS: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: u32,
    highest: u32,
    lost: i32,
}

/// The estimator.
#[derive(Debug, Clone)]
pub(super) struct ReportView {
    streams: Vec<Stream>,
    expected: i64,
    lost: i64,
    base_rtt: LongMin,
    late: u32,
    last_remb_kbps: u32,
    low_rembs: u32,
    pub rtt_us: Option<i64>,
    pub loss: f64,
    pub queue_us: i64,
    pub capacity_kbps: Option<u32>,
    pub delivered_kbps: u32,
    pub state: LinkState,
    pub last_report: Option<i64>,
    pub last_remb: Option<i64>,
}

impl ReportView {
    pub fn new() -> Self {
        Self {
            streams: Vec::new(),
            expected: 0,
            lost: 0,
            base_rtt: LongMin::new(BASE_BUCKET_US),
            late: 0,
            last_remb_kbps: 0,
            low_rembs: 0,
            rtt_us: None,
            loss: 0.0,
            queue_us: 0,
            capacity_kbps: None,
            delivered_kbps: 0,
            state: LinkState::Normal,
            last_report: None,
            last_remb: None,
        }
    }

    /// A report at `now`; `sent_kbps` is what was sent in the last second. True: the queue was
    /// measured.
    pub fn report(&mut self, now: i64, ntp: u64, blocks: Blocks<'_>, sent_kbps: u32) -> bool {
        let mut rtt: Option<i64> = None;
        let mut any = false;
        let mut fraction: f64 = 0.0;
        for block in blocks {
            any = true;
            fraction = fraction.max(f64::from(block.fraction_lost) / 256.0);
            // The least: what waited in one stream's queue waited in all.
            if let Some(units) = block.round_trip(ntp) {
                let us = i64::from(units) * 1_000_000 / 65_536;
                rtt = Some(rtt.map_or(us, |least| least.min(us)));
            }
            self.count(&block);
        }
        if !any {
            return false;
        }
        let first = self.last_report.replace(now).is_none();
        if let Some(rtt) = rtt {
            self.rtt_us = Some(rtt);
            self.base_rtt.push(now, rtt);
            self.queue_us = rtt - self.base_rtt.get().unwrap_or(rtt);
        }
        self.late = if self.queue_us > QUEUE_US { self.late + 1 } else { 0 };
        let measured = self.expected >= MIN_EXPECTED;
        if measured {
            self.loss = self.lost.clamp(0, self.expected) as f64 / self.expected as f64;
            (self.expected, self.lost) = (0, 0);
        } else if first {
            self.loss = fraction;
        }
        self.delivered_kbps = (f64::from(sent_kbps) * (1.0 - self.loss)) as u32;
        let lossy = self.loss > LOSS_HIGH && (measured || first);
        let overused = lossy || self.late >= 2 || self.queue_us > QUEUE_LONG_US;
        let remb_low = self.low_rembs >= 2;
        if self.last_remb.is_none() {
            // Loss tells how much got through; a queue only that it was too much.
            self.capacity_kbps = lossy.then_some(self.delivered_kbps);
        }
        self.state = match (overused || remb_low, self.late) {
            (true, _) => LinkState::Overused,
            (false, 0) => LinkState::Normal,
            (false, _) => LinkState::Queueing,
        };
        rtt.is_some()
    }

    fn count(&mut self, block: &ReportBlock) {
        let now = Stream { ssrc: block.ssrc, highest: block.highest_sequence, lost: block.cumulative_lost };
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == block.ssrc) else {
            if self.streams.len() < MAX_STREAMS {
                self.streams.push(now);
            }
            return;
        };
        let expected = i64::from(now.highest.wrapping_sub(stream.highest).cast_signed());
        // Backwards, or further than anybody sends between two reports: a stream begun anew.
        if (0..1 << 16).contains(&expected) {
            self.expected += expected;
            self.lost += i64::from(now.lost) - i64::from(stream.lost);
        }
        *stream = now;
    }

    /// A receiver's own estimate.
    pub fn remb(&mut self, now: i64, bps: u64, sent_kbps: u32) {
        self.last_remb = Some(now);
        let kbps = u32::try_from(bps / 1000).unwrap_or(u32::MAX);
        let share = f64::from(kbps) / f64::from(sent_kbps.max(1));
        let rises = f64::from(kbps) > f64::from(self.last_remb_kbps) * 1.01;
        self.low_rembs = if share < REMB_SHARE && !rises { self.low_rembs + 1 } else { 0 };
        self.last_remb_kbps = kbps;
        self.capacity_kbps = (share < REMB_BOUND).then_some(kbps);
        if self.low_rembs >= 2 {
            self.state = LinkState::Overused;
        } else if self.state == LinkState::Overused && self.late < 2 && self.loss <= LOSS_HIGH {
            self.state = LinkState::Normal;
        }
    }
}
