//! Why something is refused, and why a connection ends.

use serde::{Deserialize, Serialize};

/// What kind of thing was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, not one of the messages, or too large.
    BadMessage,
    /// The protocol version is not spoken here.
    BadVersion,
    /// A message that does not belong here now: `answer` before an offer, a second `join`.
    OutOfOrder,
    /// A source that does not exist or was not joined.
    UnknownSource,
    /// A rendition that the source has not.
    UnknownRung,
    /// A viewer that is not here.
    UnknownViewer,
    /// An invitation that cannot be made, or is not there.
    BadInvitation,
    /// Something that is for admins.
    Forbidden,
    /// None of the client's codecs can be served.
    NoCodec,
    /// The SDP was refused.
    BadSdp,
    /// The candidate was refused.
    BadCandidate,
    /// Too many messages in too short a time, or too many of one kind.
    TooFast,
    /// There is no such room, or none at all.
    UnknownRoom,
    /// As many people as are allowed are in the room; or there are as many rooms as may be.
    RoomFull,
    /// It is no name, of a person or of a room, or it is taken.
    BadName,
    /// It is for those who are in a room.
    NotInRoom,
    /// In this room the viewer only reads.
    MayNotTalk,
    /// As many people as are allowed are in the room's call.
    CallFull,
    /// Nobody of that number is in the room.
    UnknownParticipant,
    /// What was to be said or signalled is empty, too long, or has what no text has.
    BadText,
    /// Something failed in the daemon; the log says more.
    Internal,
}

/// Why the daemon ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// The daemon stops or starts again.
    Shutdown,
    /// The configuration of a source that the viewer takes has changed.
    Reload,
    /// The viewer said `leave`.
    Left,
    /// What let the viewer in does not hold any more, or lets it see something else now: another
    /// token or password, an account that was changed or removed, a sign-out.
    Revoked,
    /// An admin has ended it.
    Ended,
    /// As many viewers as are allowed are here.
    Full,
    /// An answer, a connection or a sign of life did not come in time.
    Timeout,
    /// The media connection broke or could not be made.
    ConnectionFailed,
    /// The peer's certificate is not the one that its SDP names.
    BadFingerprint,
    /// The client did not keep to the protocol.
    ProtocolError,
    /// The client reads too slowly to be told anything.
    TooSlow,
    /// Something failed in the daemon.
    Internal,
}
