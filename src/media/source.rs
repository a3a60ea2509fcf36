//! A source's capture: from a launch file to raw frames in a [`Tap`].
//!
//! A tap hands every raw frame to the encoders that are attached to it, and keeps the last one
//! for an encoder that comes later. It outlives the captures and encoders at its two ends: each
//! can be stopped and started without the other.

mod difference;

use super::inlet::Inlet;
use super::launch::Description;
use super::pace::Pace;
use super::pipeline::{BusMessage, Pipeline};
use super::platform::{CameraId, Device, LOOKS, ScreenWatch};
use super::{Event, Events, Fault, Format, MediaError};
use crate::core::ids::SourceName;
use crate::core::protocol::{FailureCause, MediaKind};
use crate::core::template::Values;
use crate::core::units::{FrameRate, Size};
use difference::changed_share;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Raw frames that wait for an encoder. One that is late loses the oldest.
const RAW_QUEUE: u64 = 3;
/// Sound that waits for an encoder.
const RAW_AUDIO_QUEUE: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// A picture this old is not followed by another at once.
const QUIET: Duration = Duration::from_millis(50);
/// Two pictures' times are apart by this at least: more than a tick of RTP's clock.
const APART: gst::ClockTime = gst::ClockTime::from_mseconds(1);

/// Where a capture's raw frames are handed on.
#[derive(Debug, Default)]
pub struct Tap {
    /// Held while a frame is stamped and handed on, so that times only grow. Encoders' queues take
    /// a frame at once or lose one; nobody waits here for more than a few of them.
    order: Mutex<()>,
    state: Mutex<TapState>,
    frames: AtomicU64,
}

#[derive(Debug, Default)]
struct TapState {
    encoders: Arc<Vec<(u64, Arc<Inlet>)>>,
    next: u64,
    last: Option<gst::Sample>,
    /// When the last picture was handed on.
    pushed: Option<Instant>,
    /// The time that it carries.
    time: gst::ClockTime,
    /// What holds its capture back.
    pace: Option<Arc<Pace>>,
    /// Frames of captures before this run are not handed on.
    first_run: u64,
}

impl TapState {
    /// The picture with a time of its own: `at`, or as soon after the last one as may be.
    fn stamp(&mut self, mut sample: gst::Sample, at: gst::ClockTime) -> gst::Sample {
        self.time = at.max(self.time + APART);
        if let Some(mut buffer) = sample.buffer_owned() {
            // Copies the header only; the pixels are shared.
            buffer.make_mut().set_pts(self.time);
            sample.make_mut().set_buffer(Some(&buffer));
        }
        sample
    }
}

impl Tap {
    fn lock(&self) -> MutexGuard<'_, TapState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames that have passed since the start.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Hands frames to `encoder` from now on, beginning with the last one that came.
    pub fn attach(&self, encoder: Inlet) -> u64 {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let encoder = Arc::new(encoder);
        let (ticket, last) = {
            let mut state = self.lock();
            state.next += 1;
            let ticket = state.next;
            let mut encoders = state.encoders.as_ref().clone();
            encoders.push((ticket, Arc::clone(&encoder)));
            state.encoders = Arc::new(encoders);
            // An encoder before this one may have sent it with its own time.
            let last = state.last.clone();
            (ticket, last.map(|last| state.stamp(last, super::common_now())))
        };
        if let Some(last) = last {
            encoder.push(&last);
        }
        ticket
    }

    /// Ends what [`Tap::attach`] began.
    pub fn detach(&self, ticket: u64) {
        let mut state = self.lock();
        let encoders = state.encoders.iter().filter(|(each, _)| *each != ticket).cloned().collect();
        state.encoders = Arc::new(encoders);
    }

