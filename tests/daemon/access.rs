//! Who may see what: accounts and their rights, by WebSocket and by WHEP, and what a reload takes
//! away while they watch.

use crate::client::{Client, Viewer};
use crate::process::{Daemon, SOURCES};
use crate::whep::{Answer, OFFER, SDP, ask};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

pub fn account(name: &str, more: &str) -> String {
    let hash = vitrina::web::hash_password(PASSWORD).unwrap();
    format!("[[account]]\nname = \"{name}\"\npassword_hash = \"{}\"\n{more}\n", hash.expose())
}

/// What `Authorization` says for an account.
fn basic(name: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{PASSWORD}")))
}

pub fn by_name(daemon: &Daemon, name: &str) -> Client {
    Client::try_connect_by(daemon.address, Some(&basic(name))).unwrap()
}

fn names(welcome: &Value) -> Vec<&str> {
    welcome["sources"].as_array().unwrap().iter().map(|source| source["name"].as_str().unwrap()).collect()
}

fn whep(daemon: &Daemon, method: &str, path: &str, name: &str) -> Answer {
    let authorization = format!("Authorization: {}", basic(name));
    let body = if method == "POST" { OFFER } else { "" };
    ask(daemon.address, method, path, &[SDP, &authorization], body)
}

#[test]
fn a_source_that_one_may_not_see_is_not_there() {
    let accounts = account("anna", "role = \"admin\"") + &account("bert", "sources = [\"camera\"]");
    let daemon = Daemon::start_with("", &format!("{accounts}{SOURCES}"), &[]);
    assert_eq!(names(&by_name(&daemon, "anna").hello()), ["screen", "camera"]);

    let mut bert = by_name(&daemon, "bert");
    assert_eq!(names(&bert.hello()), ["camera"]);
    for message in [
        json!({"type": "join", "sources": ["screen"]}),
        json!({"type": "join", "sources": ["camera", "screen"]}),
    ] {
        bert.say(&message);
        let hidden = bert.expect("error");
        let message = "There is no source 'screen' here.";
        assert_eq!((&hidden["code"], &hidden["message"]), (&json!("unknown_source"), &json!(message)));
    }
    // What happens to it is nothing to him either.
    let anna = by_name(&daemon, "anna");
    let mut anna = Viewer::join({
        let mut anna = anna;
        anna.hello();
        anna
    });
    anna.peer.wait_frames(1, crate::client::LIMIT);
    anna.client.say(&json!({"type": "choose", "source": "screen", "rung": 0}));
    bert.say(&json!({"type": "join"}));
    loop {
        let message = bert.next().unwrap();
        assert_ne!((&message["type"], &message["name"]), (&json!("source"), &json!("screen")));
        if message["type"] == "offer" {
            let tracks = message["tracks"].as_array().unwrap();
            assert!(tracks.iter().all(|track| track["source"] == "camera") && !tracks.is_empty());
            break;
        }
    }
    bert.say(&json!({"type": "select", "sources": ["screen"]}));
    assert_eq!(bert.error(), "unknown_source");
}

#[test]
fn by_whep_nobody_sees_or_ends_what_is_another_s() {
    let accounts =
        account("anna", "") + &account("bert", "sources = [\"camera\"]") + &account("carl", "sources = []");
    let daemon = Daemon::start_with("", &format!("{accounts}{SOURCES}"), &[]);
    let refused = whep(&daemon, "POST", "/whep/screen", "bert");
    assert_eq!(refused.status, 404);
    assert!(refused.body.contains("There is no source 'screen' here."), "{}", refused.body);
    assert_eq!(whep(&daemon, "POST", "/whep", "carl").status, 404);

    let everything = whep(&daemon, "POST", "/whep", "bert");
    assert_eq!(everything.status, 201, "{}", everything.body);
    assert!(
        everything.body.contains("camera-video") && !everything.body.contains("screen"),
        "{}",
        everything.body
    );

    let session = everything.header("location").unwrap();
    for method in ["GET", "DELETE"] {
        let others = whep(&daemon, method, session, "anna");
        assert_eq!((others.status, others.body.contains("unknown_session") || method == "GET"), (404, true));
    }
    assert_eq!(ask(daemon.address, "GET", session, &[], "").status, 401);
    assert_eq!(whep(&daemon, "GET", session, "bert").status, 204);
    assert_eq!(whep(&daemon, "DELETE", session, "bert").status, 200);
}

