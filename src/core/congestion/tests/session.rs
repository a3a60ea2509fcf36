//! A viewer: sources, the rewriter's gate, the link, and a receiver that gives feedback, has
//! packets sent again and shows frames.

use super::super::{Choice, Congestion, Decision, Picture};
use super::network::{Encoder, Link, Random};
use crate::core::protocol::MediaKind;
use crate::core::rtcp::ReportBlock;
use crate::core::rtcp::tests::{receiver_report, remb_of, transport_feedback};
use crate::core::rtp::{Decision as Gate, FrameInfo, QUEUE_HIGH, Rewriter, Track};
use crate::core::units::Bitrate;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

pub const RUNGS: [i64; 3] = [2500, 750, 250];
/// 160 bytes every 20 ms, with headers.
const SOUND_KBPS: u32 = 80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Packets,
    Remb,
    Reports,
}

/// A frame on its way.
pub struct Frame {
    pub key: bool,
    pub missing: usize,
    complete: Option<i64>,
    sent: i64,
}

pub struct Screen {
    pub encoders: Vec<Encoder>,
    pub on: usize,
    pub target: usize,
    pub choice: Choice,
    rewriter: Rewriter,
    pub frames: VecDeque<(u64, Frame)>,
    next_frame: u64,
    /// When frames were shown, in us.
    pub shown: Vec<i64>,
    pub needs_key: bool,
}

/// A packet on its way.
#[derive(Clone, Copy)]
struct Flight {
    number: u64,
    bytes: u32,
    frame: Option<(usize, u64)>,
    tries: u8,
}

pub struct Session {
    pub link: Link,
    pub mode: Mode,
    pub drift_ppm: i64,
    pub activity: fn(i64) -> f64,
    pub screens: Vec<Screen>,
    pub congestion: Congestion,
    /// Time in ms, picture, rung.
    pub switches: Vec<(i64, usize, usize)>,
    /// The longest that waited in the link, in us.
    pub worst_queue: i64,
    pub unfit: usize,
    pub delivered: u64,
    epoch: Instant,
    now: i64,
    random: Random,
    first_number: u16,
    sent: u64,
    /// Packets by the time that they arrive, or are to be sent again.
    arriving: BTreeMap<(i64, u64), Flight>,
    resend: BTreeMap<(i64, u64), Flight>,
    lost: BTreeMap<u64, Flight>,
    to_sender: BTreeMap<(i64, u64), Vec<u8>>,
    serial: u64,
    // The receiver.
    arrivals: BTreeMap<u64, i64>,
    next_report: u64,
    highest: u64,
    lost_count: u64,
    feedback_count: u8,
    incoming: VecDeque<(i64, u32)>,
    remb_kbps: f64,
    last_sr: Option<(i64, i64)>,
}

impl Session {
    pub fn new(link: Link, ladders: &[&[i64]]) -> Self {
        let epoch = Instant::now();
        let mut random = link.random.clone();
        let track = Track {
            kind: MediaKind::Video,
            payload_type: 96,
            ssrc: 1,
            clock_rate: 90_000,
            first_sequence: 0,
            first_timestamp: 0,
        };
        let screens = ladders.iter().map(|ladder| Screen {
            encoders: ladder.iter().map(|kbps| Encoder::new(*kbps, &mut random)).collect(),
            on: 0,
            target: 0,
            choice: Choice::Automatic,
            rewriter: Rewriter::new(track).unwrap(),
            frames: VecDeque::new(),
            next_frame: 0,
            shown: Vec::new(),
            needs_key: true,
        });
        let screens = screens.collect();
        // So near the wrap that it happens in every run.
        let first_number = 65_000;
        Self {
            link,
            mode: Mode::Packets,
            drift_ppm: 0,
            activity: |_| 1.0,
            screens,
            congestion: Congestion::with_first_number(epoch, first_number),
            switches: Vec::new(),
            worst_queue: 0,
            unfit: 0,
            delivered: 0,
            epoch,
            now: 0,
            random,
            first_number,
            sent: 0,
            arriving: BTreeMap::new(),
            resend: BTreeMap::new(),
            lost: BTreeMap::new(),
            to_sender: BTreeMap::new(),
            serial: 0,
            arrivals: BTreeMap::new(),
            next_report: 0,
            highest: 0,
            lost_count: 0,
            feedback_count: 0,
            incoming: VecDeque::new(),
            remb_kbps: 3_000.0,
            last_sr: None,
        }
    }

