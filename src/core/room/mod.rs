//! Rooms: who is in which, what they say, and what they pass to each other.
//!
//! A pure machine: [`Rooms`] takes what viewers ask and what happens to their connections, and
//! returns who is told what. A *participant* is one viewer in a room; it outlives the viewer's
//! connection by [`GRACE`], and whoever has its secret goes on as it. Nothing here is kept without
//! a bound: people, rooms, what was said, and how fast each may ask.

mod chat;
mod events;
mod member;
mod moving;
mod rates;
mod request;
mod speaking;
mod words;

pub use events::{Asker, Effect, Moment, Note, Settings, Talk};
pub use member::GRACE;
pub use request::Request;

use super::ids::{ParticipantId, RoomName, ViewerId};
use super::protocol::{ErrorCode, LeftReason, RoomInfo, RoomOverReason, Said, ServerMessage};
use chat::Chat;
use member::{Line, Member};
use rates::Rates;
use std::collections::BTreeMap;
use std::time::Instant;

/// The name of the room of the page `/`.
pub const MAIN: &str = "main";
/// The most rooms there are at once.
pub const MAX_ROOMS: usize = 100;

#[derive(Debug)]
struct Room {
    name: RoomName,
    title: String,
    /// By an admin: no configuration has it.
    made: bool,
    chat: Chat,
    /// In the order in which they came.
    members: Vec<Member>,
}

impl Room {
    fn new(name: RoomName, title: String, made: bool) -> Self {
        Self { name, title, made, chat: Chat::default(), members: Vec::new() }
    }

    fn member(&self, id: ParticipantId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    fn member_mut(&mut self, id: ParticipantId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.id == id)
    }

    fn in_call(&self) -> usize {
        self.members.iter().filter(|member| member.presence.call).count()
    }

    /// Tells everybody whose connection stands, but `but`.
    fn tell(&self, but: Option<ParticipantId>, message: &ServerMessage, effects: &mut Vec<Effect>) {
        let others = self.members.iter().filter(|member| Some(member.id) != but);
        effects
            .extend(others.filter_map(|member| Some(Effect::Tell(member.line.viewer()?, message.clone()))));
    }

    fn tell_changed(&self, id: ParticipantId, effects: &mut Vec<Effect>) {
        if let Some(member) = self.member(id) {
            self.tell(None, &ServerMessage::Changed { participant: member.info() }, effects);
        }
    }

    /// Takes somebody out and tells the others.
    fn remove(&mut self, id: ParticipantId, reason: LeftReason, effects: &mut Vec<Effect>) {
        let Some(at) = self.members.iter().position(|member| member.id == id) else { return };
        let member = self.members.remove(at);
        self.tell(None, &ServerMessage::Left { participant: id, reason }, effects);
        let room = self.name.clone();
        effects.push(Effect::Note(Note::Left { who: member.who, room, participant: id, reason }));
    }

