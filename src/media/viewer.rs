//! A viewer's pipeline: an appsrc for each track into one `webrtcbin` that offers, or answers.
//!
//! Owns the peer connection from the offer to its end. What it is told (SDP, candidates) has
//! been checked in [`crate::core::sdp`] and [`crate::core::candidate`] before: `webrtcbin` ends
//! the process on some SDP. It decides nothing: states go out as [`ViewerEvent`].

mod answering;
mod channels;
mod link;
mod lists;
mod track;

pub(crate) use link::Departure;
pub use link::Link;
pub use track::TrackSpec;

use super::certificate::Certificate;
use super::fanout::Subscription;
use super::ice::{self, Ice, News, Path};
use super::pipeline::{BusMessage, Pipeline};
use super::{Event, Events, MediaError, RenditionId, Rung};
use crate::core::candidate::Candidate;
use crate::core::channels::Channel;
use crate::core::ice::Credentials;
use crate::core::ids::{SourceName, ViewerId};
use crate::core::protocol::{Codec, MediaKind};
use crate::core::sdp::{with_message_size, with_msids, with_transport_sequence};
use channels::Channels;
use futures_lite::FutureExt as _;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use track::{TRANSPORT_SEQUENCE_ID, offered_caps, payload_types};

/// What happens to a peer connection.
#[derive(Debug)]
pub enum ViewerEvent {
    /// The offer to send.
    Offer {
        /// Its SDP.
        sdp: String,
    },
    /// A candidate of the daemon's; empty: there are no more.
    Candidate {
        /// The `candidate:` line.
        candidate: String,
    },
    /// ICE and DTLS stand. Nothing is sent before the certificate has been compared.
    Connected {
        /// The peer's, as PEM.
        certificate: Option<String>,
    },
    /// The first frame of a rendition, a keyframe, has gone out: at the beginning, after a pause, or
    /// in the place of another rung, which sends no more.
    Sending {
        /// Whose picture.
        source: SourceName,
        /// The rung of its ladder.
        rung: Rung,
    },
    /// The peer has said something by a data channel, within its bounds; it may do so before its
    /// certificate has been compared.
    Said {
        /// By which.
        channel: Channel,
        /// What.
        text: String,
    },
    /// ICE has found a way, the first or another one.
    WayFound,
    /// ICE has lost the way; a restart may find another.
    WayLost,
    /// DTLS has failed, or the peer has closed.
    Disconnected {
        /// In words.
        detail: String,
    },
    /// GStreamer has failed.
    Failed {
        /// In words.
        detail: String,
    },
}

/// How long the end of a negotiation is waited for.
const NEGOTIATION_END: Duration = Duration::from_secs(1);

/// How long the first offer of the process is waited for.
const WARM_UP: Duration = Duration::from_secs(10);

/// A viewer's peer connection. Dropping it ends it, off the caller's thread.
#[derive(Debug)]
pub struct Viewer {
    id: ViewerId,
    events: Events,
    webrtc: gst::Element,
    tracks: Vec<Arc<Subscription>>,
    channels: Option<Channels>,
    link: Arc<Link>,
    path: Path,
    _pipeline: Pipeline,
}

impl Viewer {
    /// Makes the pipeline and asks for the offer, which comes as [`ViewerEvent::Offer`].
    /// `data`: with the daemon's data channels. Takes some milliseconds: not for the daemon's loop.
    ///
    /// # Errors
    /// [`MediaError::NoElement`] when `webrtcbin` or one of its parts is not installed.
    pub fn open(
        id: ViewerId,
        ice: &Ice,
        tracks: &[TrackSpec],
        data: bool,
        events: &Events,
    ) -> Result<Self, MediaError> {
        let Prepared { webrtc, pipeline, certificate, link, path } = prepare(id, ice, events)?;
        let tracks = tracks
            .iter()
            .zip(payload_types(tracks))
            .enumerate()
            .map(|(mline, (track, payload))| {
                let caps = offered_caps(track, payload);
                add_track(&pipeline, &webrtc, mline, (track, payload, &caps), (id, events, &link))
            })
            .collect::<Result<Vec<_>, _>>()?;
        pipeline.play()?;
        let channels = data.then(|| Channels::make(&webrtc, id, events)).transpose()?;
        let viewer =
            Self { id, events: events.clone(), webrtc, tracks, channels, link, path, _pipeline: pipeline };
        viewer.offer(id, certificate, events);
        Ok(viewer)
    }