    /// The encoder of this ticket is to make a keyframe. Where no frame is to be expected at once,
    /// it is given the last one again, as it is now.
    pub fn refresh(&self, ticket: u64) {
        // While a frame is being handed on, that is the one.
        if let Ok(_order) = self.order.try_lock() {
            let again = {
                let mut state = self.lock();
                let quiet = state.pushed.is_some_and(|pushed| pushed.elapsed() >= QUIET);
                let last = if quiet { state.last.clone() } else { None };
                last.map(|last| (state.stamp(last, super::common_now()), Arc::clone(&state.encoders)))
            };
            if let Some((sample, encoders)) = again {
                for (_, encoder) in encoders.iter().filter(|(each, _)| *each == ticket) {
                    encoder.push(&sample);
                }
            }
        }
        let pace = self.lock().pace.clone();
        if let Some(pace) = pace {
            pace.requested();
        }
    }

    /// The capture of that run, or whichever there is, has ended.
    fn clear(&self, run: Option<u64>) {
        let mut state = self.lock();
        // One that was given up may end while another runs.
        if run.is_none_or(|run| run >= state.first_run) {
            state.last = None;
            state.pushed = None;
            state.pace = None;
        }
    }

    /// Nothing that a capture before that run has taken is handed on from now on.
    fn forget_before(&self, run: u64) {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        state.first_run = run;
        state.last = None;
        state.pushed = None;
    }

    fn set_pace(&self, pace: Option<Arc<Pace>>) {
        self.lock().pace = pace;
    }

    fn push(&self, mut sample: gst::Sample, at: gst::ClockTime, media: MediaKind, run: u64) {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let encoders = {
            let mut state = self.lock();
            if run < state.first_run {
                return;
            }
            if media == MediaKind::Video {
                sample = state.stamp(sample, at);
                state.last = Some(sample.clone());
                state.pushed = Some(Instant::now());
            }
            Arc::clone(&state.encoders)
        };
        self.frames.fetch_add(1, Ordering::Relaxed);
        for (_, encoder) in encoders.iter() {
            encoder.push(&sample);
        }
    }
}

/// Both taps of a source; what it does not carry stays empty.
#[derive(Debug, Clone, Default)]
pub struct Taps {
    video: Arc<Tap>,
    audio: Arc<Tap>,
}

impl Taps {
    /// The tap of its picture or of its sound.
    #[must_use]
    pub fn of(&self, media: MediaKind) -> &Arc<Tap> {
        match media {
            MediaKind::Video => &self.video,
            MediaKind::Audio => &self.audio,
        }
    }

    /// The capture has ended: its last frames are not to be shown again.
    pub fn clear(&self) {
        self.video.clear(None);
        self.audio.clear(None);
    }

    /// The same of one run, where no later one has begun.
    fn clear_after(&self, run: u64) {
        self.video.clear(Some(run));
        self.audio.clear(Some(run));
    }

    /// Nothing that a capture before that run has taken is handed on from now on, not even if its
    /// device is slow to stop.
    pub fn forget_before(&self, run: u64) {
        self.video.forget_before(run);
        self.audio.forget_before(run);
    }

    /// Frames that have passed through either.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.video.frames() + self.audio.frames()
    }
}

/// What a capture is started with.
#[derive(Debug, Clone)]
pub struct CapturePlan {
    /// The launch file.
    pub description: Description,
    /// Its values.
    pub values: Values,
    /// The appsinks it has to have.
    pub media: Vec<MediaKind>,
    /// Its frames are stamped when they are captured (a device); otherwise they are paced by the
    /// pipeline's own running time (a file).
    pub live: bool,
    /// How long a network source waits for late packets.
    pub network_latency: Option<Duration>,
    /// What it is captured from, where that is to be asked when something is wrong.
    pub device: Option<Device>,
}

impl CapturePlan {
    /// The frames a second that a capture is held back to which would rather look when something
    /// changes.
    fn budget(&self) -> Option<FrameRate> {
        match &self.device {
            Some(Device::Screen(watched)) if self.description.has_placeholder(LOOKS) => {
                Some(watched.screen.framerate)
            }
            _ => None,
        }
    }
}

