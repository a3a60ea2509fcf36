//! The sources of a configuration that names none: what the machine has.
//!
//! Owns the choice. How a machine is asked for what it has is not known here.

use super::{Audio, AudioSystem, Camera, Screen, ScreenArea, Source, SourceKind, Test};
use crate::core::camera::has_colour;
use crate::core::ids::SourceName;
use crate::core::inventory::{AudioSystemName, Inventory};
use crate::core::units::{FrameRate, Size};

const SIZE: Size = Size { width: 1280, height: 720 };
const FRAMERATE: FrameRate = FrameRate::whole(30);
const TONE_HZ: u32 = 440;

/// A screen, a camera and a microphone, as far as they are there. A test picture takes the place of
/// the screen or the camera that is not, so there are always two pictures to see; where there is no
/// microphone, the first test picture has a tone. What the machine itself plays is not shown
/// unless the configuration says so.
#[must_use]
pub fn auto_sources(inventory: &Inventory) -> Vec<Source> {
    let microphone = microphone(inventory);
    // The first test picture takes the tone with it.
    let mut tone = if microphone.is_none() { Some(TONE_HZ) } else { None };
    let mut titles = ["Test picture", "Second test picture"].into_iter();
    let mut test_picture = |pattern: &str| {
        let test =
            Test { pattern: pattern.to_owned(), size: SIZE, framerate: FRAMERATE, tone_hz: tone.take() };
        (titles.next().unwrap_or_default(), SourceKind::Test(test))
    };
    let screen = screen(inventory).unwrap_or_else(|| test_picture("smpte"));
    let camera = camera(inventory).unwrap_or_else(|| test_picture("ball"));
    [("screen", Some(screen)), ("camera", Some(camera)), ("microphone", microphone)]
        .into_iter()
        .filter_map(|(name, found)| {
            let (title, kind) = found?;
            let name = SourceName::new(name).ok()?;
            Some(Source { name, title: title.to_owned(), bitrate: None, renditions: Vec::new(), kind })
        })
        .collect()
}

type Found = (&'static str, SourceKind);

fn screen(inventory: &Inventory) -> Option<Found> {
    let display = inventory.displays.first()?;
    let screen = Screen {
        display: Some(display.name.clone()),
        area: ScreenArea::Whole,
        cursor: true,
        framerate: FRAMERATE,
    };
    Some(("Screen", SourceKind::Screen(screen)))
}

fn camera(inventory: &Inventory) -> Option<Found> {
    inventory.cameras.iter().find(|camera| camera.problem.is_none() && has_colour(&camera.modes))?;
    // The first one at each start: its path may change while the daemon runs.
    Some(("Camera", SourceKind::Camera(Camera { device: None, size: SIZE, framerate: FRAMERATE })))
}

fn microphone(inventory: &Inventory) -> Option<Found> {
    let inputs = || inventory.audio_inputs.iter().filter(|input| !input.monitor);
    let input = inputs().find(|input| input.default).or_else(|| inputs().next())?;
    let system = match input.system {
        AudioSystemName::Pulse => AudioSystem::Pulse,
        AudioSystemName::Alsa => AudioSystem::Alsa,
    };
    // The default may be another one tomorrow.
    let device = (!input.default).then(|| input.device.clone());
    Some(("Microphone", SourceKind::Audio(Audio { system, device, monitor: false })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::camera::{CameraFormat, CameraMode, Rates, Sizes};
    use crate::core::inventory::{AudioInput, CameraInfo, Display};
    use crate::core::protocol::MediaKind;

    fn display() -> Display {
        Display { name: ":7".into(), size: SIZE, monitors: vec![], windows: vec![] }
    }

    fn camera(format: &str, problem: Option<&str>) -> CameraInfo {
        let mode = CameraMode {
            format: CameraFormat::Raw(format.into()),
            sizes: Sizes::One(SIZE),
            rates: Rates::Listed(vec![FRAMERATE]),
        };
        CameraInfo {
            name: "Webcam".into(),
            path: "/dev/video0".into(),
            links: vec![],
            modes: vec![mode],
            in_use_by: None,
            problem: problem.map(String::from),
        }
    }

    fn input(device: &str, monitor: bool, default: bool) -> AudioInput {
        let system = AudioSystemName::Pulse;
        AudioInput { system, device: device.into(), description: String::new(), monitor, default }
    }

    /// Name, title and, in a word, kind of each source.
    fn chosen(inventory: &Inventory) -> Vec<String> {
        let sources = auto_sources(inventory);
        let pictures = sources.iter().filter(|source| source.media().contains(&MediaKind::Video)).count();
        assert_eq!(pictures, 2, "the first run shows two pictures");
        let sounds = sources.iter().filter(|source| source.media().contains(&MediaKind::Audio)).count();
        assert!(sounds <= 1, "and no more than one sound");
        let words = |source: &Source| {
            let kind = match &source.kind {
                SourceKind::Screen(screen) => format!("screen {}", screen.display.as_deref().unwrap()),
                SourceKind::Camera(camera) => format!("camera {:?}", camera.device),
                SourceKind::Audio(audio) => format!("audio {:?}", audio.device),
                SourceKind::Test(test) => format!("test {} {:?}", test.pattern, test.tone_hz),
                other => format!("{other:?}"),
            };
            format!("{}: {}: {kind}", source.name, source.title)
        };
        sources.iter().map(words).collect()
    }

    #[test]
    fn what_is_there_is_taken() {
        let inventory = Inventory {
            displays: vec![display()],
            cameras: vec![camera("YUY2", None)],
            audio_inputs: vec![input("mic", false, false), input("headset", false, true)],
            ..Inventory::default()
        };
        assert_eq!(
            chosen(&inventory),
            [
                "screen: Screen: screen :7",
                "camera: Camera: camera None",
                "microphone: Microphone: audio None"
            ]
        );
    }

    #[test]
    fn a_bare_machine_shows_two_different_test_pictures_and_one_tone() {
        assert_eq!(
            chosen(&Inventory::default()),
            ["screen: Test picture: test smpte Some(440)", "camera: Second test picture: test ball None"]
        );
    }

    #[test]
    fn a_test_picture_stands_in_for_what_is_missing() {
        let display_only = Inventory { displays: vec![display()], ..Inventory::default() };
        assert_eq!(
            chosen(&display_only),
            ["screen: Screen: screen :7", "camera: Test picture: test ball Some(440)"]
        );
        let camera_and_sound = Inventory {
            cameras: vec![camera("YUY2", None)],
            audio_inputs: vec![input("mic", false, false)],
            ..Inventory::default()
        };
        assert_eq!(
            chosen(&camera_and_sound),
            [
                "screen: Test picture: test smpte None",
                "camera: Camera: camera None",
                "microphone: Microphone: audio Some(\"mic\")"
            ]
        );
    }

    #[test]
    fn what_the_machine_plays_is_not_shown_unasked() {
        let inventory = Inventory {
            displays: vec![display()],
            cameras: vec![camera("YUY2", None)],
            audio_inputs: vec![input("speakers.monitor", true, true)],
            ..Inventory::default()
        };
        assert_eq!(chosen(&inventory), ["screen: Screen: screen :7", "camera: Camera: camera None"]);
    }

    #[test]
    fn a_camera_that_cannot_be_used_or_has_no_colours_is_not_taken() {
        for camera in [camera("YUY2", Some("it is forbidden")), camera("GRAY8", None)] {
            let inventory = Inventory { cameras: vec![camera], ..Inventory::default() };
            assert!(chosen(&inventory)[1].contains("test ball"));
        }
    }
}
