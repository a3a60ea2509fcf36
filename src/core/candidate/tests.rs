//! Candidates of real clients, bad ones, and mangled ones.

use super::*;
use proptest::prelude::*;

#[track_caller]
fn good(text: &str) -> Candidate {
    Candidate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn candidates_of_real_clients_are_written_anew() {
    for (text, anew) in [
        // Chromium
        (
            "candidate:3841527907 1 udp 2113937151 192.0.2.2 53815 typ host generation 0 ufrag L8Eu network-cost 999",
            "candidate:3841527907 1 UDP 2113937151 192.0.2.2 53815 typ host ufrag L8Eu",
        ),
        (
            "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag L8Eu network-cost 999",
            "candidate:842163049 1 UDP 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 ufrag L8Eu",
        ),
        (
            "candidate:1 1 tcp 1518280447 fd00::2 9 typ host tcptype active generation 0 ufrag L8Eu network-id 1",
            "candidate:1 1 TCP 1518280447 fd00::2 9 typ host tcptype active ufrag L8Eu",
        ),
        // Firefox
        (
            "candidate:0 1 UDP 2122187007 8ff64a7e-2205-4a1f-9e54-b02e1efeed35.local 49927 typ host",
            "candidate:0 1 UDP 2122187007 8ff64a7e-2205-4a1f-9e54-b02e1efeed35.local 49927 typ host",
        ),
        (
            "candidate:2 1 TCP 2105458943 8ff64a7e-2205-4a1f-9e54-b02e1efeed35.local 9 typ host tcptype active",
            "candidate:2 1 TCP 2105458943 8ff64a7e-2205-4a1f-9e54-b02e1efeed35.local 9 typ host tcptype active",
        ),
        // aiortc
        (
            "candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 127.0.0.1 54391 typ host",
            "candidate:f957a2332b1715da3b0ef8ba684454eb 1 UDP 2130706431 127.0.0.1 54391 typ host",
        ),
        // webrtcbin
        (
            "candidate:3 1 TCP 1010828287 127.0.0.1 49961 typ host tcptype passive",
            "candidate:3 1 TCP 1010828287 127.0.0.1 49961 typ host tcptype passive",
        ),
        // Other forms
        (
            "a=candidate:A+/z 1 UDP 1 ::ffff:192.0.2.1 1 typ relay raddr abc.local rport 65535 x-unknown y",
            "candidate:A+/z 1 UDP 1 ::ffff:192.0.2.1 1 typ relay raddr 0.0.0.0 rport 65535",
        ),
        (
            "candidate:1 1 tcp 2147483647 192.0.2.1 0 typ prflx tcptype active",
            "candidate:1 1 TCP 2147483647 192.0.2.1 9 typ prflx tcptype active",
        ),
        (
            "candidate:1 1 tcp 1 192.0.2.1 5 typ host tcptype so",
            "candidate:1 1 TCP 1 192.0.2.1 5 typ host tcptype so",
        ),
    ] {
        let candidate = good(text);
        assert_eq!(candidate.to_string(), anew);
        assert_eq!(good(anew), candidate);
    }
}

#[test]
fn parts_are_exposed() {
    let host = good("candidate:1 1 udp 5 192.0.2.2 53815 typ host ufrag L8Eu");
    assert_eq!(host.address(), &Address::Ip("192.0.2.2".parse().unwrap()));
    assert_eq!((host.port(), host.kind(), host.transport()), (53815, CandidateKind::Host, Transport::Udp));
    assert_eq!(host.ufrag(), Some("L8Eu"));
    assert!(!host.is_mdns());
    let hidden = good("candidate:1 1 udp 5 0abc445c-670a-4d4c-8126-28a48bfc31a8.local 1 typ host");
    assert!(hidden.is_mdns());
    assert_eq!(hidden.ufrag(), None);
}

#[test]
fn bad_candidates_are_refused_with_a_sentence() {
    let form = "expected 'candidate:foundation component transport priority address port typ type' and pairs of words after it";
    let prefix = "expected it to begin with 'candidate:'";
    let foundation = "expected a foundation of 1 to 32 letters, digits, '+' and '/'";
    let transport = "expected the transport udp, or tcp with a tcptype of active, passive or so";
    let priority = "expected a priority from 1 to 2147483647";
    let address = "expected an IP address or a name under .local";
    let unreachable = "the address is unspecified, multicast or broadcast";
    let port = "expected a port from 1 to 65535";
    let related = "expected raddr with an address and rport with a port, together and once";
    let ufrag = "expected a ufrag of 4 to 96 letters, digits, '+' and '/'";
    let character = "it holds a control character or one that is not ASCII";
    for (text, message) in [
        ("", prefix),
        ("host", prefix),
        ("Candidate:1 1 udp 1 192.0.2.1 1 typ host", prefix),
        ("candidate:", form),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ", form),
        ("candidate:1 1 udp 1 192.0.2.1 1 type host", form),
        ("candidate:1  1 udp 1 192.0.2.1 1 typ host", form),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host generation", form),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host ", form),
        ("candidate:1{} 1 udp 1 192.0.2.1 1 typ host", foundation),
        ("candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 1 typ host", foundation),
        ("candidate:1 2 udp 1 192.0.2.1 1 typ host", "expected component 1, as RTP and RTCP share it"),
        ("candidate:1 01 udp 1 192.0.2.1 1 typ host", "expected component 1, as RTP and RTCP share it"),
        ("candidate:1 1 sctp 1 192.0.2.1 1 typ host", transport),
        ("candidate:1 1 tcp 1 192.0.2.1 1 typ host", transport),
        ("candidate:1 1 tcp 1 192.0.2.1 1 typ host tcptype both", transport),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host tcptype active", transport),
        ("candidate:1 1 tcp 1 192.0.2.1 1 typ host tcptype so tcptype so", transport),
        ("candidate:1 1 udp 0 192.0.2.1 1 typ host", priority),
        ("candidate:1 1 udp 2147483648 192.0.2.1 1 typ host", priority),
        ("candidate:1 1 udp +1 192.0.2.1 1 typ host", priority),
        ("candidate:1 1 udp 99999999999999999999 192.0.2.1 1 typ host", priority),
        ("candidate:1 1 udp 1 example.org 1 typ host", address),
        ("candidate:1 1 udp 1 .local 1 typ host", address),
        ("candidate:1 1 udp 1 a.b.local 1 typ host", address),
        ("candidate:1 1 udp 1 a_b.local 1 typ host", address),
        ("candidate:1 1 udp 1 192.0.2 1 typ host", address),
        ("candidate:1 1 udp 1 192.0.2.256 1 typ host", address),
        ("candidate:1 1 udp 1 fe80::1%eth0 1 typ host", address),
        ("candidate:1 1 udp 1 [::1] 1 typ host", address),
        ("candidate:1 1 udp 1 0.0.0.0 1 typ host", unreachable),
        ("candidate:1 1 udp 1 :: 1 typ host", unreachable),
        ("candidate:1 1 udp 1 ::ffff:0.0.0.0 1 typ host", unreachable),
        ("candidate:1 1 udp 1 224.0.0.251 1 typ host", unreachable),
        ("candidate:1 1 udp 1 ::ffff:224.0.0.251 1 typ host", unreachable),
        ("candidate:1 1 udp 1 ff02::fb 1 typ host", unreachable),
        ("candidate:1 1 udp 1 255.255.255.255 1 typ host", unreachable),
        ("candidate:1 1 udp 1 192.0.2.1 0 typ host", port),
        ("candidate:1 1 tcp 1 192.0.2.1 0 typ host tcptype passive", port),
        ("candidate:1 1 udp 1 192.0.2.1 65536 typ host", port),
        ("candidate:1 1 udp 1 192.0.2.1 -1 typ host", port),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ local", "expected one of the types host, srflx, prflx, relay"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr 192.0.2.1", related),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ srflx rport 1", related),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr x rport 1", related),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr 192.0.2.1 rport x", related),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr ::1 rport 1 rport 1", related),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host ufrag abc", ufrag),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host ufrag ab:cd", ufrag),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host ufrag abcd ufrag abcd", ufrag),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host generation x", "expected a number as generation"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=x:1 2", character),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ host x é", character),
        ("candidate:1\t1 udp 1 192.0.2.1 1 typ host", character),
    ] {
        match Candidate::parse(text) {
            Ok(candidate) => panic!("{text:?} was taken as {candidate}"),
            Err(error) => assert_eq!(error.to_string(), message, "{text:?}"),
        }
    }
    let long = format!("candidate:1 1 udp 1 192.0.2.1 1 typ host x {}", "y".repeat(MAX_CANDIDATE));
    assert_eq!(Candidate::parse(&long).unwrap_err().to_string(), "it has 1057 bytes; at most 1024 are taken");
}

