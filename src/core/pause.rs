//! Which sources are paused, and by whom: nothing of them is captured or sent.
//!
//! The person at the machine goes before everybody: what was paused there only comes back from there,
//! and what is brought back there is back, whoever paused it.

use super::ids::SourceName;
use super::protocol::PausedBy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// See the module. Also the form in which it is kept over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pauses {
    machine: Hold,
    admin: Hold,
}

/// What one side has paused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    /// Every source, and those that a later configuration brings.
    all: bool,
    sources: BTreeSet<SourceName>,
}

impl Pauses {
    /// Everything is paused at the machine.
    #[must_use]
    pub fn everything() -> Self {
        Self { machine: Hold { all: true, sources: BTreeSet::new() }, ..Self::default() }
    }

    /// By whom a source is paused, if it is.
    #[must_use]
    pub fn of(&self, source: &SourceName) -> Option<PausedBy> {
        if self.machine.holds(source) {
            Some(PausedBy::Machine)
        } else if self.admin.holds(source) {
            Some(PausedBy::Admin)
        } else {
            None
        }
    }

    /// Whether nothing is paused, nor would be in another configuration.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Pauses one source, or all that there are and will be.
    pub fn pause(&mut self, by: PausedBy, source: Option<&SourceName>) {
        let hold = match by {
            PausedBy::Machine => &mut self.machine,
            PausedBy::Admin => &mut self.admin,
        };
        match source {
            Some(source) if !hold.all => {
                hold.sources.insert(source.clone());
            }
            Some(_) => {}
            None => *hold = Hold { all: true, sources: BTreeSet::new() },
        }
    }

    /// Brings back one source or all. `known` are those there are: when all were paused and one comes
    /// back, the others stay paused.
    pub fn resume(&mut self, by: PausedBy, source: Option<&SourceName>, known: &[SourceName]) {
        self.admin.resume(source, known);
        match by {
            PausedBy::Machine => self.machine.resume(source, known),
            PausedBy::Admin => {}
        }
    }
}

impl Hold {
    fn holds(&self, source: &SourceName) -> bool {
        self.all || self.sources.contains(source)
    }

    fn resume(&mut self, source: Option<&SourceName>, known: &[SourceName]) {
        match source {
            None => *self = Self::default(),
            Some(source) => {
                if std::mem::replace(&mut self.all, false) {
                    self.sources = known.iter().cloned().collect();
                }
                self.sources.remove(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PausedBy::{Admin, Machine};
    use proptest::prelude::*;

    fn name(text: &str) -> SourceName {
        SourceName::new(text).unwrap()
    }

    fn known() -> Vec<SourceName> {
        vec![name("screen"), name("cam"), name("room")]
    }

    fn told(pauses: &Pauses) -> Vec<Option<PausedBy>> {
        known().iter().map(|source| pauses.of(source)).collect()
    }

    #[test]
    fn one_of_all_comes_back_and_the_others_stay() {
        let mut pauses = Pauses::default();
        pauses.pause(Machine, None);
        assert_eq!(pauses.of(&name("later")), Some(Machine));
        pauses.pause(Machine, Some(&name("cam")));
        pauses.resume(Machine, Some(&name("cam")), &known());
        assert_eq!(told(&pauses), [Some(Machine), None, Some(Machine)]);
        pauses.resume(Machine, None, &known());
        assert!(pauses.is_empty());
    }

    #[test]
    fn the_machine_goes_before_the_admins() {
        let mut pauses = Pauses::default();
        pauses.pause(Admin, Some(&name("cam")));
        pauses.pause(Machine, Some(&name("screen")));
        assert_eq!(told(&pauses), [Some(Machine), Some(Admin), None]);
        pauses.resume(Admin, None, &known());
        assert_eq!(told(&pauses), [Some(Machine), None, None]);
        pauses.pause(Admin, None);
        pauses.resume(Machine, Some(&name("screen")), &known());
        assert_eq!(told(&pauses), [None, Some(Admin), Some(Admin)]);
    }

    proptest! {
        /// Whatever happens: what the machine paused stays until the machine says otherwise.
        #[test]
        fn no_admin_brings_back_what_the_machine_paused(turns in proptest::collection::vec((any::<bool>(), 0..4_usize), 0..20)) {
            let mut pauses = Pauses::default();
            pauses.pause(Machine, Some(&name("cam")));
            for (pause, which) in turns {
                let all = known();
                let source = all.get(which);
                if pause { pauses.pause(Admin, source) } else { pauses.resume(Admin, source, &all) }
                prop_assert_eq!(pauses.of(&name("cam")), Some(Machine));
            }
        }

        #[test]
        fn what_is_kept_is_what_was(turns in proptest::collection::vec((any::<bool>(), any::<bool>(), 0..4_usize), 0..20)) {
            let mut pauses = Pauses::default();
            for (pause, machine, which) in turns {
                let (all, by) = (known(), if machine { Machine } else { Admin });
                let source = all.get(which);
                if pause { pauses.pause(by, source) } else { pauses.resume(by, source, &all) }
            }
            let kept = serde_json::to_string(&pauses).unwrap();
            prop_assert_eq!(serde_json::from_str::<Pauses>(&kept).unwrap(), pauses);
        }
    }
}
