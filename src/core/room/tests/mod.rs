//! The rooms by example: who is told what.

mod properties;
mod rates;
mod returning;

use super::*;
use crate::core::ids::SourceName;
use crate::core::principal::{AccountName, Principal, Rights, Role, Who};
use crate::core::protocol::{
    DescriptionType, Enter, Participant, Point, Presence, RoomState, Say, SignalBody,
};
use std::time::Duration;

fn settings() -> Settings {
    Settings {
        title: "Room".into(),
        names: vec![RoomName::new("garden").unwrap()],
        talk: Talk::Everybody,
        people: 4,
        calls: 2,
        history: 3,
        files_mib: 100,
    }
}

/// Rooms, a clock, and what each viewer was told and has not looked at.
struct Table {
    rooms: Rooms,
    now: Instant,
    secrets: u32,
    told: BTreeMap<ViewerId, Vec<ServerMessage>>,
    notes: Vec<Note>,
    kept: usize,
}

impl Table {
    fn new(settings: Settings) -> Self {
        let mut rooms = Rooms::default();
        rooms.configure(Some(settings));
        let (told, notes) = (BTreeMap::new(), Vec::new());
        Self { rooms, now: Instant::now(), secrets: 0, told, notes, kept: 0 }
    }

    fn ask_as(&mut self, viewer: u64, principal: &Principal, request: Request) {
        self.secrets += 1;
        let secret = format!("secret-{}", self.secrets);
        let moment = Moment { now: self.now, time_ms: 1000.0 };
        let asker = Asker { viewer: ViewerId(viewer), principal, secret };
        let effects = self.rooms.handle(moment, asker, request);
        self.take(effects);
    }

    fn ask(&mut self, viewer: u64, request: Request) {
        self.ask_as(viewer, &Principal::anyone(Rights::All), request);
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell(viewer, message) => self.told.entry(viewer).or_default().push(message),
                Effect::TellAll(message) => {
                    self.told.values_mut().for_each(|told| told.push(message.clone()));
                }
                Effect::Keep(_) => self.kept += 1,
                Effect::Note(note) => self.notes.push(note),
            }
        }
    }

    fn after(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn tick(&mut self) {
        let effects = self.rooms.tick(self.now);
        self.take(effects);
    }

    fn lost(&mut self, viewer: u64) {
        let effects = self.rooms.lost(self.now, ViewerId(viewer));
        self.take(effects);
    }

    fn told(&mut self, viewer: u64) -> Vec<ServerMessage> {
        self.told.insert(ViewerId(viewer), Vec::new()).unwrap_or_default()
    }

    /// What was told, each in a word or two.
    fn words(&mut self, viewer: u64) -> Vec<String> {
        self.told(viewer).iter().map(word).collect()
    }

    fn entered(&mut self, viewer: u64, enter: Enter) -> RoomState {
        self.told(viewer);
        self.ask(viewer, Request::Enter(enter));
        self.told(viewer)
            .into_iter()
            .find_map(|message| match message {
                ServerMessage::Room(state) => Some(*state),
                _ => None,
            })
            .expect("a room")
    }

    /// Comes into `main` by that name; nobody has anything to look at then.
    fn come(&mut self, viewer: u64, name: &str) -> RoomState {
        let state = self.entered(viewer, enter(name));
        self.told.values_mut().for_each(Vec::clear);
        state
    }

    fn say(&mut self, viewer: u64, id: &str, text: &str) {
        self.ask(viewer, Request::Say(Say { id: id.into(), text: text.into() }));
    }

    fn call(&mut self, viewer: u64, call: bool) {
        self.ask(viewer, Request::Presence(Presence { call, ..Presence::default() }));
    }
}

fn enter(name: &str) -> Enter {
    Enter { name: Some(name.into()), ..Enter::default() }
}

fn word(message: &ServerMessage) -> String {
    match message {
        ServerMessage::Room(state) => format!("room {} as {}", state.name, state.me),
        ServerMessage::Arrived { participant } => format!("arrived {}", participant.name),
        ServerMessage::Changed { participant } => {
            let Participant { name, presence, away, .. } = participant;
            let call = if presence.call { " calls" } else { "" };
            format!("changed {name}{call}{}", if *away { " away" } else { "" })
        }
        ServerMessage::Left { participant, reason } => format!("left {participant} {reason:?}"),
        ServerMessage::Said(said) => format!("said {} {}", said.seq, said.text),
        ServerMessage::History { messages, more } => {
            let numbers: Vec<_> = messages.iter().map(|said| said.seq).collect();
            format!("history {numbers:?}{}", if *more { " more" } else { "" })
        }
        ServerMessage::Pointed { from, .. } => format!("pointed {from}"),
        ServerMessage::Signal { from, .. } => format!("signal {from}"),
        ServerMessage::Rooms { rooms } => format!("rooms {}", rooms.len()),
        ServerMessage::RoomOver { reason, .. } => format!("over {reason:?}"),
        ServerMessage::Error { code, .. } => format!("error {code:?}"),
        other => format!("{other:?}"),
    }
}

