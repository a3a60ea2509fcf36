//! Sessions driven by hand: the way through, the ways out, and whatever order a client invents.

use super::*;
use crate::core::ice::Credentials;
use crate::core::ids::ViewerId;
use crate::core::protocol::{ClientMessage, MediaKind, SourceKindName, TakenSource};
use crate::core::renditions::{self, Full, default_steps};
use crate::core::units::{Bitrate, FrameRate, Size};
use proptest::prelude::*;

const OFFER: &str = include_str!("../../tests/golden/sdp/offer-h264.sdp");
const ANSWER: &str = include_str!("../../tests/golden/sdp/chromium-h264.sdp");
const CANDIDATE: &str = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host";

fn name(text: &str) -> SourceName {
    SourceName::new(text).unwrap()
}

fn known() -> Vec<SourceName> {
    vec![name("screen"), name("camera")]
}

fn hello() -> ClientMessage {
    ClientMessage::Hello { version: VERSION, video_codecs: vec!["vp8".into(), "h264".into()] }
}

fn offer() -> Input {
    let track = |mid: &str, source: &str, media| TrackInfo {
        mid: mid.into(),
        source: name(source),
        media,
        codec: Codec::H264,
    };
    let tracks =
        vec![track("video0", "screen", MediaKind::Video), track("video1", "camera", MediaKind::Video)];
    Input::Offer { sdp: OFFER.into(), tracks }
}

fn answer() -> ClientMessage {
    ClientMessage::Answer { sdp: ANSWER.into() }
}

fn candidate(line: &str) -> ClientMessage {
    ClientMessage::Candidate { mline: 0, candidate: line.into() }
}

/// A session and the time, with a word for each effect.
struct Test {
    session: Session,
    now: Instant,
}

impl Test {
    fn new() -> Self {
        let now = Instant::now();
        Self { session: Session::new(now, known()), now }
    }

    fn input(&mut self, input: Input) -> Vec<String> {
        self.session.handle(self.now, input).iter().map(word).collect()
    }

    fn say(&mut self, message: ClientMessage) -> Vec<String> {
        self.input(Input::Message(message))
    }

    fn offered() -> Self {
        let mut test = Self::new();
        test.say(hello());
        test.say(ClientMessage::Join { sources: None, select: None, data: false });
        test.input(offer());
        test
    }

    fn connected() -> Self {
        let mut test = Self::offered();
        test.say(answer());
        test.input(Input::Connected);
        test.input(Input::Verified(true));
        test
    }

    /// Lets the deadline pass.
    fn wait(&mut self) -> Vec<String> {
        self.now = self.session.deadline().expect("a deadline");
        self.input(Input::Tick)
    }
}

fn word(effect: &Effect) -> String {
    match effect {
        Effect::Answer { etag, .. } => format!("answer {etag}"),
        Effect::Welcome => "welcome".into(),
        Effect::Send(ServerMessage::Error { code, .. }) => format!("error {code:?}"),
        Effect::Send(ServerMessage::Bye { reason, retry_ms, .. }) => {
            format!("bye {reason:?}{}", if retry_ms.is_some() { " retry" } else { "" })
        }
        Effect::Send(ServerMessage::Offer { .. }) => "offer".into(),
        Effect::Send(ServerMessage::Candidate { .. }) => "candidate".into(),
        Effect::Send(other) => format!("{other:?}"),
        Effect::Open { sources, video_codec } => {
            let sources: Vec<_> = sources.iter().map(SourceName::as_str).collect();
            format!("open {} {video_codec:?}", sources.join("+"))
        }
        Effect::Accept(_) => "accept".into(),
        Effect::AddCandidate { mline, .. } => format!("add candidate {mline}"),
        Effect::Pictures { sources, audio } => {
            let words: Vec<_> = sources.iter().map(|each| format!("{}={}", each.subject, each.source)).collect();
            format!("pictures {} {audio}", words.join("+"))
        }
        Effect::Seen { kind, subject, number } => format!("seen {kind:?} {subject} {number}"),
        Effect::Disconnect => "disconnect".into(),
        Effect::Restart => "restart".into(),
        Effect::Restarted(theirs) => format!("restarted {}", theirs.ufrag),
        Effect::Verify(_) => "verify".into(),
        Effect::Feed(sources) => {
            format!("feed {}", sources.iter().map(SourceName::as_str).collect::<Vec<_>>().join("+"))
        }
        Effect::Move { source, rung } => format!("move {source} {rung}"),
        Effect::Administer(request) => format!("administer {request:?}"),
        Effect::Close(reason) => format!("close {reason:?}"),
    }
}

