//! WebSocket <-> protocol: one client's connection after its upgrade.
//!
//! Turns frames into [`Event`]s and [`ServerMessage`]s into frames. Knows the limits of size, rate
//! and time and no policy: what a message means, and what follows a bad one, the daemon decides.
//! Only `ping` is answered here.

use super::deadlines::Deadlines;
use super::io::{Heard, LastHeard, within};
use super::{Event, Frames, Grant, Outbox};
use crate::core::ids::ViewerId;
use crate::core::jpeg;
use crate::core::protocol::{
    CAMERA_RATE, ClientMessage, ErrorCode, FRAME_HEAD, FrameHead, FrameKind, MAX_CAMERA, MAX_MESSAGE,
    ServerMessage,
};
use crate::core::rate::TokenBucket;
use crate::telemetry::metrics::{At, metrics};
use async_channel::{Receiver, Sender};
use async_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use async_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode};
use async_tungstenite::tungstenite::{self, Message};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, WebSocketStream};
use futures_lite::io::{AsyncRead, AsyncWrite};
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt};
use smol::Timer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Frames that a client may send at once: an answer and every candidate of a machine with many
/// interfaces and m-lines.
const BURST: u32 = 400;
/// After that it is read at this pace.
const PACE: Duration = Duration::from_millis(50);
/// The longest frame: a picture of the client's camera. Text is held to [`MAX_MESSAGE`].
const MAX_FRAME: usize = FRAME_HEAD + MAX_CAMERA;
/// The longest `seen`.
const MAX_SEEN: usize = 128;
/// A frame of a picture may take so many times as long to be written as a message.
const PATIENCE: u32 = 4;
/// Pongs that may wait to be written. A client that sends more pings than it reads pongs misses
/// some.
const PONG_CAPACITY: usize = 16;
/// The longest part of a client's mistake that is quoted back, in characters.
const MAX_QUOTE: usize = 200;

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The daemon has dropped the outbox, and everything in it is written.
    Daemon,
    /// The client has closed, or its connection broke.
    Client,
    /// Nothing came from it for too long.
    Silence,
    /// It does not read.
    Stuck,
    /// It does not keep to RFC 6455 or sends too much.
    Misuse(CloseCode, &'static str),
    /// Nobody takes events: the daemon is going away.
    NobodyListens,
}

impl End {
    /// What the client has done wrong, if it has.
    fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Silence => Some("silent"),
            Self::Stuck => Some("does_not_read"),
            Self::Misuse(CloseCode::Size, _) => Some("too_long"),
            Self::Misuse(CloseCode::Invalid, _) => Some("not_utf8"),
            Self::Misuse(..) => Some("bad_frame"),
            Self::Daemon | Self::Client | Self::NobodyListens => None,
        }
    }
}

/// Who has come by a connection, and from where.
pub(crate) struct Guest {
    pub(crate) grant: Grant,
    pub(crate) peer: SocketAddr,
}

/// Carries one client's messages until its end. Emits `Opened` first and `Closed` last, each
/// exactly once; waiting for room in `events` holds up this client only.
/// `read_already` is what came with the upgrade request.
pub(crate) async fn run<S>(
    io: S,
    read_already: Vec<u8>,
    viewer: ViewerId,
    guest: Guest,
    events: &Sender<Event>,
    deadlines: &Deadlines,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_FRAME))
        .max_frame_size(Some(MAX_FRAME));
    let io = Heard::new(io);
    let heard = io.last();
    let (mut sender, mut receiver) =
        WebSocketStream::from_partially_read(io, read_already, Role::Server, Some(config)).await.split();

    let (outbox, inbox) = Outbox::new();
    let frames = Arc::clone(outbox.frames());
    let Guest { grant, peer } = guest;
    if events.send(Event::Opened { viewer, outbox, grant, peer }).await.is_err() {
        let _ = within(deadlines.write, sender.close(close_frame(CloseCode::Away, ""))).await;
        return;
    }
    let closed = Closed { viewer, events, announced: false };

    let (pongs, pongs_to_send) = async_channel::bounded(PONG_CAPACITY);
    let end = read((&mut receiver, &heard), viewer, events, (&pongs, &frames), deadlines)
        .or(write(&mut sender, (&inbox, &frames), &pongs_to_send, deadlines))
        .await;
    drop(inbox);
    tracing::debug!(%viewer, ?end, "WebSocket ends");
    if let Some(cause) = end.fault() {
        metrics().refused(At::Websocket, cause);
    }
    let rest = finish(sender, receiver, &end, deadlines).await;
    closed.announce().await;
    if let Some(stream) = rest {
        within(deadlines.closing, drain(stream)).await;
    }
}

/// Announces the end, also when the task is dropped in the middle.
struct Closed<'a> {
    viewer: ViewerId,
    events: &'a Sender<Event>,
    announced: bool,
}

