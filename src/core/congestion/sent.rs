//! What was sent to one viewer: numbers given out, and joined with the feedback on them.
//!
//! Owns the transport-wide numbers and the record of each packet's time and size, bounded in
//! number and age. Times are microseconds since the viewer's beginning.

use crate::core::rtcp::{ARRIVAL_TICK_US, TransportFeedback};
use std::collections::VecDeque;

/// No more packets than this are remembered. A power of two far below 2^16, so that a number in
/// feedback means one packet.
const MAX_PACKETS: usize = 4096;
/// No packet is remembered for longer. Feedback that is later than this is of no use.
const MAX_AGE_US: i64 = 4_000_000;
/// Steps of 64 ms in 2^24 of them, in ticks: where arrival times wrap.
const ARRIVAL_WRAP: i64 = 1 << 32;

/// One packet that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// When.
    pub at: i64,
    /// Bytes of this packet.
    pub bytes: u32,
    /// Bytes of all packets up to and with this one.
    total: u64,
    fate: Fate,
}

/// What feedback has said of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing yet.
    Unknown,
    Arrived,
    /// Later ones arrived and this one had not.
    Lost,
}

/// What feedback has newly said of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub sent: i64,
    pub bytes: u32,
    pub kind: OutcomeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutcomeKind {
    /// Before every packet with a higher number; at this time of the receiver's clock, in us.
    InOrder(i64),
    /// After one with a higher number: reordered or sent again. Its delay says nothing of the link.
    Late(i64),
    /// Later ones arrived and this one did not.
    Lost,
}

/// The record.
#[derive(Debug, Clone)]
pub(super) struct SentLog {
    packets: VecDeque<Sent>,
    /// The number of the first of `packets`, not wrapped.
    first: u64,
    /// Bytes sent in all.
    total: u64,
    /// One more than the highest number that has arrived.
    arrived_to: u64,
    /// The last reference of the receiver's clock, in ticks, not wrapped.
    clock: Option<i64>,
    outcomes: Vec<Outcome>,
}

impl SentLog {
    /// An empty record whose first packet gets the number `first`.
    pub fn new(first: u16) -> Self {
        let first = u64::from(first);
        Self {
            packets: VecDeque::new(),
            first,
            total: 0,
            arrived_to: first,
            clock: None,
            outcomes: Vec::new(),
        }
    }

    /// Notes a packet and gives it its number.
    pub fn push(&mut self, at: i64, bytes: u32) -> u16 {
        while self.packets.len() >= MAX_PACKETS
            || self.packets.front().is_some_and(|oldest| oldest.at < at - MAX_AGE_US)
        {
            self.packets.pop_front();
            self.first += 1;
        }
        self.total += u64::from(bytes);
        let number = self.next();
        self.packets.push_back(Sent { at, bytes, total: self.total, fate: Fate::Unknown });
        wire(number)
    }

    fn next(&self) -> u64 {
        self.first + self.packets.len() as u64
    }

    /// When the last packet was sent.
    pub fn last_at(&self) -> Option<i64> {
        self.packets.back().map(|packet| packet.at)
    }

    /// Bytes sent at or after that time, as far as they are remembered.
    pub fn bytes_since(&self, at: i64) -> u64 {
        let index = self.packets.partition_point(|packet| packet.at < at);
        self.packets.get(index).map_or(0, |packet| self.total - packet.total + u64::from(packet.bytes))
    }

    /// Bytes after the last packet that is known to have arrived.
    pub fn in_flight(&self) -> u64 {
        self.unacknowledged().next().map_or(0, |first| self.total - first.total + u64::from(first.bytes))
    }

    /// The packets after the last that is known to have arrived, in their order.
    pub fn unacknowledged(&self) -> impl Iterator<Item = &Sent> {
        let known = usize::try_from(self.arrived_to.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.packets.range(known.min(self.packets.len())..)
    }

    /// How many packets are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// The place of a number among those remembered.
    fn place(&self, number: u16) -> Option<usize> {
        let back = u64::from(wire(self.next().wrapping_sub(1)).wrapping_sub(number));
        let number = self.next().checked_sub(1 + back)?;
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// Joins feedback with the record: what is new in it, in the order of the numbers. What was
    /// never sent, is forgotten or was told before is left out.
    pub fn join(&mut self, feedback: &TransportFeedback<'_>) -> &[Outcome] {
        self.outcomes.clear();
        let offset = self.clock_offset(feedback);
        let known_to = self.arrived_to;
        // Twice through the statuses: whether one was late is known from those after it.
        let mut highest = self.arrived_to;
        for status in feedback.statuses() {
            let Some(place) = self.place(status.number) else { continue };
            let number = self.first + place as u64;
            let Some(packet) = self.packets.get_mut(place) else { continue };
            let arrival = status.arrival.map(|ticks| (ticks + offset) * ARRIVAL_TICK_US);
            let kind = match (arrival, packet.fate) {
                (Some(at), Fate::Unknown) if number >= known_to => OutcomeKind::InOrder(at),
                (Some(at), Fate::Unknown | Fate::Lost) => OutcomeKind::Late(at),
                (None, Fate::Unknown) => OutcomeKind::Lost,
                (Some(_), Fate::Arrived) | (None, Fate::Arrived | Fate::Lost) => continue,
            };
            if kind == OutcomeKind::Lost {
                // Not arrived, and nothing after it either: that it is lost is not said yet.
                self.outcomes.push(Outcome { sent: number.cast_signed(), bytes: packet.bytes, kind });
                continue;
            }
            packet.fate = Fate::Arrived;
            highest = highest.max(number + 1);
            self.outcomes.push(Outcome { sent: packet.at, bytes: packet.bytes, kind });
        }
        self.arrived_to = highest;
        let (first, packets) = (self.first, &mut self.packets);
        let mut earliest = i64::MAX;
        for outcome in self.outcomes.iter_mut().rev() {
            match outcome.kind {
                OutcomeKind::InOrder(at) if at > earliest => outcome.kind = OutcomeKind::Late(at),
                OutcomeKind::InOrder(at) => earliest = at,
                OutcomeKind::Late(_) => {}
                OutcomeKind::Lost => {
                    let number = outcome.sent.cast_unsigned();
                    let place = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
                    let Some(packet) = packets.get_mut(place) else { continue };
                    outcome.sent = packet.at;
                    if number < highest {
                        packet.fate = Fate::Lost;
                    } else {
                        outcome.bytes = 0;
                    }
                }
            }
        }
        self.outcomes.retain(|outcome| outcome.kind != OutcomeKind::Lost || outcome.bytes > 0);
        &self.outcomes
    }

    /// What to add to this feedback's ticks so that the receiver's clock goes on over its wrap.
    fn clock_offset(&mut self, feedback: &TransportFeedback<'_>) -> i64 {
        let told = i64::from(feedback.reference()) * 256;
        let Some(last) = self.clock else {
            self.clock = Some(told);
            return 0;
        };
        let step = (told - last + ARRIVAL_WRAP / 2).rem_euclid(ARRIVAL_WRAP) - ARRIVAL_WRAP / 2;
        self.clock = Some(last + step);
        last + step - told
    }
}

/// A number as it is on the wire.
#[allow(clippy::cast_possible_truncation)]
fn wire(number: u64) -> u16 {
    (number & u64::from(u16::MAX)) as u16
}
