//! JPEG pictures of a source in one size: from its tap through an encoder to a slot for the newest.
//!
//! Encoded once for all who take it. Nobody is handed a picture: each takes the newest when it can.

use super::inlet::{self, Inlet};
use super::launch::LaunchFiles;
use super::pipeline::{BusMessage, Pipeline};
use super::source::{Tap, configure_input};
use super::{Event, Events, Format, MediaError, wall_time};
use crate::core::ids::SourceName;
use crate::core::protocol::MediaKind;
use crate::core::template::{Value, Values};
use crate::core::units::{FrameRate, Size};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The launch file.
const FILE: &str = "jpegenc.launch";
/// Pictures a second at most.
const RATE: FrameRate = FrameRate::whole(15);

/// One picture.
#[derive(Debug)]
pub struct Picture {
    /// The JPEG.
    pub jpeg: Vec<u8>,
    /// When it was captured, since 1970-01-01 UTC.
    pub time: Duration,
    /// Another one for each picture of the process.
    pub serial: u64,
}

/// Where the newest picture is.
#[derive(Debug, Default)]
pub struct Slot {
    newest: Mutex<Option<Arc<Picture>>>,
    count: AtomicU64,
    /// The daemon has been told and has not looked yet.
    told: AtomicBool,
}

impl Slot {
    /// The newest picture.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<Picture>> {
        self.told.store(false, Ordering::Release);
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// True: the daemon is to be told.
    fn put(&self, jpeg: Vec<u8>, time: Duration) -> bool {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let picture = Arc::new(Picture { jpeg, time, serial });
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture);
        self.count.fetch_add(1, Ordering::Relaxed);
        !self.told.swap(true, Ordering::AcqRel)
    }
}

/// Which pictures: of what source, and how wide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PictureId {
    /// Whose.
    pub source: SourceName,
    /// In pixels.
    pub width: u32,
}

impl std::fmt::Display for PictureId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/JPEG/{}", self.source, self.width)
    }
}

/// A running encoder. Dropping it stops it, off the caller's thread.
#[derive(Debug)]
pub struct PictureEncoder {
    tap: Arc<Tap>,
    ticket: u64,
    _pipeline: Pipeline,
}

/// What an encoder is put between.
#[derive(Debug, Clone)]
pub struct Ends {
    /// Where the frames come from.
    pub tap: Arc<Tap>,
    /// Their size.
    pub captured: Size,
    /// The size of the pictures.
    pub size: Size,
    /// Where they go.
    pub slot: Arc<Slot>,
}

impl PictureEncoder {
    /// Starts an encoder. Each picture is told by [`Event::Picture`], until the slot is looked at.
    ///
    /// # Errors
    /// When the description is refused or the encoder does not start.
    pub fn start(
        id: &PictureId,
        run: u64,
        files: &LaunchFiles,
        ends: Ends,
        events: &Events,
        when_stopped: impl FnOnce() + Send + Sync + 'static,
    ) -> Result<Self, MediaError> {
        let Ends { tap, captured, size, slot } = ends;
        let description = files.load(FILE)?;
        let side = |length: u32| Value::Int(i64::from(length));
        let inner =
            description.parse(&Values::from([("width", side(size.width)), ("height", side(size.height))]))?;
        let input: gst_app::AppSrc = description.element(&inner, "in", "appsrc")?;
        let output: gst_app::AppSink = description.element(&inner, "out", "appsink")?;
        configure_input(&input, MediaKind::Video);
        if captured != size {
            inlet::scale_behind(&input, &inner, (captured, size))?;
        }
        output.set_property("sync", false);
        output.set_property("async", false);
        output.set_property("enable-last-sample", false);
        let mut pipeline = Pipeline::new("pictures", inner, true);
        pipeline.when_stopped(when_stopped);
        let failed = {
            let (picture, events) = (id.clone(), events.clone());
            move |detail| events.send(Event::PictureFailed { picture: picture.clone(), run, detail })
        };
        pipeline.on_message(move |message| match message {
            BusMessage::Error { detail, .. } => failed(detail),
            BusMessage::Eos => failed("the encoder has ended".into()),
        });
        let (picture, events) = (id.clone(), events.clone());
        output.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    if let Some((jpeg, time)) = taken(&sample)
                        && slot.put(jpeg, time)
                    {
                        events.send(Event::Picture { picture: picture.clone(), run });
                    }
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        pipeline.play()?;
        let ticket = tap.attach(Inlet::new(input, Format::Video { size, framerate: RATE }));
        Ok(Self { tap, ticket, _pipeline: pipeline })
    }

    /// Frames are left out where they are too many, and the last before a rest may be among them: it is
    /// given again where none is to be expected.
    pub fn refresh(&self) {
        self.tap.refresh(self.ticket);
    }
}

impl Drop for PictureEncoder {
    fn drop(&mut self) {
        self.tap.detach(self.ticket);
    }
}

fn taken(sample: &gst::Sample) -> Option<(Vec<u8>, Duration)> {
    let buffer = sample.buffer()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let running = segment.to_running_time(buffer.pts()?)?;
    let map = buffer.map_readable().ok()?;
    Some((map.to_vec(), wall_time(Duration::from_nanos(running.nseconds()))))
}
