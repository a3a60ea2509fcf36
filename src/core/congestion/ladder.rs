//! Which rung each picture of a viewer is on.
//!
//! Down at once, to what fits; up one rung at a time, when what the link carries has been enough
//! for a while. What fails is tried again later and later. Owns no estimate and switches nothing.

use super::{Estimate, LinkState, Source};
use crate::core::units::Bitrate;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Of what the link carries, what may be used when going down: a queue has to drain.
const DOWN_PERCENT: u64 = 95;
/// The same of what reports say: what is sent again takes its share of an overused link, and is
/// not counted.
const DOWN_PERCENT_REPORTS: u64 = 115;
/// And when going up: frames vary.
const UP_PERCENT: u64 = 90;
/// The link must have carried enough for so long before a climb.
const EVIDENCE: Duration = Duration::from_secs(3);
/// The least time from a change to a climb.
const SPACING: Duration = Duration::from_secs(2);
/// From a step down to the next: the switch takes its time, and the queue drains.
const SETTLE: Duration = Duration::from_secs(1);
/// From a change to a step down for which the only reason is that things do not get better.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The same, when what was measured of the link says that it should do.
const PATIENCE_DOUBT: Duration = Duration::from_secs(5);
/// All of them where reports are a second apart, and the next is still of the time before.
const PATIENCE_REPORTS: Duration = Duration::from_millis(3200);
/// What pictures take on the wire of what they are said to take: RTP, SRTP, UDP and IP headers.
const WIRE_PERCENT: u64 = 104;
/// A step down so soon after a climb means that the climb has failed,
const FAILED_WITHIN: Duration = Duration::from_secs(10);
/// and the next is not before this,
const HOLD_OFF: Duration = Duration::from_secs(5);
/// which doubles up to this
const HOLD_OFF_MAX: Duration = Duration::from_secs(60);
/// and is forgotten after so long without failure.
const FORGIVEN: Duration = Duration::from_secs(150);
/// With nothing to go by, a climb is tried after so long,
const TRIAL: Duration = Duration::from_secs(5);
/// and after this when nothing is being sent that would show that it fails, but the keyframe.
const TRIAL_IDLE: Duration = Duration::from_secs(10);
/// More than this lost, and nothing climbs.
const LOSS_CLIMB: f64 = 0.05;
/// How far apart what the link carries is noted.
const NOTE: Duration = Duration::from_millis(50);

/// What a person has chosen for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The daemon chooses.
    Automatic,
    /// This rung and no other, whatever the link carries. One beyond the last is the last.
    Fixed(usize),
}

/// One picture that a viewer gets. One that is paused is left out, or has no rungs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture<'a> {
    /// What each rung takes, the largest first: as configured, or measured without headers. A rung that takes
    /// next to nothing just now counts as what it may take.
    pub rungs: &'a [Bitrate],
    /// What the person wants.
    pub choice: Choice,
    /// The rung that it is on, or is being switched to. A new viewer's is 0, unless something is
    /// known of its link.
    pub rung: usize,
}

/// A picture that is to be switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    /// Which, in the order given.
    pub picture: usize,
    /// To which of its rungs.
    pub rung: usize,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// At most one for each picture.
    pub changes: Vec<Change>,
    /// False: the link is too full even for the smallest rungs and the fixed ones. Frames are
    /// dropped then by [`queue`](super::Congestion::queue).
    pub fits: bool,
}

/// A climb that may yet fail.
#[derive(Debug, Clone)]
struct Climb {
    at: Instant,
    /// Where everything was before.
    from: Vec<usize>,
    /// Whether nothing spoke for it.
    trial: bool,
}

/// The state between decisions.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    /// What the link carried in the last while, in kbit/s; `None`: not known.
    carried: VecDeque<(Instant, Option<u32>)>,
    /// Since when nothing is known of what it carries.
    unknown_since: Instant,
    last_change: Option<Instant>,
    last_climb: Option<Climb>,
    last_failure: Option<Instant>,
    hold_off: Duration,
    /// No climb before this.
    held_until: Instant,
}

impl Ladder {
    pub fn new(now: Instant) -> Self {
        Self {
            carried: VecDeque::new(),
            unknown_since: now,
            last_change: None,
            last_climb: None,
            last_failure: None,
            hold_off: HOLD_OFF,
            held_until: now,
        }
    }

