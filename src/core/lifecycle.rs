//! The machine of a thing that runs while it is wanted: a source's capture, a rendition's encoder.
//!
//! It starts when somebody wants it, stops a grace period after nobody does, is stopped and
//! started again with growing pauses when it fails or falls silent, and is never started again
//! before it has really stopped (a camera can be opened only once), or is past hope of doing so.
//! In its pauses it has somebody look whether what was missing is there again, and then waits no
//! longer.
//! It does nothing itself: [`Lifecycle::handle`] returns what is to be done.

use super::protocol::{FailureCause, SourceState};
use std::time::{Duration, Instant};

/// The first pause after a failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause. What is seen to come back is not kept waiting by it.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Having run so long without fault, the next failure counts as the first again.
const HEALTHY_AFTER: Duration = Duration::from_secs(20);

/// The times that one kind of thing keeps to.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From the start to the first frame.
    pub start: Duration,
    /// The same after it has fallen silent, doubled for each further silence up to `start`: some
    /// devices wake up only when they are started anew.
    pub again: Duration,
    /// Between two frames.
    pub stall: Duration,
    /// Running on after nobody wants it.
    pub grace: Duration,
    /// From the order to stop to being given up: a driver or a display that never lets go.
    pub stop: Duration,
    /// Between two looks in a pause, where there is something to look at.
    pub look: Option<Duration>,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Somebody wants it, or nobody any more.
    Wanted(bool),
    /// Frames have come since the last call. `run` tells this run from earlier ones.
    Progress {
        /// The number that [`Effect::Start`] gave.
        run: u64,
    },
    /// It cannot go on.
    Failed {
        /// The number that [`Effect::Start`] gave.
        run: u64,
        /// What kind of fault.
        cause: FailureCause,
        /// In words.
        detail: String,
    },
    /// It is to run in another way: stopped, and started anew while it is wanted.
    Restart,
    /// What [`Effect::Stop`] asked for is done.
    Stopped {
        /// The number that [`Effect::Start`] gave.
        run: u64,
    },
    /// What [`Effect::Look`] asked for.
    Looked {
        /// The number that [`Effect::Look`] gave.
        run: u64,
        /// Whether what is captured is there and free; `None`: that cannot be told.
        there: Option<bool>,
    },
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Start it, under this number.
    Start {
        /// New for each start.
        run: u64,
    },
    /// Stop it and say [`Input::Stopped`].
    Stop {
        /// The run to stop.
        run: u64,
    },
    /// See whether it could be started, without starting it, and say [`Input::Looked`].
    Look {
        /// The run that has failed.
        run: u64,
    },
    /// Its state for the viewers has changed.
    Publish(SourceState),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Idle,
    Starting { until: Instant },
    Live { since: Instant, progress: Instant },
    Grace { until: Instant, live: bool },
    Stopping { until: Instant, faulty: bool },
    Pause { until: Instant, look: Look },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Never,
    Due(Instant),
    Asked,
}

/// See the module.
#[derive(Debug)]
pub struct Lifecycle {
    timing: Timing,
    state: State,
    wanted: bool,
    run: u64,
    failures: u32,
    /// How often in a row it has failed by silence.
    silences: u32,
    /// It was seen not to be there, and has not been started since it was seen to be.
    absent: bool,
    jitter: u64,
    published: SourceState,
}

impl Lifecycle {
    /// Idle. `seed` spreads the pauses of several that fail at once; runs are counted on from
    /// `last_run`, that of a predecessor whose events may still come.
    #[must_use]
    pub fn new(timing: Timing, seed: u64, last_run: u64) -> Self {
        Self {
            timing,
            state: State::Idle,
            wanted: false,
            run: last_run,
            failures: 0,
            silences: 0,
            absent: false,
            jitter: seed | 1,
            published: SourceState::Idle,
        }
    }

    /// It keeps to these times from the next state on.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// It runs on for so long after nobody wants it, from the next time on.
    pub fn set_grace(&mut self, grace: Duration) {
        self.timing.grace = grace;
    }

    /// Its state for the viewers.
    #[must_use]
    pub fn published(&self) -> &SourceState {
        &self.published
    }

