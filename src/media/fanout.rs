//! The fan-out: one stream of packets, copied to every viewer.
//!
//! Each viewer gets a deep copy of each packet, its header rewritten, a frame at a time as one
//! buffer list. Copies, because memory that many viewers share costs more than it saves: its
//! list of owners is behind one lock that every socket write takes.
//!
//! Invariant: delivering to one viewer never waits, for that viewer or for another. A viewer
//! whose queue grows loses whole frames ([`crate::core::rtp`]), not the others their time.

use super::viewer::TrackSpec;
use super::{Event, Events, MediaError, RenditionId};
use crate::core::h264;
use crate::core::ids::ViewerId;
use crate::core::protocol::{Codec, MediaKind};
use crate::core::rtp::{
    CAPTURE_TIME_LEN, Decision, FrameInfo, Rewriter, RtpHeader, Track, copy_with_capture_time, ntp_time,
};
use crate::core::vp8;
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most bytes that one frame may have; a keyframe of a 4K screen is under 2 MB.
const MAX_FRAME: usize = 8 * 1024 * 1024;
/// A viewer's requests for keyframes that are nearer together are one.
const ASK_EVERY_MS: u64 = 100;

/// One viewer's share of one rendition: where its packets go and how they are rewritten.
#[derive(Debug)]
pub struct Subscription {
    viewer: ViewerId,
    rendition: RenditionId,
    appsrc: gst_app::AppSrc,
    rewriter: Mutex<Rewriter>,
    asked: AtomicU64,
    /// The id of the header extension for the time of capture; 0: the viewer does not take it.
    capture_time: AtomicU8,
    frames: AtomicU64,
    dropped: AtomicU64,
    events: Events,
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
            rewriter: Mutex::new(rewriter),
            asked: AtomicU64::new(0),
            capture_time: AtomicU8::new(0),
            frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            events,
        })
    }

    /// Of what it is a share.
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
        let now = super::common_now().mseconds() + ASK_EVERY_MS;
        let before = self.asked.load(Ordering::Relaxed);
        if self.rendition.media() == MediaKind::Video && now >= before + ASK_EVERY_MS {
            self.asked.store(now, Ordering::Relaxed);
            self.events.send(Event::KeyframeWanted { rendition: self.rendition.clone() });
        }
    }

    fn rewriter(&self) -> MutexGuard<'_, Rewriter> {
        self.rewriter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, frame: &Frame, stream: u32) {
        let queue = Duration::from_nanos(self.appsrc.current_level_time().nseconds());
        let info = FrameInfo { stream, keyframe: frame.keyframe, running_time: frame.time, queue };
        let list = {
            let mut rewriter = self.rewriter();
            match rewriter.frame(info) {
                Decision::Forward => copy(frame, &mut rewriter, self.capture_time.load(Ordering::Relaxed)),
                Decision::Drop { want_keyframe } => {
                    drop(rewriter);
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    if want_keyframe {
                        self.want_keyframe();
                    }
                    return;
                }
            }
        };
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

/// The packets of one frame, laid end to end.
#[derive(Debug, Default)]
struct Frame {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    keyframe: bool,
    time: Duration,
    /// When it was captured, as NTP time.
    captured: u64,
}

impl Frame {
    fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.bytes.get(start..*end))
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.keyframe = false;
    }
}

/// The viewers of one rendition. It outlives the encoders that feed it.
#[derive(Debug)]
pub struct Fanout {
    rendition: RenditionId,
    subscriptions: Mutex<Arc<Vec<Arc<Subscription>>>>,
    frames: AtomicU64,
    keyframes: AtomicU64,
    events: Events,
}

impl Fanout {
    /// With no viewers.
    #[must_use]
    pub fn new(rendition: RenditionId, events: Events) -> Self {
        Self {
            rendition,
            subscriptions: Mutex::default(),
            frames: AtomicU64::new(0),
            keyframes: AtomicU64::new(0),
            events,
        }
    }

    /// Sends to this viewer from the next keyframe on (from the next packet, for sound), also
    /// when it was sent to before: it lacks what came in between.
    pub fn subscribe(&self, subscription: Arc<Subscription>) {
        self.change(|all| {
            if !all.iter().any(|each| Arc::ptr_eq(each, &subscription)) {
                subscription.rewriter().interrupted();
                all.push(subscription);
            }
        });
    }

