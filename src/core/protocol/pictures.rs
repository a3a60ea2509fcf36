//! Pictures and sound over the WebSocket, where WebRTC cannot pass: what is asked for, and the binary frames.

use crate::core::ids::SourceName;
use serde::{Deserialize, Serialize};

/// What is taken of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenSource {
    /// Which.
    pub source: SourceName,
    /// How wide its pictures are at most, in pixels; absent: as wide as they get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
}

/// What a binary frame holds: its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameKind {
    /// A JPEG picture of a source.
    Source,
    /// An Opus frame (RFC 6716) of a source.
    Sound,
    /// A JPEG picture of a participant's camera.
    Participant,
}

impl FrameKind {
    /// As it is written.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Source => 1,
            Self::Sound => 2,
            Self::Participant => 3,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Source, Self::Sound, Self::Participant].into_iter().find(|kind| kind.byte() == byte)
    }
}

/// What stands before the picture or the sound in a binary frame, numbers with the first byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// What follows.
    pub kind: FrameKind,
    /// Counts the frames of this kind and subject for one client.
    pub number: u32,
    /// When it was captured, in microseconds since 1970-01-01 UTC.
    pub time_us: u64,
    /// Of a source its index in `welcome`, of a participant its id; 0 from a client.
    pub subject: u32,
}

/// The length of a [`FrameHead`], in bytes.
pub const FRAME_HEAD: usize = 17;

impl FrameHead {
    /// A whole frame.
    #[must_use]
    pub fn before(&self, body: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(FRAME_HEAD + body.len());
        frame.push(self.kind.byte());
        frame.extend(self.number.to_be_bytes());
        frame.extend(self.time_us.to_be_bytes());
        frame.extend(self.subject.to_be_bytes());
        frame.extend(body);
        frame
    }

    /// The head of a frame and what follows it; `None`: it is none.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<(Self, &[u8])> {
        let (head, body) = frame.split_first_chunk::<FRAME_HEAD>()?;
        let [kind, n0, n1, n2, n3, t0, t1, t2, t3, t4, t5, t6, t7, s0, s1, s2, s3] = *head;
        let head = Self {
            kind: FrameKind::of(kind)?,
            number: u32::from_be_bytes([n0, n1, n2, n3]),
            time_us: u64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            subject: u32::from_be_bytes([s0, s1, s2, s3]),
        };
        Some((head, body))
    }
}

/// The largest picture taken from a client, in bytes.
pub const MAX_CAMERA: usize = 128 * 1024;
/// Pictures taken from a client in a second.
pub const CAMERA_RATE: u32 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_the_documented_form() {
        let head = FrameHead { kind: FrameKind::Sound, number: 0x0102_0304, time_us: 5, subject: 6 };
        let frame = head.before(b"opus");
        assert_eq!(frame, b"\x02\x01\x02\x03\x04\0\0\0\0\0\0\0\x05\0\0\0\x06opus");
        assert_eq!(FrameHead::parse(&frame), Some((head, b"opus".as_slice())));
        assert_eq!(FrameHead::parse(&frame[..16]), None);
        assert_eq!(FrameHead::parse(&[9; 20]), None, "another kind");
    }
}
