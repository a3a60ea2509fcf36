//! The daemon as a process: viewers that come and go, hostile input, reload, stop. The viewers
//! are real WebRTC peers of GStreamer's own elements behind a WebSocket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access;
mod admin;
mod asked;
mod audit;
mod camera;
mod client;
mod control;
mod desktop;
mod faults;
mod heals;
mod invite;
mod logins;
mod metrics;
mod paused;
#[path = "../support/peer.rs"]
mod peer;
mod pictures;
mod process;
#[path = "../support/pulse.rs"]
#[allow(dead_code)]
mod pulse;
mod reload;
mod renditions;
mod room;
mod sessions;
mod soak;
mod sources;
mod whep;
#[path = "../devices/xvfb.rs"]
#[allow(dead_code)]
mod xvfb;
