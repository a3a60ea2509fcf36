//! Whether an answer fits the offer, and the answer written anew (RFC 9429 section 5.3).

use super::data::{self, Data};
use super::error::{Excerpt, MlineFault, SdpError, SessionFault};
use super::fingerprint::Fingerprint;
use super::format::{self, Extension, PayloadFormat};
use super::hidden;
use super::offer::{self, OfferSummary, OfferedMline};
use super::text::{Section, Text};
use super::transport::{Setup, Transport};
use super::{Direction, MAX_CANDIDATES, PROTOCOL};
use crate::core::candidate::Candidate;
use crate::core::protocol::MediaKind;
use std::fmt::{self, Write};

/// An answer that fits its offer. There is no other way to get one than [`CheckedAnswer::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedAnswer {
    mlines: Vec<AnsweredMline>,
    transport: Transport,
    /// The m-line whose transport all others share: the first accepted one of the bundle.
    tagged: usize,
    candidates: Vec<Candidate>,
    /// What became of the data channels, if they were offered.
    data: Option<Data>,
}

/// What became of one offered m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnsweredMline {
    /// The client does not take it.
    Rejected(OfferedMline),
    /// The client takes it, now or (`inactive`) later.
    Accepted(AcceptedMline),
}

impl AnsweredMline {
    /// The mid, as offered.
    #[must_use]
    pub fn mid(&self) -> &str {
        match self {
            Self::Rejected(mline) => &mline.mid,
            Self::Accepted(mline) => &mline.mid,
        }
    }
}

/// An m-line that the client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedMline {
    /// Picture or sound.
    pub kind: MediaKind,
    /// Its mid, as offered.
    pub mid: String,
    /// As the client sees it: `recvonly`, or `inactive` for one that is not to be sent now.
    pub direction: Direction,
    /// The accepted payload types, the client's favourite first: the offer's own words, with
    /// the feedback that the client gives too. At least one is a codec.
    pub formats: Vec<PayloadFormat>,
    extensions: Vec<Extension>,
    reduced_rtcp: bool,
}

impl AcceptedMline {
    /// The id of a header extension that both sides name (RFC 8285 section 6).
    #[must_use]
    pub fn extension(&self, uri: &str) -> Option<u8> {
        self.extensions.iter().find(|extension| extension.uri == uri).map(|extension| extension.id)
    }
}

impl CheckedAnswer {
    /// Reads an answer to `offer` and compares the two, m-line by m-line.
    ///
    /// Transport attributes may stand in the session part, in every m-line, or (RFC 9143
    /// section 7.1.3) only in the first one of the bundle; wherever they stand, they agree.
    ///
    /// # Errors
    /// [`SdpError`] says what was expected and where.
    pub fn check(answer: &str, offer: &OfferSummary) -> Result<Self, SdpError> {
        let text = Text::parse(answer)?;
        let offered = offer.mlines();
        // Who knows no data channels may leave them out altogether; all else goes on.
        if ![offered.len(), offer.count()].contains(&text.media.len()) {
            let (offered, answered) = (offer.count(), text.media.len());
            return Err(SessionFault::MlineCount { offered, answered }.into());
        }
        let mids = offer::mids(&text.media)?;
        let bundle = offer::bundle(&text.session)?;
        if let Some(stranger) = bundle.iter().flatten().find(|mid| !mids.contains(mid)) {
            return Err(SessionFault::BundleUnknown(Excerpt::of(stranger)).into());
        }
        let session_direction = offer::session_direction(&text.session)?;

        let mut mlines = Vec::with_capacity(offered.len());
        let mut accepted = Vec::new();
        for (index, ((section, offered), mid)) in text.media.iter().zip(offered).zip(&mids).enumerate() {
            let bundled = bundle.as_ref().is_none_or(|bundle| bundle.contains(mid));
            let mline = answer_of(section, offered, mid, bundled, session_direction)
                .map_err(|fault| SdpError::Mline { mline: index, fault })?;
            if let AnsweredMline::Accepted(_) = mline {
                accepted.push((index, section));
            }
            mlines.push(mline);
        }
        let tagged = tagged(bundle.as_deref(), &mids, &accepted)?;
        let data = match (offer.data(), text.media.get(offered.len()).zip(mids.get(offered.len()))) {
            (Some(mid), Some((section, answered))) => {
                let index = offered.len();
                let fault = |fault| SdpError::Mline { mline: index, fault };
                if *answered != mid {
                    let (offered, answered) = (Excerpt::of(mid), Excerpt::of(answered));
                    return Err(fault(MlineFault::Mid { offered, answered }));
                }
                let bundled = bundle.as_ref().is_none_or(|bundle| bundle.contains(&mid));
                let data = Data::of(section, mid, bundled).map_err(fault)?;
                if data.is_accepted() {
                    accepted.push((index, section));
                }
                Some(data)
            }
            (Some(mid), None) => Some(Data::rejected(mid)),
            (None, _) => None,
        };
        let transport = Transport::shared(&text.session, tagged, &accepted)?;
        let candidates = candidates(&accepted)?;
        Ok(Self { mlines, transport, tagged: tagged.0, candidates, data })
    }

