//! What admins may over the signalling, and nobody else.

use crate::access::{account, by_name};
use crate::client::{Client, LIMIT, Viewer};
use crate::process::{Daemon, SOURCES};
use serde_json::{Value, json};
use std::time::Instant;

fn start() -> Daemon {
    let accounts = account("anna", "role = \"admin\"") + &account("bert", "");
    Daemon::start_with("", &format!("{accounts}{SOURCES}"), &[])
}

fn greeted(daemon: &Daemon, name: &str) -> Client {
    let mut client = by_name(daemon, name);
    client.hello();
    client
}

/// The next list in which that is so.
fn list_when(admin: &mut Client, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let end = Instant::now() + LIMIT;
    loop {
        let list = admin.expect("viewers")["viewers"].as_array().unwrap().clone();
        if is_so(&list) {
            return list;
        }
        assert!(Instant::now() < end, "{list:?}");
    }
}

#[test]
fn nobody_else_may() {
    let daemon = start();
    let mut bert = greeted(&daemon, "bert");
    let requests = [
        json!({"type": "watch_viewers", "on": true}),
        json!({"type": "end_viewer", "viewer": 1}),
        json!({"type": "pause"}),
        json!({"type": "pause", "source": "screen"}),
        json!({"type": "resume"}),
        json!({"type": "invite"}),
        json!({"type": "invitations"}),
        json!({"type": "revoke", "invitation": "k3x9m2pq"}),
    ];
    for request in &requests {
        bert.say(request);
        assert_eq!(bert.error(), "forbidden", "{request}");
    }
    // Before hello nobody may, and an admin is refused what is not there.
    let mut anna = by_name(&daemon, "anna");
    for request in &requests {
        anna.say(request);
        assert_eq!(anna.error(), "out_of_order", "{request}");
    }
    anna.hello();
    anna.say(&json!({"type": "end_viewer", "viewer": 4711}));
    assert_eq!(anna.error(), "unknown_viewer");
    anna.say(&json!({"type": "pause", "source": "nonsense"}));
    assert_eq!(anna.error(), "unknown_source");
    assert!(daemon.told(&["status"]).contains("screen  idle"));
    let log = daemon.log();
    assert!(!log.contains("event=\"ended\"") && !log.contains("paused"), "{log}");
}

#[test]
fn an_admin_sees_who_watches_and_ends_a_session() {
    let daemon = start();
    let mut anna = greeted(&daemon, "anna");
    anna.say(&json!({"type": "watch_viewers", "on": true}));
    let alone = anna.expect("viewers");
    assert_eq!(
        (&alone["viewers"][0]["name"], alone["viewers"].as_array().unwrap().len()),
        (&json!("anna"), 1)
    );

    let mut bert = Viewer::join(greeted(&daemon, "bert"));
    bert.peer.wait_frames(5, LIMIT);
    let list =
        list_when(&mut anna, |list| list.len() == 2 && list[1]["link"]["sent_kbps"].as_u64() > Some(0));
    let told = &list[1];
    assert_eq!(
        (&told["name"], &told["from"], &told["by"]),
        (&json!("bert"), &json!("127.0.0.1"), &json!("page"))
    );
    assert_eq!(told["watching"].as_array().unwrap().len(), 2);

    // Once a second, and no more once it is not wanted.
    let begun = Instant::now();
    anna.expect("viewers");
    anna.expect("viewers");
    assert!(begun.elapsed().as_secs_f64() > 0.9, "{:?}", begun.elapsed());
    for _ in 0..20 {
        anna.say(&json!({"type": "watch_viewers", "on": false}));
        anna.say(&json!({"type": "watch_viewers", "on": true}));
    }
    anna.say(&json!({"type": "watch_viewers", "on": false}));
    anna.say(&json!({"type": "ping", "id": 1}));
    let mut lists = 0;
    loop {
        let message = anna.next().unwrap();
        lists += u32::from(message["type"] == "viewers");
        if message["type"] == "pong" {
            break;
        }
    }
    assert!(lists <= 3, "{lists}");

    anna.say(&json!({"type": "end_viewer", "viewer": told["viewer"]}));
    let bye = bert.client.expect("bye");
    assert_eq!((&bye["reason"], &bye["retry_ms"]), (&json!("ended"), &Value::Null));
    assert!(bert.client.next().is_none());
    let line = daemon.wait_for_line("session ended");
    for part in ["vitrina::audit", "account anna", "account bert"] {
        assert!(line.contains(part), "{line}");
    }
    anna.say(&json!({"type": "watch_viewers", "on": true}));
    list_when(&mut anna, |list| list.len() == 1);
}

