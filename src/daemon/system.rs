//! What the daemon has to do with the system: signals, readiness, the watchdog.

use async_signal::{Signal, Signals};
use futures_lite::StreamExt as _;
use std::time::Duration;

/// What the system asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP as they come.
#[derive(Debug)]
pub(super) struct Requests(Signals);

impl Requests {
    pub(super) fn new() -> std::io::Result<Self> {
        Signals::new([Signal::Term, Signal::Int, Signal::Hup]).map(Self)
    }

    pub(super) async fn next(&mut self) -> Request {
        loop {
            match self.0.next().await {
                Some(Ok(Signal::Term | Signal::Int)) => return Request::Stop,
                Some(Ok(Signal::Hup)) => return Request::Reload,
                Some(Ok(_) | Err(_)) => {}
                None => std::future::pending::<()>().await,
            }
        }
    }
}

/// Tells systemd; nothing where systemd does not listen.
pub(super) fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd is not told");
    }
}

/// How often the watchdog wants to be fed; `None`: there is none.
pub(super) fn watchdog_interval() -> Option<Duration> {
    // Twice within the time that the unit allows.
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}
