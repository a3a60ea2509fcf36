//! A new configuration while running.

use crate::support::*;
use serde_json::json;
use std::fs;
use vitrina::config::Tls;
use vitrina::web::Reloaded;

const NOTHING: Reloaded = Reloaded { listen_changed: false };

#[test]
fn another_password_ends_the_sessions_of_the_old_one() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&password(config.clone(), "one"));
        let cookie = running.log_in(r#"{"password":"one"}"#).await.cookie();
        assert_eq!(running.server.reload(&password(config.clone(), "one")).unwrap(), NOTHING);
        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let grant = running.grant().await;
        assert!(running.server.holds(&grant));

        assert_eq!(running.server.reload(&password(config.clone(), "two")).unwrap(), NOTHING);
        assert!(!running.server.holds(&grant));
        assert_eq!(running.socket(&[("cookie", &cookie)]).await.unwrap_err().status, 401);
        assert_eq!(running.log_in(r#"{"password":"two"}"#).await.status, 204);

        running.server.reload(&open(config.clone())).unwrap();
        let _another = running.socket(&[]).await.unwrap();
        let grant = running.grant().await;
        running.server.reload(&password(config, "two")).unwrap();
        assert!(!running.server.holds(&grant), "who came by the open door");
    });
}

#[test]
fn a_deleted_token_is_made_anew_and_the_link_follows() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        let old = token(state.path());
        fs::remove_file(state.path().join("token")).unwrap();
        running.server.reload(&config).unwrap();
        let new = token(state.path());
        assert_ne!(old, new);
        assert!(running.server.link().expose().ends_with(&new));
        assert_eq!(running.log_in(&json!({ "token": old }).to_string()).await.status, 401);
        assert_eq!(running.log_in(&json!({ "token": new }).to_string()).await.status, 204);
    });
}

#[test]
fn limits_change_and_an_address_waits_for_a_restart() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let mut config = config(state.path());
        let running = start(&config);
        config.limits.connections = 0;
        config.server.listen = "127.0.0.1:1".parse().unwrap();
        let reloaded = running.server.reload(&config).unwrap();
        assert_eq!(reloaded, Reloaded { listen_changed: true });
        assert!(read_to_end(&mut running.tcp().await).await.is_empty());
    });
}

#[test]
fn a_bad_configuration_changes_nothing() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&password(config.clone(), "one"));
        let mut bad = password(config, "two");
        bad.server.tls = Tls::Files {
            certificate: state.path().join("none.pem"),
            private_key: state.path().join("none.pem"),
        };
        let error = running.server.reload(&bad).unwrap_err().to_string();
        assert!(error.contains("none.pem (server.certificate)"), "{error}");
        assert_eq!(running.log_in(r#"{"password":"one"}"#).await.status, 204);
    });
}

#[test]
fn tls_can_be_turned_on() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        assert_eq!(running.get("/").await.status, 200);
        running.server.reload(&tls(config)).unwrap();
        assert!(running.server.url().starts_with("https://"));
        assert_eq!(running.get("/").await.status, 307);
    });
}
