//! Which rendition of each source a viewer is sent.
//!
//! A person's choice goes before what the automatic control says; both are kept to the ladder that
//! there is. What is really being sent is told by the media, and only that is told to the viewer.

use super::ids::SourceName;
use super::protocol::{RungInfo, ServerMessage};
use super::renditions::{MAX_RUNGS, Rung};
use std::collections::BTreeMap;

/// The pictures that a viewer has joined.
#[derive(Debug, Default)]
pub struct Watching {
    pictures: BTreeMap<SourceName, Picture>,
}

#[derive(Debug, Default)]
struct Picture {
    /// The viewer's own; `None`: automatic.
    choice: Option<u8>,
    /// What the automatic control says.
    automatic: u8,
    /// What is being sent, once something was.
    sent: Option<u8>,
    too_slow: bool,
    /// Empty until the capture has said what it delivers.
    rungs: Vec<RungInfo>,
    /// What the viewer was told last.
    told: Option<ServerMessage>,
}

impl Picture {
    /// While the ladder is not known nothing is encoded, and the best one stands for all.
    fn target(&self) -> u8 {
        if self.rungs.is_empty() {
            return 0;
        }
        self.kept(self.choice.unwrap_or(self.automatic))
    }

    /// A rung kept to the ladder, which may have become shorter.
    fn kept(&self, rung: u8) -> u8 {
        match self.rungs.len() {
            0 => rung,
            count => rung.min(u8::try_from(count - 1).unwrap_or(u8::MAX)),
        }
    }

    /// What is to be told, if that is another than was told.
    fn news(&mut self, source: &SourceName) -> Option<ServerMessage> {
        if self.rungs.is_empty() {
            return None;
        }
        let message = ServerMessage::Rendition {
            source: source.clone(),
            automatic: self.choice.is_none(),
            rung: self.sent.map_or_else(|| self.target(), |sent| self.kept(sent)),
            too_slow: self.too_slow,
            rungs: self.rungs.clone(),
        };
        if self.told.as_ref() == Some(&message) {
            return None;
        }
        self.told = Some(message.clone());
        Some(message)
    }
}

/// What concerns one picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// The viewer chooses a rung, or automatic.
    Choose(Option<u8>),
    /// The automatic control says what the viewer's link carries.
    Automatic {
        /// The rung.
        rung: u8,
        /// Not even that.
        too_slow: bool,
    },
    /// The ladder is known, or another one.
    Ladder(Vec<Rung>),
    /// This is being sent now.
    Sent(u8),
}

/// What follows.
#[derive(Debug, Default, PartialEq)]
pub struct Follows {
    /// Another rung is to be sent.
    pub target: Option<u8>,
    /// Something to tell the viewer.
    pub news: Option<ServerMessage>,
}

/// There is no such rung; so many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchRung(pub usize);

impl Watching {
    /// The rung that is to be sent of a source: the best, unless something else was said.
    #[must_use]
    pub fn target(&self, source: &SourceName) -> u8 {
        self.pictures.get(source).map_or(0, Picture::target)
    }

    /// Whether a rung is needed: it is to be sent, or goes on being sent until the one that is to
    /// be has come.
    #[must_use]
    pub fn needs(&self, source: &SourceName, rung: u8) -> bool {
        match self.pictures.get(source) {
            Some(picture) => rung == picture.target() || Some(rung) == picture.sent,
            None => rung == 0,
        }
    }

    /// What the viewer has chosen of a source; `None`: the automatic control says what is sent.
    #[must_use]
    pub fn choice(&self, source: &SourceName) -> Option<u8> {
        self.pictures.get(source)?.choice
    }

    /// What the automatic control has said last of a source: the rung, and whether the link is too
    /// slow.
    #[must_use]
    pub fn automatic(&self, source: &SourceName) -> (u8, bool) {
        self.pictures.get(source).map_or((0, false), |picture| (picture.automatic, picture.too_slow))
    }

