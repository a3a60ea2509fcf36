//! The door: who is let in, by what, and as whom.
//!
//! Owns the order in which the ways in are looked at, and what is said to those who stay outside.

use super::client::Client;
use super::grant::{Grant, Pass};
use super::invitations::Token;
use super::io::within;
use super::reply::Refusal;
use super::session::AccessKind;
use super::settings::Settings;
use super::{accounts, session};
use crate::config::Secret;
use crate::core::access::{Attempt, basic, bearer, origin_is_own};
use crate::core::invitation::Over;
use crate::core::principal::{AccountName, InvitationId, Who};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use std::time::SystemTime;

/// What became of a request at the door.
pub(crate) enum Entry {
    /// It may go in.
    Granted(Grant),
    /// It may go in; its cookie should be made again.
    GrantedByOldCookie(Grant),
    /// It may not.
    Refused(Refusal),
    /// It has to wait.
    Throttled(Refusal),
}

impl Entry {
    /// Who comes in; the refusal otherwise.
    pub(crate) fn grant(self) -> Result<Grant, Refusal> {
        match self {
            Self::Granted(grant) | Self::GrantedByOldCookie(grant) => Ok(grant),
            Self::Refused(refusal) | Self::Throttled(refusal) => Err(refusal),
        }
    }
}

/// What a request is at the door for. An invitation counts who comes to watch, not who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    Comes,
    Asks,
}

/// Who a request comes from: by its cookie, by `Authorization`, or by nothing where the door is
/// open.
pub(crate) async fn entry(client: &Client, settings: &Settings, headers: &HeaderMap, visit: Visit) -> Entry {
    if let Some(session) = cookie_session(client, settings, headers) {
        return match session.wants_renewal {
            true => Entry::GrantedByOldCookie(session.grant),
            false => Entry::Granted(session.grant),
        };
    }
    let authorization = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let granted = |pass: &Pass| Entry::Granted(Grant { pass: pass.clone(), session: None });
    let outcome = match authorization {
        Some(value) if basic(value).is_some() => {
            let Some((name, password)) = basic(value).and_then(name_and_password) else {
                return Entry::Refused(wrong_name());
            };
            sign_in(client, settings, &name, password).await
        }
        _ => {
            let secret = authorization.and_then(bearer);
            let invited = match secret {
                Some(secret) => by_invitation(client, secret, visit).await,
                None => None,
            };
            match (invited, settings.gate.kind(), settings.gate.anyone(), secret) {
                (Some(outcome), ..) => outcome,
                (None, AccessKind::Open, Some(anyone), _) => return granted(anyone),
                (None, _, _, Some(secret)) => shared(client, settings, secret),
                (None, _, _, None) => return Entry::Refused(nothing_shown(settings)),
            }
        }
    };
    match outcome {
        Ok(pass) => granted(&pass),
        Err(refusal) if refusal.status() == StatusCode::UNAUTHORIZED => Entry::Refused(refusal),
        Err(refusal) => Entry::Throttled(refusal),
    }
}

/// The session of a request's cookie.
pub(crate) fn cookie_session(
    client: &Client,
    settings: &Settings,
    headers: &HeaderMap,
) -> Option<session::Session> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let has_ended = |id, expires_s| client.sessions().has_ended(id, expires_s);
    let now = SystemTime::now();
    let invited = |id: &InvitationId| client.invitations().pass(id, now);
    settings.gate.session(cookies, now, client.https, has_ended, invited)
}

/// Tries the token or the password.
pub(crate) fn shared(client: &Client, settings: &Settings, secret: &[u8]) -> Result<Pass, Refusal> {
    match client.attempt(settings, secret) {
        Attempt::Right => settings.gate.anyone().cloned().ok_or_else(|| wrong_secret(settings.gate.kind())),
        Attempt::Wrong => Err(wrong_secret(settings.gate.kind())),
        Attempt::Throttled { retry_after } => Err(Refusal::throttled(retry_after)),
    }
}

