//! What viewers cost: by their number, and beside peers.

use super::{Arrivals, Bench};
use crate::cipher;
use crate::measure::Cost;
use crate::report::Row;
use crate::servers::{Kind, Server};
use crate::stats::median;
use crate::viewer::Behaviour;
use anyhow::Result;
use std::time::Duration;

/// How long everything may settle after the last join: the first seconds of a viewer cost more.
const SETTLE: Duration = Duration::from_secs(3);

/// Growing numbers of viewers of one daemon.
pub(super) fn viewers(bench: &mut Bench) -> Result<()> {
    let mut server = bench.daemon()?;
    let mut swarm = bench.swarm()?;
    let mut one: Option<Cost> = None;
    for count in [1, 10, 50, 100] {
        let more = count - swarm.inside().count();
        bench.join(&mut swarm, &server, more, Behaviour::default())?;
        swarm.run_for(SETTLE)?;
        let cost = Cost::of(&mut swarm, &mut server, bench.extent.window)?;
        let first = one.get_or_insert_with(|| cost.clone());
        let row = row("viewers", &format!("{count}"), &cost, first);
        bench.rows.push(row);
    }
    bench.leave(&mut swarm, &server);
    Ok(())
}

/// The line of a table for what `cost` viewers cost beyond `first`.
fn row(case: &'static str, label: &str, cost: &Cost, first: &Cost) -> Row {
    let freezes = cost.freezes();
    let each = PerViewer::of(cost, first);
    Row::new(case, label)
        .with("server CPU %", cost.server_cpu)
        .with("CPU % per viewer", each.cpu)
        .with("MB per viewer", each.mb)
        .with("threads per viewer", each.threads)
        .with("fds per viewer", each.descriptors)
        .with("kbit/s", cost.median(|watched| watched.kbps))
        .with("frames/s", cost.median(|watched| watched.frames_per_s))
        .with("freezes > 200 ms", f64::from(freezes.over_200_ms))
        .with("generator CPU % per viewer", cost.own_cpu / cost.viewers as f64)
        .with("other CPU %", cost.other_cpu)
}

/// What one more viewer costs: the difference to one viewer, for whom picture and encoder already run.
struct PerViewer {
    cpu: f64,
    mb: f64,
    threads: f64,
    descriptors: f64,
}

impl PerViewer {
    fn of(cost: &Cost, first: &Cost) -> PerViewer {
        let more = cost.viewers as f64 - first.viewers as f64;
        let more = if more > 0.0 { more } else { f64::NAN };
        let each = |now: u64, before: u64| (now as f64 - before as f64) / more;
        PerViewer {
            cpu: (cost.server_cpu - first.server_cpu) / more,
            mb: each(cost.server.pss_kib, first.server.pss_kib) * 1024.0 / 1e6,
            threads: each(cost.server.threads, first.server.threads),
            descriptors: each(cost.server.descriptors, first.server.descriptors),
        }
    }
}

/// One server in one round.
struct Round {
    each: PerViewer,
    all_cpu: f64,
    kbps: f64,
    frames_per_s: f64,
    freezes: u32,
    connected: f64,
    keyframe: f64,
    own: f64,
    other: f64,
    cipher: &'static str,
}

