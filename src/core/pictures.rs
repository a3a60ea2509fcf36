//! Pictures over the WebSocket: when the next is sent, and how large it is.
//!
//! One is on its way at a time; the time until the client has seen it says what the link carries. Time is an
//! argument; what a picture is, and where it goes, is not known here.

use super::units::Size;
use std::time::{Duration, Instant};

/// How wide pictures are at most: a step for each, the best first.
pub const WIDTHS: [u32; 3] = [1280, 640, 320];
/// The step of a client of whose link nothing is known.
const FIRST_STEP: usize = 1;
/// A picture that takes longer is too large for the link.
const SLOW: Duration = Duration::from_millis(400);
/// One that takes less leaves room for the next step, which has up to four times as many pixels.
const FAST: Duration = Duration::from_millis(120);
/// All pictures of so much time were fast before a larger one is tried.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same once larger ones were tried in vain again and again.
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
/// Too slow so soon after it was raised: the step was tried in vain.
const TRIAL: Duration = Duration::from_secs(10);

/// The one picture that is on its way.
#[derive(Debug, Clone, Default)]
pub struct Flight {
    last: u32,
    out: Option<(u32, Instant)>,
}

impl Flight {
    /// Whether the next one may go.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.out.is_none()
    }

    /// One goes, under this number; `None`: one is on its way.
    pub fn send(&mut self, now: Instant) -> Option<u32> {
        if self.out.is_some() {
            return None;
        }
        self.last = self.last.wrapping_add(1);
        self.out = Some((self.last, now));
        Some(self.last)
    }

    /// The client has seen that one. How long it took, if it is the one on its way.
    pub fn seen(&mut self, now: Instant, number: u32) -> Option<Duration> {
        let (_, sent) = self.out.filter(|(out, _)| *out == number)?;
        self.out = None;
        Some(now.saturating_duration_since(sent))
    }

    /// What was on its way has not left.
    pub fn recall(&mut self) {
        self.out = None;
    }
}

/// The pictures of one source for one client.
#[derive(Debug, Clone)]
pub struct Pacer {
    flight: Flight,
    /// The best step that the client asks for.
    best: usize,
    step: usize,
    fast_since: Option<Instant>,
    raised: Option<Instant>,
    patience: Duration,
}

impl Pacer {
    /// For a client that wants them so wide at most.
    #[must_use]
    pub fn new(width: Option<u32>) -> Self {
        let best = best_step(width);
        Self {
            flight: Flight::default(),
            best,
            step: FIRST_STEP.max(best),
            fast_since: None,
            raised: None,
            patience: PATIENCE,
        }
    }

    /// The client wants them so wide at most from now on.
    pub fn limit(&mut self, width: Option<u32>) {
        self.best = best_step(width);
        self.step = self.step.max(self.best);
    }

    /// How wide the next one is at most.
    #[must_use]
    pub fn width(&self) -> u32 {
        WIDTHS.get(self.step).copied().unwrap_or(320)
    }

    /// Whether the next one may go.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.flight.is_free()
    }

    /// One goes, under this number; `None`: one is on its way.
    pub fn send(&mut self, now: Instant) -> Option<u32> {
        self.flight.send(now)
    }

    /// The client has seen that one.
    pub fn seen(&mut self, now: Instant, number: u32) {
        let Some(took) = self.flight.seen(now, number) else { return };
        if took > SLOW {
            self.fast_since = None;
            if self.step + 1 < WIDTHS.len() {
                self.step += 1;
                let in_vain = self.raised.take().is_some_and(|raised| now < raised + TRIAL);
                self.patience = if in_vain { (self.patience * 2).min(LONGEST_PATIENCE) } else { PATIENCE };
            }
        } else if took > FAST {
            self.fast_since = None;
        } else {
            let since = *self.fast_since.get_or_insert(now);
            if self.step > self.best && now.saturating_duration_since(since) >= self.patience {
                self.step -= 1;
                self.raised = Some(now);
                self.fast_since = None;
            }
        }
    }

    /// What was on its way has not left.
    pub fn recall(&mut self) {
        self.flight.recall();
    }
}

fn best_step(width: Option<u32>) -> usize {
    let fits = |each: &u32| width.is_none_or(|width| *each <= width);
    WIDTHS.iter().position(fits).unwrap_or(WIDTHS.len() - 1)
}

