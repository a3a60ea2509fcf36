//! The signalling messages: the JSON that page and daemon exchange over the WebSocket.
//!
//! Owns the wire types and nothing else: no policy, no sockets. `docs/protocol.md` shows each
//! message in full. Unknown fields are ignored, so that a version can grow; an unknown `type`
//! is an error.

mod pictures;
mod reasons;
mod room;
mod viewers;

pub use pictures::{CAMERA_RATE, FRAME_HEAD, FrameHead, FrameKind, MAX_CAMERA, TakenSource};
pub use reasons::{ByeReason, ErrorCode};
pub use room::{
    DescriptionType, Enter, LeftReason, Participant, Point, Presence, RoomInfo, RoomLimits, RoomOverReason,
    RoomState, Said, Say, SignalBody,
};
pub use viewers::{LinkInfo, ViewerInfo, WatchedInfo, WatchesBy};

use super::ids::{ParticipantId, SourceName, ViewerId};
use super::invitation::{Invitation, Wanted};
use super::principal::InvitationId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The protocol version that this daemon speaks. A client names its own in `hello`.
pub const VERSION: u32 = 1;

/// The longest message taken from a client, in bytes. An answer with many candidates and
/// m-lines is under 20 kB.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// What a client may say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// The first message: the version and what the client can decode, best first. Codec names
    /// that the daemon does not know are passed over.
    Hello {
        /// The protocol version the client speaks.
        version: u32,
        /// Video codecs by their RTP encoding names (RFC 6184 `H264`, RFC 7741 `VP8`), any case.
        video_codecs: Vec<String>,
    },
    /// Ask for an offer. Fixes the m-lines for the whole session.
    Join {
        /// The sources to take, in the order of the m-lines; all of them when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sources: Option<Vec<SourceName>>,
        /// Of these, those to be sent from the start, as by `select`; all of them when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        select: Option<Vec<SourceName>>,
        /// Whether the offer is to have the daemon's data channels, too.
        #[serde(default, skip_serializing_if = "is_false")]
        data: bool,
    },
    /// Of the joined sources, those to be sent from now on. Changes no m-line.
    Select {
        /// The names; a joined source that is not named is paused.
        sources: Vec<SourceName>,
    },
    /// Which rendition of a joined source is to be sent.
    Choose {
        /// Which source.
        source: SourceName,
        /// The step of its ladder, counted from the best, 0; absent: what the link carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rung: Option<u8>,
    },
    /// The answer to the daemon's offer (RFC 9429 section 5.3).
    Answer {
        /// The SDP text.
        sdp: String,
    },
    /// Asks for an ICE restart: another `offer` follows.
    Restart,
    /// An ICE candidate of the client (RFC 8838). An empty `candidate` ends the candidates.
    Candidate {
        /// Index of the m-line it belongs to.
        mline: u32,
        /// The `candidate:` line without `a=`.
        candidate: String,
    },
    /// From now on pictures, and sound, of these sources by this WebSocket, in binary frames; of no source:
    /// no more. Before `join`, after it or without it.
    Pictures {
        /// In place of what was taken before.
        sources: Vec<TakenSource>,
        /// Whether their sound is taken too.
        #[serde(default)]
        audio: bool,
    },
    /// A picture was shown: the next one of its subject may come.
    Seen {
        /// The frame's kind.
        subject_kind: u8,
        /// The frame's subject.
        subject: u32,
        /// The frame's number.
        number: u32,
    },
    /// For admins: the list of viewers, now and once a second, or no more.
    WatchViewers {
        /// Whether from now on.
        on: bool,
    },
    /// For admins: that viewer's session ends.
    EndViewer {
        /// Whose.
        viewer: ViewerId,
    },
    /// For admins: nothing of this is captured or sent any more, to nobody.
    Pause {
        /// Which source; all of them, and those that are still to come, when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<SourceName>,
    },
    /// For admins: what admins have paused is shown again.
    Resume {
        /// Which source; all of them when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<SourceName>,
    },
    /// For admins: an invitation is to be made. Answered by `invitation` and `invitations`.
    Invite(Wanted),
    /// For admins: which invitations there are. Answered by `invitations`.
    Invitations,
    /// For admins: an invitation is taken back, and what it has begun ends. Answered by `invitations`.
    Revoke {
        /// Which.
        invitation: InvitationId,
    },
    /// To come into a room. Answered by `room`.
    Enter(Enter),
    /// To leave the room; the session goes on.
    Exit,
    /// To be called something else.
    Rename {
        /// What.
        name: String,
    },
    /// To say something to everybody in the room. Told to all by `said`, and the sender too.
    Say(Say),
    /// What was said after that is to be told again. Answered by `history`.
    CatchUp {
        /// The last message that is there.
        since: u64,
    },
    /// Where the participant points. Told to the others by `pointed`.
    Point(Point),
    /// What the participant does. Told to all by `changed`.
    Presence(Presence),
    /// For one other participant of the room, who gets it by `signal`.
    Signal {
        /// Who.
        to: ParticipantId,
        /// What.
        body: SignalBody,
    },
    /// For admins: there is to be a room more.
    MakeRoom {
        /// Its name.
        name: String,
        /// What it is called for people; its name when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// For admins: that room is to be no more.
    CloseRoom {
        /// Which.
        name: String,
    },
    /// Asks for a `pong`.
    Ping {
        /// Any number; it comes back as it was.
        id: u64,
    },
    /// The viewer leaves; the daemon closes the connection.
    Leave,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// What the daemon says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The answer to `hello`.
    Welcome {
        /// The protocol version.
        version: u32,
        /// Name and version of the daemon.
        software: String,
        /// What this installation is called, for the page's heading.
        title: String,
        /// The viewer's number.
        viewer: ViewerId,
        /// Every source, in the config's order.
        sources: Vec<SourceInfo>,
        /// Servers for the page's `RTCPeerConnection`.
        ice_servers: Vec<IceServer>,
        /// Every room; empty: there are none here.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rooms: Vec<RoomInfo>,
    },
    /// The daemon's offer (RFC 9429 section 5.2). Candidates trickle after it.
    Offer {
        /// The SDP text.
        sdp: String,
        /// What each m-line carries.
        tracks: Vec<TrackInfo>,
    },
    /// An ICE candidate of the daemon. An empty `candidate` ends the candidates.
    Candidate {
        /// Index of the m-line.
        mline: u32,
        /// The `candidate:` line without `a=`.
        candidate: String,
    },
    /// Other ICE servers, or other logins, from now on: those that were told before expire.
    IceServers {
        /// In place of those of `welcome`.
        ice_servers: Vec<IceServer>,
    },
    /// There are other sources than before: the configuration was read again.
    Sources {
        /// Every source, in the config's order.
        sources: Vec<SourceInfo>,
    },
    /// A source has changed its state.
    Source {
        /// Which.
        name: SourceName,
        /// Its state now.
        #[serde(flatten)]
        state: SourceState,
        /// How often it has failed since it was configured.
        #[serde(default, skip_serializing_if = "is_zero")]
        failures: u64,
    },
    /// Which rendition of a source this viewer is sent, and which there are.
    Rendition {
        /// Which source.
        source: SourceName,
        /// Whether the daemon chooses by what the link carries.
        automatic: bool,
        /// The step of the ladder that is being sent; before the first picture, that is to be.
        rung: u8,
        /// The link carries not even the last step.
        too_slow: bool,
        /// The ladder in this viewer's codec, the best first.
        rungs: Vec<RungInfo>,
    },
    /// For admins who have asked for it: everybody who is here.
    Viewers {
        /// In the order in which they came.
        viewers: Vec<ViewerInfo>,
    },
    /// For the admin who has asked for it: an invitation was made.
    Invitation {
        /// What it is.
        invitation: Invitation,
        /// The link, which lets in who has it. It is told this once.
        link: String,
        /// The link as a QR code without its margin: rows of `0` (light) and `1` (dark).
        qr: Vec<String>,
    },
    /// For the admin who has asked for it: every invitation.
    Invitations {
        /// In the order of their ids.
        invitations: Vec<Invitation>,
    },
    /// The answer to `enter`: all of the room.
    Room(Box<RoomState>),
    /// Somebody has come into the room.
    Arrived {
        /// Who.
        participant: Participant,
    },
    /// Something about somebody in the room is different.
    Changed {
        /// All of them as they are now.
        participant: Participant,
    },
    /// Somebody is not in the room any more.
    Left {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeftReason,
    },
    /// Something was said.
    Said(Said),
    /// What was said, the earliest first.
    History {
        /// The messages.
        messages: Vec<Said>,
        /// Between what was asked for and the first of these something is lost.
        more: bool,
    },
    /// Where somebody points; without a place, nowhere any more.
    Pointed {
        /// Who.
        from: ParticipantId,
        /// Where.
        #[serde(flatten)]
        at: Point,
    },
    /// What another participant has sent by `signal`.
    Signal {
        /// Who.
        from: ParticipantId,
        /// What.
        body: SignalBody,
    },
    /// A room was made or closed.
    Rooms {
        /// Every room there is.
        rooms: Vec<RoomInfo>,
    },
    /// One is not in the room any more; the session goes on.
    RoomOver {
        /// Why.
        reason: RoomOverReason,
        /// A sentence for a person.
        message: String,
    },
    /// The answer to `ping`.
    Pong {
        /// The number that the `ping` carried.
        id: u64,
        /// The daemon's clock, in milliseconds since 1970-01-01 UTC.
        time_ms: f64,
    },
    /// Something was refused. The connection goes on unless `bye` follows.
    Error {
        /// What kind.
        code: ErrorCode,
        /// A sentence for a person: what was expected, what to do.
        message: String,
    },
    /// The last message: the daemon closes the connection.
    Bye {
        /// Why.
        reason: ByeReason,
        /// A sentence for a person.
        message: String,
        /// Come back after so many milliseconds; absent: do not come back by yourself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
}

/// One step of a source's ladder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RungInfo {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Frames a second.
    pub framerate: f64,
    /// On average.
    pub bitrate_kbps: u32,
}