    /// Which rung is being sent of a source, and what it is; `None` until something is.
    #[must_use]
    pub fn sent(&self, source: &SourceName) -> Option<(u8, RungInfo)> {
        let picture = self.pictures.get(source)?;
        let rung = picture.kept(picture.sent?);
        Some((rung, *picture.rungs.get(usize::from(rung))?))
    }

    /// Takes what has happened.
    ///
    /// # Errors
    /// [`NoSuchRung`] for a choice that cannot be; nothing has changed then.
    pub fn handle(&mut self, source: &SourceName, turn: Turn) -> Result<Follows, NoSuchRung> {
        let picture = self.pictures.entry(source.clone()).or_default();
        let before = picture.target();
        match turn {
            Turn::Choose(choice) => {
                // While the ladder is not known it may have as many as any.
                let count = if picture.rungs.is_empty() { MAX_RUNGS } else { picture.rungs.len() };
                if choice.is_some_and(|rung| usize::from(rung) >= count) {
                    return Err(NoSuchRung(count));
                }
                picture.choice = choice;
            }
            Turn::Automatic { rung, too_slow } => {
                picture.automatic = rung;
                picture.too_slow = too_slow;
            }
            Turn::Ladder(rungs) => picture.rungs = rungs.iter().map(info).collect(),
            Turn::Sent(rung) => picture.sent = Some(rung),
        }
        let target = picture.target();
        Ok(Follows { target: (target != before).then_some(target), news: picture.news(source) })
    }

    /// Nothing is sent of these sources any more, so no rung of theirs is waited out.
    pub fn paused(&mut self, is_paused: impl Fn(&SourceName) -> bool) {
        for (source, picture) in &mut self.pictures {
            if is_paused(source) {
                picture.sent = None;
            }
        }
    }
}

