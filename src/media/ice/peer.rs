//! One viewer's side of the shared port: its ICE agent (crate `is`), and the way to and from its
//! pipeline.
//!
//! Runs on the thread of [`super::thread`]; [`Outlet`] alone is shared with the threads that send.

use super::tcp::Writer;
use super::udp::Port;
use crate::core::candidate::{Address, Candidate, Transport};
use crate::core::ice::Paths;
use gstreamer as gst;
use is::{IceAgent, IceAgentEvent, IceCreds, Protocol};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// From one connectivity check to the next: the least that RFC 8445 section 14.2 allows.
const PACE: Duration = Duration::from_millis(5);
/// A check is repeated after this, and after twice as long each further time, ...
const FIRST_REPEAT: Duration = Duration::from_millis(100);
/// ... but no longer than this, which is also how often a standing pair is asked whether its peer is
/// still there and willing (RFC 7675 section 5.1).
const LAST_REPEAT: Duration = Duration::from_secs(2);
/// Checks without an answer that end a pair: about 8 s.
const CHECKS: usize = 7;
/// Pairs that are checked at most (RFC 8445 section 6.1.2.5): a session takes no more candidates.
const PAIRS: usize = 128;
/// Addresses from which one peer may come. A browser behind the oddest NAT has a dozen.
pub(super) const SOURCES: usize = 64;
/// What a viewer may send beside STUN, in bytes a second: RTCP and a DTLS handshake are a tenth of it. More
/// would fill the queue behind the source, which belongs to one thread for all.
const INCOMING: u64 = 256 * 1024;

/// Which viewer, among those of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeerId(pub(super) u64);

/// What becomes of a viewer's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// There is one.
    Found,
    /// There is none any more. Another may be found; a restart looks for new ones.
    Lost,
}

/// Called from the thread of all viewers: it does not wait.
pub(super) type Listener = Box<dyn Fn(News) + Send>;

/// How datagrams get to a viewer.
#[derive(Debug, Clone)]
pub(super) enum Route {
    Udp { port: Arc<Port>, source: IpAddr, destination: SocketAddr },
    Tcp(Arc<Writer>),
}

/// The sending side, shared with the viewer's pipeline.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    route: RwLock<Option<Route>>,
}

impl Outlet {
    /// Sends datagrams on the chosen way; without one they are lost, and so is what finds no room.
    pub(super) fn send(&self, datagrams: &[&[u8]]) {
        let route = self.route.read().unwrap_or_else(PoisonError::into_inner);
        let sent = match &*route {
            Some(Route::Udp { port, source, destination }) => port.send(*source, *destination, datagrams),
            Some(Route::Tcp(writer)) => writer.send(datagrams),
            None => Ok(()),
        };
        if let Err(error) = sent {
            tracing::trace!(%error, "datagrams are lost");
        }
    }

    fn set(&self, route: Option<Route>) {
        *self.route.write().unwrap_or_else(PoisonError::into_inner) = route;
    }
}

/// What an agent wants done.
pub(super) enum Wish {
    /// To send a STUN message.
    Send { protocol: Protocol, source: SocketAddr, destination: SocketAddr, message: Vec<u8> },
    /// To have what comes from there.
    Hear(Protocol, SocketAddr),
    /// To send media there.
    Choose { protocol: Protocol, source: SocketAddr, destination: SocketAddr },
}

pub(super) struct Peer {
    pub(super) agent: IceAgent,
    pub(super) sources: Vec<(Protocol, SocketAddr)>,
    pub(super) due: Option<Instant>,
    inlet: gst::Pad,
    outlet: Arc<Outlet>,
    listener: Listener,
    /// What was said last.
    told: Option<News>,
    allowance: u64,
    allowed_at: Instant,
}

impl Peer {
    pub(super) fn new(
        own: IceCreds,
        inlet: gst::Pad,
        outlet: Arc<Outlet>,
        listener: Listener,
        now: Instant,
    ) -> Self {
        let mut agent = IceAgent::new(own);
        agent.set_timing_advance(PACE);
        agent.set_initial_stun_rto(FIRST_REPEAT);
        agent.set_max_stun_rto(LAST_REPEAT);
        agent.set_max_stun_retransmits(CHECKS);
        agent.set_max_candidate_pairs(PAIRS);
        Self {
            agent,
            sources: Vec::new(),
            due: None,
            inlet,
            outlet,
            listener,
            told: None,
            allowance: INCOMING,
            allowed_at: now,
        }
    }