    /// Sends to this viewer no more.
    pub fn unsubscribe(&self, viewer: ViewerId) {
        self.change(|all| all.retain(|each| each.viewer != viewer));
    }

    /// How many viewers it has.
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.current().len()
    }

    /// Frames and keyframes sent since the start.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.frames.load(Ordering::Relaxed), self.keyframes.load(Ordering::Relaxed))
    }

    fn current(&self) -> Arc<Vec<Arc<Subscription>>> {
        Arc::clone(&self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Subscription>>)) {
        let mut guard = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = guard.as_ref().clone();
        change(&mut all);
        *guard = Arc::new(all);
    }

    fn deliver(&self, frame: &Frame, stream: u32) {
        for subscription in self.current().iter() {
            subscription.deliver(frame, stream);
        }
        self.frames.fetch_add(1, Ordering::Relaxed);
        if frame.keyframe && self.rendition.media() == MediaKind::Video {
            self.keyframes.fetch_add(1, Ordering::Relaxed);
            self.events.send(Event::KeyframeSent { rendition: self.rendition.clone(), at: Instant::now() });
        }
    }
}

/// Gathers an encoder's packets into frames and hands each to the fan-out. One for each run of
/// an encoder; lives on its streaming thread.
#[derive(Debug)]
pub(crate) struct Feed {
    fanout: Arc<Fanout>,
    run: u64,
    frame: Frame,
    timestamp: Option<u32>,
    announced: Option<Option<String>>,
}

impl Feed {
    /// `run` tells this encoder's packets from an earlier one's.
    pub(crate) fn new(fanout: Arc<Fanout>, run: u64) -> Self {
        Self { fanout, run, frame: Frame::default(), timestamp: None, announced: None }
    }

    /// Takes what the payloader has pushed.
    pub(crate) fn push(&mut self, sample: &gst::Sample) {
        let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
        let time_of = |buffer: &gst::BufferRef| {
            let running = segment?.to_running_time(buffer.pts()?)?;
            Some(Duration::from_nanos(running.nseconds()))
        };
        if let Some(list) = sample.buffer_list() {
            for buffer in list.iter() {
                self.packet(buffer, time_of(buffer));
            }
        } else if let Some(buffer) = sample.buffer() {
            self.packet(buffer, time_of(buffer));
        }
    }

    /// Says what the stream is, at first and when it has become another; an H.264 stream says it
    /// in its parameter sets.
    fn announce(&mut self, payload: &[u8]) {
        let rendition = &self.fanout.rendition;
        let profile_level_id = match rendition.codec {
            Codec::H264 => match h264::profile_level_id(payload) {
                None => return,
                profile => profile,
            },
            Codec::Vp8 | Codec::Opus => None,
        };
        if self.announced.as_ref() != Some(&profile_level_id) {
            self.announced = Some(profile_level_id.clone());
            let (rendition, run) = (rendition.clone(), self.run);
            self.fanout.events.send(Event::RenditionReady { rendition, run, profile_level_id });
        }
    }

    fn packet(&mut self, buffer: &gst::BufferRef, time: Option<Duration>) {
        let Ok(map) = buffer.map_readable() else { return };
        let Ok(header) = RtpHeader::parse(&map) else { return };
        let payload = map.get(header.header_len..).unwrap_or_default();
        self.announce(payload);
        // A frame whose last packet did not come is given up.
        if self.timestamp != Some(header.timestamp) {
            self.frame.clear();
            self.timestamp = Some(header.timestamp);
        }
        if self.frame.ends.is_empty() {
            self.frame.time = time.unwrap_or(self.frame.time);
        }
        if self.frame.bytes.len() + map.len() > MAX_FRAME {
            return;
        }
        self.frame.bytes.extend_from_slice(&map);
        self.frame.ends.push(self.frame.bytes.len());
        self.frame.keyframe |= match self.fanout.rendition.codec {
            // rtpvp8pay (seen in 1.22.0) marks no packet as a delta unit.
            Codec::Vp8 => vp8::begins_keyframe(payload),
            Codec::H264 | Codec::Opus => !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
        };
        let last = header.marker || self.fanout.rendition.media() == MediaKind::Audio;
        if last {
            self.frame.captured = ntp_time(super::wall_time(self.frame.time));
            // Runs are counted from 1 and are years away from this bound.
            self.fanout.deliver(&self.frame, u32::try_from(self.run).unwrap_or(u32::MAX));
            self.frame.clear();
        }
    }
}
