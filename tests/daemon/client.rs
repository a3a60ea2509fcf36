//! A client of the signalling, and the whole viewer made of it and a [`Peer`].

use crate::peer::Peer;
use async_channel::Receiver;
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use async_tungstenite::tungstenite::protocol::Message;
use async_tungstenite::{WebSocketSender, client_async};
use futures_lite::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use smol::{Async, Task};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

pub const LIMIT: Duration = Duration::from_secs(20);

/// It is read all the time, as by a browser, so that pings are answered.
pub struct Client {
    sender: WebSocketSender<Async<TcpStream>>,
    heard: Receiver<Value>,
    frames: Receiver<Vec<u8>>,
    reading: Task<()>,
    stream: TcpStream,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address, None).unwrap()
    }

    /// With a viewing token; `None` when it is not let in.
    pub fn try_connect(address: SocketAddr, token: Option<&str>) -> Option<Self> {
        let authorization = token.map(|token| format!("Bearer {token}"));
        Self::try_connect_by(address, authorization.as_deref())
    }

    /// With what `Authorization` says; `None` when it is not let in.
    pub fn try_connect_by(address: SocketAddr, authorization: Option<&str>) -> Option<Self> {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        if let Some(authorization) = authorization {
            request.headers_mut().insert("authorization", authorization.parse().unwrap());
        }
        smol::block_on(async {
            let stream = Async::<TcpStream>::connect(address).await.unwrap();
            let kept = stream.get_ref().try_clone().unwrap();
            let (socket, _) = client_async(request, stream).await.ok()?;
            let (sender, mut receiver) = socket.split();
            let (hear, heard) = async_channel::unbounded();
            let (take, frames) = async_channel::unbounded();
            let reading = smol::spawn(async move {
                loop {
                    match receiver.next().await {
                        Some(Ok(Message::Text(text))) => {
                            let Ok(message) = serde_json::from_str(&text) else { return };
                            let _ = hear.try_send(message);
                        }
                        Some(Ok(Message::Binary(frame))) => {
                            let _ = take.try_send(frame.to_vec());
                        }
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                        Some(Ok(_)) => {}
                    }
                }
            });
            Some(Self { sender, heard, frames, reading, stream: kept })
        })
    }

    /// Connected and welcomed.
    pub fn greeted(address: SocketAddr) -> Self {
        let mut client = Self::connect(address);
        client.hello();
        client
    }

    /// Says hello; the welcome.
    pub fn hello(&mut self) -> Value {
        self.say(&json!({"type": "hello", "version": 1, "video_codecs": ["H264", "VP8"]}));
        self.expect("welcome")
    }

    pub fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string()));
    }

    /// A connection that the daemon has ended takes nothing any more; that is for `next` to find.
    pub fn send(&mut self, message: Message) {
        let _ = smol::block_on(self.sender.send(message));
    }

    /// The next message; `None`: the connection has ended.
    pub fn next(&mut self) -> Option<Value> {
        soon(&self.heard)
    }

    /// The next binary frame.
    pub fn frame(&mut self) -> Vec<u8> {
        soon(&self.frames).expect("the connection goes on until there is a frame")
    }

    /// Everything that has come and was not yet taken: binary frames.
    pub fn frames(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.frames.try_recv().ok()).collect()
    }

    /// The next message of that type; others are passed over.
    pub fn expect(&mut self, kind: &str) -> Value {
        let end = Instant::now() + LIMIT;
        while let Some(message) = self.next() {
            if message["type"] == kind {
                return message;
            }
            assert!(Instant::now() < end, "no '{kind}'");
        }
        panic!("the connection ended before '{kind}'");
    }

    /// The next error's code.
    pub fn error(&mut self) -> String {
        self.expect("error")["code"].as_str().unwrap().to_owned()
    }

    /// From now on nothing is read, and TCP's window goes to zero; it can still be written.
    pub fn stop_reading(&mut self) {
        smol::block_on(std::mem::replace(&mut self.reading, smol::spawn(async {})).cancel());
    }

    /// Says something so often, past whatever waits to be said, as long as the kernel takes it at once; how often it
    /// was said. A frame that was begun is ended in any case.
    pub fn pour(&self, message: &Value, count: usize) -> usize {
        let text = message.to_string();
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("a short message");
        // Masked with zeros.
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
        for said in 0..count {
            let mut rest = &frame[..];
            while !rest.is_empty() {
                match (&self.stream).write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return said,
                    Err(_) if rest.len() == frame.len() => return said,
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
        }
        count
    }

    /// Cuts the connection without a word.
    pub fn cut(self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Its machine is gone from one moment to the next: what is sent to it is answered by nobody, not even by
    /// an acknowledgement of TCP's, and it says no more, for as long as the result is kept.
    pub fn vanish(self) -> Frozen {
        let frozen = self.freeze();
        hear_nothing(&frozen._stream);
        frozen
    }

    /// Nothing is read any more and no ping answered, as by a machine that sleeps.
    pub fn freeze(self) -> Frozen {
        let Self { reading, stream, .. } = self;
        smol::block_on(reading.cancel());
        Frozen { _stream: stream }
    }
}

/// A connection that stands and says nothing.
pub struct Frozen {
    _stream: TcpStream,
}

/// The kernel drops all that arrives for a socket, before TCP has seen it.
fn hear_nothing(stream: &TcpStream) {
    // BPF: return 0, which is how much of a packet is let through.
    let mut nothing = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut nothing };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap();
    // SAFETY: a plain system call; the kernel copies the program, which lives until it is back.
    #[allow(unsafe_code)]
    let result = unsafe {
        let program = (&raw const program).cast();
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, program, size)
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// What comes next; `None`: the connection has ended.
fn soon<T>(coming: &Receiver<T>) -> Option<T> {
    smol::block_on(async { coming.recv().await.ok() }.or(async {
        smol::Timer::after(LIMIT).await;
        panic!("nothing from the daemon within {LIMIT:?}")
    }))
}

/// Takes the daemon's own candidates; after the last one there is an empty one. The UDP port is told.
pub fn candidates(client: &mut Client, mut each: impl FnMut(&str)) -> SocketAddr {
    let mut media = None;
    loop {
        let message = client.expect("candidate");
        let candidate = message["candidate"].as_str().unwrap();
        if candidate.is_empty() {
            return media.expect("the daemon has a UDP port");
        }
        let words: Vec<_> = candidate.split(' ').collect();
        if words[2] == "UDP" {
            media = format!("{}:{}", words[4], words[5]).parse().ok();
        }
        each(candidate);
    }
}

/// A viewer with a picture.
pub struct Viewer {
    pub client: Client,
    pub peer: Peer,
    /// The daemon's UDP port.
    pub media: SocketAddr,
}

impl Viewer {
    /// Joins every source and waits for pictures.
    pub fn watch(address: SocketAddr) -> Self {
        let viewer = Self::join(Client::greeted(address));
        viewer.peer.wait_frames(5, LIMIT);
        viewer
    }

    /// Up to the answer.
    pub fn join(mut client: Client) -> Self {
        client.say(&json!({"type": "join"}));
        Self::answer(client)
    }

    /// From `join` up to the answer.
    pub fn answer(mut client: Client) -> Self {
        let offer = client.expect("offer");
        let peer = Peer::new();
        let sdp = peer.answer(offer["sdp"].as_str().unwrap());
        client.say(&json!({"type": "answer", "sdp": sdp}));
        for (mline, candidate) in peer.candidates() {
            client.say(&json!({"type": "candidate", "mline": mline, "candidate": candidate}));
        }
        let media = candidates(&mut client, |candidate| peer.add_candidate(0, candidate));
        Self { client, peer, media }
    }

    pub fn leave(mut self) {
        self.client.say(&json!({"type": "leave"}));
        assert_eq!(self.client.expect("bye")["reason"], "left");
        assert!(self.client.next().is_none());
    }
}
