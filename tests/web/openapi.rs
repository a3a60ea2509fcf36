//! `docs/openapi.yaml` says what the server does: every address and method of it is asked, answers as it
//! says, and nothing else is there.

use super::support::{Response, Running, config, request, run, start, token};
use std::collections::{BTreeMap, BTreeSet};
use vitrina::config;
use vitrina::web::{Event, Metrics, WhepAction, WhepOutcome};

const DOCUMENT: &str = include_str!("../../docs/openapi.yaml");
const OFFER: &str = include_str!("../golden/sdp/whep-chromium.sdp");

/// An answer of the document: its content types.
type Answers = BTreeMap<u16, Vec<String>>;
/// The operations of the document, by path and method.
type Operations = BTreeMap<String, BTreeMap<String, Answers>>;

/// The key of a line that is indented by so much, and what follows it.
fn key(line: &str, indent: usize) -> Option<(&str, &str)> {
    let text = line.strip_prefix(&" ".repeat(indent)).filter(|text| !text.starts_with([' ', '-', '#']))?;
    let (key, rest) = text.split_once(':')?;
    Some((key.trim_matches('"'), rest.trim()))
}

/// The content types of each answer that operations share.
fn shared() -> BTreeMap<String, Vec<String>> {
    let (_, rest) = DOCUMENT.split_once("\n  responses:\n").unwrap();
    let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in rest.lines().take_while(|line| key(line, 2).is_none()) {
        if let Some((found, _)) = key(line, 4) {
            name = found.to_owned();
            answers.insert(name.clone(), Vec::new());
        } else if let Some((found, _)) = key(line, 8).filter(|(found, _)| found.contains('/')) {
            answers.get_mut(&name).unwrap().push(found.to_owned());
        }
    }
    answers
}

fn operations() -> Operations {
    let shared = shared();
    let (_, rest) = DOCUMENT.split_once("\npaths:\n").unwrap();
    let mut operations = Operations::new();
    let (mut path, mut method, mut status) = (String::new(), String::new(), 0);
    let mut in_answers = false;
    for line in rest.lines().take_while(|line| !line.starts_with("components:")) {
        if let Some((found, _)) = key(line, 2) {
            path = found.to_owned();
            operations.insert(path.clone(), BTreeMap::new());
        } else if let Some((found, _)) = key(line, 4) {
            method = found.to_ascii_uppercase();
            in_answers = false;
            if !matches!(found, "parameters" | "servers") {
                operations.get_mut(&path).unwrap().insert(method.clone(), Answers::new());
            }
        } else if let Some((found, _)) = key(line, 6) {
            in_answers = found == "responses";
        } else if let Some((found, rest)) = key(line, 8).filter(|_| in_answers) {
            status = found.parse().unwrap();
            let types =
                rest.split("responses/").nth(1).map(|name| shared[name.trim_end_matches(['"', '}'])].clone());
            let answers = operations.get_mut(&path).unwrap().get_mut(&method).unwrap();
            answers.insert(status, types.unwrap_or_default());
        } else if let Some((found, _)) = key(line, 12).filter(|(found, _)| in_answers && found.contains('/'))
        {
            let answers = operations.get_mut(&path).unwrap().get_mut(&method).unwrap();
            answers.get_mut(&status).unwrap().push(found.to_owned());
        }
    }
    operations
}

/// Whether the document has that answer.
fn check(operations: &Operations, path: &str, method: &str, answer: &Response) {
    let answers = &operations[path][method];
    let types = answers
        .get(&answer.status)
        .unwrap_or_else(|| panic!("{method} {path}: {answer:?}, not in {answers:?}"));
    match answer.header("content-type").map(|given| given.split(';').next().unwrap().trim().to_owned()) {
        Some(given) => {
            assert!(types.contains(&given) || method == "HEAD", "{method} {path}: {given}, not in {types:?}")
        }
        None => assert!(types.is_empty() || answer.body.is_empty(), "{method} {path}: {answer:?}"),
    }
}

