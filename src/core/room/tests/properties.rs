//! Whatever comes in whatever order, everybody's view of a room is the room's own.

use super::{Table, enter, participants, settings};
use crate::core::protocol::{Enter, Participant, Presence, Said, Say};
use crate::core::room::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// People with a page each; a page has one connection at a time.
const PAGES: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    Connect(usize),
    Say(usize),
    /// What was said last and may not have been heard of is said again.
    SayAgain(usize),
    Present(usize, bool),
    Rename(usize, u8),
    Exit(usize),
    /// The connection is lost, with what was told last still on its way.
    Cut(usize, usize),
    CatchUp(usize),
    Move(usize, bool),
    End(usize),
    Wait(u64),
    CloseGarden,
    Reload(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let page = 0..PAGES;
    prop_oneof![
        4 => page.clone().prop_map(Step::Connect),
        6 => page.clone().prop_map(Step::Say),
        2 => page.clone().prop_map(Step::SayAgain),
        2 => (page.clone(), any::<bool>()).prop_map(|(page, call)| Step::Present(page, call)),
        1 => (page.clone(), any::<u8>()).prop_map(|(page, name)| Step::Rename(page, name)),
        1 => page.clone().prop_map(Step::Exit),
        3 => (page.clone(), 0..4usize).prop_map(|(page, unheard)| Step::Cut(page, unheard)),
        1 => page.clone().prop_map(Step::CatchUp),
        1 => (page.clone(), any::<bool>()).prop_map(|(page, garden)| Step::Move(page, garden)),
        1 => page.prop_map(Step::End),
        3 => (0..5000u64).prop_map(Step::Wait),
        1 => Just(Step::CloseGarden),
        1 => any::<bool>().prop_map(Step::Reload),
    ]
}

/// What a page knows, from what it was told alone.
#[derive(Debug, Default)]
struct Page {
    viewer: Option<u64>,
    room: Option<RoomName>,
    me: Option<ParticipantId>,
    resume: Option<String>,
    people: BTreeMap<ParticipantId, Participant>,
    said: BTreeMap<u64, Said>,
    /// The last number without a gap.
    since: u64,
    sent: u32,
}

