//! Where Prometheus reads: a listener of its own with `/metrics`, `/healthz` and `/readyz`; the last two are
//! on the page's address, too.
//!
//! Invariant: who reads here, however slowly or often, holds up neither the daemon's loop nor the page.

use super::connection;
use super::deadlines::Deadlines;
use super::error::Error;
use super::io::WriteDeadline;
use super::reply::{self, Answer, Refusal};
use crate::config::{self, Secret};
use crate::core::access::bearer;
use crate::telemetry::health;
use crate::telemetry::metrics::{Form, metrics};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use ring::hmac;
use ring::rand::SystemRandom;
use smol::lock::Semaphore;
use smol::net::{TcpListener, TcpStream};
use smol::{Async, Executor, Timer};
use smol_hyper::rt::FuturesIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Readers that may be connected at once: a Prometheus or two and a probe.
const MOST_CONNECTIONS: usize = 16;
/// After an accept that failed, for want of file descriptors usually.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The listener of `[metrics]`.
pub struct Metrics {
    listener: TcpListener,
    address: SocketAddr,
    reader: Arc<Reader>,
}

/// What every connection has to know.
struct Reader {
    /// A key of its own, and what it makes of the token: how long a comparison takes says nothing.
    token: Option<(hmac::Key, hmac::Tag)>,
    deadlines: Deadlines,
}

impl Metrics {
    /// Listens. Connections wait until [`Metrics::run`].
    ///
    /// # Errors
    /// [`Error`] when the address cannot be had, or the system has no random numbers.
    pub fn bind(config: &config::Metrics) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address: config.listen, key: "metrics.listen", source };
        let listener = Async::<std::net::TcpListener>::bind(config.listen).map_err(failed)?;
        let address = listener.get_ref().local_addr().map_err(failed)?;
        let token = config.token.as_ref().map(keyed).transpose()?;
        let reader = Reader { token, deadlines: Deadlines::default() };
        Ok(Self { listener: listener.into(), address, reader: Arc::new(reader) })
    }

    /// The address, with the port that was taken for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is dropped; every connection is a task inside this future and ends with it.
    pub async fn run(&self) {
        // Declared before the tasks' future, dropped after it.
        let executor: Executor<'static> = Executor::new();
        executor.run(self.accept(&executor)).await;
    }

    async fn accept(&self, executor: &Executor<'static>) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            match self.listener.accept().await {
                // One more than there may be is closed at once.
                Ok((stream, _)) => {
                    if let Some(place) = places.try_acquire_arc() {
                        let reader = Arc::clone(&self.reader);
                        let connection = async move {
                            reader.serve(stream).await;
                            drop(place);
                        };
                        executor.spawn(connection).detach();
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the metrics' listener cannot take a connection");
                    Timer::after(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Reader {
    async fn serve(&self, stream: TcpStream) {
        let stream = WriteDeadline::new(stream, self.deadlines.write);
        let service = service_fn(|request| async move { Ok::<_, Infallible>(self.answer(&request).await) });
        let served =
            connection::http(&self.deadlines).serve_connection(FuturesIo::new(stream), service).await;
        if let Err(error) = served {
            tracing::debug!(%error, "a reader of metrics");
        }
    }

    async fn answer(&self, request: &Request<Incoming>) -> Answer {
        let answer = match request.uri().path() {
            "/metrics" => self.metrics(request).await,
            path => health(path, request.method()).unwrap_or_else(|| Err(Refusal::not_found(path))),
        };
        let mut answer = answer.unwrap_or_else(Refusal::into_text);
        reply::harden(answer.headers_mut(), None, false);
        answer
    }

    async fn metrics(&self, request: &Request<Incoming>) -> Result<Answer, Refusal> {
        only_read(request.method())?;
        if let Some((key, token)) = &self.token {
            let shown =
                request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes).and_then(bearer);
            if shown.is_none_or(|shown| hmac::verify(key, shown, token.as_ref()).is_err()) {
                let message = "Send Authorization: Bearer with the token of [metrics].";
                let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
                let challenge = HeaderValue::from_static("Bearer realm=\"vitrina metrics\"");
                return Err(refusal.with(header::WWW_AUTHENTICATE, challenge));
            }
        }
        let form = form(request.headers());
        // It reads files of the system's.
        let text = smol::unblock(move || metrics().text(form)).await;
        let mut answer = Answer::new(Full::from(text));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(answer)
    }
}

/// `/healthz` and `/readyz`; `None`: another path.
pub(super) fn health(path: &str, method: &Method) -> Option<Result<Answer, Refusal>> {
    let finding = match path {
        "/healthz" => health::live(Instant::now()),
        "/readyz" => health::ready(Instant::now()),
        _ => return None,
    };
    Some(only_read(method).map(|()| {
        let mut answer = reply::json(&finding);
        if !finding.ok {
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        answer
    }))
}

fn only_read(method: &Method) -> Result<(), Refusal> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Refusal::method("GET, HEAD")),
    }
}

/// The form that a reader asks for; Prometheus names OpenMetrics first.
fn form(headers: &HeaderMap) -> Form {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains("application/openmetrics-text") { Form::OpenMetrics } else { Form::Prometheus }
}

fn keyed(token: &Secret) -> Result<(hmac::Key, hmac::Tag), Error> {
    let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(|_| Error::Random)?;
    let tag = hmac::sign(&key, token.expose().as_bytes());
    Ok((key, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_form_that_it_asks_for() {
        let form = |accept| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            super::form(&headers)
        };
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        assert_eq!(form(prometheus), Form::OpenMetrics);
        assert_eq!(form("text/plain"), Form::Prometheus);
        assert_eq!(super::form(&HeaderMap::new()), Form::Prometheus);
    }
}
