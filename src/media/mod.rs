//! Capture, encoders, the fan-out and the viewers' pipelines: the only place that knows GStreamer.
//!
//! Everything here reports by [`Event`] and never decides: what follows from an event is the
//! daemon's to say. Streaming threads never wait for the daemon.
//!
//! Time: every pipeline runs on the system's monotonic clock, and every buffer that passes
//! between pipelines carries its time on one common scale, the running time since [`init`].

mod address;
mod certificate;
pub mod devices;
pub mod elements;
pub mod encoder;
pub mod error;
pub mod fanout;
pub mod ice;
pub mod inlet;
pub mod launch;
pub mod logging;
pub mod pace;
pub mod pictures;
pub mod pipeline;
pub mod plan;
pub mod platform;
pub mod rendition;
pub mod source;
pub mod srtp;
pub mod viewer;

pub use error::MediaError;

use crate::core::ids::{SourceName, ViewerId};
use crate::core::protocol::{Codec, FailureCause, MediaKind};
use crate::core::units::{FrameRate, Size};
use crate::telemetry::metrics::metrics;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// What a capture delivers: the format of its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pictures.
    Video {
        /// In pixels.
        size: Size,
        /// As announced; 30/1 where the capture announces none.
        framerate: FrameRate,
    },
    /// Sound.
    Audio,
}

/// One encode of one source's picture or sound.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenditionId {
    /// Whose.
    pub source: SourceName,
    /// In what codec; it says whether picture or sound.
    pub codec: Codec,
    /// Which step of the source's ladder; 0 is the best. Sound has one.
    pub rung: Rung,
}

/// A step of a source's ladder of renditions, counted from the best.
pub type Rung = u8;

impl RenditionId {
    /// Picture or sound.
    #[must_use]
    pub fn media(&self) -> MediaKind {
        match self.codec {
            Codec::H264 | Codec::Vp8 => MediaKind::Video,
            Codec::Opus => MediaKind::Audio,
        }
    }
}

/// A codec as the metrics have it.
#[must_use]
pub fn codec_word(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "h264",
        Codec::Vp8 => "vp8",
        Codec::Opus => "opus",
    }
}

impl std::fmt::Display for RenditionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{:?}/{}", self.source, self.codec, self.rung)
    }
}

/// Why a source is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub cause: FailureCause,
    /// In words.
    pub detail: String,
}

impl From<MediaError> for Fault {
    fn from(error: MediaError) -> Self {
        Self { cause: FailureCause::Other, detail: error.to_string() }
    }
}

/// What has happened in the media. `run` is the number under which the thing was started.
#[derive(Debug)]
pub enum Event {
    /// A capture's frames have a format, for the first time or a new one.
    CaptureFormat {
        /// Whose.
        source: SourceName,
        /// Which run.
        run: u64,
        /// The format.
        format: Format,
    },
    /// A capture cannot go on.
    CaptureFailed {
        /// Whose.
        source: SourceName,
        /// Which run.
        run: u64,
        /// Why.
        fault: Fault,
    },
    /// A rendition's encoder gives packets.
    RenditionReady {
        /// Which.
        rendition: RenditionId,
        /// Which run.
        run: u64,
        /// H.264: the `profile-level-id` of the stream (RFC 6184 section 8.1).
        profile_level_id: Option<String>,
    },
    /// A rendition's encoder cannot go on.
    RenditionFailed {
        /// Which.
        rendition: RenditionId,
        /// Which run.
        run: u64,
        /// In GStreamer's words.
        detail: String,
    },
    /// A viewer needs a keyframe: it has joined, has lost packets, or its queue has drained.
    KeyframeWanted {
        /// Of what.
        rendition: RenditionId,
    },
    /// A keyframe has gone out to the viewers.
    KeyframeSent {
        /// Of what.
        rendition: RenditionId,
        /// When.
        at: Instant,
    },
    /// There is a picture where there was none, or none that was not looked at.
    Picture {
        /// Which.
        picture: pictures::PictureId,
        /// Which run.
        run: u64,
    },
    /// An encoder of pictures cannot go on.
    PictureFailed {
        /// Which.
        picture: pictures::PictureId,
        /// Which run.
        run: u64,
        /// In GStreamer's words.
        detail: String,
    },
    /// Something about a viewer's peer connection.
    Viewer {
        /// Whose.
        viewer: ViewerId,
        /// Which of its connections: that of [`Events::of_run`].
        run: u64,
        /// What.
        event: viewer::ViewerEvent,
    },
}

/// The way of events to the daemon. Bounded; a streaming thread that finds it full drops the
/// event and says so in the log, which cannot happen while the daemon's loop is alive.
#[derive(Debug, Clone)]
pub struct Events {
    sender: async_channel::Sender<Event>,
    run: u64,
}

impl Events {
    /// Around a sender.
    #[must_use]
    pub fn new(sender: async_channel::Sender<Event>) -> Self {
        Self { sender, run: 0 }
    }

    /// The same way, for one peer connection: what it tells of itself bears this number, so that it is
    /// known from what an earlier one of the same viewer still tells.
    #[must_use]
    pub fn of_run(&self, run: u64) -> Self {
        Self { run, ..self.clone() }
    }

    /// Tells something about a viewer's peer connection; never waits.
    pub fn tell(&self, viewer: ViewerId, event: viewer::ViewerEvent) {
        self.send(Event::Viewer { viewer, run: self.run, event });
    }

    /// Never waits.
    pub fn send(&self, event: Event) {
        if let Err(async_channel::TrySendError::Full(_)) = self.sender.try_send(event) {
            metrics().events_lost.inc();
            // Not shown: an event may hold addresses.
            tracing::error!("the daemon does not take events; one is lost");
        }
    }
}

static EPOCH: OnceLock<gst::ClockTime> = OnceLock::new();

/// Starts GStreamer for this process and fixes the common time scale. May be called again.
///
/// # Errors
/// [`MediaError::Init`] when GStreamer cannot start.
pub fn init() -> Result<(), MediaError> {
    gst::init().map_err(|error| MediaError::Init(error.to_string()))?;
    platform::guard_process();
    epoch();
    Ok(())
}

/// The clock time at which the common running time is 0.
pub(crate) fn epoch() -> gst::ClockTime {
    *EPOCH.get_or_init(|| gst::SystemClock::obtain().time())
}

/// The common running time now.
pub(crate) fn common_now() -> gst::ClockTime {
    gst::SystemClock::obtain().time().saturating_sub(epoch())
}

/// The same, as a time of the standard library's.
pub(crate) fn common_time() -> Duration {
    Duration::from_nanos(common_now().nseconds())
}

/// The time of day at a common running time that is not long past, since 1970-01-01 UTC.
pub(crate) fn wall_time(running: Duration) -> Duration {
    let ago = common_time().saturating_sub(running);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(ago)
}
