//! HTTPS: the certificate, its replacement, and clients that speak something else.

use crate::support::*;
use async_tungstenite::tungstenite::Message;
use futures_lite::{AsyncRead, AsyncWrite, AsyncWriteExt};
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use smol::Timer;
use smol::net::TcpStream;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vitrina::config::{Config, Tls};
use vitrina::core::protocol::ClientMessage;
use vitrina::web::Deadlines;

const SHORT: Duration = Duration::from_millis(200);
/// Well under the deadlines that are not shortened, well over what a busy machine needs.
const LONG: Duration = Duration::from_secs(8);

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// Connects, trusting this certificate and no other.
async fn connect(running: &Running, trusted: &CertificateDer<'static>) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, running.tcp().await).await
}

/// The user's own pair, as files: a certificate made by another installation.
fn users_pair(folder: &Path) -> (PathBuf, PathBuf) {
    let running = start(&tls(config(folder)));
    drop(running);
    (folder.join("tls/certificate.pem"), folder.join("tls/private_key.pem"))
}

fn with_pair(state: &Path, pair: &(PathBuf, PathBuf)) -> Config {
    let mut config = config(state);
    config.server.tls = Tls::Files { certificate: pair.0.clone(), private_key: pair.1.clone() };
    config
}

async fn get<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, running: &Running) -> Response {
    request(stream, running.addr(), "GET / HTTP/1.1", "").await
}

#[test]
fn page_session_and_socket_work_over_tls() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&tls(config(state.path())));
        let trusted = certificate(&state.path().join("tls/certificate.pem"));
        assert!(running.server.url().starts_with("https://127.0.0.1:"));
        let fingerprint = running.server.fingerprint().unwrap();
        assert_eq!(fingerprint.len(), 95, "{fingerprint}");

        let mut stream = connect(&running, &trusted).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let page = get(&mut stream, &running).await;
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains(&format!("connect-src 'self' wss://{};", running.addr())), "{policy}");
        assert_eq!(page.header("strict-transport-security"), None, "nobody could get past it again");

        let mut stream = connect(&running, &trusted).await.unwrap();
        let body = serde_json::json!({ "token": token(state.path()) }).to_string();
        let answer = request(&mut stream, running.addr(), "POST /api/session HTTP/1.1", &body).await;
        assert_eq!(answer.status, 204);
        assert!(answer.header("set-cookie").unwrap().ends_with("SameSite=Strict; Secure"));
        assert!(answer.cookie().starts_with("__Host-vitrina-"));

        let stream = connect(&running, &trusted).await.unwrap();
        let url = format!("wss://{}/ws", running.addr());
        let origin = format!("https://{}", running.addr());
        let headers = [("cookie", &*answer.cookie()), ("origin", &*origin)];
        let mut socket = socket(stream, &url, &headers).await.unwrap();
        let outbox = running.opened().await;
        socket.send(Message::text(r#"{"type":"leave"}"#)).await.unwrap();
        assert_eq!(running.message().await, ClientMessage::Leave);
        drop(outbox);
        assert_eq!(close_code(&mut socket).await, Some(1000));
        running.closed().await;
    });
}

#[test]
fn the_certificate_is_kept_over_restarts() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let first = start(&tls(config(state.path()))).server.fingerprint();
        let second = start(&tls(config(state.path()))).server.fingerprint();
        assert_eq!(first, second);
    });
}

#[test]
fn plain_http_on_the_tls_port_is_sent_to_https() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let running = start(&tls(config(state.path())));
        let answer = running.get("/x?y=1").await;
        assert_eq!(answer.status, 308);
        let target = format!("https://{}/x?y=1", running.addr());
        assert_eq!(answer.header("location"), Some(&*target));
        assert_eq!(answer.header("connection"), Some("close"));
        let odd = running.request("GET / HTTP/1.1\r\nHost: a b", "").await;
        assert_eq!((odd.status, odd.header("location")), (400, None));
        let post = running.log_in(r#"{"token":"x"}"#).await;
        assert_eq!(post.status, 308, "the body is not looked at");
    });
}

#[test]
fn slow_and_broken_handshakes_are_ended_in_time() {
    run(async {
        let state = tempfile::tempdir().unwrap();
        let deadlines = Deadlines { handshake: SHORT, ..Deadlines::default() };
        let running = start_with(&tls(config(state.path())), deadlines, 8);
        for (bytes, slow) in
            [(&b""[..], true), (b"\x16\x03\x01\x01\x00", true), (b"\x16\x03\x01\x00\x04abcd", false)]
        {
            let since = Instant::now();
            let mut stream = running.tcp().await;
            stream.write_all(bytes).await.unwrap();
            read_to_end(&mut stream).await;
            assert!(since.elapsed() < LONG, "{bytes:?}");
            assert!(!slow || since.elapsed() >= SHORT, "{bytes:?}");
        }
    });
}

#[test]
fn a_changed_certificate_is_taken_without_a_restart_and_open_connections_go_on() {
    run(async {
        let (state, users, new) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let pair = users_pair(users.path());
        let new_pair = users_pair(new.path());
        let (old, new) = (certificate(&pair.0), certificate(&new_pair.0));
        let deadlines = Deadlines { certificate: SHORT / 10, ..Deadlines::default() };
        let running = start_with(&with_pair(state.path(), &pair), deadlines, 8);
        let fingerprint = running.server.fingerprint();
        let mut open = connect(&running, &old).await.unwrap();

        // A certificate without its key: the old pair stays. Several looks pass meanwhile.
        fs::copy(&new_pair.0, &pair.0).unwrap();
        Timer::after(SHORT).await;
        assert!(connect(&running, &old).await.is_ok());
        assert_eq!(running.server.fingerprint(), fingerprint);

        fs::copy(&new_pair.1, &pair.1).unwrap();
        while running.server.fingerprint() == fingerprint {
            Timer::after(SHORT / 20).await;
        }
        let page = get(&mut connect(&running, &new).await.unwrap(), &running).await;
        assert_eq!(
            page.header("strict-transport-security"),
            Some("max-age=31536000"),
            "a certificate of the user's"
        );
        assert!(connect(&running, &old).await.is_err());
        assert_eq!(get(&mut open, &running).await.status, 200);
    });
}
