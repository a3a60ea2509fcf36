//! The daemon as a process: viewers that come and go, hostile input, reload, stop. The viewers
//! are real WebRTC peers of GStreamer's own elements behind a WebSocket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod asked;
mod audit;
mod client;
mod control;
mod faults;
mod hostile;
mod invite;
mod leave;
#[path = "../support/peer.rs"]
mod peer;
mod process;
mod renditions;
mod sessions;
mod sources;
mod whep;