    /// Takes one of the viewer's candidates. Of those of TCP a viewer's own are not connected to: it
    /// connects, and is seen.
    pub(super) fn add_candidate(&mut self, candidate: &Candidate) {
        let (Transport::Udp, Address::Ip(_)) = (candidate.transport(), candidate.address()) else { return };
        match is::Candidate::from_sdp_string(&candidate.to_string()) {
            Ok(candidate) => self.agent.add_remote_candidate(candidate),
            Err(error) => tracing::debug!(%error, "the ICE agent does not take a candidate"),
        }
    }

    /// Takes over what has changed of the machine's addresses.
    pub(super) fn set_paths(&mut self, before: &Paths, now: &Paths) {
        let (before, now) = (own_candidates(before), own_candidates(now));
        let same = |one: &is::Candidate, other: &is::Candidate| {
            one.addr() == other.addr() && one.proto() == other.proto()
        };
        for gone in before.iter().filter(|old| !now.iter().any(|new| same(old, new))) {
            self.agent.invalidate_candidate(gone);
        }
        for new in now.into_iter().filter(|new| !before.iter().any(|old| same(old, new))) {
            self.agent.add_local_candidate(new);
        }
    }

    /// Looks for ways anew. What is sent goes the old way until a new one is found.
    pub(super) fn restart(&mut self, own: IceCreds) {
        self.agent.ice_restart(own, true);
        self.told = None;
    }

    /// A TCP connection has ended: what went over it is lost now, and not when checks go unanswered.
    pub(super) fn disconnected(&mut self, from: SocketAddr) {
        let over_it =
            |candidate: &is::Candidate| candidate.proto() == Protocol::Tcp && candidate.addr() == from;
        let gone = self.agent.remote_candidates().find(over_it);
        if let Some(gone) = gone {
            self.agent.invalidate_candidate(&gone);
        }
    }

    /// Lets the time go on; gives what the agent wants, and what is then to be told. Notes when it is due
    /// again.
    pub(super) fn advance(&mut self, now: Instant) -> (Vec<Wish>, Option<News>) {
        self.agent.handle_timeout(now);
        let mut wishes = Vec::new();
        while let Some(transmit) = self.agent.poll_transmit() {
            wishes.push(Wish::Send {
                protocol: transmit.proto,
                source: transmit.source,
                destination: transmit.destination,
                message: transmit.contents.to_vec(),
            });
        }
        let before = self.told;
        while let Some(event) = self.agent.poll_event() {
            match event {
                IceAgentEvent::IceRestart(_) => {}
                IceAgentEvent::IceConnectionStateChange(state) => {
                    if state.is_connected() {
                        self.told = Some(News::Found);
                    } else if self.told.is_some() {
                        self.told = Some(News::Lost);
                    }
                }
                IceAgentEvent::DiscoveredRecv { proto, source } => wishes.push(Wish::Hear(proto, source)),
                IceAgentEvent::NominatedSend { proto, source, destination } => {
                    wishes.push(Wish::Choose { protocol: proto, source, destination });
                }
            }
        }
        self.due = self.agent.poll_timeout();
        (wishes, self.told.filter(|told| before != Some(*told)))
    }

    /// Tells what has become of its way.
    pub(super) fn tell(&self, news: News) {
        (self.listener)(news);
    }

    pub(super) fn choose(&self, route: Option<Route>) {
        self.outlet.set(route);
    }

    /// Hands a datagram to its pipeline, as long as it sends no more than it may.
    pub(super) fn receive(&mut self, now: Instant, datagram: &[u8]) {
        let passed = now.saturating_duration_since(self.allowed_at);
        let gained =
            u64::try_from(passed.as_micros()).unwrap_or(u64::MAX).saturating_mul(INCOMING) / 1_000_000;
        if gained > 0 {
            self.allowance = self.allowance.saturating_add(gained).min(INCOMING);
            self.allowed_at = now;
        }
        let Some(left) = self.allowance.checked_sub(datagram.len() as u64) else { return };
        self.allowance = left;
        super::elements::push(&self.inlet, datagram);
    }
}

/// The machine's addresses as the agents know them.
fn own_candidates(paths: &Paths) -> Vec<is::Candidate> {
    let udp = |address: IpAddr| {
        let at = SocketAddr::new(address, paths.udp);
        is::Candidate::builder().udp().host(at).build().ok()
    };
    let tcp = |address: IpAddr| {
        let at = SocketAddr::new(address, paths.tcp?.port());
        if !paths.listens_on(address) {
            return None;
        }
        is::Candidate::builder().tcp().host(at).build().ok()
    };
    let addresses = || paths.addresses.iter().copied();
    addresses().filter_map(udp).chain(addresses().filter_map(tcp)).collect()
}
