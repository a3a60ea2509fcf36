//! What no honest client puts on the wire: slow, idle, malformed, oversized and too much, below HTTP, WebSocket, TLS
//! and ICE. The daemon's memory stays bounded, and an honest viewer's picture goes on.

use super::honest::Honest;
use super::{stun, times};
use crate::process::Daemon;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// What the daemon's memory may grow by under all of it, in kB.
const GROWTH: usize = 48_000;
/// The daemon ends what drips after 10 s, also where it is busy.
const ENDED_WITHIN: Duration = Duration::from_secs(14);
/// What has made a mistake is closed within this, whatever it goes on to say.
const CLOSED_WITHIN: Duration = Duration::from_secs(4);
/// Behind the WebSocket's door.
const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What it is called, and what is done for that long; how often it was done.
type Attack = (&'static str, fn(&Target, Duration) -> usize);

struct Target {
    web: SocketAddr,
    media: SocketAddr,
    /// The user name fragment of the honest viewer's session, as if somebody had seen it on the network.
    ufrag: String,
}

const ATTACKS: [Attack; 10] = [
    ("HTTP: malformed, as fast as it goes", malformed_http),
    ("WebSocket: frames against the RFC", bad_frames),
    ("WebSocket: a message in endless fragments", endless_fragments),
    ("WebSocket: pings as fast as they go", ping_flood),
    ("thousands of idle connections, of many addresses", idle_connections),
    ("STUN at the media port: noise", stun_noise),
    ("STUN at the media port: malformed and cut short", stun_malformed),
    ("STUN at the media port: of nobody, and signed wrongly", stun_unsigned),
    ("DTLS and RTP at the media port, from an address that nobody has proved", media_unproved),
    ("ICE over TCP: frames that are none, too long, of nobody", ice_tcp),
];

#[test]
fn what_comes_over_the_wire_disturbs_nobody_and_memory_stays_bounded() {
    let mut daemon = Daemon::start("");
    let honest = Honest::watch(daemon.address);
    let offer = honest.viewer.peer.offer_text();
    let ufrag = offer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap().to_owned();
    let target = Target { web: daemon.address, media: honest.viewer.media, ufrag };
    let before = daemon.holdings();
    // Begun first, so that they drip while all else goes on.
    let heads = Drip::begin(daemon.address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", 30);
    let bodies = Drip::begin(
        daemon.address,
        b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n",
        10,
    );
    let frames = Drip::begin(daemon.address, b"\x00", 10);
    let time = Duration::from_millis(times(1500, 10_000) as u64);
    for (fault, attack) in ATTACKS {
        honest.during(fault, || attack(&target, time));
        assert!(daemon.is_running());
    }
    honest.during("slow-loris: heads, bodies and ICE frames byte by byte", || {
        [heads, bodies, frames].into_iter().map(Drip::end).sum()
    });
    honest.leave(&daemon, before, GROWTH);
}

#[test]
fn tls_handshakes_byte_by_byte_disturb_nobody() {
    let daemon = Daemon::start_tls();
    let honest = Honest::watch(super::tls::relay(&daemon));
    // A ClientHello that says it is longer than it will ever be.
    let drip = Drip::begin(daemon.address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 50);
    honest.during("slow-loris: TLS handshakes byte by byte", || drip.end());
    honest.during("TLS: handshakes that are none, as fast as they go", || {
        for_time(Duration::from_millis(times(1000, 10_000) as u64), || {
            exchange(daemon.address, b"\x16\x03\x01\x00\x04abcd\x80\x00\xff");
            exchange(daemon.address, &[0x16, 3, 3, 0xff, 0xff, 1, 0xff, 0xff, 0xff]);
        })
    });
    honest.viewer.leave();
}

/// Connections that say a byte now and then, on a thread of their own.
struct Drip {
    count: usize,
    thread: std::thread::JoinHandle<(usize, Duration)>,
}

impl Drip {
    fn begin(address: SocketAddr, first: &'static [u8], count: usize) -> Self {
        let thread = std::thread::spawn(move || {
            let begun = Instant::now();
            let mut open: Vec<_> = (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
            let mut bytes = first.iter().copied();
            open.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
            while !open.is_empty() && begun.elapsed() < 2 * ENDED_WITHIN {
                let byte = bytes.next().unwrap_or(b'a');
                open.retain_mut(|stream| goes_on(stream, byte));
                std::thread::sleep(Duration::from_millis(200));
            }
            (open.len(), begun.elapsed())
        });
        Self { count, thread }
    }

    /// Waits until the daemon has ended all of them; how many there were.
    fn end(self) -> usize {
        let (open, took) = self.thread.join().unwrap();
        assert_eq!(open, 0, "still open after {took:?}");
        assert!(took < ENDED_WITHIN, "ended after {took:?}");
        self.count
    }
}

/// Says a byte; whether the daemon still listens.
fn goes_on(stream: &mut TcpStream, byte: u8) -> bool {
    let mut answer = [0; 512];
    match stream.read(&mut answer) {
        Ok(0) => return false,
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(_) => return false,
    }
    stream.write_all(&[byte]).is_ok()
}

/// Does something again and again for that long; how often.
fn for_time(time: Duration, mut each: impl FnMut()) -> usize {
    let end = Instant::now() + time;
    let mut count = 0;
    while Instant::now() < end {
        each();
        count += 1;
        // As fast as it goes, on half of one core: the other half of the machine is the daemon's and its viewers'.
        if count % 50 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    count
}

/// Says that and reads whatever comes, to the end.
fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(ENDED_WITHIN)).unwrap();
    // The daemon may have enough before all is written.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn malformed_http(target: &Target, time: Duration) -> usize {
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(3000));
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "a".repeat(200_000));
    let requests: [&[u8]; 16] = [
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA\0B: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://other/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT other:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /whep HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /whep HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nv=0\r\n",
        b"POST /whep HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
        b"\x00\x01\x02\x03\x04\x05",
        many.as_bytes(),
        long.as_bytes(),
    ];
    let mut next = requests.iter().cycle();
    for_time(time, || {
        let request = next.next().unwrap();
        let answer = exchange(target.web, request);
        let text = String::from_utf8_lossy(&answer);
        let status = text.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        let refused =
            text.is_empty() || status.is_some_and(|status| (400..500).contains(&status) || status == 200);
        let shown = String::from_utf8_lossy(&request[..request.len().min(80)]);
        assert!(refused, "{shown:?}: {:?}", &text[..text.len().min(200)]);
    })
}

