//! Offers with data channels, and what clients make of them.

use super::*;

/// Of the daemon's offer, as webrtcbin 1.22 writes it.
const OFFERED: &str = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\n\
    a=bundle-only\r\na=mid:application3\r\na=sctp-port:5000\r\na=max-message-size:65536\r\n";
/// Of an answer, as Chromium writes it.
const ANSWERED: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\nb=AS:30\r\n\
    a=mid:application3\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";

fn with(text: &str, section: &str) -> String {
    text.replacen(" audio2\r\n", " audio2 application3\r\n", 1) + section
}

fn check(answer: &str) -> Result<CheckedAnswer, SdpError> {
    CheckedAnswer::check(answer, &offer(&with(OFFER_H264, OFFERED)))
}

#[track_caller]
fn refused(section: &str, message: &str) {
    assert_eq!(check(&with(CHROMIUM, section)).unwrap_err().to_string(), message);
}

#[test]
fn channels_are_the_last_mline_and_beside_the_others() {
    let whole = with(OFFER_H264, OFFERED);
    let summary = offer(&whole);
    assert_eq!((summary.data(), summary.count(), summary.mlines().len()), (Some("application3"), 4, 3));
    assert_eq!(summary.mlines(), offer(OFFER_H264).mlines());
    let (first, rest) = whole.split_at(whole.find("m=video").unwrap());
    let elsewhere = format!("{first}{OFFERED}{}", rest.replace(OFFERED, ""));
    assert!(OfferSummary::parse(&elsewhere).is_err(), "not before the others");
    // What goes around the offer leaves it as it is.
    assert_eq!(offer(&with_msids(&whole).unwrap()), summary);
    let numbered = with_transport_sequence(&whole, 2).unwrap();
    assert!(!numbered.rsplit("m=").next().unwrap().contains("extmap"), "{numbered}");
    let sized = with_message_size(&whole.replace("max-message-size:65536", "max-message-size:1")).unwrap();
    assert_eq!(sized.matches("a=max-message-size:65536\r\n").count(), 1);
    assert_eq!(with_message_size(OFFER_H264).unwrap(), OFFER_H264);
}

#[test]
fn an_answer_takes_them() {
    let answer = check(&with(CHROMIUM, ANSWERED)).unwrap();
    assert!(answer.takes_data());
    assert_eq!((answer.mlines().len(), answer.accepted().count()), (3, 3));
    let text = answer.to_sdp();
    assert!(text.contains("a=group:BUNDLE video0 video1 audio2 application3\r\n"), "{text}");
    let data = text.rsplit("m=").next().unwrap();
    assert!(data.starts_with("application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"), "{text}");
    assert!(data.contains("a=ice-ufrag:yzY0\r\n") && data.contains("a=setup:active\r\n"), "{text}");
    assert!(data.ends_with("a=sctp-port:5000\r\na=max-message-size:65536\r\n"), "{text}");
    let unlimited = ANSWERED.replace(":262144", ":0");
    assert!(check(&with(CHROMIUM, &unlimited)).unwrap().to_sdp().ends_with("size:65536\r\n"));
    let small = ANSWERED.replace(":262144", ":1200");
    assert!(check(&with(CHROMIUM, &small)).unwrap().to_sdp().ends_with("size:1200\r\n"));
}

#[test]
fn without_them_all_else_is_as_before() {
    let rejected = check(&with(CHROMIUM, &ANSWERED.replace("application 9", "application 0"))).unwrap();
    let left_out = check(CHROMIUM).unwrap();
    assert_eq!(rejected, left_out);
    assert!(!left_out.takes_data());
    let text = left_out.to_sdp();
    let data = text.rsplit("m=").next().unwrap();
    assert!(data.contains("a=inactive\r\n") && !data.contains("sctp-port"), "{text}");
    let without = CheckedAnswer::check(CHROMIUM, &offer(OFFER_H264)).unwrap().to_sdp();
    assert!(text.replace(" application3", "").starts_with(&without));
    // Who was not offered them cannot take them.
    let stranger = CheckedAnswer::check(&with(CHROMIUM, ANSWERED), &offer(OFFER_H264)).unwrap_err();
    assert!(stranger.to_string().starts_with("the offer has 3 m-lines, the answer 4"), "{stranger}");
}

#[test]
fn what_does_not_answer_them_is_refused() {
    refused(
        &ANSWERED.replace("webrtc-datachannel", "other"),
        r#"line 62: expected the media type audio or video, found "application""#,
    );
    refused(&ANSWERED.replace("a=sctp-port:5000\r\n", ""), "m-line 3: the attribute a=sctp-port is missing");
    refused(
        &ANSWERED.replace("sctp-port:5000", "sctp-port:0"),
        r#"m-line 3: expected a number in a=sctp-port, found "0""#,
    );
    refused(
        &ANSWERED.replace("size:262144", "size:-1"),
        r#"m-line 3: expected a number in a=max-message-size, found "-1""#,
    );
    refused(
        &format!("{ANSWERED}a=ice-ufrag:other\r\n"),
        "m-line 3: a=ice-ufrag differs from that of the other m-lines in the bundle",
    );
    let audio = CHROMIUM.rsplit("m=").next().unwrap().replace("audio2", "application3");
    refused(
        &format!("m={audio}"),
        "m-line 3: expected 'm=application port UDP/DTLS/SCTP webrtc-datachannel', as offered",
    );
    let mid = with(CHROMIUM, &ANSWERED.replace("mid:application3", "mid:x"))
        .replace("audio2 application3", "audio2 x");
    assert_eq!(
        check(&mid).unwrap_err().to_string(),
        r#"m-line 3: expected the mid "application3", as offered, found "x""#
    );
    let alone = with(CHROMIUM, ANSWERED).replace(" application3\r\n", "\r\n");
    assert_eq!(
        check(&alone).unwrap_err().to_string(),
        r#"m-line 3: the mid "application3" is accepted and not in the group BUNDLE"#
    );
}
