//! The choice of a camera's mode: what it can send against what is wanted.
//!
//! Owns the modes and the choice. Pure: how a camera is asked for its modes is not its business.

use super::units::{FrameRate, Size};
use serde::Serialize;
use std::cmp::Reverse;

/// One thing that a camera can send: a format, its sizes, and the rates at these sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CameraMode {
    /// How pictures are coded.
    pub format: CameraFormat,
    /// Their sizes.
    pub sizes: Sizes,
    /// Pictures a second.
    pub rates: Rates,
}

/// How a camera codes pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraFormat {
    /// Plain pixels, by GStreamer's name of the layout: `YUY2`, `NV12`.
    Raw(String),
    /// A JPEG for each picture.
    Mjpeg,
}

/// The sizes of a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sizes {
    /// One.
    One(Size),
    /// Any size between two, in steps from the smaller.
    Stepwise {
        /// The smallest.
        min: Size,
        /// The largest.
        max: Size,
        /// The steps; never 0.
        step: Size,
    },
}

/// The rates of a mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rates {
    /// These.
    Listed(Vec<FrameRate>),
    /// Any between two.
    Between {
        /// The lowest.
        min: FrameRate,
        /// The highest.
        max: FrameRate,
    },
}

/// What a camera is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The format.
    pub format: CameraFormat,
    /// The size.
    pub size: Size,
    /// The rate.
    pub rate: FrameRate,
}

impl Choice {
    /// As GStreamer caps: `video/x-raw,format=YUY2,width=640,height=480,framerate=30/1`.
    #[must_use]
    pub fn caps(&self) -> String {
        let media = match &self.format {
            CameraFormat::Raw(format) => format!("video/x-raw,format={format}"),
            CameraFormat::Mjpeg => "image/jpeg".to_owned(),
        };
        let Self { size, rate, .. } = self;
        format!("{media},width={},height={},framerate={rate}", size.width, size.height)
    }
}

impl Sizes {
    /// The nearest of these to `wanted`.
    fn nearest(&self, wanted: Size) -> Size {
        match *self {
            Self::One(size) => size,
            Self::Stepwise { min, max, step } => Size {
                width: nearest_step(wanted.width, min.width, max.width, step.width),
                height: nearest_step(wanted.height, min.height, max.height, step.height),
            },
        }
    }
}

/// The value of `min`, `min + step`, ... up to `max` that is nearest to `wanted`; the larger one
/// of two that are equally near.
fn nearest_step(wanted: u32, min: u32, max: u32, step: u32) -> u32 {
    let step = step.max(1);
    let steps = max.saturating_sub(min) / step;
    let above = wanted.saturating_sub(min);
    let whole = (above / step).saturating_add(u32::from(above % step >= step.div_ceil(2)));
    min.saturating_add(whole.min(steps).saturating_mul(step))
}

impl Rates {
    /// The lowest of these that reaches `wanted`, otherwise the highest; `None` if there is none.
    fn nearest(&self, wanted: FrameRate) -> Option<FrameRate> {
        match self {
            Self::Listed(rates) => {
                let usable =
                    || rates.iter().copied().filter(|rate| rate.numerator > 0 && rate.denominator > 0);
                usable()
                    .filter(|&rate| reaches(rate, wanted))
                    .min_by(|a, b| a.as_f64().total_cmp(&b.as_f64()))
                    .or_else(|| usable().max_by(|a, b| a.as_f64().total_cmp(&b.as_f64())))
            }
            Self::Between { min, max } => {
                let rate = if min.as_f64() > wanted.as_f64() {
                    *min
                } else if max.as_f64() < wanted.as_f64() {
                    *max
                } else {
                    wanted
                };
                (rate.numerator > 0 && rate.denominator > 0).then_some(rate)
            }
        }
    }
}

/// Whether a rate will do for another: at least 99 % of it, so that 30000/1001 is 30.
fn reaches(rate: FrameRate, wanted: FrameRate) -> bool {
    let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
    product(rate.numerator, wanted.denominator).saturating_mul(100)
        >= product(wanted.numerator, rate.denominator).saturating_mul(99)
}

/// How far a size is from another, in lines and columns.
fn distance(a: Size, b: Size) -> u64 {
    u64::from(a.width.abs_diff(b.width)) + u64::from(a.height.abs_diff(b.height))
}

