//! What the daemon offers and does itself, so that webrtcbin is not to know of it.

use super::PROTOCOL;
use super::error::SdpError;
use super::text::Text;
use crate::core::rtp::TRANSPORT_SEQUENCE_URI;
use std::fmt::Write;

/// The daemon's own description with the transport-wide sequence number
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01) as extension `id` in each m-line with packets of RTP. webrtcbin
/// has written the feedback that belongs to it. It does without the extension itself, since numbering
/// packets and reading the feedback in `rtpsession` doubled what a viewer cost (1.22).
/// [`CheckedAnswer::to_sdp`](super::CheckedAnswer::to_sdp) leaves it out.
///
/// # Errors
/// When the text is not SDP.
pub fn with_transport_sequence(sdp: &str, id: u8) -> Result<String, SdpError> {
    Text::parse(sdp)?;
    let mut out = String::with_capacity(sdp.len() + 512);
    let mut is_rtp = false;
    for line in sdp.lines() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{line}\r\n");
        if line.starts_with("m=") {
            is_rtp = line.contains(PROTOCOL);
        }
        // Once in an m-line.
        if is_rtp && line.starts_with("a=mid:") {
            let _ = write!(out, "a=extmap:{id} {TRANSPORT_SEQUENCE_URI}\r\n");
        }
    }
    Ok(out)
}

/// Whether webrtcbin is not to see this extension in an answer.
pub(super) fn is_hidden(uri: &str) -> bool {
    uri == TRANSPORT_SEQUENCE_URI
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sdp::{CheckedAnswer, OfferSummary};

    const OFFER: &str = include_str!("../../../tests/golden/sdp/offer-h264.sdp");
    const ANSWER: &str = include_str!("../../../tests/golden/sdp/chromium-h264.sdp");

    #[test]
    fn the_extension_is_offered_in_each_mline_and_kept_from_webrtcbin() {
        let offer = with_transport_sequence(OFFER, 2).unwrap();
        let extmap = format!("a=extmap:2 {TRANSPORT_SEQUENCE_URI}\r\n");
        assert_eq!(offer.split("m=").skip(1).filter(|section| section.contains(&extmap)).count(), 3);
        assert_eq!(offer.matches(&extmap).count(), 3);

        let offered = OfferSummary::parse(&offer).unwrap();
        let answer = ANSWER.replace("a=mid:video0\r\n", &format!("a=mid:video0\r\n{extmap}"));
        assert_ne!(answer, ANSWER);
        let checked = CheckedAnswer::check(&answer, &offered).unwrap();
        let ids: Vec<_> =
            checked.accepted().map(|(_, mline)| mline.extension(TRANSPORT_SEQUENCE_URI)).collect();
        assert_eq!(ids, [Some(2), None, None]);
        assert!(!checked.to_sdp().contains(TRANSPORT_SEQUENCE_URI), "{}", checked.to_sdp());
        assert!(with_transport_sequence("nonsense", 2).is_err());
    }
}
