//! A source that goes on under its name by another configuration.

use super::{Planned, RenditionUnit, Unit, rendition_ids, timing};
use crate::core::failover::Failover;
use crate::core::protocol::MediaKind;
use crate::daemon::sources::Encoding;
use crate::media::{Events, Format};
use std::time::Duration;

impl Unit {
    /// Whether this is another than it was.
    pub(in crate::daemon) fn differs_from(&self, planned: &Planned) -> bool {
        self.source != planned.source || self.own != planned.own
    }

    /// It is this from now on. Its viewers stay subscribed, whatever becomes of it. True where its capture
    /// has to begin anew; nothing of what was captured until now is sent then.
    pub(in crate::daemon) fn reconfigure(
        &mut self,
        planned: Planned,
        grace: Duration,
        encoding: &Encoding,
        events: &Events,
    ) -> bool {
        // A still picture has the title in it.
        let still = self.paused.is_some() && self.source.title != planned.source.title;
        let anew = still || self.source.kind != planned.source.kind || self.own != planned.own;
        Planned { source: self.source, own: self.own } = planned;
        self.lifecycle.set_grace(grace);
        if anew {
            self.lifecycle.set_timing(timing(&self.source.kind, grace));
            self.camera = None;
        }
        self.keep_renditions(grace, events);
        if anew {
            self.picture = None;
            self.forget_captured();
        } else if let Some(Format::Video { size, framerate }) = self.formats.get(&MediaKind::Video).copied() {
            self.climb(size, framerate, encoding);
        }
        anew
    }

    /// Has the renditions that there are to be, those that were there with their viewers.
    fn keep_renditions(&mut self, grace: Duration, events: &Events) {
        let last_run = self.last_run();
        let mut old = std::mem::take(&mut self.renditions);
        self.renditions = rendition_ids(&self.source)
            .map(|id| {
                let mut rendition = old
                    .remove(&id)
                    .unwrap_or_else(|| RenditionUnit::new(id.clone(), grace, events, last_run));
                rendition.lifecycle.set_grace(grace);
                // What failed before may do by what has been changed.
                rendition.failover = Failover::default();
                (id, rendition)
            })
            .collect();
        old.into_values().for_each(RenditionUnit::end);
    }
}
