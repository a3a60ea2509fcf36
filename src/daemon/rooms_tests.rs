//! Rooms with viewers in them, without their sockets.

use super::*;
use crate::core::protocol::{Enter, SignalBody};
use crate::daemon::house::{House, config};
use crate::web::OUTBOX_CAPACITY;
use std::time::Duration;

#[test]
fn who_leaves_a_room_is_shown_no_camera_of_it_any_more() {
    let mut house = House::of(2);
    house.show();
    assert!(house.is_shown_more());
    let elsewhere = || Request::Enter(Enter { room: Some("garden".into()), ..Enter::default() });
    let ways: [fn(&mut House, Request); 3] = [
        |house, _| house.ask(2, Request::Exit),
        |house, elsewhere| house.ask(2, elsewhere),
        |house, _| {
            let config = config("");
            house.viewers.reconfigure_rooms(&config, Histories::default());
        },
    ];
    for (index, way) in ways.into_iter().enumerate() {
        let mut house = House::of(2);
        house.show();
        way(&mut house, elsewhere());
        assert!(!house.is_shown_more(), "{index}");
    }
}

#[test]
fn who_reads_nothing_is_signalled_no_more_and_keeps_its_session() {
    let mut house = House::of(2);
    let signal = || Request::Signal(ParticipantId(2), SignalBody::Bye { session: "s".into() });
    let mut told = Vec::new();
    for _ in 0..2 * OUTBOX_CAPACITY {
        house.ask(1, signal());
        house.now += Duration::from_millis(100);
        told.extend(house.told(1));
    }
    let unit = &house.viewers.all[&ViewerId(2)];
    assert!(!unit.has_overflowed());
    assert_eq!(house.told(2).len(), OUTBOX_CAPACITY / 2 + 1);
    let refused =
        |message: &ServerMessage| matches!(message, ServerMessage::Error { code: ErrorCode::TooFast, .. });
    assert!(told.iter().all(refused) && told.len() == 3 * OUTBOX_CAPACITY / 2 - 1);
    house.ask(1, signal());
    assert_eq!(house.told(2).len(), 1);
}
