//! Keeps what was said in the state folder, if the configuration says so, by the blocking pool.
//!
//! Invariant: one job at most writes at a time, so that a disk that hangs holds one thread, and nothing older
//! comes over what is newer.

use crate::config::{self, Config};
use crate::core::ids::RoomName;
use crate::core::protocol::Said;
use crate::core::room::{MAIN, Rooms};
use crate::web::{self, state};
use async_channel::{Receiver, TryRecvError};
use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is said is written at most so often.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// What could not be written is written again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// The largest file that is read, in bytes: 2 MiB of text, each letter of it written as `\u0000`.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// What was said in an earlier run.
#[derive(Debug, Default)]
pub(super) struct Histories {
    pub(super) said: Vec<(RoomName, Vec<Said>)>,
    /// Of these there is a file that could not be read now.
    pub(super) unread: BTreeSet<RoomName>,
}

/// What is still to be written, and where.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// `None`: nothing is kept.
    folder: Option<PathBuf>,
    /// Rooms of which something is not written yet, and when it is to be.
    changed: BTreeSet<RoomName>,
    due: Option<Instant>,
    /// What these have is not written over.
    unread: BTreeSet<RoomName>,
    running: Option<Running>,
}

/// A job that writes.
#[derive(Debug)]
struct Running {
    rooms: BTreeSet<RoomName>,
    /// Says which of them are not written.
    end: Receiver<BTreeSet<RoomName>>,
}

impl Store {
    /// Takes the configuration over.
    pub(super) fn configure(&mut self, config: &Config, unread: BTreeSet<RoomName>) {
        let keeps = config.room.as_ref().is_some_and(|room| room.history_file);
        self.folder = match self.folder.take() {
            before if keeps => before.or_else(|| Some(folder(&config.state_dir))),
            _ => None,
        };
        self.unread.extend(unread);
        if !keeps {
            self.changed.clear();
            self.due = None;
        }
    }

    /// Something of a room is to be written.
    pub(super) fn changed(&mut self, now: Instant, room: RoomName) {
        if self.folder.is_some() {
            self.changed.insert(room);
            self.due.get_or_insert(now + WRITE_EVERY);
        }
    }

    /// When [`Store::write`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Writes what has changed, unless something is being written still.
    pub(super) fn write(&mut self, now: Instant, rooms: &Rooms) {
        self.due = None;
        if let Some(running) = self.running.take() {
            match running.end.try_recv() {
                Ok(failed) if failed.is_empty() => {}
                Ok(failed) => {
                    self.changed.extend(failed);
                    self.due = Some(now + AGAIN_AFTER);
                    return;
                }
                Err(TryRecvError::Empty) => {
                    self.running = Some(running);
                    self.due = Some(now + WRITE_EVERY);
                    return;
                }
                // It has panicked.
                Err(TryRecvError::Closed) => self.changed.extend(running.rooms),
            }
        }
        if self.changed.is_empty() {
            return;
        }
        let (done, end) = async_channel::bounded(1);
        self.running = Some(Running { rooms: self.changed.clone(), end });
        let files = self.files(rooms);
        smol::unblock(move || {
            // The daemon has ended where this fails.
            let _ = done.try_send(write_all(files));
        })
        .detach();
        // To see whether it was written.
        self.due = Some(now + WRITE_EVERY);
    }

    /// Writes what is not written yet, behind what is being written; the end of what is returned is the end
    /// of that.
    pub(super) fn stop(&mut self, rooms: &Rooms) -> impl Future<Output = ()> + use<> {
        let running = self.running.take();
        if let Some(running) = &running
            && self.folder.is_some()
        {
            // It may fail.
            self.changed.extend(running.rooms.iter().cloned());
        }
        let files = self.files(rooms);
        async move {
            if let Some(running) = running {
                let _ = running.end.recv().await;
            }
            smol::unblock(move || write_all(files)).await;
        }
    }

    /// What is to be written now.
    fn files(&mut self, rooms: &Rooms) -> Vec<File> {
        let changed = std::mem::take(&mut self.changed);
        let Some(folder) = &self.folder else { return Vec::new() };
        let file = |room: RoomName| File {
            path: path(folder, &room),
            said: rooms.kept(&room),
            keep_unread: self.unread.remove(&room),
            room,
        };
        changed.into_iter().map(file).collect()
    }
}

/// One file to be written, or to be deleted.
#[derive(Debug)]
struct File {
    room: RoomName,
    path: PathBuf,
    said: Option<Vec<Said>>,
    /// What is there could not be read, and is kept beside it.
    keep_unread: bool,
}

/// Blocks on the disk. Those that are not written.
fn write_all(files: Vec<File>) -> BTreeSet<RoomName> {
    let mut failed = BTreeSet::new();
    for File { room, path, said, keep_unread } in files {
        if keep_unread {
            set_aside(&path);
        }
        if let Err(error) = write(&path, said.as_ref()) {
            tracing::error!(%room, %error, "what was said is not kept");
            failed.insert(room);
        }
    }
    failed
}

fn write(path: &Path, said: Option<&Vec<Said>>) -> Result<(), web::Error> {
    if said.is_some() {
        path.parent().map_or(Ok(()), state::make_folder)?;
    }
    state::write_json(path, said)
}

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("rooms")
}

fn path(folder: &Path, room: &RoomName) -> PathBuf {
    folder.join(format!("{room}.json"))
}

/// What was said in the configured rooms in an earlier run. Blocks on the files.
pub(super) fn read(config: &Config) -> Histories {
    let mut histories = Histories::default();
    let Some(config::Room { settings, history_file: true }) = &config.room else { return histories };
    let main = RoomName::new(MAIN).ok();
    let folder = folder(&config.state_dir);
    for name in main.into_iter().chain(settings.names.iter().cloned()) {
        match read_one(&path(&folder, &name)) {
            Ok(Some(said)) => histories.said.push((name, said)),
            Ok(None) => {}
            Err(()) => {
                histories.unread.insert(name);
            }
        }
    }
    histories
}

/// `None`: there is nothing that could be read, nor will there be. An error may be another one's next time.
fn read_one(path: &Path) -> Result<Option<Vec<Said>>, ()> {
    let mut text = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut text));
    let said = read.and_then(|_| serde_json::from_slice(&text).map_err(io::Error::from));
    let error = match said {
        Ok(said) => return Ok(Some(said)),
        Err(error) => error,
    };
    let file = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            tracing::warn!(%file, %error, "what was said before is lost: it cannot be read");
            set_aside(path);
            Ok(None)
        }
        _ => {
            tracing::warn!(%file, %error, "what was said before cannot be read now");
            Err(())
        }
    }
}

/// What is said from now on is written to its name; this stays for whoever can mend it.
fn set_aside(path: &Path) {
    let _ = std::fs::rename(path, path.with_extension("unreadable"));
}

#[cfg(test)]
#[path = "histories_tests.rs"]
mod tests;
