//! The rules of access, held against tables and random histories.

use super::*;
use proptest::prelude::*;

#[test]
fn ipv6_counts_by_its_64_bit_network_and_mapped_ipv4_as_ipv4() {
    let net = |text: &str| ClientNet::of(text.parse().unwrap());
    assert_eq!(net("2001:db8:1:2::1"), net("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_ne!(net("2001:db8:1:2::1"), net("2001:db8:1:3::1"));
    assert_eq!(net("::ffff:192.0.2.1"), net("192.0.2.1"));
    assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
}

proptest! {
    #[test]
    fn texts_from_outside_never_panic(a in ".{0,300}", b in ".{0,300}") {
        let _ = origin_is_own(&a, &b, Some(&b));
        let _ = host_is_own(&a, &b, Some(&a));
        let _ = SessionCookie::parse(&a);
        let _ = Ended::parse(&a);
        let _ = cookies_named(&a, &b).count();
        let _ = bearer(a.as_bytes());
    }
}

#[test]
fn origins_are_compared_by_host_and_port() {
    let own = |origin, host| origin_is_own(origin, host, None);
    assert!(own("https://box:8443", "box:8443"));
    assert!(own("https://BOX:8443", "box:8443"));
    assert!(own("https://box", "box"));
    assert!(own("https://box", "box:443"));
    assert!(own("http://box:80", "box"));
    assert!(own("http://[::1]:8443", "[::1]:8443"));
    assert!(own("https://tv.example", "tv.example"), "behind a proxy that adds TLS");
    for (origin, host) in [
        ("https://evil.example", "box:8443"),
        ("https://box", "box:8443"),
        ("https://box:8443.evil.example", "box:8443"),
        ("null", "box"),
        ("null", "null"),
        ("", ""),
        ("https://", ""),
        ("file://box", "box"),
        ("https://box@evil", "box"),
    ] {
        assert!(!own(origin, host), "{origin} {host}");
    }
    let public = Some("https://tv.example/");
    assert!(origin_is_own("https://tv.example", "127.0.0.1:8443", public));
    assert!(!origin_is_own("http://tv.example", "127.0.0.1:8443", public));
    assert!(!origin_is_own("https://tv.example.evil", "127.0.0.1:8443", public));
}

#[test]
fn only_names_that_no_stranger_controls_are_own() {
    let own = |host| host_is_own(host, "Box", Some("https://tv.example:9000"));
    for host in [
        "127.0.0.1",
        "127.0.0.1:8443",
        "192.168.1.7:80",
        "[::1]:8443",
        "[fe80::1]",
        "localhost",
        "localhost:1",
        "a.localhost",
        "box",
        "BOX:8443",
        "box.local",
        "box.lan:8443",
        "box.home.arpa",
        "tv.example",
        "tv.example:1",
    ] {
        assert!(own(host), "{host}");
    }
    for host in
        ["", "evil.example", "box.evil.example", "boxx", "tv.example.evil", "localhost.evil", "b ox", "box/"]
    {
        assert!(!own(host), "{host}");
    }
    assert!(!host_is_own("evil", "", None));
}

#[test]
fn bearer_tokens_are_read_whatever_the_case_of_the_scheme() {
    assert_eq!(bearer(b"Bearer abc"), Some(&b"abc"[..]));
    assert_eq!(bearer(b"bearer  abc "), Some(&b"abc"[..]));
    for bad in [&b"Bearer"[..], b"Bearer ", b"Basic abc", b"", b"Bearerabc"] {
        assert_eq!(bearer(bad), None);
    }
}

#[test]
fn tokens_are_long_and_of_url_safe_characters() {
    assert!(token_is_well_formed(&"aZ09-_".repeat(7)));
    for bad in
        ["", "short", &"a".repeat(21), &"a".repeat(257), &format!("{} b", "a".repeat(40)), &"é".repeat(20)]
    {
        assert!(!token_is_well_formed(bad), "{bad}");
    }
}