    pub fn decide(
        &mut self,
        now: Instant,
        pictures: &[Picture<'_>],
        sound: Bitrate,
        estimate: &Estimate,
    ) -> Decision {
        let wanted: Vec<usize> = pictures.iter().map(standing).collect();
        self.note(now, estimate);
        let budget = Budget { pictures, sound };
        let target = match estimate.state {
            LinkState::Blind => None,
            LinkState::Normal => self.failed_trial(now, &budget, &wanted, estimate),
            LinkState::Queueing | LinkState::Overused => self.step_down(now, &budget, &wanted, estimate),
        };
        let target = match target {
            Some(target) => {
                self.went_down(now);
                target
            }
            None if estimate.state == LinkState::Normal => {
                match self.climb(now, &budget, &wanted, estimate) {
                    Some((target, trial)) => {
                        self.last_climb = Some(Climb { at: now, from: wanted, trial });
                        self.last_change = Some(now);
                        target
                    }
                    None => wanted,
                }
            }
            None => wanted,
        };
        let full = matches!(estimate.state, LinkState::Queueing | LinkState::Overused);
        let least = budget.total(&budget.lowest());
        Decision {
            fits: !(full && estimate.capacity.is_some_and(|capacity| u64::from(capacity.kbps()) < least)),
            changes: pictures
                .iter()
                .zip(target)
                .enumerate()
                .filter(|(_, (picture, rung))| picture.rung != *rung && !picture.rungs.is_empty())
                .map(|(picture, (_, rung))| Change { picture, rung })
                .collect(),
        }
    }

    /// Remembers what the link carries.
    fn note(&mut self, now: Instant, estimate: &Estimate) {
        if estimate.state == LinkState::Blind {
            self.carried.clear();
            self.unknown_since = now;
            return;
        }
        let capacity = estimate.capacity.map(Bitrate::kbps);
        if capacity.is_some() {
            self.unknown_since = now;
        }
        if self.carried.back().is_some_and(|(last, _)| now.saturating_duration_since(*last) < NOTE) {
            return;
        }
        self.carried.push_back((now, capacity));
        // One that is older than the time asked for stays, and shows that all of it is covered.
        while self
            .carried
            .get(1)
            .is_some_and(|(second, _)| now.saturating_duration_since(*second) >= EVIDENCE)
        {
            self.carried.pop_front();
        }
    }

    /// How long ago that was; for ever, if it never was.
    fn since(now: Instant, then: Option<Instant>) -> Duration {
        then.map_or(Duration::MAX, |then| now.saturating_duration_since(then))
    }

    /// What the link carries is too little: where to go.
    fn step_down(
        &self,
        now: Instant,
        budget: &Budget<'_>,
        at: &[usize],
        estimate: &Estimate,
    ) -> Option<Vec<usize>> {
        let last_climb = self.last_climb.as_ref().filter(|climb| Some(climb.at) == self.last_change);
        let since_change = Self::since(now, self.last_change);
        let capacity = estimate.capacity.map(|capacity| u64::from(capacity.kbps()));
        let coarse = matches!(estimate.source, Source::Remb | Source::Reports);
        if let Some(climb) = last_climb
            && coarse
            && estimate.state == LinkState::Overused
            && Self::since(now, estimate.updated) < since_change
            && since_change < FAILED_WITHIN
            && climb.from.len() == at.len()
        {
            // It did well there, and nothing finer is known.
            return Some(climb.from.iter().zip(at).map(|(from, at)| *from.max(at)).collect());
        }
        if let Some(capacity) = capacity
            && budget.total(at) > capacity
        {
            // What was measured before the switch and its queue are over would be counted twice.
            let (settled, percent) = if coarse {
                (since_change >= PATIENCE_REPORTS, DOWN_PERCENT_REPORTS)
            } else {
                (last_climb.is_some() || since_change >= SETTLE, DOWN_PERCENT)
            };
            let target = budget.allocate(capacity * percent / 100, at);
            return (settled && target != at).then_some(target);
        }
        let fresh = Self::since(now, estimate.updated) < since_change.saturating_sub(SETTLE);
        let patience = match estimate.source {
            Source::Packets | Source::Nothing if capacity.is_some() => PATIENCE_DOUBT,
            Source::Packets | Source::Nothing => PATIENCE,
            Source::Remb | Source::Reports => PATIENCE_REPORTS,
        };
        if estimate.state == LinkState::Overused && since_change >= patience && fresh {
            return budget.one_down(at);
        }
        None
    }

    /// Nothing spoke for the last climb, and now something speaks against it: its keyframe took
    /// too long.
    fn failed_trial(
        &self,
        now: Instant,
        budget: &Budget<'_>,
        at: &[usize],
        estimate: &Estimate,
    ) -> Option<Vec<usize>> {
        let climb =
            self.last_climb.as_ref().filter(|climb| climb.trial && Some(climb.at) == self.last_change)?;
        if estimate.source != Source::Packets {
            return None;
        }
        let capacity = u64::from(estimate.capacity?.kbps());
        let too_little = budget.total(at) > capacity && now.saturating_duration_since(climb.at) < TRIAL;
        let target = budget.allocate(capacity * DOWN_PERCENT / 100, at);
        (too_little && target != at).then_some(target)
    }

    fn went_down(&mut self, now: Instant) {
        if Self::since(now, self.last_climb.as_ref().map(|climb| climb.at)) < FAILED_WITHIN {
            let again = Self::since(now, self.last_failure) < FORGIVEN;
            self.hold_off = if again { (self.hold_off * 2).min(HOLD_OFF_MAX) } else { HOLD_OFF * 2 };
            self.last_failure = Some(now);
            self.held_until = now + self.hold_off;
        } else {
            self.held_until = self.held_until.max(now + HOLD_OFF);
        }
        self.last_change = Some(now);
        self.unknown_since = now;
        self.carried.clear();
    }

    /// One rung up, if the time has come, and whether it is a trial.
    fn climb(
        &self,
        now: Instant,
        budget: &Budget<'_>,
        at: &[usize],
        estimate: &Estimate,
    ) -> Option<(Vec<usize>, bool)> {
        let too_soon = now < self.held_until || Self::since(now, self.last_change) < SPACING;
        if too_soon || estimate.loss > LOSS_CLIMB || estimate.source == Source::Nothing {
            return None;
        }
        let target = budget.one_up(at)?;
        let need = budget.total(&target);
        let long_enough =
            self.carried.front().is_some_and(|(first, _)| now.saturating_duration_since(*first) >= EVIDENCE);
        let known = self.carried.iter().filter_map(|(_, kbps)| *kbps);
        if let Some(least) = known.min() {
            let enough = u64::from(least) * UP_PERCENT / 100 >= need;
            return (long_enough && enough).then_some((target, false));
        }
        let busy = u64::from(estimate.sent.kbps()) * 10 >= budget.total(at) * 4;
        let unknown = now.saturating_duration_since(self.unknown_since);
        let tried = match estimate.source {
            Source::Nothing => false,
            // Its keyframe will tell.
            Source::Packets => unknown >= if busy { TRIAL } else { TRIAL_IDLE },
            // Seconds pass before anything is told; what is not sent is not told of at all.
            Source::Remb | Source::Reports => {
                busy && unknown.min(Self::since(now, self.last_change)) >= TRIAL
            }
        };
        tried.then_some((target, true))
    }
}

/// The rung that a picture is on, or has to be on by choice.
fn standing(picture: &Picture<'_>) -> usize {
    let last = picture.rungs.len().saturating_sub(1);
    match picture.choice {
        Choice::Automatic => picture.rung.min(last),
        Choice::Fixed(rung) => rung.min(last),
    }
}

/// What is shared out.
struct Budget<'a> {
    pictures: &'a [Picture<'a>],
    sound: Bitrate,
}

