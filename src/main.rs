//! The program: read the command line, load the configuration, run, exit code.

use anyhow::Context as _;
use clap::Parser as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vitrina::cli::{self, Cli, Command};
use vitrina::config::{Config, ConfigErrors, Environment};
use vitrina::core::inventory::Inventory;
use vitrina::telemetry::logs;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(file) => run(file.config.as_deref()),
        Command::Check(file) => check(file.config.as_deref()),
        Command::Devices { json } => devices(json),
        Command::Init { output, force } => init(output, force),
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
        None => tracing::info!("configuration: the defaults, as no file was named or found"),
    }
    start(config)
}

/// Hands over to the daemon, until it ends.
fn start(config: Config) -> anyhow::Result<()> {
    let _ = config;
    anyhow::bail!("this build has no daemon")
}

/// Looks for what the machine has. Takes seconds: encoders are tried.
fn inventory() -> anyhow::Result<Inventory> {
    anyhow::bail!("this build cannot look for devices")
}

fn check(file: Option<&Path>) -> anyhow::Result<()> {
    print(&cli::check::summary(&Config::load_or_default(file)?))
}

fn devices(json: bool) -> anyhow::Result<()> {
    let inventory = inventory()?;
    print(&if json { cli::devices::json(&inventory)? } else { cli::devices::text(&inventory) })
}

fn init(output: Option<PathBuf>, force: bool) -> anyhow::Result<()> {
    let file = output.map_or_else(|| cli::init::default_output(&Environment::of_process()), Ok)?;
    if file == Path::new("-") {
        return print(&cli::init::configuration(&inventory()?));
    }
    // Refused before the machine is looked at, which takes a while.
    cli::init::may_write(&file, force)?;
    cli::init::write(&file, &cli::init::configuration(&inventory()?), force)?;
    print(&format!("wrote {}\n", file.display()))
}

/// To standard output; a reader that has heard enough (`vitrina devices | head`) is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("cannot write to standard output"),
    }
}
