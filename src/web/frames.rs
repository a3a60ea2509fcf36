//! Binary frames on their way to one client: pictures and sound, which are worth nothing when they are late.
//!
//! Beside the messages' queue, not in it: nothing here grows with a client that does not read, and a message
//! waits for one frame at most.

use async_channel::{Receiver, Sender};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Subjects whose newest picture may wait. More, and the oldest is dropped.
const PICTURES: usize = 64;
/// Frames of sound that may wait, a second of one source; more, and the oldest is dropped.
const SOUNDS: usize = 50;

/// The frames that wait for one client.
#[derive(Debug)]
pub struct Frames {
    waiting: Mutex<Waiting>,
    /// Holds one word while something waits.
    bell: (Sender<()>, Receiver<()>),
    /// Pictures that have left, and are not acknowledged.
    on_the_way: AtomicU32,
}

#[derive(Debug, Default)]
struct Waiting {
    /// At most one for each key.
    pictures: VecDeque<(Key, Vec<u8>)>,
    sounds: VecDeque<Vec<u8>>,
}

/// Whose picture: the frame's kind and its subject.
pub type Key = (u8, u32);

impl Default for Frames {
    fn default() -> Self {
        Self { waiting: Mutex::default(), bell: async_channel::bounded(1), on_the_way: AtomicU32::new(0) }
    }
}

impl Frames {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // It has rung where this fails.
        let _ = self.bell.0.try_send(());
    }

    /// Puts a picture in the place of one of the same key that waits; never waits.
    pub fn put_picture(&self, key: Key, frame: Vec<u8>) {
        {
            let mut waiting = self.waiting();
            waiting.pictures.retain(|(each, _)| *each != key);
            if waiting.pictures.len() == PICTURES {
                waiting.pictures.pop_front();
            }
            waiting.pictures.push_back((key, frame));
        }
        self.ring();
    }

    /// Puts a frame of sound behind those that wait; never waits.
    pub fn put_sound(&self, frame: Vec<u8>) {
        {
            let mut waiting = self.waiting();
            if waiting.sounds.len() == SOUNDS {
                waiting.sounds.pop_front();
            }
            waiting.sounds.push_back(frame);
        }
        self.ring();
    }

    /// The picture of this key is not to leave. True: it had not.
    pub fn recall_picture(&self, key: Key) -> bool {
        let mut waiting = self.waiting();
        let before = waiting.pictures.len();
        waiting.pictures.retain(|(each, _)| *each != key);
        waiting.pictures.len() < before
    }

    /// No sound that waits is to leave.
    pub fn recall_sound(&self) {
        self.waiting().sounds.clear();
    }

    /// The next one: sound before pictures.
    pub(super) async fn next(&self) -> Vec<u8> {
        loop {
            let (next, more) = {
                let mut waiting = self.waiting();
                let picture = |waiting: &mut Waiting| {
                    let (_, frame) = waiting.pictures.pop_front()?;
                    self.on_the_way.fetch_add(1, Ordering::Relaxed);
                    Some(frame)
                };
                let next = waiting.sounds.pop_front().or_else(|| picture(&mut waiting));
                (next, !waiting.sounds.is_empty() || !waiting.pictures.is_empty())
            };
            if more {
                self.ring();
            }
            match next {
                Some(frame) => return frame,
                // Its other end is here, so it does not close.
                None => {
                    let _ = self.bell.1.recv().await;
                }
            }
        }
    }

    /// Whether a picture has left that was not acknowledged.
    pub(super) fn are_on_the_way(&self) -> bool {
        self.on_the_way.load(Ordering::Relaxed) > 0
    }

    /// The same; it is acknowledged now.
    pub(super) fn acknowledge(&self) -> bool {
        let less = |count: u32| count.checked_sub(1);
        self.on_the_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(frames: &Frames) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| smol::block_on(smol::future::poll_once(frames.next()))).collect()
    }

    #[test]
    fn the_newest_picture_of_each_and_the_newest_sounds_wait_and_no_more() {
        let frames = Frames::default();
        for number in 0..200u8 {
            frames.put_picture((1, 0), vec![number]);
            frames.put_picture((3, 7), vec![number, number]);
            frames.put_sound(vec![1, 2, number]);
        }
        let all = drain(&frames);
        assert_eq!(all.len(), SOUNDS + 2);
        assert_eq!((&all[0], &all[SOUNDS..]), (&vec![1, 2, 150], &[vec![199], vec![199, 199]][..]));
        for subject in 0..100 {
            frames.put_picture((1, subject), vec![0]);
        }
        assert_eq!(drain(&frames).len(), PICTURES);
        assert!(drain(&frames).is_empty());
    }

    #[test]
    fn each_picture_that_has_left_is_acknowledged_once() {
        let frames = Frames::default();
        frames.put_picture((1, 0), vec![1]);
        frames.put_picture((3, 7), vec![2]);
        frames.put_sound(vec![3]);
        assert!(!frames.acknowledge(), "none has left");
        assert_eq!(drain(&frames).len(), 3);
        assert!(frames.acknowledge() && frames.acknowledge());
        assert!(!frames.acknowledge());
    }

    #[test]
    fn what_is_recalled_does_not_leave() {
        let frames = Frames::default();
        frames.put_picture((1, 0), vec![1]);
        frames.put_picture((1, 1), vec![2]);
        frames.put_sound(vec![3]);
        assert!(frames.recall_picture((1, 0)));
        assert!(!frames.recall_picture((1, 0)));
        frames.recall_sound();
        assert_eq!(drain(&frames), [vec![2]]);
    }
}
