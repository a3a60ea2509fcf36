//! One who is in a room.

use super::Refusal;
use super::rates::Rates;
use crate::core::ids::{ParticipantId, ViewerId};
use crate::core::principal::{Role, Who};
use crate::core::protocol::{ErrorCode, Participant, Presence};
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// A participant whose connection was lost is given up after so long. With the WebSocket's pings and
/// its silence that is within 10 s of the last that was heard of it.
pub const GRACE: Duration = Duration::from_secs(4);

/// The colours of the page's palette.
const COLOURS: u8 = 12;
/// Of so many messages of a participant it is known that they were said, should they come again.
const REMEMBERED: usize = 64;

/// The way to a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Its connection stands.
    Here(ViewerId),
    /// It was lost.
    Away { until: Instant },
}

impl Line {
    pub(super) fn viewer(self) -> Option<ViewerId> {
        match self {
            Self::Here(viewer) => Some(viewer),
            Self::Away { .. } => None,
        }
    }

    pub(super) fn until(self) -> Option<Instant> {
        match self {
            Self::Here(_) => None,
            Self::Away { until } => Some(until),
        }
    }
}

pub(super) struct Member {
    pub(super) id: ParticipantId,
    pub(super) who: Who,
    pub(super) role: Role,
    pub(super) secret: String,
    pub(super) name: String,
    pub(super) colour: u8,
    pub(super) may_talk: bool,
    pub(super) presence: Presence,
    pub(super) pictures: bool,
    pub(super) line: Line,
    /// It is told nothing that was said up to this.
    pub(super) floor: u64,
    /// How much it had asked for by its former connection: who comes back has that behind them.
    pub(super) rates: Option<Rates>,
    /// What it has said last.
    pub(super) sent: VecDeque<Sent>,
}

impl fmt::Debug for Member {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, who, name, line, .. } = self;
        let mut shown = f.debug_struct("Member");
        shown
            .field("id", id)
            .field("who", who)
            .field("name", name)
            .field("line", line)
            .finish_non_exhaustive()
    }
}

/// Something that was said, as it is recognized.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) seq: u64,
    pub(super) time_ms: f64,
}

impl Member {
    pub(super) fn info(&self) -> Participant {
        Participant {
            id: self.id,
            name: self.name.clone(),
            colour: self.colour,
            may_talk: self.may_talk,
            presence: self.presence,
            away: self.line.viewer().is_none(),
            pictures: self.pictures,
        }
    }

    pub(super) fn remember(&mut self, sent: Sent) {
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
    }

    /// Whether it may talk from now on; true if that is another.
    pub(super) fn allow(&mut self, may_talk: bool) -> bool {
        let is_other = self.may_talk != may_talk;
        self.may_talk = may_talk;
        if !may_talk {
            self.presence =
                Presence { deaf: self.presence.deaf, hand: self.presence.hand, ..Presence::default() };
            self.pictures = false;
        }
        is_other
    }

    /// # Errors
    /// It only reads.
    pub(super) fn check_talk(&self) -> Result<(), Refusal> {
        if self.may_talk {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::MayNotTalk, "In this room you only read."))
    }
}

/// The colour that the fewest have.
pub(super) fn colour(members: &[Member]) -> u8 {
    let used = |colour: &u8| members.iter().filter(|member| member.colour == *colour).count();
    (0..COLOURS).min_by_key(used).unwrap_or(0)
}

/// The first "Guest N" that nobody is called.
pub(super) fn guest_name(members: &[Member]) -> String {
    let mut names = (1..=members.len() + 1).map(|number| format!("Guest {number}"));
    let is_free = |name: &String| members.iter().all(|member| member.name != *name);
    names.find(is_free).unwrap_or_else(|| "Guest".to_owned())
}

/// Whether a secret is that one. Takes as long wherever they differ.
pub(super) fn is_secret(given: &str, own: &str) -> bool {
    let pairs = given.bytes().zip(own.bytes());
    given.len() == own.len() && pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
