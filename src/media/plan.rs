//! From a `[[source]]` to what its capture is started with: which launch file, which values.
//!
//! Looks the device up at each start, so that a camera that is plugged in again under another
//! number, or a window that is opened later, is found.

use super::address;
use super::launch::{Description, LaunchFiles};
use super::platform::{self, CameraId, Device, WatchedScreen};
use super::source::CapturePlan;
use super::{Fault, MediaError};
use crate::config::{Source, SourceKind, Test, Uri};
use crate::core::protocol::{FailureCause, MediaKind};
use crate::core::template::{Value, Values};
use crate::core::units::Size;

/// Finds the device and fills in the launch file's values. May ask the X server or the camera:
/// not for the daemon's loop. `known`: the camera that it was captured from before.
///
/// # Errors
/// [`Fault`] when the device is not there or the launch file cannot be read.
pub fn capture(source: &Source, files: &LaunchFiles, known: Option<&CameraId>) -> Result<CapturePlan, Fault> {
    let mut device = None;
    let (file, values) = match &source.kind {
        SourceKind::Screen(screen) => {
            let display = std::env::var("DISPLAY").ok();
            let target = platform::resolve_screen(screen, display.as_deref())?;
            let values = target.values(screen);
            device = Some(Device::Screen(WatchedScreen { screen: screen.clone(), target }));
            ("screen.launch", values)
        }
        SourceKind::Camera(camera) => {
            let target = platform::resolve_camera(camera, known)?;
            device = Some(Device::Camera { path: target.path.clone(), id: target.id.clone() });
            (target.launch_file(), target.values())
        }
        SourceKind::Audio(audio) => {
            let target = platform::resolve_audio(audio)?;
            (target.launch_file, target.values())
        }
        SourceKind::Test(test) => test_picture(test),
        SourceKind::Uri(uri) => {
            // A host that is not there would be waited for until the start is given up.
            if let Some(Err(error)) = address::answers(&uri.uri) {
                let detail = format!("the network camera does not answer: {error}");
                return Err(Fault { cause: FailureCause::NotFound, detail });
            }
            fetched(uri)
        }
        SourceKind::Launch(launch) => (launch.file.as_str(), Values::new()),
    };
    let network_latency = match &source.kind {
        SourceKind::Uri(uri) => Some(uri.latency),
        _ => None,
    };
    Ok(CapturePlan {
        description: files.load(file)?,
        values,
        media: source.media(),
        live: !matches!(source.kind, SourceKind::Uri(_)),
        network_latency,
        device,
    })
}

/// Whether what a source captures is there and free, without capturing it: cheaper than a start, and
/// nothing of it is noticed. `None` where only a start can tell. Blocks for some seconds at most.
#[must_use]
pub fn is_there(source: &Source, known: Option<&CameraId>) -> Option<bool> {
    match &source.kind {
        SourceKind::Screen(screen) => {
            let display = std::env::var("DISPLAY").ok();
            Some(platform::resolve_screen(screen, display.as_deref()).is_ok())
        }
        SourceKind::Camera(camera) => Some(platform::camera_is_free(camera, known)),
        SourceKind::Audio(audio) => platform::sound_answers(audio),
        SourceKind::Uri(uri) => address::answers(&uri.uri).map(|answer| answer.is_ok()),
        SourceKind::Test(_) | SourceKind::Launch(_) => None,
    }
}

/// What is captured in place of a source that is paused: a still picture of that size that says so.
///
/// # Errors
/// [`Fault`] when the launch file cannot be read.
pub fn still(source: &Source, size: Size, files: &LaunchFiles) -> Result<CapturePlan, Fault> {
    let values = Values::from([
        ("title", text(&source.title)),
        ("width", int(size.width)),
        ("height", int(size.height)),
    ]);
    Ok(CapturePlan {
        description: files.load("paused.launch")?,
        values,
        media: vec![MediaKind::Video],
        live: true,
        network_latency: None,
        device: None,
    })
}

/// Looks at a source's own launch file without starting anything: does GStreamer take it, has it the
/// appsinks it must have? `None` for the other kinds: their values come from devices that may not be
/// there yet.
///
/// # Errors
/// As [`super::launch::Description::parse`] and [`super::launch::Description::element`].
pub fn check(source: &Source, files: &LaunchFiles) -> Result<Option<Description>, MediaError> {
    let SourceKind::Launch(launch) = &source.kind else { return Ok(None) };
    let plan = CapturePlan {
        description: files.load(&launch.file)?,
        values: Values::new(),
        media: source.media(),
        live: true,
        network_latency: None,
        device: None,
    };
    super::source::check(&plan)?;
    Ok(Some(plan.description))
}

fn text(value: impl Into<String>) -> Value {
    Value::String(value.into())
}

fn int(value: u32) -> Value {
    Value::Int(i64::from(value))
}

fn test_picture(test: &Test) -> (&'static str, Values) {
    let mut values = Values::from([
        ("pattern", text(&test.pattern)),
        ("width", int(test.size.width)),
        ("height", int(test.size.height)),
        ("framerate", Value::Fraction(test.framerate)),
    ]);
    match test.tone_hz {
        Some(pitch) => {
            values.insert("tone_hz", int(pitch));
            ("test-tone.launch", values)
        }
        None => ("test.launch", values),
    }
}

fn fetched(uri: &Uri) -> (&'static str, Values) {
    let file = match uri.media.as_slice() {
        [MediaKind::Audio] => "uri-audio.launch",
        [MediaKind::Video] => "uri.launch",
        _ => "uri-both.launch",
    };
    (file, Values::from([("uri", text(&uri.uri))]))
}
