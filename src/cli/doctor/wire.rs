//! How STUN messages reach a server: by UDP, TCP and TLS. Every wait has an end.

use super::turn::Wire;
use crate::core::ice::transaction;
use futures_rustls::rustls::pki_types::ServerName;
use futures_rustls::rustls::{self, ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// For a connection, and for each answer by it.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// A request by UDP is sent again after these: a datagram may be lost (RFC 8489 section 6.2.1).
const TRIES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_millis(1000), Duration::from_millis(1500)];
/// The header of a message (RFC 8489 section 5).
const HEADER: usize = 20;
/// The longest answer that is read.
const LONGEST: usize = 2048;

/// By UDP.
pub(super) struct Udp(UdpSocket);

impl Udp {
    pub(super) fn connect(server: SocketAddr) -> io::Result<Self> {
        let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.connect(server)?;
        Ok(Self(socket))
    }

    /// From where it is sent.
    pub(super) fn local(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Wire for Udp {
    fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = [0; LONGEST];
        for wait in TRIES {
            self.0.send(request)?;
            self.0.set_read_timeout(Some(wait))?;
            // Whatever else comes, a request has few answers to look through.
            for _ in 0..16 {
                let len = match self.0.recv(&mut bytes) {
                    Ok(len) => len,
                    Err(error) if is_timeout(&error) => break,
                    Err(error) => return Err(error),
                };
                let answer = bytes.get(..len).unwrap_or_default();
                if transaction(answer) == transaction(request) {
                    return Ok(answer.to_vec());
                }
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// By a connection: TCP, or TLS over it.
pub(super) struct Stream<S>(S);

/// Connects by TCP.
pub(super) fn tcp(server: SocketAddr) -> io::Result<Stream<TcpStream>> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(Stream(stream))
}

/// Connects by TLS, as browsers do: the certificate has to be one that the system trusts, for that name.
pub(super) fn tls(
    server: SocketAddr,
    name: &str,
) -> io::Result<Stream<StreamOwned<ClientConnection, TcpStream>>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let Stream(stream) = tcp(server)?;
    let session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(Stream(StreamOwned::new(session, stream)))
}

impl<S: Read + Write> Wire for Stream<S> {
    fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.0.write_all(request)?;
        self.0.flush()?;
        let mut answer = vec![0; HEADER];
        self.0.read_exact(&mut answer).map_err(timed_out)?;
        let Some([high, low]) = answer.get(2..4) else { return Err(io::ErrorKind::InvalidData.into()) };
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        if len > LONGEST || transaction(&answer) != transaction(request) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it speaks another protocol"));
        }
        let mut body = vec![0; len];
        self.0.read_exact(&mut body).map_err(timed_out)?;
        answer.extend(body);
        Ok(answer)
    }
}

/// The system calls a read that has waited long enough "would block".
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn timed_out(error: io::Error) -> io::Error {
    if is_timeout(&error) { io::ErrorKind::TimedOut.into() } else { error }
}
