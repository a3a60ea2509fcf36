//! Who is let in: tokens, passwords, cookies, bearer tokens, origins.

use crate::support::*;
use serde_json::json;
use std::fs;
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
        assert_eq!(running.get("/api/session").await.json(), json!({"access": "token", "authorized": false}));
        assert_eq!(running.socket(&[]).await.unwrap_err().status, 401);

        let answer = running.log_in(&token_body(&token(state.path()))).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.starts_with("vitrina-"), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"), "{cookie}");

        let cookie = answer.cookie();
        let session = running.request(&with_cookie(&cookie), "").await;
        assert_eq!(session.json(), json!({"access": "token", "authorized": true}));
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
        assert_eq!(running.get("/api/session").await.json(), json!({"access": "open", "authorized": true}));
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
        let (expiry, tag) = value.split_once('.').unwrap();
        let later = expiry.parse::<u64>().unwrap() + 1;
        let flipped =
            if tag.starts_with('A') { tag.replacen('A', "B", 1) } else { format!("A{}", &tag[1..]) };
        for forged in [
            format!("{name}={later}.{tag}"),
            format!("{name}={expiry}.{flipped}"),
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
