//! Invitations: who may come by a link that ends by itself, how often, and until when.
//!
//! Owns the list and its rules. The link's signature is `web`'s: nothing here is a secret.

use crate::core::ids::SourceName;
use crate::core::principal::{InvitationId, Principal, Rights, Role, Who};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Invitations that there may be at once.
pub const MAX_INVITATIONS: usize = 256;
/// The shortest and the longest time that one may hold.
const SHORTEST: Duration = Duration::from_secs(60);
/// A session does not last longer either.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// One that has ended is still listed for so long.
const LISTED_FOR: Duration = Duration::from_secs(24 * 3600);
/// The longest name, in characters.
const LONGEST_NAME: usize = 80;

/// What an invitation is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What it shows; all sources when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<BTreeSet<SourceName>>,
    /// For how many seconds it holds; the longest allowed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// How often it lets somebody in; any number of times when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// What who comes by it may do. Never an admin: links are handed around.
    #[serde(default = "viewer")]
    pub role: Role,
    /// Whom it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn viewer() -> Role {
    Role::Viewer
}

/// One invitation, as it is kept and listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id in lists and commands.
    pub invitation: InvitationId,
    /// Whom it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What who comes by it may do.
    pub role: Role,
    /// What it shows; all sources when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<BTreeSet<SourceName>>,
    /// When it was made, in seconds since 1970-01-01 UTC.
    pub made_s: u64,
    /// When it ends, and every session that it has begun.
    pub expires_s: u64,
    /// How often it lets somebody in; absent: any number of times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// How often it has.
    pub used: u32,
}

impl Invitation {
    /// Who comes by it.
    #[must_use]
    pub fn principal(&self) -> Principal {
        let sources = self.sources.clone().map_or(Rights::All, Rights::Only);
        let name = self.name.clone();
        Principal { who: Who::Invitation(self.invitation.clone()), name, role: self.role, sources }
    }

    /// What its link is signed over: all that says what it gives.
    #[must_use]
    pub fn signed_text(&self) -> String {
        let sources = match &self.sources {
            Some(names) => names.iter().map(SourceName::as_str).collect::<Vec<_>>().join(","),
            None => "*".to_owned(),
        };
        let (id, role, uses) = (&self.invitation, self.role, self.uses.unwrap_or(0));
        format!("vitrina invitation 1\n{id}\n{}\n{uses}\n{role}\n{sources}", self.expires_s)
    }
}

/// Why an invitation is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    /// It is to hold too long, or not long enough.
    #[error("An invitation holds from a minute to 30 days.")]
    Time,
    /// It is to let nobody in.
    #[error("An invitation lets somebody in once or more.")]
    Uses,
    /// It is to make admins.
    #[error("An invitation makes nobody an admin: links are handed around.")]
    Role,
    /// Its name is none.
    #[error("An invitation's name has 1 to {LONGEST_NAME} characters on one line.")]
    Name,
    /// There are too many.
    #[error("There are {MAX_INVITATIONS} invitations: revoke one first.")]
    TooMany,
}

/// Why an invitation does not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    /// It has ended.
    #[error("The invitation has expired: ask for another.")]
    Expired,
    /// It has let in as many as it should.
    #[error("The invitation has been used as often as it may be: ask for another.")]
    UsedUp,
}

/// Every invitation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invitations(BTreeMap<InvitationId, Invitation>);

impl Invitations {
    /// Those that were kept.
    #[must_use]
    pub fn new(kept: Vec<Invitation>) -> Self {
        Self(kept.into_iter().take(MAX_INVITATIONS).map(|one| (one.invitation.clone(), one)).collect())
    }

