//! A viewer that comes with an offer of its own: webrtcbin answers.
//!
//! The order of the steps is what makes a `sendonly` answer with the client's payload type on
//! GStreamer 1.22 and 1.26 alike: the offer, then each transceiver's direction and codec, then its
//! pad, then the answer.

use super::track::answered_caps;
use super::{Prepared, TrackSpec, Viewer, add_track, prepare};
use crate::core::ids::ViewerId;
use crate::core::sdp::Agreement;
use crate::media::ice::Ice;
use crate::media::{Events, MediaError};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use std::sync::mpsc;
use std::time::Duration;

/// For each step of webrtcbin's: they take milliseconds.
const STEP: Duration = Duration::from_secs(5);

impl Viewer {
    /// Makes the pipeline and the answer, which has the daemon's candidates in it: nothing can be
    /// sent after it. Blocks for some milliseconds.
    ///
    /// # Errors
    /// As [`Viewer::open`], and [`MediaError::Gst`] when webrtcbin does not answer as it should.
    pub fn answer(
        id: ViewerId,
        ice: &Ice,
        agreement: &Agreement,
        tracks: &[TrackSpec],
        events: &Events,
    ) -> Result<(Self, String), MediaError> {
        let Prepared { webrtc, pipeline, certificate, link, path } = prepare(id, ice, events)?;
        pipeline.play()?;
        let offer = description(gst_webrtc::WebRTCSDPType::Offer, &agreement.to_offer())?;
        ask(&webrtc, "set-remote-description", &offer)?;
        let mut subscriptions = Vec::with_capacity(tracks.len());
        for (mline, (spec, served)) in tracks.iter().zip(agreement.served()).enumerate() {
            let caps = answered_caps(spec, served.payload_type);
            let index = i32::try_from(mline).unwrap_or(i32::MAX);
            // 1.22.0 makes none before there is a pad; later versions do, and give the pad to it.
            let transceiver =
                webrtc.emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("get-transceiver", &[&index]);
            if let Some(transceiver) = transceiver {
                transceiver.set_direction(gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
                transceiver.set_codec_preferences(Some(&caps));
            }
            let track = (spec, served.payload_type, &caps);
            let subscription = add_track(&pipeline, &webrtc, mline, track, (id, events, &link))?;
            if let Some(extension) = served.capture_time {
                subscription.send_capture_time(extension);
            }
            if let Some(extension) = served.transport_sequence {
                subscription.number_packets(extension);
            }
            if let Some(extension) = served.playout_delay {
                subscription.show_at_once(extension);
            }
            subscriptions.push(subscription);
        }
        let reply = ask(&webrtc, "create-answer", &None::<gst::Structure>)?;
        let answer = reply
            .and_then(|reply| reply.get::<gst_webrtc::WebRTCSessionDescription>("answer").ok())
            .ok_or_else(|| fault("webrtcbin made no answer"))?;
        ask(&webrtc, "set-local-description", &answer)?;
        let sdp = agreement
            .answer(&answer.sdp().to_string(), certificate.fingerprint(), &path.candidates())
            .map_err(MediaError::gst("webrtcbin's answer"))?;
        let (events, tracks) = (events.clone(), subscriptions);
        let viewer = Self { id, events, webrtc, tracks, channels: None, link, path, _pipeline: pipeline };
        Ok((viewer, sdp))
    }
}

fn fault(problem: &'static str) -> MediaError {
    MediaError::gst("answering an offer")(problem)
}

fn description(
    kind: gst_webrtc::WebRTCSDPType,
    sdp: &str,
) -> Result<gst_webrtc::WebRTCSessionDescription, MediaError> {
    let sdp = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).map_err(MediaError::gst("the offer"))?;
    Ok(gst_webrtc::WebRTCSessionDescription::new(kind, sdp))
}

/// Has webrtcbin do something, and waits for it.
fn ask(
    webrtc: &gst::Element,
    signal: &'static str,
    argument: &dyn ToValue,
) -> Result<Option<gst::Structure>, MediaError> {
    let (sender, receiver) = mpsc::channel();
    let promise = gst::Promise::with_change_func(move |reply| {
        // Nobody waits any more when this fails.
        let _ = sender.send(reply.map(|reply| reply.map(ToOwned::to_owned)));
    });
    webrtc.emit_by_name_with_values(signal, &[argument.to_value(), promise.to_value()]);
    match receiver.recv_timeout(STEP) {
        Ok(Ok(Some(reply))) => match reply.get::<glib::Error>("error") {
            Ok(error) => Err(MediaError::gst(signal)(error)),
            Err(_) => Ok(Some(reply)),
        },
        Ok(Ok(None)) => Ok(None),
        Ok(Err(error)) => Err(MediaError::gst(signal)(format!("{error:?}"))),
        Err(_) => Err(MediaError::gst(signal)("webrtcbin does not come to an end")),
    }
}
