//! Whether the daemon is alive, and ready: what is asked from outside, answered without its loop.

use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The daemon's loop turns twice a second; after so long without a turn it hangs.
const TURNS_WITHIN: Duration = Duration::from_secs(10);

static HEALTH: Mutex<Health> = Mutex::new(Health::new());

/// What is known, as the loop has said it last.
#[derive(Debug)]
struct Health {
    phase: Phase,
    turned: Option<Instant>,
    /// Why it is not ready although it runs.
    fault: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Stopping,
}

/// An answer: whether all is well, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it is.
    pub ok: bool,
    /// Why not, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Finding {
    fn of(why: Option<String>) -> Self {
        Self { ok: why.is_none(), why }
    }
}

impl Health {
    const fn new() -> Self {
        Self { phase: Phase::Starting, turned: None, fault: None }
    }

    fn live(&self, now: Instant) -> Option<String> {
        let ago = now.saturating_duration_since(self.turned?);
        let hangs = self.phase == Phase::Running && ago > TURNS_WITHIN;
        hangs.then(|| format!("The daemon's loop has not turned for {} s.", ago.as_secs()))
    }

    fn ready(&self, now: Instant) -> Option<String> {
        match self.phase {
            Phase::Starting => Some("The daemon is starting.".to_owned()),
            Phase::Stopping => Some("The daemon is stopping.".to_owned()),
            Phase::Running => self.live(now).or_else(|| self.fault.clone()),
        }
    }
}

fn health() -> MutexGuard<'static, Health> {
    HEALTH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The loop has turned; `fault`: why the daemon cannot do what it is there for, if it cannot.
pub fn turned(now: Instant, fault: Option<String>) {
    *health() = Health { phase: Phase::Running, turned: Some(now), fault };
}

/// The daemon ends.
pub fn stopping() {
    health().phase = Phase::Stopping;
}

/// Whether the process is alive: it starts, stops, or its loop turns.
#[must_use]
pub fn live(now: Instant) -> Finding {
    Finding::of(health().live(now))
}

/// Whether the daemon serves viewers.
#[must_use]
pub fn ready(now: Instant) -> Finding {
    Finding::of(health().ready(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_hangs_is_not_alive_and_what_has_a_fault_is_not_ready() {
        let now = Instant::now();
        let mut health = Health::new();
        assert_eq!(health.live(now), None);
        assert!(health.ready(now).is_some_and(|why| why.contains("starting")));
        health = Health { phase: Phase::Running, turned: Some(now), fault: None };
        assert_eq!((health.live(now), health.ready(now)), (None, None));
        let late = now + TURNS_WITHIN + Duration::from_secs(1);
        assert_eq!(health.live(late).as_deref(), Some("The daemon's loop has not turned for 11 s."));
        assert_eq!(health.ready(late), health.live(late));
        health.fault = Some("stuck".to_owned());
        assert_eq!((health.live(now), health.ready(now).as_deref()), (None, Some("stuck")));
        health.phase = Phase::Stopping;
        assert_eq!(health.live(late), None);
        assert!(health.ready(late).is_some_and(|why| why.contains("stopping")));
    }
}
