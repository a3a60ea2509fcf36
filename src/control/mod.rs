//! The control socket: how programs of the machine's owner speak to the running daemon.
//!
//! Owns the socket file, the lock that keeps a second daemon out, who may speak, and the bounds on
//! all that comes; what is asked is the daemon's to answer. Requests and answers are those of
//! [`crate::core::control`], a line of JSON each.

mod client;
mod server;

pub use client::{Line, Unreachable, find};
pub use server::Server;

use crate::core::control::{Answer, Request};
use std::io;
use std::path::{Path, PathBuf};

/// The socket's name in its folder.
const SOCKET: &str = "control.sock";
/// In the state folder: held by the daemon that uses it.
const LOCK: &str = "lock";

/// A program asks something and waits for the answer.
#[derive(Debug)]
pub struct Asked {
    /// What.
    pub request: Request,
    /// The way back.
    pub reply: Reply,
}

/// The way back to a program that waits. Dropped unused, it is told that the daemon stops.
#[derive(Debug)]
pub struct Reply(async_channel::Sender<Answer>);

impl Reply {
    fn new() -> (Self, async_channel::Receiver<Answer>) {
        let (sender, receiver) = async_channel::bounded(1);
        (Self(sender), receiver)
    }

    /// Answers; never waits.
    pub fn send(self, answer: Answer) {
        // Who does not wait for it any more does not need it.
        let _gone = self.0.try_send(answer);
    }
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another daemon has it.
    #[error(
        "another vitrina is running with the state folder {0}: see `vitrina status`, or give this one a \
         state_dir of its own"
    )]
    Running(PathBuf),
    /// The system says no.
    #[error("cannot {action} {path} (is state_dir a folder that this user may write to?): {source}")]
    File {
        /// What was to be done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something else is in its place.
    #[error("{0} is in the place of the control socket and is none: move it away")]
    InTheWay(PathBuf),
}

/// Where the daemon with this state folder has its socket: in systemd's `RuntimeDirectory=`, else in
/// the state folder.
fn place(state_dir: &Path) -> PathBuf {
    runtime_directory().unwrap_or_else(|| state_dir.to_owned()).join(SOCKET)
}

/// systemd puts every folder of `RuntimeDirectory=` into the variable, with colons between.
fn runtime_directory() -> Option<PathBuf> {
    let value = std::env::var("RUNTIME_DIRECTORY").ok()?;
    let first = PathBuf::from(value.split(':').next()?);
    first.is_absolute().then_some(first)
}
