//! What holds whatever comes.

use super::super::ladder::Ladder;
use super::super::{Choice, Congestion, Decision, Estimate, LinkState, Picture, Source};
use crate::core::rtcp::tests::transport_feedback;
use crate::core::units::Bitrate;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const SOUND: Bitrate = Bitrate::from_kbps(71);

fn ladder_of(rungs: usize) -> impl Strategy<Value = Vec<Bitrate>> {
    prop::collection::vec(50u32..6000, rungs).prop_map(|mut kbps| {
        kbps.sort_unstable_by(|a, b| b.cmp(a));
        kbps.into_iter().map(Bitrate::from_kbps).collect()
    })
}

fn ladders() -> impl Strategy<Value = Vec<Vec<Bitrate>>> {
    prop::collection::vec((0usize..5).prop_flat_map(ladder_of), 1..4)
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![3 => Just(Choice::Automatic), 1 => (0usize..6).prop_map(Choice::Fixed)]
}

fn estimate() -> impl Strategy<Value = Estimate> {
    let state = prop_oneof![
        6 => Just(LinkState::Normal),
        1 => Just(LinkState::Queueing),
        1 => Just(LinkState::Overused),
        1 => Just(LinkState::Blind)
    ];
    let source = prop_oneof![Just(Source::Packets), Just(Source::Remb), Just(Source::Reports)];
    (state, source, prop::option::weighted(0.8, 50u32..20_000), 0.0f64..0.2).prop_map(
        |(state, source, capacity, loss)| Estimate {
            capacity: capacity.map(Bitrate::from_kbps),
            delivered: Bitrate::from_kbps(0),
            sent: Bitrate::from_kbps(1000),
            queue: Duration::ZERO,
            loss,
            round_trip: None,
            state,
            source,
            updated: None,
        },
    )
}

fn pictures<'a>(ladders: &'a [Vec<Bitrate>], choices: &[Choice], rungs: &[usize]) -> Vec<Picture<'a>> {
    let each = ladders.iter().zip(choices).zip(rungs);
    each.map(|((rungs, choice), rung)| Picture { rungs, choice: *choice, rung: *rung }).collect()
}

fn arrival() -> impl Strategy<Value = Option<i64>> {
    prop::option::of(-10_000i64..10_000)
}

fn apply(rungs: &mut [usize], decision: &Decision) {
    for change in &decision.changes {
        rungs[change.picture] = change.rung;
    }
}

