//! The daemon's sources: what is captured and encoded, and for whom.
//!
//! Owns a capture and the renditions of each source, and keeps each running while a viewer wants
//! it. The rules are those of [`crate::core::lifecycle`]; this carries them out.

mod effects;
mod replaced;
mod reports;

pub(super) use replaced::Replaced;

use super::faults::Faults;
use super::jobs::Jobs;
use super::pictures::Captured;
use super::unit::{CAPTURE_START, Planned, RenditionUnit, Unit};
use crate::config::{Config, Video};
use crate::core::h264;
use crate::core::ids::SourceName;
use crate::core::lifecycle::Input;
use crate::core::pause::Pauses;
use crate::core::protocol::{Codec, MediaKind, SourceInfo, SourceState};
use crate::core::renditions::Rung;
use crate::core::units::Bitrate;
use crate::media::encoder::Encoders;
use crate::media::fanout::Fanout;
use crate::media::launch::LaunchFiles;
use crate::media::{Events, Format, RenditionId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The loop looks twice a second.
const STOOD_STILL: Duration = Duration::from_millis(1500);

/// All sources, in the config's order.
#[derive(Debug)]
pub(super) struct Sources {
    all: Vec<Unit>,
    encoders: Encoders,
    files: LaunchFiles,
    encoding: Encoding,
    pauses: Pauses,
    events: Events,
    jobs: Jobs,
    /// The highest number of what earlier configurations have started.
    last_run: u64,
    /// Those that the metrics have.
    measured: BTreeSet<SourceName>,
    /// When progress was last looked at.
    ticked: Instant,
}

/// What the config says of every encode.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Encoding {
    pub(super) video: Video,
    pub(super) audio_bitrate: Bitrate,
}

impl Encoding {
    fn of(config: &Config) -> Self {
        Self { video: config.video.clone(), audio_bitrate: config.audio.bitrate }
    }
}

/// A source's state for the viewers has changed.
pub(super) type Changes = Vec<Change>;

/// Of one source.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) name: SourceName,
    pub(super) state: SourceState,
    /// Its faults so far.
    pub(super) failures: u64,
}

impl Sources {
    pub(super) fn new(
        config: &Config,
        (sources, pauses): (Vec<Planned>, Pauses),
        encoders: Encoders,
        events: Events,
        jobs: Jobs,
    ) -> Self {
        let mut this = Self {
            all: Vec::new(),
            encoders,
            files: LaunchFiles::new(config.pipelines_dir.clone()),
            encoding: Encoding::of(config),
            pauses,
            events,
            jobs,
            last_run: 0,
            measured: BTreeSet::new(),
            ticked: Instant::now(),
        };
        this.all = sources.into_iter().map(|source| this.unit(source)).collect();
        this
    }

    fn unit(&self, planned: Planned) -> Unit {
        let by = self.pauses.of(&planned.source.name);
        let mut unit = Unit::new(planned, self.encoding.video.grace, &self.events, self.last_run);
        unit.pause(by);
        unit
    }

    /// What is paused.
    pub(super) fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// Pauses what is to be paused, and brings back what is not.
    pub(super) fn set_pauses(&mut self, now: Instant, pauses: Pauses) -> Changes {
        self.pauses = pauses;
        let mut changes = Changes::new();
        // First of all what goes out is stopped, everywhere; then what makes it.
        let mut due = Vec::new();
        for (index, unit) in self.all.iter_mut().enumerate() {
            if unit.pause(self.pauses.of(&unit.source.name)) {
                due.push(index);
            }
        }
        for index in due {
            let Some(unit) = self.all.get_mut(index) else { continue };
            match unit.paused {
                Some(by) => tracing::info!(source = %unit.source.name, ?by, "source paused"),
                None => tracing::info!(source = %unit.source.name, "source no longer paused"),
            }
            let mut effects = Vec::new();
            if !unit.has_something() {
                effects.extend(unit.lifecycle.handle(now, Input::Wanted(false)));
            }
            effects.extend(unit.lifecycle.handle(now, Input::Restart));
            let renditions = unit.renditions.iter_mut();
            let encoders: Vec<_> = renditions
                .map(|(id, rendition)| (id.clone(), rendition.lifecycle.handle(now, Input::Restart)))
                .collect();
            for (id, effects) in encoders {
                self.apply_rendition(index, &id, now, effects, &mut changes);
            }
            self.apply_source(index, now, effects, &mut changes);
        }
        for unit in &mut self.all {
            unit.announce(now, &mut changes);
        }
        changes
    }

