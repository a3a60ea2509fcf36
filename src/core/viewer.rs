//! A viewer's session: what may follow what on one signalling connection, or with WHEP.
//!
//! A pure machine: [`Session::handle`] takes what has happened and returns what is to be done.
//! It lets nothing from outside through unchecked: an answer passes [`super::sdp`], a candidate
//! [`super::candidate`], and no media flows before the peer's certificate is the one that its
//! answer names (RFC 8827 section 6.5).
//!
//! ```text
//! AwaitHello -> Greeted -> Preparing -> Offered -> Connecting -> Verifying -> Connected
//! ```
//! and from each of them to `Closed`. A client that comes by WHEP brings its offer, so its session
//! begins with `Answering` and goes on with `Connecting`. What becomes of the way while it is
//! `Connected` is told in `restarting`.

mod answering;
mod asking;
mod candidates;
mod events;
mod pictures;
mod relisting;
mod restarting;

pub use events::{AdminRequest, Effect, Input, Refusal, Taken};
pub use relisting::same_list;

use super::candidate::Candidate;
use super::ids::SourceName;
use super::protocol::{ByeReason, ClientMessage, Codec, ErrorCode, ServerMessage, TrackInfo, VERSION};
use super::rate::TokenBucket;
use super::sdp::{Agreement, CheckedAnswer, Fingerprint, OfferSummary, SdpError};
use super::watching::{NoSuchRung, Turn, Watching};
use super::whep::IceSession;
use restarting::{Agreed, Way};
use std::time::{Duration, Instant};

/// From the connection to `hello`.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// From `join` to the offer: a device is opened, an encoder started.
const OFFER_WITHIN: Duration = Duration::from_secs(15);
/// From the offer to the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// From the answer to ICE and DTLS standing.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// Mistakes after which a client is shown out.
const MAX_MISTAKES: u32 = 24;
/// A page that was cut off comes back after so long.
const RETRY: Duration = Duration::from_millis(500);

#[derive(Debug)]
enum State {
    AwaitHello {
        until: Instant,
    },
    Greeted,
    Preparing {
        until: Instant,
        joined: Joined,
    },
    Offered {
        until: Instant,
        joined: Joined,
        offer: OfferSummary,
        early: Vec<(u32, Candidate)>,
    },
    /// By WHEP alone.
    Answering {
        until: Instant,
        joined: Joined,
        agreement: Box<Agreement>,
    },
    Connecting {
        until: Instant,
        joined: Joined,
        fingerprints: Vec<Fingerprint>,
    },
    Verifying {
        until: Instant,
        joined: Joined,
    },
    Connected {
        joined: Joined,
        way: Way,
    },
    Closed,
}

#[derive(Debug, Clone)]
struct Joined {
    sources: Vec<SourceName>,
    selected: Vec<SourceName>,
    /// Whether data channels are offered.
    data: bool,
    /// The daemon's own candidates so far.
    local_candidates: Vec<String>,
    /// The m-line that they belong to: the first, unless the answer rejects it.
    transport_mline: u32,
}

impl Joined {
    fn candidate_message(&self, candidate: &str) -> Effect {
        let (mline, candidate) = (self.transport_mline, candidate.to_owned());
        Effect::Send(ServerMessage::Candidate { mline, candidate })
    }

