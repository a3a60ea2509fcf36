//! What a camera can send, read from the caps of a v4l2src that was asked.

use crate::core::camera::{CameraFormat, CameraMode, Rates, Sizes};
use crate::core::units::{FrameRate, Size};
use gstreamer as gst;

/// The modes in a v4l2src's caps. Compressed formats but JPEG, and memory that is not the
/// system's, are passed over.
pub(super) fn modes_of(caps: &gst::CapsRef) -> Vec<CameraMode> {
    let mut modes = Vec::new();
    for (structure, features) in caps.iter_with_features() {
        let system = gst::CapsFeatures::new([gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY]);
        if features.is_any() || !features.is_equal(&system) {
            continue;
        }
        let formats = match structure.name().as_str() {
            "video/x-raw" => {
                texts(structure, "format").into_iter().map(CameraFormat::Raw).collect::<Vec<_>>()
            }
            "image/jpeg" => vec![CameraFormat::Mjpeg],
            _ => continue,
        };
        let (sizes, rates) = (sizes(structure), rates(structure));
        for format in formats {
            for sizes in &sizes {
                for rates in &rates {
                    modes.push(CameraMode { format: format.clone(), sizes: *sizes, rates: rates.clone() });
                }
            }
        }
    }
    modes
}

/// A field's values: those of a list, or the one.
fn values(structure: &gst::StructureRef, field: &str) -> Vec<glib::SendValue> {
    let Ok(value) = structure.value(field) else { return Vec::new() };
    match value.get::<gst::List>() {
        Ok(list) => list.iter().cloned().collect(),
        Err(_) => structure.value(field).ok().cloned().into_iter().collect(),
    }
}

fn texts(structure: &gst::StructureRef, field: &str) -> Vec<String> {
    values(structure, field).iter().filter_map(|value| value.get::<String>().ok()).collect()
}

/// A length: least, most, and step.
type Span = (u32, u32, u32);

fn spans(structure: &gst::StructureRef, field: &str) -> Vec<Span> {
    let span = |value: &glib::SendValue| -> Option<Span> {
        if let Ok(one) = value.get::<i32>() {
            let one = u32::try_from(one).ok()?;
            return Some((one, one, 1));
        }
        let range = value.get::<gst::IntRange<i32>>().ok()?;
        let (min, max, step) = (range.min(), range.max(), range.step());
        Some((u32::try_from(min).ok()?, u32::try_from(max).ok()?, u32::try_from(step).ok()?.max(1)))
    };
    values(structure, field).iter().filter_map(span).collect()
}

fn sizes(structure: &gst::StructureRef) -> Vec<Sizes> {
    let (widths, heights) = (spans(structure, "width"), spans(structure, "height"));
    let pair = |&(w_min, w_max, w_step): &Span, &(h_min, h_max, h_step): &Span| {
        let min = Size { width: w_min, height: h_min };
        let max = Size { width: w_max, height: h_max };
        let step = Size { width: w_step, height: h_step };
        if min == max { Sizes::One(min) } else { Sizes::Stepwise { min, max, step } }
    };
    widths.iter().flat_map(|width| heights.iter().map(move |height| pair(width, height))).collect()
}

