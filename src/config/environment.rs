//! What the configuration takes from its surroundings, as a value.
//!
//! Reading a configuration is a function of its text and an [`Environment`], so that tests and
//! the fuzzer decide all of it. Only [`Environment::of_process`] looks at the process.

use std::io;
use std::path::{Path, PathBuf};

/// The surroundings of a configuration.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `HOME`
    pub home: Option<PathBuf>,
    /// `STATE_DIRECTORY`: systemd's `StateDirectory=`.
    pub state_directory: Option<PathBuf>,
    /// `XDG_STATE_HOME`
    pub xdg_state_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`
    pub xdg_config_home: Option<PathBuf>,
    /// The machine's name.
    pub hostname: Option<String>,
    /// Reads a file that the configuration names: the password, the certificate and its key.
    pub read_file: fn(&Path) -> io::Result<String>,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            home: folder("HOME"),
            state_directory: state_directory(),
            xdg_state_home: folder("XDG_STATE_HOME"),
            xdg_config_home: folder("XDG_CONFIG_HOME"),
            hostname: hostname(),
            read_file: |path| std::fs::read_to_string(path),
        }
    }

    /// Nothing is set and no file is there.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            home: None,
            state_directory: None,
            xdg_state_home: None,
            xdg_config_home: None,
            hostname: None,
            read_file: |_| Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Where state is kept when the configuration does not say.
    pub(super) fn default_state_dir(&self) -> Option<PathBuf> {
        if let Some(folder) = &self.state_directory {
            return Some(folder.clone());
        }
        let base = self.xdg_state_home.clone().or_else(|| Some(self.home.as_ref()?.join(".local/state")));
        Some(base?.join("vitrina"))
    }

    /// The user's own configuration file, whether it is there or not.
    #[must_use]
    pub fn user_config(&self) -> Option<PathBuf> {
        let base = self.xdg_config_home.clone().or_else(|| Some(self.home.as_ref()?.join(".config")));
        Some(base?.join("vitrina/vitrina.toml"))
    }
}

/// An absolute path in a variable; the XDG base directory specification has others passed over.
fn folder(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os(variable)?);
    path.is_absolute().then_some(path)
}

/// systemd puts every folder of `StateDirectory=` into the variable, with colons between.
fn state_directory() -> Option<PathBuf> {
    let value = std::env::var("STATE_DIRECTORY").ok()?;
    let first = PathBuf::from(value.split(':').next()?);
    first.is_absolute().then_some(first)
}

fn hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
