//! The ICE servers as one viewer is told them: a login to a TURN server that expires is made for
//! each viewer, and again before it does.
//!
//! Never logs a login.

use super::viewers::Viewers;
use crate::config::{self, Login};
use crate::core::ids::ViewerId;
use crate::core::protocol::{IceServer, ServerMessage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a viewer is told.
pub(super) struct Told {
    pub(super) servers: Vec<IceServer>,
    /// When it is to be told others. By the calendar, as the servers count: a machine that was
    /// asleep is late by its sleep.
    pub(super) renew: Option<SystemTime>,
}

/// The servers with that viewer's logins, made now.
pub(super) fn told(servers: &[config::IceServer], viewer: ViewerId, now: SystemTime) -> Told {
    let lifetimes = servers.iter().filter_map(|server| match &server.login {
        Login::Made { lifetime, .. } => Some(*lifetime),
        Login::None | Login::Fixed { .. } => None,
    });
    let renew = lifetimes.min().map(|lifetime| now + renewed_after(lifetime));
    Told { servers: servers.iter().map(|server| with_login(server, viewer, now)).collect(), renew }
}

/// A quarter of its life is left for a page that is asleep and for clocks that differ.
fn renewed_after(lifetime: Duration) -> Duration {
    lifetime * 3 / 4
}

fn with_login(server: &config::IceServer, viewer: ViewerId, now: SystemTime) -> IceServer {
    let (username, credential) = login(server, &format!("viewer-{viewer}"), now).unzip();
    IceServer { urls: server.urls.clone(), username, credential }
}

/// A user name and a password for a server, good from now on: one that expires has `who` in its name, for the
/// TURN server's log. `None` for a server that asks for none.
#[must_use]
pub fn login(server: &config::IceServer, who: &str, now: SystemTime) -> Option<(String, String)> {
    match &server.login {
        Login::None => None,
        Login::Fixed { username, credential } => Some((username.clone(), credential.expose().to_owned())),
        Login::Made { secret, lifetime } => {
            let expires = (now + *lifetime).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let username = format!("{expires}:{who}");
            let credential = credential(secret.expose(), &username);
            Some((username, credential))
        }
    }
}

/// What a server with that secret takes for a password from that user
/// (draft-uberti-behave-turn-rest-00 section 2.2).
fn credential(secret: &str, username: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, username.as_bytes()))
}

impl Viewers {
    /// Tells those whose logins are near their end.
    pub(super) fn renew_logins(&mut self, now: SystemTime) {
        for (viewer, unit) in &mut self.all {
            if unit.session.is_greeted() && unit.renew.is_some_and(|at| now >= at) {
                let told = told(&self.greeting.ice_servers, *viewer, now);
                unit.renew = told.renew;
                unit.say(ServerMessage::IceServers { ice_servers: told.servers });
                tracing::debug!(%viewer, "ICE servers told anew");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    const VIEWER: ViewerId = ViewerId(12);

    fn server(login: Login) -> config::IceServer {
        config::IceServer { urls: vec!["turn:turn.example.org".into()], login }
    }

    fn made(lifetime_s: u64) -> config::IceServer {
        server(Login::Made { secret: Secret::new("north".into()), lifetime: Duration::from_secs(lifetime_s) })
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_credential_is_the_hmac_of_the_user_name() {
        // RFC 2202 section 3, test case 2: effcdf6a e5eb2fa2 d27416d5 f184df9c 259a7c79.
        assert_eq!(credential("Jefe", "what do ya want for nothing?"), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
        // By `openssl dgst -sha1 -hmac north -binary | base64`.
        assert_eq!(credential("north", "1433895918:506373"), "4NRXQMkKQ+CFIQ++7FVM2AZ+Mac=");
    }

    #[test]
    fn each_viewer_has_a_login_of_its_own_that_expires() {
        let told = told(&[made(600)], VIEWER, at(1_000_000));
        let [server] = &told.servers[..] else { panic!("{:?}", told.servers) };
        assert_eq!(server.urls, ["turn:turn.example.org"]);
        assert_eq!(server.username.as_deref(), Some("1000600:viewer-12"));
        assert_eq!(server.credential, Some(credential("north", "1000600:viewer-12")));
        assert_eq!(told.renew, Some(at(1_000_450)));
    }

    #[test]
    fn the_login_that_expires_first_says_when_all_are_renewed() {
        let fixed = Login::Fixed { username: "ana".into(), credential: Secret::new("south".into()) };
        let told = told(&[made(600), server(fixed), server(Login::None), made(60)], VIEWER, at(0));
        let names: Vec<_> = told.servers.iter().map(|server| server.username.as_deref()).collect();
        assert_eq!(names, [Some("600:viewer-12"), Some("ana"), None, Some("60:viewer-12")]);
        assert_eq!(told.servers[1].credential.as_deref(), Some("south"));
        assert_eq!(told.renew, Some(at(45)));
    }

    #[test]
    fn logins_that_do_not_expire_are_not_renewed() {
        assert_eq!(told(&[server(Login::None)], VIEWER, at(0)).renew, None);
    }

    #[test]
    fn a_login_is_not_shown() {
        let told = told(&[made(600)], VIEWER, at(0));
        let shown = format!("{:?} {:?}", told.servers, made(600));
        assert!(!shown.contains("north") && !shown.contains("viewer-12"), "{shown}");
        assert!(!shown.contains(told.servers[0].credential.as_deref().unwrap()), "{shown}");
    }
}
