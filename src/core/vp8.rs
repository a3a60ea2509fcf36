//! What a VP8 stream says of itself in its packets.

/// Whether an RTP payload begins a key frame: the first packet of the first partition (RFC 7741
/// section 4.2), whose frame header has the inverse key frame flag clear (section 4.3).
#[must_use]
pub fn begins_keyframe(payload: &[u8]) -> bool {
    let Some((first, rest)) = payload.split_first() else { return false };
    let starts_partition = first & 0x10 != 0;
    let partition = first & 0x07;
    if !starts_partition || partition != 0 {
        return false;
    }
    let extended = first & 0x80 != 0;
    let frame = if extended { after_extension(rest) } else { Some(rest) };
    frame.and_then(<[u8]>::first).is_some_and(|header| header & 1 == 0)
}

/// What follows the extension of a payload descriptor.
fn after_extension(rest: &[u8]) -> Option<&[u8]> {
    let (flags, mut rest) = rest.split_first()?;
    if flags & 0x80 != 0 {
        // The picture number: 15 bits where its first bit says so, otherwise 7.
        let long = rest.first()? & 0x80 != 0;
        rest = rest.get(if long { 2 } else { 1 }..)?;
    }
    if flags & 0x40 != 0 {
        rest = rest.get(1..)?;
    }
    if flags & 0x30 != 0 {
        rest = rest.get(1..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_flag_is_found_behind_every_descriptor() {
        for (payload, key) in [
            (&[0x10, 0x10][..], true),
            (&[0x10, 0x11], false),
            // Picture numbers of 7 and of 15 bits.
            (&[0x90, 0x80, 0x11, 0x10], true),
            (&[0x90, 0x80, 0x11, 0x11], false),
            (&[0x90, 0x80, 0x91, 0x01, 0x10], true),
            (&[0x90, 0x80, 0x91, 0x01, 0x11], false),
            // With TL0PICIDX and TID besides.
            (&[0x90, 0xe0, 0x80, 0x01, 0x05, 0x20, 0x10], true),
            (&[0x90, 0x50, 0x05, 0x20, 0x11], false),
            // The middle of a frame, and the second partition.
            (&[0x00, 0x10], false),
            (&[0x11, 0x10], false),
            // Cut off.
            (&[], false),
            (&[0x10], false),
            (&[0x90, 0xe0, 0x80], false),
        ] {
            assert_eq!(begins_keyframe(payload), key, "{payload:02x?}");
        }
    }

    proptest! {
        #[test]
        fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..16)) {
            let _ = begins_keyframe(&payload);
        }
    }
}
