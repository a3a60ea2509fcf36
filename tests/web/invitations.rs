//! Invitations from outside: used, used up, expired, taken back, forged, and kept over a restart.

use crate::support::*;
use serde_json::json;
use std::collections::BTreeSet;
use vitrina::core::ids::SourceName;
use vitrina::core::invitation::{Invitation, Wanted};
use vitrina::core::principal::{Rights, Role};
use vitrina::web::Event;

fn wanted(more: serde_json::Value) -> Wanted {
    serde_json::from_value(more).unwrap()
}

/// An invitation and the token of its link.
fn invite(running: &Running, wanted: Wanted) -> (Invitation, String) {
    let (invitation, link) = running.server.invite(wanted).unwrap().unwrap();
    let token = link.strip_prefix(&format!("{}/#invite=", running.server.url())).unwrap();
    (invitation, token.to_owned())
}

fn body(token: &str) -> String {
    json!({ "invite": token }).to_string()
}

fn who(cookie: &str) -> String {
    format!("GET /api/session HTTP/1.1\r\nCookie: {cookie}")
}

#[test]
fn an_invitation_lets_in_whom_it_names_as_often_as_it_says() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        let what = json!({"sources": ["screen"], "uses": 2, "role": "participant", "name": "Ana"});
        let (invitation, token) = invite(&running, wanted(what));
        let cookie = running.log_in(&body(&token)).await.cookie();
        let session = running.request(&who(&cookie), "").await.json();
        assert_eq!((&session["name"], &session["role"]), (&json!("Ana"), &json!("participant")));
        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let grant = running.grant().await;
        let screen = Rights::Only(BTreeSet::from([SourceName::new("screen").unwrap()]));
        assert_eq!((grant.principal().role, &grant.principal().sources), (Role::Participant, &screen));

        // The second use is a program's; asking who one is counts nothing.
        let bearer = format!("Bearer {token}");
        let head = format!("GET /api/session HTTP/1.1\r\nAuthorization: {bearer}");
        assert_eq!(running.request(&head, "").await.json()["name"], "Ana");
        let _second = running.socket(&[("authorization", &bearer)]).await.unwrap();
        drop(running);

        // Counted over a restart; who is in stays in.
        let running = start(&config);
        assert_eq!(running.server.invitations(), [Invitation { used: 2, ..invitation }]);
        let refused = running.log_in(&body(&token)).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &json!("invitation_over")));
        assert_eq!(running.socket(&[("authorization", &bearer)]).await.unwrap_err().status, 401);
        assert_eq!(running.request(&who(&cookie), "").await.json()["name"], "Ana");
    });
}

#[test]
fn one_that_is_taken_back_ends_what_it_began() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        let (invitation, token) = invite(&running, wanted(json!({})));
        let (_, other) = invite(&running, wanted(json!({})));
        let cookie = running.log_in(&body(&token)).await.cookie();
        let _socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let grant = running.grant().await;
        assert!(running.server.holds(&grant));

        assert!(running.server.revoke_invitation(&invitation.invitation).unwrap());
        assert!(matches!(running.event().await, Event::AccessChanged));
        assert!(!running.server.holds(&grant));
        assert_eq!(running.socket(&[("cookie", &cookie)]).await.unwrap_err().status, 401);
        assert!(!running.server.revoke_invitation(&invitation.invitation).unwrap(), "there is none");
        drop(running);

        let running = start(&config);
        assert_eq!(running.log_in(&body(&token)).await.status, 401);
        assert_eq!(running.socket(&[("cookie", &cookie)]).await.unwrap_err().status, 401);
        assert_eq!(running.log_in(&body(&other)).await.status, 204);
    });
}

#[test]
fn one_that_has_expired_ends_what_it_began() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        let (_, token) = invite(&running, wanted(json!({"expires_s": 3600})));
        let answer = running.log_in(&body(&token)).await;
        let set = answer.header("set-cookie").unwrap();
        let age: u64 = set.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
        assert!((3590..=3600).contains(&age), "{set}");
        let cookie = answer.cookie();
        drop(running);

        // As if the hour were over: what is signed is when it ends, so only a key's owner can say so.
        let file = state.path().join("invitations.json");
        let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for later in [3600, 0] {
            kept[0]["expires_s"] = (kept[0]["expires_s"].as_u64().unwrap() - 3600 + later).into();
            std::fs::write(&file, kept.to_string()).unwrap();
            let running = start(&config);
            assert_eq!(running.log_in(&body(&token)).await.status, if later == 0 { 401 } else { 204 });
            let authorized = running.request(&who(&cookie), "").await.json()["authorized"] == true;
            assert_eq!(authorized, later != 0);
        }
    });
}

#[test]
fn a_forged_invitation_is_a_wrong_guess() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let config = config(state.path());
        let running = start(&config);
        let (invitation, token) = invite(&running, wanted(json!({"uses": 1})));
        let (_, other) = invite(&running, wanted(json!({})));
        let (id, tag) = (invitation.invitation.as_str(), token.splitn(3, '-').nth(2).unwrap());
        let others = other.splitn(3, '-').nth(2).unwrap();
        for forged in
            [format!("inv-{id}-{others}"), format!("inv-zzz-{tag}"), format!("inv-{id}-AAAA"), "inv-".into()]
        {
            let refused = running.log_in(&body(&forged)).await;
            assert_eq!(
                (refused.status, &refused.json()["error"]["code"]),
                (401, &json!("wrong_token")),
                "{forged}"
            );
        }
        // What it gives is signed, so that the list alone gives nobody more.
        drop(running);
        let file = state.path().join("invitations.json");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"viewer\"", "\"admin\"")).unwrap();
        let running = start(&config);
        for _ in 0..5 {
            assert_eq!(running.log_in(&body(&token)).await.status, 401);
        }
        assert_eq!(running.log_in(&body(&token)).await.status, 429);
    });
}
