//! A hundred viewers come and go, politely and rudely: nothing of them stays.

use crate::client::{Client, LIMIT, Viewer};
use crate::process::{Daemon, Holdings};
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Viewers that are there at once.
const BURST: usize = 10;
const BURSTS: usize = 10;

/// One way to come and go for each number.
fn come_and_go(address: SocketAddr, number: usize) {
    match number % 5 {
        // Watches and says goodbye.
        0 => Viewer::watch(address).leave(),
        // Watches, and is gone from one moment to the next: signalling and media.
        1 => {
            let Viewer { client, peer } = Viewer::watch(address);
            client.cut();
            drop(peer);
        }
        // Goes in the middle of connecting.
        2 => Viewer::join(Client::greeted(address)).client.cut(),
        // Goes without an answer to the offer.
        3 => {
            let mut client = Client::greeted(address);
            client.say(&json!({"type": "join"}));
            client.expect("offer");
            client.cut();
        }
        // Goes before the offer can be there.
        _ => {
            let mut client = Client::greeted(address);
            client.say(&json!({"type": "join"}));
            client.cut();
        }
    }
}

fn burst(address: SocketAddr) {
    std::thread::scope(|scope| {
        for number in 0..BURST {
            scope.spawn(move || come_and_go(address, number));
        }
    });
}

/// What the daemon holds once it is quiet: threads and descriptors have not fallen for some time.
/// GLib keeps a thread that nobody uses for 15 s.
fn settled(daemon: &Daemon, steady: &mut Viewer) -> Holdings {
    let mut least = daemon.holdings();
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_secs(17) {
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

/// A client that reads answers the daemon's WebSocket pings as well.
fn read(viewer: &mut Viewer) {
    viewer.client.say(&json!({"type": "ping", "id": 1}));
    viewer.client.expect("pong");
}

#[test]
fn a_hundred_viewers_come_and_go_and_nothing_of_them_stays() {
    let mut daemon = Daemon::start("[video]\ngrace_s = 600\n");
    // One stays all the time and must not notice the others.
    let mut steady = Viewer::watch(daemon.address);
    burst(daemon.address);
    let after_ten = settled(&daemon, &mut steady);
    let threads_after_ten = daemon.threads();
    for _ in 1..BURSTS {
        burst(daemon.address);
        let before = steady.peer.frames();
        steady.peer.wait_frames(before + 10, LIMIT);
        read(&mut steady);
    }
    let after_hundred = settled(&daemon, &mut steady);
    println!("after 10: {after_ten:?} {threads_after_ten:?}");
    println!("after 100: {after_hundred:?} {:?}", daemon.threads());
    assert!(daemon.is_running());
    assert!(after_hundred.threads <= after_ten.threads, "{after_ten:?} -> {after_hundred:?}");
    assert!(after_hundred.descriptors <= after_ten.descriptors, "{after_ten:?} -> {after_hundred:?}");
    // The allocator keeps some of what 90 viewers have used; a leak of one viewer's pipeline is 1.5 MB.
    let growth = after_hundred.memory_kb.saturating_sub(after_ten.memory_kb);
    assert!(growth < 24_000, "memory grew by {growth} kB: {after_ten:?} -> {after_hundred:?}");
    steady.leave();
}
