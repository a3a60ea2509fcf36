//! The room of the running daemon over real WebSockets: who is there, what is said, who is lost and
//! comes back, who may what, and what hostile clients cannot do to the others.

use crate::access::{account, by_name};
use crate::client::{Client, LIMIT};
use crate::process::{Daemon, SOURCES};
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use async_tungstenite::tungstenite::protocol::Message;
use async_tungstenite::{WebSocketStream, client_async};
use futures_lite::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use smol::{Async, LocalExecutor, Timer};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// A meeting and nothing else.
fn meeting(more: &str) -> Daemon {
    Daemon::start_with("open = true", &format!("[room]\n{more}"), &[])
}

/// One who is in a room, and what they know of it from what they were told.
struct Member {
    client: Client,
    me: u64,
    resume: String,
    people: BTreeMap<u64, Value>,
    /// Texts by their numbers.
    said: BTreeMap<u64, String>,
}

impl Member {
    fn come(address: SocketAddr, name: &str) -> Self {
        Self::enter(Client::greeted(address), &json!({"type": "enter", "name": name}))
    }

    fn enter(mut client: Client, enter: &Value) -> Self {
        client.say(enter);
        let room = client.expect("room");
        let people = room["participants"].as_array().unwrap().iter();
        let people = people.map(|someone| (someone["id"].as_u64().unwrap(), someone.clone())).collect();
        let (me, resume) = (room["me"].as_u64().unwrap(), room["resume"].as_str().unwrap().to_owned());
        let mut member = Self { client, me, resume, people, said: BTreeMap::new() };
        room["history"].as_array().unwrap().iter().for_each(|said| member.hear_said(said));
        member
    }

    /// As the same, by another connection.
    fn resume(self, address: SocketAddr) -> Self {
        let since = self.last();
        let enter = json!({"type": "enter", "since": since, "resume": self.resume});
        let mut again = Self::enter(Client::greeted(address), &enter);
        for (seq, text) in self.said {
            assert!(again.said.insert(seq, text).is_none(), "what was there is not told again");
        }
        again
    }

    fn last(&self) -> u64 {
        self.said.keys().next_back().copied().unwrap_or(0)
    }

    fn say(&mut self, id: &str, text: &str) {
        self.client.say(&json!({"type": "say", "id": id, "text": text}));
    }

    fn hear_said(&mut self, said: &Value) {
        let (seq, text) = (said["seq"].as_u64().unwrap(), said["text"].as_str().unwrap());
        assert!(self.said.insert(seq, text.to_owned()).is_none(), "{said} twice");
    }

    /// Hears one message; its type.
    fn hear(&mut self) -> String {
        let message = self.client.next().expect("the connection stands");
        let kind = message["type"].as_str().unwrap();
        match kind {
            "arrived" | "changed" => {
                let someone = &message["participant"];
                let id = someone["id"].as_u64().unwrap();
                assert_eq!(self.people.insert(id, someone.clone()).is_some(), kind == "changed", "{message}");
            }
            "left" => assert!(self.people.remove(&message["participant"].as_u64().unwrap()).is_some()),
            "said" => self.hear_said(&message),
            "history" => message["messages"].as_array().unwrap().iter().for_each(|said| self.hear_said(said)),
            _ => {}
        }
        kind.to_owned()
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + LIMIT;
        while !is_so(self) {
            self.hear();
            assert!(Instant::now() < end, "{what}: {:?} {:?}", self.people, self.said);
        }
    }

    fn until_said(&mut self, count: usize) {
        self.until("all is said", |member| member.said.len() >= count);
        let numbers: Vec<_> = self.said.keys().copied().collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
    }

    fn until_there(&mut self, count: usize) {
        self.until("so many are there", |member| member.people.len() == count);
    }

    fn names(&self) -> Vec<&str> {
        self.people.values().map(|someone| someone["name"].as_str().unwrap()).collect()
    }

    /// Asks something that is refused; the code.
    fn refused(&mut self, request: &Value) -> String {
        self.client.say(request);
        loop {
            let message = self.client.next().expect("the connection stands");
            match message["type"].as_str().unwrap() {
                "error" => return message["code"].as_str().unwrap().to_owned(),
                "said" => self.hear_said(&message),
                _ => {}
            }
        }
    }
}

