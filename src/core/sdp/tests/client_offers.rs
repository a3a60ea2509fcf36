//! Offers of real clients, what is served of them, and those that are refused or went through a
//! mangle.

use super::properties::{KNOWN, apply, mangle};
use super::*;
use crate::core::ids::SourceName;
use crate::core::protocol::Codec;
use crate::core::rtp::{PLAYOUT_DELAY_URI, TRANSPORT_SEQUENCE_URI};
use proptest::prelude::*;

const CHROMIUM: &str = golden!("whep-chromium");
const BALANCED: &str = golden!("whep-chromium-balanced");
const AIORTC: &str = golden!("whep-aiortc");
const OFFERS: [(&str, &str, &str); 3] = [
    ("whep-chromium", CHROMIUM, golden!("checked/whep-chromium")),
    ("whep-chromium-balanced", BALANCED, golden!("checked/whep-chromium-balanced")),
    ("whep-aiortc", AIORTC, golden!("checked/whep-aiortc")),
];

fn sendable(source: &str, kind: MediaKind) -> Sendable {
    Sendable { source: SourceName::new(source).unwrap(), kind, profile: None }
}

/// Two pictures and a sound.
fn everything() -> Vec<Sendable> {
    vec![
        sendable("screen", MediaKind::Video),
        sendable("screen", MediaKind::Audio),
        sendable("camera", MediaKind::Video),
    ]
}

fn check(offer: &str) -> Result<CheckedOffer, SdpError> {
    CheckedOffer::check(offer)
}

#[track_caller]
fn agreed(offer: &str) -> Agreement {
    check(offer).unwrap_or_else(|error| panic!("{error}\n{offer}")).agree(&everything()).unwrap()
}

fn edited(from: &str, to: &str) -> String {
    assert!(CHROMIUM.contains(from), "nothing to replace: {from:?}");
    CHROMIUM.replace(from, to)
}

/// What webrtcbin makes of an offer, as far as it matters here.
fn own_answer(offer: &str) -> String {
    let mut ssrc = 1000;
    let lines = offer.lines().map(|line| match line {
        "a=recvonly" => {
            ssrc += 1;
            format!("a=sendonly\r\na=ssrc:{ssrc} msid:user-x track-{ssrc}\r\na=ssrc:{ssrc} cname:user-x")
        }
        _ if line.starts_with("a=setup:") => "a=setup:active".into(),
        _ if line.starts_with("a=ice-ufrag:") => "a=ice-ufrag:daemon".into(),
        _ if line.starts_with("a=ice-pwd:") => "a=ice-pwd:dddddddddddddddddddddddd".into(),
        _ => line.to_owned(),
    });
    lines.map(|line| line + "\r\n").collect()
}

fn certificate() -> Fingerprint {
    Fingerprint::new(HashFunction::Sha256, &[0xab; 32]).unwrap()
}

/// The answer with one candidate, in its m-lines.
fn answer(agreement: &Agreement) -> (String, Vec<String>) {
    let candidates = ["candidate:1 1 UDP 2130706431 192.0.2.9 50000 typ host".to_owned()];
    let own = own_answer(&agreement.to_offer());
    let text = agreement.answer(&own, &certificate(), &candidates).unwrap();
    let (session, rest) = text.split_at(text.find("m=").unwrap());
    let sections =
        rest.split("\r\nm=").map(|part| format!("m={}\r\n", part.trim_start_matches("m=").trim_end()));
    (session.to_owned(), sections.collect())
}

fn shape(agreement: &Agreement) -> Vec<(usize, String, Codec, u8)> {
    let served = agreement.served().iter();
    served.map(|m| (m.index, m.source.to_string(), m.codec, m.payload_type)).collect()
}

#[test]
fn offers_of_real_clients_are_taken_and_written_anew_with_what_is_served() {
    for (name, offer, checked) in OFFERS {
        assert_eq!(agreed(offer).to_offer(), checked, "{name}");
    }
}

