//! The frames since the last keyframe: what a viewer that joins now can begin with at once.
//!
//! Bounded: a keyframe that is too large, or too much behind it, and nothing is kept before the
//! next one. A viewer that joins then waits for a keyframe of its own, as without all this.

use super::frame::Frame;
use std::sync::Arc;
use std::time::Duration;

/// The most frames, the keyframe among them: what a browser decodes in a tenth of a second or two.
const MAX_FRAMES: usize = 20;
/// A larger keyframe is not kept.
const MAX_KEYFRAME: usize = 1024 * 1024;
/// The most bytes behind the keyframe, unless it has itself more: sending these is then no worse
/// for a link than another keyframe.
const MAX_BEHIND: usize = 128 * 1024;
/// From one to the next, as a viewer that joins is told: see [`Start::times`].
const STEP: Duration = Duration::from_millis(1);
/// What an encoder's delay may differ by from one frame to the next.
const LAG_MARGIN: Duration = Duration::from_millis(5);

#[derive(Debug, Default)]
pub(super) struct Recent {
    frames: Vec<Arc<Frame>>,
    keyframe_bytes: usize,
    bytes_behind: usize,
    /// How old the last one was when it came.
    lag: Duration,
}

/// What a viewer begins with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) frames: Vec<Arc<Frame>>,
    lag: Duration,
}

impl Recent {
    /// A frame goes out to the viewers at `now`, on the common clock.
    pub(super) fn push(&mut self, frame: &Arc<Frame>, now: Duration) {
        if frame.keyframe {
            self.clear();
            if frame.len() > MAX_KEYFRAME {
                return;
            }
            self.keyframe_bytes = frame.len();
        } else {
            let Some(last) = self.frames.last() else { return };
            self.bytes_behind += frame.len();
            let too_much = self.frames.len() >= MAX_FRAMES
                || self.bytes_behind > MAX_BEHIND.max(self.keyframe_bytes)
                || last.stream != frame.stream;
            if too_much {
                return self.clear();
            }
        }
        self.lag = now.saturating_sub(frame.time);
        self.frames.push(Arc::clone(frame));
    }

    /// A stream has ended: what it showed last is not to be shown any more.
    pub(super) fn ended(&mut self, stream: u32) {
        if self.frames.last().is_some_and(|last| last.stream == stream) {
            self.clear();
        }
    }

    /// Keeps nothing.
    pub(super) fn clear(&mut self) {
        // The memory goes too: a fan-out outlives its encoders.
        *self = Self::default();
    }

    /// What a viewer begins with that has been sent everything up to frame `sent` of a stream;
    /// `None`: it needs a keyframe to come.
    pub(super) fn start(&self, sent: Option<(u32, u64)>) -> Option<Start> {
        let first = self.frames.first()?;
        let from = match sent {
            Some((stream, number)) if stream == first.stream && number >= first.number => number + 1,
            Some(_) | None => first.number,
        };
        let frames = self.frames.iter().filter(|frame| frame.number >= from).cloned().collect();
        Some(Start { frames, lag: self.lag })
    }
}

