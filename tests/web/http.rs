//! The HTTP surface: files, methods, limits, headers, deadlines.

use crate::support::*;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use std::time::{Duration, Instant};
use vitrina::web::Deadlines;

const SHORT: Duration = Duration::from_millis(200);
/// Well under the deadlines that are not shortened, well over what a busy machine needs.
const LONG: Duration = Duration::from_secs(8);

#[test]
fn the_page_is_served_and_revalidated() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let page = running.get("/").await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("cache-control"), Some("no-cache"));
        assert_eq!(page.header("content-length"), Some(&*page.body.len().to_string()));
        assert!(page.body.to_ascii_lowercase().starts_with("<!doctype html>"));
        assert_eq!(running.get("/index.html").await.body, page.body);
        assert_eq!(running.get("/?x=1").await.body, page.body);
        // The page says itself that there is no such room.
        for room in ["/r/garden", "/r/nowhere?x=1", "/r/A%20B"] {
            assert_eq!(running.get(room).await.body, page.body, "{room}");
        }
        for nothing in ["/r", "/r/", "/r/garden/", "/r/garden/app.js"] {
            assert_eq!(running.get(nothing).await.status, 404, "{nothing}");
        }

        let etag = page.header("etag").unwrap();
        let again = running.request(&format!("GET / HTTP/1.1\r\nIf-None-Match: \"x\", W/{etag}"), "").await;
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(etag)));
        let changed = running.request("GET / HTTP/1.1\r\nIf-None-Match: \"x\"", "").await;
        assert_eq!(changed.status, 200);
    });
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        for path in ["/", "/api/session"] {
            let get = running.get(path).await;
            let head = running.request(&format!("HEAD {path} HTTP/1.1"), "").await;
            assert_eq!((head.status, head.body.as_str()), (200, ""));
            for name in ["content-type", "content-length", "etag", "cache-control", "content-security-policy"]
            {
                assert_eq!(head.header(name), get.header(name), "{path} {name}");
            }
        }
    });
}

#[test]
fn what_cannot_be_answered_is_refused_with_a_sentence() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        for (head, status, allow) in [
            ("GET /nothing HTTP/1.1", 404, None),
            ("POST /nothing HTTP/1.1", 404, None),
            ("GET /../Cargo.toml HTTP/1.1", 404, None),
            ("POST / HTTP/1.1", 405, Some("GET, HEAD")),
            ("OPTIONS / HTTP/1.1", 405, Some("GET, HEAD")),
            ("GET /api/nothing HTTP/1.1", 404, None),
            ("PUT /api/session HTTP/1.1", 405, Some("GET, HEAD, POST, DELETE")),
            ("POST /ws HTTP/1.1", 405, Some("GET")),
            (&format!("GET /?{} HTTP/1.1", "x".repeat(3000)), 414, None),
            (&format!("GET /api/session HTTP/1.1\r\nX-Long: {}", "x".repeat(20_000)), 431, None),
        ] {
            let answer = running.request(head, "").await;
            assert_eq!(answer.status, status, "{head}");
            assert_eq!(answer.header("allow"), allow, "{head}");
            if head.contains("/api/") {
                assert_eq!(answer.header("content-type"), Some("application/json"));
                assert!(answer.json()["error"]["message"].as_str().unwrap().ends_with('.'), "{answer:?}");
                assert!(answer.json()["error"]["code"].is_string());
            } else {
                assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
                assert!(answer.body.ends_with(".\n"), "{answer:?}");
            }
        }
    });
}

#[test]
fn what_is_no_http_is_refused() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let huge = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200));
        for (bytes, status) in [
            ("\x16\x03\x01 TLS\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
            ("POST /api/session HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
            (&huge, 431),
            (&many, 431),
        ] {
            let mut stream = running.tcp().await;
            let since = Instant::now();
            let _ = stream.write_all(bytes.as_bytes()).await;
            let answer = read_to_end(&mut stream).await;
            assert!(since.elapsed() < LONG, "the connection is not kept: {bytes:.40}");
            assert_eq!(response(&answer).status, status, "{bytes:.40}");
        }
        assert_eq!(running.get("/").await.status, 200);
    });
}

#[test]
fn every_answer_carries_the_security_headers() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        for head in [
            "GET / HTTP/1.1",
            "GET /nothing HTTP/1.1",
            "POST / HTTP/1.1",
            "GET /ws HTTP/1.1",
            "GET /api/session HTTP/1.1",
            "POST /api/session HTTP/1.1",
            "DELETE /api/session HTTP/1.1",
        ] {
            let answer = running.request(head, "").await;
            let header = |name| answer.header(name).unwrap_or_else(|| panic!("{head}: no {name}"));
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert_eq!(header("x-frame-options"), "DENY");
            assert_eq!(header("cross-origin-opener-policy"), "same-origin");
            assert_eq!(header("cross-origin-resource-policy"), "same-origin");
            assert!(header("permissions-policy").contains("camera=(self)"));
            assert!(header("permissions-policy").contains("geolocation=()"));
            let policy = header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
            assert!(policy.contains(&format!("connect-src 'self' ws://{};", running.addr())), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(
                answer.header("strict-transport-security"),
                None,
                "only with a certificate of the user's"
            );
        }
        let literal = running.request("GET / HTTP/1.1\r\nHost: [::1]:8443", "").await;
        let policy = literal.header("content-security-policy").unwrap();
        assert!(policy.contains("connect-src 'self';"), "{policy}");
        let odd = running.request("GET / HTTP/1.1\r\nHost: a; script-src *", "").await;
        assert!(!odd.header("content-security-policy").unwrap().contains('*'), "{odd:?}");
    });
}

