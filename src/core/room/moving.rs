//! Coming into rooms, going on as somebody, and rooms that admins make and close.

use super::chat::pieces;
use super::member::{Line, Member, colour, guest_name, is_secret};
use super::{Asker, Effect, MAIN, MAX_ROOMS, Note, Refusal, Room, Rooms, words};
use crate::core::ids::{ParticipantId, RoomName};
use crate::core::protocol::{
    Enter, ErrorCode, LeftReason, Presence, RoomOverReason, RoomState, Said, ServerMessage,
};
use std::collections::VecDeque;

impl Rooms {
    pub(super) fn enter(
        &mut self,
        asker: &Asker<'_>,
        enter: Enter,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let wanted = enter.room.as_deref().unwrap_or(MAIN);
        let unknown = || Refusal::new(ErrorCode::UnknownRoom, "There is no such room here.");
        let at = self.all.iter().position(|room| room.name.as_str() == wanted).ok_or_else(unknown)?;
        let name = enter.name.as_deref().map(words::name).transpose()?;
        let resumed = enter.resume.as_deref().and_then(|secret| self.resumable(at, asker, secret));
        match resumed {
            Some(id) => self.go_on(at, id, asker, name, enter.since.unwrap_or(0), effects),
            None => self.come_in(at, asker, name, effects),
        }
    }

    /// Who it is that has this secret, and is who has come now.
    fn resumable(&self, at: usize, asker: &Asker<'_>, secret: &str) -> Option<ParticipantId> {
        let mut members = self.all.get(at)?.members.iter();
        let same = |member: &&Member| is_secret(secret, &member.secret) && member.who == asker.principal.who;
        members.find(same).map(|member| member.id)
    }

    fn go_on(
        &mut self,
        at: usize,
        id: ParticipantId,
        asker: &Asker<'_>,
        name: Option<String>,
        since: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let here = self.all.get(at).is_some_and(|room| {
            room.member(id).is_some_and(|member| member.line == Line::Here(asker.viewer))
        });
        if !here {
            // Whoever it is elsewhere, it is not any more.
            self.vacate(asker.viewer, LeftReason::Left, effects);
        }
        let (Some(settings), Some(room)) = (&self.settings, self.all.get_mut(at)) else { return Ok(()) };
        let Some(member) = room.member_mut(id) else { return Ok(()) };
        let former = std::mem::replace(&mut member.line, Line::Here(asker.viewer));
        let mut is_other = former.viewer().is_none();
        // Their role may be another since they came, and their connection was ended for that.
        member.role = asker.principal.role;
        is_other |= member.allow(settings.may_talk(member.role));
        if let Some(name) = name
            && name != member.name
        {
            member.name = name;
            is_other = true;
        }
        let (who, floor) = (member.who.clone(), member.floor);
        if let Some(viewer) = former.viewer().filter(|viewer| *viewer != asker.viewer) {
            self.seats.remove(&viewer);
            member.rates = self.rates.remove(&viewer);
            let message = "This page is open elsewhere, and goes on there.".to_owned();
            let over = ServerMessage::RoomOver { reason: RoomOverReason::TakenOver, message };
            effects.push(Effect::Tell(viewer, over));
        }
        let seat = (room.name.clone(), id);
        if is_other && let Some(member) = room.member(id) {
            room.tell(Some(id), &ServerMessage::Changed { participant: member.info() }, effects);
        }
        // A number that is too large is of another run; what was said before one came is not for one then
        // either.
        let since = if since > room.chat.last() { floor } else { since.max(floor) };
        let (said, more) = room.chat.after(since);
        let (said, note) = (
            said.to_vec(),
            Note::Entered {
                viewer: asker.viewer,
                who,
                room: room.name.clone(),
                participant: id,
                again: true,
            },
        );
        self.seats.insert(asker.viewer, seat);
        effects.push(Effect::Note(note));
        self.show(at, id, asker, said, more, effects);
        Ok(())
    }

