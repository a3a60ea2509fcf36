//! WHEP as its clients meet it: every status, the hostile ones, and what is left after them.

use crate::logins::expiry;
use crate::process::{Daemon, SOURCES};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
pub const OFFER: &str = include_str!("../golden/sdp/whep-chromium.sdp");
pub const SDP: &str = "Content-Type: application/sdp";
const FRAGMENT: &str = "Content-Type: application/trickle-ice-sdpfrag";

pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self
            .head
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name)))?;
        line.split_once(": ").map(|(_, value)| value)
    }
}

fn send(address: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    // The daemon may have enough before all is written.
    let _ = stream.write_all(text.as_bytes());
    stream
}

pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let mut bytes = Vec::new();
    let _ = send(address, method, path, headers, body).read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn post(address: SocketAddr, path: &str) -> Answer {
    ask(address, "POST", path, &[SDP], OFFER)
}

/// A session that nobody connects to: its path and its entity tag.
fn begin(address: SocketAddr) -> (String, String) {
    let answer = post(address, "/whep");
    assert_eq!(answer.status, 201, "{}", answer.body);
    (answer.header("location").unwrap().to_owned(), answer.header("etag").unwrap().to_owned())
}

fn fragment(candidates: usize) -> String {
    let credential = |name: &str| OFFER.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let mut text = format!("{}\r\n{}\r\n", credential("a=ice-ufrag:"), credential("a=ice-pwd:"));
    for number in 0..candidates {
        text += &format!("a=candidate:{number} 1 udp 1 127.0.0.1 {} typ host\r\n", 1024 + number % 60_000);
    }
    text
}

/// As after a restart.
fn renamed(fragment: &str) -> String {
    fragment.replace("a=ice-ufrag:", "a=ice-ufrag:new").replace("a=ice-pwd:", "a=ice-pwd:new")
}

