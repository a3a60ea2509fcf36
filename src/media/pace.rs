//! Holds a screen's capture back until it is time to look.
//!
//! Joins [`crate::core::pacing`] to the clock and to threads: the source's own streaming thread
//! waits here with each frame handed on, so that it takes the next one when it comes back.

use crate::core::pacing::Pacer;
use crate::core::units::FrameRate;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When a running capture looks at its screen.
#[derive(Debug)]
pub struct Pace {
    budget: FrameRate,
    state: Mutex<State>,
    sooner: Condvar,
}

#[derive(Debug)]
struct State {
    pacer: Pacer,
    ended: bool,
}

impl Pace {
    /// For at most `budget` frames a second.
    #[must_use]
    pub fn new(budget: FrameRate) -> Self {
        let state = State { pacer: Pacer::new(budget), ended: false };
        Self { budget, state: Mutex::new(state), sooner: Condvar::new() }
    }

    /// The frames a second that the encoders may expect.
    #[must_use]
    pub(crate) fn budget(&self) -> FrameRate {
        self.budget
    }

    /// The time between two of them.
    #[must_use]
    pub(crate) fn interval(&self) -> Duration {
        self.lock().pacer.interval()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether changes are told by [`Pace::changed`] from now on.
    pub fn tell(&self, told: bool) {
        self.lock().pacer.tell(told, Instant::now());
        self.sooner.notify_all();
    }

    /// The screen may have changed.
    pub fn changed(&self) {
        self.lock().pacer.changed(Instant::now());
        self.sooner.notify_all();
    }

    /// The picture is to become sharp again, after a keyframe.
    pub fn requested(&self) {
        self.lock().pacer.requested();
        self.sooner.notify_all();
    }

    /// From now on nobody is held back: the pipeline is about to stop.
    pub fn end(&self) {
        self.lock().ended = true;
        self.sooner.notify_all();
    }

    /// Whether the frame that was just taken is to be encoded. `share`: how much of it differs from
    /// the last that was, from 0 to 1.
    #[must_use]
    pub(crate) fn seen(&self, share: f64) -> bool {
        self.lock().pacer.seen(share, Instant::now())
    }

    /// Waits until it is time to look, at most a second or a frame of the budget.
    pub(crate) fn wait(&self) {
        let mut state = self.lock();
        while !state.ended {
            let now = Instant::now();
            let left = state.pacer.next_look(now).saturating_duration_since(now);
            if left.is_zero() {
                state.pacer.look(now);
                return;
            }
            state = self.sooner.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Longer than anything here takes, shorter than what it would take if nothing woke it.
    const SOON: Duration = Duration::from_millis(700);

    /// Waits on a thread of its own until it has waited for the keep-alive alone.
    fn quiet() -> Arc<Pace> {
        let pace = Arc::new(Pace::new(FrameRate::whole(100)));
        pace.tell(true);
        let mut looked = Instant::now();
        while looked.elapsed() < SOON {
            looked = Instant::now();
            pace.wait();
            let _ = pace.seen(0.0);
        }
        pace
    }

    #[test]
    fn a_change_a_request_and_the_end_are_not_waited_for() {
        let pace = quiet();
        let wakes: [fn(&Pace); 3] = [Pace::changed, Pace::requested, Pace::end];
        for wake in wakes {
            let (waiting, woken) = (Arc::clone(&pace), Instant::now());
            let waits = std::thread::spawn(move || waiting.wait());
            wake(&pace);
            waits.join().unwrap();
            assert!(woken.elapsed() < SOON, "{:?}", woken.elapsed());
        }
    }
}
