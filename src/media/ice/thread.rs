//! The thread of all viewers' ways: waits for the port, the TCP connections and the agents' times, and
//! hands each datagram to whom it belongs.
//!
//! A STUN request finds its viewer by the user name fragment in it, an answer by its transaction, and
//! all else by the address that a request has proved. Nothing here waits for a viewer.

use super::peer::{Listener, News, Outlet, Peer, PeerId, Route, SOURCES, Wish};
use super::stun::Reflector;
use super::tcp::{Connection, Place};
use super::udp::{Port, Room};
use crate::core::candidate::Candidate;
use crate::core::ice::{Datagram, Paths, is_request, transaction};
use crate::telemetry::metrics::{At, metrics};
use gstreamer as gst;
use is::stun::{StunMessage, StunPacket};
use is::{IceCreds, Protocol};
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use std::collections::{BTreeSet, HashMap};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// A TCP connection has so long to begin with a request that belongs to a viewer, and for one after
/// its viewer has gone.
const IDLE_TCP: Duration = Duration::from_secs(10);
/// How often what belongs to nobody any more is looked for.
const SWEEP: Duration = Duration::from_secs(2);
/// An answer that has not come after this does not come.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Events taken from the kernel at once.
const EVENTS: usize = 64;
/// The events' names: the waker, the port's two sockets, then connections.
pub(super) const WAKE: u64 = 0;
const FIRST_SOCKET: u64 = 1;
const FIRST_CONNECTION: u64 = 16;

/// What others ask of the thread.
pub(super) enum Command {
    Add {
        peer: PeerId,
        own: IceCreds,
        inlet: gst::Pad,
        outlet: Arc<Outlet>,
        listener: Listener,
    },
    Control {
        peer: PeerId,
        controlling: bool,
    },
    Own {
        peer: PeerId,
        credentials: IceCreds,
    },
    Theirs {
        peer: PeerId,
        credentials: IceCreds,
    },
    Candidate {
        peer: PeerId,
        candidate: Candidate,
    },
    /// New credentials, new pairs; what stands goes on until something better is found.
    Restart {
        peer: PeerId,
        credentials: IceCreds,
    },
    Remove {
        peer: PeerId,
    },
    Connection {
        stream: TcpStream,
        place: Place,
    },
    /// The machine's addresses have changed.
    Paths(Paths),
}

pub(super) struct Thread {
    epoll: Arc<OwnedFd>,
    wake: Arc<OwnedFd>,
    port: Arc<Port>,
    commands: Receiver<Command>,
    reflector: Arc<Reflector>,
    paths: Paths,
    peers: HashMap<PeerId, Peer>,
    by_ufrag: HashMap<String, PeerId>,
    by_address: HashMap<(Protocol, SocketAddr), PeerId>,
    asked: HashMap<[u8; 12], (PeerId, Instant)>,
    due: BTreeSet<(Instant, PeerId)>,
    connections: HashMap<u64, Connection>,
    last_connection: u64,
    swept: Instant,
}

/// What a command does to a viewer's agent.
type Change = Box<dyn FnOnce(&mut Peer)>;

/// A datagram and its way.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    protocol: Protocol,
    from: SocketAddr,
    to: SocketAddr,
    bytes: &'a [u8],
}

impl Thread {
    pub(super) fn new(
        epoll: Arc<OwnedFd>,
        wake: Arc<OwnedFd>,
        port: Arc<Port>,
        commands: Receiver<Command>,
        reflector: Arc<Reflector>,
    ) -> std::io::Result<Self> {
        let watch = |source: &dyn std::os::fd::AsFd, token| {
            epoll::add(&*epoll, source.as_fd(), epoll::EventData::new_u64(token), epoll::EventFlags::IN)
        };
        watch(&*wake, WAKE)?;
        for (token, socket) in (FIRST_SOCKET..).zip(port.sockets()) {
            watch(socket, token)?;
        }
        Ok(Self {
            epoll,
            wake,
            port,
            commands,
            reflector,
            paths: Paths::default(),
            peers: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            asked: HashMap::new(),
            due: BTreeSet::new(),
            connections: HashMap::new(),
            last_connection: FIRST_CONNECTION,
            swept: Instant::now(),
        })
    }

