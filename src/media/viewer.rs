//! A viewer's pipeline: an appsrc for each track into one `webrtcbin` that offers.
//!
//! Owns the peer connection from the offer to its end. What it is told (answers, candidates) has
//! been checked in [`crate::core::sdp`] and [`crate::core::candidate`] before: `webrtcbin` ends
//! the process on some SDP. It decides nothing: states go out as [`ViewerEvent`].

use super::certificate::Certificate;
use super::fanout::Subscription;
use super::pipeline::{BusMessage, Pipeline};
use super::{Event, Events, MediaError, RenditionId};
use crate::core::ids::ViewerId;
use crate::core::protocol::{Codec, IceServer, MediaKind};
use crate::core::rtp::CAPTURE_TIME_URI;
use crate::core::sdp::with_msids;
use futures_lite::FutureExt as _;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
        /// Index of the m-line.
        mline: u32,
        /// The `candidate:` line.
        candidate: String,
    },
    /// ICE and DTLS stand. Nothing is sent before the certificate has been compared.
    Connected {
        /// The peer's, as PEM.
        certificate: Option<String>,
    },
    /// ICE or DTLS has failed, or the peer has closed.
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

/// How viewers' media travels.
#[derive(Debug, Clone, Default)]
pub struct IceSettings {
    /// The only local addresses; empty: all but loopback.
    pub addresses: Vec<IpAddr>,
    /// The only local UDP ports.
    pub ports: Option<RangeInclusive<u16>>,
    /// STUN and TURN servers.
    pub servers: Vec<IceServer>,
}

/// One m-line to offer.
#[derive(Debug, Clone)]
pub struct TrackSpec {
    /// What it carries.
    pub rendition: RenditionId,
    /// H.264: the stream's own, once its encoder has run.
    pub profile_level_id: Option<String>,
    /// The synchronisation source that the viewer sees.
    pub ssrc: u32,
    /// The first sequence number.
    pub first_sequence: u16,
    /// The first timestamp.
    pub first_timestamp: u32,
}

/// The payload type of each track: one for each codec and profile, since within a bundle one
/// payload type means one thing (RFC 9143 section 9.1). The same for every viewer that takes the
/// same tracks.
fn payload_types(tracks: &[TrackSpec]) -> Vec<u8> {
    let mut formats: Vec<(Codec, Option<&str>)> = Vec::new();
    tracks
        .iter()
        .map(|track| {
            let format = (track.rendition.codec, track.profile_level_id.as_deref());
            let index = formats.iter().position(|known| *known == format).unwrap_or_else(|| {
                formats.push(format);
                formats.len() - 1
            });
            u8::try_from(index).map_or(127, |index| (FIRST_PAYLOAD_TYPE + index).min(127))
        })
        .collect()
}

/// The profile of an offer while the encoder has not run yet: constrained baseline, level 3.1
/// (RFC 6184 section 8.1); a browser's decoder takes every level of that profile.
const DEFAULT_PROFILE: &str = "42c01f";

/// The id of the header extension for the time of capture, the same in every m-line.
const CAPTURE_TIME_ID: u8 = 1;

/// How long the end of a negotiation is waited for.
const NEGOTIATION_END: Duration = Duration::from_secs(1);

/// How long the first offer of the process is waited for.
const WARM_UP: Duration = Duration::from_secs(10);

/// The first of the dynamic payload types (RFC 3551 section 3).
const FIRST_PAYLOAD_TYPE: u8 = 96;

fn offered_caps(track: &TrackSpec, payload: u8) -> gst::Caps {
    let codec = track.rendition.codec;
    let caps = gst::Caps::builder("application/x-rtp")
        .field("payload", i32::from(payload))
        .field(format!("extmap-{CAPTURE_TIME_ID}"), CAPTURE_TIME_URI)
        .field("ssrc", track.ssrc);
    match codec {
        Codec::H264 => caps
            .field("media", "video")
            .field("encoding-name", "H264")
            .field("clock-rate", 90_000)
            .field("packetization-mode", "1")
            .field("level-asymmetry-allowed", "1")
            .field("profile-level-id", track.profile_level_id.as_deref().unwrap_or(DEFAULT_PROFILE))
            .build(),
        Codec::Vp8 => {
            caps.field("media", "video").field("encoding-name", "VP8").field("clock-rate", 90_000).build()
        }
        Codec::Opus => caps
            .field("media", "audio")
            .field("encoding-name", "OPUS")
            .field("clock-rate", 48_000)
            .field("encoding-params", "2")
            .field("sprop-stereo", "1")
            .field("stereo", "1")
            .field("useinbandfec", "1")
            .build(),
    }
}

