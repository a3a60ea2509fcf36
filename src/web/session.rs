//! Secrets and sessions: the viewing token, the password, the cookie that stands for having
//! shown one of them.
//!
//! Owns every secret of the web layer and everything computed from them. None of it is ever
//! logged; comparing takes the same time whatever is compared.

use super::error::Error;
use super::state;
use crate::config::{Access, Config, Secret};
use crate::core::access::{SESSION_LENGTH, SessionCookie, cookies_named, token_is_well_formed};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// How one gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessKind {
    Open,
    Token,
    Password,
}

/// The check at the door, made from the config and the state folder.
pub(crate) struct Gate {
    kind: AccessKind,
    /// The token or the password; `None`: open.
    secret: Option<Secret>,
    /// Makes digests of what is compared, so that their lengths and contents tell nothing.
    comparing: hmac::Key,
    /// Signs cookies; kept over restarts.
    signing: hmac::Key,
    cookie_name: String,
}

/// Whether a request comes with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    None,
    Valid,
    /// Valid, and more than half over.
    WantsRenewal,
}

impl Gate {
    /// Reads the token and the cookie key, or makes them.
    pub(crate) fn load(config: &Config) -> Result<Self, Error> {
        let (kind, secret) = match &config.access {
            Access::Open => (AccessKind::Open, None),
            Access::Token => (AccessKind::Token, Some(load_token(config)?)),
            Access::Password(password) => (AccessKind::Password, Some(password.clone())),
        };
        let path = config.state_dir.join("session_key");
        let key = state::read_or_make(&path, || Ok(state::random_bytes()?.to_vec()))?;
        if key.len() != 32 {
            return Err(Error::SessionKey { path });
        }
        let signing = hmac::Key::new(hmac::HMAC_SHA256, &key);
        // Cookies know no ports: the name keeps several installations on one host apart.
        let tag = hmac::sign(&signing, b"vitrina cookie name");
        let suffix: String = tag.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            kind,
            secret,
            comparing: hmac::Key::new(hmac::HMAC_SHA256, &state::random_bytes()?),
            signing,
            cookie_name: format!("vitrina-{suffix}"),
        })
    }

    pub(crate) fn kind(&self) -> AccessKind {
        self.kind
    }

    /// The token, for the printed link.
    pub(crate) fn token(&self) -> Option<&Secret> {
        self.secret.as_ref().filter(|_| self.kind == AccessKind::Token)
    }

    /// Whether sessions of the other gate hold here.
    pub(crate) fn has_same_secret(&self, other: &Self) -> bool {
        self.kind == other.kind && self.secret == other.secret
    }

    /// Whether a text is the token or the password. Takes as long whatever the text.
    pub(crate) fn is_secret(&self, candidate: &[u8]) -> bool {
        let Some(secret) = &self.secret else { return true };
        let expected = hmac::sign(&self.comparing, secret.expose().as_bytes());
        hmac::verify(&self.comparing, candidate, expected.as_ref()).is_ok()
    }

    /// The `Set-Cookie` of a new session (RFC 6265 section 4.1).
    pub(crate) fn new_cookie(&self, now: SystemTime, secure: bool) -> String {
        let expires_s = unix_s(now) + SESSION_LENGTH.as_secs();
        let tag = hmac::sign(&self.signing, &self.signed_text(expires_s));
        let value = format!("{expires_s}.{}", URL_SAFE_NO_PAD.encode(tag));
        self.set_cookie(&value, SESSION_LENGTH.as_secs(), secure)
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

    /// Looks for a session among the `Cookie` headers of a request.
    pub(crate) fn session<'a>(
        &self,
        cookie_headers: impl Iterator<Item = &'a str>,
        now: SystemTime,
        secure: bool,
    ) -> Session {
        let name = self.full_cookie_name(secure);
        let now_s = unix_s(now);
        for header in cookie_headers {
            for cookie in cookies_named(header, &name).filter_map(SessionCookie::parse) {
                let Ok(tag) = URL_SAFE_NO_PAD.decode(cookie.tag) else { continue };
                if hmac::verify(&self.signing, &self.signed_text(cookie.expires_s), &tag).is_err()
                    || cookie.is_outside_its_time(now_s)
                {
                    continue;
                }
                return if cookie.wants_renewal(now_s) { Session::WantsRenewal } else { Session::Valid };
            }
        }
        Session::None
    }

    /// What a cookie's tag is made over: its end, and a digest of the secret, so that another
    /// secret ends every session.
    fn signed_text(&self, expires_s: u64) -> Vec<u8> {
        let mut text = b"vitrina session 1".to_vec();
        text.extend_from_slice(&expires_s.to_be_bytes());
        text.push(self.kind as u8);
        let secret = self.secret.as_ref().map_or("", Secret::expose);
        text.extend_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
        text
    }
}

fn unix_s(time: SystemTime) -> u64 {
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
