//! What a viewer takes by the WebSocket in the place of a peer connection: pictures, one on its way of each
//! source, and sound.

use super::pictures::{Pictures, Wanted};
use super::sources::Sources;
use super::viewer::Unit;
use super::viewers::Viewers;
use crate::core::ids::{SourceName, ViewerId};
use crate::core::pictures::{Flight, Pacer, fit};
use crate::core::protocol::{Codec, FrameHead, FrameKind, SourceInfo};
use crate::core::viewer::Taken;
use crate::media::RenditionId;
use crate::media::fanout::Listener;
use crate::media::pictures::PictureId;
use crate::telemetry::metrics::metrics;
use crate::web::Frames;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What one viewer takes.
#[derive(Debug, Default)]
pub(super) struct Taking {
    sources: Vec<Taken>,
    audio: bool,
    /// Of every source that was ever taken: what was on its way may still be.
    paced: BTreeMap<u32, Paced>,
    /// The cameras of participants.
    cameras: BTreeMap<u32, Camera>,
}

#[derive(Debug)]
struct Paced {
    pacer: Pacer,
    /// The serial number of the picture that was sent last.
    sent: u64,
}

/// A participant's camera on its way to one viewer.
#[derive(Debug, Default)]
struct Camera {
    flight: Flight,
    /// The newest picture, while one is on its way.
    waits: Option<(u64, Arc<[u8]>)>,
}

impl Taking {
    fn takes(&self, source: &SourceName) -> bool {
        self.sources.iter().any(|taken| taken.source == *source)
    }

    fn width(&self, subject: u32) -> Option<u32> {
        self.paced.get(&subject).map(|paced| paced.pacer.width())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn sound_of(source: &SourceName) -> RenditionId {
    RenditionId { source: source.clone(), codec: Codec::Opus, rung: 0 }
}

impl Unit {
    /// Whether it is to have this source's picture by the WebSocket.
    pub(super) fn takes(&self, source: &SourceName) -> bool {
        self.taking.takes(source)
    }

    /// The same of its sound.
    pub(super) fn takes_sound(&self, source: &SourceName) -> bool {
        self.taking.audio && self.taking.takes(source)
    }

    /// The sources that it takes by the WebSocket.
    pub(super) fn taken(&self) -> impl Iterator<Item = &SourceName> {
        self.taking.sources.iter().map(|taken| &taken.source)
    }

    /// Takes these sources and no others from now on.
    pub(super) fn take(&mut self, viewer: ViewerId, sources: Vec<Taken>, audio: bool, all: &Sources) {
        self.end_taking(viewer, all);
        for taken in &sources {
            let new = || Paced { pacer: Pacer::new(taken.width), sent: 0 };
            let paced = self.taking.paced.entry(taken.subject).or_insert_with(new);
            paced.pacer.limit(taken.width);
            // Who takes it anew has nothing of it.
            paced.sent = 0;
            if audio
                && let (Some(frames), Some(fanout)) = (self.frames(), all.fanout(&sound_of(&taken.source)))
            {
                fanout.listen(listener(viewer, taken.subject, Arc::clone(frames)));
            }
        }
        self.taking.sources = sources;
        self.taking.audio = audio;
    }

    /// Takes no more of what is not in this list.
    pub(super) fn keep_taken(&mut self, list: &[SourceInfo]) {
        let is_there = |taken: &Taken| list.iter().any(|info| info.name == taken.source);
        let (kept, gone): (Vec<_>, _) =
            std::mem::take(&mut self.taking.sources).into_iter().partition(is_there);
        self.taking.sources = kept;
        gone.iter().for_each(|taken| self.recall(taken.subject));
    }

    /// Takes nothing any more.
    pub(super) fn end_taking(&mut self, viewer: ViewerId, all: &Sources) {
        for taken in std::mem::take(&mut self.taking.sources) {
            if let Some(fanout) = all.fanout(&sound_of(&taken.source)) {
                fanout.unlisten(viewer);
            }
            self.recall(taken.subject);
        }
        if let Some(frames) = self.frames() {
            frames.recall_sound();
        }
    }

    /// Nothing of a source that waits for the client's connection is to leave.
    fn recall(&mut self, subject: u32) {
        let key = (FrameKind::Source.byte(), subject);
        if self.frames().is_some_and(|frames| frames.recall_picture(key))
            && let Some(paced) = self.taking.paced.get_mut(&subject)
        {
            paced.pacer.recall();
        }
    }

    /// The same of what it takes of this source, or of any.
    fn forget_pictures(&mut self, source: Option<&SourceName>) {
        let concerned = |taken: &&Taken| source.is_none_or(|source| taken.source == *source);
        let subjects: Vec<_> =
            self.taking.sources.iter().filter(concerned).map(|each| each.subject).collect();
        for subject in &subjects {
            self.recall(*subject);
        }
        if let (false, Some(frames)) = (subjects.is_empty(), self.frames()) {
            frames.recall_sound();
        }
    }

    /// Sends what is newer than what it has, of each source that it waits for.
    fn send_pictures(&mut self, now: Instant, pictures: &Pictures, sources: &Sources) {
        if self.taking.sources.is_empty() {
            return;
        }
        let Some(frames) = self.frames().cloned() else { return };
        for Taken { subject, source, .. } in &self.taking.sources {
            let Some(paced) = self.taking.paced.get_mut(subject) else { continue };
            if !paced.pacer.is_free() {
                continue;
            }
            let Some(id) = id(source, paced.pacer.width(), sources) else { continue };
            let Some(picture) = pictures.newest(&id).filter(|picture| picture.serial != paced.sent) else {
                continue;
            };
            let Some(number) = paced.pacer.send(now) else { continue };
            paced.sent = picture.serial;
            let (kind, subject, time_us) = (FrameKind::Source, *subject, micros(picture.time));
            let head = FrameHead { kind, number, time_us, subject };
            metrics().pictures.inc();
            metrics().picture_bytes.inc_by(u64::try_from(picture.jpeg.len()).unwrap_or(0));
            frames.put_picture((kind.byte(), subject), head.before(&picture.jpeg));
        }
    }

    /// It has seen a picture.
    pub(super) fn seen(&mut self, now: Instant, kind: FrameKind, subject: u32, number: u32) {
        match kind {
            FrameKind::Source => {
                if let Some(paced) = self.taking.paced.get_mut(&subject) {
                    paced.pacer.seen(now, number);
                }
            }
            FrameKind::Participant => {
                let Some(camera) = self.taking.cameras.get_mut(&subject) else { return };
                if camera.flight.seen(now, number).is_some()
                    && let Some((time_us, jpeg)) = camera.waits.take()
                {
                    self.show_camera(now, subject, time_us, &jpeg);
                }
            }
            FrameKind::Sound => {}
        }
    }

    /// Sends a participant's picture, or keeps it as the newest while one is on its way.
    pub(super) fn show_camera(&mut self, now: Instant, subject: u32, time_us: u64, jpeg: &Arc<[u8]>) {
        let Some(frames) = self.frames().cloned() else { return };
        let camera = self.taking.cameras.entry(subject).or_default();
        let kind = FrameKind::Participant;
        match camera.flight.send(now) {
            Some(number) => {
                let head = FrameHead { kind, number, time_us, subject };
                frames.put_picture((kind.byte(), subject), head.before(jpeg));
            }
            None => camera.waits = Some((time_us, Arc::clone(jpeg))),
        }
    }

    /// No participant's camera is shown any more: it is not with them any more.
    pub(super) fn end_cameras(&mut self) {
        let subjects: Vec<_> = self.taking.cameras.keys().copied().collect();
        subjects.into_iter().for_each(|subject| self.end_camera(subject));
    }

    /// A participant's camera is shown no more.
    pub(super) fn end_camera(&mut self, subject: u32) {
        self.taking.cameras.remove(&subject);
        if let Some(frames) = self.frames() {
            frames.recall_picture((FrameKind::Participant.byte(), subject));
        }
    }
}

/// On a streaming thread: into a queue that never waits.
fn listener(viewer: ViewerId, subject: u32, frames: Arc<Frames>) -> Listener {
    let number = AtomicU32::new(1);
    Listener::new(viewer, move |payload, time| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let head = FrameHead { kind: FrameKind::Sound, number, time_us: micros(time), subject };
        frames.put_sound(head.before(payload));
    })
}

/// The pictures of a source that are at most so wide, if there are any now.
fn id(source: &SourceName, width: u32, sources: &Sources) -> Option<PictureId> {
    let captured = sources.captured(source)?;
    Some(PictureId { source: source.clone(), width: fit(captured.size, width).width })
}

impl Viewers {
    /// The pictures that viewers take.
    pub(super) fn pictures_wanted(&self, sources: &Sources) -> Wanted {
        let takings = self.all.values().map(|unit| &unit.taking);
        takings
            .flat_map(|taking| {
                taking
                    .sources
                    .iter()
                    .filter_map(|taken| id(&taken.source, taking.width(taken.subject)?, sources))
            })
            .collect()
    }

