//! The program: read the command line, load the configuration, run, exit code.

use anyhow::Context as _;
use clap::Parser as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;
use vitrina::cli::passwd::Wanted;
use vitrina::cli::{self, Cli, Command};
use vitrina::config::{Config, ConfigErrors, Environment, Source, auto_sources};
use vitrina::core::inventory::{EncoderInfo, Inventory};
use vitrina::core::invitation;
use vitrina::core::principal::{AccountName, InvitationId};
use vitrina::daemon;
use vitrina::media::{self, launch::LaunchFiles};
use vitrina::telemetry::{audit, logs};
use vitrina::web::{self, Link};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(file) => run(file.config.as_deref()),
        Command::Link(file) => show_link(file.config.as_deref()),
        Command::Status { file, json } => status(file.config.as_deref(), json),
        Command::Pause(which) => told(cli::control::pause(which)),
        Command::Resume(which) => told(cli::control::resume(which)),
        Command::Reload(file) => reload(file.config.as_deref()),
        Command::Check(file) => check(file.config.as_deref()),
        Command::Devices { json } => devices(json),
        Command::Doctor { file, json } => match doctor(file.config.as_deref(), json) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Init { output, force } => init(output, force),
        Command::Generate { folder } => {
            cli::generate::write(&folder).with_context(|| format!("cannot write into {}", folder.display()))
        }
        Command::Invite { source, expires, uses, role, name, list, revoke, file } => {
            let sources = source.map(|names| names.into_iter().collect());
            let wanted = invitation::Wanted { sources, expires_s: Some(expires.as_secs()), uses, role, name };
            invite(file.config.as_deref(), wanted, list, revoke)
        }
        Command::Passwd { name, role, sources, all_sources, print, remove, file } => {
            let wanted = Wanted::new(role, sources, all_sources);
            passwd(file.config.as_deref(), name, wanted, print, remove)
        }
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    if let Some(mistakes) = error.downcast_ref::<ConfigErrors>() {
        eprintln!("{mistakes}");
        return ExitCode::from(cli::EXIT_BAD_CONFIG);
    }
    if let Some(mistakes) = error.downcast_ref::<cli::control::Error>()
        && mistakes.is_bad_configuration()
    {
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
    let means = daemon::Means { find_sources, load_config: Config::load_or_default, announce };
    let ended = daemon::run(config, means);
    audit::flush();
    Ok(ended?)
}

/// What the machine has, for a configuration that names no source.
fn find_sources() -> Vec<Source> {
    // The daemon tries the encoders itself.
    auto_sources(&find(Vec::new))
}

/// Tells the person at the terminal where the page is. The link lets its reader in, so it never
/// goes to a log: under systemd standard output is one.
fn announce(url: &str, link: &Link, fingerprint: Option<&str>) {
    tracing::info!("listening on {url}");
    if let Some(fingerprint) = fingerprint {
        tracing::info!("certificate SHA-256 {fingerprint}");
    }
    if !io::stdout().is_terminal() && std::env::var_os("JOURNAL_STREAM").is_some() {
        tracing::info!("the viewing link is printed by `vitrina link`");
        return;
    }
    // The page is there whether or not somebody reads this.
    if let Err(error) = print_link(link) {
        tracing::warn!("the viewing link is not told: {error:#}");
    }
}

fn show_link(file: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load_or_default_in(file, &cli::link::environment())?;
    print_link(&web::viewing_link(&config)?)
}

fn invite(
    file: Option<&Path>,
    wanted: invitation::Wanted,
    list: bool,
    revoke: Option<InvitationId>,
) -> anyhow::Result<()> {
    print(&match (list, revoke) {
        (true, _) => cli::invite::list(file)?,
        (false, Some(id)) => cli::invite::revoke(file, id)?,
        (false, None) => cli::invite::make(file, wanted, io::stdout().is_terminal())?,
    })
}

fn passwd(
    file: Option<&Path>,
    name: AccountName,
    wanted: Wanted,
    print_it: bool,
    remove: bool,
) -> anyhow::Result<()> {
    if print_it {
        return print(&cli::passwd::print(name, wanted)?);
    }
    let config = Config::load_or_default_in(file, &cli::link::environment())?;
    let said = match remove {
        true => cli::passwd::remove(&config, &name)?,
        false => cli::passwd::set(&config, name, wanted)?,
    };
    print(&said)
}

fn print_link(link: &Link) -> anyhow::Result<()> {
    print(&format!("{}\n", cli::link::text(link, io::stdout().is_terminal())))
}

/// Everything the machine has. Takes seconds: encoders are tried.
fn inventory() -> anyhow::Result<Inventory> {
    media::init().context("cannot start GStreamer")?;
    Ok(find(|| {
        let trials = media::encoder::trials(&LaunchFiles::default()).into_iter();
        trials.map(|(element, codec, trial)| cli::devices::encoder(element, codec, trial)).collect()
    }))
}

fn find(encoders: impl FnOnce() -> Vec<EncoderInfo> + Send) -> Inventory {
    let display = std::env::var("DISPLAY").ok().filter(|display| !display.is_empty());
    media::devices::inventory(display.as_deref(), encoders)
}

fn check(file: Option<&Path>) -> anyhow::Result<()> {
    print(&cli::check::summary(&Config::load_or_default(file)?))
}

fn status(file: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let status = cli::control::status(file)?;
    print(&if json { cli::status::json(&status)? } else { cli::status::text(&status, SystemTime::now()) })
}

fn told(answer: Result<String, cli::control::Error>) -> anyhow::Result<()> {
    print(&answer?)
}

fn reload(file: Option<&Path>) -> anyhow::Result<()> {
    cli::control::reload(file)?;
    print("the configuration was read again\n")
}

fn devices(json: bool) -> anyhow::Result<()> {
    let inventory = inventory()?;
    print(&if json { cli::devices::json(&inventory)? } else { cli::devices::text(&inventory) })
}

/// Mistakes in the configuration are told among the findings, on standard output.
fn doctor(file: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let (report, mistakes) = cli::doctor::examine(file, |server, now| daemon::login(server, "doctor", now));
    print(&if json { report.json()? } else { report.text() })?;
    Ok(match (mistakes, report.problems) {
        (Some(_), _) => ExitCode::from(cli::EXIT_BAD_CONFIG),
        (None, 0) => ExitCode::SUCCESS,
        (None, _) => ExitCode::FAILURE,
    })
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
