//! The program: read the command line, load the configuration, run, exit code.

use anyhow::Context as _;
use clap::Parser as _;
use std::path::Path;
use std::process::ExitCode;
use vitrina::cli::{self, Cli, Command};
use vitrina::config::{Config, ConfigErrors};
use vitrina::telemetry::logs;

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
    let _ = config;
    anyhow::bail!("this build has no daemon")
}

fn check(file: Option<&Path>) -> anyhow::Result<()> {
    println!("{}", cli::check::summary(&Config::load_or_default(file)?));
    Ok(())
}
