//! The header extensions that are a viewer's own, in the one-byte form of RFC 8285 section 4.2:
//!
//! - `abs-capture-time` (<http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>), on the
//!   first packet of a frame: a page can show the time from capture to display;
//! - `playout-delay` (<http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>) with its least
//!   and its most 0, on the first packet of a keyframe: each picture is to be shown as soon as it is
//!   decoded, none is kept for the sake of a steady rhythm;
//! - the transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01), on
//!   every packet: the viewer reports when each arrived.

use super::RtpHeader;
use std::time::Duration;

/// What names the time of capture in `a=extmap`.
pub const CAPTURE_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
/// What names the delay of playout in `a=extmap`.
pub const PLAYOUT_DELAY_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
/// What names the transport-wide sequence number in `a=extmap`.
pub const TRANSPORT_SEQUENCE_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// From 1900-01-01 to 1970-01-01, in seconds.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// A time since 1970-01-01 UTC as NTP's 64 bits (RFC 5905 section 6): seconds since 1900 and
/// their fraction.
#[must_use]
pub fn ntp_time(unix: Duration) -> u64 {
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    (unix.as_secs().wrapping_add(NTP_TO_UNIX) << 32) | fraction
}

/// What one packet is to carry: of each its id and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions {
    /// When the frame was captured, as NTP time.
    pub capture_time: Option<(u8, u64)>,
    /// The packet's number among all those of the viewer.
    pub transport_sequence: Option<(u8, u16)>,
    /// That pictures are to be shown at once, from now on.
    pub at_once: Option<u8>,
}