/// An open WebSocket, without a library that would not send what is sent here.
fn upgraded(target: &Target) -> TcpStream {
    let mut stream = TcpStream::connect(target.web).unwrap();
    stream.set_read_timeout(Some(ENDED_WITHIN)).unwrap();
    stream.write_all(UPGRADE.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// A client's frame, masked with zeros.
fn frame(first: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..65536 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.resize(bytes.len() + length, b'a');
    bytes
}

/// Reads to the end; the code of the close frame, if there was one.
fn close_code(stream: &mut TcpStream) -> Option<u16> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let mut rest = &bytes[..];
    while let [first, length, ..] = *rest {
        let (head, length) = match length {
            126 => (4, usize::from(u16::from_be_bytes(rest[2..4].try_into().unwrap()))),
            length => (2, usize::from(length)),
        };
        if first == 0x88 {
            return Some(u16::from_be_bytes(rest.get(head..head + 2)?.try_into().unwrap()));
        }
        rest = rest.get(head + length..)?;
    }
    None
}

fn bad_frames(target: &Target, time: Duration) -> usize {
    let huge = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let large = [&[0x81, 0xff][..], &(1u64 << 40).to_be_bytes(), &[0; 4]].concat();
    let frames: [(Vec<u8>, &[u16]); 11] = [
        (vec![0x81, 1, b'a'], &[1002]),
        (frame(0x83, 4), &[1002]),
        (frame(0x8b, 4), &[1002]),
        (frame(0xc1, 4), &[1002]),
        (frame(0x80, 4), &[1002]),
        (frame(0x09, 4), &[1002]),
        (frame(0x89, 126), &[1002]),
        (huge, &[1002, 1009]),
        (large, &[1009]),
        (frame(0x81, 70_000), &[1009]),
        (vec![0x81, 0x81, 0, 0, 0, 0, 0xff], &[1007]),
    ];
    let mut next = frames.iter().cycle();
    for_time(time, || {
        let (bytes, codes) = next.next().unwrap();
        let mut stream = upgraded(target);
        let _ = stream.write_all(bytes);
        let code = close_code(&mut stream);
        let shown = &bytes[..bytes.len().min(12)];
        assert!(code.is_some_and(|code| codes.contains(&code)), "{shown:x?}: {code:?}");
    })
}

fn endless_fragments(target: &Target, time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut count = 0;
    while Instant::now() < end {
        let mut stream = upgraded(target);
        stream.write_all(&frame(0x01, 1000)).unwrap();
        // More than a message may be. The daemon says so, reads on for its closing's deadlines, of a second each, so that
        // its word arrives, and keeps nothing of it. How much goes over loopback in that time is the machine's affair.
        let begun = Instant::now();
        while stream.write_all(&frame(0x00, 1000)).is_ok() {
            assert!(begun.elapsed() < CLOSED_WITHIN, "it never has enough");
        }
        count += 1;
    }
    count
}

fn ping_flood(target: &Target, time: Duration) -> usize {
    let mut stream = upgraded(target);
    // Nothing of the pongs is read, and no more is written than goes.
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let pings = frame(0x89, 125).repeat(50);
    for_time(time, || {
        let _ = stream.write_all(&pings);
    }) * 50
}

fn idle_connections(target: &Target, time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut open = Vec::new();
    let mut count = 0;
    while Instant::now() < end {
        for last in 2..42 {
            let from = SocketAddr::from(([127, 0, 0, last], 0));
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.bind(&from.into()).unwrap();
            socket.connect(&target.web.into()).unwrap();
            open.push(TcpStream::from(socket));
            count += 1;
        }
        // What the daemon has closed is given back here too.
        open.retain(|stream: &TcpStream| {
            stream.set_nonblocking(true).unwrap();
            !matches!(stream.peek(&mut [0]), Ok(0))
        });
        assert!(open.len() <= 700, "{} are open: more than limits.connections", open.len());
        std::thread::sleep(Duration::from_millis(10));
    }
    count
}

/// Sends datagrams of that kind to the media port: some thousand a second.
fn datagrams(target: &Target, time: Duration, mut each: impl FnMut(usize) -> Vec<u8>) -> usize {
    let socket = UdpSocket::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).unwrap();
    let mut count = 0;
    for_time(time, || {
        // A full queue is the receiver's to drop from.
        let _ = socket.send_to(&each(count), target.media);
        count += 1;
    })
}

