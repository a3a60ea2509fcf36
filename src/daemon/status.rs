//! How things are: what runs, and who watches what.

use super::Daemon;
use super::viewer::{Peer, Unit};
use super::viewers::Viewers;
use crate::core::control::{SourceStatus, Status};
use crate::core::ids::{SourceName, ViewerId};
use crate::core::protocol::{LinkInfo, ViewerInfo, WatchedInfo};
use crate::core::redact::redact_addresses;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

impl Daemon {
    pub(super) fn status(&self, now: Instant) -> Status {
        let sources = self.sources.infos().into_iter().zip(self.sources.faults()).map(|(info, faults)| {
            let viewers = self.viewers.of(&info.name);
            SourceStatus { info, viewers, since_ms: wall_ms(now, faults.since), faults: faults.info() }
        });
        Status {
            software: super::SOFTWARE.into(),
            state_dir: self.config.state_dir.display().to_string(),
            url: self.server.url(),
            up_since_ms: wall_ms(now, self.began),
            sources: sources.collect(),
            viewers: self.viewers.infos(now),
        }
    }
}

impl Viewers {
    /// How many have selected a source, or take it by the WebSocket.
    fn of(&self, source: &SourceName) -> usize {
        let has = |unit: &&Unit| unit.session.selected().contains(source) || unit.takes(source);
        self.all.values().filter(has).count()
    }

    /// How many are being sent something.
    pub(super) fn watching(&self) -> usize {
        self.all.values().filter(|unit| unit.is_watching()).count()
    }

    /// Everybody who is here.
    pub(super) fn infos(&self, now: Instant) -> Vec<ViewerInfo> {
        let here = self.all.iter().filter(|(_, unit)| !unit.is_shown_out());
        here.map(|(id, unit)| unit.info(now, *id)).collect()
    }
}

impl Unit {
    /// Whether it is being sent something, by its peer connection or by its WebSocket.
    fn is_watching(&self) -> bool {
        let connected = self.session.is_connected() && !self.session.selected().is_empty();
        connected || self.taken().next().is_some()
    }

    fn info(&self, now: Instant, viewer: ViewerId) -> ViewerInfo {
        let watching = self.session.watching();
        let watched = self.session.selected().iter().map(|source| {
            let sent = watching.sent(source);
            WatchedInfo {
                source: source.clone(),
                rung: sent.map(|(rung, _)| rung),
                rendition: sent.map(|(_, rendition)| rendition),
            }
        });
        let selected = self.session.selected();
        let by_pictures = self.taken().filter(|source| !selected.contains(source));
        let by_pictures =
            by_pictures.map(|source| WatchedInfo { source: source.clone(), rung: None, rendition: None });
        ViewerInfo {
            viewer,
            name: self.guest.principal().name.clone(),
            by: self.watches_by(),
            since_ms: wall_ms(now, self.since),
            from: redact_addresses(&self.guest.address.ip().to_canonical().to_string()).into_owned(),
            connected: self.session.is_connected() || self.taken().next().is_some(),
            watching: watched.chain(by_pictures).collect(),
            link: self.link(now),
        }
    }

    fn link(&self, now: Instant) -> Option<LinkInfo> {
        let Peer::Open { viewer, .. } = &self.peer else { return None };
        if !self.session.is_connected() {
            return None;
        }
        let estimate = viewer.link().estimate(now);
        let rounded = |value: f64, to: f64| (value * to).round() / to;
        Some(LinkInfo {
            sent_kbps: estimate.sent.kbps(),
            loss: rounded(estimate.loss, 10_000.0),
            rtt_ms: estimate.round_trip.map(|time| rounded(time.as_secs_f64() * 1000.0, 10.0)),
        })
    }
}

/// A moment of this process by the wall clock, in milliseconds since 1970-01-01 UTC.
fn wall_ms(now: Instant, then: Instant) -> f64 {
    let since = SystemTime::now() - now.saturating_duration_since(then);
    since.duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_millis() as f64)
}