impl Budget<'_> {
    fn kbps(&self, picture: usize, rung: usize) -> u64 {
        let rungs = self.pictures.get(picture).map_or(&[][..], |picture| picture.rungs);
        rungs.get(rung).map_or(0, |rate| u64::from(rate.kbps()))
    }

    /// What all takes on the wire, in kbit/s.
    fn total(&self, rungs: &[usize]) -> u64 {
        let pictures = rungs.iter().enumerate().map(|(picture, rung)| self.kbps(picture, *rung));
        u64::from(self.sound.kbps()) + pictures.sum::<u64>() * WIRE_PERCENT / 100
    }

    /// Every picture as small as it may be.
    fn lowest(&self) -> Vec<usize> {
        let least = |picture: &Picture<'_>| match picture.choice {
            Choice::Automatic => picture.rungs.len().saturating_sub(1),
            Choice::Fixed(_) => standing(picture),
        };
        self.pictures.iter().map(least).collect()
    }

    /// The pictures that may move, with what each takes.
    fn movable(&self, rungs: &[usize], may: impl Fn(usize, usize) -> bool) -> Vec<(u64, usize)> {
        let automatic = self.pictures.iter().zip(rungs).enumerate();
        automatic
            .filter(|(index, (picture, rung))| picture.choice == Choice::Automatic && may(*index, **rung))
            .map(|(index, (_, rung))| (self.kbps(index, *rung), index))
            .collect()
    }

    /// The one that takes least, and the first of those, goes up by one.
    fn one_up(&self, rungs: &[usize]) -> Option<Vec<usize>> {
        let (_, picture) = self.movable(rungs, |_, rung| rung > 0).into_iter().min()?;
        moved(rungs, picture, |rung| rung.saturating_sub(1))
    }

    /// The one that takes most, and the last of those, goes down by one.
    fn one_down(&self, rungs: &[usize]) -> Option<Vec<usize>> {
        let lowest = self.lowest();
        let may = |picture: usize, rung: usize| lowest.get(picture).is_some_and(|last| rung < *last);
        let (_, picture) = self.movable(rungs, may).into_iter().max()?;
        moved(rungs, picture, |rung| rung + 1)
    }

    /// What fits into so much, nothing above where it is: from the lowest up, the one that takes
    /// least first. Ends where the next does not fit, so that more room never means less for one.
    fn allocate(&self, kbps: u64, at: &[usize]) -> Vec<usize> {
        let mut rungs = self.lowest();
        loop {
            let below = |picture: usize, rung: usize| at.get(picture).is_some_and(|limit| rung > *limit);
            let next = self.movable(&rungs, below).into_iter().min();
            let Some(higher) =
                next.and_then(|(_, picture)| moved(&rungs, picture, |rung| rung.saturating_sub(1)))
            else {
                return rungs;
            };
            if self.total(&higher) > kbps {
                return rungs;
            }
            rungs = higher;
        }
    }
}

fn moved(rungs: &[usize], picture: usize, step: impl Fn(usize) -> usize) -> Option<Vec<usize>> {
    let mut rungs = rungs.to_vec();
    let rung = rungs.get_mut(picture)?;
    *rung = step(*rung);
    Some(rungs)
}
