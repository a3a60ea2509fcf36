//! Sessions that take pictures by the WebSocket, or data channels.

use super::super::tests::{Test, answer, hello, join_all, name, offer};
use crate::core::protocol::{ByeReason, ClientMessage, TakenSource};
use crate::core::viewer::{Effect, Input};
use std::time::Duration;

#[test]
fn pictures_are_taken_without_a_join_and_only_of_what_there_is() {
    let taken = |names: &[&str]| ClientMessage::Pictures {
        sources: names.iter().map(|each| TakenSource { source: name(each), width: None }).collect(),
        audio: true,
    };
    let seen = |subject_kind| ClientMessage::Seen { subject_kind, subject: 1, number: 5 };
    let mut test = Test::new();
    assert_eq!(test.say(taken(&["camera"])), ["error OutOfOrder"]);
    assert_eq!(test.say(seen(1)), ["error OutOfOrder"]);
    test.say(hello());
    assert_eq!(test.say(taken(&["camera", "screen"])), ["pictures 1=camera+0=screen true"]);
    assert_eq!(test.say(taken(&["nothing"])), ["error UnknownSource"]);
    assert_eq!(test.say(taken(&["camera", "camera"])), ["error UnknownSource"]);
    assert_eq!(test.say(taken(&[])), ["pictures  true"]);
    assert_eq!(test.say(seen(1)), ["seen Source 1 5"]);
    assert_eq!(test.say(seen(3)), ["seen Participant 1 5"]);
    assert_eq!(test.say(seen(2)), ["error BadMessage"]);
    // Beside a peer connection too.
    let mut test = Test::connected();
    assert_eq!(test.say(taken(&["screen"])), ["pictures 0=screen true"]);
    test.say(ClientMessage::Leave);
    assert!(test.say(taken(&["screen"])).is_empty());
}

#[test]
fn data_channels_are_asked_for_by_join_all() {
    let mut test = Test::new();
    test.say(hello());
    assert!(!test.session.has_data());
    test.say(ClientMessage::Join { sources: None, select: None, data: true });
    assert!(test.session.has_data());
}

#[test]
fn pictures_go_on_where_the_connection_does_not_and_it_may_be_joined_anew() {
    let taken = |names: &[&str]| ClientMessage::Pictures {
        sources: names.iter().map(|each| TakenSource { source: name(each), width: None }).collect(),
        audio: false,
    };
    let mut test = Test::offered();
    test.say(answer());
    test.say(taken(&["screen"]));
    assert_eq!(test.wait(), ["disconnect", "error ConnectionFailed"]);
    assert!(test.session.joined().is_empty() && test.session.deadline().is_none());
    let broken = || Input::End { reason: ByeReason::ConnectionFailed, message: String::new() };
    assert!(test.input(broken()).is_empty(), "it is known");
    assert_eq!(test.say(join_all()), ["open screen+camera Some(H264)"]);
    test.input(offer());
    test.say(answer());
    test.input(Input::Connected);
    test.input(Input::Verified(true));
    assert_eq!(test.input(broken()), ["disconnect", "error ConnectionFailed"]);
    // Without pictures there is nothing to go on for.
    test.say(taken(&[]));
    test.say(join_all());
    test.input(offer());
    test.say(answer());
    assert_eq!(test.wait(), ["bye ConnectionFailed retry", "close ConnectionFailed"]);
}

#[test]
fn faults_of_the_connection_in_the_daemon_end_no_pictures_either() {
    let taken = |names: &[&str]| ClientMessage::Pictures {
        sources: names.iter().map(|each| TakenSource { source: name(each), width: None }).collect(),
        audio: false,
    };
    let fault = || Input::End { reason: ByeReason::Internal, message: String::new() };
    let mut test = Test::new();
    test.say(hello());
    test.say(taken(&["screen"]));
    assert!(test.input(fault()).is_empty(), "of one that was given up");
    test.say(join_all());
    assert_eq!(test.wait(), ["disconnect", "error ConnectionFailed"], "no offer is made");
    test.say(join_all());
    test.input(offer());
    test.say(answer());
    assert_eq!(test.input(fault()), ["disconnect", "error ConnectionFailed"]);
    test.say(taken(&[]));
    assert_eq!(test.input(fault()), ["bye Internal retry", "close Internal"]);
}

#[test]
fn who_takes_something_else_too_often_has_the_last_of_it_in_its_time() {
    let taken = |width| ClientMessage::Pictures {
        sources: vec![TakenSource { source: name("screen"), width: Some(width) }],
        audio: false,
    };
    let mut test = Test::new();
    test.say(hello());
    let at_once = (0..1000).filter(|width| !test.say(taken(*width)).is_empty()).count();
    assert_eq!(at_once, 10);
    assert_eq!(test.session.deadline(), Some(test.now + Duration::from_millis(500)));
    test.now += Duration::from_millis(500);
    let effects = test.session.handle(test.now, Input::Tick);
    let [Effect::Pictures { sources, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(sources[0].width, Some(999));
    assert_eq!(test.session.deadline(), None);
    // What is to be taken later is nothing to who has left.
    test.say(taken(1));
    test.say(ClientMessage::Leave);
    assert_eq!(test.session.deadline(), None);
}
