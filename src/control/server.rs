//! The daemon's end: a socket that its own user and root may speak to, and nobody else.
//!
//! Invariant: a program that floods, stalls or never reads costs one of [`MOST_CONNECTIONS`] places
//! for a few seconds, and the daemon's loop nothing.

use super::{Asked, Error, LOCK, Reply, place};
use crate::core::control::{Answer, MAX_REQUEST, Refusal, Request};
use async_channel::{Receiver, Sender};
use futures_lite::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use futures_lite::{FutureExt as _, StreamExt as _};
use smol::lock::Semaphore;
use smol::net::unix::{UnixListener, UnixStream};
use smol::{Executor, Timer};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Programs that may be connected at once.
const MOST_CONNECTIONS: usize = 8;
/// Requests taken on one connection.
const MOST_REQUESTS: usize = 100;
/// For a request to come, whole.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// For the daemon to answer: a reload looks for devices and tries encoders.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// For an answer to be taken.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// After an accept that failed, for want of file descriptors usually.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The socket of a running daemon. Dropping it takes the socket file away.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    asked: Sender<Asked>,
    /// Locked; the system lets go of it with the process, however that ends.
    _lock: Option<File>,
}

impl Server {
    /// Makes the socket; one that a killed daemon has left is taken away. Requests come out of the
    /// receiver once [`Server::run`] runs. Blocks on files.
    ///
    /// # Errors
    /// [`Error`]: another daemon has this state folder, or the socket cannot be made.
    pub fn bind(state_dir: &Path) -> Result<(Self, Receiver<Asked>), Error> {
        Self::bind_at(state_dir, place(state_dir))
    }