fn bye() -> SignalBody {
    SignalBody::Bye { session: "s".into() }
}

/// Everybody in a room, in the order in which they came.
fn participants(rooms: &Rooms, name: &RoomName) -> Vec<Participant> {
    let room = rooms.all.iter().find(|room| room.name == *name);
    room.map(|room| room.members.iter().map(Member::info).collect()).unwrap_or_default()
}

#[test]
fn three_see_each_other_come_talk_and_go() {
    let mut table = Table::new(settings());
    let ana = table.entered(1, enter("Ana"));
    assert_eq!((ana.participants.len(), ana.me, ana.more), (1, ParticipantId(1), false));
    let bert = table.entered(2, enter("Bert"));
    assert_eq!(bert.participants.len(), 2);
    assert_ne!(bert.participants[0].colour, bert.participants[1].colour);
    table.entered(3, Enter::default());
    assert_eq!(table.words(1), ["arrived Bert", "arrived Guest 1"]);
    assert_eq!(table.words(2), ["arrived Guest 1"]);
    table.say(2, "m1", "Hello");
    for viewer in 1..=3 {
        assert_eq!(table.words(viewer), ["said 1 Hello"]);
    }
    table.ask(3, Request::Rename("Carla".into()));
    table.ask(3, Request::Rename("Carla".into()));
    assert_eq!(table.words(3), ["changed Carla"]);
    table.ask(3, Request::Exit);
    assert_eq!(table.words(1), ["changed Carla", "left 3 Left"]);
    assert!(table.words(3).is_empty());
    table.ask(3, Request::Exit);
    assert_eq!(table.words(3), ["error NotInRoom"]);
    // A number is never used again, a free colour is.
    let dora = table.entered(4, enter("Dora"));
    assert_eq!((dora.me, dora.participants[2].colour), (ParticipantId(4), 2));
}

#[test]
fn what_is_said_twice_is_said_once() {
    let mut table = Table::new(settings());
    let ana = table.come(1, "Ana");
    table.come(2, "Bert");
    table.say(1, "m1", "Hello");
    table.say(1, "m1", "Hello");
    assert_eq!(table.words(1), ["said 1 Hello", "said 1 Hello"]);
    table.say(2, "m1", "Hello");
    assert_eq!(table.words(2), ["said 1 Hello", "said 2 Hello"], "an id is the sender's own");
    table.told(1);
    table.lost(1);
    table.entered(3, Enter { resume: Some(ana.resume), ..enter("Ana") });
    table.say(3, "m1", "Hello");
    assert_eq!(table.words(3), ["said 1 Hello"]);
    table.told(2);
    table.say(3, "m2", "World");
    assert_eq!(table.words(2), ["said 3 World"]);
    assert_eq!(table.kept, 3);
}

#[test]
fn what_was_said_before_a_restart_goes_on() {
    let mut table = Table::new(settings());
    table.come(1, "Ana");
    table.say(1, "m1", "Hello");
    table.say(1, "m2", "World");
    let main = RoomName::new(MAIN).unwrap();
    let kept = table.rooms.kept(&main).unwrap();
    let mut table = Table::new(settings());
    table.rooms.restore(&main, kept.clone());
    let ana = table.entered(1, enter("Ana"));
    assert_eq!(ana.history.len(), 2);
    assert!(ana.history.iter().all(|said| said.from == ParticipantId(0)));
    // Its sender has not heard that it was said.
    table.say(1, "m2", "World");
    table.say(1, "m3", "!");
    assert_eq!(table.words(1), ["said 2 World", "said 3 !"]);
    table.rooms.restore(&main, kept);
    assert_eq!(table.rooms.kept(&main).unwrap().len(), 3, "not twice");
}

