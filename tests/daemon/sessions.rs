//! Who is let in, who is shown out, and what is left of it.

use crate::client::Client;
use crate::process::{Daemon, SOURCES};
use serde_json::json;

#[test]
fn a_new_token_ends_the_sessions_that_the_old_one_began() {
    let daemon = Daemon::start_with("", SOURCES, &[]);
    let file = daemon.folder.path().join("state/token");
    let old = std::fs::read_to_string(&file).unwrap();
    let old = old.trim();
    assert!(Client::try_connect(daemon.address, None).is_none());
    let mut client = Client::try_connect(daemon.address, Some(old)).unwrap();
    client.say(&json!({"type": "hello", "version": 1, "video_codecs": ["H264"]}));
    client.expect("welcome");

    // The same token read again: nobody notices.
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("configuration reloaded");
    client.say(&json!({"type": "ping", "id": 1}));
    client.expect("pong");

    let new: String = old.chars().rev().collect();
    std::fs::write(&file, format!("{new}\n")).unwrap();
    daemon.signal(libc::SIGHUP);
    let bye = client.expect("bye");
    assert_eq!((&bye["reason"], bye["retry_ms"].is_u64()), (&json!("revoked"), true));
    assert!(Client::try_connect(daemon.address, Some(old)).is_none());
    assert!(Client::try_connect(daemon.address, Some(&new)).is_some());
    assert!(!daemon.log().contains(&*new) && !daemon.log().contains(old));
}

#[test]
fn a_reload_takes_the_log_level() {
    let daemon = Daemon::start("");
    assert!(!daemon.log().contains("DEBUG"));
    daemon.rewrite_config("[log]\nlevel = \"vitrina=debug\"\n", SOURCES);
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("configuration reloaded");
    let _client = Client::greeted(daemon.address);
    daemon.wait_for_line("DEBUG");
}

#[test]
fn who_is_shown_out_takes_no_place() {
    let daemon = Daemon::start("[limits]\nviewers = 1\n");
    let mut first = Client::greeted(daemon.address);
    // Takes its time to close.
    let mut refused = Client::connect(daemon.address);
    assert_eq!(refused.expect("bye")["reason"], "full");
    first.say(&json!({"type": "leave"}));
    assert_eq!(first.expect("bye")["reason"], "left");
    let _second = Client::greeted(daemon.address);
    drop(refused);
}

#[test]
fn who_can_decode_nothing_is_told_so_and_may_still_listen() {
    let daemon = Daemon::start("");
    let mut client = Client::connect(daemon.address);
    client.say(&json!({"type": "hello", "version": 1, "video_codecs": ["AV1"]}));
    client.expect("welcome");
    client.say(&json!({"type": "join", "sources": ["camera"]}));
    assert_eq!(client.error(), "no_codec");
    client.say(&json!({"type": "join", "sources": ["screen"]}));
    let tracks = client.expect("offer")["tracks"].clone();
    assert_eq!((tracks.as_array().unwrap().len(), &tracks[0]["codec"]), (1, &json!("opus")));
}
