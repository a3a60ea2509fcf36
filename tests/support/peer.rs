//! A viewer made of GStreamer's own elements: a webrtcbin that answers, and decoders.

// Each test binary uses a part of it.
#![allow(dead_code)]

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vitrina::core::rtp::TRANSPORT_SEQUENCE_URI;

/// Sequence number, timestamp and SSRC of a packet of a picture.
pub type Header = (u16, u32, u32);

/// What has come of pictures.
#[derive(Default)]
struct Seen {
    headers: Vec<Header>,
    /// Of each picture that was decoded, how wide it is.
    widths: Vec<i32>,
    /// And how bright, from 0 to 255.
    brightness: Vec<u8>,
}

pub struct Peer {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    frames: Arc<AtomicU64>,
    sound: Arc<AtomicU64>,
    seen: Arc<Mutex<Seen>>,
    candidates: Arc<Mutex<Vec<(u32, String)>>>,
    offer: Mutex<String>,
    packets: Arc<Mutex<Vec<Vec<u8>>>>,
    channels: Arc<Mutex<Vec<gst_webrtc::WebRTCDataChannel>>>,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Peer {
    pub fn new() -> Self {
        gst::init().unwrap();
        let pipeline = gst::Pipeline::new();
        let webrtc = gst::ElementFactory::make("webrtcbin").build().unwrap();
        webrtc.set_property_from_str("bundle-policy", "max-bundle");
        webrtc.set_property("latency", 20u32);
        pipeline.add(&webrtc).unwrap();
        let agent = webrtc.property::<gst::Object>("ice-agent");
        let nice = agent.property::<glib::Object>("agent");
        nice.set_property("upnp", false);
        // A browser answers a check by one of its own at once, not at the next of libnice's ticks of 20 ms.
        nice.set_property("stun-pacing-timer", 5u32);
        assert!(agent.emit_by_name::<bool>("add-local-ip-address", &[&"127.0.0.1"]));
        let frames = Arc::new(AtomicU64::new(0));
        let sound = Arc::new(AtomicU64::new(0));
        let candidates = Arc::new(Mutex::new(Vec::new()));
        let gathered = Arc::clone(&candidates);
        webrtc.connect("on-ice-candidate", false, move |values| {
            gathered.lock().unwrap().push((values[1].get().unwrap(), values[2].get().unwrap()));
            None
        });
        let weak = pipeline.downgrade();
        let seen = Arc::<Mutex<Seen>>::default();
        let counters = (Arc::clone(&frames), Arc::clone(&sound), Arc::clone(&seen));
        webrtc.connect_pad_added(move |_, pad| {
            if pad.direction() == gst::PadDirection::Src {
                decode(&weak.upgrade().unwrap(), pad, &counters);
            }
        });
        let packets = Arc::new(Mutex::new(Vec::new()));
        keep_packets(&webrtc, &packets);
        let channels = Arc::<Mutex<Vec<gst_webrtc::WebRTCDataChannel>>>::default();
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let kept = (Arc::clone(&channels), Arc::clone(&heard));
        webrtc.connect("on-data-channel", false, move |values| {
            let channel = values[1].get::<gst_webrtc::WebRTCDataChannel>().unwrap();
            let heard = Arc::clone(&kept.1);
            channel.connect_on_message_string(move |channel, text| {
                let label = channel.label().unwrap().to_string();
                heard.lock().unwrap().push((label, text.unwrap_or_default().to_owned()));
            });
            kept.0.lock().unwrap().push(channel);
            None
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        Self {
            channels,
            heard,
            pipeline,
            webrtc,
            frames,
            sound,
            seen,
            candidates,
            offer: Mutex::default(),
            packets,
        }
    }

    /// Asks webrtcbin for something, and waits until it is done.
    fn wait(&self, name: &str, argument: &dyn ToValue) -> Option<gst::Structure> {
        let promise = gst::Promise::new();
        self.webrtc.emit_by_name_with_values(name, &[argument.to_value(), promise.to_value()]);
        assert_eq!(promise.wait(), gst::PromiseResult::Replied);
        promise.get_reply().map(|reply| reply.to_owned())
    }

    /// An offer of its own, as by WHEP: one picture in H.264, to be received.
    pub fn make_offer(&self) -> String {
        let caps = gst::Caps::builder("application/x-rtp")
            .field("media", "video")
            .field("encoding-name", "H264")
            .field("payload", 96)
            .field("clock-rate", 90_000)
            .field("packetization-mode", "1")
            .field("profile-level-id", "42e01f")
            .build();
        let direction = gst_webrtc::WebRTCRTPTransceiverDirection::Recvonly;
        self.webrtc.emit_by_name::<gst_webrtc::WebRTCRTPTransceiver>("add-transceiver", &[&direction, &caps]);
        let reply = self.wait("create-offer", &None::<gst::Structure>).unwrap();
        let offer = reply.get::<gst_webrtc::WebRTCSessionDescription>("offer").unwrap();
        self.wait("set-local-description", &offer);
        offer.sdp().to_string()
    }

    /// What was answered to that.
    pub fn take_answer(&self, answer: &str) {
        let sdp = gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).unwrap();
        let answer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, sdp);
        self.wait("set-remote-description", &answer);
    }

    /// The answer to an offer, with its candidates gathered.
    pub fn answer(&self, offer: &str) -> String {
        *self.offer.lock().unwrap() = offer.to_owned();
        let sdp = gst_sdp::SDPMessage::parse_buffer(offer.as_bytes()).unwrap();
        let offer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, sdp);
        self.wait("set-remote-description", &offer);
        let reply = self.wait("create-answer", &None::<gst::Structure>).unwrap();
        let answer = reply.get::<gst_webrtc::WebRTCSessionDescription>("answer").unwrap();
        let text = answer.sdp().to_string();
        // webrtcbin takes up no header extension by itself. With this one it tells when packets arrive.
        let extmap = format!("a=extmap:2 {TRANSPORT_SEQUENCE_URI}\r\na=mid:");
        let sdp = gst_sdp::SDPMessage::parse_buffer(text.replace("a=mid:", &extmap).as_bytes()).unwrap();
        self.wait(
            "set-local-description",
            &gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, sdp),
        );
        text
    }

    /// The labels of the data channels that are open.
    pub fn channels(&self) -> Vec<String> {
        let all = self.channels.lock().unwrap();
        let open = all.iter().filter(|each| each.ready_state() == gst_webrtc::WebRTCDataChannelState::Open);
        open.map(|each| each.label().unwrap().to_string()).collect()
    }

    /// Says something by an open data channel.
    pub fn say(&self, label: &str, text: &str) {
        let all = self.channels.lock().unwrap();
        let channel = all.iter().find(|each| each.label().unwrap() == label).unwrap();
        channel.send_string_full(Some(text)).unwrap();
    }

    /// What has come by data channels: the label and the text.
    pub fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }

    /// Asks for so many keyframes of the picture that came last (PLI, RFC 4585 section 6.3.1), past the session that
    /// would not ask so often; how many it could ask for.
    pub fn ask_for_keyframes(&self, count: usize) -> usize {
        let Some((_, _, ssrc)) = self.seen.lock().unwrap().headers.last().copied() else { return 0 };
        let encryption = |element: &gst::Element| element.factory().is_some_and(|it| it.name() == "srtpenc");
        let Some(srtp) = self.pipeline.iterate_recurse().into_iter().flatten().find(encryption) else {
            return 0;
        };
        let Some(pad) = srtp.sink_pads().into_iter().find(|pad| pad.name().starts_with("rtcp_sink")) else {
            return 0;
        };
        // A receiver report about nothing, which every compound begins with, and the request.
        let mut packet = vec![0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1];
        packet.extend(ssrc.to_be_bytes());
        let sent = |_: &usize| pad.chain(gst::Buffer::from_slice(packet.clone())).is_ok();
        (0..count).filter(sent).count()
    }

    /// Makes data channels of its own.
    pub fn make_channels(&self, count: usize) -> Vec<gst_webrtc::WebRTCDataChannel> {
        let made = |index: usize| {
            let none = None::<gst::Structure>;
            let label = format!("own{index}");
            self.webrtc.emit_by_name::<gst_webrtc::WebRTCDataChannel>("create-data-channel", &[&label, &none])
        };
        (0..count).map(made).collect()
    }

    pub fn offer_text(&self) -> String {
        self.offer.lock().unwrap().clone()
    }

    pub fn has_description(&self) -> bool {
        !self.offer.lock().unwrap().is_empty()
    }

    pub fn add_candidate(&self, mline: u32, candidate: &str) {
        self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&mline, &candidate]);
    }

    pub fn candidates(&self) -> Vec<(u32, String)> {
        self.candidates.lock().unwrap().clone()
    }

    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// How wide each picture was.
    pub fn widths(&self) -> Vec<i32> {
        self.seen.lock().unwrap().widths.clone()
    }

    /// How bright each picture was, from 0 to 255.
    pub fn brightness(&self) -> Vec<u8> {
        self.seen.lock().unwrap().brightness.clone()
    }

    /// The headers of the packets of pictures, as they went to the decoder.
    pub fn headers(&self) -> Vec<Header> {
        self.seen.lock().unwrap().headers.clone()
    }

    pub fn sound(&self) -> u64 {
        self.sound.load(Ordering::Relaxed)
    }

    /// The heads of the RTP packets that have come, in their order.
    pub fn packets(&self) -> Vec<Vec<u8>> {
        self.packets.lock().unwrap().clone()
    }

    pub fn wait_frames(&self, count: u64, limit: Duration) {
        wait_for(&self.frames, count, limit, "frames");
    }

    pub fn wait_sound(&self, count: u64, limit: Duration) {
        wait_for(&self.sound, count, limit, "sound buffers");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// Notes what comes out of the decryption: of each packet so much that the header is in it.
fn keep_packets(webrtc: &gst::Element, packets: &Arc<Mutex<Vec<Vec<u8>>>>) {
    let packets = Arc::clone(packets);
    webrtc.connect("deep-element-added", false, move |values| {
        let element = values[2].get::<gst::Element>().unwrap();
        if element.factory().is_some_and(|factory| factory.name() == "srtpdec") {
            let packets = Arc::clone(&packets);
            let pad = element.static_pad("rtp_src").unwrap();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                let map = info.buffer().unwrap().map_readable().unwrap();
                packets.lock().unwrap().push(map[..map.len().min(64)].to_vec());
                gst::PadProbeReturn::Ok
            });
        }
        None
    });
}

