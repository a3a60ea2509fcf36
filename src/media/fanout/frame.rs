//! The packets of one frame, and how an encoder's packets become frames.

use super::super::{Event, Rung, wall_time};
use super::Fanout;
use crate::core::h264;
use crate::core::protocol::{Codec, MediaKind};
use crate::core::renditions::MAX_RUNGS;
use crate::core::rtp::{RtpHeader, ntp_time};
use crate::core::vp8;
use gstreamer as gst;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes that one frame may have; a keyframe of a 4K screen is under 2 MB.
const MAX_FRAME: usize = 8 * 1024 * 1024;

/// Room that a frame is given before it is known how long it gets.
const EXPECTED: usize = 16 * 1024;

/// The packets of one frame, laid end to end.
#[derive(Debug, Default)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
    pub(super) keyframe: bool,
    pub(super) time: Duration,
    /// When it was captured, as NTP time.
    pub(super) captured: u64,
    /// Which run of which encoder it is from.
    pub(super) stream: u32,
    /// Counts the frames of a fan-out.
    pub(super) number: u64,
}

impl Frame {
    pub(super) fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.bytes.get(start..*end))
    }

    /// All its bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// One more packet.
    pub(super) fn add(&mut self, packet: &[u8]) {
        self.bytes.extend_from_slice(packet);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.keyframe = false;
    }
}

/// Gathers an encoder's packets into frames and hands each to the fan-out. One for each run of
/// an encoder; lives on its streaming thread.
#[derive(Debug)]
pub(crate) struct Feed {
    fanout: Arc<Fanout>,
    run: u64,
    stream: u32,
    frame: Frame,
    timestamp: Option<u32>,
    last_time: Duration,
    announced: Option<Option<String>>,
}

impl Feed {
    /// `run` tells this encoder's packets from an earlier one's.
    pub(crate) fn new(fanout: Arc<Fanout>, run: u64) -> Self {
        let stream = stream_of(run, fanout.rendition.rung);
        Self {
            fanout,
            run,
            stream,
            frame: Frame::default(),
            timestamp: None,
            last_time: Duration::ZERO,
            announced: None,
        }
    }

    /// What tells its packets from all others' of its source.
    pub(crate) fn stream(&self) -> u32 {
        self.stream
    }

    /// Takes what the payloader has pushed.
    pub(crate) fn push(&mut self, sample: &gst::Sample) {
        let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
        let time_of = |buffer: &gst::BufferRef| {
            let running = segment?.to_running_time(buffer.pts()?)?;
            Some(Duration::from_nanos(running.nseconds()))
        };
        if let Some(list) = sample.buffer_list() {
            for buffer in list.iter() {
                self.packet(buffer, time_of(buffer));
            }
        } else if let Some(buffer) = sample.buffer() {
            self.packet(buffer, time_of(buffer));
        }
    }

    /// Says what the stream is, at first and when it has become another; an H.264 stream says it
    /// in its parameter sets.
    fn announce(&mut self, payload: &[u8]) {
        let rendition = &self.fanout.rendition;
        let profile_level_id = match rendition.codec {
            Codec::H264 => match h264::profile_level_id(payload) {
                None => return,
                profile => profile,
            },
            Codec::Vp8 | Codec::Opus => None,
        };
        if self.announced.as_ref() != Some(&profile_level_id) {
            self.announced = Some(profile_level_id.clone());
            let (rendition, run) = (rendition.clone(), self.run);
            self.fanout.events.send(Event::RenditionReady { rendition, run, profile_level_id });
        }
    }

    fn packet(&mut self, buffer: &gst::BufferRef, time: Option<Duration>) {
        let Ok(map) = buffer.map_readable() else { return };
        let Ok(header) = RtpHeader::parse(&map) else { return };
        let payload = map.get(header.header_len..).unwrap_or_default();
        self.announce(payload);
        // A frame whose last packet did not come is given up.
        if self.timestamp != Some(header.timestamp) {
            self.frame.clear();
            self.timestamp = Some(header.timestamp);
        }
        if self.frame.ends.is_empty() {
            self.frame.time = time.unwrap_or(self.last_time);
            self.last_time = self.frame.time;
        }
        if self.frame.len() + map.len() > MAX_FRAME {
            return;
        }
        self.frame.add(&map);
        self.frame.keyframe |= match self.fanout.rendition.codec {
            // rtpvp8pay (seen in 1.22.0) marks no packet as a delta unit.
            Codec::Vp8 => vp8::begins_keyframe(payload),
            Codec::H264 | Codec::Opus => !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
        };
        let last = header.marker || self.fanout.rendition.media() == MediaKind::Audio;
        if last {
            self.frame.captured = ntp_time(wall_time(self.frame.time));
            self.frame.stream = self.stream;
            // The next one is likely to be as long, a keyframe's follower shorter.
            let next =
                Frame { bytes: Vec::with_capacity(self.frame.len().min(EXPECTED)), ..Frame::default() };
            self.fanout.deliver(std::mem::replace(&mut self.frame, next));
        }
    }
}

/// Tells what a run of an encoder sends from all else that a track may be sent: of another run, or
/// of another rung of the same source.
pub(super) fn stream_of(run: u64, rung: Rung) -> u32 {
    const _: () = assert!(MAX_RUNGS <= 8);
    // Runs are counted from 1 and are years away from this bound.
    u32::try_from(run << 3 | u64::from(rung)).unwrap_or(u32::MAX)
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.fanout.ended(self.stream);
    }
}
