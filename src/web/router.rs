//! Which request goes where.

use super::client::Client;
use super::reply::{self, Answer, Refusal};
use super::session::AccessKind;
use super::settings::Settings;
use super::{api, assets, metrics, upgrade, whep};
use crate::core::access::{host_is_own, is_authority};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::{Request, StatusCode};
use std::convert::Infallible;

/// The longest path with its query, in bytes.
const MAX_URI: usize = 2048;
/// All header names and values together, in bytes. Hyper itself refuses, without a sentence,
/// what does not fit [`super::connection::MAX_HEAD`].
const MAX_HEADERS: usize = 16 * 1024;

/// Answers a request.
pub(crate) async fn answer(client: &Client, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let settings = client.settings();
    let own_socket = host(request.headers())
        .filter(|host| is_authority(host))
        .map(|host| format!("{}://{host}", if client.https { "wss" } else { "ws" }));
    let is_api = request.uri().path().starts_with("/api/");

    let mut answer = match route(client, &settings, request).await {
        Ok(answer) => answer,
        Err(refusal) if is_api => refusal.into_json(),
        Err(refusal) => refusal.into_text(),
    };
    let strict_transport = client.https && settings.tls.as_ref().is_some_and(|tls| tls.is_users());
    reply::harden(answer.headers_mut(), own_socket.as_deref(), strict_transport);
    Ok(answer)
}

async fn route(client: &Client, settings: &Settings, request: Request<Incoming>) -> Result<Answer, Refusal> {
    check_head(client, settings, &request)?;
    // Whoever is let onto the port may know whether all is well, and no more than that.
    if let Some(answer) = metrics::health(request.uri().path(), request.method()) {
        return answer;
    }
    match request.uri().path() {
        "/api/session" => api::session(client, settings, request).await,
        "/ws" => upgrade::answer(client, settings, request).await,
        // The page finds its room in the path, and says so where there is none of that name.
        path if path.strip_prefix("/r/").is_some_and(is_one_part) => {
            assets::answer(request.method(), "/", request.headers())
        }
        path if whep::is_here(path) => Ok(whep::answer(client, settings, request).await),
        path => assets::answer(request.method(), path, request.headers()),
    }
}

/// Whether a path's rest is one part of it.
fn is_one_part(rest: &str) -> bool {
    !rest.is_empty() && !rest.contains('/')
}

fn check_head(client: &Client, settings: &Settings, request: &Request<Incoming>) -> Result<(), Refusal> {
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        let message = format!("The path may have {MAX_URI} bytes.");
        return Err(Refusal::new(StatusCode::URI_TOO_LONG, "too_large", message).closing());
    }
    let size: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADERS {
        let message = format!("The headers may have {MAX_HEADERS} bytes together.");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Refusal::new(status, "too_large", message).closing());
    }
    // With a secret or a certificate, a foreign name that points here gets nothing.
    if settings.gate.kind() == AccessKind::Open && !client.https {
        let own = host(request.headers())
            .is_some_and(|host| host_is_own(host, &settings.machine, settings.public_url.as_deref()));
        if !own {
            return Err(Refusal::new(
                StatusCode::MISDIRECTED_REQUEST,
                "unknown_host",
                "This daemon does not know itself by that name: use its address, or set server.public_url.",
            ));
        }
    }
    Ok(())
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}
