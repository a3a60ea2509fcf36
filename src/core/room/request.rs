//! What a viewer asks of the rooms: of the protocol's messages those that are about them.

use crate::core::ids::ParticipantId;
use crate::core::protocol::{ClientMessage, Enter, Point, Presence, Say, SignalBody};

/// One of those messages, by whatever way it came.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// To come in.
    Enter(Enter),
    /// To leave.
    Exit,
    /// To be called something else.
    Rename(String),
    /// To say something.
    Say(Say),
    /// To be told again what was said after that.
    CatchUp(u64),
    /// To point somewhere.
    Point(Point),
    /// To do something else from now on.
    Presence(Presence),
    /// To pass something to one other.
    Signal(ParticipantId, SignalBody),
    /// For admins: a room more.
    Make {
        /// Its name.
        name: String,
        /// What it is called for people.
        title: Option<String>,
    },
    /// For admins: a room less.
    Close {
        /// Its name.
        name: String,
    },
}

impl Request {
    /// The request that a message is, if it is one.
    #[must_use]
    pub fn of(message: ClientMessage) -> Option<Self> {
        Some(match message {
            ClientMessage::Enter(enter) => Self::Enter(enter),
            ClientMessage::Exit => Self::Exit,
            ClientMessage::Rename { name } => Self::Rename(name),
            ClientMessage::Say(say) => Self::Say(say),
            ClientMessage::CatchUp { since } => Self::CatchUp(since),
            ClientMessage::Point(point) => Self::Point(point),
            ClientMessage::Presence(presence) => Self::Presence(presence),
            ClientMessage::Signal { to, body } => Self::Signal(to, body),
            ClientMessage::MakeRoom { name, title } => Self::Make { name, title },
            ClientMessage::CloseRoom { name } => Self::Close { name },
            ClientMessage::Hello { .. }
            | ClientMessage::Join { .. }
            | ClientMessage::Select { .. }
            | ClientMessage::Choose { .. }
            | ClientMessage::Answer { .. }
            | ClientMessage::Restart
            | ClientMessage::Candidate { .. }
            | ClientMessage::WatchViewers { .. }
            | ClientMessage::EndViewer { .. }
            | ClientMessage::Pause { .. }
            | ClientMessage::Resume { .. }
            | ClientMessage::Invite(_)
            | ClientMessage::Invitations
            | ClientMessage::Revoke { .. }
            | ClientMessage::Ping { .. }
            | ClientMessage::Leave => return None,
        })
    }

    /// Whether only admins may ask it.
    #[must_use]
    pub fn is_for_admins(&self) -> bool {
        matches!(self, Self::Make { .. } | Self::Close { .. })
    }
}
