//! What is about time: joining, delay, and doing nothing for long.

use super::{Arrivals, Bench, JOIN_EVERY};
use crate::measure::Cost;
use crate::process::Sample;
use crate::report::Row;
use crate::servers::Server;
use crate::stats;
use crate::swarm::Swarm;
use crate::viewer::Behaviour;
use anyhow::{Result, ensure};
use std::time::Duration;

/// Nobody watches: before anybody has, and after somebody did.
pub(super) fn idle(bench: &mut Bench) -> Result<()> {
    let window = bench.extent.window * 2;
    let mut server = bench.daemon()?;
    let mut swarm = bench.swarm()?;
    swarm.run_for(Duration::from_secs(5))?;
    let fresh = Cost::of(&mut swarm, &mut server, window)?;
    bench.join(&mut swarm, &server, 5, Behaviour::default())?;
    swarm.run_for(Duration::from_secs(2))?;
    bench.leave(&mut swarm, &server);
    // Capture and encoder run on for 5 s, and threads end a little later.
    let mut swarm = bench.swarm()?;
    swarm.run_for(Duration::from_secs(10))?;
    let after = Cost::of(&mut swarm, &mut server, window)?;
    for (label, cost) in [("before anybody came", fresh), ("after five have left", after)] {
        let row = Row::new("idle", label)
            .with("server CPU %", cost.server_cpu)
            .with("MB", cost.server.pss_kib as f64 * 1024.0 / 1e6)
            .with("threads", cost.server.threads as f64)
            .with("fds", cost.server.descriptors as f64)
            .with("other CPU %", cost.other_cpu)
            .judged("under 1 %", cost.server_cpu < 1.0);
        bench.rows.push(row);
    }
    Ok(())
}

/// Nobody watched before: capture and encoder start with the viewer.
pub(super) fn cold(bench: &mut Bench) -> Result<()> {
    let server = bench.daemon()?;
    let mut all = Arrivals { answered: Vec::new(), connected: Vec::new(), keyframe: Vec::new() };
    for _ in 0..5 {
        let mut swarm = bench.swarm()?;
        let joined = bench.join(&mut swarm, &server, 1, Behaviour::default())?;
        let arrivals = Arrivals::of(&swarm, &joined);
        all.answered.extend(arrivals.answered);
        all.connected.extend(arrivals.connected);
        all.keyframe.extend(arrivals.keyframe);
        bench.leave(&mut swarm, &server);
        // Capture and encoder run on for 5 s.
        swarm.run_for(Duration::from_secs(8))?;
    }
    let keyframe = stats::median(&all.keyframe);
    bench.rows.push(
        all.row("cold", "one after the other").judged("keyframe under 700 ms (median)", keyframe < 700.0),
    );
    Ok(())
}

/// Fifty viewers at ten a second, while somebody watches already.
pub(super) fn joins(bench: &mut Bench) -> Result<()> {
    let server = bench.daemon()?;
    let mut swarm = bench.swarm()?;
    let first = bench.join(&mut swarm, &server, 1, Behaviour::default())?;
    swarm.run_for(Duration::from_secs(2))?;
    bench.rows.push(Arrivals::of(&swarm, &first).row("joins", "the first of all"));
    let joined = bench.join(&mut swarm, &server, 50, Behaviour::default())?;
    swarm.run_for(Duration::from_secs(1))?;
    let arrivals = Arrivals::of(&swarm, &joined);
    let (connected, keyframe) = (stats::median(&arrivals.connected), stats::median(&arrivals.keyframe));
    let slowest = stats::quantile(&arrivals.keyframe, 0.95);
    let row = arrivals
        .row("joins", "50 at 10 a second")
        .judged("connected within 30 ms (median)", connected <= 30.0)
        .judged("keyframe within 100 ms (median)", keyframe <= 100.0)
        .judged("250 ms (95 %)", slowest <= 250.0);
    bench.rows.push(row);
    bench.leave(&mut swarm, &server);
    Ok(())
}

