//! The web server: the listening socket and the tasks behind it.
//!
//! Owns every connection: they run inside [`Server::run`] and end with it.

use super::Event;
use super::accounts::CHECKED_AT_ONCE;
use super::admission::Admission;
use super::connection;
use super::deadlines::Deadlines;
use super::error::Error;
use super::grant::Grant;
use super::invitations::Invitations;
use super::io::within;
use super::link::Link;
use super::sessions::Sessions;
use super::settings::Settings;
use super::tls::Refresh;
use crate::config::Config;
use crate::core::access::{Refusals, Throttle};
use crate::core::ids::ViewerId;
use crate::core::invitation::{Invitation, NotMade, Wanted};
use crate::core::principal::{InvitationId, Who};
use crate::telemetry::metrics::{At, metrics};
use async_channel::{Receiver, Sender};
use futures_lite::FutureExt;
use smol::lock::Semaphore;
use smol::net::{TcpListener, TcpStream};
use smol::{Async, Executor, Timer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// After an accept that failed, for want of file descriptors usually, the next is tried after
/// this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The page and the signalling on one address.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    /// What `server.listen` was when it was bound.
    listen: SocketAddr,
    shared: Arc<Shared>,
    /// Closed by [`Server::stop`].
    running: Sender<Infallible>,
    stopping: Receiver<Infallible>,
}

/// What all connections share.
pub(crate) struct Shared {
    settings: RwLock<Arc<Settings>>,
    pub(crate) throttle: Mutex<Throttle>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) invitations: Arc<Invitations>,
    /// Few passwords are checked at once: each takes memory and a processor.
    pub(crate) checking: Arc<Semaphore>,
    /// How much of refusals the audit log is told.
    pub(crate) refusals: Mutex<Refusals>,
    pub(crate) events: Sender<Event>,
    pub(crate) deadlines: Deadlines,
    admission: Arc<Admission>,
    last_viewer: AtomicU64,
}

/// What a reload came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reloaded {
    /// `server.listen` has changed; only a restart puts that into effect.
    pub listen_changed: bool,
}

impl Server {
    /// Listens on `server.listen` and reads, or makes, what the state folder holds. Connections
    /// wait until [`Server::run`]. Blocks on files.
    ///
    /// # Errors
    /// [`Error`] when the address cannot be had, the state folder not be used, or the certificate
    /// not be read.
    pub fn bind(config: &Config, events: Sender<Event>) -> Result<Self, Error> {
        Self::bind_with(config, events, Deadlines::default())
    }

