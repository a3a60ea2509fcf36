//! Bytes of media and of data channels that are looked into: RTP, H.264, VP8, SCTP, JPEG, the frames of pictures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitrina_fuzz::core::channels::look;
use vitrina_fuzz::core::protocol::FrameHead;
use vitrina_fuzz::core::rtp::{Extensions, RtpHeader};
use vitrina_fuzz::core::{h264, jpeg, vp8};

fuzz_target!(|bytes: &[u8]| {
    if let Some(profile) = h264::profile_level_id(bytes) {
        assert!(profile.len() == 6 && u32::from_str_radix(&profile, 16).is_ok(), "{profile}");
    }
    let _key = vp8::begins_keyframe(bytes);
    let _packet = look(bytes);
    if let Ok((width, height)) = jpeg::size(bytes) {
        assert!((1..=jpeg::MAX_SIDE).contains(&width) && (1..=jpeg::MAX_SIDE).contains(&height));
    }
    if let Some((_, body)) = FrameHead::parse(bytes) {
        assert!(bytes.ends_with(body));
    }
    let Ok(header) = RtpHeader::parse(bytes) else { return };
    assert!(header.header_len + header.padding_len <= bytes.len());
    let extensions =
        Extensions { capture_time: Some((1, 7)), transport_sequence: Some((2, 7)), at_once: Some(3) };
    let mut out = vec![0; bytes.len() + extensions.len()];
    let copied = extensions.copy(bytes, &mut out);
    assert_eq!(copied, header.extension_profile.is_none(), "there is room for one extension header");
    if copied {
        let again = RtpHeader::parse(&out).expect("what was written is RTP");
        assert_eq!(again.header_len, header.header_len + extensions.len());
        assert_eq!(out.get(again.header_len..), bytes.get(header.header_len..), "the payload is the same");
    }
});
