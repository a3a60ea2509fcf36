//! What a viewer sees on links of all sorts.

use super::super::Choice;
use super::network::{Link, link};
use super::session::{Mode, RUNGS, Session};

/// Sessions are of a minute and a bit.
const END: i64 = 64_000;

fn one(link: Link) -> Session {
    Session::new(link, &[&RUNGS])
}

/// What happened, for when it is not what was expected.
fn story(session: &Session) -> String {
    let estimate = session.congestion.estimate(session.instant());
    format!("{:?}, {estimate:?}", session.switches)
}

/// It is on those rungs 4 s after `from`, stays there to the end, and shows pictures.
fn settles(session: &mut Session, name: &str, from: i64, rungs: &[usize]) {
    session.run_to(END);
    let story = format!("{name}: {}", story(session));
    assert_eq!(session.rungs(), rungs, "{story}");
    assert_eq!(session.changes(from + 4_000, END), 0, "{story}");
    for picture in 0..rungs.len() {
        let freeze = session.freeze(picture, from + 4_000, END);
        assert!(freeze <= 500, "{story}: a freeze of {freeze} ms");
    }
}

const LINKS: [(i64, usize); 5] = [(100_000, 0), (5_000, 0), (2_000, 1), (1_000, 1), (500, 2)];

#[test]
fn each_link_settles_within_4_s_and_stays() {
    for (kbps, rung) in LINKS {
        for queue_ms in [200, 300, 1000] {
            let mut session = one(Link { queue_ms, ..link(kbps) });
            settles(&mut session, &format!("{kbps} kbit/s, {queue_ms} ms"), 0, &[rung]);
            assert!(session.changes(0, END) <= 2, "{}", story(&session));
            assert_eq!(session.unfit, 0);
        }
    }
}

#[test]
fn a_viewer_held_to_1_mbit_uses_more_than_60_percent_of_it() {
    let mut session = one(Link { rates: vec![(0, 20_000), (10_000, 1_000)], ..link(1_000) });
    session.run_to(14_000);
    let before = session.delivered;
    settles(&mut session, "held", 10_000, &[1]);
    let rate = session.rate(before, END - 14_000);
    assert!(rate >= 600, "{rate} kbit/s");
}

#[test]
fn released_it_climbs_back_within_15_s() {
    for held in [1_000, 500] {
        for seed in 0..4 {
            let rates = vec![(0, 20_000), (10_000, held), (30_000 + 700 * seed, 20_000)];
            let mut session = one(Link { rates, ..link(held) });
            session.run_to(30_000);
            assert_ne!(session.rungs(), [0], "{}", story(&session));
            session.run_to(45_000);
            assert_eq!(session.rungs(), [0], "{held}: {}", story(&session));
            settles(&mut session, "released", 41_000, &[0]);
        }
    }
}

#[test]
fn loss_by_itself_drives_nobody_down() {
    for (kbps, rung) in LINKS {
        settles(&mut one(Link { loss: 0.02, ..link(kbps) }), &format!("{kbps} kbit/s"), 0, &[rung]);
    }
    let mut session = one(Link { loss: 0.06, ..link(20_000) });
    session.run_to(END);
    assert_eq!(session.rungs(), [0], "{}", story(&session));
}

#[test]
fn a_link_that_collapses_is_followed() {
    for to in [600, 1_000, 2_000] {
        let mut session = one(Link { rates: vec![(0, 10_000), (20_000, to)], ..link(to) });
        session.run_to(20_000);
        assert_eq!(session.switches, []);
        settles(&mut session, &format!("{to} kbit/s"), 20_000, &[if to == 600 { 2 } else { 1 }]);
    }
}

#[test]
fn arrivals_in_bunches_are_no_reason_to_move() {
    for bunch in [10_000, 20_000] {
        for (kbps, rung) in [(20_000, 0), (5_000, 0)] {
            let mut session = one(Link { bunch, jitter: 5_000, ..link(kbps) });
            settles(&mut session, &format!("{kbps} kbit/s, {bunch} us"), 0, &[rung]);
        }
        // Too narrow, and the bunches make it look wider: failures keep it down, ever longer.
        for (kbps, rungs) in [(2_000, [1, 0]), (1_000, [1, 2])] {
            let mut session = one(Link { bunch, jitter: 5_000, ..link(kbps) });
            session.run_to(END);
            assert!(rungs.contains(&session.rungs()[0]), "{}", story(&session));
            assert!(session.changes(4_000, END) <= 6, "{kbps}, {bunch}: {}", story(&session));
            let freeze = session.freeze(0, 4_000, END);
            assert!(freeze <= 1000, "{kbps}, {bunch}: {freeze} ms, {}", story(&session));
        }
    }
}

