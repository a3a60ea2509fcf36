//! Which of a viewer's requests for packets again (NACK, RFC 4585 section 6.2.1) are answered.
//!
//! On a link that carries less than is sent, most of what is lost is asked for, again and again, and
//! what is sent for it takes the place of the pictures that could have come instead. So nothing
//! is repeated while a queue stands, nothing from before the last keyframe, and of all else no more
//! than a part of what was sent. Reads no clock, owns no packet.

/// RTCP's transport layer feedback, and among it generic NACK and transport-wide feedback.
const TRANSPORT_LAYER: u8 = 205;
const NACK: u8 = 1;
const TRANSPORT_WIDE: u8 = 15;

/// Packets sent for each that may be repeated.
const SENT_FOR_EACH: u32 = 4;
/// The most that may be repeated at once: what a large keyframe loses on a bad link.
const MOST: u32 = 128;

/// What is left of a compound for whoever answers requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// All of it.
    All,
    /// This.
    Some(Vec<u8>),
    /// Nothing.
    Nothing,
}

/// See the module. One for each viewer.
#[derive(Debug, Default)]
pub struct Retransmission {
    /// Of each stream, the first packet of the last keyframe.
    begins: Vec<(u32, u16)>,
    /// Four for each packet that may be repeated.
    credit: u32,
}

impl Retransmission {
    /// A packet is sent.
    pub fn sent(&mut self) {
        self.credit = (self.credit + 1).min(MOST * SENT_FOR_EACH);
    }

    /// A keyframe of this stream is sent from this sequence number on.
    pub fn keyframe(&mut self, ssrc: u32, sequence: u16) {
        match self.begins.iter_mut().find(|(known, _)| *known == ssrc) {
            Some((_, begin)) => *begin = sequence,
            None => self.begins.push((ssrc, sequence)),
        }
    }

    /// Takes out of a compound (RFC 3550 section 6.1) what is not to be answered, and transport-wide
    /// feedback, which is for nobody else. `queue` says that too much waits for the viewer already.
    pub fn filter(&mut self, rtcp: &[u8], queue: bool) -> Left {
        let mut left = Vec::new();
        let mut rest = rtcp;
        while let Some(&[first, packet_type, l0, l1]) = rest.first_chunk::<4>() {
            let len = (4 + 4 * usize::from(u16::from_be_bytes([l0, l1]))).min(rest.len());
            let (packet, behind) = rest.split_at(len);
            match (packet_type, first & 0x1f) {
                (TRANSPORT_LAYER, TRANSPORT_WIDE) => {}
                (TRANSPORT_LAYER, NACK) if first & 0x20 == 0 => self.requests(packet, queue, &mut left),
                _ => left.extend_from_slice(packet),
            }
            rest = behind;
        }
        left.extend_from_slice(rest);
        match left.len() {
            len if len == rtcp.len() && left == rtcp => Left::All,
            0 => Left::Nothing,
            _ => Left::Some(left),
        }
    }

