//! What a configuration means to the web layer: one snapshot, replaced whole at a reload.

use super::error::Error;
use super::host;
use super::session::Gate;
use super::tls::Tls;
use crate::config::{Config, Limits};
use std::time::SystemTime;

pub(crate) struct Settings {
    pub(crate) gate: Gate,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: Limits,
    /// Without a slash at its end.
    pub(crate) public_url: Option<String>,
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
            public_url: config.server.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
            machine: host::name(),
        })
    }
}