    /// Makes one. `id` is new.
    ///
    /// # Errors
    /// [`NotMade`]
    pub fn make(&mut self, now_s: u64, id: InvitationId, wanted: Wanted) -> Result<Invitation, NotMade> {
        let Wanted { sources, expires_s, uses, role, name } = wanted;
        let holds = Duration::from_secs(expires_s.unwrap_or(LONGEST.as_secs()));
        if !(SHORTEST..=LONGEST).contains(&holds) {
            return Err(NotMade::Time);
        }
        if uses == Some(0) {
            return Err(NotMade::Uses);
        }
        if role == Role::Admin {
            return Err(NotMade::Role);
        }
        let is_name = |name: &String| {
            !name.trim().is_empty()
                && name.chars().count() <= LONGEST_NAME
                && !name.chars().any(char::is_control)
        };
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(NotMade::Name);
        }
        self.0.retain(|_, one| one.expires_s.saturating_add(LISTED_FOR.as_secs()) > now_s);
        if self.0.len() >= MAX_INVITATIONS {
            return Err(NotMade::TooMany);
        }
        let expires_s = now_s.saturating_add(holds.as_secs());
        let made = Invitation {
            invitation: id.clone(),
            name,
            role,
            sources,
            made_s: now_s,
            expires_s,
            uses,
            used: 0,
        };
        self.0.insert(id, made.clone());
        Ok(made)
    }

    /// One that there is, over or not.
    #[must_use]
    pub fn get(&self, id: &InvitationId) -> Option<&Invitation> {
        self.0.get(id)
    }

    /// One that has not ended: who has come by it may stay.
    #[must_use]
    pub fn holding(&self, now_s: u64, id: &InvitationId) -> Option<&Invitation> {
        self.0.get(id).filter(|one| now_s < one.expires_s)
    }

    /// Lets somebody in by one that there is.
    ///
    /// # Errors
    /// [`Over`]; nothing is counted then.
    pub fn redeem(&mut self, now_s: u64, id: &InvitationId) -> Result<(), Over> {
        let one = self.0.get_mut(id).ok_or(Over::Expired)?;
        if now_s >= one.expires_s {
            return Err(Over::Expired);
        }
        if one.uses.is_some_and(|uses| one.used >= uses) {
            return Err(Over::UsedUp);
        }
        one.used = one.used.saturating_add(1);
        Ok(())
    }

    /// Takes one back. False: there is none.
    pub fn revoke(&mut self, id: &InvitationId) -> bool {
        self.0.remove(id).is_some()
    }

    /// All, the last one made first.
    #[must_use]
    pub fn list(&self) -> Vec<Invitation> {
        let mut all: Vec<Invitation> = self.0.values().cloned().collect();
        all.sort_by(|a, b| (b.made_s, &b.invitation).cmp(&(a.made_s, &a.invitation)));
        all
    }
}

/// A time as a command line says it: `90m`, `2h`, `7d`.
#[must_use]
pub fn time(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn id(text: &str) -> InvitationId {
        InvitationId::new(text).unwrap()
    }

    fn wanted() -> Wanted {
        serde_json::from_str("{}").unwrap()
    }

    #[test]
    fn an_invitation_lets_in_as_often_as_it_says_until_it_ends() {
        let mut all = Invitations::default();
        let two = Wanted { uses: Some(2), expires_s: Some(3600), ..wanted() };
        all.make(NOW, id("a"), two).unwrap();
        assert_eq!(all.redeem(NOW, &id("a")), Ok(()));
        assert_eq!(all.redeem(NOW + 3599, &id("a")), Ok(()));
        assert_eq!(all.redeem(NOW + 3599, &id("a")), Err(Over::UsedUp));
        assert!(all.holding(NOW + 3599, &id("a")).is_some(), "who is in may stay");
        assert!(all.holding(NOW + 3600, &id("a")).is_none());
        assert_eq!(all.redeem(NOW + 3600, &id("a")), Err(Over::Expired));
        assert!(all.revoke(&id("a")) && !all.revoke(&id("a")));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut all = Invitations::default();
        let mut make = |wanted| all.make(NOW, id("a"), wanted).map(|_| ());
        assert_eq!(make(Wanted { expires_s: Some(59), ..wanted() }), Err(NotMade::Time));
        assert_eq!(make(Wanted { expires_s: Some(u64::MAX), ..wanted() }), Err(NotMade::Time));
        assert_eq!(make(Wanted { uses: Some(0), ..wanted() }), Err(NotMade::Uses));
        assert_eq!(make(Wanted { role: Role::Admin, ..wanted() }), Err(NotMade::Role));
        assert_eq!(make(Wanted { name: Some("a\nb".into()), ..wanted() }), Err(NotMade::Name));
        for n in 0..MAX_INVITATIONS {
            all.make(NOW, id(&format!("n{n}")), wanted()).unwrap();
        }
        assert_eq!(all.make(NOW, id("b"), wanted()), Err(NotMade::TooMany));
        let later = NOW + LONGEST.as_secs() + LISTED_FOR.as_secs();
        assert!(all.make(later, id("b"), wanted()).is_ok(), "what has ended takes no room for ever");
        assert_eq!(all.list().len(), 1);
    }

    #[test]
    fn every_part_of_what_it_gives_is_signed() {
        let made = Invitations::default().make(NOW, id("a"), wanted()).unwrap();
        let screen = Some(BTreeSet::from([SourceName::new("screen").unwrap()]));
        for other in [
            Invitation { invitation: id("b"), ..made.clone() },
            Invitation { role: Role::Participant, ..made.clone() },
            Invitation { sources: screen, ..made.clone() },
            Invitation { expires_s: made.expires_s + 1, ..made.clone() },
            Invitation { uses: Some(1), ..made.clone() },
        ] {
            assert_ne!(other.signed_text(), made.signed_text());
        }
        let used = Invitation { used: 7, name: Some("x".into()), ..made.clone() };
        assert_eq!(used.signed_text(), made.signed_text());
    }

    #[test]
    fn times_are_a_number_and_a_unit() {
        assert_eq!(time("90m"), Some(Duration::from_secs(5400)));
        assert_eq!(time("2h"), Some(Duration::from_secs(7200)));
        assert_eq!(time("7d"), Some(Duration::from_secs(604_800)));
        for bad in ["", "h", "2", "-2h", "+2h", "2 h", "2w", "é", "99999999999999999999d"] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }
}
