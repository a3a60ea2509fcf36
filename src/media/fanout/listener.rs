//! One who hears what a rendition's packets carry without the packets: sound by the WebSocket.

use super::super::wall_time;
use super::frame::Frame;
use crate::core::ids::ViewerId;
use crate::core::rtp::RtpHeader;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Takes a payload and when it was captured, since 1970-01-01 UTC. On a streaming thread: it never waits.
type Hear = dyn Fn(&[u8], Duration) + Send + Sync;

/// What a viewer does with each payload.
#[derive(Clone)]
pub struct Listener {
    pub(super) viewer: ViewerId,
    hear: Arc<Hear>,
}

impl Listener {
    /// For a viewer. `hear` is called on a streaming thread and never waits.
    #[must_use]
    pub fn new(viewer: ViewerId, hear: impl Fn(&[u8], Duration) + Send + Sync + 'static) -> Self {
        Self { viewer, hear: Arc::new(hear) }
    }

    pub(super) fn hear(&self, frame: &Frame) {
        let time = wall_time(frame.time);
        for packet in frame.packets() {
            let Ok(header) = RtpHeader::parse(packet) else { continue };
            let end = packet.len().saturating_sub(header.padding_len);
            if let Some(payload) = packet.get(header.header_len..end) {
                (self.hear)(payload, time);
            }
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("viewer", &self.viewer).finish_non_exhaustive()
    }
}
