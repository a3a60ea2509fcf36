//! webrtcbin's insides made shorter: buffer lists kept whole, and received packets handled where
//! they arrive.

use gstreamer as gst;
use gstreamer::prelude::*;

/// `webrtcbin` has a queue with a thread of its own behind each socket, for media that decoders hold
/// up. Nothing but RTCP and DTLS arrives here: that thread is a wake-up for each packet and nothing
/// else. The queue arrives linked, before any data.
pub(super) fn receive_directly(webrtc: &gst::Element) {
    webrtc.connect("deep-element-added", false, |values| {
        let bin = values.get(1).and_then(|value| value.get::<gst::Bin>().ok())?;
        let element = values.get(2).and_then(|value| value.get::<gst::Element>().ok())?;
        let is_queue = element.factory().is_some_and(|factory| factory.name() == "queue");
        if is_queue
            && bin.type_().name() == "TransportReceiveBin"
            && let Err(message) = pass_by(&element)
        {
            tracing::debug!(message, "the receive queue stays in");
        }
        None
    });
}

fn pass_by(queue: &gst::Element) -> Result<(), &'static str> {
    let (sink, src) = (queue.static_pad("sink").ok_or("no sink")?, queue.static_pad("src").ok_or("no src")?);
    // Elsewhere (1.18) it is the last before a ghost pad, and stays.
    let before = sink.peer().ok_or("nothing before it")?;
    let behind = src.peer().filter(|pad| pad.parent_element().is_some()).ok_or("nothing behind it")?;
    if behind.parent_element().and_then(|element| element.factory()).is_none_or(|f| f.name() != "dtlssrtpdec")
    {
        return Err("something else behind it");
    }
    before.unlink(&sink).map_err(|_| "it stays linked")?;
    src.unlink(&behind).map_err(|_| "it stays linked")?;
    before.link(&behind).map_err(|_| "its neighbours do not link")?;
    // It stays in its bin, which sets its properties later on, but has no pads active and no thread.
    queue.set_locked_state(true);
    queue.set_state(gst::State::Null).map_err(|_| "it does not stop")?;
    Ok(())
}

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
