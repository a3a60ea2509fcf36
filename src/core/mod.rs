//! The pure heart: types, checks and state machines over std, serde and thiserror alone.
//!
//! Nothing here touches GStreamer, sockets, files, clocks or randomness: time and random numbers
//! come in as arguments, effects go out as values.

pub mod access;
pub mod audit;
pub mod camera;
pub mod candidate;
pub mod channels;
pub mod congestion;
pub mod control;
pub mod failover;
pub mod h264;
pub mod ice;
pub mod ids;
pub mod inventory;
pub mod invitation;
pub mod jpeg;
pub mod keyframe;
pub mod lifecycle;
pub mod mistake_kind;
pub mod pacing;
pub mod pause;
pub mod pictures;
pub mod principal;
pub mod protocol;
pub mod rate;
pub mod redact;
pub mod renditions;
pub mod retransmission;
pub mod room;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sign;
pub mod template;
pub mod units;
pub mod viewer;
pub mod vp8;
pub mod watching;
pub mod whep;
