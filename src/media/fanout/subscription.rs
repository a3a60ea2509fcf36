//! One viewer's share of a source's picture or sound: which frames it gets, and its copy of each.

use super::super::viewer::{TrackSpec, ViewerEvent};
use super::super::{Event, Events, MediaError, RenditionId, Rung, common_now};
use super::frame::Frame;
use super::switch::Switch;
use crate::core::ids::ViewerId;
use crate::core::protocol::MediaKind;
use crate::core::rtp::{CAPTURE_TIME_LEN, Decision, FrameInfo, Rewriter, Track, copy_with_capture_time};
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A viewer's requests for keyframes that are nearer together are one.
const ASK_EVERY_MS: u64 = 100;

/// One track of one viewer: where its packets go and how they are rewritten. Its frames come from
/// one rendition of its source, and while it goes over to another one, from both.
#[derive(Debug)]
pub struct Subscription {
    pub(super) viewer: ViewerId,
    rendition: RenditionId,
    appsrc: gst_app::AppSrc,
    passage: Mutex<Passage>,
    asked: AtomicU64,
    /// The id of the header extension for the time of capture; 0: the viewer does not take it.
    capture_time: AtomicU8,
    frames: AtomicU64,
    dropped: AtomicU64,
    events: Events,
}

/// What passes, and as what.
#[derive(Debug)]
struct Passage {
    rewriter: Rewriter,
    switch: Switch,
}

impl Subscription {
    pub(crate) fn new(
        viewer: ViewerId,
        track: &TrackSpec,
        payload_type: u8,
        appsrc: gst_app::AppSrc,
        events: Events,
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
        Ok(Self {
            viewer,
            rendition: track.rendition.clone(),
            appsrc,
            passage: Mutex::new(Passage { rewriter, switch: Switch::default() }),
            asked: AtomicU64::new(0),
            capture_time: AtomicU8::new(0),
            frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
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
            let rungs: Vec<Rung> = self.passage().switch.asked(time).collect();
            for rung in rungs {
                let rendition = RenditionId { rung, ..self.rendition.clone() };
                self.events.send(Event::KeyframeWanted { rendition });
            }
        }
    }

    /// Takes the frames of a rung from its next keyframe on (of sound: from its next packet on).
    pub(super) fn enter(&self, rung: Rung) {
        let mut passage = self.passage();
        if passage.switch.enter(rung) {
            passage.rewriter.interrupted();
        }
        // The request to another encoder does not count for this one.
        self.asked.store(0, Ordering::Relaxed);
    }

    /// Takes the frames of a rung no more.
    pub(super) fn leave(&self, rung: Rung) {
        self.passage().switch.leave(rung);
    }

    fn passage(&self) -> MutexGuard<'_, Passage> {
        self.passage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn deliver(&self, frame: &Frame, stream: u32, rung: Rung) {
        let queue = Duration::from_nanos(self.appsrc.current_level_time().nseconds());
        let info = FrameInfo { stream, keyframe: frame.keyframe, running_time: frame.time, queue };
        let (list, switched) = {
            let mut passage = self.passage();
            if !passage.switch.admits(rung, frame.time) {
                return;
            }
            match passage.rewriter.frame(info) {
                Decision::Forward => {
                    let switched = passage.switch.passed(rung);
                    let id = self.capture_time.load(Ordering::Relaxed);
                    (copy(frame, &mut passage.rewriter, id), switched)
                }
                Decision::Drop { want_keyframe } => {
                    drop(passage);
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    if want_keyframe {
                        self.want_keyframe();
                    }
                    return;
                }
            }
        };
        if switched && self.rendition.media() == MediaKind::Video {
            let event = ViewerEvent::Sending { source: self.rendition.source.clone(), rung };
            self.events.send(Event::Viewer { viewer: self.viewer, event });
        }
        let Some(list) = list else { return };
        self.frames.fetch_add(1, Ordering::Relaxed);
        // A viewer that is being closed refuses; the daemon is about to unsubscribe it.
        let _ = self.appsrc.push_buffer_list(list);
    }
}

/// A viewer's copy of a frame. The first packet says when it was captured, if the viewer has given
/// that an extension id.
fn copy(frame: &Frame, rewriter: &mut Rewriter, capture_time: u8) -> Option<gst::BufferList> {
    let mut list = gst::BufferList::new_sized(frame.ends.len());
    let target = list.get_mut()?;
    let time = gst::ClockTime::from_nseconds(u64::try_from(frame.time.as_nanos()).unwrap_or(u64::MAX));
    for (index, packet) in frame.packets().enumerate() {
        let stamped = index == 0 && capture_time != 0;
        let room = if stamped { CAPTURE_TIME_LEN } else { 0 };
        let mut buffer = gst::Buffer::with_size(packet.len() + room).ok()?;
        {
            let header = buffer.get_mut()?;
            header.set_pts(time);
            let mut map = header.map_writable().ok()?;
            if !stamped {
                map.copy_from_slice(packet);
            } else if !copy_with_capture_time(packet, &mut map, capture_time, frame.captured) {
                return None;
            }
            rewriter.rewrite(&mut map).ok()?;
        }
        target.add(buffer);
    }
    Some(list)
}
