//! Runs a pipeline description with `whepserversink name=server` in it, until it ends or is ended.
//! usage: whepserver ADDRESS 'videotestsrc ! ... ! whepserversink name=server signaller::host-addr=http://127.0.0.1:PORT'

use gstreamer as gst;
use gstreamer::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    gst::init()?;
    gstrswebrtc::plugin_register_static()?;
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(description)) = (arguments.next(), arguments.next()) else {
        return Err("usage: whepserver ADDRESS DESCRIPTION".into());
    };
    let pipeline = gst::parse::launch(&description)?;
    let pipeline = pipeline.downcast::<gst::Bin>().map_err(|_| "the description has one element only")?;
    let server = pipeline.by_name("server").ok_or("nothing is named server")?;
    // The one address to use; libnice would leave loopback out.
    server.connect("consumer-added", false, move |values| {
        if let Some(webrtcbin) = values.get(2).and_then(|value| value.get::<gst::Element>().ok()) {
            let agent = webrtcbin.property::<gst::Object>("ice-agent");
            agent.emit_by_name::<bool>("add-local-ip-address", &[&address]);
        }
        None
    });
    let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
    pipeline.set_state(gst::State::Playing)?;
    for message in bus.iter_timed(gst::ClockTime::NONE) {
        match message.view() {
            gst::MessageView::Error(error) => return Err(error.error().into()),
            gst::MessageView::Eos(_) => break,
            _ => {}
        }
    }
    pipeline.set_state(gst::State::Null)?;
    Ok(())
}
