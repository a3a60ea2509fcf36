//! The daemon's sources: what is captured and encoded, and for whom.
//!
//! Owns a capture and the renditions of each source, and keeps each running while a viewer wants
//! it. The rules are [`Lifecycle`]'s; this carries them out.

use super::jobs::{Done, Jobs};
use super::unit::{CAPTURE_START, RenditionUnit, Unit};
use crate::config::{Config, Source, Video};
use crate::core::ids::SourceName;
use crate::core::lifecycle::{Effect, Input};
use crate::core::protocol::{Codec, FailureCause, MediaKind, SourceInfo, SourceState};
use crate::core::units::Bitrate;
use crate::media::encoder::{self, EncodeSettings, Encoders};
use crate::media::fanout::Fanout;
use crate::media::launch::LaunchFiles;
use crate::media::rendition::Rendition;
use crate::media::source::Capture;
use crate::media::{self, Events, Fault, Format, RenditionId};
use std::sync::Arc;
use std::time::Instant;

/// All sources, in the config's order.
#[derive(Debug)]
pub(super) struct Sources {
    all: Vec<Unit>,
    encoders: Encoders,
    files: LaunchFiles,
    video: Video,
    audio_bitrate: Bitrate,
    events: Events,
    jobs: Jobs,
    /// The highest number of what earlier configurations have started.
    last_run: u64,
}

/// A source's state for the viewers has changed.
pub(super) type Changes = Vec<(SourceName, SourceState)>;

impl Sources {
    pub(super) fn new(
        config: &Config,
        sources: Vec<Source>,
        encoders: Encoders,
        events: Events,
        jobs: Jobs,
    ) -> Self {
        let mut this = Self {
            all: Vec::new(),
            encoders,
            files: LaunchFiles::new(config.pipelines_dir.clone()),
            video: config.video.clone(),
            audio_bitrate: config.audio.bitrate,
            events,
            jobs,
            last_run: 0,
        };
        this.all = sources.into_iter().map(|source| this.unit(source)).collect();
        this
    }

    fn unit(&self, source: Source) -> Unit {
        Unit::new(source, self.video.grace, &self.events, self.last_run)
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
        (known || failed).then(|| rendition.profile.clone())
    }