    /// Whether the client takes the data channels.
    #[must_use]
    pub fn takes_data(&self) -> bool {
        self.data.as_ref().is_some_and(Data::is_accepted)
    }

    /// The m-lines for pictures and sound, as many as were offered and in the same order.
    #[must_use]
    pub fn mlines(&self) -> &[AnsweredMline] {
        &self.mlines
    }

    /// The accepted m-lines with their index; never none.
    pub fn accepted(&self) -> impl Iterator<Item = (usize, &AcceptedMline)> {
        self.mlines.iter().enumerate().filter_map(|(index, mline)| match mline {
            AnsweredMline::Accepted(accepted) => Some((index, accepted)),
            AnsweredMline::Rejected(_) => None,
        })
    }

    /// What names the client's certificate; never empty. To be compared with the certificate
    /// of the DTLS handshake by [`Fingerprint::name_certificate`].
    #[must_use]
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.transport.fingerprints
    }

    /// Who begins the DTLS handshake.
    #[must_use]
    pub fn setup(&self) -> Setup {
        self.transport.setup
    }

    /// The client's ICE credentials: user name fragment and password.
    #[must_use]
    pub fn credentials(&self) -> (&str, &str) {
        (&self.transport.ufrag, self.transport.password())
    }

    /// The client's ICE user name fragment. A candidate with another one is of another session.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.transport.ufrag
    }

    /// The index of the m-line that stands for the one transport of all: the first accepted one
    /// of the bundle. The daemon's own candidates are to name it: Chromium passes over those
    /// that name a rejected m-line.
    #[must_use]
    pub fn transport_mline(&self) -> usize {
        self.tagged
    }

    /// The candidates that stood in the answer, each once; they belong to
    /// [`transport_mline`](Self::transport_mline). [`to_sdp`](Self::to_sdp) leaves them out, so
    /// that they take the same way as those that trickle.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The answer written anew, for webrtcbin: nothing in it that was not understood, and every
    /// m-line complete.
    ///
    /// A rejected m-line is written as an inactive one. webrtcbin (seen with 1.22) asks for ICE
    /// attributes in rejected m-lines, which Firefox leaves out; and it puts the bundle on the
    /// transport of its first m-line, so that no connection comes about when the first m-line
    /// offered is not in the bundle.
    #[must_use]
    pub fn to_sdp(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for CheckedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE")?;
        for mline in &self.mlines {
            write!(f, " {}", mline.mid())?;
        }
        if let Some(data) = &self.data {
            write!(f, " {}", data.mid())?;
        }
        f.write_str("\r\n")?;
        for mline in &self.mlines {
            let (kind, direction, formats) = match mline {
                AnsweredMline::Accepted(mline) => (mline.kind, mline.direction, &mline.formats),
                AnsweredMline::Rejected(mline) => (mline.kind, Direction::Inactive, &mline.formats),
            };
            media_line(f, kind, formats)?;
            write!(f, "a=mid:{}\r\na={direction}\r\n{}a=rtcp-mux\r\n", mline.mid(), self.transport)?;
            formats.iter().try_for_each(|format| format_lines(f, format))?;
            if let AnsweredMline::Accepted(mline) = mline {
                if mline.reduced_rtcp {
                    f.write_str("a=rtcp-rsize\r\n")?;
                }
                let seen = mline.extensions.iter().filter(|each| !hidden::is_hidden(&each.uri));
                for Extension { id, uri } in seen {
                    write!(f, "a=extmap:{id} {uri}\r\n")?;
                }
            }
        }
        match &self.data {
            Some(data) => data::lines(f, data, &self.transport),
            None => Ok(()),
        }
    }
}

pub(super) fn media_line(f: &mut impl Write, kind: MediaKind, formats: &[PayloadFormat]) -> fmt::Result {
    let kind = match kind {
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
    };
    write!(f, "m={kind} 9 {PROTOCOL}")?;
    for format in formats {
        write!(f, " {}", format.payload_type)?;
    }
    f.write_str("\r\nc=IN IP4 0.0.0.0\r\n")
}

pub(super) fn format_lines(f: &mut impl Write, format: &PayloadFormat) -> fmt::Result {
    let payload = format.payload_type;
    write!(f, "a=rtpmap:{payload} {}\r\n", format.rtpmap())?;
    if let Some(parameters) = &format.parameters {
        write!(f, "a=fmtp:{payload} {parameters}\r\n")?;
    }
    format.feedback.iter().try_for_each(|feedback| write!(f, "a=rtcp-fb:{payload} {feedback}\r\n"))
}

