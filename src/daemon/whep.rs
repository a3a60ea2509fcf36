//! Viewers that come by WHEP: what is asked by HTTP, made into a session as any other.

use super::audit;
use super::logins;
use super::sources::Sources;
use super::viewer::{Guest, Peer, Unit};
use super::viewers::{Opened, Viewers};
use crate::core::ice::Credentials;
use crate::core::ids::{SourceName, ViewerId};
use crate::core::principal::Who;
use crate::core::protocol::{ByeReason, Codec, IceServer, MediaKind};
use crate::core::sdp::{Agreement, CheckedOffer, ProfileLevelId, Sendable};
use crate::core::viewer::{Input, Session};
use crate::core::whep::{Fragment, IfMatch, Patch, restarted};
use crate::media::RenditionId;
use crate::media::viewer::Viewer;
use crate::telemetry::metrics::metrics;
use crate::web::{WhepAction, WhepOutcome, WhepReply};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::{Instant, SystemTime};

/// The way to a client that comes by HTTP: it hears one answer, and the rest is seen from its
/// connection.
#[derive(Debug)]
pub(super) struct Line {
    /// By which the client names its session.
    id: String,
    /// Until the offer is answered.
    reply: Option<WhepReply>,
    /// What it is told with the answer.
    ice_servers: Vec<IceServer>,
    /// Its first m-line, as fragments name it.
    section: String,
}

impl Line {
    fn new(reply: WhepReply, ice_servers: Vec<IceServer>, section: String) -> Self {
        // Who knows it may end the session: as unguessable as a token.
        let id: Vec<u8> = (0..4).flat_map(|_| super::random_u64().to_ne_bytes()).collect();
        Self { id: URL_SAFE_NO_PAD.encode(id), reply: Some(reply), ice_servers, section }
    }

    pub(super) fn is(&self, id: &str) -> bool {
        self.id == id
    }

    /// Answers the offer. What is to follow where nobody waits for it any more.
    pub(super) fn answer(&mut self, sdp: String, etag: String) -> Option<Input> {
        let ice_servers = std::mem::take(&mut self.ice_servers);
        let outcome = WhepOutcome::Created { session: self.id.clone(), etag, sdp, ice_servers };
        let heard = self.reply.take().is_some_and(|reply| reply.send(outcome));
        let left = Input::End { reason: ByeReason::Left, message: "You have gone.".into() };
        (!heard).then_some(left)
    }

    /// The daemon's half of an ICE restart.
    pub(super) fn restarted(&self, own: &Credentials, candidates: &[String]) -> String {
        restarted(&self.section, own, candidates)
    }

    /// Says why there is no answer, if there was none yet.
    pub(super) fn end(&mut self, message: String) {
        if let Some(reply) = self.reply.take() {
            // The client has gone where this fails, and so has its session.
            let _gone = reply.send(WhepOutcome::Ended { message });
        }
    }
}

impl Unit {
    fn patch(&mut self, now: Instant, condition: &IfMatch, fragment: &Fragment) -> WhepOutcome {
        let (theirs, candidates) = match self.session.patch(now, condition, fragment, new_tag()) {
            Err(refusal) => return WhepOutcome::PatchRefused(refusal),
            Ok(Patch::Candidates(candidates)) => (None, candidates),
            Ok(Patch::Restart(theirs, candidates)) => (Some(theirs), candidates),
        };
        let restarted = theirs.and_then(|theirs| self.begin_anew(&theirs));
        for candidate in candidates {
            self.add_candidate(candidate);
        }
        restarted.unwrap_or(WhepOutcome::Done)
    }
}

impl Viewers {
    /// Does what is asked by WHEP.
    pub(super) fn whep(
        &mut self,
        now: Instant,
        action: WhepAction,
        guest: Guest,
        reply: WhepReply,
        sources: &Sources,
    ) {
        let who = &guest.principal().who;
        let outcome = match action {
            WhepAction::Create { viewer, source, offer } => {
                match self.agree(&offer, source, &guest, sources) {
                    Ok(agreement) => return self.begin(now, viewer, agreement, guest, reply, sources),
                    Err(outcome) => outcome,
                }
            }
            WhepAction::Patch { session, condition, fragment } => {
                let unit = self.by_session(&session, who).and_then(|viewer| self.all.get_mut(&viewer));
                unit.map_or(WhepOutcome::NoSession, |unit| unit.patch(now, &condition, &fragment))
            }
            WhepAction::Delete { session } => match self.by_session(&session, who) {
                None => WhepOutcome::NoSession,
                Some(viewer) => {
                    let message = "You have left.".into();
                    self.handle(now, viewer, Input::End { reason: ByeReason::Left, message }, sources);
                    WhepOutcome::Done
                }
            },
            WhepAction::Look { session } => match self.by_session(&session, who) {
                None => WhepOutcome::NoSession,
                Some(_) => WhepOutcome::Done,
            },
        };
        // Who does not wait for it does not need it.
        let _gone = reply.send(outcome);
    }

