//! Units: numbers that carry what they measure.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Bits a second, kept in kbit/s (1 kbit = 1000 bit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate {
    kbps: u32,
}

impl Bitrate {
    /// From kbit/s.
    #[must_use]
    pub const fn from_kbps(kbps: u32) -> Self {
        Self { kbps }
    }

    /// In kbit/s.
    #[must_use]
    pub const fn kbps(self) -> u32 {
        self.kbps
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.kbps)
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// Pixels in all.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Frames a second, as the fraction that video formats use (30/1, 30000/1001).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameRate {
    /// Frames ...
    pub numerator: u32,
    /// ... in so many seconds; never 0.
    pub denominator: u32,
}

impl FrameRate {
    /// A whole number of frames a second.
    #[must_use]
    pub const fn whole(fps: u32) -> Self {
        Self { numerator: fps, denominator: 1 }
    }

    /// As a floating-point number of frames a second.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator.max(1))
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}