/// A running capture. Dropping it stops it, off the caller's thread.
#[derive(Debug)]
pub struct Capture {
    _pipeline: Pipeline,
    _watch: Option<ScreenWatch>,
    camera: Option<CameraId>,
}

impl Capture {
    /// Starts a capture. Opens devices: not for the daemon's loop.
    ///
    /// # Errors
    /// When the description is refused or the pipeline does not start. A fault that GStreamer
    /// reports by itself comes as [`Event::CaptureFailed`] as well.
    pub fn start(
        source: &SourceName,
        run: u64,
        plan: &CapturePlan,
        taps: &Taps,
        events: &Events,
        when_stopped: impl FnOnce() + Send + Sync + 'static,
    ) -> Result<Self, Fault> {
        let inner = plan.description.parse(&plan.values)?;
        set_network_latency(&inner, plan.network_latency);
        keep_sizes_even(&inner);
        let mut pipeline = Pipeline::new("capture", inner, plan.live);
        let pace = plan.budget().map(|budget| Arc::new(Pace::new(budget)));
        taps.video.set_pace(pace.clone());
        if let Some(pace) = pace.clone() {
            pipeline.before_stop(move || pace.end());
        }
        let ended = taps.clone();
        pipeline.when_stopped(move || {
            // A frame that was kept would keep its device open.
            ended.clear_after(run);
            when_stopped();
        });
        // The first fault that the bus tells of: what a failing start has to say for itself.
        let first = Arc::new(OnceLock::new());
        let failed = {
            let (source, events, first) = (source.clone(), events.clone(), Arc::clone(&first));
            let device = plan.device.clone();
            move |cause, detail| {
                let known = device.as_ref().and_then(Device::diagnose);
                let fault = known.map_or(Fault { cause, detail }, Fault::from);
                let _ = first.set(fault.clone());
                events.send(Event::CaptureFailed { source: source.clone(), run, fault });
            }
        };
        pipeline.on_message(move |message| match message {
            BusMessage::Error { detail, error, .. } => failed(cause_of(&error), detail),
            BusMessage::Eos => failed(FailureCause::Lost, "the stream has ended".into()),
        });
        for media in &plan.media {
            let name = match media {
                MediaKind::Video => "video",
                MediaKind::Audio => "audio",
            };
            let sink: gst_app::AppSink = plan.description.element(pipeline.inner(), name, "appsink")?;
            let pace = if *media == MediaKind::Video { pace.clone() } else { None };
            connect(&sink, (*media, run), taps.of(*media), pipeline.inner(), pace, {
                let (source, events) = (source.clone(), events.clone());
                move |format| events.send(Event::CaptureFormat { source: source.clone(), run, format })
            });
        }
        pipeline.play().map_err(|error| first.get().cloned().unwrap_or_else(|| error.into()))?;
        let watch = plan.device.as_ref().map(|device| {
            let (source, events) = (source.clone(), events.clone());
            device.watch(pace, move |change| {
                events.send(Event::CaptureFailed { source, run, fault: change.into() });
            })
        });
        let camera = match &plan.device {
            Some(Device::Camera { id, .. }) => Some(id.clone()),
            Some(Device::Screen(_)) | None => None,
        };
        Ok(Self { _pipeline: pipeline, _watch: watch.transpose()?.flatten(), camera })
    }

    /// The camera that it is captured from, if it is one.
    #[must_use]
    pub fn camera(&self) -> Option<&CameraId> {
        self.camera.as_ref()
    }
}

/// Checks a description without starting it: it parses and has its appsinks.
///
/// # Errors
/// As [`Description::parse`] and [`Description::element`].
pub fn check(plan: &CapturePlan) -> Result<(), MediaError> {
    let pipeline = plan.description.parse(&plan.values)?;
    for media in &plan.media {
        let name = if *media == MediaKind::Video { "video" } else { "audio" };
        plan.description.element::<gst_app::AppSink>(&pipeline, name, "appsink")?;
    }
    Ok(())
}

