//! vitrina: one machine's screen, cameras and sound, live in many browsers.
//!
//! `ARCHITECTURE.md` has the bird's-eye view. Data goes one way:
//! config -> source -> encoder -> fan-out -> viewer -> signalling -> page.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod cli;
pub mod config;
pub mod control;
pub mod core;
pub mod daemon;
pub mod media;
pub mod telemetry;
pub mod web;
