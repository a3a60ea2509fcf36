//! What narrow and lossy links make of a viewer, and of the others.

use super::Bench;
use crate::link::Settings;
use crate::measure::{Watched, kbps};
use crate::report::Row;
use crate::stats::{self, Freezes, median};
use crate::swarm::Swarm;
use crate::viewer::{Behaviour, Viewer};
use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// As much as an ordinary router keeps before it drops.
const QUEUE: Duration = Duration::from_millis(200);
const DELAY: Duration = Duration::from_millis(20);

/// How long a viewer may take to find its rendition.
const SETTLE: Duration = Duration::from_secs(4);

fn narrow(rate_bps: u64) -> Settings {
    Settings { rate_bps: Some(rate_bps), queue: QUEUE, delay: DELAY, loss: 0.0 }
}

fn lossy(loss: f64) -> Settings {
    Settings { rate_bps: None, queue: QUEUE, delay: DELAY, loss }
}

fn wide() -> Settings {
    lossy(0.0)
}

fn through(down: Settings, nack: bool) -> Behaviour {
    Behaviour { down, up: Settings { delay: DELAY, ..Settings::default() }, nack }
}

/// The picture at one moment: size, and frames in the second before.
fn picture(viewer: &Viewer, at: Instant) -> (Option<(u16, u16)>, f64) {
    let shown = &viewer.frames.shown;
    let before = shown.iter().rev().skip_while(|frame| frame.at > at);
    let size = before.clone().next().and_then(|frame| frame.size);
    let frames = before.take_while(|frame| frame.at + Duration::from_secs(1) > at).count();
    (size, frames as f64)
}

fn size_text(size: Option<(u16, u16)>) -> String {
    size.map_or("none".into(), |(width, height)| format!("{width}x{height}"))
}

/// How often the size of the picture changed between two moments.
fn switches(viewer: &Viewer, from: Instant, to: Instant) -> usize {
    let inside: Vec<_> =
        viewer.frames.shown.iter().filter(|f| f.at >= from && f.at < to).map(|f| f.size).collect();
    inside.windows(2).filter(|pair| pair.first() != pair.last()).count()
}

/// Size, frame rate and bit rate of each second: what a row cannot tell.
fn timeline(viewer: &Viewer, from: Instant, to: Instant) -> String {
    let mut text = String::new();
    let mut at = from;
    while at + Duration::from_secs(1) <= to {
        let next = at + Duration::from_secs(1);
        let (size, frames) = picture(viewer, next);
        text += &format!(" {}@{frames:.0}/{:.0}k", size_text(size), kbps(viewer, at, next));
        at = next;
    }
    text
}

/// Each link with a viewer of its own, who joins through it.
pub(super) fn links(bench: &mut Bench) -> Result<()> {
    let window = bench.extent.hold;
    let links = [
        ("5 Mbit/s", narrow(5_000_000), true),
        ("2 Mbit/s", narrow(2_000_000), true),
        ("1 Mbit/s", narrow(1_000_000), true),
        ("0.5 Mbit/s", narrow(500_000), true),
        ("2 % loss", lossy(0.02), true),
        ("2 % loss, no NACK", lossy(0.02), false),
    ];
    for (label, link, nack) in links {
        // A daemon each: one viewer's renditions do not start for another.
        let server = bench.daemon()?;
        let mut swarm = bench.swarm()?;
        // Seeing nothing at all is a result too.
        let index = swarm.join(&server.target, through(link, nack), bench.extent.transport_cc);
        swarm.run_for(SETTLE + window)?;
        let to = Instant::now();
        let from = to - window;
        if swarm.viewer(index).is_none() {
            bench.problems.push(format!("links, {label}: {}", swarm.failures().join("; ")));
            continue;
        }
        let viewer = swarm.viewer(index).context("the viewer is gone")?;
        let seen = Watched::between(viewer, from, to);
        let (size, _) = picture(viewer, to);
        let (dropped, lost) = viewer.link_losses();
        let use_of_link = link.rate_bps.map_or(f64::NAN, |rate| seen.kbps * 1e5 / rate as f64);
        let row = Row::new("links", label)
            .with("kbit/s", seen.kbps)
            .with("% of link", use_of_link)
            .with("frames/s", seen.frames_per_s)
            .with("freezes > 200 ms", f64::from(seen.freezes.over_200_ms))
            .with("> 500 ms", f64::from(seen.freezes.over_500_ms))
            .with("frozen s", seen.freezes.frozen.as_secs_f64())
            .with("longest ms", seen.freezes.longest.as_secs_f64() * 1000.0)
            .with("latency ms", stats::quantile(&seen.latency_ms, 0.5))
            .with("95 %", stats::quantile(&seen.latency_ms, 0.95))
            .with("dropped by queue", dropped as f64)
            .with("lost", lost as f64)
            .with("not recovered", viewer.frames.missing as f64)
            .with("size changes", switches(viewer, from, to) as f64)
            .noted(size_text(size));
        eprintln!("  {label}:{}", timeline(viewer, viewer.offered, to));
        bench.rows.push(row);
        bench.leave(&mut swarm, &server);
    }
    Ok(())
}

