//! Where log lines go: the terminal, JSON lines or the journal.
//!
//! Owns the process's one `tracing` subscriber. Everything goes to standard error or the journal;
//! standard output belongs to the commands.

use super::audit;
use super::journal::Prioritized;
use crate::config::{Log, LogFormat};
use std::fs::File;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// The variable that takes the place of `[log] level`.
const VARIABLE: &str = "RUST_LOG";

/// Why logging cannot start or change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one. tracing-subscriber's own words say no more, and say it twice.
    #[error("{place}: expected a filter such as \"info\" or \"vitrina=debug,warn\"; got {text:?}")]
    Filter {
        /// `log.level` or the variable.
        place: &'static str,
        /// What stands there.
        text: String,
    },
    /// `format = "journald"` on a machine without.
    #[error("log.format: expected journald to be there; set \"auto\" or \"text\" where it is not")]
    Journald(#[source] std::io::Error),
    /// `log.audit_file` cannot be opened.
    #[error("cannot open {} (log.audit_file): {source}", path.display())]
    AuditFile {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There can be no thread for the audit file.
    #[error("cannot start the thread of the audit log")]
    AuditThread(#[source] std::io::Error),
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

type Output = Box<dyn Layer<Registry> + Send + Sync>;

/// The way to the running filter.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging. Once in a process, before the first line is to be seen.
///
/// # Errors
/// [`Error`]; nothing is logged then.
pub fn init(log: &Log) -> Result<(), Error> {
    let (filter, handle) = reload::Layer::new(filter(log, variable())?);
    let output = output(log.format)?.with_filter(filter);
    audit::start(log.audit_file.as_deref()).map_err(|source| match &log.audit_file {
        Some(path) => Error::AuditFile { path: path.clone(), source },
        None => Error::AuditThread(source),
    })?;
    // The audit file has its lines whatever the level is.
    let subscriber = tracing_subscriber::registry().with(output).with(audit::layer());
    subscriber.try_init().map_err(Error::Started)?;
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
    handle.reload(filter(log, variable())?).map_err(Error::Reload)
}

fn variable() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty())
}

fn filter(log: &Log, variable: Option<String>) -> Result<EnvFilter, Error> {
    let (place, text) = match variable {
        Some(text) => (VARIABLE, text),
        None => ("log.level", log.level.clone()),
    };
    let filter = EnvFilter::builder().parse(&text).map_err(|_| Error::Filter { place, text })?;
    Ok(without_secrets(filter))
}

/// The ICE agent's crate tells its passwords at the level debug.
fn without_secrets(filter: EnvFilter) -> EnvFilter {
    match "is=warn".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

fn output(format: LogFormat) -> Result<Output, Error> {
    Ok(match format {
        LogFormat::Text => text(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        LogFormat::Journald => journald().map_err(Error::Journald)?,
        LogFormat::Auto if stderr_is_journal() => {
            let lines = fmt::layer().event_format(Prioritized::new());
            lines.with_ansi(false).with_writer(std::io::stderr).boxed()
        }
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

/// Whether systemd has connected standard error to the journal; it may have been led elsewhere
/// since.
fn stderr_is_journal() -> bool {
    use std::os::fd::AsFd as _;
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() else { return false };
    is_stream(&stream, &File::from(stderr))
}

/// systemd names the journal's stream by device and inode (systemd.exec(5), `$JOURNAL_STREAM`).
fn is_stream(stream: &str, file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| stream == format!("{}:{}", metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};
    use crate::core::audit::AddressForm;
    use proptest::prelude::*;

    fn log(level: &str) -> Log {
        Log {
            level: level.to_owned(),
            format: LogFormat::Auto,
            audit_file: None,
            audit_addresses: AddressForm::Short,
        }
    }

    #[test]
    fn the_variable_takes_the_place_of_the_level() {
        assert_eq!(filter(&log("warn"), None).unwrap().to_string(), "is=warn,warn");
        assert_eq!(
            filter(&log("warn"), Some("vitrina=trace".into())).unwrap().to_string(),
            "vitrina=trace,is=warn"
        );
        let wrong = filter(&log("warn"), Some("vitrina=loud".into())).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "RUST_LOG: expected a filter such as \"info\" or \"vitrina=debug,warn\"; got \"vitrina=loud\""
        );
    }

    #[test]
    fn a_stream_is_known_by_its_file() {
        let (one, other) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let metadata = one.metadata().unwrap();
        let stream = format!("{}:{}", metadata.dev(), metadata.ino());
        assert!(is_stream(&stream, &one));
        assert!(!is_stream(&stream, &other));
        assert!(!is_stream("", &one));
    }

    #[test]
    fn the_level_is_not_changed_before_there_is_a_log() {
        assert!(matches!(set_level(&log("info")), Err(Error::NotStarted)));
    }

    #[test]
    fn no_level_lets_the_ice_agents_crate_tell_its_passwords() {
        for level in ["debug", "trace", "is=trace", "is=trace,info"] {
            let filter = filter(&log(level), None).unwrap().to_string();
            assert!(filter.split(',').any(|directive| directive == "is=warn"), "{filter}");
            assert!(!filter.contains("is=trace"), "{filter}");
        }
    }

    proptest! {
        /// What the configuration takes, the subscriber takes.
        #[test]
        fn levels_that_the_configuration_takes_are_filters(
            level in "((vitrina(::[a-z]{1,3})?|[a-z:_-]{1,5})=)?(off|info|trace)(, ?(a_b=)?(warn|debug|error))?",
        ) {
            let environment = Environment { home: Some("/".into()), ..Environment::empty() };
            let config = Config::parse(&format!("log.level = \"{level}\""), None, &environment);
            prop_assert!(config.is_ok(), "{:?}", config);
            prop_assert!(filter(&config.unwrap().log, None).is_ok());
        }
    }
}
