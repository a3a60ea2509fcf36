//! What a client offers: whether it can be looked at, and what each of its m-lines asks for
//! (RFC 9429 section 5.2, as WHEP has it; RFC 9143 for the bundle).

use super::data::{DATA_FORMAT, DATA_MEDIA};
use super::error::{Excerpt, MlineFault, SdpError, SessionFault};
use super::format::{self, PayloadFormat};
use super::h264::ProfileLevelId;
use super::offer;
use super::text::{Attributes, Media, Section, Text};
use super::transport::Transport;
use super::{Direction, MAX_CANDIDATES};
use crate::core::candidate::{Candidate, CandidateError};
use crate::core::protocol::{Codec, MediaKind};
use crate::core::rtp::{CAPTURE_TIME_URI, PLAYOUT_DELAY_URI, TRANSPORT_SEQUENCE_URI};

/// The feedback on pictures that the daemon acts on (RFC 4585, RFC 5104).
const FEEDBACK: [&str; 4] = ["nack", "nack pli", "ccm fir", TRANSPORT_CC];
/// Reports of when each packet arrived, by its transport-wide number
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3). Asked for of sound too.
const TRANSPORT_CC: &str = "transport-cc";

/// An offer that can be answered. There is no other way to get one than [`CheckedOffer::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOffer {
    pub(super) mlines: Vec<ClientMline>,
    /// The indices of the bundled m-lines in the group's order; all of them where there is no
    /// group and one m-line.
    pub(super) bundle: Vec<usize>,
    /// Whether there is a group.
    pub(super) has_group: bool,
}

/// One m-line of the offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientMline {
    pub mid: String,
    /// Its m-line where it is rejected, and the meaning of the payload type in it.
    pub rejection: String,
    /// `None`: whatever it is for, it asks for no picture and no sound.
    pub asks: Option<Asks>,
}

/// What an m-line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asks {
    pub kind: MediaKind,
    /// Those that the daemon sends, the client's favourite first.
    pub codecs: Vec<OfferedCodec>,
    /// The id of the header extension for the time of capture.
    pub capture_time: Option<u8>,
    /// The id of the header extension for the transport-wide sequence number.
    pub transport_sequence: Option<u8>,
    /// The id of the header extension for the delay of playout.
    pub playout_delay: Option<u8>,
    /// Whether the client understands reduced-size RTCP (RFC 5506).
    pub reduced_rtcp: bool,
    /// Where it is offered by itself; a bundle-only m-line may leave it to the group's first.
    pub transport: Option<Transport>,
    pub candidates: Vec<Candidate>,
}

/// A payload type of the client's that the daemon could send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OfferedCodec {
    pub codec: Codec,
    pub payload_type: u8,
    /// Of H.264.
    pub profile: Option<ProfileLevelId>,
    /// Of H.264: whether the stream's level may be another than the offered one.
    pub any_level: bool,
    /// Of sound: as it is written. RFC 7587 section 7 has 2 there; GStreamer leaves it out.
    pub channels: Option<u32>,
    /// The payload type of its retransmissions.
    pub rtx: Option<u8>,
    pub feedback: Vec<&'static str>,
}

impl CheckedOffer {
    /// Reads a client's offer.
    ///
    /// # Errors
    /// [`SdpError`] says what was expected and where. An m-line for something else than picture
    /// and sound, or one that asks for nothing, is no error as long as another asks.
    pub fn check(offer: &str) -> Result<Self, SdpError> {
        let text = Text::parse_offer(offer)?;
        let mids = offer::mids(&text.media)?;
        let group = offer::bundle(&text.session)?;
        if let Some(stranger) = group.iter().flatten().find(|mid| !mids.contains(mid)) {
            return Err(SessionFault::BundleUnknown(Excerpt::of(stranger)).into());
        }
        let bundle: Vec<usize> = match &group {
            Some(group) => group.iter().filter_map(|mid| mids.iter().position(|each| each == mid)).collect(),
            None if mids.len() == 1 => vec![0],
            None => return Err(SessionFault::NoBundle.into()),
        };
        let session_direction = offer::session_direction(&text.session)?;
        let mut mlines = Vec::with_capacity(mids.len());
        for (index, (section, mid)) in text.media.iter().zip(mids).enumerate() {
            let fault = |fault| SdpError::Mline { mline: index, fault };
            let direction = Direction::of(&section.attributes).map_err(|several| fault(several.into()))?;
            let direction = direction.or(session_direction).unwrap_or(Direction::SendRecv);
            // A bundle-only m-line has port 0 and is on offer all the same.
            let open = section.port != 0 || section.attributes.has("bundle-only");
            let asks = open
                && bundle.contains(&index)
                && matches!(direction, Direction::RecvOnly | Direction::SendRecv);
            mlines.push(mline(section, mid, &text.session, asks).map_err(fault)?);
        }
        let checked = Self { mlines, bundle, has_group: group.is_some() };
        checked.check_payload_types()?;
        checked.transport_of_bundle()?;
        Ok(checked)
    }