#[test]
fn a_viewer_joins_answers_and_is_fed_once_its_certificate_is_known() {
    let mut test = Test::new();
    assert_eq!(test.say(hello()), ["welcome"]);
    assert_eq!(
        test.say(ClientMessage::Join { sources: None, select: None, data: false }),
        ["open screen+camera Some(H264)"]
    );
    assert_eq!(test.session.selected(), known());
    assert_eq!(test.input(offer()), ["offer"]);
    assert_eq!(test.say(answer()), ["accept"]);
    assert_eq!(test.say(candidate(CANDIDATE)), ["add candidate 0"]);
    assert_eq!(test.input(Input::Connected), ["verify"]);
    assert_eq!(test.input(Input::Verified(true)), ["feed screen+camera"]);
    assert_eq!(test.session.deadline(), None);
    let select = |names: &[&str]| ClientMessage::Select { sources: names.iter().map(|n| name(n)).collect() };
    assert_eq!(test.say(select(&["camera"])), ["feed camera"]);
    assert_eq!(test.session.selected(), [name("camera")]);
    assert_eq!(test.say(select(&[])), ["feed "]);
    assert_eq!(test.say(ClientMessage::Leave), ["bye Left", "close Left"]);
    assert_eq!(test.session.selected(), []);
}

#[test]
fn another_certificate_than_the_answer_names_is_shown_out() {
    let mut test = Test::offered();
    test.say(answer());
    test.input(Input::Connected);
    assert_eq!(test.input(Input::Verified(false)), ["bye BadFingerprint", "close BadFingerprint"]);
}

#[test]
fn candidates_before_their_description_wait_for_it() {
    let mut test = Test::new();
    test.say(hello());
    test.say(ClientMessage::Join { sources: None, select: None, data: false });
    let local = || Input::LocalCandidate { candidate: CANDIDATE.into() };
    assert_eq!(test.input(local()), [""; 0]);
    assert_eq!(test.input(offer()), ["offer", "candidate"]);
    assert_eq!(test.input(local()), ["candidate"]);
    assert_eq!(test.say(candidate(CANDIDATE)), [""; 0]);
    assert_eq!(test.say(answer()), ["accept", "add candidate 0"]);
}

#[test]
fn candidates_are_told_again_when_their_m_line_is_rejected() {
    let mut test = Test::new();
    test.say(hello());
    test.say(ClientMessage::Join { sources: None, select: None, data: false });
    test.input(Input::LocalCandidate { candidate: CANDIDATE.into() });
    test.input(offer());
    // Without H.264 only the sound, the third m-line, is left.
    let answer = include_str!("../../tests/golden/sdp/firefox-h264-without-h264.sdp");
    let message = Input::Message(ClientMessage::Answer { sdp: answer.into() });
    let effects = test.session.handle(test.now, message);
    assert!(
        matches!(
            effects.first(),
            Some(Effect::Send(ServerMessage::Candidate { mline: 2, candidate })) if candidate == CANDIDATE
        ),
        "{effects:?}"
    );
}

