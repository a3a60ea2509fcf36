//! How long the web layer waits for what.

use std::time::Duration;

/// Every wait of the web layer. The defaults are the product's; tests shorten them. None of them
/// is a key of the config: a client that is slower than this is gone or hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    /// For the first byte of a connection and the TLS handshake.
    pub handshake: Duration,
    /// For the whole head of a request; also how long a connection may be idle between two.
    pub head: Duration,
    /// For the whole body of a request.
    pub body: Duration,
    /// For the daemon's answer to a request that it has to answer itself. Longer than a session
    /// that answers an offer may take, so that its own sentence comes first.
    pub answer: Duration,
    /// Until the client takes at least one more byte, and for one whole WebSocket message.
    pub write: Duration,
    /// Between two WebSocket pings (RFC 6455 section 5.5.2).
    pub ping: Duration,
    /// Without a byte from the client, a pong's at least, it is gone. With the grace of a room
    /// ([`crate::core::room::GRACE`]) that is within 10 s of the last that was heard of it.
    pub silence: Duration,
    /// For the client's part of the closing handshake (RFC 6455 section 7).
    pub closing: Duration,
    /// Between two looks at the certificate's files.
    pub certificate: Duration,
    /// For open connections to end after [`super::Server::stop`].
    pub stop: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(20),
            write: Duration::from_secs(10),
            ping: Duration::from_secs(2),
            silence: Duration::from_secs(5),
            closing: Duration::from_secs(1),
            certificate: Duration::from_secs(10),
            stop: Duration::from_secs(1),
        }
    }
}
