//! Ten thousand guesses: held up, cheap for the daemon, and nothing to those who belong here.

use crate::support::*;
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::json;
use smol::net::TcpStream;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;
use vitrina::core::principal::Role;

const PASSWORD: &str = "correct horse";
const GUESSES: usize = 10_000;
/// Connections that guess at once.
const GUESSERS: usize = 8;

/// A connection from another address of loopback.
fn from_host(running: &Running, host: u8) -> TcpStream {
    let std::net::SocketAddr::V4(to) = running.addr() else { panic!("not IPv4") };
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, host), 0)).unwrap();
    connect(&socket, &to).unwrap();
    TcpStream::try_from(std::net::TcpStream::from(socket)).unwrap()
}

async fn log_in_from(running: &Running, host: u8, body: &str) -> Response {
    request(&mut from_host(running, host), running.addr(), "POST /api/session HTTP/1.1", body).await
}

/// What this process holds, in kB.
fn memory_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Guesses on one connection, one after the other; how often each status came.
async fn guess(running: &Running, guesser: usize, count: usize) -> BTreeMap<u16, usize> {
    let mut stream = running.tcp().await;
    let mut statuses = BTreeMap::new();
    for number in 0..count {
        let secret = format!("guess-{guesser}-{number}");
        let (head, body) = match number % 4 {
            0 => ("POST /api/session HTTP/1.1".to_owned(), json!({ "token": secret }).to_string()),
            1 => {
                let body = json!({ "name": "anna", "password": secret }).to_string();
                ("POST /api/session HTTP/1.1".to_owned(), body)
            }
            2 => {
                let body = json!({ "name": format!("n{guesser}.{number}"), "password": secret }).to_string();
                ("POST /api/session HTTP/1.1".to_owned(), body)
            }
            _ => (format!("GET /whep HTTP/1.1\r\nAuthorization: Bearer {secret}"), String::new()),
        };
        // Whoever guesses would say that each guess is from somebody else.
        let from = format!("192.0.{}.{}", number % 250, guesser);
        let text = format!(
            "{head}\r\nHost: {}\r\nX-Forwarded-For: {from}\r\nForwarded: for={from}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            running.addr(),
            body.len()
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        *statuses.entry(answer_status(&mut stream).await).or_default() += 1;
    }
    statuses
}

/// Reads one answer of a connection that goes on.
async fn answer_status(stream: &mut TcpStream) -> u16 {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "the connection ended");
        text.extend_from_slice(&part[..count]);
        let Some(end) = text.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let answer = response(&text);
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        if text.len() >= end + 4 + length {
            return answer.status;
        }
    }
}

#[test]
fn ten_thousand_guesses_are_held_up_and_nobody_else_is() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&with_account(config(state.path()), account("anna", PASSWORD, Role::Viewer)));
        let anna = json!({ "name": "anna", "password": PASSWORD }).to_string();
        let cookie = log_in_from(&running, 2, &anna).await.cookie();
        let mut socket = running.socket(&[("cookie", &cookie)]).await.unwrap();
        let _outbox = running.opened().await;
        // What starting, and the first checks of a password, take for good.
        assert_eq!(log_in_from(&running, 2, &anna).await.status, 204);

        let (begun, before) = (Instant::now(), memory_kb());
        let guessers: Vec<_> =
            (0..GUESSERS).map(|guesser| guess(&running, guesser, GUESSES / GUESSERS)).collect();
        let all = async {
            let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
            for guesser in join_all(guessers).await {
                guesser.into_iter().for_each(|(status, count)| *statuses.entry(status).or_default() += count);
            }
            statuses
        };
        // All the while who is in is served.
        let honest = async {
            for id in 0..50 {
                let ping = json!({ "type": "ping", "id": id }).to_string();
                socket.send(async_tungstenite::tungstenite::Message::text(ping)).await.unwrap();
                assert_eq!(next_json(&mut socket).await["id"], id);
                let head = format!("GET /api/session HTTP/1.1\r\nCookie: {cookie}");
                assert_eq!(running.request(&head, "").await.json()["name"], "anna");
            }
        };
        let (statuses, ()) = futures_lite::future::zip(all, honest).await;
        assert_eq!(statuses.values().sum::<usize>(), GUESSES);
        // 5 free ones; then the delay doubles from a second up.
        let looked_at = statuses.get(&401).copied().unwrap_or(0);
        let doublings = begun.elapsed().as_secs().checked_ilog2().map_or(0, |log| log as usize + 1);
        assert!((5..=6 + doublings).contains(&looked_at), "{statuses:?} in {:?}", begun.elapsed());
        assert_eq!(statuses.get(&429).copied().unwrap_or(0), GUESSES - looked_at, "{statuses:?}");
        let grown = memory_kb().saturating_sub(before);
        // Two passwords at once, 19 MiB each, and what the allocator keeps of them.
        assert!(grown < 64_000, "{grown} kB more");

        // Who comes from elsewhere is let in at once: by the link, and by the account that was guessed at
        // from where it has been used before. Elsewhere it waits.
        let link = json!({ "token": token(state.path()) }).to_string();
        assert_eq!(log_in_from(&running, 3, &link).await.status, 204);
        assert_eq!(log_in_from(&running, 2, &anna).await.status, 204);
        assert_eq!(running.log_in(&anna).await.status, 429, "the guesser waits, right or wrong");
    });
}

/// Every future at once.
async fn join_all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut done: Vec<_> = futures.iter().map(|_| None).collect();
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
