//! ICE candidates in both directions (RFC 8838): the daemon's, told with the m-line that the bundle is on, and
//! the client's, checked and counted.

use super::restarting::Way;
use super::{Effect, Refusal, Session, State};
use crate::core::candidate::Candidate;
use crate::core::protocol::ErrorCode;

/// Candidates taken from one viewer. A laptop with VPNs and TURN servers has about 20.
pub(super) const MAX_CANDIDATES: usize = 64;

impl Session {
    pub(super) fn local_candidate(&mut self, candidate: String, effects: &mut Vec<Effect>) {
        if self.ice.is_some() {
            // They are in the answer: WHEP has no way to send them after it.
            return;
        }
        match &mut self.state {
            // They belong to an offer that has not gone out.
            State::Preparing { joined, .. } => joined.local_candidates.push(candidate),
            State::Offered { joined, .. } => {
                effects.push(joined.candidate_message(&candidate));
                joined.local_candidates.push(candidate);
            }
            State::Connecting { joined, .. }
            | State::Verifying { joined, .. }
            | State::Connected { joined, .. } => {
                effects.push(joined.candidate_message(&candidate));
            }
            State::AwaitHello { .. } | State::Greeted | State::Answering { .. } | State::Closed => {}
        }
    }

    pub(super) fn candidate(&mut self, mline: u32, line: &str, effects: &mut Vec<Effect>) {
        let mlines = match &self.state {
            State::Offered { offer, .. } => offer.count(),
            State::Connecting { joined, .. }
            | State::Verifying { joined, .. }
            | State::Connected { joined, .. } => {
                // A source has at most two m-lines.
                joined.sources.len() * 2 + usize::from(joined.data)
            }
            State::AwaitHello { .. }
            | State::Greeted
            | State::Preparing { .. }
            | State::Answering { .. }
            | State::Closed => {
                return self.out_of_order("candidate comes after the offer", effects);
            }
        };
        // The end of candidates: with trickle ICE nothing waits for it.
        if line.is_empty() {
            return;
        }
        if usize::try_from(mline).map_or(true, |index| index >= mlines) {
            let problem = format!("There is no m-line {mline}.");
            self.refusal = Some(Refusal::Candidate("mline".to_owned()));
            return self.mistake(ErrorCode::BadCandidate, problem, effects);
        }
        self.candidates += 1;
        if self.candidates > MAX_CANDIDATES {
            let problem = format!("No more than {MAX_CANDIDATES} candidates are taken.");
            self.refusal = Some(Refusal::Candidate("too_many".to_owned()));
            return self.mistake(ErrorCode::TooFast, problem, effects);
        }
        let candidate = match Candidate::parse(line) {
            Ok(candidate) => candidate,
            Err(error) => {
                self.refusal = Some(Refusal::Candidate(error.kind()));
                return self.mistake(ErrorCode::BadCandidate, error.to_string(), effects);
            }
        };
        // The daemon offers its own host candidates, which such a peer reaches.
        if candidate.is_mdns() {
            return;
        }
        match &mut self.state {
            State::Offered { early, .. } => early.push((mline, candidate)),
            State::Connected { way: Way::Offered { early, .. }, .. } => early.push(candidate),
            _ => effects.push(Effect::AddCandidate { mline, candidate }),
        }
    }
}
