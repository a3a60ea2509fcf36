//! The renditions of a picture: from what the config asks for and what the capture delivers to a
//! ladder of encodes, the best first.
//!
//! Owns sizes, rates and bit rates, and nothing that runs. Which rung a viewer is on is
//! [`super::watching`]'s and the congestion control's to say.

use super::protocol::{Codec, SourceKindName};
use super::units::{Bitrate, FrameRate, Size};
use std::fmt;
use std::time::Duration;

/// The most rungs that a ladder may have.
pub const MAX_RUNGS: usize = 5;

/// A smaller picture than this (in either orientation) is left out: nobody makes anything out on it.
const SMALLEST: Size = Size { width: 160, height: 90 };
/// The least bit rate of a rung.
const LEAST: Bitrate = Bitrate::from_kbps(50);
/// At no more frames a second than this, text is given more bits for each.
const SLOW_FPS: f64 = 8.0;
/// The same for the small picture of a screen.
const SMALL_FPS: f64 = 10.0;

/// One step of a ladder: what is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// In pixels, both sides even.
    pub size: Size,
    /// No more than the capture's.
    pub framerate: FrameRate,
    /// On average.
    pub bitrate: Bitrate,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} fps, {}", self.size, round(self.framerate.as_f64()), self.bitrate)
    }
}

/// One `[[source.rendition]]`, or one step of a default ladder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// How large.
    pub extent: Extent,
    /// At most so many frames a second.
    pub pace: Pace,
    /// With how many bits.
    pub bits: Bits,
    /// In this codec alone; `None`: in each.
    pub codec: Option<Codec>,
}

/// How large a rendition is. None is larger than the capture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extent {
    /// So large that it fits into this size, in the capture's proportions.
    Within(Size),
    /// The capture's size times this, from 0 to 1.
    Scale(f64),
}

/// How often a rendition has a picture. None has more than the capture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As often as the capture.
    Full,
    /// So many a second.
    Rate(FrameRate),
    /// Each second, third, ... of the capture's, so that there are no more than this a second.
    Divided(f64),
}

/// How many bits a rendition has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bits {
    /// So many.
    Rate(Bitrate),
    /// This part of what the picture has in full size and at full rate.
    Share(f64),
    /// What suits size and frame rate.
    Fitting,
}

/// What the capture delivers, and the bit rate that it has in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// In pixels.
    pub size: Size,
    /// Frames a second.
    pub framerate: FrameRate,
    /// Of a rendition in this size and at this rate.
    pub bitrate: Bitrate,
}

const fn default_step(scale: f64, pace: Pace, share: f64) -> Step {
    Step { extent: Extent::Scale(scale), pace, bits: Bits::Share(share), codec: None }
}

/// A screen: in full; with few pictures of full size, so that text stays sharp; small.
const SCREEN: [Step; 3] = [
    default_step(1.0, Pace::Full, 1.0),
    default_step(1.0, Pace::Divided(SLOW_FPS), 0.3),
    default_step(0.5, Pace::Divided(SMALL_FPS), 0.1),
];

/// What moves: in full, half and quarter size.
const MOVING: [Step; 3] = [
    default_step(1.0, Pace::Full, 1.0),
    default_step(0.5, Pace::Full, 0.3),
    default_step(0.25, Pace::Full, 0.1),
];

/// The ladder of a source for which the config names no rendition.
#[must_use]
pub fn default_steps(kind: SourceKindName) -> &'static [Step] {
    match kind {
        SourceKindName::Screen => &SCREEN,
        SourceKindName::Camera
        | SourceKindName::Test
        | SourceKindName::Uri
        | SourceKindName::Launch
        | SourceKindName::Audio => &MOVING,
    }
}

/// How many rungs a ladder of these steps may have in a codec.
#[must_use]
pub fn rungs_at_most(steps: &[Step], codec: Codec) -> usize {
    steps.iter().filter(|step| step.is_in(codec)).count().clamp(1, MAX_RUNGS)
}

/// The ladder in a codec: of the steps those that can be told apart and made out, by falling bit
/// rate. There is always one.
#[must_use]
pub fn ladder(steps: &[Step], codec: Codec, full: Full) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    for step in steps.iter().filter(|step| step.is_in(codec)) {
        let rung = step.resolve(full);
        if !rungs.contains(&rung) {
            rungs.push(rung);
        }
    }
    rungs.sort_by_key(|rung| std::cmp::Reverse((rung.bitrate, rung.size.pixels())));
    rungs.truncate(MAX_RUNGS);
    let best = rungs.first().copied();
    rungs.retain(|rung| !is_tiny(rung.size));
    if rungs.is_empty() {
        rungs.push(best.unwrap_or_else(|| default_step(1.0, Pace::Full, 1.0).resolve(full)));
    }
    rungs
}

impl Step {
    /// Whether it is in a codec's ladder.
    #[must_use]
    pub fn is_in(&self, codec: Codec) -> bool {
        self.codec.is_none_or(|only| only == codec)
    }

