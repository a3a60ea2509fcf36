//! Viewers come and go, politely and rudely: nothing of them stays. A hundred in every run of the tests, a
//! thousand and then a hundred at once in `make soak`.

use super::{Trying, length, measured, times};
use crate::client::{Client, Frozen, LIMIT, Viewer};
use crate::peer::Peer;
use crate::process::{Daemon, Holdings};
use crate::whep::{OFFER, SDP, ask};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The last of a session without DELETE goes a minute after its client, a thread that GLib keeps after 15 s, and
/// free memory 20 s after the last pipeline.
const GONE_WITHIN: Duration = Duration::from_secs(120);
/// A page that is free but for a few bytes cannot be given back; a viewer's pipeline holds 1.5 MB.
const SCATTERED_KB: usize = 8_000;

/// How a viewer comes and goes.
type Way = fn(SocketAddr) -> Option<Gone>;

/// The last two are noticed late, and for `make soak` alone.
const WAYS: [(&str, Way); 10] = [
    ("a viewer says goodbye", goodbye),
    ("a viewer is cut off, signalling and media at once", cut),
    ("a viewer goes while it connects", while_connecting),
    ("a viewer goes without an answer to the offer", without_answer),
    ("a viewer goes before the offer is there", before_the_offer),
    ("half-open TCP: the signalling's host is gone, media goes on", half_open),
    ("the network is cut: signalling and media are heard no more", network_cut),
    ("half-open TCP: gone before a word was said", silent),
    ("WHEP: a viewer never connects, no DELETE", whep_unconnected),
    ("WHEP: a viewer is gone in mid-stream, no DELETE", whep_gone),
];

/// What of a viewer has to be kept so that it is not heard of any more.
struct Gone {
    _socket: Frozen,
    _peer: Option<Peer>,
    since: Instant,
}

impl Gone {
    fn new(socket: Frozen, peer: Option<Peer>) -> Option<Self> {
        Some(Self { _socket: socket, _peer: peer, since: Instant::now() })
    }
}

fn goodbye(address: SocketAddr) -> Option<Gone> {
    Viewer::watch(address).leave();
    None
}

fn cut(address: SocketAddr) -> Option<Gone> {
    let Viewer { client, peer, .. } = Viewer::watch(address);
    client.cut();
    drop(peer);
    None
}

fn while_connecting(address: SocketAddr) -> Option<Gone> {
    Viewer::join(Client::greeted(address)).client.cut();
    None
}

fn without_answer(address: SocketAddr) -> Option<Gone> {
    let mut client = Client::greeted(address);
    client.say(&json!({"type": "join"}));
    client.expect("offer");
    client.cut();
    None
}

fn before_the_offer(address: SocketAddr) -> Option<Gone> {
    let mut client = Client::greeted(address);
    client.say(&json!({"type": "join"}));
    client.cut();
    None
}

fn whep_unconnected(address: SocketAddr) -> Option<Gone> {
    let answer = ask(address, "POST", "/whep", &[SDP], OFFER);
    assert_eq!(answer.status, 201, "{}", answer.body);
    None
}

fn whep_gone(address: SocketAddr) -> Option<Gone> {
    let peer = Peer::new();
    let answer = ask(address, "POST", "/whep/screen", &[SDP], &peer.make_offer());
    assert_eq!(answer.status, 201, "{}", answer.body);
    peer.take_answer(&answer.body);
    peer.wait_frames(5, LIMIT);
    None
}

fn half_open(address: SocketAddr) -> Option<Gone> {
    let Viewer { client, peer, .. } = Viewer::watch(address);
    Gone::new(client.vanish(), Some(peer))
}

fn network_cut(address: SocketAddr) -> Option<Gone> {
    let Viewer { client, peer, .. } = Viewer::watch(address);
    let socket = client.vanish();
    drop(peer);
    Gone::new(socket, None)
}

fn silent(address: SocketAddr) -> Option<Gone> {
    Gone::new(Client::connect(address).vanish(), None)
}

/// So many viewers at once, each way as often as another.
fn burst(address: SocketAddr, ways: &[(&str, Way)], count: usize, gone: &Mutex<Vec<Gone>>) {
    std::thread::scope(|scope| {
        for (_, way) in ways.iter().cycle().take(count) {
            scope.spawn(move || {
                let left = way(address);
                gone.lock().unwrap().extend(left);
            });
        }
    });
    // By then the daemon has let go of who is silent, and what is said to it by the end is heard by nobody.
    gone.lock().unwrap().retain(|gone| gone.since.elapsed() < Duration::from_secs(8));
}

