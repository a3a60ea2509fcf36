//! How often one viewer may ask something of the rooms.

use super::words::{MAX_CANDIDATE, MAX_SDP};
use super::{Refusal, Request};
use crate::core::protocol::{ErrorCode, SignalBody};
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
    /// Bytes to one other, in KiB begun: as messages alone they would be more than its queue holds.
    signal: TokenBucket,
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
            // Some offers at once, and the candidates of many.
            signal: TokenBucket::new(256, Duration::from_secs(1) / 64),
        }
    }

    /// Goes on from those of the same participant's former connection.
    pub(super) fn add(&mut self, now: Instant, former: &Self) {
        let Self { all, say, change, fetch, point, signal } = self;
        all.add(now, &former.all);
        say.add(now, &former.say);
        change.add(now, &former.change);
        fetch.add(now, &former.fetch);
        point.add(now, &former.point);
        signal.add(now, &former.signal);
    }

    /// # Errors
    /// It is too much: what to say of it, or nothing.
    pub(super) fn take(&mut self, now: Instant, request: &Request) -> Result<(), Option<Refusal>> {
        let (own, cost, what) = match request {
            Request::Point(_) => return self.point.take(now).map_err(|_| None),
            Request::Say(_) => (Some(&mut self.say), 1, "You say more than is told to everybody."),
            Request::Rename(_) | Request::Presence(_) => {
                (Some(&mut self.change), 1, "You change more often than is told to everybody.")
            }
            Request::Enter(_) | Request::CatchUp(_) | Request::Make { .. } | Request::Close { .. } => {
                (Some(&mut self.fetch), 1, "You ask for that too often.")
            }
            Request::Signal(_, body) => (Some(&mut self.signal), cost(body), "You signal too much."),
            Request::Exit => (None, 0, "You send too much."),
        };
        let too_fast = |_| Some(Refusal::new(ErrorCode::TooFast, what));
        self.all.take(now).map_err(too_fast)?;
        own.map_or(Ok(()), |own| own.take_many(now, cost).map_err(too_fast))
    }
}

/// What a signal takes, in KiB begun. One that is larger than may be is refused for that.
fn cost(body: &SignalBody) -> u32 {
    let bytes = match body {
        SignalBody::Description { sdp, .. } => sdp.len().min(MAX_SDP),
        SignalBody::Candidate { candidate, .. } => candidate.len().min(MAX_CANDIDATE),
        SignalBody::Bye { .. } => 0,
    };
    u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX)
}
