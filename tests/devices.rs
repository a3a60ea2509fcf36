//! Screens and sound inputs against real servers: Xvfb and PulseAudio, each test with its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "devices/pacing.rs"]
mod pacing;
#[path = "support/pulse.rs"]
#[allow(dead_code)]
mod pulse;
#[path = "devices/screens.rs"]
mod screens;
#[path = "devices/sound.rs"]
mod sound;
#[path = "devices/xvfb.rs"]
#[allow(dead_code)]
mod xvfb;

use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use std::sync::mpsc;
use std::time::Duration;
use vitrina::config::{Source, SourceKind};
use vitrina::core::ids::SourceName;
use vitrina::core::template::{Value, Values};
use vitrina::core::units::{FrameRate, Size};
use vitrina::media::launch::LaunchFiles;
use vitrina::media::source::{Capture, Taps};
use vitrina::media::{Event, Events, Fault, Format, plan};

/// No single thing that is waited for takes a second; a busy machine may make it take ten.
const LIMIT: Duration = Duration::from_secs(20);

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

#[test]
fn gstreamer_takes_every_capture_description() {
    vitrina::media::init().unwrap();
    let text = |text: &str| Value::String(text.into());
    let picture = || {
        let rate = Value::Fraction(FrameRate::whole(30));
        let (width, height) = (Value::Int(320), Value::Int(240));
        Values::from([("pattern", text("ball")), ("width", width), ("height", height), ("framerate", rate)])
    };
    let camera =
        |mode: &str| Values::from([("device", text("/dev/video0")), ("mode", Value::Caps(mode.into()))]);
    let device = || Values::from([("device", text("x"))]);
    let uri = || Values::from([("uri", text("file:///x\"y z"))]);
    let mut tone = picture();
    tone.insert("tone_hz", Value::Int(440));
    for (file, values, sinks) in [
        ("camera.launch", camera("video/x-raw,format=YUY2,width=320,height=240,framerate=30/1"), "video"),
        ("camera-mjpeg.launch", camera("image/jpeg,width=320,height=240,framerate=30/1"), "video"),
        ("audio-pulse.launch", device(), "audio"),
        ("audio-alsa.launch", device(), "audio"),
        ("test.launch", picture(), "video"),
        ("test-tone.launch", tone, "video audio"),
        ("uri.launch", uri(), "video"),
        ("uri-audio.launch", uri(), "audio"),
        ("uri-both.launch", uri(), "video audio"),
    ] {
        let description = LaunchFiles::default().load(file).unwrap();
        let pipeline = description.parse(&values).unwrap_or_else(|error| panic!("{error}"));
        for name in ["video", "audio"] {
            let there = description.element::<AppSink>(&pipeline, name, "appsink").is_ok();
            assert_eq!(there, sinks.contains(name), "{file}: {name}");
        }
        assert_eq!(pipeline.by_name("even").is_some(), sinks.contains("video"), "{file}");
        assert!(pipeline.by_name("source").is_some(), "{file}");
    }
}

fn source(kind: SourceKind) -> Source {
    Source {
        name: SourceName::new("test").unwrap(),
        title: "Test".into(),
        bitrate: None,
        renditions: Vec::new(),
        kind,
    }
}

/// A running capture of one source, as the daemon runs it.
struct Running {
    events: async_channel::Receiver<Event>,
    taps: Taps,
    capture: Capture,
    stopped: mpsc::Receiver<()>,
}

impl Running {
    fn start(kind: SourceKind) -> Result<Self, Fault> {
        vitrina::media::init().unwrap();
        let source = source(kind);
        let plan = plan::capture(&source, &LaunchFiles::default(), None)?;
        let (sender, events) = async_channel::bounded(256);
        let taps = Taps::default();
        let (tell, stopped) = mpsc::sync_channel(1);
        let when_stopped = move || {
            let _ = tell.send(());
        };
        let capture = Capture::start(&source.name, 1, &plan, &taps, &Events::new(sender), when_stopped)?;
        Ok(Self { events, taps, capture, stopped })
    }

    /// Stops the capture and waits until it has really ended.
    #[track_caller]
    fn stop(self) {
        drop(self.capture);
        self.stopped.recv_timeout(LIMIT).expect("the capture stops");
    }

    /// The next event of the capture.
    #[track_caller]
    fn event(&self) -> Event {
        let wait = async {
            let event = async { Some(self.events.recv().await.unwrap()) };
            let limit = async {
                smol::Timer::after(LIMIT).await;
                None
            };
            smol::future::or(event, limit).await
        };
        smol::block_on(wait).expect("something happens")
    }

    #[track_caller]
    fn format(&self) -> Format {
        match self.event() {
            Event::CaptureFormat { format, .. } => format,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn size(&self) -> Size {
        match self.format() {
            Format::Video { size, .. } => size,
            Format::Audio => panic!("sound"),
        }
    }

    /// The fault that ends the capture; formats that come before it go to `seen`.
    #[track_caller]
    fn fault_after(&self, mut seen: impl FnMut(Format)) -> Fault {
        loop {
            match self.event() {
                Event::CaptureFailed { fault, .. } => return fault,
                Event::CaptureFormat { format, .. } => seen(format),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits until so many more frames have come.
    #[track_caller]
    fn frames(&self, more: u64) {
        let begin = std::time::Instant::now();
        let goal = self.taps.frames() + more;
        while self.taps.frames() < goal {
            assert!(begin.elapsed() < LIMIT, "frames go on coming");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