/// What the daemon holds once it is quiet: threads and descriptors have not fallen for some time.
/// GLib keeps a thread that nobody uses for 15 s.
fn settled(daemon: &Daemon, steady: &mut Viewer, patience: Duration) -> Holdings {
    let mut least = daemon.holdings();
    let mut since = Instant::now();
    while since.elapsed() < patience {
        let now = daemon.holdings();
        if now.threads < least.threads || now.descriptors < least.descriptors {
            since = Instant::now();
        }
        least = Holdings {
            threads: least.threads.min(now.threads),
            descriptors: least.descriptors.min(now.descriptors),
            memory_kb: now.memory_kb,
        };
        read(steady);
        std::thread::sleep(Duration::from_millis(200));
    }
    least
}

/// Waits until the daemon holds no more than that; what it holds then, and how long it took.
fn back_to(before: Holdings, daemon: &Daemon, steady: &mut Viewer) -> (Holdings, Duration) {
    let begun = Instant::now();
    loop {
        let now = daemon.holdings();
        if now.threads <= before.threads
            && now.descriptors <= before.descriptors
            && now.memory_kb <= before.memory_kb + SCATTERED_KB
        {
            return (now, begun.elapsed());
        }
        assert!(begun.elapsed() < GONE_WITHIN, "{before:?} -> {now:?} {:?}", daemon.threads());
        read(steady);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A client that reads answers the daemon's WebSocket pings as well.
fn read(viewer: &mut Viewer) {
    viewer.client.say(&json!({"type": "ping", "id": 1}));
    viewer.client.expect("pong");
}

#[test]
fn viewers_come_and_go_and_nothing_of_them_stays() {
    let limits = "[limits]\nviewers = 300\nconnections = 1000\nconnections_per_address = 600\n";
    let mut daemon = Daemon::start_as_service(&format!("[video]\ngrace_s = 5\n{limits}\n"));
    // One stays all the time and must not notice the others.
    let mut steady = Viewer::watch(daemon.address);
    let gone = Mutex::default();
    let ways = if length() > 0 { &WAYS[..] } else { &WAYS[..8] };
    let patience = Duration::from_secs(if length() > 0 { 25 } else { 17 });
    burst(daemon.address, ways, ways.len(), &gone);
    let after_ten = settled(&daemon, &mut steady, patience);
    let threads_after_ten = daemon.threads();
    println!("after {}: {after_ten:?} {threads_after_ten:?}", ways.len());
    let bursts = times(5, 100);
    let mut most = after_ten;
    let trying: Vec<_> = ways.iter().map(|(way, _)| Trying::begin(way)).collect();
    let all_gone =
        Trying::begin("after all of these: threads, descriptors and memory as after the first ten");
    for number in 1..bursts {
        burst(daemon.address, ways, ways.len(), &gone);
        let before = steady.peer.frames();
        steady.peer.wait_frames(before + 10, LIMIT);
        read(&mut steady);
        let now = daemon.holdings();
        if now.memory_kb > most.memory_kb {
            most = now;
        }
        if number % 10 == 0 {
            println!("after {}: {now:?}", (number + 1) * ways.len());
        }
    }
    let (after_all, back) = back_to(after_ten, &daemon, &mut steady);
    println!("after {}: {after_all:?} {:?}", bursts * ways.len(), daemon.threads());
    assert!(daemon.is_running());
    measured(&format!(
        "After {} viewers, all gone but one: {after_ten}. At the most: {most}. After {}, all gone but one: {after_all}.",
        ways.len(),
        bursts * ways.len()
    ));
    trying.into_iter().for_each(|trying| trying.survived(bursts, None));
    all_gone.survived(1, Some(back));
    if length() > 0 {
        let trying = Trying::begin("a hundred viewers at once, come and gone in all these ways");
        burst(daemon.address, ways, 100, &gone);
        let (after_hundred, back) = back_to(after_ten, &daemon, &mut steady);
        measured(&format!("After a hundred at once: {after_hundred}."));
        trying.survived(100, Some(back));
    }
    assert!(daemon.is_running());
    steady.leave();
}
