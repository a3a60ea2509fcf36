//! RTCP as viewers send it: what says something of the link, read and checked.
//!
//! Owns the form of compound packets (RFC 3550 section 6), of the feedback messages of RFC 4585 and
//! RFC 5104 as far as they are counted, of transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01) and of REMB (draft-alvestrand-rmcat-remb-03).
//! Allocates nothing and answers nothing; what the numbers mean is decided in
//! [`congestion`](crate::core::congestion).

mod feedback;
#[cfg(test)]
pub mod tests;

pub use feedback::{ARRIVAL_TICK_US, MAX_STATUSES, Status, Statuses, TransportFeedback};

/// Version 2, padding, count; packet type; length.
const HEADER: usize = 4;
/// One block of a report.
const BLOCK: usize = 24;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Why bytes are not RTCP, or not what their type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// There is less than a header, a count or a length asks for.
    #[error("the RTCP packet has {found} bytes, its contents ask for {expected}")]
    TooShort {
        /// At least so many.
        expected: usize,
        /// There are so many.
        found: usize,
    },
    /// Not version 2.
    #[error("expected RTCP version 2, found {0}")]
    Version(u8),
    /// A padding count of 0 or beyond the packet.
    #[error("the RTCP padding count {0} is not one")]
    Padding(u8),
    /// A status that the draft keeps for later (section 3.1.1).
    #[error("the transport-wide feedback has a reserved status")]
    ReservedStatus,
    /// More statuses than any receiver has reason to send at once.
    #[error("the transport-wide feedback is about {0} packets, at most {MAX_STATUSES} are taken")]
    TooManyStatuses(u16),
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The blocks of a sender's or a receiver's report (RFC 3550 sections 6.4.1 and 6.4.2).
    Report(Blocks<'a>),
    /// When each packet of the transport arrived.
    TransportFeedback(TransportFeedback<'a>),
    /// What the receiver believes that its link carries, in bits a second.
    Remb(u64),
    /// So many packets are asked for again (RFC 4585 section 6.2.1).
    Nack(u32),
    /// A picture is broken (RFC 4585 section 6.3.1).
    Pli,
    /// So many pictures are asked for anew (RFC 5104 section 4.3.1).
    Fir(u32),
    /// A well-formed packet of which nothing else is read.
    Other {
        /// The packet type.
        packet_type: u8,
        /// The five bits that are a count in some types and a format in others.
        format: u8,
    },
}

/// What a receiver says of one stream (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Lost since the last report, of 256.
    pub fraction_lost: u8,
    /// Lost since the beginning; duplicates count against it, so it can be negative.
    pub cumulative_lost: i32,
    /// The highest sequence number, with how often it has wrapped in the upper half.
    pub highest_sequence: u32,
    /// In ticks of the stream's clock.
    pub jitter: u32,
    /// The middle of the NTP time of the last sender report that arrived; 0: none did.
    pub last_sr: u32,
    /// From that report's arrival to this one's leaving, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    /// The time to the receiver and back, in 1/65536 s (RFC 3550 section 6.4.1); `None` without a
    /// sender report to go by, or when clocks make it a nonsense. `ntp` is the wall clock that the
    /// sender's reports are stamped by, as 32.32 fixed point.
    #[must_use]
    pub fn round_trip(&self, ntp: u64) -> Option<u32> {
        if self.last_sr == 0 {
            return None;
        }
        let middle = u32::try_from(ntp >> 16 & u64::from(u32::MAX)).ok()?;
        let round_trip = middle.wrapping_sub(self.last_sr).wrapping_sub(self.delay_since_last_sr);
        // Half a minute and more is a clock that was set, or a number made up.
        (round_trip < 30 << 16).then_some(round_trip)
    }
}

/// The blocks of a report, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks<'a> {
    bytes: &'a [u8],
}

impl Iterator for Blocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.bytes.split_first_chunk::<BLOCK>()?;
        self.bytes = rest;
        let word = |at: usize| be32(block, at);
        let lost = word(4)?;
        Some(ReportBlock {
            ssrc: word(0)?,
            fraction_lost: u8::try_from(lost >> 24).ok()?,
            // 24 bits with a sign.
            cumulative_lost: (lost << 8).cast_signed() >> 8,
            highest_sequence: word(8)?,
            jitter: word(12)?,
            last_sr: word(16)?,
            delay_since_last_sr: word(20)?,
        })
    }
}

