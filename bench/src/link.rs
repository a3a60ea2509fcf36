//! A network link in one direction: a rate, a queue in front of it that drops its tail, a delay and random loss.
//!
//! Sans-IO: time is an argument. What goes in comes out later, or never.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How a link behaves. The default lets everything through at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Bits a second, of IP packets. None: no limit.
    pub rate_bps: Option<u64>,
    /// The longest that a packet waits for those before it; one that would wait longer is dropped.
    pub queue: Duration,
    /// What the way takes besides.
    pub delay: Duration,
    /// The share of packets that get lost at random, from 0 to 1.
    pub loss: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { rate_bps: None, queue: Duration::from_millis(200), delay: Duration::ZERO, loss: 0.0 }
    }
}

/// What IPv4 and UDP add to a datagram's payload.
pub const HEADER_BYTES: usize = 28;

/// One direction of a link, and what is on its way.
#[derive(Debug)]
pub struct Link<T> {
    settings: Settings,
    /// When the last bit of everything accepted so far has been sent.
    busy_until: Option<Instant>,
    on_the_way: VecDeque<(Instant, T)>,
    random: u64,
    /// Packets that the full queue turned away.
    pub dropped: u64,
    /// Packets that were lost at random.
    pub lost: u64,
}

impl<T> Link<T> {
    /// A link whose losses are those of `seed`.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Link {
            settings,
            busy_until: None,
            on_the_way: VecDeque::new(),
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            dropped: 0,
            lost: 0,
        }
    }

    /// Changes the link from now on. What is on its way keeps its time.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// A datagram of `payload_bytes` enters at `now`.
    pub fn push(&mut self, now: Instant, payload_bytes: usize, item: T) {
        if self.settings.loss > 0.0 && self.chance() < self.settings.loss {
            self.lost += 1;
            return;
        }
        let begin = self.busy_until.map_or(now, |busy| busy.max(now));
        if begin.saturating_duration_since(now) > self.settings.queue {
            self.dropped += 1;
            return;
        }
        let takes = match self.settings.rate_bps {
            Some(rate) => {
                Duration::from_secs_f64((payload_bytes + HEADER_BYTES) as f64 * 8.0 / rate.max(1) as f64)
            }
            None => Duration::ZERO,
        };
        self.busy_until = Some(begin + takes);
        let mut arrives = begin + takes + self.settings.delay;
        // A link that has just become quicker does not overtake itself.
        if let Some((last, _)) = self.on_the_way.back() {
            arrives = arrives.max(*last);
        }
        self.on_the_way.push_back((arrives, item));
    }

    /// What has arrived by `now`, with the time at which it did.
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, T)> {
        self.on_the_way.pop_front_if(|(arrives, _)| *arrives <= now)
    }

    /// When the next one arrives.
    pub fn next(&self) -> Option<Instant> {
        self.on_the_way.front().map(|(arrives, _)| *arrives)
    }

    /// From 0 to 1, by xorshift: the same losses in every run.
    fn chance(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn a_link_without_limits_passes_everything_at_once() {
        let now = Instant::now();
        let mut link = Link::new(Settings::default(), 1);
        (0..100).for_each(|n| link.push(now, 1200, n));
        assert_eq!(
            (0..100).map(|_| link.pop(now).map(|(_, n)| n)).collect::<Vec<_>>(),
            (0..100).map(Some).collect::<Vec<_>>()
        );
    }

    #[test]
    fn packets_leave_at_the_rate_and_arrive_after_the_delay() {
        let now = Instant::now();
        let settings = Settings { rate_bps: Some(1_000_000), delay: ms(20), ..Settings::default() };
        let mut link = Link::new(settings, 1);
        // 125 bytes in all are 1 ms at 1 Mbit/s.
        for n in 1..=3 {
            link.push(now, 125 - HEADER_BYTES, n);
        }
        assert_eq!(link.next(), Some(now + ms(21)));
        assert_eq!(link.pop(now + ms(20)), None);
        for n in 1..=3 {
            assert_eq!(link.pop(now + ms(50)), Some((now + ms(20 + n), n)));
        }
    }

    #[test]
    fn what_would_wait_longer_than_the_queue_is_dropped() {
        let now = Instant::now();
        let settings = Settings { rate_bps: Some(1_000_000), queue: ms(10), ..Settings::default() };
        let mut link = Link::new(settings, 1);
        for n in 0..100 {
            link.push(now, 125 - HEADER_BYTES, n);
        }
        // One in sending, ten behind it; the next would wait for more than 10 ms.
        assert_eq!(link.dropped, 89);
        link.push(now + ms(1), 125 - HEADER_BYTES, 100);
        assert_eq!(link.dropped, 89);
    }

    #[test]
    fn losses_come_as_often_as_asked_for_and_are_the_same_each_time() {
        let now = Instant::now();
        let run = || {
            let mut link = Link::new(Settings { loss: 0.02, ..Settings::default() }, 7);
            (0..100_000).for_each(|n| link.push(now, 1200, n));
            link.lost
        };
        assert!((1_800..2_200).contains(&run()), "{}", run());
        assert_eq!(run(), run());
    }

    #[test]
    fn a_link_that_becomes_quicker_keeps_the_order() {
        let now = Instant::now();
        let mut link = Link::new(Settings { rate_bps: Some(100_000), ..Settings::default() }, 1);
        link.push(now, 1200, 1);
        link.set(Settings::default());
        link.push(now, 1200, 2);
        assert_eq!(link.pop(now + ms(200)).map(|(_, n)| n), Some(1));
        assert_eq!(link.pop(now + ms(200)).map(|(_, n)| n), Some(2));
    }
}