/// Tries the token of an invitation; `None`: it is none by its form.
pub(crate) async fn by_invitation(
    client: &Client,
    token: &[u8],
    visit: Visit,
) -> Option<Result<Pass, Refusal>> {
    let id = match client.invitations().token(token) {
        Token::None => return None,
        Token::Wrong => None,
        Token::Of(id) => Some(id),
    };
    if let Err(wait) = client.begin_attempt(None) {
        return Some(Err(Refusal::throttled(wait)));
    }
    let Some(id) = id else {
        client.refused("wrong invitation", None);
        return Some(Err(wrong(
            "wrong_token",
            "The invitation was taken back, or is none: ask for another.",
        )));
    };
    client.was_right(None);
    let let_in = match visit {
        Visit::Comes => client.invitations().redeem(&id).await,
        Visit::Asks => Ok(Ok(())),
    };
    let over = |over: Over| {
        client.refused("invitation is over", Some(&Who::Invitation(id.clone())));
        wrong("invitation_over", &over.to_string())
    };
    Some(match let_in {
        Ok(Ok(())) => client.invitations().pass(&id, SystemTime::now()).ok_or_else(|| over(Over::Expired)),
        Ok(Err(why)) => Err(over(why)),
        Err(error) => {
            tracing::error!(%error, "an invitation's use cannot be counted, and lets nobody in");
            let message = "The invitation cannot be used now: the machine's log says why.";
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message))
        }
    })
}

/// Tries a name and a password. A name that nobody has costs what a wrong password does.
pub(crate) async fn sign_in(
    client: &Client,
    settings: &Settings,
    name: &str,
    password: Secret,
) -> Result<Pass, Refusal> {
    // A name that cannot be one is counted for the client alone.
    let account = AccountName::new(name).ok();
    client.begin_attempt(account.as_ref()).map_err(Refusal::throttled)?;
    let Some((hash, pass)) = settings.gate.accounts.check(name) else {
        client.refused("wrong name or password", None);
        return Err(wrong_name());
    };
    let whose = pass.as_ref().map(|pass| pass.principal.who.clone());
    let Some(place) = within(client.deadlines().answer, client.place_to_check()).await else {
        let message = "Too many passwords are being checked. Try again.";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message));
    };
    let is_right = smol::unblock(move || {
        let is_right = accounts::is_password(&hash, &password);
        // Held to the end also where the client has gone meanwhile.
        drop(place);
        is_right
    });
    match (is_right.await, pass) {
        (true, Some(pass)) => {
            client.was_right(account.as_ref());
            Ok(pass)
        }
        (true, None) | (false, _) => {
            // What was typed as a name and is none may be a password.
            client.refused("wrong name or password", whose.as_ref());
            Err(wrong_name())
        }
    }
}

/// What `Authorization: Basic` carries (RFC 7617 section 2).
fn name_and_password(value: &[u8]) -> Option<(String, Secret)> {
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), Secret::new(password.to_owned())))
}

/// Refuses what another site's page sends. Who sends no `Origin` is no browser, or a browser on a
/// page of this origin.
pub(crate) fn check_origin(client: &Client, settings: &Settings, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = origin.to_str().is_ok_and(|origin| origin_is_own(origin, host, settings.public_url.as_deref()));
    if own {
        return Ok(());
    }
    client.refused("a page of another site", None);
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "cross_origin",
        "Another site's page may not use this. Behind a proxy, set server.public_url to the address that browsers see.",
    ))
}

/// RFC 6750 section 3. None for `Basic`, on which a browser would ask by itself.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"vitrina\"");

fn nothing_shown(settings: &Settings) -> Refusal {
    let message = match settings.gate.kind() {
        AccessKind::Named => "Sign in with your name and password, or send them by Authorization: Basic.",
        AccessKind::Open | AccessKind::Token | AccessKind::Password => {
            "Open the link that vitrina printed, or send Authorization: Bearer with the token or the password."
        }
    };
    wrong("unauthorized", message)
}

pub(crate) fn wrong_secret(kind: AccessKind) -> Refusal {
    match kind {
        AccessKind::Password => wrong("wrong_password", "The password is wrong."),
        AccessKind::Open | AccessKind::Token => {
            wrong("wrong_token", "The token is wrong: open the link that vitrina prints at its start.")
        }
        AccessKind::Named => {
            wrong("wrong_token", "The link is an old one: a name and a password are asked for now.")
        }
    }
}

fn wrong_name() -> Refusal {
    wrong("wrong_password", "The name or the password is wrong.")
}

pub(crate) fn wrong(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, code, message).with(header::WWW_AUTHENTICATE, CHALLENGE)
}