    /// A NACK with the requests that are to be answered, if there are any.
    fn requests(&mut self, packet: &[u8], queue: bool, left: &mut Vec<u8>) {
        let Some((head, entries)) = packet.split_at_checked(12) else { return };
        let Some(&[.., s0, s1, s2, s3]) = head.first_chunk::<12>() else { return };
        if queue {
            return;
        }
        let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
        let begin = self.begins.iter().find(|(known, _)| *known == ssrc).map(|(_, begin)| *begin);
        let start = left.len();
        left.extend_from_slice(head);
        for entry in entries.chunks_exact(4) {
            let &[p0, p1, b0, b1] = entry else { continue };
            let (pid, mask) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([b0, b1]));
            // The packet itself, and those of the 16 after it that are marked.
            let asked = std::iter::once(0).chain((1..=16).filter(|bit| mask >> (bit - 1) & 1 == 1));
            let mut kept: Option<(u16, u16)> = None;
            for sequence in asked.map(|offset| pid.wrapping_add(offset)) {
                if begin.is_some_and(|begin| sequence.wrapping_sub(begin) >= 1 << 15) || !self.take() {
                    continue;
                }
                match &mut kept {
                    None => kept = Some((sequence, 0)),
                    // Less than 17 apart: all are from one entry.
                    Some((first, mask)) => *mask |= 1 << (sequence.wrapping_sub(*first) - 1),
                }
            }
            if let Some((first, mask)) = kept {
                left.extend_from_slice(&first.to_be_bytes());
                left.extend_from_slice(&mask.to_be_bytes());
            }
        }
        let words = (left.len() - start) / 4;
        if words == 3 {
            left.truncate(start);
        } else if let Some(length) = left.get_mut(start + 2..start + 4) {
            length.copy_from_slice(&u16::try_from(words - 1).unwrap_or(u16::MAX).to_be_bytes());
        }
    }

    fn take(&mut self) -> bool {
        let rest = self.credit.checked_sub(SENT_FOR_EACH);
        self.credit = rest.unwrap_or(self.credit);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SSRC: u32 = 0x0102_0304;

    fn nack(entries: &[(u16, u16)]) -> Vec<u8> {
        let mut packet = vec![0x81, 205, 0, u8::try_from(2 + entries.len()).unwrap(), 0, 0, 0, 9];
        packet.extend_from_slice(&SSRC.to_be_bytes());
        for (pid, mask) in entries {
            packet.extend_from_slice(&pid.to_be_bytes());
            packet.extend_from_slice(&mask.to_be_bytes());
        }
        packet
    }

    fn after(packets: u32) -> Retransmission {
        let mut this = Retransmission::default();
        (0..packets).for_each(|_| this.sent());
        this
    }

    /// The numbers that are asked for.
    fn asked(rtcp: &[u8]) -> Vec<u16> {
        let entries = rtcp.get(12..).unwrap_or_default().chunks_exact(4);
        let each = entries.map(|entry| {
            let (pid, mask) =
                (u16::from_be_bytes([entry[0], entry[1]]), u16::from_be_bytes([entry[2], entry[3]]));
            (pid, mask)
        });
        let numbers = each.flat_map(|(pid, mask)| {
            std::iter::once(pid).chain(
                (0..16).filter(move |bit| mask >> bit & 1 == 1).map(move |bit| pid.wrapping_add(bit + 1)),
            )
        });
        numbers.collect()
    }

    #[test]
    fn requests_pass_while_the_link_has_room() {
        let rtcp = nack(&[(65_534, 0b1011), (100, 0)]);
        assert_eq!(after(100).filter(&rtcp, false), Left::All);
        assert_eq!(after(100).filter(&rtcp, true), Left::Nothing, "a queue stands");
    }

    #[test]
    fn nothing_from_before_the_last_keyframe_is_sent_again() {
        let mut this = after(100);
        this.keyframe(SSRC, 1);
        this.keyframe(SSRC + 1, 5000);
        match this.filter(&nack(&[(65_534, 0b1111), (65_500, 0xffff)]), false) {
            Left::Some(rtcp) => {
                assert_eq!(asked(&rtcp), [1, 2]);
                assert_eq!(rtcp, nack(&[(1, 1)]));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(this.filter(&nack(&[(65_500, 3)]), false), Left::Nothing);
    }

    #[test]
    fn no_more_than_a_part_of_what_was_sent_is_sent_again() {
        let mut this = after(40);
        let mut repeated = 0;
        for _ in 0..100 {
            if let Left::All | Left::Some(_) = this.filter(&nack(&[(7, 0)]), false) {
                repeated += 1;
            }
        }
        assert_eq!(repeated, 10);
    }

    #[test]
    fn all_else_stays_and_transport_wide_feedback_goes() {
        let report: &[u8] = &[0x80, 201, 0, 1, 0, 0, 0, 1];
        let wide: &[u8] = &[0x8f, 205, 0, 1, 0, 0, 0, 1];
        let pli: &[u8] = &[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        let mut this = after(100);
        assert_eq!(this.filter(wide, false), Left::Nothing);
        assert_eq!(this.filter(&[wide, wide].concat(), false), Left::Nothing);
        assert_eq!(this.filter(&[report, pli].concat(), true), Left::All);
        assert_eq!(this.filter(&[report, wide, pli].concat(), true), Left::Some([report, pli].concat()));
        let mixed = [report, &nack(&[(9, 0)]), pli].concat();
        assert_eq!(this.filter(&mixed, false), Left::All);
        assert_eq!(this.filter(&mixed, true), Left::Some([report, pli].concat()));
        for nonsense in [&[][..], &[0x81], &[0x80, 201, 0xff, 0xff, 0], &[0x81, 205, 0, 0]] {
            assert!(matches!(this.filter(nonsense, false), Left::All | Left::Nothing), "{nonsense:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_was_asked_for(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            entries in proptest::collection::vec(any::<(u16, u16)>(), 1..6),
            begin in any::<u16>(),
            sent in 0u32..600,
            queue in any::<bool>(),
        ) {
            let mut this = after(sent);
            this.keyframe(SSRC, begin);
            // Anything at all: no panic, and never more than came.
            if let Left::Some(left) = this.filter(&bytes, queue) {
                prop_assert!(left.len() <= bytes.len());
            }
            let rtcp = nack(&entries);
            let left = match this.filter(&rtcp, queue) {
                Left::All => rtcp.clone(),
                Left::Some(left) => left,
                Left::Nothing => Vec::new(),
            };
            let before = asked(&rtcp);
            for number in asked(&left) {
                prop_assert!(before.contains(&number) && number.wrapping_sub(begin) < 1 << 15);
            }
            prop_assert!(asked(&left).len() <= sent as usize / 4);
        }
    }
}
