//! Which stream each track of the daemon's own description is in (RFC 8830).

use super::error::SdpError;
use super::text::Text;

/// The daemon's own description with an `a=msid` line in each m-line that names its stream in the
/// way of old alone, as an attribute of its SSRC (RFC 5576): webrtcbin 1.22 writes nothing else, and
/// Firefox and Safari read nothing but `a=msid`.
///
/// # Errors
/// When the text is not SDP.
pub fn with_msids(sdp: &str) -> Result<String, SdpError> {
    // An answer may hold a rejected m-line of another sort.
    let text = Text::parse_offer(sdp)?;
    let mut msids = text.media.iter().map(|section| {
        let old = section.attributes.all("ssrc").find_map(|value| value.split_once(" msid:"));
        old.map(|(_, msid)| msid).filter(|_| !section.attributes.has("msid"))
    });
    let mut out = String::with_capacity(sdp.len() + 128);
    let mut line_of = |line: &str| {
        out.push_str(line);
        out.push_str("\r\n");
    };
    let mut msid = None;
    for line in sdp.lines() {
        if line.starts_with("m=") {
            // The section before ends here.
            end(msid, &mut line_of);
            msid = msids.next().flatten();
        }
        line_of(line);
    }
    end(msid, &mut line_of);
    Ok(out)
}

fn end(msid: Option<&str>, line_of: &mut impl FnMut(&str)) {
    if let Some(msid) = msid {
        line_of(&format!("a=msid:{msid}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::sdp::OfferSummary;

    const OFFER: &str = include_str!("../../../tests/golden/sdp/offer-h264.sdp");

    #[test]
    fn each_m_line_names_its_stream_once() {
        let mut offer = OFFER.replacen("user647500024@host-3d672d4a webrtc", "mic-audio webrtc", 99);
        offer = offer.replacen("mic-audio webrtctransceiver0", "screen-video webrtctransceiver0", 9);
        let with = with_msids(&offer).unwrap();
        let sections: Vec<_> = with.split("m=").skip(1).collect();
        for (section, msid) in sections.iter().zip([
            "a=msid:screen-video webrtctransceiver0",
            "a=msid:mic-audio webrtctransceiver1",
            "a=msid:mic-audio webrtctransceiver2",
        ]) {
            let lines: Vec<_> = section.lines().filter(|line| line.starts_with("a=msid")).collect();
            assert_eq!(lines, [msid]);
        }
        assert_eq!(with.lines().count(), offer.lines().count() + 3);
        assert_eq!(OfferSummary::parse(&with), OfferSummary::parse(&offer));
        assert_eq!(with_msids(&with).unwrap(), with, "it is there");
        let without = with_msids(&OFFER.replace("msid:", "label:")).unwrap();
        assert!(!without.contains("a=msid"));
        assert!(with_msids("nonsense").is_err());
    }
}