    /// What has gone wrong with each, in the config's order.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Faults> {
        self.all.iter().map(|unit| &unit.faults)
    }

    /// The names, in the config's order.
    pub(super) fn names(&self) -> Vec<SourceName> {
        self.all.iter().map(|unit| unit.source.name.clone()).collect()
    }

    /// What viewers are told of them.
    pub(super) fn infos(&self) -> Vec<SourceInfo> {
        self.all
            .iter()
            .map(|unit| SourceInfo {
                name: unit.source.name.clone(),
                title: unit.source.title.clone(),
                kind: unit.source.kind_name(),
                media: unit.source.media(),
                state: unit.state(),
                failures: unit.faults.total(),
            })
            .collect()
    }

    /// The codecs in which a source would be sent to a viewer, picture first.
    pub(super) fn codecs(&self, source: &SourceName, video: Option<Codec>) -> Vec<Codec> {
        self.find(source).map_or_else(Vec::new, |unit| {
            unit.source
                .media()
                .into_iter()
                .filter_map(|media| match media {
                    MediaKind::Video => video,
                    MediaKind::Audio => Some(Codec::Opus),
                })
                .collect()
        })
    }

    /// What an offer says of a rendition, or `None` while its encoder has yet to say it.
    pub(super) fn profile(&self, id: &RenditionId) -> Option<Option<String>> {
        let unit = self.find(&id.source)?;
        let rendition = unit.renditions.get(id)?;
        let known = rendition.profile.is_some() || id.codec != Codec::H264;
        let failed = matches!(unit.state(), SourceState::Failed { .. });
        let best = unit.ladder(id.codec).first();
        (known || failed).then(|| match (&rendition.profile, best) {
            // The viewer may be moved up, and what was offered stays.
            (Some(profile), Some(best)) if id.rung > 0 => {
                Some(h264::covering(profile, best.size, best.framerate))
            }
            (profile, _) => profile.clone(),
        })
    }

    /// The fan-out of a rendition.
    pub(super) fn fanout(&self, id: &RenditionId) -> Option<&Arc<Fanout>> {
        Some(&self.find(&id.source)?.renditions.get(id)?.fanout)
    }

    /// Every rendition that a source may have in a codec.
    pub(super) fn renditions(&self, source: &SourceName, codec: Codec) -> impl Iterator<Item = &RenditionId> {
        let all = self.find(source).into_iter().flat_map(|unit| unit.renditions.keys());
        all.filter(move |id| id.codec == codec)
    }

    /// The bit rate of a source's sound.
    pub(super) fn sound(&self) -> Bitrate {
        self.encoding.audio_bitrate
    }

    /// A source's ladder in a codec; empty until its capture has said what it delivers, and where
    /// there is no picture.
    pub(super) fn ladder(&self, source: &SourceName, codec: Codec) -> &[Rung] {
        self.find(source).map_or(&[], |unit| unit.ladder(codec))
    }

    fn find(&self, name: &SourceName) -> Option<&Unit> {
        self.all.iter().find(|unit| unit.source.name == *name)
    }

    fn find_mut(&mut self, name: &SourceName) -> Option<&mut Unit> {
        self.all.iter_mut().find(|unit| unit.source.name == *name)
    }

    fn rendition_mut(&mut self, id: &RenditionId) -> Option<&mut RenditionUnit> {
        self.find_mut(&id.source)?.renditions.get_mut(id)
    }

    /// When [`Sources::tick`] is next due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all
            .iter()
            .flat_map(|unit| {
                let renditions = unit.renditions.values();
                let own = renditions.flat_map(|each| [each.lifecycle.deadline(), each.gate.poll_timeout()]);
                own.chain([unit.lifecycle.deadline()])
            })
            .flatten()
            .min()
    }

    /// Whether something that was started has neither come up nor failed in a long time: a driver
    /// that does not answer. Only a new process helps.
    pub(super) fn is_stuck(&self) -> bool {
        self.jobs.oldest_start() > CAPTURE_START * 2
    }

    /// The picture of a source, while it is being captured.
    pub(super) fn captured(&self, source: &SourceName) -> Option<Captured> {
        let unit = self.find(source)?;
        let Some(Format::Video { size, .. }) = unit.formats.get(&MediaKind::Video) else { return None };
        unit.lifecycle.is_live().then(|| Captured {
            run: unit.lifecycle.run(),
            size: *size,
            tap: Arc::clone(unit.taps.of(MediaKind::Video)),
            files: self.files.clone(),
        })
    }

    /// Says which renditions viewers want now, and of which sources raw pictures are wanted.
    pub(super) fn demand(
        &mut self,
        now: Instant,
        wanted: impl Fn(&RenditionId) -> bool,
        taken: impl Fn(&SourceName) -> bool,
    ) -> Changes {
        let mut changes = Changes::new();
        for index in 0..self.all.len() {
            let Some(unit) = self.all.get_mut(index) else { continue };
            let picture = unit.source.media().contains(&MediaKind::Video) && taken(&unit.source.name);
            let source_wanted =
                unit.has_something() && (picture || unit.renditions.values().any(|each| wanted(&each.id)));
            let effects = unit.lifecycle.handle(now, Input::Wanted(source_wanted));
            self.apply_source(index, now, effects, &mut changes);
            self.demand_renditions(index, now, &wanted, &mut changes);
        }
        changes
    }

    fn demand_renditions(
        &mut self,
        index: usize,
        now: Instant,
        wanted: impl Fn(&RenditionId) -> bool,
        changes: &mut Changes,
    ) {
        let Some(unit) = self.all.get_mut(index) else { return };
        let live = unit.lifecycle.is_live();
        let mut due = Vec::new();
        for (id, rendition) in &mut unit.renditions {
            let can_be = rendition.settings(&unit.formats, &unit.ladders, &self.encoding).is_some();
            let on = live && can_be && wanted(&rendition.id);
            due.push((id.clone(), rendition.lifecycle.handle(now, Input::Wanted(on))));
        }
        for (id, effects) in due {
            self.apply_rendition(index, &id, now, effects, changes);
        }
    }

    /// Looks who has made progress, and lets time pass.
    pub(super) fn tick(&mut self, now: Instant) -> Changes {
        let mut changes = Changes::new();
        // When the process itself has stood still, nobody's silence is a failure.
        let stood_still = now.duration_since(std::mem::replace(&mut self.ticked, now)) > STOOD_STILL;
        for index in 0..self.all.len() {
            let Some(unit) = self.all.get_mut(index) else { continue };
            let run = unit.lifecycle.run();
            let mut effects = Vec::new();
            if unit.has_progressed() || (stood_still && unit.lifecycle.is_live()) {
                effects.extend(unit.lifecycle.handle(now, Input::Progress { run }));
            }
            effects.extend(unit.lifecycle.handle(now, Input::Tick));
            let mut due = Vec::new();
            for (id, rendition) in &mut unit.renditions {
                let run = rendition.lifecycle.run();
                let mut effects = Vec::new();
                if rendition.has_progressed() || (stood_still && rendition.lifecycle.is_live()) {
                    effects.extend(rendition.lifecycle.handle(now, Input::Progress { run }));
                }
                effects.extend(rendition.lifecycle.handle(now, Input::Tick));
                due.push((id.clone(), effects));
                if rendition.gate.on_timeout(now) {
                    rendition.force_keyframe();
                }
            }
            self.apply_source(index, now, effects, &mut changes);
            for (id, effects) in due {
                self.fail_over(index, &id, now, &effects);
                self.apply_rendition(index, &id, now, effects, &mut changes);
            }
        }
        changes
    }

    /// Stops everything, for good.
    pub(super) fn stop(&mut self) {
        // Dropping them stops their pipelines.
        self.all.clear();
    }

    /// Each of them, to be measured.
    pub(super) fn units(&mut self) -> impl Iterator<Item = &mut Unit> {
        self.all.iter_mut()
    }

    /// The metrics have these now; those that they had, too, and there are no more.
    pub(super) fn measured(&mut self, names: BTreeSet<SourceName>) -> Vec<SourceName> {
        let gone = self.measured.difference(&names).cloned().collect();
        self.measured = names;
        gone
    }

    fn index(&self, name: &SourceName) -> Option<usize> {
        self.all.iter().position(|unit| unit.source.name == *name)
    }
}
