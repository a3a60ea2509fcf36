//! A live campaign: mutated offers (WHEP) and answers (WebSocket) against a running daemon. Each is answered, or
//! refused by a code that docs/protocol.md has; the daemon lives, and its counters tell what the clients were told.

use super::mutate::mutate;
use super::random::Random;
use super::{Trying, measured, times};
use crate::client::{Client, LIMIT, Viewer};
use crate::metrics::{Metrics, metrics_address};
use crate::peer::Peer;
use crate::process::Daemon;
use crate::whep::{OFFER, SDP, ask};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use vitrina::core::protocol::MAX_MESSAGE;

/// Mutants on their way at once.
const WORKERS: usize = 3;
/// Of one WebSocket session: each may be two of the 24 mistakes after which it is shown out.
const ANSWERS_EACH: usize = 11;
/// One of so many accepted answers is a real peer's, which goes on to connect.
const CONNECTED: usize = 100;

/// What clients were told, and how often.
type Told = BTreeMap<String, usize>;

const OFFERS: [&str; 3] = [
    OFFER,
    include_str!("../../golden/sdp/whep-aiortc.sdp"),
    include_str!("../../golden/sdp/whep-chromium-balanced.sdp"),
];

/// Answers of real clients to an offer of two pictures and a sound, by codec: what [`SOURCES`] are offered as.
const ANSWERS: [(&str, [&str; 4]); 2] = [
    (
        "H264",
        [
            include_str!("../../golden/sdp/chromium-h264.sdp"),
            include_str!("../../golden/sdp/safari-h264.sdp"),
            include_str!("../../golden/sdp/webrtcbin-h264.sdp"),
            include_str!("../../golden/sdp/aiortc-h264.sdp"),
        ],
    ),
    (
        "VP8",
        [
            include_str!("../../golden/sdp/firefox-vp8.sdp"),
            include_str!("../../golden/sdp/chromium-vp8.sdp"),
            include_str!("../../golden/sdp/webrtcbin-vp8.sdp"),
            include_str!("../../golden/sdp/aiortc-vp8.sdp"),
        ],
    ),
];

/// Those of [`crate::process`] in the order of the golden offers.
const SOURCES: &str = r#"
[metrics]
listen = "127.0.0.1:0"

[video]
grace_s = 600

[limits]
viewers = 200
connections = 1000
connections_per_address = 600

[[source]]
name = "camera"
kind = "test"
pattern = "ball"
size = "320x180"
framerate = 15
tone = false

[[source]]
name = "screen"
kind = "test"
size = "320x180"
framerate = 15
"#;

#[test]
fn mutated_offers_and_answers_are_taken_or_refused_and_the_daemon_lives() {
    let mut daemon = Daemon::start_with("open = true", SOURCES, &[]);
    let honest = Viewer::watch(daemon.address);
    whole_ones_are_taken(daemon.address);
    let at = metrics_address(&daemon);
    let before = Metrics::read(at);
    let count = times(240, 20_000);
    let trying = ["mutated offers (WHEP)", "mutated answers (WebSocket)"].map(Trying::begin);
    let begun = Instant::now();
    let mut told = Told::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let address = daemon.address;
                scope.spawn(move || work(address, worker as u64, count / WORKERS))
            })
            .collect();
        for worker in workers {
            for (code, times) in worker.join().unwrap() {
                *told.entry(code).or_default() += times;
            }
        }
    });
    let each: Vec<_> = told.iter().map(|(code, times)| format!("{code} {times}")).collect();
    measured(&format!("{count} mutants in {} s: {}.", begun.elapsed().as_secs(), each.join(", ")));
    assert!(daemon.is_running());
    let frames = honest.peer.frames();
    honest.peer.wait_frames(frames + 10, LIMIT);
    explained(&told, &before, &Metrics::read(at));
    let log = daemon.log();
    let bad: Vec<_> =
        log.lines().filter(|line| line.contains("CRITICAL") || line.contains("panicked")).collect();
    assert!(bad.is_empty(), "{} lines, first: {}", bad.len(), bad[0]);
    // Some of both kinds: a campaign of which nothing is taken looks at the first check alone.
    let sum =
        |start: &str| told.iter().filter(|(code, _)| code.starts_with(start)).map(|(_, n)| n).sum::<usize>();
    for (kind, trying) in ["offer", "answer"].into_iter().zip(trying) {
        let (taken, all) = (sum(&format!("{kind} taken")), sum(&format!("{kind} ")));
        assert!(taken * 20 > all && taken * 20 < all * 19, "{kind}: {taken} of {all} were taken");
        trying.survived(all, None);
    }
    honest.leave();
}

/// The daemon's own counters tell what the clients were told, and why.
fn explained(told: &Told, before: &Metrics, after: &Metrics) {
    let counted = |labels: &[&str]| {
        let sum = |metrics: &Metrics| metrics.sum("vitrina_refusals_total", labels);
        (sum(after) - sum(before)) as usize
    };
    let told = |code: &str| told.get(code).copied().unwrap_or_default();
    for (code, at, cause) in [
        ("answer bad_sdp", "protocol", "bad_sdp"),
        ("answer bad_message", "protocol", "bad_message"),
        ("offer 400 bad_request", "http", "bad_request"),
        ("offer 413 too_large", "http", "too_large"),
        ("offer 422 no_codec", "http", "no_codec"),
    ] {
        let counted = counted(&[&format!("at=\"{at}\""), &format!("cause=\"{cause}\"")]);
        assert_eq!(counted, told(code), "{code}");
    }
    // Each description that was refused has its mistake.
    let mistakes = counted(&["at=\"sdp\""]);
    assert_eq!(mistakes, told("answer bad_sdp") + told("offer 400 bad_request"));
    let why = after
        .0
        .lines()
        .filter(|line| line.starts_with("vitrina_refusals_total") && line.contains("at=\"sdp\""))
        .count();
    measured(&format!(
        "The daemon's counters explain each refusal: {mistakes} mistakes in SDP of {why} kinds."
    ));
}

