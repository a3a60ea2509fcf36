//! What the daemon offered, read from webrtcbin's own text.

use super::Direction;
use super::data;
use super::error::{Excerpt, MlineFault, SdpError, SessionFault};
use super::format::{self, Extension, PayloadFormat};
use super::text::{Attributes, Media, Section, Text, is_token};
use crate::core::protocol::MediaKind;

/// The longest mid, in bytes. Browsers write one to eight.
const MAX_MID: usize = 32;

/// The parts of an offer that an answer has to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferSummary {
    mlines: Vec<OfferedMline>,
    /// The mid of the data channels, whose m-line is behind all others.
    data: Option<String>,
}

/// One m-line of the offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedMline {
    /// Picture or sound.
    pub kind: MediaKind,
    /// Its name, unique in the offer (RFC 5888 section 4).
    pub mid: String,
    /// Which way media goes.
    pub direction: Direction,
    /// The payload types, best first.
    pub formats: Vec<PayloadFormat>,
    /// The header extensions.
    pub(super) extensions: Vec<Extension>,
    /// Whether the sender understands reduced-size RTCP (RFC 5506).
    pub(super) reduced_rtcp: bool,
}

impl OfferedMline {
    /// The format of that payload type.
    #[must_use]
    pub fn format(&self, payload_type: u8) -> Option<&PayloadFormat> {
        self.formats.iter().find(|f| f.payload_type == payload_type)
    }

    /// The first payload type of that encoding name, compared without case.
    #[must_use]
    pub fn encoding(&self, name: &str) -> Option<&PayloadFormat> {
        self.formats.iter().find(|f| f.is(name))
    }
}

impl OfferSummary {
    /// Reads the daemon's own offer. All its m-lines share one BUNDLE group.
    ///
    /// # Errors
    /// [`SdpError`] when it is not such an offer: a defect of the daemon, not of a client.
    pub fn parse(offer: &str) -> Result<Self, SdpError> {
        let text = Text::parse(offer)?;
        let mids = mids(&text.media)?;
        let bundle = bundle(&text.session)?.ok_or(SessionFault::NoBundle)?;
        if let Some(stranger) = bundle.iter().find(|mid| !mids.contains(mid)) {
            return Err(SessionFault::BundleUnknown(Excerpt::of(stranger)).into());
        }
        let session_direction = session_direction(&text.session)?;
        let mut mlines = Vec::with_capacity(mids.len());
        let mut data = None;
        for (index, (section, mid)) in text.media.iter().zip(mids).enumerate() {
            let fault = |fault| SdpError::Mline { mline: index, fault };
            if !bundle.contains(&mid) {
                return Err(fault(MlineFault::NotBundled(Excerpt::of(mid))));
            }
            if section.media == Media::Data && index + 1 == text.media.len() && index > 0 {
                data::read(section).map_err(fault)?;
                data = Some(mid.to_owned());
                continue;
            }
            let direction = Direction::of(&section.attributes).map_err(|several| fault(several.into()))?;
            mlines.push(OfferedMline {
                kind: section.kind().map_err(fault)?,
                mid: mid.to_owned(),
                direction: direction.or(session_direction).unwrap_or(Direction::SendRecv),
                formats: format::formats(section).map_err(fault)?,
                extensions: format::extensions(&section.attributes).map_err(fault)?,
                reduced_rtcp: section.attributes.has("rtcp-rsize"),
            });
        }
        Ok(Self { mlines, data })
    }

    /// The mid of the data channels, if they are offered. Their m-line is behind the others.
    #[must_use]
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// How many m-lines there are in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.mlines.len() + usize::from(self.data.is_some())
    }

    /// The m-lines for pictures and sound in their order; never empty.
    #[must_use]
    pub fn mlines(&self) -> &[OfferedMline] {
        &self.mlines
    }
}

/// The mid of each m-line: there, well formed, and unique.
pub(super) fn mids<'a>(media: &[Section<'a>]) -> Result<Vec<&'a str>, SdpError> {
    let mut mids = Vec::with_capacity(media.len());
    for (mline, section) in media.iter().enumerate() {
        let fault = |fault| SdpError::Mline { mline, fault };
        let mid = section.attributes.one("mid").map_err(|twice| fault(twice.into()))?;
        let mid = mid.ok_or_else(|| fault(MlineFault::Missing("mid")))?;
        if mid.is_empty() || mid.len() > MAX_MID || !mid.bytes().all(is_token) {
            return Err(fault(MlineFault::MidForm(Excerpt::of(mid))));
        }
        if mids.contains(&mid) {
            return Err(fault(MlineFault::RepeatedMid(Excerpt::of(mid))));
        }
        mids.push(mid);
    }
    Ok(mids)
}

/// The mids of the BUNDLE group, each one once (RFC 9143 section 5); `None` without a group.
pub(super) fn bundle<'a>(session: &Attributes<'a>) -> Result<Option<Vec<&'a str>>, SessionFault> {
    let mut groups = session.all("group").filter_map(|value| {
        let mut words = value.split(' ');
        (words.next() == Some("BUNDLE")).then_some(words)
    });
    let Some(words) = groups.next() else { return Ok(None) };
    if groups.next().is_some() {
        return Err(SessionFault::SeveralBundles);
    }
    let mut mids = Vec::new();
    // Each is compared with the m-lines' mids by the caller, so its form needs no check here.
    for mid in words.filter(|word| !word.is_empty()) {
        if mids.contains(&mid) {
            return Err(SessionFault::BundleRepeats(Excerpt::of(mid)));
        }
        mids.push(mid);
        if mids.len() > super::MAX_MLINES {
            return Err(SessionFault::BundleUnknown(Excerpt::of(mid)));
        }
    }
    Ok(Some(mids))
}

/// The direction that m-lines without one have, where the session part gives it.
pub(super) fn session_direction(session: &Attributes<'_>) -> Result<Option<Direction>, SessionFault> {
    Direction::of(session).map_err(|super::SeveralDirections| SessionFault::SeveralDirections)
}
