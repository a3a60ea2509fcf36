//! What a configuration means to the web layer: one snapshot, replaced whole at a reload.

use super::error::Error;
use super::host;
use super::link::Link;
use super::session::Gate;
use super::tls::Tls;
use crate::config::{Config, Limits};
use crate::core::audit::AddressForm;
use std::net::SocketAddr;
use std::time::SystemTime;

pub(crate) struct Settings {
    pub(crate) gate: Gate,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: Limits,
    /// How much of an address the audit log has.
    pub(crate) audit_addresses: AddressForm,
    /// Without a slash at its end.
    pub(crate) public_url: Option<String>,
    /// Pages of other sites that may use WHEP: their origins, or `*` for all of them.
    pub(crate) whep_origins: Vec<String>,
    /// The host's name.
    pub(crate) machine: String,
}

impl Settings {
    /// Reads, or makes, what the state folder holds.
    pub(crate) fn load(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            gate: Gate::load(config)?,
            tls: Tls::new(config, SystemTime::now())?,
            limits: config.limits.clone(),
            audit_addresses: config.log.audit_addresses,
            public_url: config.server.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
            whep_origins: config.server.whep_origins.clone(),
            machine: host::name(),
        })
    }

    /// Where browsers find the page, for an address that is listened on: `public_url`, or the
    /// address as a URL, without a slash at its end.
    pub(crate) fn url(&self, address: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let (scheme, default_port) = if self.tls.is_some() { ("https", 443) } else { ("http", 80) };
        let host = SocketAddr::new(host::reachable(address), address.port());
        let text = host.to_string();
        let text = text.strip_suffix(&format!(":{default_port}")).unwrap_or(&text);
        format!("{scheme}://{text}")
    }

    /// The link that opens the page and, where access is by token, lets its reader in.
    pub(crate) fn link(&self, address: SocketAddr) -> Link {
        Link::new(self.url(address), self.gate.token().map(|token| token.expose().to_owned()))
    }
}

/// The link that opens the page of a daemon with this configuration, without starting one. Reads,
/// or makes, what the state folder holds.
///
/// # Errors
/// [`Error`] when the state folder cannot be used.
pub fn viewing_link(config: &Config) -> Result<Link, Error> {
    Ok(Settings::load(config)?.link(config.server.listen))
}