    /// Runs until nobody can ask anything any more.
    pub(super) fn run(mut self) {
        let mut room = Room::new();
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            self.wait(&mut events);
            let now = Instant::now();
            for event in &events {
                match event.data.u64() {
                    WAKE => {
                        let mut count = [0; 8];
                        // Whatever the count is: all commands are taken.
                        let _ = rustix::io::read(&*self.wake, &mut count);
                    }
                    token if token < FIRST_CONNECTION => self.datagrams(now, token, &mut room),
                    token => self.connection(now, token, event.flags),
                }
            }
            loop {
                match self.commands.try_recv() {
                    Ok(command) => self.command(now, command),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            while let Some((at, peer)) = self.due.first().copied()
                && at <= now
            {
                self.due.pop_first();
                self.advance(now, peer);
            }
            if now >= self.swept + SWEEP {
                self.swept = now;
                self.sweep(now);
            }
        }
    }

    fn wait(&self, events: &mut Vec<epoll::Event>) {
        events.clear();
        let next = self.due.first().map_or(self.swept + SWEEP, |(at, _)| (*at).min(self.swept + SWEEP));
        let pause = Timespec::try_from(next.saturating_duration_since(Instant::now())).ok();
        let room = rustix::buffer::spare_capacity(events);
        if let Err(error) = epoll::wait(&*self.epoll, room, pause.as_ref())
            && error != rustix::io::Errno::INTR
        {
            tracing::error!(%error, "the media port cannot be waited for");
            std::thread::sleep(SWEEP);
        }
    }

    fn datagrams(&mut self, now: Instant, token: u64, room: &mut Room) {
        let port = Arc::clone(&self.port);
        let index = usize::try_from(token - FIRST_SOCKET).unwrap_or(usize::MAX);
        let Some(socket) = port.sockets().nth(index) else { return };
        // A batch at a turn, so that nobody who floods one socket keeps the others waiting.
        let received = socket.receive(room, |from, to, bytes| {
            let to = SocketAddr::new(to, port.number());
            self.arrived(now, Arrival { protocol: Protocol::Udp, from, to, bytes });
        });
        if let Err(error) = received {
            tracing::debug!(%error, "the media port");
        }
    }

    fn connection(&mut self, now: Instant, token: u64, flags: epoll::EventFlags) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let (from, to) = (connection.from, connection.to);
        // Looked at once all is read: what follows from it may go over this very connection.
        let mut arrived = Vec::new();
        let result =
            connection.writer.flush().and_then(|()| connection.receive(|bytes| arrived.push(bytes.to_vec())));
        for bytes in &arrived {
            self.arrived(now, Arrival { protocol: Protocol::Tcp, from, to, bytes });
        }
        let ended = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
        match result {
            Ok(()) if !ended => {}
            result => {
                tracing::debug!(?result, "an ICE connection over TCP has ended");
                drop(self.connections.remove(&token));
                if let Some(id) = self.by_address.remove(&(Protocol::Tcp, from))
                    && let Some(peer) = self.peers.get_mut(&id)
                {
                    peer.sources.retain(|source| *source != (Protocol::Tcp, from));
                    peer.disconnected(from);
                    self.advance(now, id);
                }
            }
        }
    }

    fn arrived(&mut self, now: Instant, arrival: Arrival<'_>) {
        match Datagram::of(arrival.bytes) {
            Datagram::Media => {
                let peer = self.by_address.get(&(arrival.protocol, arrival.from));
                if let Some(peer) = peer.and_then(|peer| self.peers.get_mut(peer)) {
                    peer.receive(now, arrival.bytes);
                } else {
                    refused("unknown_address");
                }
            }
            Datagram::Stun => self.stun(now, arrival),
            Datagram::Other => refused("neither_stun_nor_media"),
        }
    }

