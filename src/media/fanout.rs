//! The fan-out: one stream of packets, copied to every viewer.
//!
//! Each viewer gets a deep copy of each packet, its header rewritten, a frame at a time as one
//! buffer list. Copies, because memory that many viewers share costs more than it saves: its
//! list of owners is behind one lock that every socket write takes.
//!
//! Invariant: delivering to one viewer never waits, for that viewer or for another. A viewer
//! whose queue grows loses whole frames ([`crate::core::rtp`]), not the others their time.

mod frame;
mod listener;
mod recent;
mod subscription;
mod switch;

pub(crate) use frame::Feed;
pub use listener::Listener;
pub use subscription::Subscription;

use super::{Event, Events, RenditionId, codec_word, common_time};
use crate::core::ids::ViewerId;
use crate::core::protocol::MediaKind;
use crate::telemetry::metrics::{RenditionCounts, metrics};
use frame::Frame;
use recent::Recent;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use subscription::Delivery;

/// The viewers of one rendition. It outlives the encoders that feed it.
#[derive(Debug)]
pub struct Fanout {
    rendition: RenditionId,
    state: Mutex<State>,
    frames: AtomicU64,
    keyframes: AtomicU64,
    totals: RenditionCounts,
    /// Streams before this one are not delivered.
    first_stream: AtomicU32,
    events: Events,
}

/// What a viewer that joins and a frame that comes both change, so that each frame is either among
/// the recent ones that a viewer begins with or delivered to it, and never both.
#[derive(Debug, Default)]
struct State {
    subscriptions: Arc<Vec<Arc<Subscription>>>,
    /// Who hears the payloads alone.
    listeners: Vec<Listener>,
    recent: Recent,
}

impl Fanout {
    /// With no viewers.
    #[must_use]
    pub fn new(rendition: RenditionId, events: Events) -> Self {
        let totals = metrics().rendition(&rendition.source, codec_word(rendition.codec), rendition.rung);
        Self {
            rendition,
            totals,
            state: Mutex::default(),
            frames: AtomicU64::new(0),
            keyframes: AtomicU64::new(0),
            first_stream: AtomicU32::new(0),
            events,
        }
    }

    /// Sends to this viewer from now on, also when it was sent to before: it lacks what came in
    /// between. Sound goes on with the next packet. A picture begins at once with what has come
    /// since the last keyframe, if that is little; else a keyframe is asked for, and it begins
    /// with that. What another rung of the same source sends it passes until then;
    /// [`super::viewer::ViewerEvent::Sending`] says when. Does nothing for a viewer that is being
    /// sent to.
    pub fn subscribe(&self, subscription: Arc<Subscription>) {
        let mut state = self.state();
        // Before the next frame can come to it; that waits until the recent ones are copied.
        let mut joining = subscription.join();
        joining.enter(self.rendition.rung);
        if state.subscriptions.iter().any(|each| Arc::ptr_eq(each, &subscription)) {
            return;
        }
        Arc::make_mut(&mut state.subscriptions).push(Arc::clone(&subscription));
        let start = state.recent.start(joining.sent());
        drop(state);
        if !joining.begin(start, self.rendition.rung) {
            subscription.want_keyframe();
        }
    }

    /// Sends to this viewer no more.
    pub fn unsubscribe(&self, viewer: ViewerId) {
        let mut state = self.state();
        if let Some(left) = state.subscriptions.iter().find(|each| each.viewer == viewer) {
            left.leave(self.rendition.rung);
            Arc::make_mut(&mut state.subscriptions).retain(|each| each.viewer != viewer);
        }
    }

    /// Hands this viewer the payload of each packet from now on, in place of what it had before.
    pub fn listen(&self, listener: Listener) {
        let mut state = self.state();
        state.listeners.retain(|each| each.viewer != listener.viewer);
        state.listeners.push(listener);
    }

    /// Ends what [`Fanout::listen`] began.
    pub fn unlisten(&self, viewer: ViewerId) {
        self.state().listeners.retain(|each| each.viewer != viewer);
    }

