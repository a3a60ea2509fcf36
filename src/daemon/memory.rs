//! Gives memory back to the system that nobody uses any more.
//!
//! glibc gives back by itself what is free at the end of an arena alone: after a hundred viewers have come
//! and gone it keeps twice what the daemon began with, nearly all of it free. `malloc_trim` gives back
//! every free page.

// There is no other way to call it.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

/// So long after the last pipeline has stopped: by then GLib and the blocking pool have let go of their
/// threads (15 s), and these of what they had kept.
const AFTER_LAST: Duration = Duration::from_secs(20);
/// Where viewers come and go all the time.
const AFTER_FIRST: Duration = Duration::from_secs(60);

/// When memory is to be given back.
#[derive(Debug, Default)]
pub(super) struct Memory {
    stopped: u64,
    /// When the first and the last pipeline has stopped since it was given back.
    since: Option<(Instant, Instant)>,
}

impl Memory {
    /// Looks whether it is time; `stopped`: how many pipelines have stopped since the daemon began.
    pub(super) fn tick(&mut self, now: Instant, stopped: u64) {
        if self.is_due(now, stopped) {
            smol::unblock(give_back).detach();
        }
    }

    fn is_due(&mut self, now: Instant, stopped: u64) -> bool {
        if stopped != std::mem::replace(&mut self.stopped, stopped) {
            let (first, _) = self.since.unwrap_or((now, now));
            self.since = Some((first, now));
        }
        let due = self.since.is_some_and(|(first, last)| now >= (last + AFTER_LAST).min(first + AFTER_FIRST));
        if due {
            self.since = None;
        }
        due
    }
}

/// Takes some milliseconds; who allocates waits while its own arena is looked through.
#[cfg(target_env = "gnu")]
fn give_back() {
    let begun = Instant::now();
    // SAFETY: it takes the locks of the arenas as `free` does, and touches free memory alone.
    let some = unsafe { libc::malloc_trim(0) } == 1;
    tracing::debug!(some, after_us = begun.elapsed().as_micros(), "free memory was given back");
}

#[cfg(not(target_env = "gnu"))]
fn give_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which it is due when so many pipelines have stopped by each of them.
    fn due(stopped: impl Fn(u64) -> u64) -> Vec<u64> {
        let (begun, mut memory) = (Instant::now(), Memory::default());
        let at = |second: &u64| memory.is_due(begun + Duration::from_secs(*second), stopped(*second));
        (0..200).filter(at).collect()
    }

    #[test]
    fn memory_is_given_back_once_after_the_last_has_gone() {
        assert_eq!(due(|_| 0), [0; 0]);
        assert_eq!(due(|second| second.min(7)), [27]);
        assert_eq!(due(|second| if second < 50 { 3 } else { 4 }), [20, 70]);
    }

    #[test]
    fn where_somebody_always_goes_it_is_given_back_once_a_minute() {
        assert_eq!(due(|second| second + 1), [60, 121, 182]);
    }
}
