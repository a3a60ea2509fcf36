//! What is said by data channels. Who has said what in which room is not decided here: this is where the
//! media's events and whoever has something to say come together.

use super::sources::Sources;
use super::viewer::Peer;
use super::viewers::Viewers;
use crate::core::channels::Channel;
use crate::core::ids::ViewerId;
use crate::core::protocol::{ClientMessage, ErrorCode, ServerMessage};
use crate::core::viewer::Input;
use std::time::Instant;

/// What a peer may say before its certificate has been compared, in messages.
const MAX_EARLY: usize = 32;

impl Viewers {
    /// Says something by a viewer's data channel; never waits. False: it has none that is open and has
    /// room, and is to be told by its WebSocket.
    #[must_use]
    pub(super) fn say_by_channel(&self, viewer: ViewerId, channel: Channel, text: &str) -> bool {
        let Some(unit) = self.all.get(&viewer) else { return false };
        match &unit.peer {
            Peer::Open { viewer: peer, .. } if unit.session.is_connected() => peer.say(channel, text),
            Peer::Open { .. } | Peer::None | Peer::Waiting { .. } | Peer::Opening { .. } => false,
        }
    }

    /// A viewer has said something by a data channel. Before its certificate is known to be the one that
    /// its answer names it is not known who speaks, so it waits until then.
    pub(super) fn said_by_channel(
        &mut self,
        now: Instant,
        viewer: ViewerId,
        channel: Channel,
        text: String,
        sources: &Sources,
    ) {
        let Some(unit) = self.all.get_mut(&viewer) else { return };
        if unit.session.is_connected() {
            self.handle(now, viewer, heard(channel, &text), sources);
        } else if unit.early.len() < MAX_EARLY {
            unit.early.push((channel, text));
        }
    }

    /// It is known who speaks.
    pub(super) fn hear_early(&mut self, now: Instant, viewer: ViewerId, sources: &Sources) {
        let Some(unit) = self.all.get_mut(&viewer) else { return };
        if unit.session.is_connected() && !unit.early.is_empty() {
            for (channel, text) in std::mem::take(&mut unit.early) {
                self.handle(now, viewer, heard(channel, &text), sources);
            }
        }
    }
}

/// The channel by which a participant is told that, where it has one.
pub(super) fn channel_of(message: &ServerMessage) -> Option<Channel> {
    match message {
        ServerMessage::Said(_) => Some(Channel::Room),
        ServerMessage::Pointed { .. } => Some(Channel::Pointer),
        _ => None,
    }
}

/// What was said: of the protocol's messages those that belong to the channel.
fn heard(channel: Channel, text: &str) -> Input {
    let belongs = |message: &ClientMessage| match channel {
        Channel::Room => {
            matches!(
                message,
                ClientMessage::Say(_) | ClientMessage::CatchUp { .. } | ClientMessage::Rename { .. }
            )
        }
        Channel::Pointer => matches!(message, ClientMessage::Point(_)),
        Channel::Echo => false,
    };
    match serde_json::from_str(text) {
        Ok(message) if belongs(&message) => Input::Message(message),
        _ => Input::Malformed {
            code: ErrorCode::BadMessage,
            message: format!("Not a message of the data channel '{}'.", channel.label()),
        },
    }
}
