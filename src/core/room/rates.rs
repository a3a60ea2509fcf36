//! How often one viewer may ask something of the rooms.

use super::{Refusal, Request};
use crate::core::protocol::ErrorCode;
use crate::core::rate::TokenBucket;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Rates {
    /// Everything but pointing.
    all: TokenBucket,
    /// What is said: everybody is told.
    say: TokenBucket,
    /// Names and what one does: everybody is told.
    change: TokenBucket,
    /// What is answered by the history.
    fetch: TokenBucket,
    point: TokenBucket,
}

impl Rates {
    pub(super) fn new() -> Self {
        let bucket = |burst, interval_ms| TokenBucket::new(burst, Duration::from_millis(interval_ms));
        Self {
            all: bucket(400, 50),
            say: bucket(20, 500),
            // A push-to-talk key is pressed and let go.
            change: bucket(40, 100),
            fetch: bucket(10, 1000),
            point: TokenBucket::new(6, Duration::from_secs(1) / 60),
        }
    }

    /// # Errors
    /// It is too much: what to say of it, or nothing.
    pub(super) fn take(&mut self, now: Instant, request: &Request) -> Result<(), Option<Refusal>> {
        let (own, what) = match request {
            Request::Point(_) => return self.point.take(now).map_err(|_| None),
            Request::Say(_) => (Some(&mut self.say), "You say more than is told to everybody."),
            Request::Rename(_) | Request::Presence(_) => {
                (Some(&mut self.change), "You change more often than is told to everybody.")
            }
            Request::Enter(_) | Request::CatchUp(_) | Request::Make { .. } | Request::Close { .. } => {
                (Some(&mut self.fetch), "You ask for that too often.")
            }
            Request::Exit | Request::Signal(..) => (None, "You send too much."),
        };
        let too_fast = |_| Some(Refusal::new(ErrorCode::TooFast, what));
        self.all.take(now).map_err(too_fast)?;
        own.map_or(Ok(()), |own| own.take(now).map_err(too_fast))
    }
}
