//! How viewers' media travels: one UDP port for all of them, and ICE over TCP on the page's own port.
//!
//! Owns the port, the thread that reads it, and the ICE agents, which take the place of libnice in
//! webrtcbin: [`Ice::agent`] is what its property `ice-agent` is given. A viewer has no socket and no
//! thread of its own here. What the daemon's candidates are is known from the start
//! ([`Ice::candidates`]); they go to the client by the session, and webrtcbin hears nothing of them.
//!
//! Invariant: what comes from an address goes to nobody before a STUN request from there has proved to
//! know the viewer's password, and nothing but STUN is sent to an address that has not answered.

mod agent;
mod elements;
mod peer;
mod stun;
mod tcp;
mod thread;
mod udp;

pub use peer::News;
pub use tcp::Place;

use super::MediaError;
use crate::core::candidate::Candidate;
use crate::core::ice::{Advertised, Credentials, Paths, usable};
use gstreamer as gst;
use gstreamer::prelude::*;
use peer::PeerId;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fd::OwnedFd;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use stun::Reflector;
use thread::{Command, Thread};
use udp::Port;

/// How often the machine's addresses are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How viewers' media travels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IceSettings {
    /// The only local addresses; empty: all but loopback.
    pub addresses: Vec<IpAddr>,
    /// Other addresses of this machine.
    pub advertised: Vec<Advertised>,
    /// Where the page listens, if viewers may come over TCP there.
    pub tcp: Option<SocketAddr>,
    /// STUN servers, `HOST:PORT` or `HOST`.
    pub stun: Vec<String>,
}

/// The port and its thread. Clones are the same port; the last one's end is the port's.
#[derive(Debug, Clone)]
pub struct Ice {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    handle: Handle,
    port: Arc<Port>,
    reflector: Arc<Reflector>,
    known: Mutex<Known>,
    last_peer: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    settings: IceSettings,
    paths: Paths,
}

/// The way to the thread.
#[derive(Debug, Clone)]
struct Handle {
    commands: mpsc::Sender<Command>,
    wake: Arc<OwnedFd>,
}

impl Handle {
    fn command(&self, command: Command) {
        // The thread has ended where this fails, with the process.
        if self.commands.send(command).is_ok() {
            let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("command")
    }
}

impl Ice {
    /// Takes the UDP port, a `fixed` one or none, and starts the thread. Blocks on the machine's addresses.
    ///
    /// # Errors
    /// [`MediaError::Gst`] when the port cannot be had.
    pub fn bind(port: u16, fixed: bool, settings: IceSettings) -> Result<Self, MediaError> {
        let failed = |error: std::io::Error| MediaError::Port { port, error: Arc::new(error) };
        let port = Arc::new(Port::bind(port, fixed).map_err(failed)?);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| failed(error.into()))?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let wake = Arc::new(wake.map_err(|error| failed(error.into()))?);
        let reflector = Arc::new(Reflector::default());
        let (commands, receiver) = mpsc::channel();
        let thread = Thread::new(
            Arc::new(epoll),
            Arc::clone(&wake),
            Arc::clone(&port),
            receiver,
            Arc::clone(&reflector),
        );
        let thread = thread.map_err(failed)?;
        // It ends when nobody can ask anything any more.
        std::thread::Builder::new().name("media-port".into()).spawn(move || thread.run()).map_err(failed)?;
        let shared = Shared {
            handle: Handle { commands, wake },
            port,
            reflector,
            known: Mutex::default(),
            last_peer: AtomicU64::new(0),
        };
        let ice = Self { shared: Arc::new(shared) };
        ice.reconfigure(settings);
        ice.follow()?;
        Ok(ice)
    }

