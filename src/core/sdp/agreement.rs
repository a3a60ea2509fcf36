//! What of a client's offer is served, and the two texts that follow from it: the offer for
//! webrtcbin, written anew, and the answer for the client.
//!
//! webrtcbin is offered the served m-lines alone, each with the one codec that is sent: it has
//! nothing to choose and nothing to reject. What it answers gives the ICE credentials and the
//! SSRCs; the rest of the client's answer follows from the client's offer.

use super::client_offer::{CheckedOffer, OfferedCodec};
use super::error::{MlineFault, SdpError, SessionFault};
use super::fingerprint::Fingerprint;
use super::format::PayloadFormat;
use super::h264::ProfileLevelId;
use super::offer;
use super::text::Text;
use super::transport::Transport;
use super::{Direction, answer, with_msids};
use crate::core::candidate::Candidate;
use crate::core::ids::SourceName;
use crate::core::protocol::{Codec, MediaKind};
use crate::core::rtp::{CAPTURE_TIME_URI, PLAYOUT_DELAY_URI, TRANSPORT_SEQUENCE_URI};
use std::fmt::Write;

/// What the daemon's own encoders make.
const CONSTRAINED_BASELINE: ProfileLevelId =
    ProfileLevelId { profile_idc: 0x42, constraints: 0xc0, level_idc: 31 };

/// Something that could be sent: one source's picture or sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sendable {
    /// Whose.
    pub source: SourceName,
    /// Picture or sound.
    pub kind: MediaKind,
    /// Of a picture in H.264: what its stream is, where that is known. Else it is taken for
    /// constrained baseline, as the daemon's own encoders make it.
    pub profile: Option<ProfileLevelId>,
}

/// What is sent in one of the client's m-lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedMline {
    /// Its place among the client's m-lines.
    pub index: usize,
    /// Its name, as offered.
    pub mid: String,
    /// Whose picture or sound.
    pub source: SourceName,
    /// In what codec.
    pub codec: Codec,
    /// Under the client's payload type.
    pub payload_type: u8,
    /// The id that the client gives to the header extension for the time of capture.
    pub capture_time: Option<u8>,
    /// The id that it gives to the one for the transport-wide sequence number.
    pub transport_sequence: Option<u8>,
    /// The id that it gives to the one for the delay of playout, for a picture.
    pub playout_delay: Option<u8>,
    profile: Option<ProfileLevelId>,
    any_level: bool,
    channels: Option<u32>,
    rtx: Option<u8>,
    feedback: Vec<&'static str>,
    reduced_rtcp: bool,
}

/// What of an offer is served; never nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    offer: CheckedOffer,
    served: Vec<ServedMline>,
    transport: Transport,
    candidates: Vec<Candidate>,
}

impl CheckedOffer {
    /// Gives each m-line that asks for a picture the next picture, and the same for sound. All
    /// pictures of a session are in one codec: the one in which more of them can be sent, H.264
    /// if both are the same. `None`: nothing can be sent.
    #[must_use]
    pub fn agree(&self, sendable: &[Sendable]) -> Option<Agreement> {
        let in_h264 = self.serve(sendable, Codec::H264);
        let in_vp8 = self.serve(sendable, Codec::Vp8);
        let served = if in_vp8.len() > in_h264.len() { in_vp8 } else { in_h264 };
        let asks = |index: &usize| self.mlines.get(*index)?.asks.as_ref();
        let is_served = |index: &&usize| served.iter().any(|each| each.index == **index);
        // RFC 9143 section 7.3.1: that of the group's first m-line which is taken.
        let first = self.bundle.iter().filter(is_served).filter_map(asks);
        let transport = first
            .chain(self.bundle.iter().filter_map(asks))
            .find_map(|asks| asks.transport.clone())
            .filter(|_| !served.is_empty())?;
        let mut candidates: Vec<Candidate> = Vec::new();
        for asks in self.bundle.iter().filter_map(asks) {
            if asks.transport.as_ref().is_none_or(|own| *own == transport) {
                let new: Vec<_> = asks.candidates.iter().filter(|each| !candidates.contains(each)).collect();
                candidates.extend(new.into_iter().cloned());
            }
        }
        candidates.truncate(super::MAX_CANDIDATES);
        Some(Agreement { offer: self.clone(), served, transport, candidates })
    }

