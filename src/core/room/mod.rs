//! Rooms: who is in which, what they say, and what they pass to each other.

mod request;

pub use request::Request;
