//! `[[account]]`: who signs in by name, in the configuration or in the file that `vitrina passwd`
//! writes.
//!
//! Owns what an account must and may say, and the text of that file. A hash is looked at only as
//! far as its form and its cost go: who it lets in, `web` finds out.

use super::keys;
use super::mistake::ConfigErrors;
use super::reader::{Read, Report, Section, Wrong, quoted};
use super::{Secret, Source, values};
use crate::core::principal::{AccountName, Rights, Role};
use std::fmt::Write as _;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// The most accounts in a file.
pub const MAX_ACCOUNTS: usize = 256;

/// The most that checking one password may cost: 256 MiB, ten passes, four lanes.
const MOST_MEMORY_KB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 4;

const NAME: &str = "a name: 1 to 32 of a-z, 0-9, '-', '_' and '.', beginning with a letter or a digit";
const HASH: &str =
    "a hash as `vitrina passwd NAME --print` prints one, \"$argon2id$v=19$m=19456,t=2,p=1$...\"";

/// Somebody who signs in by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `name`
    pub name: AccountName,
    /// `password_hash`: an Argon2 hash in the PHC string format.
    pub hash: Secret,
    /// `role`; default viewer.
    pub role: Role,
    /// `sources`; default all.
    pub sources: Rights,
}

impl Account {
    /// The account as a table of a configuration.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = format!(
            "[[account]]\nname = \"{}\"\npassword_hash = \"{}\"\nrole = \"{}\"\n",
            self.name,
            self.hash.expose(),
            self.role
        );
        if let Rights::Only(names) = &self.sources {
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            // Writing to a string does not fail.
            let _ = writeln!(text, "sources = [{}]", names.join(", "));
        }
        text
    }
}

/// Reads the file that `vitrina passwd` writes: nothing but `[[account]]`.
///
/// # Errors
/// Every mistake in it.
pub fn parse_accounts(text: &str, file: &Path) -> Result<Vec<Account>, ConfigErrors> {
    let report = Report::new(text);
    let (document, slips) = DeTable::parse_recoverable(text);
    if !slips.is_empty() {
        return Err(ConfigErrors::new(file, super::load::syntax_mistakes(text, &report, &slips)));
    }
    let root = Section::of(&report, document.get_ref(), &keys::ACCOUNTS_FILE);
    let accounts = read(&root, &[]);
    let mistakes = report.into_mistakes();
    if mistakes.is_empty() { Ok(accounts) } else { Err(ConfigErrors::new(file, mistakes)) }
}

/// The text of that file.
#[must_use]
pub fn accounts_file(accounts: &[Account]) -> String {
    let head = "# Written by `vitrina passwd`; the daemon reads it at its start and at a reload.\n";
    accounts.iter().fold(head.to_owned(), |text, account| format!("{text}\n{}", account.to_toml()))
}

/// Reads every `[[account]]`.
pub(super) fn read(root: &Section<'_>, there: &[Source]) -> Vec<Account> {
    let sections = root.tables("account", &keys::ACCOUNT);
    if let Some(section) = sections.get(MAX_ACCOUNTS) {
        section.wrong_itself(&format!("at most {MAX_ACCOUNTS} accounts"), &sections.len().to_string());
    }
    let mut accounts: Vec<Account> = Vec::with_capacity(sections.len());
    for section in &sections {
        section.refuse_unknown(&keys::ACCOUNT);
        let name = section.require("name", NAME, name);
        let hash =
            section.require_shown("password_hash", HASH, hash, |_| "a text that is not shown".to_owned());
        let roles = [("viewer", Role::Viewer), ("participant", Role::Participant), ("admin", Role::Admin)];
        let role = section.get("role", values::word(&roles)).unwrap_or(Role::Viewer);
        let sources = rights(section, there);
        if let Some(name) = &name
            && accounts.iter().any(|account| account.name == *name)
        {
            section.wrong("name", "a name that no other account has", &quoted(name.as_str()));
        }
        if let (Some(name), Some(hash)) = (name, hash) {
            accounts.push(Account { name, hash, role, sources });
        }
    }
    accounts
}

