//! Secrets and sessions: the viewing token, the password, the accounts, and the cookie that stands
//! for having shown one of them.
//!
//! Owns every secret of the web layer and everything computed from them. None of it is ever
//! logged; comparing takes the same time whatever is compared.

use super::accounts::{Accounts, stamp_of};
use super::error::Error;
use super::grant::{Grant, Pass, Stamp};
use super::state;
use crate::config::{Access, Config, Secret};
use crate::core::access::{SESSION_LENGTH, SessionCookie, SessionId, cookies_named, token_is_well_formed};
use crate::core::principal::{InvitationId, Principal, Who};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde::Serialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How one gets in without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessKind {
    Open,
    Token,
    Password,
    /// Not at all.
    Named,
}

/// The check at the door, made from the config and the state folder.
pub(crate) struct Gate {
    kind: AccessKind,
    /// The token or the password; `None` where none is asked for.
    secret: Option<Secret>,
    /// Who comes in without a name.
    anyone: Option<Pass>,
    pub(crate) accounts: Accounts,
    /// Makes digests of what is compared, so that their lengths and contents tell nothing.
    comparing: hmac::Key,
    /// Signs cookies; kept over restarts.
    signing: hmac::Key,
    cookie_name: String,
}

/// The session that a request comes with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) grant: Grant,
    /// More than half of it is over.
    pub(crate) wants_renewal: bool,
}

impl Gate {
    /// Reads the token, the accounts and the cookie key, or makes them.
    pub(crate) fn load(config: &Config) -> Result<Self, Error> {
        let (kind, secret) = match &config.access {
            Access::Open => (AccessKind::Open, None),
            Access::Token => (AccessKind::Token, Some(load_token(config)?)),
            Access::Password(password) => (AccessKind::Password, Some(password.clone())),
            Access::Named => (AccessKind::Named, None),
        };
        let path = config.state_dir.join("session_key");
        let key = state::read_or_make(&path, || Ok(state::random_bytes()?.to_vec()))?;
        if key.len() != 32 {
            return Err(Error::SessionKey { path });
        }
        let accounts = Accounts::load(config)?;
        if kind == AccessKind::Named && accounts.is_empty() {
            tracing::warn!(
                "nobody can sign in: access.sources is empty, and there is no account (`vitrina passwd`)"
            );
        }
        let comparing = state::random_bytes()?;
        Ok(Self::new(
            kind,
            secret,
            Principal::anyone(config.shared_sources.clone()),
            accounts,
            &key,
            &comparing,
        ))
    }

    fn new(
        kind: AccessKind,
        secret: Option<Secret>,
        anyone: Principal,
        accounts: Accounts,
        key: &[u8],
        comparing: &[u8],
    ) -> Self {
        let signing = hmac::Key::new(hmac::HMAC_SHA256, key);
        // Cookies know no ports: the name keeps several installations on one host apart.
        let tag = hmac::sign(&signing, b"vitrina cookie name");
        let suffix: String = tag.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let stamp = stamp_of(&shared_text(kind, secret.as_ref()));
        let anyone = Pass { principal: Arc::new(anyone), stamp, until_s: None };
        Self {
            kind,
            secret,
            anyone: (kind != AccessKind::Named).then_some(anyone),
            accounts,
            comparing: hmac::Key::new(hmac::HMAC_SHA256, comparing),
            signing,
            cookie_name: format!("vitrina-{suffix}"),
        }
    }

    pub(crate) fn kind(&self) -> AccessKind {
        self.kind
    }

    /// The token, for the printed link.
    pub(crate) fn token(&self) -> Option<&Secret> {
        self.secret.as_ref().filter(|_| self.kind == AccessKind::Token)
    }

    /// Who comes in without a name, if anybody does.
    pub(crate) fn anyone(&self) -> Option<&Pass> {
        self.anyone.as_ref()
    }

    /// Who that is now, and by what; `None`: nobody any more, or by an invitation, which is not looked
    /// up here.
    pub(crate) fn pass(&self, who: &Who) -> Option<&Pass> {
        match who {
            Who::Anyone => self.anyone.as_ref(),
            Who::Account(name) => self.accounts.pass(name),
            Who::Invitation(_) => None,
        }
    }

    /// Whether a text is the token or the password. Takes as long whatever the text. Where none is
    /// asked for, none is right.
    pub(crate) fn is_secret(&self, candidate: &[u8]) -> bool {
        let Some(secret) = &self.secret else { return false };
        let expected = hmac::sign(&self.comparing, secret.expose().as_bytes());
        hmac::verify(&self.comparing, candidate, expected.as_ref()).is_ok()
    }

    /// The `Set-Cookie` of a new session (RFC 6265 section 4.1).
    pub(crate) fn new_cookie(&self, pass: &Pass, now: SystemTime, secure: bool) -> Result<String, Error> {
        Ok(self.cookie(pass, SessionId(state::random()?), now, secure))
    }