    fn bind_at(state_dir: &Path, path: PathBuf) -> Result<(Self, Receiver<Asked>), Error> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { action, path, source }
        };
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700);
        folder.create(state_dir).map_err(failed("make the folder", state_dir))?;
        let lock = lock(state_dir)?;
        // The lock is held, so nobody listens there.
        match fs::symlink_metadata(&path) {
            Ok(there) if !there.file_type().is_socket() => return Err(Error::InTheWay(path)),
            Ok(_) => fs::remove_file(&path).map_err(failed("take away", &path))?,
            Err(_) => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed("make the control socket", &path))?;
        // Who gets in before this is shown out by who it is.
        fs::set_permissions(&path, Permissions::from_mode(0o600))
            .map_err(failed("keep others from", &path))?;
        let (asked, requests) = async_channel::bounded(MOST_CONNECTIONS);
        Ok((Self { listener, path, asked, _lock: lock }, requests))
    }

    /// Serves until it is dropped; every connection is a task inside this future and ends with it.
    pub async fn run(&self) {
        // Declared before the tasks' future, dropped after it.
        let executor: Executor<'static> = Executor::new();
        executor.run(self.accept(&executor)).await;
    }

    async fn accept(&self, executor: &Executor<'static>) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut incoming = self.listener.incoming();
        while let Some(stream) = incoming.next().await {
            let stream = match stream {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::debug!(%error, "the control socket cannot take a connection");
                    Timer::after(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if let Err(who) = allowed(&stream) {
                tracing::warn!(who, "somebody else has tried the control socket");
                continue;
            }
            let asked = self.asked.clone();
            match places.try_acquire_arc() {
                Some(place) => executor.spawn(async move {
                    serve(stream, &asked).await;
                    drop(place);
                }),
                None => executor.spawn(async move {
                    let message = format!("{MOST_CONNECTIONS} programs are asking already.");
                    let _ = answer(&stream, &Answer::Refused { reason: Refusal::Busy, message }).await;
                }),
            }
            .detach();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes the state folder for this process. `None`: the file system knows no locks.
fn lock(state_dir: &Path) -> Result<Option<File>, Error> {
    let path = state_dir.join(LOCK);
    let opened = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&path);
    let file = opened.map_err(|source| Error::File { action: "open", path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Running(state_dir.to_owned())),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, file = %path.display(), "cannot be locked: a second daemon would not be noticed");
            Ok(None)
        }
    }
}

/// Whether the program belongs to this user or to root, as the kernel says.
fn allowed(stream: &UnixStream) -> Result<(), String> {
    let peer = rustix::net::sockopt::socket_peercred(stream).map_err(|error| error.to_string())?;
    let own = rustix::process::geteuid();
    if peer.uid == own || peer.uid.is_root() {
        return Ok(());
    }
    Err(format!("user {}", peer.uid.as_raw()))
}

async fn serve(stream: UnixStream, asked: &Sender<Asked>) {
    let mut reader = BufReader::with_capacity(MAX_REQUEST, stream.clone());
    for _ in 0..MOST_REQUESTS {
        let (said, goes_on) = match within(READ_WITHIN, line(&mut reader)).await {
            Some(Ok(Line::Whole(text))) => match serde_json::from_slice::<Request>(&text) {
                Ok(request) => (ask(asked, request).await, true),
                Err(error) => (bad(format!("That is no request: {error}.")), true),
            },
            Some(Ok(Line::TooLong)) => {
                (bad(format!("A request has at most {MAX_REQUEST} bytes and ends with a new line.")), false)
            }
            Some(Ok(Line::End) | Err(_)) | None => return,
        };
        if answer(&stream, &said).await.is_err() || !goes_on {
            return;
        }
    }
}

fn bad(message: String) -> Answer {
    Answer::Refused { reason: Refusal::BadRequest, message }
}

/// Has the daemon answer.
async fn ask(asked: &Sender<Asked>, request: Request) -> Answer {
    let (reply, answer) = Reply::new();
    let answered = async {
        asked.send(Asked { request, reply }).await.ok()?;
        answer.recv().await.ok()
    };
    let stopping = || Answer::Refused {
        reason: Refusal::Stopping,
        message: "The daemon stops, or does not answer.".into(),
    };
    within(ANSWER_WITHIN, answered).await.flatten().unwrap_or_else(stopping)
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
    /// Nothing more comes, or half a line.
    End,
}

async fn line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Line> {
    let mut text = Vec::new();
    loop {
        let read = reader.fill_buf().await?;
        if read.is_empty() {
            return Ok(Line::End);
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(read.len(), |end| end + 1);
        text.extend_from_slice(read.get(..taken).unwrap_or_default());
        reader.consume(taken);
        if text.len() > MAX_REQUEST {
            return Ok(Line::TooLong);
        }
        if end.is_some() {
            return Ok(Line::Whole(text));
        }
    }
}

async fn answer(stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    let mut stream = stream.clone();
    let written = within(WRITE_WITHIN, async { stream.write_all(&text).await });
    written.await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// `None` when it takes longer than that.
async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let late = async {
        Timer::after(limit).await;
        None
    };
    async { Some(future.await) }.or(late).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener as StdListener;

    #[test]
    fn what_a_killed_daemon_has_left_is_no_obstacle_and_what_a_running_one_has_is() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("control.sock");
        // A socket file without anybody behind it.
        drop(StdListener::bind(&path).unwrap());
        let (server, _requests) = Server::bind_at(state.path(), path.clone()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = Server::bind_at(state.path(), state.path().join("elsewhere.sock"));
        assert!(matches!(&second, Err(Error::Running(folder)) if folder == state.path()), "{second:?}");
        drop(server);
        assert!(!path.exists());
        assert!(Server::bind_at(state.path(), path).is_ok());
    }

    #[test]
    fn a_file_in_its_place_is_left_alone() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("control.sock");
        fs::write(&path, "mine").unwrap();
        let refused = Server::bind_at(state.path(), path.clone());
        assert!(matches!(refused, Err(Error::InTheWay(_))), "{refused:?}");
        assert_eq!(fs::read_to_string(path).unwrap(), "mine");
    }
}
