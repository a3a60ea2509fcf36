//! A viewer's data channels: made before the offer, carried by webrtcbin's SCTP.
//!
//! Only for a viewer that asks: they cost it threads. What comes in is bounded in core and handed to the
//! daemon; "echo" is answered here, so that its round trip is that of the connection alone. Nothing here
//! closes a channel: before 1.22.3 webrtcbin may never end after that.

use super::ViewerEvent;
use crate::core::channels::{self, Admission, Channel, Intake, Packet};
use crate::core::ids::ViewerId;
use crate::media::{Events, MediaError};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The channels of one viewer.
#[derive(Debug)]
pub(super) struct Channels(Vec<(Channel, gst_webrtc::WebRTCDataChannel)>);

impl Channels {
    /// Has webrtcbin, which runs and has made no offer yet, offer them.
    pub(super) fn make(webrtc: &gst::Element, id: ViewerId, events: &Events) -> Result<Self, MediaError> {
        guard(webrtc);
        let intake = Arc::<Mutex<Intake>>::default();
        let made = Channel::ALL.into_iter().map(|channel| {
            let options = gst::Structure::builder("options").field("ordered", channel.is_reliable());
            let options = match channel.is_reliable() {
                true => options.build(),
                false => options.field("max-retransmits", 0i32).build(),
            };
            let made = webrtc.emit_by_name::<Option<gst_webrtc::WebRTCDataChannel>>(
                "create-data-channel",
                &[&channel.label(), &Some(options)],
            );
            let made = made.ok_or_else(|| {
                MediaError::gst("making a data channel")(
                    "webrtcbin makes none: is its SCTP plugin installed?",
                )
            })?;
            listen(channel, &made, &intake, id, events);
            Ok((channel, made))
        });
        Ok(Self(made.collect::<Result<_, MediaError>>()?))
    }

    /// Says something; never waits. False: it has to go another way.
    pub(super) fn say(&self, channel: Channel, text: &str) -> bool {
        let Some((_, made)) = self.0.iter().find(|(each, _)| *each == channel) else { return false };
        send(channel, made, text)
    }
}

fn send(channel: Channel, made: &gst_webrtc::WebRTCDataChannel, text: &str) -> bool {
    if made.ready_state() != gst_webrtc::WebRTCDataChannelState::Open {
        return false;
    }
    match channel.admit(made.buffered_amount(), text.len()) {
        Admission::Send => made.send_string_full(Some(text)).is_ok(),
        Admission::Drop => true,
        Admission::Full => false,
    }
}

fn listen(
    channel: Channel,
    made: &gst_webrtc::WebRTCDataChannel,
    intake: &Arc<Mutex<Intake>>,
    viewer: ViewerId,
    events: &Events,
) {
    let (intake, events) = (Arc::clone(intake), events.clone());
    made.connect_on_message_string(move |made, text| {
        let text = text.unwrap_or_default();
        let takes = {
            let mut intake = intake.lock().unwrap_or_else(PoisonError::into_inner);
            intake.takes(Instant::now(), channel, text.len())
        };
        match channel {
            _ if !takes => tracing::debug!(%viewer, ?channel, "a message too many or too long"),
            Channel::Echo => {
                send(channel, made, text);
            }
            Channel::Room | Channel::Pointer => {
                let event = ViewerEvent::Said { channel, text: text.to_owned() };
                events.tell(viewer, event);
            }
        }
    });
}

/// Whether this element's faults are the channels' alone: of an association that the peer ends, or never
/// answers to. webrtcbin (1.22) begins one also where the answer rejects the channels.
pub(super) fn is_of(factory: &str) -> bool {
    matches!(factory, "sctpenc" | "sctpdec")
}

/// Keeps from webrtcbin's SCTP what would make it open channels without end, or close one.
fn guard(webrtc: &gst::Element) {
    webrtc.connect("deep-element-added", false, |values| {
        let element = values.get(2).and_then(|value| value.get::<gst::Element>().ok())?;
        if element.factory().is_some_and(|factory| factory.name() == "sctpdec") {
            element.static_pad("sink")?.add_probe(gst::PadProbeType::BUFFER, |_, info| {
                let packet = info.buffer().and_then(|buffer| buffer.map_readable().ok());
                match packet.map(|packet| channels::look(&packet)) {
                    // Not Drop: the bindings have taken the buffer then, and GStreamer 1.22 unrefs it again.
                    Some(Packet::Foreign) => gst::PadProbeReturn::Handled,
                    Some(Packet::Fit) | None => gst::PadProbeReturn::Ok,
                }
            });
        }
        None
    });
}

#[cfg(test)]
mod tests {
    use super::super::Viewer;
    use super::*;
    use crate::core::ids::SourceName;
    use crate::core::protocol::Codec;
    use crate::media::ice::{Ice, IceSettings};
    use crate::media::viewer::TrackSpec;
    use crate::media::{Event, RenditionId, Rung};

    const RUNG: Rung = 0;

    #[test]
    fn an_association_that_fails_ends_the_channels_alone() {
        crate::media::init().unwrap();
        let addresses = vec!["127.0.0.1".parse().unwrap()];
        let ice = Ice::bind(0, false, IceSettings { addresses, ..IceSettings::default() }).unwrap();
        let (sender, events) = async_channel::bounded(64);
        let source = SourceName::new("cam").unwrap();
        let track = TrackSpec {
            rendition: RenditionId { source, codec: Codec::Vp8, rung: RUNG },
            profile_level_id: None,
            ssrc: 1,
            first_sequence: 0,
            first_timestamp: 0,
        };
        let viewer = Viewer::open(ViewerId(1), &ice, &[track], true, &Events::new(sender)).unwrap();
        let bin = viewer.webrtc.clone().downcast::<gst::Bin>().unwrap();
        let fail = |factory: &str| {
            let is_it = |each: &gst::Element| each.factory().is_some_and(|own| own.name() == factory);
            let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
            // webrtcbin makes and moves its elements meanwhile, on a thread of its own.
            let element = loop {
                if let Some(found) = bin.iterate_recurse().into_iter().flatten().find(is_it) {
                    break found;
                }
                assert!(std::time::Instant::now() < end, "webrtcbin has no {factory}");
                std::thread::sleep(std::time::Duration::from_millis(10));
            };
            let error =
                gst::message::Error::builder(gst::ResourceError::Write, factory).src(&element).build();
            element.post_message(error).unwrap();
        };
        fail("sctpenc");
        fail("sctpdec");
        // Of anything else it is the viewer's end, and comes behind them.
        fail("rtpbin");
        let first = smol::block_on(async {
            loop {
                if let Event::Viewer { event: ViewerEvent::Failed { detail }, .. } =
                    events.recv().await.unwrap()
                {
                    return detail;
                }
            }
        });
        assert!(first.starts_with("rtpbin"), "{first}");
        drop(viewer);
        let more = std::iter::from_fn(|| events.try_recv().ok());
        assert_eq!(
            more.filter(|event| matches!(event, Event::Viewer { event: ViewerEvent::Failed { .. }, .. }))
                .count(),
            0
        );
    }
}
