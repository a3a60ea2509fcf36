//! RTP headers rewritten for one viewer (RFC 3550 section 5.1).
//!
//! A rendition is packetised once; each viewer gets a copy of every packet, and a [`Rewriter`]
//! gives the copies of one track a payload type, an SSRC, sequence numbers and timestamps that go
//! on without a gap over source restarts, switches between renditions and dropped frames. It also
//! decides which frames a viewer gets: from a keyframe on, and nothing while too much waits for
//! it. Owns no packet, allocates nothing, reads no clock.
//!
//! Header extensions pass as they are. Those that are a viewer's own are put in by the copy, before
//! [`Rewriter::rewrite`]: [`Extensions`].

mod extensions;

pub use extensions::{CAPTURE_TIME_URI, Extensions, PLAYOUT_DELAY_URI, TRANSPORT_SEQUENCE_URI, ntp_time};

use crate::core::protocol::MediaKind;
use std::time::Duration;

/// More than this waiting for a viewer, and it gets no further frames.
pub const QUEUE_HIGH: Duration = Duration::from_millis(200);
/// A viewer whose pictures were held back gets them again from a keyframe on, once no more than
/// this waits.
pub const QUEUE_LOW: Duration = Duration::from_millis(100);

/// The fixed part of a header, in bytes.
const FIXED: usize = 12;
/// The longest step of the timestamp. A step of 2^31 or more would look like one backwards.
const LONGEST_STEP: u64 = 1 << 30;

/// Why bytes are not an RTP packet that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// The header says that there is more.
    #[error("the packet has {found} bytes, its header asks for {expected}")]
    TooShort {
        /// At least so many.
        expected: usize,
        /// There are so many.
        found: usize,
    },
    /// Not version 2.
    #[error("expected RTP version 2, found {0}")]
    Version(u8),
    /// A padding count of 0 or beyond the payload.
    #[error("the padding count {0} is not one")]
    Padding(u8),
    /// A payload type that does not fit its seven bits.
    #[error("expected a payload type from 0 to 127, found {0}")]
    PayloadType(u8),
    /// The frame that the packet belongs to was not to be forwarded.
    #[error("the packet belongs to no forwarded frame")]
    NotForwarded,
}

/// The header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit; for video, the last packet of a frame.
    pub marker: bool,
    /// To 127.
    pub payload_type: u8,
    /// Counts packets, modulo 2^16.
    pub sequence: u16,
    /// In ticks of the payload type's clock, modulo 2^32.
    pub timestamp: u32,
    /// The stream's number.
    pub ssrc: u32,
    /// Contributing sources (0 to 15).
    pub csrc_count: u8,
    /// The `profile` word of the header extension (RFC 8285: 0xBEDE or 0x100x), if there is one.
    pub extension_profile: Option<u16>,
    /// Bytes before the payload: fixed part, CSRCs, extension.
    pub header_len: usize,
    /// Bytes after the payload.
    pub padding_len: usize,
}

impl RtpHeader {
    /// Reads the header of a packet and checks that what it announces is there.
    ///
    /// # Errors
    /// [`RtpError`] when these bytes are not an RTP packet.
    pub fn parse(packet: &[u8]) -> Result<Self, RtpError> {
        let too_short = |expected| RtpError::TooShort { expected, found: packet.len() };
        let Some(&[b0, b1, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]) = packet.first_chunk::<FIXED>() else {
            return Err(too_short(FIXED));
        };
        if b0 >> 6 != 2 {
            return Err(RtpError::Version(b0 >> 6));
        }
        let csrc_count = b0 & 0x0f;
        let mut header_len = FIXED + 4 * usize::from(csrc_count);
        let mut extension_profile = None;
        if b0 & 0x10 != 0 {
            let expected = header_len + 4;
            let word = packet.get(header_len..expected).ok_or_else(|| too_short(expected))?;
            if let &[p0, p1, l0, l1] = word {
                extension_profile = Some(u16::from_be_bytes([p0, p1]));
                header_len = expected + 4 * usize::from(u16::from_be_bytes([l0, l1]));
            }
        }
        let body = packet.get(header_len..).ok_or_else(|| too_short(header_len))?;
        let padding_len = if b0 & 0x20 != 0 {
            let count = body.last().copied().unwrap_or(0);
            if count == 0 || usize::from(count) > body.len() {
                return Err(RtpError::Padding(count));
            }
            usize::from(count)
        } else {
            0
        };
        Ok(Self {
            marker: b1 & 0x80 != 0,
            payload_type: b1 & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            csrc_count,
            extension_profile,
            header_len,
            padding_len,
        })
    }
}