    /// The tracks in the order of the m-lines.
    #[must_use]
    pub fn tracks(&self) -> &[Arc<Subscription>] {
        &self.tracks
    }

    /// Says something by a data channel; never waits. False: there is none that is open and has room, and
    /// it has to go another way. What is worth nothing when it is late is dropped then, and true is said.
    #[must_use]
    pub fn say(&self, channel: Channel, text: &str) -> bool {
        self.channels.as_ref().is_some_and(|channels| channels.say(channel, text))
    }

    /// What is known of its link.
    #[must_use]
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Takes the peer's answer: a text that has passed [`crate::core::sdp`].
    ///
    /// # Errors
    /// When GStreamer's parser refuses it.
    pub fn accept(&self, answer: &str) -> Result<(), MediaError> {
        let sdp =
            gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).map_err(MediaError::gst("the answer"))?;
        let answer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, sdp);
        let (viewer, events) = (self.id, self.events.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            // Interrupted when the viewer goes meanwhile.
            if let Ok(Some(reply)) = reply
                && let Ok(error) = reply.get::<glib::Error>("error")
            {
                let detail = format!("webrtcbin refuses the answer: {error}");
                events.tell(viewer, ViewerEvent::Failed { detail });
            }
        });
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&answer, &promise]);
        Ok(())
    }

    /// Takes a candidate of the peer's.
    pub fn add_candidate(&self, candidate: Candidate) {
        self.path.add_candidate(candidate);
    }

    /// Looks for ways anew, with new credentials of the daemon's. DTLS and media go on.
    #[must_use]
    pub fn restart(&self) -> Credentials {
        let own = ice::random_credentials();
        self.path.restart(&own);
        own
    }

    /// The peer's credentials in answer to a restart.
    pub fn restarted(&self, theirs: &Credentials) {
        self.path.restarted(theirs);
    }

    /// The daemon's candidates as they are now: lines without `a=`.
    #[must_use]
    pub fn candidates(&self) -> Vec<String> {
        self.path.candidates()
    }

    fn offer(&self, id: ViewerId, certificate: &'static Certificate, events: &Events) {
        let webrtc = self.webrtc.downgrade();
        let (events, path) = (events.clone(), self.path.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            let fail = |detail: String| {
                events.tell(id, ViewerEvent::Failed { detail });
            };
            let Some(webrtc) = webrtc.upgrade() else { return };
            let reply = match reply {
                Ok(Some(reply)) => reply,
                Ok(None) => return fail("webrtcbin made no offer".into()),
                Err(error) => return fail(format!("webrtcbin made no offer: {error:?}")),
            };
            let Ok(offer) = reply.get::<gst_webrtc::WebRTCSessionDescription>("offer") else {
                return fail(format!("webrtcbin made no offer: {reply}"));
            };
            let named = certificate.name_in(&offer.sdp().to_string());
            let streams = named.and_then(|sdp| with_msids(&sdp)).and_then(|sdp| with_message_size(&sdp));
            let sdp = match streams.and_then(|sdp| with_transport_sequence(&sdp, TRANSPORT_SEQUENCE_ID)) {
                Ok(sdp) => sdp,
                Err(error) => return fail(format!("webrtcbin's offer cannot be used: {error}")),
            };
            webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
            events.tell(id, ViewerEvent::Offer { sdp });
            // With trickle ICE nothing waits for the last, which is empty.
            for candidate in path.candidates().into_iter().chain([String::new()]) {
                events.tell(id, ViewerEvent::Candidate { candidate });
            }
        });
        self.webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
    }
}

