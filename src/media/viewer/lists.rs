//! Buffer lists kept whole inside webrtcbin.

use gstreamer as gst;
use gstreamer::prelude::*;

/// `rtpulpfecenc` and `rtpredenc`, which `webrtcbin` puts in even with no FEC asked for, push
/// packets one by one, and everything behind them then runs once a packet. A `tee` in their
/// place keeps buffer lists whole down to the socket. They arrive linked inside a bin with two
/// ghost pads, before any data.
pub(super) fn keep_whole(webrtc: &gst::Element) {
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
