//! What the daemon tells about itself: the log.

mod journal;
pub mod logs;
