//! When a screen is looked at, and which of its pictures are worth encoding.
//!
//! A screen changes when it likes. Looked at by a timer, a change waits half an interval for its
//! turn, and a screen that stands still is encoded for nothing. So it is looked at when it changes,
//! within a budget of frames; for a moment after that, so that the encoder makes the picture sharp;
//! and then once in a while. Owns these decisions; waits for nothing and reads no clock.

use super::rate::TokenBucket;
use super::units::FrameRate;
use std::time::{Duration, Instant};

/// From the first sign of a change to the look: a program draws in more than one request.
const SETTLE: Duration = Duration::from_millis(1);
/// Signs that are closer together are of one change.
const ONE_CHANGE: Duration = Duration::from_millis(4);
/// How many looks may have been saved up in quiet times.
const BURST: u32 = 2;
/// Two intervals between changes that differ by no more than this make a rhythm.
const STEADY: Duration = Duration::from_millis(4);
/// How late the next change of a rhythm may be.
const LATE: Duration = Duration::from_millis(3);
/// An encoder spends on each frame what its bitrate allows, so a picture that has changed becomes
/// sharp with the frames that follow it: after a small change so many, ...
const FEWEST_REFINEMENTS: u32 = 4;
/// ... and after a change of half the picture or more as many as the budget has in this time.
const REFINE_FOR: Duration = Duration::from_millis(900);
/// They begin when nothing has changed for so long: no change that comes at some rate waits for the
/// budget because of them.
const STILL_AFTER: Duration = Duration::from_millis(70);
/// They are no closer than this, whatever the budget.
const REFINE_EVERY: Duration = Duration::from_millis(16);
/// Between pictures of a screen that stands still.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// For so long after a change a screen that tells nothing is looked at twice in a frame's time.
const LIVELY: Duration = Duration::from_secs(2);

/// Says when to look at a screen and what to encode of what was seen.
///
/// [`next_look`](Self::next_look), then [`look`](Self::look) as the picture is taken, then
/// [`seen`](Self::seen) with what it shows; [`changed`](Self::changed) at any time between.
#[derive(Debug, Clone)]
pub struct Pacer {
    /// Between two frames of the budget.
    interval: Duration,
    budget: TokenBucket,
    /// Whether somebody tells of changes. If not, only looking shows them.
    told: bool,
    /// The change that has not been looked at; its latest, where the budget held more of them back.
    pending: Option<Change>,
    /// The latest sign of a change, looked at or not.
    last_sign: Option<Instant>,
    rhythm: Rhythm,
    last_look: Option<Instant>,
    /// When the picture that was encoded last was taken.
    last_sent: Option<Instant>,
    last_difference: Option<Instant>,
    refinements: u32,
}

/// A change that has not been looked at.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: Instant,
    /// When it came there was no frame left for it.
    held: bool,
}

/// The last two intervals between changes.
#[derive(Debug, Clone, Copy, Default)]
struct Rhythm {
    last: Option<Instant>,
    intervals: [Option<Duration>; 2],
}

impl Rhythm {
    fn beat(&mut self, now: Instant) {
        let interval = self.last.map(|last| now.saturating_duration_since(last));
        self.intervals = [interval, self.intervals[0]];
        self.last = Some(now);
    }

    /// When the next change is to be expected, if they come at equal intervals.
    fn next(&self) -> Option<Instant> {
        let [Some(new), Some(old)] = self.intervals else { return None };
        (new.abs_diff(old) <= STEADY).then_some(self.last? + new.min(old))
    }
}

impl Pacer {
    /// For a screen of which at most `budget` pictures a second are to be encoded.
    #[must_use]
    pub fn new(budget: FrameRate) -> Self {
        let interval = Duration::from_secs_f64(1.0 / budget.as_f64().max(0.1));
        Self {
            interval,
            budget: TokenBucket::new(BURST, interval),
            told: false,
            pending: None,
            last_sign: None,
            rhythm: Rhythm::default(),
            last_look: None,
            last_sent: None,
            last_difference: None,
            refinements: 0,
        }
    }

    /// Between two frames of the budget.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether changes are told from now on. What has changed before is not known: it counts as
    /// one change.
    pub fn tell(&mut self, told: bool, now: Instant) {
        self.told = told;
        self.changed(now);
    }