    fn by_session(&self, session: &str, who: &Who) -> Option<ViewerId> {
        self.all.iter().find(|(_, unit)| unit.is_session(session, who)).map(|(id, _)| *id)
    }

    fn agree(
        &self,
        offer: &CheckedOffer,
        source: Option<SourceName>,
        guest: &Guest,
        sources: &Sources,
    ) -> Result<Agreement, WhepOutcome> {
        // What somebody may not see is not there for them.
        let names = guest.principal().visible(sources.names());
        let names = match source {
            Some(name) if names.contains(&name) => vec![name],
            None if !names.is_empty() => names,
            unknown => return Err(WhepOutcome::NoSource(unknown)),
        };
        let sendable: Vec<_> = names.iter().flat_map(|name| sendable(name, sources)).collect();
        let agreement = offer.agree(&sendable).ok_or(WhepOutcome::NothingToSend)?;
        let served = agreement.served().iter().map(|mline| &mline.source);
        let full = self.full(&guest.principal().who).or_else(|| self.full_source(served, None));
        if let Some(message) = full {
            audit::refused(self.rules.audit_addresses, guest, &message);
            return Err(WhepOutcome::Full { message });
        }
        Ok(agreement)
    }

    fn begin(
        &mut self,
        now: Instant,
        viewer: ViewerId,
        agreement: Agreement,
        guest: Guest,
        reply: WhepReply,
        sources: &Sources,
    ) {
        let renditions: Vec<_> = agreement
            .served()
            .iter()
            .map(|mline| RenditionId { source: mline.source.clone(), codec: mline.codec, rung: 0 })
            .collect();
        let specs: Vec<_> = renditions.iter().map(|id| super::viewers::track(id, None)).collect();
        let pictures = renditions.iter().filter(|id| id.media() == MediaKind::Video);
        let ladders: Vec<_> =
            pictures.filter_map(|id| super::viewers::ladder(&id.source, id.codec, sources)).collect();
        let servers = logins::told(&self.greeting.ice_servers, viewer, SystemTime::now()).servers;
        let ice = self.ice.clone();
        let session = Session::answering(now, agreement.clone(), new_tag());
        let (coming, joined) = (guest.clone(), session.joined().to_vec());
        let line = Line::new(reply, servers, agreement.section());
        let mut unit = Unit::by_whep(now, session, guest, line);
        unit.peer = Peer::Opening { renditions, offer: None };
        let run = unit.run;
        self.all.insert(viewer, unit);
        metrics().joined("whep");
        let form = self.rules.audit_addresses;
        audit::came(form, viewer, &coming, self.count(), "viewer comes by WHEP");
        audit::watches(viewer, &joined);
        for ladder in ladders {
            self.handle(now, viewer, ladder, sources);
        }
        let (events, opened) = (self.events.of_run(run), self.opened.clone());
        smol::unblock(move || {
            let result = Viewer::answer(viewer, &ice, &agreement, &specs, &events);
            let result = result.map(|(peer, answer)| (peer, Some(answer)));
            // The loop has ended when the channel is closed.
            let _ = opened.send_blocking(Opened { viewer, run, result });
        })
        .detach();
    }
}

fn new_tag() -> String {
    format!("{:016x}", super::random_u64())
}

/// What of a source could be sent.
fn sendable(source: &SourceName, sources: &Sources) -> Vec<Sendable> {
    let media = sources.codecs(source, Some(Codec::H264)).into_iter();
    media
        .map(|codec| {
            let id = RenditionId { source: source.clone(), codec, rung: 0 };
            let profile = sources.profile(&id).flatten();
            Sendable {
                source: source.clone(),
                kind: if codec == Codec::Opus { MediaKind::Audio } else { MediaKind::Video },
                profile: profile.as_deref().and_then(ProfileLevelId::parse),
            }
        })
        .collect()
}