/// A viewer's peer connection. Dropping it ends it, off the caller's thread.
#[derive(Debug)]
pub struct Viewer {
    id: ViewerId,
    events: Events,
    webrtc: gst::Element,
    tracks: Vec<Arc<Subscription>>,
    pipeline: Pipeline,
}

impl Viewer {
    /// Makes the pipeline and asks for the offer, which comes as [`ViewerEvent::Offer`].
    /// Takes some milliseconds: not for the daemon's loop.
    ///
    /// # Errors
    /// [`MediaError::NoElement`] when `webrtcbin` or one of its parts is not installed.
    pub fn open(
        id: ViewerId,
        ice: &IceSettings,
        tracks: &[TrackSpec],
        events: &Events,
    ) -> Result<Self, MediaError> {
        let webrtc = make("webrtcbin", "gstreamer1.0-plugins-bad")?;
        gst::ElementFactory::find("nicesrc")
            .ok_or(MediaError::NoElement { element: "nicesrc", package: "gstreamer1.0-nice" })?;
        webrtc.set_property_from_str("bundle-policy", "max-bundle");
        // The receive jitter buffer, for nothing that is received here.
        webrtc.set_property("latency", 0u32);
        let certificate = Certificate::of_process()?;
        certificate.give_to(&webrtc);
        keep_lists_whole(&webrtc);
        configure_ice(&webrtc, ice);

        let inner = gst::Pipeline::new();
        inner.add(&webrtc).map_err(MediaError::gst("making a viewer's pipeline"))?;
        let mut pipeline = Pipeline::new(inner, true);
        let ending = webrtc.downgrade();
        pipeline.before_stop(move || {
            if let Some(webrtc) = ending.upgrade() {
                finish_negotiation(&webrtc);
            }
        });
        report(&pipeline, &webrtc, id, events);

        let tracks = tracks
            .iter()
            .zip(payload_types(tracks))
            .enumerate()
            .map(|(mline, track)| add_track(&pipeline, &webrtc, mline, track, id, events))
            .collect::<Result<Vec<_>, _>>()?;
        let viewer = Self { id, events: events.clone(), webrtc, tracks, pipeline };
        viewer.pipeline.play()?;
        viewer.offer(id, certificate, events);
        Ok(viewer)
    }

    /// The tracks in the order of the m-lines.
    #[must_use]
    pub fn tracks(&self) -> &[Arc<Subscription>] {
        &self.tracks
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
                events.send(Event::Viewer { viewer, event: ViewerEvent::Failed { detail } });
            }
        });
        self.webrtc.emit_by_name::<()>("set-remote-description", &[&answer, &promise]);
        Ok(())
    }

    /// Takes a candidate of the peer's: a line that has passed [`crate::core::candidate`].
    pub fn add_candidate(&self, mline: u32, candidate: &str) {
        self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&mline, &candidate]);
    }

    fn offer(&self, id: ViewerId, certificate: &'static Certificate, events: &Events) {
        let webrtc = self.webrtc.downgrade();
        let events = events.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let fail = |detail: String| {
                events.send(Event::Viewer { viewer: id, event: ViewerEvent::Failed { detail } });
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
            let sdp = match named.and_then(|sdp| with_msids(&sdp)) {
                Ok(sdp) => sdp,
                Err(error) => return fail(format!("webrtcbin's offer cannot be used: {error}")),
            };
            webrtc.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
            events.send(Event::Viewer { viewer: id, event: ViewerEvent::Offer { sdp } });
        });
        self.webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
    }
}

/// Makes one viewer and drops it: the first one of a process loads plugins and makes the DTLS
/// certificate, which takes a second or two that no viewer should wait for.
///
/// # Errors
/// As [`Viewer::open`].
pub fn warm_up() -> Result<(), MediaError> {
    use crate::core::ids::SourceName;
    let Ok(source) = SourceName::new("warm-up") else { return Ok(()) };
    let (sender, receiver) = async_channel::bounded(64);
    let codec = Codec::H264;
    let track = TrackSpec {
        rendition: RenditionId { source, codec },
        profile_level_id: None,
        ssrc: 1,
        first_sequence: 0,
        first_timestamp: 0,
    };
    let ice = IceSettings { addresses: vec![IpAddr::from([127, 0, 0, 1])], ..IceSettings::default() };
    let viewer = Viewer::open(ViewerId(0), &ice, &[track], &Events::new(sender))?;
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
/// Stopped in the middle of it, `webrtcbin` (seen in 1.22.0) keeps a reference to libnice's agent,
/// and with it sockets, for ever. So that work is let come to its end first: it takes
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
        webrtc.emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &promise]);
        let _ = receiver.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
    let described = webrtc.property::<Option<gst_webrtc::WebRTCSessionDescription>>("local-description");
    let gathering = || {
        let state = webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state");
        state != gst_webrtc::WebRTCICEGatheringState::Complete
    };
    while described.is_some() && gathering() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn make(element: &'static str, package: &'static str) -> Result<gst::Element, MediaError> {
    gst::ElementFactory::make(element).build().map_err(|_| MediaError::NoElement { element, package })
}

