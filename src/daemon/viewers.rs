//! The daemon's viewers: their sessions, their peer connections, and what each is sent.
//!
//! The rules are [`Session`]'s; this carries them out.

use super::audit;
use super::links::Watch;
use super::logins;
use super::rooms::{Meeting, Turn as RoomTurn};
use super::sources::{Change, Sources};
use super::viewer::{Guest, Peer, Unit};
use crate::config::{self, Limits};
use crate::core::audit::AddressForm;
use crate::core::ids::{SourceName, ViewerId};
use crate::core::principal::{Principal, Role, Who};
use crate::core::protocol::{
    self, ByeReason, Codec, IceServer, MediaKind, RoomInfo, ServerMessage, SourceInfo, TrackInfo,
};
use crate::core::viewer::{AdminRequest, Effect, Input, Session, same_list};
use crate::core::watching::Turn;
use crate::media::ice::{Ice, IceSettings};
use crate::media::viewer::{TrackSpec, Viewer, ViewerEvent};
use crate::media::{Events, MediaError, RenditionId};
use crate::telemetry::metrics::{At, metrics};
use crate::web::Outbox;
use async_channel::Sender;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

/// A viewer that comes while an encoder starts waits so long for its profile; then it is offered
/// the default one.
const PROFILE_WITHIN: Duration = Duration::from_secs(4);

/// A peer connection has been made, or not.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) viewer: ViewerId,
    /// Which of its connections.
    pub(super) run: u64,
    /// With its answer, where the client has made the offer.
    pub(super) result: Result<(Viewer, Option<String>), MediaError>,
}

/// What every welcome says, and the servers whose logins are made for each.
#[derive(Debug, Clone)]
pub(super) struct Greeting {
    pub(super) title: String,
    pub(super) ice_servers: Vec<config::IceServer>,
}

/// How many there may be, and how they are told of.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) limits: Limits,
    pub(super) audit_addresses: AddressForm,
}

#[derive(Debug)]
pub(super) struct Viewers {
    pub(super) links: Watch,
    pub(super) all: BTreeMap<ViewerId, Unit>,
    pub(super) ice: Ice,
    pub(super) greeting: Greeting,
    pub(super) rules: Rules,
    pub(super) events: Events,
    pub(super) opened: Sender<Opened>,
    /// What admins have asked for and was not done yet.
    pub(super) asked: Vec<(ViewerId, AdminRequest)>,
    pub(super) meeting: Meeting,
}

impl Viewers {
    pub(super) fn new(
        ice: Ice,
        greeting: Greeting,
        rules: Rules,
        events: Events,
        opened: Sender<Opened>,
        meeting: Meeting,
    ) -> Self {
        Self {
            links: Watch::new(Instant::now()),
            all: BTreeMap::new(),
            ice,
            greeting,
            rules,
            events,
            opened,
            asked: Vec::new(),
            meeting,
        }
    }

    pub(super) fn reconfigure(&mut self, ice: IceSettings, greeting: Greeting, rules: Rules) {
        // It looks at the machine's addresses, which takes a moment.
        let port = self.ice.clone();
        smol::unblock(move || port.reconfigure(ice)).detach();
        if greeting.ice_servers != self.greeting.ice_servers {
            self.all.values_mut().for_each(|unit| unit.renew = Some(SystemTime::UNIX_EPOCH));
        }
        self.greeting = greeting;
        self.rules = rules;
    }

    /// How many there are; who was shown out and has not closed is none.
    pub(super) fn count(&self) -> usize {
        self.all.values().filter(|unit| !unit.is_shown_out()).count()
    }

    /// Why there is no room for one more of these, if there is none.
    pub(super) fn full(&self, who: &Who) -> Option<String> {
        let limits = &self.rules.limits;
        if self.count() >= limits.viewers {
            return Some(format!("As many viewers as are allowed here ({}) are watching.", limits.viewers));
        }
        let theirs = |unit: &&Unit| !unit.is_shown_out() && unit.guest.principal().who == *who;
        let is_full = match who {
            Who::Anyone => false,
            Who::Account(_) | Who::Invitation(_) => {
                self.all.values().filter(theirs).count() >= limits.viewers_per_account
            }
        };
        let allowed = limits.viewers_per_account;
        is_full.then(|| format!("As many as are allowed at once ({allowed}) watch as {who}."))
    }

