//! One viewer's share of a source's picture or sound: which frames it gets, and its copy of each.

use super::super::viewer::{Departure, Link, TrackSpec, ViewerEvent};
use super::super::{Event, Events, MediaError, RenditionId, Rung, common_now, common_time};
use super::frame::Frame;
use super::recent::Start;
use super::switch::{Admission, Switch};
use crate::core::ids::ViewerId;
use crate::core::protocol::MediaKind;
use crate::core::rtp::{Decision, Extensions, FrameInfo, Rewriter, Track};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A viewer's requests for keyframes that are nearer together are one.
const ASK_EVERY_MS: u64 = 100;

/// What became of a frame for a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Sent,
    /// It does not fit its link or its queue, or is of no use without a keyframe before it.
    Dropped,
    /// It was there before, or is of another rung than the viewer is on.
    NotForIt,
}

/// One track of one viewer: where its packets go and how they are rewritten. Its frames come from
/// one rendition of its source, and while it goes over to another one, from both.
#[derive(Debug)]
pub struct Subscription {
    pub(super) viewer: ViewerId,
    rendition: RenditionId,
    ssrc: u32,
    appsrc: gst_app::AppSrc,
    outlet: Mutex<Outlet>,
    asked: AtomicU64,
    link: Arc<Link>,
    /// The id of the header extension for the time of capture; 0: the viewer does not take it.
    capture_time: AtomicU8,
    /// The same for the transport-wide sequence number.
    transport_sequence: AtomicU8,
    /// The same for the delay of playout.
    playout_delay: AtomicU8,
    frames: AtomicU64,
    dropped: AtomicU64,
    /// What is not later than this does not leave the queue; in nanoseconds.
    forgotten: Arc<AtomicU64>,
    events: Events,
}

/// What has to happen in the order of the frames. Held while a frame is handed to the appsrc, which
/// queues it and does not wait.
#[derive(Debug)]
struct Outlet {
    rewriter: Rewriter,
    switch: Switch,
    /// The stream and the number of the last frame that this viewer was given or refused.
    last: Option<(u32, u64)>,
    /// The time of the last frame that was queued.
    time: Duration,
}

impl Subscription {
    pub(crate) fn new(
        viewer: ViewerId,
        track: &TrackSpec,
        payload_type: u8,
        appsrc: gst_app::AppSrc,
        (events, link): (Events, Arc<Link>),
    ) -> Result<Self, MediaError> {
        let kind = track.rendition.media();
        let rewriter = Rewriter::new(Track {
            kind,
            payload_type,
            ssrc: track.ssrc,
            clock_rate: if kind == MediaKind::Video { 90_000 } else { 48_000 },
            first_sequence: track.first_sequence,
            first_timestamp: track.first_timestamp,
        })
        .map_err(MediaError::gst("making a viewer's track"))?;
        let forgotten = Arc::default();
        keep_back(&appsrc, Arc::clone(&forgotten));
        Ok(Self {
            viewer,
            rendition: track.rendition.clone(),
            ssrc: track.ssrc,
            appsrc,
            outlet: Mutex::new(Outlet {
                rewriter,
                switch: Switch::default(),
                last: None,
                time: Duration::ZERO,
            }),
            asked: AtomicU64::new(0),
            link,
            capture_time: AtomicU8::new(0),
            transport_sequence: AtomicU8::new(0),
            playout_delay: AtomicU8::new(0),
            frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            forgotten,
            events,
        })
    }

    /// Of what it is a share, in the rung that it was offered with.
    #[must_use]
    pub fn rendition(&self) -> &RenditionId {
        &self.rendition
    }

    /// The viewer takes the time of capture, in the header extension of this id.
    pub fn send_capture_time(&self, id: u8) {
        self.capture_time.store(id, Ordering::Relaxed);
    }

    /// The viewer says when each packet arrived, by the number in the header extension of this id.
    pub fn number_packets(&self, id: u8) {
        self.transport_sequence.store(id, Ordering::Relaxed);
    }

    /// The viewer is to show each picture at once, as the header extension of this id tells it.
    pub fn show_at_once(&self, id: u8) {
        self.playout_delay.store(id, Ordering::Relaxed);
    }

