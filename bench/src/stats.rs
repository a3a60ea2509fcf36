//! Numbers out of many: medians, percentiles, freezes.

use crate::frames::Frame;
use std::time::{Duration, Instant};

/// The value below which `share` (0 to 1) of the values are, between neighbours in proportion. NaN without any.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let below = sorted.get(at.floor() as usize).copied().unwrap_or(f64::NAN);
    let above = sorted.get(at.ceil() as usize).copied().unwrap_or(f64::NAN);
    below + (above - below) * at.fract()
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Gaps between shown frames.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Freezes {
    pub over_200_ms: u32,
    pub over_500_ms: u32,
    /// All gaps over 200 ms together.
    pub frozen: Duration,
    pub longest: Duration,
}

impl Freezes {
    /// The gaps between `from` and `to`. One that reaches over an edge counts with what lies inside,
    /// so that a viewer who never sees anything is frozen all the time.
    pub fn between(frames: &[Frame], from: Instant, to: Instant) -> Freezes {
        let mut found = Freezes::default();
        let mut last = from;
        let inside = frames.iter().map(|frame| frame.at).filter(|at| *at >= from && *at < to);
        for at in inside.chain([to]) {
            let gap = at.saturating_duration_since(last);
            last = at;
            found.longest = found.longest.max(gap);
            if gap > Duration::from_millis(200) {
                found.over_200_ms += 1;
                found.frozen += gap;
            }
            found.over_500_ms += u32::from(gap > Duration::from_millis(500));
        }
        found
    }

    /// Both viewers' together.
    pub fn and(self, other: Freezes) -> Freezes {
        Freezes {
            over_200_ms: self.over_200_ms + other.over_200_ms,
            over_500_ms: self.over_500_ms + other.over_500_ms,
            frozen: self.frozen + other.frozen,
            longest: self.longest.max(other.longest),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn frames(begin: Instant, at_ms: &[u64]) -> Vec<Frame> {
        let frame = |ms: &u64| Frame { at: begin + Duration::from_millis(*ms), size: None, latency_ms: None };
        at_ms.iter().map(frame).collect()
    }

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(quantile(&[0.0, 10.0], 0.95), 9.5);
        assert_eq!(quantile(&[7.0, f64::NAN], 1.0), 7.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn gaps_over_the_limits_are_freezes() {
        let begin = Instant::now();
        let shown = frames(begin, &[0, 33, 66, 300, 333, 900, 933]);
        let found = Freezes::between(&shown, begin, begin + Duration::from_millis(940));
        assert_eq!((found.over_200_ms, found.over_500_ms), (2, 1));
        assert_eq!(found.frozen, Duration::from_millis(234 + 567));
        assert_eq!(found.longest, Duration::from_millis(567));
    }

    #[test]
    fn only_what_lies_in_the_window_counts() {
        let begin = Instant::now();
        let shown = frames(begin, &[0, 33, 5000]);
        let second = |n| begin + Duration::from_secs(n);
        assert_eq!(Freezes::between(&shown, second(1), second(3)).longest, Duration::from_secs(2));
        assert_eq!(Freezes::between(&shown, second(0), begin + Duration::from_millis(200)).over_200_ms, 0);
        assert_eq!(Freezes::between(&[], second(1), second(3)).over_500_ms, 1);
    }
}
