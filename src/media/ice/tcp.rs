//! ICE over TCP, on the connections that the page's listener hands over (RFC 6544, RFC 4571).
//!
//! Nothing waits: what a connection does not take is kept up to [`KEPT`], and whole datagrams
//! are lost after that.

use crate::core::ice::{Frames, TooLong};
use rustix::event::epoll;
use rustix::fd::OwnedFd;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How many bytes wait for a connection: 200 ms of the largest picture, a keyframe of any.
const KEPT: usize = 512 * 1024;
/// What the kernel keeps of what is to be sent, in bytes. What waits there is late for everybody.
const KERNEL_BUFFER: usize = 128 * 1024;
/// Read at once.
const READ: usize = 16 * 1024;

/// What a connection holds as long as it is there: its place among the server's.
pub type Place = Box<dyn std::any::Any + Send + Sync>;

/// The writing side, shared with who sends.
#[derive(Debug)]
pub(super) struct Writer {
    stream: TcpStream,
    waiting: Mutex<Waiting>,
    epoll: Arc<OwnedFd>,
    token: u64,
}

/// What the connection has not taken yet.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Whether the thread is told when it takes something again.
    watched: bool,
}

/// A connection.
pub(super) struct Connection {
    pub(super) writer: Arc<Writer>,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) since: Instant,
    frames: Frames,
    _place: Place,
}

impl Connection {
    /// Takes one over and has `epoll` watch it under `token`.
    ///
    /// # Errors
    /// When it has gone already.
    pub(super) fn new(
        stream: TcpStream,
        place: Place,
        epoll: &Arc<OwnedFd>,
        token: u64,
        now: Instant,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        socket2::SockRef::from(&stream).set_send_buffer_size(KERNEL_BUFFER)?;
        let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let (from, to) = (canonical(stream.peer_addr()?), canonical(stream.local_addr()?));
        epoll::add(&**epoll, &stream, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?;
        let writer = Arc::new(Writer { stream, waiting: Mutex::default(), epoll: Arc::clone(epoll), token });
        Ok(Self { writer, from, to, since: now, frames: Frames::default(), _place: place })
    }

    /// Hands each datagram that has arrived to `each`.
    ///
    /// # Errors
    /// At the connection's end.
    pub(super) fn receive(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut bytes = [0; READ];
        // A second part would be there at the next turn: nobody keeps the thread.
        match (&self.writer.stream).read(&mut bytes) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                let arrived = bytes.get(..count).unwrap_or_default();
                let too_long = |error: TooLong| io::Error::new(io::ErrorKind::InvalidData, error);
                self.frames.take(arrived, &mut each).map_err(too_long)
            }
            Err(error) if is_passing(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The writer may live on with somebody who sends; the peer is to know now.
        let _ = epoll::delete(&*self.writer.epoll, &self.writer.stream);
        let _ = self.writer.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.writer.stream.as_fd()
    }
}

impl Writer {
    /// Sends datagrams. Those for which there is no room are lost.
    ///
    /// # Errors
    /// When something was lost.
    pub(super) fn send(&self, datagrams: &[&[u8]]) -> io::Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lost = false;
        for datagram in datagrams {
            if waiting.bytes.len() + datagram.len() > KEPT {
                lost = true;
                break;
            }
            Frames::put(&mut waiting.bytes, datagram);
        }
        if !waiting.watched {
            self.write(&mut waiting)?;
        }
        if lost { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }

    /// Sends what waits. For when the connection takes something again.
    ///
    /// # Errors
    /// At the connection's end.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.write(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, waiting: &mut Waiting) -> io::Result<()> {
        let mut done = 0;
        let result = loop {
            let rest = waiting.bytes.get(done..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match (&self.stream).write(rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        waiting.bytes.drain(..done.min(waiting.bytes.len()));
        let watched = !waiting.bytes.is_empty() && result.is_ok();
        if watched != waiting.watched {
            waiting.watched = watched;
            let out = if watched { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
            let (data, interest) = (epoll::EventData::new_u64(self.token), epoll::EventFlags::IN | out);
            // It is not watched any more where this fails.
            let _ = epoll::modify(&*self.epoll, &self.stream, data, interest);
        }
        result
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
