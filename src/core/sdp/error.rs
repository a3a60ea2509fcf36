//! What can be wrong with an SDP text, in sentences for the person who wrote the client.
//!
//! Owns the errors of this module tree. Quotes of the text are short and escaped, so that an
//! error can be logged and sent back as it is.

use super::text::Twice;
use super::{
    Direction, MAX_ATTRIBUTES, MAX_CANDIDATES, MAX_LINE, MAX_MLINES, MAX_TEXT, PROTOCOL, SeveralDirections,
};
use crate::core::candidate::CandidateError;
use crate::core::ice::MAX_UFRAG;
use crate::core::mistake_kind::kind_of;
use crate::core::protocol::MediaKind;
use std::fmt;

/// An SDP that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// The text is too long to be looked at.
    #[error("the SDP has {bytes} bytes; at most {MAX_TEXT} are taken")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A line that is not SDP (RFC 8866 section 9).
    #[error("line {line}: {fault}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// Something that concerns the whole description.
    #[error("{0}")]
    Session(#[from] SessionFault),
    /// Something that concerns one m-line.
    #[error("m-line {mline}: {fault}")]
    Mline {
        /// Its index, from 0, as in `sdpMLineIndex`.
        mline: usize,
        /// What is wrong with it.
        fault: MlineFault,
    },
}

impl SdpError {
    /// What kind of mistake it is, as one word; never the client's.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::TooLong { .. } => kind_of(self),
            Self::Line { fault, .. } => format!("line_{}", kind_of(fault)),
            Self::Session(fault) => format!("session_{}", kind_of(fault)),
            Self::Mline { fault, .. } => format!("mline_{}", kind_of(fault)),
        }
    }
}

/// What can be wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Longer than [`MAX_LINE`].
    #[error("it has {bytes} bytes; at most {MAX_LINE} are taken")]
    TooLong {
        /// Its length without the line end.
        bytes: usize,
    },
    /// A control character, among them a bare carriage return.
    #[error("control character U+{0:04X}; lines end with CR LF and hold no other")]
    Control(u32),
    /// Not a letter, an equals sign and a value.
    #[error("expected a letter, '=' and a value, found {0}")]
    Form(Excerpt),
    /// A letter that does not belong here.
    #[error("a line of type '{found}' does not belong here; expected {expected}")]
    Type {
        /// The letter.
        found: char,
        /// What could have stood here.
        expected: &'static str,
    },
    /// The version is not 0.
    #[error("expected the version line v=0, found {0}")]
    Version(Excerpt),
    /// An m-line that is not `media port protocol formats`.
    #[error("expected 'm=media port protocol payload-types', found {0}")]
    Media(Excerpt),
    /// A media type other than audio and video.
    #[error("expected the media type audio or video, found {0}")]
    MediaType(Excerpt),
    /// Another protocol than that of WebRTC.
    #[error("expected the protocol {PROTOCOL}, found {0}")]
    Protocol(Excerpt),
    /// A payload type that is not a number to 127.
    #[error("expected a payload type from 0 to 127, found {0}")]
    PayloadType(Excerpt),
    /// A payload type that stands twice in one m-line.
    #[error("payload type {0} stands twice")]
    RepeatedPayloadType(u8),
    /// An attribute whose name is empty or not a token.
    #[error("expected an attribute name of letters, digits and '-', found {0}")]
    AttributeName(Excerpt),
    /// More attributes than [`MAX_ATTRIBUTES`] in one section.
    #[error("more than {MAX_ATTRIBUTES} attributes in one section")]
    TooManyAttributes,
    /// More m-lines than [`MAX_MLINES`].
    #[error("more than {MAX_MLINES} m-lines")]
    TooManyMlines,
}