    /// There is a sign that the screen has changed.
    pub fn changed(&mut self, now: Instant) {
        let same = self.last_sign.is_some_and(|last| now.saturating_duration_since(last) < ONE_CHANGE);
        self.last_sign = Some(now);
        if !same {
            self.rhythm.beat(now);
        }
        // The look may have come in the middle of a change.
        if !same || self.pending.is_none() {
            self.pending = Some(Change { at: now, held: self.budget.check(now + SETTLE).is_err() });
        }
    }

    /// Somebody begins anew with a keyframe: that, too, is to become sharp.
    pub fn requested(&mut self) {
        self.refinements = self.refinements_after(1.0);
    }

    /// How many frames make a picture sharp of which that share has changed.
    fn refinements_after(&self, share: f64) -> u32 {
        let most = REFINE_FOR.as_secs_f64() / self.refine_every().as_secs_f64();
        let wanted = f64::from(FEWEST_REFINEMENTS) + 2.0 * share * most;
        self.refinements.max(wanted.min(most) as u32)
    }

    fn refine_every(&self) -> Duration {
        REFINE_EVERY.max(self.interval)
    }

    /// When to look, as things stand; not after [`KEEP_ALIVE`] from the last look.
    #[must_use]
    pub fn next_look(&self, now: Instant) -> Instant {
        let Some(last_look) = self.last_look else { return now };
        let allowed = self.budget.check(now).map_or_else(|wait| now + wait, |()| now);
        let mut due = self.repeat_at(last_look);
        if !self.told {
            due = due.min(last_look + self.poll_interval(last_look));
        }
        let due = due.max(allowed);
        match self.pending {
            Some(change) => due.min(self.look_for(change, allowed)),
            None => due,
        }
    }

    /// When to look for a change. One that the budget has held back is passed over where the next of
    /// a rhythm is to be expected within a frame's time: that picture is as young as can be and shows
    /// both, and what was saved makes up for looks that come late. Otherwise one late look would make
    /// all those after it as late, where there are more changes than the budget has frames.
    fn look_for(&self, change: Change, allowed: Instant) -> Instant {
        match self.rhythm.next() {
            _ if !change.held => change.at + SETTLE,
            Some(next) if next <= change.at + self.interval => allowed.max(next + LATE),
            _ => allowed,
        }
    }

    /// When a picture is due of a screen that stands still.
    fn repeat_at(&self, last_look: Instant) -> Instant {
        let last_sent = self.last_sent.unwrap_or(last_look);
        if self.refinements == 0 {
            return last_sent + KEEP_ALIVE.max(self.interval);
        }
        let refinement = last_sent + self.refine_every();
        self.last_difference.map_or(refinement, |last| refinement.max(last + STILL_AFTER))
    }

    fn poll_interval(&self, now: Instant) -> Duration {
        let lively = self.last_difference.is_some_and(|last| now.saturating_duration_since(last) < LIVELY);
        if lively { self.interval / 2 } else { self.interval }
    }

    /// The picture is being taken now.
    pub fn look(&mut self, now: Instant) {
        self.pending = None;
        self.last_look = Some(now);
        if self.told {
            // It is looked at no earlier than there is one; if it is, the next will wait.
            let _ = self.budget.take(now);
        }
    }

