//! Those who sign in by name: their hashes, and the checking of a password.
//!
//! Owns the file of accounts in the state folder. Checking costs some ten milliseconds of a
//! processor on purpose (Argon2): it is done on the blocking pool, a few at once.

use super::error::Error;
use super::grant::{Pass, Stamp};
use super::state;
use crate::config::{self, Account, Config, ConfigErrors, Secret};
use crate::core::principal::{AccountName, Principal, Who};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use ring::digest;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Passwords that are checked at once; others wait.
pub(crate) const CHECKED_AT_ONCE: usize = 2;

/// Where `vitrina passwd` keeps accounts.
#[must_use]
pub fn accounts_path(config: &Config) -> PathBuf {
    config.state_dir.join("accounts.toml")
}

/// Reads the accounts that `vitrina passwd` has made; none where there is no file.
///
/// # Errors
/// [`Error`] when it cannot be read, or has mistakes.
pub fn read_accounts(path: &Path) -> Result<Vec<Account>, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::State { action: "read", path: path.into(), source }),
    };
    state::warn_if_others_may_read(path);
    config::parse_accounts(&text, path).map_err(|errors: ConfigErrors| Error::Accounts(errors.to_string()))
}

/// Writes them, whole or not at all, for the user alone whose folder it is.
///
/// # Errors
/// [`Error`] when they cannot be written.
pub fn write_accounts(path: &Path, accounts: &[Account]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        state::make_folder(folder)?;
    }
    state::write_private(path, config::accounts_file(accounts).as_bytes())
}

/// The hash of a password, with a salt of its own, in the PHC string format. Takes a while.
///
/// # Errors
/// [`Error`] when the system gives no random numbers.
pub fn hash_password(password: &str) -> Result<Secret, Error> {
    let salt: [u8; 16] = state::random()?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    // The parameters and the salt are this function's own.
    hash.map(|hash| Secret::new(hash.to_string())).map_err(|error| Error::Hash(error.to_string()))
}

/// Every account, by name.
#[derive(Debug, Default)]
pub(crate) struct Accounts(BTreeMap<AccountName, (Secret, Pass)>);

impl Accounts {
    /// Those of the configuration, and those in the state folder.
    pub(crate) fn load(config: &Config) -> Result<Self, Error> {
        let path = accounts_path(config);
        let mut all = BTreeMap::new();
        for account in config.accounts.iter().cloned().chain(read_accounts(&path)?) {
            let Account { name, hash, role, sources } = account;
            if all.contains_key(&name) {
                tracing::warn!(%name, file = %path.display(), "the configuration has this account, too, and goes before");
                continue;
            }
            let mut stamp = b"vitrina account\0".to_vec();
            stamp.extend_from_slice(name.as_str().as_bytes());
            stamp.push(0);
            stamp.extend_from_slice(hash.expose().as_bytes());
            let who = Who::Account(name.clone());
            let principal = Arc::new(Principal { who, name: Some(name.to_string()), role, sources });
            all.insert(name, (hash, Pass { principal, stamp: stamp_of(&stamp), until_s: None }));
        }
        Ok(Self(all))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn pass(&self, name: &AccountName) -> Option<&Pass> {
        self.0.get(name).map(|(_, pass)| pass)
    }

    /// What a password for that name is to be checked against. For a name that nobody has it is
    /// somebody's hash, always the same one's, so that it costs the same; then there is no pass.
    pub(crate) fn check(&self, name: &str) -> Option<(Secret, Option<Pass>)> {
        let account = AccountName::new(name).ok().and_then(|name| self.0.get(&name));
        if let Some((hash, pass)) = account {
            return Some((hash.clone(), Some(pass.clone())));
        }
        let digest = stamp_of(name.as_bytes());
        let index =
            digest.0.iter().fold(0, |sum, byte| (sum * 256 + usize::from(*byte)) % self.0.len().max(1));
        self.0.values().nth(index).map(|(hash, _)| (hash.clone(), None))
    }
}

/// Whether a password is the one of a hash. Takes a while.
pub(crate) fn is_password(hash: &Secret, password: &Secret) -> bool {
    Argon2::default().verify_password(password.expose().as_bytes(), hash.expose()).is_ok()
}

pub(crate) fn stamp_of(text: &[u8]) -> Stamp {
    // As long as a digest of SHA-256 is.
    Stamp(digest::digest(&digest::SHA256, text).as_ref().try_into().unwrap_or_default())
}
