//! Pipelines that are stopped off the hot path.
//!
//! Owns the one way in which the daemon's pipelines run: on the system clock, with a handler on
//! the bus, and brought to NULL on a thread of the blocking pool when dropped. Counts what is
//! being stopped, so that the daemon can wait for it, and see what does not come to an end.

use super::MediaError;
use crate::core::redact::{redact_addresses, redact_logins};
use crate::telemetry::metrics::metrics;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A pipeline that is stopped when this is dropped.
#[derive(Debug)]
pub struct Pipeline {
    kind: &'static str,
    inner: gst::Pipeline,
    before_stop: Option<Callback>,
    when_stopped: Option<Callback>,
}

struct Callback(Box<dyn FnOnce() + Send + Sync>);

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("callback")
    }
}

/// What a pipeline's bus says that matters.
#[derive(Debug, Clone)]
pub enum BusMessage {
    /// An element failed.
    Error {
        /// GStreamer's error and debug text.
        detail: String,
        /// What kind of error.
        error: glib::Error,
        /// The factory of the element that failed, if it is one.
        by: Option<String>,
    },
    /// The stream has ended.
    Eos,
}

impl Pipeline {
    /// Takes a pipeline over; `kind` says what it is. Its time is the common scale of [`super::init`] if `common_time`,
    /// otherwise it begins when it is started, as the pacing of a file needs.
    #[must_use]
    pub fn new(kind: &'static str, inner: gst::Pipeline, common_time: bool) -> Self {
        inner.use_clock(Some(&gst::SystemClock::obtain()));
        if common_time {
            inner.set_start_time(gst::ClockTime::NONE);
            inner.set_base_time(super::epoch());
        }
        Self { kind, inner, before_stop: None, when_stopped: None }
    }

    /// The pipeline itself.
    #[must_use]
    pub fn inner(&self) -> &gst::Pipeline {
        &self.inner
    }

    /// Calls `handler` from whichever thread posts a message: it must neither wait nor panic.
    pub fn on_message(&self, handler: impl Fn(BusMessage) + Send + Sync + 'static) {
        let Some(bus) = self.inner.bus() else { return };
        bus.set_sync_handler(move |_, message| {
            match message.view() {
                gst::MessageView::Error(error) => handler(BusMessage::Error {
                    detail: describe(error),
                    error: error.error(),
                    by: factory_of(error),
                }),
                gst::MessageView::Eos(_) => handler(BusMessage::Eos),
                _ => {}
            }
            gst::BusSyncReply::Drop
        });
    }

    /// Calls `callback` just before it is stopped, from the thread that stops it.
    pub fn before_stop(&mut self, callback: impl FnOnce() + Send + Sync + 'static) {
        self.before_stop = Some(Callback(Box::new(callback)));
    }

    /// Calls `callback` once it has really stopped, from a thread of the blocking pool.
    pub fn when_stopped(&mut self, callback: impl FnOnce() + Send + Sync + 'static) {
        self.when_stopped = Some(Callback(Box::new(callback)));
    }

    /// Sets it going. May take long (a device is opened): not for the daemon's loop.
    ///
    /// # Errors
    /// When an element refuses; the bus handler has the reason.
    pub fn play(&self) -> Result<(), MediaError> {
        self.inner.set_state(gst::State::Playing).map(|_| ()).map_err(MediaError::gst("starting a pipeline"))
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let pipeline = self.inner.clone();
        let (before, after) = (self.before_stop.take(), self.when_stopped.take());
        let ticket = Teardowns::begin(self.kind);
        smol::unblock(move || {
            if let Some(Callback(callback)) = before {
                callback();
            }
            stop(&pipeline);
            if let Some(bus) = pipeline.bus() {
                bus.unset_sync_handler();
            }
            // Before 1.24.1 webrtcbin keeps its threads unless it is taken out.
            for element in pipeline.children() {
                let _ = pipeline.remove(&element);
            }
            drop(pipeline);
            Teardowns::end(ticket);
            if let Some(Callback(callback)) = after {
                callback();
            }
        })
        .detach();
    }
}

/// Brings a pipeline to NULL. A bin that has failed half-way up (`uridecodebin` before an address
/// that is not there, in 1.22) refuses at first; its elements go one by one then.
fn stop(pipeline: &gst::Pipeline) {
    if pipeline.set_state(gst::State::Null).is_ok() {
        return;
    }
    for element in pipeline.iterate_recurse().into_iter().flatten() {
        let _ = element.set_state(gst::State::Null);
    }
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::warn!(%error, "a pipeline did not stop cleanly");
    }
}

fn factory_of(error: &gst::message::Error) -> Option<String> {
    let element = error.src()?.downcast_ref::<gst::Element>()?;
    Some(element.factory()?.name().to_string())
}

/// GStreamer's words, fit for the log and for viewers.
fn describe(error: &gst::message::Error) -> String {
    let words = words(error);
    let words = redact_logins(&words);
    redact_addresses(&words).into_owned()
}

