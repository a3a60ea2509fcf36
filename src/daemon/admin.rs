//! What admins ask over the signalling: who watches, an end, a pause, invitations. Only for those who may
//! ([`crate::core::viewer::Session`] sees to that), and all of it in the audit log.

use super::Daemon;
use super::viewers::Viewers;
use crate::core::audit::TARGET;
use crate::core::ids::{SourceName, ViewerId};
use crate::core::invitation::Wanted;
use crate::core::principal::{InvitationId, Rights};
use crate::core::protocol::{ByeReason, ErrorCode, PausedBy, ServerMessage};
use crate::core::viewer::{AdminRequest, Input};
use crate::web::qr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a list of viewers is told.
const LIST_EVERY: Duration = Duration::from_secs(1);

impl Daemon {
    /// Does what admins have asked for since the last call.
    pub(super) fn administer(&mut self, now: Instant) {
        for (admin, request) in std::mem::take(&mut self.viewers.asked) {
            let Some(unit) = self.viewers.all.get_mut(&admin) else { continue };
            let who = unit.guest.principal().who.to_string();
            match request {
                AdminRequest::WatchViewers(on) => unit.wants_list = on,
                AdminRequest::End(viewer) => self.end_by(now, admin, &who, viewer),
                AdminRequest::Pause(source) | AdminRequest::Resume(source)
                    if source.as_ref().is_some_and(|source| !unit.session.knows(source)) =>
                {
                    let message = "There is no such source here.".to_owned();
                    self.refuse(now, admin, ErrorCode::UnknownSource, message);
                }
                AdminRequest::Invite(wanted) => self.admin_invites(now, admin, wanted),
                AdminRequest::Invitations => {
                    unit.say(ServerMessage::Invitations { invitations: self.server.invitations() })
                }
                AdminRequest::Revoke(invitation) => self.admin_revokes(admin, invitation),
                AdminRequest::Pause(source) => self.admin_pauses(now, &who, source.as_ref(), true),
                AdminRequest::Resume(source) => self.admin_pauses(now, &who, source.as_ref(), false),
            }
        }
        self.viewers.tell_lists(now);
    }

    fn admin_pauses(&mut self, now: Instant, who: &str, source: Option<&SourceName>, pause: bool) {
        self.pause_by(now, (PausedBy::Admin, who), source, pause);
        // What cannot be kept is in the log.
        self.kept.write(self.sources.pauses(), |_| ());
    }

    fn end_by(&mut self, now: Instant, admin: ViewerId, who: &str, viewer: ViewerId) {
        let there = self.viewers.all.get(&viewer).filter(|unit| !unit.is_shown_out());
        let Some(whom) = there.map(|unit| unit.guest.principal().who.to_string()) else {
            let message = format!("There is no viewer {viewer}.");
            return self.refuse(now, admin, ErrorCode::UnknownViewer, message);
        };
        tracing::info!(target: TARGET, event = "ended", who, %viewer, whom, "session ended");
        let message = "An admin has ended this session.".to_owned();
        let input = Input::End { reason: ByeReason::Ended, message };
        self.viewers.handle(now, viewer, input, &self.sources);
    }

    /// An admin invites to no more than it is shown itself.
    fn admin_invites(&mut self, now: Instant, admin: ViewerId, mut wanted: Wanted) {
        let Some(unit) = self.viewers.all.get(&admin) else { return };
        let rights = &unit.guest.principal().sources;
        if let (Rights::Only(own), None) = (rights, &wanted.sources) {
            wanted.sources = Some(own.clone());
        }
        let unknown = |source: &&SourceName| !unit.session.knows(source) || !rights.include(source);
        if wanted.sources.iter().flatten().any(|source| unknown(&source)) {
            let message = "There is no such source here.".to_owned();
            return self.refuse(now, admin, ErrorCode::UnknownSource, message);
        }
        let (who, Some(outbox)) = (unit.guest.principal().who.to_string(), unit.outbox()) else { return };
        let server = Arc::clone(&self.server);
        // Files are written.
        smol::unblock(move || {
            let made = server.invite(wanted).map_err(|error| error.to_string());
            let made = made.and_then(|made| made.map_err(|refused| refused.to_string()));
            let answer = made.and_then(|(invitation, link)| {
                let (id, role) = (&invitation.invitation, invitation.role);
                tracing::info!(target: TARGET, event = "admin", did = "invite", by = who, invitation = %id, %role, "invitation made");
                let qr = qr::rows(&link).map_err(|error| error.to_string())?;
                Ok(ServerMessage::Invitation { invitation, link, qr })
            });
            let answer = answer.unwrap_or_else(|message| {
                ServerMessage::Error { code: ErrorCode::BadInvitation, message }
            });
            // Who does not take it has gone.
            let _ = outbox.send(answer);
            let _ = outbox.send(ServerMessage::Invitations { invitations: server.invitations() });
        })
        .detach();
    }

    fn admin_revokes(&self, admin: ViewerId, invitation: InvitationId) {
        let Some(unit) = self.viewers.all.get(&admin) else { return };
        let (who, Some(outbox)) = (unit.guest.principal().who.to_string(), unit.outbox()) else { return };
        let server = Arc::clone(&self.server);
        smol::unblock(move || {
            let problem = match server.revoke_invitation(&invitation) {
                Ok(true) => {
                    tracing::info!(target: TARGET, event = "admin", did = "revoke", by = who, %invitation, "invitation taken back");
                    None
                }
                Ok(false) => Some(format!("There is no invitation '{invitation}'.")),
                Err(error) => Some(error.to_string()),
            };
            let code = ErrorCode::BadInvitation;
            // Who does not take it has gone.
            let _ = problem.map(|message| outbox.send(ServerMessage::Error { code, message }));
            let _ = outbox.send(ServerMessage::Invitations { invitations: server.invitations() });
        })
        .detach();
    }

    fn refuse(&mut self, now: Instant, admin: ViewerId, code: ErrorCode, message: String) {
        self.viewers.handle(now, admin, Input::Malformed { code, message }, &self.sources);
    }
}

impl Viewers {
    /// When the next list of viewers is due.
    pub(super) fn lists_due(&self) -> Option<Instant> {
        self.all.values().filter(|unit| unit.wants_list).map(|unit| unit.next_list).min()
    }

    fn tell_lists(&mut self, now: Instant) {
        if self.lists_due().is_none_or(|due| now < due) {
            return;
        }
        let viewers = self.infos(now);
        for unit in self.all.values_mut().filter(|unit| unit.wants_list && now >= unit.next_list) {
            unit.next_list = now + LIST_EVERY;
            let mut viewers = viewers.clone();
            for viewer in &mut viewers {
                viewer.watching.retain(|watched| unit.session.knows(&watched.source));
            }
            unit.say(ServerMessage::Viewers { viewers });
        }
    }
}
