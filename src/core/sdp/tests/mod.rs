//! Answers of real clients, and forms that the standards allow. `bad` has those that are refused,
//! `properties` those that went through a mangle.
//!
//! `tests/golden/sdp` has what the clients wrote (Safari's is composed by hand), its folder
//! `checked` what [`CheckedAnswer::to_sdp`] makes of each.

mod bad;
mod properties;

use super::*;
use crate::core::protocol::MediaKind;

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/sdp/", $name, ".sdp"))
    };
}

mod client_offers;
mod data;

pub(super) const OFFER_H264: &str = golden!("offer-h264");
const OFFER_VP8: &str = golden!("offer-vp8");
const OFFER_H263: &str = golden!("offer-h263");
pub(super) const CHROMIUM: &str = golden!("chromium-h264");

/// One answer, the offer it was given to, and the answer as it is written anew.
pub(super) struct Golden {
    pub name: &'static str,
    pub offer: &'static str,
    pub answer: &'static str,
    pub checked: &'static str,
}

macro_rules! goldens {
    ($($name:literal to $offer:ident),* $(,)?) => {
        &[$(Golden {
            name: $name,
            offer: $offer,
            answer: golden!($name),
            checked: include_str!(
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/sdp/checked/", $name, ".sdp")
            ),
        }),*]
    };
}

pub(super) const GOLDENS: &[Golden] = goldens![
    "chromium-h264" to OFFER_H264,
    "chromium-h264-candidates" to OFFER_H264,
    "chromium-h263-rejected" to OFFER_H263,
    "chromium-vp8" to OFFER_VP8,
    "firefox-h264-without-h264" to OFFER_H264,
    "firefox-vp8" to OFFER_VP8,
    "safari-h264" to OFFER_H264,
    "aiortc-h264" to OFFER_H264,
    "aiortc-vp8" to OFFER_VP8,
    "webrtcbin-h264" to OFFER_H264,
    "webrtcbin-vp8" to OFFER_VP8,
];

pub(super) fn offer(text: &str) -> OfferSummary {
    OfferSummary::parse(text).unwrap()
}

/// Chromium's answer to the H.264 offer, with each `from` in it replaced.
pub(super) fn edited(from: &str, to: &str) -> String {
    assert!(CHROMIUM.contains(from), "nothing to replace: {from:?}");
    CHROMIUM.replace(from, to)
}

fn check(answer: &str) -> Result<CheckedAnswer, SdpError> {
    CheckedAnswer::check(answer, &offer(OFFER_H264))
}

#[track_caller]
fn good(answer: &str) -> CheckedAnswer {
    check(answer).unwrap_or_else(|error| panic!("{error}\n{answer}"))
}

/// The m-lines as `+` (accepted), `0` (inactive) and `-` (rejected).
fn shape(answer: &CheckedAnswer) -> String {
    let mark = |mline: &AnsweredMline| match mline {
        AnsweredMline::Accepted(mline) if mline.direction == Direction::Inactive => '0',
        AnsweredMline::Accepted(_) => '+',
        AnsweredMline::Rejected(_) => '-',
    };
    answer.mlines().iter().map(mark).collect()
}

#[test]
fn the_offer_of_webrtcbin_is_read() {
    let offer = offer(OFFER_H264);
    let lines: Vec<_> = offer.mlines().iter().map(|m| (m.kind, m.mid.as_str(), m.direction)).collect();
    assert_eq!(
        lines,
        [
            (MediaKind::Video, "video0", Direction::SendOnly),
            (MediaKind::Video, "video1", Direction::SendOnly),
            (MediaKind::Audio, "audio2", Direction::SendOnly),
        ]
    );
    let h264 = offer.mlines()[0].encoding("h264").unwrap();
    assert_eq!((h264.payload_type, h264.clock_rate), (96, 90_000));
    assert!(h264.profile_level_id().unwrap().is_constrained_baseline());
    assert_eq!(offer.mlines()[0].encoding("rtx").unwrap().repeats(), Some(96));
    let opus = offer.mlines()[2].format(97).unwrap();
    assert_eq!((opus.encoding.as_str(), opus.channels), ("OPUS", Some(2)));
    assert_eq!(opus.parameter("USEINBANDFEC"), Some("1"));
}

#[test]
fn answers_of_real_clients_are_taken_and_written_anew() {
    for golden in GOLDENS {
        let checked = CheckedAnswer::check(golden.answer, &offer(golden.offer));
        let checked = checked.unwrap_or_else(|error| panic!("{}: {error}", golden.name));
        assert_eq!(checked.to_sdp(), golden.checked, "{}", golden.name);
        assert_eq!(checked.setup(), Setup::Active, "{}", golden.name);
    }
}

