//! A viewer's tracks: what each m-line is offered as.

use super::super::RenditionId;
use crate::core::protocol::{Codec, MediaKind};
use crate::core::rtp::{CAPTURE_TIME_URI, PLAYOUT_DELAY_URI};
use gstreamer as gst;

/// One m-line to send something in.
#[derive(Debug, Clone)]
pub struct TrackSpec {
    /// What it carries.
    pub rendition: RenditionId,
    /// H.264: the stream's own, once its encoder has run.
    pub profile_level_id: Option<String>,
    /// The synchronisation source that the viewer sees.
    pub ssrc: u32,
    /// The first sequence number.
    pub first_sequence: u16,
    /// The first timestamp.
    pub first_timestamp: u32,
}

/// The profile of an offer while the encoder has not run yet: constrained baseline, level 3.1
/// (RFC 6184 section 8.1); a browser's decoder takes every level of that profile.
const DEFAULT_PROFILE: &str = "42c01f";

/// The id of the header extension for the time of capture, the same in every m-line.
const CAPTURE_TIME_ID: u8 = 1;

/// The id of the header extension for the transport-wide sequence number.
pub(super) const TRANSPORT_SEQUENCE_ID: u8 = 2;

/// The id of the header extension for the delay of playout, in each m-line with a picture.
const PLAYOUT_DELAY_ID: u8 = 3;

/// The first of the dynamic payload types (RFC 3551 section 3).
const FIRST_PAYLOAD_TYPE: u8 = 96;

/// The payload type of each track: one for each codec and profile, since within a bundle one
/// payload type means one thing (RFC 9143 section 9.1). The same for every viewer that takes the
/// same tracks.
pub(super) fn payload_types(tracks: &[TrackSpec]) -> Vec<u8> {
    let mut formats: Vec<(Codec, Option<&str>)> = Vec::new();
    tracks
        .iter()
        .map(|track| {
            let format = (track.rendition.codec, track.profile_level_id.as_deref());
            let index = formats.iter().position(|known| *known == format).unwrap_or_else(|| {
                formats.push(format);
                formats.len() - 1
            });
            u8::try_from(index).map_or(127, |index| (FIRST_PAYLOAD_TYPE + index).min(127))
        })
        .collect()
}

/// What an m-line of a client's offer is answered with; the rest is in the offer.
pub(super) fn answered_caps(track: &TrackSpec, payload: u8) -> gst::Caps {
    let (media, encoding, clock_rate) = match track.rendition.codec {
        Codec::H264 => ("video", "H264", 90_000),
        Codec::Vp8 => ("video", "VP8", 90_000),
        Codec::Opus => ("audio", "OPUS", 48_000),
    };
    gst::Caps::builder("application/x-rtp")
        .field("media", media)
        .field("payload", i32::from(payload))
        .field("encoding-name", encoding)
        .field("clock-rate", clock_rate)
        .field("ssrc", track.ssrc)
        .build()
}

pub(super) fn offered_caps(track: &TrackSpec, payload: u8) -> gst::Caps {
    let codec = track.rendition.codec;
    let caps = gst::Caps::builder("application/x-rtp")
        .field("payload", i32::from(payload))
        .field(format!("extmap-{CAPTURE_TIME_ID}"), CAPTURE_TIME_URI)
        .field("ssrc", track.ssrc);
    let caps = match track.rendition.media() {
        MediaKind::Video => caps.field(format!("extmap-{PLAYOUT_DELAY_ID}"), PLAYOUT_DELAY_URI),
        MediaKind::Audio => caps,
    };
    match codec {
        Codec::H264 => caps
            .field("media", "video")
            .field("encoding-name", "H264")
            .field("clock-rate", 90_000)
            .field("packetization-mode", "1")
            .field("level-asymmetry-allowed", "1")
            .field("profile-level-id", track.profile_level_id.as_deref().unwrap_or(DEFAULT_PROFILE))
            .build(),
        Codec::Vp8 => {
            caps.field("media", "video").field("encoding-name", "VP8").field("clock-rate", 90_000).build()
        }
        Codec::Opus => caps
            .field("media", "audio")
            .field("encoding-name", "OPUS")
            .field("clock-rate", 48_000)
            .field("encoding-params", "2")
            .field("sprop-stereo", "1")
            .field("stereo", "1")
            .field("useinbandfec", "1")
            .build(),
    }
}
