//! Fragments as clients write them, and whatever else comes in their place.

use super::*;
use proptest::prelude::*;

/// The example of RFC 9725 section 4.3.2.
const FRAGMENT: &str = "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\n\
    a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
    a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n\
    a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw network-id 2\r\n\
    a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw\r\n\
    a=end-of-candidates\r\n";
const CREDENTIALS: (&str, &str) = ("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1");

fn fragment(text: &str) -> Fragment {
    Fragment::parse(text).unwrap()
}

fn session() -> IceSession {
    IceSession::new("xyzzy".into(), CREDENTIALS, 0)
}

/// How many candidates a PATCH brings.
fn patch(session: &mut IceSession, condition: &IfMatch, fragment: &Fragment) -> Result<usize, PatchRefusal> {
    match session.patch(condition, fragment, "next".into())? {
        Patch::Candidates(candidates) => Ok(candidates.len()),
        Patch::Restart(..) => panic!("no restart was asked for"),
    }
}

fn tag(tag: &str) -> IfMatch {
    IfMatch::parse(Some(tag))
}

#[test]
fn the_example_of_the_specification_is_taken() {
    let mut session = session();
    assert_eq!(session.etag(), "\"xyzzy\"");
    assert_eq!(patch(&mut session, &tag("\"xyzzy\""), &fragment(FRAGMENT)), Ok(3));
    assert!(!format!("{:?} {session:?}", fragment(FRAGMENT)).contains(CREDENTIALS.1), "no secret is shown");
}

#[test]
fn a_patch_names_the_state_that_it_is_for() {
    let fragment = fragment(FRAGMENT);
    for (value, expected) in [
        (None, Err(PatchRefusal::NoTag)),
        (Some("\"other\""), Err(PatchRefusal::OtherTag)),
        (Some("W/\"xyzzy\""), Err(PatchRefusal::OtherTag)),
        (Some("xyzzy"), Err(PatchRefusal::OtherTag)),
        (Some(""), Err(PatchRefusal::OtherTag)),
        (Some("\"xyzzy\""), Ok(3)),
        (Some("\"other\", \"xyzzy\""), Ok(3)),
        (Some("*"), Ok(3)),
        (Some("\"*\""), Ok(3)),
    ] {
        let taken = patch(&mut session(), &IfMatch::parse(value), &fragment);
        assert_eq!(taken, expected, "{value:?}");
    }
}

#[test]
fn two_other_credentials_are_an_ice_restart_and_one_is_a_mistake() {
    let refused = |text: String| patch(&mut session(), &IfMatch::Any, &fragment(&text)).unwrap_err();
    assert_eq!(refused(FRAGMENT.replace("EsAw", "ysXw")), PatchRefusal::Credentials);
    assert_eq!(refused(FRAGMENT.replace("pwd:P2", "pwd:P3")), PatchRefusal::Credentials);
    assert_eq!(refused(FRAGMENT.replace("ufrag EsAw", "ufrag ysXw")), PatchRefusal::Credentials);
    let restart = FRAGMENT.replace("EsAw", "ysXw").replace("pwd:P2", "pwd:P3");
    assert_eq!(refused(restart.replace("pwd:P3", "pwd:short ")), PatchRefusal::Credentials);
    let mut session = session();
    let begun = session.patch(&tag("\"xyzzy\""), &fragment(&restart), "next".into()).unwrap();
    let theirs = Credentials { ufrag: "ysXw".into(), password: "P3uYro0UCOQ4zxjKXaWCBui1".into() };
    assert!(matches!(&begun, Patch::Restart(new, candidates) if *new == theirs && candidates.len() == 3));
    assert_eq!(session.etag(), "\"next\"");
    assert_eq!(
        patch(&mut session, &tag("\"next\""), &fragment(&restart)),
        Ok(3),
        "they are the session's now"
    );
    let before = session.patch(&tag("\"xyzzy\""), &fragment(FRAGMENT), "later".into());
    assert_eq!(before, Err(PatchRefusal::OtherTag));
    let without: String =
        FRAGMENT.lines().filter(|line| !line.starts_with("a=ice-")).map(|line| format!("{line}\n")).collect();
    assert!(
        patch(&mut self::session(), &IfMatch::Any, &fragment(&without)).is_ok(),
        "the tag says which it is"
    );
}