    fn come_in(
        &mut self,
        at: usize,
        asker: &Asker<'_>,
        name: Option<String>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let Some(settings) = &self.settings else { return Ok(()) };
        let (people, history) = (settings.people, settings.history);
        let principal = asker.principal;
        let may_talk = settings.may_talk(principal.role);
        let Some(room) = self.all.get(at) else { return Ok(()) };
        let own = self.seats.get(&asker.viewer).is_some_and(|(name, _)| *name == room.name);
        if room.members.len() - usize::from(own) >= people {
            let message = format!("As many people as are allowed ({people}) are in this room.");
            return Err(Refusal::new(ErrorCode::RoomFull, message));
        }
        self.vacate(asker.viewer, LeftReason::Left, effects);
        self.last_id += 1;
        let id = ParticipantId(self.last_id);
        let Some(room) = self.all.get_mut(at) else { return Ok(()) };
        let given = || principal.name.as_deref().and_then(|name| words::name(name).ok());
        let said = room.chat.latest(history).to_vec();
        let floor = said.first().map_or(room.chat.last(), |said| said.seq - 1);
        let member = Member {
            id,
            who: principal.who.clone(),
            role: principal.role,
            secret: asker.secret.clone(),
            name: name.or_else(given).unwrap_or_else(|| guest_name(&room.members)),
            colour: colour(&room.members),
            may_talk,
            presence: Presence::default(),
            pictures: false,
            line: Line::Here(asker.viewer),
            floor,
            rates: None,
            sent: VecDeque::new(),
        };
        room.tell(None, &ServerMessage::Arrived { participant: member.info() }, effects);
        room.members.push(member);
        let (room, who) = (room.name.clone(), principal.who.clone());
        self.seats.insert(asker.viewer, (room.clone(), id));
        let note = Note::Entered { viewer: asker.viewer, who, room, participant: id, again: false };
        effects.push(Effect::Note(note));
        self.show(at, id, asker, said, floor > 0, effects);
        Ok(())
    }

    /// Tells who has come all of the room.
    fn show(
        &self,
        at: usize,
        id: ParticipantId,
        asker: &Asker<'_>,
        said: Vec<Said>,
        more: bool,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(settings), Some(room)) = (&self.settings, self.all.get(at)) else { return };
        let Some(member) = room.member(id) else { return };
        let mut pieces = pieces(said).into_iter();
        let state = RoomState {
            name: room.name.clone(),
            title: room.title.clone(),
            me: id,
            resume: member.secret.clone(),
            may_talk: member.may_talk,
            participants: room.members.iter().map(Member::info).collect(),
            history: pieces.next().unwrap_or_default(),
            more,
            limits: settings.limits(),
            rooms: self.infos(),
        };
        let rest = pieces.map(|messages| ServerMessage::History { messages, more: false });
        let told = std::iter::once(ServerMessage::Room(Box::new(state))).chain(rest);
        effects.extend(told.map(|message| Effect::Tell(asker.viewer, message)));
    }

    pub(super) fn make(
        &mut self,
        asker: &Asker<'_>,
        name: &str,
        title: Option<String>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if self.settings.is_none() {
            let message = "There are no rooms here: the configuration has no [room].";
            return Err(Refusal::new(ErrorCode::UnknownRoom, message));
        }
        let name = RoomName::new(name).map_err(|error| {
            Refusal::new(ErrorCode::BadName, format!("That is no name of a room: {error}."))
        })?;
        if self.all.iter().any(|room| room.name == name) {
            return Err(Refusal::new(ErrorCode::BadName, "There is a room of that name."));
        }
        if self.all.len() >= MAX_ROOMS {
            let message = format!("There are as many rooms as may be: {MAX_ROOMS}.");
            return Err(Refusal::new(ErrorCode::RoomFull, message));
        }
        let title = title.as_deref().map(words::title).transpose()?;
        let title = title.unwrap_or_else(|| words::capitalized(name.as_str()));
        self.all.push(Room::new(name.clone(), title, true));
        effects.push(Effect::Note(Note::Made { who: asker.principal.who.clone(), room: name }));
        effects.push(Effect::TellAll(ServerMessage::Rooms { rooms: self.infos() }));
        Ok(())
    }

    pub(super) fn close(
        &mut self,
        asker: &Asker<'_>,
        name: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let unknown = || Refusal::new(ErrorCode::UnknownRoom, "There is no such room here.");
        let at = self.all.iter().position(|room| room.name.as_str() == name).ok_or_else(unknown)?;
        if name == MAIN {
            return Err(Refusal::new(ErrorCode::BadName, "The room 'main' is not closed."));
        }
        let room = self.all.remove(at);
        let name = room.name.clone();
        self.seats.retain(|_, (there, _)| *there != name);
        room.close(effects);
        effects.push(Effect::Keep(name.clone()));
        effects.push(Effect::Note(Note::Closed { who: asker.principal.who.clone(), room: name }));
        effects.push(Effect::TellAll(ServerMessage::Rooms { rooms: self.infos() }));
        Ok(())
    }
}
