//! What the daemon tells about itself: the log, who came and went in a file of its own, what is
//! counted, and whether it is well.

pub mod audit;
pub mod health;
mod journal;
pub mod logs;
pub mod metrics;
mod process;
