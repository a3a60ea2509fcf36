//! Pictures by the WebSocket, where no peer connection stands: taken whenever the client is welcome.

use super::{Effect, Session, State, Taken, misnamed};
use crate::core::ids::SourceName;
use crate::core::protocol::{ErrorCode, FrameKind, ServerMessage, TakenSource};
use crate::core::watching::Watching;

impl Session {
    pub(super) fn pictures(&mut self, sources: Vec<TakenSource>, audio: bool, effects: &mut Vec<Effect>) {
        if !self.is_greeted() {
            return self.out_of_order("pictures comes after welcome", effects);
        }
        let names: Vec<SourceName> = sources.iter().map(|taken| taken.source.clone()).collect();
        if let Some(problem) = misnamed(&names, &self.known) {
            return self.mistake(ErrorCode::UnknownSource, problem, effects);
        }
        let taken = sources.into_iter().filter_map(|TakenSource { source, width }| {
            let index = self.known.iter().position(|known| *known == source)?;
            Some(Taken { subject: u32::try_from(index).ok()?, source, width })
        });
        self.takes_pictures = !names.is_empty();
        effects.push(Effect::Pictures { sources: taken.collect(), audio });
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
