//! The congestion control over an emulated network, in plain numbers.

mod estimates;
mod network;
mod properties;
mod scenarios;
mod session;