    /// Whether frames are coming.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live { .. } | State::Grace { live: true, .. })
    }

    /// Whether something was started and has not yet stopped.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !matches!(self.state, State::Idle | State::Pause { .. })
    }

    /// Whether what was started under that number is to run. Not so once it was told to stop, has
    /// been given up, or another was started.
    #[must_use]
    pub fn keeps(&self, run: u64) -> bool {
        run == self.run
            && matches!(self.state, State::Starting { .. } | State::Live { .. } | State::Grace { .. })
    }

    /// Whether it is being stopped after a failure, and is to pause before it is started again.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        matches!(self.state, State::Stopping { faulty: true, .. })
    }

    #[cfg(test)]
    fn is_stopping(&self) -> bool {
        matches!(self.state, State::Stopping { .. })
    }

    /// The number of the present or last run.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Silence of this length is a failure from now on.
    pub fn set_stall(&mut self, stall: Duration) {
        self.timing.stall = stall;
    }

    /// When [`Input::Tick`] is next due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Idle => None,
            State::Starting { until } | State::Grace { until, .. } | State::Stopping { until, .. } => {
                Some(until)
            }
            State::Pause { until, look: Look::Due(due) } => Some(due.min(until)),
            State::Pause { until, look: Look::Never | Look::Asked } => Some(until),
            State::Live { progress, .. } => Some(progress + self.timing.stall),
        }
    }

    /// Takes what has happened and returns what is to be done, in order.
    pub fn handle(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Wanted(wanted) => self.want(now, wanted, &mut effects),
            Input::Progress { run } if run == self.run => self.progress(now, &mut effects),
            Input::Failed { run, cause, detail } if run == self.run => {
                self.fail(now, cause, detail, &mut effects);
            }
            Input::Restart => self.restart(now, &mut effects),
            Input::Stopped { run } if run == self.run => self.stopped(now, &mut effects),
            Input::Looked { run, there } if run == self.run => self.looked(now, there, &mut effects),
            Input::Tick => self.tick(now, &mut effects),
            // From a run that is over.
            Input::Progress { .. } | Input::Failed { .. } | Input::Stopped { .. } | Input::Looked { .. } => {}
        }
        effects
    }

    fn want(&mut self, now: Instant, wanted: bool, effects: &mut Vec<Effect>) {
        self.wanted = wanted;
        match (&self.state, wanted) {
            (State::Idle, true) => self.start(now, effects),
            (State::Grace { live: true, .. }, true) => {
                self.state = State::Live { since: now, progress: now };
            }
            (State::Grace { live: false, .. }, true) => {
                self.state = State::Starting { until: now + self.timing.start };
            }
            (State::Starting { .. }, false) => {
                self.state = State::Grace { until: now + self.timing.grace, live: false };
            }
            (State::Live { .. }, false) => {
                self.state = State::Grace { until: now + self.timing.grace, live: true };
            }
            (State::Pause { .. }, false) => self.idle(effects),
            (State::Idle | State::Grace { .. }, false)
            | (State::Starting { .. } | State::Live { .. } | State::Pause { .. }, true)
            | (State::Stopping { .. }, _) => {}
        }
    }

    fn progress(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match &mut self.state {
            State::Starting { .. } => {
                (self.silences, self.absent) = (0, false);
                self.state = State::Live { since: now, progress: now };
                self.publish(SourceState::Live, effects);
            }
            State::Live { since, progress } => {
                *progress = now;
                if now.duration_since(*since) >= HEALTHY_AFTER {
                    self.failures = 0;
                }
            }
            State::Grace { live, .. } => {
                *live = true;
                self.publish(SourceState::Live, effects);
            }
            State::Idle | State::Stopping { .. } | State::Pause { .. } => {}
        }
    }

    fn fail(&mut self, now: Instant, cause: FailureCause, detail: String, effects: &mut Vec<Effect>) {
        match self.state {
            State::Starting { .. } | State::Live { .. } | State::Grace { .. } => {
                self.silences =
                    if cause == FailureCause::Stalled { self.silences.saturating_add(1) } else { 0 };
                // What was there and has gone is disconnected, and stays so while it is not found.
                let known = cause == FailureCause::NotFound
                    && matches!(self.published, SourceState::Failed { cause: FailureCause::Lost, .. });
                if !known {
                    self.publish(SourceState::Failed { cause, detail }, effects);
                }
                self.state = State::Stopping { until: now + self.timing.stop, faulty: true };
                effects.push(Effect::Stop { run: self.run });
            }
            State::Idle | State::Stopping { .. } | State::Pause { .. } => {}
        }
    }

    fn restart(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match self.state {
            State::Starting { .. } | State::Live { .. } | State::Grace { .. } => {
                if self.wanted {
                    self.publish(SourceState::Starting, effects);
                }
                self.state = State::Stopping { until: now + self.timing.stop, faulty: false };
                effects.push(Effect::Stop { run: self.run });
            }
            // What has failed may do in the other way.
            State::Stopping { until, .. } => self.state = State::Stopping { until, faulty: false },
            State::Pause { .. } => {
                self.failures = 0;
                self.start(now, effects);
            }
            State::Idle => {}
        }
    }

    fn stopped(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let State::Stopping { faulty, .. } = self.state else { return };
        match (faulty, self.wanted) {
            (true, true) => {
                let until = now + self.next_pause();
                let look = if self.timing.look.is_some() { Look::Asked } else { Look::Never };
                self.state = State::Pause { until, look };
                if look == Look::Asked {
                    effects.push(Effect::Look { run: self.run });
                }
            }
            (false, true) => self.start(now, effects),
            (_, false) => self.idle(effects),
        }
    }

    fn idle(&mut self, effects: &mut Vec<Effect>) {
        self.state = State::Idle;
        self.absent = false;
        self.publish(SourceState::Idle, effects);
    }

    fn looked(&mut self, now: Instant, there: Option<bool>, effects: &mut Vec<Effect>) {
        let State::Pause { look, .. } = &mut self.state else { return };
        *look = match (there, self.timing.look) {
            (Some(_), Some(every)) => Look::Due(now + every),
            _ => Look::Never,
        };
        match there {
            Some(true) if self.absent => {
                (self.absent, self.failures) = (false, 0);
                self.start(now, effects);
            }
            Some(false) => self.absent = true,
            // It has been there all along: something else is wrong, and time may help.
            Some(true) | None => {}
        }
    }

    fn tick(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match self.state {
            State::Starting { until } if now >= until => {
                let detail = "no frame since the start".to_owned();
                self.fail(now, FailureCause::Stalled, detail, effects);
            }
            State::Live { progress, .. } if now >= progress + self.timing.stall => {
                let detail = format!("no frame for {:.0} s", self.timing.stall.as_secs_f64());
                self.fail(now, FailureCause::Stalled, detail, effects);
            }
            State::Grace { until, .. } if now >= until => {
                self.state = State::Stopping { until: now + self.timing.stop, faulty: false };
                effects.push(Effect::Stop { run: self.run });
            }
            State::Stopping { until, .. } if now >= until => self.stopped(now, effects),
            State::Pause { until, .. } if now >= until => self.start(now, effects),
            State::Pause { until, look: Look::Due(due) } if now >= due => {
                self.state = State::Pause { until, look: Look::Asked };
                effects.push(Effect::Look { run: self.run });
            }
            State::Idle
            | State::Starting { .. }
            | State::Live { .. }
            | State::Grace { .. }
            | State::Stopping { .. }
            | State::Pause { .. } => {}
        }
    }

    fn start(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        self.run += 1;
        self.state = State::Starting { until: now + self.patience() };
        // While it is tried again the viewers go on seeing what was wrong.
        if !matches!(self.published, SourceState::Failed { .. }) {
            self.publish(SourceState::Starting, effects);
        }
        effects.push(Effect::Start { run: self.run });
    }

    fn publish(&mut self, state: SourceState, effects: &mut Vec<Effect>) {
        if self.published != state {
            self.published = state.clone();
            effects.push(Effect::Publish(state));
        }
    }

    /// How long a start may take.
    fn patience(&self) -> Duration {
        match self.silences.checked_sub(1) {
            None => self.timing.start,
            Some(further) => self.timing.again.saturating_mul(1 << further.min(10)).min(self.timing.start),
        }
    }

    /// Doubling, with up to a quarter taken off at random (xorshift64).
    fn next_pause(&mut self) -> Duration {
        // What is silent comes back while it is being started: there the waiting is done.
        let doublings = if self.silences > 0 { 0 } else { self.failures.min(10) };
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        pause - pause.mul_f64((self.jitter % 1000) as f64 / 4000.0)
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
