//! The one UDP port of all viewers' media: a socket for IPv4 and one for IPv6.
//!
//! Sending never waits: what the kernel has no room for is lost, as it would be in the network.

use crate::core::ice::run;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// What the kernel keeps of what arrives, and of what is about to leave, in bytes. It may allow less.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;
/// Datagrams taken from the kernel at once.
const BATCH: usize = 16;
/// The most that one datagram, or a run of them that the kernel has joined, can have.
const LARGEST: usize = 65_535;
/// The most that is handed to the kernel as one: its headers have to fit into 64 kB, too.
const LARGEST_RUN: usize = 65_000;

thread_local! {
    /// Where runs of datagrams are put together; one for each thread that sends.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One socket.
#[derive(Debug)]
pub(super) struct Half {
    socket: UdpSocket,
    state: UdpSocketState,
}

/// The port.
#[derive(Debug)]
pub(super) struct Port {
    v4: Option<Half>,
    v6: Option<Half>,
    number: u16,
}

impl Port {
    /// Takes the port for every address. Not a `fixed` one is taken where it can be had, else any.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(super) fn bind(port: u16, fixed: bool) -> io::Result<Self> {
        let any_v4 = |port| Half::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        let any_v6 = |port| Half::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
        let v4 = match any_v4(port) {
            Err(error) if !fixed && port != 0 && error.kind() == io::ErrorKind::AddrInUse => {
                tracing::warn!(port, "this UDP port is taken; pictures and sound get another one");
                any_v4(0)
            }
            bound => bound,
        };
        let (v4, v6) = match v4 {
            Ok(v4) => {
                let number = v4.socket.local_addr()?.port();
                // Without IPv6 in the kernel IPv4 is all there is.
                (Some(v4), any_v6(number).ok())
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            // Without IPv4, IPv6 alone.
            Err(_) => (None, Some(any_v6(port)?)),
        };
        let either = v4.as_ref().or(v6.as_ref()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let number = either.socket.local_addr()?.port();
        Ok(Self { v4, v6, number })
    }

    /// Its number.
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// The sockets, to be waited for.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &Half> {
        self.v4.iter().chain(&self.v6)
    }

    /// Sends datagrams from one of the machine's addresses, as few calls as can be.
    ///
    /// # Errors
    /// Of the first that could not be sent; the others are sent all the same.
    pub(super) fn send(&self, source: IpAddr, to: SocketAddr, datagrams: &[&[u8]]) -> io::Result<()> {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        let socket = socket.as_ref().ok_or(io::ErrorKind::AddrNotAvailable)?;
        if let [datagram] = datagrams {
            return socket.send(source, to, datagram, None);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let sizes: Vec<_> = datagrams.iter().map(|datagram| datagram.len()).collect();
            let (mut sizes, mut rest) = (sizes.as_slice(), datagrams);
            let mut result = Ok(());
            while let Some(first) = sizes.first() {
                let count = run(sizes, socket.state.max_gso_segments(), LARGEST_RUN).max(1);
                let Some((now, later)) = rest.split_at_checked(count) else { break };
                scratch.clear();
                now.iter().for_each(|datagram| scratch.extend_from_slice(datagram));
                let sent = socket.send(source, to, scratch, (count > 1).then_some(*first));
                result = result.and(sent);
                rest = later;
                sizes = sizes.get(count..).unwrap_or_default();
            }
            result
        })
    }
}

impl AsFd for Half {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Half {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        let socket = UdpSocket::from(socket);
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // The system's limit holds; what it gives is enough for a dozen viewers.
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), KERNEL_BUFFER);
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), KERNEL_BUFFER);
        Ok(Self { socket, state })
    }

    fn send(&self, source: IpAddr, to: SocketAddr, bytes: &[u8], segment: Option<usize>) -> io::Result<()> {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents: bytes,
            segment_size: segment,
            src_ip: Some(source),
        };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }

    /// Hands each datagram that has arrived to `each`, with where it comes from and which of the
    /// machine's addresses it was for; a batch of them at most. False: there are no more.
    ///
    /// # Errors
    /// Those of the socket, but for "nothing there".
    pub(super) fn receive(
        &self,
        room: &mut Room,
        mut each: impl FnMut(SocketAddr, IpAddr, &[u8]),
    ) -> io::Result<bool> {
        let mut slices: [IoSliceMut<'_>; BATCH] = {
            let mut parts = room.bytes.chunks_exact_mut(LARGEST);
            std::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()))
        };
        let mut metas = [RecvMeta::default(); BATCH];
        let count = match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        for (slice, meta) in slices.iter().zip(&metas).take(count) {
            let Some(to) = meta.dst_ip else { continue };
            let Some(bytes) = slice.get(..meta.len) else { continue };
            for datagram in bytes.chunks(meta.stride.max(1)) {
                each(meta.addr, to, datagram);
            }
        }
        Ok(count == BATCH)
    }
}

/// Where what arrives is put.
#[derive(Debug)]
pub(super) struct Room {
    bytes: Vec<u8>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; LARGEST * BATCH] }
    }
}
