//! `/api/session`, and who is let in.

use super::client::Client;
use super::io::within;
use super::reply::{self, Answer, Refusal};
use super::session::{AccessKind, Session};
use super::settings::Settings;
use crate::core::access::{Attempt, bearer, origin_is_own};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// The longest body of a POST, in bytes.
const MAX_BODY: usize = 4096;

/// The body of a POST. One of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum Login {
    Token { token: String },
    Password { password: String },
}

/// The answer to a GET.
#[derive(Serialize)]
struct State {
    access: AccessKind,
    authorized: bool,
}

/// `/api/session`
pub(crate) async fn session(
    client: &Client,
    settings: &Settings,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    match *request.method() {
        Method::GET | Method::HEAD => state(client, settings, request.headers()),
        Method::POST => log_in(client, settings, request).await,
        Method::DELETE => {
            check_origin(settings, request.headers())?;
            let mut answer = reply::empty(StatusCode::NO_CONTENT);
            put_cookie(&mut answer, &settings.gate.no_cookie(client.https));
            Ok(answer)
        }
        _ => Err(Refusal::method("GET, HEAD, POST, DELETE")),
    }
}

fn state(client: &Client, settings: &Settings, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let entry = entry(client, settings, headers);
    if let Entry::Throttled(refusal) = entry {
        return Err(refusal);
    }
    let authorized = matches!(entry, Entry::Granted | Entry::GrantedByOldCookie);
    let mut answer = reply::json(&State { access: settings.gate.kind(), authorized });
    if matches!(entry, Entry::GrantedByOldCookie) {
        put_cookie(&mut answer, &settings.gate.new_cookie(SystemTime::now(), client.https));
    }
    Ok(answer)
}

async fn log_in(client: &Client, settings: &Settings, request: Request<Incoming>) -> Result<Answer, Refusal> {
    check_origin(settings, request.headers())?;
    let body = read_body(client, request, MAX_BODY).await?;
    let bad = || {
        let expected = match settings.gate.kind() {
            AccessKind::Password => r#"{"password": "..."}"#,
            AccessKind::Open | AccessKind::Token => r#"{"token": "..."}"#,
        };
        Refusal::new(StatusCode::BAD_REQUEST, "bad_request", format!("The body has to be JSON: {expected}"))
    };
    let login: Login = serde_json::from_slice(&body).map_err(|_| bad())?;
    let secret = match (settings.gate.kind(), &login) {
        (AccessKind::Open, _) => return Ok(reply::empty(StatusCode::NO_CONTENT)),
        (AccessKind::Token, Login::Token { token }) => token,
        (AccessKind::Password, Login::Password { password }) => password,
        (AccessKind::Token, Login::Password { .. }) => {
            return Err(wrong("wrong_password", "There is no password here: open the link with the token."));
        }
        (AccessKind::Password, Login::Token { .. }) => {
            return Err(wrong("wrong_token", "The link is an old one: a password is asked for now."));
        }
    };
    match client.attempt(settings, secret.as_bytes()) {
        Attempt::Right => {
            let mut answer = reply::empty(StatusCode::NO_CONTENT);
            put_cookie(&mut answer, &settings.gate.new_cookie(SystemTime::now(), client.https));
            Ok(answer)
        }
        Attempt::Wrong => Err(wrong_secret(settings.gate.kind())),
        Attempt::Throttled { retry_after } => Err(Refusal::throttled(retry_after)),
    }
}

/// The whole body of a request, of `limit` bytes at most and within its time.
pub(crate) async fn read_body(
    client: &Client,
    request: Request<Incoming>,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let body = Limited::new(request.into_body(), limit).collect();
    match within(client.deadlines().body, body).await {
        Some(Ok(body)) => Ok(body.to_bytes()),
        Some(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("The body may have {limit} bytes."),
        )
        .closing()),
        Some(Err(_)) => {
            Err(Refusal::new(StatusCode::BAD_REQUEST, "bad_request", "The body ended early.").closing())
        }
        None => {
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body took too long.").closing())
        }
    }
}

/// What became of a request at the door.
pub(crate) enum Entry {
    /// It may go in.
    Granted,
    /// It may go in; its cookie should be made again.
    GrantedByOldCookie,
    /// It may not.
    Refused(Refusal),
    /// It has to wait.
    Throttled(Refusal),
}

/// Whether a request may see what is behind the door: by its cookie, or by
/// `Authorization: Bearer`.
pub(crate) fn entry(client: &Client, settings: &Settings, headers: &HeaderMap) -> Entry {
    if settings.gate.kind() == AccessKind::Open {
        return Entry::Granted;
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    match settings.gate.session(cookies, SystemTime::now(), client.https) {
        Session::Valid => return Entry::Granted,
        Session::WantsRenewal => return Entry::GrantedByOldCookie,
        Session::None => {}
    }
    let Some(secret) = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes())) else {
        return Entry::Refused(
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Open the link that vitrina printed, or send Authorization: Bearer with the token or the password.",
            )
            .with(header::WWW_AUTHENTICATE, CHALLENGE),
        );
    };
    match client.attempt(settings, secret) {
        Attempt::Right => Entry::Granted,
        Attempt::Wrong => Entry::Refused(wrong_secret(settings.gate.kind())),
        Attempt::Throttled { retry_after } => Entry::Throttled(Refusal::throttled(retry_after)),
    }
}

/// Refuses what another site's page sends. Who sends no `Origin` is no browser, or a browser on a
/// page of this origin.
pub(crate) fn check_origin(settings: &Settings, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = origin.to_str().is_ok_and(|origin| origin_is_own(origin, host, settings.public_url.as_deref()));
    if own {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "cross_origin",
        "Another site's page may not use this. Behind a proxy, set server.public_url to the address that browsers see.",
    ))
}

/// RFC 6750 section 3.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"vitrina\"");

fn wrong_secret(kind: AccessKind) -> Refusal {
    match kind {
        AccessKind::Password => wrong("wrong_password", "The password is wrong."),
        AccessKind::Open | AccessKind::Token => {
            wrong("wrong_token", "The token is wrong: open the link that vitrina prints at its start.")
        }
    }
}

fn wrong(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, code, message).with(header::WWW_AUTHENTICATE, CHALLENGE)
}

fn put_cookie(answer: &mut Answer, cookie: &str) {
    if let Ok(mut value) = HeaderValue::try_from(cookie) {
        value.set_sensitive(true);
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
}
