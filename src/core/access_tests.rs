use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn client(n: u32) -> ClientNet {
    ClientNet::of(IpAddr::V4(n.into()))
}

#[test]
fn ipv6_counts_by_its_64_bit_network_and_mapped_ipv4_as_ipv4() {
    let net = |text: &str| ClientNet::of(text.parse().unwrap());
    assert_eq!(net("2001:db8:1:2::1"), net("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_ne!(net("2001:db8:1:2::1"), net("2001:db8:1:3::1"));
    assert_eq!(net("::ffff:192.0.2.1"), net("192.0.2.1"));
    assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
}

#[test]
fn delays_grow_up_to_five_minutes() {
    let seconds: Vec<u64> = (0..=20).map(|n| delay_after(n).as_secs()).collect();
    assert_eq!(seconds[..6], [0, 0, 0, 0, 0, 1]);
    assert_eq!(seconds[6..14], [2, 4, 8, 16, 32, 64, 128, 256]);
    assert!(seconds[14..].iter().all(|s| *s == 300));
    assert_eq!(delay_after(u32::MAX), LONGEST_DELAY);
}

#[test]
fn after_five_failures_even_the_right_secret_has_to_wait() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    for _ in 0..5 {
        assert_eq!(throttle.attempt(now, client(1), || false), Attempt::Wrong);
    }
    let throttled = throttle.attempt(now, client(1), || unreachable!("not looked at"));
    assert_eq!(throttled, Attempt::Throttled { retry_after: SECOND });
    assert_eq!(throttle.attempt(now, client(2), || true), Attempt::Right, "others do not wait");
    assert_eq!(throttle.attempt(now + SECOND, client(1), || true), Attempt::Right);
    assert_eq!(
        throttle.attempt(now + SECOND, client(1), || false),
        Attempt::Wrong,
        "success clears the count"
    );
    assert_eq!(throttle.attempt(now + SECOND, client(1), || true), Attempt::Right);
}

#[test]
fn failures_are_forgotten_after_a_quarter_of_an_hour() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    for _ in 0..5 {
        throttle.attempt(now, client(1), || false);
    }
    let later = now + FORGOTTEN_AFTER;
    for _ in 0..4 {
        assert_eq!(throttle.attempt(later, client(1), || false), Attempt::Wrong);
    }
    assert_eq!(throttle.attempt(later, client(1), || true), Attempt::Right);
}

#[test]
fn many_addresses_together_are_held_to_one_failure_a_second() {
    let now = Instant::now();
    let mut throttle = Throttle::default();
    let wrong = (0..500).filter(|n| throttle.attempt(now, client(*n), || false) == Attempt::Wrong).count();
    assert_eq!(wrong, TOTAL_BURST as usize);
    let later = now + 10 * SECOND;
    let wrong =
        (500..1000).filter(|n| throttle.attempt(later, client(*n), || false) == Attempt::Wrong).count();
    assert_eq!(wrong, 10);
}

proptest! {
    #[test]
    fn whatever_happens_the_table_is_bounded_and_failures_are_rare(
        attempts in proptest::collection::vec((0u32..3000, 0u64..3000, any::<bool>()), 1..4000),
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut throttle = Throttle::default();
        let mut wrong = 0u64;
        for (who, step_ms, right) in attempts {
            now += Duration::from_millis(step_ms);
            match throttle.attempt(now, client(who), || right) {
                Attempt::Right => prop_assert!(right),
                Attempt::Wrong => { prop_assert!(!right); wrong += 1; }
                Attempt::Throttled { retry_after } => {
                    prop_assert!(!retry_after.is_zero() && retry_after <= LONGEST_DELAY);
                    prop_assert!(throttle.check(now + retry_after, client(who)).is_ok());
                }
            }
            prop_assert!(throttle.clients.len() <= MOST_CLIENTS);
        }
        prop_assert!(wrong <= u64::from(TOTAL_BURST) + (now - start).as_secs());
    }

    #[test]
    fn one_client_gets_few_guesses(gaps_ms in proptest::collection::vec(0u64..2000, 1..2000)) {
        let start = Instant::now();
        let mut now = start;
        let mut throttle = Throttle::default();
        let mut wrong = 0u64;
        for gap in gaps_ms {
            now += Duration::from_millis(gap);
            if throttle.attempt(now, client(1), || false) == Attempt::Wrong {
                wrong += 1;
            }
        }
        // 5 free, 8 while the delay doubles up to 256 s (511 s in all), then one in 300 s.
        let elapsed = (now - start).as_secs();
        prop_assert!(wrong <= 14 + elapsed / 300);
    }

    #[test]
    fn texts_from_outside_never_panic(a in ".{0,300}", b in ".{0,300}") {
        let _ = origin_is_own(&a, &b, Some(&b));
        let _ = host_is_own(&a, &b, Some(&a));
        let _ = SessionCookie::parse(&a);
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
fn cookies_are_found_by_their_whole_name() {
    let found = |header| cookies_named(header, "v").collect::<Vec<_>>();
    assert_eq!(found("v=1"), ["1"]);
    assert_eq!(found("a=0; v=1;v=2 ; vv=3; xv=4; v"), ["1", "2"]);
    assert!(found("").is_empty());
}

#[test]
fn session_cookies_have_an_expiry_and_a_tag() {
    assert_eq!(SessionCookie::parse("12.ab"), Some(SessionCookie { expires_s: 12, tag: "ab" }));
    for bad in ["", ".", "12", "12.", ".ab", "+12.ab", "x.ab", "99999999999999999999999.ab"] {
        assert_eq!(SessionCookie::parse(bad), None, "{bad}");
    }
    let length = SESSION_LENGTH.as_secs();
    let cookie = SessionCookie { expires_s: 1000 + length, tag: "t" };
    assert!(!cookie.is_outside_its_time(1000) && !cookie.wants_renewal(1000));
    assert!(cookie.is_outside_its_time(999), "later than any that was made");
    assert!(cookie.wants_renewal(1001 + length / 2));
    assert!(!cookie.is_outside_its_time(999 + length));
    assert!(cookie.is_outside_its_time(1000 + length));
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
