//! The machine of a thing that runs while it is wanted: a source's capture, a rendition's encoder.
//!
//! It starts when somebody wants it, stops a grace period after nobody does, is stopped and
//! started again with growing pauses when it fails or falls silent, and is never started again
//! before it has really stopped (a camera can be opened only once), or is past hope of doing so.
//! It does nothing itself: [`Lifecycle::handle`] returns what is to be done.

use super::protocol::{FailureCause, SourceState};
use std::time::{Duration, Instant};

/// The first pause after a failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause: a camera that is plugged in again is back within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Having run so long without fault, the next failure counts as the first again.
const HEALTHY_AFTER: Duration = Duration::from_secs(20);

/// The times that one kind of thing keeps to.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From the start to the first frame.
    pub start: Duration,
    /// Between two frames.
    pub stall: Duration,
    /// Running on after nobody wants it.
    pub grace: Duration,
    /// From the order to stop to being given up: a driver or a display that never lets go.
    pub stop: Duration,
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
    Pause { until: Instant },
}

/// See the module.
#[derive(Debug)]
pub struct Lifecycle {
    timing: Timing,
    state: State,
    wanted: bool,
    run: u64,
    failures: u32,
    faults: u64,
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
            faults: 0,
            jitter: seed | 1,
            published: SourceState::Idle,
        }
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

    #[cfg(test)]
    fn is_stopping(&self) -> bool {
        matches!(self.state, State::Stopping { .. })
    }

    /// The number of the present or last run.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    /// How often it has failed, in all its runs.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults
    }

    /// When [`Input::Tick`] is next due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Idle => None,
            State::Starting { until }
            | State::Grace { until, .. }
            | State::Stopping { until, .. }
            | State::Pause { until } => Some(until),
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
            Input::Tick => self.tick(now, &mut effects),
            // From a run that is over.
            Input::Progress { .. } | Input::Failed { .. } | Input::Stopped { .. } => {}
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
            (State::Pause { .. }, false) => {
                self.state = State::Idle;
                self.publish(SourceState::Idle, effects);
            }
            (State::Idle | State::Grace { .. }, false)
            | (State::Starting { .. } | State::Live { .. } | State::Pause { .. }, true)
            | (State::Stopping { .. }, _) => {}
        }
    }

    fn progress(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match &mut self.state {
            State::Starting { .. } => {
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
                self.faults += 1;
                self.publish(SourceState::Failed { cause, detail }, effects);
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
                self.state = State::Pause { until: now + self.next_pause() };
            }
            (false, true) => self.start(now, effects),
            (_, false) => {
                self.state = State::Idle;
                self.publish(SourceState::Idle, effects);
            }
        }
    }

    fn tick(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match self.state {
            State::Starting { until } if now >= until => {
                let detail = format!("no frame within {} s of the start", self.timing.start.as_secs());
                self.fail(now, FailureCause::Stalled, detail, effects);
            }
            State::Live { progress, .. } if now >= progress + self.timing.stall => {
                let detail = format!("no frame for {} s", self.timing.stall.as_secs());
                self.fail(now, FailureCause::Stalled, detail, effects);
            }
            State::Grace { until, .. } if now >= until => {
                self.state = State::Stopping { until: now + self.timing.stop, faulty: false };
                effects.push(Effect::Stop { run: self.run });
            }
            State::Stopping { until, .. } if now >= until => self.stopped(now, effects),
            State::Pause { until } if now >= until => self.start(now, effects),
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
        self.state = State::Starting { until: now + self.timing.start };
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

    /// Doubling, with up to a quarter taken off at random (xorshift64).
    fn next_pause(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        pause - pause.mul_f64((self.jitter % 1000) as f64 / 4000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIMING: Timing = Timing {
        start: Duration::from_secs(10),
        stall: Duration::from_secs(4),
        grace: Duration::from_secs(5),
        stop: Duration::from_secs(6),
    };

    fn fault(run: u64) -> Input {
        Input::Failed { run, cause: FailureCause::Lost, detail: "gone".into() }
    }

    #[test]
    fn starts_for_the_first_viewer_and_stops_after_the_grace_period() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        assert_eq!(
            machine.handle(t0, Input::Wanted(true)),
            [Effect::Publish(SourceState::Starting), Effect::Start { run: 1 }]
        );
        assert_eq!(machine.handle(t0, Input::Progress { run: 1 }), [Effect::Publish(SourceState::Live)]);
        assert_eq!(machine.handle(t0, Input::Wanted(false)), []);
        assert_eq!(machine.deadline(), Some(t0 + TIMING.grace));
        assert_eq!(machine.handle(t0 + TIMING.grace, Input::Tick), [Effect::Stop { run: 1 }]);
        assert_eq!(
            machine.handle(t0 + TIMING.grace, Input::Stopped { run: 1 }),
            [Effect::Publish(SourceState::Idle)]
        );
        assert!(!machine.is_running());
    }

    #[test]
    fn a_viewer_within_the_grace_period_keeps_it_running() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        machine.handle(t0, Input::Progress { run: 1 });
        machine.handle(t0, Input::Wanted(false));
        assert_eq!(machine.handle(t0 + Duration::from_secs(4), Input::Wanted(true)), []);
        assert_eq!(machine.handle(t0 + Duration::from_secs(7), Input::Tick), []);
        assert!(machine.is_live());
    }

    #[test]
    fn is_not_started_again_before_it_has_stopped() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        machine.handle(t0, Input::Wanted(false));
        machine.handle(t0 + TIMING.grace, Input::Tick);
        assert_eq!(machine.handle(t0 + TIMING.grace, Input::Wanted(true)), []);
        assert_eq!(machine.handle(t0 + TIMING.grace, Input::Stopped { run: 1 }), [Effect::Start { run: 2 }]);
    }

    #[test]
    fn what_never_stops_is_given_up_and_started_anew() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        machine.handle(t0, fault(1));
        assert_eq!(machine.deadline(), Some(t0 + TIMING.stop));
        assert_eq!(machine.handle(t0 + TIMING.stop, Input::Tick), []);
        let retry = machine.deadline().unwrap();
        assert_eq!(machine.handle(retry, Input::Tick), [Effect::Start { run: 2 }]);
        assert_eq!(machine.handle(retry, Input::Stopped { run: 1 }), []);
    }

    #[test]
    fn failures_are_retried_with_growing_pauses() {
        let mut now = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(now, Input::Wanted(true));
        let mut pauses = Vec::new();
        for run in 1..=8 {
            assert_eq!(machine.handle(now, fault(run)).last(), Some(&Effect::Stop { run }));
            machine.handle(now, Input::Stopped { run });
            let until = machine.deadline().unwrap();
            pauses.push(until - now);
            now = until;
            assert_eq!(machine.handle(now, Input::Tick), [Effect::Start { run: run + 1 }]);
        }
        assert!(pauses[0] <= FIRST_PAUSE && pauses[0] > FIRST_PAUSE / 2, "{pauses:?}");
        assert!(pauses[7] <= LONGEST_PAUSE && pauses[7] > LONGEST_PAUSE / 2, "{pauses:?}");
        assert!(pauses.windows(2).all(|pair| pair[1] > pair[0] / 2), "{pauses:?}");
    }

    #[test]
    fn silence_is_a_failure() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        machine.handle(t0, Input::Progress { run: 1 });
        let effects = machine.handle(t0 + TIMING.stall, Input::Tick);
        assert!(matches!(
            effects.as_slice(),
            [
                Effect::Publish(SourceState::Failed { cause: FailureCause::Stalled, .. }),
                Effect::Stop { run: 1 }
            ]
        ));
    }

    #[test]
    fn what_comes_up_after_it_was_given_up_is_not_kept() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        assert!(machine.keeps(1));
        machine.handle(t0 + TIMING.start, Input::Tick);
        assert!(!machine.keeps(1), "told to stop");
        machine.handle(t0 + TIMING.start + TIMING.stop, Input::Tick);
        assert!(matches!(machine.state, State::Pause { .. }));
        assert!(!machine.keeps(1), "given up");
        machine.handle(t0 + TIMING.start + TIMING.stop, Input::Wanted(false));
        assert!(!machine.keeps(1), "wanted by nobody");
    }

    #[test]
    fn a_restart_stops_what_runs_and_starts_it_anew() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 40);
        assert_eq!(machine.handle(t0, Input::Restart), []);
        assert!(machine.handle(t0, Input::Wanted(true)).contains(&Effect::Start { run: 41 }));
        machine.handle(t0, Input::Progress { run: 41 });
        let effects = machine.handle(t0, Input::Restart);
        assert_eq!(effects, [Effect::Publish(SourceState::Starting), Effect::Stop { run: 41 }]);
        assert_eq!(machine.handle(t0, Input::Restart), []);
        assert_eq!(machine.handle(t0, Input::Stopped { run: 41 }), [Effect::Start { run: 42 }]);
    }

    #[test]
    fn what_waits_after_a_failure_is_started_anew_at_once() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        machine.handle(t0, fault(1));
        assert_eq!(machine.handle(t0, Input::Restart), [], "it has yet to stop");
        assert_eq!(machine.handle(t0, Input::Stopped { run: 1 }), [Effect::Start { run: 2 }]);
        machine.handle(t0, fault(2));
        machine.handle(t0, Input::Stopped { run: 2 });
        assert_eq!(machine.handle(t0, Input::Restart), [Effect::Start { run: 3 }], "it waits");
    }

    #[test]
    fn after_a_failure_that_nobody_watched_out_a_start_is_seen_as_one() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        machine.handle(t0, fault(1));
        machine.handle(t0, Input::Stopped { run: 1 });
        assert_eq!(machine.handle(t0, Input::Wanted(false)), [Effect::Publish(SourceState::Idle)]);
        assert_eq!(
            machine.handle(t0, Input::Wanted(true)),
            [Effect::Publish(SourceState::Starting), Effect::Start { run: 2 }]
        );
    }

    #[test]
    fn events_of_an_earlier_run_change_nothing() {
        let t0 = Instant::now();
        let mut machine = Lifecycle::new(TIMING, 7, 0);
        machine.handle(t0, Input::Wanted(true));
        machine.handle(t0, fault(1));
        machine.handle(t0, Input::Stopped { run: 1 });
        machine.handle(machine.deadline().unwrap(), Input::Tick);
        assert_eq!(machine.handle(t0, fault(1)), []);
        assert_eq!(machine.handle(t0, Input::Progress { run: 1 }), []);
        assert_eq!(machine.handle(t0, Input::Stopped { run: 1 }), []);
    }

    /// What the effects make of the thing itself: which run is on, and whether it was told to stop.
    #[derive(Default)]
    struct World {
        running: Option<u64>,
        stopping: bool,
    }

    impl World {
        fn apply(&mut self, effects: Vec<Effect>) {
            for effect in effects {
                match effect {
                    Effect::Start { run } => {
                        assert!(self.running.is_none(), "started twice");
                        *self = Self { running: Some(run), stopping: false };
                    }
                    Effect::Stop { run } => {
                        assert_eq!(self.running, Some(run));
                        assert!(!self.stopping, "stopped twice");
                        self.stopping = true;
                    }
                    Effect::Publish(_) => {}
                }
            }
        }
    }

    proptest! {
        /// Whatever happens in whatever order: at most one run at a time, and only what runs is
        /// stopped; and when nothing fails any more, it becomes live for whoever wants it.
        #[test]
        fn one_run_at_a_time(steps in proptest::collection::vec((0u8..7, 0u64..4, 0u64..12_000), 1..200)) {
            let mut now = Instant::now();
            let mut machine = Lifecycle::new(TIMING, 99, 0);
            let mut world = World::default();
            for (kind, back, millis) in steps {
                now += Duration::from_millis(millis);
                let run = machine.run().saturating_sub(back);
                let input = match (kind, world.running) {
                    (0, _) => Input::Wanted(true),
                    (1, _) => Input::Wanted(false),
                    (2, _) => Input::Progress { run },
                    (3, _) => fault(run),
                    (6, _) => Input::Restart,
                    (5, Some(run)) if world.stopping && run == machine.run() && machine.is_stopping() => {
                        world = World::default();
                        Input::Stopped { run }
                    }
                    _ => Input::Tick,
                };
                let given_up = input == Input::Tick && machine.is_stopping();
                let effects = machine.handle(now, input);
                if given_up && !machine.is_stopping() {
                    world = World::default();
                }
                world.apply(effects);
            }
            world.apply(machine.handle(now, Input::Wanted(true)));
            for _ in 0..4 {
                if let (Some(run), true) = (world.running, world.stopping) {
                    world = World::default();
                    world.apply(machine.handle(now, Input::Stopped { run }));
                }
                now = machine.deadline().map_or(now, |at| at.max(now));
                if matches!(machine.state, State::Pause { .. }) {
                    world.apply(machine.handle(now, Input::Tick));
                }
                world.apply(machine.handle(now, Input::Progress { run: machine.run() }));
            }
            prop_assert!(machine.is_live(), "{:?}", machine.state);
        }
    }
}
