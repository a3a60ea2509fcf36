//! Sessions that begin by WHEP.

use super::super::tests::{CANDIDATE, answered, candidate, name, whep};
use crate::core::protocol::{ByeReason, Codec};
use crate::core::viewer::{Effect, Input};

#[test]
fn a_session_by_whep_is_answered_verified_and_fed() {
    let (mut test, fingerprints) = whep();
    assert_eq!(test.session.selected(), [name("screen")]);
    assert_eq!(test.session.video_codec(), Some(Codec::H264));
    assert!(!test.session.is_greeted(), "nothing is announced to it");
    assert_eq!(test.input(answered())[0], "answer \"xyzzy\"");
    assert!(test.input(answered()).is_empty(), "it is answered once");
    let effects = test.session.handle(test.now, Input::Connected);
    assert!(matches!(&effects[..], [Effect::Verify(asked)] if *asked == fingerprints));
    let effects = test.session.handle(test.now, Input::Verified(true));
    assert!(matches!(&effects[..], [Effect::Feed(fed)] if *fed == [name("screen")]));
}

#[test]
fn a_session_by_whep_is_not_fed_under_another_certificate_and_waits_for_nothing_for_ever() {
    let (mut test, _) = whep();
    test.input(answered());
    test.input(Input::Connected);
    let effects = test.session.handle(test.now, Input::Verified(false));
    assert!(matches!(effects.last(), Some(Effect::Close(ByeReason::BadFingerprint))));

    for steps in [vec![], vec![answered()], vec![answered(), Input::Connected]] {
        let (mut test, _) = whep();
        for step in steps {
            test.input(step);
        }
        let due = test.session.deadline().unwrap();
        let effects = test.session.handle(due, Input::Tick);
        assert!(matches!(effects.last(), Some(Effect::Close(_))), "{effects:?}");
    }
}

#[test]
fn candidates_by_patch_are_taken_under_the_sessions_tag_alone() {
    use crate::core::whep::{Fragment, IfMatch, Patch, PatchRefusal};
    let (mut test, _) = whep();
    test.input(answered());
    let fragment = Fragment::parse(&format!("a={CANDIDATE}\r\n")).unwrap();
    let next = || "next".to_owned();
    let taken = test.session.patch(test.now, &IfMatch::parse(Some("\"xyzzy\"")), &fragment, next()).unwrap();
    assert!(matches!(taken, Patch::Candidates(candidates) if candidates.len() == 1));
    let refused = test.session.patch(test.now, &IfMatch::Absent, &fragment, next());
    assert_eq!(refused.unwrap_err(), PatchRefusal::NoTag);
    let said = test.say(candidate(CANDIDATE));
    assert!(!said.is_empty(), "no message of the WebSocket's does anything but be refused: {said:?}");
}