#[test]
fn mistakes_are_told_and_change_nothing() {
    let mut test = Test::new();
    assert_eq!(test.say(ClientMessage::Join { sources: None, select: None, data: false }), ["error OutOfOrder"]);
    assert_eq!(test.say(answer()), ["error OutOfOrder"]);
    assert_eq!(test.say(hello()), ["welcome"]);
    assert_eq!(test.say(hello()), ["error OutOfOrder"]);
    let join = |names: &[&str]| ClientMessage::Join {
        sources: Some(names.iter().map(|n| name(n)).collect()),
        select: None,
        data: false,
    };
    assert_eq!(test.say(join(&["nothing"])), ["error UnknownSource"]);
    assert_eq!(test.say(join(&["screen", "screen"])), ["error UnknownSource"]);
    assert_eq!(test.say(join(&[])), ["error UnknownSource"]);
    assert_eq!(test.say(candidate(CANDIDATE)), ["error OutOfOrder"]);
    let select = Some(vec![name("screen")]);
    let hidden = ClientMessage::Join { sources: Some(vec![name("camera")]), select, data: false };
    assert_eq!(test.say(hidden), ["error UnknownSource"]);
    assert_eq!(test.say(join(&["camera", "screen"])), ["open camera+screen Some(H264)"]);
    assert_eq!(test.say(join(&["camera"])), ["error OutOfOrder"]);
    test.input(offer());
    assert_eq!(test.say(ClientMessage::Answer { sdp: "v=0".into() }), ["error BadSdp"]);
    assert_eq!(test.say(candidate("candidate:nonsense")), ["error BadCandidate"]);
    assert_eq!(
        test.say(ClientMessage::Candidate { mline: 99, candidate: CANDIDATE.into() }),
        ["error BadCandidate"]
    );
    // After all that it still goes on.
    assert_eq!(test.say(answer()), ["accept"]);
}

#[test]
fn a_client_that_makes_mistake_after_mistake_is_shown_out() {
    let mut test = Test::new();
    let malformed = || Input::Malformed { code: ErrorCode::BadMessage, message: "?".into() };
    for _ in 0..MAX_MISTAKES {
        assert_eq!(test.input(malformed()), ["error BadMessage"]);
    }
    assert_eq!(test.input(malformed()), ["error BadMessage", "bye ProtocolError", "close ProtocolError"]);
    assert_eq!(test.input(malformed()), [""; 0]);
}

#[test]
fn another_version_is_refused() {
    let mut test = Test::new();
    let hello = ClientMessage::Hello { version: VERSION + 1, video_codecs: vec![] };
    assert_eq!(test.say(hello), ["error BadVersion", "bye ProtocolError", "close ProtocolError"]);
}

#[test]
fn every_wait_has_an_end() {
    let mut test = Test::new();
    assert_eq!(test.wait(), ["bye Timeout retry", "close Timeout"]);
    let mut test = Test::new();
    test.say(hello());
    assert_eq!(test.session.deadline(), None);
    test.say(ClientMessage::Join { sources: None, select: None, data: false });
    assert_eq!(test.wait(), ["bye Internal retry", "close Internal"]);
    assert_eq!(Test::offered().wait(), ["bye Timeout retry", "close Timeout"]);
    let mut test = Test::offered();
    test.say(answer());
    assert_eq!(test.wait(), ["bye ConnectionFailed retry", "close ConnectionFailed"]);
}

#[test]
fn candidates_are_limited_and_names_of_mdns_are_dropped() {
    let mut test = Test::connected();
    let mdns = "candidate:1 1 udp 2122260223 5c0b7a56-5d0e-4b7e-9d5b-0e8a4b0c4a11.local 50000 typ host";
    assert_eq!(test.say(candidate(mdns)), [""; 0]);
    assert_eq!(test.say(candidate("")), [""; 0]);
    for _ in 1..MAX_CANDIDATES {
        assert_eq!(test.say(candidate(CANDIDATE)), ["add candidate 0"]);
    }
    assert_eq!(test.say(candidate(CANDIDATE)), ["error TooFast"]);
}

