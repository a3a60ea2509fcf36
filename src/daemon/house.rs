//! Viewers in a room, without their sockets: for tests.

use super::histories::Histories;
use super::jobs::Jobs;
use super::pauses::Kept;
use super::rooms::{Meeting, Turn};
use super::sources::Sources;
use super::viewer::{Guest, Unit};
use super::viewers::Viewers;
use super::{greeting, rules};
use crate::config::{Config, Environment};
use crate::core::ids::ViewerId;
use crate::core::principal::{Principal, Rights};
use crate::core::protocol::{Enter, FrameKind, Presence, ServerMessage};
use crate::core::room::Request;
use crate::core::viewer::Session;
use crate::media::Events;
use crate::media::encoder::Encoders;
use crate::media::ice::{Ice, IceSettings};
use crate::media::launch::LaunchFiles;
use crate::web::{Grant, Outbox};
use async_channel::Receiver;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

pub(super) fn config(toml: &str) -> Config {
    let environment = Environment { home: Some("/home/ana".into()), ..Environment::empty() };
    Config::parse(toml, None, &environment).unwrap()
}

/// Without a source.
pub(super) fn no_sources() -> Sources {
    crate::media::init().unwrap();
    let config = config("");
    let encoders = Encoders::choose(&LaunchFiles::new(None), &config.video.encoders).unwrap();
    let (events, done) = (async_channel::bounded(64).0, async_channel::bounded(64).0);
    let folder = tempfile::tempdir().unwrap();
    let (_, pauses) = Kept::read(folder.path());
    Sources::new(&config, (Vec::new(), pauses), encoders, Events::new(events), Jobs::new(done))
}

/// Everybody, and what each is told.
pub(super) struct House {
    pub(super) viewers: Viewers,
    inboxes: BTreeMap<u64, Receiver<ServerMessage>>,
    pub(super) now: Instant,
}

impl House {
    /// In which so many are in the room.
    pub(super) fn of(people: u64) -> Self {
        crate::media::init().unwrap();
        let config = config("[room]\nnames = [\"garden\"]\n");
        let addresses = vec!["127.0.0.1".parse().unwrap()];
        let ice = Ice::bind(0, false, IceSettings { addresses, ..IceSettings::default() }).unwrap();
        let (events, opened) = (async_channel::bounded(64).0, async_channel::bounded(64).0);
        let meeting = Meeting::new(&config, Histories::default());
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

    pub(super) fn ask(&mut self, viewer: u64, request: Request) {
        self.viewers.meeting.turn(ViewerId(viewer), Turn::Asked(request));
        self.viewers.meet(self.now);
    }

    pub(super) fn told(&self, viewer: u64) -> Vec<ServerMessage> {
        std::iter::from_fn(|| self.inboxes[&viewer].try_recv().ok()).collect()
    }

    /// The camera of 1 is on its way to 2, and the next picture waits.
    pub(super) fn show(&mut self) {
        for viewer in [1, 2] {
            let presence = Presence { call: true, camera: viewer == 1, ..Presence::default() };
            self.ask(viewer, Request::Presence(presence));
        }
        for time in [1, 2] {
            self.viewers.camera(self.now, ViewerId(1), time, vec![7; 100]);
        }
    }

    /// Whether a picture waits for 2 after it has said that it has seen the first.
    pub(super) fn is_shown_more(&mut self) -> bool {
        let (now, key) = (self.now, (FrameKind::Participant.byte(), 1));
        let unit = self.viewers.all.get_mut(&ViewerId(2)).unwrap();
        let Some(frames) = unit.frames().cloned() else { return false };
        frames.recall_picture(key);
        unit.seen(now, FrameKind::Participant, 1, 1);
        frames.recall_picture(key)
    }
}
