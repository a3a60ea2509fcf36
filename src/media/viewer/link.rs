//! A viewer's link as its packets and its RTCP tell of it: numbers what is sent, and hears what
//! the viewer says of it.
//!
//! The transport-wide sequence number is written by the copy of each packet, and the feedback on it
//! is read here on its way to webrtcbin, which knows of neither. One for each viewer, over all its
//! tracks. Nobody waits for it for longer than a frame is copied or a packet of RTCP read.

use crate::core::congestion::{Congestion, Decision, Estimate, Picture};
use crate::core::retransmission::{Left, Retransmission};
use crate::core::rtcp::{self, Packet};
use crate::core::rtp::{QUEUE_LOW, ntp_time};
use crate::core::units::Bitrate;
use crate::media::{common_time, wall_time};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The link of one viewer.
#[derive(Debug)]
pub struct Link {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    congestion: Congestion,
    retransmission: Retransmission,
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
        self.state.retransmission.sent();
        self.state.congestion.sent(self.now, bytes)
    }

    /// A keyframe, from this sequence number on: nothing before it is needed any more.
    pub(crate) fn keyframe(&mut self, ssrc: u32, sequence: u16) {
        self.state.retransmission.keyframe(ssrc, sequence);
    }
}

impl Default for Link {
    fn default() -> Self {
        let congestion = Congestion::new(Instant::now());
        Self {
            state: Mutex::new(State {
                congestion,
                retransmission: Retransmission::default(),
                packets: 0,
                reports: 0,
                feedback: 0,
            }),
        }
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

    /// Takes RTCP of the viewer's, unprotected, and says what of it is for webrtcbin.
    fn hear(&self, rtcp: &[u8]) -> Left {
        let (now, ntp) = (Instant::now(), ntp_time(wall_time(common_time())));
        let mut guard = self.state();
        let state = &mut *guard;
        state.reports += 1;
        state.feedback +=
            u64::from(rtcp::packets(rtcp).any(|packet| matches!(packet, Ok(Packet::TransportFeedback(_)))));
        if let Err(error) = state.congestion.rtcp(now, ntp, rtcp) {
            tracing::debug!(%error, "RTCP that cannot be read");
        }
        let queue = state.congestion.queue(now) > QUEUE_LOW;
        state.retransmission.filter(rtcp, queue)
    }
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
        let left = info.buffer().and_then(|buffer| buffer.map_readable().ok()).map(|map| link.hear(&map));
        match (left, info.buffer_mut()) {
            (Some(Left::Some(left)), Some(buffer)) => {
                *buffer = gst::Buffer::from_mut_slice(left);
                gst::PadProbeReturn::Ok
            }
            // Not Drop: the bindings have taken the buffer then, and GStreamer 1.22 unrefs it again.
            (Some(Left::Nothing), _) => gst::PadProbeReturn::Handled,
            (Some(Left::All | Left::Some(_)) | None, _) => gst::PadProbeReturn::Ok,
        }
    });
}