#[test]
fn codecs_are_chosen_from_what_the_client_decodes() {
    let chosen = |codecs: &[&str]| {
        let mut test = Test::new();
        let video_codecs = codecs.iter().map(|codec| (*codec).to_owned()).collect();
        test.say(ClientMessage::Hello { version: VERSION, video_codecs });
        test.session.video_codec()
    };
    assert_eq!(chosen(&["VP8", "H264"]), Some(Codec::H264));
    assert_eq!(chosen(&["AV1", "vp8"]), Some(Codec::Vp8));
    assert_eq!(chosen(&["AV1"]), None);
    assert_eq!(chosen(&[]), None);
}

#[test]
fn who_can_decode_nothing_of_what_was_joined_may_join_something_else() {
    let mut test = Test::new();
    test.say(ClientMessage::Hello { version: VERSION, video_codecs: vec![] });
    let join = |source| ClientMessage::Join { sources: Some(vec![name(source)]), select: None, data: false };
    assert_eq!(test.say(join("screen")), ["open screen None"]);
    assert_eq!(test.input(Input::NoCodec), ["error NoCodec"]);
    assert_eq!((test.session.joined(), test.session.deadline()), (&[][..], None));
    assert_eq!(test.say(join("camera")), ["open camera None"]);
    assert_eq!(test.input(offer()), ["offer"]);
    assert_eq!(test.input(Input::NoCodec), [""; 0]);
}

fn ladder() -> Turn {
    let full = Full {
        size: Size { width: 1280, height: 720 },
        framerate: FrameRate::whole(30),
        bitrate: Bitrate::from_kbps(2500),
    };
    Turn::Ladder(renditions::ladder(default_steps(SourceKindName::Camera), Codec::H264, full))
}

#[test]
fn a_rendition_is_chosen_of_what_was_joined_and_kept_in_the_session() {
    let choose = |source, rung| ClientMessage::Choose { source: name(source), rung };
    let mut test = Test::new();
    test.say(hello());
    assert_eq!(test.say(choose("camera", Some(1))), ["error OutOfOrder"]);
    test.say(ClientMessage::Join { sources: Some(vec![name("camera")]), select: None, data: false });
    assert_eq!(test.say(choose("screen", Some(1))), ["error UnknownSource"]);
    assert_eq!(test.say(choose("camera", Some(9))), ["error UnknownRung"]);
    // Before the capture has said what there is.
    assert_eq!(test.say(choose("camera", Some(1))), [""; 0]);
    let words = test.input(Input::Picture { source: name("camera"), turn: ladder() });
    assert!(words[0].starts_with("Rendition ") && words[1] == "move camera 1", "{words:?}");
    assert_eq!(words.len(), 2);
    assert_eq!(test.say(choose("camera", Some(3))), ["error UnknownRung"]);
    assert_eq!(test.session.watching().target(&name("camera")), 1);
    let words = test.say(choose("camera", None));
    assert!(words[0].contains("automatic: true") && words[1] == "move camera 0", "{words:?}");
    // Of another source nothing is told.
    assert_eq!(test.input(Input::Picture { source: name("screen"), turn: ladder() }), [""; 0]);
}

fn any_input() -> impl Strategy<Value = u8> {
    0u8..26
}

