//! One of the daemon's viewers: its session, its peer connection, and the way to its client.

use super::audit;
use super::sources::Sources;
use super::taking::Taking;
use super::whep;
use crate::core::candidate::Candidate;
use crate::core::channels::Channel;
use crate::core::ice::Credentials;
use crate::core::ids::ViewerId;
use crate::core::principal::{Principal, Who};
use crate::core::protocol::{ByeReason, MediaKind, ServerMessage, WatchesBy};
use crate::core::rtp::{CAPTURE_TIME_URI, PLAYOUT_DELAY_URI, TRANSPORT_SEQUENCE_URI};
use crate::core::sdp::{CheckedAnswer, Fingerprint, HashFunction};
use crate::core::viewer::{Input, Refusal, Session};
use crate::media::RenditionId;
use crate::media::viewer::Viewer;
use crate::telemetry::metrics::{At, metrics};
use crate::web::{Frames, Grant, Outbox, WhepOutcome};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) session: Session,
    pub(super) guest: Guest,
    pub(super) since: Instant,
    pub(super) peer: Peer,
    /// Counts its peer connections, and the end of each: what comes from an earlier one is late.
    pub(super) run: u64,
    /// Its client's DTLS certificate as PEM, once connected.
    pub(super) certificate: Option<String>,
    /// What it has said by data channels while its certificate was not compared yet.
    pub(super) early: Vec<(Channel, String)>,
    /// What it takes by its WebSocket.
    pub(super) taking: Taking,
    /// When it is to be told other ICE servers.
    pub(super) renew: Option<SystemTime>,
    /// Whether it has asked to be told who watches.
    pub(super) wants_list: bool,
    /// When it may be told of that next.
    pub(super) next_list: Instant,
    line: Line,
}

/// Who a viewer is, and from where.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) grant: Grant,
    /// As this machine sees it: behind a proxy that is the proxy's.
    pub(super) address: SocketAddr,
}

impl Guest {
    pub(super) fn principal(&self) -> &Principal {
        self.grant.principal()
    }
}

/// What there is of a viewer's peer connection.
#[derive(Debug)]
pub(super) enum Peer {
    None,
    /// Its encoders have not all said what they send.
    Waiting {
        until: Instant,
        renditions: Vec<RenditionId>,
    },
    /// It is being made; its offer may be there first, and waits.
    Opening {
        renditions: Vec<RenditionId>,
        offer: Option<String>,
    },
    Open {
        viewer: Viewer,
        renditions: Vec<RenditionId>,
        accepted: Vec<usize>,
    },
}

/// The way to a viewer's client.
#[derive(Debug)]
enum Line {
    Open(Outbox),
    /// It took no more: something is lost, and the session has to end.
    Overflowed(Outbox),
    Whep(whep::Line),
    /// The client was shown out.
    Closed,
}

impl Unit {
    pub(super) fn new(now: Instant, session: Session, guest: Guest, outbox: Outbox) -> Self {
        Self::with(now, session, guest, Line::Open(outbox))
    }

    /// One that has come by WHEP.
    pub(super) fn by_whep(now: Instant, session: Session, guest: Guest, line: whep::Line) -> Self {
        Self::with(now, session, guest, Line::Whep(line))
    }

    fn with(now: Instant, session: Session, guest: Guest, line: Line) -> Self {
        Self {
            session,
            guest,
            since: now,
            peer: Peer::None,
            run: 0,
            certificate: None,
            early: Vec::new(),
            taking: Taking::default(),
            renew: None,
            wants_list: false,
            next_list: now,
            line,
        }
    }

    /// By what it watches.
    pub(super) fn watches_by(&self) -> WatchesBy {
        match self.line {
            Line::Whep(_) => WatchesBy::Whep,
            Line::Open(_) | Line::Overflowed(_) | Line::Closed => WatchesBy::Page,
        }
    }

    /// Whether it is the session that a WHEP client knows by this id, and that client's own.
    pub(super) fn is_session(&self, id: &str, who: &Who) -> bool {
        matches!(&self.line, Line::Whep(line) if line.is(id)) && self.guest.principal().who == *who
    }