/// How much work a raw format is until an encoder has it, and what it is worth: 4:2:0 is passed
/// on as it is, 4:2:2 is halved, RGB is computed, and grey has no colours.
fn raw_cost(format: &str) -> u8 {
    match format {
        "I420" | "NV12" => 0,
        "YV12" | "NV21" => 1,
        "YUY2" | "UYVY" | "YVYU" | "VYUY" | "Y42B" | "NV16" => 2,
        "GRAY8" | "GRAY16_LE" | "GRAY16_BE" => 9,
        _ => 4,
    }
}

/// Whether the camera has colours: infra-red ones, beside many a laptop's own, do not.
#[must_use]
pub fn has_colour(modes: &[CameraMode]) -> bool {
    modes.iter().any(|mode| match &mode.format {
        CameraFormat::Raw(format) => raw_cost(format) < 9,
        CameraFormat::Mjpeg => true,
    })
}

/// The best that a camera can do: the nearest size; at that size a rate that reaches the wanted
/// one, or else the highest; at that rate plain pixels rather than JPEG, which costs decoding.
/// Among several raw formats: the rate nearest to the wanted one, then the least work.
///
/// `None` when there is no mode with a size and a rate.
#[must_use]
pub fn choose_mode(modes: &[CameraMode], wanted: Size, rate: FrameRate) -> Option<Choice> {
    modes
        .iter()
        .filter_map(|mode| {
            let size = mode.sizes.nearest(wanted);
            let choice = Choice { format: mode.format.clone(), size, rate: mode.rates.nearest(rate)? };
            (size.pixels() > 0).then_some(choice)
        })
        .min_by_key(|choice| rank(choice, wanted, rate))
}

