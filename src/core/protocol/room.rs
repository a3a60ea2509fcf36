//! The messages of the room: who is there, what is said, and what participants signal to each other.
//!
//! Owns the wire types and nothing else. Texts and names are plain text as they stand here: whether
//! they may be so is checked in [`crate::core::room`].

use crate::core::ids::{ParticipantId, RoomName, SourceName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// To come into a room.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enter {
    /// Which; the one of the page `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// What one wants to be called; absent: by the account's name, or as a guest with a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The last message that is there already. Looked at where `resume` is honoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The secret of an earlier [`RoomState`]: the same participant goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

impl fmt::Debug for Enter {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { room, name, since, resume } = self;
        let mut shown = f.debug_struct("Enter");
        shown.field("room", room).field("name", name).field("since", since);
        shown.field("resumes", &resume.is_some()).finish()
    }
}

/// To say something to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    /// Made by the sender: said again with the same one, it is said once.
    pub id: String,
    /// What is said.
    pub text: String,
}

/// Where somebody points; without a place, nowhere any more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// On which source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// From the picture's left edge, 0, to its right one, 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// From the picture's upper edge, 0, to its lower one, 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
}

/// What a participant does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Presence {
    /// Takes part in the room's call.
    pub call: bool,
    /// Sends its camera.
    pub camera: bool,
    /// Sends its microphone, and is not muted.
    pub microphone: bool,
    /// Sends its screen.
    pub screen: bool,
    /// Hears nobody.
    pub deaf: bool,
    /// Has its hand up.
    #[serde(default)]
    pub hand: bool,
}

/// What two participants' peer connections tell each other (W3C webrtc-pc section 10.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignalBody {
    /// A session description (RFC 9429 section 4.1.8).
    Description {
        /// Its type.
        description_type: DescriptionType,
        /// The SDP text; empty for a rollback.
        #[serde(default)]
        sdp: String,
        /// Of which peer connection: a page makes one for each.
        session: String,
    },
    /// An ICE candidate (RFC 8838).
    Candidate {
        /// Its line without `a=`; empty: there are no more.
        candidate: String,
        /// The `mid` of its m-line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sdp_mid: Option<String>,
        /// The index of its m-line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sdp_mline_index: Option<u16>,
        /// The credentials that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username_fragment: Option<String>,
        /// Of which peer connection.
        session: String,
    },
    /// That peer connection is closed.
    Bye {
        /// Which.
        session: String,
    },
}

/// The types of a session description that participants send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DescriptionType {
    /// It begins a negotiation.
    Offer,
    /// It ends one.
    Answer,
    /// It takes an offer back.
    Rollback,
}

/// One who is in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Its number, never used twice in one run of the daemon.
    pub id: ParticipantId,
    /// What it is called. Not unique.
    pub name: String,
    /// A colour of the page's palette, from 0 to 11.
    pub colour: u8,
    /// Whether it may say something, point, and take part in the call.
    pub may_talk: bool,
    /// What it does.
    #[serde(flatten)]
    pub presence: Presence,
    /// Its connection was lost, and may come back.
    pub away: bool,
    /// Sends its camera by the WebSocket.
    pub pictures: bool,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Counts from 1 in each room, without a gap.
    pub seq: u64,
    /// What the sender has called it.
    pub id: String,
    /// Who has said it; 0 for somebody before the daemon's last start.
    pub from: ParticipantId,
    /// What they were called then.
    pub name: String,
    /// Their colour then.
    pub colour: u8,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub time_ms: f64,
    /// What was said.
    pub text: String,
}

/// A room in the list of rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Its name: it is at `/r/NAME`, and `main` at `/`.
    pub name: RoomName,
    /// What it is called for people.
    pub title: String,
    /// How many are in it now.
    pub people: usize,
}

/// What a room allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLimits {
    /// How many may be in it.
    pub people: usize,
    /// How many of them may be in its call.
    pub calls: usize,
    /// The largest file from one to another, in MiB; 0: none.
    pub files_mib: u32,
}

/// All of a room, for who has come into it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomState {
    /// Its name.
    pub name: RoomName,
    /// What it is called for people.
    pub title: String,
    /// Which participant one is.
    pub me: ParticipantId,
    /// The secret by which one comes back as the same participant.
    pub resume: String,
    /// Whether one may say something, point, and take part in the call.
    pub may_talk: bool,
    /// Everybody who is there, oneself included, in the order in which they came.
    pub participants: Vec<Participant>,
    /// What was said; `history` messages may follow with what was said after it.
    pub history: Vec<Said>,
    /// Between what was asked for and the first of `history` something is lost.
    pub more: bool,
    /// What the room allows.
    pub limits: RoomLimits,
    /// Every room there is.
    pub rooms: Vec<RoomInfo>,
}

impl fmt::Debug for RoomState {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, me, participants, history, more, .. } = self;
        let mut shown = f.debug_struct("RoomState");
        shown.field("name", name).field("me", me).field("participants", participants);
        shown.field("history", history).field("more", more).finish_non_exhaustive()
    }
}

/// Why somebody is not in a room any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// They have left.
    Left,
    /// Their connection was lost and did not come back.
    Lost,
    /// The daemon has ended their session.
    Ended,
}

/// Why one is not in the room any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomOverReason {
    /// An admin has closed it, or the configuration has it no more.
    Closed,
    /// Another connection goes on as this participant.
    TakenOver,
}
