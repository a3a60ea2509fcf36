//! What those who are in a room say, do, and pass to each other.

use super::chat::pieces;
use super::member::Sent;
use super::{Asker, Effect, Moment, Note, Refusal, Rooms, words};
use crate::core::ids::{ParticipantId, ViewerId};
use crate::core::protocol::{ErrorCode, Point, Presence, Said, Say, ServerMessage, SignalBody};

impl Rooms {
    pub(super) fn rename(
        &mut self,
        viewer: ViewerId,
        name: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (room, id) = self.place(viewer)?;
        let name = words::name(name)?;
        if let Some(member) = room.member_mut(id)
            && member.name != name
        {
            member.name = name;
            room.tell_changed(id, effects);
        }
        Ok(())
    }

    pub(super) fn say(
        &mut self,
        moment: Moment,
        viewer: ViewerId,
        say: Say,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let history = self.settings.as_ref().map_or(0, |settings| settings.history);
        let (room, id) = self.place(viewer)?;
        let Some(at) = room.members.iter().position(|member| member.id == id) else { return Ok(()) };
        let Some(member) = room.members.get_mut(at) else { return Ok(()) };
        member.check_talk()?;
        let (name, text) = (words::message_id(say.id)?, words::text(&say.text)?);
        let said = Said {
            seq: room.chat.last() + 1,
            id: name.clone(),
            from: id,
            name: member.name.clone(),
            colour: member.colour,
            time_ms: moment.time_ms,
            text,
        };
        // What it has said already it alone is told once more, in its own words of now.
        if let Some(sent) = member.sent.iter().find(|sent| sent.id == name) {
            let again = Said { seq: sent.seq, time_ms: sent.time_ms, ..said };
            effects.push(Effect::Tell(viewer, ServerMessage::Said(again)));
            return Ok(());
        }
        if let Some(earlier) = room.chat.said_before_start(&said) {
            effects.push(Effect::Tell(viewer, ServerMessage::Said(earlier.clone())));
            return Ok(());
        }
        member.remember(Sent { id: name, seq: said.seq, time_ms: said.time_ms });
        room.tell(None, &ServerMessage::Said(said.clone()), effects);
        room.chat.push(said, history);
        effects.push(Effect::Keep(room.name.clone()));
        Ok(())
    }

    pub(super) fn catch_up(
        &mut self,
        viewer: ViewerId,
        since: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (room, id) = self.place(viewer)?;
        let floor = room.member(id).map_or(0, |member| member.floor);
        let (said, lost) = room.chat.after(since.max(floor));
        let mut more = lost || since < floor;
        let mut pieces = pieces(said.to_vec());
        if pieces.is_empty() {
            pieces.push(Vec::new());
        }
        for messages in pieces {
            effects.push(Effect::Tell(viewer, ServerMessage::History { messages, more }));
            more = false;
        }
        Ok(())
    }

    pub(super) fn point(
        &mut self,
        viewer: ViewerId,
        at: Point,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (room, from) = self.place(viewer)?;
        if let Some(member) = room.member(from) {
            member.check_talk()?;
        }
        let is_inside = |part: f64| (0.0..=1.0).contains(&part);
        let is_sound = match &at {
            Point { source: Some(_), x: Some(x), y: Some(y) } => is_inside(*x) && is_inside(*y),
            Point { source: None, x: None, y: None } => true,
            Point { .. } => false,
        };
        if !is_sound {
            let message = "A pointer has a source and x and y from 0 to 1, or none of them.";
            return Err(Refusal::new(ErrorCode::BadText, message));
        }
        room.tell(Some(from), &ServerMessage::Pointed { from, at }, effects);
        Ok(())
    }

    pub(super) fn presence(
        &mut self,
        asker: &Asker<'_>,
        presence: Presence,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let calls = self.settings.as_ref().map_or(0, |settings| settings.calls);
        let (room, id) = self.place(asker.viewer)?;
        let in_call = room.in_call();
        let name = room.name.clone();
        let Some(member) = room.member_mut(id) else { return Ok(()) };
        if presence.call || presence.camera || presence.microphone || presence.screen {
            member.check_talk()?;
        }
        if presence.call && !member.presence.call && in_call >= calls {
            let (who, code) = (asker.principal.who.clone(), ErrorCode::CallFull);
            effects.push(Effect::Note(Note::Refused { viewer: asker.viewer, who, room: Some(name), code }));
            let message = format!("As many people as are allowed ({calls}) are in this room's call.");
            return Err(Refusal::new(code, message));
        }
        if member.presence != presence {
            member.presence = presence;
            room.tell_changed(id, effects);
        }
        Ok(())
    }

    pub(super) fn signal(
        &mut self,
        viewer: ViewerId,
        to: ParticipantId,
        body: SignalBody,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (room, from) = self.place(viewer)?;
        if let Some(member) = room.member(from) {
            member.check_talk()?;
        }
        words::check_signal(&body)?;
        let there = room.member(to).filter(|member| member.id != from);
        let Some(whom) = there.and_then(|member| member.line.viewer()) else {
            let message = format!("There is no participant {to} in this room, or their connection is lost.");
            return Err(Refusal::new(ErrorCode::UnknownParticipant, message));
        };
        effects.push(Effect::Tell(whom, ServerMessage::Signal { from, body }));
        Ok(())
    }
}