    /// Frames handed to the viewer, and frames left out because its queue was full.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.frames.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed))
    }

    /// Asks for a keyframe, ten times a second at most: a viewer that asks all the time is no
    /// burden. Many viewers' requests are coalesced where they arrive.
    pub fn want_keyframe(&self) {
        let now = common_now().mseconds() + ASK_EVERY_MS;
        let before = self.asked.load(Ordering::Relaxed);
        if self.rendition.media() == MediaKind::Video && now >= before + ASK_EVERY_MS {
            self.asked.store(now, Ordering::Relaxed);
            let time = Duration::from_nanos(common_now().nseconds());
            let rungs: Vec<Rung> = self.outlet().switch.asked(time).collect();
            for rung in rungs {
                let rendition = RenditionId { rung, ..self.rendition.clone() };
                self.events.send(Event::KeyframeWanted { rendition });
            }
        }
    }

    fn outlet(&self) -> MutexGuard<'_, Outlet> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is delivered before [`Joining::begin`] has ended.
    pub(super) fn join(&self) -> Joining<'_> {
        Joining { subscription: self, outlet: self.outlet() }
    }

    /// Takes the frames of a rung no more.
    pub(super) fn leave(&self, rung: Rung) {
        self.outlet().switch.leave(rung);
    }

    /// What waits for the viewer does not go out, and what has gone out is not sent again.
    pub(super) fn forget(&self) {
        let outlet = self.outlet();
        self.link.departure().keyframe(self.ssrc, outlet.rewriter.next_sequence());
        let time = u64::try_from(outlet.time.as_nanos()).unwrap_or(u64::MAX);
        self.forgotten.store(time, Ordering::Relaxed);
    }

    pub(super) fn deliver(&self, frame: &Frame, rung: Rung, is_forgotten: impl Fn() -> bool) -> Delivery {
        let mut outlet = self.outlet();
        if is_forgotten() {
            return Delivery::NotForIt;
        }
        // It has joined, and been given this one, since the frame set out.
        if outlet.last.is_some_and(|(stream, last)| stream == frame.stream && frame.number <= last) {
            return Delivery::NotForIt;
        }
        match outlet.switch.admits(rung, frame.keyframe, frame.time) {
            Admission::Taken => {}
            Admission::NotForIt => return Delivery::NotForIt,
            Admission::TooMuch => {
                outlet.rewriter.interrupted();
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return Delivery::Dropped;
            }
        }
        let decision = self.hand_over(&mut outlet, frame, frame.time, rung);
        drop(outlet);
        if decision == (Decision::Drop { want_keyframe: true }) {
            self.want_keyframe();
        }
        if decision == Decision::Forward { Delivery::Sent } else { Delivery::Dropped }
    }

    /// Rewrites and queues one frame, with a time that may be another than its own.
    fn hand_over(&self, outlet: &mut Outlet, frame: &Frame, time: Duration, rung: Rung) -> Decision {
        let mut departure = self.link.departure();
        let mut queue = Duration::from_nanos(self.appsrc.current_level_time().nseconds());
        // Sound is little, and goes on where pictures do not fit any more.
        if self.rendition.media() == MediaKind::Video {
            queue = queue.max(departure.queue());
        }
        let info = FrameInfo { stream: frame.stream, keyframe: frame.keyframe, running_time: time, queue };
        outlet.last = Some((frame.stream, frame.number));
        let decision = outlet.rewriter.frame(info);
        if decision != Decision::Forward {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return decision;
        }
        if outlet.switch.passed(rung) && self.rendition.media() == MediaKind::Video {
            let event = ViewerEvent::Sending { source: self.rendition.source.clone(), rung };
            self.events.tell(self.viewer, event);
        }
        outlet.time = time;
        if let Some(list) = self.copy(frame, time, &mut outlet.rewriter, departure) {
            self.frames.fetch_add(1, Ordering::Relaxed);
            // A viewer that is being closed refuses; the daemon is about to unsubscribe it.
            let _ = self.appsrc.push_buffer_list(list);
        }
        decision
    }

    /// The viewer's copy of a frame. The first packet says when it was captured and, of a keyframe,
    /// that pictures are to be shown at once; each has its number. All if the viewer has given that an
    /// extension id.
    fn copy(
        &self,
        frame: &Frame,
        time: Duration,
        rewriter: &mut Rewriter,
        mut departure: Departure<'_>,
    ) -> Option<gst::BufferList> {
        let mut list = gst::BufferList::new_sized(frame.ends.len());
        let target = list.get_mut()?;
        let time = gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let given = |id: &AtomicU8| Some(id.load(Ordering::Relaxed)).filter(|id| *id != 0);
        let mut capture_time = given(&self.capture_time).map(|id| (id, frame.captured));
        let numbered = given(&self.transport_sequence);
        let mut at_once = None;
        if frame.keyframe && self.rendition.media() == MediaKind::Video {
            // Whatever else is lost, this is what a picture begins with.
            at_once = given(&self.playout_delay);
            departure.keyframe(self.ssrc, rewriter.next_sequence());
        }
        for packet in frame.packets() {
            let transport_sequence = numbered.map(|id| (id, 0));
            let (capture_time, at_once) = (capture_time.take(), at_once.take());
            let mut extensions = Extensions { capture_time, transport_sequence, at_once };
            let len = packet.len() + extensions.len();
            // Counted for every viewer: reports of loss are about these packets too.
            let number = departure.number(len);
            if let Some((_, written)) = &mut extensions.transport_sequence {
                *written = number;
            }
            let mut buffer = gst::Buffer::with_size(len).ok()?;
            {
                let buffer = buffer.get_mut()?;
                buffer.set_pts(time);
                if !extensions.copy(packet, &mut buffer.map_writable().ok()?) {
                    // A payloader of the user's has put in others.
                    buffer.set_size(packet.len());
                    buffer.map_writable().ok()?.copy_from_slice(packet);
                }
                rewriter.rewrite(&mut buffer.map_writable().ok()?).ok()?;
            }
            target.add(buffer);
        }
        Some(list)
    }
}