    /// It is to be no more: tells everybody in it.
    fn close(self, effects: &mut Vec<Effect>) {
        let message = "This room was closed.".to_owned();
        self.tell(None, &ServerMessage::RoomOver { reason: RoomOverReason::Closed, message }, effects);
        effects.extend(self.members.into_iter().map(|member| {
            let (room, reason) = (self.name.clone(), LeftReason::Ended);
            Effect::Note(Note::Left { who: member.who, room, participant: member.id, reason })
        }));
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Rooms {
    /// `None`: there are none.
    settings: Option<Settings>,
    all: Vec<Room>,
    last_id: u32,
    /// Where each viewer is.
    seats: BTreeMap<ViewerId, (RoomName, ParticipantId)>,
    rates: BTreeMap<ViewerId, Rates>,
}

impl Rooms {
    /// Takes over what is configured: rooms that are no more are closed, and nobody else is touched.
    pub fn configure(&mut self, settings: Option<Settings>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let before = self.titles();
        let wanted: Vec<(RoomName, String)> = settings.iter().flat_map(Settings::rooms).collect();
        let mut former = std::mem::take(&mut self.all);
        for (name, title) in wanted {
            let there = former.iter().position(|room| room.name == name).map(|at| former.remove(at));
            self.all.push(match there {
                Some(room) => Room { title, made: false, ..room },
                None => Room::new(name, title, false),
            });
        }
        let (made, over): (Vec<_>, Vec<_>) =
            former.into_iter().partition(|room| room.made && settings.is_some());
        self.all.extend(made);
        for room in over {
            self.seats.retain(|_, (name, _)| *name != room.name);
            room.close(&mut effects);
        }
        self.settings = settings;
        self.review_rights(&mut effects);
        if before != self.titles() {
            effects.push(Effect::TellAll(ServerMessage::Rooms { rooms: self.infos() }));
        }
        effects
    }

    /// Who may talk is asked again of everybody.
    fn review_rights(&mut self, effects: &mut Vec<Effect>) {
        let Some(settings) = &self.settings else { return };
        for room in &mut self.all {
            let members = room.members.iter_mut();
            let changed: Vec<_> = members
                .filter_map(|member| member.allow(settings.may_talk(member.role)).then_some(member.id))
                .collect();
            for id in changed {
                room.tell_changed(id, effects);
            }
        }
    }

    /// What was said in an earlier run of the daemon. Nobody has said anything there since.
    pub fn restore(&mut self, name: &RoomName, said: Vec<Said>) {
        if let Some(room) = self.all.iter_mut().find(|room| room.name == *name)
            && room.chat.is_new()
        {
            room.chat = Chat::restored(said);
        }
    }

    /// What is to be kept of a room over a restart; nothing of one that an admin has made.
    #[must_use]
    pub fn kept(&self, name: &RoomName) -> Option<Vec<Said>> {
        let count = self.settings.as_ref()?.history;
        let room = self.all.iter().find(|room| room.name == *name && !room.made)?;
        Some(room.chat.latest(count).to_vec())
    }

    /// Every room, `main` first.
    #[must_use]
    pub fn infos(&self) -> Vec<RoomInfo> {
        let info = |room: &Room| RoomInfo {
            name: room.name.clone(),
            title: room.title.clone(),
            people: room.members.len(),
        };
        self.all.iter().map(info).collect()
    }

    fn titles(&self) -> Vec<(RoomName, String)> {
        self.all.iter().map(|room| (room.name.clone(), room.title.clone())).collect()
    }

    /// Where a viewer is, and as whom.
    #[must_use]
    pub fn seat(&self, viewer: ViewerId) -> Option<(&RoomName, ParticipantId)> {
        self.seats.get(&viewer).map(|(room, id)| (room, *id))
    }

    /// By which connection a participant is there, if it stands.
    #[must_use]
    pub fn viewer_of(&self, id: ParticipantId) -> Option<ViewerId> {
        self.all.iter().find_map(|room| room.member(id))?.line.viewer()
    }

    /// When [`Rooms::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.all.iter().flat_map(|room| &room.members).filter_map(|member| member.line.until()).min()
    }

    /// Gives up those who have been away for too long.
    pub fn tick(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        for room in &mut self.all {
            let over = |member: &&Member| member.line.until().is_some_and(|until| now >= until);
            let lost: Vec<_> = room.members.iter().filter(over).map(|member| member.id).collect();
            for id in lost {
                room.remove(id, LeftReason::Lost, &mut effects);
            }
        }
        effects
    }

    /// A viewer's connection has ended, and may come back.
    pub fn lost(&mut self, now: Instant, viewer: ViewerId) -> Vec<Effect> {
        let mut effects = Vec::new();
        let rates = self.rates.remove(&viewer);
        if let Some((name, id)) = self.seats.remove(&viewer)
            && let Some(room) = self.all.iter_mut().find(|room| room.name == name)
            && let Some(member) = room.member_mut(id)
        {
            member.rates = rates;
            member.line = Line::Away { until: now + GRACE };
            room.tell_changed(id, &mut effects);
        }
        effects
    }

    /// A viewer's session has ended for good.
    pub fn ended(&mut self, viewer: ViewerId, reason: LeftReason) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.rates.remove(&viewer);
        self.vacate(viewer, reason, &mut effects);
        effects
    }

    /// Who is to be shown the camera of this viewer, where it comes by the WebSocket: the others of the
    /// call that it is in; and as whose.
    #[must_use]
    pub fn shown_camera(&self, viewer: ViewerId) -> Option<(ParticipantId, Vec<ViewerId>)> {
        let (name, id) = self.seats.get(&viewer)?;
        let room = self.all.iter().find(|room| room.name == *name)?;
        let sends = |member: &Member| member.presence.call && member.presence.camera;
        room.member(*id).filter(|member| sends(member))?;
        let others = room.members.iter().filter(|member| member.id != *id && member.presence.call);
        Some((*id, others.filter_map(|member| member.line.viewer()).collect()))
    }