    pub fn instant(&self) -> Instant {
        self.epoch + Duration::from_micros(self.now as u64)
    }

    fn ntp(us: i64) -> u64 {
        // Some day or other.
        (4_000_000_000u64 << 32) + ((us as u128) << 32).div_ceil(1_000_000) as u64
    }

    /// Goes on until that time, in ms.
    pub fn run_to(&mut self, ms: i64) -> &mut Self {
        while self.now < ms * 1000 {
            self.step();
            self.now += 1000;
        }
        self
    }

    fn step(&mut self) {
        let now = self.now;
        for pictures in 0..self.screens.len() {
            // Sources do not run in step.
            if (now / 1000 + 11 * pictures as i64) * 30 % 1000 < 30 {
                self.frame(pictures);
            }
        }
        if now % 20_000 == 0 && self.congestion.queue(self.instant()) <= QUEUE_HIGH {
            self.send(160, None);
        }
        while let Some((&(at, _), _)) = self.resend.first_key_value()
            && at <= now
        {
            let (_, flight) = self.resend.pop_first().unwrap();
            self.transmit(flight);
        }
        while let Some((&(at, _), _)) = self.arriving.first_key_value()
            && at <= now
        {
            let ((at, _), flight) = self.arriving.pop_first().unwrap();
            self.arrived(at, flight);
        }
        self.show();
        self.feedback();
        while let Some((&(at, _), _)) = self.to_sender.first_key_value()
            && at <= now
        {
            let (_, bytes) = self.to_sender.pop_first().unwrap();
            self.congestion.rtcp(self.instant(), Self::ntp(now), &bytes).unwrap();
        }
        if now % 100_000 == 0 {
            self.decide();
        }
        self.worst_queue = self.worst_queue.max(self.link.waiting(now));
    }

    pub fn decide(&mut self) -> Decision {
        let rungs: Vec<Vec<Bitrate>> = self
            .screens
            .iter()
            .map(|screen| screen.encoders.iter().map(|e| Bitrate::from_kbps(e.kbps as u32)).collect())
            .collect();
        let pictures: Vec<Picture<'_>> = self
            .screens
            .iter()
            .zip(&rungs)
            .map(|(screen, rungs)| Picture { rungs, choice: screen.choice, rung: screen.target })
            .collect();
        let decision = self.congestion.decide(self.instant(), &pictures, Bitrate::from_kbps(SOUND_KBPS));
        for change in &decision.changes {
            self.switches.push((self.now / 1000, change.picture, change.rung));
            let screen = &mut self.screens[change.picture];
            screen.target = change.rung;
            screen.encoders[change.rung].ask(self.now, &mut self.random);
        }
        self.unfit += usize::from(!decision.fits);
        decision
    }

