//! Session descriptions: what the daemon offered and whether an answer fits; what a client offers
//! and what of it is served (RFC 8866, RFC 9429).
//!
//! Owns the checks that stand between a client's text and webrtcbin, which may abort the process
//! on SDP that does not fit its offer. Parse, don't validate: the text goes in, a
//! [`CheckedAnswer`] or a [`CheckedOffer`] comes out, and [`CheckedAnswer::to_sdp`] or
//! [`Agreement::to_offer`] writes a new text in which every word is the daemon's own or from a
//! checked alphabet. Never hands on a line that it does not
//! understand, never panics, never quotes more than a few escaped characters in an error.

mod agreement;
mod answer;
mod client_offer;
mod data;
mod error;
mod fingerprint;
mod format;
mod h264;
mod hidden;
mod msid;
mod offer;
mod restart;
#[cfg(test)]
mod tests;
mod text;
mod transport;

pub use agreement::{Agreement, Sendable, ServedMline};
pub use answer::{AcceptedMline, AnsweredMline, CheckedAnswer};
pub use client_offer::CheckedOffer;
pub use data::with_message_size;
pub use error::{Excerpt, LineFault, MlineFault, SdpError, SessionFault};
pub use fingerprint::{Fingerprint, HashFunction, with_fingerprint};
pub use format::PayloadFormat;
pub use h264::{H264Profile, ProfileLevelId};
pub use hidden::with_transport_sequence;
pub use msid::with_msids;
pub use offer::{OfferSummary, OfferedMline};
pub use restart::restarted;
pub use transport::Setup;

use std::fmt;

/// The longest text, in bytes. A Chromium answer with 20 m-lines has about 20 kB.
pub const MAX_TEXT: usize = 64 * 1024;
/// The longest line, in bytes without its end.
pub const MAX_LINE: usize = 4 * 1024;
/// The most m-lines in one description.
pub const MAX_MLINES: usize = 32;
/// The most attributes in one section.
pub const MAX_ATTRIBUTES: usize = 512;
/// The most candidates within one answer.
pub const MAX_CANDIDATES: usize = 64;

/// The one protocol of media in WebRTC (RFC 8834 section 4.2).
pub const PROTOCOL: &str = "UDP/TLS/RTP/SAVPF";

/// Which way media goes, as the writer of the description sees it (RFC 8866 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways; also what an absent attribute means.
    SendRecv,
    /// From the writer.
    SendOnly,
    /// To the writer.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    /// The attribute's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether `answer` is one of the answers to this direction (RFC 3264 section 6.1).
    #[must_use]
    pub const fn accepts(self, answer: Self) -> bool {
        match (self, answer) {
            (Self::SendRecv, _) | (_, Self::Inactive) => true,
            (Self::SendOnly, answer) => matches!(answer, Self::RecvOnly),
            (Self::RecvOnly, answer) => matches!(answer, Self::SendOnly),
            (Self::Inactive, _) => false,
        }
    }

    /// The answers to this direction, for a sentence.
    pub(crate) const fn answers(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv, sendonly, recvonly or inactive",
            Self::SendOnly => "recvonly or inactive",
            Self::RecvOnly => "sendonly or inactive",
            Self::Inactive => "inactive",
        }
    }

    /// The direction of a section, if it gives one.
    fn of(attributes: &text::Attributes<'_>) -> Result<Option<Self>, SeveralDirections> {
        let by_name = |name| Self::ALL.into_iter().find(|direction| direction.name() == name);
        let mut found = attributes.names().filter_map(by_name);
        let first = found.next();
        if found.next().is_some() { Err(SeveralDirections) } else { Ok(first) }
    }
}

/// A section gives more than one direction.
struct SeveralDirections;

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
