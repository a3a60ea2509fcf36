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

/// The last of a session without DELETE goes a minute after its client, and a thread that GLib keeps after 15 s.
const GONE_WITHIN: Duration = Duration::from_secs(100);

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

/// Waits until the daemon holds no more than that; how long it took.
fn back_to(before: Holdings, daemon: &Daemon, steady: &mut Viewer) -> Duration {
    let begun = Instant::now();
    loop {
        let now = daemon.holdings();
        if now.threads <= before.threads && now.descriptors <= before.descriptors {
            return begun.elapsed();
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
    let mut daemon = Daemon::start(
        "[video]\ngrace_s = 600\n[limits]\nviewers = 300\nconnections = 1000\nconnections_per_address = 600\n",
    );
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
    // By then all have been there at once who ever are.
    let some = bursts * 2 / 5;
    let mut after_some = after_ten;
    let trying: Vec<_> = ways.iter().map(|(way, _)| Trying::begin(way)).collect();
    let all_gone =
        Trying::begin("after all of these: threads and descriptors as after the first ten, memory level");
    for number in 1..bursts {
        burst(daemon.address, ways, ways.len(), &gone);
        let before = steady.peer.frames();
        steady.peer.wait_frames(before + 10, LIMIT);
        read(&mut steady);
        if number == some {
            after_some = daemon.holdings();
        }
        if number % 10 == 0 {
            println!("after {}: {:?}", (number + 1) * ways.len(), daemon.holdings());
        }
    }
    let back = back_to(after_ten, &daemon, &mut steady);
    let after_all = daemon.holdings();
    println!("after {}: {after_all:?} {:?}", bursts * ways.len(), daemon.threads());
    assert!(daemon.is_running());
    // The allocator keeps what was in use at once, and does not grow any more: a leak of one viewer's pipeline is 1.5 MB.
    let growth = after_all.memory_kb.saturating_sub(after_some.memory_kb);
    assert!(length() == 0 || growth < 4_000, "memory grew by {growth} kB: {after_some:?} -> {after_all:?}");
    let growth = after_all.memory_kb.saturating_sub(after_ten.memory_kb);
    let kept = if length() == 0 { 24_000 } else { 64_000 };
    assert!(growth < kept, "memory grew by {growth} kB: {after_ten:?} -> {after_all:?}");
    measured(&format!(
        "After {} viewers, all gone but one: {after_ten}. In the midst of {}: {after_some}. After {}: {after_all}.",
        ways.len(),
        some * ways.len(),
        bursts * ways.len()
    ));
    trying.into_iter().for_each(|trying| trying.survived(bursts, None));
    all_gone.survived(1, Some(back));
    if length() > 0 {
        let trying = Trying::begin("a hundred viewers at once, come and gone in all these ways");
        burst(daemon.address, ways, 100, &gone);
        let back = back_to(after_ten, &daemon, &mut steady);
        measured(&format!("After a hundred at once: {}.", daemon.holdings()));
        trying.survived(100, Some(back));
    }
    assert!(daemon.is_running());
    steady.leave();
}
