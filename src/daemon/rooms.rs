//! Carries out [`crate::core::room`] for those who have come by WebSocket.
//!
//! What viewers ask comes as [`Turn`]s and is done in their order when the loop settles; who is told
//! what goes out by [`Viewers::deliver`], the one place that knows the ways to a participant.
//! What was said is kept by [`super::histories`].

use super::audit;
use super::channels::channel_of;
use super::histories::{Histories, Store};
use super::viewers::Viewers;
use crate::config::Config;
use crate::core::ids::{ParticipantId, ViewerId};
use crate::core::protocol::{ByeReason, ErrorCode, LeftReason, RoomInfo, ServerMessage};
use crate::core::room::{Asker, Effect, Moment, Request, Rooms};
use crate::web::state;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What concerns the rooms.
#[derive(Debug)]
pub(super) enum Turn {
    /// A viewer asks something of them, by whatever way.
    Asked(Request),
    /// A viewer's connection has ended, and may come back.
    Lost,
    /// A viewer's session has ended for good.
    Ended(LeftReason),
}

impl Turn {
    /// What an end of a session is to the room that it is in: who is told to come back by themselves,
    /// as who they are, goes on in it.
    pub(super) fn of_end(reason: ByeReason) -> Self {
        match reason {
            ByeReason::Left => Self::Ended(LeftReason::Left),
            ByeReason::Revoked | ByeReason::Ended | ByeReason::BadFingerprint | ByeReason::ProtocolError => {
                Self::Ended(LeftReason::Ended)
            }
            ByeReason::Shutdown
            | ByeReason::Reload
            | ByeReason::Full
            | ByeReason::Timeout
            | ByeReason::ConnectionFailed
            | ByeReason::TooSlow
            | ByeReason::Internal => Self::Lost,
        }
    }
}

/// The rooms, what is still to be done in them, and where they are kept.
#[derive(Debug)]
pub(super) struct Meeting {
    rooms: Rooms,
    turns: Vec<(ViewerId, Turn)>,
    store: Store,
}

impl Meeting {
    pub(super) fn new(config: &Config, histories: Histories) -> Self {
        let mut meeting = Self { rooms: Rooms::default(), turns: Vec::new(), store: Store::default() };
        // Nobody is there yet to be told.
        let _nobody = meeting.configure(config, histories);
        meeting
    }

    fn configure(&mut self, config: &Config, histories: Histories) -> Vec<Effect> {
        let effects = self.rooms.configure(config.room.as_ref().map(|room| room.settings.clone()));
        for (name, said) in histories.said {
            self.rooms.restore(&name, said);
        }
        self.store.configure(config, histories.unread);
        effects
    }

    /// Something is to be done when the loop settles: the way in for whatever a viewer asks of the
    /// rooms, by its WebSocket or otherwise.
    pub(super) fn turn(&mut self, viewer: ViewerId, turn: Turn) {
        self.turns.push((viewer, turn));
    }

    pub(super) fn infos(&self) -> Vec<RoomInfo> {
        self.rooms.infos()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.rooms.deadline().into_iter().chain(self.store.due()).min()
    }

    /// Writes what is not written yet; the end of what is returned is the end of that.
    pub(super) fn stop(&mut self) -> impl Future<Output = ()> + use<> {
        self.store.stop(&self.rooms)
    }
}

impl Viewers {
    /// Does what has come for the rooms since the last call, and lets time pass in them.
    pub(super) fn meet(&mut self, now: Instant) {
        for (viewer, turn) in std::mem::take(&mut self.meeting.turns) {
            let before = self.seat(viewer);
            let effects = match turn {
                Turn::Asked(request) => self.ask(now, viewer, request),
                Turn::Lost => self.meeting.rooms.lost(now, viewer),
                Turn::Ended(reason) => self.meeting.rooms.ended(viewer, reason),
            };
            self.carry_out(now, effects);
            // What others have sent to who it was is not for who it is now.
            if before.is_some()
                && before != self.seat(viewer)
                && let Some(unit) = self.all.get_mut(&viewer)
            {
                unit.end_cameras();
            }
        }
        if self.meeting.rooms.deadline().is_some_and(|due| now >= due) {
            let effects = self.meeting.rooms.tick(now);
            self.carry_out(now, effects);
        }
        if self.meeting.store.due().is_some_and(|due| now >= due) {
            self.meeting.store.write(now, &self.meeting.rooms);
        }
    }

