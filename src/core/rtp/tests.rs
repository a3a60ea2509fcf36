//! Rewriting by example, and over arbitrary sequences of frames.

use super::*;
use proptest::prelude::*;

const RATE: u32 = 90_000;
const SSRC: u32 = 0xdead_beef;

fn track(kind: MediaKind) -> Track {
    let clock_rate = match kind {
        MediaKind::Video => RATE,
        MediaKind::Audio => 48_000,
    };
    Track {
        kind,
        payload_type: 102,
        ssrc: SSRC,
        clock_rate,
        first_sequence: 65_534,
        first_timestamp: u32::MAX - 100,
    }
}

fn video() -> Rewriter {
    Rewriter::new(track(MediaKind::Video)).unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn key(stream: u32, at_ms: u64) -> FrameInfo {
    FrameInfo { stream, keyframe: true, running_time: ms(at_ms), queue: Duration::ZERO }
}

fn delta(stream: u32, at_ms: u64) -> FrameInfo {
    FrameInfo { keyframe: false, ..key(stream, at_ms) }
}

fn queued(frame: FrameInfo, queue_ms: u64) -> FrameInfo {
    FrameInfo { queue: ms(queue_ms), ..frame }
}

const DROP: Decision = Decision::Drop { want_keyframe: false };
const WANT: Decision = Decision::Drop { want_keyframe: true };

/// A packet as a payloader makes it, with numbers that must not come through.
fn packet(marker: bool) -> Vec<u8> {
    vec![0x80, u8::from(marker) << 7 | 96, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 1, 2, 3, 4, 0xca, 0xfe]
}

/// One packet of the present frame, rewritten.
fn sent(rewriter: &mut Rewriter) -> RtpHeader {
    let mut packet = packet(false);
    rewriter.rewrite(&mut packet).unwrap();
    RtpHeader::parse(&packet).unwrap()
}

#[test]
fn headers_are_read() {
    let header = RtpHeader::parse(&packet(true)).unwrap();
    assert_eq!(
        header,
        RtpHeader {
            marker: true,
            payload_type: 96,
            sequence: 0x1122,
            timestamp: 0x3344_5566,
            ssrc: 0x0102_0304,
            csrc_count: 0,
            extension_profile: None,
            header_len: 12,
            padding_len: 0,
        }
    );
    // Two CSRCs, an extension of one word, three bytes of padding, a payload of one byte.
    let mut full = vec![0xb2, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    full.extend([0, 0, 0, 4, 0, 0, 0, 5]);
    full.extend([0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
    full.extend([0x42, 0, 0, 3]);
    let header = RtpHeader::parse(&full).unwrap();
    assert_eq!((header.csrc_count, header.extension_profile), (2, Some(0xbede)));
    assert_eq!((header.header_len, header.padding_len), (28, 3));
}

#[test]
fn what_is_no_packet_is_refused_and_stays_as_it_was() {
    let with = |at: usize, byte: u8| {
        let mut packet = packet(false);
        packet[at] = byte;
        packet
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the packet has 0 bytes, its header asks for 12"),
        (packet(false)[..11].to_vec(), "the packet has 11 bytes, its header asks for 12"),
        (with(0, 0x40), "expected RTP version 2, found 1"),
        (with(0, 0x81), "the packet has 14 bytes, its header asks for 16"),
        (with(0, 0x90), "the packet has 14 bytes, its header asks for 16"),
        ([&with(0, 0x90)[..], &[0xff, 0xff]].concat(), "the packet has 16 bytes, its header asks for 262156"),
        (with(0, 0xa0), "the padding count 254 is not one"),
        ([&with(0, 0xa0)[..], &[0]].concat(), "the padding count 0 is not one"),
        (with(0, 0xa0)[..12].to_vec(), "the padding count 0 is not one"),
    ];
    for (bytes, message) in cases {
        let mut rewriter = video();
        assert_eq!(rewriter.frame(key(1, 0)), Decision::Forward);
        let mut packet = bytes.clone();
        assert_eq!(rewriter.rewrite(&mut packet).unwrap_err().to_string(), message, "{bytes:x?}");
        assert_eq!(packet, bytes);
        assert_eq!(sent(&mut rewriter).sequence, 65_534, "no number is used up");
    }
}

#[test]
fn only_four_fields_change() {
    let mut rewriter = video();
    assert_eq!(rewriter.frame(key(1, 0)), Decision::Forward);
    // Every kind of part: CSRC, extension, padding, marker.
    let mut bytes =
        vec![0xb1, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0];
    bytes.extend([1, 2, 3, 0, 2]);
    let before = bytes.clone();
    rewriter.rewrite(&mut bytes).unwrap();
    assert_eq!(bytes[0], before[0]);
    assert_eq!(bytes[1], 0x80 | 102);
    assert_eq!(bytes[2..4], 65_534u16.to_be_bytes());
    assert_eq!(bytes[4..8], (u32::MAX - 100).to_be_bytes());
    assert_eq!(bytes[8..12], SSRC.to_be_bytes());
    assert_eq!(bytes[12..], before[12..]);
}

#[test]
fn pictures_begin_with_a_keyframe() {
    let mut rewriter = video();
    assert_eq!(rewriter.stream(), None);
    assert_eq!(rewriter.frame(delta(1, 0)), WANT);
    assert_eq!(rewriter.rewrite(&mut packet(false)), Err(RtpError::NotForwarded));
    assert_eq!(rewriter.frame(key(1, 33)), Decision::Forward);
    assert_eq!(rewriter.stream(), Some(1));
    assert_eq!(sent(&mut rewriter).timestamp, u32::MAX - 100, "the first frame's is the one passed in");
    assert_eq!(rewriter.frame(delta(1, 66)), Decision::Forward);
}

#[test]
fn numbers_and_timestamps_wrap() {
    let mut rewriter = video();
    assert_eq!(rewriter.frame(key(1, 1000)), Decision::Forward);
    let sequences: Vec<_> = (0..3).map(|_| sent(&mut rewriter).sequence).collect();
    assert_eq!(sequences, [65_534, 65_535, 0]);
    assert_eq!(rewriter.frame(delta(1, 1010)), Decision::Forward);
    let header = sent(&mut rewriter);
    assert_eq!((header.sequence, header.timestamp), (1, 900 - 101));
}

#[test]
fn a_switch_waits_for_the_new_streams_keyframe() {
    let mut rewriter = video();
    assert_eq!(rewriter.frame(key(1, 0)), Decision::Forward);
    let first = sent(&mut rewriter);
    assert_eq!(rewriter.frame(delta(2, 20)), WANT);
    assert_eq!(rewriter.stream(), Some(1));
    assert_eq!(rewriter.rewrite(&mut packet(false)), Err(RtpError::NotForwarded));
    assert_eq!(rewriter.frame(delta(1, 33)), Decision::Forward, "the old one goes on meanwhile");
    let second = sent(&mut rewriter);
    assert_eq!(rewriter.frame(key(2, 40)), Decision::Forward);
    let third = sent(&mut rewriter);
    assert_eq!(rewriter.stream(), Some(2));
    assert_eq!(rewriter.frame(delta(1, 66)), WANT, "the old one is over");
    assert_eq!(rewriter.frame(delta(2, 73)), Decision::Forward);
    assert_eq!(second.sequence, first.sequence.wrapping_add(1));
    assert_eq!(third.sequence, second.sequence.wrapping_add(1));
    assert_eq!(third.timestamp.wrapping_sub(first.timestamp), 40 * 90);
}

#[test]
fn a_viewer_that_falls_behind_gets_whole_frames_again_from_a_keyframe_on() {
    let mut rewriter = video();
    assert_eq!(rewriter.frame(key(1, 0)), Decision::Forward);
    let before = sent(&mut rewriter);
    assert_eq!(rewriter.frame(queued(delta(1, 33), 200)), Decision::Forward, "200 ms is not too much");
    let _ = sent(&mut rewriter);
    assert_eq!(rewriter.frame(queued(delta(1, 66), 201)), DROP);
    assert_eq!(rewriter.frame(queued(key(1, 100), 150)), DROP, "not before the queue has drained");
    assert_eq!(rewriter.frame(queued(delta(1, 133), 100)), WANT, "drained: a keyframe is missing");
    assert_eq!(rewriter.frame(queued(delta(1, 166), 150)), WANT);
    assert_eq!(rewriter.frame(queued(key(1, 200), 150)), Decision::Forward);
    let after = sent(&mut rewriter);
    assert_eq!(after.sequence, before.sequence.wrapping_add(2), "dropped frames use up no numbers");
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 200 * 90);
}

#[test]
fn a_keyframe_that_finds_the_queue_drained_is_forwarded_at_once() {
    let mut rewriter = video();
    assert_eq!(rewriter.frame(queued(key(1, 0), 300)), DROP);
    assert_eq!(rewriter.frame(queued(key(1, 33), 100)), Decision::Forward);
}

#[test]
fn a_picture_that_was_paused_goes_on_with_a_keyframe() {
    let mut rewriter = video();
    assert_eq!(rewriter.frame(key(1, 0)), Decision::Forward);
    assert_eq!(sent(&mut rewriter).sequence, 65_534);
    rewriter.interrupted();
    assert_eq!(rewriter.frame(delta(1, 5_000)), WANT);
    assert_eq!(rewriter.frame(key(1, 5_033)), Decision::Forward);
    let header = sent(&mut rewriter);
    assert_eq!(header.sequence, 65_535);
    assert_eq!(header.timestamp, (u32::MAX - 100).wrapping_add(5_033 * 90));
    let mut sound = Rewriter::new(track(MediaKind::Audio)).unwrap();
    assert_eq!(sound.frame(delta(1, 0)), Decision::Forward);
    sound.interrupted();
    assert_eq!(sound.frame(delta(1, 20)), Decision::Forward);
}

#[test]
fn sound_needs_no_keyframe_and_resumes_at_once() {
    let mut rewriter = Rewriter::new(track(MediaKind::Audio)).unwrap();
    assert_eq!(rewriter.frame(delta(1, 0)), Decision::Forward);
    let first = sent(&mut rewriter);
    assert_eq!(rewriter.frame(queued(delta(1, 20), 201)), DROP);
    assert_eq!(rewriter.rewrite(&mut packet(false)), Err(RtpError::NotForwarded));
    assert_eq!(rewriter.frame(queued(delta(1, 40), 199)), Decision::Forward);
    let second = sent(&mut rewriter);
    assert_eq!(second.sequence, first.sequence.wrapping_add(1));
    assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 40 * 48);
    assert_eq!(rewriter.frame(delta(2, 60)), Decision::Forward, "another stream needs none either");
}

#[test]
fn opus_frames_are_960_ticks_apart_whatever_the_rounding_of_their_times() {
    let mut rewriter = Rewriter::new(track(MediaKind::Audio)).unwrap();
    let mut last = None;
    for n in 0..1000u64 {
        // A nanosecond early or late, as elements that count in samples round.
        let nanos = 7 + n * 20_000_000 + n % 3;
        let running_time = Duration::from_nanos(nanos);
        let frame = FrameInfo { stream: 1, keyframe: false, running_time, queue: Duration::ZERO };
        assert_eq!(rewriter.frame(frame), Decision::Forward);
        let timestamp = sent(&mut rewriter).timestamp;
        assert!(last.is_none_or(|last| timestamp.wrapping_sub(last) == 960), "frame {n}");
        last = Some(timestamp);
    }
}

#[test]
fn timestamps_follow_running_time_without_drift() {
    let mut rewriter = video();
    // 30000/1001 frames a second for three hours: past a wrap, no tick lost.
    let frames = 3 * 3600 * 30u64;
    for n in 0..frames {
        let running_time = Duration::from_nanos(n * 1_001_000_000 / 30);
        let frame = FrameInfo { stream: 1, keyframe: n == 0, running_time, queue: Duration::ZERO };
        assert_eq!(rewriter.frame(frame), Decision::Forward);
    }
    let expected = (u64::from(u32::MAX - 100) + (frames - 1) * 3003) % (1 << 32);
    assert_eq!(u64::from(rewriter.timestamp()), expected);
}

#[test]
fn time_that_stands_still_or_goes_back_still_moves_the_timestamp_on() {
    let mut rewriter = video();
    let mut timestamp = |frame| {
        assert_eq!(rewriter.frame(frame), Decision::Forward);
        sent(&mut rewriter).timestamp
    };
    let first = timestamp(key(1, 10_000));
    assert_eq!(timestamp(delta(1, 10_000)).wrapping_sub(first), 1);
    assert_eq!(timestamp(key(2, 500)).wrapping_sub(first), 2, "a source with a time of its own");
    assert_eq!(timestamp(delta(2, 600)).wrapping_sub(first), 2 + 9000);
}

#[test]
fn a_leap_beyond_what_a_timestamp_can_say_stays_a_step_forward() {
    let mut rewriter = video();
    assert_eq!(rewriter.frame(key(1, 0)), Decision::Forward);
    let first = sent(&mut rewriter).timestamp;
    // Seven hours: 2^31 ticks are 6 h 37 min.
    assert_eq!(rewriter.frame(key(2, 7 * 3_600_000)), Decision::Forward);
    let second = sent(&mut rewriter).timestamp;
    assert_eq!(second.wrapping_sub(first), 1 << 30);
    assert_eq!(rewriter.frame(delta(2, 7 * 3_600_000 + 100)), Decision::Forward);
    assert_eq!(sent(&mut rewriter).timestamp.wrapping_sub(second), 9000);
    assert_eq!(rewriter.frame(FrameInfo { running_time: Duration::MAX, ..delta(2, 0) }), Decision::Forward);
}

#[test]
fn payload_types_have_seven_bits() {
    let wrong = Track { payload_type: 128, ..track(MediaKind::Video) };
    assert_eq!(Rewriter::new(wrong).unwrap_err(), RtpError::PayloadType(128));
}

/// One thing that happens to a viewer's track.
#[derive(Debug, Clone)]
struct Step {
    /// Which stream the frame is of: mostly the present one.
    stream: Stream,
    keyframe: bool,
    after: Duration,
    queue_ms: u64,
    packets: usize,
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Same,
    /// The source starts again, or another rendition comes in.
    Next,
    /// A frame of the one before, that was still under way.
    Old,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let stream = prop_oneof![12 => Just(Stream::Same), 2 => Just(Stream::Next), 1 => Just(Stream::Old)];
    let keyframe = prop::bool::weighted(0.3);
    let after = prop_oneof![
        6 => (1u64..100_000_000).prop_map(Duration::from_nanos),
        // A pause of up to twenty minutes.
        1 => (0u64..1_200_000).prop_map(Duration::from_millis),
    ];
    let queue = prop_oneof![4 => 0u64..100, 1 => 90u64..250];
    let step = (stream, keyframe, after, queue, 1usize..6).prop_map(
        |(stream, keyframe, after, queue_ms, packets)| Step { stream, keyframe, after, queue_ms, packets },
    );
    prop::collection::vec(step, 0..150)
}

/// `time` in ticks, as a fraction.
fn exact_ticks(time: Duration, rate: u32) -> f64 {
    time.as_secs_f64() * f64::from(rate)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn pictures_go_on_without_a_gap_whatever_happens(
        steps in steps(),
        first_sequence: u16,
        first_timestamp: u32,
        origin_s in 0u64..3_700_000,
    ) {
        let track = Track { first_sequence, first_timestamp, ..track(MediaKind::Video) };
        let mut rewriter = Rewriter::new(track).unwrap();
        let mut next_sequence = first_sequence;
        let mut now = Duration::from_secs(origin_s);
        let mut stream = 1u32;
        // Of the last frame that was forwarded: stream, time, timestamp.
        let mut last: Option<(u32, Duration, u32)> = None;
        let mut held_back = false;
        for step in steps {
            now += step.after;
            let of = match step.stream {
                Stream::Same => stream,
                Stream::Next => { stream += 1; stream }
                Stream::Old => stream - 1,
            };
            let frame = FrameInfo { stream: of, keyframe: step.keyframe, running_time: now, queue: ms(step.queue_ms) };
            match rewriter.frame(frame) {
                Decision::Forward => {
                    prop_assert!(frame.queue <= QUEUE_HIGH);
                    let goes_on = last.is_some_and(|(stream, ..)| stream == of) && !held_back;
                    prop_assert!(frame.keyframe || goes_on, "nothing to decode it with");
                    held_back = false;
                    for n in 0..step.packets {
                        let mut bytes = packet(n + 1 == step.packets);
                        rewriter.rewrite(&mut bytes).unwrap();
                        let header = RtpHeader::parse(&bytes).unwrap();
                        prop_assert_eq!(header.sequence, next_sequence);
                        next_sequence = next_sequence.wrapping_add(1);
                        prop_assert_eq!(header.timestamp, rewriter.timestamp(), "one timestamp a frame");
                        prop_assert_eq!((header.ssrc, header.payload_type), (SSRC, 102));
                        prop_assert_eq!(header.marker, n + 1 == step.packets);
                        prop_assert_eq!(&bytes[12..], &packet(false)[12..]);
                    }
                    if let Some((_, time, timestamp)) = last {
                        let step = rewriter.timestamp().wrapping_sub(timestamp);
                        prop_assert!((1..1 << 31).contains(&step), "timestamps go forward");
                        let exact = exact_ticks(now - time, RATE).min(f64::from(1u32 << 30));
                        prop_assert!((f64::from(step) - exact).abs() <= 1.01, "{step} ticks for {exact}");
                    } else {
                        prop_assert_eq!(rewriter.timestamp(), first_timestamp);
                    }
                    last = Some((of, now, rewriter.timestamp()));
                }
                Decision::Drop { want_keyframe } => {
                    let mut bytes = packet(false);
                    prop_assert_eq!(rewriter.rewrite(&mut bytes), Err(RtpError::NotForwarded));
                    prop_assert_eq!(bytes, packet(false));
                    if frame.queue > QUEUE_HIGH {
                        held_back = true;
                    }
                    // A keyframe is only left out while too much waits, and only then it is no use
                    // to ask for another.
                    prop_assert!(!frame.keyframe || frame.queue > QUEUE_LOW);
                    prop_assert!(want_keyframe || frame.queue > QUEUE_LOW);
                    prop_assert!(!(want_keyframe && frame.keyframe));
                }
            }
            prop_assert_eq!(rewriter.next_sequence(), next_sequence);
        }
    }

    #[test]
    fn sound_goes_on_without_a_gap_whatever_happens(steps in steps(), first_sequence: u16) {
        let track = Track { first_sequence, ..track(MediaKind::Audio) };
        let mut rewriter = Rewriter::new(track).unwrap();
        let mut next_sequence = first_sequence;
        let mut now = Duration::ZERO;
        let mut origin = None;
        for step in steps {
            now += step.after.max(Duration::from_micros(30));
            let frame = FrameInfo { stream: 1, keyframe: false, running_time: now, queue: ms(step.queue_ms) };
            let decision = rewriter.frame(frame);
            prop_assert_eq!(decision == Decision::Forward, frame.queue <= QUEUE_HIGH);
            if decision == Decision::Forward {
                prop_assert_eq!(sent(&mut rewriter).sequence, next_sequence);
                next_sequence = next_sequence.wrapping_add(1);
                let origin = *origin.get_or_insert(now);
                let ticks = rewriter.timestamp().wrapping_sub(track.first_timestamp);
                let off = f64::from(ticks) - exact_ticks(now - origin, 48_000) % 4_294_967_296.0;
                prop_assert!(off.abs() <= 0.51, "off by {off} ticks after any time");
            }
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut rewriter = video();
        prop_assert_eq!(rewriter.frame(key(1, 0)), Decision::Forward);
        let mut copy = bytes.clone();
        match (rewriter.rewrite(&mut copy), RtpHeader::parse(&bytes)) {
            (Ok(()), Ok(header)) => {
                prop_assert!(header.header_len + header.padding_len <= bytes.len());
                prop_assert_eq!(&copy[12..], &bytes[12..]);
            }
            (Err(error), Err(same)) => {
                prop_assert_eq!(error, same);
                prop_assert_eq!(copy, bytes);
            }
            (rewritten, parsed) => prop_assert!(false, "{rewritten:?} {parsed:?}"),
        }
    }
}
