//! What programs on the machine ask the running daemon, and its answers: one JSON object a line, over
//! the control socket.
//!
//! Owns the wire types and nothing else. `docs/configuration.md` has them in full.

use super::ids::SourceName;
use super::invitation::{Invitation, Wanted};
use super::principal::InvitationId;
use super::protocol::{FailureCause, SourceInfo, ViewerInfo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest request, in bytes, with its end of line.
pub const MAX_REQUEST: usize = 4 * 1024;
/// The longest answer: a status with a thousand viewers, each of sixteen sources.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// How things are. Answered by [`Answer::Status`].
    Status,
    /// Make an invitation. Answered by [`Answer::Invited`].
    Invite(Wanted),
    /// Which invitations there are. Answered by [`Answer::Invitations`].
    Invitations,
    /// Take an invitation back, and end what it has begun. Answered by [`Answer::Revoked`].
    Revoke {
        /// Which.
        invitation: InvitationId,
    },
    /// Nothing of these is captured or sent any more. Answered by [`Answer::Paused`], when that is so.
    Pause {
        /// Which source; all of them, and those that are still to come, when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<SourceName>,
    },
    /// These are shown again. Answered by [`Answer::Paused`].
    Resume {
        /// Which source; all of them when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<SourceName>,
    },
    /// Read the configuration again. Answered when that is done, by [`Answer::Reloaded`].
    Reload,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// How things are.
    Status(Box<Status>),
    /// An invitation was made.
    Invited {
        /// What it is.
        invitation: Invitation,
        /// Its link: who has it may use it.
        link: String,
    },
    /// The invitations there are, the last one made first.
    Invitations {
        /// All of them.
        invitations: Vec<Invitation>,
    },
    /// An invitation holds no more.
    Revoked {
        /// Which.
        invitation: InvitationId,
    },
    /// What is paused from now on.
    Paused {
        /// Of the sources there are.
        sources: Vec<SourceName>,
        /// Whether it is kept over a restart of the daemon.
        kept: bool,
    },
    /// The configuration was read, is good, and holds from now on.
    Reloaded,
    /// Nothing was done.
    Refused {
        /// Why.
        reason: Refusal,
        /// A sentence for a person; of a configuration all its mistakes, a line for each.
        message: String,
    },
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not JSON, not one of the requests, or too large.
    BadRequest,
    /// The configuration has mistakes.
    BadConfiguration,
    /// There is no such source.
    UnknownSource,
    /// There cannot be such an invitation.
    BadInvitation,
    /// There is no such invitation.
    UnknownInvitation,
    /// It could not be done; the message says why.
    Failed,
    /// Too many others are asking.
    Busy,
    /// The daemon stops.
    Stopping,
}

/// How things are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Name and version of the daemon.
    pub software: String,
    /// Its state folder, which tells it from others.
    pub state_dir: String,
    /// Where the page is.
    pub url: String,
    /// When it was started, in milliseconds since 1970-01-01 UTC.
    pub up_since_ms: f64,
    /// Every source, in the config's order.
    pub sources: Vec<SourceStatus>,
    /// Who watches.
    pub viewers: Vec<ViewerInfo>,
}

/// One source, and how many watch it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// As viewers are told of it.
    #[serde(flatten)]
    pub info: SourceInfo,
    /// Viewers that it is sent to, or is about to be.
    pub viewers: usize,
    /// Since when its state is what it is, in milliseconds since 1970-01-01 UTC.
    pub since_ms: f64,
    /// What has gone wrong with it so far.
    pub faults: FaultsInfo,
}

/// What has gone wrong with a source since it was configured. A fault counts once, however often it
/// was tried again meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultsInfo {
    /// Faults of its capture and its encoders.
    pub total: u64,
    /// The same by their cause.
    pub causes: BTreeMap<FailureCause, u64>,
    /// The last one's cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<FailureCause>,
    /// Starts of its capture.
    pub starts: u64,
    /// Those of them that followed a fault.
    pub restarts: u64,
    /// How often an encoder has taken over from one that failed.
    pub takeovers: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::protocol::{MediaKind, SourceKindName, SourceState};

    #[test]
    fn messages_have_the_documented_form() {
        let request: Request = serde_json::from_str(r#"{"type":"reload","later":1}"#).unwrap();
        assert_eq!(request, Request::Reload);
        let request: Request = serde_json::from_str(r#"{"type":"pause"}"#).unwrap();
        assert_eq!(request, Request::Pause { source: None });
        for bad in
            [r#"{"type":"resume","source":"A B"}"#, r#"{"type":"nonsense"}"#, "[]", "", r#"{"status":{}}"#]
        {
            assert!(serde_json::from_str::<Request>(bad).is_err(), "{bad}");
        }
        let source = SourceStatus {
            info: SourceInfo {
                name: SourceName::new("cam").unwrap(),
                title: "Cam".into(),
                kind: SourceKindName::Camera,
                media: vec![MediaKind::Video],
                state: SourceState::Live,
                failures: 1,
            },
            viewers: 2,
            since_ms: 3.0,
            faults: FaultsInfo {
                total: 1,
                causes: BTreeMap::from([(FailureCause::Lost, 1)]),
                last: Some(FailureCause::Lost),
                starts: 3,
                restarts: 2,
                takeovers: 0,
            },
        };
        assert_eq!(
            serde_json::to_string(&source).unwrap(),
            r#"{"name":"cam","title":"Cam","kind":"camera","media":["video"],"state":"live","failures":1,"viewers":2,"since_ms":3.0,"faults":{"total":1,"causes":{"lost":1},"last":"lost","starts":3,"restarts":2,"takeovers":0}}"#
        );
        let status = Answer::Status(Box::new(Status {
            software: "vitrina/1".into(),
            state_dir: "/s".into(),
            url: "https://host".into(),
            up_since_ms: 1.0,
            sources: vec![source],
            viewers: Vec::new(),
        }));
        let text = serde_json::to_string(&status).unwrap();
        assert!(text.starts_with(r#"{"type":"status","software":"vitrina/1","#), "{text}");
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), status);
    }
}