fn make(kind: u8) -> Input {
    let message = |message| Input::Message(message);
    match kind {
        0 => message(hello()),
        1 => message(ClientMessage::Join { sources: None, select: None, data: false }),
        2 => message(ClientMessage::Join { sources: Some(vec![name("camera")]), select: Some(vec![]), data: false }),
        3 => message(ClientMessage::Select { sources: vec![name("screen")] }),
        4 => message(ClientMessage::Select { sources: vec![] }),
        5 => message(answer()),
        6 => message(ClientMessage::Answer { sdp: "nonsense".into() }),
        7 => message(candidate(CANDIDATE)),
        8 => message(candidate("nonsense")),
        9 => message(ClientMessage::Ping { id: 1 }),
        10 => message(ClientMessage::Leave),
        11 => offer(),
        12 => Input::LocalCandidate { candidate: CANDIDATE.into() },
        13 => Input::Connected,
        14 => Input::Verified(true),
        15 => Input::Verified(false),
        18 => Input::NoCodec,
        19 => message(ClientMessage::Choose { source: name("camera"), rung: Some(1) }),
        20 => message(ClientMessage::Choose { source: name("nothing"), rung: None }),
        21 => Input::Picture { source: name("camera"), turn: ladder() },
        22 => message(ClientMessage::Restart),
        23 => restarting(),
        24 => Input::Way(true),
        25 => Input::Way(false),
        16 => Input::Malformed { code: ErrorCode::BadMessage, message: "?".into() },
        _ => Input::Tick,
    }
}

proptest! {
    /// Whatever order events come in: no answer before an offer, another offer only for a restart, nothing
    /// fed that was not verified, one goodbye, one close, and silence after it.
    #[test]
    fn order_is_kept(kinds in proptest::collection::vec((any_input(), 0u64..9_000), 1..120)) {
        let mut test = Test::new();
        let (mut offered, mut accepted, mut verify, mut verified, mut closed) = (false, false, false, false, false);
        let (mut restart, mut again) = (false, false);
        for (kind, millis) in kinds {
            test.now += Duration::from_millis(millis);
            let says_same = kind == 14;
            let words = test.input(make(kind));
            prop_assert!(!closed || words.is_empty(), "{words:?} after the end");
            verified |= says_same && verify && !words.is_empty();
            for word in words {
                match word.split(' ').next().unwrap() {
                    "offer" => {
                        prop_assert!(!offered || restart);
                        (offered, again, restart) = (true, restart, false);
                    }
                    "restart" => { prop_assert!(verified); restart = true; }
                    "restarted" => { prop_assert!(again); again = false; }
                    "accept" => { prop_assert!(offered && !accepted); accepted = true; }
                    "add" => prop_assert!(accepted),
                    "verify" => { prop_assert!(accepted && !verify); verify = true; }
                    "feed" => prop_assert!(verified),
                    "close" => { prop_assert!(!closed); closed = true; }
                    _ => {}
                }
            }
            prop_assert!(!closed || test.session.selected().is_empty());
        }
    }
}

fn restarting() -> Input {
    let own = Credentials { ufrag: "newufrag".into(), password: "0123456789abcdefghijklmn".into() };
    Input::Restarting { own, candidates: vec![CANDIDATE.into()] }
}

fn answer_with(ufrag: &str) -> ClientMessage {
    let credentials = |line: &str| {
        if line.starts_with("a=ice-ufrag:") { format!("a=ice-ufrag:{ufrag}") } else { line.to_owned() }
    };
    ClientMessage::Answer { sdp: ANSWER.lines().map(|line| credentials(line) + "\r\n").collect() }
}

#[test]
fn a_way_is_looked_for_anew_when_the_client_asks() {
    let mut test = Test::connected();
    assert_eq!(test.say(ClientMessage::Restart), ["restart"]);
    assert_eq!(test.input(restarting()), ["offer", "candidate", "candidate"]);
    assert_eq!(test.say(candidate(CANDIDATE)), [""; 0], "it waits for the answer");
    assert_eq!(test.say(answer_with("Other123")), ["restarted Other123", "add candidate 0"]);
    assert!(test.session.is_connected(), "media goes on");
    assert_eq!(test.say(candidate(CANDIDATE)), ["add candidate 0"]);
    assert_eq!(test.input(Input::Way(true)), [""; 0]);
    assert_eq!(test.session.deadline(), None);
    test.now += Duration::from_millis(500);
    assert_eq!(test.say(ClientMessage::Restart), [""; 0], "not so soon again");
    test.now += Duration::from_millis(500);
    assert_eq!(test.say(ClientMessage::Restart), ["restart"]);
}