#[test]
fn who_is_removed_or_changed_is_shown_out_and_nobody_else() {
    let (anna, bert, carl) = (account("anna", ""), account("bert", ""), account("carl", ""));
    let daemon = Daemon::start_with("", &format!("{anna}{bert}{carl}{SOURCES}"), &[]);
    let mut clients = ["anna", "bert", "carl"].map(|name| by_name(&daemon, name));
    clients.iter_mut().for_each(|client| assert_eq!(names(&client.hello()), ["screen", "camera"]));
    let session = whep(&daemon, "POST", "/whep/camera", "carl");
    let session = session.header("location").unwrap();

    daemon.rewrite_access("", &format!("{anna}{bert}sources = [\"camera\"]\n{SOURCES}"));
    daemon.signal(libc::SIGHUP);
    let [mut anna, mut bert, mut carl] = clients;
    for gone in [&mut bert, &mut carl] {
        let bye = gone.expect("bye");
        assert_eq!((&bye["reason"], bye["retry_ms"].is_u64()), (&json!("revoked"), true));
        assert!(gone.next().is_none());
    }
    assert!(Client::try_connect_by(daemon.address, Some(&basic("carl"))).is_none());
    assert_eq!(names(&by_name(&daemon, "bert").hello()), ["camera"]);
    assert_eq!(whep(&daemon, "GET", session, "anna").status, 404);
    anna.say(&json!({"type": "ping", "id": 1}));
    anna.expect("pong");
}

#[test]
fn a_sign_out_ends_what_the_cookie_has_opened() {
    let daemon = Daemon::start_with("", &format!("{}{SOURCES}", account("anna", "")), &[]);
    let login = json!({"name": "anna", "password": PASSWORD}).to_string();
    let answer = ask(daemon.address, "POST", "/api/session", &[], &login);
    assert_eq!(answer.status, 204);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let cookie = format!("Cookie: {cookie}");
    let session = ask(daemon.address, "POST", "/whep", &[SDP, &cookie], OFFER);
    assert_eq!(session.status, 201);
    let session = session.header("location").unwrap().to_owned();
    assert_eq!(whep(&daemon, "GET", &session, "anna").status, 204);

    assert_eq!(ask(daemon.address, "DELETE", "/api/session", &[&cookie], "").status, 204);
    daemon.wait_for_line("reason=\"revoked\"");
    assert_eq!(ask(daemon.address, "GET", &session, &[&cookie], "").status, 401);
    assert_eq!(whep(&daemon, "GET", &session, "anna").status, 404);
}

#[test]
fn each_limit_says_whose_it_is() {
    let limits = "[limits]\nviewers_per_source = 1\nviewers_per_account = 2\n";
    let accounts = account("anna", "") + &account("bert", "");
    let daemon = Daemon::start_with("", &format!("{limits}{accounts}{SOURCES}"), &[]);
    let full = |client: &mut Client| {
        let bye = client.expect("bye");
        assert_eq!((&bye["reason"], bye["retry_ms"].is_u64()), (&json!("full"), true));
        assert!(client.next().is_none());
        bye["message"].as_str().unwrap().to_owned()
    };

    let mut first = by_name(&daemon, "anna");
    first.hello();
    let _second = by_name(&daemon, "anna");
    assert_eq!(
        full(&mut by_name(&daemon, "anna")),
        "As many as are allowed at once (2) watch as account anna."
    );
    let refused = whep(&daemon, "POST", "/whep/camera", "anna");
    assert!(refused.status == 503 && refused.body.contains("as account anna"), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("5"));

    first.say(&json!({"type": "join", "sources": ["camera"]}));
    first.expect("offer");
    let mut bert = by_name(&daemon, "bert");
    bert.hello();
    bert.say(&json!({"type": "join"}));
    assert_eq!(full(&mut bert), "As many viewers as are allowed (1) watch 'camera'.");
    let refused = whep(&daemon, "POST", "/whep/camera", "bert");
    assert!(refused.status == 503 && refused.body.contains("(1) watch 'camera'"), "{}", refused.body);
    assert_eq!(whep(&daemon, "POST", "/whep/screen", "bert").status, 201);

    // Who has the link is not one account.
    let token = std::fs::read_to_string(daemon.folder.path().join("state/token")).unwrap();
    let many: Vec<_> =
        (0..3).map(|_| Client::try_connect(daemon.address, Some(token.trim())).unwrap()).collect();
    many.into_iter().for_each(|mut client| assert_eq!(names(&client.hello()), ["screen", "camera"]));
}
