//! The daemon as a process: viewers that come and go, hostile input, reload, stop. The viewers
//! are real WebRTC peers of GStreamer's own elements behind a WebSocket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod admin;
mod asked;
mod audit;
mod client;
mod control;
mod desktop;
mod faults;
mod invite;
mod logins;
mod paused;
#[path = "../support/peer.rs"]
mod peer;
mod pictures;
mod process;
mod renditions;
mod room;
mod sessions;
mod soak;
mod sources;
mod whep;
