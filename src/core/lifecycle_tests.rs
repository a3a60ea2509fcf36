//! The machine of a thing that runs while it is wanted: examples, and whatever happens.

use super::*;
use proptest::prelude::*;

const TIMING: Timing = Timing {
    start: Duration::from_secs(10),
    again: Duration::from_secs(4),
    stall: Duration::from_secs(4),
    grace: Duration::from_secs(5),
    stop: Duration::from_secs(6),
    look: None,
};

/// With looks in its pauses.
const LOOKING: Timing = Timing { look: Some(Duration::from_millis(500)), ..TIMING };

fn fault(run: u64) -> Input {
    Input::Failed { run, cause: FailureCause::Lost, detail: "gone".into() }
}

/// In its pause after the first run has failed.
fn failed_once(t0: Instant) -> Lifecycle {
    let mut machine = Lifecycle::new(TIMING, 7, 0);
    machine.handle(t0, Input::Wanted(true));
    machine.handle(t0, fault(1));
    machine.handle(t0, Input::Stopped { run: 1 });
    machine
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
        [Effect::Publish(SourceState::Failed { cause: FailureCause::Stalled, .. }), Effect::Stop { run: 1 }]
    ));
}

/// A machine whose first start has failed, as its pause begins.
fn paused(t0: Instant) -> Lifecycle {
    let mut machine = Lifecycle::new(LOOKING, 7, 0);
    machine.handle(t0, Input::Wanted(true));
    machine.handle(t0, Input::Failed { run: 1, cause: FailureCause::NotFound, detail: "none".into() });
    assert_eq!(machine.handle(t0, Input::Stopped { run: 1 }), [Effect::Look { run: 1 }]);
    machine
}

#[test]
fn what_is_seen_to_come_back_is_started_at_once() {
    let mut now = Instant::now();
    let mut machine = paused(now);
    // Far in the row of failures, where pauses are long.
    for run in 1..=6 {
        assert_eq!(machine.handle(now, Input::Looked { run, there: Some(false) }), []);
        while !machine.keeps(run + 1) {
            now = machine.deadline().unwrap();
            if machine.handle(now, Input::Tick) == [Effect::Look { run }] {
                machine.handle(now, Input::Looked { run, there: Some(false) });
            }
        }
        machine.handle(now, fault(run + 1));
        machine.handle(now, Input::Stopped { run: run + 1 });
    }
    // It comes back just before the first look of a pause.
    let run = machine.run();
    let effects = machine.handle(now, Input::Looked { run, there: Some(true) });
    assert_eq!(effects, [Effect::Start { run: run + 1 }]);
    // That it fails once more is another matter: pauses begin anew, and looks at what is there change nothing.
    machine.handle(now, fault(run + 1));
    machine.handle(now, Input::Stopped { run: run + 1 });
    assert_eq!(machine.handle(now, Input::Looked { run: run + 1, there: Some(true) }), []);
    while machine.deadline().is_some_and(|due| due <= now + FIRST_PAUSE) && !machine.keeps(run + 2) {
        now = machine.deadline().unwrap();
        if machine.handle(now, Input::Tick) == [Effect::Look { run: run + 1 }] {
            assert_eq!(machine.handle(now, Input::Looked { run: run + 1, there: Some(true) }), []);
        }
    }
    assert!(machine.keeps(run + 2), "the first pause is short again");
}

#[test]
fn looks_come_one_at_a_time_and_end_with_the_pause() {
    let t0 = Instant::now();
    let mut machine = paused(t0);
    let pause = machine.deadline().unwrap();
    assert!(pause > t0 + FIRST_PAUSE / 2, "while one is under way none is due");
    assert_eq!(machine.handle(t0, Input::Looked { run: 1, there: Some(false) }), []);
    assert_eq!(machine.handle(pause, Input::Tick), [Effect::Start { run: 2 }]);
    for there in [Some(true), Some(false), None] {
        assert_eq!(machine.handle(pause, Input::Looked { run: 1, there }), [], "of an earlier run");
        assert_eq!(machine.handle(pause, Input::Looked { run: 2, there }), [], "nobody asked");
    }
    // Where nothing can be seen there is one look a pause.
    let mut machine = paused(t0);
    machine.handle(t0, Input::Looked { run: 1, there: None });
    assert_eq!(machine.deadline(), Some(pause));
    // And none where nobody waits for it.
    assert_eq!(machine.handle(t0, Input::Wanted(false)), [Effect::Publish(SourceState::Idle)]);
    assert_eq!(machine.handle(t0, Input::Looked { run: 1, there: Some(true) }), []);
}

