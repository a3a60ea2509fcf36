//! Who signs in by name: passwords, cookies, what a reload takes away, and what a sign-out ends.

use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::BTreeSet;
use vitrina::config::{Access, Config};
use vitrina::core::ids::SourceName;
use vitrina::core::principal::{Rights, Role, Who};
use vitrina::web::{Event, accounts_path, write_accounts};

const PASSWORD: &str = "correct horse ñ";

fn login(name: &str, password: &str) -> String {
    json!({ "name": name, "password": password }).to_string()
}

fn who(cookie: &str) -> String {
    format!("GET /api/session HTTP/1.1\r\nCookie: {cookie}")
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// By token, or as the admin anna.
fn with_anna(state: &tempfile::TempDir) -> Config {
    with_account(config(state.path()), account("anna", PASSWORD, Role::Admin))
}

#[test]
fn a_name_and_a_password_open_the_socket_as_whom_they_belong_to() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&with_anna(&state));
        let outside = json!({"access": "token", "accounts": true, "authorized": false});
        assert_eq!(running.get("/api/session").await.json(), outside);

        let answer = running.log_in(&login("anna", PASSWORD)).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"), "{cookie}");
        let cookie = answer.cookie();
        let inside =
            json!({"access": "token", "accounts": true, "authorized": true, "name": "anna", "role": "admin"});
        assert_eq!(running.request(&who(&cookie), "").await.json(), inside);

        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let anna = running.grant().await;
        assert_eq!(anna.principal().who.to_string(), "account anna");
        assert_eq!((anna.principal().role, &anna.principal().sources), (Role::Admin, &Rights::All));

        let _another = running.socket(&[("authorization", &basic("anna", PASSWORD))]).await.unwrap();
        assert_eq!(running.grant().await.principal(), anna.principal());
    });
}

#[test]
fn the_token_makes_a_viewer_and_nothing_more() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let mut config = with_anna(&state);
        config.shared_sources = Rights::Only(BTreeSet::from([SourceName::new("screen").unwrap()]));
        let running = start(&config);
        let bearer = format!("Bearer {}", token(state.path()));
        let _socket = running.socket(&[("authorization", &bearer)]).await.unwrap();
        let grant = running.grant().await;
        let principal = grant.principal();
        assert_eq!((&principal.who, principal.role, &principal.name), (&Who::Anyone, Role::Viewer, &None));
        assert_eq!(principal.sources, config.shared_sources);
    });
}

#[test]
fn who_has_the_wrong_password_or_no_account_hears_the_same() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&with_anna(&state));
        let wrong = running.log_in(&login("anna", "wrong")).await;
        let unknown = running.log_in(&login("zoe", PASSWORD)).await;
        let impossible = running.log_in(&login("No Name", PASSWORD)).await;
        assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (401, &json!("wrong_password")));
        assert_eq!((unknown.status, impossible.status), (401, 401));
        assert_eq!((&unknown.body, &impossible.body), (&wrong.body, &wrong.body));
        for headers in [basic("anna", "wrong"), "Basic ?".to_owned()] {
            let refused = running.socket(&[("authorization", &headers)]).await.unwrap_err();
            assert_eq!(refused.status, 401, "{headers}");
            // A browser would ask by itself for what `Basic` challenges for.
            assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
        }
        assert_eq!(running.log_in(&json!({ "password": PASSWORD }).to_string()).await.status, 401);
        // The password of an account is no token.
        let bearer = format!("Bearer {PASSWORD}");
        let head = format!("GET /api/session HTTP/1.1\r\nAuthorization: {bearer}");
        assert_eq!(running.request(&head, "").await.json()["authorized"], false);
        let throttled = running.log_in(&login("anna", PASSWORD)).await;
        assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("1")));
    });
}

#[test]
fn a_cookie_that_was_signed_out_is_worth_nothing_also_after_a_restart() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = with_anna(&state);
        let running = start(&config);
        let cookie = running.log_in(&login("anna", PASSWORD)).await.cookie();
        let other = running.log_in(&login("anna", PASSWORD)).await.cookie();
        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let grant = running.grant().await;
        assert!(running.server.holds(&grant));

        let head = format!("DELETE /api/session HTTP/1.1\r\nCookie: {cookie}");
        assert_eq!(running.request(&head, "").await.status, 204);
        assert!(matches!(running.event().await, Event::AccessChanged));
        assert!(!running.server.holds(&grant), "what it had opened ends");
        assert_eq!(running.request(&who(&cookie), "").await.json()["authorized"], false);
        assert_eq!(running.socket(&[("cookie", &cookie)]).await.unwrap_err().status, 401);
        assert_eq!(running.request(&who(&other), "").await.json()["authorized"], true);
        drop(running);

        let running = start(&config);
        assert_eq!(running.socket(&[("cookie", &cookie)]).await.unwrap_err().status, 401);
        assert_eq!(running.request(&who(&other), "").await.json()["authorized"], true);
    });
}