    /// Tells its client something, if it takes it.
    pub(super) fn say(&mut self, message: ServerMessage) {
        if let ServerMessage::Error { code, .. } = &message {
            metrics().refused(At::Protocol, audit::word(code));
        }
        match &mut self.line {
            Line::Open(outbox) => {
                if outbox.send(message).is_err() {
                    self.line = Line::Overflowed(outbox.clone());
                }
            }
            Line::Overflowed(outbox) => {
                if matches!(message, ServerMessage::Bye { .. }) {
                    outbox.send_last(message);
                }
            }
            Line::Whep(line) => {
                if let ServerMessage::Bye { message, .. } = message {
                    line.end(message);
                }
            }
            Line::Closed => {}
        }
    }

    /// Has the metrics know what its session has refused last, if it has.
    pub(super) fn count_refusal(&mut self) {
        match self.session.take_refusal() {
            Some(Refusal::Sdp(kind)) => metrics().refused(At::Sdp, kind),
            Some(Refusal::Candidate(kind)) => metrics().refused(At::Candidate, kind),
            None => {}
        }
    }

    /// Tells its client something that may be lost.
    pub(super) fn offer(&self, message: ServerMessage) {
        if let Line::Open(outbox) = &self.line {
            outbox.offer(message);
        }
    }

    /// Answers the offer that its client has made by WHEP.
    pub(super) fn answer(&mut self, sdp: String, etag: String) -> Option<Input> {
        match &mut self.line {
            Line::Whep(line) => line.answer(sdp, etag),
            Line::Open(_) | Line::Overflowed(_) | Line::Closed => None,
        }
    }

    /// Has ICE begin anew.
    pub(super) fn restart(&self) -> Option<Input> {
        let Peer::Open { viewer, .. } = &self.peer else { return None };
        Some(Input::Restarting { own: viewer.restart(), candidates: viewer.candidates() })
    }

    /// Gives its client's new credentials to ICE.
    pub(super) fn restarted(&self, theirs: &Credentials) {
        if let Peer::Open { viewer, .. } = &self.peer {
            viewer.restarted(theirs);
        }
    }

    /// Gives its client's candidate to the peer connection.
    pub(super) fn add_candidate(&self, candidate: Candidate) {
        if let Peer::Open { viewer, .. } = &self.peer {
            viewer.add_candidate(candidate);
        }
    }

    /// Has ICE begin anew for its client that comes by WHEP and begins with these credentials.
    pub(super) fn begin_anew(&self, theirs: &Credentials) -> Option<WhepOutcome> {
        let (Peer::Open { viewer, .. }, Line::Whep(line)) = (&self.peer, &self.line) else { return None };
        let own = viewer.restart();
        viewer.restarted(theirs);
        let fragment = line.restarted(&own, &viewer.candidates());
        Some(WhepOutcome::Restarted { etag: self.session.etag()?, fragment })
    }

    /// The way to its client, if that has a WebSocket.
    pub(super) fn outbox(&self) -> Option<Outbox> {
        match &self.line {
            Line::Open(outbox) => Some(outbox.clone()),
            Line::Overflowed(_) | Line::Whep(_) | Line::Closed => None,
        }
    }

    /// The binary frames that wait for its client, if that has a WebSocket that reads.
    pub(super) fn frames(&self) -> Option<&Arc<Frames>> {
        match &self.line {
            Line::Open(outbox) => Some(outbox.frames()),
            Line::Overflowed(_) | Line::Whep(_) | Line::Closed => None,
        }
    }

    /// Whether something that it was to be told is lost.
    pub(super) fn has_overflowed(&self) -> bool {
        matches!(self.line, Line::Overflowed(_))
    }

    pub(super) fn is_shown_out(&self) -> bool {
        matches!(self.line, Line::Closed)
    }

    /// Ends its media, and its signalling once that has said its last word. True where nothing
    /// more will come from its client, not even its end.
    #[must_use]
    pub(super) fn show_out(&mut self, viewer: ViewerId, sources: &Sources) -> bool {
        self.end_media(viewer, sources);
        matches!(std::mem::replace(&mut self.line, Line::Closed), Line::Whep(_))
    }