    /// What the last look has shown. True: it is to be encoded. `share`: how much of it differs from
    /// the last that was, from 0 to 1.
    #[must_use]
    pub fn seen(&mut self, share: f64, now: Instant) -> bool {
        let taken = *self.last_look.get_or_insert(now);
        let repeated = self.last_sent.is_none() || taken >= self.repeat_at(taken);
        if share > 0.0 {
            self.refinements = self.refinements_after(share);
            self.last_difference = Some(taken);
        } else if repeated {
            self.refinements = self.refinements.saturating_sub(1);
        } else {
            return false;
        }
        self.last_sent = Some(taken);
        if !self.told {
            let _ = self.budget.take(taken);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A screen whose changes come at `changes`, in microseconds, looked at for `length`. Says when
    /// pictures were taken, and which of them were encoded.
    fn play(pacer: &mut Pacer, start: Instant, changes: &[u64], length: Duration) -> Vec<(Duration, bool)> {
        play_late(pacer, start, changes, length, awake)
    }

    /// Nothing wakes up at the very moment.
    fn awake(_: Duration) -> Duration {
        Duration::from_micros(80)
    }

    /// The same on a machine that looks that late.
    fn play_late(
        pacer: &mut Pacer,
        start: Instant,
        changes: &[u64],
        length: Duration,
        late: impl Fn(Duration) -> Duration,
    ) -> Vec<(Duration, bool)> {
        let mut changes = changes.iter().map(|us| start + Duration::from_micros(*us)).peekable();
        let (mut now, mut fresh) = (start, pacer.last_look.is_none());
        let mut looks = Vec::new();
        loop {
            let due = pacer.next_look(now).max(now);
            if due.min(changes.peek().copied().unwrap_or(due)) >= start + length {
                return looks;
            }
            if let Some(change) = changes.next_if(|change| *change <= due) {
                now = change.max(now);
                fresh = true;
                if pacer.told {
                    pacer.changed(now);
                }
                continue;
            }
            now = now.max(due + late(due - start));
            if pacer.next_look(now) > now {
                // Asked again when it wakes up, it may say something else.
                continue;
            }
            pacer.look(now);
            let share = if std::mem::take(&mut fresh) { 1.0 } else { 0.0 };
            let sent = pacer.seen(share, now);
            looks.push((now - start, sent));
            now += Duration::from_micros(1);
        }
    }

    fn told(fps: u32, start: Instant) -> Pacer {
        let mut pacer = Pacer::new(FrameRate::whole(fps));
        pacer.tell(true, start);
        pacer
    }

    /// Past the first picture's refinement.
    fn quiet(start: Instant) -> (Pacer, Instant) {
        let mut pacer = told(30, start);
        play(&mut pacer, start, &[], ms(5000));
        (pacer, start + ms(5000))
    }

    /// How old the newest change is in each picture after the first second.
    fn ages(fps: u32, changes: &[u64], late: impl Fn(Duration) -> Duration) -> Vec<Duration> {
        let start = Instant::now();
        let looks = play_late(&mut told(fps, start), start, changes, ms(10_000), late);
        let looks = looks.into_iter().map(|(at, _)| at).filter(|at| *at > ms(1000));
        let age = |at: Duration| {
            let past = changes.iter().map(|us| Duration::from_micros(*us)).filter(|change| *change <= at);
            past.max().map(|change| at - change)
        };
        looks.filter_map(age).collect()
    }

    fn steady(hz: f64) -> Vec<u64> {
        (0..).map(|index| (f64::from(index) * 1e6 / hz) as u64).take_while(|us| *us < 10_000_000).collect()
    }

    #[test]
    fn the_first_change_after_a_quiet_time_is_looked_at_at_once() {
        let (mut pacer, now) = quiet(Instant::now());
        pacer.changed(now);
        assert_eq!(pacer.next_look(now), now + SETTLE);
        pacer.look(now + SETTLE);
        assert!(pacer.seen(1.0, now + SETTLE));
        // And so is the next.
        pacer.changed(now + ms(8));
        assert_eq!(pacer.next_look(now + ms(8)), now + ms(8) + SETTLE);
    }

    #[test]
    fn a_screen_that_stands_still_is_refined_within_a_second_and_then_kept_alive() {
        let start = Instant::now();
        let looks = play(&mut told(30, start), start, &[], ms(11_000));
        assert!(looks.iter().all(|(_, sent)| *sent), "no look is for nothing");
        let before = |end| looks.iter().filter(|(at, _)| *at < end).count();
        // The first picture, and one look more for what may have changed before the telling began.
        assert_eq!(before(ms(1000)), 1 + 27, "{looks:?}");
        assert_eq!(looks.len() - before(ms(1000)), 10, "{looks:?}");
    }

    #[test]
    fn a_request_refines_again() {
        let (mut pacer, now) = quiet(Instant::now());
        pacer.requested();
        let looks = play(&mut pacer, now, &[], ms(1000));
        assert_eq!(looks.len(), 27, "{looks:?}");
    }

    #[test]
    fn a_small_change_is_refined_with_few_frames() {
        let (mut pacer, now) = quiet(Instant::now());
        pacer.changed(now);
        pacer.look(now);
        assert!(pacer.seen(0.001, now));
        let looks = play(&mut pacer, now, &[], ms(900));
        assert_eq!(looks.len(), 4, "{looks:?}");
    }

    #[test]
    fn pictures_are_young_whatever_the_rate_of_the_changes() {
        for hz in [24.0, 25.0, 29.97, 30.0, 31.0, 40.0, 50.0, 60.0, 75.0] {
            let mut ages = ages(30, &steady(hz), awake);
            ages.sort_unstable();
            assert!(ages[ages.len() / 2] <= ms(2), "{hz} Hz: {ages:?}");
        }
    }

    #[test]
    fn late_looks_do_not_make_those_after_them_late() {
        for hz in [24.0, 30.0, 31.0, 40.0, 50.0, 60.0, 75.0] {
            // A machine that has something else to do for a moment, three times a second.
            let busy = |at: Duration| if at.as_millis() % 333 < 33 { ms(7) } else { awake(at) };
            let ages = ages(30, &steady(hz), busy);
            let late = ages.iter().filter(|age| **age > ms(5)).count();
            assert!(late * 5 < ages.len(), "{hz} Hz: {late} of {}", ages.len());
        }
    }

    #[test]
    fn the_budget_is_used_where_there_is_more_to_see() {
        for hz in [40.0, 50.0, 58.0, 60.0, 62.0, 75.0, 120.0] {
            let seen = ages(30, &steady(hz), awake).len();
            assert!(seen >= 9 * 28, "{hz} Hz: {seen} in 9 s");
        }
    }

    #[test]
    fn a_change_that_changes_nothing_is_not_encoded() {
        let (mut pacer, now) = quiet(Instant::now());
        let just_sent = pacer.last_sent.unwrap();
        pacer.changed(now);
        pacer.look(now + SETTLE);
        assert!(!pacer.seen(0.0, now + SETTLE));
        assert_eq!(pacer.next_look(now + SETTLE), just_sent + KEEP_ALIVE);
    }

    #[test]
    fn without_signs_a_lively_screen_is_looked_at_twice_as_often_as_it_is_encoded() {
        let start = Instant::now();
        let mut pacer = Pacer::new(FrameRate::whole(30));
        let looks = play(&mut pacer, start, &steady(60.0), ms(4000));
        let sent = looks.iter().filter(|(_, sent)| *sent).count();
        assert!((118..=122).contains(&sent), "{sent}");
        let looks = play(&mut pacer, start + ms(4000), &[], ms(9000));
        let sent = looks.iter().filter(|(_, sent)| *sent).count();
        assert!(sent <= 9 + 29, "{sent}");
        let late = looks.iter().filter(|(at, _)| *at > ms(4000)).count();
        assert!((145..=157).contains(&late), "{late}");
    }

    proptest! {
        #[test]
        fn the_budget_holds_and_no_change_waits_for_long(
            fps in 1u32..=120,
            mut changes in proptest::collection::vec(0u64..6_000_000, 0..400),
        ) {
            changes.sort_unstable();
            let start = Instant::now();
            let interval = Duration::from_secs_f64(1.0 / f64::from(fps));
            let looks = play(&mut told(fps, start), start, &changes, ms(9000));
            // Any run of looks takes the time that the budget gives it.
            for (from, (first, _)) in looks.iter().enumerate() {
                for (count, (last, _)) in looks.iter().enumerate().skip(from + BURST as usize + 1) {
                    let spare = (count - from + 1).saturating_sub(BURST as usize + 1);
                    prop_assert!(*last - *first + ms(1) >= interval * u32::try_from(spare).unwrap());
                }
            }
            for change in changes {
                let change = Duration::from_micros(change);
                let seen = looks.iter().map(|(at, _)| *at).find(|at| *at >= change).unwrap();
                prop_assert!(seen - change <= interval * 2 + ONE_CHANGE + LATE);
            }
            for pair in looks.windows(2) {
                prop_assert!(pair[1].0 - pair[0].0 <= KEEP_ALIVE.max(interval) + ms(1));
            }
        }
    }
}
