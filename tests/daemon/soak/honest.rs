//! A viewer that does nothing wrong, and how its picture fares while others do.

use crate::client::{Client, LIMIT, Viewer};
use crate::process::{Daemon, Holdings};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Of the rate before, so much has to be left during an attack.
const RATE_KEPT: f64 = 0.9;
/// And no picture comes later than this after the one before.
const LONGEST_GAP: Duration = Duration::from_millis(500);

/// One that watches one source.
pub struct Honest {
    pub viewer: Viewer,
    before: f64,
}

/// How the picture came for a while.
#[derive(Debug, Clone, Copy)]
pub struct Picture {
    pub rate: f64,
    /// One frame more or less, as a rate: what a measure of some seconds cannot tell.
    pub doubt: f64,
    pub longest_gap: Duration,
}

impl Honest {
    /// Watches, and measures how its picture comes while nobody does anything wrong.
    pub fn watch(address: SocketAddr) -> Self {
        let mut client = Client::greeted(address);
        client.say(&json!({"type": "join", "sources": ["screen"]}));
        let viewer = Viewer::answer(client);
        viewer.peer.wait_frames(15, LIMIT);
        let mut honest = Self { viewer, before: 0.0 };
        let quiet = honest.measure(|| std::thread::sleep(Duration::from_secs(2)));
        honest.before = quiet.rate;
        println!("undisturbed: {quiet:?}");
        honest
    }

    /// How the picture comes until `attack` is over.
    fn measure(&self, attack: impl FnOnce()) -> Picture {
        let over = Arc::new(AtomicBool::new(false));
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| self.look(&over));
            let end = EndOf(&over);
            attack();
            drop(end);
            looking.join().unwrap()
        })
    }

    /// Looks 200 times a second whether there is another picture. At least for a second: a rate is of some pictures.
    fn look(&self, over: &AtomicBool) -> Picture {
        let begun = Instant::now();
        let first = self.viewer.peer.frames();
        let (mut last, mut since, mut longest_gap) = (first, begun, Duration::ZERO);
        while !over.load(Ordering::Relaxed) || begun.elapsed() < Duration::from_secs(1) {
            let now = self.viewer.peer.frames();
            longest_gap = longest_gap.max(since.elapsed());
            if now != last {
                (last, since) = (now, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let doubt = begun.elapsed().as_secs_f64().recip();
        Picture { rate: (last - first) as f64 * doubt, doubt, longest_gap }
    }

    /// Does something that no honest client does; the picture of this one goes on. `tries`: how often it was done.
    pub fn during(&self, fault: &str, attack: impl FnOnce() -> usize) {
        let trying = super::Trying::begin(fault);
        let mut tries = 0;
        let picture = self.measure(|| tries = attack());
        println!("{fault}: {tries} times, {picture:?} beside {:.1} before", self.before);
        assert!(
            picture.rate + picture.doubt >= self.before * RATE_KEPT,
            "{fault}: {picture:?} beside {:.1} before",
            self.before
        );
        assert!(picture.longest_gap <= LONGEST_GAP, "{fault}: {picture:?}");
        trying.survived(tries, Some(picture.longest_gap));
    }

    /// Leaves a daemon that has come through all of it: no fault of its own in its log, and no more memory than `growth`
    /// kB over what it had before.
    pub fn leave(self, daemon: &Daemon, before: Holdings, growth: usize) {
        let after = daemon.holdings();
        println!("{before:?} -> {after:?}");
        assert!(after.memory_kb < before.memory_kb + growth, "{before:?} -> {after:?}");
        self.viewer.leave();
        let log = daemon.log();
        assert!(!log.contains("panicked") && !log.contains(" ERROR "), "{log}");
    }
}

/// Ends the looking also where the attack fails.
struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
