//! What is said by data channels. Who has said what in which room is not decided here: this is where the
//! media's events and whoever has something to say come together.

use super::viewer::Peer;
use super::viewers::Viewers;
use crate::core::channels::Channel;
use crate::core::ids::ViewerId;

/// What a peer may say before its certificate has been compared, in messages.
const MAX_EARLY: usize = 32;

impl Viewers {
    /// Says something by a viewer's data channel; never waits. False: it has none that is open and has
    /// room, and is to be told by its WebSocket.
    #[must_use]
    #[expect(dead_code, reason = "the rooms will say by it")]
    pub(super) fn say_by_channel(&self, viewer: ViewerId, channel: Channel, text: &str) -> bool {
        let Some(unit) = self.all.get(&viewer) else { return false };
        match &unit.peer {
            Peer::Open { viewer: peer, .. } if unit.session.is_connected() => peer.say(channel, text),
            Peer::Open { .. } | Peer::None | Peer::Waiting { .. } | Peer::Opening { .. } => false,
        }
    }

    /// A viewer has said something by a data channel. Before its certificate is known to be the one that
    /// its answer names it is not known who speaks, so it waits until then.
    pub(super) fn said_by_channel(&mut self, viewer: ViewerId, channel: Channel, text: String) {
        let Some(unit) = self.all.get_mut(&viewer) else { return };
        if unit.session.is_connected() {
            self.heard(viewer, channel, &text);
        } else if unit.early.len() < MAX_EARLY {
            unit.early.push((channel, text));
        }
    }

    /// It is known who speaks.
    pub(super) fn hear_early(&mut self, viewer: ViewerId) {
        let Some(unit) = self.all.get_mut(&viewer) else { return };
        if unit.session.is_connected() && !unit.early.is_empty() {
            for (channel, text) in std::mem::take(&mut unit.early) {
                self.heard(viewer, channel, &text);
            }
        }
    }

    fn heard(&self, viewer: ViewerId, channel: Channel, text: &str) {
        tracing::debug!(%viewer, ?channel, bytes = text.len(), "said by a data channel");
    }
}