fn connect(
    sink: &gst_app::AppSink,
    (media, run): (MediaKind, u64),
    tap: &Arc<Tap>,
    pipeline: &gst::Pipeline,
    pace: Option<Arc<Pace>>,
    on_format: impl Fn(Format) + Send + 'static,
) {
    sink.set_property("sync", false);
    sink.set_property("async", false);
    sink.set_property("enable-last-sample", false);
    sink.set_max_buffers(2);
    sink.set_drop(true);
    let mut intake = Intake {
        tap: Arc::clone(tap),
        media,
        run,
        pipeline: pipeline.downgrade(),
        pace: pace.clone(),
        caps: None,
        sent: None,
    };
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                if let Some(format) = intake.take(&sample) {
                    on_format(format);
                }
                // Nothing of the frame is kept from being used again meanwhile.
                drop(sample);
                if let Some(pace) = &pace {
                    pace.wait();
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
}

/// From a capture's appsink to its tap.
struct Intake {
    tap: Arc<Tap>,
    media: MediaKind,
    /// Of the capture.
    run: u64,
    pipeline: glib::WeakRef<gst::Pipeline>,
    pace: Option<Arc<Pace>>,
    /// The frames' caps as they come and as they are handed on.
    caps: Option<(gst::Caps, gst::Caps)>,
    /// With a pace: what was handed on last.
    sent: Option<gst::Buffer>,
}

impl Intake {
    /// Hands a frame on where it is worth that. Says its format where that is new.
    fn take(&mut self, sample: &gst::Sample) -> Option<Format> {
        let (caps, mut buffer) = (sample.caps_owned()?, sample.buffer_owned()?);
        let known = self.caps.as_ref().filter(|(from, _)| *from == caps).map(|(_, to)| to.clone());
        let new = known.is_none();
        let outward = known.unwrap_or_else(|| self.outward(&caps));
        if new {
            self.caps = Some((caps, outward.clone()));
            self.sent = None;
        }
        let format = format_of(&outward, self.media);
        // A description of a user's own may give no times.
        let time =
            common_time(sample, &buffer, self.pipeline.upgrade().as_ref()).unwrap_or_else(super::common_now);
        if let Some(pace) = &self.pace {
            let share = self.sent.as_ref().map_or(1.0, |sent| changed_share(sent, &buffer, format));
            if !pace.seen(share) {
                return None;
            }
            self.sent = Some(buffer.clone());
        }
        // Copies the header only; the pixels are shared.
        let header = buffer.make_mut();
        header.set_pts(time);
        header.set_dts(gst::ClockTime::NONE);
        if let Some(pace) = &self.pace {
            let length = u64::try_from(pace.interval().as_nanos()).unwrap_or(u64::MAX);
            header.set_duration(gst::ClockTime::from_nseconds(length));
        }
        let sample = gst::Sample::builder().buffer(&buffer).caps(&outward).build();
        self.tap.push(sample, time, self.media, self.run);
        if new { format } else { None }
    }

    /// A source that is held back announces a rate that it never takes: encoders are to reckon with
    /// the budget.
    fn outward(&self, caps: &gst::Caps) -> gst::Caps {
        let mut caps = caps.clone();
        if let Some(pace) = &self.pace {
            let FrameRate { numerator, denominator } = pace.budget();
            if let (Ok(numerator), Ok(denominator)) = (numerator.try_into(), denominator.try_into()) {
                caps.make_mut().set("framerate", gst::Fraction::new(numerator, denominator));
            }
        }
        caps
    }
}

/// A frame's time on the common scale.
fn common_time(
    sample: &gst::Sample,
    buffer: &gst::Buffer,
    pipeline: Option<&gst::Pipeline>,
) -> Option<gst::ClockTime> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let running = segment.to_running_time(buffer.pts()?)?;
    let base = pipeline?.base_time()?;
    Some((running + base).saturating_sub(super::epoch()))
}

