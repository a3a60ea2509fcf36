//! Another configuration's sources in place of those that there are. What is the same goes on untouched.

use super::{Changes, Encoding, Sources};
use crate::config::Config;
use crate::core::ids::SourceName;
use crate::core::lifecycle::Input;
use crate::core::protocol::Codec;
use crate::daemon::unit::{Planned, Unit};
use crate::media::encoder::Encoders;
use crate::media::launch::LaunchFiles;
use std::time::Instant;

/// What has become of the sources.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Replaced {
    pub(in crate::daemon) added: Vec<SourceName>,
    pub(in crate::daemon) removed: Vec<SourceName>,
    /// Their own tables, or launch files, are others.
    pub(in crate::daemon) changed: Vec<SourceName>,
}

impl Sources {
    /// Takes another configuration's sources. One that has its name as before keeps its viewers; of it only
    /// that is started anew which would run otherwise.
    pub(in crate::daemon) fn replace(
        &mut self,
        now: Instant,
        config: &Config,
        sources: Vec<Planned>,
        encoders: Encoders,
    ) -> (Replaced, Changes) {
        let codecs = [Codec::H264, Codec::Vp8, Codec::Opus].into_iter();
        let others: Vec<_> = codecs.filter(|codec| self.encoders.of(*codec) != encoders.of(*codec)).collect();
        self.encoders = encoders;
        self.files = LaunchFiles::new(config.pipelines_dir.clone());
        self.encoding = Encoding::of(config);
        let mut old = std::mem::take(&mut self.all);
        self.last_run = old.iter().map(Unit::last_run).fold(self.last_run, u64::max);
        let (mut replaced, mut anew) = (Replaced::default(), Vec::new());
        for planned in sources {
            let name = planned.source.name.clone();
            let unit = match old.iter().position(|unit| unit.source.name == name) {
                Some(place) => {
                    let mut unit = old.remove(place);
                    if unit.differs_from(&planned) {
                        replaced.changed.push(name);
                    }
                    let grace = self.encoding.video.grace;
                    anew.push(unit.reconfigure(planned, grace, &self.encoding, &self.events));
                    unit
                }
                None => {
                    replaced.added.push(name);
                    anew.push(false);
                    self.unit(planned)
                }
            };
            self.all.push(unit);
        }
        for unit in old {
            replaced.removed.push(unit.source.name.clone());
            unit.end();
        }
        let mut changes = Changes::new();
        for (index, anew) in anew.into_iter().enumerate() {
            self.start_anew(index, now, anew, &others, &mut changes);
        }
        (replaced, changes)
    }

    /// Starts that anew which would run otherwise: the capture, and with it all (`capture`), or encoders.
    fn start_anew(
        &mut self,
        index: usize,
        now: Instant,
        capture: bool,
        codecs: &[Codec],
        changes: &mut Changes,
    ) {
        let Some(unit) = self.all.get_mut(index) else { return };
        let mut effects = Vec::new();
        if capture {
            if !unit.has_something() {
                effects.extend(unit.lifecycle.handle(now, Input::Wanted(false)));
            }
            effects.extend(unit.lifecycle.handle(now, Input::Restart));
        }
        let mut due = Vec::new();
        for (id, rendition) in &mut unit.renditions {
            let settings = rendition.settings(&unit.formats, &unit.ladders, &self.encoding);
            let otherwise = rendition.running.is_some() && rendition.running != settings;
            if capture || otherwise || codecs.contains(&id.codec) {
                rendition.running = None;
                rendition.profile = None;
                due.push((id.clone(), rendition.lifecycle.handle(now, Input::Restart)));
            }
        }
        for (id, effects) in due {
            self.apply_rendition(index, &id, now, effects, changes);
        }
        self.apply_source(index, now, effects, changes);
    }
}