/// What can be wrong with the description as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionFault {
    /// One of the lines that RFC 8866 section 5 asks for is absent.
    #[error("the line {0} is missing")]
    Missing(&'static str),
    /// There is no m-line.
    #[error("there is no m-line")]
    NoMlines,
    /// The answer's m-lines are not those of the offer.
    #[error(
        "the offer has {offered} m-lines, the answer {answered}; an answer has one for each, in the same order"
    )]
    MlineCount {
        /// In the offer.
        offered: usize,
        /// In the answer.
        answered: usize,
    },
    /// Every m-line is rejected.
    #[error("every m-line is rejected; at least one has to be accepted")]
    NothingAccepted,
    /// No m-line of an offer asks for pictures or sound.
    #[error(
        "no m-line asks for pictures or sound; at least one has to be audio or video, recvonly or sendrecv"
    )]
    NothingAsked,
    /// No BUNDLE group, although more than one m-line is accepted.
    #[error("the attribute a=group:BUNDLE is missing; all media share one transport")]
    NoBundle,
    /// More than one BUNDLE group.
    #[error("there is more than one group BUNDLE")]
    SeveralBundles,
    /// A mid stands twice in the group.
    #[error("the group BUNDLE names the mid {0} twice")]
    BundleRepeats(Excerpt),
    /// A mid in the group that no m-line has.
    #[error("the group BUNDLE names the mid {0}, which no m-line has")]
    BundleUnknown(Excerpt),
    /// The offer has no certificate fingerprint that could be replaced.
    #[error("there is no attribute a=fingerprint")]
    NoFingerprint,
    /// More than one direction before the first m-line.
    #[error("more than one of sendrecv, sendonly, recvonly and inactive before the first m-line")]
    SeveralDirections,
    /// More candidates than [`MAX_CANDIDATES`].
    #[error("more than {MAX_CANDIDATES} candidates")]
    TooManyCandidates,
}

