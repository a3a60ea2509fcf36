//! The page and the signalling: HTTP, TLS, WebSocket. Knows nothing of GStreamer.
//!
//! Invariant: `web` speaks with the daemon by [`Event`] and [`Outbox`] alone.

mod admission;
mod api;
mod assets;
mod client;
mod connection;
mod deadlines;
mod error;
mod host;
mod io;
mod link;
pub mod qr;
mod reply;
mod router;
mod server;
mod session;
mod settings;
mod signalling;
mod state;
mod tls;
mod upgrade;

pub use deadlines::Deadlines;
pub use error::Error;
pub use link::Link;
pub use server::{Reloaded, Server};
pub use settings::viewing_link;

use crate::core::ids::ViewerId;
use crate::core::protocol::{ClientMessage, ErrorCode, ServerMessage};

/// What the signalling tells the daemon.
#[derive(Debug)]
pub enum Event {
    /// A client that may watch has opened a WebSocket.
    Opened {
        /// Its number, new.
        viewer: ViewerId,
        /// The way back to it.
        outbox: Outbox,
    },
    /// It has said something well formed, within its limits.
    Message {
        /// Who.
        viewer: ViewerId,
        /// What.
        message: ClientMessage,
    },
    /// It has said something else; the daemon decides what follows.
    Malformed {
        /// Who.
        viewer: ViewerId,
        /// What kind of mistake.
        code: ErrorCode,
        /// A sentence for the client.
        message: String,
    },
    /// Its connection has ended. The last event of a viewer.
    Closed {
        /// Who.
        viewer: ViewerId,
    },
}

/// Messages that may wait for one client. An honest page reads at once; at 256 it is dead or
/// does not read, and its connection ends.
pub const OUTBOX_CAPACITY: usize = 256;

/// The way to one client. Closing it (dropping every clone) ends the connection once what was
/// sent before is written.
#[derive(Debug, Clone)]
pub struct Outbox {
    sender: async_channel::Sender<ServerMessage>,
}

/// The client does not read or has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client does not read or has gone")]
pub struct OutboxFull;

impl Outbox {
    /// An outbox and its other end.
    #[must_use]
    pub fn new() -> (Self, async_channel::Receiver<ServerMessage>) {
        let (sender, receiver) = async_channel::bounded(OUTBOX_CAPACITY);
        (Self { sender }, receiver)
    }

    /// Puts a message in; never waits.
    ///
    /// # Errors
    /// [`OutboxFull`] when it cannot be taken; the connection is past saving then.
    pub fn send(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        self.sender.try_send(message).map_err(|_| OutboxFull)
    }

    /// Puts in the last message; never waits. In a full outbox it takes the place of the oldest,
    /// so that a client that reads after all learns why it was shown out.
    pub fn send_last(&self, message: ServerMessage) {
        // The client has gone where this fails.
        let _ = self.sender.force_send(message);
    }
}