#[test]
fn a_way_is_looked_for_anew_when_it_is_lost_and_not_for_ever() {
    let mut test = Test::connected();
    assert_eq!(test.input(Input::Way(false)), [""; 0], "it may be found again");
    assert_eq!(test.wait(), ["restart"]);
    assert_eq!(test.input(restarting()), ["offer", "candidate", "candidate"]);
    assert_eq!(test.wait(), ["bye ConnectionFailed retry", "close ConnectionFailed"]);

    let mut test = Test::connected();
    test.input(Input::Way(false));
    test.wait();
    test.input(restarting());
    test.say(answer_with("Other123"));
    assert_eq!(test.wait(), ["bye ConnectionFailed retry", "close ConnectionFailed"]);
}

#[test]
fn a_way_that_the_agent_finds_again_by_itself_needs_no_restart() {
    let mut test = Test::connected();
    test.input(Input::Way(false));
    assert_eq!(test.input(Input::Way(true)), [""; 0]);
    assert_eq!(test.session.deadline(), None);
}

#[test]
fn a_way_that_is_lost_right_after_a_restart_is_looked_for_a_second_later() {
    let mut test = Test::connected();
    test.say(ClientMessage::Restart);
    test.input(restarting());
    test.say(answer_with("Other123"));
    test.input(Input::Way(true));
    let begun = test.now;
    test.input(Input::Way(false));
    assert_eq!(test.wait(), [""; 0], "not so soon");
    assert_eq!(test.wait(), ["restart"]);
    assert_eq!(test.now - begun, Duration::from_secs(1));
}

#[test]
fn a_restart_changes_neither_the_m_lines_nor_the_certificate() {
    let mut test = Test::connected();
    test.say(ClientMessage::Restart);
    test.input(restarting());
    let ClientMessage::Answer { sdp } = answer_with("Other123") else { unreachable!() };
    let digest = sdp.lines().find(|line| line.starts_with("a=fingerprint:")).unwrap();
    let other = format!("{}00:11", &digest[..digest.len() - 5]);
    assert_eq!(test.say(ClientMessage::Answer { sdp: sdp.replace(digest, &other) }), ["error BadSdp"]);
    assert_eq!(test.say(ClientMessage::Answer { sdp }), ["restarted Other123"]);
}

#[test]
fn a_restart_comes_after_the_answer() {
    let mut test = Test::new();
    assert_eq!(test.say(ClientMessage::Restart), ["error OutOfOrder"]);
    let mut test = Test::offered();
    assert_eq!(test.say(ClientMessage::Restart), [""; 0], "the way is being looked for already");
}

#[test]
fn a_session_by_whep_whose_way_is_lost_has_time_for_a_restart() {
    use crate::core::whep::{Fragment, IfMatch, Patch};
    let stands = || {
        let (mut test, _) = whep();
        test.input(answered());
        test.input(Input::Connected);
        test.input(Input::Verified(true));
        assert_eq!(test.input(Input::Way(false)), [""; 0]);
        test
    };
    let mut test = stands();
    assert_eq!(test.wait().last().unwrap(), "close ConnectionFailed");
    let mut test = stands();
    let text = "a=ice-ufrag:Other123\r\na=ice-pwd:0123456789abcdefghijklmn\r\n";
    let fragment = Fragment::parse(text).unwrap();
    let restart = test.session.patch(test.now, &IfMatch::Any, &fragment, "next".into()).unwrap();
    assert!(matches!(restart, Patch::Restart(..)));
    assert_eq!(test.session.etag().unwrap(), "\"next\"");
    test.input(Input::Way(true));
    assert_eq!(test.session.deadline(), None);
}

