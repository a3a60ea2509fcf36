//! SDP as text: lines, the session part, m-lines and their attributes (RFC 8866).
//!
//! Owns the limits and the line forms. Knows no attribute's meaning: `offer` and `answer` read
//! those that matter. Borrows from the text; never allocates for a line.

use super::error::{Excerpt, LineFault, MlineFault, SdpError, SessionFault};
use super::data::{DATA_FORMAT, DATA_MEDIA};
use super::{MAX_ATTRIBUTES, MAX_LINE, MAX_MLINES, MAX_TEXT, PROTOCOL};
use crate::core::candidate::number;
use crate::core::protocol::MediaKind;

/// The longest word or list of words of an m-line that is for something else, in bytes.
const MAX_OTHER: usize = 100;

/// A description in its parts.
#[derive(Debug)]
pub(super) struct Text<'a> {
    /// Attributes before the first m-line.
    pub session: Attributes<'a>,
    /// The m-lines; never empty.
    pub media: Vec<Section<'a>>,
}

/// One m-line and what follows it.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub media: Media<'a>,
    /// 0: rejected, or bundle-only (RFC 9143 section 6).
    pub port: u16,
    /// Each one once, to 127; never empty but for other [`Media`].
    pub payload_types: Vec<u8>,
    pub attributes: Attributes<'a>,
}

/// What an m-line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media<'a> {
    /// Picture or sound.
    Rtp(MediaKind),
    /// Data channels (RFC 8841): the last m-line of an offer of the daemon's that asks for them, and of its
    /// answer.
    Data,
    /// Something else, such as data channels; only a client's offer may have it. Its media type,
    /// protocol and formats, of token characters.
    Other { media: &'a str, protocol: &'a str, formats: &'a str },
}

impl Section<'_> {
    /// Picture or sound.
    pub fn kind(&self) -> Result<MediaKind, MlineFault> {
        match self.media {
            Media::Rtp(kind) => Ok(kind),
            Media::Data => Err(MlineFault::MediaType(Excerpt::of(DATA_MEDIA))),
            Media::Other { media, .. } => Err(MlineFault::MediaType(Excerpt::of(media))),
        }
    }
}

/// `a=` lines of one section, in their order.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    /// The values of every attribute of that name; "" for one without a value.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// The value of an attribute that may stand once. `Err`: it stands twice.
    pub fn one(&self, name: &'static str) -> Result<Option<&'a str>, Twice> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() { Err(Twice(name)) } else { Ok(first) }
    }

    pub fn has(&self, name: &'static str) -> bool {
        self.all(name).next().is_some()
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|(name, _)| *name)
    }
}

/// An attribute that may stand once stands twice.
#[derive(Debug)]
pub(super) struct Twice(pub &'static str);

impl<'a> Text<'a> {
    /// Splits a text within the limits, whose m-lines are for pictures, sound and the daemon's data channels.
    pub fn parse(text: &'a str) -> Result<Self, SdpError> {
        Self::split(text, false)
    }

    /// The same for an offer, whose other m-lines can be rejected.
    pub fn parse_offer(text: &'a str) -> Result<Self, SdpError> {
        Self::split(text, true)
    }

    fn split(text: &'a str, others: bool) -> Result<Self, SdpError> {
        if text.len() > MAX_TEXT {
            return Err(SdpError::TooLong { bytes: text.len() });
        }
        let mut parser = Parser { session: Attributes::default(), media: Vec::new(), timing: false, others };
        let body = text.strip_suffix('\n').unwrap_or(text);
        for (index, line) in body.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            parser.line(index, line).map_err(|fault| SdpError::Line { line: index + 1, fault })?;
        }
        parser.finish()
    }
}

struct Parser<'a> {
    session: Attributes<'a>,
    media: Vec<Section<'a>>,
    timing: bool,
    /// Whether m-lines may be for something else than pictures and sound.
    others: bool,
}