fn words(error: &gst::message::Error) -> String {
    let text = error.error().to_string();
    match error.debug() {
        // The debug text begins with a file and line of GStreamer's; its last line says why.
        Some(debug) => match debug.lines().last() {
            Some(last) if !last.is_empty() && last != text => format!("{text} ({last})"),
            _ => text,
        },
        None => text,
    }
}

/// The pipelines that are being stopped.
#[derive(Debug, Default)]
struct Teardowns {
    next: u64,
    begun: BTreeMap<u64, Teardown>,
}

#[derive(Debug)]
struct Teardown {
    kind: &'static str,
    begun: Instant,
    /// Whether it was told of as late.
    told: bool,
}

impl Teardowns {
    fn lock() -> MutexGuard<'static, Self> {
        static TEARDOWNS: OnceLock<Mutex<Teardowns>> = OnceLock::new();
        TEARDOWNS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(kind: &'static str) -> u64 {
        let mut all = Self::lock();
        all.next += 1;
        let ticket = all.next;
        all.begun.insert(ticket, Teardown { kind, begun: Instant::now(), told: false });
        ticket
    }

    fn end(ticket: u64) {
        let ended = Self::lock().begun.remove(&ticket);
        if let Some(Teardown { kind, begun, told }) = ended {
            metrics().stopped(begun.elapsed().as_secs_f64());
            if told {
                tracing::info!(
                    pipeline = kind,
                    after_s = begun.elapsed().as_secs(),
                    "a late pipeline has stopped"
                );
            }
        }
    }
}

/// How many pipelines are being stopped.
#[must_use]
pub fn stopping() -> usize {
    Teardowns::lock().begun.len()
}

/// How many have stopped since the process began.
#[must_use]
pub fn stopped() -> u64 {
    let all = Teardowns::lock();
    all.next.saturating_sub(all.begun.len() as u64)
}

/// How many of those that are being stopped have taken longer than `limit`.
#[must_use]
pub fn stuck(limit: Duration) -> usize {
    Teardowns::lock().begun.values().filter(|each| each.begun.elapsed() > limit).count()
}

/// What those are that have taken longer than `limit` since this was last asked.
#[must_use]
pub fn newly_late(limit: Duration) -> Vec<&'static str> {
    let mut all = Teardowns::lock();
    let late = all.begun.values_mut().filter(|each| !each.told && each.begun.elapsed() > limit);
    late.map(|each| {
        each.told = true;
        each.kind
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_pipeline_stops_and_says_so() {
        super::super::init().unwrap();
        let inner = gst::parse::launch("audiotestsrc is-live=true ! fakesink").unwrap();
        let mut pipeline = Pipeline::new("test", inner.downcast().unwrap(), true);
        let (sender, receiver) = std::sync::mpsc::channel();
        pipeline.when_stopped(move || sender.send(()).unwrap());
        pipeline.play().unwrap();
        let inner = pipeline.inner().clone();
        drop(pipeline);
        receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(inner.current_state(), gst::State::Null);
    }

    #[test]
    fn a_pipeline_that_does_not_stop_holds_up_nobody_and_is_counted() {
        const LATE: Duration = Duration::from_secs(1);
        super::super::init().unwrap();
        let inner = gst::parse::launch("audiotestsrc is-live=true ! fakesink name=end").unwrap();
        let mut pipeline = Pipeline::new("held", inner.downcast().unwrap(), true);
        let (sender, stopped) = std::sync::mpsc::channel();
        pipeline.when_stopped(move || sender.send(()).unwrap());
        // A streaming thread that comes back when it is let go, as behind a device or in a webrtcbin that hangs.
        let (let_go, held) = std::sync::mpsc::channel::<()>();
        let (enter, inside) = std::sync::mpsc::channel();
        let held = Mutex::new((held, enter));
        let pad = pipeline.inner().by_name("end").unwrap().static_pad("sink").unwrap();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let (held, enter) = &*held.lock().unwrap();
            let _ = enter.send(());
            let _ = held.recv();
            gst::PadProbeReturn::Remove
        });
        pipeline.play().unwrap();
        inside.recv_timeout(Duration::from_secs(10)).unwrap();

        let begun = Instant::now();
        drop(pipeline);
        assert!(begun.elapsed() < Duration::from_millis(200), "who drops it does not wait");
        assert!(stopping() > 0);
        let counted = |want: bool| {
            let end = Instant::now() + Duration::from_secs(10);
            while (stuck(LATE) > 0) != want {
                assert!(Instant::now() < end, "{} are stuck", stuck(LATE));
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        counted(true);
        assert!(newly_late(LATE).contains(&"held"), "it is told ...");
        assert!(!newly_late(LATE).contains(&"held"), "... once");
        assert!(stopped.try_recv().is_err());
        // It comes to its end after all, and is counted no more.
        drop(let_go);
        stopped.recv_timeout(Duration::from_secs(10)).unwrap();
        counted(false);
    }
}
