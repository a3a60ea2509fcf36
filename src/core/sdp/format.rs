//! Payload formats: what a payload type stands for (`rtpmap`, `fmtp`, `rtcp-fb`).

use super::error::{Excerpt, MlineFault};
use super::h264::ProfileLevelId;
use super::text::{Attributes, Section, is_token, payload_type};
use crate::core::candidate::number;

/// One payload type and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadFormat {
    /// To 127.
    pub payload_type: u8,
    /// The encoding name as written: `H264`, `VP8`, `OPUS`, `rtx`. Compared without case.
    pub encoding: String,
    /// Ticks a second.
    pub clock_rate: u32,
    /// Of sound; `None` where it is not written.
    pub channels: Option<u32>,
    /// The value of `a=fmtp` after the payload type.
    pub parameters: Option<String>,
    /// The values of `a=rtcp-fb` after the payload type (RFC 4585 section 4.2).
    pub feedback: Vec<String>,
}

impl PayloadFormat {
    /// A format parameter of that name, as it is written; names are compared without case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.as_deref()?.split(';').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether this is that encoding, without case.
    #[must_use]
    pub fn is(&self, encoding: &str) -> bool {
        self.encoding.eq_ignore_ascii_case(encoding)
    }

    /// Whether it only repairs others: retransmission, redundancy, forward error correction.
    #[must_use]
    pub fn is_repair(&self) -> bool {
        ["rtx", "red", "ulpfec", "flexfec", "flexfec-03"].iter().any(|name| self.is(name))
    }

    /// Of `rtx`: the payload type that it repeats (RFC 4588 section 8.6).
    #[must_use]
    pub fn repeats(&self) -> Option<u8> {
        if self.is("rtx") { payload_type(self.parameter("apt")?) } else { None }
    }

    /// Of H.264: its profile and level, the default where the parameter is absent; `None` when
    /// it is not six hexadecimal digits.
    #[must_use]
    pub fn profile_level_id(&self) -> Option<ProfileLevelId> {
        match self.parameter("profile-level-id") {
            Some(text) => ProfileLevelId::parse(text),
            None => Some(ProfileLevelId::DEFAULT),
        }
    }

    /// `H264/90000` or `opus/48000/2`.
    pub(super) fn rtpmap(&self) -> String {
        match self.channels {
            Some(channels) => format!("{}/{}/{channels}", self.encoding, self.clock_rate),
            None => format!("{}/{}", self.encoding, self.clock_rate),
        }
    }

    /// Whether both name the same encoding, clock and channels; one channel may go unwritten
    /// (RFC 8866 section 6.6).
    pub(super) fn same_encoding(&self, other: &Self) -> bool {
        self.is(&other.encoding)
            && self.clock_rate == other.clock_rate
            && self.channels.unwrap_or(1) == other.channels.unwrap_or(1)
    }
}

/// The formats of a section, in the m-line's order.
pub(super) fn formats(section: &Section<'_>) -> Result<Vec<PayloadFormat>, MlineFault> {
    section.payload_types.iter().map(|payload| format(*payload, &section.attributes)).collect()
}

/// The formats whose meaning is written.
pub(super) fn known_formats(section: &Section<'_>) -> Result<Vec<PayloadFormat>, MlineFault> {
    let all = section.payload_types.iter().map(|payload| format(*payload, &section.attributes));
    all.filter(|format| !matches!(format, Err(MlineFault::NoRtpmap(..96)))).collect()
}

fn format(payload: u8, attributes: &Attributes<'_>) -> Result<PayloadFormat, MlineFault> {
    let mut maps = values_for(payload, attributes, "rtpmap");
    let map = maps.next().ok_or(MlineFault::NoRtpmap(payload))?;
    if maps.next().is_some() {
        return Err(MlineFault::Repeated("rtpmap"));
    }
    let fault = || MlineFault::RtpmapForm(Excerpt::of(map));
    let mut words = map.split('/');
    let encoding = words.next().filter(|name| !name.is_empty() && name.bytes().all(is_token));
    let clock_rate = words.next().and_then(number::<u32>).filter(|rate| *rate > 0);
    let channels = match words.next() {
        Some(word) => Some(number::<u32>(word).filter(|n| *n > 0).ok_or_else(fault)?),
        None => None,
    };
    let (Some(encoding), Some(clock_rate), None) = (encoding, clock_rate, words.next()) else {
        return Err(fault());
    };
    let mut parameters = values_for(payload, attributes, "fmtp");
    let format = PayloadFormat {
        payload_type: payload,
        encoding: encoding.to_owned(),
        clock_rate,
        channels,
        parameters: parameters.next().map(str::to_owned),
        feedback: values_for(payload, attributes, "rtcp-fb").map(str::to_owned).collect(),
    };
    if parameters.next().is_some() {
        return Err(MlineFault::Repeated("fmtp"));
    }
    Ok(format)
}

/// What follows `a=NAME:PAYLOAD ` in each such attribute.
fn values_for<'a>(
    payload: u8,
    attributes: &Attributes<'a>,
    name: &'static str,
) -> impl Iterator<Item = &'a str> {
    attributes.all(name).filter_map(move |value| {
        let (number, rest) = value.split_once(' ')?;
        // `rtcp-fb:*` is for every payload type of the m-line.
        (payload_type(number) == Some(payload) || (name == "rtcp-fb" && number == "*")).then_some(rest)
    })
}

/// A header extension (RFC 8285 section 8): its id and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extension {
    pub id: u8,
    pub uri: String,
}

/// The header extensions of a section.
pub(super) fn extensions(attributes: &Attributes<'_>) -> Result<Vec<Extension>, MlineFault> {
    attributes
        .all("extmap")
        .map(|value| {
            let fault = || MlineFault::ExtmapForm(Excerpt::of(value));
            let mut words = value.split(' ');
            let (Some(id), Some(uri)) = (words.next(), words.next()) else { return Err(fault()) };
            let id = id.split_once('/').map_or(id, |(id, _direction)| id);
            let id = number::<u8>(id).filter(|id| *id > 0).ok_or_else(fault)?;
            Ok(Extension { id, uri: uri.to_owned() })
        })
        .collect()
}
