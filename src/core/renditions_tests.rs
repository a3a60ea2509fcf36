//! Ladders of the usual sources, and what is true of every ladder.

use super::*;
use proptest::prelude::*;

fn full(width: u32, height: u32, fps: u32) -> Full {
    let (size, framerate) = (Size { width, height }, FrameRate::whole(fps));
    Full { size, framerate, bitrate: default_bitrate(size, framerate) }
}

fn shown(kind: SourceKindName, full: Full) -> Vec<String> {
    ladder(default_steps(kind), Codec::H264, full).iter().map(ToString::to_string).collect()
}

fn of(steps: &[Step], full: Full) -> Vec<String> {
    ladder(steps, Codec::H264, full).iter().map(ToString::to_string).collect()
}

const AS_IT_IS: Step =
    Step { extent: Extent::Scale(1.0), pace: Pace::Full, bits: Bits::Fitting, codec: None };

#[test]
fn a_camera_comes_in_full_half_and_quarter() {
    assert_eq!(
        shown(SourceKindName::Camera, full(1280, 720, 30)),
        ["1280x720 at 30 fps, 2500 kbit/s", "640x360 at 30 fps, 750 kbit/s", "320x180 at 30 fps, 250 kbit/s"]
    );
}

#[test]
fn the_text_of_a_screen_stays_sharp_before_it_becomes_small() {
    assert_eq!(
        shown(SourceKindName::Screen, full(1280, 720, 30)),
        [
            "1280x720 at 30 fps, 2500 kbit/s",
            "1280x720 at 7.5 fps, 750 kbit/s",
            "640x360 at 10 fps, 250 kbit/s"
        ]
    );
    let slow = FrameRate { numerator: 30_000, denominator: 1001 };
    let rungs = ladder(
        default_steps(SourceKindName::Screen),
        Codec::Vp8,
        Full { framerate: slow, ..full(1280, 720, 30) },
    );
    assert_eq!(rungs[1].framerate, FrameRate { numerator: 7500, denominator: 1001 });
}

#[test]
fn what_is_tiny_or_the_same_is_left_out() {
    assert_eq!(shown(SourceKindName::Test, full(320, 180, 15)).len(), 2);
    assert_eq!(shown(SourceKindName::Test, full(180, 320, 15)).len(), 2);
    assert_eq!(shown(SourceKindName::Test, full(160, 90, 15)).len(), 1);
    assert_eq!(shown(SourceKindName::Test, full(64, 48, 15)), ["64x48 at 15 fps, 200 kbit/s"]);
    assert_eq!(of(&[AS_IT_IS, AS_IT_IS], full(1280, 720, 30)).len(), 1);
}

#[test]
fn a_rendition_keeps_the_proportions_and_is_never_larger_than_the_capture() {
    let within = |width, height| Step { extent: Extent::Within(Size { width, height }), ..AS_IT_IS };
    let sizes = |step: Step, of: Full| ladder(&[step], Codec::H264, of)[0].size.to_string();
    assert_eq!(sizes(within(640, 640), full(1280, 720, 30)), "640x360");
    assert_eq!(sizes(within(1920, 1080), full(1280, 720, 30)), "1280x720");
    assert_eq!(sizes(within(641, 361), full(1281, 721, 30)), "640x360");
    assert_eq!(sizes(AS_IT_IS, full(641, 361, 30)), "640x360");
}

#[test]
fn a_rate_above_the_captures_is_the_captures() {
    let fast = Step { pace: Pace::Rate(FrameRate::whole(60)), ..AS_IT_IS };
    let slow = Step { pace: Pace::Rate(FrameRate::whole(5)), ..AS_IT_IS };
    assert_eq!(
        of(&[slow, fast], full(1280, 720, 30)),
        ["1280x720 at 30 fps, 2500 kbit/s", "1280x720 at 5 fps, 526 kbit/s"]
    );
}

#[test]
fn a_rung_of_one_codec_is_not_in_the_others_ladder() {
    let small = Step { extent: Extent::Scale(0.5), codec: Some(Codec::H264), ..AS_IT_IS };
    let steps = [AS_IT_IS, small];
    assert_eq!(ladder(&steps, Codec::H264, full(1280, 720, 30)).len(), 2);
    assert_eq!(ladder(&steps, Codec::Vp8, full(1280, 720, 30)).len(), 1);
    assert_eq!((rungs_at_most(&steps, Codec::H264), rungs_at_most(&steps, Codec::Vp8)), (2, 1));
}