#[test]
fn connections_are_kept_alive() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&config(state.path()));
        let mut stream = running.tcp().await;
        for _ in 0..3 {
            let head = format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", running.addr());
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            let mut byte = [0];
            while !bytes.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).await.unwrap();
                bytes.push(byte[0]);
            }
            assert_eq!(response(&bytes).status, 200);
        }
    });
}

#[test]
fn slow_heads_slow_bodies_and_idle_connections_are_ended_in_time() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let deadlines = Deadlines { head: SHORT, body: SHORT, ..Deadlines::default() };
        let running = start_with(&config(state.path()), deadlines, 8);
        let head = format!("HEAD / HTTP/1.1\r\nHost: {}\r\n", running.addr());
        let post = format!(
            "POST /api/session HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n{{",
            running.addr()
        );
        for (bytes, expected) in [
            (String::new(), ""),
            ("GET".into(), ""),
            (head.clone(), ""),
            (format!("{head}\r\n"), "HTTP/1.1 200"),
            (post, "HTTP/1.1 408"),
        ] {
            let since = Instant::now();
            let mut stream = running.tcp().await;
            stream.write_all(bytes.as_bytes()).await.unwrap();
            let answer = String::from_utf8(read_to_end(&mut stream).await).unwrap();
            assert!(since.elapsed() >= SHORT && since.elapsed() < LONG, "{bytes:?} {:?}", since.elapsed());
            assert!(answer.starts_with(expected), "{bytes:?} {answer:?}");
        }
    });
}

#[test]
fn a_head_that_drips_is_not_given_more_time() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let deadlines = Deadlines { head: SHORT, ..Deadlines::default() };
        let running = start_with(&config(state.path()), deadlines, 8);
        let mut stream = running.tcp().await;
        let since = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
        let mut reader = stream.clone();
        let drip = async {
            while stream.write_all(b"x").await.is_ok() {
                smol::Timer::after(SHORT / 10).await;
            }
        };
        futures_lite::future::or(async { drop(read_to_end(&mut reader).await) }, drip).await;
        assert!(since.elapsed() < LONG, "{:?}", since.elapsed());
    });
}

#[test]
fn connections_are_limited_by_address_and_places_come_back() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let mut config = config(state.path());
        config.limits.connections_per_address = 3;
        let running = start(&config);
        // Each has been answered, so each has its place.
        let mut held = Vec::new();
        for _ in 0..3 {
            let mut stream = running.tcp().await;
            let head = format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", running.addr());
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.read_exact(&mut [0; 12]).await.unwrap();
            held.push(stream);
        }
        let mut refused = running.tcp().await;
        let _ = refused.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
        assert!(read_to_end(&mut refused).await.is_empty());

        let mut ended = held.pop().unwrap();
        ended.shutdown(std::net::Shutdown::Write).unwrap();
        read_to_end(&mut ended).await;
        // The server has closed its side; its place is free as soon as its task has ended.
        loop {
            let mut stream = running.tcp().await;
            let head = format!("HEAD / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", running.addr());
            let _ = stream.write_all(head.as_bytes()).await;
            if !read_to_end(&mut stream).await.is_empty() {
                break;
            }
        }
    });
}

#[test]
fn open_access_over_plain_http_answers_only_to_its_own_name() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let mut config = open(config(state.path()));
        config.server.public_url = Some("https://tv.example/".into());
        let running = start(&config);
        for (host, status) in
            [("127.0.0.1", 200), ("localhost:1", 200), ("tv.example", 200), ("evil.example", 421)]
        {
            let answer = running.request(&format!("GET / HTTP/1.1\r\nHost: {host}"), "").await;
            assert_eq!(answer.status, status, "{host}");
        }
        let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
        assert_eq!(running.socket(&rebound).await.unwrap_err().status, 421);
    });
}

#[test]
fn the_address_is_shown_as_a_browser_takes_it() {
    let state = tempfile::tempdir().unwrap();
    let (events, _) = async_channel::bounded(1);
    let mut config = config(state.path());
    let server = vitrina::web::Server::bind(&config, events.clone()).unwrap();
    let port = server.local_addr().port();
    assert_ne!(port, 0);
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}"));
    let token = token(state.path());
    assert_eq!(server.link().expose(), format!("http://127.0.0.1:{port}/#token={token}"));
    assert!(!format!("{:?}", server.link()).contains(&token));
    assert_eq!(server.fingerprint(), None);

    config.server.listen = "0.0.0.0:0".parse().unwrap();
    let server = vitrina::web::Server::bind(&config, events.clone()).unwrap();
    assert!(!server.url().contains("0.0.0.0"), "{}", server.url());

    config.server.public_url = Some("https://tv.example/x/".into());
    config.access = vitrina::config::Access::Open;
    let server = vitrina::web::Server::bind(&config, events).unwrap();
    assert_eq!(server.url(), "https://tv.example/x");
    assert_eq!(server.link().expose(), "https://tv.example/x/");
}

#[test]
fn an_address_that_cannot_be_had_is_explained() {
    let state = tempfile::tempdir().unwrap();
    let (events, _) = async_channel::bounded(1);
    let mut config = config(state.path());
    let first = vitrina::web::Server::bind(&config, events.clone()).unwrap();
    config.server.listen = first.local_addr();
    let message = |config: &vitrina::config::Config| {
        vitrina::web::Server::bind(config, events.clone()).err().unwrap().to_string()
    };
    let in_use = message(&config);
    assert!(in_use.contains("in use") && in_use.contains(&first.local_addr().to_string()), "{in_use}");
    config.server.listen = "192.0.2.1:0".parse().unwrap();
    assert!(message(&config).contains("no interface of this machine"));
}
