//! The web layer as clients meet it: a real server on a free port, real sockets, TLS and
//! WebSockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod guesses;
mod http;
mod invitations;
mod openapi;
mod protocol_doc;
mod reload;
mod sessions;
mod sockets;
mod support;
mod tls;
