//! Sessions that were signed out, kept over restarts.

use super::error::Error;
use super::session::unix_s;
use super::state;
use crate::core::access::{Ended, SESSION_LENGTH, SessionId};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// See the module.
pub(crate) struct Sessions {
    ended: Mutex<Ended>,
    path: PathBuf,
    /// Held while the file is written, so that an older text never takes a newer one's place.
    writing: Mutex<()>,
}

impl Sessions {
    /// Reads what is in the state folder.
    pub(crate) fn load(state_dir: &Path) -> Result<Self, Error> {
        let path = state_dir.join("ended_sessions");
        let ended = match std::fs::read_to_string(&path) {
            Ok(text) => Ended::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ended::default(),
            Err(source) => return Err(Error::State { action: "read", path, source }),
        };
        Ok(Self { ended: Mutex::new(ended), path, writing: Mutex::default() })
    }

    /// Whether a session was signed out.
    pub(crate) fn has_ended(&self, id: SessionId, expires_s: u64) -> bool {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).has(id, expires_s)
    }

    /// Ends a session: at once here, and for a later start once the file is written. One that
    /// cannot be written is told of in the log.
    pub(crate) async fn end(self: &Arc<Self>, id: SessionId) {
        let now_s = unix_s(SystemTime::now());
        // No cookie that was made until now holds longer.
        let until_s = now_s + SESSION_LENGTH.as_secs();
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).end(now_s, id, until_s);
        let sessions = Arc::clone(self);
        smol::unblock(move || sessions.write()).await;
    }

    fn write(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.ended.lock().unwrap_or_else(PoisonError::into_inner).to_text();
        if let Err(error) = state::write_private(&self.path, text.as_bytes()) {
            tracing::warn!(%error, "a session that was signed out holds again after a restart");
        }
    }
}
