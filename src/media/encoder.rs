//! The encoders of this machine: which there are, and which of them really encode.
//!
//! Each has a launch file of its own, `pipelines/ELEMENT.launch`: from an appsrc `in` of raw
//! frames to an appsink `out` of RTP packets. An element can exist and fail (no GPU behind it, a
//! driver that refuses), so each is tried on a few frames before it is chosen. Those after the chosen
//! one are kept for when it fails later.

use super::launch::{Description, LaunchFiles};
use super::pipeline::Pipeline;
use super::source::configure_input;
use super::{Format, MediaError, inlet};
use crate::config::H264_ENCODERS;
use crate::core::protocol::{Codec, MediaKind};
use crate::core::renditions;
use crate::core::template::{Value, Values};
use crate::core::units::{Bitrate, FrameRate, Size};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::time::Duration;

/// The VP8 encoder.
const VP8_ENCODER: &str = "vp8enc";
/// The Opus encoder.
const OPUS_ENCODER: &str = "opusenc";

/// A change of scene has its bits without overrunning a home link.
pub const BURST: Duration = Duration::from_millis(600);
/// The same for a rendition that is there for narrow links: a viewer's queue holds 200 ms, and x264
/// keeps a keyframe to some 270 ms with this (measured on text, and on what it cannot predict).
pub const NARROW_BURST: Duration = Duration::from_millis(250);

/// How long a trial may take: a GPU's first context takes a second or two.
const TRIAL: Duration = Duration::from_secs(5);
/// What a trial encodes.
const TRIAL_FORMAT: Format =
    Format::Video { size: Size { width: 640, height: 360 }, framerate: FrameRate::whole(30) };

/// An encoder with its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    /// The element's name.
    pub element: String,
    /// What it encodes to.
    pub codec: Codec,
    /// Its launch file.
    pub description: Description,
}

/// The encoders in use: for each codec the one that is chosen, and then those that stand behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoders {
    h264: Ranked,
    vp8: Ranked,
    opus: Ranked,
}

/// The first has encoded something here; of the others it is known that they are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ranked {
    first: Encoder,
    others: Vec<Encoder>,
}

/// What an encode is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeSettings {
    /// What the capture delivers.
    pub captured: Format,
    /// What is encoded of it: no larger and no faster.
    pub format: Format,
    /// What goes out.
    pub bitrate: Bitrate,
    /// At least one keyframe in so much time.
    pub keyframe_interval: Duration,
    /// A keyframe has the bits of so much time at the most, and takes so long on a link that
    /// carries the bit rate and no more.
    pub burst: Duration,
}

impl EncodeSettings {
    /// All that the capture delivers.
    #[must_use]
    pub fn whole(captured: Format, bitrate: Bitrate, keyframe_interval: Duration) -> Self {
        Self { captured, format: captured, bitrate, keyframe_interval, burst: BURST }
    }
}

impl Encoders {
    /// Chooses by trial. Takes up to some seconds: not for the daemon's loop.
    ///
    /// # Errors
    /// [`MediaError::NoEncoder`] with what was tried; a user's launch file that is refused.
    pub fn choose(files: &LaunchFiles, h264_order: &[String]) -> Result<Self, MediaError> {
        Ok(Self {
            h264: first_working(files, Codec::H264, h264_order)?,
            vp8: first_working(files, Codec::Vp8, &[VP8_ENCODER.to_owned()])?,
            opus: first_working(files, Codec::Opus, &[OPUS_ENCODER.to_owned()])?,
        })
    }

    fn ranked(&self, codec: Codec) -> &Ranked {
        match codec {
            Codec::H264 => &self.h264,
            Codec::Vp8 => &self.vp8,
            Codec::Opus => &self.opus,
        }
    }

    /// The one for a codec.
    #[must_use]
    pub fn of(&self, codec: Codec) -> &Encoder {
        &self.ranked(codec).first
    }

    /// The one of that rank for a codec; the first where there is none.
    #[must_use]
    pub fn ranking(&self, codec: Codec, rank: usize) -> &Encoder {
        let ranked = self.ranked(codec);
        rank.checked_sub(1).and_then(|index| ranked.others.get(index)).unwrap_or(&ranked.first)
    }

    /// How many there are for a codec.
    #[must_use]
    pub fn count(&self, codec: Codec) -> usize {
        1 + self.ranked(codec).others.len()
    }
}

