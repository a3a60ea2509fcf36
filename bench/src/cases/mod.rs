//! The cases: what is started, who joins, what is asked for.

mod cost;
mod links;
mod time;

use crate::report::Row;
use crate::servers::{Kind, Paths, Server};
use crate::stats;
use crate::swarm::Swarm;
use crate::viewer::{Behaviour, Viewer};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How long and how often.
#[derive(Debug, Clone)]
pub struct Extent {
    /// One stretch of measuring CPU.
    pub window: Duration,
    /// Rounds of the comparison with peers.
    pub rounds: usize,
    /// Viewers in that comparison, for servers that carry as many.
    pub viewers: usize,
    /// How long a link stays narrow in `congestion`.
    pub hold: Duration,
    /// How long the soak takes.
    pub soak: Duration,
    /// Whether viewers give feedback for congestion control.
    pub transport_cc: bool,
    pub peers: Vec<Kind>,
    /// Whom the other cases are about.
    pub server: Kind,
}

/// A run: what it is to do, and what it has found.
pub struct Bench {
    pub paths: Paths,
    pub extent: Extent,
    pub rows: Vec<Row>,
    /// What went wrong, in sentences.
    pub problems: Vec<String>,
}

/// A case's name on the command line, and what it is.
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    run: fn(&mut Bench) -> Result<()>,
}

/// All cases, in the order in which they run.
pub const CASES: [Case; 9] = [
    Case { name: "idle", about: "nobody watches", run: time::idle },
    Case { name: "cold", about: "offer to first keyframe where nobody watched before", run: time::cold },
    Case { name: "joins", about: "50 viewers at 10 a second while the encoder runs", run: time::joins },
    Case { name: "latency", about: "capture to the last packet of a frame", run: time::latency },
    Case { name: "viewers", about: "1, 10, 50 and 100 viewers", run: cost::viewers },
    Case { name: "peers", about: "the same stream from others, in turns", run: cost::peers },
    Case { name: "links", about: "5, 2, 1 and 0.5 Mbit/s, and 2 % loss", run: links::links },
    Case { name: "slow", about: "one slow viewer among 20", run: links::slow },
    Case { name: "congestion", about: "held to 1 Mbit/s, then released", run: links::congestion },
];

/// Not among those that run unasked.
pub const MORE: [Case; 1] =
    [Case { name: "soak", about: "viewers come and go all the time", run: time::soak }];

/// The longest that a viewer may take to see something.
const FIRST_FRAME: Duration = Duration::from_secs(20);

/// From a join to the next at 10 a second.
const JOIN_EVERY: Duration = Duration::from_millis(100);

impl Bench {
    /// Runs a case. What goes wrong is a problem of the run, and the next case runs all the same.
    pub fn run(&mut self, case: &Case) {
        eprintln!("{}: {}", case.name, case.about);
        let rows = self.rows.len();
        if let Err(error) = (case.run)(self) {
            eprintln!("  FAILED: {error:#}");
            self.problems.push(format!("{}: {error:#}", case.name));
        }
        for row in self.rows.get(rows..).unwrap_or_default() {
            let values =
                row.values.iter().map(|(name, value)| format!("{name} {value:.2}")).collect::<Vec<_>>();
            eprintln!("  {}: {} {}", row.label, values.join(", "), row.note);
        }
    }

    fn start(&self, kind: Kind) -> Result<Server> {
        Server::start(kind, &self.paths)
    }

    fn swarm(&self) -> Result<Swarm> {
        Swarm::new(self.paths.address)
    }

    fn daemon(&self) -> Result<Server> {
        self.start(self.extent.server)
    }

    /// Asks `count` viewers in, ten a second where the server can bear it, and waits until each has seen a keyframe.
    /// Returns their indices.
    fn join(
        &self,
        swarm: &mut Swarm,
        server: &Server,
        count: usize,
        behaviour: Behaviour,
    ) -> Result<Vec<usize>> {
        if !server.kind.one_at_a_time() {
            return self.join_together(swarm, server, count, behaviour);
        }
        let mut joined = Vec::new();
        for _ in 0..count {
            joined.extend(self.join_together(swarm, server, 1, behaviour)?);
        }
        Ok(joined)
    }

    fn join_together(
        &self,
        swarm: &mut Swarm,
        server: &Server,
        count: usize,
        behaviour: Behaviour,
    ) -> Result<Vec<usize>> {
        let mut joining = Vec::new();
        for at in 0..count {
            if at > 0 {
                swarm.run_for(JOIN_EVERY)?;
            }
            joining.push(swarm.join(&server.target, behaviour, self.extent.transport_cc));
        }
        let all = |swarm: &Swarm| {
            joining
                .iter()
                .all(|&index| swarm.viewer(index).is_some_and(|viewer| !viewer.frames.shown.is_empty()))
        };
        let hopeless = |swarm: &Swarm| {
            swarm.joining() == 0
                && joining
                    .iter()
                    .any(|&index| swarm.viewer(index).is_none_or(|viewer| viewer.ended.is_some()))
        };
        swarm.run_until(Instant::now() + FIRST_FRAME, |swarm| all(swarm) || hopeless(swarm))?;
        if !all(swarm) {
            let failures = swarm.failures();
            let blind = joining
                .iter()
                .filter_map(|&index| swarm.viewer(index))
                .filter(|viewer| viewer.frames.shown.is_empty())
                .count();
            bail!(
                "{}: {count} viewers were asked in; {} could not join, {blind} saw nothing. {}\n{}",
                server.kind,
                joining.iter().filter(|&&index| swarm.viewer(index).is_none()).count(),
                failures.first().map_or("", String::as_str),
                server.tail()
            );
        }
        Ok(joining)
    }

    /// Ends a swarm's watching; what a server answers to farewells is a problem, not a failure.
    fn leave(&mut self, swarm: &mut Swarm, server: &Server) {
        if let Err(error) = swarm.leave_all() {
            self.problems.push(format!("{}: {error:#}", server.kind));
        }
    }
}

/// Since the offer, in ms.
fn since_offer(viewer: &Viewer, at: Option<Instant>) -> f64 {
    at.map_or(f64::NAN, |at| at.saturating_duration_since(viewer.offered).as_secs_f64() * 1000.0)
}

/// How viewers came in: each time from the offer, in ms.
struct Arrivals {
    answered: Vec<f64>,
    connected: Vec<f64>,
    keyframe: Vec<f64>,
}

impl Arrivals {
    fn of(swarm: &Swarm, viewers: &[usize]) -> Arrivals {
        let each = |time: fn(&Viewer) -> f64| -> Vec<f64> {
            viewers.iter().filter_map(|&index| swarm.viewer(index)).map(time).collect()
        };
        Arrivals {
            answered: each(|viewer| since_offer(viewer, Some(viewer.answered))),
            connected: each(|viewer| since_offer(viewer, viewer.connected)),
            keyframe: each(|viewer| since_offer(viewer, viewer.frames.shown.first().map(|frame| frame.at))),
        }
    }

    fn row(&self, case: &'static str, label: &str) -> Row {
        Row::new(case, label)
            .with("viewers", self.answered.len() as f64)
            .with("answered ms", stats::median(&self.answered))
            .with("connected ms", stats::median(&self.connected))
            .with("95 %", stats::quantile(&self.connected, 0.95))
            .with("keyframe ms", stats::median(&self.keyframe))
            .with("keyframe 95 %", stats::quantile(&self.keyframe, 0.95))
    }
}
