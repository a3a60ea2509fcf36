//! Known bytes, a reference encoder of its own, and what is mangled.

use super::*;
use proptest::prelude::*;

/// Writes feedback about the packets from `base` on, as plainly as the draft puts it: `arrivals`
/// in ticks of 250 us. Each chunk is of the kind that suits what comes next.
pub fn transport_feedback(base: u16, feedback_count: u8, arrivals: &[Option<i64>]) -> Vec<u8> {
    let first = arrivals.iter().flatten().next().copied().unwrap_or(0);
    let reference = first.div_euclid(256);
    let mut last = reference * 256;
    let mut symbols = Vec::new();
    let mut deltas = Vec::new();
    for arrival in arrivals {
        let Some(arrival) = arrival else {
            symbols.push(0u16);
            continue;
        };
        let delta = arrival - last;
        last = *arrival;
        if let Ok(delta) = u8::try_from(delta) {
            symbols.push(1);
            deltas.push(delta);
        } else {
            symbols.push(2);
            deltas.extend(i16::try_from(delta).expect("a delta of 16 bits").to_be_bytes());
        }
    }
    let mut body = Vec::new();
    body.extend(1u32.to_be_bytes());
    body.extend(2u32.to_be_bytes());
    body.extend(base.to_be_bytes());
    body.extend(u16::try_from(arrivals.len()).unwrap().to_be_bytes());
    body.extend(&(reference as u32).to_be_bytes()[1..]);
    body.push(feedback_count);
    let mut rest = &symbols[..];
    while let Some(&symbol) = rest.first() {
        let run = rest.iter().take_while(|other| **other == symbol).count().min(0x1fff);
        let one_bit = rest.iter().take(14).all(|symbol| *symbol < 2);
        let (chunk, taken) = if run >= 14 || run == rest.len() {
            (symbol << 13 | run as u16, run)
        } else if one_bit {
            (vector(0x8000, 1, 14, rest), rest.len().min(14))
        } else {
            (vector(0xc000, 2, 7, rest), rest.len().min(7))
        };
        body.extend(chunk.to_be_bytes());
        rest = &rest[taken..];
    }
    body.extend(deltas);
    let padding = (4 - body.len() % 4) % 4;
    if padding > 0 {
        body.resize(body.len() + padding, 0);
        *body.last_mut().unwrap() = padding as u8;
    }
    let mut packet = vec![0x80 | u8::from(padding > 0) << 5 | 15, 205];
    packet.extend(u16::try_from(body.len() / 4).unwrap().to_be_bytes());
    packet.extend(body);
    packet
}

fn vector(kind: u16, width: usize, places: usize, symbols: &[u16]) -> u16 {
    let used = symbols.iter().take(places).enumerate();
    used.fold(kind, |word, (place, symbol)| word | symbol << (width * (places - 1 - place)))
}

/// A receiver report of one block.
pub fn receiver_report(block: ReportBlock) -> Vec<u8> {
    let mut packet = vec![0x81, 201, 0, 7, 0, 0, 0, 1];
    packet.extend(block.ssrc.to_be_bytes());
    packet.push(block.fraction_lost);
    packet.extend(&block.cumulative_lost.to_be_bytes()[1..]);
    for word in [block.highest_sequence, block.jitter, block.last_sr, block.delay_since_last_sr] {
        packet.extend(word.to_be_bytes());
    }
    packet
}

/// REMB for one stream.
pub fn remb_of(bps: u64) -> Vec<u8> {
    let exponent = (64 - bps.leading_zeros()).saturating_sub(18);
    let word = 1 << 24 | exponent << 18 | u32::try_from(bps >> exponent).unwrap();
    let mut packet = vec![0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B'];
    packet.extend(word.to_be_bytes());
    packet.extend(7u32.to_be_bytes());
    packet
}

fn only(bytes: &[u8]) -> Result<Packet<'_>, RtcpError> {
    let mut packets = packets(bytes);
    let first = packets.next().expect("a packet");
    assert_eq!(packets.next(), None);
    first
}

fn feedback(bytes: &[u8]) -> TransportFeedback<'_> {
    match only(bytes) {
        Ok(Packet::TransportFeedback(feedback)) => feedback,
        other => panic!("{other:?}"),
    }
}

fn arrivals(bytes: &[u8]) -> Vec<Option<i64>> {
    feedback(bytes).statuses().map(|status| status.arrival).collect()
}