#[test]
fn what_is_silent_is_waited_for_in_starts_that_grow_and_pauses_that_do_not() {
    let mut now = Instant::now();
    let mut machine = Lifecycle::new(TIMING, 7, 0);
    machine.handle(now, Input::Wanted(true));
    machine.handle(now, Input::Progress { run: 1 });
    let mut waits = Vec::new();
    for run in 1..=5 {
        now = machine.deadline().unwrap();
        let effects = machine.handle(now, Input::Tick);
        assert_eq!(effects.last(), Some(&Effect::Stop { run }), "{effects:?}");
        machine.handle(now, Input::Stopped { run });
        let until = machine.deadline().unwrap();
        assert!(until <= now + FIRST_PAUSE);
        now = until;
        assert_eq!(machine.handle(now, Input::Tick), [Effect::Start { run: run + 1 }]);
        waits.push((machine.deadline().unwrap() - now).as_secs());
    }
    assert_eq!(waits, [4, 8, 10, 10, 10]);
    machine.handle(now, Input::Progress { run: 6 });
    assert_eq!(machine.published(), &SourceState::Live);
    now = machine.deadline().unwrap();
    machine.handle(now, Input::Tick);
    machine.handle(now, Input::Stopped { run: 6 });
    now = machine.deadline().unwrap();
    machine.handle(now, Input::Tick);
    assert_eq!(machine.deadline(), Some(now + TIMING.again), "another silence");
}

#[test]
fn what_has_gone_stays_disconnected_while_it_is_not_found() {
    let t0 = Instant::now();
    let mut machine = failed_once(t0);
    machine.handle(machine.deadline().unwrap(), Input::Tick);
    let missing = Input::Failed { run: 2, cause: FailureCause::NotFound, detail: "none".into() };
    assert_eq!(machine.handle(t0, missing), [Effect::Stop { run: 2 }]);
    machine.handle(t0, Input::Stopped { run: 2 });
    machine.handle(machine.deadline().unwrap(), Input::Tick);
    let busy = Input::Failed { run: 3, cause: FailureCause::Busy, detail: "cheese".into() };
    assert!(matches!(machine.handle(t0, busy).first(), Some(Effect::Publish(_))), "another fault is told");
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
    let mut machine = failed_once(t0);
    assert_eq!(machine.handle(t0, Input::Wanted(false)), [Effect::Publish(SourceState::Idle)]);
    assert_eq!(
        machine.handle(t0, Input::Wanted(true)),
        [Effect::Publish(SourceState::Starting), Effect::Start { run: 2 }]
    );
}

#[test]
fn events_of_an_earlier_run_change_nothing() {
    let t0 = Instant::now();
    let mut machine = failed_once(t0);
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
                Effect::Publish(_) | Effect::Look { .. } => {}
            }
        }
    }
}

proptest! {
    /// Whatever happens in whatever order: at most one run at a time, and only what runs is
    /// stopped; and when nothing fails any more, it becomes live for whoever wants it.
    #[test]
    fn one_run_at_a_time(steps in proptest::collection::vec((0u8..9, 0u64..4, 0u64..12_000), 1..200)) {
        let mut now = Instant::now();
        let mut machine = Lifecycle::new(LOOKING, 99, 0);
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
                (7, _) => Input::Looked { run, there: Some(false) },
                (8, _) => Input::Looked { run, there: Some(true) },
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