    fn stun(&mut self, now: Instant, arrival: Arrival<'_>) {
        let Arrival { protocol, from, to, bytes } = arrival;
        if self.reflector.heard(bytes, from) {
            return;
        }
        let Ok(message) = StunMessage::parse(bytes) else { return refused("bad_stun") };
        let id = if is_request(bytes) {
            message.split_username().and_then(|(own, _)| self.by_ufrag.get(own)).copied()
        } else {
            transaction(bytes).and_then(|id| self.asked.remove(&id)).map(|(peer, _)| peer)
        };
        let Some(id) = id else { return refused("unknown_user") };
        let Some(peer) = self.peers.get_mut(&id) else { return refused("unknown_user") };
        if !peer.sources.contains(&(protocol, from)) && peer.sources.len() >= SOURCES {
            return refused("too_many_addresses");
        }
        let packet = StunPacket { proto: protocol, source: from, destination: to, message };
        // What others send goes through code of others': one viewer's end at the most.
        let handled = catch_unwind(AssertUnwindSafe(|| peer.agent.handle_packet(now, packet)));
        match handled {
            Ok(true) => self.advance(now, id),
            Ok(false) => refused("unproved"),
            Err(_) => self.failed(id),
        }
    }

    /// Lets a viewer's agent go on, and does what it wants.
    fn advance(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(due) = peer.due.take() {
            self.due.remove(&(due, id));
        }
        let Ok((wishes, news)) = catch_unwind(AssertUnwindSafe(|| peer.advance(now))) else {
            return self.failed(id);
        };
        if let Some(due) = peer.due {
            self.due.insert((due, id));
        }
        for wish in wishes {
            match wish {
                Wish::Send { protocol, source, destination, message } => {
                    if !is_request(&message) {
                        self.send(protocol, source, destination, &message);
                    } else if let Some(transaction) = transaction(&message) {
                        self.asked.insert(transaction, (id, now));
                        self.send(protocol, source, destination, &message);
                    }
                }
                Wish::Hear(protocol, source) => self.hear(id, (protocol, source)),
                Wish::Choose { protocol, source, destination } => {
                    let route = self.route(protocol, source, destination);
                    if let Some(peer) = self.peers.get(&id) {
                        peer.choose(route);
                    }
                }
            }
        }
        if let Some((peer, news)) = self.peers.get(&id).zip(news) {
            peer.tell(news);
        }
    }

