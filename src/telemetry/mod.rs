//! What the daemon tells about itself: the log, and who came and went in a file of its own.

pub mod audit;
mod journal;
pub mod logs;
