//! A session that begins with the client's offer: WHEP.

use super::restarting::Way;
use super::{CONNECT_WITHIN, Effect, Joined, OFFER_WITHIN, Session, State};
use crate::core::ids::SourceName;
use crate::core::protocol::Codec;
use crate::core::sdp::Agreement;
use crate::core::whep::{Fragment, IceSession, IfMatch, Patch, PatchRefusal};
use std::time::Instant;

impl Session {
    /// A client has sent an offer by WHEP, and this is served of it. The peer connection is to
    /// answer it; `tag` is a new entity tag, without quotes.
    #[must_use]
    pub fn answering(now: Instant, agreement: Agreement, tag: String) -> Self {
        let mut sources: Vec<SourceName> = Vec::new();
        for mline in agreement.served() {
            if !sources.contains(&mline.source) {
                sources.push(mline.source.clone());
            }
        }
        let mut codecs = agreement.served().iter().map(|mline| mline.codec);
        let video_codec = codecs.find(|codec| *codec != Codec::Opus);
        let ice = IceSession::new(tag, agreement.credentials(), agreement.candidates().len());
        let (selected, local_candidates) = (sources.clone(), Vec::new());
        let joined = Joined { selected, sources, data: false, local_candidates, transport_mline: 0 };
        let (until, agreement) = (now + OFFER_WITHIN, Box::new(agreement));
        Self {
            state: State::Answering { until, joined, agreement },
            video_codec,
            ice: Some(ice),
            ..Self::new(now, Vec::new())
        }
    }

    /// A PATCH of a session that began by WHEP. After a restart the entity tag is `next`, without quotes.
    ///
    /// # Errors
    /// [`PatchRefusal`]: the session goes on as it was.
    pub fn patch(
        &mut self,
        now: Instant,
        condition: &IfMatch,
        fragment: &Fragment,
        next: String,
    ) -> Result<Patch, PatchRefusal> {
        let Some(ice) = &mut self.ice else { return Ok(Patch::Candidates(Vec::new())) };
        let patch = ice.patch(condition, fragment, next)?;
        if let (Patch::Restart(..), State::Connected { way, .. }) = (&patch, &mut self.state) {
            *way = Way::Looking { until: now + CONNECT_WITHIN };
        }
        Ok(patch)
    }

    /// The entity tag of its ICE session as it is now, as it stands in `ETag`.
    #[must_use]
    pub fn etag(&self) -> Option<String> {
        self.ice.as_ref().map(IceSession::etag)
    }

    pub(super) fn answered(&mut self, now: Instant, sdp: String, effects: &mut Vec<Effect>) {
        let (State::Answering { joined, agreement, .. }, Some(ice)) = (&self.state, &self.ice) else {
            return;
        };
        effects.push(Effect::Answer { sdp, etag: ice.etag() });
        let candidates = agreement.candidates().iter().cloned();
        effects.extend(candidates.map(|candidate| Effect::AddCandidate { mline: 0, candidate }));
        let (joined, fingerprints) = (joined.clone(), agreement.fingerprints().to_vec());
        self.state = State::Connecting { until: now + CONNECT_WITHIN, joined, fingerprints };
    }
}
