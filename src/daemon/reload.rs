//! Reload: the configuration read again, while everything goes on, and then taken over.
//!
//! Reading looks for devices and tries encoders, which takes seconds: a thread of the blocking
//! pool does it, and the loop takes what comes of it. A bad configuration changes nothing.

use super::{Daemon, Means, greeting, ice, sources_of, system};
use crate::config::{Config, Source};
use crate::core::protocol::{ByeReason, SourceInfo};
use crate::core::viewer::Session;
use crate::media::encoder::Encoders;
use crate::media::launch::LaunchFiles;
use crate::telemetry::logs;
use crate::web::Server;
use async_channel::{Receiver, Sender};
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::Instant;

/// A configuration that was read and found good. The web server has taken it already.
#[derive(Debug)]
pub(super) struct Reloaded {
    config: Config,
    sources: Vec<Source>,
    encoders: Encoders,
    access_changed: bool,
}

/// What is being read, if anything is.
#[derive(Debug)]
pub(super) struct Reload {
    state: State,
    sender: Sender<Result<Reloaded, String>>,
    pub(super) events: Receiver<Result<Reloaded, String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Reading,
    /// What is read may be out of date by now: it is read once more.
    ReadingAgain,
}

impl Reload {
    pub(super) fn new() -> Self {
        let (sender, events) = async_channel::bounded(1);
        Self { state: State::Idle, sender, events }
    }
}

impl Daemon {
    /// Begins to read the configuration file as it is now.
    pub(super) fn reload(&mut self) {
        match self.reload.state {
            State::Idle => {}
            State::Reading | State::ReadingAgain => {
                self.reload.state = State::ReadingAgain;
                return;
            }
        }
        self.reload.state = State::Reading;
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
    pub(super) fn reloaded(&mut self, now: Instant, read: Result<Reloaded, String>) {
        match read {
            Ok(reloaded) => self.apply(now, reloaded),
            Err(error) => tracing::error!("the configuration stays as it was:\n{error}"),
        }
        system::notify(&[NotifyState::Ready]);
        if std::mem::replace(&mut self.reload.state, State::Idle) == State::ReadingAgain {
            self.reload();
        }
    }

    fn apply(&mut self, now: Instant, reloaded: Reloaded) {
        let Reloaded { config, sources, encoders, access_changed } = reloaded;
        if let Err(error) = logs::set_level(&config.log) {
            tracing::warn!(%error, "[log] level stays as it was");
        }
        self.viewers.reconfigure(ice(&config, self.server.local_addr()), greeting(&config), config.limits.viewers);
        let listed = |infos: Vec<SourceInfo>| {
            infos.into_iter().map(|info| (info.name, info.title)).collect::<Vec<_>>()
        };
        let before = listed(self.sources.infos());
        let gone = self.sources.replace(&config, sources, encoders);
        let list_changed = before != listed(self.sources.infos());
        self.config = config;
        tracing::info!(?gone, "configuration reloaded");
        let concerned = |session: &Session| {
            access_changed || list_changed || session.joined().iter().any(|name| gone.contains(name))
        };
        let message = "The configuration has changed; the page comes back by itself.";
        self.viewers.end(now, &self.sources, ByeReason::Reload, message, concerned);
    }
}

fn read(running: &Config, means: Means, server: &Server) -> Result<Reloaded, String> {
    let config = (means.load_config)(running.file.as_deref())?;
    let sources = sources_of(&config, means.find_sources).map_err(|error| error.to_string())?;
    let files = LaunchFiles::new(config.pipelines_dir.clone());
    let encoders = Encoders::choose(&files, &config.video.encoders).map_err(|error| error.to_string())?;
    // Last: it takes effect at once.
    let reloaded = server.reload(&config).map_err(|error| error.to_string())?;
    if reloaded.listen_changed {
        tracing::warn!("[server] listen has changed: restart the daemon for it to take effect");
    }
    if config.network.port != running.network.port {
        tracing::warn!("[network] port has changed: restart the daemon for it to take effect");
    }
    if config.network.srtp != running.network.srtp {
        tracing::warn!("[network] srtp has changed: restart the daemon for it to take effect");
    }
    Ok(Reloaded { config, sources, encoders, access_changed: reloaded.access_changed })
}