#[test]
fn what_chromium_sent_is_read() {
    // As Wireshark shows it: nine small deltas after 7, 3, 11, 14, 0, 1, 0, 2 and 6 ms.
    let bytes = [
        0xaf, 0xcd, 0x00, 0x07, 0x00, 0x00, 0x00, 0x01, 0xdd, 0x58, 0x6e, 0xb6, 0x00, 0x01, 0x00, 0x09, 0x5e,
        0x91, 0x10, 0x00, 0x20, 0x09, 0x1c, 0x0c, 0x2c, 0x38, 0x00, 0x04, 0x00, 0x08, 0x18, 0x01,
    ];
    let feedback = feedback(&bytes);
    assert_eq!((feedback.base(), feedback.count()), (1, 9));
    assert_eq!((feedback.reference(), feedback.feedback_count()), (6_197_520, 0));
    let numbers: Vec<u16> = feedback.statuses().map(|status| status.number).collect();
    assert_eq!(numbers, (1..10).collect::<Vec<u16>>());
    let start = 6_197_520 * 256;
    let ticks: Vec<i64> = feedback.statuses().map(|status| status.arrival.unwrap() - start).collect();
    assert_eq!(ticks, [28, 40, 84, 140, 140, 144, 144, 152, 176]);

    let remb = [143, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 82, 69, 77, 66, 1, 26, 32, 223, 72, 116, 237, 22];
    assert_eq!(only(&remb), Ok(Packet::Remb(8_927_168)));
}

#[test]
fn the_chunks_of_the_drafts_examples_are_read() {
    let with = |count: u16, chunk: [u8; 2], deltas: &[u8]| {
        let mut bytes = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe];
        bytes.extend(count.to_be_bytes());
        bytes.extend([0xff, 0xff, 0xff, 9]);
        bytes.extend(chunk);
        bytes.extend(deltas);
        while bytes.len() % 4 != 0 {
            bytes.push(0);
        }
        bytes[3] = u8::try_from(bytes.len() / 4 - 1).unwrap();
        bytes
    };
    // Section 3.1.3: a run of 221 that were not received.
    assert_eq!(arrivals(&with(221, [0, 0xdd], &[])), vec![None; 221]);
    // Section 3.1.4: 0, five received, 0, three received, four not.
    let bytes = with(14, [0x9f, 0x1c], &[1, 1, 1, 1, 1, 1, 1, 1]);
    let received: Vec<bool> = arrivals(&bytes).iter().map(Option::is_some).collect();
    let expected = [0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0].map(|bit| bit == 1);
    assert_eq!(received, expected);
    let numbers: Vec<u16> = feedback(&bytes).statuses().map(|status| status.number).take(3).collect();
    assert_eq!(numbers, [65_534, 65_535, 0], "numbers wrap");
    assert_eq!(feedback(&bytes).reference(), -1, "24 bits with a sign");
    // Section 3.1.4, two bits each: small, large and negative, small three times, not received twice.
    let bytes = with(7, [0xd9, 0x50], &[200, 0xff, 0xfe, 4, 5, 6]);
    let from_start: Vec<_> = arrivals(&bytes).iter().map(|at| at.map(|at| at + 256)).collect();
    assert_eq!(from_start, [Some(200), Some(198), Some(202), Some(207), Some(213), None, None]);
    assert_eq!(only(&with(7, [0xcd, 0x50], &[0; 6])), Err(RtcpError::ReservedStatus));
}

