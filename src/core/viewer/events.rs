//! What a session is told and what it says is to be done: nothing but the types.

use crate::core::candidate::Candidate;
use crate::core::ice::Credentials;
use crate::core::ids::{SourceName, ViewerId};
use crate::core::invitation::Wanted;
use crate::core::principal::InvitationId;
use crate::core::protocol::{
    ByeReason, ClientMessage, Codec, ErrorCode, FrameKind, ServerMessage, SourceInfo, TrackInfo,
};
use crate::core::room::Request;
use crate::core::sdp::{CheckedAnswer, Fingerprint};
use crate::core::watching::Turn;

/// What has happened.
#[derive(Debug)]
pub enum Input {
    /// The client has said something well formed.
    Message(ClientMessage),
    /// The client has said something else.
    Malformed {
        /// What kind of mistake.
        code: ErrorCode,
        /// A sentence for the client.
        message: String,
    },
    /// There are other sources for this viewer from now on, or they are called otherwise.
    Listed(Vec<SourceInfo>),
    /// Nothing of what was joined can be sent in a codec that the client decodes.
    NoCodec,
    /// The offer is there.
    Offer {
        /// Its SDP.
        sdp: String,
        /// Its m-lines.
        tracks: Vec<TrackInfo>,
    },
    /// The answer to a client's offer is there.
    Answered {
        /// Its SDP.
        sdp: String,
    },
    /// A candidate of the daemon's.
    LocalCandidate {
        /// Its line; empty: there are no more.
        candidate: String,
    },
    /// ICE has found a way (true), the first or another one, or lost it.
    Way(bool),
    /// ICE begins anew, as [`Effect::Restart`] asks.
    Restarting {
        /// The daemon's new credentials.
        own: Credentials,
        /// Its candidates as they are now.
        candidates: Vec<String>,
    },
    /// ICE and DTLS stand.
    Connected,
    /// Whether the peer's certificate is the one that [`Effect::Verify`] asked about.
    Verified(bool),
    /// Something concerns which rendition of a joined source is sent.
    Picture {
        /// Which source.
        source: SourceName,
        /// What it is.
        turn: Turn,
    },
    /// The session has to end: the connection broke, the source was reconfigured, the daemon stops.
    End {
        /// Why.
        reason: ByeReason,
        /// A sentence for the client.
        message: String,
    },
    /// Time has passed.
    Tick,
}

/// What an admin asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminRequest {
    /// Whether to be told who watches.
    WatchViewers(bool),
    /// An end of that session.
    End(ViewerId),
    /// One source, or all, is not to be shown to anybody.
    Pause(Option<SourceName>),
    /// One source, or all, is to be shown again.
    Resume(Option<SourceName>),
    /// An invitation.
    Invite(Wanted),
    /// The list of invitations.
    Invitations,
    /// An invitation is to let nobody in any more.
    Revoke(InvitationId),
}

/// What of a client's was refused, by the kind of its mistake: words of this program alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An answer.
    Sdp(String),
    /// A candidate.
    Candidate(String),
}

/// A source whose pictures are taken by the WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its number in frames: its index in `welcome`, and counted on for those that came later.
    pub subject: u32,
    /// Which.
    pub source: SourceName,
    /// How wide its pictures are at most.
    pub width: Option<u32>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Send `welcome`.
    Welcome,
    /// Send this.
    Send(ServerMessage),
    /// Make a peer connection for these sources.
    Open {
        /// The m-lines' order.
        sources: Vec<SourceName>,
        /// For pictures; `None`: the client decodes none, and takes no picture.
        video_codec: Option<Codec>,
    },
    /// Send the answer to an offer that came by WHEP.
    Answer {
        /// Its SDP.
        sdp: String,
        /// The entity tag of the ICE session, as it stands in `ETag`.
        etag: String,
    },
    /// Give the answer to the peer connection.
    Accept(CheckedAnswer),
    /// Give a candidate to the peer connection.
    AddCandidate {
        /// Index of the m-line.
        mline: u32,
        /// The candidate.
        candidate: Candidate,
    },
    /// Have ICE begin anew with new credentials, and say [`Input::Restarting`].
    Restart,
    /// Give the client's new credentials to ICE.
    Restarted(Credentials),
    /// Send pictures of these sources by the WebSocket, and of no others, from now on.
    Pictures {
        /// Which.
        sources: Vec<Taken>,
        /// Whether with their sound.
        audio: bool,
    },
    /// The client has seen a picture.
    Seen {
        /// Of a source or of a participant.
        kind: FrameKind,
        /// Whose.
        subject: u32,
        /// Which.
        number: u32,
    },
    /// Compare the peer's certificate with these and say [`Input::Verified`].
    Verify(Vec<Fingerprint>),
    /// Send media of these joined sources, and of no others, from now on.
    Feed(Vec<SourceName>),
    /// Send this rung of a source, from its next keyframe on.
    Move {
        /// Which source.
        source: SourceName,
        /// Counted from the best.
        rung: u8,
    },
    /// Drop the peer connection; the signalling connection goes on.
    Disconnect,
    /// Do what an admin asks for; this is one.
    Administer(AdminRequest),
    /// Do what is asked of the rooms.
    Room(Request),
    /// Drop the peer connection and close the signalling connection. The last effect.
    Close(ByeReason),
}
