//! Where log lines go: the terminal, JSON lines or the journal.
//!
//! Owns the process's one `tracing` subscriber. Everything goes to standard error or the journal;
//! standard output belongs to the commands.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::layer::{Layered, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// The variable that takes the place of `[log] level`.
const VARIABLE: &str = "RUST_LOG";

/// Why logging cannot start or change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("{place}: expected a filter such as \"info\" or \"vitrina=debug,warn\"; got {text:?}")]
    Filter {
        /// `log.level` or the variable.
        place: &'static str,
        /// What stands there.
        text: String,
        /// What tracing-subscriber says.
        source: tracing_subscriber::filter::ParseError,
    },
    /// `format = "journald"` on a machine without.
    #[error("log.format: expected journald to be there; set \"auto\" or \"text\" where it is not")]
    Journald(#[source] std::io::Error),
    /// [`init`] was called twice.
    #[error("the log was started before")]
    Started(#[source] tracing_subscriber::util::TryInitError),
    /// [`set_level`] without [`init`].
    #[error("the log was not started")]
    NotStarted,
    /// The subscriber has gone.
    #[error("the log level cannot be changed")]
    Reload(#[source] reload::Error),
}

type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;
type Output = Box<dyn Layer<Filtered> + Send + Sync>;

/// The way to the running filter.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging. Once in a process, before the first line is to be seen.
///
/// # Errors
/// [`Error`]; nothing is logged then.
pub fn init(log: &Log) -> Result<(), Error> {
    let (filter, handle) = reload::Layer::new(filter(log)?);
    let registry = tracing_subscriber::registry().with(filter);
    registry.with(output(log.format)?).try_init().map_err(Error::Started)?;
    // Cannot be set before: `try_init` has just succeeded, which it does once.
    let _ = FILTER.set(handle);
    if let Some(text) = variable() {
        tracing::info!("{VARIABLE}={text} takes the place of log.level = {:?}", log.level);
    }
    Ok(())
}

/// Takes a new `[log] level` while running. The format stays until the next start.
///
/// # Errors
/// [`Error`]; the old level stays then.
pub fn set_level(log: &Log) -> Result<(), Error> {
    let handle = FILTER.get().ok_or(Error::NotStarted)?;
    handle.reload(filter(log)?).map_err(Error::Reload)
}

fn variable() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty())
}

fn filter(log: &Log) -> Result<EnvFilter, Error> {
    let (place, text) = match variable() {
        Some(text) => (VARIABLE, text),
        None => ("log.level", log.level.clone()),
    };
    EnvFilter::builder().parse(&text).map_err(|source| Error::Filter { place, text, source })
}

fn output(format: LogFormat) -> Result<Output, Error> {
    Ok(match format {
        LogFormat::Text => text(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        LogFormat::Journald => journald().map_err(Error::Journald)?,
        // Without the journal's socket, as in some containers, its stream still takes text.
        LogFormat::Auto if stderr_is_journal() => journald().unwrap_or_else(|_| text()),
        LogFormat::Auto => text(),
    })
}

fn text() -> Output {
    let colour = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    fmt::layer().with_ansi(colour).with_writer(std::io::stderr).boxed()
}

fn journald() -> std::io::Result<Output> {
    Ok(tracing_journald::layer()?.with_syslog_identifier("vitrina".to_owned()).boxed())
}

/// systemd names the journal's stream by device and inode (systemd.exec(5), `$JOURNAL_STREAM`);
/// standard error may have been led elsewhere since.
fn stderr_is_journal() -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() else { return false };
    let metadata = std::fs::File::from(stderr).metadata();
    metadata.is_ok_and(|metadata| stream == format!("{}:{}", metadata.dev(), metadata.ino()))
}
