//! The pure half of the daemon, compiled without GStreamer so that a fuzz build takes seconds.

#![allow(dead_code, missing_docs)]

#[path = "../src/config/mod.rs"]
pub mod config;
#[path = "../src/core/mod.rs"]
pub mod core;
