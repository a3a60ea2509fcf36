//! Rooms with viewers in them, without their sockets.

use super::super::{greeting, rules};
use super::*;
use crate::config::Environment;
use crate::core::principal::{Principal, Rights};
use crate::core::protocol::{Enter, FrameKind, Presence, SignalBody};
use crate::core::viewer::Session;
use crate::daemon::viewer::{Guest, Unit};
use crate::media::Events;
use crate::media::ice::{Ice, IceSettings};
use crate::web::{Grant, OUTBOX_CAPACITY, Outbox};
use async_channel::Receiver;
use std::net::SocketAddr;

fn environment() -> Environment {
    Environment { home: Some("/home/ana".into()), ..Environment::empty() }
}

/// Everybody, and what each is told.
struct House {
    viewers: Viewers,
    inboxes: BTreeMap<u64, Receiver<ServerMessage>>,
    now: Instant,
}

impl House {
    /// In which so many are in the room.
    fn of(people: u64) -> Self {
        crate::media::init().unwrap();
        let config = Config::parse("[room]\nnames = [\"garden\"]\n", None, &environment()).unwrap();
        let addresses = vec!["127.0.0.1".parse().unwrap()];
        let ice = Ice::bind(0, false, IceSettings { addresses, ..IceSettings::default() }).unwrap();
        let (events, opened) = (async_channel::bounded(64).0, async_channel::bounded(64).0);
        let meeting = Meeting::new(&config, Vec::new());
        let events = Events::new(events);
        let viewers = Viewers::new(ice, greeting(&config), rules(&config), events, opened, meeting);
        let mut house = Self { viewers, inboxes: BTreeMap::new(), now: Instant::now() };
        for viewer in 1..=people {
            let (outbox, inbox) = Outbox::new();
            let grant = Grant::of(Principal::anyone(Rights::All));
            let guest = Guest { grant, address: SocketAddr::from(([127, 0, 0, 1], 1)) };
            let unit = Unit::new(house.now, Session::new(house.now, Vec::new()), guest, outbox);
            house.viewers.all.insert(ViewerId(viewer), unit);
            house.inboxes.insert(viewer, inbox);
            house.ask(viewer, Request::Enter(Enter::default()));
        }
        house.inboxes.values().for_each(|inbox| while inbox.try_recv().is_ok() {});
        house
    }

    fn ask(&mut self, viewer: u64, request: Request) {
        self.viewers.meeting.turn(ViewerId(viewer), Turn::Asked(request));
        self.viewers.meet(self.now);
    }

    fn told(&self, viewer: u64) -> Vec<ServerMessage> {
        std::iter::from_fn(|| self.inboxes[&viewer].try_recv().ok()).collect()
    }

    /// The camera of 1 is on its way to 2, and the next picture waits.
    fn show(&mut self) {
        for viewer in [1, 2] {
            let presence = Presence { call: true, camera: viewer == 1, ..Presence::default() };
            self.ask(viewer, Request::Presence(presence));
        }
        for time in [1, 2] {
            self.viewers.camera(self.now, ViewerId(1), time, vec![7; 100]);
        }
    }

    /// Whether a picture waits for 2 after it has said that it has seen the first.
    fn is_shown_more(&mut self) -> bool {
        let (now, key) = (self.now, (FrameKind::Participant.byte(), 1));
        let unit = self.viewers.all.get_mut(&ViewerId(2)).unwrap();
        let Some(frames) = unit.frames().cloned() else { return false };
        frames.recall_picture(key);
        unit.seen(now, FrameKind::Participant, 1, 1);
        frames.recall_picture(key)
    }
}

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
            let config = Config::parse("", None, &environment()).unwrap();
            house.viewers.reconfigure_rooms(&config, Vec::new());
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
