//! One TCP connection from accept to end: TLS, HTTP, and perhaps the WebSocket.
//!
//! Everything of a connection runs in one task; dropping that closes it.

use super::Event;
use super::admission::Place;
use super::client::Client;
use super::deadlines::Deadlines;
use super::io::{WriteDeadline, within};
use super::reply::{self, Refusal};
use super::server::Shared;
use super::{router, signalling};
use crate::core::access::is_authority;
use crate::core::ice::is_framed;
use crate::telemetry::metrics::{At, metrics};
use futures_lite::FutureExt;
use futures_lite::io::{AsyncRead, AsyncWrite};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use smol::Async;
use smol::net::TcpStream;
use smol_hyper::rt::{FuturesIo, SmolTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

/// The longest head of a request that hyper parses, in bytes.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// Header lines that hyper takes.
const MAX_HEADER_LINES: usize = 128;
/// What the kernel is to keep for a client that reads slowly, in bytes: some seconds of sound, and the
/// largest picture.
const KERNEL_BUFFER: usize = 128 * 1024;
/// The first byte of a TLS connection: a record of type handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Serves a connection to its end, or hands it over where it carries media: its first byte says so.
/// `stopping` is closed when the server stops.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    stopping: async_channel::Receiver<Infallible>,
) {
    prepare(&stream);
    let limit = shared.deadlines.write;
    let settings = shared.settings();
    let wait = if settings.tls.is_some() { shared.deadlines.handshake } else { shared.deadlines.head };
    let mut first = [0];
    let stop = async {
        let _ = stopping.recv().await;
        Some(Ok(0))
    };
    match within(wait, stream.peek(&mut first)).or(stop).await {
        Some(Ok(1)) => {}
        Some(_) => return,
        None => return metrics().refused(At::Connection, "silent"),
    }
    if is_framed(first[0]) {
        return hand_over(&shared, stream, place).await;
    }
    let _place = place;
    let Some(tls) = &settings.tls else {
        return serve_http(shared.clone(), WriteDeadline::new(stream, limit), peer, false, stopping).await;
    };
    let stream = WriteDeadline::new(stream, limit);
    if first != [TLS_HANDSHAKE] {
        return point_to_https(&shared, stream, stopping).await;
    }
    match within(shared.deadlines.handshake, tls.acceptor().accept(stream)).await {
        Some(Ok(stream)) => {
            drop(settings);
            serve_http(shared, stream, peer, true, stopping).await;
        }
        Some(Err(error)) => {
            tracing::debug!(%peer, %error, "TLS handshake failed");
            metrics().refused(At::Connection, "tls_failed");
        }
        None => {
            tracing::debug!(%peer, "TLS handshake took too long");
            metrics().refused(At::Connection, "tls_too_slow");
        }
    }
}

/// A connection is used all the same where the kernel does not take one of these.
fn prepare(stream: &TcpStream) {
    // Signalling is many small messages.
    let _ = stream.set_nodelay(true);
    // What waits in the kernel is late, and cannot be recalled: left to itself it keeps megabytes.
    let _ = socket2::SockRef::from(stream).set_send_buffer_size(KERNEL_BUFFER);
}

/// Hands a connection over to the media.
async fn hand_over(shared: &Shared, stream: TcpStream, place: Place) {
    // Nobody else has it: nothing has been read of it.
    let Ok(stream) = Arc::try_unwrap(Arc::<Async<std::net::TcpStream>>::from(stream)) else { return };
    let Ok(stream) = stream.into_inner() else { return };
    // The daemon has ended where this fails.
    let _ = shared.events.send(Event::Framed { stream, place: Box::new(place) }).await;
}

async fn serve_http<S>(
    shared: Arc<Shared>,
    stream: S,
    peer: SocketAddr,
    https: bool,
    stopping: async_channel::Receiver<Infallible>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let client = Arc::new(Client::new(shared.clone(), peer, https));
    let service = service_fn(|request| {
        let client = client.clone();
        async move { router::answer(&client, request).await }
    });
    let connection =
        http(&shared.deadlines).serve_connection(FuturesIo::new(stream), service).with_upgrades();
    {
        let mut connection = pin!(connection);
        let stop = async {
            let _ = stopping.recv().await;
            None
        };
        let ended = async { Some(connection.as_mut().await) }.or(stop).await;
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "HTTP connection failed");
            count(&error);
        }
    }
    let Some((upgrade, grant)) = client.take_upgrade() else { return };
    // The stream as it went in, and what came behind the request's head.
    let parts = match upgrade.await {
        Ok(upgraded) => upgraded.downcast::<FuturesIo<S>>(),
        Err(error) => {
            tracing::debug!(%peer, %error, "the connection broke before the WebSocket opened");
            return;
        }
    };
    let Ok(parts) = parts else { return };
    let viewer = shared.next_viewer();
    tracing::debug!(%peer, %viewer, "WebSocket opened");
    let stream = parts.io.into_inner();
    let guest = signalling::Guest { grant, peer };
    signalling::run(stream, parts.read_buf.into(), viewer, guest, client.events(), client.deadlines()).await;
}

/// Answers plain HTTP on the TLS port: somebody has typed the address without `https://`.
async fn point_to_https<S>(shared: &Shared, stream: S, stopping: async_channel::Receiver<Infallible>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| async move {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let target = host.filter(|host| is_authority(host)).and_then(|host| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            HeaderValue::try_from(format!("https://{host}{path}")).ok()
        });
        let refusal = match target {
            Some(target) => {
                Refusal::new(StatusCode::TEMPORARY_REDIRECT, "use_https", "Use https:// for this address.")
                    .with(header::LOCATION, target)
            }
            None => Refusal::new(StatusCode::BAD_REQUEST, "use_https", "Use https:// for this address."),
        };
        let mut answer = refusal.closing().into_text();
        reply::harden(answer.headers_mut(), None, false);
        Ok::<_, Infallible>(answer)
    });
    let connection = async {
        let served =
            http(&shared.deadlines).keep_alive(false).serve_connection(FuturesIo::new(stream), service).await;
        if let Err(error) = served {
            tracing::debug!(%error, "neither TLS nor HTTP");
            count(&error);
        }
    };
    let stop = async {
        let _ = stopping.recv().await;
    };
    connection.or(stop).await;
}

/// What is against HTTP. Who has just gone has done nothing wrong.
fn count(error: &hyper::Error) {
    let cause = if error.is_timeout() {
        "head_too_slow"
    } else if error.is_parse_too_large() {
        "head_too_large"
    } else if error.is_parse() {
        "not_http"
    } else {
        return;
    };
    metrics().refused(At::Connection, cause);
}

/// How requests are read, on whatever listener.
pub(crate) fn http(deadlines: &Deadlines) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(SmolTimer::new())
        .header_read_timeout(deadlines.head)
        .max_headers(MAX_HEADER_LINES)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_HEAD);
    http
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_keeps_little_for_who_reads_slowly() {
        smol::block_on(async {
            let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            prepare(&stream);
            let size = socket2::SockRef::from(&stream).send_buffer_size().unwrap();
            // Linux counts twice what it is told (socket(7)).
            assert!(size <= 2 * KERNEL_BUFFER, "{size}");
            assert!(stream.nodelay().unwrap());
        });
    }
}
