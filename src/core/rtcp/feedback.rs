//! Transport-wide feedback: draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1.
//!
//! Checked as a whole when it is parsed, so that going through it cannot fail. A few bytes can
//! speak of 65,535 packets; [`MAX_STATUSES`] bounds what a hostile one costs.

use super::{RtcpError, be16};

/// The step that arrivals are told in, in microseconds.
pub const ARRIVAL_TICK_US: i64 = 250;

/// The most packets that one feedback may be about. Receivers send some ten a second, each about
/// tens of packets; more than the sender remembers would be of no use.
pub const MAX_STATUSES: u16 = 4096;

/// Base, count, reference time, feedback count.
const FIXED: usize = 8;
/// Ticks in one step of the reference time (64 ms).
const TICKS_PER_REFERENCE: i64 = 256;

/// One feedback message, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    base: u16,
    count: u16,
    reference: i32,
    feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Its transport-wide number.
    pub number: u16,
    /// When it arrived, in ticks of [`ARRIVAL_TICK_US`] on the receiver's clock, which wraps with
    /// the reference time (2^24 steps of 64 ms, twelve days); `None`: it had not arrived.
    pub arrival: Option<i64>,
}

/// How one packet is told of: the symbols of section 3.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    NotReceived,
    /// Received, with a delta of one byte.
    Small,
    /// Received, with a delta of two bytes and a sign.
    Large,
    Reserved,
}

impl Symbol {
    fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::NotReceived,
            1 => Self::Small,
            2 => Self::Large,
            _ => Self::Reserved,
        }
    }
}

/// What is left of a chunk: sections 3.1.3 and 3.1.4.
#[derive(Debug, Clone, Copy)]
enum Chunk {
    Run {
        symbol: Symbol,
        left: u16,
    },
    /// The symbols still to come, in the upper bits.
    Vector {
        bits: u16,
        width: u16,
        left: u16,
    },
}

impl Chunk {
    fn new(word: u16) -> Self {
        if word & 0x8000 == 0 {
            Self::Run { symbol: Symbol::from_bits(word >> 13), left: word & 0x1fff }
        } else if word & 0x4000 == 0 {
            Self::Vector { bits: word << 2, width: 1, left: 14 }
        } else {
            Self::Vector { bits: word << 2, width: 2, left: 7 }
        }
    }

    fn next(&mut self) -> Option<Symbol> {
        match self {
            Self::Run { left: 0, .. } | Self::Vector { left: 0, .. } => None,
            Self::Run { symbol, left } => {
                *left -= 1;
                Some(*symbol)
            }
            Self::Vector { bits, width, left } => {
                let symbol = Symbol::from_bits(*bits >> (16 - *width));
                *bits <<= *width;
                *left -= 1;
                Some(symbol)
            }
        }
    }
}

impl<'a> TransportFeedback<'a> {
    /// From what follows the SSRCs.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, RtcpError> {
        // The header and the SSRCs before these bytes.
        let too_short =
            |expected: usize| RtcpError::TooShort { expected: 12 + expected, found: 12 + bytes.len() };
        let Some((&[b0, b1, c0, c1, r0, r1, r2, feedback_count], rest)) = bytes.split_first_chunk::<FIXED>()
        else {
            return Err(too_short(FIXED));
        };
        let count = u16::from_be_bytes([c0, c1]);
        if count > MAX_STATUSES {
            return Err(RtcpError::TooManyStatuses(count));
        }
        let (mut at, mut left, mut delta_bytes) = (0, count, 0);
        while left > 0 {
            let mut chunk = Chunk::new(be16(rest, at).ok_or_else(|| too_short(FIXED + at + 2))?);
            at += 2;
            while left > 0
                && let Some(symbol) = chunk.next()
            {
                left -= 1;
                delta_bytes += match symbol {
                    Symbol::NotReceived => 0,
                    Symbol::Small => 1,
                    Symbol::Large => 2,
                    Symbol::Reserved => return Err(RtcpError::ReservedStatus),
                };
            }
        }
        let end = at + delta_bytes;
        let (Some(chunks), Some(deltas)) = (rest.get(..at), rest.get(at..end)) else {
            return Err(too_short(FIXED + end));
        };
        Ok(Self {
            base: u16::from_be_bytes([b0, b1]),
            count,
            // 24 bits with a sign.
            reference: i32::from_be_bytes([r0, r1, r2, 0]) >> 8,
            feedback_count,
            chunks,
            deltas,
        })
    }

    /// The number of the first packet that it is about.
    #[must_use]
    pub fn base(&self) -> u16 {
        self.base
    }

    /// How many packets it is about.
    #[must_use]
    pub fn count(&self) -> u16 {
        self.count
    }

    /// The reference time in steps of 64 ms, 24 bits with a sign.
    #[must_use]
    pub fn reference(&self) -> i32 {
        self.reference
    }

    /// Counts feedback messages, modulo 256.
    #[must_use]
    pub fn feedback_count(&self) -> u8 {
        self.feedback_count
    }

    /// What became of each packet, in the order of their numbers.
    #[must_use]
    pub fn statuses(&self) -> Statuses<'a> {
        Statuses {
            chunks: self.chunks,
            deltas: self.deltas,
            chunk: Chunk::Run { symbol: Symbol::NotReceived, left: 0 },
            number: self.base,
            left: self.count,
            arrival: i64::from(self.reference) * TICKS_PER_REFERENCE,
        }
    }
}

/// See [`TransportFeedback::statuses`].
#[derive(Debug, Clone)]
pub struct Statuses<'a> {
    chunks: &'a [u8],
    deltas: &'a [u8],
    chunk: Chunk,
    number: u16,
    left: u16,
    arrival: i64,
}

impl Statuses<'_> {
    fn symbol(&mut self) -> Option<Symbol> {
        loop {
            if let Some(symbol) = self.chunk.next() {
                return Some(symbol);
            }
            let (word, rest) = self.chunks.split_first_chunk()?;
            self.chunks = rest;
            self.chunk = Chunk::new(u16::from_be_bytes(*word));
        }
    }
}

impl Iterator for Statuses<'_> {
    type Item = Status;

    fn next(&mut self) -> Option<Status> {
        self.left = self.left.checked_sub(1)?;
        let delta = match self.symbol()? {
            Symbol::NotReceived | Symbol::Reserved => None,
            Symbol::Small => {
                let (delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                Some(i64::from(*delta))
            }
            Symbol::Large => {
                let (delta, rest) = self.deltas.split_first_chunk()?;
                self.deltas = rest;
                Some(i64::from(i16::from_be_bytes(*delta)))
            }
        };
        let number = self.number;
        self.number = number.wrapping_add(1);
        let arrival = delta.map(|delta| {
            self.arrival += delta;
            self.arrival
        });
        Some(Status { number, arrival })
    }
}