/// Lets nothing out of a queue that has waited there since before `forgotten`.
fn keep_back(appsrc: &gst_app::AppSrc, forgotten: Arc<AtomicU64>) {
    let Some(pad) = appsrc.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER_LIST, move |_, info| {
        let until = forgotten.load(Ordering::Relaxed);
        let list = info.buffer_list();
        let time = list.and_then(|list| list.get(0)).and_then(gst::BufferRef::pts);
        match time {
            Some(time) if until > 0 && time.nseconds() <= until => gst::PadProbeReturn::Drop,
            _ => gst::PadProbeReturn::Ok,
        }
    });
}

/// A viewer that joins a fan-out. What is delivered meanwhile waits for its end.
#[derive(Debug)]
pub(super) struct Joining<'a> {
    subscription: &'a Subscription,
    outlet: MutexGuard<'a, Outlet>,
}

impl Joining<'_> {
    /// Takes the frames of a rung from its next keyframe on (of sound: from its next packet on).
    pub(super) fn enter(&mut self, rung: Rung) {
        self.outlet.switch.enter(rung);
        // The request to another encoder does not count for this one.
        self.subscription.asked.store(0, Ordering::Relaxed);
    }

    /// What the viewer has been sent already and can go on from.
    pub(super) fn sent(&self) -> Option<(u32, u64)> {
        let playing = self.outlet.rewriter.stream();
        self.outlet.last.filter(|(stream, _)| playing == Some(*stream))
    }

    /// Gives the viewer what it begins with. False: a keyframe has to come first.
    pub(super) fn begin(mut self, start: Option<Start>, rung: Rung) -> bool {
        let Some(start) = start else {
            // What is sent of another rung goes on meanwhile.
            if self.outlet.switch.is_paused() {
                self.outlet.rewriter.interrupted();
            }
            return self.subscription.rendition.media() == MediaKind::Audio;
        };
        let times = start.times(common_time(), self.outlet.time);
        let mut queued = start.frames.iter().zip(times).map(|(frame, time)| {
            self.subscription.hand_over(&mut self.outlet, frame, time, rung) == Decision::Forward
        });
        queued.all(|queued| queued)
    }
}