/// What mutants are made of is served.
fn whole_ones_are_taken(address: SocketAddr) {
    for offer in OFFERS {
        assert_eq!(offered(address, offer), "taken", "{offer}");
    }
    for (codec, answers) in ANSWERS {
        for answer in answers {
            let (mut client, _) = joined(address, codec);
            assert_eq!(say_answer(&mut client, answer), "taken", "{answer}");
            client.cut();
        }
    }
}

fn work(address: SocketAddr, seed: u64, count: usize) -> Told {
    let mut random = Random::new(seed);
    let mut told = Told::new();
    let mut done = 0;
    while done < count {
        // A session of answers ends with the first that is taken.
        if random.below(4) == 0 {
            for _ in 0..ANSWERS_EACH {
                let base = random.pick(&OFFERS);
                let offer = mutate(&mut random, base, &OFFERS);
                *told.entry(format!("offer {}", offered(address, &offer))).or_default() += 1;
                done += 1;
            }
        } else {
            done += answered(address, &mut random, &mut told);
        }
    }
    told
}

/// Posts an offer; what is said to it. A session that is begun is ended.
fn offered(address: SocketAddr, offer: &str) -> String {
    let answer = ask(address, "POST", "/whep", &[SDP], offer);
    if answer.status == 201 {
        let path = answer.header("location").unwrap();
        assert_eq!(ask(address, "DELETE", path, &[], "").status, 200);
        return "taken".to_owned();
    }
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let title = problem["title"].as_str().unwrap();
    let documented = matches!(
        (answer.status, title),
        (400, "bad_request") | (413, "too_large") | (422, "no_codec" | "too_many_candidates")
    );
    assert!(documented, "{} {}\n{offer}", answer.status, answer.body);
    format!("{} {title}", answer.status)
}

/// Offered everything in that codec; the offer.
fn joined(address: SocketAddr, codec: &str) -> (Client, String) {
    let mut client = Client::connect(address);
    client.say(&json!({"type": "hello", "version": 1, "video_codecs": [codec]}));
    client.say(&json!({"type": "join"}));
    let offer = client.expect("offer")["sdp"].as_str().unwrap().to_owned();
    (client, offer)
}

/// Joins, and answers until an answer is taken or the session has had enough; how many answers that were.
fn answered(address: SocketAddr, random: &mut Random, told: &mut Told) -> usize {
    let (codec, answers) = ANSWERS[random.below(2)];
    let (mut client, offer) = joined(address, codec);
    // Now and then somebody real, whose connection comes about if the answer lets it.
    let real = (random.below(CONNECTED) == 0).then(Peer::new);
    let own = real.as_ref().map(|peer| peer.answer(&offer));
    for number in 1..=ANSWERS_EACH {
        let golden = random.pick(&answers);
        let answer = mutate(random, own.as_deref().unwrap_or(golden), &answers);
        let code = say_answer(&mut client, &answer);
        *told.entry(format!("answer {code}")).or_default() += 1;
        match &*code {
            "bad_sdp" => {}
            "taken" => {
                if let Some(peer) = real {
                    connect(&mut client, &peer);
                }
                client.say(&json!({"type": "leave"}));
                return number;
            }
            // The message is longer than one may be, and the connection has ended.
            _ => return number,
        }
    }
    client.say(&json!({"type": "leave"}));
    client.expect("bye");
    ANSWERS_EACH
}

/// Answers; what was said to it.
fn say_answer(client: &mut Client, answer: &str) -> String {
    client.say(&json!({"type": "answer", "sdp": answer}));
    // Whatever became of it, this is refused after it.
    client.say(&json!({"type": "choose", "source": "nothing"}));
    let mut said = "taken".to_owned();
    while let Some(message) = client.next() {
        if message["type"] != "error" {
            assert_ne!(message["type"], "bye", "{message}\n{answer}");
            continue;
        }
        match message["code"].as_str().unwrap() {
            "unknown_source" => return said,
            code @ ("bad_sdp" | "bad_message") => code.clone_into(&mut said),
            other => panic!("{other}: {message}\n{answer}"),
        }
    }
    // Closed with 1009, which may come before the words.
    let length = json!({"type": "answer", "sdp": answer}).to_string().len();
    assert!(length > MAX_MESSAGE, "the connection has ended without a word\n{answer}");
    "bad_message".clone_into(&mut said);
    said
}

/// A peer whose mutated answer was taken tries to connect; whether it can is not looked at.
fn connect(client: &mut Client, peer: &Peer) {
    for (mline, candidate) in peer.candidates() {
        client.say(&json!({"type": "candidate", "mline": mline, "candidate": candidate}));
    }
    let end = Instant::now() + Duration::from_secs(2);
    while peer.frames() == 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
}