/// The size of a picture of `source` that is at most so wide: never larger, with the same shape, and of even
/// sides.
#[must_use]
pub fn fit(source: Size, width: u32) -> Size {
    if source.width <= width {
        return source;
    }
    let height = u64::from(source.height) * u64::from(width) / u64::from(source.width.max(1));
    let height = u32::try_from(height).unwrap_or(u32::MAX) & !1;
    Size { width, height: height.max(2) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sends one and has it seen after so long.
    fn pass(pacer: &mut Pacer, now: &mut Instant, took: Duration) {
        let number = pacer.send(*now).unwrap();
        *now += took;
        pacer.seen(*now, number);
    }

    const QUICK: Duration = Duration::from_millis(50);
    const TOO_LONG: Duration = Duration::from_millis(401);

    #[test]
    fn a_slow_picture_makes_the_next_one_smaller_and_fast_ones_larger_again() {
        let (mut pacer, mut now) = (Pacer::new(None), Instant::now());
        assert_eq!(pacer.width(), 640);
        pass(&mut pacer, &mut now, TOO_LONG);
        assert_eq!(pacer.width(), 320);
        pass(&mut pacer, &mut now, TOO_LONG);
        assert_eq!(pacer.width(), 320, "it is the smallest");
        let begun = now;
        while pacer.width() == 320 {
            pass(&mut pacer, &mut now, QUICK);
        }
        assert!((PATIENCE..PATIENCE + QUICK * 3).contains(&(now - begun)), "{:?}", now - begun);
        while pacer.width() == 640 {
            pass(&mut pacer, &mut now, QUICK);
        }
        assert_eq!(pacer.width(), 1280);
    }

    #[test]
    fn what_is_tried_in_vain_is_tried_less_often() {
        let (mut pacer, mut now) = (Pacer::new(Some(1000)), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..7 {
            pass(&mut pacer, &mut now, TOO_LONG);
            assert_eq!(pacer.width(), 320);
            let begun = now;
            while pacer.width() == 320 {
                pass(&mut pacer, &mut now, QUICK);
            }
            waits.push((now - begun).as_secs());
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pacer.width(), 640, "no wider than is wanted");
    }

    #[test]
    fn a_picture_that_is_neither_fast_nor_slow_changes_nothing() {
        let (mut pacer, mut now) = (Pacer::new(None), Instant::now());
        for _ in 0..100 {
            pass(&mut pacer, &mut now, Duration::from_millis(200));
        }
        assert_eq!(pacer.width(), 640);
        assert_eq!(Pacer::new(Some(10)).width(), 320, "there is nothing smaller");
        pacer.limit(Some(400));
        assert_eq!(pacer.width(), 320);
    }

    #[test]
    fn sizes_keep_their_shape_and_never_grow() {
        let of = |width, height, most| {
            let fit = fit(Size { width, height }, most);
            (fit.width, fit.height)
        };
        assert_eq!(of(1920, 1080, 1280), (1280, 720));
        assert_eq!(of(1280, 720, 320), (320, 180));
        assert_eq!(of(500, 375, 640), (500, 375));
        assert_eq!(of(4000, 3, 320), (320, 2));
        assert_eq!(of(1366, 768, 640), (640, 358));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Send,
        Seen(u32),
        Recall,
        Limit(Option<u32>),
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Send),
            4 => (0u32..40).prop_map(Step::Seen),
            1 => Just(Step::Recall),
            1 => prop::option::of(0u32..2000).prop_map(Step::Limit),
            3 => (0u64..3000).prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn never_is_more_than_one_on_its_way_and_never_wider_than_wanted(steps in steps()) {
            let (mut pacer, mut now) = (Pacer::new(None), Instant::now());
            let (mut out, mut last, mut wanted) = (None, 0, None);
            for step in steps {
                match step {
                    Step::Send => match (pacer.send(now), out) {
                        (Some(number), None) => {
                            prop_assert!(number > last);
                            last = number;
                            out = Some((number, now));
                        }
                        (None, Some(_)) => {}
                        other => prop_assert!(false, "{other:?}"),
                    },
                    Step::Seen(number) => {
                        let before = pacer.width();
                        pacer.seen(now, number);
                        match out.filter(|(each, _)| *each == number) {
                            Some((_, sent)) => {
                                out = None;
                                if now - sent > SLOW {
                                    prop_assert!(pacer.width() < before || before == 320);
                                }
                            }
                            None => prop_assert_eq!(pacer.width(), before),
                        }
                    }
                    Step::Recall => {
                        pacer.recall();
                        out = None;
                    }
                    Step::Limit(width) => {
                        pacer.limit(width);
                        wanted = width;
                    }
                    Step::Wait(ms) => now += Duration::from_millis(ms),
                }
                prop_assert_eq!(pacer.is_free(), out.is_none());
                prop_assert!(wanted.is_none_or(|wanted: u32| pacer.width() <= wanted.max(320)));
            }
        }
    }
}
