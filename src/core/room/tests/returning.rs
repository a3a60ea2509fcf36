//! Who comes back: as whom, with which rights, and what they are told.

use super::*;

#[test]
fn who_comes_later_is_told_the_latest_and_who_comes_back_all_that_it_missed() {
    let mut table = Table::new(settings());
    let ana = table.come(1, "Ana");
    for number in 1..=5 {
        table.say(1, &format!("m{number}"), "x");
    }
    let bert = table.entered(2, enter("Bert"));
    let numbers = |state: &RoomState| state.history.iter().map(|said| said.seq).collect::<Vec<_>>();
    assert_eq!((numbers(&bert), bert.more), (vec![3, 4, 5], true));
    table.told(1);
    table.lost(1);
    assert_eq!(table.words(2), ["changed Ana away"]);
    for number in 6..=15 {
        table.say(2, &format!("m{number}"), "x");
    }
    table.told(2);
    table.after(3900);
    table.tick();
    let resume = Some(ana.resume.clone());
    let back = table.entered(7, Enter { since: Some(5), resume, ..enter("Ana") });
    assert_eq!((back.me, back.resume.as_str()), (ana.me, ana.resume.as_str()));
    assert_eq!((numbers(&back), back.more), ((6..=15).collect(), false));
    assert_eq!(table.words(2), ["changed Ana"]);
    // Nothing is told that was said before one has come, but for the history.
    table.ask(2, Request::CatchUp(0));
    table.ask(2, Request::CatchUp(14));
    let all: Vec<u64> = (3..=15).collect();
    assert_eq!(table.words(2), [format!("history {all:?} more"), "history [15]".into()]);
    table.ask(2, Request::CatchUp(4711));
    assert_eq!(table.words(2), ["history []"]);
}

#[test]
fn who_comes_back_is_told_nothing_that_was_said_before_they_came() {
    let mut table = Table::new(Settings { history: 0, ..settings() });
    table.come(1, "Ana");
    for number in 1..=5 {
        table.say(1, &format!("m{number}"), "x");
    }
    let bert = table.entered(2, enter("Bert"));
    assert!(bert.history.is_empty());
    table.say(1, "m6", "x");
    for since in [0, 3, 5, 4711, u64::MAX] {
        let resume = Some(bert.resume.clone());
        let back = table.entered(2, Enter { since: Some(since), resume, ..enter("Bert") });
        let numbers: Vec<_> = back.history.iter().map(|said| said.seq).collect();
        assert_eq!((numbers, back.me), (vec![6], bert.me), "{since}");
    }
}

#[test]
fn who_does_not_come_back_in_time_is_gone_and_comes_back_as_another() {
    let mut table = Table::new(settings());
    let (ana, _bert) = (table.come(1, "Ana"), table.come(2, "Bert"));
    table.lost(1);
    let due = table.rooms.deadline().unwrap();
    assert_eq!(due, table.now + GRACE);
    table.after(3999);
    table.tick();
    assert_eq!(table.words(2), ["changed Ana away"]);
    table.now = due;
    table.tick();
    assert_eq!(table.words(2), ["left 1 Lost"]);
    assert_eq!(table.rooms.deadline(), None);
    let back = table.entered(3, Enter { resume: Some(ana.resume), since: Some(0), ..enter("Ana") });
    assert_eq!(back.me, ParticipantId(3));
}

#[test]
fn a_secret_is_good_for_its_own_room_and_person_alone_and_takes_over() {
    let mut table = Table::new(settings());
    let (ana, _bert) = (table.come(1, "Ana"), table.come(2, "Bert"));
    let resume = |room: &str, secret: &str| Enter {
        room: Some(room.into()),
        resume: Some(secret.into()),
        ..enter("Ana")
    };
    assert_ne!(table.entered(3, resume("main", "nonsense")).me, ana.me);
    assert_ne!(table.entered(4, resume("garden", &ana.resume)).me, ana.me);
    let named = Principal {
        who: Who::Account(AccountName::new("carl").unwrap()),
        name: Some("carl".into()),
        ..Principal::anyone(Rights::All)
    };
    table.ask_as(5, &named, Request::Enter(resume("main", &ana.resume)));
    assert!(matches!(&table.told(5)[0], ServerMessage::Room(state) if state.me != ana.me));
    table.told.values_mut().for_each(Vec::clear);
    // Here still, by another connection.
    assert_eq!(table.entered(6, resume("main", &ana.resume)).me, ana.me);
    assert_eq!(table.words(1), ["over TakenOver"]);
    assert!(table.words(2).is_empty(), "nobody else sees a difference");
    table.say(1, "m1", "x");
    assert_eq!(table.words(1), ["error NotInRoom"]);
    table.lost(1);
    assert!(table.words(2).is_empty());
    // By the same connection again.
    assert_eq!(table.entered(6, resume("main", &ana.resume)).me, ana.me);
    assert!(table.words(2).is_empty());
}

#[test]
fn a_secret_is_not_shown() {
    let mut table = Table::new(settings());
    let secret = "secret-1";
    let ana = table.come(1, "Ana");
    assert_eq!(ana.resume, secret);
    let resume = Enter { resume: Some(secret.into()), ..enter("Ana") };
    let principal = Principal::anyone(Rights::All);
    let asker = Asker { viewer: ViewerId(1), principal: &principal, secret: secret.into() };
    let shown = format!("{ana:?} {resume:?} {asker:?} {:?}", table.rooms);
    assert!(shown.contains("Ana") && !shown.contains(secret), "{shown}");
}

#[test]
fn who_comes_back_in_another_role_has_the_rights_of_that() {
    let mut table = Table::new(Settings { talk: Talk::Participants, ..settings() });
    let participant = Principal { role: Role::Participant, ..Principal::anyone(Rights::All) };
    let reader = Principal { role: Role::Viewer, ..participant.clone() };
    table.ask_as(1, &participant, Request::Enter(enter("Ana")));
    let Some(ServerMessage::Room(ana)) = table.told(1).into_iter().next() else { panic!("no room") };
    table.come(2, "Bert");
    table.call(1, true);
    assert_eq!(table.words(2), ["changed Ana calls"]);
    let back = || Request::Enter(Enter { resume: Some(ana.resume.clone()), ..enter("Ana") });
    table.ask_as(3, &reader, back());
    assert!(matches!(&table.told(3)[0], ServerMessage::Room(state) if state.me == ana.me && !state.may_talk));
    assert_eq!(table.words(2), ["changed Ana"], "and is in no call any more");
    // A reload asks again of the role that they have now.
    let effects = table.rooms.configure(Some(Settings { talk: Talk::Participants, ..settings() }));
    table.take(effects);
    table.say(3, "m1", "x");
    assert_eq!(table.words(3), ["error MayNotTalk"]);
    table.ask_as(3, &participant, back());
    assert_eq!(table.words(2), ["changed Ana"]);
    table.told(3);
    table.say(3, "m1", "x");
    assert_eq!(table.words(3), ["said 1 x"]);
}