    /// A participant's camera comes by the WebSocket, until it is turned off.
    pub fn pictures(&mut self, viewer: ViewerId) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some((name, id)) = self.seats.get(&viewer)
            && let Some(room) = self.all.iter_mut().find(|room| room.name == *name)
            && let Some(member) = room.member_mut(*id)
            && !member.pictures
        {
            member.pictures = true;
            room.tell_changed(*id, &mut effects);
        }
        effects
    }

    /// Does what a viewer asks, or tells it why not.
    pub fn handle(&mut self, moment: Moment, asker: Asker<'_>, request: Request) -> Vec<Effect> {
        let mut effects = Vec::new();
        let rates = self.rates.entry(asker.viewer).or_insert_with(Rates::new);
        match rates.take(moment.now, &request) {
            Ok(()) => self.ask(moment, &asker, request, &mut effects).unwrap_or_else(|refusal| {
                refusal.tell(asker.viewer, &mut effects);
            }),
            Err(Some(refusal)) => refusal.tell(asker.viewer, &mut effects),
            // Dropped without a word.
            Err(None) => {}
        }
        self.go_on_with_rates(moment.now, asker.viewer);
        effects
    }

    /// Who has just come back as a participant goes on with what that had asked for.
    fn go_on_with_rates(&mut self, now: Instant, viewer: ViewerId) {
        if let Some((room, id)) = self.place(viewer).ok()
            && let Some(former) = room.member_mut(id).and_then(|member| member.rates.take())
            && let Some(rates) = self.rates.get_mut(&viewer)
        {
            rates.add(now, &former);
        }
    }

    fn ask(
        &mut self,
        moment: Moment,
        asker: &Asker<'_>,
        request: Request,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        match request {
            Request::Enter(enter) => {
                let room = enter.room.as_deref().unwrap_or(MAIN);
                let room = self.all.iter().find(|there| there.name.as_str() == room);
                let room = room.map(|room| room.name.clone());
                let entered = self.enter(asker, enter, effects);
                if let Err(Refusal { code, .. }) = entered {
                    let who = asker.principal.who.clone();
                    effects.push(Effect::Note(Note::Refused { viewer: asker.viewer, who, room, code }));
                }
                entered
            }
            Request::Exit => {
                self.place(asker.viewer)?;
                self.vacate(asker.viewer, LeftReason::Left, effects);
                Ok(())
            }
            Request::Rename(name) => self.rename(asker.viewer, &name, effects),
            Request::Say(say) => self.say(moment, asker.viewer, say, effects),
            Request::CatchUp(since) => self.catch_up(asker.viewer, since, effects),
            Request::Point(point) => self.point(asker.viewer, point, effects),
            Request::Presence(presence) => self.presence(asker, presence, effects),
            Request::Signal(to, body) => self.signal(asker.viewer, to, body, effects),
            Request::Make { name, title } => self.make(asker, &name, title, effects),
            Request::Close { name } => self.close(asker, &name, effects),
        }
    }

    /// The room that a viewer is in, and who it is there.
    fn place(&mut self, viewer: ViewerId) -> Result<(&mut Room, ParticipantId), Refusal> {
        let not_in_room = || Refusal::new(ErrorCode::NotInRoom, "You are in no room.");
        let (name, id) = self.seats.get(&viewer).ok_or_else(not_in_room)?;
        let room = self.all.iter_mut().find(|room| room.name == *name).ok_or_else(not_in_room)?;
        Ok((room, *id))
    }

    fn vacate(&mut self, viewer: ViewerId, reason: LeftReason, effects: &mut Vec<Effect>) {
        if let Some((name, id)) = self.seats.remove(&viewer)
            && let Some(room) = self.all.iter_mut().find(|room| room.name == name)
        {
            room.remove(id, reason, effects);
        }
    }
}

/// Why something is not done. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    code: ErrorCode,
    message: String,
}

impl Refusal {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn tell(self, viewer: ViewerId, effects: &mut Vec<Effect>) {
        let Self { code, message } = self;
        effects.push(Effect::Tell(viewer, ServerMessage::Error { code, message }));
    }
}

#[cfg(test)]
mod tests;