/// Tries every known encoder: its element, its codec, and what came of it.
#[must_use]
pub fn trials(files: &LaunchFiles) -> Vec<(&'static str, Codec, Result<(), MediaError>)> {
    H264_ENCODERS
        .into_iter()
        .map(|element| (element, Codec::H264))
        .chain([(VP8_ENCODER, Codec::Vp8), (OPUS_ENCODER, Codec::Opus)])
        .map(|(element, codec)| {
            (element, codec, load(files, codec, element).and_then(|encoder| encoder.try_out()))
        })
        .collect()
}

fn load(files: &LaunchFiles, codec: Codec, element: &str) -> Result<Encoder, MediaError> {
    let description = files.load(&format!("{element}.launch"))?;
    Ok(Encoder { element: element.to_owned(), codec, description })
}

fn first_working(files: &LaunchFiles, codec: Codec, order: &[String]) -> Result<Ranked, MediaError> {
    let mut tried = Vec::new();
    let mut order = order.iter();
    while let Some(element) = order.next() {
        let encoder = load(files, codec, element)?;
        if gst::ElementFactory::find(element).is_none() {
            tried.push(format!("{element}: not installed"));
            continue;
        }
        match encoder.try_out() {
            Ok(()) => {
                tracing::info!(encoder = %element, ?codec, "encoder chosen");
                let others = order.filter(|element| gst::ElementFactory::find(element).is_some());
                let others = others.filter_map(|element| load(files, codec, element).ok());
                return Ok(Ranked { first: encoder, others: others.collect() });
            }
            // A mistake in a user's file is the user's to mend, not to be passed over.
            Err(
                error @ (MediaError::Template { .. }
                | MediaError::MissingElement { .. }
                | MediaError::Description { .. }),
            ) if encoder.description.of_user => return Err(error),
            Err(error) => {
                tracing::info!(encoder = %element, %error, "encoder does not work here");
                tried.push(format!("{element}: {error}"));
            }
        }
    }
    let codec = match codec {
        Codec::H264 => "H.264",
        Codec::Vp8 => "VP8",
        Codec::Opus => "Opus",
    };
    Err(MediaError::NoEncoder { codec, tried: tried.join("; ") })
}

/// A built encoder pipeline with its two ends.
pub(crate) struct Built {
    pub(crate) pipeline: Pipeline,
    pub(crate) input: gst_app::AppSrc,
    pub(crate) output: gst_app::AppSink,
}

impl Encoder {
    /// Makes the pipeline, not yet playing.
    pub(crate) fn build(&self, settings: &EncodeSettings) -> Result<Built, MediaError> {
        let inner = self.description.parse(&values(settings))?;
        let input: gst_app::AppSrc = self.description.element(&inner, "in", "appsrc")?;
        let output: gst_app::AppSink = self.description.element(&inner, "out", "appsink")?;
        let media = if settings.format == Format::Audio { MediaKind::Audio } else { MediaKind::Video };
        configure_input(&input, media);
        if let (Format::Video { size: whole, .. }, Format::Video { size, .. }) =
            (settings.captured, settings.format)
            && whole != size
        {
            inlet::scale_behind(&input, &inner, (whole, size))?;
        }
        output.set_property("sync", false);
        output.set_property("async", false);
        output.set_property("enable-last-sample", false);
        output.set_buffer_list(true);
        Ok(Built { pipeline: Pipeline::new("encoder", inner, true), input, output })
    }

    /// Really encodes a few frames.
    fn try_out(&self) -> Result<(), MediaError> {
        let audio = self.codec == Codec::Opus;
        let format = if audio { Format::Audio } else { TRIAL_FORMAT };
        let settings = EncodeSettings::whole(format, default_bitrate(format), TRIAL);
        let built = self.build(&settings)?;
        let (caps, bytes, duration) = match format {
            Format::Audio => (
                "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2".to_owned(),
                480 * 4,
                gst::ClockTime::from_mseconds(10),
            ),
            Format::Video { size, framerate } => (
                format!(
                    "video/x-raw,format=I420,width={},height={},framerate={framerate}",
                    size.width, size.height
                ),
                usize::try_from(size.pixels() * 3 / 2).unwrap_or(0),
                gst::ClockTime::from_mseconds(33),
            ),
        };
        let caps: gst::Caps = caps.parse().map_err(MediaError::gst("trying an encoder"))?;
        built.input.set_caps(Some(&caps));
        // Every frame has to pass, however late.
        built.input.set_leaky_type(gst_app::AppLeakyType::None);
        let (sender, failure) = std::sync::mpsc::sync_channel(8);
        built.pipeline.on_message(move |message| {
            if let super::pipeline::BusMessage::Error { detail, .. } = message {
                let _ = sender.try_send(detail);
            }
        });
        let said = |fallback: MediaError| match failure.recv_timeout(Duration::from_millis(100)) {
            Ok(message) => MediaError::Gst { what: "it does not encode", message },
            Err(_) => fallback,
        };
        built.pipeline.play().map_err(&said)?;
        for index in 0..10u64 {
            let mut buffer = gst::Buffer::from_slice(vec![0u8; bytes]);
            let header = buffer.make_mut();
            header.set_pts(duration * index);
            header.set_duration(duration);
            built.input.push_buffer(buffer).map_err(MediaError::gst("trying an encoder")).map_err(&said)?;
        }
        built.input.end_of_stream().map_err(MediaError::gst("trying an encoder"))?;
        let wait = gst::ClockTime::from_mseconds(u64::try_from(TRIAL.as_millis()).unwrap_or(0));
        match built.output.try_pull_sample(wait) {
            Some(_) => Ok(()),
            None => Err(said(MediaError::Gst {
                what: "it does not encode",
                message: format!("no packet within {} s", TRIAL.as_secs()),
            })),
        }
    }
}

