//! `vitrina passwd`: accounts made, changed and removed.
//!
//! Owns the asking for a password, and what an account keeps of before. The file is `web`'s.

use crate::config::{Account, Config, MAX_ACCOUNTS, Secret};
use crate::core::ids::SourceName;
use crate::core::principal::{AccountName, Rights, Role};
use crate::web;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _};
use zeroize::Zeroizing;

/// The fewest characters of a password: fewer can be guessed even against a throttle.
const SHORTEST: usize = 8;
/// The most bytes that are read of one.
const LONGEST: u64 = 1024;

/// Why an account is not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too short.
    #[error("expected a password of {SHORTEST} characters or more")]
    TooShort,
    /// The second is another than the first.
    #[error("the two passwords are not the same")]
    NotTheSame,
    /// The configuration has the account.
    #[error(
        "the account '{0}' stands in {1}, which vitrina does not write: put what `vitrina passwd {0} --print` \
         prints there"
    )]
    InConfiguration(AccountName, String),
    /// There is nothing to remove.
    #[error("there is no account '{0}' in {1}")]
    None(AccountName, String),
    /// There are too many.
    #[error("there are {MAX_ACCOUNTS} accounts, and no room for more")]
    TooMany,
    /// No password could be read.
    #[error("cannot read the password: {0}")]
    Read(#[from] io::Error),
    /// The file, or the hashing.
    #[error(transparent)]
    Web(#[from] web::Error),
}

/// What an account is to be; `None`: as it was, or for a new one a viewer of everything.
#[derive(Debug, Default)]
pub struct Wanted {
    /// What they may do.
    pub role: Option<Role>,
    /// What they may see.
    pub sources: Option<Rights>,
}

impl Wanted {
    /// By the command's arguments.
    #[must_use]
    pub fn new(role: Option<Role>, sources: Option<Vec<SourceName>>, all_sources: bool) -> Self {
        let named = sources.map(|names| Rights::Only(names.into_iter().collect()));
        Self { role, sources: named.or(all_sources.then_some(Rights::All)) }
    }

    fn account(self, name: AccountName, hash: Secret, before: Option<&Account>) -> Account {
        let role = self.role.or(before.map(|account| account.role)).unwrap_or(Role::Viewer);
        let sources = self.sources.or(before.map(|account| account.sources.clone())).unwrap_or(Rights::All);
        Account { name, hash, role, sources }
    }
}

/// Makes or changes an account in the state folder; what to say of it.
///
/// # Errors
/// [`Error`]; nothing has changed then.
pub fn set(config: &Config, name: AccountName, wanted: Wanted) -> Result<String, Error> {
    refuse_configured(config, &name)?;
    let path = web::accounts_path(config);
    // Before anything is asked: a file with mistakes is told of first.
    let mut accounts = web::read_accounts(&path)?;
    let at = accounts.iter().position(|account| account.name == name);
    if at.is_none() && accounts.len() >= MAX_ACCOUNTS {
        return Err(Error::TooMany);
    }
    let hash = web::hash_password(ask(&name)?.as_str())?;
    let account = wanted.account(name, hash, at.and_then(|at| accounts.get(at)));
    let said =
        format!("{} ({}) is in {}; a reload lets them in\n", account.name, account.role, path.display());
    match at.and_then(|at| accounts.get_mut(at)) {
        Some(before) => *before = account,
        None => accounts.push(account),
    }
    web::write_accounts(&path, &accounts)?;
    Ok(said)
}

/// The account as a table for the configuration.
///
/// # Errors
/// [`Error`] when no password is given.
pub fn print(name: AccountName, wanted: Wanted) -> Result<String, Error> {
    let hash = web::hash_password(ask(&name)?.as_str())?;
    Ok(wanted.account(name, hash, None).to_toml())
}

/// Removes an account; what to say of it.
///
/// # Errors
/// [`Error`] when there is none, or the file cannot be written.
pub fn remove(config: &Config, name: &AccountName) -> Result<String, Error> {
    refuse_configured(config, name)?;
    let path = web::accounts_path(config);
    let mut accounts = web::read_accounts(&path)?;
    let count = accounts.len();
    accounts.retain(|account| account.name != *name);
    if accounts.len() == count {
        return Err(Error::None(name.clone(), path.display().to_string()));
    }
    web::write_accounts(&path, &accounts)?;
    Ok(format!("{name} is not in {} any more; a reload ends their sessions\n", path.display()))
}

fn refuse_configured(config: &Config, name: &AccountName) -> Result<(), Error> {
    if config.accounts.iter().any(|account| account.name == *name) {
        let file = config.file.as_ref().map_or_else(String::new, |file| file.display().to_string());
        return Err(Error::InConfiguration(name.clone(), file));
    }
    Ok(())
}

/// The password: asked for twice at the terminal without showing it, or a line of standard input.
fn ask(name: &AccountName) -> Result<Zeroizing<String>, Error> {
    let password = if io::stdin().is_terminal() {
        let first = ask_hidden(&format!("Password for {name}: "))?;
        if *first != *ask_hidden("The same again: ")? {
            return Err(Error::NotTheSame);
        }
        first
    } else {
        line(io::stdin().lock())?
    };
    if password.chars().count() < SHORTEST { Err(Error::TooShort) } else { Ok(password) }
}

fn ask_hidden(prompt: &str) -> io::Result<Zeroizing<String>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    terminal.write_all(prompt.as_bytes())?;
    let hidden = Hidden::new(terminal.try_clone()?)?;
    let text = line(BufReader::new(terminal.try_clone()?));
    drop(hidden);
    terminal.write_all(b"\n")?;
    text
}

fn line(from: impl io::BufRead) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    from.take(LONGEST).read_line(&mut text)?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}

/// A terminal that does not show what is typed, until this ends.
struct Hidden {
    terminal: File,
    before: rustix::termios::Termios,
}

impl Hidden {
    fn new(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that has gone shows nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
