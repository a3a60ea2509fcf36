//! Capture, encoders, the fan-out and the viewers' pipelines: the only place that knows GStreamer.

pub mod even;
pub mod platform;