fn format_of(caps: &gst::Caps, media: MediaKind) -> Option<Format> {
    if media == MediaKind::Audio {
        return Some(Format::Audio);
    }
    let structure = caps.structure(0)?;
    let size = Size {
        width: u32::try_from(structure.get::<i32>("width").ok()?).ok()?,
        height: u32::try_from(structure.get::<i32>("height").ok()?).ok()?,
    };
    let framerate = structure
        .get::<gst::Fraction>("framerate")
        .ok()
        .and_then(|rate| {
            let numerator = u32::try_from(rate.numer()).ok().filter(|n| *n > 0)?;
            Some(FrameRate { numerator, denominator: u32::try_from(rate.denom()).ok()? })
        })
        .unwrap_or(FrameRate::whole(30));
    Some(Format::Video { size, framerate })
}

/// Makes an encoder's appsrc take frames from a tap.
pub(crate) fn configure_input(input: &gst_app::AppSrc, media: MediaKind) {
    input.set_format(gst::Format::Time);
    input.set_is_live(true);
    input.set_do_timestamp(false);
    input.set_property("block", false);
    input.set_max_bytes(0);
    match media {
        MediaKind::Video => input.set_max_buffers(RAW_QUEUE),
        MediaKind::Audio => {
            input.set_max_buffers(0);
            input.set_max_time(RAW_AUDIO_QUEUE);
        }
    }
    input.set_leaky_type(gst_app::AppLeakyType::Downstream);
}

/// A network source inside `uridecodebin` (`rtspsrc`) is made as the pipeline starts.
fn set_network_latency(pipeline: &gst::Pipeline, latency: Option<Duration>) {
    let (Some(latency), Some(source)) = (latency, pipeline.by_name("source")) else { return };
    if glib::subclass::SignalId::lookup("source-setup", source.type_()).is_none() {
        return;
    }
    let milliseconds = u32::try_from(latency.as_millis()).unwrap_or(u32::MAX);
    source.connect("source-setup", false, move |values| {
        let element = values.get(1).and_then(|value| value.get::<gst::Element>().ok())?;
        if element.has_property_with_type("latency", u32::static_type()) {
            element.set_property("latency", milliseconds);
        }
        None
    });
}

/// The codecs halve the colour's size, so an odd last column or row is cut off: it is not scaled
/// away, which would blur text. `even` is the videocrop that does it.
fn keep_sizes_even(pipeline: &gst::Pipeline) {
    let Some(even) = pipeline.by_name("even") else { return };
    let Some(pad) = even.static_pad("sink") else { return };
    let even = even.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view())
            && let Some(structure) = caps.caps().structure(0)
            && let Some(even) = even.upgrade()
        {
            for (field, property) in [("width", "right"), ("height", "bottom")] {
                if let Ok(length) = structure.get::<i32>(field) {
                    even.set_property(property, length % 2);
                }
            }
        }
        gst::PadProbeReturn::Ok
    });
}

fn cause_of(error: &glib::Error) -> FailureCause {
    match error.kind::<gst::ResourceError>() {
        Some(gst::ResourceError::NotFound) => FailureCause::NotFound,
        Some(gst::ResourceError::Busy) => FailureCause::Busy,
        Some(gst::ResourceError::NotAuthorized) => FailureCause::Permission,
        Some(
            gst::ResourceError::OpenRead | gst::ResourceError::OpenReadWrite | gst::ResourceError::OpenWrite,
        ) => FailureCause::NotFound,
        Some(gst::ResourceError::Read | gst::ResourceError::Close) => FailureCause::Lost,
        _ => FailureCause::Other,
    }
}
