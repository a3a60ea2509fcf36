//! ICE restarts of a session that stands (RFC 8445 section 9, RFC 9429 section 4.1.10.3): the way is
//! looked for anew, while DTLS and media go on.
//!
//! The daemon always offers, so a client that sees its network change asks for one (`restart`); the daemon
//! begins by itself when its ICE agent has lost the way and does not soon find another. The peer connection's
//! SDP hears nothing of it: only the credentials and the candidates are others.

use super::{ANSWER_WITHIN, CONNECT_WITHIN, Effect, Refusal, Session, State};
use crate::core::candidate::Candidate;
use crate::core::ice::Credentials;
use crate::core::protocol::{ByeReason, ErrorCode, ServerMessage, TrackInfo};
use crate::core::sdp::{CheckedAnswer, Fingerprint, OfferSummary, restarted};
use std::time::{Duration, Instant};

/// From one restart to the next, at least. What is asked for in between is on its way.
const PAUSE: Duration = Duration::from_secs(1);
/// The agent has so long to find another way by itself, which it does at once where this machine's address
/// is another one. A restart would throw that way away, and its offer may have none: the WebSocket's
/// address has gone too.
const HEALS_WITHIN: Duration = Duration::from_millis(500);
/// A client that comes by WHEP has so long to begin a restart, or to be found again.
const LOST_WITHIN: Duration = Duration::from_secs(15);

/// The way of a session that stands.
#[derive(Debug)]
pub(super) enum Way {
    Stands,
    /// It is lost, and may be found again without a restart; a client that comes by WHEP may begin one.
    Lost {
        until: Instant,
    },
    /// New credentials are being made.
    Beginning {
        until: Instant,
    },
    /// The client is to answer; its candidates belong behind its answer.
    Offered {
        until: Instant,
        offer: OfferSummary,
        early: Vec<Candidate>,
    },
    /// Both sides look.
    Looking {
        until: Instant,
    },
}

impl Way {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Stands => None,
            Self::Lost { until }
            | Self::Beginning { until }
            | Self::Offered { until, .. }
            | Self::Looking { until } => Some(*until),
        }
    }
}

/// What was agreed on, which a restart does not change.
#[derive(Debug)]
pub(super) struct Agreed {
    /// The offer as it went out.
    pub(super) sdp: String,
    pub(super) tracks: Vec<TrackInfo>,
    /// The accepted m-lines, whether the data channels are, and what names the client's certificate; of the answer.
    pub(super) answered: Option<(Vec<usize>, bool, Vec<Fingerprint>)>,
    /// How often ICE has begun anew.
    restarts: u64,
    last: Option<Instant>,
}

impl Agreed {
    pub(super) fn new(sdp: String, tracks: Vec<TrackInfo>) -> Self {
        Self { sdp, tracks, answered: None, restarts: 0, last: None }
    }

    pub(super) fn answered(&mut self, answer: &CheckedAnswer) {
        self.answered = Some(what_stays(answer));
    }
}

fn what_stays(answer: &CheckedAnswer) -> (Vec<usize>, bool, Vec<Fingerprint>) {
    let mlines = answer.accepted().map(|(mline, _)| mline).collect();
    (mlines, answer.takes_data(), answer.fingerprints().to_vec())
}

impl Session {
    /// The client asks for a restart.
    pub(super) fn restart(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match self.state {
            State::Connected { .. } => self.begin(now, effects),
            // The way is being looked for.
            State::Offered { .. }
            | State::Answering { .. }
            | State::Connecting { .. }
            | State::Verifying { .. } => {}
            State::AwaitHello { .. } | State::Greeted | State::Preparing { .. } | State::Closed => {
                self.out_of_order("restart comes after the answer", effects);
            }
        }
    }

    pub(super) fn begin(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let (State::Connected { way, .. }, Some(agreed)) = (&mut self.state, &mut self.agreed) else {
            return;
        };
        if let Some(next) = agreed.last.map(|last| last + PAUSE).filter(|next| now < *next) {
            if let Way::Lost { until } = way {
                *until = next;
            }
            return;
        }
        agreed.last = Some(now);
        *way = Way::Beginning { until: now + ANSWER_WITHIN };
        effects.push(Effect::Restart);
    }

    /// The daemon's new credentials, and its candidates as they are now.
    pub(super) fn restarting(
        &mut self,
        now: Instant,
        own: &Credentials,
        candidates: Vec<String>,
        effects: &mut Vec<Effect>,
    ) {
        let (State::Connected { joined, way: way @ Way::Beginning { .. } }, Some(agreed)) =
            (&mut self.state, &mut self.agreed)
        else {
            return;
        };
        agreed.restarts += 1;
        let sdp = restarted(&agreed.sdp, own, agreed.restarts);
        let offer = match OfferSummary::parse(&sdp) {
            Ok(offer) => offer,
            Err(error) => {
                let message = format!("The offer is unsound: {error}");
                return self.connection_ends(ByeReason::Internal, message, effects);
            }
        };
        // They are the candidates of another ICE session now.
        self.candidates = 0;
        effects.push(Effect::Send(ServerMessage::Offer { sdp, tracks: agreed.tracks.clone() }));
        let candidates = candidates.into_iter().chain([String::new()]);
        effects.extend(candidates.map(|candidate| joined.candidate_message(&candidate)));
        *way = Way::Offered { until: now + ANSWER_WITHIN, offer, early: Vec::new() };
    }

    /// The client's answer to a restart.
    pub(super) fn restarted(&mut self, now: Instant, sdp: &str, effects: &mut Vec<Effect>) {
        let State::Connected { way: way @ Way::Offered { .. }, joined } = &mut self.state else { return };
        let Way::Offered { offer, early, .. } = way else { return };
        let answer = match CheckedAnswer::check(sdp, offer) {
            Ok(answer) => answer,
            Err(error) => return self.bad_sdp(&error, effects),
        };
        if self.agreed.as_ref().and_then(|agreed| agreed.answered.as_ref()) != Some(&what_stays(&answer)) {
            let problem = "An ICE restart changes neither the m-lines nor the certificate.";
            self.refusal = Some(Refusal::Sdp("other_restart".to_owned()));
            return self.mistake(ErrorCode::BadSdp, problem.into(), effects);
        }
        let (ufrag, password) = answer.credentials();
        let theirs = Credentials { ufrag: ufrag.to_owned(), password: password.to_owned() };
        effects.push(Effect::Restarted(theirs));
        let mline = joined.transport_mline;
        let inside = answer.candidates().iter().filter(|candidate| !candidate.is_mdns()).cloned();
        let candidates = inside.chain(std::mem::take(early));
        effects.extend(candidates.map(|candidate| Effect::AddCandidate { mline, candidate }));
        *way = Way::Looking { until: now + CONNECT_WITHIN };
    }

    /// ICE has found a way, or lost it.
    pub(super) fn way(&mut self, now: Instant, found: bool) {
        let State::Connected { way, .. } = &mut self.state else { return };
        if found {
            *way = Way::Stands;
        } else if self.ice.is_some() {
            *way = Way::Lost { until: now + LOST_WITHIN };
        } else {
            match way {
                Way::Stands | Way::Looking { .. } => *way = Way::Lost { until: now + HEALS_WITHIN },
                Way::Lost { .. } | Way::Beginning { .. } | Way::Offered { .. } => {}
            }
        }
    }
}