    fn serve(&self, sendable: &[Sendable], picture: Codec) -> Vec<ServedMline> {
        let of_kind = |kind| sendable.iter().filter(move |each| each.kind == kind).peekable();
        let (mut pictures, mut sounds) = (of_kind(MediaKind::Video), of_kind(MediaKind::Audio));
        let mut served = Vec::new();
        for (index, mline) in self.mlines.iter().enumerate() {
            let Some(asks) = &mline.asks else { continue };
            let (next, codec) = match asks.kind {
                MediaKind::Video => (&mut pictures, picture),
                MediaKind::Audio => (&mut sounds, Codec::Opus),
            };
            let Some(sendable) = next.peek() else { continue };
            let Some(offered) = best(&asks.codecs, codec, sendable.profile) else { continue };
            served.push(ServedMline {
                index,
                mid: mline.mid.clone(),
                source: sendable.source.clone(),
                codec,
                payload_type: offered.payload_type,
                capture_time: asks.capture_time,
                transport_sequence: asks.transport_sequence,
                playout_delay: asks.playout_delay,
                profile: offered.profile.map(|profile| match sendable.profile {
                    Some(stream) if offered.any_level && stream.same_profile(profile) => stream,
                    _ => profile,
                }),
                any_level: offered.any_level,
                channels: offered.channels,
                rtx: offered.rtx,
                feedback: offered.feedback.clone(),
                reduced_rtcp: asks.reduced_rtcp,
            });
            next.next();
        }
        served
    }
}

/// The payload type under which a stream goes: of its own profile, or else of one that contains it.
fn best(offered: &[OfferedCodec], codec: Codec, stream: Option<ProfileLevelId>) -> Option<&OfferedCodec> {
    let stream = stream.unwrap_or(CONSTRAINED_BASELINE);
    let rank = |each: &OfferedCodec| match each.profile {
        None => Some(0),
        Some(profile) if profile.same_profile(stream) => Some(0),
        Some(profile) => profile.profile().decodes(stream.profile()).then_some(1),
    };
    offered
        .iter()
        .filter(|each| each.codec == codec)
        .filter(|each| rank(each).is_some())
        .min_by_key(|e| rank(e))
}

impl ServedMline {
    /// Picture or sound.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        match self.codec {
            Codec::H264 | Codec::Vp8 => MediaKind::Video,
            Codec::Opus => MediaKind::Audio,
        }
    }

    /// Its payload types, with or without the retransmissions.
    fn formats(&self, with_rtx: bool) -> Vec<PayloadFormat> {
        let (encoding, clock_rate, channels, parameters) = match self.codec {
            Codec::H264 => ("H264", 90_000, None, Some(self.h264_parameters())),
            Codec::Vp8 => ("VP8", 90_000, None, None),
            Codec::Opus => {
                ("opus", 48_000, self.channels, Some("sprop-stereo=1;stereo=1;useinbandfec=1".to_owned()))
            }
        };
        let format = |payload_type, encoding: &str, parameters, feedback| PayloadFormat {
            payload_type,
            encoding: encoding.to_owned(),
            clock_rate,
            channels,
            parameters,
            feedback,
        };
        let feedback = self.feedback.iter().map(|each| (*each).to_owned()).collect();
        let own = format(self.payload_type, encoding, parameters, feedback);
        let rtx = self.rtx.filter(|_| with_rtx).map(|payload_type| {
            format(payload_type, "rtx", Some(format!("apt={}", self.payload_type)), Vec::new())
        });
        std::iter::once(own).chain(rtx).collect()
    }

    fn h264_parameters(&self) -> String {
        let any_level = if self.any_level { "level-asymmetry-allowed=1;" } else { "" };
        let profile = self.profile.unwrap_or(ProfileLevelId::DEFAULT);
        format!("{any_level}packetization-mode=1;profile-level-id={profile}")
    }
}

impl Agreement {
    /// What is served, in the order of the m-lines: those of [`to_offer`](Self::to_offer).
    #[must_use]
    pub fn served(&self) -> &[ServedMline] {
        &self.served
    }

