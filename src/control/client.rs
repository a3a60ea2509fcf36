//! The other end: a program finds the daemon of a configuration, and asks it. Blocks.

use super::{SOCKET, place, runtime_directory};
use crate::core::control::{Answer, MAX_ANSWER, Request, Status};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where systemd keeps the socket of the system unit.
const SYSTEM: &str = "/run/vitrina";
/// For an answer: longer than the daemon gives itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(65);

/// Why nobody answers.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// No daemon listens.
    #[error("no vitrina is running here (looked at {}): start it by `vitrina run` or as a service", list(.0))]
    NotRunning(Vec<PathBuf>),
    /// One does, and this user may not speak to it.
    #[error("{0} belongs to another user: ask as that user, or as root")]
    NotAllowed(PathBuf),
    /// It has gone, or does not keep to the protocol.
    #[error("the daemon did not answer: {0}")]
    Broken(#[from] io::Error),
}

/// A connection to a daemon.
#[derive(Debug)]
pub struct Line {
    reader: BufReader<UnixStream>,
}

/// The daemon with this state folder.
///
/// # Errors
/// [`Unreachable`] when there is none, or not for this user.
pub fn find(state_dir: &Path) -> Result<Line, Unreachable> {
    let session = std::env::var_os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("vitrina"));
    let folders = [Some(state_dir.to_owned()), runtime_directory(), session, Some(SYSTEM.into())];
    let mut places: Vec<PathBuf> = vec![place(state_dir)];
    for folder in folders.into_iter().flatten() {
        let place = folder.join(SOCKET);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut forbidden = None;
    for place in &places {
        match Line::open(place) {
            // A folder that services share may have the socket of a daemon with another configuration.
            Ok(mut line) => {
                if place.parent() == Some(state_dir) || is_of(state_dir, line.status()?.as_ref()) {
                    return Ok(line);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                forbidden = Some(place.clone());
            }
            Err(_) => {}
        }
    }
    Err(forbidden.map_or(Unreachable::NotRunning(places), Unreachable::NotAllowed))
}

impl Line {
    fn open(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Unreachable::Broken`].
    pub fn ask(&mut self, request: &Request) -> Result<Answer, Unreachable> {
        let mut text = serde_json::to_vec(request).map_err(io::Error::from)?;
        text.push(b'\n');
        self.reader.get_mut().write_all(&text)?;
        let mut answer = Vec::new();
        let most = u64::try_from(MAX_ANSWER).unwrap_or(u64::MAX);
        (&mut self.reader).take(most).read_until(b'\n', &mut answer)?;
        if answer.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(serde_json::from_slice(&answer).map_err(io::Error::from)?)
    }

    /// Asks how things are.
    fn status(&mut self) -> Result<Box<Status>, Unreachable> {
        match self.ask(&Request::Status)? {
            Answer::Status(status) => Ok(status),
            other => Err(io::Error::other(format!("it says {other:?}")).into()),
        }
    }
}

/// Whether that daemon keeps its state there, by whatever name.
fn is_of(state_dir: &Path, status: &Status) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(Path::new(&status.state_dir)) == real(state_dir)
}

fn list(places: &[PathBuf]) -> String {
    places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
}
