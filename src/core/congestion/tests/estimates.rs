//! What is made of feedback, by example.

use super::super::sent::{Outcome, OutcomeKind, SentLog};
use super::super::{Congestion, Estimate, LinkState, Source, WIRE_OVERHEAD};
use crate::core::rtcp::tests::{receiver_report, remb_of, transport_feedback};
use crate::core::rtcp::{Packet, ReportBlock, packets};
use crate::core::units::Bitrate;
use std::time::{Duration, Instant};

const BYTES: usize = 1200 - WIRE_OVERHEAD as usize;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A viewer whose bursts of `burst` packets, 30 a second, went over a link of `kbps` for a second.
struct Bench {
    congestion: Congestion,
    start: Instant,
    /// The time of the next burst, in ms.
    now: u64,
    number: u16,
    burst: u64,
    kbps: u64,
}

impl Bench {
    fn new(burst: u64, kbps: u64) -> Self {
        let start = Instant::now();
        let mut bench = Self { congestion: Congestion::new(start), start, now: 0, number: 0, burst, kbps };
        for _ in 0..30 {
            bench.burst(true);
        }
        bench
    }

    fn at(&self, ms_after: u64) -> Instant {
        self.start + ms(self.now + ms_after)
    }

    /// One burst, and the feedback on it if it is not lost.
    fn burst(&mut self, feedback: bool) {
        for _ in 0..self.burst {
            self.congestion.sent(self.at(0), BYTES);
        }
        let each_us = 1200 * 8_000 / self.kbps;
        let first_us = self.now * 1000 + 20_000;
        let told: Vec<_> =
            (1..=self.burst).map(|k| Some(((first_us + k * each_us) / 250).cast_signed())).collect();
        if feedback {
            let bytes = transport_feedback(self.number, 0, &told);
            self.congestion.rtcp(self.at(33), 0, &bytes).unwrap();
        }
        self.number = self.number.wrapping_add(self.burst as u16);
        self.now += 33;
    }

    fn capacity(&self) -> Option<u32> {
        self.congestion.estimate(self.at(0)).capacity.map(Bitrate::kbps)
    }

    fn queue(&mut self, ms_after: u64) -> u128 {
        let now = self.at(ms_after);
        self.congestion.queue(now).as_millis()
    }
}

#[test]
fn a_link_is_measured_though_the_stream_does_not_fill_it() {
    for (burst, kbps) in [(3, 2_000), (10, 8_000), (4, 20_000)] {
        let measured = i64::from(Bench::new(burst, kbps).capacity().unwrap());
        let off = (measured - kbps as i64).abs() * 100 / kbps as i64;
        assert!(off <= 5, "{measured} of {kbps} kbit/s");
    }
}

#[test]
fn a_link_that_is_faster_than_can_be_told_is_fast() {
    assert!(Bench::new(10, 10_000_000).capacity().unwrap() > 100_000);
}

#[test]
fn single_packets_say_nothing_of_a_link() {
    assert_eq!(Bench::new(1, 2_000).capacity(), None);
}

#[test]
fn what_was_measured_is_forgotten_with_time() {
    let mut bench = Bench::new(5, 5_000);
    bench.burst = 1;
    for _ in 0..400 {
        bench.burst(true);
    }
    assert_eq!(bench.capacity(), None);
}

#[test]
fn the_queue_is_what_was_sent_and_is_not_yet_carried() {
    let mut bench = Bench::new(10, 2_000);
    // The last burst of 10 took 48 ms from 33 ms ago.
    let left = bench.queue(0);
    assert!((10..=17).contains(&left), "{left} ms");
    assert_eq!(bench.queue(20), 0, "it drains by itself");
    let now = bench.at(20);
    for _ in 0..20 {
        bench.congestion.sent(now, BYTES);
    }
    let waiting = bench.queue(20);
    assert!((90..=102).contains(&waiting), "20 packets of 4.8 ms: {waiting} ms");
    assert!(bench.queue(70) >= 40, "late feedback neither adds nor takes away");
    assert_eq!(bench.queue(130), 0);
    assert!(bench.congestion.in_flight() >= 20 * 1200);
}

#[test]
fn an_idle_viewer_has_no_queue() {
    let mut bench = Bench::new(10, 2_000);
    assert_eq!(bench.queue(10_000), 0);
    assert_eq!(bench.congestion.estimate(bench.at(4_000)).state, LinkState::Normal, "idle is not blind");
}

#[test]
fn feedback_that_is_lost_makes_no_queue() {
    let mut bench = Bench::new(3, 2_000);
    for _ in 0..60 {
        bench.burst(false);
        assert!(bench.queue(0) <= 15, "{} ms", bench.queue(0));
    }
    let estimate = bench.congestion.estimate(bench.at(0));
    assert_eq!(estimate.state, LinkState::Blind);
    bench.burst(true);
    assert_eq!(bench.congestion.estimate(bench.at(0)).state, LinkState::Normal);
}

#[test]
fn nothing_is_known_before_anything_came() {
    let start = Instant::now();
    let mut congestion = Congestion::new(start);
    for _ in 0..100 {
        congestion.sent(start, BYTES);
    }
    assert_eq!(congestion.queue(start), Duration::ZERO);
    let Estimate { capacity, source, state, .. } = congestion.estimate(start + ms(500));
    assert_eq!((capacity, source, state), (None, Source::Nothing, LinkState::Normal));
}

