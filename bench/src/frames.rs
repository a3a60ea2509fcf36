//! From packets to the frames that a viewer would see, as a browser's receiver does it but without decoding:
//! packets are put in order, a hole is waited for, and behind one that stays only a keyframe helps.

use crate::codec::Seen;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One RTP packet, decrypted.
#[derive(Debug, Clone, Copy)]
pub struct Packet {
    /// The extended sequence number.
    pub seq: u64,
    /// The RTP timestamp.
    pub time: u32,
    pub marker: bool,
    pub seen: Seen,
    /// From the capture of the frame to the arrival of this packet, in ms, where the packet tells (abs-capture-time).
    pub latency_ms: Option<f32>,
}

/// A frame that could be shown.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// When its last packet was there.
    pub at: Instant,
    /// The size of the pictures from here on, once a keyframe has told it.
    pub size: Option<(u16, u16)>,
    pub latency_ms: Option<f32>,
}

struct Building {
    time: u32,
    keyframe: bool,
    latency_ms: Option<f32>,
    /// It is known to begin with its first packet.
    whole: bool,
}

/// Puts packets in order and frames together.
pub struct Frames {
    /// How long a hole is waited for.
    patience: Duration,
    next: Option<u64>,
    /// What lies behind holes, and when it came: so long its hole is known.
    waiting: BTreeMap<u64, (Instant, Packet)>,
    building: Option<Building>,
    /// The packet before `next` ended a frame.
    at_boundary: bool,
    /// Since when nothing can be shown without a keyframe.
    broken_since: Option<Instant>,
    asked: Option<Instant>,
    size: Option<(u16, u16)>,
    /// Everything that was shown, in order.
    pub shown: Vec<Frame>,
    /// Packets that came, each counted once more when it came again.
    pub received: u64,
    /// Packets that never came in time.
    pub missing: u64,
    /// Frames that were complete or not, but could not be shown.
    pub spoilt: u64,
}

/// How often a keyframe is asked for while nothing can be shown.
const ASK_AGAIN: Duration = Duration::from_millis(500);

impl Frames {
    /// `patience`: how long a hole is waited for before the viewer goes on without.
    pub fn new(patience: Duration) -> Self {
        Frames {
            patience,
            next: None,
            waiting: BTreeMap::new(),
            building: None,
            at_boundary: false,
            broken_since: None,
            asked: None,
            size: None,
            shown: Vec::new(),
            received: 0,
            missing: 0,
            spoilt: 0,
        }
    }

    /// A packet came.
    pub fn push(&mut self, now: Instant, packet: Packet) {
        self.received += 1;
        let next = *self.next.get_or_insert_with(|| {
            self.broken_since = Some(now);
            packet.seq
        });
        if packet.seq > next {
            self.waiting.insert(packet.seq, (now, packet));
        } else if packet.seq == next {
            self.take(now, packet);
            self.take_waiting(now);
        }
    }

