//! One connection as the handlers see it: who it is, and what it may reach of the server.

use super::Event;
use super::deadlines::Deadlines;
use super::server::Shared;
use super::settings::Settings;
use crate::core::access::{Attempt, ClientNet};
use crate::core::ids::ViewerId;
use hyper::upgrade::OnUpgrade;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// One TCP connection.
pub(crate) struct Client {
    shared: Arc<Shared>,
    pub(crate) peer: SocketAddr,
    /// Whether it came by TLS.
    pub(crate) https: bool,
    /// Filled when a request has been answered with `101`.
    upgrade: Mutex<Option<OnUpgrade>>,
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>, peer: SocketAddr, https: bool) -> Self {
        Self { shared, peer, https, upgrade: Mutex::new(None) }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.shared.settings()
    }

    pub(crate) fn deadlines(&self) -> &Deadlines {
        &self.shared.deadlines
    }

    pub(crate) fn events(&self) -> &async_channel::Sender<Event> {
        &self.shared.events
    }

    /// A number for a viewer that comes by this connection, new.
    pub(crate) fn next_viewer(&self) -> ViewerId {
        self.shared.next_viewer()
    }

    /// Compares a token or a password, unless this client or all of them have been wrong too often.
    pub(crate) fn attempt(&self, settings: &Settings, secret: &[u8]) -> Attempt {
        let client = ClientNet::of(self.peer.ip());
        let mut throttle = self.shared.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = throttle.attempt(Instant::now(), client, || settings.gate.is_secret(secret));
        drop(throttle);
        match attempt {
            Attempt::Right => {}
            Attempt::Wrong => {
                tracing::info!("somebody came with a wrong token or password");
                tracing::debug!(peer = %self.peer, "wrong token or password");
            }
            Attempt::Throttled { .. } => tracing::debug!(peer = %self.peer, "throttled"),
        }
        attempt
    }

    /// Keeps the connection for after the `101`.
    pub(crate) fn hand_over(&self, upgrade: OnUpgrade) {
        *self.upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(upgrade);
    }

    /// The upgrade, if one was answered.
    pub(crate) fn take_upgrade(&self) -> Option<OnUpgrade> {
        self.upgrade.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
