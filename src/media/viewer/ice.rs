//! How viewers' media travels: addresses, ports, STUN and TURN, given to webrtcbin's ICE agent.

use crate::core::protocol::IceServer;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// How viewers' media travels.
#[derive(Debug, Clone, Default)]
pub struct IceSettings {
    /// The only local addresses; empty: all but loopback.
    pub addresses: Vec<IpAddr>,
    /// The only local UDP ports.
    pub ports: Option<RangeInclusive<u16>>,
    /// STUN and TURN servers, with the logins of one viewer.
    pub servers: Vec<IceServer>,
}

impl IceSettings {
    /// The same with these servers.
    #[must_use]
    pub fn with(&self, servers: Vec<IceServer>) -> Self {
        Self { servers, ..self.clone() }
    }
}

/// From one connectivity check to the next: the least that RFC 8445 section 14.2 allows. libnice
/// takes 20 ms.
const CHECK_EVERY_MS: u32 = 5;

pub(super) fn configure(webrtc: &gst::Element, ice: &IceSettings) {
    let agent = webrtc.property::<gst::Object>("ice-agent");
    // Waiting for a UPnP gateway costs every viewer 200 ms and a thread.
    if agent.has_property("agent") {
        let nice = agent.property::<glib::Object>("agent");
        // ICE-TCP would open a listening port for every viewer, beside the UDP ports.
        for property in ["upnp", "ice-tcp"] {
            if nice.has_property(property) {
                nice.set_property(property, false);
            }
        }
        // A connection takes three steps of this at least: checked, chosen, told.
        if nice.has_property("stun-pacing-timer") {
            nice.set_property("stun-pacing-timer", CHECK_EVERY_MS);
        }
    }
    for address in &ice.addresses {
        if !agent.emit_by_name::<bool>("add-local-ip-address", &[&address.to_string()]) {
            tracing::warn!("[network] addresses: an address is not taken by the ICE agent");
        }
    }
    if let Some(ports) = &ice.ports {
        agent.set_property("min-rtp-port", u32::from(*ports.start()));
        agent.set_property("max-rtp-port", u32::from(*ports.end()));
    }
    for server in &ice.servers {
        for url in &server.urls {
            add_server(webrtc, url, server);
        }
    }
}

/// Has the agent ask again and again whether the peer is still there (RFC 7675). Who comes by WHEP
/// has no other line that would break.
pub(super) fn keep_asking(webrtc: &gst::Element) {
    let agent = webrtc.property::<gst::Object>("ice-agent");
    if agent.has_property("agent") {
        let nice = agent.property::<glib::Object>("agent");
        if nice.has_property("keepalive-conncheck") {
            nice.set_property("keepalive-conncheck", true);
        }
    }
}

/// `webrtcbin` writes the URLs of RFC 7064 and RFC 7065 with `//` and the login inside.
fn add_server(webrtc: &gst::Element, url: &str, server: &IceServer) {
    if let Some(rest) = url.strip_prefix("stun:") {
        webrtc.set_property("stun-server", format!("stun://{rest}"));
    } else if let Some((scheme, rest)) = url.split_once(':')
        && matches!(scheme, "turn" | "turns")
    {
        let user = percent_encode(server.username.as_deref().unwrap_or_default());
        let password = percent_encode(server.credential.as_deref().unwrap_or_default());
        let url = format!("{scheme}://{user}:{password}@{rest}");
        if !webrtc.emit_by_name::<bool>("add-turn-server", &[&url]) {
            tracing::warn!("[[network.ice_server]]: a TURN server is not taken by webrtcbin");
        }
    }
}

/// RFC 3986 section 2.1, for a URL's user information.
fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