#[test]
fn what_real_clients_accept_is_seen() {
    for (name, expected, transport, candidates) in [
        ("chromium-h264", "+++", 0, 0),
        ("chromium-h264-candidates", "+++", 0, 2),
        ("chromium-h263-rejected", "-++", 1, 2),
        ("firefox-h264-without-h264", "--+", 2, 0),
        ("firefox-vp8", "+++", 0, 4),
        ("aiortc-h264", "+++", 0, 2),
        ("webrtcbin-h264", "+++", 0, 0),
    ] {
        let golden = GOLDENS.iter().find(|g| g.name == name).unwrap();
        let checked = CheckedAnswer::check(golden.answer, &offer(golden.offer)).unwrap();
        assert_eq!(shape(&checked), expected, "{name}");
        assert_eq!(checked.transport_mline(), transport, "{name}");
        assert_eq!(checked.candidates().len(), candidates, "{name}");
    }
}

#[test]
fn the_fingerprint_is_exposed_as_bytes() {
    let [fingerprint] = good(CHROMIUM).fingerprints().to_vec().try_into().unwrap();
    assert_eq!(fingerprint.function(), HashFunction::Sha256);
    assert_eq!(fingerprint.digest()[..4], [0x7b, 0x82, 0x6c, 0x02]);
    assert_eq!(good(CHROMIUM).ufrag(), "yzY0");
    let aiortc = good(golden!("aiortc-h264"));
    let functions: Vec<_> = aiortc.fingerprints().iter().map(Fingerprint::function).collect();
    assert_eq!(functions, [HashFunction::Sha256, HashFunction::Sha384, HashFunction::Sha512]);
}

#[test]
fn a_certificate_has_to_match_by_every_function_named() {
    let print = |function: HashFunction, byte| {
        Fingerprint::new(function, &vec![byte; function.digest_len()]).unwrap()
    };
    let certificate = |function: HashFunction| vec![7; function.digest_len()];
    let named = |list: &[Fingerprint]| Fingerprint::name_certificate(list, certificate);
    assert!(named(&[print(HashFunction::Sha256, 7)]));
    assert!(named(&[print(HashFunction::Sha256, 1), print(HashFunction::Sha256, 7)]), "several certificates");
    assert!(named(&[print(HashFunction::Sha256, 7), print(HashFunction::Sha512, 7)]));
    assert!(!named(&[print(HashFunction::Sha256, 7), print(HashFunction::Sha512, 1)]));
    assert!(!named(&[print(HashFunction::Sha256, 1)]));
    assert!(!named(&[]));
    assert_eq!(Fingerprint::new(HashFunction::Sha256, &[7; 31]), None);
}

#[test]
fn transport_attributes_may_stand_in_the_session_part_alone() {
    let transport: Vec<_> = CHROMIUM
        .lines()
        .skip_while(|line| !line.starts_with("m="))
        .filter(|line| {
            ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup"].iter().any(|p| line.starts_with(p))
        })
        .collect();
    let mut answer = CHROMIUM.to_owned();
    for line in &transport {
        answer = answer.replace(&format!("{line}\r\n"), "");
    }
    assert_eq!(
        check(&answer).unwrap_err().to_string(),
        "m-line 0: the attribute a=fingerprint is missing",
        "nothing is left in the m-lines"
    );
    let session = format!("t=0 0\r\n{}\r\n", transport[..4].join("\r\n"));
    let answer = answer.replace("t=0 0\r\n", &session);
    assert_eq!(good(&answer), good(CHROMIUM));
}

#[test]
fn transport_attributes_may_stand_in_the_first_bundled_mline_alone() {
    // As RFC 9143 section 7.1.3 has it.
    let (first, rest) = CHROMIUM.split_at(CHROMIUM.rfind("m=video").unwrap());
    let rest: String = rest
        .lines()
        .filter(|line| {
            !["a=ice-", "a=fingerprint", "a=setup", "a=rtcp-mux"].iter().any(|p| line.starts_with(p))
        })
        .map(|line| format!("{line}\r\n"))
        .collect();
    assert_eq!(good(&format!("{first}{rest}")), good(CHROMIUM));
}

#[test]
fn a_bundle_only_mline_with_port_0_is_accepted() {
    // RFC 9143 section 6 says so of offers, and some write it in answers.
    let answer = edited("a=mid:audio2", "a=bundle-only\r\na=mid:audio2").replace("m=audio 9", "m=audio 0");
    assert_eq!(good(&answer), good(CHROMIUM));
    assert_eq!(shape(&good(&edited("m=audio 9", "m=audio 0"))), "++-", "without it, port 0 rejects");
}

#[test]
fn rejected_mlines_may_say_anything() {
    let start = CHROMIUM.find("m=audio").unwrap();
    let (before, _) = CHROMIUM.split_at(start);
    let answer = format!(
        "{before}m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:audio2\r\na=setup:holdconn\r\na=candidate:?\r\n"
    );
    let checked = good(&answer);
    assert_eq!(shape(&checked), "++-");
    assert!(checked.to_sdp().contains("m=audio 9 UDP/TLS/RTP/SAVPF 97\r\n"), "an inactive one for webrtcbin");
}

#[test]
fn inactive_answers_a_sendonly_offer() {
    assert_eq!(shape(&good(&edited("a=recvonly", "a=inactive"))), "000");
    let session = edited("a=recvonly\r\n", "").replace("t=0 0\r\n", "t=0 0\r\na=recvonly\r\n");
    assert_eq!(shape(&good(&session)), "+++", "the session part's direction is that of m-lines without");
}