const WHEP_OFFER: &str = include_str!("../../tests/golden/sdp/whep-chromium.sdp");

#[test]
fn what_admins_ask_is_for_admins() {
    let asked = || {
        [
            (ClientMessage::WatchViewers { on: true }, "administer WatchViewers(true)"),
            (ClientMessage::EndViewer { viewer: ViewerId(7) }, "administer End(ViewerId(7))"),
            (ClientMessage::Pause { source: None }, "administer Pause(None)"),
            (ClientMessage::Resume { source: None }, "administer Resume(None)"),
        ]
    };
    let mut admin = Test::new();
    admin.session = Session::of_admin(admin.now, known());
    let mut others = [Test::new(), Test::offered(), Test::connected()];
    for (message, does) in asked() {
        assert_eq!(admin.say(message.clone()), ["error OutOfOrder"], "before hello");
        let [new, offered, connected] = &mut others;
        assert_eq!(new.say(message.clone()), ["error OutOfOrder"]);
        for test in [offered, connected] {
            assert_eq!(test.say(message.clone()), ["error Forbidden"], "{does}");
        }
    }
    admin.say(hello());
    for (message, does) in asked() {
        assert_eq!(admin.say(message), [does]);
    }
    admin.say(ClientMessage::Leave);
    for (message, _) in asked() {
        assert!(admin.say(message).is_empty(), "it has left");
    }
}

/// A session that has begun by WHEP, and its fingerprints.
fn whep() -> (Test, Vec<Fingerprint>) {
    use crate::core::sdp::{CheckedOffer, Sendable};
    let now = Instant::now();
    let sendable = |source: &str, kind| Sendable { source: name(source), kind, profile: None };
    let all = [sendable("screen", MediaKind::Video), sendable("screen", MediaKind::Audio)];
    let agreement = CheckedOffer::check(WHEP_OFFER).unwrap().agree(&all).unwrap();
    let fingerprints = agreement.fingerprints().to_vec();
    (Test { session: Session::answering(now, agreement, "xyzzy".into()), now }, fingerprints)
}

fn answered() -> Input {
    Input::Answered { sdp: "v=0".into() }
}

#[test]
fn a_session_by_whep_is_answered_verified_and_fed() {
    let (mut test, fingerprints) = whep();
    assert_eq!(test.session.selected(), [name("screen")]);
    assert_eq!(test.session.video_codec(), Some(Codec::H264));
    assert!(!test.session.is_greeted(), "nothing is announced to it");
    assert_eq!(test.input(answered())[0], "answer \"xyzzy\"");
    assert!(test.input(answered()).is_empty(), "it is answered once");
    let effects = test.session.handle(test.now, Input::Connected);
    assert!(matches!(&effects[..], [Effect::Verify(asked)] if *asked == fingerprints));
    let effects = test.session.handle(test.now, Input::Verified(true));
    assert!(matches!(&effects[..], [Effect::Feed(fed)] if *fed == [name("screen")]));
}

#[test]
fn a_session_by_whep_is_not_fed_under_another_certificate_and_waits_for_nothing_for_ever() {
    let (mut test, _) = whep();
    test.input(answered());
    test.input(Input::Connected);
    let effects = test.session.handle(test.now, Input::Verified(false));
    assert!(matches!(effects.last(), Some(Effect::Close(ByeReason::BadFingerprint))));

    for steps in [vec![], vec![answered()], vec![answered(), Input::Connected]] {
        let (mut test, _) = whep();
        for step in steps {
            test.input(step);
        }
        let due = test.session.deadline().unwrap();
        let effects = test.session.handle(due, Input::Tick);
        assert!(matches!(effects.last(), Some(Effect::Close(_))), "{effects:?}");
    }
}