    fn candidate_messages(&self) -> Vec<Effect> {
        self.local_candidates.iter().map(|candidate| self.candidate_message(candidate)).collect()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Session {
    state: State,
    known: Vec<SourceName>,
    /// What the numbers of sources in frames of pictures and sound stand for.
    subjects: Vec<SourceName>,
    is_admin: bool,
    video_codec: Option<Codec>,
    watching: Watching,
    candidates: usize,
    mistakes: u32,
    /// Whether it takes pictures by the WebSocket: it needs no peer connection then.
    takes_pictures: bool,
    pictures_rate: TokenBucket,
    later: Option<pictures::Later>,
    /// Of a session that began by WHEP.
    ice: Option<IceSession>,
    /// Of one that was made an offer.
    agreed: Option<Agreed>,
    refusal: Option<Refusal>,
}

impl Session {
    /// A client has connected; `known` are the sources that there are for it.
    #[must_use]
    pub fn new(now: Instant, known: Vec<SourceName>) -> Self {
        Self {
            state: State::AwaitHello { until: now + HELLO_WITHIN },
            subjects: known.clone(),
            known,
            is_admin: false,
            video_codec: None,
            watching: Watching::default(),
            candidates: 0,
            mistakes: 0,
            takes_pictures: false,
            pictures_rate: pictures::rate(),
            later: None,
            ice: None,
            agreed: None,
            refusal: None,
        }
    }

    /// The same, of somebody who may ask what admins ask.
    #[must_use]
    pub fn of_admin(now: Instant, known: Vec<SourceName>) -> Self {
        Self { is_admin: true, ..Self::new(now, known) }
    }

    /// When [`Input::Tick`] is next due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let later = self.later.as_ref().map(|later| later.due);
        self.state_deadline().into_iter().chain(later).min()
    }

    fn state_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::AwaitHello { until }
            | State::Preparing { until, .. }
            | State::Offered { until, .. }
            | State::Answering { until, .. }
            | State::Connecting { until, .. }
            | State::Verifying { until, .. } => Some(*until),
            State::Connected { way, .. } => way.deadline(),
            State::Greeted | State::Closed => None,
        }
    }

    /// The sources whose media this viewer is to have when its connection stands: what keeps
    /// them running.
    #[must_use]
    pub fn selected(&self) -> &[SourceName] {
        self.membership().map_or(&[], |joined| &joined.selected)
    }

    /// The sources of the m-lines.
    #[must_use]
    pub fn joined(&self) -> &[SourceName] {
        self.membership().map_or(&[], |joined| &joined.sources)
    }

    /// Whether it has asked for data channels.
    #[must_use]
    pub fn has_data(&self) -> bool {
        self.membership().is_some_and(|joined| joined.data)
    }

    /// What it has joined, from `join` to the end.
    fn membership(&self) -> Option<&Joined> {
        match &self.state {
            State::Preparing { joined, .. }
            | State::Offered { joined, .. }
            | State::Answering { joined, .. }
            | State::Connecting { joined, .. }
            | State::Verifying { joined, .. }
            | State::Connected { joined, .. } => Some(joined),
            State::AwaitHello { .. } | State::Greeted | State::Closed => None,
        }
    }

    fn membership_mut(&mut self) -> Option<&mut Joined> {
        match &mut self.state {
            State::Preparing { joined, .. }
            | State::Offered { joined, .. }
            | State::Answering { joined, .. }
            | State::Connecting { joined, .. }
            | State::Verifying { joined, .. }
            | State::Connected { joined, .. } => Some(joined),
            State::AwaitHello { .. } | State::Greeted | State::Closed => None,
        }
    }

    /// Whether there is such a source for this viewer.
    #[must_use]
    pub fn knows(&self, source: &SourceName) -> bool {
        self.known.contains(source)
    }

    /// The codec for pictures, known after `hello`.
    #[must_use]
    pub fn video_codec(&self) -> Option<Codec> {
        self.video_codec
    }

    /// Whether media may flow: its certificate is the one that its answer names.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected { .. })
    }

    /// Which rendition of each source it is sent.
    #[must_use]
    pub fn watching(&self) -> &Watching {
        &self.watching
    }

    /// Whether the client has been welcomed and not been shown out: `source` messages are for it.
    #[must_use]
    pub fn is_greeted(&self) -> bool {
        self.ice.is_none() && !matches!(self.state, State::AwaitHello { .. } | State::Closed)
    }

    /// Takes what has happened and returns what is to be done, in order.
    pub fn handle(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        if matches!(self.state, State::Closed) {
            return effects;
        }
        match input {
            Input::Message(message) => self.message(now, message, &mut effects),
            Input::Malformed { code, message } => self.mistake(code, message, &mut effects),
            Input::Listed(sources) => self.relist(sources, &mut effects),
            Input::NoCodec => self.no_codec(&mut effects),
            Input::Offer { sdp, tracks } => self.offer(now, sdp, tracks, &mut effects),
            Input::Answered { sdp } => self.answered(now, sdp, &mut effects),
            Input::LocalCandidate { candidate } => {
                self.local_candidate(candidate, &mut effects);
            }
            Input::Way(found) => self.way(now, found),
            Input::Restarting { own, candidates } => self.restarting(now, &own, candidates, &mut effects),
            Input::Connected => self.connected(now, &mut effects),
            Input::Verified(same) => self.verified(same, &mut effects),
            Input::Picture { source, turn } => self.picture(source, turn, &mut effects),
            Input::End { reason: reason @ (ByeReason::ConnectionFailed | ByeReason::Internal), message } => {
                self.connection_ends(reason, message, &mut effects);
            }
            Input::End { reason, message } => self.end(reason, message, &mut effects),
            Input::Tick => self.tick(now, &mut effects),
        }
        effects
    }

    fn message(&mut self, now: Instant, message: ClientMessage, effects: &mut Vec<Effect>) {
        match message {
            ClientMessage::Hello { version, video_codecs } => self.hello(version, &video_codecs, effects),
            ClientMessage::Join { sources, select, data } => self.join(now, (sources, select), data, effects),
            ClientMessage::Select { sources } => self.select(sources, effects),
            ClientMessage::Choose { source, rung } => self.choose(source, rung, effects),
            ClientMessage::Pictures { sources, audio } => self.pictures(now, (sources, audio), effects),
            ClientMessage::Seen { subject_kind, subject, number } => {
                self.seen(subject_kind, subject, number, effects);
            }
            ClientMessage::Answer { sdp } => self.answer(now, &sdp, effects),
            ClientMessage::Restart => self.restart(now, effects),
            ClientMessage::Candidate { mline, candidate } => self.candidate(mline, &candidate, effects),
            ClientMessage::WatchViewers { on } => self.administer(AdminRequest::WatchViewers(on), effects),
            ClientMessage::EndViewer { viewer } => self.administer(AdminRequest::End(viewer), effects),
            ClientMessage::Pause { source } => self.administer(AdminRequest::Pause(source), effects),
            ClientMessage::Resume { source } => self.administer(AdminRequest::Resume(source), effects),
            ClientMessage::Invite(wanted) => self.administer(AdminRequest::Invite(wanted), effects),
            ClientMessage::Invitations => self.administer(AdminRequest::Invitations, effects),
            ClientMessage::Revoke { invitation } => {
                self.administer(AdminRequest::Revoke(invitation), effects);
            }
            message @ (ClientMessage::Enter(_)
            | ClientMessage::Exit
            | ClientMessage::Rename { .. }
            | ClientMessage::Say(_)
            | ClientMessage::CatchUp { .. }
            | ClientMessage::Point(_)
            | ClientMessage::Presence(_)
            | ClientMessage::Signal { .. }
            | ClientMessage::MakeRoom { .. }
            | ClientMessage::CloseRoom { .. }) => self.room(message, effects),
            // Answered where it arrives, so that it measures the connection alone.
            ClientMessage::Ping { .. } => {}
            ClientMessage::Leave => {
                self.end(ByeReason::Left, "You have left.".into(), effects);
            }
        }
    }

    fn hello(&mut self, version: u32, video_codecs: &[String], effects: &mut Vec<Effect>) {
        if !matches!(self.state, State::AwaitHello { .. }) {
            return self.out_of_order("hello comes once, as the first message", effects);
        }
        if version != VERSION {
            let message = format!("This daemon speaks version {VERSION} of the protocol, not {version}.");
            effects.push(Effect::Send(ServerMessage::Error {
                code: ErrorCode::BadVersion,
                message: message.clone(),
            }));
            return self.end(ByeReason::ProtocolError, message, effects);
        }
        let decodes = |name: &str| video_codecs.iter().any(|codec| codec.eq_ignore_ascii_case(name));
        self.video_codec = if decodes("H264") {
            Some(Codec::H264)
        } else if decodes("VP8") {
            Some(Codec::Vp8)
        } else {
            None
        };
        self.state = State::Greeted;
        effects.push(Effect::Welcome);
    }

    fn join(
        &mut self,
        now: Instant,
        (sources, select): (Option<Vec<SourceName>>, Option<Vec<SourceName>>),
        data: bool,
        effects: &mut Vec<Effect>,
    ) {
        if !matches!(self.state, State::Greeted) {
            return self.out_of_order("join comes once, after welcome", effects);
        }
        let sources = sources.unwrap_or_else(|| self.known.clone());
        if let Some(problem) = misnamed(&sources, &self.known) {
            return self.mistake(ErrorCode::UnknownSource, problem, effects);
        }
        if sources.is_empty() {
            return self.mistake(ErrorCode::UnknownSource, "There is no source to join.".into(), effects);
        }
        let selected = select.unwrap_or_else(|| sources.clone());
        if let Some(problem) = misnamed(&selected, &sources) {
            return self.mistake(ErrorCode::UnknownSource, problem, effects);
        }
        let (local_candidates, transport_mline) = (Vec::new(), 0);
        let joined = Joined { selected, sources: sources.clone(), data, local_candidates, transport_mline };
        self.state = State::Preparing { until: now + OFFER_WITHIN, joined };
        effects.push(Effect::Open { sources, video_codec: self.video_codec });
    }

    fn no_codec(&mut self, effects: &mut Vec<Effect>) {
        if matches!(self.state, State::Preparing { .. }) {
            // It may join something else.
            self.state = State::Greeted;
            let problem = "Your browser decodes neither H.264 nor VP8, and what was joined has no sound.";
            self.mistake(ErrorCode::NoCodec, problem.into(), effects);
        }
    }

    fn select(&mut self, sources: Vec<SourceName>, effects: &mut Vec<Effect>) {
        if self.membership().is_none() {
            return self.out_of_order("select comes after join", effects);
        }
        if let Some(problem) = misnamed(&sources, self.joined()) {
            return self.mistake(ErrorCode::UnknownSource, problem, effects);
        }
        self.watching.paused(|source| !sources.contains(source));
        if let Some(joined) = self.membership_mut() {
            joined.selected = sources;
        }
        if let State::Connected { joined, .. } = &self.state {
            effects.push(Effect::Feed(joined.selected.clone()));
        }
    }

    fn choose(&mut self, source: SourceName, rung: Option<u8>, effects: &mut Vec<Effect>) {
        if self.membership().is_none() {
            return self.out_of_order("choose comes after join", effects);
        }
        if let Some(problem) = misnamed(std::slice::from_ref(&source), self.joined()) {
            return self.mistake(ErrorCode::UnknownSource, problem, effects);
        }
        self.picture(source, Turn::Choose(rung), effects);
    }

    fn picture(&mut self, source: SourceName, turn: Turn, effects: &mut Vec<Effect>) {
        if !self.joined().contains(&source) {
            return;
        }
        match self.watching.handle(&source, turn) {
            Ok(follows) => {
                effects.extend(follows.news.map(Effect::Send));
                effects.extend(follows.target.map(|rung| Effect::Move { source, rung }));
            }
            Err(NoSuchRung(count)) => {
                let problem = format!("'{source}' has {count} renditions, counted from 0.");
                self.mistake(ErrorCode::UnknownRung, problem, effects);
            }
        }
    }

    fn offer(&mut self, now: Instant, sdp: String, tracks: Vec<TrackInfo>, effects: &mut Vec<Effect>) {
        let State::Preparing { joined, .. } = &self.state else { return };
        let offer = match OfferSummary::parse(&sdp) {
            Ok(offer) => offer,
            Err(error) => {
                let message = format!("The offer is unsound: {error}");
                return self.connection_ends(ByeReason::Internal, message, effects);
            }
        };
        let joined = joined.clone();
        self.agreed = Some(Agreed::new(sdp.clone(), tracks.clone()));
        effects.push(Effect::Send(ServerMessage::Offer { sdp, tracks }));
        effects.extend(joined.candidate_messages());
        self.state = State::Offered { until: now + ANSWER_WITHIN, joined, offer, early: Vec::new() };
    }

    fn answer(&mut self, now: Instant, sdp: &str, effects: &mut Vec<Effect>) {
        if let State::Connected { way: Way::Offered { .. }, .. } = self.state {
            return self.restarted(now, sdp, effects);
        }
        let State::Offered { joined, offer, early, .. } = &mut self.state else {
            return self.out_of_order("an answer comes once after each offer", effects);
        };
        let answer = match CheckedAnswer::check(sdp, offer) {
            Ok(answer) => answer,
            Err(error) => return self.bad_sdp(&error, effects),
        };
        let mut joined = joined.clone();
        let early = std::mem::take(early);
        let fingerprints = answer.fingerprints().to_vec();
        if let Some(agreed) = &mut self.agreed {
            agreed.answered(&answer);
        }
        let transport = u32::try_from(answer.transport_mline()).unwrap_or(0);
        if transport != joined.transport_mline {
            // A browser passes over candidates of an m-line that it has rejected.
            joined.transport_mline = transport;
            effects.extend(joined.candidate_messages());
        }
        joined.local_candidates.clear();
        let inside = answer.candidates().iter().filter(|candidate| !candidate.is_mdns());
        let inside: Vec<_> = inside.map(|candidate| (transport, candidate.clone())).collect();
        self.state = State::Connecting { until: now + CONNECT_WITHIN, joined, fingerprints };
        effects.push(Effect::Accept(answer));
        let candidates = inside.into_iter().chain(early);
        effects.extend(candidates.map(|(mline, candidate)| Effect::AddCandidate { mline, candidate }));
    }

    fn connected(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let State::Connecting { joined, fingerprints, .. } = &self.state else { return };
        effects.push(Effect::Verify(fingerprints.clone()));
        self.state = State::Verifying { until: now + CONNECT_WITHIN, joined: joined.clone() };
    }

    fn verified(&mut self, same: bool, effects: &mut Vec<Effect>) {
        let State::Verifying { joined, .. } = &self.state else { return };
        if same {
            effects.push(Effect::Feed(joined.selected.clone()));
            self.state = State::Connected { joined: joined.clone(), way: Way::Stands };
        } else {
            let message = "The certificate is not the one that the answer names.";
            self.end(ByeReason::BadFingerprint, message.into(), effects);
        }
    }

    fn tick(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        if self.later.as_ref().is_some_and(|later| now >= later.due) {
            self.take_later(now, effects);
        }
        if self.state_deadline().is_none_or(|until| now < until) {
            return;
        }
        if self.ice.is_none() && matches!(self.state, State::Connected { way: Way::Lost { .. }, .. }) {
            return self.begin(now, effects);
        }
        let (reason, message) = match &self.state {
            State::AwaitHello { .. } => (ByeReason::Timeout, "No hello came."),
            State::Preparing { .. } => (ByeReason::Internal, "The offer could not be made in time."),
            State::Answering { .. } => (ByeReason::Internal, "The answer could not be made in time."),
            State::Offered { .. } => (ByeReason::Timeout, "No answer came."),
            State::Connecting { .. } | State::Verifying { .. } => {
                (ByeReason::ConnectionFailed, "No media connection could be made: is UDP blocked on the way?")
            }
            State::Connected { .. } => {
                (ByeReason::ConnectionFailed, "The media connection was lost, and no other way was found.")
            }
            State::Greeted | State::Closed => return,
        };
        self.connection_ends(reason, message.into(), effects);
    }

    /// The peer connection's end, whoever is at fault for it, is the session's only where that takes no
    /// pictures.
    fn connection_ends(&mut self, reason: ByeReason, message: String, effects: &mut Vec<Effect>) {
        if self.takes_pictures {
            return self.disconnected(message, effects);
        }
        self.end(reason, message, effects);
    }

    fn out_of_order(&mut self, rule: &str, effects: &mut Vec<Effect>) {
        self.mistake(ErrorCode::OutOfOrder, format!("Not now: {rule}."), effects);
    }

    /// What it has refused last of a client's descriptions and candidates; told once.
    pub fn take_refusal(&mut self) -> Option<Refusal> {
        self.refusal.take()
    }

    fn bad_sdp(&mut self, error: &SdpError, effects: &mut Vec<Effect>) {
        self.refusal = Some(Refusal::Sdp(error.kind()));
        self.mistake(ErrorCode::BadSdp, error.to_string(), effects);
    }

    fn mistake(&mut self, code: ErrorCode, message: String, effects: &mut Vec<Effect>) {
        effects.push(Effect::Send(ServerMessage::Error { code, message }));
        self.mistakes += 1;
        if self.mistakes > MAX_MISTAKES {
            self.end(ByeReason::ProtocolError, "Too many mistakes.".into(), effects);
        }
    }

    fn end(&mut self, reason: ByeReason, message: String, effects: &mut Vec<Effect>) {
        let retry = match reason {
            ByeReason::Shutdown
            | ByeReason::Reload
            | ByeReason::Revoked
            | ByeReason::Timeout
            | ByeReason::ConnectionFailed
            | ByeReason::TooSlow
            | ByeReason::Internal => Some(RETRY),
            ByeReason::Full => Some(RETRY * 10),
            ByeReason::Left | ByeReason::Ended | ByeReason::BadFingerprint | ByeReason::ProtocolError => None,
        };
        let retry_ms = retry.map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        effects.push(Effect::Send(ServerMessage::Bye { reason, message, retry_ms }));
        effects.push(Effect::Close(reason));
        self.later = None;
        self.state = State::Closed;
    }
}

/// What is wrong with a list of names: one is not among `known`, or comes twice.
fn misnamed(names: &[SourceName], known: &[SourceName]) -> Option<String> {
    for (index, name) in names.iter().enumerate() {
        if !known.contains(name) {
            return Some(format!("There is no source '{name}' here."));
        }
        if names.iter().take(index).any(|earlier| earlier == name) {
            return Some(format!("The source '{name}' is named twice."));
        }
    }
    None
}

#[cfg(test)]
#[path = "viewer_tests.rs"]
mod tests;