/// Twenty watch; then one of them has 0.5 Mbit/s. The others notice nothing.
pub(super) fn slow(bench: &mut Bench) -> Result<()> {
    let window = bench.extent.window;
    let server = bench.daemon()?;
    let mut swarm = bench.swarm()?;
    let joined = bench.join(&mut swarm, &server, 20, Behaviour::default())?;
    let (slow, others) = joined.split_first().context("nobody joined")?;
    // An encoder takes a while to reach its bit rate.
    swarm.run_for(SETTLE * 2)?;
    let mut measured = Vec::new();
    for label in ["all alike", "one at 0.5 Mbit/s"] {
        swarm.run_for(window)?;
        let to = Instant::now();
        let look = |index: &usize| Some(Watched::between(swarm.viewer(*index)?, to - window, to));
        let seen: Vec<Watched> = others.iter().filter_map(look).collect();
        let of = |what: fn(&Watched) -> f64| median(&seen.iter().map(what).collect::<Vec<_>>());
        let freezes = seen.iter().fold(Freezes::default(), |sum, seen| sum.and(seen.freezes));
        let latency: Vec<f64> = seen.iter().flat_map(|seen| seen.latency_ms.iter().copied()).collect();
        let found =
            (of(|seen| seen.frames_per_s), of(|seen| seen.kbps), freezes, stats::quantile(&latency, 0.95));
        let row = Row::new("slow", format!("the other 19, {label}"))
            .with("kbit/s", found.1)
            .with("frames/s", found.0)
            .with("freezes > 200 ms", f64::from(freezes.over_200_ms))
            .with("longest ms", freezes.longest.as_secs_f64() * 1000.0)
            .with("latency ms", median(&latency))
            .with("95 %", found.3);
        measured.push((row, found));
        if let Some(viewer) = swarm.viewer_mut(*slow) {
            viewer.set_down(narrow(500_000));
        }
        swarm.run_for(SETTLE)?;
    }
    let viewer = swarm.viewer(*slow).context("the slow viewer is gone")?;
    let to = Instant::now();
    let seen = Watched::between(viewer, to - window, to);
    let (size, _) = picture(viewer, to);
    let itself = Row::new("slow", "the slow one")
        .with("kbit/s", seen.kbps)
        .with("frames/s", seen.frames_per_s)
        .with("freezes > 200 ms", f64::from(seen.freezes.over_200_ms))
        .with("longest ms", seen.freezes.longest.as_secs_f64() * 1000.0)
        .with("latency ms", median(&seen.latency_ms))
        .with("95 %", stats::quantile(&seen.latency_ms, 0.95))
        .noted(size_text(size));
    if let [(first, before), (second, after)] = measured.as_slice() {
        let judged = second
            .clone()
            .judged("frames as before", after.0 >= before.0 * 0.97)
            .judged("bit rate as before", (after.1 / before.1 - 1.0).abs() < 0.15)
            .judged("no more freezes", after.2.over_200_ms <= before.2.over_200_ms);
        bench.rows.extend([first.clone(), judged]);
    }
    bench.rows.push(itself);
    bench.leave(&mut swarm, &server);
    Ok(())
}