/// The smaller, the better. Whole numbers only, so that the order is total; equal ranks leave the
/// camera's own order, which puts its favourite first.
fn rank(choice: &Choice, wanted: Size, rate: FrameRate) -> impl Ord + use<> {
    let enough = reaches(choice.rate, rate);
    // Thousandths of a frame a second: closer than that, two rates are one.
    let millihertz = u64::from(choice.rate.numerator) * 1000 / u64::from(choice.rate.denominator.max(1));
    let (jpeg, cost) = match &choice.format {
        CameraFormat::Raw(format) => (false, raw_cost(format)),
        CameraFormat::Mjpeg => (true, 0),
    };
    (
        distance(choice.size, wanted),
        Reverse(choice.size.pixels()),
        // Grey only where there is nothing else.
        cost == 9,
        !enough,
        // Too slow: the highest rate counts more than the format.
        if enough { 0 } else { u64::MAX - millihertz },
        jpeg,
        millihertz,
        cost,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(text: &str) -> Size {
        let (width, height) = text.split_once('x').unwrap();
        Size { width: width.parse().unwrap(), height: height.parse().unwrap() }
    }

    /// `"YUY2 640x480 30,15"`; `MJPG` is the JPEG format; `32x32-1920x1080/2` is stepwise.
    fn modes(lines: &[&str]) -> Vec<CameraMode> {
        lines.iter().map(|line| mode(line)).collect()
    }

    fn rate(text: &str) -> FrameRate {
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        FrameRate { numerator: numerator.parse().unwrap(), denominator: denominator.parse().unwrap() }
    }

    fn mode(line: &str) -> CameraMode {
        let parts: Vec<&str> = line.split(' ').collect();
        let format = match parts[0] {
            "MJPG" => CameraFormat::Mjpeg,
            raw => CameraFormat::Raw(raw.into()),
        };
        let sizes = match parts[1].split_once('-') {
            None => Sizes::One(size(parts[1])),
            Some((min, rest)) => {
                let (max, step) = rest.split_once('/').unwrap();
                let step: u32 = step.parse().unwrap();
                Sizes::Stepwise { min: size(min), max: size(max), step: Size { width: step, height: step } }
            }
        };
        let rates = match parts[2].split_once("..") {
            Some((min, max)) => Rates::Between { min: rate(min), max: rate(max) },
            None => Rates::Listed(parts[2].split(',').filter(|t| !t.is_empty()).map(rate).collect()),
        };
        CameraMode { format, sizes, rates }
    }

    #[track_caller]
    fn check(lines: &[&str], wanted: &str, fps: u32, expected: &str) {
        let choice = choose_mode(&modes(lines), size(wanted), FrameRate::whole(fps));
        assert_eq!(choice.map(|c| c.caps()).as_deref(), Some(expected), "{lines:?}");
    }

    #[test]
    fn raw_is_taken_where_it_reaches_size_and_rate() {
        check(
            &["MJPG 1280x720 30", "YUY2 1280x720 30,10", "YUY2 640x480 30"],
            "1280x720",
            30,
            "video/x-raw,format=YUY2,width=1280,height=720,framerate=30/1",
        );
    }

    #[test]
    fn jpeg_is_taken_where_raw_is_too_slow_or_too_small() {
        check(
            &["YUY2 1280x720 10,5", "MJPG 1280x720 60,30", "YUY2 640x480 30"],
            "1280x720",
            30,
            "image/jpeg,width=1280,height=720,framerate=30/1",
        );
        check(
            &["YUY2 640x480 30", "MJPG 1920x1080 30"],
            "1920x1080",
            30,
            "image/jpeg,width=1920,height=1080,framerate=30/1",
        );
    }

    #[test]
    fn the_fastest_is_taken_where_none_is_fast_enough() {
        check(
            &["YUY2 1280x720 10,5", "MJPG 1280x720 15"],
            "1280x720",
            30,
            "image/jpeg,width=1280,height=720,framerate=15/1",
        );
        check(
            &["MJPG 1280x720 10", "YUY2 1280x720 10,5"],
            "1280x720",
            30,
            "video/x-raw,format=YUY2,width=1280,height=720,framerate=10/1",
        );
    }

    #[test]
    fn the_nearest_size_is_taken_and_of_two_the_larger() {
        let lines = ["YUY2 320x180 60", "YUY2 640x360 40", "YUY2 1280x720 12", "YUY2 1920x1080 5"];
        check(&lines, "1920x1080", 30, "video/x-raw,format=YUY2,width=1920,height=1080,framerate=5/1");
        check(&lines, "700x400", 25, "video/x-raw,format=YUY2,width=640,height=360,framerate=40/1");
        check(&lines, "1x1", 25, "video/x-raw,format=YUY2,width=320,height=180,framerate=60/1");
        check(
            &["YUY2 600x400 30", "YUY2 680x400 30"],
            "640x400",
            30,
            "video/x-raw,format=YUY2,width=680,height=400,framerate=30/1",
        );
    }

    #[test]
    fn the_lowest_rate_that_will_do_is_taken() {
        check(
            &["YUY2 640x480 120,60,30000/1001,15"],
            "640x480",
            30,
            "video/x-raw,format=YUY2,width=640,height=480,framerate=30000/1001",
        );
        check(
            &["YUY2 640x480 120,50,25"],
            "640x480",
            30,
            "video/x-raw,format=YUY2,width=640,height=480,framerate=50/1",
        );
    }

    #[test]
    fn the_raw_format_that_is_least_work_is_taken() {
        check(
            &["BGR 640x480 30", "GRAY8 640x480 30", "YUY2 640x480 30", "NV12 640x480 30"],
            "640x480",
            30,
            "video/x-raw,format=NV12,width=640,height=480,framerate=30/1",
        );
        // A rate nearer to the wanted one counts more than the format.
        check(
            &["NV12 640x480 60", "YUY2 640x480 30"],
            "640x480",
            30,
            "video/x-raw,format=YUY2,width=640,height=480,framerate=30/1",
        );
        // Colours count more than the rate.
        check(
            &["GRAY8 640x480 30", "MJPG 640x480 15"],
            "640x480",
            30,
            "image/jpeg,width=640,height=480,framerate=15/1",
        );
    }

    #[test]
    fn stepwise_modes_are_rounded_to_a_step() {
        let lines = ["YUY2 32x32-1920x1080/16 1..60"];
        check(&lines, "1280x720", 30, "video/x-raw,format=YUY2,width=1280,height=720,framerate=30/1");
        check(&lines, "1279x721", 30, "video/x-raw,format=YUY2,width=1280,height=720,framerate=30/1");
        // 1080 is 65.5 steps above 32: the last step that is whole is 1072.
        check(&lines, "4000x4000", 120, "video/x-raw,format=YUY2,width=1920,height=1072,framerate=60/1");
        check(&lines, "1x1", 30, "video/x-raw,format=YUY2,width=32,height=32,framerate=30/1");
    }

    #[test]
    fn nothing_usable_gives_nothing() {
        let rate = FrameRate::whole(30);
        assert_eq!(choose_mode(&[], size("640x480"), rate), None);
        for line in ["YUY2 640x480 ", "YUY2 640x480 0", "YUY2 640x480 30/0", "YUY2 0x0 30"] {
            assert_eq!(choose_mode(&modes(&[line]), size("640x480"), rate), None, "{line}");
        }
    }

    #[test]
    fn infra_red_cameras_have_no_colours() {
        assert!(!has_colour(&modes(&["GRAY8 640x360 30"])));
        assert!(has_colour(&modes(&["GRAY8 640x360 30", "MJPG 640x360 30"])));
        assert!(!has_colour(&[]));
    }

    fn any_size() -> impl Strategy<Value = Size> {
        (1..=4096_u32, 1..=4096_u32).prop_map(|(width, height)| Size { width, height })
    }

    fn any_rate() -> impl Strategy<Value = FrameRate> {
        (1..=120_u32, prop_oneof![Just(1_u32), Just(1001)]).prop_map(|(fps, denominator)| FrameRate {
            numerator: if denominator == 1 { fps } else { fps * 1000 },
            denominator,
        })
    }

    fn any_mode() -> impl Strategy<Value = CameraMode> {
        let format = prop_oneof![
            Just(CameraFormat::Mjpeg),
            prop_oneof![Just("YUY2"), Just("NV12"), Just("BGR")].prop_map(|f| CameraFormat::Raw(f.into())),
        ];
        let sizes = prop_oneof![
            any_size().prop_map(Sizes::One),
            (any_size(), any_size(), 1..64_u32, 1..64_u32).prop_map(|(a, b, width, height)| {
                let min = Size { width: a.width.min(b.width), height: a.height.min(b.height) };
                let max = Size { width: a.width.max(b.width), height: a.height.max(b.height) };
                Sizes::Stepwise { min, max, step: Size { width, height } }
            }),
        ];
        let rates = prop_oneof![
            prop::collection::vec(any_rate(), 1..5).prop_map(Rates::Listed),
            (any_rate(), any_rate()).prop_map(|(a, b)| {
                if a.as_f64() <= b.as_f64() {
                    Rates::Between { min: a, max: b }
                } else {
                    Rates::Between { min: b, max: a }
                }
            }),
        ];
        (format, sizes, rates).prop_map(|(format, sizes, rates)| CameraMode { format, sizes, rates })
    }

    /// Whether a mode really offers a choice.
    fn offers(mode: &CameraMode, choice: &Choice) -> bool {
        let on_step = |value: u32, min: u32, max: u32, step: u32| {
            value >= min && value <= max && (value - min).is_multiple_of(step)
        };
        let size = match mode.sizes {
            Sizes::One(size) => size == choice.size,
            Sizes::Stepwise { min, max, step } => {
                on_step(choice.size.width, min.width, max.width, step.width)
                    && on_step(choice.size.height, min.height, max.height, step.height)
            }
        };
        let rate = match &mode.rates {
            Rates::Listed(rates) => rates.contains(&choice.rate),
            Rates::Between { min, max } => (min.as_f64()..=max.as_f64()).contains(&choice.rate.as_f64()),
        };
        mode.format == choice.format && size && rate
    }

    proptest! {
        #[test]
        fn the_choice_is_offered_and_nothing_nearer_is(
            modes in prop::collection::vec(any_mode(), 1..6),
            wanted in any_size(),
            rate in any_rate(),
        ) {
            let choice = choose_mode(&modes, wanted, rate).unwrap();
            prop_assert!(modes.iter().any(|mode| offers(mode, &choice)));
            for mode in &modes {
                let other = mode.sizes.nearest(wanted);
                prop_assert!(distance(choice.size, wanted) <= distance(other, wanted));
                // A raw mode of the same size that is fast enough is never passed over for JPEG.
                if other == choice.size && matches!(mode.format, CameraFormat::Raw(_)) {
                    let enough = mode.rates.nearest(rate).is_some_and(|r| reaches(r, rate));
                    prop_assert!(!enough || choice.format != CameraFormat::Mjpeg);
                }
                // Nor is one that is fast enough for one that is not.
                if other == choice.size && mode.rates.nearest(rate).is_some_and(|r| reaches(r, rate)) {
                    prop_assert!(reaches(choice.rate, rate));
                }
            }
        }

        #[test]
        fn the_order_of_the_modes_decides_only_between_equals(
            mut modes in prop::collection::vec(any_mode(), 1..6),
            wanted in any_size(),
            rate in any_rate(),
        ) {
            let choice = choose_mode(&modes, wanted, rate).unwrap();
            modes.reverse();
            let other = choose_mode(&modes, wanted, rate).unwrap();
            prop_assert!(rank(&choice, wanted, rate) == rank(&other, wanted, rate));
        }
    }
}
