//! A viewer's link as its packets and its RTCP tell of it: numbers what is sent, and hears what
//! the viewer says of it.
//!
//! The transport-wide sequence number is written by the copy of each packet, and the feedback on it
//! is read here on its way to webrtcbin, which knows of neither. One for each viewer, over all its
//! tracks. Nobody waits for it for longer than a frame is copied or a packet of RTCP read.

use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// RTCP's packet type of transport layer feedback, and among it the format of the transport-wide
/// kind (RFC 4585 section 6.2; draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
const TRANSPORT_LAYER: u8 = 205;
const TRANSPORT_WIDE: u8 = 15;

/// The link of one viewer.
#[derive(Debug, Default)]
pub struct Link {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u16,
    packets: u64,
    reports: u64,
    feedback: u64,
}

/// Numbers the packets of a frame. Others' wait.
#[derive(Debug)]
pub(crate) struct Numbering<'a>(MutexGuard<'a, State>);

impl Numbering<'_> {
    /// The number of the next packet, of so many bytes without SRTP's.
    pub(crate) fn next(&mut self, _bytes: usize) -> u16 {
        let number = self.0.next;
        self.0.next = number.wrapping_add(1);
        self.0.packets += 1;
        number
    }
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the packets of a frame that is about to be sent.
    pub(crate) fn numbering(&self) -> Numbering<'_> {
        Numbering(self.state())
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
        let mut state = self.state();
        state.reports += 1;
        state.feedback += u64::from(wide);
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

    #[test]
    fn numbers_go_on_over_the_wrap() {
        let link = Link::default();
        link.state().next = u16::MAX - 1;
        let mut numbering = link.numbering();
        assert_eq!([(); 3].map(|()| numbering.next(1200)), [u16::MAX - 1, u16::MAX, 0]);
        drop(numbering);
        assert_eq!(link.counts(), (3, 0, 0));
    }
}