#[test]
fn candidates_by_patch_are_taken_under_the_sessions_tag_alone() {
    use crate::core::whep::{Fragment, IfMatch, Patch, PatchRefusal};
    let (mut test, _) = whep();
    test.input(answered());
    let fragment = Fragment::parse(&format!("a={CANDIDATE}\r\n")).unwrap();
    let next = || "next".to_owned();
    let taken = test.session.patch(test.now, &IfMatch::parse(Some("\"xyzzy\"")), &fragment, next()).unwrap();
    assert!(matches!(taken, Patch::Candidates(candidates) if candidates.len() == 1));
    let refused = test.session.patch(test.now, &IfMatch::Absent, &fragment, next());
    assert_eq!(refused.unwrap_err(), PatchRefusal::NoTag);
    let said = test.say(candidate(CANDIDATE));
    assert!(!said.is_empty(), "no message of the WebSocket's does anything but be refused: {said:?}");
}

#[test]
fn pictures_are_taken_without_a_join_and_only_of_what_there_is() {
    let taken = |names: &[&str]| ClientMessage::Pictures {
        sources: names.iter().map(|each| TakenSource { source: name(each), width: None }).collect(),
        audio: true,
    };
    let seen = |subject_kind| ClientMessage::Seen { subject_kind, subject: 1, number: 5 };
    let mut test = Test::new();
    assert_eq!(test.say(taken(&["camera"])), ["error OutOfOrder"]);
    assert_eq!(test.say(seen(1)), ["error OutOfOrder"]);
    test.say(hello());
    assert_eq!(test.say(taken(&["camera", "screen"])), ["pictures 1=camera+0=screen true"]);
    assert_eq!(test.say(taken(&["nothing"])), ["error UnknownSource"]);
    assert_eq!(test.say(taken(&["camera", "camera"])), ["error UnknownSource"]);
    assert_eq!(test.say(taken(&[])), ["pictures  true"]);
    assert_eq!(test.say(seen(1)), ["seen Source 1 5"]);
    assert_eq!(test.say(seen(3)), ["seen Participant 1 5"]);
    assert_eq!(test.say(seen(2)), ["error BadMessage"]);
    // Beside a peer connection too.
    let mut test = Test::connected();
    assert_eq!(test.say(taken(&["screen"])), ["pictures 0=screen true"]);
    test.say(ClientMessage::Leave);
    assert!(test.say(taken(&["screen"])).is_empty());
}

#[test]
fn data_channels_are_asked_for_by_join() {
    let mut test = Test::new();
    test.say(hello());
    assert!(!test.session.has_data());
    test.say(ClientMessage::Join { sources: None, select: None, data: true });
    assert!(test.session.has_data());
}

#[test]
fn pictures_go_on_where_the_connection_does_not_and_it_may_be_joined_anew() {
    let taken = |names: &[&str]| ClientMessage::Pictures {
        sources: names.iter().map(|each| TakenSource { source: name(each), width: None }).collect(),
        audio: false,
    };
    let mut test = Test::offered();
    test.say(answer());
    test.say(taken(&["screen"]));
    assert_eq!(test.wait(), ["disconnect", "error ConnectionFailed"]);
    assert!(test.session.joined().is_empty() && test.session.deadline().is_none());
    let broken = || Input::End { reason: ByeReason::ConnectionFailed, message: String::new() };
    assert!(test.input(broken()).is_empty(), "it is known");
    let join = || ClientMessage::Join { sources: None, select: None, data: false };
    assert_eq!(test.say(join()), ["open screen+camera Some(H264)"]);
    test.input(offer());
    test.say(answer());
    test.input(Input::Connected);
    test.input(Input::Verified(true));
    assert_eq!(test.input(broken()), ["disconnect", "error ConnectionFailed"]);
    // Without pictures there is nothing to go on for.
    test.say(taken(&[]));
    test.say(join());
    test.input(offer());
    test.say(answer());
    assert_eq!(test.wait(), ["bye ConnectionFailed retry", "close ConnectionFailed"]);
}