/// The daemon and its peers, one after the other, in several rounds.
pub(super) fn peers(bench: &mut Bench) -> Result<()> {
    let kinds = bench.extent.peers.clone();
    let mut rounds: Vec<(Kind, Vec<Round>)> = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
    for number in 1..=bench.extent.rounds {
        for (kind, found) in &mut rounds {
            match round(bench, *kind) {
                Ok(round) => {
                    eprintln!("  round {number}, {kind}: {:.3} % of a core per viewer", round.each.cpu);
                    found.push(round);
                }
                // One peer that is not to be had says nothing against the others.
                Err(error) => {
                    eprintln!("  round {number}, {kind}: {error:#}");
                    bench.problems.push(format!("peers, round {number}: {error:#}"));
                }
            }
        }
    }
    let of = |found: &[Round], what: fn(&Round) -> f64| median(&found.iter().map(what).collect::<Vec<_>>());
    let ours =
        rounds.iter().find(|(kind, _)| *kind == Kind::Vitrina).map(|(_, found)| of(found, |r| r.each.cpu));
    for (kind, found) in rounds.iter().filter(|(_, found)| !found.is_empty()) {
        let cpu = of(found, |round| round.each.cpu);
        let mut row = Row::new("peers", kind.name())
            .with("viewers", bench.extent.viewers.min(kind.most_viewers()) as f64)
            .with("CPU % per viewer", cpu)
            .with("of vitrina's", cpu / ours.unwrap_or(f64::NAN))
            .with("MB per viewer", of(found, |round| round.each.mb))
            .with("threads per viewer", of(found, |round| round.each.threads))
            .with("fds per viewer", of(found, |round| round.each.descriptors))
            .with("CPU % with picture", of(found, |round| round.all_cpu))
            .with("kbit/s", of(found, |round| round.kbps))
            .with("frames/s", of(found, |round| round.frames_per_s))
            .with("freezes > 200 ms", found.iter().map(|round| f64::from(round.freezes)).sum())
            .with("connected ms", of(found, |round| round.connected))
            .with("keyframe ms", of(found, |round| round.keyframe))
            .with("generator CPU % per viewer", of(found, |round| round.own))
            .with("other CPU %", of(found, |round| round.other));
        let each: Vec<String> = found.iter().map(|round| format!("{:.3}", round.each.cpu)).collect();
        let cipher = found.last().map_or("", |round| round.cipher);
        row = row.noted(format!("{cipher}; rounds: {}", each.join(", ")));
        if *kind == Kind::Vitrina
            && let Some((_, janus)) =
                rounds.iter().find(|(kind, found)| *kind == Kind::Janus && !found.is_empty())
        {
            let ratio = cpu / of(janus, |round| round.each.cpu);
            let freezes: u32 = found.iter().map(|round| round.freezes).sum();
            row = row.judged(&format!("under Janus: {ratio:.2} of its CPU"), ratio < 1.0);
            row = row.judged("no freeze over 200 ms", freezes == 0);
        }
        bench.rows.push(row);
    }
    Ok(())
}

fn round(bench: &mut Bench, kind: Kind) -> Result<Round> {
    let count = bench.extent.viewers.min(kind.most_viewers());
    let mut server: Server = bench.start(kind)?;
    let mut swarm = bench.swarm()?;
    bench.join(&mut swarm, &server, 1, Behaviour::default())?;
    swarm.run_for(SETTLE)?;
    let first = Cost::of(&mut swarm, &mut server, bench.extent.window)?;
    let others = bench.join(&mut swarm, &server, count - 1, Behaviour::default())?;
    swarm.run_for(SETTLE)?;
    let cost = Cost::of(&mut swarm, &mut server, bench.extent.window)?;
    let arrivals = Arrivals::of(&swarm, &others);
    let failures = swarm.failures();
    if let Some(failure) = failures.first() {
        bench.problems.push(format!("{kind}: {} viewers did not stay: {failure}", failures.len()));
    }
    bench.leave(&mut swarm, &server);
    Ok(Round {
        each: PerViewer::of(&cost, &first),
        all_cpu: cost.server_cpu + cost.feed_cpu,
        kbps: cost.median(|watched| watched.kbps),
        frames_per_s: cost.median(|watched| watched.frames_per_s),
        freezes: cost.freezes().over_200_ms,
        connected: median(&arrivals.connected),
        keyframe: median(&arrivals.keyframe),
        own: cost.own_cpu / cost.viewers as f64,
        other: cost.other_cpu,
        cipher: cipher::chosen(),
    })
}