impl Extensions {
    /// Bytes that they add to a packet: the header of RFC 8285, the elements, padding to whole words.
    #[must_use]
    pub fn len(&self) -> usize {
        let lengths = [
            self.capture_time.map_or(0, |_| 1 + 8),
            self.transport_sequence.map_or(0, |_| 1 + 2),
            self.at_once.map_or(0, |_| 1 + 3),
        ];
        match lengths.iter().sum::<usize>() {
            0 => 0,
            elements => 4 + elements.next_multiple_of(4),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies a packet into `out`, which is [`len`](Self::len) longer, with these behind its fixed
    /// header and CSRCs. False, and nothing to be used in `out`, where that cannot be: the packet
    /// has extensions already, `out` has another length, or an id is not 1 to 14.
    #[must_use]
    pub fn copy(&self, packet: &[u8], out: &mut [u8]) -> bool {
        if out.len() != packet.len() + self.len() {
            return false;
        }
        if self.is_empty() {
            out.copy_from_slice(packet);
            return true;
        }
        let ids =
            [self.capture_time.map(|(id, _)| id), self.transport_sequence.map(|(id, _)| id), self.at_once];
        let Ok(header) = RtpHeader::parse(packet) else { return false };
        if header.extension_profile.is_some() || !ids.iter().flatten().all(|id| (1..=14).contains(id)) {
            return false;
        }
        let Some((head, payload)) = packet.split_at_checked(header.header_len) else { return false };
        let Some((out_head, rest)) = out.split_at_mut_checked(head.len()) else { return false };
        let Some((extension, out_payload)) = rest.split_at_mut_checked(self.len()) else { return false };
        out_head.copy_from_slice(head);
        if let Some(first) = out_head.first_mut() {
            *first |= 0x10;
        }
        self.write(extension);
        out_payload.copy_from_slice(payload);
        true
    }

    /// Profile 0xBEDE, the number of words, the elements (an element's length is one less than its
    /// bytes), and zeros up to the end.
    fn write(&self, out: &mut [u8]) {
        let words = u16::try_from(out.len() / 4).unwrap_or_default().saturating_sub(1);
        let captured = self.capture_time.map(|(id, time)| (id, time.to_be_bytes()));
        let number = self.transport_sequence.map(|(id, number)| (id, number.to_be_bytes()));
        let parts: [Option<(u8, &[u8])>; 3] = [
            captured.as_ref().map(|(id, bytes)| (*id, bytes.as_slice())),
            number.as_ref().map(|(id, bytes)| (*id, bytes.as_slice())),
            self.at_once.map(|id| (id, [0; 3].as_slice())),
        ];
        let elements = parts.iter().flatten().flat_map(|(id, value)| {
            let head = *id << 4 | u8::try_from(value.len().saturating_sub(1)).unwrap_or_default();
            std::iter::once(head).chain(value.iter().copied())
        });
        let [w0, w1] = words.to_be_bytes();
        let bytes = [0xbe, 0xde, w0, w1].into_iter().chain(elements).chain(std::iter::repeat(0));
        out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = byte);
    }
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

    const PACKET: [u8; 14] = [0x80, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xca, 0xfe];

    fn copied(extensions: Extensions) -> Option<Vec<u8>> {
        let mut out = vec![0xff; PACKET.len() + extensions.len()];
        extensions.copy(&PACKET, &mut out).then_some(out)
    }

    #[test]
    fn extensions_have_the_documented_form() {
        let capture_time = Some((1, 0x0102_0304_0506_0708));
        let transport_sequence = Some((2, 0x0a0b));
        assert_eq!(copied(Extensions::default()).unwrap(), PACKET);
        let head = [0x90, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde];
        let time = [&head[..], &[0, 3, 0x17, 1, 2, 3, 4, 5, 6, 7, 8]].concat();
        assert_eq!(
            copied(Extensions { capture_time, ..Extensions::default() }).unwrap(),
            [&time[..], &[0, 0, 0, 0xca, 0xfe]].concat()
        );
        let both = copied(Extensions { capture_time, transport_sequence, at_once: None }).unwrap();
        assert_eq!(both, [&time[..], &[0x21, 0x0a, 0x0b, 0xca, 0xfe]].concat());
        assert_eq!(
            copied(Extensions { transport_sequence, ..Extensions::default() }).unwrap(),
            [&head[..], &[0, 1, 0x21, 0x0a, 0x0b, 0, 0xca, 0xfe]].concat()
        );
        let all = copied(Extensions { capture_time, transport_sequence, at_once: Some(3) }).unwrap();
        let time = [&head[..], &[0, 4, 0x17, 1, 2, 3, 4, 5, 6, 7, 8]].concat();
        assert_eq!(all, [&time[..], &[0x21, 0x0a, 0x0b, 0x32, 0, 0, 0, 0xca, 0xfe]].concat());
    }

    #[test]
    fn what_cannot_be_copied_is_refused() {
        let extensions = Extensions { capture_time: Some((1, 0)), ..Extensions::default() };
        let once = copied(extensions).unwrap();
        assert!(!extensions.copy(&once, &mut vec![0; once.len() + 16]), "it has one already");
        assert!(!extensions.copy(&PACKET, &mut [0; 29]), "no room");
        for id in [0, 15] {
            assert_eq!(copied(Extensions { capture_time: Some((id, 0)), ..extensions }), None);
            assert_eq!(copied(Extensions { transport_sequence: Some((id, 0)), ..extensions }), None);
            assert_eq!(copied(Extensions { at_once: Some(id), ..extensions }), None);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_copied_is_still_the_packet(
            packet in proptest::collection::vec(any::<u8>(), 0..80),
            capture_time in proptest::option::of((0u8..20, any::<u64>())),
            transport_sequence in proptest::option::of((0u8..20, any::<u16>())),
            at_once in proptest::option::of(0u8..20)
        ) {
            let extensions = Extensions { capture_time, transport_sequence, at_once };
            let mut out = vec![0; packet.len() + extensions.len()];
            if !extensions.copy(&packet, &mut out) {
                return Ok(());
            }
            if extensions.is_empty() {
                prop_assert_eq!(packet, out);
                return Ok(());
            }
            let (before, after) = (RtpHeader::parse(&packet).unwrap(), RtpHeader::parse(&out).unwrap());
            prop_assert_eq!(after.extension_profile, Some(0xbede));
            prop_assert_eq!(after.header_len, before.header_len + extensions.len());
            prop_assert_eq!(
                (before.marker, before.sequence, before.timestamp, before.ssrc, before.padding_len),
                (after.marker, after.sequence, after.timestamp, after.ssrc, after.padding_len)
            );
            prop_assert_eq!(&packet[before.header_len..], &out[after.header_len..]);
        }
    }
}