    /// Why one of these sources can have no other viewer than `but`, if there is such.
    pub(super) fn full_source<'a>(
        &self,
        mut sources: impl Iterator<Item = &'a SourceName>,
        but: Option<ViewerId>,
    ) -> Option<String> {
        let allowed = self.rules.limits.viewers_per_source;
        let watching = |source: &SourceName| {
            let others = self.all.iter().filter(|(id, _)| Some(**id) != but);
            others.filter(|(_, unit)| unit.session.joined().contains(source) || unit.takes(source)).count()
        };
        let full = sources.find(|source| watching(source) >= allowed)?;
        Some(format!("As many viewers as are allowed ({allowed}) watch '{full}'."))
    }

    /// Whether some viewer is to be sent this.
    pub(super) fn want(&self, rendition: &RenditionId) -> bool {
        let is_sound = rendition.media() == MediaKind::Audio;
        // Asked after every event, of every rendition: what costs least is looked at first.
        self.all.values().any(|unit| {
            let session = &unit.session;
            if is_sound && unit.takes_sound(&rendition.source) {
                return true;
            }
            (is_sound || session.video_codec() == Some(rendition.codec))
                && session.selected().contains(&rendition.source)
                && (is_sound || session.watching().needs(&rendition.source, rendition.rung))
        })
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let waiting = self.all.values().filter_map(|unit| match unit.peer {
            Peer::Waiting { until, .. } => Some(until),
            Peer::None | Peer::Opening { .. } | Peer::Open { .. } => None,
        });
        let connected = self.all.values().any(|unit| unit.session.is_connected());
        let links = self.links.deadline(connected);
        self.all
            .values()
            .filter_map(|unit| unit.session.deadline())
            .chain(waiting)
            .chain(links)
            .chain(self.lists_due())
            .chain(self.meeting.deadline())
            .min()
    }

    /// A client has connected.
    pub(super) fn connected(
        &mut self,
        now: Instant,
        viewer: ViewerId,
        outbox: Outbox,
        guest: Guest,
        sources: &Sources,
    ) {
        let full = self.full(&guest.principal().who);
        let known = guest.principal().visible(sources.names());
        let session = match guest.principal().role {
            Role::Admin => Session::of_admin(now, known),
            Role::Viewer | Role::Participant => Session::new(now, known),
        };
        let (coming, form) = (guest.clone(), self.rules.audit_addresses);
        metrics().joined("page");
        self.all.insert(viewer, Unit::new(now, session, guest, outbox));
        if let Some(message) = full {
            audit::refused(form, &coming, &message);
            self.handle(now, viewer, Input::End { reason: ByeReason::Full, message }, sources);
        } else {
            audit::came(form, viewer, &coming, self.count(), "viewer connected");
        }
    }

    /// Its connection has ended.
    pub(super) fn gone(&mut self, viewer: ViewerId, sources: &Sources) {
        if let Some(mut unit) = self.all.remove(&viewer) {
            unit.end_media(viewer, sources);
            if !unit.is_shown_out() {
                metrics().left("gone");
            }
            self.meeting.turn(viewer, RoomTurn::Lost);
            audit::left(viewer, &unit.guest, unit.since.elapsed(), self.count());
        }
    }

    /// Hands something to a session and does what follows. What a link carries of a source is told
    /// here too, by [`Turn::Automatic`].
    pub(super) fn handle(&mut self, now: Instant, viewer: ViewerId, input: Input, sources: &Sources) {
        let Some(unit) = self.all.get_mut(&viewer) else { return };
        let mut due = unit.session.handle(now, input);
        unit.count_refusal();
        while !due.is_empty() {
            let mut follows = Vec::new();
            for effect in due {
                let Some(unit) = self.all.get_mut(&viewer) else { return };
                match effect {
                    Effect::Welcome => {
                        let told = logins::told(&self.greeting.ice_servers, viewer, SystemTime::now());
                        unit.renew = told.renew;
                        let (guest, rooms) = (unit.guest.principal(), self.meeting.infos());
                        let welcome = welcome(&self.greeting, viewer, (told.servers, rooms), guest, sources);
                        unit.say(welcome);
                    }
                    Effect::Send(message) => unit.say(message),
                    Effect::Open { sources: joined, video_codec } => {
                        if let Some(message) = self.full_source(joined.iter(), Some(viewer)) {
                            follows.push(Input::End { reason: ByeReason::Full, message });
                            continue;
                        }
                        audit::watches(viewer, &joined);
                        let codec = video_codec.into_iter();
                        let ladders = joined.iter().zip(codec.cycle());
                        follows.extend(ladders.filter_map(|(source, codec)| ladder(source, codec, sources)));
                        let renditions = joined.into_iter().flat_map(|source| {
                            let codecs = sources.codecs(&source, video_codec).into_iter();
                            codecs.map(move |codec| RenditionId { source: source.clone(), codec, rung: 0 })
                        });
                        let renditions: Vec<_> = renditions.collect();
                        if renditions.is_empty() {
                            follows.push(Input::NoCodec);
                        } else {
                            let Some(unit) = self.all.get_mut(&viewer) else { return };
                            unit.peer = Peer::Waiting { until: now + PROFILE_WITHIN, renditions };
                        }
                    }
                    Effect::Answer { sdp, etag } => follows.extend(unit.answer(sdp, etag)),
                    Effect::Accept(answer) => follows.extend(unit.accept(&answer)),
                    Effect::AddCandidate { candidate, .. } => unit.add_candidate(candidate),
                    Effect::Restart => follows.extend(unit.restart()),
                    Effect::Restarted(theirs) => unit.restarted(&theirs),
                    Effect::Pictures { sources: taken, audio } => {
                        let names: Vec<_> = taken.iter().map(|taken| taken.source.clone()).collect();
                        if let Some(message) = self.full_source(names.iter(), Some(viewer)) {
                            follows.push(Input::End { reason: ByeReason::Full, message });
                            continue;
                        }
                        let Some(unit) = self.all.get_mut(&viewer) else { return };
                        // A page asks again whenever its window's size changes.
                        let new: Vec<_> = names.into_iter().filter(|name| !unit.takes(name)).collect();
                        if !new.is_empty() {
                            audit::watches(viewer, &new);
                        }
                        unit.take(viewer, taken, audio, sources);
                    }
                    Effect::Seen { kind, subject, number } => unit.seen(now, kind, subject, number),
                    Effect::Verify(fingerprints) => {
                        let same = unit.verify(&fingerprints);
                        follows.push(Input::Verified(same));
                    }
                    Effect::Feed(selected) => {
                        unit.feed(viewer, sources);
                        tracing::debug!(%viewer, ?selected, "feeding");
                    }
                    Effect::Move { source, rung } => {
                        unit.feed(viewer, sources);
                        tracing::debug!(%viewer, %source, rung, "moving");
                    }
                    Effect::Disconnect => unit.end_peer(viewer, sources),
                    Effect::Administer(request) => self.asked.push((viewer, request)),
                    Effect::Room(request) => self.meeting.turn(viewer, RoomTurn::Asked(request)),
                    Effect::Close(reason) => {
                        metrics().left(audit::word(&reason));
                        if matches!(reason, ByeReason::Full | ByeReason::BadFingerprint) {
                            metrics().refused(At::Session, audit::word(&reason));
                        }
                        audit::shown_out(viewer, &unit.guest, reason);
                        self.meeting.turn(viewer, RoomTurn::of_end(reason));
                        if unit.show_out(viewer, sources) {
                            return self.gone(viewer, sources);
                        }
                    }
                }
            }
            let Some(unit) = self.all.get_mut(&viewer) else { return };
            due = follows.into_iter().flat_map(|input| unit.session.handle(now, input)).collect();
        }
    }

    /// Something has happened to a peer connection.
    pub(super) fn peer_event(
        &mut self,
        now: Instant,
        (viewer, run): (ViewerId, u64),
        event: ViewerEvent,
        sources: &Sources,
    ) {
        if self.all.get(&viewer).is_none_or(|unit| unit.run != run) {
            return;
        }
        let input = match event {
            ViewerEvent::Offer { sdp } => match self.all.get_mut(&viewer).map(|unit| &mut unit.peer) {
                Some(Peer::Open { renditions, .. }) => {
                    let tracks = tracks(&sdp, renditions);
                    Input::Offer { sdp, tracks }
                }
                Some(Peer::Opening { offer, .. }) => {
                    *offer = Some(sdp);
                    return;
                }
                Some(Peer::None | Peer::Waiting { .. }) | None => return,
            },
            ViewerEvent::Candidate { candidate } => Input::LocalCandidate { candidate },
            ViewerEvent::Connected { certificate } => {
                if let Some(unit) = self.all.get_mut(&viewer) {
                    unit.certificate = certificate;
                }
                self.handle(now, viewer, Input::Connected, sources);
                return self.hear_early(now, viewer, sources);
            }
            ViewerEvent::Sending { source, rung } => {
                tracing::debug!(%viewer, %source, rung, "sending");
                self.handle(now, viewer, Input::Picture { source, turn: Turn::Sent(rung) }, sources);
                // What was sent until then is not needed any more.
                if let Some(unit) = self.all.get(&viewer) {
                    unit.feed(viewer, sources);
                }
                return;
            }
            ViewerEvent::Said { channel, text } => {
                return self.said_by_channel(now, viewer, channel, text, sources);
            }
            ViewerEvent::WayFound => Input::Way(true),
            ViewerEvent::WayLost => Input::Way(false),
            ViewerEvent::Disconnected { detail } => Input::End {
                reason: ByeReason::ConnectionFailed,
                message: format!("The media connection has ended: {detail}."),
            },
            ViewerEvent::Failed { detail } => {
                tracing::warn!(%viewer, detail, "a viewer's pipeline failed");
                Input::End {
                    reason: ByeReason::Internal,
                    message: "The media connection failed in the daemon.".into(),
                }
            }
        };
        self.handle(now, viewer, input, sources);
    }

    /// Makes the peer connections that can be made now.
    pub(super) fn open_ready(&mut self, now: Instant, sources: &Sources) {
        for (id, unit) in &mut self.all {
            let Peer::Waiting { until, renditions } = &mut unit.peer else { continue };
            for rendition in renditions.iter_mut().filter(|id| id.media() == MediaKind::Video) {
                rendition.rung = unit.session.watching().target(&rendition.source);
            }
            let profiles: Vec<_> = renditions.iter().map(|rendition| sources.profile(rendition)).collect();
            // What is hidden has no encoder that could say anything.
            let selected = unit.session.selected();
            let mut awaited =
                renditions.iter().zip(&profiles).filter(|(id, _)| selected.contains(&id.source));
            if now < *until && awaited.any(|(_, profile)| profile.is_none()) {
                continue;
            }
            let data = unit.session.has_data();
            let specs: Vec<_> = renditions
                .iter()
                .zip(profiles)
                .map(|(rendition, profile)| track(rendition, profile.flatten()))
                .collect();
            unit.peer = Peer::Opening { renditions: renditions.clone(), offer: None };
            unit.run += 1;
            let (ice, run) = (self.ice.clone(), unit.run);
            let (id, events, opened) = (*id, self.events.of_run(run), self.opened.clone());
            smol::unblock(move || {
                let result = Viewer::open(id, &ice, &specs, data, &events).map(|peer| (peer, None));
                // The loop has ended when the channel is closed.
                let _ = opened.send_blocking(Opened { viewer: id, run, result });
            })
            .detach();
        }
    }

    /// A peer connection has been made.
    pub(super) fn opened(&mut self, now: Instant, opened: Opened, sources: &Sources) {
        let Opened { viewer, run, result } = opened;
        let Some(unit) = self.all.get_mut(&viewer).filter(|unit| unit.run == run) else { return };
        let Peer::Opening { renditions, offer } = &mut unit.peer else { return };
        let (renditions, offer) = (std::mem::take(renditions), offer.take());
        match result {
            Ok((peer, Some(sdp))) => {
                let accepted = (0..renditions.len()).collect();
                unit.peer = Peer::Open { viewer: peer, renditions, accepted };
                self.handle(now, viewer, Input::Answered { sdp }, sources);
            }
            Ok((peer, None)) => {
                unit.peer = Peer::Open { viewer: peer, renditions, accepted: Vec::new() };
                if let Some(sdp) = offer {
                    self.peer_event(now, (viewer, run), ViewerEvent::Offer { sdp }, sources);
                }
            }
            Err(error) => {
                tracing::error!(%viewer, %error, "no peer connection could be made");
                let message = "The media connection could not be made in the daemon.".into();
                self.handle(now, viewer, Input::End { reason: ByeReason::Internal, message }, sources);
            }
        }
    }

    /// Lets time pass, and shows out who does not take what it is told. Whether anybody's time had come.
    pub(super) fn tick(&mut self, now: Instant, sources: &Sources) -> bool {
        let mut due = Vec::new();
        for (id, unit) in &self.all {
            if unit.has_overflowed() {
                let message = "You do not take what you are told.".to_owned();
                due.push((*id, Input::End { reason: ByeReason::TooSlow, message }));
            } else if unit.session.deadline().is_some_and(|until| now >= until) {
                due.push((*id, Input::Tick));
            }
        }
        let any = !due.is_empty();
        for (viewer, input) in due {
            self.handle(now, viewer, input, sources);
        }
        any
    }

    /// A source's ladder is known, or another one.
    pub(super) fn ladder(&mut self, now: Instant, source: &SourceName, sources: &Sources) {
        let codecs = self.all.iter().map(|(id, unit)| (*id, unit.session.video_codec()));
        let due: Vec<_> =
            codecs.filter_map(|(id, codec)| Some((id, ladder(source, codec?, sources)?))).collect();
        for (viewer, input) in due {
            self.handle(now, viewer, input, sources);
        }
    }

    /// There are other sources than `before`: who may see some of those that differ is told, and goes on with
    /// what is left of what it has.
    pub(super) fn relist(&mut self, now: Instant, before: &[SourceInfo], sources: &Sources) {
        let after = sources.infos();
        let mut due = Vec::new();
        for (id, unit) in &mut self.all {
            let rights = &unit.guest.principal().sources;
            let seen = |list: &[SourceInfo]| {
                let mut list = list.to_vec();
                list.retain(|info| rights.include(&info.name));
                list
            };
            let list = seen(&after);
            if !same_list(&seen(before), &list) {
                unit.keep_taken(&list);
                due.push((*id, Input::Listed(list)));
            }
        }
        for (viewer, input) in due {
            self.handle(now, viewer, input, sources);
        }
        // Renditions of what goes on may be others.
        self.all.iter().for_each(|(id, unit)| unit.feed(*id, sources));
    }

    /// Tells everybody whose source it is that it has changed.
    pub(super) fn announce(&mut self, changes: &[Change]) {
        for unit in self.all.values_mut() {
            if unit.session.is_greeted() {
                for Change { name, state, failures } in changes {
                    if unit.session.knows(name) {
                        let (name, state, failures) = (name.clone(), state.clone(), *failures);
                        unit.say(ServerMessage::Source { name, state, failures });
                    }
                }
            }
        }
    }

    /// Shows out those whom `concerned` is true of.
    pub(super) fn end(
        &mut self,
        now: Instant,
        sources: &Sources,
        reason: ByeReason,
        message: &str,
        concerned: impl Fn(&Unit) -> bool,
    ) {
        let whom: Vec<_> = self.all.iter().filter(|(_, unit)| concerned(unit)).map(|(id, _)| *id).collect();
        for viewer in whom {
            self.handle(now, viewer, Input::End { reason, message: message.to_owned() }, sources);
        }
    }
}

