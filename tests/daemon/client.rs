//! A client of the signalling, and the whole viewer made of it and a [`Peer`].

use crate::peer::Peer;
use async_channel::Receiver;
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use async_tungstenite::tungstenite::protocol::Message;
use async_tungstenite::{WebSocketSender, client_async};
use futures_lite::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use smol::{Async, Task};
use std::net::{SocketAddr, TcpStream};
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

    /// Cuts the connection without a word.
    pub fn cut(self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
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

/// What comes next; `None`: the connection has ended.
fn soon<T>(coming: &Receiver<T>) -> Option<T> {
    smol::block_on(async { coming.recv().await.ok() }.or(async {
        smol::Timer::after(LIMIT).await;
        panic!("nothing from the daemon within {LIMIT:?}")
    }))
}

/// A viewer with a picture.
pub struct Viewer {
    pub client: Client,
    pub peer: Peer,
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
        // The daemon's own candidates; after the last one there is an empty one.
        loop {
            let message = client.expect("candidate");
            let candidate = message["candidate"].as_str().unwrap();
            if candidate.is_empty() {
                return Self { client, peer };
            }
            peer.add_candidate(0, candidate);
        }
    }

    pub fn leave(mut self) {
        self.client.say(&json!({"type": "leave"}));
        assert_eq!(self.client.expect("bye")["reason"], "left");
        assert!(self.client.next().is_none());
    }
}