impl<'a> Parser<'a> {
    fn line(&mut self, index: usize, line: &'a str) -> Result<(), LineFault> {
        if line.len() > MAX_LINE {
            return Err(LineFault::TooLong { bytes: line.len() });
        }
        if let Some(c) = line.chars().find(|c| c.is_control()) {
            return Err(LineFault::Control(c.into()));
        }
        let form = || LineFault::Form(Excerpt::of(line));
        let (letter, value) = line.split_once('=').ok_or_else(form)?;
        let mut letters = letter.chars();
        let (Some(letter @ 'a'..='z'), None) = (letters.next(), letters.next()) else {
            return Err(form());
        };
        // The first three lines have their fixed places (RFC 8866 section 5).
        let expected = match index {
            0 => Some(('v', "v=0")),
            1 => Some(('o', "o=")),
            2 => Some(('s', "s=")),
            _ => None,
        };
        if let Some((wanted, expected)) = expected {
            if letter != wanted {
                return Err(LineFault::Type { found: letter, expected });
            }
            if letter == 'v' && value != "0" {
                return Err(LineFault::Version(Excerpt::of(line)));
            }
            return Ok(());
        }
        match (letter, self.media.last_mut()) {
            ('m', _) => {
                if self.media.len() == MAX_MLINES {
                    return Err(LineFault::TooManyMlines);
                }
                self.media.push(media_line(value, self.others)?);
                Ok(())
            }
            ('a', Some(section)) => add(&mut section.attributes, value),
            ('a', None) => add(&mut self.session, value),
            ('i' | 'c' | 'b' | 'k', _) => Ok(()),
            ('t', None) => {
                self.timing = true;
                Ok(())
            }
            ('u' | 'e' | 'p' | 'r' | 'z', None) => Ok(()),
            (found, Some(_)) => Err(LineFault::Type { found, expected: "one of a, b, c, i, k, m" }),
            (found, None) => {
                Err(LineFault::Type { found, expected: "one of a, b, c, e, i, k, m, p, r, t, u, z" })
            }
        }
    }

    fn finish(self) -> Result<Text<'a>, SdpError> {
        // A text of one or two lines has passed the check of fixed places.
        if !self.timing {
            return Err(SessionFault::Missing("t=").into());
        }
        if self.media.is_empty() {
            return Err(SessionFault::NoMlines.into());
        }
        Ok(Text { session: self.session, media: self.media })
    }
}

fn add<'a>(attributes: &mut Attributes<'a>, line: &'a str) -> Result<(), LineFault> {
    if attributes.0.len() == MAX_ATTRIBUTES {
        return Err(LineFault::TooManyAttributes);
    }
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(LineFault::AttributeName(Excerpt::of(name)));
    }
    attributes.0.push((name, value));
    Ok(())
}

/// The value of an m-line: `video 9 UDP/TLS/RTP/SAVPF 96 97`.
fn media_line(value: &str, others: bool) -> Result<Section<'_>, LineFault> {
    let form = || LineFault::Media(Excerpt::of(value));
    let mut words = value.split(' ');
    let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
        return Err(form());
    };
    let kind = match kind {
        "video" => MediaKind::Video,
        "audio" => MediaKind::Audio,
        media if others => {
            let formats = value.splitn(4, ' ').nth(3).ok_or_else(form)?;
            let is_text = |text: &str, more: u8| text.bytes().all(|b| is_token(b) || b == more);
            let good = [(media, 0), (protocol, b'/'), (formats, b' ')]
                .into_iter()
                .all(|(text, more)| (1..=MAX_OTHER).contains(&text.len()) && is_text(text, more));
            if !good {
                return Err(form());
            }
            let media = Media::Other { media, protocol, formats };
            let (port, payload_types) = (number(port).ok_or_else(form)?, Vec::new());
            return Ok(Section { media, port, payload_types, attributes: Attributes::default() });
        }
        DATA_MEDIA if value.splitn(3, ' ').nth(2) == Some(DATA_FORMAT) => {
            let (port, payload_types) = (number(port).ok_or_else(form)?, Vec::new());
            return Ok(Section { media: Media::Data, port, payload_types, attributes: Attributes::default() });
        }
        other => return Err(LineFault::MediaType(Excerpt::of(other))),
    };
    // No `port/count`: layered sockets have no place in WebRTC.
    let port = number(port).ok_or_else(form)?;
    if protocol != PROTOCOL {
        return Err(LineFault::Protocol(Excerpt::of(protocol)));
    }
    let mut payload_types = Vec::new();
    for word in words {
        let payload = payload_type(word).ok_or_else(|| LineFault::PayloadType(Excerpt::of(word)))?;
        if payload_types.contains(&payload) {
            return Err(LineFault::RepeatedPayloadType(payload));
        }
        payload_types.push(payload);
    }
    if payload_types.is_empty() {
        return Err(form());
    }
    let media = Media::Rtp(kind);
    Ok(Section { media, port, payload_types, attributes: Attributes::default() })
}

/// A payload type: a number to 127 (RFC 3550 section 5.1).
pub(super) fn payload_type(word: &str) -> Option<u8> {
    number(word).filter(|payload| *payload <= 127)
}

/// `token-char` of RFC 8866 section 9.
pub(super) fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'~')
}