#[test]
fn three_agree_on_who_is_there_and_what_was_said_without_any_source() {
    let daemon = meeting("title = \"Stand-up\"\nnames = [\"garden\"]");
    let address = daemon.address;
    let mut client = Client::connect(address);
    let welcome = client.hello();
    assert_eq!(welcome["sources"], json!([]));
    let rooms = json!([
        {"name": "main", "title": "Stand-up", "people": 0},
        {"name": "garden", "title": "Garden", "people": 0}
    ]);
    assert_eq!(welcome["rooms"], rooms);
    let mut ana = Member::enter(client, &json!({"type": "enter", "name": "Ana"}));
    let (mut bert, mut carl) = (Member::come(address, "Bert"), Member::come(address, "Carl"));
    let other = json!({"type": "enter", "room": "garden"});
    let mut dora = Member::enter(Client::greeted(address), &other);
    for (index, member) in [&mut ana, &mut bert, &mut carl].into_iter().enumerate() {
        for number in 0..3 {
            member.say(&format!("m-{number}"), &format!("{index}:{number} https://example.org/"));
        }
        let presence = json!({"type": "presence", "call": false, "camera": false, "microphone": index == 1,
            "screen": false, "deaf": false, "hand": index == 2});
        member.client.say(&presence);
    }
    for member in [&mut ana, &mut bert, &mut carl] {
        member.until_there(3);
        member.until_said(9);
        member.until("presence", |member| {
            member.people.values().filter(|someone| someone["hand"] == true).count() == 1
                && member.people.values().filter(|someone| someone["microphone"] == true).count() == 1
        });
        assert_eq!(member.names(), ["Ana", "Bert", "Carl"]);
    }
    assert_eq!((&ana.said, &ana.people), (&bert.said, &bert.people));
    assert_eq!((&ana.said, &ana.people), (&carl.said, &carl.people));
    let colours: std::collections::BTreeSet<_> =
        ana.people.values().map(|someone| someone["colour"].as_u64()).collect();
    assert_eq!(colours.len(), 3);

    // Who comes later knows it, too.
    let late = Member::come(address, "Eva");
    assert_eq!(late.said, ana.said);
    // What is passed from one to another is nobody else's.
    let body = json!({"kind": "description", "description_type": "offer", "sdp": "v=0", "session": "s1"});
    ana.client.say(&json!({"type": "signal", "to": bert.me, "body": body}));
    let passed = bert.client.expect("signal");
    assert_eq!((&passed["from"], &passed["body"]), (&json!(ana.me), &body));
    ana.say("last", "bye");
    carl.until_said(10);
    dora.client.say(&json!({"type": "catch_up", "since": 0}));
    assert_eq!(dora.hear(), "history", "nothing has come into the other room");
    assert!(dora.said.is_empty());
    carl.client.say(&json!({"type": "exit"}));
    bert.until("Carl has left", |bert| !bert.names().contains(&"Carl"));
}

