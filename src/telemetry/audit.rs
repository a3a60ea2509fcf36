//! The audit file: events of `core::audit::TARGET` as JSON lines, whatever the log's level.
//!
//! Owns the file and the one thread that writes it: who tells something never waits for a disk.

use super::metrics::metrics;
use crate::core::audit::TARGET;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

/// Lines that may wait for the disk. A full one loses the line and counts it.
const WAITING: usize = 4096;
/// How long the end of the process waits for the last lines.
const FLUSH_WITHIN: Duration = Duration::from_millis(300);

/// The way to the thread.
static ORDERS: OnceLock<SyncSender<Order>> = OnceLock::new();
/// Lines that found no room.
static LOST: AtomicU64 = AtomicU64::new(0);

enum Order {
    Line(Vec<u8>),
    Open(Option<PathBuf>),
    Flush(SyncSender<()>),
}

/// Opens the file, if one is named, and starts its thread.
///
/// # Errors
/// The system's, when the file cannot be opened or there can be no thread.
pub(super) fn start(path: Option<&Path>) -> io::Result<()> {
    let file = path.map(open).transpose()?;
    let (sender, orders) = sync_channel(WAITING);
    std::thread::Builder::new().name("audit".to_owned()).spawn(move || write(file, &orders))?;
    // A second start is refused by the log itself.
    let _ = ORDERS.set(sender);
    Ok(())
}

/// Opens the file again, or another one, or none: after a reload, and after it was moved away. One
/// that cannot be opened is told of in the log, and the one before goes on.
pub fn reopen(path: Option<&Path>) {
    if let Some(orders) = ORDERS.get()
        && orders.try_send(Order::Open(path.map(Path::to_owned))).is_err()
    {
        tracing::warn!("the audit file is not opened again: too much waits for the disk");
    }
}

/// Waits until what was told is written, a moment at most.
pub fn flush() {
    let (done, flushed) = sync_channel(1);
    if let Some(orders) = ORDERS.get()
        && orders.try_send(Order::Flush(done)).is_ok()
    {
        // At the end of the process; what is not written by then is lost.
        let _ = flushed.recv_timeout(FLUSH_WITHIN);
    }
}

/// What leads the events to the thread.
pub(super) fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = fmt::layer().json().flatten_event(true).with_target(false).with_writer(|| Line);
    lines.with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn write(mut file: Option<File>, orders: &Receiver<Order>) {
    let mut failing = false;
    while let Ok(order) = orders.recv() {
        match order {
            Order::Line(line) => {
                let Some(file) = &mut file else { continue };
                let lost = LOST.swap(0, Ordering::Relaxed);
                let told = if lost > 0 {
                    format!("{{\"event\":\"lost\",\"lines\":{lost}}}\n")
                } else {
                    String::new()
                };
                match file.write_all(&[told.as_bytes(), &line].concat()) {
                    Ok(()) => failing = false,
                    Err(error) if !failing => {
                        failing = true;
                        tracing::error!(%error, "the audit file cannot be written");
                    }
                    Err(_) => {}
                }
            }
            Order::Open(path) => match path.as_deref().map(open).transpose() {
                Ok(opened) => file = opened,
                Err(error) => {
                    tracing::error!(%error, "the audit file cannot be opened; the one before goes on")
                }
            },
            // Lines are written as they come: there is nothing to do but to say so.
            Order::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// Takes a line: tracing-subscriber writes each whole.
struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(orders) = ORDERS.get()
            && orders.try_send(Order::Line(line.to_vec())).is_err()
        {
            LOST.fetch_add(1, Ordering::Relaxed);
            metrics().audit_lines_lost.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