    /// Nothing that an encoder before that run has made goes to anybody from now on: neither what it
    /// still makes, nor what was kept for those who join, nor what waits for its viewers or would be
    /// sent to them again.
    pub fn forget_before(&self, run: u64) {
        let subscriptions = {
            let mut state = self.state();
            self.first_stream.store(frame::stream_of(run, self.rendition.rung), Ordering::Relaxed);
            state.recent.clear();
            Arc::clone(&state.subscriptions)
        };
        // A frame that is on its way to one of them has arrived when its turn comes.
        subscriptions.iter().for_each(|subscription| subscription.forget());
    }

    /// Sends to nobody any more: the rendition is no more.
    pub fn end(&self) {
        let mut state = self.state();
        for left in std::mem::take(&mut state.subscriptions).iter() {
            left.leave(self.rendition.rung);
        }
        state.listeners.clear();
    }

    /// How many viewers it has.
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.state().subscriptions.len()
    }

    /// Frames and keyframes sent since the start.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.frames.load(Ordering::Relaxed), self.keyframes.load(Ordering::Relaxed))
    }

    /// What the metrics have of it.
    #[must_use]
    pub fn totals(&self) -> &RenditionCounts {
        &self.totals
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That stream has ended: nobody is to be shown what it showed last.
    pub(crate) fn ended(&self, stream: u32) {
        self.state().recent.ended(stream);
    }

    fn is_forgotten(&self, frame: &Frame) -> bool {
        frame.stream < self.first_stream.load(Ordering::Relaxed)
    }

    fn deliver(&self, mut frame: Frame) {
        let picture = self.rendition.media() == MediaKind::Video;
        frame.number = self.frames.fetch_add(1, Ordering::Relaxed);
        let frame = Arc::new(frame);
        let subscriptions = {
            let mut state = self.state();
            if self.is_forgotten(&frame) {
                return;
            }
            if picture {
                state.recent.push(&frame, common_time());
            }
            // Here, so that whoever forgets what was until now finds it heard, or it is not heard at all.
            // To hear never waits.
            state.listeners.iter().for_each(|listener| listener.hear(&frame));
            Arc::clone(&state.subscriptions)
        };
        let bytes = u64::try_from(frame.len()).unwrap_or(0);
        self.totals.frames.inc();
        self.totals.bytes.inc_by(bytes);
        self.totals.encode.observe(common_time().saturating_sub(frame.time).as_secs_f64());
        for subscription in subscriptions.iter() {
            match subscription.deliver(&frame, self.rendition.rung, || self.is_forgotten(&frame)) {
                Delivery::Sent => drop(self.totals.sent_bytes.inc_by(bytes)),
                Delivery::Dropped => drop(self.totals.drops.inc()),
                Delivery::NotForIt => {}
            }
        }
        if picture && frame.keyframe {
            self.totals.keyframes_sent.inc();
            self.keyframes.fetch_add(1, Ordering::Relaxed);
            self.events.send(Event::KeyframeSent { rendition: self.rendition.clone(), at: Instant::now() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::SourceName;
    use crate::core::protocol::Codec;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn what_is_forgotten_has_been_heard_or_is_not_heard_at_all() {
        crate::media::init().unwrap();
        let source = SourceName::new("cam").unwrap();
        let rendition = RenditionId { source, codec: Codec::Opus, rung: 0 };
        let fanout = Arc::new(Fanout::new(rendition, Events::new(async_channel::bounded(1).0)));
        let heard = Arc::new((AtomicU32::new(0), AtomicBool::new(true)));
        let (whole, told) = (Arc::downgrade(&fanout), Arc::clone(&heard));
        fanout.listen(Listener::new(ViewerId(1), move |_, _| {
            told.0.fetch_add(1, Ordering::Relaxed);
            // Forgetting takes the same lock.
            let waits = whole.upgrade().is_some_and(|fanout| fanout.state.try_lock().is_err());
            told.1.fetch_and(waits, Ordering::Relaxed);
        }));
        let frame = || {
            let mut frame = Frame::default();
            frame.stream = frame::stream_of(1, 0);
            frame.add(&[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 7, 7]);
            frame
        };
        fanout.deliver(frame());
        fanout.forget_before(2);
        fanout.deliver(frame());
        fanout.unlisten(ViewerId(1));
        fanout.forget_before(0);
        fanout.deliver(frame());
        assert_eq!((heard.0.load(Ordering::Relaxed), heard.1.load(Ordering::Relaxed)), (1, true));
    }
}
