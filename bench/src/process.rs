//! What the system says a process costs: /proc/PID.

use anyhow::{Context, Result};
use std::fs;
use std::time::{Duration, Instant};

/// Linux counts a process's time in hundredths of a second (USER_HZ) on every common architecture.
const TICKS_PER_SECOND: u64 = 100;

/// A process at one moment. Several can be added up.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub at: Instant,
    /// User and system time since it began.
    pub cpu: Duration,
    /// Memory with shared pages divided among those who share them, in KiB.
    pub pss_kib: u64,
    pub threads: u64,
    pub descriptors: u64,
}

impl Sample {
    /// Reads `pids` as one.
    ///
    /// # Errors
    /// One of them is gone.
    pub fn of(pids: &[u32]) -> Result<Sample> {
        let mut sum =
            Sample { at: Instant::now(), cpu: Duration::ZERO, pss_kib: 0, threads: 0, descriptors: 0 };
        for pid in pids {
            let gone = || format!("process {pid} is gone");
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(gone)?;
            sum.cpu += cpu_time(&stat).with_context(gone)?;
            let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(gone)?;
            sum.threads += field(&status, "Threads:").unwrap_or(0);
            let memory = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).with_context(gone)?;
            sum.pss_kib += field(&memory, "Pss:").unwrap_or(0);
            sum.descriptors += fs::read_dir(format!("/proc/{pid}/fd")).with_context(gone)?.count() as u64;
        }
        Ok(sum)
    }

    /// Per cent of one core since `before`.
    pub fn cpu_percent_since(&self, before: &Sample) -> f64 {
        let wall = self.at.saturating_duration_since(before.at).as_secs_f64();
        self.cpu.saturating_sub(before.cpu).as_secs_f64() / wall * 100.0
    }
}

/// Time that all cores have been busy, in seconds: what somebody else takes is in it.
pub fn machine_busy() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|f| f.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal; guest time is in user already.
    let busy: u64 =
        fields.iter().take(8).enumerate().filter(|(at, _)| *at != 3 && *at != 4).map(|(_, v)| v).sum();
    busy as f64 / TICKS_PER_SECOND as f64
}

fn cpu_time(stat: &str) -> Option<Duration> {
    // The name in parentheses may hold anything: fields are counted from behind it, from the third on.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_confuses_nothing() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194304 100 0 0 0 250 150 0 0 20 0 5 0 1000";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(4)));
    }

    #[test]
    fn this_process_can_be_read() {
        let sample = Sample::of(&[std::process::id()]).unwrap();
        assert!(sample.pss_kib > 0 && sample.threads > 0 && sample.descriptors > 2);
        assert!(Sample::of(&[u32::MAX]).is_err());
    }
}
