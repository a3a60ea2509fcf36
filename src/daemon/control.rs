//! What programs on the machine ask by the control socket, answered.

use super::Daemon;
use crate::control::{Asked, Reply};
use crate::core::control::{Answer, Refusal, Request};
use crate::core::ids::SourceName;
use crate::core::protocol::PausedBy;
use std::time::Instant;

impl Daemon {
    pub(super) fn answer(&mut self, now: Instant, Asked { request, reply }: Asked) {
        match request {
            Request::Status => reply.send(Answer::Status(Box::new(self.status(now)))),
            Request::Pause { source } => self.pause_for(now, source, true, reply),
            Request::Resume { source } => self.pause_for(now, source, false, reply),
            Request::Reload => {
                tracing::info!("reload asked for by the control socket");
                self.reload(Some(reply));
            }
        }
    }

    fn pause_for(&mut self, now: Instant, source: Option<SourceName>, pause: bool, reply: Reply) {
        let names = self.sources.names();
        if let Some(unknown) = source.as_ref().filter(|source| !names.contains(source)) {
            let message = format!("There is no source '{unknown}'; see `vitrina status`.");
            return reply.send(Answer::Refused { reason: Refusal::UnknownSource, message });
        }
        self.pause_by(now, (PausedBy::Machine, "control socket"), source.as_ref(), pause);
        let paused = names.into_iter().filter(|name| self.sources.pauses().of(name).is_some()).collect();
        self.kept
            .write(self.sources.pauses(), move |kept| reply.send(Answer::Paused { sources: paused, kept }));
    }
}
