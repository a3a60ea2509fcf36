//! The data channels between the daemon and a page: which there are, and how much they may carry.
//!
//! Owns the bounds in both directions and the look at SCTP that keeps a client to these channels. Knows
//! nothing of what is said.

use super::rate::TokenBucket;
use std::time::{Duration, Instant};

/// The longest message taken, in bytes: as long as one of the WebSocket.
pub const MAX_SAID: usize = 64 * 1024;
/// The longest message that is echoed, in bytes.
const MAX_ECHO: usize = 1024;
/// What may wait on the way out in "room", in bytes; then its messages go by the WebSocket.
const MAX_WAITING: u64 = 256 * 1024;
/// The same in "pointer" and "echo", whose messages are worth nothing when they are late.
const MAX_WAITING_LOSSY: u64 = 16 * 1024;

/// A data channel of the daemon's making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// What is said in a room: reliable and in order.
    Room,
    /// Where somebody points: the newest counts, so nothing is sent again or waited for.
    Pointer,
    /// Sends back what comes.
    Echo,
}

impl Channel {
    /// Every one, in the order in which they are made.
    pub const ALL: [Self; 3] = [Self::Room, Self::Pointer, Self::Echo];

    /// Its label (RFC 8832 section 5.1).
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Pointer => "pointer",
            Self::Echo => "echo",
        }
    }

    /// Whether messages arrive, and in their order.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        match self {
            Self::Room | Self::Echo => true,
            Self::Pointer => false,
        }
    }

    /// What becomes of a message of so many bytes while so many wait.
    #[must_use]
    pub fn admit(self, waiting: u64, bytes: usize) -> Admission {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let fits = |most| waiting.saturating_add(bytes) <= most;
        match self {
            Self::Room if fits(MAX_WAITING) => Admission::Send,
            Self::Room => Admission::Full,
            Self::Pointer | Self::Echo if fits(MAX_WAITING_LOSSY) => Admission::Send,
            Self::Pointer | Self::Echo => Admission::Drop,
        }
    }
}

/// What becomes of a message on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It goes.
    Send,
    /// It is too much, and not worth another way.
    Drop,
    /// It is too much; it has to go another way.
    Full,
}

/// What is taken of one client's messages.
#[derive(Debug)]
pub struct Intake {
    room: TokenBucket,
    pointer: TokenBucket,
    echo: TokenBucket,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            // A page that comes back says again what was not heard.
            room: TokenBucket::new(100, Duration::from_millis(50)),
            pointer: TokenBucket::new(60, Duration::from_millis(12)),
            echo: TokenBucket::new(50, Duration::from_millis(20)),
        }
    }
}

impl Intake {
    /// Whether a message of so many bytes is taken now.
    pub fn takes(&mut self, now: Instant, channel: Channel, bytes: usize) -> bool {
        let (bucket, longest) = match channel {
            Channel::Room => (&mut self.room, MAX_SAID),
            Channel::Pointer => (&mut self.pointer, MAX_ECHO),
            Channel::Echo => (&mut self.echo, MAX_ECHO),
        };
        bytes <= longest && bucket.take(now).is_ok()
    }
}

/// What an SCTP packet of the client's is to the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet {
    /// Nothing speaks against it.
    Fit,
    /// It has data for another stream than the daemon's channels, or resets one. It is not to arrive:
    /// webrtcbin makes a channel, two threads, of every stream that data comes on, and (before 1.22.3) may
    /// never end after a reset.
    Foreign,
}

/// The streams that the daemon's channels may be: the even or the odd ones from 0 on (RFC 8832 section 6).
const STREAMS: u16 = 6;

/// Looks at the chunks of an SCTP packet (RFC 9260 section 3), as far as they can be read.
#[must_use]
pub fn look(packet: &[u8]) -> Packet {
    const HEADER: usize = 12;
    const DATA: u8 = 0;
    // RFC 8260 section 2.1: its stream stands where that of DATA does.
    const I_DATA: u8 = 64;
    // RFC 6525 section 3.
    const RE_CONFIG: u8 = 130;
    let mut rest = packet.get(HEADER..).unwrap_or_default();
    while let [kind, _, high, low, body @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match (*kind, body) {
            (DATA | I_DATA, [_, _, _, _, high, low, ..]) => {
                if u16::from_be_bytes([*high, *low]) >= STREAMS {
                    return Packet::Foreign;
                }
            }
            (RE_CONFIG, _) => return Packet::Foreign,
            _ => {}
        }
        // The next begins at a multiple of 4 bytes.
        let Some(behind) = rest.get(length.max(4).next_multiple_of(4)..) else { break };
        rest = behind;
    }
    Packet::Fit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(stream: u16, bytes: usize) -> Vec<u8> {
        let mut chunk = vec![0, 3];
        chunk.extend(u16::try_from(16 + bytes).unwrap().to_be_bytes());
        chunk.extend([0, 0, 0, 9]);
        chunk.extend(stream.to_be_bytes());
        chunk.extend([0, 0, 0, 0, 0, 51]);
        chunk.extend(vec![7; bytes]);
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut packet = vec![0; 12];
        packet.extend(chunks.concat());
        packet
    }

    #[test]
    fn data_of_other_streams_and_resets_are_kept_out_wherever_they_stand() {
        let sack = vec![3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
        for stream in 0..6 {
            assert_eq!(look(&packet(&[sack.clone(), data(stream, 5), data(1, 1)])), Packet::Fit);
        }
        assert_eq!(look(&packet(&[sack.clone(), data(1, 5), data(6, 5)])), Packet::Foreign);
        assert_eq!(look(&packet(&[data(65_535, 0)])), Packet::Foreign);
        let reset = vec![130, 0, 0, 8, 0, 13, 0, 4];
        assert_eq!(look(&packet(&[sack, reset])), Packet::Foreign);
        assert_eq!(look(&[]), Packet::Fit);
    }

    #[test]
    fn messages_are_bounded_in_size_and_rate() {
        let now = Instant::now();
        let mut intake = Intake::default();
        assert!(!intake.takes(now, Channel::Room, MAX_SAID + 1));
        assert!(!intake.takes(now, Channel::Echo, MAX_ECHO + 1));
        let taken = (0..1000).filter(|_| intake.takes(now, Channel::Room, 10)).count();
        assert_eq!(taken, 100);
        assert!(intake.takes(now, Channel::Pointer, 10), "each has its own");
        assert!(intake.takes(now + Duration::from_millis(50), Channel::Room, 10));
    }

    #[test]
    fn what_waits_is_bounded_and_only_the_room_goes_another_way() {
        assert_eq!(Channel::Room.admit(MAX_WAITING - 10, 10), Admission::Send);
        assert_eq!(Channel::Room.admit(MAX_WAITING - 10, 11), Admission::Full);
        assert_eq!(Channel::Pointer.admit(MAX_WAITING_LOSSY, 1), Admission::Drop);
        assert_eq!(Channel::Echo.admit(0, 1024), Admission::Send);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_looked_at_to_its_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _any = look(&bytes);
        }
    }
}