impl Start {
    /// The times to give the frames when they are sent at `now`: one after the other in a short
    /// time, as if the last had been captured just now. A browser takes the first frames that it
    /// gets for the measure of how late frames are. With their own times these would be late by up to
    /// the age of the keyframe, those that follow would be early, and be held back. None is before
    /// `after`, the time of the last frame that the viewer has.
    pub(super) fn times(&self, now: Duration, after: Duration) -> impl Iterator<Item = Duration> {
        let last = self.frames.last().map_or(Duration::ZERO, |frame| frame.time);
        // Not later than that: a frame that is being encoded has to come after it.
        let last = last.max(now.saturating_sub(self.lag + LAG_MARGIN)).max(after);
        let count = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        let step = STEP.min((last - after) / count.max(1));
        (0..count).rev().map(move |before| last.saturating_sub(step * before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, keyframe: bool, bytes: usize) -> Arc<Frame> {
        let mut frame = Frame::default();
        (frame.number, frame.keyframe, frame.stream) = (number, keyframe, 1);
        frame.time = Duration::from_millis(33 * number);
        frame.add(&vec![0; bytes]);
        Arc::new(frame)
    }

    fn numbers(start: Option<Start>) -> Option<Vec<u64>> {
        start.map(|start| start.frames.iter().map(|frame| frame.number).collect())
    }

    /// A keyframe numbered 10 of 40 kB, and so many frames behind it.
    fn filled(behind: u64, bytes: usize) -> Recent {
        let mut recent = Recent::default();
        for number in 10..=10 + behind {
            let frame = frame(number, number == 10, if number == 10 { 40_000 } else { bytes });
            recent.push(&frame, frame.time + Duration::from_millis(20));
        }
        recent
    }

    #[test]
    fn a_viewer_begins_with_the_last_keyframe_and_all_behind_it() {
        assert_eq!(numbers(Recent::default().start(None)), None);
        assert_eq!(numbers(filled(3, 100).start(None)), Some(vec![10, 11, 12, 13]));
        let mut recent = filled(3, 100);
        recent.push(&frame(14, true, 100), Duration::ZERO);
        assert_eq!(numbers(recent.start(None)), Some(vec![14]));
    }

    #[test]
    fn what_was_sent_before_is_not_sent_again() {
        let recent = filled(3, 100);
        for (sent, rest) in [((1, 9), vec![10, 11, 12, 13]), ((1, 11), vec![12, 13]), ((1, 13), vec![])] {
            assert_eq!(numbers(recent.start(Some(sent))), Some(rest));
        }
        assert_eq!(numbers(recent.start(Some((2, 11)))), Some(vec![10, 11, 12, 13]), "another stream's");
    }

    #[test]
    fn too_much_is_not_kept_and_the_next_keyframe_begins_anew() {
        assert!(filled(19, 100).start(None).is_some());
        assert!(filled(20, 100).start(None).is_none(), "frames");
        assert!(filled(13, 10_000).start(None).is_some());
        let mut recent = filled(14, 10_000);
        assert!(recent.start(None).is_none(), "bytes");
        recent.push(&frame(40, false, 1), Duration::ZERO);
        assert!(recent.start(None).is_none(), "a frame that nothing precedes");
        recent.push(&frame(41, true, 1), Duration::ZERO);
        assert_eq!(numbers(recent.start(None)), Some(vec![41]));
        recent.push(&frame(42, true, MAX_KEYFRAME + 1), Duration::ZERO);
        assert!(recent.start(None).is_none(), "a keyframe that is too large");
        recent.push(&frame(43, true, 1), Duration::ZERO);
        recent.ended(2);
        assert!(recent.start(None).is_some(), "another's end");
        recent.ended(1);
        assert!(recent.start(None).is_none(), "the stream has ended");
    }

    #[test]
    fn the_burst_looks_like_frames_captured_just_now() {
        let ms = Duration::from_millis;
        let after =
            |recent: &Recent, now, after| recent.start(None).unwrap().times(now, after).collect::<Vec<_>>();
        let times = |recent: &Recent, now| after(recent, now, Duration::ZERO);
        // The last was captured at 429 ms and came 20 ms later.
        let recent = filled(3, 100);
        assert_eq!(times(&recent, ms(450)), [ms(426), ms(427), ms(428), ms(429)]);
        // Nothing has changed on the screen for long: it is sent as if it had just been looked at.
        assert_eq!(times(&recent, ms(9_000)), [ms(8_972), ms(8_973), ms(8_974), ms(8_975)]);
        // Time goes on from what the viewer has seen of another rendition.
        assert_eq!(after(&recent, ms(450), ms(425)), [ms(426), ms(427), ms(428), ms(429)]);
        assert_eq!(
            after(&recent, ms(450), ms(427)),
            [427_500, 428_000, 428_500, 429_000].map(Duration::from_micros)
        );
        assert_eq!(after(&recent, ms(450), ms(440)), [ms(440); 4]);
    }
}
