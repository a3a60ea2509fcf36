//! A viewer as those see it who may see who watches: the person at the machine, and admins.

use super::{RungInfo, SourceName, ViewerId};
use serde::{Deserialize, Serialize};

/// One viewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewerInfo {
    /// Its number.
    pub viewer: ViewerId,
    /// The name that it has come by, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// By what it watches.
    pub by: WatchesBy,
    /// When it came, in milliseconds since 1970-01-01 UTC.
    pub since_ms: f64,
    /// Its address without the last part: `192.168.1.x`.
    pub from: String,
    /// Whether its media connection stands.
    pub connected: bool,
    /// What it is to be sent.
    pub watching: Vec<WatchedInfo>,
    /// What is known of its link, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkInfo>,
}

/// By what a viewer watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchesBy {
    /// The page, or what else speaks its protocol.
    Page,
    /// WHEP.
    Whep,
}

/// One source that a viewer is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchedInfo {
    /// Which.
    pub source: SourceName,
    /// Which step of its picture's ladder is sent, counted from the best; absent for sound alone,
    /// and until that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<u8>,
    /// That step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendition: Option<RungInfo>,
}

/// What is known of a viewer's link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LinkInfo {
    /// What it was sent in the last second.
    pub sent_kbps: u32,
    /// The part of it that was lost, from 0 to 1.
    pub loss: f64,
    /// There and back, if the viewer has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}