    /// When `advance` is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(_, (came, _))| *came + self.patience)
    }

    /// Time has passed: a hole may have been waited for long enough.
    pub fn advance(&mut self, now: Instant) {
        while self.deadline().is_some_and(|deadline| deadline <= now)
            && let (Some(next), Some((&first, _))) = (self.next, self.waiting.first_key_value())
        {
            self.missing += first - next;
            self.next = Some(first);
            self.at_boundary = false;
            self.spoilt += u64::from(self.building.take().is_some());
            self.broken_since.get_or_insert(now);
            self.take_waiting(now);
        }
    }

    /// Whether a keyframe is to be asked for now; then it counts as asked for.
    pub fn ask_for_keyframe(&mut self, now: Instant) -> bool {
        // A viewer that has just come is sent one unasked.
        let wait = if self.shown.is_empty() { Duration::from_secs(1) } else { Duration::ZERO };
        let ask = self.broken_since.is_some_and(|since| now >= since + wait)
            && self.asked.is_none_or(|asked| now >= asked + ASK_AGAIN);
        if ask {
            self.asked = Some(now);
        }
        ask
    }

    fn take_waiting(&mut self, now: Instant) {
        while let Some((_, packet)) = self.next.and_then(|next| self.waiting.remove(&next)) {
            self.take(now, packet);
        }
    }

    fn take(&mut self, now: Instant, packet: Packet) {
        self.next = Some(packet.seq + 1);
        if self.building.as_ref().is_some_and(|building| building.time != packet.time) {
            self.finish(now);
            self.at_boundary = true;
        }
        let whole = self.at_boundary || packet.seen.keyframe;
        let building = self.building.get_or_insert(Building {
            time: packet.time,
            keyframe: false,
            latency_ms: None,
            whole,
        });
        building.keyframe |= packet.seen.keyframe;
        if packet.latency_ms.is_some() {
            building.latency_ms = packet.latency_ms;
        }
        if packet.seen.size.is_some() {
            self.size = packet.seen.size;
        }
        self.at_boundary = packet.marker;
        if packet.marker {
            self.finish(now);
        }
    }

    fn finish(&mut self, now: Instant) {
        let Some(done) = self.building.take() else { return };
        if done.whole && done.keyframe {
            self.broken_since = None;
            self.asked = None;
        } else if !done.whole {
            self.broken_since.get_or_insert(now);
        }
        if self.broken_since.is_some() {
            self.spoilt += 1;
            return;
        }
        self.shown.push(Frame { at: now, size: self.size, latency_ms: done.latency_ms });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    /// Frame `n` of 3 packets: sequence numbers from 3n on.
    fn packets(n: u64, keyframe: bool) -> [Packet; 3] {
        [0, 1, 2].map(|part| Packet {
            seq: 3 * n + part,
            time: (n * 3000) as u32,
            marker: part == 2,
            seen: Seen { keyframe: keyframe && part == 0, size: (keyframe && part == 0).then_some((64, 48)) },
            latency_ms: None,
        })
    }

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn frames_are_shown_from_the_first_keyframe_on() {
        let now = Instant::now();
        let mut frames = Frames::new(PATIENCE);
        for n in 0..10 {
            packets(n, n == 4).into_iter().for_each(|packet| frames.push(now + ms(33 * n), packet));
        }
        assert_eq!(frames.shown.len(), 6);
        assert_eq!(frames.shown[5].size, Some((64, 48)));
        assert_eq!(frames.shown[0].at, now + ms(33 * 4));
    }

    #[test]
    fn packets_out_of_order_make_whole_frames_all_the_same() {
        let now = Instant::now();
        let mut frames = Frames::new(PATIENCE);
        let mut all: Vec<Packet> = (0..10).flat_map(|n| packets(n, n == 0)).collect();
        all[1..].chunks_mut(2).for_each(|pair| pair.reverse());
        all.into_iter().for_each(|packet| frames.push(now, packet));
        assert_eq!((frames.shown.len(), frames.missing, frames.deadline()), (10, 0, None));
    }

    #[test]
    fn a_packet_sent_again_in_time_costs_only_time() {
        let now = Instant::now();
        let mut frames = Frames::new(PATIENCE);
        let late = packets(1, false)[1];
        for packet in (0..4).flat_map(|n| packets(n, n == 0)).filter(|packet| packet.seq != late.seq) {
            frames.push(now, packet);
        }
        assert_eq!(frames.shown.len(), 1);
        frames.advance(now + ms(50));
        frames.push(now + ms(60), late);
        assert_eq!((frames.shown.len(), frames.missing), (4, 0));
        assert_eq!(frames.shown[1].at, now + ms(60));
    }

    #[test]
    fn behind_a_hole_that_stays_only_a_keyframe_helps() {
        let now = Instant::now();
        let mut frames = Frames::new(PATIENCE);
        let gone = packets(1, false)[0].seq;
        for packet in (0..4).flat_map(|n| packets(n, n == 0)).filter(|packet| packet.seq != gone) {
            frames.push(now, packet);
        }
        assert!(!frames.ask_for_keyframe(now));
        frames.advance(now + PATIENCE);
        assert_eq!((frames.shown.len(), frames.missing, frames.spoilt), (1, 1, 3));
        assert!(frames.ask_for_keyframe(now + PATIENCE));
        assert!(!frames.ask_for_keyframe(now + PATIENCE + ms(400)));
        assert!(frames.ask_for_keyframe(now + PATIENCE + ms(500)));
        packets(4, true).into_iter().for_each(|packet| frames.push(now + ms(700), packet));
        packets(5, false).into_iter().for_each(|packet| frames.push(now + ms(733), packet));
        assert_eq!(frames.shown.len(), 3);
        assert!(!frames.ask_for_keyframe(now + ms(2000)));
    }

    #[test]
    fn many_holes_are_given_up_at_once_when_their_time_is_over() {
        let now = Instant::now();
        let mut frames = Frames::new(PATIENCE);
        for n in 0..100 {
            // Nothing but the first frame is whole.
            let came = packets(n, n == 0).into_iter().filter(|packet| n == 0 || packet.seq % 2 == 0);
            came.for_each(|packet| frames.push(now + ms(n), packet));
        }
        packets(100, true).into_iter().for_each(|packet| frames.push(now + ms(200), packet));
        frames.advance(now + ms(300));
        assert_eq!((frames.shown.len(), frames.deadline()), (2, None));
    }

    #[test]
    fn a_keyframe_without_its_beginning_is_none() {
        let now = Instant::now();
        let mut frames = Frames::new(PATIENCE);
        packets(0, true).into_iter().for_each(|packet| frames.push(now, packet));
        packets(1, true).into_iter().skip(1).for_each(|packet| frames.push(now, packet));
        frames.advance(now + PATIENCE);
        packets(2, false).into_iter().for_each(|packet| frames.push(now + ms(200), packet));
        assert_eq!(frames.shown.len(), 1);
    }
}
