//! What differs from one operating system to another: screens, cameras and sound inputs are
//! found, chosen and named here. Linux with X11 today; Wayland and Windows are further submodules.
//!
//! Owns the search and the sentences about what is not there. Never captures: that is the launch
//! files' part. All functions block, for a bounded time: call them off the executor.

mod alsa_pulse;
mod v4l2;
mod x11;
mod xlib;

use super::Fault;
use super::pace::Pace;
use crate::config::Screen;
use crate::core::camera::{CameraFormat, Choice};
use crate::core::protocol::FailureCause;
use crate::core::template::{Value, Values};
use crate::core::units::{FrameRate, Size};
use std::sync::{Arc, mpsc};
use std::time::Duration;

pub use alsa_pulse::{audio_inputs, resolve_audio, sound_answers};
pub use v4l2::{CameraId, camera_is_free, cameras, diagnose_camera, resolve_camera};
pub use x11::{ScreenWatch, WatchedScreen, displays, resolve_screen};
pub use xlib::{guard_process, lost_displays};

/// How long one question to a display, a device or a sound server may take. All of them answer
/// within milliseconds; a hung X server or a broken driver never does.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// The value of `screen.launch` for a source that is held back by what follows it: it looks as soon
/// as it may. A description without it has the source look by its own time.
pub const LOOKS: &str = "looks";
/// The looks a second that such a source could take.
const FASTEST_LOOKS: u32 = 240;

/// What part of which display a screen source captures: the values of `screen.launch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenTarget {
    /// The display: `:0`.
    pub display: String,
    /// The window; `None`: the root window.
    pub xid: Option<u32>,
    /// The part of it; `None`: all of it, whatever size it takes on.
    pub region: Option<Region>,
    /// The size of the pictures, as things stand: even in both directions.
    pub size: Size,
}

/// A part of a display or a window, in its own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Its size, even in both directions.
    pub size: Size,
}

impl ScreenTarget {
    /// The values of `screen.launch`.
    #[must_use]
    pub fn values(&self, screen: &Screen) -> Values {
        let rate = screen.framerate;
        // 0: up to the edge. The size in the mode, too, only for a part: see screen.launch.
        let (place, size) = match self.region {
            None => ([0; 4], String::new()),
            Some(Region { x, y, size: Size { width, height } }) => (
                [x, y, (x + width).saturating_sub(1), (y + height).saturating_sub(1)],
                format!(",width={width},height={height}"),
            ),
        };
        // No more than a slot for each look: the source takes none twice in a slot.
        let looks = FASTEST_LOOKS.max(rate.as_f64().ceil() as u32 * 2);
        let caps = |rate: FrameRate| Value::Caps(format!("video/x-raw,framerate={rate}{size}"));
        let [x, y, end_x, end_y] = place.map(|pixels| Value::Int(pixels.into()));
        Values::from([
            ("display", Value::String(self.display.clone())),
            ("xid", Value::Int(self.xid.unwrap_or(0).into())),
            ("x", x),
            ("y", y),
            ("end_x", end_x),
            ("end_y", end_y),
            ("cursor", Value::Bool(screen.cursor)),
            ("mode", caps(rate)),
            (LOOKS, caps(FrameRate::whole(looks))),
        ])
    }
}

/// The camera and the mode that a camera source captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraTarget {
    /// The node: `/dev/video0`.
    pub path: String,
    /// The name of the card.
    pub name: String,
    /// What it is known by when it has another node.
    pub id: CameraId,
    /// The mode.
    pub choice: Choice,
}

impl CameraTarget {
    /// The values of its launch file.
    #[must_use]
    pub fn values(&self) -> Values {
        let device = Value::String(self.path.clone());
        Values::from([("device", device), ("mode", Value::Caps(self.choice.caps()))])
    }

    /// The launch file for its format.
    #[must_use]
    pub fn launch_file(&self) -> &'static str {
        match self.choice.format {
            CameraFormat::Raw(_) => "camera.launch",
            CameraFormat::Mjpeg => "camera-mjpeg.launch",
        }
    }
}

/// The sound input that an audio source captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTarget {
    /// The launch file of its sound system.
    pub launch_file: &'static str,
    /// What the sound system calls it.
    pub device: String,
}

impl AudioTarget {
    /// The values of its launch file.
    #[must_use]
    pub fn values(&self) -> Values {
        Values::from([("device", Value::String(self.device.clone()))])
    }
}

/// The device of a running capture, to be asked when something is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// A screen: it is looked after while it is captured.
    Screen(WatchedScreen),
    /// A camera: it is asked after a failure.
    Camera {
        /// Its node.
        path: String,
        /// What it is known by when it has another node.
        id: CameraId,
    },
}

