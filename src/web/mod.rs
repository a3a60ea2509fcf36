//! The page and the signalling: HTTP, TLS, WebSocket. Knows nothing of GStreamer.
//!
//! Invariant: `web` speaks with the daemon by [`Event`] and [`Outbox`] alone.

mod accounts;
mod admission;
mod api;
mod assets;
mod certificate;
mod client;
mod connection;
mod cors;
mod deadlines;
mod door;
mod error;
mod frames;
mod grant;
mod host;
mod invitations;
mod io;
mod link;
mod metrics;
pub mod qr;
mod reply;
mod router;
mod server;
mod session;
mod sessions;
mod settings;
mod signalling;
pub(crate) mod state;
mod tls;
mod upgrade;
mod whep;

pub use accounts::{accounts_path, hash_password, read_accounts, write_accounts};
pub use certificate::{Certificate, certificate};
pub use deadlines::Deadlines;
pub use error::Error;
pub use frames::Frames;
pub use grant::Grant;
pub use link::Link;
pub use metrics::Metrics;
pub use server::{Reloaded, Server};
pub use settings::viewing_link;

use crate::core::ids::{SourceName, ViewerId};
use crate::core::protocol::{ClientMessage, ErrorCode, IceServer, ServerMessage};
use crate::core::sdp::CheckedOffer;
use crate::core::whep::{Fragment, IfMatch, PatchRefusal};
use std::net::SocketAddr;
use std::sync::Arc;

/// What the signalling tells the daemon.
#[derive(Debug)]
pub enum Event {
    /// A client that may watch has opened a WebSocket.
    Opened {
        /// Its number, new.
        viewer: ViewerId,
        /// The way back to it.
        outbox: Outbox,
        /// Who it is, and what has let it in.
        grant: Grant,
        /// Where it comes from, as this machine sees it.
        peer: SocketAddr,
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
    /// It has sent a picture of its own camera: a whole JPEG within its limits.
    Picture {
        /// Who.
        viewer: ViewerId,
        /// When it was captured by its own clock, in microseconds since 1970-01-01 UTC.
        time_us: u64,
        /// The picture.
        jpeg: Vec<u8>,
    },
    /// A client that may watch asks something by WHEP, and waits for the answer.
    Whep {
        /// What.
        action: WhepAction,
        /// Who it is, and what has let it in.
        grant: Grant,
        /// Where it comes from, as this machine sees it.
        peer: SocketAddr,
        /// The way back to it.
        reply: WhepReply,
    },
    /// Somebody who was let in may not hold any more what let them in: [`Server::holds`].
    AccessChanged,
    /// A connection that begins as ICE over TCP does: a datagram behind its length (RFC 4571).
    Framed {
        /// The connection, nothing of it read.
        stream: std::net::TcpStream,
        /// Its place among the server's connections, to be held as long as it is there.
        place: Box<dyn std::any::Any + Send + Sync>,
    },
    /// Its connection has ended. The last event of a viewer.
    Closed {
        /// Who.
        viewer: ViewerId,
    },
}

/// What is asked by WHEP. A session goes by the id that [`WhepOutcome::Created`] gave to it.
#[derive(Debug)]
pub enum WhepAction {
    /// To watch. Answered by [`WhepOutcome::Created`].
    Create {
        /// Its number, new.
        viewer: ViewerId,
        /// The one source to watch; `None`: all of them.
        source: Option<SourceName>,
        /// What it offers.
        offer: Box<CheckedOffer>,
    },
    /// To take more candidates.
    Patch {
        /// Of which session.
        session: String,
        /// In which state.
        condition: IfMatch,
        /// The candidates.
        fragment: Box<Fragment>,
    },
    /// To end a session.
    Delete {
        /// Which.
        session: String,
    },
    /// Whether there is a session.
    Look {
        /// Which.
        session: String,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum WhepOutcome {
    /// A session has begun.
    Created {
        /// Its id, of letters, digits, `-` and `_`: who knows it may end the session.
        session: String,
        /// The value of `ETag`.
        etag: String,
        /// The answer.
        sdp: String,
        /// What the client is told to use.
        ice_servers: Vec<IceServer>,
    },
    /// It is done.
    Done,
    /// ICE has begun anew.
    Restarted {
        /// The value of `ETag` from now on.
        etag: String,
        /// The daemon's half, an SDP fragment.
        fragment: String,
    },
    /// There is no source of that name, or none at all.
    NoSource(Option<SourceName>),
    /// Nothing can be sent of what the offer asks for.
    NothingToSend,
    /// There are as many viewers as may be: in all, of an account or of a source.
    Full {
        /// A sentence for the client.
        message: String,
    },
    /// The session ended before it stood.
    Ended {
        /// A sentence for the client.
        message: String,
    },
    /// What let the client in does not hold any more.
    Revoked,
    /// There is no such session.
    NoSession,
    /// The session goes on as it was.
    PatchRefused(PatchRefusal),
}

/// The way back to a client that waits for an answer. Dropped unused, it is told to try again.
#[derive(Debug)]
pub struct WhepReply(async_channel::Sender<WhepOutcome>);

impl WhepReply {
    /// A way back and its other end.
    #[must_use]
    pub fn new() -> (Self, async_channel::Receiver<WhepOutcome>) {
        let (sender, receiver) = async_channel::bounded(1);
        (Self(sender), receiver)
    }

    /// Answers; never waits. False: the client has gone.
    #[must_use]
    pub fn send(self, outcome: WhepOutcome) -> bool {
        self.0.try_send(outcome).is_ok()
    }
}

/// Messages that may wait for one client. An honest page reads at once; at 256 it is dead or
/// does not read, and its connection ends.
pub const OUTBOX_CAPACITY: usize = 256;

/// The way to one client. Closing it (dropping every clone) ends the connection once what was
/// sent before is written.
#[derive(Debug, Clone)]
pub struct Outbox {
    sender: async_channel::Sender<ServerMessage>,
    frames: Arc<Frames>,
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
        (Self { sender, frames: Arc::default() }, receiver)
    }

    /// The binary frames that wait beside the messages. Holding them does not keep the connection.
    #[must_use]
    pub fn frames(&self) -> &Arc<Frames> {
        &self.frames
    }

    /// Puts a message in; never waits.
    ///
    /// # Errors
    /// [`OutboxFull`] when it cannot be taken; the connection is past saving then.
    pub fn send(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        self.sender.try_send(message).map_err(|_| OutboxFull)
    }

    /// Puts in a message that may be lost, and loses it where others wait already: the next one says
    /// more than this. Never waits.
    pub fn offer(&self, message: ServerMessage) {
        if self.sender.len() < OUTBOX_CAPACITY / 8 {
            // The client has gone where this fails.
            let _ = self.sender.try_send(message);
        }
    }

    /// Whether so many messages wait that what can be done without is better left out.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        self.sender.len() > OUTBOX_CAPACITY / 2
    }

    /// Puts in the last message; never waits. In a full outbox it takes the place of the oldest,
    /// so that a client that reads after all learns why it was shown out.
    pub fn send_last(&self, message: ServerMessage) {
        // The client has gone where this fails.
        let _ = self.sender.force_send(message);
    }
}
