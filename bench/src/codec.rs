//! What the first bytes of an RTP payload tell without decoding: whether a keyframe begins here, and its size.
//! H.264: RFC 6184 and ITU-T H.264, 7.3.2.1. VP8: RFC 7741 and RFC 6386, 9.1.

/// What was found in one packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// A keyframe, or its parameter sets, begin in this packet.
    pub keyframe: bool,
    /// Width and height in pixels.
    pub size: Option<(u16, u16)>,
}

/// Looks into the payload of an H.264 packet.
pub fn h264(payload: &[u8]) -> Seen {
    let mut seen = Seen::default();
    match payload.first().map(|byte| byte & 0x1f) {
        // STAP-A: each unit behind its length.
        Some(24) => {
            let mut rest = payload.get(1..).unwrap_or_default();
            while let Some((length, after)) = rest.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*length));
                unit(after.get(..length).unwrap_or_default(), &mut seen);
                rest = after.get(length..).unwrap_or_default();
            }
        }
        // FU-A: the header of the unit in its first fragment.
        Some(28) => {
            if let Some(header) = payload.get(1) {
                seen.keyframe = header & 0x80 != 0 && header & 0x1f == 5;
            }
        }
        Some(_) => unit(payload, &mut seen),
        None => {}
    }
    seen
}

fn unit(unit: &[u8], seen: &mut Seen) {
    match unit.first().map(|byte| byte & 0x1f) {
        Some(5) => seen.keyframe = true,
        Some(7) => {
            seen.keyframe = true;
            seen.size = sps_size(unit.get(1..).unwrap_or_default());
        }
        _ => {}
    }
}

/// The picture's size in a sequence parameter set (without its first byte).
fn sps_size(sps: &[u8]) -> Option<(u16, u16)> {
    let mut raw = Vec::with_capacity(sps.len());
    for (at, byte) in sps.iter().enumerate() {
        // An emulation prevention byte.
        if *byte == 3 && at >= 2 && sps.get(at - 2..at) == Some(&[0, 0]) {
            continue;
        }
        raw.push(*byte);
    }
    let mut bits = Bits { bytes: &raw, at: 0 };
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.golomb()?;
    let mut chroma = 1;
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138].contains(&profile) {
        chroma = bits.golomb()?;
        if chroma == 3 {
            bits.take(1)?;
        }
        bits.golomb()?;
        bits.golomb()?;
        bits.take(1)?;
        // Scaling lists: no encoder here writes them.
        if bits.take(1)? == 1 {
            return None;
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => return None,
        _ => {}
    }
    bits.golomb()?;
    bits.take(1)?;
    let width = (bits.golomb()? + 1) * 16;
    let height_units = bits.golomb()? + 1;
    let frames_only = bits.take(1)?;
    let height = height_units * 16 * (2 - frames_only);
    if frames_only == 0 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let (mut across, mut down) = (0, 0);
    if bits.take(1)? == 1 {
        across = bits.golomb()? + bits.golomb()?;
        down = bits.golomb()? + bits.golomb()?;
    }
    let (x, y) = match chroma {
        1 => (2, 2 * (2 - frames_only)),
        2 => (2, 2 - frames_only),
        _ => (1, 2 - frames_only),
    };
    let width = width.checked_sub(across.checked_mul(x)?)?;
    let height = height.checked_sub(down.checked_mul(y)?)?;
    Some((u16::try_from(width).ok()?, u16::try_from(height).ok()?))
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// An unsigned Exp-Golomb number (9.1), of 16 bits at the most.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 16 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

/// Looks into the payload of a VP8 packet.
pub fn vp8(payload: &[u8]) -> Seen {
    vp8_keyframe(payload).unwrap_or_default()
}

fn vp8_keyframe(payload: &[u8]) -> Option<Seen> {
    let first = *payload.first()?;
    let mut at = 1;
    if first & 0x80 != 0 {
        let extended = *payload.get(at)?;
        at += 1;
        if extended & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extended & 0x40 != 0) + usize::from(extended & 0x30 != 0);
    }
    let frame = payload.get(at..)?;
    // The first partition's first packet, and a frame whose first bit is 0.
    if first & 0x1f != 0x10 || frame.first()? & 1 != 0 {
        return None;
    }
    let size = match frame.get(3..10) {
        Some([0x9d, 0x01, 0x2a, w0, w1, h0, h1]) => {
            Some((u16::from_le_bytes([*w0, *w1]) & 0x3fff, u16::from_le_bytes([*h0, *h1]) & 0x3fff))
        }
        _ => None,
    };
    Some(Seen { keyframe: true, size })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
pub mod tests {
    use super::*;

    // By x264 for 1280x720, constrained baseline.
    pub const SPS_720: &[u8] = &[
        0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
        0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x24, 0x80,
    ];

    #[test]
    fn the_size_is_read_from_a_parameter_set() {
        assert_eq!(h264(SPS_720), Seen { keyframe: true, size: Some((1280, 720)) });
        let mut packed = vec![24, 0, SPS_720.len() as u8];
        packed.extend(SPS_720);
        packed.extend([0, 2, 0x68, 0xce]);
        assert_eq!(h264(&packed), Seen { keyframe: true, size: Some((1280, 720)) });
    }

    #[test]
    fn a_keyframe_begins_in_the_first_fragment_only() {
        assert!(h264(&[0x7c, 0x85, 0]).keyframe);
        assert!(!h264(&[0x7c, 0x05, 0]).keyframe);
        assert!(!h264(&[0x7c, 0x81, 0]).keyframe);
        assert!(h264(&[0x65, 0]).keyframe);
        assert!(!h264(&[0x41, 0]).keyframe);
    }

    #[test]
    fn a_vp8_keyframe_tells_its_size() {
        let frame = [0x10, 0x50, 0x31, 0x02, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02];
        assert_eq!(vp8(&frame), Seen { keyframe: true, size: Some((1280, 720)) });
        let mut extended = vec![0x90, 0x80, 0x81, 0x23];
        extended.extend(&frame[1..]);
        assert_eq!(vp8(&extended), Seen { keyframe: true, size: Some((1280, 720)) });
        assert_eq!(vp8(&[0x10, 0x51, 0, 0]), Seen::default());
        assert_eq!(vp8(&[0x00, 0x50, 0, 0]), Seen::default());
    }

    #[test]
    fn cut_off_payloads_tell_nothing_and_break_nothing() {
        for length in 0..SPS_720.len() {
            h264(&SPS_720[..length]);
        }
        for first in 0..=255u8 {
            for payload in [&[first][..], &[first, 0xff], &[first, 0xff, 0xff, 0xff]] {
                h264(payload);
                vp8(payload);
            }
        }
    }
}
