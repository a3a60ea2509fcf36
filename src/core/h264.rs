//! What an H.264 stream says of itself in its packets.

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

    proptest! {
        #[test]
        fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = profile_level_id(&payload);
        }
    }
}