/// One m-line of the answer beside that of the offer; its transport is looked at elsewhere.
fn answer_of(
    section: &Section<'_>,
    offered: &OfferedMline,
    mid: &str,
    bundled: bool,
    session_direction: Option<Direction>,
) -> Result<AnsweredMline, MlineFault> {
    let attributes = &section.attributes;
    let kind = section.kind()?;
    if kind != offered.kind {
        return Err(MlineFault::Kind { offered: offered.kind, answered: kind });
    }
    if mid != offered.mid {
        let (offered, answered) = (Excerpt::of(&offered.mid), Excerpt::of(mid));
        return Err(MlineFault::Mid { offered, answered });
    }
    // Port 0 rejects, except in an m-line that says it lives in the bundle alone.
    if section.port == 0 && !(bundled && attributes.has("bundle-only")) {
        return Ok(AnsweredMline::Rejected(offered.clone()));
    }
    if !bundled {
        return Err(MlineFault::NotBundled(Excerpt::of(mid)));
    }
    let direction = Direction::of(attributes)?.or(session_direction).unwrap_or(Direction::SendRecv);
    if !offered.direction.accepts(direction) {
        return Err(MlineFault::Direction { offered: offered.direction, answered: direction });
    }
    if let Some(stranger) = section.payload_types.iter().find(|p| offered.format(**p).is_none()) {
        return Err(MlineFault::NotOffered(*stranger));
    }
    let mut formats = Vec::with_capacity(section.payload_types.len());
    for answered in format::formats(section)? {
        if let Some(offered) = offered.format(answered.payload_type) {
            formats.push(accepted_format(offered, &answered)?);
        }
    }
    // A retransmission of something that was not accepted means nothing.
    let accepted = section.payload_types.as_slice();
    formats.retain(|format| format.repeats().is_none_or(|payload| accepted.contains(&payload)));
    if formats.iter().all(PayloadFormat::is_repair) {
        return Err(MlineFault::NoCodec);
    }
    let mut extensions = format::extensions(attributes)?;
    extensions.retain(|extension| offered.extensions.contains(extension));
    Ok(AnsweredMline::Accepted(AcceptedMline {
        kind: offered.kind,
        mid: offered.mid.clone(),
        direction,
        formats,
        extensions,
        reduced_rtcp: offered.reduced_rtcp && attributes.has("rtcp-rsize"),
    }))
}

/// The offered format, if the answered one means the same, with the feedback that both name.
fn accepted_format(offered: &PayloadFormat, answered: &PayloadFormat) -> Result<PayloadFormat, MlineFault> {
    let payload = offered.payload_type;
    if !offered.same_encoding(answered) {
        let (offered, answered) = (Excerpt::of(&offered.rtpmap()), Excerpt::of(&answered.rtpmap()));
        return Err(MlineFault::Remapped { payload, offered, answered });
    }
    if offered.is("H264") {
        // RFC 6184 section 8.2.2 has both the same as offered. A client that leaves them out is
        // taken at its payload type's word.
        if let (Some(ours), Some(theirs)) =
            (offered.profile_level_id(), answered.parameter("profile-level-id"))
            && answered.profile_level_id().map(|id| id.profile()) != Some(ours.profile())
        {
            let (offered, answered) = (Excerpt::of(&ours.to_string()), Excerpt::of(theirs));
            return Err(MlineFault::Profile { payload, offered, answered });
        }
        if let Some(mode) = answered.parameter("packetization-mode")
            && mode != offered.parameter("packetization-mode").unwrap_or("0")
        {
            return Err(MlineFault::PacketizationMode(payload));
        }
    }
    let mut format = offered.clone();
    format.feedback.retain(|feedback| answered.feedback.contains(feedback));
    Ok(format)
}

/// The accepted m-line that the bundle names first (RFC 9143 section 7.3.1).
fn tagged<'t, 'a>(
    bundle: Option<&[&str]>,
    mids: &[&str],
    accepted: &[(usize, &'t Section<'a>)],
) -> Result<(usize, &'t Section<'a>), SessionFault> {
    let first = accepted.first().copied().ok_or(SessionFault::NothingAccepted)?;
    let Some(bundle) = bundle else {
        // Firefox writes no group around a single m-line when those before it are rejected.
        return if accepted.len() == 1 { Ok(first) } else { Err(SessionFault::NoBundle) };
    };
    let by_mid = |mid: &&str| accepted.iter().find(|(index, _)| mids.get(*index) == Some(mid));
    Ok(bundle.iter().find_map(by_mid).copied().unwrap_or(first))
}

/// The candidates of every accepted m-line, each once: they share the transport.
fn candidates(accepted: &[(usize, &Section<'_>)]) -> Result<Vec<Candidate>, SdpError> {
    let mut found = Vec::new();
    for &(mline, section) in accepted {
        for value in section.attributes.all("candidate") {
            let candidate = Candidate::parse_value(value)
                .map_err(|error| SdpError::Mline { mline, fault: error.into() })?;
            if !found.contains(&candidate) {
                if found.len() == MAX_CANDIDATES {
                    return Err(SessionFault::TooManyCandidates.into());
                }
                found.push(candidate);
            }
        }
    }
    Ok(found)
}
