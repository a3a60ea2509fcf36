//! The header extension that says when a frame was captured: `abs-capture-time`
//! (<http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>), in the one-byte form of
//! RFC 8285 section 4.2. With it a page can show the time from capture to display.

use super::RtpHeader;
use std::time::Duration;

/// What names it in `a=extmap`.
pub const CAPTURE_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

/// What it adds to a packet: the extension's header, its element, padding to whole words.
pub const CAPTURE_TIME_LEN: usize = 16;

/// From 1900-01-01 to 1970-01-01, in seconds.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// A time since 1970-01-01 UTC as NTP's 64 bits (RFC 5905 section 6): seconds since 1900 and
/// their fraction.
#[must_use]
pub fn ntp_time(unix: Duration) -> u64 {
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    (unix.as_secs().wrapping_add(NTP_TO_UNIX) << 32) | fraction
}

/// Copies a packet into `out`, which is [`CAPTURE_TIME_LEN`] longer, with the extension behind its
/// fixed header and CSRCs. False, and nothing to be used in `out`, where that cannot be: the
/// packet has extensions already, `out` has another length, or `id` is not 1 to 14.
#[must_use]
pub fn copy_with_capture_time(packet: &[u8], out: &mut [u8], id: u8, ntp: u64) -> bool {
    let Ok(header) = RtpHeader::parse(packet) else { return false };
    let fits = out.len() == packet.len() + CAPTURE_TIME_LEN;
    if header.extension_profile.is_some() || !fits || !(1..=14).contains(&id) {
        return false;
    }
    let Some((head, payload)) = packet.split_at_checked(header.header_len) else { return false };
    let Some((out_head, rest)) = out.split_at_mut_checked(head.len()) else { return false };
    let Some((extension, out_payload)) = rest.split_first_chunk_mut::<CAPTURE_TIME_LEN>() else {
        return false;
    };
    out_head.copy_from_slice(head);
    if let Some(first) = out_head.first_mut() {
        *first |= 0x10;
    }
    let [t0, t1, t2, t3, t4, t5, t6, t7] = ntp.to_be_bytes();
    // Profile 0xBEDE, three words; the element's length is one less than its bytes.
    *extension = [0xbe, 0xde, 0, 3, id << 4 | 7, t0, t1, t2, t3, t4, t5, t6, t7, 0, 0, 0];
    out_payload.copy_from_slice(payload);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ntp_counts_from_1900() {
        assert_eq!(ntp_time(Duration::ZERO), 2_208_988_800 << 32);
        assert_eq!(ntp_time(Duration::from_millis(1500)), (2_208_988_801 << 32) | 0x8000_0000);
    }

    #[test]
    fn the_extension_has_the_documented_form() {
        let packet = [0x80, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xca, 0xfe];
        let mut out = [0; 30];
        assert!(copy_with_capture_time(&packet, &mut out, 1, 0x0102_0304_0506_0708));
        let expected = [
            0x90, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 3, 0x17, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0,
            0, 0xca, 0xfe,
        ];
        assert_eq!(out, expected);
        assert!(!copy_with_capture_time(&expected, &mut [0; 46], 1, 0), "it has one already");
        assert!(!copy_with_capture_time(&packet, &mut [0; 29], 1, 0), "no room");
        assert!(!copy_with_capture_time(&packet, &mut out, 15, 0), "no such id");
    }

    proptest! {
        #[test]
        fn whatever_is_copied_is_still_the_packet(
            packet in proptest::collection::vec(any::<u8>(), 0..80), id in 0u8..20, ntp in any::<u64>()
        ) {
            let mut out = vec![0; packet.len() + CAPTURE_TIME_LEN];
            if copy_with_capture_time(&packet, &mut out, id, ntp) {
                let (before, after) = (RtpHeader::parse(&packet).unwrap(), RtpHeader::parse(&out).unwrap());
                prop_assert_eq!(after.extension_profile, Some(0xbede));
                prop_assert_eq!(after.header_len, before.header_len + CAPTURE_TIME_LEN);
                prop_assert_eq!(
                    (before.marker, before.sequence, before.timestamp, before.ssrc, before.padding_len),
                    (after.marker, after.sequence, after.timestamp, after.ssrc, after.padding_len)
                );
                prop_assert_eq!(&packet[before.header_len..], &out[after.header_len..]);
            }
        }
    }
}