fn info(rung: &Rung) -> RungInfo {
    RungInfo {
        width: rung.size.width,
        height: rung.size.height,
        framerate: (rung.framerate.as_f64() * 100.0).round() / 100.0,
        bitrate_kbps: rung.bitrate.kbps(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::protocol::{Codec, SourceKindName};
    use crate::core::renditions::{Full, default_steps, ladder};
    use crate::core::units::{Bitrate, FrameRate, Size};
    use proptest::prelude::*;

    fn rungs(width: u32) -> Vec<Rung> {
        let full = Full {
            size: Size { width, height: width * 9 / 16 },
            framerate: FrameRate::whole(30),
            bitrate: Bitrate::from_kbps(2500),
        };
        ladder(default_steps(SourceKindName::Camera), Codec::H264, full)
    }

    fn cam() -> SourceName {
        SourceName::new("cam").unwrap()
    }

    /// Automatic, rung, too slow and the number of rungs.
    fn told(follows: &Follows) -> Option<(bool, u8, bool, usize)> {
        match follows.news.as_ref()? {
            ServerMessage::Rendition { automatic, rung, too_slow, rungs, .. } => {
                Some((*automatic, *rung, *too_slow, rungs.len()))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_choice_is_told_at_once_and_the_rung_when_it_is_really_sent() {
        let mut watching = Watching::default();
        let mut turn = |turn| watching.handle(&cam(), turn).unwrap();
        assert_eq!(told(&turn(Turn::Ladder(rungs(1280)))), Some((true, 0, false, 3)));
        assert_eq!(turn(Turn::Sent(0)), Follows::default());
        let follows = turn(Turn::Choose(Some(2)));
        assert_eq!((follows.target, told(&follows)), (Some(2), Some((false, 0, false, 3))));
        let follows = turn(Turn::Sent(2));
        assert_eq!((follows.target, told(&follows)), (None, Some((false, 2, false, 3))));
        assert_eq!(turn(Turn::Choose(Some(2))), Follows::default());
        let follows = turn(Turn::Choose(None));
        assert_eq!((follows.target, told(&follows)), (Some(0), Some((true, 2, false, 3))));
    }

    #[test]
    fn a_choice_goes_before_what_is_automatic() {
        let mut watching = Watching::default();
        let mut turn = |turn| watching.handle(&cam(), turn).unwrap();
        turn(Turn::Ladder(rungs(1280)));
        assert_eq!(turn(Turn::Automatic { rung: 1, too_slow: false }).target, Some(1));
        assert_eq!(turn(Turn::Choose(Some(0))).target, Some(0));
        assert_eq!(turn(Turn::Automatic { rung: 2, too_slow: false }), Follows::default());
        let follows = turn(Turn::Automatic { rung: 2, too_slow: true });
        assert_eq!((follows.target, told(&follows)), (None, Some((false, 0, true, 3))));
        assert_eq!(turn(Turn::Choose(None)).target, Some(2));
    }

    #[test]
    fn a_rung_that_is_not_there_is_refused_and_changes_nothing() {
        let mut watching = Watching::default();
        assert_eq!(watching.handle(&cam(), Turn::Choose(Some(5))), Err(NoSuchRung(MAX_RUNGS)));
        watching.handle(&cam(), Turn::Ladder(rungs(1280))).unwrap();
        assert_eq!(watching.handle(&cam(), Turn::Choose(Some(3))), Err(NoSuchRung(3)));
        assert_eq!(watching.choice(&cam()), None);
        assert_eq!(watching.target(&cam()), 0);
    }

    #[test]
    fn a_choice_from_before_the_ladder_was_known_is_kept_to_it() {
        let mut watching = Watching::default();
        let follows = watching.handle(&cam(), Turn::Choose(Some(4))).unwrap();
        assert_eq!((follows.target, told(&follows)), (None, None));
        let follows = watching.handle(&cam(), Turn::Ladder(rungs(1280))).unwrap();
        assert_eq!((follows.target, told(&follows)), (Some(2), Some((false, 2, false, 3))));
        // The window has become small.
        let follows = watching.handle(&cam(), Turn::Ladder(rungs(160))).unwrap();
        assert_eq!((follows.target, told(&follows)), (Some(0), Some((false, 0, false, 1))));
    }

    #[test]
    fn what_is_being_sent_is_needed_until_the_other_has_come() {
        let mut watching = Watching::default();
        watching.handle(&cam(), Turn::Ladder(rungs(1280))).unwrap();
        let needed =
            |watching: &Watching| (0..3).filter(|rung| watching.needs(&cam(), *rung)).collect::<Vec<_>>();
        assert_eq!(needed(&watching), [0]);
        watching.handle(&cam(), Turn::Sent(0)).unwrap();
        watching.handle(&cam(), Turn::Choose(Some(2))).unwrap();
        assert_eq!(needed(&watching), [0, 2]);
        watching.handle(&cam(), Turn::Sent(2)).unwrap();
        assert_eq!(needed(&watching), [2]);
        watching.handle(&cam(), Turn::Choose(Some(1))).unwrap();
        watching.paused(|_| true);
        assert_eq!(needed(&watching), [1]);
    }

    fn turn() -> impl Strategy<Value = Turn> {
        prop_oneof![
            prop::option::of(0u8..8).prop_map(Turn::Choose),
            (0u8..8, any::<bool>()).prop_map(|(rung, too_slow)| Turn::Automatic { rung, too_slow }),
            prop_oneof![Just(160u32), Just(320), Just(1280)].prop_map(|width| Turn::Ladder(rungs(width))),
            (0u8..5).prop_map(Turn::Sent),
        ]
    }

    proptest! {
        #[test]
        fn the_target_is_on_the_ladder_and_news_are_new(turns in prop::collection::vec(turn(), 1..60)) {
            let mut watching = Watching::default();
            let (mut count, mut last, mut target) = (0, None, 0);
            for turn in turns {
                if let Turn::Ladder(rungs) = &turn {
                    count = rungs.len();
                }
                let Ok(follows) = watching.handle(&cam(), turn) else { continue };
                target = follows.target.unwrap_or(target);
                prop_assert_eq!(target, watching.target(&cam()));
                prop_assert!(count == 0 || usize::from(target) < count);
                prop_assert!(watching.needs(&cam(), target));
                if follows.news.is_some() {
                    prop_assert_ne!(&follows.news, &last);
                    last = follows.news;
                }
            }
        }
    }
}