impl Device {
    /// Begins to look after a screen, and to tell `pace` of its changes: see
    /// [`WatchedScreen::start`]. Cameras tell by themselves when
    /// they go.
    ///
    /// # Errors
    /// As [`WatchedScreen::start`].
    pub fn watch(
        &self,
        pace: Option<Arc<Pace>>,
        when_changed: impl FnOnce(PlatformError) + Send + 'static,
    ) -> Result<Option<ScreenWatch>, PlatformError> {
        match self {
            Self::Screen(screen) => screen.start(pace, when_changed).map(Some),
            Self::Camera { .. } => Ok(None),
        }
    }

    /// What is wrong with the device, where the system knows better than GStreamer, right after a
    /// capture has failed.
    #[must_use]
    pub fn diagnose(&self) -> Option<PlatformError> {
        match self {
            Self::Screen(_) => None,
            Self::Camera { path, .. } => diagnose_camera(path),
        }
    }
}

/// Why a screen, a camera or a sound input is not there. Each is a sentence for a person that
/// says what was looked for, what there is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// Neither the config nor the environment names a display.
    #[error("no X display: set `display = \":0\"` in the source, or DISPLAY in the daemon's environment")]
    NoDisplay,
    /// No X server answers there.
    #[error("no X server answers at display {display} ({detail}); is the desktop running?")]
    DisplayUnreachable {
        /// The display.
        display: String,
        /// The system's words.
        detail: String,
    },
    /// The X server does not let the daemon in.
    #[error(
        "the X server of display {display} refuses the connection ({detail}); set XAUTHORITY to the \
         cookie file of the user whose desktop it is, or let the daemon run as that user"
    )]
    DisplayRefused {
        /// The display.
        display: String,
        /// The server's words.
        detail: String,
    },
    /// The connection to the X server has ended or does not make sense.
    #[error("display {display} has gone ({detail})")]
    DisplayLost {
        /// The display.
        display: String,
        /// The system's words.
        detail: String,
    },
    /// A monitor, a window or a region is elsewhere now than when the capture began.
    #[error("what is shown of display {display} has moved or changed its size")]
    ScreenMoved {
        /// The display.
        display: String,
    },
    /// No such monitor.
    #[error("display {display} has no monitor {wanted}; it has {present}")]
    NoMonitor {
        /// The display.
        display: String,
        /// The number or the name.
        wanted: String,
        /// Those there are.
        present: String,
    },
    /// No such window.
    #[error("display {display} has no window {wanted}; it has {present}")]
    NoWindow {
        /// The display.
        display: String,
        /// The id or the text.
        wanted: String,
        /// Those there are.
        present: String,
    },
    /// A window that has no picture now.
    #[error("window {window} of display {display} is not on the screen: it is minimised or hidden")]
    WindowHidden {
        /// The display.
        display: String,
        /// The window.
        window: String,
    },
    /// A region that is not on the display.
    #[error("the region {wanted} reaches beyond display {display}, which is {size}")]
    RegionOutside {
        /// The display.
        display: String,
        /// The region: `640x480 at 100,100`.
        wanted: String,
        /// The display's size.
        size: Size,
    },
    /// An area too small for any encoder.
    #[error("the area of display {display} is {size}; it must be at least {MIN_SIDE} pixels each way")]
    TooSmall {
        /// The display.
        display: String,
        /// The area's size.
        size: Size,
    },
    /// No camera at all.
    #[error("no camera found: no /dev/video* captures pictures{hint}")]
    NoCamera {
        /// What was in the way, if anything.
        hint: String,
    },
    /// No such camera.
    #[error("no camera {wanted}; there {present}")]
    CameraNotFound {
        /// The path or the name.
        wanted: String,
        /// Those there are: `is ...`, `are ...`.
        present: String,
    },
    /// The camera may not be opened.
    #[error(
        "{path} may not be opened: add the daemon's user to the group of the device \
         (`usermod -aG video USER`, then log in again; the service: SupplementaryGroups=video)"
    )]
    CameraForbidden {
        /// The node.
        path: String,
    },
    /// The camera is in use.
    #[error("camera {path} is in use by {by}; a camera serves one program at a time")]
    CameraBusy {
        /// The node.
        path: String,
        /// Who has it.
        by: String,
    },
    /// The camera was there and is not any more.
    #[error("camera {path} has gone: it was unplugged, or its driver was")]
    CameraGone {
        /// The node.
        path: String,
    },
    /// The node is no camera, or its driver fails.
    #[error("{path} cannot be used as a camera: {detail}")]
    CameraFailed {
        /// The node.
        path: String,
        /// GStreamer's or the system's words.
        detail: String,
    },
    /// The camera sends nothing that is understood here.
    #[error("camera {path} offers neither raw pictures nor JPEG")]
    NoCameraMode {
        /// The node.
        path: String,
    },
    /// ALSA has nothing that records what it plays.
    #[error(
        "ALSA cannot capture what the machine plays: take `system = \"pulse\"`, or name an \
         snd-aloop device in `device` without `monitor`"
    )]
    NoAlsaMonitor,
    /// The system has no thread to spare.
    #[error("the system has no thread to spare: raise the limit of processes (TasksMax of the service)")]
    NoThread,
    /// No answer in time.
    #[error("{what} did not answer within {} s", DEADLINE.as_secs())]
    NoAnswer {
        /// Who was asked.
        what: String,
    },
}

