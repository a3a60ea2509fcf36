//! What is paused: put into effect at once, and kept over a restart in the state folder.
//!
//! Invariant: what cannot be known to be shown is not. A file that cannot be read pauses everything.

use super::Daemon;
use crate::core::audit::TARGET;
use crate::core::ids::SourceName;
use crate::core::pause::Pauses;
use crate::core::protocol::PausedBy;
use crate::web::state;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

const FILE: &str = "paused.json";

impl Daemon {
    /// Pauses or brings back a source, or all of them. In effect when this returns.
    pub(super) fn pause_by(
        &mut self,
        now: Instant,
        (by, who): (PausedBy, &str),
        source: Option<&SourceName>,
        paused: bool,
    ) {
        let what = source.map_or("everything", SourceName::as_str);
        let did = if paused { "paused" } else { "resumed" };
        tracing::info!(target: TARGET, event = did, who, what, "{did}");
        let mut pauses = self.sources.pauses().clone();
        if paused {
            pauses.pause(by, source);
        } else {
            pauses.resume(by, source, &self.sources.names());
        }
        let changes = self.sources.set_pauses(now, pauses);
        self.pictures.forget(source);
        self.viewers.forget_pictures(source);
        self.viewers.announce(&changes);
    }
}

/// The file in which it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// Counts what was to be written.
    last: u64,
    /// Of those, the last one that was. Held while a file is written.
    written: Arc<Mutex<u64>>,
}

impl Kept {
    /// And what stands in it. Blocks on the file.
    pub(super) fn read(state_dir: &Path) -> (Self, Pauses) {
        let path = state_dir.join(FILE);
        let pauses = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Pauses::default()),
            Err(error) => Err(error),
        };
        let pauses = pauses.unwrap_or_else(|error| {
            let file = path.display();
            tracing::warn!(%file, %error, "everything is paused, as what was paused cannot be read: `vitrina resume`");
            Pauses::everything()
        });
        if !pauses.is_empty() {
            tracing::info!("sources are paused; see `vitrina status`");
        }
        (Self { path, last: 0, written: Arc::default() }, pauses)
    }

    /// Writes it on the blocking pool, and says whether it is kept.
    pub(super) fn write(&mut self, pauses: &Pauses, then: impl FnOnce(bool) + Send + 'static) {
        self.last += 1;
        let (path, number, written) = (self.path.clone(), self.last, Arc::clone(&self.written));
        let pauses = pauses.clone();
        smol::unblock(move || {
            let mut last = written.lock().unwrap_or_else(PoisonError::into_inner);
            // A later one may have been quicker, and has it all.
            if *last < number {
                if let Err(error) = state::write_json(&path, (!pauses.is_empty()).then_some(&pauses)) {
                    tracing::error!(%error, "what is paused is not kept over a restart");
                    drop(last);
                    return then(false);
                }
                *last = number;
            }
            drop(last);
            then(true);
        })
        .detach();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cam() -> SourceName {
        SourceName::new("cam").unwrap()
    }

    #[test]
    fn what_is_paused_is_kept_and_what_cannot_be_read_pauses_everything() {
        let folder = tempfile::tempdir().unwrap();
        let (mut kept, pauses) = Kept::read(folder.path());
        assert!(pauses.is_empty());
        let mut pauses = Pauses::default();
        let mut write = |pauses: &Pauses| {
            let (told, hear) = std::sync::mpsc::channel();
            kept.write(pauses, move |kept| told.send(kept).unwrap());
            hear.recv().unwrap()
        };
        pauses.pause(PausedBy::Machine, Some(&cam()));
        assert!(write(&pauses));
        assert_eq!(Kept::read(folder.path()).1, pauses);
        assert!(write(&Pauses::default()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");

        std::fs::write(folder.path().join(FILE), "{\"machine\":").unwrap();
        assert_eq!(Kept::read(folder.path()).1.of(&cam()), Some(PausedBy::Machine));
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        std::fs::create_dir(folder.path().join(FILE)).unwrap();
        assert!(!write(&pauses));
    }
}