/// What can be wrong with one m-line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MlineFault {
    /// The media type is not that of the offer.
    #[error("expected media type {}, as offered, found {}", kind_name(.offered), kind_name(.answered))]
    Kind {
        /// In the offer.
        offered: MediaKind,
        /// In the answer.
        answered: MediaKind,
    },
    /// A media type other than audio and video.
    #[error("expected the media type audio or video, found {0}")]
    MediaType(Excerpt),
    /// It answers the daemon's data channels and is something else.
    #[error("expected 'm=application port UDP/DTLS/SCTP webrtc-datachannel', as offered")]
    NotData,
    /// `a=sctp-port` or `a=max-message-size` is not a number of RFC 8841 sections 5 and 6.
    #[error("expected a number in a={0}, found {1}")]
    DataNumber(&'static str, Excerpt),
    /// Within a bundle one payload type means one thing (RFC 9143 section 9.1).
    #[error("payload type {0} means something else in an earlier m-line")]
    PayloadTypeReused(u8),
    /// An attribute that has to be there is not.
    #[error("the attribute a={0} is missing")]
    Missing(&'static str),
    /// An attribute that may stand once stands twice.
    #[error("the attribute a={0} stands twice")]
    Repeated(&'static str),
    /// The mid is empty, too long or not a token.
    #[error("expected a mid of 1 to 32 token characters, found {0}")]
    MidForm(Excerpt),
    /// The mid is not that of the offer.
    #[error("expected the mid {offered}, as offered, found {answered}")]
    Mid {
        /// In the offer.
        offered: Excerpt,
        /// In the answer.
        answered: Excerpt,
    },
    /// Another m-line has the same mid.
    #[error("the mid {0} is that of an earlier m-line")]
    RepeatedMid(Excerpt),
    /// It is accepted and not in the BUNDLE group.
    #[error("the mid {0} is accepted and not in the group BUNDLE")]
    NotBundled(Excerpt),
    /// More than one direction.
    #[error("more than one of sendrecv, sendonly, recvonly and inactive")]
    SeveralDirections,
    /// The direction does not answer the offered one.
    #[error("the direction {answered} does not answer {offered}; expected {}", .offered.answers())]
    Direction {
        /// In the offer.
        offered: Direction,
        /// In the answer, `sendrecv` where none is given.
        answered: Direction,
    },
    /// `a=setup` does not settle who begins the DTLS handshake (RFC 5763 section 5).
    #[error("expected a=setup:active or a=setup:passive, found {0}")]
    Setup(Excerpt),
    /// `a=ice-ufrag` is not of the form of RFC 8839 section 5.4.
    #[error("expected an ice-ufrag of 4 to {MAX_UFRAG} letters, digits, '+' and '/', found {0}")]
    Ufrag(Excerpt),
    /// `a=ice-pwd` is not of the form of RFC 8839 section 5.4. It is a secret and not quoted.
    #[error("expected an ice-pwd of 22 to 256 letters, digits, '+' and '/'")]
    Password,
    /// `a=fingerprint` is not of the form of RFC 8122 section 5.
    #[error(
        "expected a fingerprint of a known hash function, as hexadecimal bytes with colons between, found {0}"
    )]
    Fingerprint(Excerpt),
    /// All fingerprints are of hash functions that are not trusted here.
    #[error("expected a fingerprint by sha-256, sha-384 or sha-512, found none")]
    NoGoodFingerprint,
    /// More fingerprints than anybody needs.
    #[error("more than {0} fingerprints")]
    TooManyFingerprints(usize),
    /// A transport attribute differs from the bundle's other m-lines (RFC 9143 section 7.1.3).
    #[error("a={0} differs from that of the other m-lines in the bundle")]
    Differs(&'static str),
    /// `a=rtpmap` is not `payload-type encoding/clock-rate[/channels]`.
    #[error("expected 'rtpmap:payload-type encoding/clock-rate', found {0}")]
    RtpmapForm(Excerpt),
    /// A payload type without `a=rtpmap`.
    #[error("payload type {0} has no a=rtpmap")]
    NoRtpmap(u8),
    /// A payload type that was not offered for this m-line.
    #[error("payload type {0} was not offered for it")]
    NotOffered(u8),
    /// A payload type that the answer gives another meaning.
    #[error("payload type {payload} was offered as {offered}, the answer calls it {answered}")]
    Remapped {
        /// The payload type.
        payload: u8,
        /// The offered encoding.
        offered: Excerpt,
        /// The answered encoding.
        answered: Excerpt,
    },
    /// Only repair formats are left.
    #[error("none of its payload types is a codec")]
    NoCodec,
    /// An H.264 payload type with another profile (RFC 6184 section 8.2.2).
    #[error(
        "payload type {payload} was offered with profile-level-id {offered}, the answer's {answered} is another profile"
    )]
    Profile {
        /// The payload type.
        payload: u8,
        /// In the offer.
        offered: Excerpt,
        /// In the answer.
        answered: Excerpt,
    },
    /// An H.264 payload type with another packetization mode (RFC 6184 section 8.2.2).
    #[error("payload type {0} has another packetization-mode than offered")]
    PacketizationMode(u8),
    /// `a=extmap` is not `id[/direction] uri` with an id of RFC 8285.
    #[error("expected 'extmap:id uri' with an id from 1 to 255, found {0}")]
    ExtmapForm(Excerpt),
    /// More candidates than [`MAX_CANDIDATES`] in one m-line.
    #[error("more than {MAX_CANDIDATES} candidates")]
    TooManyCandidates,
    /// A candidate is refused.
    #[error("candidate: {0}")]
    Candidate(#[from] CandidateError),
}

impl From<Twice> for MlineFault {
    fn from(Twice(name): Twice) -> Self {
        Self::Repeated(name)
    }
}

impl From<SeveralDirections> for MlineFault {
    fn from(SeveralDirections: SeveralDirections) -> Self {
        Self::SeveralDirections
    }
}

fn kind_name(kind: &MediaKind) -> &'static str {
    match kind {
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
    }
}

/// A few characters of somebody else's text, in quotes and escaped: fit for logs and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    const LONGEST: usize = 48;

    /// The beginning of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut chars = text.chars();
        let mut short: String = chars.by_ref().take(Self::LONGEST).collect();
        if chars.next().is_some() {
            short.push('…');
        }
        Self(short)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
