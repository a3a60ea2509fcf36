//! What an H.264 stream says of itself in its packets.

use super::units::{FrameRate, Size};

/// NAL unit types (ITU-T H.264 table 7-1, RFC 6184 section 5.2).
const SPS: u8 = 7;
const STAP_A: u8 = 24;

/// The `profile-level-id` (RFC 6184 section 8.1) of the sequence parameter set in an RTP payload:
/// six hexadecimal digits. `None` when there is no parameter set in it.
#[must_use]
pub fn profile_level_id(payload: &[u8]) -> Option<String> {
    match nal_type(payload)? {
        SPS => of_sps(payload),
        STAP_A => {
            // RFC 6184 section 5.7.1: after the type, units with a 16-bit size before each.
            let mut rest = payload.get(1..)?;
            while let [high, low, units @ ..] = rest {
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                let unit = units.get(..size)?;
                if nal_type(unit) == Some(SPS) {
                    return of_sps(unit);
                }
                rest = units.get(size..)?;
            }
            None
        }
        _ => None,
    }
}

/// The levels that browsers tell apart: macroblocks a second and in a picture at the most
/// (ITU-T H.264 table A-1).
const LEVELS: [(u8, u64, u64); 12] = [
    (10, 1_485, 99),
    (11, 3_000, 396),
    (13, 11_880, 396),
    (21, 19_800, 792),
    (22, 20_250, 1_620),
    (30, 40_500, 1_620),
    (31, 108_000, 3_600),
    (32, 216_000, 5_120),
    (40, 245_760, 8_192),
    (42, 522_240, 8_704),
    (50, 589_824, 22_080),
    (51, 983_040, 36_864),
];

/// A stream's `profile-level-id` raised, where it must be, to the level of a larger or faster
/// picture that the same track may carry later. One that is none comes back as it is.
#[must_use]
pub fn covering(profile_level_id: &str, size: Size, framerate: FrameRate) -> String {
    let blocks = |length: u32| u64::from(length.div_ceil(16));
    let picture = blocks(size.width) * blocks(size.height);
    let second = picture as f64 * framerate.as_f64();
    let fits = |(_, per_second, in_picture): &&(u8, u64, u64)| {
        picture <= *in_picture && second <= *per_second as f64
    };
    let needed = LEVELS.iter().find(fits).map_or(52, |(level, ..)| *level);
    let parts = profile_level_id.split_at_checked(4);
    match parts.and_then(|(profile, level)| Some((profile, u8::from_str_radix(level, 16).ok()?))) {
        Some((profile, level)) if level < needed => format!("{profile}{needed:02x}"),
        Some(_) | None => profile_level_id.to_owned(),
    }
}

fn nal_type(unit: &[u8]) -> Option<u8> {
    unit.first().map(|first| first & 0x1f)
}

fn of_sps(sps: &[u8]) -> Option<String> {
    match sps.get(1..4)? {
        [profile, constraints, level] => Some(format!("{profile:02x}{constraints:02x}{level:02x}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_read_from_a_unit_of_its_own_or_an_aggregate() {
        let sps = [0x67, 0x42, 0xc0, 0x1f, 0xd9];
        assert_eq!(profile_level_id(&sps).unwrap(), "42c01f");
        let aggregate = [&[0x78, 0, 2, 0x68, 0xce, 0, 5][..], &sps].concat();
        assert_eq!(profile_level_id(&aggregate).unwrap(), "42c01f");
        for without in [&[][..], &[0x67, 0x42], &[0x65, 1, 2, 3, 4], &[0x78, 0, 9, 0x67], &[0x78, 0]] {
            assert_eq!(profile_level_id(without), None, "{without:?}");
        }
    }

    #[test]
    fn a_small_picture_is_offered_so_that_a_large_one_may_come_in_its_place() {
        let of =
            |profile, width, height, fps| covering(profile, Size { width, height }, FrameRate::whole(fps));
        assert_eq!(of("42c00d", 1280, 720, 30), "42c01f");
        assert_eq!(of("42c00d", 1920, 1080, 30), "42c028");
        assert_eq!(of("42c01f", 320, 180, 30), "42c01f");
        assert_eq!(of("42c00d", 8192, 8192, 240), "42c034");
        assert_eq!(of("nonsense", 320, 180, 30), "nonsense");
        assert_eq!(of("é", 320, 180, 30), "é");
    }

    proptest! {
        #[test]
        fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = profile_level_id(&payload);
        }
    }
}