    /// The kinds of media that are asked for, in the order of the m-lines; never empty.
    pub fn kinds(&self) -> impl Iterator<Item = MediaKind> {
        self.mlines.iter().filter_map(|mline| mline.asks.as_ref().map(|asks| asks.kind))
    }

    /// Whether each payload type means one thing.
    fn check_payload_types(&self) -> Result<(), SdpError> {
        let mut meanings: Vec<(u8, Codec, Option<ProfileLevelId>, bool)> = Vec::new();
        for (index, mline) in self.mlines.iter().enumerate() {
            for codec in mline.asks.iter().flat_map(|asks| &asks.codecs) {
                let own = (codec.payload_type, codec.codec, codec.profile, false);
                let repeats = codec.rtx.map(|rtx| (rtx, codec.codec, codec.profile, true));
                for meaning in std::iter::once(own).chain(repeats) {
                    if meanings.iter().any(|known| known.0 == meaning.0 && *known != meaning) {
                        let fault = MlineFault::PayloadTypeReused(meaning.0);
                        return Err(SdpError::Mline { mline: index, fault });
                    }
                    meanings.push(meaning);
                }
            }
        }
        Ok(())
    }

    /// The group's first m-line that asks has to say where packets go (RFC 9143 section 7.2.1).
    fn transport_of_bundle(&self) -> Result<(), SdpError> {
        let asking = |index: &usize| Some((*index, self.mlines.get(*index)?.asks.as_ref()?));
        let (first, asks) = self.bundle.iter().find_map(asking).ok_or(SessionFault::NothingAsked)?;
        if asks.transport.is_none() {
            return Err(SdpError::Mline { mline: first, fault: MlineFault::Missing("ice-ufrag") });
        }
        Ok(())
    }
}

fn mline(
    section: &Section<'_>,
    mid: &str,
    session: &Attributes<'_>,
    asks: bool,
) -> Result<ClientMline, MlineFault> {
    let mid = mid.to_owned();
    let kind = match section.media {
        Media::Rtp(kind) => kind,
        Media::Data => {
            let rejection = format!("m={DATA_MEDIA} 0 {DATA_FORMAT}\r\n");
            return Ok(ClientMline { mid, rejection, asks: None });
        }
        Media::Other { media, protocol, formats } => {
            let rejection = format!("m={media} 0 {protocol} {formats}\r\n");
            return Ok(ClientMline { mid, rejection, asks: None });
        }
    };
    // A payload type below 96 may go without its meaning (RFC 3551); the daemon sends none of those.
    let formats: Vec<PayloadFormat> = match asks {
        true => format::known_formats(section)?,
        false => Vec::new(),
    };
    let media = if kind == MediaKind::Video { "video" } else { "audio" };
    let payload = formats.first().map(|format| format.payload_type);
    let payload = payload.or(section.payload_types.first().copied()).unwrap_or_default();
    let mut rejection = format!("m={media} 0 {} {payload}\r\n", super::PROTOCOL);
    if let Some(format) = formats.first() {
        rejection.push_str(&format!("a=rtpmap:{payload} {}\r\n", format.rtpmap()));
    }
    let asks = if asks { Some(what_is_asked(section, kind, session, &formats)?) } else { None };
    Ok(ClientMline { mid, rejection, asks })
}