    /// The `Set-Cookie` of a session that goes on.
    pub(crate) fn cookie(&self, pass: &Pass, id: SessionId, now: SystemTime, secure: bool) -> String {
        let longest_s = unix_s(now) + SESSION_LENGTH.as_secs();
        let expires_s = pass.until_s.map_or(longest_s, |until_s| until_s.min(longest_s));
        let text = SessionCookie::text(expires_s, id, &pass.principal.who);
        let tag = hmac::sign(&self.signing, &signed_text(&text, &pass.stamp));
        let value = format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag));
        self.set_cookie(&value, expires_s.saturating_sub(unix_s(now)), secure)
    }

    /// The `Set-Cookie` that ends a session.
    pub(crate) fn no_cookie(&self, secure: bool) -> String {
        self.set_cookie("", 0, secure)
    }

    fn set_cookie(&self, value: &str, max_age_s: u64, secure: bool) -> String {
        let name = self.full_cookie_name(secure);
        let secure = if secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}")
    }

    /// Under TLS no page of a neighbouring host or of plain HTTP can set a cookie of this name
    /// (RFC 6265bis section 4.1.3.2).
    fn full_cookie_name(&self, secure: bool) -> String {
        if secure { format!("__Host-{}", self.cookie_name) } else { self.cookie_name.clone() }
    }

    /// Looks for a session among the `Cookie` headers of a request. `has_ended` says which were
    /// signed out, `invited` who comes by an invitation.
    pub(crate) fn session<'a>(
        &self,
        cookie_headers: impl Iterator<Item = &'a str>,
        now: SystemTime,
        secure: bool,
        has_ended: impl Fn(SessionId, u64) -> bool,
        invited: impl Fn(&InvitationId) -> Option<Pass>,
    ) -> Option<Session> {
        let name = self.full_cookie_name(secure);
        let now_s = unix_s(now);
        for header in cookie_headers {
            for cookie in cookies_named(header, &name).filter_map(SessionCookie::parse) {
                if cookie.is_outside_its_time(now_s) {
                    continue;
                }
                let Some((pass, id)) = self.proven(&cookie, &invited) else { continue };
                if has_ended(id, cookie.expires_s) {
                    continue;
                }
                // One of an older form is made anew at once.
                let wants_renewal =
                    cookie.of.is_none() || pass.until_s.is_none() && cookie.wants_renewal(now_s);
                let grant = Grant { pass, session: Some((id, cookie.expires_s)) };
                return Some(Session { grant, wants_renewal });
            }
        }
        None
    }

    /// Whose a cookie is, if its tag is right and the secret is still the one that it was given for.
    fn proven(
        &self,
        cookie: &SessionCookie<'_>,
        invited: &impl Fn(&InvitationId) -> Option<Pass>,
    ) -> Option<(Pass, SessionId)> {
        let tag = URL_SAFE_NO_PAD.decode(cookie.tag).ok()?;
        match &cookie.of {
            Some((id, who)) => {
                let pass = match who {
                    Who::Invitation(invitation) => invited(invitation)?,
                    Who::Anyone | Who::Account(_) => self.pass(who)?.clone(),
                };
                let text = SessionCookie::text(cookie.expires_s, *id, who);
                hmac::verify(&self.signing, &signed_text(&text, &pass.stamp), &tag).ok()?;
                Some((pass, *id))
            }
            None => {
                let text = self.old_signed_text(cookie.expires_s);
                hmac::verify(&self.signing, &text, &tag).ok()?;
                // It has no number of its own; its tag is another for every end.
                let id = tag.first_chunk().copied()?;
                Some((self.anyone.clone()?, SessionId(id)))
            }
        }
    }

    /// What the tag of a cookie of vitrina 0.1 was made over.
    fn old_signed_text(&self, expires_s: u64) -> Vec<u8> {
        let mut text = b"vitrina session 1".to_vec();
        text.extend_from_slice(&expires_s.to_be_bytes());
        text.extend(shared_text(self.kind, self.secret.as_ref()));
        text
    }
}

/// What a cookie's tag is made over: all of it, and a digest of the secret, so that another secret
/// ends every session.
fn signed_text(text: &str, stamp: &Stamp) -> Vec<u8> {
    let mut signed = b"vitrina session 2".to_vec();
    signed.extend_from_slice(&stamp.0);
    signed.extend_from_slice(text.as_bytes());
    signed
}

fn shared_text(kind: AccessKind, secret: Option<&Secret>) -> Vec<u8> {
    let mut text = vec![kind as u8];
    let secret = secret.map_or("", Secret::expose);
    text.extend_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    text
}

pub(crate) fn unix_s(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The token in the state folder; made at first start.
fn load_token(config: &Config) -> Result<Secret, Error> {
    let path = config.state_dir.join("token");
    let content = state::read_or_make(&path, || {
        let token = URL_SAFE_NO_PAD.encode(state::random_bytes()?);
        Ok(format!("{token}\n").into_bytes())
    })?;
    match str::from_utf8(&content).map(str::trim) {
        Ok(token) if token_is_well_formed(token) => Ok(Secret::new(token.to_owned())),
        _ => Err(Error::Token { path }),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