    /// What names the client's certificate; never empty.
    #[must_use]
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.transport.fingerprints
    }

    /// The client's ICE credentials: user name fragment and password.
    #[must_use]
    pub fn credentials(&self) -> (&str, &str) {
        (&self.transport.ufrag, self.transport.password())
    }

    /// The candidates that stood in the offer, each once. They belong to m-line 0 of
    /// [`to_offer`](Self::to_offer), which leaves them out.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The offer for webrtcbin: the served m-lines alone, in one bundle.
    #[must_use]
    pub fn to_offer(&self) -> String {
        let mut sdp = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE".to_owned();
        for mline in &self.served {
            sdp.push(' ');
            sdp.push_str(&mline.mid);
        }
        sdp.push_str("\r\n");
        for mline in &self.served {
            // Writing to a String cannot fail.
            let _ = mline.write(&mut sdp, Direction::RecvOnly, &self.transport, true);
        }
        sdp
    }

    /// The m-line by which the bundle's transport goes, with the bundle, as an SDP fragment has them (RFC 8840
    /// section 9).
    #[must_use]
    pub fn section(&self) -> String {
        let mids: Vec<_> = self.served.iter().map(|served| served.mid.as_str()).collect();
        let mut section = format!("a=group:BUNDLE {}\r\n", mids.join(" "));
        if let Some(first) = self.served.first() {
            // Writing to a String cannot fail.
            let _ = answer::media_line(&mut section, first.kind(), &first.formats(true));
            section.push_str(&format!("a=mid:{}\r\n", first.mid));
        }
        section
    }

    /// The answer for the client. `own` is webrtcbin's answer to [`to_offer`](Self::to_offer),
    /// `certificate` names the daemon's, `candidates` are the daemon's own lines; there are no more.
    ///
    /// # Errors
    /// When webrtcbin's answer is another than the one that was asked for: a defect of the daemon.
    pub fn answer(
        &self,
        own: &str,
        certificate: &Fingerprint,
        candidates: &[String],
    ) -> Result<String, SdpError> {
        let text = Text::parse(own)?;
        if text.media.len() != self.served.len() {
            let (offered, answered) = (self.served.len(), text.media.len());
            return Err(SessionFault::MlineCount { offered, answered }.into());
        }
        offer::mids(&text.media)?;
        let sections: Vec<_> = text.media.iter().enumerate().collect();
        let first = *sections.first().ok_or(SessionFault::NoMlines)?;
        let mut transport = Transport::shared(&text.session, first, &sections)?;
        transport.fingerprints = vec![certificate.clone()];

        let mut own_sections = self.served.iter().zip(text.media.iter().enumerate());
        let origin = own.lines().find(|line| line.starts_with("o=")).unwrap_or("o=- 1 1 IN IP4 0.0.0.0");
        let mut sdp = format!("v=0\r\n{origin}\r\ns=-\r\nt=0 0\r\n");
        if self.offer.has_group {
            let taken = |index: &&usize| self.served.iter().any(|served| served.index == **index);
            let mids =
                self.offer.bundle.iter().filter(taken).filter_map(|index| self.offer.mlines.get(*index));
            let mids: Vec<_> = mids.map(|mline| mline.mid.as_str()).collect();
            sdp.push_str(&format!("a=group:BUNDLE {}\r\n", mids.join(" ")));
        }
        sdp.push_str("a=ice-options:trickle\r\na=msid-semantic: WMS *\r\n");
        let mut tagged = true;
        for (index, mline) in self.offer.mlines.iter().enumerate() {
            if self.served.iter().all(|served| served.index != index) {
                sdp.push_str(&mline.rejection.replacen("\r\n", "\r\nc=IN IP4 0.0.0.0\r\n", 1));
                sdp.push_str(&format!("a=mid:{}\r\na=inactive\r\n{transport}a=rtcp-mux\r\n", mline.mid));
                continue;
            }
            let Some((served, (own_index, section))) = own_sections.next() else { continue };
            let fault = |fault| SdpError::Mline { mline: own_index, fault };
            let direction = Direction::of(&section.attributes).map_err(|several| fault(several.into()))?;
            let direction = direction.unwrap_or(Direction::SendRecv);
            if direction != Direction::SendOnly || !section.payload_types.contains(&served.payload_type) {
                let offered = Direction::RecvOnly;
                return Err(fault(MlineFault::Direction { offered, answered: direction }));
            }
            let with_rtx = served.rtx.is_some_and(|rtx| section.payload_types.contains(&rtx));
            // Writing to a String cannot fail.
            let _ = served.write(&mut sdp, direction, &transport, with_rtx);
            let extensions = [
                (served.capture_time, CAPTURE_TIME_URI),
                (served.transport_sequence, TRANSPORT_SEQUENCE_URI),
                (served.playout_delay, PLAYOUT_DELAY_URI),
            ];
            for (id, uri) in extensions {
                if let Some(id) = id {
                    sdp.push_str(&format!("a=extmap:{id} {uri}\r\n"));
                }
            }
            for name in ["ssrc-group", "ssrc"] {
                section.attributes.all(name).for_each(|value| sdp.push_str(&format!("a={name}:{value}\r\n")));
            }
            // One transport, one list of candidates: where the bundle's first m-line is.
            if std::mem::take(&mut tagged) {
                candidates.iter().for_each(|line| sdp.push_str(&format!("a={line}\r\n")));
                sdp.push_str("a=end-of-candidates\r\n");
            }
        }
        with_msids(&sdp)
    }
}

impl ServedMline {
    fn write(
        &self,
        sdp: &mut String,
        direction: Direction,
        transport: &Transport,
        with_rtx: bool,
    ) -> std::fmt::Result {
        let formats = self.formats(with_rtx);
        answer::media_line(sdp, self.kind(), &formats)?;
        write!(sdp, "a=mid:{}\r\na={direction}\r\n{transport}a=rtcp-mux\r\n", self.mid)?;
        if self.reduced_rtcp {
            sdp.push_str("a=rtcp-rsize\r\n");
        }
        formats.iter().try_for_each(|format| answer::format_lines(sdp, format))
    }
}
