//! A server for one test, and clients that are not made of the server's own parts.

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::client::IntoClientRequest;
use async_tungstenite::tungstenite::{self, Message};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt, StreamExt};
use smol::Timer;
use smol::net::TcpStream;
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vitrina::config::{
    Access, Account, AudioEncoding, Config, Limits, Log, LogFormat, Network, Privacy, Secret,
    Server as ServerConfig, Srtp, Tls, Video,
};
use vitrina::core::audit::AddressForm;
use vitrina::core::principal::{AccountName, Rights, Role};
use vitrina::core::protocol::ClientMessage;
use vitrina::core::units::Bitrate;
use vitrina::web::{Deadlines, Event, Grant, Outbox, Server};

/// No test takes longer; one that would hangs.
const WATCHDOG: Duration = Duration::from_secs(30);

/// Runs a test to its end, or fails it.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    smol::block_on(test.or(async {
        Timer::after(WATCHDOG).await;
        panic!("the test hangs");
    }))
}

/// Plain HTTP and a token, on a free port of 127.0.0.1.
pub fn config(state_dir: &Path) -> Config {
    Config {
        file: None,
        state_dir: state_dir.into(),
        pipelines_dir: None,
        server: ServerConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: Tls::Off,
            title: None,
            public_url: None,
            whep_origins: vec![],
        },
        access: Access::Token,
        shared_sources: Rights::All,
        accounts: vec![],
        network: Network {
            addresses: vec![],
            port: None,
            advertise: vec![],
            tcp: true,
            srtp: Srtp::Vitrina,
            ice_servers: vec![],
        },
        limits: Limits {
            viewers: 10,
            viewers_per_source: 10,
            viewers_per_account: 10,
            connections: 64,
            connections_per_address: 64,
        },
        video: Video {
            encoders: vec![],
            bitrate: None,
            keyframe_interval: Duration::from_secs(2),
            grace: Duration::from_secs(5),
        },
        audio: AudioEncoding { bitrate: Bitrate::from_kbps(64) },
        privacy: Privacy { notify: false },
        metrics: None,
        room: None,
        log: Log {
            level: "info".into(),
            format: LogFormat::Text,
            audit_file: None,
            audit_addresses: AddressForm::Short,
        },
        sources: vec![],
    }
}

pub fn open(mut config: Config) -> Config {
    config.access = Access::Open;
    config
}

pub fn password(mut config: Config, password: &str) -> Config {
    config.access = Access::Password(Secret::new(password.into()));
    config
}

/// An account that sees everything.
pub fn account(name: &str, password: &str, role: Role) -> Account {
    let hash = vitrina::web::hash_password(password).unwrap();
    Account { name: AccountName::new(name).unwrap(), hash, role, sources: Rights::All }
}

pub fn with_account(mut config: Config, account: Account) -> Config {
    config.accounts.push(account);
    config
}

pub fn tls(mut config: Config) -> Config {
    config.server.tls = Tls::SelfSigned;
    config
}

/// A running server; ends with this.
pub struct Running {
    pub server: Arc<Server>,
    pub events: async_channel::Receiver<Event>,
    pub task: smol::Task<()>,
}

pub fn start(config: &Config) -> Running {
    start_with(config, Deadlines::default(), 64)
}

pub fn start_with(config: &Config, deadlines: Deadlines, events_capacity: usize) -> Running {
    let (sender, events) = async_channel::bounded(events_capacity);
    let server = Arc::new(Server::bind_with(config, sender, deadlines).unwrap());
    let running = server.clone();
    Running { server, events, task: smol::spawn(async move { running.run().await }) }
}

impl Running {
    pub fn addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    pub async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.addr()).await.unwrap()
    }

    /// One request, its head given without the last empty line, over plain HTTP.
    pub async fn request(&self, head: &str, body: &str) -> Response {
        let mut stream = self.tcp().await;
        request(&mut stream, self.addr(), head, body).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(&format!("GET {path} HTTP/1.1"), "").await
    }

    pub async fn log_in(&self, body: &str) -> Response {
        self.request("POST /api/session HTTP/1.1", body).await
    }

    /// The next event.
    pub async fn event(&self) -> Event {
        self.events.recv().await.unwrap()
    }

    /// The next event, which says that a client has come.
    pub async fn opened(&self) -> Outbox {
        match self.event().await {
            Event::Opened { outbox, .. } => outbox,
            other => panic!("{other:?}"),
        }
    }

    /// The next event, which says that a client has come; who it is.
    pub async fn grant(&self) -> Grant {
        match self.event().await {
            Event::Opened { grant, .. } => grant,
            other => panic!("{other:?}"),
        }
    }

    pub async fn message(&self) -> ClientMessage {
        match self.event().await {
            Event::Message { message, .. } => message,
            other => panic!("{other:?}"),
        }
    }

    pub async fn closed(&self) {
        match self.event().await {
            Event::Closed { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    /// Opens a WebSocket with these headers besides the usual ones.
    pub async fn socket(&self, headers: &[(&str, &str)]) -> Result<Socket, Response> {
        socket(self.tcp().await, &format!("ws://{}/ws", self.addr()), headers).await
    }
}

pub type Socket<S = TcpStream> = WebSocketStream<S>;

pub async fn socket<S>(stream: S, url: &str, headers: &[(&str, &str)]) -> Result<Socket<S>, Response>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        let name = tungstenite::http::HeaderName::try_from(*name).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    match async_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => {
            let (head, body) = answer.into_parts();
            Err(Response {
                status: head.status.as_u16(),
                headers: head
                    .headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect(),
                body: String::from_utf8(body.unwrap_or_default()).unwrap(),
            })
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// The next text of a socket, as JSON.
pub async fn next_json<S>(socket: &mut Socket<S>) -> serde_json::Value
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Reads to the end; gives the code of the close frame.
pub async fn close_code<S>(socket: &mut Socket<S>) -> Option<u16>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut code = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            code = Some(frame.code.into());
        }
    }
    code
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// `NAME=VALUE` of the cookie that was set.
    pub fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").expect("a cookie");
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// One request on a connection that ends with it.
pub async fn request<S>(stream: &mut S, addr: SocketAddr, head: &str, body: &str) -> Response
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let host = if head.to_ascii_lowercase().contains("\nhost:") {
        String::new()
    } else {
        format!("Host: {addr}\r\n")
    };
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let text = format!("{head}\r\n{host}{length}Connection: close\r\n\r\n{body}");
    // The server may refuse before it has read everything.
    let _ = stream.write_all(text.as_bytes()).await;
    response(&read_to_end(stream).await)
}

/// What comes until the other side closes, or breaks off.
pub async fn read_to_end<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut all = Vec::new();
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut part).await {
        all.extend_from_slice(&part[..count]);
    }
    all
}

pub fn response(bytes: &[u8]) -> Response {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Response { status, headers, body: body.to_owned() }
}

/// The token in a state folder.
pub fn token(state_dir: &Path) -> String {
    fs::read_to_string(state_dir.join("token")).unwrap().trim().to_owned()
}
