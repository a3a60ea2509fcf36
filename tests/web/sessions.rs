//! Who is let in: tokens, passwords, cookies, bearer tokens, origins.

use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use vitrina::web::Server;

fn with_cookie(cookie: &str) -> String {
    format!("GET /api/session HTTP/1.1\r\nCookie: other=1; {cookie}")
}

fn token_body(token: &str) -> String {
    json!({ "token": token }).to_string()
}

#[test]
fn the_token_is_exchanged_for_a_cookie_that_opens_the_socket() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        assert_eq!(
            running.get("/api/session").await.json(),
            json!({"access": "token", "accounts": false, "authorized": false})
        );
        assert_eq!(running.socket(&[]).await.unwrap_err().status, 401);

        let answer = running.log_in(&token_body(&token(state.path()))).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.starts_with("vitrina-"), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"), "{cookie}");

        let cookie = answer.cookie();
        let session = running.request(&with_cookie(&cookie), "").await;
        assert_eq!(
            session.json(),
            json!({"access": "token", "accounts": false, "authorized": true, "role": "viewer"})
        );
        assert_eq!(session.header("set-cookie"), None, "it is new");
        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let _outbox = running.opened().await;

        let left = running.request(&format!("DELETE /api/session HTTP/1.1\r\nCookie: {cookie}"), "").await;
        assert_eq!(left.status, 204);
        assert!(left.header("set-cookie").unwrap().contains("=; Path=/; Max-Age=0; HttpOnly"), "{left:?}");
    });
}

#[test]
fn bearer_tokens_open_everything_for_clients_without_cookies() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let right = format!("Bearer {}", token(state.path()));
        let session =
            running.request(&format!("GET /api/session HTTP/1.1\r\nAuthorization: {right}"), "").await;
        assert_eq!(session.json()["authorized"], true);
        let _socket = running.socket(&[("authorization", &right)]).await.unwrap();
        let refused = running.socket(&[("authorization", "Bearer nonsense")]).await.unwrap_err();
        assert_eq!(refused.status, 401);
        assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
    });
}

#[test]
fn a_password_takes_the_place_of_the_token() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&password(config(state.path()), "correct horse ñ"));
        assert_eq!(running.get("/api/session").await.json()["access"], "password");
        assert_eq!(running.server.link().expose(), format!("{}/", running.server.url()));
        let wrong = running.log_in(r#"{"password":"wrong"}"#).await;
        assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (401, &json!("wrong_password")));
        let old_link = running.log_in(&token_body("x")).await;
        assert_eq!((old_link.status, &old_link.json()["error"]["code"]), (401, &json!("wrong_token")));
        let right = running.log_in(&json!({ "password": "correct horse ñ" }).to_string()).await;
        assert_eq!(right.status, 204);
        assert!(running.socket(&[("cookie", &right.cookie())]).await.is_ok());
        let bearer = "GET /api/session HTTP/1.1\r\nAuthorization: Bearer correct horse ñ";
        assert_eq!(running.request(bearer, "").await.json()["authorized"], true);
        assert!(!state.path().join("token").exists(), "none was made");
    });
}

#[test]
fn open_access_asks_for_nothing() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&open(config(state.path())));
        assert_eq!(
            running.get("/api/session").await.json(),
            json!({"access": "open", "accounts": false, "authorized": true, "role": "viewer"})
        );
        assert_eq!(running.log_in(&token_body("whatever")).await.status, 204);
        assert!(running.socket(&[]).await.is_ok());
    });
}

#[test]
fn wrong_tokens_are_refused_and_then_throttled() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let cookie = running.log_in(&token_body(&token(state.path()))).await.cookie();
        for _ in 0..5 {
            let wrong = running.log_in(&token_body("wrong")).await;
            assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (401, &json!("wrong_token")));
        }
        let right = token_body(&token(state.path()));
        let throttled = running.log_in(&right).await;
        assert_eq!((throttled.status, &throttled.json()["error"]["code"]), (429, &json!("throttled")));
        assert_eq!(throttled.header("retry-after"), Some("1"));
        let bearer = format!("Bearer {}", token(state.path()));
        assert_eq!(running.socket(&[("authorization", &bearer)]).await.unwrap_err().status, 429);
        // Who is in stays in.
        assert_eq!(running.request(&with_cookie(&cookie), "").await.json()["authorized"], true);
        assert!(running.socket(&[("cookie", &cookie)]).await.is_ok());
    });
}

