//! Identifiers: who watches and what is watched.
//!
//! Owns the small types that name things across the daemon. Never touches what they name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One viewer: one signalling connection and what hangs on it. Never used twice in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ViewerId(pub u64);

impl fmt::Display for ViewerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The longest name of a source, in bytes.
pub const MAX_SOURCE_NAME: usize = 32;

/// A source's name: 1 to 32 of `a-z`, `0-9`, `-` and `_`, beginning with a letter. It stands in
/// URLs, in the SDP's `msid` and in logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceName(String);

/// Why a text is not a source name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 32 of a-z, 0-9, '-' and '_', beginning with a letter")]
pub struct BadSourceName;

impl SourceName {
    /// # Errors
    /// [`BadSourceName`] when the text is not of the form above.
    pub fn new(text: impl Into<String>) -> Result<Self, BadSourceName> {
        let text = text.into();
        let ok = text.len() <= MAX_SOURCE_NAME
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if ok { Ok(Self(text)) } else { Err(BadSourceName) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SourceName {
    type Error = BadSourceName;
    fn try_from(text: String) -> Result<Self, BadSourceName> {
        Self::new(text)
    }
}

impl From<SourceName> for String {
    fn from(name: SourceName) -> Self {
        name.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A room's name: of the same alphabet as a source's. It stands in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomName(SourceName);

impl RoomName {
    /// # Errors
    /// [`BadSourceName`] when the text is not of the form of [`SourceName`].
    pub fn new(text: impl Into<String>) -> Result<Self, BadSourceName> {
        SourceName::new(text).map(Self)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<SourceName> for RoomName {
    fn from(name: SourceName) -> Self {
        Self(name)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One who is in a room. Never used twice in one run; 0 is nobody who is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParticipantId(pub u32);

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_names_are_checked() {
        for good in ["screen", "a", "cam-2", "x_1", &"a".repeat(MAX_SOURCE_NAME)] {
            assert!(SourceName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "2cam", "Screen", "a b", "a/b", "é", "-a", &"a".repeat(MAX_SOURCE_NAME + 1)] {
            assert!(SourceName::new(bad).is_err(), "{bad}");
        }
    }
}