fn stun_noise(target: &Target, time: Duration) -> usize {
    let mut random = super::random::Random::new(1);
    datagrams(target, time, |_| {
        let mut bytes = random.bytes(1400);
        // So that it is taken for STUN.
        bytes[0] &= 3;
        bytes
    })
}

fn stun_malformed(target: &Target, time: Duration) -> usize {
    let mut random = super::random::Random::new(2);
    let whole = stun::request(&format!("{}:abcd", target.ufrag), &[7; 12]);
    datagrams(target, time, |count| {
        let mut bytes = whole.clone();
        match count % 3 {
            0 => bytes.truncate(random.below(whole.len())),
            1 => {
                let at = random.below(whole.len());
                bytes[at] ^= 1 << random.below(8);
            }
            // A length that leads beyond the end.
            _ => bytes[22..24].copy_from_slice(&(random.below(65_536) as u16).to_be_bytes()),
        }
        bytes
    })
}

fn stun_unsigned(target: &Target, time: Duration) -> usize {
    let mut random = super::random::Random::new(3);
    let names =
        ["nobody:abcd".to_owned(), format!("{}:abcd", target.ufrag), target.ufrag.clone(), String::new()];
    datagrams(target, time, |count| {
        let transaction = random.bytes(12).try_into().unwrap();
        stun::request(&names[count % names.len()], &transaction)
    })
}

fn media_unproved(target: &Target, time: Duration) -> usize {
    let mut random = super::random::Random::new(4);
    datagrams(target, time, |count| {
        let mut bytes = random.bytes(1200);
        bytes[0] = [22, 128, 129, 200][count % 4];
        bytes
    })
}

fn ice_tcp(target: &Target, time: Duration) -> usize {
    let request = stun::request("nobody:abcd", &[9; 12]);
    let framed = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let long = framed(&[0; 5000]);
    let starts =
        [framed(&request), framed(b""), framed(&[0; 200]), long[..2].to_vec(), vec![0], vec![0, 0xff]];
    let mut next = starts.iter().cycle();
    let mut open = std::collections::VecDeque::new();
    for_time(time, || {
        let mut stream = TcpStream::connect(target.web).unwrap();
        let _ = stream.write_all(next.next().unwrap());
        open.push_back(stream);
        if open.len() > 40 {
            open.pop_front();
        }
    })
}