impl Closed<'_> {
    async fn announce(mut self) {
        let sent = self.events.send(Event::Closed { viewer: self.viewer }).await;
        // Nobody listens any more: nothing to announce to.
        let _ = sent;
        self.announced = true;
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        if !self.announced {
            // The server itself is being dropped; with no room there is nobody to wait for.
            let _ = self.events.try_send(Event::Closed { viewer: self.viewer });
        }
    }
}

/// Reads until the connection ends.
async fn read<S>(
    (receiver, heard): (&mut WebSocketReceiver<S>, &LastHeard),
    viewer: ViewerId,
    events: &Sender<Event>,
    (pongs, frames): (&Sender<ServerMessage>, &Frames),
    deadlines: &Deadlines,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut rate = TokenBucket::new(BURST, PACE);
    let mut pace = Pace::Free;
    let mut camera = TokenBucket::new(CAMERA_RATE, Duration::from_secs(1) / CAMERA_RATE);
    loop {
        let frame = match heard.within(deadlines.silence, receiver.next()).await {
            None => return End::Silence,
            Some(None) => return End::Client,
            Some(Some(Ok(frame))) => frame,
            Some(Some(Err(error))) => {
                let Some(misuse) = Misuse::of(&error) else { return End::Client };
                return misuse.end(viewer, events).await;
            }
        };
        // A picture in its time counts for nothing else; one too many is dropped, and counts as a message.
        if let Message::Binary(frame) = &frame
            && camera.take(Instant::now()).is_ok()
        {
            let event = match picture(viewer, frame) {
                // Dropped where the daemon has much to do: the next one is newer.
                Ok(event) => {
                    let _ = events.try_send(event);
                    continue;
                }
                Err(reason) => malformed(viewer, &reason),
            };
            if events.send(event).await.is_err() {
                return End::NobodyListens;
            }
            continue;
        }
        if let Some(message) = seen(&frame, frames) {
            if events.send(Event::Message { viewer, message }).await.is_err() {
                return End::NobodyListens;
            }
            continue;
        }
        if let Some(event) = pace.keep(&mut rate, viewer).await
            && events.send(event).await.is_err()
        {
            return End::NobodyListens;
        }
        let event = match frame {
            Message::Text(text) if text.len() > MAX_MESSAGE => {
                return Misuse::TOO_LONG.end(viewer, events).await;
            }
            Message::Text(text) => match serde_json::from_str(text.as_str()) {
                Ok(ClientMessage::Ping { id }) => {
                    let _ = pongs.try_send(ServerMessage::Pong { id, time_ms: now_ms() });
                    continue;
                }
                Ok(message) => Event::Message { viewer, message },
                Err(error) => malformed(viewer, &error.to_string()),
            },
            Message::Binary(_)
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Close(_)
            | Message::Frame(_) => continue,
        };
        if events.send(event).await.is_err() {
            return End::NobodyListens;
        }
    }
}

/// The acknowledgement of a picture: as many as pictures are sent cost nothing of the pace.
fn seen(frame: &Message, frames: &Frames) -> Option<ClientMessage> {
    let Message::Text(text) = frame else { return None };
    // Nothing is read twice where no picture waits for it.
    if text.len() > MAX_SEEN || !frames.are_on_the_way() {
        return None;
    }
    let message = serde_json::from_str(text.as_str()).ok()?;
    (matches!(message, ClientMessage::Seen { .. }) && frames.acknowledge()).then_some(message)
}

/// A picture of the client's camera, or why it is none.
fn picture(viewer: ViewerId, frame: &[u8]) -> Result<Event, String> {
    match FrameHead::parse(frame) {
        Some((FrameHead { kind: FrameKind::Participant, time_us, .. }, jpeg)) => {
            jpeg::size(jpeg).map_err(|error| format!("the picture: {error}"))?;
            Ok(Event::Picture { viewer, time_us, jpeg: jpeg.to_vec() })
        }
        _ => Err("binary frame; messages are text frames, and pictures of kind 3 are binary".into()),
    }
}

/// Whether a client keeps to the rate.
enum Pace {
    Free,
    /// It has sent too much, was told so, and is read slowly until it has been quiet.
    Slowed,
}

impl Pace {
    /// Counts a frame. Waits where there were too many, and gives the event that says so once.
    async fn keep(&mut self, rate: &mut TokenBucket, viewer: ViewerId) -> Option<Event> {
        let now = Instant::now();
        if rate.is_full(now) {
            *self = Self::Free;
        }
        let Err(wait) = rate.take(now) else { return None };
        Timer::after(wait).await;
        // The wait was the time until there is one.
        let _ = rate.take(Instant::now());
        match self {
            Self::Slowed => None,
            Self::Free => {
                *self = Self::Slowed;
                Some(Event::Malformed {
                    viewer,
                    code: ErrorCode::TooFast,
                    message: format!(
                        "More than {BURST} messages at once: they are now read at {} a second.",
                        Duration::from_secs(1).as_millis() / PACE.as_millis()
                    ),
                })
            }
        }
    }
}

