//! Logins to a TURN server that are made of a secret: told, renewed, kept out of the log.

use crate::client::Client;
use crate::process::{Daemon, SOURCES};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

fn server(secret: &str, lifetime_s: u32) -> String {
    format!(
        "[[network.ice_server]]\nurls = [\"turn:127.0.0.1:9\"]\nsecret = \"{secret}\"\nlifetime_s = {lifetime_s}\n\
         [log]\nlevel = \"trace\"\n"
    )
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Holds a login against what a TURN server with that secret reckons; returns when it expires.
pub fn expiry(username: &str, credential: &str, secret: &str) -> u64 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    hmac::verify(&key, username.as_bytes(), &STANDARD.decode(credential).unwrap()).unwrap();
    let (expires, name) = username.split_once(':').unwrap();
    assert!(name.starts_with("viewer-"), "{username}");
    expires.parse().unwrap()
}

/// When the one login of a message expires.
fn expiry_in(message: &Value, secret: &str) -> u64 {
    let [server] = message["ice_servers"].as_array().unwrap().as_slice() else { panic!("{message}") };
    let text = |key: &str| server[key].as_str().unwrap();
    assert_eq!(server["urls"], json!(["turn:127.0.0.1:9"]));
    expiry(text("username"), text("credential"), secret)
}

#[test]
fn a_viewer_s_login_is_renewed_before_it_expires_and_is_not_logged() {
    let daemon = Daemon::start(&server("north-wind", 5));
    let mut client = Client::connect(daemon.address);
    client.say(&json!({"type": "hello", "version": 1, "video_codecs": ["H264"]}));
    let begun = seconds_now();
    let welcome = client.expect("welcome");
    let first = expiry_in(&welcome, "north-wind");
    assert!((begun + 4..=begun + 6).contains(&first), "{first} at {begun}");
    let renewed = client.expect("ice_servers");
    assert!(seconds_now() < first, "it came in time");
    assert!(expiry_in(&renewed, "north-wind") > first);
    daemon.wait_for_line("ICE servers told anew");
    let log = daemon.log();
    assert!(!log.contains("north-wind"));
    for message in [welcome, renewed] {
        assert!(!log.contains(message["ice_servers"][0]["credential"].as_str().unwrap()));
    }
}

#[test]
fn a_reload_with_other_servers_tells_who_is_there() {
    let daemon = Daemon::start(&server("north-wind", 3600));
    let mut client = Client::connect(daemon.address);
    client.say(&json!({"type": "hello", "version": 1, "video_codecs": ["H264"]}));
    expiry_in(&client.expect("welcome"), "north-wind");

    daemon.rewrite_config(&server("south-wind", 3600), SOURCES);
    daemon.signal(libc::SIGHUP);
    expiry_in(&client.expect("ice_servers"), "south-wind");

    daemon.rewrite_config("", SOURCES);
    daemon.signal(libc::SIGHUP);
    assert_eq!(client.expect("ice_servers")["ice_servers"], json!([]));
}