    /// The fan-out of a rendition.
    pub(super) fn fanout(&self, id: &RenditionId) -> Option<&Arc<Fanout>> {
        Some(&self.find(&id.source)?.renditions.get(id)?.fanout)
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

    /// Says which renditions viewers want now.
    pub(super) fn demand(&mut self, now: Instant, wanted: impl Fn(&RenditionId) -> bool) -> Changes {
        let mut changes = Changes::new();
        for index in 0..self.all.len() {
            let Some(unit) = self.all.get_mut(index) else { continue };
            let source_wanted = unit.renditions.values().any(|each| wanted(&each.id));
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
            let has_format = unit.formats.contains_key(&rendition.id.media());
            let on = live && has_format && wanted(&rendition.id);
            due.push((id.clone(), rendition.lifecycle.handle(now, Input::Wanted(on))));
        }
        for (id, effects) in due {
            self.apply_rendition(index, &id, now, effects, changes);
        }
    }

    /// Takes what the media or a job says.
    pub(super) fn capture_format(
        &mut self,
        now: Instant,
        name: &SourceName,
        run: u64,
        format: Format,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(name) else { return changes };
        let Some(unit) = self.all.get_mut(index) else { return changes };
        if !unit.lifecycle.keeps(run) {
            return changes;
        }
        tracing::info!(source = %name, ?format, "capture delivers");
        let media = if format == Format::Audio { MediaKind::Audio } else { MediaKind::Video };
        unit.formats.insert(media, format);
        let mut due = Vec::new();
        for (id, rendition) in &mut unit.renditions {
            if rendition.id.media() == media && rendition.format.is_some_and(|of| of != format) {
                // Bitrate and level follow from size and rate.
                rendition.format = None;
                rendition.profile = None;
                due.push((id.clone(), rendition.lifecycle.handle(now, Input::Restart)));
            }
        }
        let effects = unit.lifecycle.handle(now, Input::Progress { run });
        self.apply_source(index, now, effects, &mut changes);
        for (id, effects) in due {
            self.apply_rendition(index, &id, now, effects, &mut changes);
        }
        changes
    }

    pub(super) fn capture_failed(
        &mut self,
        now: Instant,
        name: &SourceName,
        run: u64,
        fault: Fault,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(name) else { return changes };
        let Some(unit) = self.all.get_mut(index) else { return changes };
        let effects =
            unit.lifecycle.handle(now, Input::Failed { run, cause: fault.cause, detail: fault.detail });
        self.apply_source(index, now, effects, &mut changes);
        changes
    }

    pub(super) fn rendition_ready(
        &mut self,
        now: Instant,
        id: &RenditionId,
        run: u64,
        profile: Option<String>,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(&id.source) else { return changes };
        let Some(rendition) = self.rendition_mut(id) else { return changes };
        if rendition.lifecycle.keeps(run) {
            tracing::debug!(rendition = %id, profile, "encoder delivers");
            rendition.profile = profile;
            let effects = rendition.lifecycle.handle(now, Input::Progress { run });
            self.apply_rendition(index, id, now, effects, &mut changes);
        }
        changes
    }

    pub(super) fn rendition_failed(
        &mut self,
        now: Instant,
        id: &RenditionId,
        run: u64,
        detail: String,
    ) -> Changes {
        let mut changes = Changes::new();
        let Some(index) = self.index(&id.source) else { return changes };
        tracing::warn!(rendition = %id, detail, "encoder failed");
        let Some(rendition) = self.rendition_mut(id) else { return changes };
        let input = Input::Failed { run, cause: FailureCause::Encoder, detail };
        let effects = rendition.lifecycle.handle(now, input);
        self.apply_rendition(index, id, now, effects, &mut changes);
        changes
    }

    pub(super) fn keyframe_wanted(&mut self, now: Instant, id: &RenditionId) {
        if let Some(rendition) = self.rendition_mut(id)
            && rendition.gate.request(now)
        {
            rendition.force_keyframe();
        }
    }

    pub(super) fn keyframe_sent(&mut self, id: &RenditionId, at: Instant) {
        if let Some(rendition) = self.rendition_mut(id) {
            rendition.gate.keyframe_seen(at);
        }
    }

    /// A job has come to its end.
    pub(super) fn done(&mut self, now: Instant, done: Done) -> Changes {
        let mut changes = Changes::new();
        match done {
            Done::CaptureStarted { source, run, result } => {
                self.capture_started(now, &source, run, result, &mut changes)
            }
            Done::CaptureStopped { source, run } => {
                let Some(index) = self.index(&source) else { return changes };
                let Some(unit) = self.all.get_mut(index) else { return changes };
                let effects = unit.lifecycle.handle(now, Input::Stopped { run });
                self.apply_source(index, now, effects, &mut changes);
            }
            Done::RenditionStarted { rendition, run, result } => {
                self.rendition_started(now, &rendition, run, result, &mut changes);
            }
            Done::RenditionStopped { rendition, run } => {
                tracing::debug!(%rendition, "encoder has stopped");
                let Some(index) = self.index(&rendition.source) else { return changes };
                let Some(unit) = self.rendition_mut(&rendition) else { return changes };
                let effects = unit.lifecycle.handle(now, Input::Stopped { run });
                self.apply_rendition(index, &rendition, now, effects, &mut changes);
            }
        }
        changes
    }

    fn capture_started(
        &mut self,
        now: Instant,
        name: &SourceName,
        run: u64,
        result: Result<Capture, Fault>,
        changes: &mut Changes,
    ) {
        let Some(index) = self.index(name) else { return };
        let Some(unit) = self.all.get_mut(index) else { return };
        match result {
            // What was told to stop while it started stops now, by being dropped.
            Ok(capture) if unit.lifecycle.keeps(run) => {
                unit.capture = Some(capture);
            }
            Ok(_) => {}
            Err(Fault { cause, detail }) => {
                let mut effects = unit.lifecycle.handle(now, Input::Failed { run, cause, detail });
                // There is nothing to stop.
                effects.retain(|effect| !matches!(effect, Effect::Stop { .. }));
                effects.extend(unit.lifecycle.handle(now, Input::Stopped { run }));
                self.apply_source(index, now, effects, changes);
            }
        }
    }

    fn rendition_started(
        &mut self,
        now: Instant,
        id: &RenditionId,
        run: u64,
        result: Result<Rendition, media::MediaError>,
        changes: &mut Changes,
    ) {
        let Some(index) = self.index(&id.source) else { return };
        let Some(unit) = self.rendition_mut(id) else { return };
        match result {
            Ok(encoder) if unit.lifecycle.keeps(run) => {
                unit.encoder = Some(encoder);
            }
            Ok(_) => {}
            Err(error) => {
                let cause = FailureCause::Encoder;
                let detail = error.to_string();
                tracing::warn!(rendition = %id, detail, "encoder does not start");
                let mut effects = unit.lifecycle.handle(now, Input::Failed { run, cause, detail });
                effects.retain(|effect| !matches!(effect, Effect::Stop { .. }));
                effects.extend(unit.lifecycle.handle(now, Input::Stopped { run }));
                self.apply_rendition(index, id, now, effects, changes);
            }
        }
    }

    /// Looks who has made progress, and lets time pass.
    pub(super) fn tick(&mut self, now: Instant) -> Changes {
        let mut changes = Changes::new();
        for index in 0..self.all.len() {
            let Some(unit) = self.all.get_mut(index) else { continue };
            let run = unit.lifecycle.run();
            let mut effects = Vec::new();
            if unit.has_progressed() {
                effects.extend(unit.lifecycle.handle(now, Input::Progress { run }));
            }
            effects.extend(unit.lifecycle.handle(now, Input::Tick));
            let mut due = Vec::new();
            for (id, rendition) in &mut unit.renditions {
                let run = rendition.lifecycle.run();
                let mut effects = Vec::new();
                if rendition.has_progressed() {
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
                self.apply_rendition(index, &id, now, effects, &mut changes);
            }
        }
        changes
    }

    /// Takes another configuration's sources: what is the same goes on. Returns the names of
    /// those that are gone or different.
    pub(super) fn replace(
        &mut self,
        config: &Config,
        sources: Vec<Source>,
        encoders: Encoders,
    ) -> Vec<SourceName> {
        let same_encoding = self.video == config.video
            && self.audio_bitrate == config.audio.bitrate
            && self.encoders == encoders;
        self.encoders = encoders;
        self.files = LaunchFiles::new(config.pipelines_dir.clone());
        self.video = config.video.clone();
        self.audio_bitrate = config.audio.bitrate;
        let mut old = std::mem::take(&mut self.all);
        self.last_run = old.iter().map(Unit::last_run).fold(self.last_run, u64::max);
        for source in sources {
            let kept = old.iter().position(|unit| same_encoding && unit.source == source);
            let unit = match kept {
                Some(index) => old.remove(index),
                None => self.unit(source),
            };
            self.all.push(unit);
        }
        // Dropping them stops their pipelines.
        old.into_iter().map(|unit| unit.source.name).collect()
    }

    /// Stops everything, for good.
    pub(super) fn stop(&mut self) {
        // Dropping them stops their pipelines.
        self.all.clear();
    }

    fn index(&self, name: &SourceName) -> Option<usize> {
        self.all.iter().position(|unit| unit.source.name == *name)
    }

    fn apply_source(&mut self, index: usize, now: Instant, effects: Vec<Effect>, changes: &mut Changes) {
        for effect in effects {
            let Some(unit) = self.all.get_mut(index) else { return };
            match effect {
                Effect::Start { run } => {
                    unit.formats.clear();
                    // The frames so far are an earlier run's.
                    unit.has_progressed();
                    let (source, files) = (unit.source.clone(), self.files.clone());
                    self.jobs.start_capture(source, run, files, unit.taps.clone(), self.events.clone());
                }
                Effect::Stop { .. } => {
                    unit.stop_capture();
                    self.demand_renditions(index, now, |_| false, changes);
                }
                Effect::Publish(state) => {
                    unit.log(&state);
                    unit.announce(changes);
                }
            }
        }
    }

    fn apply_rendition(
        &mut self,
        index: usize,
        id: &RenditionId,
        now: Instant,
        effects: Vec<Effect>,
        changes: &mut Changes,
    ) {
        for effect in effects {
            let Some(unit) = self.all.get_mut(index) else { return };
            let Some(rendition) = unit.renditions.get_mut(id) else { return };
            match effect {
                Effect::Start { run } => {
                    let Some(format) = unit.formats.get(&rendition.id.media()).copied() else {
                        // The capture has stopped since: nothing to encode.
                        let detail = "the capture has stopped".to_owned();
                        let input = Input::Failed { run, cause: FailureCause::Encoder, detail };
                        rendition.lifecycle.handle(now, input);
                        rendition.lifecycle.handle(now, Input::Stopped { run });
                        continue;
                    };
                    rendition.has_progressed();
                    rendition.format = Some(format);
                    let bitrate = match format {
                        Format::Audio => self.audio_bitrate,
                        Format::Video { .. } => {
                            let fixed = unit.source.bitrate.or(self.video.bitrate);
                            fixed.unwrap_or_else(|| encoder::default_bitrate(format))
                        }
                    };
                    let keyframe_interval = self.video.keyframe_interval;
                    let settings = EncodeSettings { format, bitrate, keyframe_interval };
                    self.jobs.start_rendition(
                        rendition.id.clone(),
                        run,
                        self.encoders.of(id.codec).clone(),
                        settings,
                        Arc::clone(unit.taps.of(rendition.id.media())),
                        Arc::clone(&rendition.fanout),
                        self.events.clone(),
                    );
                }
                Effect::Stop { .. } => rendition.encoder = None,
                Effect::Publish(_) => unit.announce(changes),
            }
        }
    }
}