#[test]
fn a_login_made_of_a_secret_stands_in_the_link() {
    let server = "urls = [\"turn:127.0.0.1:9\"]\nsecret = \"north-wind\"";
    let daemon = Daemon::start(&format!("[[network.ice_server]]\n{server}\n"));
    let logins = [(); 2].map(|()| {
        let answer = post(daemon.address, "/whep");
        let link = answer.header("link").unwrap_or_else(|| panic!("{}", answer.head));
        let value = |key: &str| {
            let (_, rest) = link.split_once(&format!("; {key}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        (value("username"), value("credential"))
    });
    for (username, credential) in &logins {
        expiry(username, credential, "north-wind");
    }
    assert_ne!(logins[0], logins[1], "each has its own");
}

#[test]
fn a_session_begins_takes_candidates_and_ends() {
    let daemon = Daemon::start(
        "[[network.ice_server]]\nurls = [\"turn:127.0.0.1:9\"]\nusername = \"ana\"\ncredential = \"secret\"\n",
    );
    let answer = post(daemon.address, "/whep");
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/sdp"));
    assert_eq!(answer.header("accept-patch"), Some("application/trickle-ice-sdpfrag"));
    assert_eq!(
        answer.header("link"),
        Some(
            "<turn:127.0.0.1:9>; rel=\"ice-server\"; username=\"ana\"; credential=\"secret\"; credential-type=\"password\""
        )
    );
    assert!(answer.body.contains("a=group:BUNDLE 0 1 2\r\n"), "{}", answer.body);
    assert!(answer.body.contains("m=application 0 UDP/DTLS/SCTP"), "{}", answer.body);
    assert!(answer.body.contains("a=candidate:"), "{}", answer.body);
    let (path, tag) = (answer.header("location").unwrap(), answer.header("etag").unwrap());
    assert!(path.starts_with("/whep/session/") && path.len() > 50, "{path}");

    let patch = |condition: &str, body: &str| {
        let condition = format!("If-Match: {condition}");
        ask(daemon.address, "PATCH", path, &[FRAGMENT, &condition], body)
    };
    let taken = patch(tag, &fragment(3));
    assert_eq!((taken.status, taken.header("etag")), (204, None));
    assert_eq!(patch("*", &fragment(1)).status, 204);
    assert_eq!(patch("\"other\"", &fragment(1)).status, 412);
    assert_eq!(ask(daemon.address, "PATCH", path, &[FRAGMENT], &fragment(1)).status, 428);
    let half = fragment(1).replace("a=ice-ufrag:", "a=ice-ufrag:new");
    let refused = patch("*", &half);
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("An ICE restart has both other credentials"), "{}", refused.body);
    let restarted = patch("*", &half.replace("a=ice-pwd:", "a=ice-pwd:new"));
    assert_eq!(restarted.status, 200, "{}", restarted.body);
    assert_eq!(restarted.header("content-type"), Some("application/trickle-ice-sdpfrag"));
    let line = |text: &str, name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        assert_ne!(line(&restarted.body, name), line(&answer.body, name));
    }
    assert!(restarted.body.contains("a=group:BUNDLE 0 1 2\r\nm=video 9 "), "{}", restarted.body);
    assert!(restarted.body.contains("a=candidate:"), "{}", restarted.body);
    assert_eq!(patch(tag, &fragment(1)).status, 412, "that was the former ICE session's");
    let tag = restarted.header("etag").unwrap();
    let fragment = |candidates| renamed(&fragment(candidates));
    assert_eq!(patch(tag, &fragment(64)).status, 422, "more than a session takes");
    assert_eq!(patch(tag, &fragment(65)).status, 400);
    assert_eq!(patch(tag, &fragment(10_000)).status, 413);
    assert_eq!(patch(tag, "nonsense").status, 400);
    assert_eq!(ask(daemon.address, "PATCH", path, &[SDP, "If-Match: *"], OFFER).status, 415);
    assert_eq!(ask(daemon.address, "POST", path, &[SDP], OFFER).status, 405);
    assert_eq!(ask(daemon.address, "GET", path, &[], "").status, 204);
    assert_eq!(
        ask(daemon.address, "OPTIONS", path, &[], "").header("accept-patch"),
        answer.header("accept-patch")
    );

    assert_eq!(ask(daemon.address, "DELETE", path, &["If-Match: \"other\""], "").status, 200);
    for method in ["DELETE", "GET"] {
        assert_eq!(ask(daemon.address, method, path, &[], "").status, 404);
    }
    assert_eq!(patch(tag, &fragment(1)).status, 404);
    daemon.wait_for_line("viewer left");
    let log = daemon.log();
    let id = path.rsplit('/').next().unwrap();
    assert!(!log.contains(id) && !log.contains("secret"), "{log}");
}

#[test]
fn what_cannot_be_served_is_refused_with_a_status_and_a_sentence() {
    let daemon = Daemon::start("");
    let post = |path: &str, headers: &[&str], body: &str| ask(daemon.address, "POST", path, headers, body);
    let no_codec = OFFER.replace(" H264/", " X264/").replace(" VP8/", " VPX/").replace("opus/", "sopus/");
    for (answer, status, sentence) in [
        (post("/whep/nothing", &[SDP], OFFER), 404, "There is no source 'nothing' here."),
        (post("/whep/No/thing", &[SDP], OFFER), 404, "There is nothing at"),
        (post("/whep", &[], OFFER), 415, "The body has to be application/sdp"),
        (post("/whep", &["Content-Type: application/json"], "{}"), 415, "The body has to be application/sdp"),
        (post("/whep", &[SDP], ""), 400, "the client makes the offer"),
        (post("/whep", &[SDP], "v=1\r\n"), 400, "expected the version line v=0"),
        (post("/whep", &[SDP], &OFFER.replace("a=fingerprint", "a=x")), 400, "a=fingerprint is missing"),
        (post("/whep", &[SDP], &OFFER.repeat(9)), 413, "The body may have 65536 bytes."),
        (post("/whep", &[SDP], &no_codec), 422, "pictures are in H.264"),
        (post("/whep", &[SDP, "Origin: https://www.example.org"], OFFER), 403, "Another site's page"),
        (ask(daemon.address, "PUT", "/whep", &[SDP], OFFER), 405, "Only GET, HEAD, OPTIONS, POST"),
        (ask(daemon.address, "DELETE", "/whep/session/none", &[], ""), 404, "no such session"),
    ] {
        assert_eq!(answer.status, status, "{sentence}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(sentence), "{problem}");
        assert_eq!(problem["status"], status);
    }
    let options = ask(daemon.address, "OPTIONS", "/whep/screen", &["Origin: https://www.example.org"], "");
    assert_eq!((options.status, options.header("accept-post")), (200, Some("application/sdp")));
    assert_eq!(options.header("access-control-allow-origin"), None);
    let head = ask(daemon.address, "HEAD", "/whep", &[], "");
    assert_eq!((head.status, head.header("content-type")), (200, Some("application/sdp")));
    assert!(!daemon.log().contains("comes by WHEP"));
}

#[test]
fn viewers_by_whep_are_counted_with_the_others() {
    let daemon = Daemon::start("[limits]\nviewers = 2\n");
    let _socket = crate::client::Client::greeted(daemon.address);
    let (path, _) = begin(daemon.address);
    let full = post(daemon.address, "/whep");
    assert_eq!((full.status, full.header("retry-after")), (503, Some("5")), "{}", full.body);
    assert!(full.body.contains("As many viewers as are allowed here (2)"));
    assert_eq!(ask(daemon.address, "DELETE", &path, &[], "").status, 200);
    begin(daemon.address);
}

#[test]
fn the_token_is_asked_for_and_wrong_ones_are_slowed_down() {
    let daemon = Daemon::start_with("", SOURCES, &[]);
    let refused = post(daemon.address, "/whep");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer realm=\"vitrina\"")));
    assert_eq!(ask(daemon.address, "OPTIONS", "/whep", &[], "").status, 200, "a browser asks without it");
    let token = std::fs::read_to_string(daemon.folder.path().join("state/token")).unwrap();
    let right = format!("Authorization: Bearer {}", token.trim());
    let answer = ask(daemon.address, "POST", "/whep", &[SDP, &right], OFFER);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let path = answer.header("location").unwrap();
    assert_eq!(ask(daemon.address, "DELETE", path, &[], "").status, 401, "the address alone is not enough");
    assert_eq!(ask(daemon.address, "DELETE", path, &[&right], "").status, 200);
    let wrong = "Authorization: Bearer nonsense-nonsense-nonsense";
    let statuses: Vec<_> =
        (0..7).map(|_| ask(daemon.address, "POST", "/whep", &[SDP, wrong], OFFER).status).collect();
    assert_eq!((statuses.first(), statuses.last()), (Some(&401), Some(&429)), "{statuses:?}");
}