/// Makes one viewer and drops it: the first one of a process loads plugins and makes the DTLS
/// certificate, which takes a second or two that no viewer should wait for.
///
/// # Errors
/// As [`Viewer::open`].
pub fn warm_up(ice: &Ice) -> Result<(), MediaError> {
    use crate::core::ids::SourceName;
    let Ok(source) = SourceName::new("warm-up") else { return Ok(()) };
    let (sender, receiver) = async_channel::bounded(64);
    let codec = Codec::H264;
    let track = TrackSpec {
        rendition: RenditionId { source, codec, rung: 0 },
        profile_level_id: None,
        ssrc: 1,
        first_sequence: 0,
        first_timestamp: 0,
    };
    let viewer = Viewer::open(ViewerId(0), ice, &[track], false, &Events::new(sender))?;
    let offered = async {
        while let Ok(event) = receiver.recv().await {
            if let Event::Viewer { event: ViewerEvent::Offer { .. } | ViewerEvent::Failed { .. }, .. } = event
            {
                break;
            }
        }
    };
    let late = async {
        smol::Timer::after(WARM_UP).await;
    };
    smol::block_on(offered.or(late));
    drop(viewer);
    Ok(())
}

/// A viewer that goes while it is being negotiated with leaves work behind in `webrtcbin`'s queue.
/// Stopped in the middle of it, `webrtcbin` (seen in 1.22.0) keeps its ICE agent for ever. So that work is let come to its end first: it takes
/// milliseconds, and never more than [`NEGOTIATION_END`].
fn finish_negotiation(webrtc: &gst::Element) {
    let end = Instant::now() + NEGOTIATION_END;
    // The queue is in order, so an answer means that all before it is done. The end of
    // create-offer puts set-local-description in, and the end of that is behind a second one.
    for _ in 0..2 {
        let (sender, receiver) = std::sync::mpsc::channel();
        let promise = gst::Promise::with_change_func(move |_| {
            // Nobody waits any more when this fails.
            let _ = sender.send(());
        });
        // Where nothing was asked this is answered with an error. Not get-stats: GLib keeps the names of its
        // structures, which have each viewer's SSRC in them, for ever.
        webrtc.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
        let _ = receiver.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// What offering and answering begin with.
struct Prepared {
    webrtc: gst::Element,
    pipeline: Pipeline,
    certificate: &'static Certificate,
    link: Arc<Link>,
    path: Path,
}

/// A pipeline with a webrtcbin in it that has no m-line yet.
fn prepare(id: ViewerId, ice: &Ice, events: &Events) -> Result<Prepared, MediaError> {
    // webrtcbin does not start without libnice's elements, which are not used here.
    gst::ElementFactory::find("nicesrc")
        .ok_or(MediaError::NoElement { element: "nicesrc", package: "gstreamer1.0-nice" })?;
    let news = events.clone();
    let (agent, path) = ice.agent(move |what| {
        let event = match what {
            News::Found => ViewerEvent::WayFound,
            News::Lost => ViewerEvent::WayLost,
        };
        news.tell(id, event);
    })?;
    let webrtc = ice::webrtcbin(&agent)
        .map_err(|_| MediaError::NoElement { element: "webrtcbin", package: "gstreamer1.0-plugins-bad" })?;
    webrtc.set_property_from_str("bundle-policy", "max-bundle");
    // The receive jitter buffer, for nothing that is received here.
    webrtc.set_property("latency", 0u32);
    let certificate = Certificate::of_process()?;
    certificate.give_to(&webrtc);
    lists::keep_whole(&webrtc);
    let link = Arc::new(Link::default());
    link::listen(&webrtc, &link);

    let inner = gst::Pipeline::new();
    inner.add(&webrtc).map_err(MediaError::gst("making a viewer's pipeline"))?;
    let mut pipeline = Pipeline::new("viewer", inner, true);
    let ending = webrtc.downgrade();
    pipeline.before_stop(move || {
        agent.close();
        if let Some(webrtc) = ending.upgrade() {
            finish_negotiation(&webrtc);
        }
    });
    // Not before: what DTLS says at its end still has to leave.
    let leaving = path.clone();
    pipeline.when_stopped(move || leaving.leave());
    report(&pipeline, &webrtc, id, events);
    Ok(Prepared { webrtc, pipeline, certificate, link, path })
}

fn add_track(
    pipeline: &Pipeline,
    webrtc: &gst::Element,
    mline: usize,
    (track, payload, caps): (&TrackSpec, u8, &gst::Caps),
    (id, events, link): (ViewerId, &Events, &Arc<Link>),
) -> Result<Arc<Subscription>, MediaError> {
    let media = track.rendition.media();
    let appsrc = gst_app::AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .is_live(true)
        .do_timestamp(false)
        .block(false)
        .max_bytes(0)
        .max_buffers(0)
        // The fan-out drops whole frames long before; this is the last bound.
        .max_time(gst::ClockTime::from_seconds(1))
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build();
    pipeline.inner().add(&appsrc).map_err(MediaError::gst("making a viewer's pipeline"))?;

    let template = webrtc
        .pad_template("sink_%u")
        .ok_or(MediaError::NoElement { element: "webrtcbin", package: "gstreamer1.0-plugins-bad" })?;
    let pad = webrtc
        .request_pad(&template, Some(&format!("sink_{mline}")), Some(caps))
        .ok_or_else(|| MediaError::gst("making a viewer's pipeline")("webrtcbin gives no pad"))?;
    let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
    transceiver.set_direction(gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
    transceiver.set_codec_preferences(Some(caps));
    if media == MediaKind::Video {
        transceiver.set_property("do-nack", true);
    }
    // A stream of its own for sound and for picture: in one stream the browser holds the picture
    // back until the sound is there.
    let kind = if media == MediaKind::Video { "video" } else { "audio" };
    pad.set_property("msid", format!("{}-{kind}", track.rendition.source));

    let source_pad = appsrc
        .static_pad("src")
        .ok_or_else(|| MediaError::gst("making a viewer's pipeline")("appsrc has no pad"))?;
    source_pad.link(&pad).map_err(MediaError::gst("making a viewer's pipeline"))?;
    // Where the pipeline runs already.
    appsrc.sync_state_with_parent().map_err(MediaError::gst("making a viewer's pipeline"))?;
    let subscription =
        Arc::new(Subscription::new(id, track, payload, appsrc, (events.clone(), Arc::clone(link)))?);
    let weak = Arc::downgrade(&subscription);
    source_pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        // Picture loss indications (RFC 4585 section 6.3.1) and full intra requests come as this event.
        let force_key_unit = info
            .event()
            .and_then(|event| event.structure())
            .is_some_and(|structure| structure.name() == "GstForceKeyUnit");
        if force_key_unit {
            if let Some(subscription) = weak.upgrade() {
                subscription.want_keyframe();
            }
            // Not Drop: the bindings have taken the event then, and GStreamer 1.22 unrefs it again.
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
    Ok(subscription)
}

fn report(pipeline: &Pipeline, webrtc: &gst::Element, id: ViewerId, events: &Events) {
    let send = {
        let events = events.clone();
        move |event| events.tell(id, event)
    };
    let failed = send.clone();
    pipeline.on_message(move |message| match message {
        BusMessage::Error { by: Some(by), detail, .. } if channels::is_of(&by) => {
            tracing::debug!(viewer = %id, detail, "the data channels have ended; all else goes on");
        }
        BusMessage::Error { detail, .. } => failed(ViewerEvent::Failed { detail }),
        BusMessage::Eos => failed(ViewerEvent::Disconnected { detail: "the peer has closed".into() }),
    });
    webrtc.connect_notify(Some("connection-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCPeerConnectionState as State;
        match webrtc.property::<State>("connection-state") {
            State::Connected => send(ViewerEvent::Connected { certificate: peer_certificate(webrtc) }),
            State::Failed => send(ViewerEvent::Disconnected { detail: "the connection failed".into() }),
            State::Closed => send(ViewerEvent::Disconnected { detail: "the connection was closed".into() }),
            _ => {}
        }
    });
}

/// The peer's DTLS certificate, once connected. Asked for on webrtcbin's own thread: it takes a lock
/// that webrtcbin holds while it works.
fn peer_certificate(webrtc: &gst::Element) -> Option<String> {
    (0..)
        // Those of rejected m-lines have no transport.
        .map_while(|mline: i32| {
            webrtc.emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("get-transceiver", &[&mline])
        })
        .find_map(|transceiver| transceiver.sender()?.transport()?.remote_certificate())
        .map(String::from)
}