proptest! {
    #[test]
    fn changes_keep_to_the_ladder_the_choice_and_the_pauses(
        ladders in ladders(),
        choices in prop::collection::vec(choice(), 4),
        estimates in prop::collection::vec((estimate(), 1usize..40), 1..30),
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut ladder = Ladder::new(now);
        let mut rungs = vec![0; ladders.len()];
        let (mut last_change, mut last_down): (Option<Instant>, Option<Instant>) = (None, None);
        for (estimate, times) in estimates {
            for _ in 0..times {
                now += Duration::from_millis(150);
                let estimate = Estimate { updated: Some(now), ..estimate };
                let given = pictures(&ladders, &choices, &rungs);
                let decision = ladder.decide(now, &given, SOUND, &estimate);
                let mut ups = 0;
                for change in &decision.changes {
                    let picture = &given[change.picture];
                    prop_assert!(change.rung < picture.rungs.len());
                    prop_assert!(change.rung != picture.rung);
                    match picture.choice {
                        Choice::Fixed(rung) => {
                            prop_assert_eq!(change.rung, rung.min(picture.rungs.len() - 1));
                        }
                        Choice::Automatic if change.rung < picture.rung => {
                            prop_assert_eq!(change.rung, picture.rung - 1, "one at a time");
                            ups += 1;
                        }
                        Choice::Automatic => last_down = Some(now),
                    }
                }
                prop_assert!(ups <= 1);
                if ups == 1 {
                    prop_assert_eq!(estimate.state, LinkState::Normal);
                    prop_assert!(last_change.is_none_or(|at| now - at >= Duration::from_secs(2)));
                    prop_assert!(last_down.is_none_or(|at| now - at >= Duration::from_secs(5)));
                }
                let automatic = |change: &super::super::Change| choices[change.picture] == Choice::Automatic;
                if decision.changes.iter().any(automatic) {
                    last_change = Some(now);
                }
                apply(&mut rungs, &decision);
            }
        }
    }

    #[test]
    fn more_room_never_means_less_for_a_picture(
        ladders in ladders(),
        choices in prop::collection::vec(choice(), 4),
        estimate in estimate(),
        less in 50u32..10_000,
        more in 0u32..10_000,
    ) {
        let now = Instant::now();
        let rungs_with = |kbps: u32| {
            let mut rungs = vec![0; ladders.len()];
            let estimate = Estimate {
                capacity: Some(Bitrate::from_kbps(kbps)),
                state: LinkState::Queueing,
                updated: Some(now),
                ..estimate
            };
            let given = pictures(&ladders, &choices, &rungs);
            let decision = Ladder::new(now).decide(now, &given, SOUND, &estimate);
            apply(&mut rungs, &decision);
            (rungs, decision.fits)
        };
        let ((narrow, narrow_fits), (wide, wide_fits)) = (rungs_with(less), rungs_with(less + more));
        prop_assert!(wide.iter().zip(&narrow).all(|(wide, narrow)| wide <= narrow), "{wide:?} {narrow:?}");
        prop_assert!(wide_fits || !narrow_fits);
    }

    #[test]
    fn whatever_is_told_memory_is_bounded_and_nothing_breaks(
        steps in prop::collection::vec(
            (0u64..300, 0usize..300, any::<u16>(), prop::collection::vec(arrival(), 0..40)),
            1..60,
        ),
        noise in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut congestion = Congestion::with_first_number(start, 65_500);
        for (pause_ms, packets, base, arrivals) in steps {
            now += Duration::from_millis(pause_ms);
            for _ in 0..packets {
                congestion.sent(now, 1200);
            }
            let bytes = transport_feedback(65_500u16.wrapping_add(base % 2000), 0, &arrivals);
            congestion.rtcp(now, 0, &bytes).unwrap();
            let _refused = congestion.rtcp(now, 0, &noise);
            let estimate = congestion.estimate(now);
            prop_assert!((0.0..=1.0).contains(&estimate.loss));
            let rungs = [Bitrate::from_kbps(2500), Bitrate::from_kbps(250)];
            let picture = Picture { rungs: &rungs, choice: Choice::Automatic, rung: 0 };
            let decision = congestion.decide(now, &[picture], SOUND);
            prop_assert!(decision.changes.len() <= 1);
            let _waiting = congestion.queue(now);
            prop_assert!(congestion.log.len() <= 4096);
        }
    }
}

#[test]
fn each_failed_climb_is_tried_again_later() {
    let start = Instant::now();
    let rungs = [2500, 750].map(Bitrate::from_kbps);
    let mut ladder = Ladder::new(start);
    let mut rung = 1;
    let mut climbs = Vec::new();
    // It looks wide until it is used.
    for tick in 0..3000u64 {
        let now = start + Duration::from_millis(100 * tick);
        let (state, kbps) = if rung == 0 { (LinkState::Overused, 1_000) } else { (LinkState::Normal, 9_000) };
        let estimate = Estimate {
            capacity: Some(Bitrate::from_kbps(kbps)),
            delivered: Bitrate::from_kbps(700),
            sent: Bitrate::from_kbps(700),
            queue: Duration::ZERO,
            loss: 0.0,
            round_trip: None,
            state,
            source: Source::Packets,
            updated: Some(now),
        };
        let picture = Picture { rungs: &rungs, choice: Choice::Automatic, rung };
        for change in ladder.decide(now, &[picture], SOUND, &estimate).changes {
            rung = change.rung;
            if rung == 0 {
                climbs.push(tick / 10);
            }
        }
    }
    let pauses: Vec<u64> = climbs.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [10, 20, 40, 60, 60, 60], "{climbs:?}");
}