    /// As [`Server::bind`], with other deadlines.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub fn bind_with(config: &Config, events: Sender<Event>, deadlines: Deadlines) -> Result<Self, Error> {
        let settings = Settings::load(config)?;
        let listen = config.server.listen;
        let failed = |source| Error::Listen { address: listen, key: "server.listen", source };
        let listener = Async::<std::net::TcpListener>::bind(listen).map_err(failed)?;
        let address = listener.get_ref().local_addr().map_err(failed)?;
        let (running, stopping) = async_channel::bounded(1);
        Ok(Self {
            listener: listener.into(),
            address,
            listen,
            shared: Arc::new(Shared {
                settings: RwLock::new(Arc::new(settings)),
                throttle: Mutex::default(),
                refusals: Mutex::default(),
                sessions: Arc::new(Sessions::load(&config.state_dir)?),
                invitations: Arc::new(Invitations::load(&config.state_dir)?),
                checking: Arc::new(Semaphore::new(CHECKED_AT_ONCE)),
                events,
                deadlines,
                admission: Arc::default(),
                last_viewer: AtomicU64::new(0),
            }),
            running,
            stopping,
        })
    }

    /// The address, with the port that was taken for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where browsers find the page: `public_url`, or the address as a URL, without a slash at
    /// its end. For `0.0.0.0` and `[::]` the machine's main address is shown.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.settings().url(self.address)
    }

    /// The link that opens the page and, where access is by token, lets its reader in.
    #[must_use]
    pub fn link(&self) -> Link {
        self.shared.settings().link(self.address)
    }

    /// The certificate's SHA-256 as browsers show it; `None` without TLS.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        self.shared.settings().tls.as_ref().map(super::tls::Tls::fingerprint)
    }

    /// Serves until [`Server::stop`], and then until the connections have ended, a second at most.
    /// Every connection is a task inside this future, on an executor of its own: none runs unless
    /// it is polled, and dropping it ends them all.
    pub async fn run(&self) {
        // Declared before the tasks' future, dropped after it.
        let executor: Executor<'static> = Executor::new();
        executor
            .run(async {
                let (open, all_ended) = async_channel::bounded::<Infallible>(1);
                let stop = async {
                    let _ = self.stopping.recv().await;
                };
                stop.or(self.accept(&executor, open)).or(watch_certificate(&self.shared)).await;
                // The accepting future has dropped its sender; each connection holds another.
                let _ = within(self.shared.deadlines.stop, all_ended.recv()).await;
            })
            .await;
    }

    /// Ends [`Server::run`] soon: no new connections, idle ones are closed. WebSockets end when
    /// the daemon drops their outboxes, best before this.
    pub fn stop(&self) {
        self.running.close();
    }

    /// Whether somebody who was let in still would be, as who they were then. False after another
    /// token or password, an account that was changed or removed, or a sign-out: what the daemon
    /// gives them has to end. Quick; it is asked of everybody again and again.
    #[must_use]
    pub fn holds(&self, grant: &Grant) -> bool {
        let holds = match &grant.principal().who {
            Who::Invitation(id) => {
                self.shared.invitations.pass(id, SystemTime::now()).as_ref() == Some(&grant.pass)
            }
            who => self.shared.settings().gate.pass(who) == Some(&grant.pass),
        };
        holds && grant.session.is_none_or(|(id, expires_s)| !self.shared.sessions.has_ended(id, expires_s))
    }

    /// Makes an invitation; with its link, which is never to be logged. Blocks on a file.
    ///
    /// # Errors
    /// [`Error`] when it cannot be kept; [`NotMade`] when it cannot be.
    pub fn invite(&self, wanted: Wanted) -> Result<Result<(Invitation, String), NotMade>, Error> {
        let made = self.shared.invitations.make(wanted)?;
        Ok(made.map(|(invitation, token)| (invitation, format!("{}/#invite={token}", self.url()))))
    }

    /// Every invitation, the last one made first.
    #[must_use]
    pub fn invitations(&self) -> Vec<Invitation> {
        self.shared.invitations.list()
    }

    /// Takes an invitation back, and has the sessions end that it has begun. False: there is none.
    /// Blocks on a file.
    ///
    /// # Errors
    /// [`Error`] when that cannot be kept over a restart.
    pub fn revoke_invitation(&self, id: &InvitationId) -> Result<bool, Error> {
        let revoked = self.shared.invitations.revoke(id);
        // With no room for it the daemon looks by itself before long.
        let _ = self.shared.events.try_send(Event::AccessChanged);
        revoked
    }

    /// Takes a new configuration: access, certificate and limits, the state folder's files read
    /// again. All of it or, on an error, nothing. Blocks on files.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub fn reload(&self, config: &Config) -> Result<Reloaded, Error> {
        let settings = Arc::new(Settings::load(config)?);
        *self.shared.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(Reloaded { listen_changed: config.server.listen != self.listen })
    }

    async fn accept(&self, executor: &Executor<'static>, open: Sender<Infallible>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => self.admit(executor, stream, peer, &open),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    Timer::after(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(
        &self,
        executor: &Executor<'static>,
        stream: TcpStream,
        peer: SocketAddr,
        open: &Sender<Infallible>,
    ) {
        let place = match self.shared.admission.admit(peer.ip(), &self.shared.settings().limits) {
            Ok(place) => place,
            Err(limit) => {
                tracing::debug!(%peer, %limit, "connection refused");
                metrics().refused(At::Connection, limit.word());
                return;
            }
        };
        let (shared, stopping, open) = (self.shared.clone(), self.stopping.clone(), open.clone());
        let connection = async move {
            connection::serve(shared, stream, peer, place, stopping).await;
            drop(open);
        };
        // Not lost: the executor owns it, and lives in `run`.
        executor.spawn(connection).detach();
    }
}

impl Shared {
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn next_viewer(&self) -> ViewerId {
        ViewerId(self.last_viewer.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Looks after the certificate; never ends.
async fn watch_certificate(shared: &Shared) {
    let mut last_error = String::new();
    loop {
        Timer::after(shared.deadlines.certificate).await;
        let settings = shared.settings();
        let refreshed = smol::unblock(move || {
            settings.tls.as_ref().map_or(Ok(Refresh::Unchanged), |tls| tls.refresh(SystemTime::now()))
        });
        match refreshed.await {
            Ok(Refresh::Unchanged) => {}
            Ok(Refresh::Replaced) => {
                last_error.clear();
                tracing::info!("the certificate has been replaced");
            }
            Err(error) => {
                let error = error.to_string();
                if error != last_error {
                    tracing::warn!(
                        error,
                        "the certificate has changed and cannot be used; the old one stays"
                    );
                    last_error = error;
                }
            }
        }
    }
}