#[test]
fn reports_tell_round_trip_and_loss_and_remb_what_is_carried() {
    let start = Instant::now();
    let mut congestion = Congestion::new(start);
    let block = |highest: u32, lost: i32| ReportBlock {
        ssrc: 1,
        fraction_lost: 0,
        cumulative_lost: lost,
        highest_sequence: highest,
        jitter: 0,
        last_sr: 0x10_0000,
        delay_since_last_sr: 0x8000,
    };
    // 0.5 s there, 0.04 s on the way.
    let ntp = (0x10_8000u64 + 2621) << 16;
    congestion.rtcp(start, ntp, &receiver_report(block(100, 0))).unwrap();
    for k in 0..100 {
        congestion.sent(start + ms(k * 10), BYTES);
    }
    congestion.rtcp(start + ms(1000), ntp, &receiver_report(block(200, 30))).unwrap();
    let estimate = congestion.estimate(start + ms(1000));
    assert_eq!(estimate.round_trip.unwrap().as_millis(), 39);
    assert!((estimate.loss - 0.3).abs() < 1e-9);
    assert_eq!((estimate.source, estimate.state), (Source::Reports, LinkState::Overused));
    assert_eq!(estimate.sent, Bitrate::from_kbps(960));
    assert_eq!(estimate.capacity, Some(Bitrate::from_kbps(672)));
    congestion.rtcp(start + ms(1100), ntp, &remb_of(800_000)).unwrap();
    let estimate = congestion.estimate(start + ms(1100));
    assert_eq!((estimate.source, estimate.capacity), (Source::Remb, Some(Bitrate::from_kbps(800))));
}

// ---- the record -------------------------------------------------------------------------------

fn joined(log: &mut SentLog, base: u16, arrivals: &[Option<i64>]) -> Vec<Outcome> {
    let bytes = transport_feedback(base, 0, arrivals);
    match packets(&bytes).next() {
        Some(Ok(Packet::TransportFeedback(feedback))) => log.join(&feedback).to_vec(),
        other => panic!("{other:?}"),
    }
}

fn kinds(outcomes: &[Outcome]) -> Vec<(i64, OutcomeKind)> {
    outcomes.iter().map(|outcome| (outcome.sent, outcome.kind)).collect()
}

#[test]
fn feedback_is_joined_with_what_was_sent_over_the_wrap() {
    let mut log = SentLog::new(65_534);
    for at in 0..5 {
        let expected = 65_534u16.wrapping_add(at as u16);
        assert_eq!(log.push(at, 100), expected);
    }
    let outcomes = joined(&mut log, 65_534, &[Some(4), None, Some(6), Some(8), None]);
    assert_eq!(
        kinds(&outcomes),
        [
            (0, OutcomeKind::InOrder(1000)),
            (1, OutcomeKind::Lost),
            (2, OutcomeKind::InOrder(1500)),
            (3, OutcomeKind::InOrder(2000))
        ],
        "the last may be on its way"
    );
    assert_eq!(log.in_flight(), 100);
    assert_eq!(joined(&mut log, 65_534, &[Some(4), None, Some(6), Some(8), None]), [], "told before");
    // The second comes after all: sent again. It is told together with those known before.
    let outcomes = joined(&mut log, 65_535, &[Some(400), Some(6), Some(8), Some(410)]);
    assert_eq!(kinds(&outcomes), [(1, OutcomeKind::Late(100_000)), (4, OutcomeKind::InOrder(102_500))]);
    assert_eq!(log.in_flight(), 0);
}

#[test]
fn a_retransmission_before_the_first_feedback_is_seen_to_be_late() {
    let mut log = SentLog::new(0);
    for at in 0..3 {
        log.push(at, 100);
    }
    let outcomes = joined(&mut log, 0, &[Some(10), Some(90), Some(12)]);
    assert_eq!(kinds(&outcomes)[1], (1, OutcomeKind::Late(22_500)));
    assert_eq!(kinds(&outcomes)[2], (2, OutcomeKind::InOrder(3000)));
}

#[test]
fn what_was_never_sent_or_is_forgotten_is_left_out() {
    let mut log = SentLog::new(10);
    assert_eq!(joined(&mut log, 5, &[Some(1), Some(2)]), []);
    log.push(0, 100);
    log.push(5_000_000, 100);
    assert_eq!(log.len(), 1, "four seconds are remembered");
    let outcomes = joined(&mut log, 9, &[Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(kinds(&outcomes), [(5_000_000, OutcomeKind::InOrder(750))]);
    for at in 0..10_000 {
        log.push(5_000_000 + at, 100);
    }
    assert_eq!(log.len(), 4096);
    assert_eq!(log.bytes_since(5_009_990), 1_000);
}

#[test]
fn the_receivers_clock_goes_on_over_its_wrap() {
    let mut log = SentLog::new(0);
    for at in 0..2 {
        log.push(at, 100);
    }
    let end = (1i64 << 31) - 4;
    let first = joined(&mut log, 0, &[Some(end)]);
    let second = joined(&mut log, 1, &[Some(end + 8 - (1i64 << 32))]);
    let (OutcomeKind::InOrder(a), OutcomeKind::InOrder(b)) = (first[0].kind, second[0].kind) else {
        panic!("{first:?} {second:?}")
    };
    assert_eq!(b - a, 8 * 250);
}
