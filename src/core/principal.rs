//! Who somebody is to the daemon, and what they may see and do.
//!
//! Owns names, roles and rights, and the questions that are asked of them. Never holds a secret:
//! `web` looks at those at the door, and hands on the [`Principal`] that came in.

use super::ids::SourceName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The longest name of an account, in bytes.
pub const MAX_ACCOUNT_NAME: usize = 32;

/// An account's name: 1 to 32 of `a-z`, `0-9`, `-`, `_` and `.`, beginning with a letter or a
/// digit. It stands in cookies and in logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// Why a text is not the name of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 32 of a-z, 0-9, '-', '_' and '.', beginning with a letter or a digit")]
pub struct BadAccountName;

impl AccountName {
    /// # Errors
    /// [`BadAccountName`] when the text is not of the form above.
    pub fn new(text: impl Into<String>) -> Result<Self, BadAccountName> {
        let text = text.into();
        let ok = text.len() <= MAX_ACCOUNT_NAME
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if ok { Ok(Self(text)) } else { Err(BadAccountName) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountName {
    type Error = BadAccountName;
    fn try_from(text: String) -> Result<Self, BadAccountName> {
        Self::new(text)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An invitation's number in lists and commands: 1 to 16 of `a-z` and `0-9`. It is no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InvitationId(String);

/// Why a text is not the number of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an invitation's id: 1 to 16 of a-z and 0-9")]
pub struct BadInvitationId;

impl InvitationId {
    /// # Errors
    /// [`BadInvitationId`] when the text is not of the form above.
    pub fn new(text: impl Into<String>) -> Result<Self, BadInvitationId> {
        let text = text.into();
        let ok = (1..=16).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if ok { Ok(Self(text)) } else { Err(BadInvitationId) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InvitationId {
    type Error = BadInvitationId;
    fn try_from(text: String) -> Result<Self, BadInvitationId> {
        Self::new(text)
    }
}

impl From<InvitationId> for String {
    fn from(id: InvitationId) -> Self {
        id.0
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody may do; each may what the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To watch.
    Viewer,
    /// To speak in a room, too, where that is for participants.
    Participant,
    /// To see who watches, to end sessions, to invite.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Participant => "participant",
            Self::Admin => "admin",
        })
    }
}

/// Which sources somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// All of them, also those that are still to come.
    All,
    /// These, as far as they are there.
    Only(BTreeSet<SourceName>),
}

impl Rights {
    /// Whether a source is among them.
    #[must_use]
    pub fn include(&self, source: &SourceName) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(source),
        }
    }
}

/// As whom somebody has come in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// By what many share: the link's token, the password, the open door.
    Anyone,
    /// By name and password.
    Account(AccountName),
    /// By an invitation.
    Invitation(InvitationId),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Account(name) => write!(f, "account {name}"),
            Self::Invitation(id) => write!(f, "invitation {id}"),
        }
    }
}

/// Who somebody is to the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// As whom they came in.
    pub who: Who,
    /// What people call them: an account's name, or what an invitation was named; `None` where
    /// many share the way in.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// What they may see.
    pub sources: Rights,
}

impl Principal {
    /// Somebody who has come by what many share. Never more than a viewer: a secret that is
    /// handed around makes nobody an admin.
    #[must_use]
    pub fn anyone(sources: Rights) -> Self {
        Self { who: Who::Anyone, name: None, role: Role::Viewer, sources }
    }

    /// Of these sources those that they may see, in the same order.
    #[must_use]
    pub fn visible(&self, sources: Vec<SourceName>) -> Vec<SourceName> {
        sources.into_iter().filter(|source| self.sources.include(source)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> SourceName {
        SourceName::new(name).unwrap()
    }

    #[test]
    fn names_of_accounts_and_invitations_are_checked() {
        for good in ["anna", "a", "2nd", "anna.b-c_d", &"a".repeat(MAX_ACCOUNT_NAME)] {
            assert!(AccountName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "Anna", ".a", "a b", "a:b", "ä", "a;b", &"a".repeat(MAX_ACCOUNT_NAME + 1)] {
            assert!(AccountName::new(bad).is_err(), "{bad}");
        }
        assert!(InvitationId::new("k3f9").is_ok());
        for bad in ["", "K", "a-b", &"a".repeat(17)] {
            assert!(InvitationId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn roles_are_ordered_by_what_they_may() {
        assert!(Role::Viewer < Role::Participant && Role::Participant < Role::Admin);
        assert_eq!(serde_json::to_string(&Role::Participant).unwrap(), "\"participant\"");
    }

    #[test]
    fn rights_hide_what_they_do_not_name() {
        let only = |names: &[&str]| Rights::Only(names.iter().map(|name| source(name)).collect());
        let there = || vec![source("screen"), source("camera")];
        let visible = |sources| Principal::anyone(sources).visible(there());
        assert_eq!(visible(Rights::All), there());
        assert_eq!(visible(only(&["camera", "gone"])), [source("camera")]);
        assert_eq!(visible(only(&[])), []);
        assert_eq!(Principal::anyone(Rights::All).role, Role::Viewer);
    }
}