#[test]
fn an_admin_invites_lists_and_takes_back() {
    let daemon = start();
    let mut anna = greeted(&daemon, "anna");
    anna.say(&json!({"type": "invite", "sources": ["screen"], "expires_s": 600, "uses": 2, "name": "Ana"}));
    let made = anna.expect("invitation");
    let id = made["invitation"]["invitation"].clone();
    assert_eq!((&made["invitation"]["role"], &made["invitation"]["used"]), (&json!("viewer"), &json!(0)));
    assert!(made["link"].as_str().unwrap().contains("/#invite="), "{made}");
    let rows: Vec<_> = made["qr"].as_array().unwrap().iter().map(|row| row.as_str().unwrap().len()).collect();
    assert!(rows.len() > 20 && rows.iter().all(|len| *len == rows.len()), "{rows:?}");
    let listed = anna.expect("invitations");
    assert_eq!(listed["invitations"][0]["invitation"], id);
    assert!(!listed.to_string().contains("invite="), "the link is told once");
    let line = daemon.wait_for_line("invitation made");
    assert!(line.contains("vitrina::audit") && line.contains("account anna"), "{line}");
    assert!(!daemon.log().contains("invite="), "{}", daemon.log());

    for (wanted, code) in [
        (json!({"type": "invite", "role": "admin"}), "bad_invitation"),
        (json!({"type": "invite", "expires_s": 1}), "bad_invitation"),
        (json!({"type": "invite", "sources": ["nonsense"]}), "unknown_source"),
        (json!({"type": "revoke", "invitation": "nothere12"}), "bad_invitation"),
    ] {
        anna.say(&wanted);
        assert_eq!(anna.error(), code, "{wanted}");
    }
    anna.say(&json!({"type": "revoke", "invitation": id}));
    let mut left = anna.expect("invitations");
    while left["invitations"].as_array().unwrap().iter().any(|one| one["invitation"] == id) {
        left = anna.expect("invitations");
    }
}

#[test]
fn an_admin_pauses_for_everybody_and_brings_back_only_what_admins_have_paused() {
    let daemon = start();
    let (mut anna, mut bert) = (greeted(&daemon, "anna"), greeted(&daemon, "bert"));
    anna.say(&json!({"type": "pause", "source": "camera"}));
    for client in [&mut anna, &mut bert] {
        let told = client.expect("source");
        assert_eq!(
            (&told["name"], &told["state"], &told["by"]),
            (&json!("camera"), &json!("paused"), &json!("admin"))
        );
    }
    let line = daemon.wait_for_line("event=\"paused\"");
    for part in ["vitrina::audit", "account anna", "camera"] {
        assert!(line.contains(part), "{line}");
    }

    assert_eq!(daemon.told(&["pause", "screen"]), "paused: screen, camera\n");
    assert_eq!(bert.expect("source")["by"], "machine");
    anna.say(&json!({"type": "resume"}));
    let told = bert.expect("source");
    assert_eq!((&told["name"], &told["state"]), (&json!("camera"), &json!("idle")));
    assert!(daemon.told(&["status"]).contains("screen  paused"));
    // What the machine brings back is back, whoever has paused it.
    anna.say(&json!({"type": "pause"}));
    bert.expect("source");
    assert_eq!(daemon.told(&["resume"]), "nothing is paused\n");
}
