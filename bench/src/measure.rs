//! One stretch of time with viewers watching: what they were sent, and what it cost whom.

use crate::process::{self, Sample};
use crate::servers::Server;
use crate::stats::{self, Freezes};
use crate::swarm::Swarm;
use crate::viewer::{SLOT, Viewer};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// What one viewer got in a stretch of time.
#[derive(Debug, Clone)]
pub struct Watched {
    pub frames_per_s: f64,
    /// Of IP packets, as they came through the link.
    pub kbps: f64,
    pub freezes: Freezes,
    pub latency_ms: Vec<f64>,
}

impl Watched {
    /// Between `from` and `to`, which is not in the future.
    pub fn between(viewer: &Viewer, from: Instant, to: Instant) -> Watched {
        let seconds = to.saturating_duration_since(from).as_secs_f64();
        let inside = || viewer.frames.shown.iter().filter(|frame| frame.at >= from && frame.at < to);
        Watched {
            frames_per_s: inside().count() as f64 / seconds,
            kbps: kbps(viewer, from, to),
            freezes: Freezes::between(&viewer.frames.shown, from, to),
            latency_ms: inside().filter_map(|frame| frame.latency_ms).map(f64::from).collect(),
        }
    }
}

/// The rate at which bytes came through a viewer's link, in kbit/s, to the nearest tenth of a second.
pub fn kbps(viewer: &Viewer, from: Instant, to: Instant) -> f64 {
    let slot =
        |at: Instant| (at.saturating_duration_since(viewer.offered).as_millis() / SLOT.as_millis()) as usize;
    let (first, end) = (slot(from), slot(to));
    let bytes: u64 = viewer.arrived.iter().take(end).skip(first).map(|bytes| u64::from(*bytes)).sum();
    bytes as f64 * 8.0 / 1000.0 / (end.saturating_sub(first).max(1) as f64 * SLOT.as_secs_f64())
}

/// What a stretch of time cost. CPU in per cent of one core.
#[derive(Debug, Clone)]
pub struct Cost {
    pub viewers: usize,
    pub server_cpu: f64,
    /// Of the process that feeds the server, if there is one.
    pub feed_cpu: f64,
    /// Of this load generator.
    pub own_cpu: f64,
    /// Of whatever else this machine did.
    pub other_cpu: f64,
    pub server: Sample,
    /// Everybody who watched, in no order.
    pub watched: Vec<Watched>,
}

impl Cost {
    /// Watches for `time`.
    ///
    /// # Errors
    /// A process has ended.
    pub fn of(swarm: &mut Swarm, server: &mut Server, time: Duration) -> Result<Cost> {
        let feed: Vec<u32> = server.feed_pid.into_iter().collect();
        let own = [std::process::id()];
        let read = |server: &Server| -> Result<_> {
            Ok((Sample::of(&[server.pid])?, Sample::of(&feed)?, Sample::of(&own)?, process::machine_busy()))
        };
        let before = read(server)?;
        swarm.run_for(time)?;
        if !server.runs() {
            bail!("{} ended while it was watched:\n{}", server.kind, server.tail());
        }
        let after = read(server)?;
        let (from, to) = (before.0.at, after.0.at);
        let server_cpu = after.0.cpu_percent_since(&before.0);
        let feed_cpu = after.1.cpu_percent_since(&before.1);
        let own_cpu = after.2.cpu_percent_since(&before.2);
        let all = (after.3 - before.3) / to.saturating_duration_since(from).as_secs_f64() * 100.0;
        let watched: Vec<Watched> = swarm.inside().map(|viewer| Watched::between(viewer, from, to)).collect();
        Ok(Cost {
            viewers: watched.len(),
            server_cpu,
            feed_cpu,
            own_cpu,
            other_cpu: (all - server_cpu - feed_cpu - own_cpu).max(0.0),
            server: after.0,
            watched,
        })
    }

    /// The median of something over all viewers.
    pub fn median(&self, of: impl Fn(&Watched) -> f64) -> f64 {
        stats::median(&self.watched.iter().map(of).collect::<Vec<_>>())
    }

    /// All viewers' freezes together.
    pub fn freezes(&self) -> Freezes {
        self.watched.iter().fold(Freezes::default(), |sum, watched| sum.and(watched.freezes))
    }

    /// All viewers' latencies together, in ms.
    pub fn latency_ms(&self, share: f64) -> f64 {
        let all: Vec<f64> =
            self.watched.iter().flat_map(|watched| watched.latency_ms.iter().copied()).collect();
        stats::quantile(&all, share)
    }
}
