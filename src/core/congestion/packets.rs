//! The link as seen by transport-wide feedback: queue, loss, what arrives, what it carries.

use super::LinkState;
use super::sent::{Outcome, OutcomeKind};
use super::trains::{Trains, kbps};
use super::window::{LongMin, ShortMin};
use std::collections::VecDeque;

/// The delay without a queue is the least of twelve times this; clocks drift apart by 6 ms in it
/// at 100 ppm.
const BASE_BUCKET_US: i64 = 5_000_000;
/// The queue that stands is the least of so long: a burst is let through, 200 ms of slow frames too.
const STANDING_US: i64 = 300_000;
/// More than this standing is a queue.
const QUEUE_US: i64 = 50_000;
/// A queue that stands for so long is more than a keyframe being sent.
const OVERUSED_US: i64 = 1_500_000;
/// A queue that stands so long without a change and without loss is no queue: the path is longer.
const REBASE_US: i64 = 1_200_000;
/// "Without a change".
const FLAT_US: i64 = 15_000;
/// Loss is counted over so long,
const LOSS_US: i64 = 1_000_000;
/// and of no fewer packets.
const LOSS_PACKETS: u32 = 30;
/// More than this of packets lost is too much, whatever the queue; less is how some links are.
const LOSS_HIGH: f64 = 0.10;
/// Such loss for so long is more than a keyframe that did not fit into a short queue.
const LOSSY_US: i64 = 1_000_000;
/// Feedback remembered: a second of the densest.
const MAX_ROUNDS: usize = 128;

/// One feedback's worth.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// The last arrival.
    at: i64,
    /// The time that it tells of.
    span_us: i64,
    bytes: i64,
    arrived: u32,
    lost: u32,
}

/// A queue that stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    since: i64,
    lowest_us: i64,
    highest_us: i64,
    /// Whether anything was lost since.
    loss: bool,
}

/// The estimator. Times are on the receiver's clock but for those called `sent`.
#[derive(Debug, Clone)]
pub(super) struct PacketView {
    base: LongMin,
    standing: ShortMin,
    trains: Trains,
    rounds: VecDeque<Round>,
    queue: Option<Standing>,
    lossy_since: Option<i64>,
    last_arrival: Option<i64>,
    /// The number after the last that feedback told of.
    next_number: Option<u16>,
    /// What the link carries, as of the last feedback.
    pub capacity_kbps: Option<u32>,
    /// What stands in the queue.
    pub queue_us: i64,
    pub loss: f64,
    pub delivered_kbps: u32,
    pub state: LinkState,
    /// The last packet that arrived in order: when it was sent, and what it waited.
    pub newest: Option<(i64, i64)>,
}

impl PacketView {
    pub fn new() -> Self {
        Self {
            base: LongMin::new(BASE_BUCKET_US),
            standing: ShortMin::new(STANDING_US),
            trains: Trains::default(),
            rounds: VecDeque::new(),
            queue: None,
            lossy_since: None,
            last_arrival: None,
            next_number: None,
            capacity_kbps: None,
            queue_us: 0,
            loss: 0.0,
            delivered_kbps: 0,
            state: LinkState::Normal,
            newest: None,
        }
    }

    /// What one feedback, about `count` packets from `base` on, has newly said.
    pub fn feedback(&mut self, base: u16, count: u16, outcomes: &[Outcome]) {
        let adjacent =
            self.next_number.is_some_and(|next| base.wrapping_sub(next) > u16::MAX / 2 || base == next);
        self.next_number = Some(base.wrapping_add(count));
        if !adjacent {
            self.trains.interrupted();
            self.last_arrival = None;
        }
        let mut round = Round { at: 0, span_us: 0, bytes: 0, arrived: 0, lost: 0 };
        let mut first = self.last_arrival;
        let mut last = None;
        for outcome in outcomes {
            match outcome.kind {
                OutcomeKind::InOrder(at) => {
                    self.arrived(outcome.sent, at, outcome.bytes);
                    first.get_or_insert(at);
                    last = Some(at);
                    round.bytes += i64::from(outcome.bytes);
                    round.arrived += 1;
                }
                // It was counted as lost, or will not be; the link has carried it all the same.
                OutcomeKind::Late(at) => {
                    round.bytes += i64::from(outcome.bytes);
                    self.trains.push_late(at, outcome.bytes);
                }
                OutcomeKind::Lost => round.lost += 1,
            }
        }
        let (Some(first), Some(last)) = (first, last) else { return };
        self.last_arrival = Some(last);
        (round.at, round.span_us) = (last, last - first);
        if self.rounds.len() >= MAX_ROUNDS {
            self.rounds.pop_front();
        }
        self.rounds.push_back(round);
        self.conclude(last);
    }

    fn arrived(&mut self, sent: i64, at: i64, bytes: u32) {
        let delay = at - sent;
        self.base.push(sent, delay);
        self.standing.push(sent, delay);
        let queue_us = delay - self.base.get().unwrap_or(delay);
        self.trains.push(sent, at, bytes);
        self.newest = Some((sent, queue_us));
    }

    fn conclude(&mut self, now: i64) {
        while self.rounds.front().is_some_and(|round| round.at < now - LOSS_US) {
            self.rounds.pop_front();
        }
        let (mut arrived, mut lost, mut bytes, mut span) = (0, 0, 0, 0);
        for round in &self.rounds {
            arrived += round.arrived;
            lost += round.lost;
            bytes += round.bytes;
            span += round.span_us;
        }
        let total = arrived + lost;
        self.loss = if total >= LOSS_PACKETS { f64::from(lost) / f64::from(total) } else { 0.0 };
        // Of less than a tenth of a second, a burst would look like a rate.
        self.delivered_kbps = kbps(bytes, span.max(100_000));
        self.note_queue(now);
        if self.loss > LOSS_HIGH {
            self.lossy_since.get_or_insert(now);
        } else {
            self.lossy_since = None;
        }
        self.capacity_kbps = self.trains.rate_kbps(now, self.queue.is_some());
        let overused = self.queue.is_some_and(|queue| now - queue.since >= OVERUSED_US)
            || self.lossy_since.is_some_and(|since| now - since >= LOSSY_US);
        self.state = match (overused, self.queue.is_some() || self.lossy_since.is_some()) {
            (true, _) => LinkState::Overused,
            (false, true) => LinkState::Queueing,
            (false, false) => LinkState::Normal,
        };
    }

    /// Looks at the queue that stands.
    fn note_queue(&mut self, now: i64) {
        let (Some(least), Some(base)) = (self.standing.get(), self.base.get()) else { return };
        self.queue_us = least - base;
        if self.queue_us <= QUEUE_US {
            self.queue = None;
            return;
        }
        let lost = self.rounds.back().is_some_and(|round| round.lost > 0);
        let queue_us = self.queue_us;
        let Some(queue) = &mut self.queue else {
            self.queue = Some(Standing { since: now, lowest_us: queue_us, highest_us: queue_us, loss: lost });
            self.trains.forget_before(now - STANDING_US - QUEUE_US);
            return;
        };
        queue.lowest_us = queue.lowest_us.min(queue_us);
        queue.highest_us = queue.highest_us.max(queue_us);
        queue.loss |= lost;
        let flat = queue.highest_us - queue.lowest_us <= FLAT_US && !queue.loss;
        let carries = self.capacity_kbps.is_none_or(|capacity| self.delivered_kbps < capacity / 5 * 4);
        if flat && carries && now - queue.since >= REBASE_US {
            // A queue of our making grows, drains or loses.
            self.base.restart(least);
            self.queue = None;
            self.queue_us = 0;
        }
    }
}
