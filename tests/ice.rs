//! The port of all viewers' media, spoken to from outside: who is answered, and what nobody can do to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use is::stun::{StunMessage, TransId};
use is::{DefaultSha1HmacProvider, Sha1HmacProvider as _};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
use vitrina::core::ice::{Credentials, Frames};
use vitrina::core::ids::{SourceName, ViewerId};
use vitrina::core::protocol::Codec;
use vitrina::media::ice::{Ice, IceSettings};
use vitrina::media::viewer::{TrackSpec, Viewer, ViewerEvent};
use vitrina::media::{Event, Events, RenditionId};

const LIMIT: Duration = Duration::from_secs(20);
/// So long nothing may come where nothing is to come.
const SILENCE: Duration = Duration::from_millis(400);

/// A viewer that has made its offer, and what its checks are signed with.
struct Offered {
    ice: Ice,
    _viewer: Viewer,
    own: Credentials,
    theirs: Credentials,
    at: SocketAddr,
}

fn offered(tcp: Option<SocketAddr>) -> Offered {
    vitrina::media::init().unwrap();
    let addresses = vec!["127.0.0.1".parse().unwrap()];
    let ice = Ice::bind(0, false, IceSettings { addresses, tcp, ..IceSettings::default() }).unwrap();
    let (sender, received) = async_channel::bounded(256);
    let source = SourceName::new("screen").unwrap();
    let track = TrackSpec {
        rendition: RenditionId { source, codec: Codec::Vp8, rung: 0 },
        profile_level_id: None,
        ssrc: 1,
        first_sequence: 0,
        first_timestamp: 0,
    };
    let viewer = Viewer::open(ViewerId(1), &ice, &[track], false, &Events::new(sender)).unwrap();
    let sdp = smol::block_on(async {
        let late = async {
            smol::Timer::after(LIMIT).await;
            panic!("no offer");
        };
        let offer = async {
            loop {
                if let Event::Viewer { event: ViewerEvent::Offer { sdp }, .. } =
                    received.recv().await.unwrap()
                {
                    return sdp;
                }
            }
        };
        smol::future::or(offer, late).await
    });
    let line = |name: &str| sdp.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let own = Credentials { ufrag: line("a=ice-ufrag:"), password: line("a=ice-pwd:") };
    let theirs = Credentials { ufrag: "theirs12".into(), password: "theirs78901234567890123".into() };
    viewer.restarted(&theirs);
    let at = SocketAddr::from(([127, 0, 0, 1], ice.port()));
    Offered { ice, _viewer: viewer, own, theirs, at }
}

/// A request as a browser makes it, signed with `password`.
fn request(to: &Offered, password: &str) -> Vec<u8> {
    let name = format!("{}:{}", to.own.ufrag, to.theirs.ufrag);
    let message = StunMessage::binding_request(&name, TransId::new(), false, 1, 1000, false);
    let mut bytes = vec![0; 1000];
    let sign = |key: &[u8], parts: &[&[u8]]| DefaultSha1HmacProvider.sha1_hmac(key, parts);
    let len = message.to_bytes(Some(password.as_bytes()), &mut bytes, sign).unwrap();
    bytes.truncate(len);
    bytes
}

fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

/// The answer to this very request, if one comes in time; the daemon's own checks are passed over.
fn answer(socket: &UdpSocket, request: &[u8], within: Duration) -> Option<Vec<u8>> {
    let end = std::time::Instant::now() + within;
    let mut bytes = [0; 2000];
    loop {
        let left = end.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return None;
        }
        socket.set_read_timeout(Some(left)).unwrap();
        let (len, _) = socket.recv_from(&mut bytes).ok()?;
        if bytes[..2] == [1, 1] && bytes[8..20] == request[8..20] {
            return Some(bytes[..len].to_vec());
        }
    }
}

/// The answer to a request that is sent until it is answered, as STUN has it (RFC 8489 section 6.2.1).
fn ask(socket: &UdpSocket, request: &[u8], at: SocketAddr) -> Option<Vec<u8>> {
    let end = std::time::Instant::now() + LIMIT;
    while std::time::Instant::now() < end {
        socket.send_to(request, at).unwrap();
        if let Some(reply) = answer(socket, request, Duration::from_millis(100)) {
            return Some(reply);
        }
    }
    None
}