    /// The UDP port's number.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.shared.port.number()
    }

    /// Takes other settings, for viewers that come and for those that are there. Blocks on the machine's
    /// addresses.
    pub fn reconfigure(&self, settings: IceSettings) {
        self.shared.known().settings = settings;
        self.shared.look();
    }

    /// The daemon's candidates as they are now: lines without `a=`.
    #[must_use]
    pub fn candidates(&self) -> Vec<String> {
        self.shared.known().paths.candidates()
    }

    /// Takes over a TCP connection that has begun with a datagram behind its length (RFC 4571).
    pub fn take(&self, stream: TcpStream, place: Place) {
        self.shared.handle.command(Command::Connection { stream, place });
    }

    /// An agent for a `webrtcbin` that is being made, and the way to it. `listener` hears what becomes of
    /// its way, from the thread of all viewers: it does not wait.
    ///
    /// # Errors
    /// [`MediaError::Gst`] when its elements cannot be made.
    pub(super) fn agent(
        &self,
        listener: impl Fn(News) + Send + 'static,
    ) -> Result<(agent::Agent, Path), MediaError> {
        let peer = PeerId(self.shared.last_peer.fetch_add(1, Ordering::Relaxed) + 1);
        let agent = agent::Agent::new(self.shared.handle.clone(), peer, listener)
            .ok_or_else(|| MediaError::gst("making an ICE agent")("it has no pad"))?;
        Ok((agent, Path { ice: self.clone(), peer }))
    }

    /// Looks at the machine's addresses, and at what STUN servers see, again and again on a thread of its
    /// own: both block.
    fn follow(&self) -> Result<(), MediaError> {
        let weak = Arc::downgrade(&self.shared);
        let mut since_asked = stun::REPEAT;
        let look = move || {
            loop {
                let Some(shared) = weak.upgrade() else { return };
                let (addresses, servers) = {
                    let known = shared.known();
                    (known.paths.addresses.clone(), known.settings.stun.clone())
                };
                if !servers.is_empty() && since_asked >= stun::REPEAT {
                    since_asked = Duration::ZERO;
                    shared.reflector.ask(&shared.port, &addresses, &servers);
                }
                since_asked += LOOK;
                shared.look();
                drop(shared);
                std::thread::sleep(LOOK);
            }
        };
        let started = std::thread::Builder::new().name("media-addresses".into()).spawn(look);
        started.map(drop).map_err(|error| MediaError::Port { port: self.port(), error: Arc::new(error) })
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) {
        let found: Vec<IpAddr> = match if_addrs::get_if_addrs() {
            Ok(interfaces) => interfaces.iter().map(if_addrs::Interface::ip).collect(),
            Err(error) => {
                tracing::warn!(%error, "the machine's addresses cannot be had");
                return;
            }
        };
        let mut known = self.known();
        let Known { settings, paths } = &mut *known;
        let now = Paths {
            addresses: usable(&found, &settings.addresses),
            advertised: settings.advertised.clone(),
            reflexive: self.reflector.seen(),
            udp: self.port.number(),
            tcp: settings.tcp,
        };
        if now != *paths {
            *paths = now.clone();
            self.handle.command(Command::Paths(now));
        }
    }
}

/// A viewer's place on the port.
#[derive(Debug, Clone)]
pub(super) struct Path {
    ice: Ice,
    peer: PeerId,
}

impl Path {
    /// The daemon's candidates as they are now.
    pub(super) fn candidates(&self) -> Vec<String> {
        self.ice.candidates()
    }

    /// Takes one of the viewer's candidates.
    pub(super) fn add_candidate(&self, candidate: Candidate) {
        self.command(Command::Candidate { peer: self.peer, candidate });
    }

    /// Looks for ways anew (RFC 8445 section 9), with these credentials of the daemon's.
    pub(super) fn restart(&self, own: &Credentials) {
        self.command(Command::Restart { peer: self.peer, credentials: credentials_of(own) });
    }

    /// Gives the place back.
    pub(super) fn leave(&self) {
        self.command(Command::Remove { peer: self.peer });
    }

    /// The viewer's new credentials.
    pub(super) fn restarted(&self, theirs: &Credentials) {
        self.command(Command::Theirs { peer: self.peer, credentials: credentials_of(theirs) });
    }

    fn command(&self, command: Command) {
        self.ice.shared.handle.command(command);
    }
}

/// Has a `webrtcbin` made with an agent of this module.
///
/// # Errors
/// When there is no `webrtcbin`.
pub(super) fn webrtcbin(agent: &agent::Agent) -> Result<gst::Element, glib::BoolError> {
    let before = agent.ref_count();
    let webrtc = gst::ElementFactory::make("webrtcbin").property("ice-agent", agent).build()?;
    // 1.22 takes the agent without a reference of its own, and gives one back at its end.
    if agent.ref_count() == before {
        std::mem::forget(agent.clone());
    }
    Ok(webrtc)
}

fn credentials_of(credentials: &Credentials) -> is::IceCreds {
    is::IceCreds { ufrag: credentials.ufrag.clone(), pass: credentials.password.clone() }
}

/// New ones: 48 and 144 random bits, where RFC 8445 section 5.3 asks for 24 and 128.
#[must_use]
pub fn random_credentials() -> Credentials {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let random = SystemRandom::new();
    let text = |bytes: &mut [u8]| {
        if random.fill(bytes).is_err() {
            tracing::error!("the system has no random numbers");
        }
        STANDARD_NO_PAD.encode(bytes)
    };
    Credentials { ufrag: text(&mut [0; 6]), password: text(&mut [0; 18]) }
}
