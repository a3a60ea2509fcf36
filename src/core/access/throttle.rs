//! Slows down guessing: each client and each account by itself with a growing delay, and all of
//! them together.
//!
//! An attempt counts as wrong from its beginning, so that any number at once is held to the same
//! limits as one after the other; [`Throttle::right`] takes that back. Memory is bounded, whatever
//! names and addresses come.

use super::ClientNet;
use crate::core::principal::AccountName;
use crate::core::rate::TokenBucket;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Wrong attempts of one client, or on one account, that cost nothing: typing errors.
const FREE_FAILURES: u32 = 5;
/// The longest that one of them has to wait.
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// One that has failed is forgotten after so long without another failure.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(900);
/// Clients, and accounts, remembered at once. Past that the one that failed longest ago is forgotten; the
/// limit on all failures together still holds.
const MOST_REMEMBERED: usize = 1024;
/// Wrong attempts of all clients together: so many at once ...
const TOTAL_BURST: u32 = 60;
/// ... and then one in each of these: who has any number of addresses still gets no more than
/// 86,400 guesses a day.
const TOTAL_INTERVAL: Duration = Duration::from_secs(1);

/// How an attempt to get in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The secret was right.
    Right,
    /// It was wrong.
    Wrong,
    /// It was not looked at.
    Throttled {
        /// How long to wait before the next.
        retry_after: Duration,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Throttle {
    clients: Failures<ClientNet>,
    accounts: Failures<AccountName>,
    /// Clients that have been let in by name, the last one last: for them the account is not held
    /// up, so that nobody's guesses elsewhere lock out who is known here.
    known: VecDeque<(AccountName, ClientNet)>,
    total: TokenBucket,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            clients: Failures::default(),
            accounts: Failures::default(),
            known: VecDeque::new(),
            total: TokenBucket::new(TOTAL_BURST, TOTAL_INTERVAL),
        }
    }
}

impl Throttle {
    /// One attempt of a client with a secret that is compared at once. `is_right` is asked only if
    /// the attempt is let through, so that a throttled client learns nothing even when it has
    /// guessed right.
    pub fn attempt(&mut self, now: Instant, client: ClientNet, is_right: impl FnOnce() -> bool) -> Attempt {
        if let Err(retry_after) = self.begin(now, client, None) {
            return Attempt::Throttled { retry_after };
        }
        if !is_right() {
            return Attempt::Wrong;
        }
        self.right(client, None);
        Attempt::Right
    }

    /// An attempt begins, on an account or on what many share. It counts as wrong until
    /// [`Throttle::right`] says otherwise.
    ///
    /// # Errors
    /// How long to wait; the attempt is not to be looked at, and does not count.
    pub fn begin(
        &mut self,
        now: Instant,
        client: ClientNet,
        account: Option<&AccountName>,
    ) -> Result<(), Duration> {
        self.check(now, client, account)?;
        self.total.take(now)?;
        self.clients.add(now, client);
        if let Some(account) = account {
            self.accounts.add(now, account.clone());
        }
        Ok(())
    }

    /// What was begun was right.
    pub fn right(&mut self, client: ClientNet, account: Option<&AccountName>) {
        self.total.give_back();
        self.clients.forget(&client);
        if let Some(account) = account {
            self.accounts.forget(account);
            let known = (account.clone(), client);
            self.known.retain(|other| *other != known);
            if self.known.len() >= MOST_REMEMBERED {
                self.known.pop_front();
            }
            self.known.push_back(known);
        }
    }

    /// Whether an attempt could begin now.
    ///
    /// # Errors
    /// How long to wait until it can.
    fn check(&self, now: Instant, client: ClientNet, account: Option<&AccountName>) -> Result<(), Duration> {
        self.clients.check(now, &client)?;
        if let Some(account) = account
            && !self.known.iter().any(|(name, net)| name == account && *net == client)
        {
            self.accounts.check(now, account)?;
        }
        self.total.check(now)
    }
}

/// How many refusals are told at once ...
const TOLD_BURST: u32 = 60;
/// ... and then one in each of these.
const TOLD_INTERVAL: Duration = Duration::from_secs(2);

/// Which refusals are told to the audit log: of many in a short time some, and how many not.
#[derive(Debug)]
pub struct Refusals {
    told: TokenBucket,
    untold: u64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { told: TokenBucket::new(TOLD_BURST, TOLD_INTERVAL), untold: 0 }
    }
}

impl Refusals {
    /// There is one. How many before it were not told, if this one is to be.
    pub fn tell(&mut self, now: Instant) -> Option<u64> {
        if self.told.take(now).is_err() {
            self.untold += 1;
            return None;
        }
        Some(std::mem::take(&mut self.untold))
    }
}

/// Who has failed, how often and when last.
#[derive(Debug)]
struct Failures<K>(HashMap<K, Failed>);

#[derive(Debug, Clone, Copy)]
struct Failed {
    count: u32,
    last: Instant,
}

impl Failed {
    fn forgotten(self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= FORGOTTEN_AFTER
    }
}

impl<K> Default for Failures<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash + Clone> Failures<K> {
    fn check(&self, now: Instant, key: &K) -> Result<(), Duration> {
        let Some(failed) = self.0.get(key).filter(|failed| !failed.forgotten(now)) else { return Ok(()) };
        let wait = (failed.last + delay_after(failed.count)).saturating_duration_since(now);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    fn add(&mut self, now: Instant, key: K) {
        let count = match self.0.get(&key) {
            Some(failed) if !failed.forgotten(now) => failed.count.saturating_add(1),
            _ => 1,
        };
        if self.0.len() >= MOST_REMEMBERED && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        self.0.insert(key, Failed { count, last: now });
    }

    fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }

    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, failed| !failed.forgotten(now));
        if self.0.len() >= MOST_REMEMBERED
            && let Some(oldest) = self.0.iter().min_by_key(|(_, f)| f.last).map(|(key, _)| key.clone())
        {
            self.0.remove(&oldest);
        }
    }
}

/// How long one waits after its `failures`-th failure in a row: nothing at first, then a second,
/// doubled each time up to five minutes.
#[must_use]
pub fn delay_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1u64.checked_shl(over).unwrap_or(u64::MAX)).min(LONGEST_DELAY),
    }
}

#[cfg(test)]
#[path = "throttle_tests.rs"]
mod tests;
