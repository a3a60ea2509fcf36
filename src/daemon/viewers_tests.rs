//! Viewers by what their connections tell of themselves.

use super::*;
use crate::daemon::house::{House, no_sources};

#[test]
fn what_an_earlier_connection_still_tells_concerns_nobody() {
    let sources = no_sources();
    let mut house = House::of(1);
    let (now, viewer) = (house.now, ViewerId(1));
    let peer = Peer::Opening { renditions: Vec::new(), offer: None };
    let unit = house.viewers.all.get_mut(&viewer).unwrap();
    (unit.peer, unit.run) = (peer, 3);
    let failed = || ViewerEvent::Failed { detail: String::new() };
    let opened = |run| {
        let result = Err(MediaError::Init(String::new()));
        Opened { viewer, run, result }
    };
    house.viewers.peer_event(now, (viewer, 1), failed(), &sources);
    house.viewers.peer_event(now, (viewer, 2), ViewerEvent::Offer { sdp: "old".into() }, &sources);
    house.viewers.opened(now, opened(1), &sources);
    let unit = &house.viewers.all[&viewer];
    assert!(matches!(unit.peer, Peer::Opening { offer: None, .. }) && !unit.is_shown_out());
    house.viewers.opened(now, opened(3), &sources);
    assert!(house.viewers.all[&viewer].is_shown_out());

    let mut house = House::of(1);
    let unit = house.viewers.all.get_mut(&viewer).unwrap();
    let run = unit.run;
    unit.end_peer(viewer, &sources);
    house.viewers.peer_event(now, (viewer, run), failed(), &sources);
    assert!(!house.viewers.all[&viewer].is_shown_out(), "what has ended fails no more");
}
