//! One viewer cannot hurt another: what a viewer that was let in can do to the picture of the next one.

use super::honest::Honest;
use super::relay::Relay;
use super::times;
use crate::client::{Client, LIMIT, Viewer, candidates};
use crate::metrics::{Metrics, OWN_LISTENER, metrics_address};
use crate::peer::Peer;
use crate::process::Daemon;
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is done for that long; how often it was done.
type Attack = (&'static str, fn(SocketAddr, Duration) -> usize);

const ATTACKS: [Attack; 5] = [
    ("a viewer reads nothing: pictures, sound and messages wait", reads_nothing),
    ("a viewer on a link of 50 kbit/s", narrow_link),
    ("keyframe requests as fast as a viewer can", keyframe_requests),
    ("10,000 candidates of one viewer", many_candidates),
    ("answers, joins, offers and restarts out of turn", renegotiation),
];

/// What the daemon's memory may grow by for all of them, in kB.
const GROWTH: usize = 64_000;

#[test]
fn one_viewer_cannot_hurt_another() {
    let mut daemon = Daemon::start(&format!("[video]\ngrace_s = 600\n{OWN_LISTENER}"));
    let begun = Instant::now();
    let honest = Honest::watch(daemon.address);
    let before = daemon.holdings();
    let time = Duration::from_millis(times(2000, 15_000) as u64);
    for (fault, attack) in ATTACKS {
        honest.during(fault, || attack(daemon.address, time));
        assert!(daemon.is_running());
    }
    // Requests for keyframes came by the thousand. Few get past the RTP session, and what is granted is 400 ms apart; the
    // encoder makes some of its own.
    let figures = Metrics::read(metrics_address(&daemon));
    let asked = figures.sum("vitrina_keyframes_asked_total", &[]);
    let sent = figures.sum("vitrina_keyframes_sent_total", &["source=\"camera\""]);
    let most = begun.elapsed().as_secs_f64() * 2.5 + 10.0;
    println!("{asked} keyframes were asked for, {sent} of a source were sent");
    assert!(asked > 5.0 && sent < most, "{asked} asked, {sent} sent, {most} at most");
    honest.leave(&daemon, before, GROWTH);
}

fn until(time: Duration) -> impl Iterator<Item = ()> {
    let end = Instant::now() + time;
    std::iter::from_fn(move || (Instant::now() < end).then_some(()))
}

fn reads_nothing(address: SocketAddr, time: Duration) -> usize {
    const READERS: usize = 5;
    let taken =
        json!({"type": "pictures", "sources": [{"source": "screen"}, {"source": "camera"}], "audio": true});
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let mut client = Client::greeted(address);
            client.say(&taken);
            client.stop_reading();
            client
        })
        .collect();
    for _ in until(time) {
        for reader in &readers {
            // What is answered to it waits, too.
            reader.pour(&json!({"type": "ping", "id": 1}), 5);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    READERS
}

fn narrow_link(address: SocketAddr, time: Duration) -> usize {
    let mut client = Client::greeted(address);
    client.say(&json!({"type": "join"}));
    let offer = client.expect("offer");
    let peer = Peer::new();
    client.say(&json!({"type": "answer", "sdp": peer.answer(offer["sdp"].as_str().unwrap())}));
    let relay = Relay::new(candidates(&mut client, |_| {}), 50_000);
    // It knows no other way, and the daemon learns of this one by its requests.
    peer.add_candidate(0, &format!("candidate:1 1 UDP 2130706431 127.0.0.1 {} typ host", relay.port()));
    peer.wait_frames(1, LIMIT);
    let before = relay.passed();
    std::thread::sleep(time);
    let passed = relay.passed() - before;
    println!("{} kbit/s came through the narrow link", passed * 8 / time.as_millis() as u64);
    assert!(passed > 0, "the link is in use");
    1
}

fn keyframe_requests(address: SocketAddr, time: Duration) -> usize {
    let viewer = Viewer::watch(address);
    let mut sent = 0;
    for _ in until(time) {
        sent += viewer.peer.ask_for_keyframes(10);
        std::thread::sleep(Duration::from_millis(2));
    }
    viewer.leave();
    sent
}

fn many_candidates(address: SocketAddr, time: Duration) -> usize {
    let viewer = Viewer::watch(address);
    let end = Instant::now() + time;
    let mut said = 0;
    while said < 10_000 && Instant::now() < end {
        let candidate =
            format!("candidate:{said} 1 udp 1 127.0.0.{} {} typ host", said % 250 + 2, 1024 + said);
        said += viewer.client.pour(&json!({"type": "candidate", "mline": 0, "candidate": candidate}), 1);
    }
    viewer.client.cut();
    said
}

fn renegotiation(address: SocketAddr, time: Duration) -> usize {
    let mut viewer = Viewer::watch(address);
    let sdp = viewer.peer.offer_text();
    let answer = Peer::new().answer(&sdp);
    let mut tries = 0;
    for _ in 0..5 {
        for (message, code) in [
            (json!({"type": "answer", "sdp": answer}), "out_of_order"),
            (json!({"type": "join"}), "out_of_order"),
            (json!({"type": "offer", "sdp": sdp, "tracks": []}), "bad_message"),
            (json!({"type": "hello", "version": 1, "video_codecs": []}), "out_of_order"),
        ] {
            viewer.client.say(&message);
            assert_eq!(viewer.client.error(), code, "{message}");
            tries += 1;
        }
    }
    for _ in until(time) {
        viewer.client.say(&json!({"type": "restart"}));
        tries += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    viewer.client.cut();
    tries
}