/// One source as the page sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Its name in the config.
    pub name: SourceName,
    /// Its title for people.
    pub title: String,
    /// Its kind in the config.
    pub kind: SourceKindName,
    /// What it carries: a picture, sound or both.
    pub media: Vec<MediaKind>,
    /// Its state now.
    #[serde(flatten)]
    pub state: SourceState,
    /// How often it has failed since it was configured.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u64,
}

/// The kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKindName {
    /// A display, a monitor, a window or a region of one.
    Screen,
    /// A V4L2 camera.
    Camera,
    /// A sound input.
    Audio,
    /// A moving test picture and a tone.
    Test,
    /// Any URI that GStreamer plays.
    Uri,
    /// A user's own launch file.
    Launch,
}

/// Picture or sound: the media of one m-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Video,
    /// Sound.
    Audio,
}

/// The codecs that the daemon encodes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Codec {
    /// H.264, constrained baseline (RFC 6184).
    H264,
    /// VP8 (RFC 7741).
    #[serde(rename = "VP8")]
    Vp8,
    /// Opus (RFC 7587).
    #[serde(rename = "opus")]
    Opus,
}

/// A source's state as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SourceState {
    /// Nobody watches; nothing is captured.
    Idle,
    /// Somebody watches; no frame has come yet.
    Starting,
    /// Frames are coming.
    Live,
    /// Nothing is captured: in its place comes a still picture that says so.
    Paused {
        /// Who has paused it.
        by: PausedBy,
    },
    /// It could not be started or has stopped; the daemon tries again by itself.
    Failed {
        /// What is wrong, as a word that a page translates.
        cause: FailureCause,
        /// What is wrong, in GStreamer's or the system's words.
        detail: String,
    },
}

