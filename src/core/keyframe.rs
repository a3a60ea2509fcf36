//! Keyframe requests of many viewers, made into few for one encoder.
//!
//! A keyframe costs many times a common frame; granting every viewer's request ruins the picture
//! for all. Owns the decision when the encoder is asked; never asks it itself, reads no clock.

use std::time::{Duration, Instant};

/// The least time between two requests to an encoder where nothing else is said.
const MIN_INTERVAL: Duration = Duration::from_millis(400);

/// Coalesces the requests for one rendition.
///
/// The first request is granted at once; those within the interval after it become one, granted
/// at its end unless a keyframe came before. No request is lost: each is followed by a grant or
/// by a keyframe.
#[derive(Debug, Clone)]
pub struct KeyframeGate {
    min_interval: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was granted yet.
    Fresh,
    /// Nobody waits; a request before `until` has to.
    Resting { until: Instant },
    /// Somebody waits for a grant at `due`; `latest` is when the last of them asked.
    Waiting { due: Instant, latest: Instant },
}

impl KeyframeGate {
    /// A gate that grants at most one request in each `min_interval`.
    #[must_use]
    pub fn new(min_interval: Duration) -> Self {
        Self { min_interval, state: State::Fresh }
    }

    /// Somebody needs a keyframe, and is where the next one will reach it. True: ask the encoder
    /// now. False: [`poll_timeout`](Self::poll_timeout) says when.
    #[must_use]
    pub fn request(&mut self, now: Instant) -> bool {
        let due = match self.state {
            State::Fresh => now,
            State::Resting { until } => until,
            State::Waiting { due, .. } => due,
        };
        if now >= due {
            self.state = State::Resting { until: now + self.min_interval };
            true
        } else {
            self.state = State::Waiting { due, latest: now };
            false
        }
    }

    /// When [`on_timeout`](Self::on_timeout) is to be called; `None`: not before a request.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Fresh | State::Resting { .. } => None,
            State::Waiting { due, .. } => Some(due),
        }
    }

    /// Time has passed. True: ask the encoder now. Too early a call does nothing.
    #[must_use]
    pub fn on_timeout(&mut self, now: Instant) -> bool {
        match self.state {
            State::Waiting { due, .. } if now >= due => {
                self.state = State::Resting { until: now + self.min_interval };
                true
            }
            State::Fresh | State::Resting { .. } | State::Waiting { .. } => false,
        }
    }

    /// A keyframe was handed to the viewers at `passed_at`. That is what everybody wanted who
    /// asked before; who asked since may have come too late for it and waits on.
    pub fn keyframe_seen(&mut self, passed_at: Instant) {
        match self.state {
            State::Waiting { due, latest } if latest <= passed_at => {
                self.state = State::Resting { until: due };
            }
            State::Fresh | State::Resting { .. } | State::Waiting { .. } => {}
        }
    }
}

impl Default for KeyframeGate {
    fn default() -> Self {
        Self::new(MIN_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INTERVAL: Duration = Duration::from_millis(400);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_request_is_granted_at_once() {
        let start = Instant::now();
        let mut gate = KeyframeGate::new(INTERVAL);
        assert_eq!(gate.poll_timeout(), None);
        assert!(gate.request(start));
        assert_eq!(gate.poll_timeout(), None);
    }

    #[test]
    fn requests_within_the_interval_become_one_at_its_end() {
        let start = Instant::now();
        let mut gate = KeyframeGate::new(INTERVAL);
        assert!(gate.request(start));
        for after in [1, 100, 399] {
            assert!(!gate.request(start + ms(after)), "{after} ms");
        }
        assert_eq!(gate.poll_timeout(), Some(start + INTERVAL));
        assert!(!gate.on_timeout(start + ms(399)), "too early");
        assert!(gate.on_timeout(start + ms(400)));
        assert!(!gate.on_timeout(start + ms(401)), "once");
        assert!(!gate.request(start + ms(799)), "the grant at 400 ms begins a new interval");
        assert!(gate.request(start + ms(800)), "a request serves when the timer is late");
        assert_eq!(gate.poll_timeout(), None);
    }

    #[test]
    fn a_keyframe_satisfies_those_who_asked_before_it() {
        let start = Instant::now();
        let mut gate = KeyframeGate::new(INTERVAL);
        assert!(gate.request(start));
        assert!(!gate.request(start + ms(10)));
        gate.keyframe_seen(start + ms(30));
        assert_eq!(gate.poll_timeout(), None);
        assert!(!gate.on_timeout(start + ms(400)));
    }

    #[test]
    fn a_keyframe_reported_late_does_not_satisfy_those_who_came_after_it() {
        let start = Instant::now();
        let mut gate = KeyframeGate::new(INTERVAL);
        assert!(gate.request(start));
        assert!(!gate.request(start + ms(50)));
        gate.keyframe_seen(start + ms(30));
        assert!(gate.on_timeout(start + ms(400)));
    }

    #[test]
    fn a_keyframe_that_nobody_asked_for_delays_no_request() {
        let start = Instant::now();
        let mut gate = KeyframeGate::new(INTERVAL);
        gate.keyframe_seen(start);
        assert!(gate.request(start + ms(1)));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Request,
        Keyframe { passed_ms_ago: u64 },
        Timer,
    }

    fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
        let step = prop_oneof![
            4 => Just(Step::Request),
            1 => (0u64..100).prop_map(|passed_ms_ago| Step::Keyframe { passed_ms_ago }),
            2 => Just(Step::Timer),
        ];
        prop::collection::vec((0u64..150, step), 0..200)
    }

    proptest! {
        #[test]
        fn storms_are_calmed_and_nobody_starves(steps in steps()) {
            let start = Instant::now() + ms(1000);
            let mut now = start;
            let mut gate = KeyframeGate::new(INTERVAL);
            let mut last_grant: Option<Instant> = None;
            // The oldest request since the last grant or keyframe that could serve it.
            let mut unserved: Vec<Instant> = Vec::new();
            for (delay, step) in steps {
                now += ms(delay);
                let granted = match step {
                    Step::Request => {
                        unserved.push(now);
                        gate.request(now)
                    }
                    Step::Keyframe { passed_ms_ago } => {
                        let passed_at = now - ms(passed_ms_ago);
                        gate.keyframe_seen(passed_at);
                        unserved.retain(|asked| *asked > passed_at);
                        false
                    }
                    Step::Timer => gate.on_timeout(now),
                };
                if granted {
                    prop_assert!(last_grant.is_none_or(|last| now - last >= INTERVAL), "granted too soon");
                    prop_assert!(!unserved.is_empty(), "granted to nobody");
                    last_grant = Some(now);
                    unserved.clear();
                }
                prop_assert_eq!(gate.poll_timeout().is_some(), !unserved.is_empty());
                if let (Some(due), Some(asked)) = (gate.poll_timeout(), unserved.first()) {
                    prop_assert!(due <= *asked + INTERVAL, "waits longer than the interval");
                }
            }
        }
    }
}
