//! Watches one WHEP address with GStreamer's `whepsrc` until pictures and sound have been decoded.
//!
//! usage: whepsrc-player URL PICTURES SOUNDS
//! Prints `pictures=N sounds=N` when there are as many of both; fails after 30 s without.

use gst::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Seen {
    pictures: AtomicU64,
    sounds: AtomicU64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, pictures, sounds] = &arguments[..] else { panic!("usage: URL PICTURES SOUNDS") };
    let wanted = (pictures.parse::<u64>().unwrap(), sounds.parse::<u64>().unwrap());
    gst::init().unwrap();
    gstwebrtchttp::plugin_register_static().unwrap();

    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("whepsrc").property("whep-endpoint", url).build().unwrap();
    pipeline.add(&source).unwrap();
    // libnice passes loopback over, and the tests stay on it.
    for inside in source.downcast_ref::<gst::Bin>().unwrap().children() {
        if inside.factory().is_some_and(|factory| factory.name() == "webrtcbin") {
            let agent = inside.property::<gst::Object>("ice-agent");
            assert!(agent.emit_by_name::<bool>("add-local-ip-address", &[&"127.0.0.1"]));
        }
    }
    let seen = Arc::new(Seen::default());
    let (weak, counts) = (pipeline.downgrade(), seen.clone());
    source.connect_pad_added(move |_, pad| {
        if let Some(pipeline) = weak.upgrade() {
            decode(&pipeline, pad, &counts);
        }
    });
    pipeline.set_state(gst::State::Playing).unwrap();

    let bus = pipeline.bus().unwrap();
    let end = Instant::now() + LIMIT;
    loop {
        let (pictures, sounds) = (seen.pictures.load(Ordering::Relaxed), seen.sounds.load(Ordering::Relaxed));
        if pictures >= wanted.0 && sounds >= wanted.1 {
            println!("pictures={pictures} sounds={sounds}");
            break;
        }
        assert!(Instant::now() < end, "only pictures={pictures} sounds={sounds} within {LIMIT:?}");
        let message = bus.timed_pop(gst::ClockTime::from_mseconds(50));
        if let Some(gst::MessageView::Error(error)) = message.as_ref().map(|message| message.view()) {
            panic!("{}: {:?}", error.error(), error.debug());
        }
    }
    // Which has it send the DELETE.
    pipeline.set_state(gst::State::Null).unwrap();
}

fn decode(pipeline: &gst::Pipeline, pad: &gst::Pad, seen: &Arc<Seen>) {
    let sink = gst::parse::bin_from_description(
        "decodebin name=decoder ! fakesink name=end sync=false signal-handoffs=true",
        false,
    );
    let bin = match sink {
        Ok(bin) => bin,
        Err(error) => panic!("{error}"),
    };
    let decoder = bin.by_name("decoder").unwrap();
    let ghost = gst::GhostPad::with_target(&decoder.static_pad("sink").unwrap()).unwrap();
    bin.add_pad(&ghost).unwrap();
    let seen = seen.clone();
    bin.by_name("end").unwrap().connect("handoff", false, move |values| {
        let pad = values.get(2).and_then(|value| value.get::<gst::Pad>().ok())?;
        let caps = pad.current_caps()?;
        let count = match caps.structure(0)?.name().as_str() {
            "video/x-raw" => &seen.pictures,
            _ => &seen.sounds,
        };
        count.fetch_add(1, Ordering::Relaxed);
        None
    });
    pipeline.add(&bin).unwrap();
    bin.sync_state_with_parent().unwrap();
    pad.link(&ghost).unwrap();
}