#[test]
fn who_knows_the_password_is_answered_and_nobody_else() {
    let offered = offered(None);
    let right = request(&offered, &offered.own.password);
    let knows = socket();
    let reply = ask(&knows, &right, offered.at).expect("an answer");
    let reply = StunMessage::parse(&reply).unwrap();
    assert_eq!(reply.mapped_address(), Some(knows.local_addr().unwrap()));

    let guesses = socket();
    let wrong = request(&offered, "another90123456789012345");
    let mut stranger = right.clone();
    // Another user name fragment, of the same length.
    let at = stranger.windows(8).position(|part| part == &offered.own.ufrag.as_bytes()[..8]).unwrap();
    stranger[at] ^= 1;
    for bytes in [&wrong, &stranger] {
        guesses.send_to(bytes, offered.at).unwrap();
        assert_eq!(answer(&guesses, bytes, SILENCE), None);
    }
}

#[test]
fn rubbish_keeps_nobody_from_being_answered() {
    let offered = offered(None);
    let flood = socket();
    let mut seed = 1u32;
    let mut rubbish = request(&offered, "another90123456789012345");
    for round in 0..20_000usize {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = usize::try_from(seed >> 8).unwrap() % rubbish.len();
        rubbish[at] ^= 1 << (seed % 8);
        let len = 1 + round % rubbish.len();
        flood.send_to(&rubbish[..len], offered.at).unwrap();
        // DTLS and RTP of somebody who has proved nothing.
        flood.send_to(&[[22, 254, 253], [0x80, 96, 1], [255, 0, 0]][round % 3], offered.at).unwrap();
    }
    let honest = socket();
    let right = request(&offered, &offered.own.password);
    assert!(ask(&honest, &right, offered.at).is_some());
}

#[test]
fn checks_come_over_tcp_too_and_what_is_no_datagram_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let offered = offered(Some(listener.local_addr().unwrap()));
    let candidates = offered.ice.candidates();
    let port = listener.local_addr().unwrap().port();
    assert!(
        candidates.iter().any(|line| line.ends_with(&format!("127.0.0.1 {port} typ host tcptype passive")))
    );
    let connect = || {
        let mine = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        offered.ice.take(theirs, Box::new(()));
        mine
    };
    let mut stream = connect();
    let right = request(&offered, &offered.own.password);
    let mut framed = Vec::new();
    Frames::put(&mut framed, &right);
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let end = std::time::Instant::now() + LIMIT;
    let (mut frames, mut found, mut bytes) = (Frames::default(), false, [0; 2000]);
    // Sent until it is answered, as browsers do: webrtcbin hands its credentials over while the offer goes out.
    while !found {
        assert!(std::time::Instant::now() < end, "no answer");
        // In two parts, as TCP may have it.
        stream.write_all(&framed[..7]).unwrap();
        stream.write_all(&framed[7..]).unwrap();
        let Ok(len) = stream.read(&mut bytes) else { continue };
        assert_ne!(len, 0, "the connection has ended");
        frames
            .take(&bytes[..len], |frame| found |= frame[..2] == [1, 1] && frame[8..20] == right[8..20])
            .unwrap();
    }

    let mut bad = connect();
    bad.set_read_timeout(Some(LIMIT)).unwrap();
    bad.write_all(&[255, 255, 1, 2, 3]).unwrap();
    match bad.read(&mut bytes) {
        Ok(len) => assert_eq!(len, 0, "it is closed"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it is closed"),
    }
}

#[test]
fn a_stun_server_tells_the_address_beyond_a_router() {
    vitrina::media::init().unwrap();
    let server = socket();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let addresses = vec!["127.0.0.1".parse().unwrap()];
    let stun = vec![server.local_addr().unwrap().to_string()];
    let ice = Ice::bind(0, false, IceSettings { addresses, stun, ..IceSettings::default() }).unwrap();
    let mut bytes = [0; 2000];
    let (len, from) = server.recv_from(&mut bytes).unwrap();
    assert_eq!(from.port(), ice.port(), "it is asked from the media's own port");
    let seen = "203.0.113.9:61000".parse().unwrap();
    // RFC 8489 section 14.2: XOR with the magic cookie; the header with the request's transaction.
    let mut reply = vec![1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42];
    reply.extend_from_slice(&bytes[8..20]);
    let SocketAddr::V4(seen) = seen else { panic!("{seen}") };
    let port = seen.port() ^ 0x2112;
    reply.extend_from_slice(&[0, 0x20, 0, 8, 0, 1, (port >> 8) as u8, port as u8]);
    reply.extend(seen.ip().octets().iter().zip([0x21, 0x12, 0xa4, 0x42]).map(|(part, cookie)| part ^ cookie));
    assert!(len >= 20);
    server.send_to(&reply, from).unwrap();
    let expected = format!("203.0.113.9 61000 typ srflx raddr 127.0.0.1 rport {}", ice.port());
    let end = std::time::Instant::now() + LIMIT;
    while !ice.candidates().iter().any(|line| line.ends_with(&expected)) {
        assert!(std::time::Instant::now() < end, "{:?}", ice.candidates());
        std::thread::sleep(Duration::from_millis(20));
    }
}
