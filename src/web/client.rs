//! One connection as the handlers see it: who it is, and what it may reach of the server.

use super::Event;
use super::deadlines::Deadlines;
use super::grant::Grant;
use super::invitations::Invitations;
use super::server::Shared;
use super::sessions::Sessions;
use super::settings::Settings;
use crate::core::access::{Attempt, ClientNet, SessionId, Throttle};
use crate::core::audit::TARGET;
use crate::core::ids::ViewerId;
use crate::core::principal::{AccountName, Principal, Who};
use crate::telemetry::metrics::{At, metrics};
use hyper::upgrade::OnUpgrade;
use smol::lock::SemaphoreGuardArc;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One TCP connection.
pub(crate) struct Client {
    shared: Arc<Shared>,
    pub(crate) peer: SocketAddr,
    /// Whether it came by TLS.
    pub(crate) https: bool,
    /// Filled when a request has been answered with `101`.
    upgrade: Mutex<Option<(OnUpgrade, Grant)>>,
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

    /// What was signed out.
    pub(crate) fn sessions(&self) -> &Arc<Sessions> {
        &self.shared.sessions
    }

    /// Who may come by a link that ends by itself.
    pub(crate) fn invitations(&self) -> &Arc<Invitations> {
        &self.shared.invitations
    }

    /// Ends a session, and all that its cookie has opened.
    pub(crate) async fn end_session(&self, id: SessionId) {
        self.shared.sessions.end(id).await;
        // With no room for it the daemon looks by itself before long.
        let _ = self.shared.events.try_send(Event::AccessChanged);
    }

    /// Room to check a password in: few are checked at once.
    pub(crate) async fn place_to_check(&self) -> SemaphoreGuardArc {
        self.shared.checking.acquire_arc().await
    }

    /// Somebody tries a password, on an account that there may be.
    pub(crate) fn begin_attempt(&self, account: Option<&AccountName>) -> Result<(), Duration> {
        let begun = self.throttle().begin(Instant::now(), ClientNet::of(self.peer.ip()), account);
        if begun.is_err() {
            self.refused("throttled", None);
        }
        begun
    }

    /// What was tried is right.
    pub(crate) fn was_right(&self, account: Option<&AccountName>) {
        self.throttle().right(ClientNet::of(self.peer.ip()), account);
    }

    /// Somebody has signed in.
    pub(crate) fn signed_in(&self, principal: &Principal) {
        let (who, role, from) = (&principal.who, principal.role, self.shown());
        tracing::info!(target: TARGET, event = "signed_in", %who, %role, from, "signed in");
    }

    /// Somebody has signed out.
    pub(crate) fn signed_out(&self, principal: &Principal) {
        let (who, from) = (&principal.who, self.shown());
        tracing::info!(target: TARGET, event = "signed_out", %who, from, "signed out");
    }

    /// Somebody is refused at the door, as whom they say they are if there is such an account. Who
    /// is refused again and again fills no disk: of many in a short time only the number is told.
    pub(crate) fn refused(&self, why: &'static str, who: Option<&Who>) {
        tracing::debug!(peer = %self.peer, why, "refused");
        metrics().refused(At::Door, why);
        let Some(untold) =
            self.shared.refusals.lock().unwrap_or_else(PoisonError::into_inner).tell(Instant::now())
        else {
            return;
        };
        let (who, from) = (who.map(tracing::field::display), self.shown());
        tracing::info!(target: TARGET, event = "refused", why, who, from, untold, "refused at the door");
    }

    /// Its address as far as the audit log has it.
    fn shown(&self) -> String {
        self.settings().audit_addresses.show(self.peer.ip())
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.shared.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares a token or a password, unless this client or all of them have been wrong too often.
    pub(crate) fn attempt(&self, settings: &Settings, secret: &[u8]) -> Attempt {
        let client = ClientNet::of(self.peer.ip());
        let attempt = self.throttle().attempt(Instant::now(), client, || settings.gate.is_secret(secret));
        match attempt {
            Attempt::Right => {}
            Attempt::Wrong => self.refused("wrong token or password", None),
            Attempt::Throttled { .. } => self.refused("throttled", None),
        }
        attempt
    }

    /// Keeps the connection for after the `101`, with who has come.
    pub(crate) fn hand_over(&self, upgrade: OnUpgrade, grant: Grant) {
        *self.upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some((upgrade, grant));
    }

    /// The upgrade, if one was answered.
    pub(crate) fn take_upgrade(&self) -> Option<(OnUpgrade, Grant)> {
        self.upgrade.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