fn add_track(
    pipeline: &Pipeline,
    webrtc: &gst::Element,
    mline: usize,
    (track, payload): (&TrackSpec, u8),
    id: ViewerId,
    events: &Events,
) -> Result<Arc<Subscription>, MediaError> {
    let media = track.rendition.media();
    let caps = offered_caps(track, payload);
    let appsrc = gst_app::AppSrc::builder()
        .caps(&caps)
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
        .request_pad(&template, Some(&format!("sink_{mline}")), Some(&caps))
        .ok_or_else(|| MediaError::gst("making a viewer's pipeline")("webrtcbin gives no pad"))?;
    let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
    transceiver.set_direction(gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
    transceiver.set_codec_preferences(Some(&caps));
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
    let subscription = Arc::new(Subscription::new(id, track, payload, appsrc, events.clone())?);
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
        move |event| events.send(Event::Viewer { viewer: id, event })
    };
    let failed = send.clone();
    pipeline.on_message(move |message| match message {
        BusMessage::Error { detail, .. } => failed(ViewerEvent::Failed { detail }),
        BusMessage::Eos => failed(ViewerEvent::Disconnected { detail: "the peer has closed".into() }),
    });
    let candidate = send.clone();
    webrtc.connect("on-ice-candidate", false, move |values| {
        let mline = values.get(1).and_then(|value| value.get::<u32>().ok())?;
        let line = values.get(2).and_then(|value| value.get::<String>().ok())?;
        candidate(ViewerEvent::Candidate { mline, candidate: line });
        None
    });
    let gathered = send.clone();
    webrtc.connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
        let state = webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state");
        if state == gst_webrtc::WebRTCICEGatheringState::Complete {
            gathered(ViewerEvent::Candidate { mline: 0, candidate: String::new() });
        }
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

fn configure_ice(webrtc: &gst::Element, ice: &IceSettings) {
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

/// `rtpulpfecenc` and `rtpredenc`, which `webrtcbin` puts in even with no FEC asked for, push
/// packets one by one, and everything behind them then runs once a packet. A `tee` in their
/// place keeps buffer lists whole down to the socket. They arrive linked inside a bin with two
/// ghost pads, before any data.
fn keep_lists_whole(webrtc: &gst::Element) {
    webrtc.connect("deep-element-added", false, |values| {
        let bin = values.get(1).and_then(|value| value.get::<gst::Bin>().ok())?;
        let element = values.get(2).and_then(|value| value.get::<gst::Element>().ok())?;
        if element.factory().is_some_and(|factory| factory.name() == "rtpulpfecenc")
            && let Err(message) = bypass(&bin)
        {
            tracing::debug!(message, "the FEC encoders stay in");
        }
        None
    });
}

fn bypass(bin: &gst::Bin) -> Result<(), &'static str> {
    let ghost = |name| {
        bin.static_pad(name).and_then(|pad| pad.downcast::<gst::GhostPad>().ok()).ok_or("no ghost pad")
    };
    let (sink, src) = (ghost("sink")?, ghost("src")?);
    let fec: Vec<gst::Element> = bin.children();
    let tee = gst::ElementFactory::make("tee").build().map_err(|_| "no tee")?;
    bin.add(&tee).map_err(|_| "the bin takes no tee")?;
    let tee_sink = tee.static_pad("sink").ok_or("tee has no sink")?;
    let tee_src = tee.request_pad_simple("src_%u").ok_or("tee gives no pad")?;
    sink.set_target(Some(&tee_sink)).map_err(|_| "the sink keeps its target")?;
    src.set_target(Some(&tee_src)).map_err(|_| "the source keeps its target")?;
    tee.sync_state_with_parent().map_err(|_| "tee does not start")?;
    for element in fec {
        bin.remove(&element).map_err(|_| "an encoder stays")?;
        element.set_state(gst::State::Null).map_err(|_| "an encoder does not stop")?;
    }
    Ok(())
}
