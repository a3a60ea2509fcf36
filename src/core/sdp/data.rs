//! The m-line of data channels: one SCTP association in the bundle's DTLS (RFC 8841).

use super::error::{Excerpt, MlineFault, SdpError};
use super::text::{Media, Section, Text};
use super::transport::Transport;
use crate::core::candidate::number;
use crate::core::channels::MAX_SAID;
use std::fmt::{self, Write as _};

/// Its media type.
pub(super) const DATA_MEDIA: &str = "application";
/// Its protocol and format, as everybody who speaks RFC 8841 writes them.
pub(super) const DATA_FORMAT: &str = "UDP/DTLS/SCTP webrtc-datachannel";

/// What a client takes in one message, where it does not say (RFC 8841 section 6.1).
const USUAL_MESSAGE: u64 = 64 * 1024;

/// What became of the offered data channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Data {
    mid: String,
    /// `None`: the client does not take them.
    accepted: Option<Accepted>,
}

/// What the client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    sctp_port: u16,
    /// In bytes; 0: any.
    message: u64,
}

impl Data {
    pub(super) fn rejected(mid: &str) -> Self {
        Self { mid: mid.to_owned(), accepted: None }
    }

    /// As the answer's m-line has it; its transport is looked at elsewhere.
    pub(super) fn of(section: &Section<'_>, mid: &str, bundled: bool) -> Result<Self, MlineFault> {
        if section.media != Media::Data {
            return Err(MlineFault::NotData);
        }
        if section.port == 0 && !(bundled && section.attributes.has("bundle-only")) {
            return Ok(Self::rejected(mid));
        }
        if !bundled {
            return Err(MlineFault::NotBundled(Excerpt::of(mid)));
        }
        Ok(Self { mid: mid.to_owned(), accepted: Some(read(section)?) })
    }

    pub(super) fn mid(&self) -> &str {
        &self.mid
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.accepted.is_some()
    }
}

/// Its numbers, there and in their form.
pub(super) fn read(section: &Section<'_>) -> Result<Accepted, MlineFault> {
    let port = section.attributes.one("sctp-port")?.ok_or(MlineFault::Missing("sctp-port"))?;
    let sctp_port = number::<u16>(port).filter(|port| *port > 0);
    let sctp_port = sctp_port.ok_or_else(|| MlineFault::DataNumber("sctp-port", Excerpt::of(port)))?;
    let message = match section.attributes.one("max-message-size")? {
        None => USUAL_MESSAGE,
        Some(size) => number::<u64>(size)
            .ok_or_else(|| MlineFault::DataNumber("max-message-size", Excerpt::of(size)))?,
    };
    Ok(Accepted { sctp_port, message })
}

/// The m-line of an answer written anew. One that is rejected is written as one that names no port,
/// behind which webrtcbin (1.22) looks for nothing: as with rejected pictures, port 0 would keep the
/// bundle from standing.
pub(super) fn lines(f: &mut fmt::Formatter<'_>, data: &Data, transport: &Transport) -> fmt::Result {
    let Data { mid, accepted } = data;
    write!(f, "m={DATA_MEDIA} 9 {DATA_FORMAT}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n{transport}")?;
    match accepted {
        // More than the daemon ever says is of no use to it.
        Some(Accepted { sctp_port, message }) => {
            let most = u64::try_from(MAX_SAID).unwrap_or(u64::MAX);
            let message = if *message == 0 { most } else { most.min(*message) };
            write!(f, "a=sctp-port:{sctp_port}\r\na=max-message-size:{message}\r\n")
        }
        None => f.write_str("a=inactive\r\n"),
    }
}

/// The daemon's own description with the longest message that it takes by a data channel: browsers keep
/// to it, and send up to 64 KiB where nothing is said.
///
/// # Errors
/// When the text is not SDP.
pub fn with_message_size(sdp: &str) -> Result<String, SdpError> {
    const NAME: &str = "a=max-message-size:";
    Text::parse(sdp)?;
    let mut out = String::with_capacity(sdp.len() + 32);
    for line in sdp.lines().filter(|line| !line.starts_with(NAME)) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{line}\r\n");
        if line.starts_with("a=sctp-port:") {
            let _ = write!(out, "{NAME}{MAX_SAID}\r\n");
        }
    }
    Ok(out)
}
