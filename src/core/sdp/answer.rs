//! Whether an answer fits the offer, and the answer written anew (RFC 9429 section 5.3).

use super::error::{Excerpt, MlineFault, SdpError, SessionFault};
use super::fingerprint::Fingerprint;
use super::format::{self, Extension, PayloadFormat};
use super::offer::{self, OfferSummary, OfferedMline};
use super::text::{Attributes, Section, Text};
use super::{Direction, MAX_CANDIDATES, PROTOCOL};
use crate::core::candidate::{Candidate, is_ice_char};
use crate::core::protocol::MediaKind;
use std::fmt::{self, Write};

/// The most fingerprints in one answer. aiortc writes three.
const MAX_FINGERPRINTS: usize = 8;

/// An answer that fits its offer. There is no other way to get one than [`CheckedAnswer::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedAnswer {
    mlines: Vec<AnsweredMline>,
    transport: Transport,
    /// The m-line whose transport all others share: the first accepted one of the bundle.
    tagged: usize,
    candidates: Vec<Candidate>,
}

/// What became of one offered m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnsweredMline {
    /// The client does not take it.
    Rejected(OfferedMline),
    /// The client takes it, now or (`inactive`) later.
    Accepted(AcceptedMline),
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

/// Who begins the DTLS handshake (RFC 5763 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    /// The client does.
    Active,
    /// The daemon does.
    Passive,
}

/// What ties the answer to packets: one transport for all m-lines.
#[derive(Clone, PartialEq, Eq)]
struct Transport {
    ufrag: String,
    password: String,
    setup: Setup,
    /// Sorted, each once; never empty.
    fingerprints: Vec<Fingerprint>,
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
        if text.media.len() != offered.len() {
            let (offered, answered) = (offered.len(), text.media.len());
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
        let transport = shared_transport(&text.session, tagged, &accepted)?;
        let candidates = candidates(&accepted)?;
        Ok(Self { mlines, transport, tagged: tagged.0, candidates })
    }

    /// The m-lines, as many as were offered and in the same order.
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

    /// The client's ICE user name fragment. A candidate with another one is of another session.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.transport.ufrag
    }

    /// The index of the m-line that stands for the one transport of all.
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

    /// The answer written anew, for webrtcbin: nothing in it that was not understood, every
    /// attribute in its m-line, transport attributes in all of them (webrtcbin 1.22 to 1.28
    /// asks for them in rejected ones too).
    #[must_use]
    pub fn to_sdp(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for CheckedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE")?;
        for (_, mline) in self.accepted() {
            write!(f, " {}", mline.mid)?;
        }
        f.write_str("\r\n")?;
        for mline in &self.mlines {
            match mline {
                AnsweredMline::Accepted(mline) => {
                    media_line(f, mline.kind, 9, &mline.formats)?;
                    write!(f, "a=mid:{}\r\na={}\r\n{}", mline.mid, mline.direction, self.transport)?;
                    f.write_str("a=rtcp-mux\r\n")?;
                    if mline.reduced_rtcp {
                        f.write_str("a=rtcp-rsize\r\n")?;
                    }
                    mline.formats.iter().try_for_each(|format| format_lines(f, format))?;
                    for Extension { id, uri } in &mline.extensions {
                        write!(f, "a=extmap:{id} {uri}\r\n")?;
                    }
                }
                AnsweredMline::Rejected(mline) => {
                    media_line(f, mline.kind, 0, &mline.formats)?;
                    write!(f, "a=mid:{}\r\na=inactive\r\n{}", mline.mid, self.transport)?;
                    mline.formats.iter().try_for_each(|format| format_lines(f, format))?;
                }
            }
        }
        Ok(())
    }
}

fn media_line(f: &mut impl Write, kind: MediaKind, port: u16, formats: &[PayloadFormat]) -> fmt::Result {
    let kind = match kind {
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
    };
    write!(f, "m={kind} {port} {PROTOCOL}")?;
    for format in formats {
        write!(f, " {}", format.payload_type)?;
    }
    f.write_str("\r\n")?;
    f.write_str("c=IN IP4 0.0.0.0\r\n")
}

fn format_lines(f: &mut impl Write, format: &PayloadFormat) -> fmt::Result {
    let payload = format.payload_type;
    write!(f, "a=rtpmap:{payload} {}\r\n", format.rtpmap())?;
    if let Some(parameters) = &format.parameters {
        write!(f, "a=fmtp:{payload} {parameters}\r\n")?;
    }
    format.feedback.iter().try_for_each(|feedback| write!(f, "a=rtcp-fb:{payload} {feedback}\r\n"))
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setup = match self.setup {
            Setup::Active => "active",
            Setup::Passive => "passive",
        };
        write!(f, "a=setup:{setup}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", self.ufrag, self.password)?;
        self.fingerprints.iter().try_for_each(|fingerprint| write!(f, "a=fingerprint:{fingerprint}\r\n"))
    }
}