#[test]
fn bodies_that_are_no_login_are_refused_with_what_is_expected() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        for body in ["", "{}", "[]", "\"x\"", r#"{"token":1}"#, r#"{"token":"a","password":"b"}"#, "\u{0}"] {
            let answer = running.log_in(body).await;
            assert_eq!(
                (answer.status, &answer.json()["error"]["code"]),
                (400, &json!("bad_request")),
                "{body}"
            );
            assert!(answer.json()["error"]["message"].as_str().unwrap().contains(r#"{"token": "..."}"#));
        }
        let large = running.log_in(&token_body(&"x".repeat(5000))).await;
        assert_eq!((large.status, &large.json()["error"]["code"]), (413, &json!("too_large")));
        let chunked = "POST /api/session HTTP/1.1\r\nTransfer-Encoding: chunked";
        let chunks = format!("1000\r\n{}\r\n", "x".repeat(4096)).repeat(2) + "0\r\n\r\n";
        let large = running.request(chunked, &chunks).await;
        assert!(large.status == 413 || large.status == 400, "{large:?}");
        // None of them counted as a guess.
        assert_eq!(running.log_in(&token_body(&token(state.path()))).await.status, 204);
    });
}

#[test]
fn pages_of_other_sites_are_refused() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let mut config = config(state.path());
        config.server.public_url = Some("https://tv.example".into());
        let running = start(&config);
        let cookie = running.log_in(&token_body(&token(state.path()))).await.cookie();
        let own = format!("http://{}", running.addr());
        for (origin, allowed) in [
            (own.as_str(), true),
            ("https://tv.example", true),
            ("https://evil.example", false),
            ("http://127.0.0.1:1", false),
            ("null", false),
        ] {
            let socket = running.socket(&[("cookie", &cookie), ("origin", origin)]).await;
            assert_eq!(
                socket.map(|_| ()).map_err(|answer| answer.status),
                allowed.then_some(()).ok_or(403),
                "{origin}"
            );
            let head = format!("DELETE /api/session HTTP/1.1\r\nOrigin: {origin}");
            assert_eq!(running.request(&head, "").await.status, if allowed { 204 } else { 403 }, "{origin}");
            let head = format!("POST /api/session HTTP/1.1\r\nOrigin: {origin}");
            let answer = running.request(&head, &token_body(&token(state.path()))).await;
            assert_eq!(answer.status, if allowed { 204 } else { 403 }, "{origin}");
        }
    });
}

#[test]
fn a_forged_or_altered_cookie_is_nothing() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let cookie = running.log_in(&token_body(&token(state.path()))).await.cookie();
        let (name, value) = cookie.split_once('=').unwrap();
        let (text, tag) = value.rsplit_once('.').unwrap();
        let (expiry, whose) = text.split_once('.').unwrap();
        let later = expiry.parse::<u64>().unwrap() + 1;
        let flipped =
            if tag.starts_with('A') { tag.replacen('A', "B", 1) } else { format!("A{}", &tag[1..]) };
        for forged in [
            format!("{name}={later}.{whose}.{tag}"),
            format!("{name}={text}.{flipped}"),
            format!("{name}={expiry}.{}.s.{tag}", "0".repeat(32)),
            format!("{name}={}.aadmin.{tag}", text.strip_suffix(".s").unwrap()),
            format!("{name}={expiry}.{tag}"),
            format!("{name}={expiry}."),
            format!("{name}={expiry}.AAAA"),
            format!("{name}="),
            format!("x{cookie}"),
            format!("__Host-{cookie}"),
        ] {
            let session = running.request(&with_cookie(&forged), "").await;
            assert_eq!(session.json()["authorized"], false, "{forged}");
            assert_eq!(running.socket(&[("cookie", &forged)]).await.unwrap_err().status, 401, "{forged}");
        }
        let both = format!("{name}=1.x; {cookie}");
        assert_eq!(running.request(&with_cookie(&both), "").await.json()["authorized"], true);
    });
}

#[test]
fn a_session_outlives_a_restart_and_dies_with_the_token() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        let cookie = running.log_in(&token_body(&token(state.path()))).await.cookie();
        drop(running);

        let running = start(&config);
        assert_eq!(running.request(&with_cookie(&cookie), "").await.json()["authorized"], true);
        drop(running);

        fs::remove_file(state.path().join("token")).unwrap();
        let running = start(&config);
        assert_eq!(running.request(&with_cookie(&cookie), "").await.json()["authorized"], false);
        drop(running);

        let running = start(&password(config.clone(), "one"));
        let cookie = running.log_in(r#"{"password":"one"}"#).await.cookie();
        drop(running);
        let running = start(&password(config, "two"));
        assert_eq!(running.request(&with_cookie(&cookie), "").await.json()["authorized"], false);
    });
}

