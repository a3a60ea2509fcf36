//! Pictures by the WebSocket, where no peer connection stands: taken whenever the client is welcome.

use super::{Effect, Session, State, Taken, misnamed};
use crate::core::ids::SourceName;
use crate::core::protocol::{ErrorCode, FrameKind, ServerMessage, TakenSource};
use crate::core::rate::TokenBucket;
use crate::core::watching::Watching;
use std::time::{Duration, Instant};

/// How often a client may take something else.
pub(super) fn rate() -> TokenBucket {
    TokenBucket::new(10, Duration::from_millis(500))
}

/// What is taken when its time has come: the client has asked too often.
#[derive(Debug)]
pub(super) struct Later {
    pub(super) due: Instant,
    sources: Vec<Taken>,
    audio: bool,
}

impl Session {
    pub(super) fn pictures(
        &mut self,
        now: Instant,
        (sources, audio): (Vec<TakenSource>, bool),
        effects: &mut Vec<Effect>,
    ) {
        if !self.is_greeted() {
            return self.out_of_order("pictures comes after welcome", effects);
        }
        let names: Vec<SourceName> = sources.iter().map(|taken| taken.source.clone()).collect();
        if let Some(problem) = misnamed(&names, &self.known) {
            return self.mistake(ErrorCode::UnknownSource, problem, effects);
        }
        let taken = sources.into_iter().filter_map(|TakenSource { source, width }| {
            let index = self.subjects.iter().position(|known| *known == source)?;
            Some(Taken { subject: u32::try_from(index).ok()?, source, width })
        });
        self.takes_pictures = !names.is_empty();
        self.later = Some(Later { due: now, sources: taken.collect(), audio });
        self.take_later(now, effects);
    }

    /// Takes what is to be taken, or waits until it may.
    pub(super) fn take_later(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let Some(later) = &mut self.later else { return };
        match self.pictures_rate.take(now) {
            Ok(()) => {
                let taken = self.later.take();
                effects.extend(taken.map(|Later { sources, audio, .. }| Effect::Pictures { sources, audio }));
            }
            // The newest alone matters, so that none is refused.
            Err(wait) => later.due = now + wait,
        }
    }

    /// The peer connection has ended, or does not come about. Pictures go on, and the client may join anew.
    pub(super) fn disconnected(&mut self, message: String, effects: &mut Vec<Effect>) {
        if self.membership().is_none() {
            // One that ended before.
            return;
        }
        self.state = State::Greeted;
        self.watching = Watching::default();
        self.candidates = 0;
        self.agreed = None;
        effects.push(Effect::Disconnect);
        effects.push(Effect::Send(ServerMessage::Error { code: ErrorCode::ConnectionFailed, message }));
    }

    pub(super) fn seen(&mut self, kind: u8, subject: u32, number: u32, effects: &mut Vec<Effect>) {
        let kinds = [FrameKind::Source, FrameKind::Participant];
        match kinds.into_iter().find(|each| each.byte() == kind) {
            _ if !self.is_greeted() => self.out_of_order("seen comes after pictures", effects),
            Some(kind) => effects.push(Effect::Seen { kind, subject, number }),
            None => {
                let problem = "'subject_kind' is 1 for a source, 3 for a participant.";
                self.mistake(ErrorCode::BadMessage, problem.into(), effects);
            }
        }
    }
}

#[cfg(test)]
#[path = "pictures_tests.rs"]
mod tests;