    /// Whether some viewer takes this source's picture by the WebSocket.
    pub(super) fn takes(&self, source: &SourceName) -> bool {
        self.all.values().any(|unit| unit.takes(source))
    }

    /// Sends everybody what is newer than what they have.
    pub(super) fn send_pictures(&mut self, now: Instant, pictures: &Pictures, sources: &Sources) {
        for unit in self.all.values_mut() {
            unit.send_pictures(now, pictures, sources);
        }
    }

    /// Nothing of this source, or of any, that waits is to leave.
    pub(super) fn forget_pictures(&mut self, source: Option<&SourceName>) {
        self.all.values_mut().for_each(|unit| unit.forget_pictures(source));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::principal::{Principal, Rights};
    use crate::core::viewer::Session;
    use crate::daemon::viewer::Guest;
    use crate::web::{Grant, Outbox};
    use std::net::SocketAddr;

    #[test]
    fn a_camera_has_one_picture_on_its_way_and_the_newest_behind_it() {
        let now = Instant::now();
        let (outbox, _inbox) = Outbox::new();
        let frames = Arc::clone(outbox.frames());
        let grant = Grant::of(Principal::anyone(Rights::All));
        let guest = Guest { grant, address: SocketAddr::from(([127, 0, 0, 1], 1)) };
        let mut unit = Unit::new(now, Session::new(now, Vec::new()), guest, outbox);
        let key = (FrameKind::Participant.byte(), 7);
        for time in 0..10u8 {
            unit.show_camera(now, 7, u64::from(time), &Arc::from([time].as_slice()));
        }
        assert!(frames.recall_picture(key), "the first is on its way");
        unit.seen(now, FrameKind::Participant, 7, 9);
        assert!(!frames.recall_picture(key), "it has not seen that");
        unit.seen(now, FrameKind::Participant, 7, 1);
        assert!(frames.recall_picture(key), "then the newest");
        unit.seen(now, FrameKind::Participant, 7, 2);
        assert!(!frames.recall_picture(key), "and those between were dropped");
    }
}