/// A viewer that watches freely is held to 1 Mbit/s, and then released.
pub(super) fn congestion(bench: &mut Bench) -> Result<()> {
    const RATE: u64 = 1_000_000;
    const CLIMB: Duration = Duration::from_secs(15);
    let server = bench.daemon()?;
    let mut swarm = bench.swarm()?;
    let joined = bench.join(&mut swarm, &server, 1, through(wide(), true))?;
    let index = joined.first().copied().unwrap_or_default();
    swarm.run_for(Duration::from_secs(5))?;
    let begun = swarm.viewer(index).context("the viewer is gone")?.offered;
    let held = Instant::now();
    let (free_size, free_frames) = picture(swarm.viewer(index).context("the viewer is gone")?, held);
    swarm.viewer_mut(index).context("the viewer is gone")?.set_down(narrow(RATE));
    swarm.run_for(bench.extent.hold)?;
    let released = Instant::now();
    swarm.viewer_mut(index).context("the viewer is gone")?.set_down(wide());
    // As it was: the same size, and the frames of it for a whole second.
    let back = |swarm: &Swarm| {
        let now = Instant::now();
        swarm.viewer(index).is_some_and(|viewer| {
            let (size, frames) = picture(viewer, now);
            now > released + Duration::from_secs(1) && size == free_size && frames >= free_frames * 0.8
        })
    };
    let climbed = swarm.run_until(released + CLIMB + Duration::from_secs(5), back)?;
    let climbed = climbed.then(|| released.elapsed().as_secs_f64() - 1.0);
    swarm.run_for(Duration::from_secs(3))?;
    let end = Instant::now();

    let viewer = swarm.viewer(index).context("the viewer is gone")?;
    if let Some(why) = &viewer.ended {
        bench.problems.push(format!("congestion: {why}"));
    }
    let settled = settled(viewer, held, released);
    let after = held + SETTLE;
    let seen = Watched::between(viewer, after, released);
    let used = seen.kbps * 1000.0 / RATE as f64;
    let (size, frames) = picture(viewer, released);
    eprintln!("  free:{}", timeline(viewer, begun, held));
    eprintln!("  held:{}", timeline(viewer, held, released));
    eprintln!("  released:{}", timeline(viewer, released, end));
    let row = Row::new("congestion", "held to 1 Mbit/s")
        .with("settled s", settled)
        .with("% of link", used * 100.0)
        .with("frames/s", seen.frames_per_s)
        .with("freezes > 200 ms", f64::from(seen.freezes.over_200_ms))
        .with("> 500 ms", f64::from(seen.freezes.over_500_ms))
        .with("longest ms", seen.freezes.longest.as_secs_f64() * 1000.0)
        .with("latency 95 % ms", stats::quantile(&seen.latency_ms, 0.95))
        .with("size changes", switches(viewer, after, released) as f64)
        .noted(format!("from {} to {}@{frames:.0}", size_text(free_size), size_text(size)))
        .judged("settled within 4 s", settled <= SETTLE.as_secs_f64())
        .judged("at least 60 % of the link", used >= 0.6)
        .judged("no freeze over 500 ms after 4 s", seen.freezes.over_500_ms == 0);
    let free = Row::new("congestion", "released")
        .with("climbed back s", climbed.unwrap_or(f64::NAN))
        .judged("within 15 s", climbed.is_some_and(|seconds| seconds <= CLIMB.as_secs_f64()));
    bench.rows.extend([row, free]);
    bench.leave(&mut swarm, &server);
    Ok(())
}

/// Seconds from the moment when the link became narrow to the end of the last freeze over 500 ms, or the last change
/// to a smaller picture, in the first half of that time. NaN if it was frozen at the end of that half.
fn settled(viewer: &Viewer, held: Instant, released: Instant) -> f64 {
    let half = held + (released - held) / 2;
    let froze = |before: Instant, after: Instant| after - before > Duration::from_millis(500);
    let pixels = |size: Option<(u16, u16)>| size.map(|(width, height)| u32::from(width) * u32::from(height));
    let (mut last, mut settled) = (held, held);
    let mut size = None;
    for frame in viewer.frames.shown.iter().filter(|frame| frame.at < half) {
        if frame.at > held {
            if froze(last, frame.at) || pixels(frame.size) < pixels(size) {
                settled = frame.at;
            }
            last = frame.at;
        }
        size = frame.size;
    }
    if froze(last, half) { f64::NAN } else { (settled - held).as_secs_f64() }
}
