//! What the system says of this process, read when it is asked for.
//!
//! Under the names that every Prometheus client has for it, so that dashboards know them.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// See the module.
#[derive(Debug)]
pub(super) struct Process;

/// What `/proc/self/stat` has of interest.
struct Stat {
    cpu_seconds: f64,
    start_seconds: f64,
    threads: i64,
    resident_bytes: i64,
    virtual_bytes: i64,
}

impl Stat {
    fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let system = std::fs::read_to_string("/proc/stat").ok()?;
        Self::parse(&stat, &system)
    }

    /// proc(5); `system` is `/proc/stat`, for when the machine was started.
    fn parse(stat: &str, system: &str) -> Option<Self> {
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let page = i64::try_from(rustix::param::page_size()).ok()?;
        // The name, in brackets, may have spaces. After it comes the third field.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
        let booted: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) as f64 / ticks,
            start_seconds: booted + field(22)? as f64 / ticks,
            threads: field(20)?,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)?.saturating_mul(page),
        })
    }
}

fn descriptors() -> Option<i64> {
    // One of them is the look itself.
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    i64::try_from(count).ok()
}

fn most_descriptors() -> Option<i64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    i64::try_from(limit).ok()
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        if let Some(stat) = Stat::read() {
            let cpu = ConstCounter::new(stat.cpu_seconds);
            one(&mut encoder, "process_cpu_seconds", "Processor time taken, in user and system mode", &cpu)?;
            let start = ConstGauge::new(stat.start_seconds);
            one(
                &mut encoder,
                "process_start_time_seconds",
                "When the process began, since 1970-01-01 UTC",
                &start,
            )?;
            let (threads, resident) = (ConstGauge::new(stat.threads), ConstGauge::new(stat.resident_bytes));
            one(&mut encoder, "process_threads", "Threads", &threads)?;
            one(&mut encoder, "process_resident_memory_bytes", "Resident memory", &resident)?;
            let whole = ConstGauge::new(stat.virtual_bytes);
            one(&mut encoder, "process_virtual_memory_bytes", "Virtual memory", &whole)?;
        }
        if let Some(open) = descriptors() {
            one(&mut encoder, "process_open_fds", "Open file descriptors", &ConstGauge::new(open))?;
        }
        if let Some(most) = most_descriptors() {
            one(
                &mut encoder,
                "process_max_fds",
                "The most of them that there may be",
                &ConstGauge::new(most),
            )?;
        }
        Ok(())
    }
}

fn one(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let stat = "12 (a) b) c) S 1 12 12 0 -1 4194560 900 0 2 0 300 100 0 0 20 0 7 0 5000 104857600 2560 \
                    18446744073709551615 1 1 0 0 0 0 0";
        let found = Stat::parse(stat, "cpu 1 2\nbtime 1700000000\nprocesses 9\n").unwrap();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!((found.threads, found.virtual_bytes), (7, 104_857_600));
        assert_eq!(found.resident_bytes, 2560 * rustix::param::page_size() as i64);
        assert!((found.cpu_seconds - 400.0 / ticks).abs() < 1e-9);
        assert!((found.start_seconds - (1_700_000_000.0 + 5000.0 / ticks)).abs() < 1e-6);
        assert!(Stat::parse("", "btime 1\n").is_none());
        assert!(Stat::read().is_some_and(|own| own.threads > 0 && own.resident_bytes > 0));
        assert!(descriptors().is_some_and(|open| open > 0 && Some(open) <= most_descriptors()));
    }
}