/// What a viewer's track looks like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    /// Pictures wait for keyframes; sound does not.
    pub kind: MediaKind,
    /// As negotiated, to 127.
    pub payload_type: u8,
    /// As in the offer.
    pub ssrc: u32,
    /// Ticks a second, as in `rtpmap`.
    pub clock_rate: u32,
    /// The first packet's number. Random (RFC 3550 section 5.1); below 2^15 it spares a
    /// receiver's SRTP a wrap in the first packets (RFC 3711 section 3.3.1).
    pub first_sequence: u16,
    /// The first frame's timestamp. Random.
    pub first_timestamp: u32,
}

/// One frame that could be sent: one picture, or one packet of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameInfo {
    /// Which stream of packets it is from. Another number after every restart of the source and
    /// for every rendition: nothing decodes across a change without a keyframe.
    pub stream: u32,
    /// Whether it decodes by itself. Of no importance for sound.
    pub keyframe: bool,
    /// When it was captured, on the clock that all pipelines share.
    pub running_time: Duration,
    /// How much time is waiting to be sent to this viewer.
    pub queue: Duration,
}

/// What is to happen with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Copy its packets, and [`Rewriter::rewrite`] each copy.
    Forward,
    /// Leave it out for this viewer. No sequence number is used up.
    Drop {
        /// Nothing but a keyframe gets this viewer going. True for each frame that is dropped for
        /// the want of one, so that a lost request is made up for; requests are coalesced
        /// elsewhere.
        want_keyframe: bool,
    },
}

/// Rewrites the packets of one track for one viewer.
///
/// ```
/// # use std::time::Duration;
/// # use vitrina::core::{protocol::MediaKind, rtp::*};
/// let mut rewriter = Rewriter::new(Track {
///     kind: MediaKind::Video,
///     payload_type: 96,
///     ssrc: 0x1234,
///     clock_rate: 90_000,
///     first_sequence: 17,
///     first_timestamp: 4711,
/// })?;
/// let frame = FrameInfo {
///     stream: 0,
///     keyframe: true,
///     running_time: Duration::from_secs(5),
///     queue: Duration::ZERO,
/// };
/// assert_eq!(rewriter.frame(frame), Decision::Forward);
/// let mut packet = [0x80, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xca, 0xfe];
/// rewriter.rewrite(&mut packet)?;
/// let header = RtpHeader::parse(&packet)?;
/// assert_eq!((header.sequence, header.timestamp, header.ssrc), (17, 4711, 0x1234));
/// # Ok::<(), RtpError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rewriter {
    track: Track,
    gate: Gate,
    clock: Clock,
    next_sequence: u16,
}

/// Whether frames pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Nothing passes before a keyframe.
    AwaitingKeyframe,
    /// Frames of this stream pass; the last one did.
    Open { stream: u32 },
    /// Frames of this stream pass; the last one was of another stream, or sound held back.
    Between { stream: u32 },
    /// Too much waits for the viewer; nothing passes before that has drained.
    Congested,
}

/// The outgoing timestamps: running time in ticks, from an anchor that moves where running time
/// does not go on.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// Ticks a second.
    rate: u32,
    /// The anchor, and the last frame; `None` before the first.
    state: Option<ClockState>,
    /// The last frame's timestamp; before it, what the first one's is to be.
    timestamp: u32,
}

#[derive(Debug, Clone, Copy)]
struct ClockState {
    anchor_time: Duration,
    anchor_timestamp: u32,
    /// Of the last frame, in ticks since the anchor.
    last: u64,
}

impl Clock {
    /// The timestamp of the next frame: later than the last one's, by the time between them.
    fn advance(&mut self, running_time: Duration) -> u32 {
        let anchored =
            |timestamp| ClockState { anchor_time: running_time, anchor_timestamp: timestamp, last: 0 };
        let Some(state) = &mut self.state else {
            self.state = Some(anchored(self.timestamp));
            return self.timestamp;
        };
        let ticks = running_time.checked_sub(state.anchor_time).map(|time| ticks(time, self.rate));
        let step = ticks.and_then(|ticks| ticks.checked_sub(state.last)).unwrap_or(0);
        if (1..=LONGEST_STEP).contains(&step) {
            state.last += step;
            self.timestamp = state.anchor_timestamp.wrapping_add(low_bits(state.last));
        } else {
            // Time stood still, went back, or made a leap that a receiver would take for one
            // backwards: a source began a new time of its own.
            let step = if step == 0 { 1 } else { LONGEST_STEP };
            self.timestamp = self.timestamp.wrapping_add(low_bits(step));
            *state = anchored(self.timestamp);
        }
        self.timestamp
    }
}