    fn frame(&mut self, picture: usize) {
        let activity = (self.activity)(self.now / 1000);
        for rung in 0..self.screens[picture].encoders.len() {
            let queue = self.congestion.queue(self.instant());
            let now = self.now;
            let screen = &mut self.screens[picture];
            let (bytes, keyframe) = screen.encoders[rung].frame(now, activity, &mut self.random);
            // On the way down, a keyframe of the old rung would be the last thing that fits.
            let leaving = rung == screen.on && screen.target > rung;
            if leaving && (keyframe || screen.rewriter.stream().is_none()) {
                screen.on = screen.target;
                continue;
            }
            // The other rung's frames begin to pass with its keyframe.
            if !(rung == screen.on || rung == screen.target && keyframe) {
                if rung == screen.target {
                    screen.encoders[rung].ask(now, &mut self.random);
                }
                continue;
            }
            let frame = FrameInfo {
                stream: rung as u32,
                keyframe,
                running_time: Duration::from_micros(now as u64),
                queue,
            };
            match screen.rewriter.frame(frame) {
                Gate::Forward => {
                    screen.on = rung;
                    let id = screen.next_frame;
                    screen.next_frame += 1;
                    let packets = bytes.div_ceil(1180);
                    let missing = packets as usize;
                    screen
                        .frames
                        .push_back((id, Frame { key: keyframe, missing, complete: None, sent: now }));
                    for packet in 0..packets {
                        let size = if packet + 1 < packets { 1180 } else { bytes - 1180 * (packets - 1) };
                        self.send(size + 20, Some((picture, id)));
                    }
                    if rung == self.screens[picture].target {
                        return;
                    }
                }
                Gate::Drop { want_keyframe: true } => screen.encoders[rung].ask(now, &mut self.random),
                Gate::Drop { want_keyframe: false } => {}
            }
        }
    }

    fn send(&mut self, bytes: u32, frame: Option<(usize, u64)>) {
        let number = self.congestion.sent(self.instant(), bytes as usize);
        assert_eq!(number, self.first_number.wrapping_add(self.sent as u16));
        let flight = Flight { number: self.sent, bytes, frame, tries: 0 };
        self.sent += 1;
        self.transmit(flight);
    }

    fn transmit(&mut self, flight: Flight) {
        self.serial += 1;
        match self.link.send(self.now, flight.bytes) {
            Some(at) => {
                self.arriving.insert((at, self.serial), flight);
            }
            None => {
                self.lost.insert(flight.number, flight);
            }
        }
    }

    fn arrived(&mut self, at: i64, flight: Flight) {
        self.delivered += u64::from(flight.bytes);
        self.incoming.push_back((at, flight.bytes));
        let old = self.arrivals.insert(flight.number, at);
        if let Some(old) = old {
            self.arrivals.insert(flight.number, old);
        } else if flight.number < self.next_report {
            // As libwebrtc does: the next feedback begins with what came late.
            self.next_report = flight.number;
        }
        if let Some((picture, id)) = flight.frame
            && let Some((_, frame)) = self.screens[picture].frames.iter_mut().find(|(frame, _)| *frame == id)
        {
            frame.missing = frame.missing.saturating_sub(1);
            if frame.missing == 0 {
                frame.complete = Some(at);
            }
        }
        self.highest = self.highest.max(flight.number);
        // Gaps are asked for at once, and then every round trip, ten times in all.
        let gaps: Vec<u64> = self.lost.range(..flight.number).map(|(number, _)| *number).collect();
        for number in gaps {
            let mut lost = self.lost.remove(&number).unwrap();
            self.lost_count += u64::from(lost.tries == 0);
            lost.tries += 1;
            if lost.tries <= 10 {
                self.serial += 1;
                let round_trip = if lost.tries > 1 { 60_000 } else { 0 };
                self.resend.insert((at + self.link.delay(at) + round_trip, self.serial), lost);
            }
        }
    }

    fn show(&mut self) {
        let now = self.now;
        for screen in &mut self.screens {
            while let Some((_, frame)) = screen.frames.front() {
                if screen.needs_key && !frame.key {
                    screen.frames.pop_front();
                } else if let Some(at) = frame.complete {
                    let shown = at.max(screen.shown.last().copied().unwrap_or(0));
                    screen.shown.push(shown);
                    screen.needs_key = false;
                    screen.frames.pop_front();
                } else if let Some(key) =
                    screen.frames.iter().position(|(_, f)| f.key && f.complete.is_some())
                {
                    // As libwebrtc does: a whole keyframe needs nothing that was before it.
                    screen.frames.drain(..key);
                } else if now - frame.sent > 1_000_000 {
                    // It will not come any more: a request for a keyframe.
                    screen.needs_key = true;
                    screen.frames.pop_front();
                    let on = screen.on;
                    screen.encoders[on].ask(now, &mut self.random);
                } else {
                    break;
                }
            }
        }
    }