#[test]
fn an_account_that_is_changed_or_removed_ends_its_sessions() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let anna = account("anna", PASSWORD, Role::Admin);
        let running = start(&with_account(config.clone(), anna.clone()));
        let cookie = running.log_in(&login("anna", PASSWORD)).await.cookie();
        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let grant = running.grant().await;
        running.server.reload(&with_account(config.clone(), anna.clone())).unwrap();
        assert!(running.server.holds(&grant), "nothing has changed");

        // Another role: who is there comes back by the same cookie, as who they are now.
        let mut viewer = anna.clone();
        viewer.role = Role::Viewer;
        running.server.reload(&with_account(config.clone(), viewer)).unwrap();
        assert!(!running.server.holds(&grant));
        assert_eq!(running.request(&who(&cookie), "").await.json()["role"], "viewer");

        // Another password, and nobody of that name.
        let again = account("anna", PASSWORD, Role::Admin);
        for without in [with_account(config.clone(), again), config] {
            running
                .server
                .reload(&with_account(without.clone(), account("bert", PASSWORD, Role::Viewer)))
                .unwrap();
            assert_eq!(running.request(&who(&cookie), "").await.json()["authorized"], false);
            assert_eq!(running.socket(&[("cookie", &cookie)]).await.unwrap_err().status, 401);
        }
        assert_eq!(running.log_in(&login("anna", PASSWORD)).await.status, 401);
        assert_eq!(running.log_in(&login("bert", PASSWORD)).await.status, 204);
    });
}

#[test]
fn accounts_in_the_state_folder_count_and_a_bad_file_changes_nothing() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        let path = accounts_path(&config);
        write_accounts(&path, &[account("anna", PASSWORD, Role::Participant)]).unwrap();
        assert_eq!(running.log_in(&login("anna", PASSWORD)).await.status, 401, "not read yet");
        running.server.reload(&config).unwrap();
        let cookie = running.log_in(&login("anna", PASSWORD)).await.cookie();
        assert_eq!(running.request(&who(&cookie), "").await.json()["role"], "participant");

        std::fs::write(&path, "[[account]]\nname = \"Anna\"\npassword_hash = \"hunter2\"\n").unwrap();
        let error = running.server.reload(&config).unwrap_err().to_string();
        assert!(error.contains("accounts.toml:2: account[1].name: expected a name"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(running.request(&who(&cookie), "").await.json()["authorized"], true);
    });
}

#[test]
fn without_a_shared_way_in_the_token_opens_nothing() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let mut config = with_anna(&state);
        let running = start(&config);
        let by_token = running.log_in(&json!({ "token": token(state.path()) }).to_string()).await.cookie();
        config.access = Access::Named;
        running.server.reload(&config).unwrap();
        assert_eq!(running.get("/api/session").await.json()["access"], "named");
        assert_eq!(running.request(&who(&by_token), "").await.json()["authorized"], false);
        let answer = running.log_in(&json!({ "token": token(state.path()) }).to_string()).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!("wrong_token")));
        let bearer = format!("Bearer {}", token(state.path()));
        assert_eq!(running.socket(&[("authorization", &bearer)]).await.unwrap_err().status, 401);
        assert!(running.server.link().expose().ends_with('/'), "no token in the link");
        assert_eq!(running.log_in(&login("anna", PASSWORD)).await.status, 204);
    });
}

#[test]
fn an_open_door_lets_people_be_somebody() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&open(with_anna(&state)));
        assert_eq!(running.get("/api/session").await.json()["role"], "viewer");
        let cookie = running.log_in(&login("anna", PASSWORD)).await.cookie();
        assert_eq!(running.request(&who(&cookie), "").await.json()["role"], "admin");
        assert_eq!(running.log_in(&login("anna", "wrong")).await.status, 401);
        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        assert_eq!(running.grant().await.principal().role, Role::Admin);
    });
}

#[test]
fn passwords_checked_at_once_are_few_and_all_are_answered() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&with_anna(&state));
        let (body, other) = (login("anna", PASSWORD), login("anna", "wrong-password"));
        let right = async { running.log_in(&body).await.status };
        let wrong = async {
            let mut statuses = Vec::new();
            for _ in 0..3 {
                statuses.push(running.log_in(&other).await.status);
            }
            statuses
        };
        assert_eq!(futures_lite::future::zip(right, wrong).await, (204, vec![401; 3]));
    });
}