#[test]
fn reports_requests_and_what_is_not_known_are_told_apart() {
    let block = ReportBlock {
        ssrc: 0xdead_beef,
        fraction_lost: 64,
        cumulative_lost: -3,
        highest_sequence: 0x0001_0005,
        jitter: 17,
        last_sr: 0x1234_5678,
        delay_since_last_sr: 0x8000,
    };
    let mut compound = receiver_report(block);
    // A sender report without blocks, SDES, NACK of 1 + 2 packets, PLI, FIR, REMB, BYE.
    compound.extend([0x80, 200, 0, 6]);
    compound.extend([0; 24]);
    compound.extend([0x81, 202, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0]);
    compound.extend([0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0x80, 0x01]);
    compound.extend([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    compound.extend([0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0, 0, 0]);
    compound.extend(remb_of(1_500_000));
    compound.extend([0x81, 203, 0, 1, 0, 0, 0, 1]);
    let found: Vec<_> = packets(&compound).collect::<Result<_, _>>().unwrap();
    let other = |packet_type, format| Packet::Other { packet_type, format };
    assert!(matches!(found[0], Packet::Report(blocks) if blocks.eq([block])));
    assert!(matches!(found[1], Packet::Report(blocks) if blocks.eq([])));
    assert_eq!(found[2..6], [other(202, 1), Packet::Nack(3), Packet::Pli, Packet::Fir(1)]);
    assert_eq!(found[6..], [Packet::Remb(1_500_000), other(203, 1)]);
}

#[test]
fn the_round_trip_is_that_of_the_rfcs_example() {
    // RFC 3550, figure 2: 0xb710:8000 at arrival, 5.25 s and 46,853.125 s before: 6.125 s.
    let block = ReportBlock {
        ssrc: 1,
        fraction_lost: 0,
        cumulative_lost: 0,
        highest_sequence: 0,
        jitter: 0,
        last_sr: 0xb705_2000,
        delay_since_last_sr: 0x0005_4000,
    };
    assert_eq!(block.round_trip(0x0000_b710_8000_0000), Some(0x0006_2000));
    assert_eq!(ReportBlock { last_sr: 0, ..block }.round_trip(0x0000_b710_8000_0000), None);
    assert_eq!(block.round_trip(0x0000_b705_2000_0000), None, "before it was sent");
}

#[test]
fn what_is_no_rtcp_is_refused_with_the_reason() {
    let cases: &[(&[u8], &str)] = &[
        (&[0x81, 206, 0], "the RTCP packet has 3 bytes, its contents ask for 4"),
        (&[0x41, 206, 0, 0], "expected RTCP version 2, found 1"),
        (&[0x81, 206, 0, 2, 0, 0, 0, 1], "the RTCP packet has 8 bytes, its contents ask for 12"),
        (&[0x81, 206, 0, 1, 0, 0, 0, 1], "the RTCP packet has 8 bytes, its contents ask for 12"),
        (&[0xa1, 206, 0, 1, 0, 0, 0, 5], "the RTCP padding count 5 is not one"),
        (&[0xa1, 206, 0, 0], "the RTCP padding count 0 is not one"),
        (&[0x81, 201, 0, 1, 0, 0, 0, 1], "the RTCP packet has 8 bytes, its contents ask for 32"),
        (
            &[0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B'],
            "the RTCP packet has 16 bytes, its contents ask for 20",
        ),
        (
            &[0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0x10, 0x01, 0, 0, 0, 0],
            "the transport-wide feedback is about 4097 packets, at most 4096 are taken",
        ),
        (
            &[0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0],
            "the RTCP packet has 20 bytes, its contents ask for 22",
        ),
        (
            &[0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0x20, 3, 1, 1],
            "the RTCP packet has 24 bytes, its contents ask for 25",
        ),
    ];
    for (bytes, message) in cases {
        assert_eq!(only(bytes).unwrap_err().to_string(), *message, "{bytes:x?}");
    }
}

#[test]
fn a_malformed_packet_does_not_hide_those_after_it() {
    let mut bytes = vec![0x81, 206, 0, 1, 0, 0, 0, 1];
    bytes.extend([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    let found: Vec<_> = packets(&bytes).collect();
    assert!(found[0].is_err());
    assert_eq!(found[1], Ok(Packet::Pli));
}

#[test]
fn the_largest_remb_is_no_overflow() {
    let bytes = [0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 0, 0xff, 0xff, 0xff];
    assert_eq!(only(&bytes), Ok(Packet::Remb(u64::MAX)));
}

proptest! {
    #[test]
    fn feedback_says_what_was_written(
        base in any::<u16>(),
        start in -(1i64 << 31)..(1i64 << 31) - (1 << 20),
        steps in prop::collection::vec(
            prop_oneof![3 => Just(None), 6 => (0i64..300).prop_map(Some), 1 => (-3000i64..30_000).prop_map(Some)],
            1..300,
        ),
    ) {
        let mut at = start;
        let written: Vec<Option<i64>> =
            steps.iter().map(|step| step.map(|step| { at = (at + step).min(start + (1 << 20)); at })).collect();
        // The first delta counts from the reference time.
        let bytes = transport_feedback(base, 3, &written);
        prop_assert_eq!(arrivals(&bytes), written);
        prop_assert_eq!(feedback(&bytes).base(), base);
    }

    #[test]
    fn whatever_comes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let packets: Vec<_> = packets(&bytes).collect();
        prop_assert!(packets.len() <= 1 + bytes.len() / 4);
    }

    #[test]
    fn mangled_feedback_is_refused_or_read_to_its_end(
        arrivals in prop::collection::vec(prop::option::of(0i64..200), 1..60),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = transport_feedback(9, 1, &arrivals);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for packet in packets(&bytes).flatten() {
            if let Packet::TransportFeedback(feedback) = packet {
                prop_assert_eq!(feedback.statuses().count(), usize::from(feedback.count()));
            }
        }
    }
}