fn values(settings: &EncodeSettings) -> Values {
    let mut values = Values::from([("bitrate_kbps", Value::Int(i64::from(settings.bitrate.kbps())))]);
    if let Format::Video { size, framerate } = settings.format {
        let burst_ms = i64::try_from(settings.burst.as_millis()).unwrap_or(i64::MAX);
        let frames = (settings.keyframe_interval.as_secs_f64() * framerate.as_f64()).round().max(1.0);
        values.extend([
            ("width", Value::Int(i64::from(size.width))),
            ("height", Value::Int(i64::from(size.height))),
            ("framerate", Value::Fraction(framerate)),
            ("keyframe_frames", Value::Int(frames as i64)),
            ("burst_ms", Value::Int(burst_ms)),
            // What libvpx begins with and aims at, below what there is.
            ("burst_level_ms", Value::Int((burst_ms * 5 / 6).max(1))),
            ("burst_kbit", Value::Int((burst_ms * i64::from(settings.bitrate.kbps()) / 1000).max(1))),
        ]);
    }
    values
}

/// The bit rate where the config names none.
#[must_use]
pub fn default_bitrate(format: Format) -> Bitrate {
    match format {
        Format::Audio => Bitrate::from_kbps(96),
        Format::Video { size, framerate } => renditions::default_bitrate(size, framerate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_software_encoders_really_encode() {
        super::super::init().unwrap();
        let trials = trials(&LaunchFiles::default());
        for element in ["x264enc", "vp8enc", "opusenc"] {
            let (_, _, result) = trials.iter().find(|(name, ..)| *name == element).unwrap();
            assert!(result.is_ok(), "{element}: {result:?}");
        }
    }

    #[test]
    fn an_encoder_that_exists_and_fails_is_passed_over() {
        super::super::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        // Accepts frames and never gives a packet.
        std::fs::write(
            folder.path().join("openh264enc.launch"),
            "appsrc name=in ! fakesink videotestsrc num-buffers=0 ! appsink name=out",
        )
        .unwrap();
        let files = LaunchFiles::new(Some(folder.path().into()));
        let encoders = Encoders::choose(&files, &["nosuch264enc".into(), "x264enc".into()]);
        assert!(encoders.unwrap_err().to_string().contains("nosuch264enc.launch"));
        let encoders = Encoders::choose(&files, &["openh264enc".into(), "x264enc".into()]).unwrap();
        assert_eq!(encoders.of(Codec::H264).element, "x264enc");
    }

    #[test]
    fn those_behind_the_chosen_one_are_kept_in_their_order() {
        super::super::init().unwrap();
        let order = ["x264enc", "nosuch264enc", "openh264enc"].map(String::from);
        let encoders = Encoders::choose(&LaunchFiles::default(), &order).unwrap();
        assert_eq!(encoders.count(Codec::H264), 2);
        let ranking: Vec<_> = (0..3).map(|rank| &*encoders.ranking(Codec::H264, rank).element).collect();
        assert_eq!(ranking, ["x264enc", "openh264enc", "x264enc"]);
        assert_eq!(encoders.count(Codec::Opus), 1);
    }

    #[test]
    fn a_users_file_that_gstreamer_refuses_is_told_and_not_passed_over() {
        super::super::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = "appsrc name=in ! x264enc nosuchproperty=1 ! rtph264pay ! appsink name=out";
        std::fs::write(folder.path().join("x264enc.launch"), text).unwrap();
        let files = LaunchFiles::new(Some(folder.path().into()));
        let refused = Encoders::choose(&files, &["x264enc".into(), "openh264enc".into()]).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("x264enc.launch: ") && message.contains("nosuchproperty"), "{message}");
    }
}
