//! What has let somebody in, so that it can be asked later whether it still would.

use crate::core::access::SessionId;
use crate::core::principal::Principal;
use std::fmt;
use std::sync::Arc;

/// Somebody who has been let in, and by what. [`super::Server::holds`] says whether that still holds.
#[derive(Debug, Clone)]
pub struct Grant {
    pub(crate) pass: Pass,
    /// The session of a cookie, with when that cookie ends, in seconds since 1970-01-01 UTC.
    pub(crate) session: Option<(SessionId, u64)>,
}

impl Grant {
    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.pass.principal
    }
}

#[cfg(test)]
impl Grant {
    /// For tests of what knows no door.
    pub(crate) fn of(principal: Principal) -> Self {
        Self {
            pass: Pass { principal: Arc::new(principal), stamp: Stamp([0; 32]), until_s: None },
            session: None,
        }
    }
}

/// Who comes in by some way, and what there is to know for it. Both have to stay as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) principal: Arc<Principal>,
    pub(crate) stamp: Stamp,
    /// When it ends by itself, in seconds since 1970-01-01 UTC.
    pub(crate) until_s: Option<u64>,
}

/// A digest of the secret that a way in asks for: another secret is another stamp.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Stamp(pub(crate) [u8; 32]);

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
