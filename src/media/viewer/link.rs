//! A viewer's link as its packets and its RTCP tell of it: numbers what is sent, and hears what
//! the viewer says of it.
//!
//! The transport-wide sequence number is written by the copy of each packet, and the feedback on it
//! is read here on its way to webrtcbin, which knows of neither. One for each viewer, over all its
//! tracks. Nobody waits for it for longer than a frame is copied or a packet of RTCP read.

use crate::core::congestion::{Congestion, Decision, Estimate, Picture};
use crate::core::rtp::ntp_time;
use crate::core::units::Bitrate;
use crate::media::{common_time, wall_time};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// RTCP's packet type of transport layer feedback, and among it the format of the transport-wide
/// kind (RFC 4585 section 6.2; draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
const TRANSPORT_LAYER: u8 = 205;
const TRANSPORT_WIDE: u8 = 15;

/// The link of one viewer.
#[derive(Debug)]
pub struct Link {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    congestion: Congestion,
    packets: u64,
    reports: u64,
    feedback: u64,
}

/// A frame that is about to be sent. What else concerns the link waits for its end.
#[derive(Debug)]
pub(crate) struct Departure<'a> {
    state: MutexGuard<'a, State>,
    now: Instant,
}

impl Departure<'_> {
    /// How much time waits in the network, for this viewer, of what was sent before.
    pub(crate) fn queue(&mut self) -> Duration {
        self.state.congestion.queue(self.now)
    }

    /// The number of the next packet, of so many bytes without SRTP's.
    pub(crate) fn number(&mut self, bytes: usize) -> u16 {
        self.state.packets += 1;
        self.state.congestion.sent(self.now, bytes)
    }
}

impl Default for Link {
    fn default() -> Self {
        let congestion = Congestion::new(Instant::now());
        Self { state: Mutex::new(State { congestion, packets: 0, reports: 0, feedback: 0 }) }
    }
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a frame that is about to be sent.
    pub(crate) fn departure(&self) -> Departure<'_> {
        Departure { state: self.state(), now: Instant::now() }
    }

    /// What the link carries of these pictures, beside so much sound.
    pub fn decide(&self, now: Instant, pictures: &[Picture<'_>], sound: Bitrate) -> Decision {
        self.state().congestion.decide(now, pictures, sound)
    }

    /// What is known of the link.
    #[must_use]
    pub fn estimate(&self, now: Instant) -> Estimate {
        self.state().congestion.estimate(now)
    }

    /// Packets numbered, packets of RTCP heard, and those among them that hold transport-wide feedback.
    #[must_use]
    pub fn counts(&self) -> (u64, u64, u64) {
        let state = self.state();
        (state.packets, state.reports, state.feedback)
    }

    /// Takes RTCP of the viewer's, unprotected; true: it is of no use to anybody else.
    fn hear(&self, rtcp: &[u8]) -> bool {
        let (wide, all) = transport_wide(rtcp);
        let ntp = ntp_time(wall_time(common_time()));
        let mut state = self.state();
        state.reports += 1;
        state.feedback += u64::from(wide);
        if let Err(error) = state.congestion.rtcp(Instant::now(), ntp, rtcp) {
            tracing::debug!(%error, "RTCP that cannot be read");
        }
        all
    }
}

/// Whether some packet, and whether every packet of a compound (RFC 3550 section 6.1) is
/// transport-wide feedback.
fn transport_wide(rtcp: &[u8]) -> (bool, bool) {
    let (mut some, mut all) = (false, true);
    let mut rest = rtcp;
    while let Some(&[first, packet_type, l0, l1]) = rest.first_chunk::<4>() {
        let wide = packet_type == TRANSPORT_LAYER && first & 0x1f == TRANSPORT_WIDE;
        some |= wide;
        all &= wide;
        rest = rest.get(4 + 4 * usize::from(u16::from_be_bytes([l0, l1]))..).unwrap_or_default();
    }
    (some, some && all)
}

/// Has `link` hear what comes for webrtcbin's RTP session. That has nothing to do with
/// transport-wide feedback and would only look for its numbers in vain.
pub(super) fn listen(webrtc: &gst::Element, link: &Arc<Link>) {
    let link = Arc::clone(link);
    webrtc.connect("deep-element-added", false, move |values| {
        let element = values.get(2).and_then(|value| value.get::<gst::Element>().ok())?;
        if element.factory().is_some_and(|factory| factory.name() == "rtpsession") {
            let link = Arc::clone(&link);
            element.connect_pad_added(move |_, pad| {
                if pad.name() == "recv_rtcp_sink" {
                    probe(pad, Arc::clone(&link));
                }
            });
        }
        None
    });
}

fn probe(pad: &gst::Pad, link: Arc<Link>) {
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let heard = info.buffer().and_then(|buffer| buffer.map_readable().ok()).map(|map| link.hear(&map));
        // Not Drop: the bindings have taken the buffer then, and GStreamer 1.22 unrefs it again.
        if heard == Some(true) { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];
    const FEEDBACK: [u8; 8] = [0x8f, 205, 0, 1, 0, 0, 0, 1];
    const NACK: [u8; 8] = [0x81, 205, 0, 1, 0, 0, 0, 1];

    #[test]
    fn only_what_is_feedback_alone_is_kept_from_the_session() {
        assert_eq!(transport_wide(&FEEDBACK), (true, true));
        assert_eq!(transport_wide(&[FEEDBACK, FEEDBACK].concat()), (true, true));
        assert_eq!(transport_wide(&[REPORT, FEEDBACK].concat()), (true, false));
        assert_eq!(transport_wide(&[FEEDBACK, NACK].concat()), (true, false));
        assert_eq!(transport_wide(&NACK), (false, false));
        for nonsense in [&[][..], &[0x8f], &[0x80, 201, 0xff, 0xff, 0]] {
            assert_eq!(transport_wide(nonsense), (false, false));
        }
    }
}
