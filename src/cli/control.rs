//! The commands that ask the running daemon: how they find it, and what its refusals mean here.

use super::Which;
use crate::config::Config;
use crate::control::{self, Unreachable};
use crate::core::control::{Answer, Refusal, Request, Status};
use crate::core::ids::SourceName;
use std::path::Path;

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No daemon was found, or it does not answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// It refuses.
    #[error("{message}")]
    Refused {
        /// Why.
        reason: Refusal,
        /// In its words.
        message: String,
    },
    /// Where its state is kept cannot be known.
    #[error(
        "neither the configuration nor HOME says where the daemon's state folder is: name its configuration by --config"
    )]
    NoStateDir,
    /// It answers something else: it is of another version.
    #[error("the daemon gave another answer than was asked for: is it of another version?")]
    OtherAnswer,
}

impl Error {
    /// Whether it is a list of mistakes in the configuration.
    #[must_use]
    pub fn is_bad_configuration(&self) -> bool {
        matches!(self, Self::Refused { reason: Refusal::BadConfiguration, .. })
    }
}

/// How things are.
///
/// # Errors
/// [`Error`]
pub fn status(file: Option<&Path>) -> Result<Status, Error> {
    match ask(file, &Request::Status)? {
        Answer::Status(status) => Ok(*status),
        _ => Err(Error::OtherAnswer),
    }
}

/// Pauses sources, and says what is paused from now on.
///
/// # Errors
/// [`Error`]
pub fn pause(which: Which) -> Result<String, Error> {
    paused(&which, &Request::Pause { source: which.source.clone() })
}

/// Brings sources back, and says what is still paused.
///
/// # Errors
/// [`Error`]
pub fn resume(which: Which) -> Result<String, Error> {
    paused(&which, &Request::Resume { source: which.source.clone() })
}

fn paused(which: &Which, request: &Request) -> Result<String, Error> {
    let Answer::Paused { sources, kept } = ask(which.file.config.as_deref(), request)? else {
        return Err(Error::OtherAnswer);
    };
    let names: Vec<_> = sources.iter().map(SourceName::as_str).collect();
    let mut text = match names.as_slice() {
        [] => "nothing is paused\n".to_owned(),
        names => format!("paused: {}\n", names.join(", ")),
    };
    if !kept {
        text.push_str("but this cannot be kept over a restart of the daemon: its log says why\n");
    }
    Ok(text)
}

/// Has the configuration read again.
///
/// # Errors
/// [`Error`]; mistakes in the configuration are an [`Error::Refused`].
pub fn reload(file: Option<&Path>) -> Result<(), Error> {
    match ask(file, &Request::Reload)? {
        Answer::Reloaded => Ok(()),
        _ => Err(Error::OtherAnswer),
    }
}

/// Asks the daemon that runs with this configuration, whether or not there are mistakes in it by now.
pub(super) fn ask(file: Option<&Path>, request: &Request) -> Result<Answer, Error> {
    let state_dir = Config::state_dir_of(file, &super::link::environment()).ok_or(Error::NoStateDir)?;
    match control::find(&state_dir)?.ask(request)? {
        Answer::Refused { reason, message } => Err(Error::Refused { reason, message }),
        answer => Ok(answer),
    }
}
