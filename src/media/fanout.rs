//! The fan-out: one stream of packets, copied to every viewer.
//!
//! Each viewer gets a deep copy of each packet, its header rewritten, a frame at a time as one
//! buffer list. Copies, because memory that many viewers share costs more than it saves: its
//! list of owners is behind one lock that every socket write takes.
//!
//! Invariant: delivering to one viewer never waits, for that viewer or for another. A viewer
//! whose queue grows loses whole frames ([`crate::core::rtp`]), not the others their time.

mod frame;
mod subscription;
mod switch;

pub(crate) use frame::Feed;
pub use subscription::Subscription;

use super::{Event, Events, RenditionId};
use crate::core::ids::ViewerId;
use crate::core::protocol::MediaKind;
use frame::Frame;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

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
    /// when it was sent to before: it lacks what came in between. What another rung of the same
    /// source sends it passes until then; [`super::viewer::ViewerEvent::Sending`] says when.
    ///
    /// Returns whether it was not sent to before.
    pub fn subscribe(&self, subscription: Arc<Subscription>) -> bool {
        self.change(|all| {
            subscription.enter(self.rendition.rung);
            let is_new = !all.iter().any(|each| Arc::ptr_eq(each, &subscription));
            if is_new {
                all.push(subscription);
            }
            is_new
        })
    }

    /// Sends to this viewer no more.
    pub fn unsubscribe(&self, viewer: ViewerId) {
        self.change(|all| {
            all.retain(|each| {
                let stays = each.viewer != viewer;
                if !stays {
                    each.leave(self.rendition.rung);
                }
                stays
            });
        });
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

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Arc<Subscription>>) -> T) -> T {
        let mut guard = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = guard.as_ref().clone();
        let result = change(&mut all);
        *guard = Arc::new(all);
        result
    }

    fn deliver(&self, frame: &Frame, stream: u32) {
        for subscription in self.current().iter() {
            subscription.deliver(frame, stream, self.rendition.rung);
        }
        self.frames.fetch_add(1, Ordering::Relaxed);
        if frame.keyframe && self.rendition.media() == MediaKind::Video {
            self.keyframes.fetch_add(1, Ordering::Relaxed);
            self.events.send(Event::KeyframeSent { rendition: self.rendition.clone(), at: Instant::now() });
        }
    }
}