#[test]
fn feedback_that_fails_for_2_s_changes_nothing() {
    for (kbps, rung) in LINKS {
        let outage = Some((20_000, 22_000));
        settles(&mut one(Link { outage, ..link(kbps) }), &format!("{kbps} kbit/s"), 0, &[rung]);
    }
}

#[test]
fn a_longer_way_is_no_queue() {
    for (kbps, rung) in [(20_000, 0), (5_000, 0), (2_000, 1)] {
        let delays = vec![(0, 15_000), (30_000, 95_000)];
        settles(&mut one(Link { delays, ..link(kbps) }), &format!("{kbps} kbit/s"), 0, &[rung]);
    }
}

#[test]
fn clocks_that_drift_are_no_queue() {
    for drift_ppm in [-100, 100] {
        let mut session = one(link(5_000));
        session.drift_ppm = drift_ppm;
        session.run_to(300_000);
        assert_eq!(session.switches, [], "{}", story(&session));
        assert!(session.congestion.estimate(session.instant()).queue.as_millis() < 20);
    }
}

#[test]
fn a_screen_that_stands_still_and_bursts_leads_nobody_astray() {
    for (kbps, rung) in [(100_000, 0), (5_000, 0), (1_000, 1), (500, 2)] {
        let mut session = one(link(kbps));
        session.activity = |ms| if ms / 1000 % 40 < 30 { 0.0 } else { 1.0 };
        session.run_to(150_000);
        let bursts = [30, 70, 110].map(|s| s * 1000);
        for burst in bursts {
            let freeze = session.freeze(0, burst + 4_000, burst + 10_000);
            assert!(freeze <= 500, "{kbps}: {freeze} ms at {burst}: {}", story(&session));
            let moved = session.changes(burst + 4_000, burst + 10_000);
            assert_eq!(moved, 0, "{kbps}: {}", story(&session));
        }
        let moves = session.changes(0, 150_000);
        assert!(moves <= if rung == 0 { 0 } else { 8 }, "{kbps}: {}", story(&session));
    }
}

#[test]
fn two_pictures_share_a_link_and_sound_is_first() {
    let camera = [1500, 500, 150];
    for (kbps, rungs) in [(100_000, [0, 0]), (5_000, [0, 0]), (2_000, [1, 1]), (700, [2, 2])] {
        let mut session = Session::new(link(kbps), &[&RUNGS, &camera]);
        settles(&mut session, &format!("{kbps} kbit/s"), 0, &rungs);
    }
    // Released, both climb, the smaller first.
    let rates = vec![(0, 500), (20_000, 20_000)];
    let mut session = Session::new(Link { rates, ..link(500) }, &[&RUNGS, &camera]);
    session.run_to(36_000);
    assert_eq!(session.rungs(), [0, 0], "{}", story(&session));
}

#[test]
fn a_fixed_choice_stays_and_the_other_makes_room() {
    let mut session = Session::new(link(2_000), &[&RUNGS, &RUNGS]);
    session.screens[0].choice = Choice::Fixed(1);
    session.run_to(END);
    assert_eq!(session.rungs(), [1, 1], "{}", story(&session));
    let mut session = one(Link { queue_ms: 2_000, ..link(1_000) });
    session.screens[0].choice = Choice::Fixed(0);
    session.run_to(10_000);
    (session.worst_queue, session.unfit) = (0, 0);
    session.run_to(END);
    assert_eq!(session.switches, []);
    assert!(session.unfit > 400, "it says that it does not fit: {}", session.unfit);
    // The gate is open up to 200 ms, and what passes then is at most a keyframe.
    let keyframe_ms = 8 * 2_500 / 30;
    assert!(session.worst_queue / 1000 <= 250 + keyframe_ms, "{} us", session.worst_queue);
}

#[test]
fn without_feedback_on_packets_a_climb_is_a_trial() {
    for mode in [Mode::Remb, Mode::Reports] {
        for (kbps, rungs) in [(100_000, 0..=0), (5_000, 0..=0), (2_000, 0..=2), (1_000, 0..=2), (500, 1..=2)]
        {
            let mut session = one(link(kbps));
            session.mode = mode;
            session.run_to(4_000);
            let soon = session.rungs()[0];
            assert!(kbps >= 5_000 || soon > 0, "{mode:?} {kbps}: {}", story(&session));
            session.run_to(120_000);
            assert!(rungs.contains(&session.rungs()[0]), "{mode:?} {kbps}: {}", story(&session));
            assert!(session.changes(60_000, 120_000) <= 4, "{mode:?} {kbps}: {}", story(&session));
        }
        let rates = vec![(0, 20_000), (10_000, 1_000), (20_000, 20_000)];
        let mut session = one(Link { rates, ..link(1_000) });
        session.mode = mode;
        session.run_to(60_000);
        assert_eq!(session.rungs(), [0], "{mode:?}: {}", story(&session));
    }
}