/// The packets of a compound, in their order. What is malformed within one is an error in its
/// place, and the next follows; after an error of the form itself there is no next.
///
/// ```
/// # use vitrina::core::rtcp::{Packet, packets};
/// let pli = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
/// assert_eq!(packets(&pli).collect::<Vec<_>>(), [Ok(Packet::Pli)]);
/// ```
#[must_use]
pub fn packets(bytes: &[u8]) -> Packets<'_> {
    Packets { rest: bytes }
}

/// See [`packets`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match frame(self.rest) {
            Ok((packet, rest)) => {
                self.rest = rest;
                Some(packet.read())
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

/// One packet without its header and padding.
struct Raw<'a> {
    packet_type: u8,
    format: u8,
    body: &'a [u8],
}

/// The first packet and what follows it (RFC 3550 section 6.4.1).
fn frame(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let found = bytes.len();
    let Some(&[first, packet_type, l0, l1]) = bytes.first_chunk::<HEADER>() else {
        return Err(RtcpError::TooShort { expected: HEADER, found });
    };
    if first >> 6 != 2 {
        return Err(RtcpError::Version(first >> 6));
    }
    let expected = HEADER + 4 * usize::from(u16::from_be_bytes([l0, l1]));
    let Some((packet, rest)) = bytes.split_at_checked(expected) else {
        return Err(RtcpError::TooShort { expected, found });
    };
    let mut body = packet.get(HEADER..).unwrap_or_default();
    if first & 0x20 != 0 {
        let count = body.last().copied().unwrap_or(0);
        let kept = body.len().checked_sub(usize::from(count)).filter(|_| count != 0);
        body = kept.and_then(|kept| body.get(..kept)).ok_or(RtcpError::Padding(count))?;
    }
    Ok((Raw { packet_type, format: first & 0x1f, body }, rest))
}

impl<'a> Raw<'a> {
    fn read(&self) -> Result<Packet<'a>, RtcpError> {
        let Self { packet_type, format, body } = *self;
        match (packet_type, format) {
            (SENDER_REPORT, count) => blocks(body, 24, count),
            (RECEIVER_REPORT, count) => blocks(body, 4, count),
            (TRANSPORT_FEEDBACK, 1) => {
                let lists = after_ssrcs(body)?.chunks_exact(4);
                let asked = lists.filter_map(|list| Some(1 + u32::from(be16(list, 2)?.count_ones() as u16)));
                Ok(Packet::Nack(asked.sum()))
            }
            (TRANSPORT_FEEDBACK, 15) => {
                TransportFeedback::parse(after_ssrcs(body)?).map(Packet::TransportFeedback)
            }
            (PAYLOAD_FEEDBACK, 1) => after_ssrcs(body).map(|_| Packet::Pli),
            (PAYLOAD_FEEDBACK, 4) => {
                let entries = after_ssrcs(body)?.len() / 8;
                Ok(Packet::Fir(u32::try_from(entries).unwrap_or(u32::MAX)))
            }
            (PAYLOAD_FEEDBACK, 15) => match after_ssrcs(body)? {
                [b'R', b'E', b'M', b'B', rest @ ..] => remb(rest),
                _ => Ok(Packet::Other { packet_type, format }),
            },
            _ => Ok(Packet::Other { packet_type, format }),
        }
    }
}

/// The report blocks after `skip` bytes.
fn blocks(body: &[u8], skip: usize, count: u8) -> Result<Packet<'_>, RtcpError> {
    let end = skip + BLOCK * usize::from(count);
    let bytes = body
        .get(skip..end)
        .ok_or(RtcpError::TooShort { expected: HEADER + end, found: HEADER + body.len() })?;
    Ok(Packet::Report(Blocks { bytes }))
}

/// What follows the two SSRCs of a feedback message (RFC 4585 section 6.1).
fn after_ssrcs(body: &[u8]) -> Result<&[u8], RtcpError> {
    body.get(8..).ok_or(RtcpError::TooShort { expected: HEADER + 8, found: HEADER + body.len() })
}

/// A count of SSRCs, an exponent of six bits, a mantissa of 18.
fn remb(rest: &[u8]) -> Result<Packet<'_>, RtcpError> {
    let word = be32(rest, 0).ok_or(RtcpError::TooShort { expected: 20, found: 16 + rest.len() })?;
    let (exponent, mantissa) = (word >> 18 & 0x3f, u64::from(word & 0x3_ffff));
    let fits = mantissa.leading_zeros() >= exponent;
    Ok(Packet::Remb(if mantissa == 0 || fits { mantissa << exponent } else { u64::MAX }))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|word| u16::from_be_bytes(*word))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}
