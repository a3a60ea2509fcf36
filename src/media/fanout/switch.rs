//! From which rung a viewer's track gets its frames, and how it goes over to another.
//!
//! Frames of the present rung pass until a keyframe of the next one has come: then that is the
//! present one. Plain bookkeeping, beside the rewriter and behind the same lock.

use super::super::Rung;
use std::time::Duration;

/// A rung that has sent nothing for so long is not there, or no more.
const SILENT: Duration = Duration::from_secs(1);

/// On the way down, so long no keyframe passes but the next rung's: where the present rung is too
/// much already, another keyframe of it would stand in the way.
const WAY_DOWN: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Switch {
    /// Its frames pass.
    present: Option<Rung>,
    /// Its frames pass from a keyframe on.
    next: Option<Next>,
}

#[derive(Debug)]
struct Next {
    rung: Rung,
    /// When its last frame was captured.
    seen: Option<Duration>,
    /// When the first frame since the way to it began was captured, of whatever rung.
    since: Option<Duration>,
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may pass.
    Taken,
    /// It is another rung's.
    NotForIt,
    /// It is left out, and with it all that builds on it.
    TooMuch,
}

impl Switch {
    /// A rung's frames come from now on. Whether it is the first of this track, or of one that was
    /// paused: then what passes has to begin anew.
    pub(super) fn enter(&mut self, rung: Rung) -> bool {
        if self.present == Some(rung) {
            // Back to what it was about to leave.
            self.next = None;
            return false;
        }
        if self.next.as_ref().is_none_or(|next| next.rung != rung) {
            self.next = Some(Next { rung, seen: None, since: None });
        }
        self.present.is_none()
    }

    /// Whether nothing passes, not even until the next rung's keyframe.
    pub(super) fn is_paused(&self) -> bool {
        self.present.is_none()
    }

    /// A rung's frames come no more.
    pub(super) fn leave(&mut self, rung: Rung) {
        if self.present == Some(rung) {
            self.present = None;
        }
        if self.next.as_ref().is_some_and(|next| next.rung == rung) {
            self.next = None;
        }
    }

    /// What becomes of a frame of this rung; `time` is when it was captured.
    pub(super) fn admits(&mut self, rung: Rung, keyframe: bool, time: Duration) -> Admission {
        let present = self.present == Some(rung);
        if let Some(next) = &mut self.next {
            let since = *next.since.get_or_insert(time);
            if next.rung == rung {
                next.seen = Some(time);
                return Admission::Taken;
            }
            if present && keyframe && rung < next.rung && time.saturating_sub(since) < WAY_DOWN {
                return Admission::TooMuch;
            }
        }
        if present { Admission::Taken } else { Admission::NotForIt }
    }

    /// A frame of this rung has passed. Whether it is the first.
    pub(super) fn passed(&mut self, rung: Rung) -> bool {
        let switched = self.next.as_ref().is_some_and(|next| next.rung == rung);
        if switched {
            self.present = Some(rung);
            self.next = None;
        }
        switched
    }

    /// The rungs whose encoders are to be asked for a keyframe, at this time: the next one's, and
    /// as long as that one sends nothing, the present one's too.
    pub(super) fn asked(&self, now: Duration) -> impl Iterator<Item = Rung> {
        let next = self.next.as_ref();
        let is_there = next.and_then(|next| next.seen).is_some_and(|seen| now.saturating_sub(seen) < SILENT);
        let way_down = next.is_some_and(|next| {
            self.present.is_some_and(|present| present < next.rung)
                && next.since.is_none_or(|since| now.saturating_sub(since) < WAY_DOWN)
        });
        let present = if is_there || way_down { None } else { self.present };
        next.map(|next| next.rung).into_iter().chain(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn admits(switch: &mut Switch, rung: Rung, now: Duration) -> bool {
        switch.admits(rung, false, now) == Admission::Taken
    }

    fn asked(switch: &Switch, now: Duration) -> Vec<Rung> {
        switch.asked(now).collect()
    }

    #[test]
    fn the_present_rung_passes_until_the_next_has() {
        let mut switch = Switch::default();
        assert!(!admits(&mut switch, 0, NOW));
        assert!(switch.enter(0));
        assert!(admits(&mut switch, 0, NOW) && switch.passed(0) && !switch.passed(0));
        assert!(!switch.enter(2));
        assert!(admits(&mut switch, 0, NOW) && !switch.passed(0));
        assert!(admits(&mut switch, 2, NOW) && switch.passed(2));
        assert!(!admits(&mut switch, 0, NOW) && admits(&mut switch, 2, NOW));
        switch.leave(0);
        assert!(admits(&mut switch, 2, NOW));
    }

    #[test]
    fn who_turns_back_goes_on_as_before() {
        let mut switch = Switch::default();
        switch.enter(0);
        switch.passed(0);
        switch.enter(1);
        switch.leave(1);
        assert!(!admits(&mut switch, 1, NOW) && admits(&mut switch, 0, NOW));
        switch.enter(1);
        assert!(!switch.enter(0));
        assert!(!admits(&mut switch, 1, NOW) && admits(&mut switch, 0, NOW));
    }

    #[test]
    fn what_was_paused_begins_anew() {
        let mut switch = Switch::default();
        switch.enter(0);
        switch.passed(0);
        switch.leave(0);
        assert!(!admits(&mut switch, 0, NOW));
        assert!(switch.enter(1));
        assert!(!admits(&mut switch, 0, NOW) && admits(&mut switch, 1, NOW) && switch.passed(1));
    }

    #[test]
    fn a_keyframe_is_asked_of_the_next_and_of_the_present_only_while_that_is_silent() {
        let mut switch = Switch::default();
        assert!(asked(&switch, NOW).is_empty());
        switch.enter(1);
        assert_eq!(asked(&switch, NOW), [1]);
        switch.passed(1);
        switch.enter(0);
        assert_eq!(asked(&switch, NOW), [0, 1]);
        admits(&mut switch, 0, NOW);
        assert_eq!(asked(&switch, NOW + SILENT / 2), [0]);
        assert_eq!(asked(&switch, NOW + SILENT), [0, 1]);
        switch.passed(0);
        assert_eq!(asked(&switch, NOW), [0]);
    }

    #[test]
    fn on_the_way_down_no_keyframe_of_the_larger_one_passes_nor_is_asked_for() {
        let mut switch = Switch::default();
        switch.enter(0);
        switch.passed(0);
        assert_eq!(switch.admits(0, true, NOW), Admission::Taken);
        switch.enter(2);
        assert_eq!(switch.admits(0, false, NOW), Admission::Taken, "what builds on what has come");
        assert_eq!(switch.admits(0, true, NOW + WAY_DOWN / 2), Admission::TooMuch);
        assert_eq!(asked(&switch, NOW + WAY_DOWN / 2), [2]);
        // The next one does not come.
        assert_eq!(switch.admits(0, true, NOW + WAY_DOWN), Admission::Taken);
        assert_eq!(asked(&switch, NOW + WAY_DOWN), [2, 0]);
        // On the way up it is as good as any.
        switch.enter(2);
        switch.passed(2);
        switch.enter(0);
        assert_eq!(switch.admits(2, true, NOW), Admission::Taken);
    }
}
