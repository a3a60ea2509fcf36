//! Answers and offers that are refused, each with its exact sentence.

use super::*;

/// Chromium's answer with a change, and what is said of it.
#[track_caller]
fn refused(answer: &str, expected: &str) {
    match check(answer) {
        Ok(_) => panic!("taken, expected: {expected}\n{answer}"),
        Err(error) => assert_eq!(error.to_string(), expected),
    }
}

#[test]
fn texts_that_are_not_sdp() {
    for (from, to, message) in [
        ("v=0", "v=1", r#"line 1: expected the version line v=0, found "v=1""#),
        ("v=0\r\n", "", "line 1: a line of type 'o' does not belong here; expected v=0"),
        ("s=-\r\n", "", "line 3: a line of type 't' does not belong here; expected s="),
        ("t=0 0\r\n", "", "the line t= is missing"),
        ("t=0 0\r\n", "t=0 0\r\n\r\n", r#"line 5: expected a letter, '=' and a value, found """#),
        ("t=0 0\r\n", "t=0 0\r\nhello\r\n", r#"line 5: expected a letter, '=' and a value, found "hello""#),
        ("t=0 0\r\n", "t=0 0\r\nA=x\r\n", r#"line 5: expected a letter, '=' and a value, found "A=x""#),
        ("t=0 0\r\n", "t=0 0\r\nab=x\r\n", r#"line 5: expected a letter, '=' and a value, found "ab=x""#),
        (
            "t=0 0\r\n",
            "t=0 0\r\nx=1\r\n",
            "line 5: a line of type 'x' does not belong here; expected one of a, b, c, e, i, k, m, p, r, t, u, z",
        ),
        (
            "a=mid:video0\r\n",
            "t=0 0\r\n",
            "line 15: a line of type 't' does not belong here; expected one of a, b, c, i, k, m",
        ),
        (
            "a=mid:video0\r\n",
            "a=mid:video0\ra=x\r\n",
            "line 15: control character U+000D; lines end with CR LF and hold no other",
        ),
        (
            "a=mid:video0",
            "a=mid:video0\0",
            "line 15: control character U+0000; lines end with CR LF and hold no other",
        ),
        (
            "a=mid:video0",
            "a=x:\u{85}",
            "line 15: control character U+0085; lines end with CR LF and hold no other",
        ),
        (
            "a=mid:video0",
            "a=:video0",
            r#"line 15: expected an attribute name of letters, digits and '-', found """#,
        ),
        (
            "a=mid:video0",
            "a=mi d:video0",
            r#"line 15: expected an attribute name of letters, digits and '-', found "mi d""#,
        ),
        (
            "m=audio 9 UDP/TLS/RTP/SAVPF 97",
            "m=audio 9",
            r#"line 47: expected 'm=media port protocol payload-types', found "audio 9""#,
        ),
        (
            "m=audio 9 UDP/TLS/RTP/SAVPF 97",
            "m=audio 9 UDP/TLS/RTP/SAVPF",
            r#"line 47: expected 'm=media port protocol payload-types', found "audio 9 UDP/TLS/RTP/SAVPF""#,
        ),
        (
            "m=audio 9 ",
            "m=audio 9/2 ",
            r#"line 47: expected 'm=media port protocol payload-types', found "audio 9/2 UDP/TLS/RTP/SAVPF 97""#,
        ),
        (
            "m=audio 9 ",
            "m=audio 65536 ",
            r#"line 47: expected 'm=media port protocol payload-types', found "audio 65536 UDP/TLS/RTP/SAVPF 97""#,
        ),
        (
            "m=audio 9 ",
            "m=application 9 ",
            r#"line 47: expected the media type audio or video, found "application""#,
        ),
        (
            "m=audio 9 UDP/TLS/RTP/SAVPF",
            "m=audio 9 RTP/AVP",
            r#"line 47: expected the protocol UDP/TLS/RTP/SAVPF, found "RTP/AVP""#,
        ),
        ("SAVPF 97", "SAVPF 128", r#"line 47: expected a payload type from 0 to 127, found "128""#),
        ("SAVPF 97", "SAVPF +97", r#"line 47: expected a payload type from 0 to 127, found "+97""#),
        ("SAVPF 97", "SAVPF  97", r#"line 47: expected a payload type from 0 to 127, found """#),
        ("SAVPF 97", "SAVPF 97 97", "line 47: payload type 97 stands twice"),
    ] {
        refused(&edited(from, to), message);
    }
    refused("", r#"line 1: expected a letter, '=' and a value, found """#);
    refused("v=0\r\no=-\r\ns=-\r\nt=0 0\r\n", "there is no m-line");
}

#[test]
fn texts_beyond_the_limits() {
    let long = "x".repeat(MAX_LINE);
    refused(
        &edited("t=0 0\r\n", &format!("t=0 0\r\na={long}\r\n")),
        "line 5: it has 4098 bytes; at most 4096 are taken",
    );
    let filler = format!("a=x:{}\r\n", "y".repeat(1000));
    let big = edited("t=0 0\r\n", &format!("t=0 0\r\n{}", filler.repeat(80)));
    refused(&big, &format!("the SDP has {} bytes; at most 65536 are taken", big.len()));
    let attributes = "a=x\r\n".repeat(MAX_ATTRIBUTES + 1);
    refused(
        &edited("t=0 0\r\n", &format!("t=0 0\r\n{attributes}")),
        "line 517: more than 512 attributes in one section",
    );
    let mlines = "m=audio 0 UDP/TLS/RTP/SAVPF 97\r\n".repeat(MAX_MLINES);
    refused(&format!("{CHROMIUM}{mlines}"), "line 91: more than 32 m-lines");
    let candidates: String =
        (1..=65).map(|port| format!("a=candidate:1 1 udp 1 127.0.0.1 {port} typ host\r\n")).collect();
    refused(&format!("{CHROMIUM}{candidates}"), "more than 64 candidates");
    let prints: String =
        (0..9).map(|n| format!("a=fingerprint:sha-256 {n}0{}\r\n", ":00".repeat(31))).collect();
    refused(&format!("{CHROMIUM}{prints}"), "m-line 2: more than 8 fingerprints");
}

#[test]
fn answers_of_another_shape() {
    let audio = CHROMIUM.find("m=audio").unwrap();
    refused(
        &CHROMIUM[..audio],
        "the offer has 3 m-lines, the answer 2; an answer has one for each, in the same order",
    );
    for (from, to, message) in [
        ("m=audio 9", "m=video 9", "m-line 2: expected media type audio, as offered, found video"),
        ("a=mid:video1", "a=mid:1", r#"the group BUNDLE names the mid "video1", which no m-line has"#),
        ("a=mid:video1\r\n", "", "m-line 1: the attribute a=mid is missing"),
        (
            "a=mid:video1\r\n",
            "a=mid:video1\r\na=mid:video1\r\n",
            "m-line 1: the attribute a=mid stands twice",
        ),
        ("a=mid:video1", "a=mid:video0", r#"m-line 1: the mid "video0" is that of an earlier m-line"#),
        ("a=mid:video1", "a=mid:", r#"m-line 1: expected a mid of 1 to 32 token characters, found """#),
        ("a=mid:video1", "a=mid:a b", r#"m-line 1: expected a mid of 1 to 32 token characters, found "a b""#),
        (
            "a=group:BUNDLE video0 video1 audio2\r\n",
            "",
            "the attribute a=group:BUNDLE is missing; all media share one transport",
        ),
        (
            "a=group:BUNDLE video0 video1 audio2",
            "a=group:LS video0 video1 audio2",
            "the attribute a=group:BUNDLE is missing; all media share one transport",
        ),
        ("a=group:BUNDLE", "a=group:BUNDLE video0\r\na=group:BUNDLE", "there is more than one group BUNDLE"),
        ("BUNDLE video0", "BUNDLE video0 video0", r#"the group BUNDLE names the mid "video0" twice"#),
        ("BUNDLE video0", "BUNDLE x", r#"the group BUNDLE names the mid "x", which no m-line has"#),
        (
            "BUNDLE video0 ",
            "BUNDLE ",
            r#"m-line 0: the mid "video0" is accepted and not in the group BUNDLE"#,
        ),
        (" 9 UDP", " 0 UDP", "every m-line is rejected; at least one has to be accepted"),
    ] {
        refused(&edited(from, to), message);
    }
    let swapped =
        edited("video0", "x").replace("video1", "video0").replace(":x", ":video1").replace(" x", " video1");
    refused(&swapped, r#"m-line 0: expected the mid "video0", as offered, found "video1""#);
}

#[test]
fn mlines_that_do_not_answer() {
    for (from, to, message) in [
        (
            "a=recvonly",
            "a=sendrecv",
            "m-line 0: the direction sendrecv does not answer sendonly; expected recvonly or inactive",
        ),
        (
            "a=recvonly\r\n",
            "",
            "m-line 0: the direction sendrecv does not answer sendonly; expected recvonly or inactive",
        ),
        (
            "a=recvonly",
            "a=sendonly",
            "m-line 0: the direction sendonly does not answer sendonly; expected recvonly or inactive",
        ),
        (
            "a=recvonly",
            "a=recvonly\r\na=inactive",
            "m-line 0: more than one of sendrecv, sendonly, recvonly and inactive",
        ),
        (
            "t=0 0",
            "t=0 0\r\na=recvonly\r\na=sendrecv",
            "more than one of sendrecv, sendonly, recvonly and inactive before the first m-line",
        ),
        ("SAVPF 97", "SAVPF 97 111", "m-line 2: payload type 111 was not offered for it"),
        ("SAVPF 97", "SAVPF 96", "m-line 2: payload type 96 was not offered for it"),
        ("a=rtpmap:97 OPUS/48000/2\r\n", "", "m-line 2: payload type 97 has no a=rtpmap"),
        (
            "a=rtpmap:97 OPUS/48000/2",
            "a=rtpmap:97 OPUS/48000/2\r\na=rtpmap:97 OPUS/48000/2",
            "m-line 2: the attribute a=rtpmap stands twice",
        ),
        ("a=fmtp:97 ", "a=fmtp:97 x=1\r\na=fmtp:97 ", "m-line 2: the attribute a=fmtp stands twice"),
        (
            "OPUS/48000/2",
            "OPUS",
            r#"m-line 2: expected 'rtpmap:payload-type encoding/clock-rate', found "OPUS""#,
        ),
        (
            "OPUS/48000/2",
            "OPUS/48000/2/2",
            r#"m-line 2: expected 'rtpmap:payload-type encoding/clock-rate', found "OPUS/48000/2/2""#,
        ),
        (
            "OPUS/48000/2",
            "OPUS/0/2",
            r#"m-line 2: expected 'rtpmap:payload-type encoding/clock-rate', found "OPUS/0/2""#,
        ),
        (
            "OPUS/48000/2",
            "PCMU/8000",
            r#"m-line 2: payload type 97 was offered as "OPUS/48000/2", the answer calls it "PCMU/8000""#,
        ),
        (
            "OPUS/48000/2",
            "OPUS/48000",
            r#"m-line 2: payload type 97 was offered as "OPUS/48000/2", the answer calls it "OPUS/48000""#,
        ),
        ("SAVPF 96 98", "SAVPF 98", "m-line 0: none of its payload types is a codec"),
        (
            "profile-level-id=42e01f",
            "profile-level-id=64001f",
            r#"m-line 0: payload type 96 was offered with profile-level-id "42e01f", the answer's "64001f" is another profile"#,
        ),
        (
            "profile-level-id=42e01f",
            "profile-level-id=42e0",
            r#"m-line 0: payload type 96 was offered with profile-level-id "42e01f", the answer's "42e0" is another profile"#,
        ),
        (
            "packetization-mode=1",
            "packetization-mode=0",
            "m-line 0: payload type 96 has another packetization-mode than offered",
        ),
        (
            "a=mid:audio2",
            "a=mid:audio2\r\na=extmap:0 urn:x",
            r#"m-line 2: expected 'extmap:id uri' with an id from 1 to 255, found "0 urn:x""#,
        ),
        (
            "a=mid:audio2",
            "a=mid:audio2\r\na=candidate:1 2 udp 1 127.0.0.1 9 typ host",
            "m-line 2: candidate: expected component 1, as RTP and RTCP share it",
        ),
    ] {
        refused(&edited(from, to), message);
    }
}

#[test]
fn transports_that_are_incomplete_or_differ() {
    let ufrag = "a=ice-ufrag:yzY0";
    let password = "a=ice-pwd:0tZh0LWzJ+kmNoq7581ufGjC";
    let fingerprint = CHROMIUM.lines().find(|line| line.starts_with("a=fingerprint")).unwrap();
    let hash = fingerprint.split_once(' ').unwrap().1;
    for (from, to, message) in [
        (format!("{ufrag}\r\n"), String::new(), "m-line 0: the attribute a=ice-ufrag is missing"),
        (format!("{password}\r\n"), String::new(), "m-line 0: the attribute a=ice-pwd is missing"),
        (format!("{fingerprint}\r\n"), String::new(), "m-line 0: the attribute a=fingerprint is missing"),
        ("a=setup:active\r\n".into(), String::new(), "m-line 0: the attribute a=setup is missing"),
        ("a=rtcp-mux\r\n".into(), String::new(), "m-line 0: the attribute a=rtcp-mux is missing"),
        (
            "a=setup:active".into(),
            "a=setup:actpass".into(),
            r#"m-line 0: expected a=setup:active or a=setup:passive, found "actpass""#,
        ),
        (
            "a=setup:active".into(),
            "a=setup:holdconn".into(),
            r#"m-line 0: expected a=setup:active or a=setup:passive, found "holdconn""#,
        ),
        (
            "a=setup:active".into(),
            "a=setup:active\r\na=setup:active".into(),
            "m-line 0: the attribute a=setup stands twice",
        ),
        (
            ufrag.into(),
            "a=ice-ufrag:yzY".into(),
            r#"m-line 0: expected an ice-ufrag of 4 to 96 letters, digits, '+' and '/', found "yzY""#,
        ),
        (
            ufrag.into(),
            "a=ice-ufrag:yzY0 ".into(),
            r#"m-line 0: expected an ice-ufrag of 4 to 96 letters, digits, '+' and '/', found "yzY0 ""#,
        ),
        (
            ufrag.into(),
            format!("a=ice-ufrag:{}", "y".repeat(97)),
            r#"m-line 0: expected an ice-ufrag of 4 to 96 letters, digits, '+' and '/', found "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…""#,
        ),
        (
            password.into(),
            "a=ice-pwd:short".into(),
            "m-line 0: expected an ice-pwd of 22 to 256 letters, digits, '+' and '/'",
        ),
        (
            password.into(),
            format!("a=ice-pwd:{}", "x".repeat(257)),
            "m-line 0: expected an ice-pwd of 22 to 256 letters, digits, '+' and '/'",
        ),
        (
            hash.into(),
            "AB:CD".into(),
            r#"m-line 0: expected a fingerprint of a known hash function, as hexadecimal bytes with colons between, found "sha-256 AB:CD""#,
        ),
        (
            "a=fingerprint:sha-256 7B:".into(),
            "a=fingerprint:sha-256 7G:".into(),
            r#"m-line 0: expected a fingerprint of a known hash function, as hexadecimal bytes with colons between, found "sha-256 7G:82:6C:02:93:47:70:42:42:7F:5D:05:12:6…""#,
        ),
        (
            "a=fingerprint:sha-256".into(),
            "a=fingerprint:sha-512".into(),
            r#"m-line 0: expected a fingerprint of a known hash function, as hexadecimal bytes with colons between, found "sha-512 7B:82:6C:02:93:47:70:42:42:7F:5D:05:12:6…""#,
        ),
        (
            "a=fingerprint:sha-256".into(),
            "a=fingerprint:sha-1".into(),
            "m-line 0: expected a fingerprint by sha-256, sha-384 or sha-512, found none",
        ),
    ] {
        refused(&edited(&from, &to), message);
    }
    let last = |from: &str, to: &str| {
        let (rest, audio) = CHROMIUM.split_at(CHROMIUM.find("m=audio").unwrap());
        assert!(audio.contains(from));
        format!("{rest}{}", audio.replace(from, to))
    };
    for (from, to, name) in [
        (ufrag, "a=ice-ufrag:other", "ice-ufrag"),
        (password, "a=ice-pwd:otherotherotherotherother", "ice-pwd"),
        ("a=setup:active", "a=setup:passive", "setup"),
        ("sha-256 7B", "sha-256 7C", "fingerprint"),
    ] {
        refused(
            &last(from, to),
            &format!("m-line 2: a={name} differs from that of the other m-lines in the bundle"),
        );
    }
}

#[test]
fn offers_that_are_not_the_daemons() {
    for (from, to, message) in [
        (
            "a=group:BUNDLE video0 video1 audio2\r\n",
            "",
            "the attribute a=group:BUNDLE is missing; all media share one transport",
        ),
        (
            "BUNDLE video0 video1",
            "BUNDLE video0",
            r#"m-line 1: the mid "video1" is accepted and not in the group BUNDLE"#,
        ),
        ("BUNDLE", "BUNDLE x", r#"the group BUNDLE names the mid "x", which no m-line has"#),
        ("a=rtpmap:97 OPUS/48000/2\r\n", "", "m-line 2: payload type 97 has no a=rtpmap"),
        (
            "a=sendonly",
            "a=sendonly\r\na=recvonly",
            "m-line 0: more than one of sendrecv, sendonly, recvonly and inactive",
        ),
    ] {
        assert!(OFFER_H264.contains(from), "{from}");
        let error = OfferSummary::parse(&OFFER_H264.replace(from, to)).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn what_is_quoted_is_short_and_escaped() {
    let hostile = "\u{202e}\u{1f600}\"".repeat(200);
    let error = check(&edited("a=mid:video0", &format!("a=mid:{hostile}"))).unwrap_err().to_string();
    assert!(error.len() < 600, "{error}");
    assert!(!error.contains('\u{202e}'), "{error}");
}
