//! What STUN servers see of the media port (RFC 8489): the addresses under which a router shows it.
//!
//! The requests leave from the port itself, and again every [`REPEAT`], which also keeps the router's
//! mapping. Answers come to the thread of all viewers.

use super::udp::Port;
use crate::core::ice::{mapped_address, transaction};
use is::stun::{StunMessageBuilder, TransId};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the servers are asked. Routers forget UDP mappings after 30 s at the least (RFC 4787 section
/// 4.3 asks for 2 minutes, and not all keep to it).
pub(super) const REPEAT: Duration = Duration::from_secs(20);
/// The port of a server that names none.
const STUN_PORT: u16 = 3478;
/// Servers asked at most, of all that are configured.
const SERVERS: usize = 4;
/// A request without attributes but the fingerprint.
const REQUEST: usize = 64;

/// What is known of the outside.
#[derive(Debug, Default)]
pub(super) struct Reflector {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Requests under way: to which server, from which address.
    asked: HashMap<[u8; 12], (SocketAddr, IpAddr)>,
    /// What each server said last.
    seen: HashMap<SocketAddr, (SocketAddr, IpAddr)>,
}

impl Reflector {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks every server. Blocks while names are resolved.
    pub(super) fn ask(&self, port: &Port, addresses: &[IpAddr], servers: &[String]) {
        let mut found: Vec<SocketAddr> = Vec::new();
        for server in servers {
            let named = server.to_socket_addrs().or_else(|_| (server.as_str(), STUN_PORT).to_socket_addrs());
            match named {
                Ok(all) => found.extend(all),
                Err(error) => tracing::debug!(%error, "a STUN server is not found"),
            }
        }
        found.truncate(SERVERS);
        {
            let mut state = self.state();
            state.asked.clear();
            state.seen.retain(|server, _| found.contains(server));
        }
        for server in found {
            let Some(source) =
                addresses.iter().copied().find(|address| address.is_ipv4() == server.is_ipv4())
            else {
                continue;
            };
            let mut bytes = [0; REQUEST];
            let request = StunMessageBuilder::new().binding().request().build(TransId::new());
            // Without a password nothing is hashed.
            let Ok(len) = request.to_bytes(None, &mut bytes, |_, _| [0; 20]) else { continue };
            let Some((request, id)) = bytes.get(..len).zip(transaction(&bytes)) else { continue };
            self.state().asked.insert(id, (server, source));
            if let Err(error) = port.send(source, server, &[request]) {
                tracing::debug!(%error, "a STUN server cannot be reached");
            }
        }
    }

    /// Whether a STUN message is an answer to one of the requests. What it says is noted.
    pub(super) fn heard(&self, message: &[u8], from: SocketAddr) -> bool {
        let mut state = self.state();
        if state.asked.is_empty() {
            return false;
        }
        let Some(id) = transaction(message) else { return false };
        let Some((server, source)) = state.asked.get(&id).copied().filter(|(server, _)| *server == from)
        else {
            return false;
        };
        state.asked.remove(&id);
        if let Some(mapped) = mapped_address(message) {
            state.seen.insert(server, (mapped, source));
        }
        true
    }

    /// Under which addresses the port is seen, and from which it was asked; each once.
    pub(super) fn seen(&self) -> Vec<(SocketAddr, IpAddr)> {
        let mut seen: Vec<_> = self.state().seen.values().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    }
}