/// From the capture that abs-capture-time tells to the arrival of a frame's last packet: encoder, packets, sending.
pub(super) fn latency(bench: &mut Bench) -> Result<()> {
    let mut server = bench.daemon()?;
    let mut swarm = bench.swarm()?;
    for count in [1, 20] {
        let more = count - swarm.inside().count();
        bench.join(&mut swarm, &server, more, Behaviour::default())?;
        swarm.run_for(Duration::from_secs(2))?;
        let cost = Cost::of(&mut swarm, &mut server, bench.extent.window)?;
        let told: usize = cost.watched.iter().map(|watched| watched.latency_ms.len()).sum();
        ensure!(told > 0, "no frame told when it was captured (abs-capture-time)");
        // Where others take a part of the machine, frames wait for them.
        let (most, words) = if cost.other_cpu < 20.0 {
            (10.0, "median within 10 ms of the best")
        } else {
            (30.0, "median within 30 ms of the best, on a busy machine")
        };
        let (best, median) = (cost.latency_ms(0.0), cost.latency_ms(0.5));
        let row = Row::new("latency", format!("{count} viewers"))
            .with("frames", told as f64)
            .with("best ms", best)
            .with("5 % ms", cost.latency_ms(0.05))
            .with("median ms", median)
            .with("95 % ms", cost.latency_ms(0.95))
            .with("99 % ms", cost.latency_ms(0.99))
            .with("other CPU %", cost.other_cpu)
            .judged(words, median - best <= most);
        bench.rows.push(row);
    }
    bench.leave(&mut swarm, &server);
    Ok(())
}

/// An hour in which every minute somebody comes and somebody leaves, and every ten minutes everybody does, with a
/// minute pressed into a second: what is left of those who have gone?
pub(super) fn soak(bench: &mut Bench) -> Result<()> {
    const WATCHING: usize = 10;
    let server = bench.daemon()?;
    let mut swarm = bench.swarm()?;
    let mut watching = bench.join(&mut swarm, &server, WATCHING, Behaviour::default())?;
    let seconds = bench.extent.soak.as_secs();
    // What a process takes once, it has taken after the first tenth.
    let warm = (seconds / 10).max(1);
    let (mut begin, mut gone) = (None, 0u32);
    for second in 0..seconds {
        let leaving = if second % 10 == 9 { watching.len() } else { 1 };
        for index in watching.drain(..leaving).collect::<Vec<_>>() {
            swarm.leave(index);
            gone += 1;
        }
        let joined = bench.join(&mut swarm, &server, leaving, Behaviour::default())?;
        watching.extend(joined);
        swarm.run_for(Duration::from_secs(1).saturating_sub(JOIN_EVERY))?;
        if second + 1 == warm {
            begin = Some(settled(&mut swarm, &server)?);
        }
    }
    let end = settled(&mut swarm, &server)?;
    let failures = swarm.failures();
    if let Some(failure) = failures.first() {
        bench.problems.push(format!("soak: {} viewers did not stay: {failure}", failures.len()));
    }
    let Some(begin) = begin else { return Ok(()) };
    for (label, sample) in [("after a tenth", &begin), ("at the end", &end)] {
        let row = Row::new("soak", label)
            .with("MB", sample.pss_kib as f64 * 1024.0 / 1e6)
            .with("threads", sample.threads as f64)
            .with("fds", sample.descriptors as f64);
        bench.rows.push(row);
    }
    // A viewer who has just left takes a moment to be cleared away.
    let row = Row::new("soak", "grown")
        .with("MB", (end.pss_kib as f64 - begin.pss_kib as f64) * 1024.0 / 1e6)
        .with("threads", end.threads as f64 - begin.threads as f64)
        .with("fds", end.descriptors as f64 - begin.descriptors as f64)
        .noted(format!("{gone} have left, {WATCHING} watch"))
        .judged("no more threads", end.threads <= begin.threads + 3)
        .judged("or descriptors", end.descriptors <= begin.descriptors + 3)
        .judged("less than 10 MB", end.pss_kib < begin.pss_kib + 10_000);
    bench.rows.push(row);
    bench.leave(&mut swarm, &server);
    Ok(())
}

/// The daemon, once everybody who has left is cleared away.
fn settled(swarm: &mut Swarm, server: &Server) -> Result<Sample> {
    swarm.run_for(Duration::from_secs(3))?;
    Sample::of(&[server.pid])
}
