//! The pure heart: types, checks and state machines over std and serde alone.
//!
//! Nothing here touches GStreamer, sockets, files, clocks or randomness: time and random numbers
//! come in as arguments, effects go out as values.

pub mod access;
pub mod ids;
pub mod protocol;
pub mod rate;
pub mod units;
