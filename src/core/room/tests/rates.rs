//! What is too fast, and for whom.

use super::*;

#[test]
fn pointers_go_to_the_others_and_no_faster_than_60_a_second() {
    let mut table = Table::new(settings());
    table.come(1, "Ana");
    table.come(2, "Bert");
    let source = SourceName::new("screen").ok();
    let point = |x, y| Request::Point(Point { source: source.clone(), x, y });
    table.ask(1, point(Some(0.0), Some(1.0)));
    table.ask(1, Request::Point(Point::default()));
    assert_eq!(table.words(2), ["pointed 1", "pointed 1"]);
    for bad in [point(Some(-0.1), Some(0.5)), point(Some(0.5), Some(f64::NAN)), point(Some(0.5), None)] {
        table.ask(1, bad);
        assert_eq!(table.words(1), ["error BadText"]);
    }
    for _ in 0..1000 {
        table.after(1);
        table.ask(1, point(Some(0.5), Some(0.5)));
    }
    assert!(table.words(1).is_empty(), "dropped without a word");
    assert!((60..=66).contains(&table.words(2).len()));
}

#[test]
fn what_comes_too_fast_is_refused_and_the_others_lose_nothing() {
    let mut table = Table::new(settings());
    table.come(1, "Ana");
    table.come(2, "Bert");
    for number in 0..50 {
        table.say(1, &format!("m{number}"), "x");
    }
    let words = table.words(1);
    assert_eq!(words.iter().filter(|word| *word == "error TooFast").count(), 30);
    table.say(2, "b", "y");
    let said = table.words(2);
    assert_eq!((said.len(), said.last().unwrap().as_str()), (21, "said 21 y"));
    for _ in 0..50 {
        table.ask(1, Request::Enter(enter("Ana")));
        table.ask(1, Request::CatchUp(0));
    }
    let words = table.words(1);
    assert!(words.iter().filter(|word| *word == "error TooFast").count() >= 90);
    for number in 0..100 {
        table.ask(2, Request::Rename(format!("B{number}")));
    }
    assert!(table.words(2).contains(&"error TooFast".to_owned()));
    // A pause, and all is well.
    table.after(60_000);
    table.told(1);
    table.say(1, "m60", "x");
    assert_eq!(table.words(1), ["said 22 x"]);
}

#[test]
fn to_come_back_makes_nobody_faster() {
    let mut table = Table::new(settings());
    let ana = table.come(1, "Ana");
    table.come(2, "Bert");
    let back = || Enter { resume: Some(ana.resume.clone()), ..enter("Ana") };
    for (former, viewer) in [(1, 3), (3, 4), (4, 5)] {
        for number in 0..20 {
            table.say(former, &format!("m{viewer}-{number}"), "x");
        }
        // Whether the former connection is lost, or stands.
        if viewer != 4 {
            table.lost(former);
        }
        assert_eq!(table.entered(viewer, back()).me, ana.me);
        table.told(viewer);
        if viewer == 3 {
            // Who is somebody else is not slowed.
            table.told(2);
            table.say(2, "b", "y");
            assert_eq!(table.words(2), ["said 21 y"]);
        }
    }
    table.say(5, "last", "x");
    assert_eq!(table.words(5), ["error TooFast"]);
    assert_eq!(table.rooms.all[0].chat.last(), 21);
    table.after(500);
    table.say(5, "last", "x");
    assert_eq!(table.words(5), ["said 22 x"]);
}

#[test]
fn signals_cost_by_their_bytes() {
    let mut table = Table::new(settings());
    table.come(1, "Ana");
    let bert = table.come(2, "Bert").me;
    let offer = |bytes: usize| SignalBody::Description {
        description_type: DescriptionType::Offer,
        sdp: "x".repeat(bytes),
        session: "s".into(),
    };
    for _ in 0..20 {
        table.ask(1, Request::Signal(bert, offer(40 * 1024)));
    }
    assert_eq!(table.words(2).len(), 6);
    assert_eq!(table.words(1), ["error TooFast"; 14]);
    // What is small goes on, and so does all of it after a while.
    table.ask(1, Request::Signal(bert, bye()));
    table.after(1000);
    table.ask(1, Request::Signal(bert, offer(40 * 1024)));
    assert_eq!(table.words(2).len(), 2);
    assert!(table.words(1).is_empty());
}