impl Page {
    fn hear(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Room(state) => {
                if self.me != Some(state.me) {
                    self.said.clear();
                    self.since = state.history.first().map_or(0, |said| said.seq - 1);
                }
                assert!(!state.more || self.said.is_empty(), "nothing is lost over a resume");
                self.me = Some(state.me);
                self.room = Some(state.name);
                self.resume = Some(state.resume);
                self.people = state.participants.into_iter().map(|someone| (someone.id, someone)).collect();
                assert!(self.people.contains_key(&state.me));
                state.history.into_iter().for_each(|said| self.hear_said(said));
            }
            ServerMessage::Arrived { participant } => {
                assert!(self.people.insert(participant.id, participant).is_none(), "once");
            }
            ServerMessage::Changed { participant } => {
                assert!(self.people.insert(participant.id, participant).is_some(), "somebody who is there");
            }
            ServerMessage::Left { participant, .. } => {
                assert!(self.people.remove(&participant).is_some(), "somebody who is there");
            }
            ServerMessage::Said(said) => self.hear_said(said),
            ServerMessage::History { messages, .. } => {
                messages.into_iter().for_each(|said| self.hear_said(said));
            }
            ServerMessage::RoomOver { .. } => self.forget(),
            ServerMessage::Rooms { .. } | ServerMessage::Error { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn hear_said(&mut self, said: Said) {
        if self.since == 0 && self.said.is_empty() {
            self.since = said.seq - 1;
        }
        if let Some(same) = self.said.get(&said.seq) {
            assert_eq!((&same.id, &same.text), (&said.id, &said.text));
            return;
        }
        assert_eq!(said.seq, self.since + 1, "no gap");
        self.since = said.seq;
        self.said.insert(said.seq, said);
    }

    fn forget(&mut self) {
        *self = Self { viewer: self.viewer, sent: self.sent, ..Self::default() };
    }
}

struct World {
    table: Table,
    pages: Vec<Page>,
    viewers: u64,
    ids: BTreeSet<ParticipantId>,
}

impl World {
    fn new() -> Self {
        let pages = (0..PAGES).map(|_| Page::default()).collect();
        Self { table: Table::new(settings()), pages, viewers: 0, ids: BTreeSet::new() }
    }

    fn ask(&mut self, page: usize, request: Request) {
        if let Some(viewer) = self.pages[page].viewer {
            self.table.ask(viewer, request);
        }
    }

    fn run(&mut self, step: Step) {
        // Faster than this is refused, which another test shows.
        self.table.after(1500);
        match step {
            Step::Connect(page) => {
                let Page { viewer, room, resume, since, .. } = &mut self.pages[page];
                if viewer.is_none() {
                    self.viewers += 1;
                    *viewer = Some(self.viewers);
                    let room = room.as_ref().map(|room| room.as_str().to_owned());
                    let enter = Enter { room, since: Some(*since), resume: resume.clone(), ..enter("x") };
                    self.ask(page, Request::Enter(enter));
                }
            }
            Step::Say(page) => {
                self.pages[page].sent += 1;
                self.say(page);
            }
            Step::SayAgain(page) => self.say(page),
            Step::Present(page, call) => {
                self.ask(page, Request::Presence(Presence { call, ..Presence::default() }));
            }
            Step::Rename(page, name) => self.ask(page, Request::Rename(format!("n{name}"))),
            Step::Exit(page) => {
                self.ask(page, Request::Exit);
                self.hear(page, 0);
                self.pages[page].forget();
            }
            Step::Cut(page, unheard) => {
                self.hear(page, unheard);
                if let Some(viewer) = self.pages[page].viewer.take() {
                    let effects = self.table.rooms.lost(self.table.now, ViewerId(viewer));
                    self.table.take(effects);
                }
            }
            Step::CatchUp(page) => {
                let since = self.pages[page].since.saturating_sub(2);
                self.ask(page, Request::CatchUp(since));
            }
            Step::Move(page, garden) => {
                let room = Some(if garden { "garden" } else { MAIN }.to_owned());
                self.ask(page, Request::Enter(Enter { room, ..enter("x") }));
            }
            Step::End(page) => {
                self.hear(page, 0);
                if let Some(viewer) = self.pages[page].viewer.take() {
                    let effects = self.table.rooms.ended(ViewerId(viewer), LeftReason::Ended);
                    self.table.take(effects);
                }
            }
            Step::Wait(ms) => self.table.after(ms),
            Step::CloseGarden => self.ask(0, Request::Close { name: "garden".into() }),
            Step::Reload(garden) => {
                let names = if garden { settings().names } else { Vec::new() };
                let effects = self.table.rooms.configure(Some(Settings { names, ..settings() }));
                self.table.take(effects);
            }
        }
        let effects = self.table.rooms.tick(self.table.now);
        self.table.take(effects);
        (0..PAGES).for_each(|page| self.hear(page, 0));
        self.check();
    }

    fn say(&mut self, page: usize) {
        let (id, text) = (format!("p{page}-{}", self.pages[page].sent), format!("from {page}"));
        self.ask(page, Request::Say(Say { id, text }));
    }

    /// A page hears all but the last few of what it was told.
    fn hear(&mut self, page: usize, unheard: usize) {
        let Some(viewer) = self.pages[page].viewer else { return };
        let told = self.table.told(viewer);
        let heard = told.len().saturating_sub(unheard);
        told.into_iter().take(heard).for_each(|message| self.pages[page].hear(message));
    }

    fn check(&mut self) {
        let rooms = &self.table.rooms;
        let mut seats = 0;
        for room in &rooms.all {
            let own: BTreeMap<_, _> =
                participants(rooms, &room.name).into_iter().map(|someone| (someone.id, someone)).collect();
            assert!(own.len() <= settings().people && own.len() == room.members.len());
            assert!(room.in_call() <= settings().calls);
            assert!(own.values().all(|someone| someone.colour < 12));
            self.ids.extend(own.keys().copied());
            assert!(room.chat.after(0).0.len() <= 300);
            for page in &self.pages {
                let Some((name, me)) = page.viewer.and_then(|viewer| rooms.seat(ViewerId(viewer))) else {
                    continue;
                };
                if *name != room.name {
                    continue;
                }
                seats += 1;
                assert_eq!((page.room.as_ref(), page.me), (Some(name), Some(me)));
                assert_eq!(page.people, own, "who is there");
                assert_eq!(page.since, room.chat.last(), "all that was said");
                let said: BTreeSet<_> = page.said.values().map(|said| (&said.from, &said.id)).collect();
                assert_eq!(said.len(), page.said.len(), "nothing twice");
            }
        }
        assert_eq!(seats, rooms.seats.len());
        assert!(rooms.rates.len() <= PAGES);
        // Numbers count on: none was given twice.
        assert!(self.ids.last().is_none_or(|last| last.0 <= rooms.last_id));
        let away = rooms.all.iter().flat_map(|room| &room.members).filter_map(|member| member.line.until());
        assert!(away.into_iter().all(|until| until > self.table.now));
    }
}

proptest! {
    #[test]
    fn everybody_s_view_is_the_room_s(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.run(step));
    }

    #[test]
    fn no_order_of_words_breaks_a_name_or_a_text(text in "\\PC{0,60}|(?s).{0,60}") {
        if let Ok(name) = words::name(&text) {
            prop_assert!((1..=40).contains(&name.chars().count()));
            let bad = ['\n', '\u{202e}', '\u{2066}', '\0'];
            prop_assert!(!name.contains(bad));
            prop_assert_eq!(words::name(&name).unwrap(), name);
        }
        if let Ok(said) = words::text(&text) {
            let bad = ['\r', '\u{202e}', '\u{2066}', '\0'];
            prop_assert!(!said.contains(bad));
            prop_assert_eq!(words::text(&said).unwrap(), said);
        }
    }
}
