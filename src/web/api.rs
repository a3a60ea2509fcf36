//! `/api/session`: signing in and out, and the question who one is.

use super::client::Client;
use super::door::{self, Entry, Visit, check_origin};
use super::io::within;
use super::reply::{self, Answer, Refusal};
use super::session::AccessKind;
use super::settings::Settings;
use crate::config::Secret;
use crate::core::principal::Role;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// The longest body of a POST, in bytes.
const MAX_BODY: usize = 4096;

/// The body of a POST. One of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum Login {
    Token { token: String },
    Invite { invite: String },
    Password { password: String },
    Account { name: String, password: String },
}

/// The answer to a GET.
#[derive(Serialize)]
struct State {
    access: AccessKind,
    /// Whether one may sign in by name.
    accounts: bool,
    authorized: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
}

/// `/api/session`
pub(crate) async fn session(
    client: &Client,
    settings: &Settings,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    match *request.method() {
        Method::GET | Method::HEAD => state(client, settings, request.headers()).await,
        Method::POST => log_in(client, settings, request).await,
        Method::DELETE => log_out(client, settings, request.headers()).await,
        _ => Err(Refusal::method("GET, HEAD, POST, DELETE")),
    }
}

async fn state(client: &Client, settings: &Settings, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let (grant, is_old) = match door::entry(client, settings, headers, Visit::Asks).await {
        Entry::Granted(grant) => (Some(grant), false),
        Entry::GrantedByOldCookie(grant) => (Some(grant), true),
        Entry::Refused(_) => (None, false),
        Entry::Throttled(refusal) => return Err(refusal),
    };
    let principal = grant.as_ref().map(|grant| grant.principal());
    let mut answer = reply::json(&State {
        access: settings.gate.kind(),
        accounts: !settings.gate.accounts.is_empty(),
        authorized: principal.is_some(),
        name: principal.and_then(|principal| principal.name.clone()),
        role: principal.map(|principal| principal.role),
    });
    if let Some(grant) = grant.filter(|_| is_old)
        && let Some((id, _)) = grant.session
    {
        let cookie = settings.gate.cookie(&grant.pass, id, SystemTime::now(), client.https);
        put_cookie(&mut answer, &cookie);
    }
    Ok(answer)
}

async fn log_in(client: &Client, settings: &Settings, request: Request<Incoming>) -> Result<Answer, Refusal> {
    check_origin(client, settings, request.headers())?;
    let body = read_body(client, request, MAX_BODY).await?;
    let login: Login = serde_json::from_slice(&body).map_err(|_| bad_login(settings))?;
    let invited = match &login {
        Login::Token { token } | Login::Invite { invite: token } => {
            door::by_invitation(client, token.as_bytes(), Visit::Comes).await.transpose()?
        }
        Login::Password { .. } | Login::Account { .. } => None,
    };
    let pass = match (settings.gate.kind(), login) {
        _ if invited.is_some() => invited.ok_or_else(|| bad_login(settings))?,
        (_, Login::Invite { .. }) => {
            return Err(door::wrong("wrong_token", "This is no invitation: open its link as it was sent."));
        }
        (_, Login::Account { name, password }) => {
            door::sign_in(client, settings, &name, Secret::new(password)).await?
        }
        (AccessKind::Open, _) => return Ok(reply::empty(StatusCode::NO_CONTENT)),
        (AccessKind::Token | AccessKind::Named, Login::Token { token }) => {
            door::shared(client, settings, token.as_bytes())?
        }
        (AccessKind::Password, Login::Password { password }) => {
            door::shared(client, settings, password.as_bytes())?
        }
        (AccessKind::Token, Login::Password { .. }) => {
            let message = "There is no password here: open the link with the token.";
            return Err(door::wrong("wrong_password", message));
        }
        (AccessKind::Named, Login::Password { .. }) => {
            return Err(door::wrong("wrong_password", "A name goes with the password."));
        }
        (AccessKind::Password, Login::Token { .. }) => {
            let message = "The link is an old one: a password is asked for now.";
            return Err(door::wrong("wrong_token", message));
        }
    };
    let cookie = settings.gate.new_cookie(&pass, SystemTime::now(), client.https);
    let cookie = cookie.map_err(|error| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("No session could be made: {error}."),
        )
    })?;
    client.signed_in(&pass.principal);
    let mut answer = reply::empty(StatusCode::NO_CONTENT);
    put_cookie(&mut answer, &cookie);
    Ok(answer)
}

/// Signs out: the session ends here, too, and with it what hangs on it.
async fn log_out(client: &Client, settings: &Settings, headers: &HeaderMap) -> Result<Answer, Refusal> {
    check_origin(client, settings, headers)?;
    let session = door::cookie_session(client, settings, headers);
    if let Some(grant) = session.map(|session| session.grant)
        && let Some((id, _)) = grant.session
    {
        client.signed_out(grant.principal());
        client.end_session(id).await;
    }
    let mut answer = reply::empty(StatusCode::NO_CONTENT);
    put_cookie(&mut answer, &settings.gate.no_cookie(client.https));
    Ok(answer)
}

fn bad_login(settings: &Settings) -> Refusal {
    let named = r#"{"name": "...", "password": "..."}"#;
    let shared = match settings.gate.kind() {
        AccessKind::Password => Some(r#"{"password": "..."}"#),
        AccessKind::Open | AccessKind::Token => Some(r#"{"token": "..."}"#),
        AccessKind::Named => None,
    };
    let expected = match shared {
        Some(shared) if settings.gate.accounts.is_empty() => shared.to_owned(),
        Some(shared) => format!("{shared} or {named}"),
        None => named.to_owned(),
    };
    Refusal::new(StatusCode::BAD_REQUEST, "bad_request", format!("The body has to be JSON: {expected}"))
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

fn put_cookie(answer: &mut Answer, cookie: &str) {
    if let Ok(mut value) = HeaderValue::try_from(cookie) {
        value.set_sensitive(true);
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
}