/// Writes until the outbox is closed and empty, or until the client does not read.
async fn write<S>(
    sender: &mut WebSocketSender<S>,
    (inbox, frames): (&Receiver<ServerMessage>, &Frames),
    pongs: &Receiver<ServerMessage>,
    deadlines: &Deadlines,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    enum Next {
        Say(ServerMessage),
        Frame(Vec<u8>),
        Ping,
        Finish,
    }
    let mut ping = Timer::interval(deadlines.ping);
    loop {
        let say = |received: Result<_, _>| received.map_or(Next::Finish, Next::Say);
        // What says that both are there comes first, else it would never come where there is always
        // something else; it is never much.
        let next = async { say(pongs.recv().await) }
            .or(async {
                ping.next().await;
                Next::Ping
            })
            .or(async { say(inbox.recv().await) })
            .or(async { Next::Frame(frames.next().await) })
            .await;
        let frame = match next {
            Next::Say(message) => match serde_json::to_string(&message) {
                Ok(text) => Message::text(text),
                Err(error) => {
                    // A number that JSON does not have, at most; the next message may be fine.
                    tracing::error!(%error, "a message could not be written as JSON");
                    continue;
                }
            },
            Next::Frame(frame) => Message::binary(frame),
            Next::Ping => Message::Ping(Default::default()),
            Next::Finish => return End::Daemon,
        };
        let limit = if frame.is_binary() { deadlines.write * PATIENCE } else { deadlines.write };
        match within(limit, sender.send(frame)).await {
            None => return End::Stuck,
            Some(Err(_)) => return End::Client,
            Some(Ok(())) => {}
        }
    }
}

/// The closing handshake (RFC 6455 section 7.1), as far as the client takes part in it. Gives the
/// stream where there may be more to read.
async fn finish<S>(
    mut sender: WebSocketSender<S>,
    mut receiver: WebSocketReceiver<S>,
    end: &End,
    deadlines: &Deadlines,
) -> Option<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let frame = match end {
        End::Daemon => close_frame(CloseCode::Normal, ""),
        End::NobodyListens => close_frame(CloseCode::Away, ""),
        End::Misuse(code, sentence) => close_frame(*code, sentence),
        // Its close frame has been answered, or the connection has broken.
        End::Client => None,
        End::Silence | End::Stuck => return None,
    };
    if frame.is_some() {
        within(deadlines.write, sender.close(frame)).await?.ok()?;
        // Until the client's close frame.
        within(deadlines.closing, async { while let Some(Ok(_)) = receiver.next().await {} }).await?;
    }
    let mut stream = WebSocketStream::reunite(sender, receiver).ok()?.into_inner();
    // The server is the first to close.
    within(deadlines.closing, stream.close()).await?.ok()?;
    match end {
        End::Misuse(..) => Some(stream),
        End::Daemon | End::NobodyListens | End::Client | End::Silence | End::Stuck => None,
    }
}

/// Reads what a client still sends after a mistake, which cannot be told apart into frames any
/// more: closing a socket with unread bytes resets it, and the client may lose the close frame.
async fn drain<S: AsyncRead + Unpin>(mut stream: S) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

fn close_frame(code: CloseCode, reason: &'static str) -> Option<CloseFrame> {
    Some(CloseFrame { code, reason: reason.into() })
}

/// A client's mistake that its connection does not survive.
struct Misuse {
    code: CloseCode,
    sentence: &'static str,
}

impl Misuse {
    const TOO_LONG: Self =
        Self { code: CloseCode::Size, sentence: "The message is too long: 65536 bytes are allowed." };

    /// `None`: no mistake, the connection broke.
    fn of(error: &tungstenite::Error) -> Option<Self> {
        let (code, sentence) = match error {
            tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }) => {
                return Some(Self::TOO_LONG);
            }
            tungstenite::Error::Utf8(_) => (CloseCode::Invalid, "The message is not UTF-8."),
            tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return None,
            tungstenite::Error::Protocol(_) => (CloseCode::Protocol, "The frame is against RFC 6455."),
            _ => return None,
        };
        Some(Self { code, sentence })
    }

    /// Tells the daemon of it, and why the connection ends.
    async fn end(self, viewer: ViewerId, events: &Sender<Event>) -> End {
        let message = self.sentence.into();
        match events.send(Event::Malformed { viewer, code: ErrorCode::BadMessage, message }).await {
            Ok(()) => End::Misuse(self.code, self.sentence),
            Err(_) => End::NobodyListens,
        }
    }
}

fn malformed(viewer: ViewerId, reason: &str) -> Event {
    let reason: String = reason.chars().take(MAX_QUOTE).collect();
    Event::Malformed { viewer, code: ErrorCode::BadMessage, message: format!("Not a message: {reason}.") }
}

/// Milliseconds since 1970-01-01 UTC.
fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}

#[cfg(test)]
#[path = "signalling_tests.rs"]
mod tests;
