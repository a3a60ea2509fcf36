//! The command line: what `vitrina` can be told to do.
//!
//! Owns the arguments and the commands that end by themselves; `run` is the daemon's.

pub mod check;
pub mod control;
pub mod devices;
pub mod doctor;
pub mod generate;
pub mod init;
pub mod invite;
pub mod link;
pub mod passwd;
pub mod status;

use crate::core::ids::{BadSourceName, SourceName};
use crate::core::principal::{AccountName, BadAccountName, BadInvitationId, InvitationId, Role};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// What every command exits with when the configuration has mistakes. The system unit does not
/// start the daemon again after it.
pub const EXIT_BAD_CONFIG: u8 = 2;

/// A machine's screen, cameras and sound, live in many browsers.
#[derive(Debug, Parser)]
#[command(name = "vitrina", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Capture, encode and serve until told to stop
    Run(ConfigFile),
    /// Print the link that lets a viewer in, with a QR code on a terminal
    Link(ConfigFile),
    /// Show what the running daemon shows, and who watches
    Status {
        /// Which daemon's
        #[command(flatten)]
        file: ConfigFile,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Capture and send nothing any more, of all sources or one; viewers see a picture that says so
    Pause(Which),
    /// Show again what was paused
    Resume(Which),
    /// Have the running daemon read its configuration again, and list the mistakes in it
    Reload(ConfigFile),
    /// Look for mistakes in the configuration, and list all of them
    Check(ConfigFile),
    /// Show the displays, cameras, sound inputs and encoders of this machine
    Devices {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say what works and what does not on this machine, and what to do about it
    Doctor {
        /// Which configuration.
        #[command(flatten)]
        file: ConfigFile,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make an account, or change its password; asks for the password, or reads it from standard input
    Passwd {
        /// Its name: 1 to 32 of a-z, 0-9, '-', '_' and '.'
        #[arg(value_parser = name)]
        name: AccountName,
        /// What it may do [default: as before; of a new account viewer]
        #[arg(long, value_parser = role())]
        role: Option<Role>,
        /// The sources that it may see, with commas between [default: as before; of a new account all]
        #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = source)]
        sources: Option<Vec<SourceName>>,
        /// It may see every source
        #[arg(long, conflicts_with = "sources")]
        all_sources: bool,
        /// Print it as a table for the configuration, and write nothing
        #[arg(long)]
        print: bool,
        /// Remove it
        #[arg(long, conflicts_with_all = ["print", "role", "sources", "all_sources"])]
        remove: bool,
        /// Which configuration.
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Make a link that lets somebody in for a time, list those links, or take one back; asks the
    /// running daemon
    Invite {
        /// A source that it shows, once for each [default: all]
        #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = source)]
        source: Option<Vec<SourceName>>,
        /// How long it holds, with what it has begun: 90m, 2h or 7d, up to 30d
        #[arg(long, value_name = "TIME", value_parser = time, default_value = "24h")]
        expires: Duration,
        /// How often it lets somebody in [default: any number of times]
        #[arg(long, value_name = "COUNT")]
        uses: Option<u32>,
        /// What who comes by it may do
        #[arg(long, value_parser = invited_role(), default_value = "viewer")]
        role: Role,
        /// Whom it is for
        #[arg(long)]
        name: Option<String>,
        /// List the invitations that there are
        #[arg(long, conflicts_with_all = ["source", "uses", "name", "revoke"])]
        list: bool,
        /// Take one back, and end what it has begun
        #[arg(long, value_name = "ID", value_parser = invitation, conflicts_with_all = ["source", "uses", "name"])]
        revoke: Option<InvitationId>,
        /// Which configuration.
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Write a commented configuration for this machine
    Init {
        /// Where to write; - is standard output [default: ~/.config/vitrina/vitrina.toml, for root
        /// /etc/vitrina/vitrina.toml]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write over what is there
        #[arg(long)]
        force: bool,
    },
    /// Write the manual pages and the shells' completions into a folder: for packages
    #[command(hide = true)]
    Generate {
        /// Where to write
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

/// Which configuration.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file [default: the first that is there of
    /// ~/.config/vitrina/vitrina.toml and /etc/vitrina/vitrina.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which sources, of which daemon.
#[derive(Debug, Args)]
pub struct Which {
    /// The source's name in the configuration [default: all of them]
    #[arg(value_parser = source)]
    pub source: Option<SourceName>,
    /// Which daemon's
    #[command(flatten)]
    pub file: ConfigFile,
}

fn name(text: &str) -> Result<AccountName, BadAccountName> {
    AccountName::new(text)
}

fn source(text: &str) -> Result<SourceName, BadSourceName> {
    SourceName::new(text)
}

fn invitation(text: &str) -> Result<InvitationId, BadInvitationId> {
    InvitationId::new(text)
}

fn time(text: &str) -> Result<Duration, &'static str> {
    crate::core::invitation::time(text).ok_or("expected a time such as 90m, 2h or 7d")
}

/// Links are handed around: they make nobody an admin.
fn invited_role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(["viewer", "participant"]).map(|word| match word.as_str() {
        "participant" => Role::Participant,
        _ => Role::Viewer,
    })
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(["viewer", "participant", "admin"]).map(|word| match word.as_str() {
        "admin" => Role::Admin,
        "participant" => Role::Participant,
        _ => Role::Viewer,
    })
}

/// Whether this is root: the folder of a process belongs to its effective user.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|folder| folder.uid() == 0)
}