#[test]
fn clients_that_go_or_say_nothing_hold_nothing() {
    let daemon = Daemon::start("[limits]\nviewers = 4\n");
    // Gone before the answer: no session of theirs stays.
    for _ in 0..8 {
        drop(send(daemon.address, "POST", "/whep", &[SDP], OFFER));
    }
    for _ in 0..4 {
        let mut slow = TcpStream::connect(daemon.address).unwrap();
        write!(slow, "POST /whep HTTP/1.1\r\nHost: x\r\n{SDP}\r\nContent-Length: 9\r\n\r\nv=0").unwrap();
        std::mem::forget(slow);
    }
    // Who cannot be made to connect is let go after a while, and makes room.
    let end = std::time::Instant::now() + Duration::from_secs(40);
    loop {
        let answer = post(daemon.address, "/whep");
        if answer.status == 201 {
            break;
        }
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(std::time::Instant::now() < end, "no room:\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_end_of_the_daemon_or_of_its_token_ends_sessions() {
    let mut daemon = Daemon::start("");
    let (path, _) = begin(daemon.address);
    assert_eq!(ask(daemon.address, "GET", &path, &[], "").status, 204);
    daemon.signal(libc::SIGTERM);
    let (status, took) = daemon.wait();
    assert!(status.success() && took < Duration::from_secs(3), "{status} after {took:?}");
}
