//! An encoder's inlet: of a tap's raw frames those that the rendition takes, in its size.
//!
//! Frames that are too many are left out before they are handed over, so they wake nobody. What
//! is too large is made smaller on the encoder's own thread, in front of whatever its description
//! has behind `in`: a description of a user's own need not know of renditions.

use super::{Format, MediaError};
use crate::core::renditions::Thinner;
use crate::core::units::{FrameRate, Size};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where a tap hands frames to one encoder.
#[derive(Debug)]
pub struct Inlet {
    appsrc: gst_app::AppSrc,
    /// `None` for sound: all of it is taken.
    pace: Option<Mutex<Pace>>,
}

/// The frame rate that a rendition has.
#[derive(Debug)]
struct Pace {
    rate: FrameRate,
    thinner: Thinner,
    /// The caps of the frames that come, and what the encoder is told of them; `None` where they
    /// come no faster than it takes them.
    caps: Option<(gst::Caps, Option<gst::Caps>)>,
}

impl Inlet {
    /// Before an appsrc that is not playing yet.
    #[must_use]
    pub fn new(appsrc: gst_app::AppSrc, format: Format) -> Self {
        let pace = match format {
            Format::Video { framerate: rate, .. } => {
                Some(Mutex::new(Pace { rate, thinner: Thinner::new(rate), caps: None }))
            }
            Format::Audio => None,
        };
        Self { appsrc, pace }
    }

    /// Takes a frame, or leaves it out. Never waits.
    pub fn push(&self, sample: &gst::Sample) {
        let slower = match self.pace.as_ref().map(|pace| pace.lock().unwrap_or_else(PoisonError::into_inner))
        {
            Some(mut pace) => match pace.take(sample) {
                Some(caps) => caps,
                None => return,
            },
            None => None,
        };
        // An encoder that is stopping refuses; it will detach.
        let _ = match (slower, sample.buffer_owned()) {
            (Some(caps), Some(buffer)) => {
                let sample = gst::Sample::builder().buffer(&buffer).caps(&caps).build();
                self.appsrc.push_sample(&sample)
            }
            _ => self.appsrc.push_sample(sample),
        };
    }
}

impl Pace {
    /// `None`: the frame is left out. Otherwise the caps it is given, where those are not its own.
    fn take(&mut self, sample: &gst::Sample) -> Option<Option<gst::Caps>> {
        let Some(caps) = sample.caps() else { return Some(None) };
        let slower = match &self.caps {
            Some((known, slower)) if known.as_ref() == caps => slower.clone(),
            _ => {
                let slower = slower(caps, self.rate);
                self.caps = Some((caps.to_owned(), slower.clone()));
                slower
            }
        };
        let time = sample.buffer().and_then(gst::BufferRef::pts).map(gst::ClockTime::nseconds);
        match (&slower, time) {
            (Some(_), Some(time)) => self.thinner.takes(Duration::from_nanos(time)).then_some(slower),
            _ => Some(slower),
        }
    }
}

/// Caps that say a lower rate, by which an encoder shares out its bits; `None` where they say none
/// that is higher.
fn slower(caps: &gst::CapsRef, rate: FrameRate) -> Option<gst::Caps> {
    let comes = caps.structure(0)?.get::<gst::Fraction>("framerate").ok()?;
    // A capture that knows no rate (0/1) is taken for 30 frames a second.
    let fps =
        if comes.numer() > 0 { f64::from(comes.numer()) / f64::from(comes.denom().max(1)) } else { 30.0 };
    if fps <= rate.as_f64() * 1.01 {
        return None;
    }
    let fraction =
        gst::Fraction::new(i32::try_from(rate.numerator).ok()?, i32::try_from(rate.denominator).ok()?.max(1));
    let mut slower = caps.to_owned();
    slower.make_mut().set("framerate", fraction);
    Some(slower)
}

/// Puts what makes frames smaller between `input` and what is behind it.
///
/// # Errors
/// When GStreamer's own `videoscale` is not installed, or nothing is behind `input`.
pub(crate) fn scale_behind(
    input: &gst_app::AppSrc,
    pipeline: &gst::Pipeline,
    (whole, size): (Size, Size),
) -> Result<(), MediaError> {
    let wrong = MediaError::gst("making room for a smaller picture");
    let none = |what: &str| MediaError::gst("making room for a smaller picture")(what.to_owned());
    let missing = MediaError::NoElement { element: "videoscale", package: "gstreamer1.0-plugins-base" };
    let scale = gst::ElementFactory::make("videoscale").build().map_err(|_| missing)?;
    let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    let caps = gst::Caps::builder("video/x-raw")
        .field("width", side(size.width))
        .field("height", side(size.height))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let filter = gst::ElementFactory::make("capsfilter")
        .property("caps", &caps)
        .build()
        .map_err(|_| none("there is no capsfilter"))?;
    // Two pixels make one down to half size: 1.6 ms a frame from 1280x720. Smaller than that they
    // would leave some out, which flickers; as many as there are take 1.9 ms, in place of 0.6.
    let method = if size.width * 2 < whole.width { "bilinear2" } else { "bilinear" };
    scale.set_property_from_str("method", method);
    // A rounded size is not filled up with black.
    scale.set_property("add-borders", false);
    let from = input.static_pad("src").ok_or_else(|| none("appsrc has no pad"))?;
    let to = from.peer().ok_or_else(|| none("nothing is behind 'in'"))?;
    let parent = input.parent().and_then(|parent| parent.downcast::<gst::Bin>().ok());
    let bin = parent.unwrap_or_else(|| pipeline.clone().upcast());
    bin.add_many([&scale, &filter]).map_err(wrong)?;
    from.unlink(&to).map_err(MediaError::gst("making room for a smaller picture"))?;
    let pad = |element: &gst::Element, name| element.static_pad(name).ok_or_else(|| none("a pad is missing"));
    let links = [
        (from, pad(&scale, "sink")?),
        (pad(&scale, "src")?, pad(&filter, "sink")?),
        (pad(&filter, "src")?, to),
    ];
    for (from, to) in links {
        from.link(&to).map_err(MediaError::gst("making room for a smaller picture"))?;
    }
    Ok(())
}