    fn resolve(&self, full: Full) -> Rung {
        let size = match self.extent {
            Extent::Scale(scale) => scaled(full.size, scale),
            Extent::Within(room) => {
                let along = f64::from(room.width) / f64::from(full.size.width.max(1));
                let across = f64::from(room.height) / f64::from(full.size.height.max(1));
                scaled(full.size, along.min(across))
            }
        };
        let framerate = match self.pace {
            Pace::Full => full.framerate,
            Pace::Rate(rate) if rate.as_f64() < full.framerate.as_f64() => rate,
            Pace::Rate(_) => full.framerate,
            Pace::Divided(most) => divided(full.framerate, most),
        };
        let kbps = f64::from(full.bitrate.kbps());
        let bitrate = match self.bits {
            Bits::Rate(bitrate) => bitrate,
            Bits::Share(share) => clamped(kbps * share),
            Bits::Fitting => {
                let pixels = size.pixels() as f64 / full.size.pixels().max(1) as f64;
                let pace = framerate.as_f64() / full.framerate.as_f64().max(f64::MIN_POSITIVE);
                clamped(kbps * (pixels * pace).powf(FEWER))
            }
        };
        Rung { size, framerate, bitrate }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.extent {
            Extent::Within(size) => write!(f, "within {size}")?,
            Extent::Scale(scale) if scale >= 1.0 => f.write_str("full size")?,
            Extent::Scale(scale) => write!(f, "{} of the size", round(scale))?,
        }
        match self.pace {
            Pace::Full => {}
            Pace::Rate(rate) => write!(f, " at {} fps", round(rate.as_f64()))?,
            Pace::Divided(most) => write!(f, " at up to {} fps", round(most))?,
        }
        match self.bits {
            Bits::Rate(bitrate) => write!(f, ", {bitrate}"),
            Bits::Share(share) if share < 1.0 => write!(f, ", {} of the bit rate", round(share)),
            Bits::Share(_) | Bits::Fitting => Ok(()),
        }
    }
}

/// To two decimals, and none that is not needed.
fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Fewer pixels a second need fewer bits, though more for each: a quarter of them 0.3 of the bits.
const FEWER: f64 = 0.87;

fn clamped(kbps: f64) -> Bitrate {
    Bitrate::from_kbps(kbps.round() as u32).max(LEAST)
}

/// The codecs halve the colour's size: both sides are even.
fn scaled(size: Size, scale: f64) -> Size {
    let side = |length: u32| {
        let most = (length & !1).max(2);
        let even = (f64::from(length) * scale / 2.0 + 1e-6).floor() as u32 * 2;
        even.clamp(2, most)
    };
    Size { width: side(size.width), height: side(size.height) }
}

/// Every n-th frame, so that there are at most `most` a second: evenly spaced.
fn divided(rate: FrameRate, most: f64) -> FrameRate {
    let by = (rate.as_f64() / most - 1e-6).ceil().max(1.0) as u32;
    let denominator = rate.denominator.saturating_mul(by);
    let common = greatest_common(rate.numerator, denominator).max(1);
    FrameRate { numerator: rate.numerator / common, denominator: denominator / common }
}

fn greatest_common(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn is_tiny(size: Size) -> bool {
    let (short, long) = (size.width.min(size.height), size.width.max(size.height));
    short < SMALLEST.height || long < SMALLEST.width
}

/// The bit rate of a picture where the config names none: 2.5 Mbit/s for 1280x720 at 30 frames a
/// second, growing more slowly than the number of pixels.
#[must_use]
pub fn default_bitrate(size: Size, framerate: FrameRate) -> Bitrate {
    let relative = size.pixels() as f64 / (1280.0 * 720.0) * (framerate.as_f64() / 30.0);
    Bitrate::from_kbps((2500.0 * relative.powf(0.75)).round().clamp(200.0, 20_000.0) as u32)
}

/// Which frames of a capture a slower rendition takes, by their times alone.
///
/// The first frame after a pause is always taken, so that a screen that begins to move is seen to.
#[derive(Debug, Clone)]
pub struct Thinner {
    interval: Duration,
    /// A frame that comes a little early is not late by a whole frame: clocks of captures jitter.
    tolerance: Duration,
    due: Option<Duration>,
}

impl Thinner {
    /// Takes at most `rate` frames a second.
    #[must_use]
    pub fn new(rate: FrameRate) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / rate.as_f64()).unwrap_or_default();
        Self { interval, tolerance: interval / 8, due: None }
    }

    /// Whether the frame of this time is taken. Times that go back begin anew.
    pub fn takes(&mut self, time: Duration) -> bool {
        let due = match self.due {
            Some(due) if time + self.tolerance < due && time + self.interval * 2 > due => return false,
            Some(due) if time < due + self.interval && time + self.interval * 2 > due => due,
            // The first, or after a pause: the grid begins here.
            Some(_) | None => time,
        };
        self.due = Some(due + self.interval);
        true
    }
}

#[cfg(test)]
#[path = "renditions_tests.rs"]
mod tests;
