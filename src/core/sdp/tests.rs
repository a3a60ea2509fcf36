//! Answers of real clients, answers that are wrong, and answers that went through a mangle.

use super::*;
use crate::core::protocol::MediaKind;

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/sdp/", $name, ".sdp"))
    };
}

const OFFER_H264: &str = golden!("offer-h264");
const OFFER_VP8: &str = golden!("offer-vp8");

/// Answers as their writers gave them to the offers above.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("Chromium", OFFER_H264, golden!("chromium-h264")),
    ("Chromium, VP8", OFFER_VP8, golden!("chromium-vp8")),
    ("Chromium, gathered", OFFER_H264, golden!("chromium-h264-candidates")),
    ("Firefox, VP8, gathered", OFFER_VP8, golden!("firefox-vp8")),
    ("Firefox, no H.264", OFFER_H264, golden!("firefox-h264-without-h264")),
    ("aiortc", OFFER_H264, golden!("aiortc-h264")),
    ("aiortc, VP8", OFFER_VP8, golden!("aiortc-vp8")),
];

fn offer(text: &str) -> OfferSummary {
    OfferSummary::parse(text).unwrap()
}

#[test]
fn the_offer_of_webrtcbin_is_read() {
    let offer = offer(OFFER_H264);
    let lines: Vec<_> = offer.mlines().iter().map(|m| (m.kind, m.mid.as_str(), m.direction)).collect();
    assert_eq!(
        lines,
        [
            (MediaKind::Video, "video0", Direction::SendOnly),
            (MediaKind::Video, "video1", Direction::SendOnly),
            (MediaKind::Audio, "audio2", Direction::SendOnly),
        ]
    );
    let h264 = offer.mlines()[0].encoding("h264").unwrap();
    assert_eq!((h264.payload_type, h264.clock_rate), (96, 90_000));
    assert!(h264.profile_level_id().unwrap().is_constrained_baseline());
    assert_eq!(offer.mlines()[0].encoding("rtx").unwrap().repeats(), Some(96));
    let opus = offer.mlines()[2].format(97).unwrap();
    assert_eq!((opus.encoding.as_str(), opus.channels), ("OPUS", Some(2)));
    assert_eq!(opus.parameter("USEINBANDFEC"), Some("1"));
}

#[test]
fn answers_of_real_clients_are_taken() {
    for (name, offer_text, answer) in ANSWERS {
        let checked = CheckedAnswer::check(answer, &offer(offer_text));
        let checked = checked.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(checked.setup(), Setup::Active, "{name}");
        println!("{name}\n{checked}");
    }
}