#[test]
fn the_transport_mline_is_the_one_that_the_bundle_names_first() {
    let answer = edited("BUNDLE video0 video1 audio2", "BUNDLE audio2 video0 video1");
    assert_eq!(good(&answer).transport_mline(), 2);
    let rejected = answer.replace("m=audio 9", "m=audio 0");
    assert_eq!(good(&rejected).transport_mline(), 0, "one that is rejected does not count");
}

#[test]
fn a_codec_may_be_left_out_and_takes_its_retransmission_along() {
    let offer_text = OFFER_H264.replace("SAVPF 96 98\r\n", "SAVPF 96 98 100 101\r\n").replace(
        "a=ssrc-group",
        "a=rtpmap:100 VP8/90000\r\na=rtpmap:101 rtx/90000\r\na=fmtp:101 apt=100\r\na=ssrc-group",
    );
    let answer = edited("SAVPF 96 98\r\n", "SAVPF 98 100 101\r\n")
        .replace("a=rtpmap:98 rtx", "a=rtpmap:100 vp8/90000\r\na=rtpmap:101 RTX/90000\r\na=rtpmap:98 rtx");
    let checked = CheckedAnswer::check(&answer, &offer(&offer_text)).unwrap();
    let (_, video) = checked.accepted().next().unwrap();
    let payloads: Vec<_> = video.formats.iter().map(|f| (f.payload_type, f.encoding.as_str())).collect();
    assert_eq!(payloads, [(100, "VP8"), (101, "rtx")]);
}

#[test]
fn only_what_both_name_is_kept() {
    let offer_text = OFFER_H264.replace(
        "a=mid:video0",
        "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\na=extmap:4/sendonly urn:x\r\na=mid:video0",
    );
    let answer = edited("a=rtcp-fb:96 nack pli\r\n", "a=rtcp-fb:96 goog-remb\r\n").replace(
        "a=mid:video0",
        "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\na=extmap:4 urn:y\r\na=x-unknown:1\r\na=mid:video0",
    );
    let checked = CheckedAnswer::check(&answer, &offer(&offer_text)).unwrap();
    let (_, video) = checked.accepted().next().unwrap();
    assert_eq!(video.formats[0].feedback, ["nack", "ccm fir", "transport-cc"]);
    let sdp = checked.to_sdp();
    assert!(sdp.contains("a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"));
    for absent in ["extmap:4", "x-unknown", "goog-remb", "rtcp:9"] {
        assert!(!sdp.contains(absent), "{absent}");
    }
}

#[test]
fn weak_fingerprints_are_passed_over_beside_a_good_one() {
    let weak = "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\na=setup:";
    assert_eq!(good(&edited("a=setup:", weak)), good(CHROMIUM));
}

#[test]
fn profiles_written_differently_are_the_same() {
    for same in ["42c01f", "42E034", "4de00a"] {
        good(&edited("profile-level-id=42e01f", &format!("profile-level-id={same}")));
    }
    good(&edited(";profile-level-id=42e01f", ""));
}

#[test]
fn line_ends_may_lack_the_carriage_return_and_the_last_may_be_missing() {
    assert_eq!(good(&CHROMIUM.replace("\r\n", "\n")), good(CHROMIUM));
    assert_eq!(good(CHROMIUM.trim_end()), good(CHROMIUM));
}

#[test]
fn the_password_is_not_shown() {
    let shown = format!("{:?}", good(CHROMIUM));
    assert!(shown.contains("yzY0") && !shown.contains("0tZh0LWzJ"), "{shown}");
}

#[test]
fn the_offers_fingerprint_can_be_replaced() {
    let fingerprint = Fingerprint::new(HashFunction::Sha256, &[0xab; 32]).unwrap();
    let text = with_fingerprint(OFFER_H264, &fingerprint).unwrap();
    let line = format!("a=fingerprint:sha-256 {}AB\r\n", "AB:".repeat(31));
    assert_eq!(text.matches(&line).count(), 3);
    assert_eq!(text.matches("a=fingerprint").count(), 3);
    let others = |text: &str| {
        text.lines().filter(|l| !l.contains("fingerprint")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(others(&text), others(OFFER_H264));
    let without = OFFER_H264.replace("a=fingerprint", "a=x");
    let error = with_fingerprint(&without, &fingerprint).unwrap_err();
    assert_eq!(error.to_string(), "there is no attribute a=fingerprint");
}

#[test]
fn directions_answer_each_other_as_rfc_3264_has_it() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offered, answers) in [
        (SendRecv, vec![SendRecv, SendOnly, RecvOnly, Inactive]),
        (SendOnly, vec![RecvOnly, Inactive]),
        (RecvOnly, vec![SendOnly, Inactive]),
        (Inactive, vec![Inactive]),
    ] {
        for answer in Direction::ALL {
            assert_eq!(offered.accepts(answer), answers.contains(&answer), "{offered} {answer}");
            assert!(!answers.contains(&answer) || offered.answers().contains(answer.name()));
        }
    }
}