/// A time in ticks, rounded to the nearest.
fn ticks(time: Duration, rate: u32) -> u64 {
    // 2^64 ns at 2^32 Hz is less than 2^128; the quotient of any sane time is less than 2^64.
    let ticks = (time.as_nanos() * u128::from(rate) + 500_000_000) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Modulo 2^32, as timestamps count.
#[allow(clippy::cast_possible_truncation)]
fn low_bits(ticks: u64) -> u32 {
    (ticks & u64::from(u32::MAX)) as u32
}

impl Rewriter {
    /// A rewriter for a track of which nothing was sent yet.
    ///
    /// # Errors
    /// [`RtpError::PayloadType`] when it is above 127.
    pub fn new(track: Track) -> Result<Self, RtpError> {
        if track.payload_type > 127 {
            return Err(RtpError::PayloadType(track.payload_type));
        }
        let clock = Clock { rate: track.clock_rate, state: None, timestamp: track.first_timestamp };
        Ok(Self { track, gate: Gate::AwaitingKeyframe, clock, next_sequence: track.first_sequence })
    }

    /// Decides on the next frame, and if it is to be forwarded, makes ready for its packets.
    ///
    /// Frames of a second stream may be given among those of the first, which goes on until a
    /// keyframe of the second comes. From then on frames of the first must not be given any more
    /// ([`stream`](Self::stream) tells): a keyframe among them would switch back.
    pub fn frame(&mut self, frame: FrameInfo) -> Decision {
        let (gate, decision) = match self.track.kind {
            MediaKind::Video => self.picture(frame),
            MediaKind::Audio if frame.queue > QUEUE_HIGH => {
                (Gate::Between { stream: frame.stream }, Decision::Drop { want_keyframe: false })
            }
            MediaKind::Audio => (Gate::Open { stream: frame.stream }, Decision::Forward),
        };
        self.gate = gate;
        if decision == Decision::Forward {
            self.clock.advance(frame.running_time);
        }
        decision
    }

    fn picture(&self, frame: FrameInfo) -> (Gate, Decision) {
        let open = (Gate::Open { stream: frame.stream }, Decision::Forward);
        let congested = (Gate::Congested, Decision::Drop { want_keyframe: false });
        let awaiting = (Gate::AwaitingKeyframe, Decision::Drop { want_keyframe: true });
        match self.gate {
            Gate::Congested if frame.queue > QUEUE_LOW => congested,
            _ if frame.queue > QUEUE_HIGH => congested,
            _ if frame.keyframe => open,
            Gate::Open { stream } | Gate::Between { stream } if stream == frame.stream => open,
            Gate::Open { stream } | Gate::Between { stream } => {
                (Gate::Between { stream }, Decision::Drop { want_keyframe: true })
            }
            Gate::AwaitingKeyframe | Gate::Congested => awaiting,
        }
    }

    /// Frames have gone by that were not given to [`frame`](Self::frame): the viewer had paused
    /// this track. A picture goes on with a keyframe.
    pub fn interrupted(&mut self) {
        if self.track.kind == MediaKind::Video && self.gate != Gate::Congested {
            self.gate = Gate::AwaitingKeyframe;
        }
    }

    /// Writes payload type, sequence number, timestamp and SSRC into a copy of one packet of the
    /// frame that was last forwarded. Packets come in their order. Marker, CSRCs, extensions,
    /// payload and padding stay.
    ///
    /// # Errors
    /// [`RtpError`] when these bytes are not an RTP packet or the last frame was dropped; the
    /// packet is as it was then, and no sequence number is used up.
    pub fn rewrite(&mut self, packet: &mut [u8]) -> Result<(), RtpError> {
        match self.gate {
            Gate::Open { .. } => {}
            Gate::AwaitingKeyframe | Gate::Between { .. } | Gate::Congested => {
                return Err(RtpError::NotForwarded);
            }
        }
        let RtpHeader { marker, .. } = RtpHeader::parse(packet)?;
        let found = packet.len();
        let Some([_, second, sequence_0, sequence_1, rest @ ..]) = packet.first_chunk_mut::<FIXED>() else {
            return Err(RtpError::TooShort { expected: FIXED, found });
        };
        *second = u8::from(marker) << 7 | self.track.payload_type;
        [*sequence_0, *sequence_1] = self.next_sequence.to_be_bytes();
        let numbers = u64::from(self.clock.timestamp) << 32 | u64::from(self.track.ssrc);
        *rest = numbers.to_be_bytes();
        self.next_sequence = self.next_sequence.wrapping_add(1);
        Ok(())
    }

    /// The stream whose frames pass, if frames pass.
    #[must_use]
    pub fn stream(&self) -> Option<u32> {
        match self.gate {
            Gate::Open { stream } | Gate::Between { stream } => Some(stream),
            Gate::AwaitingKeyframe | Gate::Congested => None,
        }
    }

    /// The number that the next packet gets.
    #[must_use]
    pub fn next_sequence(&self) -> u16 {
        self.next_sequence
    }

    /// The timestamp of the frame that was last forwarded; before the first, that of the first.
    #[must_use]
    pub fn timestamp(&self) -> u32 {
        self.clock.timestamp
    }
}

#[cfg(test)]
mod tests;