/// Who has paused a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PausedBy {
    /// The person at the machine.
    Machine,
    /// An admin, from afar.
    Admin,
}

/// Why a source is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// The device, display or address is not there.
    NotFound,
    /// Somebody else uses it.
    Busy,
    /// The daemon may not open it.
    Permission,
    /// It was there and has gone.
    Lost,
    /// It is there and sends nothing.
    Stalled,
    /// The encoder failed.
    Encoder,
    /// Anything else; `detail` says what.
    Other,
}

impl FailureCause {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::NotFound, Self::Busy, Self::Permission, Self::Lost, Self::Stalled, Self::Encoder, Self::Other];
}

/// One m-line of the offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackInfo {
    /// The m-line's `mid` (RFC 9143).
    pub mid: String,
    /// The source it shows.
    pub source: SourceName,
    /// Picture or sound.
    pub media: MediaKind,
    /// Its codec.
    pub codec: Codec,
}

/// An ICE server in the form that `RTCPeerConnection` takes (W3C webrtc-pc section 4.2.4).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// User name for TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password for TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl fmt::Debug for IceServer {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(json: &str) -> ClientMessage {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn client_messages_have_the_documented_form() {
        assert_eq!(
            client(r#"{"type":"hello","version":1,"video_codecs":["H264"],"later":1}"#),
            ClientMessage::Hello { version: 1, video_codecs: vec!["H264".into()] }
        );
        assert_eq!(
            client(r#"{"type":"join"}"#),
            ClientMessage::Join { sources: None, select: None, data: false }
        );
        assert_eq!(
            client(r#"{"type":"candidate","mline":0,"candidate":""}"#),
            ClientMessage::Candidate { mline: 0, candidate: String::new() }
        );
        for bad in [
            r#"{"type":"nonsense"}"#,
            r#"{"type":"answer"}"#,
            r#"{"type":"join","sources":["A B"]}"#,
            "[]",
            "",
        ] {
            assert!(serde_json::from_str::<ClientMessage>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn server_messages_have_the_documented_form() {
        let name = SourceName::new("cam").unwrap();
        let state = SourceState::Failed { cause: FailureCause::NotFound, detail: "no /dev/video0".into() };
        let json = serde_json::to_string(&ServerMessage::Source { name, state, failures: 2 }).unwrap();
        assert_eq!(
            json,
            r#"{"type":"source","name":"cam","state":"failed","cause":"not_found","detail":"no /dev/video0","failures":2}"#
        );
        let bye =
            ServerMessage::Bye { reason: ByeReason::Shutdown, message: "x".into(), retry_ms: Some(500) };
        assert_eq!(
            serde_json::to_string(&bye).unwrap(),
            r#"{"type":"bye","reason":"shutdown","message":"x","retry_ms":500}"#
        );
    }
}
