//! Other sources than before while a session goes on: the configuration was read again.

use super::{Effect, Session};
use crate::core::protocol::{ByeReason, ServerMessage, SourceInfo};

impl Session {
    /// These are the sources that there are for this viewer from now on. What it has joined of them goes on
    /// as it is; of what is gone nothing is sent any more. What is new it has to join with a session of its own.
    pub(super) fn relist(&mut self, sources: Vec<SourceInfo>, effects: &mut Vec<Effect>) {
        self.known = sources.iter().map(|source| source.name.clone()).collect();
        if !self.is_greeted() {
            // They are counted from `welcome` on.
            self.subjects.clear();
        }
        let new = self.known.iter().filter(|name| !self.subjects.contains(name));
        self.subjects.extend(new.cloned().collect::<Vec<_>>());
        self.forget_gone();
        if self.is_greeted() {
            effects.push(Effect::Send(ServerMessage::Sources { sources }));
        } else if self.ice.is_some() && !self.joined().iter().any(|name| self.known.contains(name)) {
            // By WHEP there is no other way to say that nothing comes any more.
            self.end(ByeReason::Reload, "What you watch is not there any more.".into(), effects);
        }
    }

    fn forget_gone(&mut self) {
        let known = std::mem::take(&mut self.known);
        if let Some(joined) = self.membership_mut() {
            joined.selected.retain(|name| known.contains(name));
        }
        self.watching.paused(|source| !known.contains(source));
        self.known = known;
    }
}

/// Whether two lists are the same to a viewer, but for the states that are told by themselves.
#[must_use]
pub fn same_list(one: &[SourceInfo], other: &[SourceInfo]) -> bool {
    fn shown(info: &SourceInfo) -> impl PartialEq {
        (info.name.clone(), info.title.clone(), info.kind, info.media.clone())
    }
    one.iter().map(shown).eq(other.iter().map(shown))
}

#[cfg(test)]
mod tests {
    use super::super::Input;
    use super::super::tests::{Test, hello, name};
    use super::*;
    use crate::core::protocol::{ClientMessage, MediaKind, SourceKindName, SourceState, TakenSource};

    fn info(text: &str) -> SourceInfo {
        SourceInfo {
            name: name(text),
            title: text.into(),
            kind: SourceKindName::Camera,
            media: vec![MediaKind::Video],
            state: SourceState::Idle,
            failures: 0,
        }
    }

    fn listed(names: &[&str]) -> Input {
        Input::Listed(names.iter().map(|text| info(text)).collect())
    }

    #[test]
    fn what_is_joined_goes_on_and_what_is_gone_is_selected_no_more() {
        let mut test = Test::connected();
        let told = test.input(listed(&["door", "camera"]));
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("Sources"), "{told:?}");
        assert!(test.session.is_connected());
        assert_eq!(test.session.selected(), [name("camera")]);
        assert_eq!(test.session.joined(), [name("screen"), name("camera")]);
        assert!(test.session.knows(&name("door")) && !test.session.knows(&name("screen")));
        // It was not offered.
        let select = |text| ClientMessage::Select { sources: vec![name(text)] };
        assert_eq!(test.say(select("door")), ["error UnknownSource"]);
        // What comes back may be selected again: its m-line is still there.
        test.input(listed(&["screen", "door", "camera"]));
        assert_eq!(test.say(select("screen")), ["feed screen"]);
    }

    #[test]
    fn who_has_not_said_hello_is_told_by_its_welcome() {
        let mut test = Test::new();
        assert!(test.input(listed(&["door"])).is_empty());
        assert_eq!(test.say(hello()), ["welcome"]);
        let join = ClientMessage::Join { sources: None, select: None, data: false };
        assert_eq!(test.say(join), ["open door Some(H264)"]);
    }

    #[test]
    fn the_subjects_of_pictures_keep_their_numbers() {
        let mut test = Test::new();
        test.say(hello());
        test.input(listed(&["door", "camera"]));
        let taken = |text: &str| TakenSource { source: name(text), width: None };
        let take = ClientMessage::Pictures { sources: vec![taken("door"), taken("camera")], audio: false };
        assert_eq!(test.say(take), ["pictures 2=door+1=camera false"]);
    }

    #[test]
    fn a_list_is_another_by_what_is_shown_of_it() {
        let mut live = info("camera");
        live.state = SourceState::Live;
        assert!(same_list(&[info("camera")], &[live]));
        let mut titled = info("camera");
        titled.title = "Door".into();
        assert!(!same_list(&[info("camera")], &[titled]));
        assert!(!same_list(&[info("camera"), info("door")], &[info("door"), info("camera")]));
        assert!(!same_list(&[info("camera")], &[]));
    }
}