/// A track with numbers of its own.
pub(super) fn track(rendition: &RenditionId, profile_level_id: Option<String>) -> TrackSpec {
    TrackSpec {
        rendition: rendition.clone(),
        profile_level_id,
        ssrc: (super::random_u64() as u32).max(1),
        // RFC 3711 section 3.3.1: far from a wrap in the first packets.
        first_sequence: (super::random_u64() as u16) >> 1,
        first_timestamp: super::random_u64() as u32,
    }
}

/// What tells a session of a source's ladder, if there is one.
pub(super) fn ladder(source: &SourceName, codec: Codec, sources: &Sources) -> Option<Input> {
    let rungs = sources.ladder(source, codec);
    let input = || Input::Picture { source: source.clone(), turn: Turn::Ladder(rungs.to_vec()) };
    (!rungs.is_empty()).then(input)
}

fn welcome(
    greeting: &Greeting,
    viewer: ViewerId,
    (ice_servers, rooms): (Vec<IceServer>, Vec<RoomInfo>),
    principal: &Principal,
    sources: &Sources,
) -> ServerMessage {
    let mut infos = sources.infos();
    infos.retain(|info| principal.sources.include(&info.name));
    ServerMessage::Welcome {
        version: protocol::VERSION,
        software: super::SOFTWARE.into(),
        title: greeting.title.clone(),
        viewer,
        sources: infos,
        ice_servers,
        rooms,
    }
}

/// What each m-line carries: they are in the order of the renditions.
fn tracks(sdp: &str, renditions: &[RenditionId]) -> Vec<TrackInfo> {
    let mids = sdp.lines().filter_map(|line| line.strip_prefix("a=mid:"));
    mids.zip(renditions)
        .map(|(mid, rendition)| TrackInfo {
            mid: mid.trim().to_owned(),
            source: rendition.source.clone(),
            media: rendition.media(),
            codec: rendition.codec,
        })
        .collect()
}

#[cfg(test)]
#[path = "viewers_tests.rs"]
mod tests;