/// The daemon's part of WHEP: a session is begun, and does what it is asked.
async fn serve_whep(events: async_channel::Receiver<Event>) {
    let mut held = Vec::new();
    while let Ok(event) = events.recv().await {
        match event {
            Event::Whep { action: WhepAction::Create { .. }, reply, .. } => {
                let _ = reply.send(WhepOutcome::Created {
                    session: "abc".into(),
                    etag: "\"1\"".into(),
                    sdp: "v=0\r\n".into(),
                    ice_servers: vec![],
                });
            }
            Event::Whep { reply, .. } => drop(reply.send(WhepOutcome::Done)),
            other => held.push(other),
        }
    }
}

/// A path with what its parameters stand for.
fn filled(path: &str) -> String {
    path.replace("{file}", "app.js")
        .replace("{room}", "garden")
        .replace("{source}", "screen")
        .replace("{session}", "abc")
}

#[test]
fn every_operation_answers_as_documented_and_no_other_is_there() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let _daemon = smol::spawn(serve_whep(running.events.clone()));
        let readers =
            Metrics::bind(&config::Metrics { listen: "127.0.0.1:0".parse().unwrap(), token: None }).unwrap();
        let metrics_at = readers.local_addr();
        let _metrics = smol::spawn(async move { readers.run().await });
        let operations = operations();
        let bearer = format!("Authorization: Bearer {}", token(state.path()));
        let mut asked = 0;
        for (path, methods) in &operations {
            for method in methods.keys() {
                let (more, body) = match (method.as_str(), path.as_str()) {
                    ("POST", "/api/session") => {
                        (String::new(), format!("{{\"token\":\"{}\"}}", token(state.path())))
                    }
                    ("POST", _) => ("Content-Type: application/sdp\r\n".to_owned(), OFFER.to_owned()),
                    ("PATCH", _) => (
                        "Content-Type: application/trickle-ice-sdpfrag\r\nIf-Match: \"1\"\r\n".to_owned(),
                        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n".to_owned(),
                    ),
                    (_, "/ws") => {
                        let key =
                            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
                        // The connection is the signalling's then, and does not end by itself.
                        assert!(running.socket(&[("authorization", &bearer[15..])]).await.is_ok());
                        (key.to_owned(), String::new())
                    }
                    _ => (String::new(), String::new()),
                };
                let head = |secret: &str| format!("{method} {} HTTP/1.1\r\n{more}{secret}", filled(path));
                let good = if path == "/metrics" {
                    let mut stream = smol::net::TcpStream::connect(metrics_at).await.unwrap();
                    request(&mut stream, metrics_at, head("Accept: text/plain").trim_end(), &body).await
                } else {
                    running.request(&head(&bearer), &body).await
                };
                check(&operations, path, method, &good);
                let is_answered = good.status < 300 || path == "/ws" || path == "/readyz";
                assert!(is_answered, "{method} {path}: {good:?}");
                // And without what lets in.
                if path != "/metrics" {
                    check(&operations, path, method, &running.request(head("").trim_end(), &body).await);
                }
                asked += 1;
            }
        }
        assert!(asked > 25, "{asked}");
        others_are_refused(&running, &operations, &bearer).await;
    });
}

/// Each address says by `Allow` which methods it has, where it is asked for another.
async fn others_are_refused(running: &Running, operations: &Operations, bearer: &str) {
    for (path, methods) in operations.iter().filter(|(path, _)| *path != "/metrics") {
        let answer = running.request(&format!("PUT {} HTTP/1.1\r\n{bearer}", filled(path)), "").await;
        assert_eq!(answer.status, 405, "{path}: {answer:?}");
        let allowed: BTreeSet<&str> = answer.header("allow").unwrap().split(", ").collect();
        assert_eq!(allowed, methods.keys().map(String::as_str).collect(), "{path}");
    }
    for path in [
        "/metrics",
        "/api",
        "/api/",
        "/api/sessions",
        "/ws/",
        "/r/",
        "/r/a/b",
        "/whep/a/b",
        "/healthz/",
        "/docs",
    ] {
        assert_eq!(running.get(path).await.status, 404, "{path}");
    }
}