#[test]
fn who_goes_without_a_word_is_gone_from_all_within_ten_seconds() {
    let daemon = meeting("");
    let address = daemon.address;
    let (mut ana, mut bert) = (Member::come(address, "Ana"), Member::come(address, "Bert"));
    let (cut, frozen) = (Member::come(address, "Cut"), Member::come(address, "Frozen"));
    ana.until_there(4);
    bert.until_there(4);
    let (cut_id, frozen_id) = (cut.me, frozen.me);
    let begun = Instant::now();
    cut.client.cut();
    let _held = frozen.client.freeze();
    for member in [&mut ana, &mut bert] {
        member.until("away at once", |member| {
            member.people.get(&cut_id).is_none_or(|someone| someone["away"] == true)
        });
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    for member in [&mut ana, &mut bert] {
        member.until_there(2);
        assert!(!member.people.contains_key(&frozen_id));
    }
    assert!(begun.elapsed() < TEN_SECONDS, "{:?}", begun.elapsed());
    daemon.wait_for_line("reason=\"lost\"");
}

#[test]
fn who_comes_back_is_the_same_and_has_missed_nothing() {
    let daemon = meeting("history = 2");
    let address = daemon.address;
    let (mut ana, mut bert) = (Member::come(address, "Ana"), Member::come(address, "Bert"));
    ana.say("1", "before");
    ana.until_said(1);
    bert.until_said(1);
    let me = ana.me;
    // Said, and cut off before that is heard.
    ana.say("2", "unheard");
    bert.until_said(2);
    std::mem::replace(&mut ana.client, Client::connect(address)).cut();
    bert.until("she is away", |bert| bert.people[&me]["away"] == true);
    for number in 3..=9 {
        bert.say(&format!("b{number}"), "meanwhile");
    }
    bert.until_said(9);
    let mut ana = ana.resume(address);
    assert_eq!(ana.me, me);
    ana.until_said(9);
    bert.until("she is back", |bert| bert.people[&me]["away"] == false);
    // She says again what she did not hear of.
    ana.client.say(&json!({"type": "say", "id": "2", "text": "unheard"}));
    let again = ana.client.expect("said");
    assert_eq!((&again["seq"], &again["id"]), (&json!(2), &json!("2")));
    ana.say("3", "after");
    ana.until_said(10);
    bert.until_said(10);
    assert_eq!(ana.said, bert.said);

    // By a second page with the secret, the first is told so and goes on watching.
    let enter = json!({"type": "enter", "resume": ana.resume, "since": 10});
    let second = Member::enter(Client::greeted(address), &enter);
    assert_eq!(second.me, me);
    assert_eq!(ana.client.expect("room_over")["reason"], "taken_over");
    assert_eq!(ana.refused(&json!({"type": "exit"})), "not_in_room");
}

#[test]
fn people_calls_and_talk_have_their_limits() {
    let accounts = account("anna", "role = \"admin\"")
        + &account("bert", "role = \"participant\"")
        + &account("carl", "role = \"viewer\"");
    let room = "[room]\ntalk = \"participants\"\npeople = 4\ncalls = 1\n";
    let daemon = Daemon::start_with("open = true", &format!("{room}{accounts}{SOURCES}"), &[]);
    let named = |name: &str| {
        let mut client = by_name(&daemon, name);
        client.hello();
        Member::enter(client, &json!({"type": "enter"}))
    };
    let (mut anna, mut bert, mut carl) = (named("anna"), named("bert"), named("carl"));
    let mut gus = Member::come(daemon.address, "Gus");
    anna.until_there(4);
    assert_eq!(anna.names(), ["anna", "bert", "carl", "Gus"]);
    let call = json!({"type": "presence", "call": true, "camera": true, "microphone": true, "screen": false,
        "deaf": false});
    anna.client.say(&call);
    assert_eq!(anna.client.expect("changed")["participant"]["call"], true);
    assert_eq!(bert.refused(&call), "call_full");
    assert_eq!(carl.people[&carl.me]["may_talk"], false);
    for request in [
        call,
        json!({"type": "say", "id": "1", "text": "x"}),
        json!({"type": "point", "source": "screen", "x": 0.5, "y": 0.5}),
        json!({"type": "signal", "to": anna.me, "body": {"kind": "bye", "session": "s"}}),
    ] {
        assert_eq!(carl.refused(&request), "may_not_talk", "{request}");
    }
    let mut fifth = Client::greeted(daemon.address);
    fifth.say(&json!({"type": "enter"}));
    assert_eq!(fifth.error(), "room_full");
    bert.say("1", "for all");
    carl.until_said(1);
    // A pointer, where one sees the source.
    bert.client.say(&json!({"type": "point", "source": "screen", "x": 0.25, "y": 1}));
    let pointed = carl.client.expect("pointed");
    assert_eq!((&pointed["from"], &pointed["x"]), (&json!(bert.me), &json!(0.25)));
    for event in ["event=\"entered\"", "code=\"call_full\"", "code=\"room_full\""] {
        assert!(daemon.log().contains(event), "{}", daemon.log());
    }
    // What let him in is no more: he is gone at once.
    daemon.rewrite_access(
        "open = true",
        &format!("{room}{}{}{SOURCES}", account("anna", "role = \"admin\""), account("carl", "")),
    );
    daemon.signal(libc::SIGHUP);
    assert_eq!(bert.client.expect("bye")["reason"], "revoked");
    gus.until("he is gone", |gus| !gus.people.contains_key(&bert.me));
}

#[test]
fn admins_make_rooms_and_a_reload_keeps_who_is_there() {
    let accounts = account("anna", "role = \"admin\"");
    let daemon = Daemon::start_with("open = true", &format!("[room]\n{accounts}{SOURCES}"), &[]);
    let mut anna = by_name(&daemon, "anna");
    anna.hello();
    let mut guest = Client::greeted(daemon.address);
    guest.say(&json!({"type": "make_room", "name": "attic"}));
    assert_eq!(guest.error(), "forbidden");
    guest.say(&json!({"type": "enter", "room": "attic"}));
    assert_eq!(guest.error(), "unknown_room");
    anna.say(&json!({"type": "make_room", "name": "attic", "title": "The attic"}));
    assert_eq!(guest.expect("rooms")["rooms"][1]["title"], "The attic");
    daemon.wait_for_line("make_room");
    let mut bert = Member::enter(guest, &json!({"type": "enter", "room": "attic", "name": "Bert"}));
    bert.say("1", "up here");
    bert.until_said(1);

    daemon
        .rewrite_config("", &format!("[room]\nnames = [\"garden\"]\ntitle = \"Hall\"\n{accounts}{SOURCES}"));
    daemon.signal(libc::SIGHUP);
    let rooms = bert.client.expect("rooms");
    let names: Vec<_> = rooms["rooms"].as_array().unwrap().iter().map(|room| &room["name"]).collect();
    assert_eq!(names, ["main", "garden", "attic"]);
    bert.say("2", "still here");
    bert.until_said(2);
    anna.say(&json!({"type": "close_room", "name": "attic"}));
    assert_eq!(bert.client.expect("room_over")["reason"], "closed");

    let mut bert = Member::enter(bert.client, &json!({"type": "enter", "name": "Bert"}));
    daemon.rewrite_config("", &format!("{accounts}{SOURCES}"));
    daemon.signal(libc::SIGHUP);
    assert_eq!(bert.client.expect("room_over")["reason"], "closed");
    assert_eq!(bert.refused(&json!({"type": "enter"})), "unknown_room");
}

#[test]
fn what_was_said_is_kept_over_a_restart_where_the_configuration_says_so() {
    let mut daemon = meeting("history_file = true\nhistory = 2");
    let mut ana = Member::come(daemon.address, "Ana");
    for number in 1..=3 {
        ana.say(&format!("m{number}"), &format!("text {number}"));
    }
    ana.until_said(3);
    daemon.signal(libc::SIGTERM);
    assert!(daemon.wait().0.success());
    daemon.restart();
    let mut ana = Member::come(daemon.address, "Ana");
    assert_eq!(ana.said.values().collect::<Vec<_>>(), ["text 2", "text 3"]);
    // Said again, as by a page that has not heard of it.
    ana.client.say(&json!({"type": "say", "id": "m3", "text": "text 3"}));
    assert_eq!(ana.client.expect("said")["seq"], ana.last());
    ana.say("m4", "text 4");
    ana.until_said(3);
    let file = daemon.folder.path().join("state/rooms/main.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // What cannot be read is set aside, and the room is there.
    daemon.signal(libc::SIGTERM);
    assert!(daemon.wait().0.success());
    std::fs::write(&file, "[{").unwrap();
    daemon.restart();
    assert!(Member::come(daemon.address, "Ana").said.is_empty());
    assert!(file.with_extension("unreadable").exists());
}

#[test]
fn hostile_messages_are_refused_and_the_others_lose_nothing() {
    let mut daemon = meeting("names = [\"garden\"]");
    let address = daemon.address;
    let (mut ana, mut bert) = (Member::come(address, "Ana"), Member::come(address, "Bert"));
    let attacks: [fn(SocketAddr, u64); 4] = [words, strangers, sizes, floods];
    let mut said = 0;
    for attack in attacks {
        attack(address, ana.me);
        said += 1;
        ana.say(&format!("a{said}"), "still here");
        bert.until("heard", |bert| bert.said.values().filter(|text| *text == "still here").count() == said);
        assert!(daemon.is_running());
    }
    bert.until_there(2);
    ana.until_there(2);
    let last = bert.last();
    ana.until("the same", |ana| ana.last() == last);
    assert_eq!(ana.said, bert.said);
    // What looks like a page's code is a text like any other.
    assert!(bert.said.values().any(|text| text == "<img src=x onerror=alert(1)>"));
    let log = daemon.log();
    assert!(!log.contains("panicked") && !log.contains(" ERROR ") && !log.contains("onerror"), "{log}");
}

/// Names and texts that are none, and some that only look bad.
fn words(address: SocketAddr, _somebody: u64) {
    let mut client = Client::greeted(address);
    for name in ["", "  ", "a\nb", "\u{202e}\u{200b}", &"x".repeat(41), "\u{0}"] {
        client.say(&json!({"type": "enter", "name": name}));
        assert_eq!(client.error(), "bad_name", "{name:?}");
    }
    let enter = json!({"type": "enter", "name": "<b onclick=\"x\">\u{202e}lleH</b>"});
    let mut member = Member::enter(client, &enter);
    assert_eq!(member.people[&member.me]["name"], "<b onclick=\"x\">lleH</b>");
    for (id, text) in
        [("1", ""), ("1", " \n "), ("1", "\u{1b}[2J"), ("", "x"), ("a b", "x"), ("1", &"x".repeat(4001))]
    {
        assert_eq!(
            member.refused(&json!({"type": "say", "id": id, "text": text})),
            "bad_text",
            "{id} {text:?}"
        );
    }
    member.say("1", "<img src=x onerror=alert(1)>");
    member.client.expect("said");
    assert_eq!(member.refused(&json!({"type": "rename", "name": "\u{2066}"})), "bad_name");
    for bad in [
        json!({"type": "say", "text": "x"}),
        json!({"type": "say", "id": 1, "text": "x"}),
        json!({"type": "presence", "call": "yes"}),
        json!({"type": "signal", "to": "ana", "body": {"kind": "bye", "session": "s"}}),
        json!({"type": "signal", "to": 1, "body": {"kind": "eval", "session": "s"}}),
        json!({"type": "point", "source": "A B", "x": 0, "y": 0}),
        json!({"type": "enter", "since": -1}),
    ] {
        assert_eq!(member.refused(&bad), "bad_message", "{bad}");
    }
    member.client.say(&json!({"type": "leave"}));
    member.client.expect("bye");
}

/// The wrong room, the wrong peer, no room at all.
fn strangers(address: SocketAddr, somebody: u64) {
    let mut early = Client::connect(address);
    early.say(&json!({"type": "enter"}));
    assert_eq!(early.error(), "out_of_order");
    let mut client = Client::greeted(address);
    let signal = json!({"type": "signal", "to": somebody, "body": {"kind": "bye", "session": "s"}});
    for request in [
        signal.clone(),
        json!({"type": "say", "id": "1", "text": "x"}),
        json!({"type": "exit"}),
        json!({"type": "rename", "name": "x"}),
        json!({"type": "catch_up", "since": 0}),
        json!({"type": "presence", "call": true, "camera": false, "microphone": false, "screen": false, "deaf": false}),
        json!({"type": "point"}),
    ] {
        client.say(&request);
        assert_eq!(client.error(), "not_in_room", "{request}");
    }
    for room in ["nowhere", "../main", "Main", ""] {
        client.say(&json!({"type": "enter", "room": room}));
        assert_eq!(client.error(), "unknown_room", "{room}");
    }
    let mut member = Member::enter(client, &json!({"type": "enter", "room": "garden"}));
    assert_eq!(member.refused(&signal), "unknown_participant");
    let own = json!({"type": "signal", "to": member.me, "body": {"kind": "bye", "session": "s"}});
    assert_eq!(member.refused(&own), "unknown_participant");
    let taken = json!({"type": "enter", "resume": "m4SqZ0yPpnLWxkqvJ1cmCw", "room": "garden"});
    let other = Member::enter(Client::greeted(address), &taken);
    assert_ne!(other.me, member.me);
}

fn sizes(address: SocketAddr, somebody: u64) {
    let mut member = Member::come(address, "Large");
    let body = |sdp: usize, session: usize| {
        json!({"kind": "description", "description_type": "offer", "sdp": "x".repeat(sdp),
            "session": "s".repeat(session)})
    };
    for body in [body(49_153, 1), body(1, 37), body(1, 0)] {
        let signal = json!({"type": "signal", "to": somebody, "body": body});
        assert_eq!(member.refused(&signal), "bad_text");
    }
    member.client.say(&json!({"type": "say", "id": "1", "text": "x".repeat(70_000)}));
    while member.client.next().is_some() {}
}

fn floods(address: SocketAddr, _somebody: u64) {
    let mut member = Member::come(address, "Quick");
    let text = "x".repeat(4000);
    for number in 0..100 {
        member.say(&format!("f{number}"), &text);
    }
    assert_eq!(member.client.error(), "too_fast");
    for _ in 0..200 {
        member.client.say(&json!({"type": "catch_up", "since": 0}));
    }
    member.client.say(&json!({"type": "leave"}));
    member.client.expect("bye");
}

/// One of ten in one of thirty rooms: comes, sees the nine others, says two things, hears all
/// twenty, and passes something to the next one. The number of messages that it was told.
async fn take_part(address: SocketAddr, room: usize) -> usize {
    let request = format!("ws://{address}/ws").into_client_request().unwrap();
    let stream = Async::<TcpStream>::connect(address).await.unwrap();
    let (mut socket, _) = client_async(request, stream).await.unwrap();
    let mut told = 0;
    let name = if room == 0 { "main".to_owned() } else { format!("room-{room}") };
    say(&mut socket, json!({"type": "hello", "version": 1, "video_codecs": ["VP8"]})).await;
    say(&mut socket, json!({"type": "enter", "room": name})).await;
    let (mut me, mut people, mut said, mut signals) = (0, Vec::new(), 0, 0);
    let mut spoken = false;
    while said < 20 || signals < 1 {
        let Some(Ok(message)) = socket.next().await else { panic!("the connection ended") };
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        match message["type"].as_str().unwrap() {
            "room" => {
                me = message["me"].as_u64().unwrap();
                let participants = message["participants"].as_array().unwrap().iter();
                people.extend(participants.map(|someone| someone["id"].as_u64().unwrap()));
                // Said before all were there, by those who saw them first.
                said += message["history"].as_array().unwrap().len();
            }
            "arrived" => people.push(message["participant"]["id"].as_u64().unwrap()),
            "said" => said += 1,
            "signal" => signals += 1,
            "welcome" => {}
            // One who has heard all has gone.
            "changed" | "left" => continue,
            _ => panic!("{message}"),
        }
        told += 1;
        if people.len() == 10 && !spoken {
            spoken = true;
            for number in 0..2 {
                let text = "Something that is said in a meeting, neither long nor short.";
                say(&mut socket, json!({"type": "say", "id": format!("m{number}"), "text": text})).await;
            }
            let next = (people.iter().position(|id| *id == me).unwrap() + 1) % 10;
            let body = json!({"kind": "description", "description_type": "offer", "sdp": "x".repeat(3000),
                "session": "s"});
            say(&mut socket, json!({"type": "signal", "to": people[next], "body": body})).await;
        }
    }
    told
}

async fn say(socket: &mut WebSocketStream<Async<TcpStream>>, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

#[test]
fn thirty_rooms_of_ten_talk_on_one_daemon() {
    let names: Vec<_> = (1..30).map(|number| format!("\"room-{number}\"")).collect();
    let limits = "[limits]\nviewers = 300\nconnections_per_address = 400";
    let daemon = meeting(&format!("names = [{}]\n{limits}", names.join(", ")));
    let (before, begun) = (daemon.cpu(), Instant::now());
    let executor = LocalExecutor::new();
    let tasks: Vec<_> =
        (0..300).map(|number| executor.spawn(take_part(daemon.address, number % 30))).collect();
    let all = async {
        let mut told = 0;
        for task in tasks {
            told += task.await;
        }
        told
    };
    let told = smol::block_on(executor.run(all.or(async {
        Timer::after(3 * LIMIT).await;
        panic!("not done within {:?}", 3 * LIMIT)
    })));
    // In each room: 10 welcomes and rooms, 45 arrivals, 20 texts to each of 10, 10 signals.
    assert_eq!(told, 30 * (10 + 10 + 45 + 200 + 10));
    let cpu = daemon.cpu() - before;
    println!(
        "300 clients in 30 rooms: {told} messages told in {:?}, {cpu:?} of the daemon's",
        begun.elapsed()
    );
    assert!(cpu < Duration::from_secs(20), "{cpu:?}");
}
