//! What the rooms are told and what they say is to be done.

use super::{MAIN, words};
use crate::core::ids::{ParticipantId, RoomName, ViewerId};
use crate::core::principal::{Principal, Role, Who};
use crate::core::protocol::{ErrorCode, LeftReason, RoomLimits, ServerMessage};
use std::fmt;
use std::time::Instant;

/// What rooms there are and what they allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What the room of the page `/` is called.
    pub title: String,
    /// Further rooms.
    pub names: Vec<RoomName>,
    /// Who may say something.
    pub talk: Talk,
    /// How many may be in a room.
    pub people: usize,
    /// How many of them may be in its call.
    pub calls: usize,
    /// How many messages who comes later is told.
    pub history: usize,
    /// The largest file from one to another, in MiB; 0: none.
    pub files_mib: u32,
}

/// Who may say something, point, and take part in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// Whoever is let in.
    Everybody,
    /// Those with the role participant, and admins.
    Participants,
}

/// When something happens, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For waiting.
    pub now: Instant,
    /// For people: milliseconds since 1970-01-01 UTC.
    pub time_ms: f64,
}

/// Who asks.
pub struct Asker<'a> {
    /// By which connection.
    pub viewer: ViewerId,
    /// Who they are.
    pub principal: &'a Principal,
    /// A new secret, should one be needed.
    pub secret: String,
}

impl fmt::Debug for Asker<'_> {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { viewer, principal, .. } = self;
        f.debug_struct("Asker").field("viewer", viewer).field("who", &principal.who).finish_non_exhaustive()
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell one viewer.
    Tell(ViewerId, ServerMessage),
    /// Tell every viewer, in a room or not.
    TellAll(ServerMessage),
    /// What is kept of that room has changed: something was said, or it is no more.
    Keep(RoomName),
    /// For the audit log.
    Note(Note),
}

/// What the audit log is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Somebody has come into a room.
    Entered {
        /// By which connection.
        viewer: ViewerId,
        /// Who.
        who: Who,
        /// Which room.
        room: RoomName,
        /// As which participant.
        participant: ParticipantId,
        /// They have come back as the same.
        again: bool,
    },
    /// Somebody is not in a room any more.
    Left {
        /// Who.
        who: Who,
        /// Which room.
        room: RoomName,
        /// As which participant.
        participant: ParticipantId,
        /// Why.
        reason: LeftReason,
    },
    /// Somebody was not let into a room, or into its call.
    Refused {
        /// By which connection.
        viewer: ViewerId,
        /// Who.
        who: Who,
        /// Which room, if there is such a one.
        room: Option<RoomName>,
        /// Why.
        code: ErrorCode,
    },
    /// An admin has made a room.
    Made {
        /// Who.
        who: Who,
        /// Which.
        room: RoomName,
    },
    /// An admin has closed a room.
    Closed {
        /// Who.
        who: Who,
        /// Which.
        room: RoomName,
    },
}

impl Settings {
    /// Names and titles of the configured rooms.
    pub(super) fn rooms(&self) -> Vec<(RoomName, String)> {
        let main = RoomName::new(MAIN).ok().map(|name| (name, self.title.clone()));
        let further = self.names.iter().map(|name| (name.clone(), words::capitalized(name.as_str())));
        main.into_iter().chain(further).collect()
    }

    pub(super) fn may_talk(&self, role: Role) -> bool {
        match self.talk {
            Talk::Everybody => true,
            Talk::Participants => role >= Role::Participant,
        }
    }

    pub(super) fn limits(&self) -> RoomLimits {
        RoomLimits { people: self.people, calls: self.calls, files_mib: self.files_mib }
    }
}
