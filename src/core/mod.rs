//! The pure heart: types, checks and state machines over std and serde alone.
//!
//! Nothing here touches GStreamer, sockets, files, clocks or randomness: time and random numbers
//! come in as arguments, effects go out as values.

pub mod camera;
pub mod ids;
pub mod inventory;
pub mod protocol;
pub mod units;
