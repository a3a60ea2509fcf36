//! The program: read the command line, load the configuration, run, exit code.

use anyhow::Context as _;
use clap::Parser as _;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use vitrina::cli::{self, Cli, Command};
use vitrina::config::{Config, ConfigErrors, Source};
use vitrina::daemon;
use vitrina::telemetry::logs;
use vitrina::web::Link;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(file) => run(file.config.as_deref()),
        Command::Check(file) => check(file.config.as_deref()),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    if let Some(mistakes) = error.downcast_ref::<ConfigErrors>() {
        eprintln!("{mistakes}");
        return ExitCode::from(cli::EXIT_BAD_CONFIG);
    }
    eprintln!("vitrina: {error:#}");
    ExitCode::FAILURE
}

fn run(file: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load_or_default(file)?;
    logs::init(&config.log).context("cannot start the log")?;
    match &config.file {
        Some(file) => tracing::info!("configuration: {}", file.display()),
        None => tracing::info!("configuration: defaults, as no file was named or found"),
    }
    start(config)
}

/// Hands over to the daemon, until it ends.
fn start(config: Config) -> anyhow::Result<()> {
    daemon::run(config, daemon::Means { find_sources, load_config, announce })?;
    Ok(())
}

fn load_config(file: Option<&Path>) -> Result<Config, String> {
    Config::load_or_default(file).map_err(|mistakes| mistakes.to_string())
}

/// What the machine has.
fn find_sources() -> Vec<Source> {
    Vec::new()
}

/// Tells the person at the terminal where the page is. The link lets its reader in, so it never
/// goes to a log: under systemd standard output is one.
fn announce(url: &str, link: &Link, fingerprint: Option<&str>) {
    tracing::info!("listening on {url}");
    if let Some(fingerprint) = fingerprint {
        tracing::info!("certificate SHA-256 {fingerprint}");
    }
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        tracing::info!("the viewing link is printed by `vitrina link`");
        return;
    }
    println!("{}", cli::link::text(link, std::io::stdout().is_terminal()));
}

fn check(file: Option<&Path>) -> anyhow::Result<()> {
    println!("{}", cli::check::summary(&Config::load_or_default(file)?));
    Ok(())
}