/// The rates: all single ones as one list, and each range by itself.
fn rates(structure: &gst::StructureRef) -> Vec<Rates> {
    let rate = |fraction: gst::Fraction| -> Option<FrameRate> {
        let (numerator, denominator) = (fraction.numer(), fraction.denom());
        let rate = FrameRate {
            numerator: u32::try_from(numerator).ok()?,
            denominator: u32::try_from(denominator).ok()?,
        };
        (rate.numerator > 0 && rate.denominator > 0).then_some(rate)
    };
    let (mut listed, mut all) = (Vec::new(), Vec::new());
    for value in values(structure, "framerate") {
        if let Ok(fraction) = value.get::<gst::Fraction>() {
            listed.extend(rate(fraction));
        } else if let Ok(range) = value.get::<gst::FractionRange>() {
            // From 0/1: a camera that says so takes any rate up to its highest.
            let min = rate(range.min()).unwrap_or(FrameRate::whole(1));
            all.extend(rate(range.max()).map(|max| Rates::Between { min, max }));
        }
    }
    if !listed.is_empty() {
        all.insert(0, Rates::Listed(listed));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(caps: &str, expected: &[CameraMode]) {
        gst::init().unwrap();
        let caps: gst::Caps = caps.parse().unwrap();
        assert_eq!(modes_of(&caps), expected, "{caps}");
    }

    fn raw(format: &str, sizes: Sizes, rates: Rates) -> CameraMode {
        CameraMode { format: CameraFormat::Raw(format.into()), sizes, rates }
    }

    fn one(width: u32, height: u32) -> Sizes {
        Sizes::One(Size { width, height })
    }

    fn listed_rates(rates: &[u32]) -> Rates {
        Rates::Listed(rates.iter().map(|fps| FrameRate::whole(*fps)).collect())
    }

    #[test]
    fn discrete_modes_are_read() {
        check(
            "video/x-raw,format=YUY2,width=640,height=480,framerate={30/1,15/1,30000/1001}; \
             image/jpeg,width=1920,height=1080,framerate=30/1",
            &[
                raw(
                    "YUY2",
                    one(640, 480),
                    Rates::Listed(vec![
                        FrameRate::whole(30),
                        FrameRate::whole(15),
                        FrameRate { numerator: 30000, denominator: 1001 },
                    ]),
                ),
                CameraMode {
                    format: CameraFormat::Mjpeg,
                    sizes: one(1920, 1080),
                    rates: listed_rates(&[30]),
                },
            ],
        );
    }

    #[test]
    fn lists_of_formats_and_sizes_are_every_pair() {
        check(
            "video/x-raw,format={YUY2,NV12},width={320,640},height=240,framerate=30/1",
            &["YUY2", "NV12"]
                .iter()
                .flat_map(|format| [320, 640].map(|width| raw(format, one(width, 240), listed_rates(&[30]))))
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn stepwise_sizes_and_ranges_of_rates_are_read() {
        let sizes = Sizes::Stepwise {
            min: Size { width: 32, height: 32 },
            max: Size { width: 2592, height: 1944 },
            step: Size { width: 2, height: 4 },
        };
        check(
            "video/x-raw,format=I420,width=[32,2592,2],height=[32,1944,4],framerate=[1/1,90/1]",
            &[raw("I420", sizes, Rates::Between { min: FrameRate::whole(1), max: FrameRate::whole(90) })],
        );
        // From nothing on, and with a list beside the range.
        check(
            "video/x-raw,format=I420,width=640,height=480,framerate={15/1,[0/1,60/1]}",
            &[
                raw("I420", one(640, 480), listed_rates(&[15])),
                raw(
                    "I420",
                    one(640, 480),
                    Rates::Between { min: FrameRate::whole(1), max: FrameRate::whole(60) },
                ),
            ],
        );
    }

    #[test]
    fn what_is_not_understood_is_passed_over() {
        check("video/x-h264,width=640,height=480,framerate=30/1", &[]);
        check("video/x-bayer,format=bggr,width=640,height=480,framerate=30/1", &[]);
        check("video/x-raw(memory:DMABuf),format=NV12,width=640,height=480,framerate=30/1", &[]);
        check("video/x-raw(format:Interlaced),format=NV12,width=640,height=480,framerate=30/1", &[]);
        check("video/x-raw,format=NV12,width=640,height=480", &[]);
        check("video/x-raw,format=NV12,width=640,height=480,framerate=0/1", &[]);
        check("video/x-raw,width=640,height=480,framerate=30/1", &[]);
        check("ANY", &[]);
        check("EMPTY", &[]);
    }
}