/// The password is a secret.
impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ufrag, password: _, setup, fingerprints } = self;
        f.debug_struct("Transport")
            .field("ufrag", ufrag)
            .field("setup", setup)
            .field("fingerprints", fingerprints)
            .finish_non_exhaustive()
    }
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
    if section.kind != offered.kind {
        return Err(MlineFault::Kind { offered: offered.kind, answered: section.kind });
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

/// What one section says of the transport; what it leaves out is `None`.
struct PartOfTransport<'a> {
    ufrag: Option<&'a str>,
    password: Option<&'a str>,
    setup: Option<Setup>,
    fingerprints: Option<Vec<Fingerprint>>,
    multiplexed: bool,
}

impl<'a> PartOfTransport<'a> {
    fn read(session: &Attributes<'a>, section: &Section<'a>) -> Result<Self, MlineFault> {
        let media = &section.attributes;
        let one = |name| match media.one(name) {
            Ok(None) => session.one(name),
            found => found,
        };
        let ufrag = one("ice-ufrag")?;
        if let Some(ufrag) = ufrag
            && !(4..=256).contains(&ufrag.len()) | !ufrag.bytes().all(is_ice_char)
        {
            return Err(MlineFault::Ufrag(Excerpt::of(ufrag)));
        }
        let password = one("ice-pwd")?;
        if let Some(password) = password
            && !(22..=256).contains(&password.len()) | !password.bytes().all(is_ice_char)
        {
            return Err(MlineFault::Password);
        }
        let setup = match one("setup")? {
            None => None,
            Some("active") => Some(Setup::Active),
            Some("passive") => Some(Setup::Passive),
            Some(other) => return Err(MlineFault::Setup(Excerpt::of(other))),
        };
        let level = if media.has("fingerprint") { media } else { session };
        let mut fingerprints = Vec::new();
        for value in level.all("fingerprint") {
            fingerprints.extend(Fingerprint::parse(value)?);
        }
        fingerprints.sort();
        fingerprints.dedup();
        let fingerprints = match fingerprints.len() {
            0 if !level.has("fingerprint") => None,
            0 => return Err(MlineFault::NoGoodFingerprint),
            1..=MAX_FINGERPRINTS => Some(fingerprints),
            _ => return Err(MlineFault::TooManyFingerprints(MAX_FINGERPRINTS)),
        };
        let multiplexed = media.has("rtcp-mux");
        Ok(Self { ufrag, password, setup, fingerprints, multiplexed })
    }

    /// Whole, as the bundle's first m-line has to be.
    fn whole(self) -> Result<Transport, MlineFault> {
        let missing = MlineFault::Missing;
        let transport = Transport {
            fingerprints: self.fingerprints.ok_or(missing("fingerprint"))?,
            setup: self.setup.ok_or(missing("setup"))?,
            ufrag: self.ufrag.ok_or(missing("ice-ufrag"))?.to_owned(),
            password: self.password.ok_or(missing("ice-pwd"))?.to_owned(),
        };
        if self.multiplexed { Ok(transport) } else { Err(missing("rtcp-mux")) }
    }

    /// Whether what it says is what `transport` says.
    fn agrees_with(&self, transport: &Transport) -> Result<(), MlineFault> {
        let differs = |name| Err(MlineFault::Differs(name));
        if self.ufrag.is_some_and(|ufrag| ufrag != transport.ufrag) {
            return differs("ice-ufrag");
        }
        if self.password.is_some_and(|password| password != transport.password) {
            return differs("ice-pwd");
        }
        if self.setup.is_some_and(|setup| setup != transport.setup) {
            return differs("setup");
        }
        if self.fingerprints.as_ref().is_some_and(|list| *list != transport.fingerprints) {
            return differs("fingerprint");
        }
        Ok(())
    }
}

/// The one transport of the bundle.
fn shared_transport<'a>(
    session: &Attributes<'a>,
    (tagged, section): (usize, &Section<'a>),
    accepted: &[(usize, &Section<'a>)],
) -> Result<Transport, SdpError> {
    let transport = PartOfTransport::read(session, section)
        .and_then(PartOfTransport::whole)
        .map_err(|fault| SdpError::Mline { mline: tagged, fault })?;
    for &(mline, section) in accepted {
        PartOfTransport::read(session, section)
            .and_then(|part| part.agrees_with(&transport))
            .map_err(|fault| SdpError::Mline { mline, fault })?;
    }
    Ok(transport)
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