#[test]
fn people_and_calls_are_counted() {
    let mut table = Table::new(settings());
    for viewer in 1..=4 {
        table.come(viewer, "x");
    }
    table.ask(5, Request::Enter(enter("x")));
    assert_eq!(table.words(5), ["error RoomFull"]);
    for viewer in 1..=3 {
        table.call(viewer, true);
    }
    assert_eq!(table.words(3), ["changed x calls", "changed x calls", "error CallFull"]);
    assert!(table.notes.iter().any(|note| matches!(note, Note::Refused { code: ErrorCode::CallFull, .. })));
    // Who is in it may go on saying so.
    table.call(1, true);
    // One who is away has its place; one who is gone has not.
    table.lost(1);
    table.call(3, true);
    assert_eq!(table.words(3).last().unwrap(), "error CallFull");
    table.after(4000);
    table.tick();
    table.told(3);
    table.call(3, true);
    assert_eq!(table.words(3), ["changed x calls"]);
    table.entered(5, enter("x"));
    // To come again by the same connection takes no second place.
    table.entered(5, enter("y"));
    assert_eq!(table.rooms.infos()[0].people, 4);
}

#[test]
fn signals_go_to_one_other_of_the_same_room() {
    let mut table = Table::new(settings());
    let (ana, bert) = (table.come(1, "Ana"), table.come(2, "Bert"));
    let garden = Enter { room: Some("garden".into()), ..enter("Carl") };
    let carl = table.entered(3, garden);
    table.come(4, "Dora");
    let signal = |to: ParticipantId| Request::Signal(to, bye());
    table.ask(1, signal(bert.me));
    assert_eq!(table.words(2), ["signal 1"]);
    assert!(table.words(1).is_empty() && table.words(4).is_empty());
    for to in [carl.me, ana.me, ParticipantId(0), ParticipantId(4711)] {
        table.ask(1, signal(to));
        assert_eq!(table.words(1), ["error UnknownParticipant"], "{to}");
    }
    table.lost(2);
    table.told(1);
    table.ask(1, signal(bert.me));
    assert_eq!(table.words(1), ["error UnknownParticipant"]);
    let sdp = "x".repeat(49_153);
    let huge = SignalBody::Description { description_type: DescriptionType::Offer, sdp, session: "s".into() };
    table.ask(1, Request::Signal(ParticipantId(4), huge));
    assert_eq!(table.words(1), ["error BadText"]);
    table.ask(9, signal(ana.me));
    assert_eq!(table.words(9), ["error NotInRoom"]);
    assert!(table.words(3).is_empty());
}

#[test]
fn where_talk_is_for_participants_viewers_only_read() {
    let mut table = Table::new(Settings { talk: Talk::Participants, ..settings() });
    let ana = table.entered(1, enter("Ana"));
    assert!(!ana.may_talk && !ana.participants[0].may_talk);
    let participant = Principal { role: Role::Participant, ..Principal::anyone(Rights::All) };
    table.ask_as(2, &participant, Request::Enter(enter("Bert")));
    table.told(1);
    table.say(1, "m1", "Hello");
    table.call(1, true);
    table.ask(1, Request::Signal(ParticipantId(2), bye()));
    table.ask(1, Request::Point(Point::default()));
    assert_eq!(table.words(1), ["error MayNotTalk"; 4]);
    table.ask(1, Request::Presence(Presence { hand: true, ..Presence::default() }));
    table.ask(1, Request::Rename("Anna".into()));
    table.say(2, "m1", "Hello");
    assert_eq!(table.words(1), ["changed Ana", "changed Anna", "said 1 Hello"]);
    // The configuration changes under them.
    let effects = table.rooms.configure(Some(settings()));
    table.take(effects);
    table.say(1, "m1", "Now");
    table.call(1, true);
    assert_eq!(table.words(1), ["changed Anna", "said 2 Now", "changed Anna calls"]);
    let effects = table.rooms.configure(Some(Settings { talk: Talk::Participants, ..settings() }));
    table.take(effects);
    assert_eq!(table.words(1), ["changed Anna"], "and is in no call any more");
}

#[test]
fn admins_make_rooms_and_close_them() {
    let mut table = Table::new(settings());
    table.come(1, "Ana");
    let make = |name: &str| Request::Make { name: name.into(), title: Some("The attic".into()) };
    table.ask(1, make("attic"));
    assert_eq!(table.words(1), ["rooms 3"]);
    for (name, code) in [("attic", "BadName"), ("main", "BadName"), ("A B", "BadName"), ("", "BadName")] {
        table.ask(1, make(name));
        assert_eq!(table.words(1), [format!("error {code}")], "{name}");
        table.after(1000);
    }
    let attic = table.entered(2, Enter { room: Some("attic".into()), ..enter("Bert") });
    assert_eq!((attic.title.as_str(), attic.rooms.len()), ("The attic", 3));
    table.say(2, "m1", "x");
    assert_eq!(table.rooms.kept(&attic.name), None, "nothing of it is kept");
    // A reload leaves it, and closes what is not configured any more.
    let fewer = Settings { names: Vec::new(), ..settings() };
    table.told(2);
    let effects = table.rooms.configure(Some(fewer));
    table.take(effects);
    assert_eq!(table.words(2), ["rooms 2"]);
    table.ask(1, Request::Close { name: "attic".into() });
    assert_eq!(table.words(2), ["over Closed", "rooms 1"]);
    table.say(2, "m2", "x");
    assert_eq!(table.words(2), ["error NotInRoom"]);
    table.told(1);
    table.ask(1, Request::Close { name: "attic".into() });
    table.ask(1, Request::Close { name: "main".into() });
    assert_eq!(table.words(1), ["error UnknownRoom", "error BadName"]);
    let effects = table.rooms.configure(None);
    table.take(effects);
    assert_eq!(table.words(1), ["over Closed", "rooms 0"]);
    table.ask(1, Request::Enter(Enter::default()));
    table.ask(1, make("attic"));
    assert_eq!(table.words(1), ["error UnknownRoom"; 2]);
}

