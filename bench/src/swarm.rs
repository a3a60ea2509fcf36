//! All viewers of a run on one thread: one epoll, one socket each. Joins and farewells block, on threads of their own.

use crate::cipher;
use crate::join::{self, Joined, Offer, Target};
use crate::viewer::{Behaviour, Viewer};
use anyhow::{Context, Result};
use mio::{Events, Interest, Poll, Token, Waker};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;

/// The token of the waker; viewers have their index.
const JOINED: Token = Token(usize::MAX);

/// Viewers, by the order in which they were asked in.
pub struct Swarm {
    address: IpAddr,
    poll: Poll,
    waker: Arc<Waker>,
    joined: Receiver<(usize, Result<Joined>)>,
    joiner: Sender<(usize, Result<Joined>)>,
    viewers: Vec<Place>,
    crypto: Arc<CryptoProvider>,
    certificate: DtlsCert,
    farewells: Vec<JoinHandle<Result<()>>>,
}

enum Place {
    Joining(Behaviour),
    In(Box<Viewer>),
    Failed(String),
    /// Has left; what it saw stays.
    Left(Box<Viewer>),
}

impl Swarm {
    /// No viewers yet; they will receive at `address`.
    ///
    /// # Errors
    /// The system lacks what is needed.
    pub fn new(address: IpAddr) -> Result<Swarm> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), JOINED)?);
        let (joiner, joined) = channel();
        let crypto = Arc::new(cipher::provider());
        let certificate =
            crypto.dtls_provider.generate_certificate().context("no certificate could be made")?;
        let (viewers, farewells) = (Vec::new(), Vec::new());
        Ok(Swarm { address, poll, waker, joined, joiner, viewers, crypto, certificate, farewells })
    }

    /// Asks one viewer in, and returns its index.
    pub fn join(&mut self, target: &Target, behaviour: Behaviour, transport_cc: bool) -> usize {
        let index = self.viewers.len();
        self.viewers.push(Place::Joining(behaviour));
        let (target, joiner, waker) = (target.clone(), self.joiner.clone(), Arc::clone(&self.waker));
        let (crypto, certificate) = (Arc::clone(&self.crypto), self.certificate.clone());
        let offer = Offer { address: self.address, crypto, certificate, transport_cc };
        thread::spawn(move || {
            // The swarm may be gone by now; then nobody wants to know.
            let _ = joiner.send((index, join::join(&target, &offer)));
            let _ = waker.wake();
        });
        index
    }

    /// The viewer, in or left; None while it joins or where it could not.
    pub fn viewer(&self, index: usize) -> Option<&Viewer> {
        match self.viewers.get(index)? {
            Place::In(viewer) | Place::Left(viewer) => Some(viewer),
            Place::Joining(_) | Place::Failed(_) => None,
        }
    }

    /// The same, to change something.
    pub fn viewer_mut(&mut self, index: usize) -> Option<&mut Viewer> {
        match self.viewers.get_mut(index)? {
            Place::In(viewer) => Some(viewer),
            _ => None,
        }
    }

    /// Everyone who is in.
    pub fn inside(&self) -> impl Iterator<Item = &Viewer> {
        self.viewers.iter().filter_map(|place| match place {
            Place::In(viewer) => Some(viewer.as_ref()),
            _ => None,
        })
    }

    /// How many have no answer yet.
    pub fn joining(&self) -> usize {
        self.viewers.iter().filter(|place| matches!(place, Place::Joining(_))).count()
    }

    /// What went wrong, for everyone for whom something did.
    pub fn failures(&self) -> Vec<String> {
        let failure = |(index, place): (usize, &Place)| match place {
            Place::Failed(why) => Some(format!("viewer {index}: {why}")),
            Place::In(viewer) | Place::Left(viewer) => {
                viewer.ended.as_ref().map(|why| format!("viewer {index}: {why}"))
            }
            Place::Joining(_) => Some(format!("viewer {index}: no answer yet")),
        };
        self.viewers.iter().enumerate().filter_map(failure).collect()
    }

    /// Lets one go.
    pub fn leave(&mut self, index: usize) {
        if let Some(place) = self.viewers.get_mut(index)
            && let Place::In(_) = place
            && let Place::In(mut viewer) = std::mem::replace(place, Place::Failed(String::new()))
        {
            let _ = self.poll.registry().deregister(&mut viewer.socket);
            let leave = viewer.leave();
            self.farewells.push(thread::spawn(move || leave.leave()));
            *place = Place::Left(viewer);
        }
    }

    /// Lets all go, and waits until the server has heard it.
    ///
    /// # Errors
    /// What the server answered to the first that went wrong.
    pub fn leave_all(&mut self) -> Result<()> {
        (0..self.viewers.len()).for_each(|index| self.leave(index));
        let mut first = Ok(());
        for farewell in self.farewells.drain(..) {
            let said = farewell.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a farewell panicked")));
            if first.is_ok() {
                first = said;
            }
        }
        first
    }

    /// Receives for `time`.
    ///
    /// # Errors
    /// Of the system, none of a viewer's.
    pub fn run_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        self.run_until(end, |_| false).map(|_| ())
    }

    /// Receives until `done` says so, and tells whether it did before `end`.
    ///
    /// # Errors
    /// Of the system, none of a viewer's.
    pub fn run_until(&mut self, end: Instant, mut done: impl FnMut(&Swarm) -> bool) -> Result<bool> {
        let mut events = Events::with_capacity(256);
        let mut buffer = [0; 2048];
        loop {
            if done(self) {
                return Ok(true);
            }
            let now = Instant::now();
            if now >= end {
                return Ok(false);
            }
            let due = self.inside().map(Viewer::deadline).fold(end, Instant::min);
            match self.poll.poll(&mut events, Some(due.saturating_duration_since(now))) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                if event.token() == JOINED {
                    self.take_joined()?;
                } else if let Some(place) = self.viewers.get_mut(event.token().0) {
                    let failed = match place {
                        Place::In(viewer) => read(viewer, &mut buffer),
                        _ => Ok(()),
                    };
                    fail_on_error(place, failed);
                }
            }
            let now = Instant::now();
            for place in &mut self.viewers {
                let failed = match place {
                    Place::In(viewer) if viewer.deadline() <= now => viewer.tick(now),
                    _ => Ok(()),
                };
                fail_on_error(place, failed);
            }
        }
    }

    fn take_joined(&mut self) -> Result<()> {
        while let Ok((index, joined)) = self.joined.try_recv() {
            let Some(place) = self.viewers.get_mut(index) else { continue };
            let Place::Joining(behaviour) = *place else { continue };
            match joined.and_then(|joined| Viewer::new(joined, behaviour, index as u64 + 1)) {
                Ok(mut viewer) => {
                    self.poll.registry().register(&mut viewer.socket, Token(index), Interest::READABLE)?;
                    *place = Place::In(Box::new(viewer));
                }
                Err(error) => *place = Place::Failed(format!("{error:#}")),
            }
        }
        Ok(())
    }
}

/// A viewer that has failed is not driven any further; what it saw stays.
fn fail_on_error(place: &mut Place, result: Result<()>) {
    if let Err(error) = result
        && let Place::In(mut viewer) = std::mem::replace(place, Place::Failed(String::new()))
    {
        viewer.ended.get_or_insert_with(|| format!("{error:#}"));
        *place = Place::Left(viewer);
    }
}

/// Reads until there is no more: the poll tells of new datagrams only.
fn read(viewer: &mut Viewer, buffer: &mut [u8]) -> Result<()> {
    loop {
        match viewer.socket.recv_from(buffer) {
            Ok((length, from)) => {
                viewer.receive(Instant::now(), from, buffer.get(..length).unwrap_or_default())?
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            // What was sent to a port that has closed since.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error.into()),
        }
    }
}