    fn feedback(&mut self) {
        let now = self.now;
        if self.mode == Mode::Packets && now % 70_000 == 0 {
            self.transport_feedback();
        }
        if now % 500_000 == 0 && now > 0 {
            while self.incoming.front().is_some_and(|(at, _)| *at < now - 500_000) {
                self.incoming.pop_front();
            }
            let rate = self.incoming.iter().map(|(_, bytes)| f64::from(*bytes)).sum::<f64>() * 8.0 / 500.0;
            let queueing = self.link.waiting(now) > 80_000;
            self.remb_kbps =
                if queueing { rate * 0.85 } else { (self.remb_kbps * 1.08).min(rate * 1.5 + 10.0) };
            if self.mode == Mode::Remb && now > 1_000_000 {
                self.answer(remb_of((self.remb_kbps * 1000.0) as u64));
            }
        }
        if now % 1_000_000 == 500_000 {
            // A sender report goes through the same queue.
            self.last_sr = self.link.send(now, 60).map(|arrival| (now, arrival)).or(self.last_sr);
        }
        if now % 1_000_000 == 0 && now > 0 {
            let compact = |us: i64| (Self::ntp(us) >> 16) as u32;
            let (sr, arrival) = self.last_sr.filter(|(_, arrival)| *arrival <= now).unwrap_or((0, 0));
            let block = ReportBlock {
                ssrc: 1,
                fraction_lost: 0,
                cumulative_lost: self.lost_count as i32,
                highest_sequence: self.highest as u32,
                jitter: 0,
                last_sr: if arrival == 0 { 0 } else { compact(sr) },
                delay_since_last_sr: compact(now).wrapping_sub(compact(arrival)),
            };
            self.answer(receiver_report(block));
        }
    }

    fn transport_feedback(&mut self) {
        let Some((&last, _)) = self.arrivals.last_key_value() else { return };
        if last < self.next_report {
            return;
        }
        // The receiver's clock: another zero, and not as fast.
        let ticks = |at: i64| (at + at / 1000 * self.drift_ppm / 1000 + 7_000_000_000) / 250;
        let base = self.next_report;
        let told: Vec<Option<i64>> =
            (base..=last).map(|number| self.arrivals.get(&number).map(|at| ticks(*at))).collect();
        let number = self.first_number.wrapping_add(base as u16);
        let bytes = transport_feedback(number, self.feedback_count, &told);
        self.feedback_count = self.feedback_count.wrapping_add(1);
        self.next_report = last + 1;
        let keep = last.saturating_sub(400);
        self.arrivals.retain(|number, _| *number >= keep);
        self.answer(bytes);
    }

    fn answer(&mut self, bytes: Vec<u8>) {
        if self.link.hears(self.now) {
            self.serial += 1;
            self.to_sender.insert((self.now + self.link.delay(self.now), self.serial), bytes);
        }
    }

    // ---- what came of it ----------------------------------------------------------------------

    /// The longest time without a new frame between these, in ms.
    pub fn freeze(&self, picture: usize, from: i64, to: i64) -> i64 {
        let inside =
            self.screens[picture].shown.iter().map(|us| us / 1000).filter(|ms| (from..to).contains(ms));
        let mut last = from;
        let mut worst = 0;
        for ms in inside.chain([to]) {
            worst = worst.max(ms - last);
            last = ms;
        }
        worst
    }

    /// What arrived between two counts of bytes, in kbit/s.
    pub fn rate(&self, before: u64, over_ms: i64) -> i64 {
        (self.delivered - before) as i64 * 8 / over_ms
    }

    /// How often a rung was changed between these, in ms.
    pub fn changes(&self, from: i64, to: i64) -> usize {
        self.switches.iter().filter(|(ms, ..)| (from..to).contains(ms)).count()
    }

    pub fn rungs(&self) -> Vec<usize> {
        self.screens.iter().map(|screen| screen.target).collect()
    }
}