#[test]
fn bitrate_follows_the_picture() {
    let of = |width, height, fps| default_bitrate(Size { width, height }, FrameRate::whole(fps)).kbps();
    assert_eq!(of(1280, 720, 30), 2500);
    assert!((4000..5500).contains(&of(1920, 1080, 30)));
    assert!((200..500).contains(&of(320, 180, 30)));
}

fn step() -> impl Strategy<Value = Step> {
    let extent = prop_oneof![
        (0.01f64..=1.0).prop_map(Extent::Scale),
        (16u32..4000, 16u32..4000).prop_map(|(width, height)| Extent::Within(Size { width, height }))
    ];
    let pace = prop_oneof![
        Just(Pace::Full),
        (1u32..=240).prop_map(|fps| Pace::Rate(FrameRate::whole(fps))),
        (1.0f64..=60.0).prop_map(Pace::Divided)
    ];
    let bits = prop_oneof![
        (50u32..20_000).prop_map(|kbps| Bits::Rate(Bitrate::from_kbps(kbps))),
        (0.01f64..=1.0).prop_map(Bits::Share),
        Just(Bits::Fitting)
    ];
    let codec = prop_oneof![Just(None), Just(Some(Codec::H264)), Just(Some(Codec::Vp8))];
    (extent, pace, bits, codec).prop_map(|(extent, pace, bits, codec)| Step { extent, pace, bits, codec })
}

proptest! {
    #[test]
    fn a_ladder_goes_down_in_even_sizes_that_the_capture_has(
        steps in prop::collection::vec(step(), 0..8),
        width in 2u32..5000,
        height in 2u32..5000,
        rate in (1u32..=240_000, 1u32..=1001),
        kbps in 50u32..20_000,
    ) {
        let framerate = FrameRate { numerator: rate.0, denominator: rate.1 };
        prop_assume!((0.5..=240.0).contains(&framerate.as_f64()));
        let full = Full { size: Size { width, height }, framerate, bitrate: Bitrate::from_kbps(kbps) };
        let rungs = ladder(&steps, Codec::H264, full);
        prop_assert!((1..=rungs_at_most(&steps, Codec::H264)).contains(&rungs.len()));
        for rung in &rungs {
            prop_assert!(rung.size.width % 2 == 0 && rung.size.height % 2 == 0, "{rung}");
            prop_assert!(rung.size.width <= width && rung.size.height <= height, "{rung}");
            prop_assert!(rung.framerate.as_f64() <= framerate.as_f64() + 1e-9, "{rung}");
            prop_assert!(rung.framerate.numerator > 0 && rung.framerate.denominator > 0, "{rung}");
            prop_assert!(rung.bitrate >= Bitrate::from_kbps(50), "{rung}");
            prop_assert!(rungs.len() == 1 || !is_tiny(rung.size), "{rung}");
        }
        for pair in rungs.windows(2) {
            prop_assert!(pair[0].bitrate >= pair[1].bitrate);
            prop_assert!(pair[0] != pair[1]);
        }
    }

    #[test]
    fn a_slower_rendition_is_even_and_never_faster(
        capture_fps in 5u32..=60,
        fps in 1u32..=60,
        jitter in prop::collection::vec(-0.05f64..0.05, 300),
    ) {
        let fps = fps.min(capture_fps);
        let mut thinner = Thinner::new(FrameRate::whole(fps));
        let (mut taken, mut last) = (Vec::new(), 0.0);
        for (index, jitter) in jitter.iter().enumerate() {
            last = (index as f64 + 1.0 + jitter) / f64::from(capture_fps);
            let time = Duration::from_secs_f64(last);
            if thinner.takes(time) {
                taken.push(time);
            }
        }
        let expected = last * f64::from(fps);
        let count = taken.len() as f64;
        prop_assert!((expected - 3.0 - expected * 0.02..=expected + 3.0).contains(&count), "{count} of {expected}");
        let most = Duration::from_secs_f64(1.0 / f64::from(fps) + 1.2 / f64::from(capture_fps));
        for pair in taken.windows(2) {
            prop_assert!(pair[1] - pair[0] <= most, "{:?}", pair[1] - pair[0]);
        }
    }

    #[test]
    fn after_a_pause_the_first_frame_is_taken(fps in 1u32..=60, pause_ms in 1u64..100_000, back in any::<bool>()) {
        let mut thinner = Thinner::new(FrameRate::whole(fps));
        let interval = Duration::from_secs_f64(1.0 / f64::from(fps));
        let begin = Duration::from_secs(200);
        prop_assert!(thinner.takes(begin));
        let pause = Duration::from_millis(pause_ms);
        let next = if back { begin - interval - pause } else { begin + interval + pause };
        prop_assert!(thinner.takes(next));
    }
}