    pub(super) fn accept(&mut self, answer: &CheckedAnswer) -> Option<Input> {
        let Peer::Open { viewer, accepted, .. } = &mut self.peer else { return None };
        *accepted = answer.accepted().map(|(mline, _)| mline).collect();
        for (mline, answered) in answer.accepted() {
            let Some(track) = viewer.tracks().get(mline) else { continue };
            if let Some(id) = answered.extension(CAPTURE_TIME_URI) {
                track.send_capture_time(id);
            }
            if let Some(id) = answered.extension(TRANSPORT_SEQUENCE_URI) {
                track.number_packets(id);
            }
            if let Some(id) = answered.extension(PLAYOUT_DELAY_URI) {
                track.show_at_once(id);
            }
        }
        viewer.accept(&answer.to_sdp()).err().map(|error| Input::End {
            reason: ByeReason::ProtocolError,
            message: format!("The answer cannot be used: {error}"),
        })
    }

    /// Whether the peer's certificate is one that its answer names (RFC 8122 section 5).
    pub(super) fn verify(&self, fingerprints: &[Fingerprint]) -> bool {
        let Some(pem) = &self.certificate else { return false };
        let Ok(certificate) = CertificateDer::from_pem_slice(pem.as_bytes()) else { return false };
        Fingerprint::name_certificate(fingerprints, |function| {
            let algorithm = match function {
                HashFunction::Sha256 => &ring::digest::SHA256,
                HashFunction::Sha384 => &ring::digest::SHA384,
                HashFunction::Sha512 => &ring::digest::SHA512,
            };
            ring::digest::digest(algorithm, &certificate).as_ref().to_vec()
        })
    }

    /// Has each track sent what its viewer is to have: the rung of those sources that it has
    /// selected, and until that has come, the rung that is being sent.
    pub(super) fn feed(&self, viewer: ViewerId, sources: &Sources) {
        let Peer::Open { viewer: peer, accepted, .. } = &self.peer else { return };
        if !self.session.is_connected() {
            return;
        }
        for (mline, subscription) in peer.tracks().iter().enumerate() {
            let track = subscription.rendition();
            let sent = self.session.selected().contains(&track.source) && accepted.contains(&mline);
            let watching = self.session.watching();
            let target = match track.media() {
                MediaKind::Video => watching.target(&track.source),
                MediaKind::Audio => 0,
            };
            for id in sources.renditions(&track.source, track.codec) {
                let Some(fanout) = sources.fanout(id) else { continue };
                if sent && id.rung == target {
                    fanout.subscribe(Arc::clone(subscription));
                } else if !(sent && watching.needs(&track.source, id.rung)) {
                    fanout.unsubscribe(viewer);
                }
            }
        }
    }

    /// Ends its media.
    pub(super) fn end_media(&mut self, viewer: ViewerId, sources: &Sources) {
        self.end_peer(viewer, sources);
        self.end_taking(viewer, sources);
    }

    /// Ends its peer connection.
    pub(super) fn end_peer(&mut self, viewer: ViewerId, sources: &Sources) {
        if let Peer::Open { renditions, .. } = &self.peer {
            for rendition in renditions {
                let rungs = sources.renditions(&rendition.source, rendition.codec);
                for fanout in rungs.filter_map(|id| sources.fanout(id)) {
                    fanout.unsubscribe(viewer);
                }
            }
        }
        self.peer = Peer::None;
        self.run += 1;
        self.early.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::principal::Rights;
    use crate::web::OUTBOX_CAPACITY;

    #[test]
    fn a_client_that_takes_nothing_loses_its_session_and_may_still_read_why() {
        let now = Instant::now();
        let (outbox, inbox) = Outbox::new();
        let grant = Grant::of(Principal::anyone(Rights::All));
        let guest = Guest { grant, address: SocketAddr::from(([127, 0, 0, 1], 1)) };
        let mut unit = Unit::new(now, Session::new(now, Vec::new()), guest, outbox);
        let pong = |id| ServerMessage::Pong { id, time_ms: 0.0 };
        for id in 0..OUTBOX_CAPACITY as u64 {
            unit.say(pong(id));
        }
        assert!(!unit.has_overflowed());
        unit.say(pong(1000));
        unit.say(pong(1001));
        assert!(unit.has_overflowed());
        let bye =
            ServerMessage::Bye { reason: ByeReason::TooSlow, message: String::new(), retry_ms: Some(500) };
        unit.say(bye.clone());
        let told: Vec<_> = std::iter::from_fn(|| inbox.try_recv().ok()).collect();
        assert_eq!((told.len(), told.last()), (OUTBOX_CAPACITY, Some(&bye)));
        assert!(!told.contains(&pong(1000)));
    }
}