    /// Notes whose datagrams come from an address. The last who has proved it has it.
    fn hear(&mut self, id: PeerId, source: (Protocol, SocketAddr)) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !peer.sources.contains(&source) {
            peer.sources.push(source);
        }
        if let Some(before) = self.by_address.insert(source, id)
            && before != id
            && let Some(before) = self.peers.get_mut(&before)
        {
            before.sources.retain(|other| *other != source);
        }
    }

    fn send(&self, protocol: Protocol, source: SocketAddr, destination: SocketAddr, message: &[u8]) {
        let sent = match self.route(protocol, source, destination) {
            Some(Route::Udp { port, source, destination }) => port.send(source, destination, &[message]),
            Some(Route::Tcp(writer)) => writer.send(&[message]),
            None => return,
        };
        if let Err(error) = sent {
            // Candidates of the other's that this machine has no way to, mostly.
            tracing::trace!(%error, "a STUN message could not be sent");
        }
    }

    fn route(&self, protocol: Protocol, source: SocketAddr, destination: SocketAddr) -> Option<Route> {
        match protocol {
            Protocol::Udp => {
                Some(Route::Udp { port: Arc::clone(&self.port), source: source.ip(), destination })
            }
            Protocol::Tcp => {
                let connection = self.connections.values().find(|open| open.from == destination)?;
                Some(Route::Tcp(Arc::clone(&connection.writer)))
            }
            Protocol::SslTcp | Protocol::Tls => None,
        }
    }

    fn command(&mut self, now: Instant, command: Command) {
        let (id, change): (PeerId, Change) = match command {
            Command::Add { peer, own, inlet, outlet, listener } => {
                self.by_ufrag.insert(own.ufrag.clone(), peer);
                let mut added = Peer::new(own, inlet, outlet, listener, now);
                added.set_paths(&Paths::default(), &self.paths);
                self.peers.insert(peer, added);
                return;
            }
            Command::Remove { peer } => return self.remove(peer),
            Command::Connection { stream, place } => return self.connect(now, stream, place),
            Command::Paths(paths) => return self.follow(now, paths),
            Command::Control { peer, controlling } => {
                (peer, Box::new(move |peer| peer.agent.set_controlling(controlling)))
            }
            Command::Own { peer, credentials } => {
                self.rename(peer, &credentials);
                (peer, Box::new(move |peer| peer.agent.set_local_credentials(credentials)))
            }
            Command::Restart { peer, credentials } => {
                self.rename(peer, &credentials);
                (peer, Box::new(move |peer| peer.restart(credentials)))
            }
            Command::Theirs { peer, credentials } => {
                (peer, Box::new(move |peer| peer.agent.set_remote_credentials(credentials)))
            }
            Command::Candidate { peer, candidate } => {
                (peer, Box::new(move |peer| peer.add_candidate(&candidate)))
            }
        };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if catch_unwind(AssertUnwindSafe(|| change(peer))).is_err() {
            return self.failed(id);
        }
        self.advance(now, id);
    }

    /// The user name fragment by which its requests come is another one.
    fn rename(&mut self, id: PeerId, credentials: &IceCreds) {
        if let Some(peer) = self.peers.get(&id) {
            self.by_ufrag.remove(&peer.agent.local_credentials().ufrag);
            self.by_ufrag.insert(credentials.ufrag.clone(), id);
        }
    }

    fn connect(&mut self, now: Instant, stream: TcpStream, place: Place) {
        self.last_connection += 1;
        match Connection::new(stream, place, &self.epoll, self.last_connection, now) {
            Ok(connection) => {
                self.connections.insert(self.last_connection, connection);
            }
            Err(error) => tracing::debug!(%error, "an ICE connection over TCP has gone"),
        }
    }

    /// The machine's addresses are others: every agent is told.
    fn follow(&mut self, now: Instant, paths: Paths) {
        let before = std::mem::replace(&mut self.paths, paths);
        let ids: Vec<_> = self.peers.keys().copied().collect();
        for id in ids {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.set_paths(&before, &self.paths);
            }
            self.advance(now, id);
        }
    }

    fn remove(&mut self, id: PeerId) {
        let Some(peer) = self.peers.remove(&id) else { return };
        peer.choose(None);
        if let Some(due) = peer.due {
            self.due.remove(&(due, id));
        }
        self.by_ufrag.remove(&peer.agent.local_credentials().ufrag);
        for source in &peer.sources {
            self.by_address.remove(source);
        }
    }

    /// The code of a viewer's agent has failed.
    fn failed(&mut self, id: PeerId) {
        tracing::error!("an ICE agent has failed; its viewer is given up");
        if let Some(peer) = self.peers.get(&id) {
            peer.tell(News::Lost);
        }
        self.remove(id);
    }

    fn sweep(&mut self, now: Instant) {
        self.asked.retain(|_, (_, at)| now < *at + ANSWERED_WITHIN);
        let Self { connections, by_address, .. } = self;
        connections.retain(|_, open| {
            now < open.since + IDLE_TCP || by_address.contains_key(&(Protocol::Tcp, open.from))
        });
    }
}

/// A datagram that nothing follows from: counted, and not told of, as anybody can send any number.
fn refused(cause: &'static str) {
    metrics().refused(At::MediaPort, cause);
}
