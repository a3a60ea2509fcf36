//! What programs on the machine ask by the control socket, answered.

use super::Daemon;
use crate::control::{Asked, Reply};
use crate::core::audit::TARGET;
use crate::core::control::{Answer, Refusal, Request};
use crate::core::ids::SourceName;
use crate::core::invitation::Wanted;
use crate::core::principal::InvitationId;
use crate::core::protocol::PausedBy;
use std::sync::Arc;
use std::time::Instant;

/// Who asks here, for the audit log.
const BY: &str = "control socket";

impl Daemon {
    pub(super) fn answer(&mut self, now: Instant, Asked { request, reply }: Asked) {
        match request {
            Request::Status => reply.send(Answer::Status(Box::new(self.status(now)))),
            Request::Invite(wanted) => self.invite(wanted, reply),
            Request::Invitations => {
                reply.send(Answer::Invitations { invitations: self.server.invitations() });
            }
            Request::Revoke { invitation } => self.revoke(invitation, reply),
            Request::Pause { source } => self.pause_for(now, source, true, reply),
            Request::Resume { source } => self.pause_for(now, source, false, reply),
            Request::Reload => {
                tracing::info!("reload asked for by the control socket");
                self.reload(Some(reply));
            }
        }
    }

    /// Files are written by a thread of the blocking pool.
    fn invite(&self, wanted: Wanted, reply: Reply) {
        let names = self.sources.names();
        let unknown = wanted.sources.iter().flatten().find(|source| !names.contains(source));
        if let Some(unknown) = unknown {
            let message = format!("There is no source '{unknown}' here.");
            return reply.send(Answer::Refused { reason: Refusal::UnknownSource, message });
        }
        let server = Arc::clone(&self.server);
        smol::unblock(move || {
            reply.send(match server.invite(wanted) {
                Ok(Ok((invitation, link))) => {
                    let (id, role) = (&invitation.invitation, invitation.role);
                    tracing::info!(target: TARGET, event = "admin", did = "invite", by = BY, invitation = %id, %role, "invitation made");
                    Answer::Invited { invitation, link }
                }
                Ok(Err(refused)) => {
                    Answer::Refused { reason: Refusal::BadInvitation, message: refused.to_string() }
                }
                Err(error) => Answer::Refused { reason: Refusal::Failed, message: error.to_string() },
            });
        })
        .detach();
    }

    fn revoke(&self, invitation: InvitationId, reply: Reply) {
        let server = Arc::clone(&self.server);
        smol::unblock(move || {
            reply.send(match server.revoke_invitation(&invitation) {
                Ok(true) => {
                    tracing::info!(target: TARGET, event = "admin", did = "revoke", by = BY, %invitation, "invitation taken back");
                    Answer::Revoked { invitation }
                }
                Ok(false) => {
                    let message = format!("There is no invitation '{invitation}'; `vitrina invite --list` has all.");
                    Answer::Refused { reason: Refusal::UnknownInvitation, message }
                }
                Err(error) => Answer::Refused { reason: Refusal::Failed, message: error.to_string() },
            });
        })
        .detach();
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