/// `sources`: those that may be seen; all where it does not stand. `there` are those that the
/// configuration names, if it names any: another is a slip.
pub(super) fn rights(section: &Section<'_>, there: &[Source]) -> Rights {
    let Some(names) = section.list("sources", "names of sources", values::source_name) else {
        return Rights::All;
    };
    for name in &names {
        if !there.is_empty() && !there.iter().any(|source| source.name == *name) {
            section.wrong("sources", "names of sources that are there", &quoted(name.as_str()));
        }
    }
    Rights::Only(names.into_iter().collect())
}

fn name(value: &DeValue<'_>) -> Read<AccountName> {
    let name = value.as_str().and_then(|text| AccountName::new(text).ok());
    name.ok_or_else(|| Wrong::expected(NAME))
}

fn hash(value: &DeValue<'_>) -> Read<Secret> {
    let hash = value.as_str().filter(|text| is_affordable_hash(text));
    hash.map(|text| Secret::new(text.to_owned())).ok_or_else(|| Wrong::expected(HASH))
}

/// Whether a text has the form of an Argon2 hash, `$argon2id$v=19$m=M,t=T,p=P$SALT$HASH` (the PHC
/// string format), that does not cost the daemon too much to check.
fn is_affordable_hash(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id" | "argon2i", "v=19", costs, salt, hash] = parts.as_slice() else { return false };
    let costs: Vec<Option<(&str, u32)>> = costs
        .split(',')
        .map(|cost| cost.split_once('=').and_then(|(name, cost)| Some((name, cost.parse().ok()?))))
        .collect();
    let [Some(("m", memory_kb)), Some(("t", passes)), Some(("p", lanes))] = costs.as_slice() else {
        return false;
    };
    let base64 = |text: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    };
    (1..=MOST_LANES).contains(lanes)
        && (1..=MOST_PASSES).contains(passes)
        && (8 * lanes..=MOST_MEMORY_KB).contains(memory_kb)
        && base64(salt, 11..=64)
        && base64(hash, 22..=86)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::SourceName;
    use std::collections::BTreeSet;

    const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                        WUwK2uOJ1xDPgdn4OZlNhyMkMCLXw1fF9bL5o5mBTpY";

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let account = |name: &str, role, sources| Account {
            name: AccountName::new(name).unwrap(),
            hash: Secret::new(HASH.into()),
            role,
            sources,
        };
        let screen = Rights::Only(BTreeSet::from([SourceName::new("screen").unwrap()]));
        let accounts = [
            account("anna", Role::Admin, Rights::All),
            account("bert", Role::Viewer, screen),
            account("carl", Role::Participant, Rights::Only(BTreeSet::new())),
        ];
        assert_eq!(parse_accounts(&accounts_file(&accounts), Path::new("a")).unwrap(), accounts);
        assert_eq!(parse_accounts("", Path::new("a")).unwrap(), []);
    }

    #[test]
    fn hashes_that_are_none_or_cost_too_much_are_refused() {
        assert!(is_affordable_hash(HASH));
        for (from, to) in [
            ("argon2id", "argon2d"),
            ("v=19", "v=16"),
            ("m=19456", "m=4194304"),
            ("m=19456", "m=1"),
            ("t=2", "t=100"),
            ("t=2", "t=0"),
            ("p=1", "p=64"),
            ("p=1", "p=-1"),
            ("m=19456,t=2", "t=2,m=19456"),
            ("c29tZXNhbHRzb21lc2FsdA", "c29t"),
            ("WUwK", "????"),
        ] {
            assert!(!is_affordable_hash(&HASH.replace(from, to)), "{to}");
        }
        for bad in ["", "$", "secret", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA"] {
            assert!(!is_affordable_hash(bad), "{bad}");
        }
    }
}