#[test]
fn m_lines_get_the_sources_in_order_under_the_clients_payload_types() {
    let expected = [
        (0, "screen".to_owned(), Codec::H264, 108),
        (1, "screen".to_owned(), Codec::Opus, 111),
        (2, "camera".to_owned(), Codec::H264, 108),
    ];
    assert_eq!(shape(&agreed(CHROMIUM)), expected);
    assert_eq!(shape(&agreed(BALANCED)), expected);
    let aiortc = shape(&agreed(AIORTC));
    assert_eq!(aiortc.iter().map(|m| m.0).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(aiortc[1].1, "camera", "the second picture");
}

#[test]
fn the_answer_serves_what_it_can_and_rejects_the_rest() {
    let (session, sections) = answer(&agreed(CHROMIUM));
    assert!(session.contains("a=group:BUNDLE 0 1 2\r\n"), "{session}");
    let begin = |index: usize, text: &str| assert!(sections[index].starts_with(text), "{}", sections[index]);
    begin(0, "m=video 9 UDP/TLS/RTP/SAVPF 108 109\r\n");
    begin(1, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
    begin(2, "m=video 9 UDP/TLS/RTP/SAVPF 108 109\r\n");
    begin(
        3,
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=inactive\r\n",
    );
    for section in &sections[..3] {
        for line in ["a=sendonly", "a=setup:active", "a=ice-ufrag:daemon", "a=rtcp-mux", "a=rtcp-rsize"] {
            assert!(section.contains(&format!("{line}\r\n")), "{line}: {section}");
        }
        assert!(section.contains(&format!("a=fingerprint:{}\r\n", certificate())));
        assert!(section.contains("a=msid:user-x track-"), "{section}");
        assert!(!section.contains("recvonly"));
    }
    assert!(
        sections[0]
            .contains("a=candidate:1 1 UDP 2130706431 192.0.2.9 50000 typ host\r\na=end-of-candidates\r\n")
    );
    assert!(!sections[1].contains("a=candidate"), "one transport, one list");
    assert!(sections[0].contains("a=rtcp-fb:108 nack pli\r\n") && !sections[0].contains("goog-remb"));
    // The numbers are in the answer alone: webrtcbin is to know nothing of them.
    for section in &sections[..3] {
        assert!(section.contains(&format!("a=extmap:4 {TRANSPORT_SEQUENCE_URI}\r\n")), "{section}");
    }
    assert!(!agreed(CHROMIUM).to_offer().contains(TRANSPORT_SEQUENCE_URI));
}

#[test]
fn the_delay_of_playout_is_told_with_pictures_under_the_clients_id() {
    let agreement = agreed(CHROMIUM);
    let answers = answer(&agreement).1;
    for served in agreement.served() {
        let picture = served.codec != Codec::Opus;
        assert_eq!(served.playout_delay, picture.then_some(5), "{served:?}");
        let extmap = format!("a=extmap:5 {PLAYOUT_DELAY_URI}\r\n");
        assert_eq!(answers[served.index].contains(&extmap), picture);
    }
    let sound_too =
        CHROMIUM.replace("a=mid:0\r\n", &format!("a=mid:0\r\na=extmap:5 {PLAYOUT_DELAY_URI}\r\n"));
    assert!(
        agreed(&sound_too)
            .served()
            .iter()
            .all(|served| served.codec != Codec::Opus || served.playout_delay.is_none())
    );
}

#[test]
fn the_clients_extension_id_is_used_for_the_time_of_capture() {
    const URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
    let with =
        |id: &str| CHROMIUM.replace("a=setup:actpass", &format!("a=setup:actpass\r\na=extmap:{id} {URI}"));
    let agreement = agreed(&with("13"));
    assert_eq!(agreement.served()[0].capture_time, Some(13));
    assert!(answer(&agreement).1[0].contains(&format!("a=extmap:13 {URI}\r\n")));
    assert_eq!(agreed(CHROMIUM).served()[0].capture_time, None);
    assert_eq!(agreed(&with("15")).served()[0].capture_time, None, "no id of a one-byte header");
    assert_eq!(agreed(&with("1")).served()[0].capture_time, None, "an id with two meanings");
    assert!(!answer(&agreed(CHROMIUM)).1[0].contains(URI));
}

#[test]
fn a_client_without_h264_gets_vp8_and_all_pictures_are_in_one_codec() {
    let vp8 = agreed(&CHROMIUM.replace(" H264/", " X264/"));
    assert_eq!(shape(&vp8)[0], (0, "screen".to_owned(), Codec::Vp8, 96));
    assert!(vp8.to_offer().contains("a=rtpmap:96 VP8/90000\r\n"));
    // H.264 in the first m-line alone, VP8 in both: more can be sent in VP8.
    let at = CHROMIUM.rfind("m=video").unwrap();
    let (first, second) = CHROMIUM.split_at(at);
    let mixed = format!("{first}{}", second.replace(" H264/", " X264/"));
    assert!(agreed(&mixed).served().iter().all(|mline| mline.codec != Codec::H264));
    // Neither.
    let neither = CHROMIUM.replace(" H264/", " X264/").replace(" VP8/", " VPX/").replace("opus/", "sopus/");
    assert_eq!(check(&neither).unwrap().agree(&everything()), None);
}

#[test]
fn the_profile_that_fits_the_stream_is_chosen() {
    let profile = |stream: Option<&str>| {
        let mut sendable = sendable("screen", MediaKind::Video);
        sendable.profile = stream.map(|text| ProfileLevelId::parse(text).unwrap());
        let agreement = check(CHROMIUM).unwrap().agree(&[sendable])?;
        let sdp = agreement.to_offer();
        let (_, rest) = sdp.split_once("profile-level-id=")?;
        Some(rest[..6].to_owned())
    };
    assert_eq!(profile(None).as_deref(), Some("42e01f"));
    assert_eq!(profile(Some("42c028")).as_deref(), Some("42c028"), "its level, which may be another");
    assert_eq!(profile(Some("4d0028")).as_deref(), Some("4d0028"));
    assert_eq!(profile(Some("64001f")), None, "nobody decodes it: VP8 is sent");
    use H264Profile::{Baseline, ConstrainedBaseline, ConstrainedHigh, High, Main};
    for decoder in [Baseline, Main, ConstrainedHigh, High] {
        assert!(decoder.decodes(ConstrainedBaseline) && !ConstrainedBaseline.decodes(decoder));
    }
    assert_eq!(profile(Some("f4001f")).as_deref(), Some("f4001f"));
    assert_eq!(profile(Some("f4101f")), None, "of two unknown profiles nobody knows");
    assert!(High.decodes(Main) && !Main.decodes(High) && !Baseline.decodes(Main));
}

#[test]
fn packetization_mode_0_is_passed_over() {
    let offer = CHROMIUM.replace("packetization-mode=1", "packetization-mode=0");
    assert!(agreed(&offer).served().iter().all(|mline| mline.codec != Codec::H264));
}

#[test]
fn the_transport_is_that_of_the_first_bundled_m_line_that_is_served() {
    assert_eq!(agreed(CHROMIUM).candidates().len(), 2);
    // aiortc offers every m-line on a transport of its own, for a peer that does not bundle.
    let ufrags: Vec<_> = AIORTC.lines().filter_map(|line| line.strip_prefix("a=ice-ufrag:")).collect();
    assert_eq!(agreed(AIORTC).credentials().0, ufrags[0]);
    let only_sound = check(AIORTC).unwrap().agree(&[sendable("mic", MediaKind::Audio)]).unwrap();
    assert_eq!(only_sound.credentials().0, ufrags[2]);
    let shown = format!("{:?}", agreed(CHROMIUM));
    assert!(!shown.contains(agreed(CHROMIUM).credentials().1), "the password is not shown");
}

#[test]
fn what_cannot_be_answered_is_refused_with_a_sentence() {
    let drop = |prefix: &str| {
        let lines = CHROMIUM.lines().filter(|line| !line.starts_with(prefix));
        lines.map(|line| format!("{line}\r\n")).collect::<String>()
    };
    for (offer, sentence) in [
        (String::new(), "line 1: expected a letter, '=' and a value, found \"\""),
        (drop("a=group"), "the attribute a=group:BUNDLE is missing; all media share one transport"),
        (drop("a=mid"), "m-line 0: the attribute a=mid is missing"),
        (drop("a=fingerprint"), "m-line 0: the attribute a=fingerprint is missing"),
        (drop("a=ice-ufrag"), "m-line 0: the attribute a=ice-ufrag is missing"),
        (drop("a=ice-pwd"), "m-line 0: the attribute a=ice-pwd is missing"),
        (drop("a=rtcp-mux"), "m-line 0: the attribute a=rtcp-mux is missing"),
        (
            edited("a=setup:actpass", "a=setup:holdconn"),
            "m-line 0: expected a=setup:active or a=setup:passive, found \"holdconn\"",
        ),
        (edited("a=mid:2", "a=mid:0"), "m-line 2: the mid \"0\" is that of an earlier m-line"),
        (
            edited("BUNDLE 0 1 2 3", "BUNDLE 0 1 2 3 4"),
            "the group BUNDLE names the mid \"4\", which no m-line has",
        ),
        (
            edited("a=recvonly", "a=sendonly"),
            "no m-line asks for pictures or sound; at least one has to be audio or video, recvonly or sendrecv",
        ),
        (
            edited("a=rtpmap:111 opus", "a=rtpmap:108 opus").replace("SAVPF 111", "SAVPF 108"),
            "m-line 1: payload type 108 means something else in an earlier m-line",
        ),
        (
            edited("UDP/TLS/RTP/SAVPF 111", "RTP/AVP 111"),
            "expected the protocol UDP/TLS/RTP/SAVPF, found \"RTP/AVP\"",
        ),
        (
            edited("a=ice-pwd:", "a=ice-pwd:x y "),
            "m-line 0: expected an ice-pwd of 22 to 256 letters, digits, '+' and '/'",
        ),
        (
            edited("webrtc-datachannel", "webrtc\tdatachannel"),
            "control character U+0009; lines end with CR LF and hold no other",
        ),
        (edited("a=candidate:", "a=candidate:="), "m-line 0: candidate: "),
    ] {
        let error = check(&offer).expect_err(sentence).to_string();
        assert!(error.ends_with(sentence) || error.starts_with(sentence), "{error}\n{sentence}");
    }
}

#[test]
fn candidates_that_are_of_no_use_are_passed_over() {
    let more = "a=candidate:9 2 udp 1 192.0.2.2 5000 typ host\r\na=candidate:9 1 sctp 1 192.0.2.2 5000 typ host\r\n\
                a=candidate:9 1 udp 1 turn.example.org 5000 typ relay\r\na=candidate:9 1 udp 1 a-b.local 5000 typ host\r\n";
    let offer = CHROMIUM.replacen("a=candidate:", &format!("{more}a=candidate:"), 1);
    assert_eq!(agreed(&offer).candidates(), agreed(CHROMIUM).candidates());
    let many: String =
        (0..65).map(|i| format!("a=candidate:{i} 1 udp 1 192.0.2.2 5000 typ host\r\n")).collect();
    let offer = CHROMIUM.replacen("a=candidate:", &format!("{many}a=candidate:"), 1);
    assert_eq!(check(&offer).unwrap_err().to_string(), "m-line 0: more than 64 candidates");
}

#[test]
fn bundle_only_m_lines_with_port_0_are_served() {
    let at = CHROMIUM.find("m=audio").unwrap();
    let (first, rest) = CHROMIUM.split_at(at);
    let bundle_only = rest
        .replace(" 9 UDP/TLS/RTP", " 0 UDP/TLS/RTP")
        .replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=bundle-only\r\n");
    assert_eq!(shape(&agreed(&format!("{first}{bundle_only}"))), shape(&agreed(CHROMIUM)));
    // With the transport left out, as RFC 9143 section 7.1.3 has it.
    let bare: String = bundle_only
        .lines()
        .filter(|line| !["a=ice-", "a=setup", "a=fingerprint"].iter().any(|prefix| line.starts_with(prefix)))
        .map(|line| format!("{line}\r\n"))
        .collect();
    assert_eq!(shape(&agreed(&format!("{first}{bare}"))), shape(&agreed(CHROMIUM)));
    let rejected = rest.replace(" 9 UDP/TLS/RTP", " 0 UDP/TLS/RTP");
    assert_eq!(agreed(&format!("{first}{rejected}")).served().len(), 1, "port 0 asks for nothing");
}

#[test]
fn an_answer_of_webrtcbin_that_is_not_the_one_asked_for_is_a_fault() {
    let agreement = agreed(CHROMIUM);
    let own = own_answer(&agreement.to_offer());
    let fault = |own: &str| agreement.answer(own, &certificate(), &[]).unwrap_err().to_string();
    assert!(fault(&own.replace("a=sendonly", "a=inactive")).contains("does not answer recvonly"));
    assert!(fault(own.split("m=audio").next().unwrap()).contains("has 3 m-lines, the answer 1"));
    assert!(!fault("nonsense").is_empty());
}

/// Every promise that an agreement makes.
fn promises(agreement: &Agreement) -> Result<(), TestCaseError> {
    let offer = agreement.to_offer();
    prop_assert!(offer.len() <= MAX_TEXT);
    for line in offer.strip_suffix("\r\n").unwrap().split("\r\n") {
        prop_assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line:?}");
        if let Some(attribute) = line.strip_prefix("a=") {
            let name = attribute.split(':').next().unwrap();
            prop_assert!(KNOWN.contains(&name), "{name}");
        }
    }
    let summary = OfferSummary::parse(&offer).unwrap();
    prop_assert_eq!(summary.mlines().len(), agreement.served().len());
    for (mline, served) in summary.mlines().iter().zip(agreement.served()) {
        prop_assert_eq!(&mline.mid, &served.mid);
        prop_assert_eq!(mline.direction, Direction::RecvOnly);
        prop_assert!(mline.formats.iter().filter(|format| !format.is_repair()).count() == 1);
        prop_assert!(mline.format(served.payload_type).is_some());
    }
    prop_assert!((1..=8).contains(&agreement.fingerprints().len()));
    prop_assert!(agreement.candidates().len() <= MAX_CANDIDATES);
    // Written anew, it is an offer of which the same is served, and writing it again changes nothing.
    let wanted: Vec<_> = agreement
        .served()
        .iter()
        .map(|mline| Sendable { source: mline.source.clone(), kind: mline.kind(), profile: None })
        .collect();
    let again = CheckedOffer::check(&offer).unwrap().agree(&wanted).unwrap();
    prop_assert_eq!(again.to_offer(), &*offer);

    let answer = agreement.answer(&own_answer(&offer), &certificate(), &[]).unwrap();
    for line in answer.lines() {
        prop_assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mangled_offers_are_refused_or_keep_every_promise(
        golden in 0..OFFERS.len(),
        mangles in prop::collection::vec(mangle(), 0..4),
    ) {
        let offer = mangles.iter().fold(OFFERS[golden].1.to_owned(), |text, mangle| apply(&text, mangle));
        match CheckedOffer::check(&offer) {
            Ok(checked) => {
                if let Some(agreement) = checked.agree(&everything()) {
                    promises(&agreement)?;
                }
            }
            Err(error) => prop_assert!(error.to_string().len() < 1000),
        }
    }

    #[test]
    fn no_text_is_an_offer_by_chance(text in any::<String>()) {
        prop_assert!(CheckedOffer::check(&text).is_err());
    }
}
