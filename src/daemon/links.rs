//! What each viewer's link carries, and the rung of each of its pictures that follows.
//!
//! The rules are [`crate::core::congestion`]'s; this carries them out.

use super::sources::Sources;
use super::viewer::{Peer, Unit};
use super::viewers::Viewers;
use crate::core::congestion::{Choice, Picture};
use crate::core::ids::SourceName;
use crate::core::protocol::MediaKind;
use crate::core::units::Bitrate;
use crate::core::viewer::Input;
use crate::core::watching::Turn;
use std::time::{Duration, Instant};

/// How often the links are looked at.
const EVERY: Duration = Duration::from_millis(200);
/// The headers of sound, a packet every 20 ms: IPv4, UDP, RTP and the SRTP tag.
const SOUND_HEADERS_KBPS: u32 = 23;

/// When the links are looked at.
#[derive(Debug)]
pub(super) struct Watch {
    last: Instant,
}

/// A picture that a viewer is being sent.
struct Shown<'a> {
    source: &'a SourceName,
    rungs: Vec<Bitrate>,
    choice: Choice,
    rung: u8,
}

impl Watch {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now }
    }

    /// When they are to be looked at next, if there are any.
    pub(super) fn deadline(&self, any: bool) -> Option<Instant> {
        any.then(|| self.last + EVERY)
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.last + EVERY;
        if due {
            self.last = now;
        }
        due
    }
}

impl Viewers {
    /// Asks each viewer's link what it carries, if it is time to, and moves its pictures.
    pub(super) fn follow_links(&mut self, now: Instant, sources: &Sources) {
        if !self.links.is_due(now) {
            return;
        }
        let viewers = self.all.iter();
        let due: Vec<_> = viewers
            .flat_map(|(id, unit)| unit.follow_link(now, sources).into_iter().map(|input| (*id, input)))
            .collect();
        for (viewer, input) in due {
            self.handle(now, viewer, input, sources);
        }
    }
}

impl Unit {
    /// What its link says to its session.
    fn follow_link(&self, now: Instant, sources: &Sources) -> Vec<Input> {
        let Peer::Open { viewer: peer, accepted, .. } = &self.peer else { return Vec::new() };
        if !self.session.is_connected() {
            return Vec::new();
        }
        let watching = self.session.watching();
        let mut sound_kbps = 0;
        let mut shown: Vec<Shown<'_>> = Vec::new();
        for (mline, subscription) in peer.tracks().iter().enumerate() {
            let track = subscription.rendition();
            if !accepted.contains(&mline) || !self.session.selected().contains(&track.source) {
                continue;
            }
            if track.media() == MediaKind::Audio {
                sound_kbps += sources.sound().kbps() + SOUND_HEADERS_KBPS;
                continue;
            }
            let rungs: Vec<_> =
                sources.ladder(&track.source, track.codec).iter().map(|rung| rung.bitrate).collect();
            if !rungs.is_empty() {
                let choice = watching.choice(&track.source);
                let choice = choice.map_or(Choice::Automatic, |rung| Choice::Fixed(usize::from(rung)));
                shown.push(Shown {
                    source: &track.source,
                    rungs,
                    choice,
                    rung: watching.target(&track.source),
                });
            }
        }
        let pictures: Vec<_> = shown
            .iter()
            .map(|each| Picture { rungs: &each.rungs, choice: each.choice, rung: usize::from(each.rung) })
            .collect();
        let decision = peer.link().decide(now, &pictures, Bitrate::from_kbps(sound_kbps));
        let too_slow = !decision.fits;
        let turns = shown.iter().enumerate().filter_map(|(index, each)| {
            let change = decision.changes.iter().find(|change| change.picture == index);
            let automatic = each.choice == Choice::Automatic;
            let rung = change.filter(|_| automatic).and_then(|change| u8::try_from(change.rung).ok());
            let rung = match (rung, automatic) {
                (Some(rung), _) => rung,
                (None, true) => each.rung,
                // What was automatic before stays for when it is again.
                (None, false) => watching.automatic(each.source).0,
            };
            let turn = Turn::Automatic { rung, too_slow };
            (watching.automatic(each.source) != (rung, too_slow))
                .then(|| Input::Picture { source: each.source.clone(), turn })
        });
        turns.collect()
    }
}