fn words() -> impl Strategy<Value = String> {
    let foundation = prop_oneof![4 => "[A-Za-z0-9+/]{1,32}", 1 => "[ -~]{0,40}"];
    let component = prop_oneof![6 => Just("1".to_owned()), 1 => "[0-9]{1,3}"];
    let transport = prop::sample::select(vec!["udp", "UDP", "tcp", "TCP", "tls"]);
    let priority = prop_oneof![4 => (1u32..).prop_map(|p| p.to_string()), 1 => "[0-9+-]{0,12}"];
    let address = prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|a| a.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|a| a.to_string()),
        "[a-z0-9-]{1,40}\\.local",
        "[a-z.:%]{0,20}",
    ];
    let kind = prop::sample::select(vec!["host", "srflx", "prflx", "relay", "x"]);
    let extension = prop_oneof![
        Just(" raddr 0.0.0.0 rport 0".to_owned()),
        Just(" tcptype active".to_owned()),
        Just(" tcptype passive".to_owned()),
        Just(" generation 0".to_owned()),
        "( ufrag [a-z+]{2,8})",
        "( [a-z-]{1,8} [ -~]{0,8})",
    ];
    let extensions = prop::collection::vec(extension, 0..4);
    let head = (foundation, component, transport, priority);
    (head, (address, any::<u16>(), kind, extensions)).prop_map(
        |((foundation, component, transport, priority), (address, port, kind, extensions))| {
            let extensions = extensions.concat();
            format!(
                "candidate:{foundation} {component} {transport} {priority} {address} {port} typ {kind}{extensions}"
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_taken_is_harmless_and_reads_back_as_itself(text in words()) {
        if let Ok(candidate) = Candidate::parse(&text) {
            let anew = candidate.to_string();
            prop_assert!(anew.starts_with("candidate:") && anew.bytes().all(|b| matches!(b, b' '..=b'~')));
            prop_assert!(candidate.port() != 0);
            if let Address::Ip(ip) = candidate.address() {
                prop_assert!(!ip.is_unspecified() && !ip.is_multicast());
            }
            prop_assert_eq!(Candidate::parse(&anew), Ok(candidate));
        }
    }

    #[test]
    fn any_text_does_no_harm(text in any::<String>()) {
        let _ = Candidate::parse(&text);
        let _ = Candidate::parse(&format!("candidate:{text}"));
    }
}
