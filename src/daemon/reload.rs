//! Reload: the configuration read again, while everything goes on, and then taken over.
//!
//! Reading looks for devices and tries encoders, which takes seconds: a thread of the blocking
//! pool does it, and the loop takes what comes of it. A bad configuration changes nothing.

use super::histories::{self, Histories};
use super::sources::Replaced;
use super::unit::Planned;
use super::{Daemon, Means, greeting, ice, rules, sources_of, system};
use crate::config::{Config, ConfigErrors};
use crate::control::Reply;
use crate::core::control::{Answer, Refusal};
use crate::media::encoder::Encoders;
use crate::media::launch::LaunchFiles;
use crate::telemetry::metrics::metrics;
use crate::telemetry::{audit, logs};
use crate::web::Server;
use async_channel::{Receiver, Sender};
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::Instant;

/// A configuration that was read and found good. The web server has taken it already.
#[derive(Debug)]
pub(super) struct Reloaded {
    config: Config,
    sources: Vec<Planned>,
    encoders: Encoders,
    histories: Histories,
}

/// Why one was not taken over.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadReload {
    /// It has mistakes.
    #[error(transparent)]
    Configuration(#[from] ConfigErrors),
    /// It has none, and something that it asks for cannot be had.
    #[error("{0}")]
    Other(String),
}

/// What is being read, if anything is.
#[derive(Debug)]
pub(super) struct Reload {
    state: State,
    sender: Sender<Result<Reloaded, BadReload>>,
    pub(super) events: Receiver<Result<Reloaded, BadReload>>,
}

/// With those who wait to hear what came of it.
#[derive(Debug)]
enum State {
    Idle,
    Reading(Vec<Reply>),
    /// What is read may be out of date by now: it is read once more, for the others who wait.
    ReadingAgain(Vec<Reply>, Vec<Reply>),
}

impl Reload {
    pub(super) fn new() -> Self {
        let (sender, events) = async_channel::bounded(1);
        Self { state: State::Idle, sender, events }
    }
}

impl Daemon {
    /// Begins to read the configuration file as it is now, for somebody who waits to hear of it.
    pub(super) fn reload(&mut self, who: Option<Reply>) {
        self.read_for(who.into_iter().collect());
    }

    fn read_for(&mut self, who: Vec<Reply>) {
        match std::mem::replace(&mut self.reload.state, State::Idle) {
            State::Idle => self.reload.state = State::Reading(who),
            State::Reading(first) => {
                self.reload.state = State::ReadingAgain(first, who);
                return;
            }
            State::ReadingAgain(first, mut again) => {
                again.extend(who);
                self.reload.state = State::ReadingAgain(first, again);
                return;
            }
        }
        if let Ok(time) = NotifyState::monotonic_usec_now() {
            system::notify(&[NotifyState::Reloading, time]);
        }
        let (means, server, running) = (self.means, Arc::clone(&self.server), self.config.clone());
        let sender = self.reload.sender.clone();
        // Not owned by anybody: what it reads into is closed when the daemon has ended.
        smol::unblock(move || {
            let _ = sender.send_blocking(read(&running, means, &server));
        })
        .detach();
    }

    /// Takes over what was read.
    pub(super) fn reloaded(&mut self, now: Instant, read: Result<Reloaded, BadReload>) {
        metrics().reloaded(read.is_ok());
        let answer = match read {
            Ok(reloaded) => {
                self.apply(now, reloaded);
                Answer::Reloaded
            }
            Err(error) => {
                tracing::error!("the configuration stays as it was:\n{error}");
                Answer::Refused { reason: Refusal::BadConfiguration, message: error.to_string() }
            }
        };
        system::notify(&[NotifyState::Ready]);
        let (who, again) = match std::mem::replace(&mut self.reload.state, State::Idle) {
            State::Idle => (Vec::new(), None),
            State::Reading(who) => (who, None),
            State::ReadingAgain(who, again) => (who, Some(again)),
        };
        who.into_iter().for_each(|who| who.send(answer.clone()));
        if let Some(again) = again {
            self.read_for(again);
        }
    }

    fn apply(&mut self, now: Instant, reloaded: Reloaded) {
        let Reloaded { config, sources, encoders, histories } = reloaded;
        if let Err(error) = logs::set_level(&config.log) {
            tracing::warn!(%error, "[log] level stays as it was");
        }
        self.viewers.reconfigure(ice(&config, self.server.local_addr()), greeting(&config), rules(&config));
        self.viewers.reconfigure_rooms(&config, histories);
        audit::reopen(config.log.audit_file.as_deref());
        let before = self.sources.infos();
        let (Replaced { added, removed, changed }, states) =
            self.sources.replace(now, &config, sources, encoders);
        self.config = config;
        tracing::info!(?added, ?removed, ?changed, "configuration reloaded");
        self.viewers.relist(now, &before, &self.sources);
        self.viewers.announce(&states);
        for name in self.sources.names() {
            self.viewers.ladder(now, &name, &self.sources);
        }
        self.end_revoked(now);
    }
}

fn read(running: &Config, means: Means, server: &Server) -> Result<Reloaded, BadReload> {
    let other = |error: &dyn std::error::Error| BadReload::Other(error.to_string());
    let config = (means.load_config)(running.file.as_deref())?;
    let sources = sources_of(&config, means.find_sources).map_err(|error| other(&error))?;
    let files = LaunchFiles::new(config.pipelines_dir.clone());
    let encoders = Encoders::choose(&files, &config.video.encoders).map_err(|error| other(&error))?;
    // Last: it takes effect at once.
    let reloaded = server.reload(&config).map_err(|error| other(&error))?;
    if reloaded.listen_changed {
        tracing::warn!("[server] listen has changed: restart the daemon for it to take effect");
    }
    if config.network.port != running.network.port {
        tracing::warn!("[network] port has changed: restart the daemon for it to take effect");
    }
    if config.network.srtp != running.network.srtp {
        tracing::warn!("[network] srtp has changed: restart the daemon for it to take effect");
    }
    if config.metrics != running.metrics {
        tracing::warn!("[metrics] has changed: restart the daemon for it to take effect");
    }
    let histories = histories::read(&config);
    Ok(Reloaded { config, sources, encoders, histories })
}