#[test]
fn state_files_that_cannot_be_used_are_named() {
    let state = tempfile::tempdir().unwrap();
    let config = config(state.path());
    let bind = || Server::bind(&config, async_channel::bounded(1).0).err().map(|error| error.to_string());
    assert_eq!(bind(), None);
    for (file, content) in [
        ("token", "short"),
        ("token", ""),
        ("token", "with a space, long enough to be one"),
        ("session_key", "x"),
    ] {
        let path = state.path().join(file);
        let good = fs::read(&path).unwrap();
        fs::write(&path, content).unwrap();
        let message = bind().unwrap();
        assert!(message.contains(path.to_str().unwrap()) && message.contains("delete the file"), "{message}");
        fs::write(&path, good).unwrap();
    }
    // A token of one's own.
    fs::write(state.path().join("token"), "my-own-token-that-is-long-enough\n").unwrap();
    assert_eq!(bind(), None);
}

#[test]
fn a_session_that_is_half_spent_is_made_anew() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let fresh = running.log_in(&token_body(&token(state.path()))).await.cookie();
        let name = fresh.split_once('=').unwrap().0;
        // As the server makes them, only earlier.
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let cookie = |expires_s: u64| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &fs::read(state.path().join("session_key")).unwrap());
            let secret = digest::digest(&digest::SHA256, token(state.path()).as_bytes());
            let stamp = digest::digest(&digest::SHA256, &[&[1], secret.as_ref()].concat());
            let text = format!("{expires_s}.{:032x}.s", 7);
            let signed = [b"vitrina session 2", stamp.as_ref(), text.as_bytes()].concat();
            format!("{name}={text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, &signed)))
        };
        const DAY: u64 = 24 * 3600;
        let old = running.request(&with_cookie(&cookie(now_s + 14 * DAY)), "").await;
        assert_eq!(old.json()["authorized"], true);
        let renewed = old.cookie();
        assert!(running.socket(&[("cookie", &renewed)]).await.is_ok());
        let young = running.request(&with_cookie(&cookie(now_s + 16 * DAY)), "").await;
        assert_eq!((young.json()["authorized"].as_bool(), young.header("set-cookie")), (Some(true), None));
        let ended = running.request(&with_cookie(&cookie(now_s - 1)), "").await;
        assert_eq!((ended.json()["authorized"].as_bool(), ended.header("set-cookie")), (Some(false), None));

        // Signed out by the cookie of today, it is over for that of yesterday.
        let left = running.request(&format!("DELETE /api/session HTTP/1.1\r\nCookie: {renewed}"), "").await;
        assert_eq!(left.status, 204);
        let replayed = running.request(&with_cookie(&cookie(now_s + 14 * DAY)), "").await;
        assert_eq!(replayed.json()["authorized"], false);
    });
}

#[test]
fn cookies_of_vitrina_0_1_go_on() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let fresh = running.log_in(&token_body(&token(state.path()))).await.cookie();
        let name = fresh.split_once('=').unwrap().0;
        let expires_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 1000;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &fs::read(state.path().join("session_key")).unwrap());
        let mut text = b"vitrina session 1".to_vec();
        text.extend(expires_s.to_be_bytes());
        text.push(1);
        text.extend(digest::digest(&digest::SHA256, token(state.path()).as_bytes()).as_ref());
        let old = format!("{name}={expires_s}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, &text)));

        let renewed = running.request(&with_cookie(&old), "").await.cookie();
        assert_eq!(running.request(&with_cookie(&renewed), "").await.json()["authorized"], true);
        running.request(&format!("DELETE /api/session HTTP/1.1\r\nCookie: {renewed}"), "").await;
        assert_eq!(running.request(&with_cookie(&old), "").await.json()["authorized"], false);
    });
}

/// What this process logs.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_has_no_secrets_and_addresses_only_at_debug() {
    let logged = Logged::default();
    let writer = logged.clone();
    // For the whole process: the server's tasks run on a thread of their own. What other tests
    // log meanwhile has to keep to the same rules.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("trace,async_io=off,polling=off")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let state = tempfile::tempdir().unwrap();
    let running = start(&config(state.path()));
    let cookie = run(async {
        let cookie = running.log_in(&token_body(&token(state.path()))).await.cookie();
        assert_eq!(running.log_in(&token_body("a-wrong-token")).await.status, 401);
        let bearer = [("authorization", "Bearer another-wrong-token")];
        assert_eq!(running.socket(&bearer).await.unwrap_err().status, 401);
        let mut socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let _outbox = running.opened().await;
        socket.close(None).await.unwrap();
        running.closed().await;
        cookie
    });

    let log = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("wrong token or password") && log.contains("WebSocket opened"), "{log}");
    let value = cookie.split_once('=').unwrap().1;
    for secret in [&token(state.path()), value, "a-wrong-token", "another-wrong-token", "token="] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    for line in log.lines().filter(|line| line.contains(" INFO ") || line.contains(" WARN ")) {
        assert!(!line.contains("127.0.0.1"), "{line}");
    }
}