#[test]
fn a_session_takes_so_many_candidates_and_no_more() {
    let many = |from: usize, count: usize| -> Fragment {
        let line = |i| format!("a=candidate:{i} 1 udp 1 192.0.2.1 {} typ host\r\n", 1000 + i);
        fragment(&(from..from + count).map(line).collect::<String>())
    };
    let mut session = IceSession::new("t".into(), CREDENTIALS, 4);
    assert_eq!(patch(&mut session, &IfMatch::Any, &many(0, 50)), Ok(50));
    assert_eq!(patch(&mut session, &IfMatch::Any, &many(50, 11)), Err(PatchRefusal::TooManyCandidates));
    assert_eq!(patch(&mut session, &IfMatch::Any, &many(50, 10)), Ok(10), "it goes on");
    let text: String =
        (0..10_000).map(|i| format!("a=candidate:{i} 1 udp 1 192.0.2.1 9 typ host\r\n")).collect();
    assert_eq!(Fragment::parse(&text), Err(FragmentError::TooLong(text.len())));
    assert_eq!(Fragment::parse(&text[..20_000]), Err(FragmentError::TooManyCandidates));
}

#[test]
fn what_is_no_fragment_is_refused_with_a_sentence() {
    for (text, sentence) in [
        ("", "line 1: expected 'a=' or 'm=' and a value, found \"\""),
        ("v=0\r\n", "line 1: expected 'a=' or 'm=' and a value, found \"v=0\""),
        ("a=mid:0\r\n{}", "line 2: expected 'a=' or 'm=' and a value, found \"{}\""),
        ("a=x\0", "line 1: expected 'a=' or 'm=' and a value, found \"a=x\\0\""),
        (
            "a=ice-ufrag:aaaa\na=ice-ufrag:bbbb",
            "line 2: a second, other a=ice-ufrag; all media share one transport",
        ),
        (
            "a=candidate:1 1 udp x 192.0.2.1 9 typ host",
            "line 1: candidate: expected a priority from 1 to 2147483647",
        ),
    ] {
        assert_eq!(Fragment::parse(text).unwrap_err().to_string(), sentence);
    }
    let lines = "a=x\n".repeat(513);
    assert_eq!(Fragment::parse(&lines), Err(FragmentError::TooManyLines));
}

#[test]
fn candidates_that_the_daemon_cannot_reach_are_passed_over() {
    let text = "a=candidate:1 2 udp 1 192.0.2.1 9 typ host\r\na=candidate:1 1 sctp 1 192.0.2.1 9 typ host\r\n\
                a=candidate:1 1 udp 1 relay.example.org 9 typ relay\r\na=candidate:1 1 udp 1 x.local 9 typ host\r\n\
                a=candidate:1 1 udp 1 0.0.0.0 9 typ host\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
    assert_eq!(fragment(text).candidates().len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_a_fragment_or_is_refused(text in any::<String>(), at in 0..FRAGMENT.len(), with in any::<char>()) {
        let mut mangled: String = FRAGMENT.chars().take(at).collect();
        mangled.push(with);
        mangled.extend(FRAGMENT.chars().skip(at + 1));
        for text in [text, mangled] {
            match Fragment::parse(&text) {
                Ok(fragment) => prop_assert!(fragment.candidates().len() <= MAX_CANDIDATES),
                Err(error) => prop_assert!(error.to_string().len() < 500),
            }
            let _ = IfMatch::parse(Some(&text));
        }
    }
}