    /// As whom a viewer is in a room.
    fn seat(&self, viewer: ViewerId) -> Option<ParticipantId> {
        self.meeting.rooms.seat(viewer).map(|(_, id)| id)
    }

    /// Takes the configuration over, and touches nobody whose room goes on.
    pub(super) fn reconfigure_rooms(&mut self, config: &Config, histories: Histories) {
        let effects = self.meeting.configure(config, histories);
        self.carry_out(Instant::now(), effects);
    }

    fn ask(&mut self, now: Instant, viewer: ViewerId, request: Request) -> Vec<Effect> {
        let Some(unit) = self.all.get(&viewer).filter(|unit| !unit.is_shown_out()) else {
            return Vec::new();
        };
        // A source that somebody may not see is not there for them: they point at nothing.
        if let Request::Point(point) = &request
            && point.source.as_ref().is_some_and(|source| !unit.session.knows(source))
        {
            return Vec::new();
        }
        // Only who comes in is given one.
        let secret = if matches!(request, Request::Enter(_)) { secret() } else { Some(String::new()) };
        let Some(secret) = secret else {
            let (code, message) = (ErrorCode::Internal, "The daemon has no random numbers.".to_owned());
            return vec![Effect::Tell(viewer, ServerMessage::Error { code, message })];
        };
        let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0;
        let asker = Asker { viewer, principal: unit.guest.principal(), secret };
        self.meeting.rooms.handle(Moment { now, time_ms }, asker, request)
    }

    fn carry_out(&mut self, now: Instant, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell(viewer, message) => self.deliver(viewer, message),
                Effect::TellAll(message) => {
                    for unit in self.all.values_mut().filter(|unit| unit.session.is_greeted()) {
                        unit.say(message.clone());
                    }
                }
                Effect::Keep(room) => self.meeting.store.changed(now, room),
                Effect::Note(note) => audit::room(&note),
            }
        }
    }

    /// Tells a participant something: by a data channel, where it has the one for that, else by its
    /// WebSocket, in the order in which it is told.
    pub(super) fn deliver(&mut self, viewer: ViewerId, message: ServerMessage) {
        let Some(unit) = self.all.get_mut(&viewer) else { return };
        match &message {
            ServerMessage::Pointed { at, .. }
                if at.source.as_ref().is_some_and(|source| !unit.session.knows(source)) =>
            {
                return;
            }
            // Nobody ends another's session by signalling to it faster than it reads.
            ServerMessage::Signal { from, .. } if unit.outbox().is_some_and(|it| it.is_half_full()) => {
                if let Some(sender) = self.meeting.rooms.viewer_of(*from)
                    && let Some(unit) = self.all.get_mut(&sender)
                {
                    let (code, message) =
                        (ErrorCode::TooFast, "They do not read what you signal.".to_owned());
                    unit.say(ServerMessage::Error { code, message });
                }
                return;
            }
            ServerMessage::RoomOver { .. } => unit.end_cameras(),
            ServerMessage::Left { participant, .. } => unit.end_camera(participant.0),
            ServerMessage::Changed { participant } if !participant.pictures => {
                unit.end_camera(participant.id.0);
            }
            _ => {}
        }
        if let Some(channel) = channel_of(&message)
            && let Ok(text) = serde_json::to_string(&message)
            && self.say_by_channel(viewer, channel, &text)
        {
            return;
        }
        let Some(unit) = self.all.get_mut(&viewer) else { return };
        match &message {
            ServerMessage::Pointed { .. } => unit.offer(message),
            _ => unit.say(message),
        }
    }

    /// A participant has sent a picture of its camera: it goes to the others of its call, who are then
    /// told so. Each has one on its way, so who does not look at it is sent one alone.
    pub(super) fn camera(&mut self, now: Instant, viewer: ViewerId, time_us: u64, jpeg: Vec<u8>) {
        let Some((id, others)) = self.meeting.rooms.shown_camera(viewer) else { return };
        let effects = self.meeting.rooms.pictures(viewer);
        self.carry_out(now, effects);
        let jpeg: Arc<[u8]> = jpeg.into();
        for to in others {
            if let Some(unit) = self.all.get_mut(&to) {
                unit.show_camera(now, id.0, time_us, &jpeg);
            }
        }
    }
}

/// What nobody guesses; `None` where the system has no random numbers.
fn secret() -> Option<String> {
    state::random::<16>().ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
#[path = "rooms_tests.rs"]
mod tests;
