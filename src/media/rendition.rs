//! A rendition's encoder: from a source's tap, through an encoder, to the fan-out.

use super::encoder::{EncodeSettings, Encoder};
use super::fanout::{Fanout, Feed};
use super::inlet::Inlet;
use super::pipeline::{BusMessage, Pipeline};
use super::source::Tap;
use super::{Event, Events, MediaError, RenditionId};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::sync::Arc;

/// A running encoder. Dropping it stops it, off the caller's thread.
#[derive(Debug)]
pub struct Rendition {
    tap: Arc<Tap>,
    ticket: u64,
    fanout: Arc<Fanout>,
    stream: u32,
    output: gst_app::AppSink,
    _pipeline: Pipeline,
}

impl Rendition {
    /// Starts an encoder between a tap and a fan-out. What its packets are comes as
    /// [`Event::RenditionReady`].
    ///
    /// # Errors
    /// When the description is refused or the encoder does not start.
    #[allow(clippy::too_many_arguments)]
    pub fn start(
        id: &RenditionId,
        run: u64,
        encoder: &Encoder,
        settings: &EncodeSettings,
        tap: &Arc<Tap>,
        fanout: &Arc<Fanout>,
        events: &Events,
        when_stopped: impl FnOnce() + Send + Sync + 'static,
    ) -> Result<Self, MediaError> {
        let mut built = encoder.build(settings)?;
        built.pipeline.when_stopped(when_stopped);
        let failed = {
            let (rendition, events) = (id.clone(), events.clone());
            move |detail| events.send(Event::RenditionFailed { rendition: rendition.clone(), run, detail })
        };
        built.pipeline.on_message(move |message| match message {
            BusMessage::Error { detail, .. } => failed(detail),
            BusMessage::Eos => failed("the encoder has ended".into()),
        });
        let mut feed = Feed::new(Arc::clone(fanout), run);
        let stream = feed.stream();
        built.output.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    feed.push(&sample);
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        built.pipeline.play()?;
        let ticket = tap.attach(Inlet::new(built.input, settings.format));
        Ok(Self {
            tap: Arc::clone(tap),
            ticket,
            fanout: Arc::clone(fanout),
            stream,
            output: built.output,
            _pipeline: built.pipeline,
        })
    }

    /// Has the encoder make its next frame a keyframe, and gives it one where the source is quiet.
    pub fn force_keyframe(&self) {
        let event = gst::event::CustomUpstream::new(
            gst::Structure::builder("GstForceKeyUnit")
                .field("running-time", gst::ClockTime::NONE)
                .field("all-headers", true)
                .field("count", 0u32)
                .build(),
        );
        if let Some(pad) = self.output.static_pad("sink") {
            pad.push_event(event);
        }
        self.tap.refresh(self.ticket);
    }
}

impl Drop for Rendition {
    fn drop(&mut self) {
        self.tap.detach(self.ticket);
        self.fanout.ended(self.stream);
    }
}