fn what_is_asked(
    section: &Section<'_>,
    kind: MediaKind,
    session: &Attributes<'_>,
    formats: &[PayloadFormat],
) -> Result<Asks, MlineFault> {
    let attributes = &section.attributes;
    let codecs = formats
        .iter()
        .filter_map(|format| {
            let rtx = formats
                .iter()
                .find(|rtx| rtx.clock_rate == 90_000 && rtx.repeats() == Some(format.payload_type));
            codec(format, kind, rtx.map(|rtx| rtx.payload_type))
        })
        .collect();
    let extensions = format::extensions(attributes)?;
    // One-byte headers have these ids (RFC 8285 section 4.2).
    let usable = |id: &u8| {
        (1..=14).contains(id) && extensions.iter().filter(|extension| extension.id == *id).count() == 1
    };
    let extension = |uri| {
        let found = extensions.iter().find(|extension| extension.uri == uri);
        found.map(|extension| extension.id).filter(usable)
    };
    let (capture_time, transport_sequence) = (extension(CAPTURE_TIME_URI), extension(TRANSPORT_SEQUENCE_URI));
    let playout_delay = extension(PLAYOUT_DELAY_URI).filter(|_| kind == MediaKind::Video);
    let has = |name| attributes.has(name) || session.has(name);
    let transport = match Transport::of_offered(session, section) {
        // What is left out is that of the group's first m-line.
        Err(MlineFault::Missing(_)) if attributes.has("bundle-only") || !has("ice-ufrag") => None,
        found => Some(found?),
    };
    let reduced_rtcp = attributes.has("rtcp-rsize");
    let candidates = candidates(attributes)?;
    Ok(Asks {
        kind,
        codecs,
        capture_time,
        transport_sequence,
        playout_delay,
        reduced_rtcp,
        transport,
        candidates,
    })
}

/// What the daemon would send as that format.
fn codec(format: &PayloadFormat, kind: MediaKind, rtx: Option<u8>) -> Option<OfferedCodec> {
    let codec = match (kind, format.clock_rate) {
        (MediaKind::Video, 90_000) if format.is("H264") => Codec::H264,
        (MediaKind::Video, 90_000) if format.is("VP8") => Codec::Vp8,
        (MediaKind::Audio, 48_000) if format.is("opus") && matches!(format.channels, None | Some(2)) => {
            Codec::Opus
        }
        _ => return None,
    };
    let profile = match codec {
        // RFC 7742 section 6.2: what WebRTC sends is packetization mode 1.
        Codec::H264 if format.parameter("packetization-mode") == Some("1") => {
            Some(format.profile_level_id()?)
        }
        Codec::H264 => return None,
        Codec::Vp8 | Codec::Opus => None,
    };
    let given = |feedback: &&str| {
        (kind == MediaKind::Video || *feedback == TRANSPORT_CC)
            && format.feedback.iter().any(|given| given.trim() == *feedback)
    };
    Some(OfferedCodec {
        codec,
        payload_type: format.payload_type,
        profile,
        any_level: format.parameter("level-asymmetry-allowed") == Some("1"),
        channels: format.channels,
        rtx: rtx.filter(|_| kind == MediaKind::Video),
        feedback: FEEDBACK.into_iter().filter(given).collect(),
    })
}

/// The candidates of an m-line, each once. What the daemon cannot reach is passed over (RFC 9725
/// section 4.3.2): RTCP has no component of its own here, a name is not looked up.
fn candidates(attributes: &Attributes<'_>) -> Result<Vec<Candidate>, MlineFault> {
    let mut found = Vec::new();
    for value in attributes.all("candidate") {
        match Candidate::parse_value(value) {
            Ok(candidate) if candidate.is_mdns() || found.contains(&candidate) => {}
            Ok(_) if found.len() == MAX_CANDIDATES => return Err(MlineFault::TooManyCandidates),
            Ok(candidate) => found.push(candidate),
            Err(error) if error.is_out_of_reach() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

impl CandidateError {
    /// Whether it is well formed as far as was looked, and of a sort that the daemon does not use.
    #[must_use]
    pub const fn is_out_of_reach(self) -> bool {
        matches!(self, Self::Component | Self::Transport | Self::Address | Self::Unreachable)
    }
}
