//! What takes time and must not hold up the daemon's loop: devices that open, encoders that start.
//!
//! A job runs on a thread of the blocking pool and reports by [`Done`].

use crate::config::Source;
use crate::core::ids::SourceName;
use crate::core::units::Size;
use crate::media::encoder::{EncodeSettings, Encoder};
use crate::media::fanout::Fanout;
use crate::media::launch::LaunchFiles;
use crate::media::pictures::{Ends, PictureEncoder, PictureId};
use crate::media::platform::CameraId;
use crate::media::rendition::Rendition;
use crate::media::source::{Capture, Tap, Taps};
use crate::media::{Events, Fault, MediaError, RenditionId, plan};
use async_channel::Sender;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A job's end.
#[derive(Debug)]
pub(super) enum Done {
    /// A capture runs, or does not.
    CaptureStarted { source: SourceName, run: u64, result: Result<Capture, Fault> },
    /// Whether the device of a capture is there and free, as far as that can be told.
    Looked { source: SourceName, run: u64, there: Option<bool> },
    /// A capture has really stopped: its device is free.
    CaptureStopped { source: SourceName, run: u64 },
    /// An encoder runs, or does not.
    RenditionStarted { rendition: RenditionId, run: u64, result: Result<Rendition, MediaError> },
    /// An encoder has really stopped.
    RenditionStopped { rendition: RenditionId, run: u64 },
    /// An encoder of pictures runs, or does not.
    PicturesStarted { picture: PictureId, run: u64, result: Result<PictureEncoder, MediaError> },
    /// An encoder of pictures has really stopped.
    PicturesStopped { picture: PictureId, run: u64 },
}

/// Starts jobs; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Jobs {
    done: Sender<Done>,
    running: Arc<Mutex<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

impl Jobs {
    pub(super) fn new(done: Sender<Done>) -> Self {
        Self { done, running: Arc::default() }
    }

    /// How long the oldest job has been running.
    pub(super) fn oldest_start(&self) -> Duration {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.since.values().next().map_or(Duration::ZERO, Instant::elapsed)
    }

    fn spawn(&self, job: impl FnOnce() -> Done + Send + 'static) {
        let ticket = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.next += 1;
            let ticket = running.next;
            running.since.insert(ticket, Instant::now());
            ticket
        };
        let this = self.clone();
        smol::unblock(move || {
            let done = job();
            this.running.lock().unwrap_or_else(PoisonError::into_inner).since.remove(&ticket);
            this.report(done);
        })
        .detach();
    }

    /// From a thread of the blocking pool: waits while the loop is busy. The loop has ended when
    /// the channel is closed; nobody needs the report then.
    fn report(&self, done: Done) {
        let _ = self.done.send_blocking(done);
    }

    /// Looks whether what has failed could be started. Not counted among the starts: nothing waits for
    /// it but the next look.
    pub(super) fn look(&self, source: Source, known: Option<CameraId>, run: u64) {
        let this = self.clone();
        smol::unblock(move || {
            let there = plan::is_there(&source, known.as_ref());
            this.report(Done::Looked { source: source.name, run, there });
        })
        .detach();
    }

    /// `still`: a picture of that size in place of the source. `known`: the camera that it was before.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn start_capture(
        &self,
        source: Source,
        still: Option<Size>,
        known: Option<CameraId>,
        run: u64,
        files: LaunchFiles,
        taps: Taps,
        events: Events,
    ) {
        let this = self.clone();
        self.spawn(move || {
            let name = source.name.clone();
            let stopped = (this, name.clone());
            let plan = match still {
                None => plan::capture(&source, &files, known.as_ref()),
                Some(size) => plan::still(&source, size, &files),
            };
            let result = plan.and_then(|plan| {
                Capture::start(&name, run, &plan, &taps, &events, move || {
                    let (this, source) = stopped;
                    this.report(Done::CaptureStopped { source, run });
                })
            });
            Done::CaptureStarted { source: name, run, result }
        });
    }

    pub(super) fn start_pictures(
        &self,
        picture: PictureId,
        run: u64,
        files: LaunchFiles,
        ends: Ends,
        events: Events,
    ) {
        let this = self.clone();
        self.spawn(move || {
            let stopped = (this, picture.clone());
            let when_stopped = move || {
                let (this, picture) = stopped;
                this.report(Done::PicturesStopped { picture, run });
            };
            let result = PictureEncoder::start(&picture, run, &files, ends, &events, when_stopped);
            Done::PicturesStarted { picture, run, result }
        });
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn start_rendition(
        &self,
        rendition: RenditionId,
        run: u64,
        encoder: Encoder,
        settings: EncodeSettings,
        tap: Arc<Tap>,
        fanout: Arc<Fanout>,
        events: Events,
    ) {
        let this = self.clone();
        self.spawn(move || {
            let stopped = (this, rendition.clone());
            let when_stopped = move || {
                let (this, rendition) = stopped;
                this.report(Done::RenditionStopped { rendition, run });
            };
            let result =
                Rendition::start(&rendition, run, &encoder, &settings, &tap, &fanout, &events, when_stopped);
            Done::RenditionStarted { rendition, run, result }
        });
    }
}
