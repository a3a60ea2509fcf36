//! What the daemon tells about itself: the log.

pub mod logs;
mod redact;

pub use redact::redact_addresses;