fn wait_for(counter: &AtomicU64, count: u64, limit: Duration, what: &str) {
    let end = Instant::now() + limit;
    while counter.load(Ordering::Relaxed) < count {
        let have = counter.load(Ordering::Relaxed);
        assert!(Instant::now() < end, "{have} {what} of {count} within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

type Counters = (Arc<AtomicU64>, Arc<AtomicU64>, Arc<Mutex<Seen>>);

fn decode(pipeline: &gst::Pipeline, pad: &gst::Pad, (frames, sound, seen): &Counters) {
    let caps = pad.current_caps().unwrap();
    let name = caps.structure(0).unwrap().get::<String>("encoding-name").unwrap();
    let (decoder, counter) = match name.as_str() {
        "H264" => ("rtph264depay ! h264parse ! avdec_h264", frames),
        "VP8" => ("rtpvp8depay ! vp8dec", frames),
        "OPUS" => ("rtpopusdepay ! opusdec", sound),
        other => panic!("unexpected codec {other}"),
    };
    let bin = gst::parse::bin_from_description(
        &format!("{decoder} ! fakesink name=end sync=false signal-handoffs=true"),
        true,
    )
    .unwrap();
    let counter = Arc::clone(counter);
    let widths = Arc::clone(seen);
    bin.by_name("end").unwrap().connect("handoff", false, move |values| {
        let caps = values[2].get::<gst::Pad>().unwrap().current_caps().unwrap();
        let side = |name| caps.structure(0).unwrap().get::<i32>(name);
        if let (Ok(width), Ok(height)) = (side("width"), side("height")) {
            let map = values[1].get::<gst::Buffer>().unwrap().into_mapped_buffer_readable().unwrap();
            let luma = map.iter().take((width * height) as usize).step_by(61).map(|each| u32::from(*each));
            let (sum, count) = luma.fold((0, 0), |(sum, count), each| (sum + each, count + 1));
            let mut seen = widths.lock().unwrap();
            seen.widths.push(width);
            seen.brightness.push((sum / count.max(1)) as u8);
        }
        counter.fetch_add(1, Ordering::Relaxed);
        None
    });
    if name != "OPUS" {
        let packets = Arc::clone(seen);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let map = info.buffer().unwrap().map_readable().unwrap();
            let word = |at: usize| u32::from_be_bytes(map[at..at + 4].try_into().unwrap());
            let header = ((word(0) & 0xffff) as u16, word(4), word(8));
            packets.lock().unwrap().headers.push(header);
            gst::PadProbeReturn::Ok
        });
    }
    pipeline.add(&bin).unwrap();
    bin.sync_state_with_parent().unwrap();
    pad.link(&bin.static_pad("sink").unwrap()).unwrap();
}