/// The smallest side of a picture that every encoder takes.
pub const MIN_SIDE: u32 = 16;

impl PlatformError {
    /// The word for it that the page translates.
    #[must_use]
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::NoDisplay
            | Self::DisplayUnreachable { .. }
            | Self::NoMonitor { .. }
            | Self::NoWindow { .. }
            | Self::WindowHidden { .. }
            | Self::NoCamera { .. }
            | Self::CameraNotFound { .. } => FailureCause::NotFound,
            Self::DisplayRefused { .. } | Self::CameraForbidden { .. } => FailureCause::Permission,
            Self::DisplayLost { .. } | Self::ScreenMoved { .. } | Self::CameraGone { .. } => {
                FailureCause::Lost
            }
            Self::CameraBusy { .. } => FailureCause::Busy,
            Self::NoAnswer { .. } => FailureCause::Stalled,
            Self::RegionOutside { .. }
            | Self::TooSmall { .. }
            | Self::CameraFailed { .. }
            | Self::NoCameraMode { .. }
            | Self::NoThread
            | Self::NoAlsaMonitor => FailureCause::Other,
        }
    }
}

impl From<PlatformError> for Fault {
    fn from(error: PlatformError) -> Self {
        Self { cause: error.cause(), detail: error.to_string() }
    }
}

/// Runs `ask` on a thread of its own and waits for it for at most [`DEADLINE`]. A thread that
/// never comes back is left behind: neither a driver nor an X server can be told to give up.
///
/// # Errors
/// [`PlatformError::NoAnswer`] naming `what`; or what `ask` says.
pub(super) fn within<T: Send + 'static>(
    what: &str,
    ask: impl FnOnce() -> Result<T, PlatformError> + Send + 'static,
) -> Result<T, PlatformError> {
    within_time(DEADLINE, what, ask)
}

fn within_time<T: Send + 'static>(
    limit: Duration,
    what: &str,
    ask: impl FnOnce() -> Result<T, PlatformError> + Send + 'static,
) -> Result<T, PlatformError> {
    let no_answer = || PlatformError::NoAnswer { what: what.to_owned() };
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("probe".into())
        .spawn(move || {
            // Nobody listens any more when this fails: the deadline has passed.
            drop(sender.send(ask()));
        })
        .map_err(|_| PlatformError::NoThread)?;
    receiver.recv_timeout(limit).map_err(|_| no_answer())?
}

/// Joins names for a sentence: `a`, `a and b`, `a, b and c`; `none` when there is none.
fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::template;

    #[test]
    fn a_target_becomes_the_values_of_its_launch_file() {
        let size = Size { width: 640, height: 360 };
        let mut target = ScreenTarget { display: ":0".into(), xid: None, region: None, size };
        let screen = Screen {
            display: None,
            area: crate::config::ScreenArea::Whole,
            cursor: true,
            framerate: crate::core::units::FrameRate::whole(30),
        };
        let text = "{display:string} {xid:int} {x:int},{y:int} {end_x:int},{end_y:int} {cursor:bool} {mode:caps} {looks:caps}";
        let rendered = |target: &ScreenTarget| template::render(text, &target.values(&screen)).unwrap();
        assert_eq!(
            rendered(&target).trim(),
            "\":0\" 0 0,0 0,0 true video/x-raw,framerate=30/1 video/x-raw,framerate=240/1"
        );
        target.region = Some(Region { x: 11, y: 13, size });
        target.xid = Some(7);
        assert_eq!(
            rendered(&target).trim(),
            "\":0\" 7 11,13 650,372 true video/x-raw,framerate=30/1,width=640,height=360 \
             video/x-raw,framerate=240/1,width=640,height=360"
        );
    }

    #[test]
    fn what_never_answers_is_given_up() {
        let (_never, wait) = mpsc::channel::<()>();
        let stuck = move || {
            let _ = wait.recv();
            Ok(())
        };
        let result = within_time(Duration::from_millis(20), "the test", stuck);
        assert_eq!(result, Err(PlatformError::NoAnswer { what: "the test".into() }));
        assert_eq!(within("the test", || Ok(7)), Ok(7));
    }

    #[test]
    fn names_are_joined_for_a_sentence() {
        let names: Vec<String> = ["a", "b", "c"].map(String::from).into();
        assert_eq!(listed(&names), "a, b and c");
        assert_eq!(listed(&names[..2]), "a and b");
        assert_eq!(listed(&names[..1]), "a");
        assert_eq!(listed(&[]), "none");
    }
}