#[test]
fn moving_to_another_room_leaves_the_first() {
    let mut table = Table::new(settings());
    let (ana, _bert) = (table.come(1, "Ana"), table.come(2, "Bert"));
    let to = |room: &str| Enter { room: Some(room.into()), ..enter("Ana") };
    for unknown in ["nowhere", "A/B", "", &"x".repeat(5000)] {
        table.ask(1, Request::Enter(to(unknown)));
        assert_eq!(table.words(1), ["error UnknownRoom"]);
        table.after(1000);
    }
    assert!(table.words(2).is_empty());
    table.entered(1, to("garden"));
    assert_eq!(table.words(2), ["left 1 Left"]);
    assert_eq!(table.rooms.seat(ViewerId(1)).unwrap().0.as_str(), "garden");
    // Its former self is gone for good.
    assert_ne!(table.entered(3, Enter { resume: Some(ana.resume), ..enter("Ana") }).me, ana.me);
}

#[test]
fn accounts_come_by_their_name_and_guests_by_a_number() {
    let mut table = Table::new(settings());
    let anna = Principal {
        who: Who::Account(AccountName::new("anna").unwrap()),
        name: Some("anna".into()),
        ..Principal::anyone(Rights::All)
    };
    table.ask_as(1, &anna, Request::Enter(Enter::default()));
    let names = |state: &RoomState| {
        state.participants.iter().map(|participant| participant.name.clone()).collect::<Vec<_>>()
    };
    table.entered(2, Enter::default());
    table.entered(3, Enter::default());
    table.ask(2, Request::Exit);
    let last = table.entered(4, Enter::default());
    assert_eq!(names(&last), ["anna", "Guest 2", "Guest 1"]);
    table.ask(5, Request::Enter(enter("\u{202e}")));
    assert_eq!(table.words(5), ["error BadName"]);
}

#[test]
fn a_camera_by_pictures_is_for_the_others_of_the_call() {
    let mut table = Table::new(settings());
    let [ana, bert] = [(1, "Ana"), (2, "Bert")].map(|(viewer, name)| table.come(viewer, name).me);
    table.come(3, "Carla");
    assert_eq!(table.rooms.shown_camera(ViewerId(1)), None, "it is in no call");
    let calling = |camera| Request::Presence(Presence { call: true, camera, ..Presence::default() });
    table.ask(1, calling(true));
    table.ask(2, calling(false));
    assert_eq!(table.rooms.shown_camera(ViewerId(1)), Some((ana, vec![ViewerId(2)])));
    assert_eq!(table.rooms.shown_camera(ViewerId(2)), None, "its camera is off");
    let effects = table.rooms.pictures(ViewerId(1));
    assert_eq!(effects.len(), 3, "all are told, once");
    assert!(table.rooms.pictures(ViewerId(1)).is_empty());
    let pictures = |table: &Table| {
        let all = participants(&table.rooms, &RoomName::new(MAIN).unwrap());
        all.into_iter().filter(|one| one.pictures).map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(pictures(&table), [ana]);
    table.ask(1, calling(false));
    assert!(pictures(&table).is_empty() && bert != ana);
}

#[test]
fn a_session_that_has_ended_leaves_at_once() {
    let mut table = Table::new(settings());
    table.come(1, "Ana");
    table.come(2, "Bert");
    let effects = table.rooms.ended(ViewerId(1), LeftReason::Ended);
    table.take(effects);
    assert_eq!(table.words(2), ["left 1 Ended"]);
    table.lost(1);
    assert!(table.words(2).is_empty());
    let left = |note: &&Note| matches!(note, Note::Left { reason: LeftReason::Ended, .. });
    assert_eq!(table.notes.iter().filter(left).count(), 1);
}
