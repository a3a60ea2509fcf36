//! What a machine has to show: displays, cameras, sound inputs, encoders.
//!
//! Owns the types and their JSON form, which `vitrina devices --json` prints and other programs
//! read: fields are added, never renamed. Knows nothing of how they are found.

use super::camera::CameraMode;
use super::protocol::Codec;
use super::units::Size;
use serde::Serialize;

/// All that was found, in the order in which it is offered.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Inventory {
    /// X displays that can be opened.
    pub displays: Vec<Display>,
    /// Cameras, the first one first.
    pub cameras: Vec<CameraInfo>,
    /// Sound inputs, microphones and monitors.
    pub audio_inputs: Vec<AudioInput>,
    /// Encoders, in the order in which they are tried.
    pub encoders: Vec<EncoderInfo>,
    /// Sentences about what is there and cannot be used, and what to do about it.
    pub problems: Vec<String>,
}

/// One X display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Display {
    /// What `display` in the config takes: `:0`.
    pub name: String,
    /// All of it, over every monitor.
    pub size: Size,
    /// Its monitors by number: the primary first, then left to right.
    pub monitors: Vec<Monitor>,
    /// Its top-level windows, the oldest first where a window manager keeps a list.
    pub windows: Vec<Window>,
}

/// One monitor of a display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Monitor {
    /// What `monitor = N` takes, from 1.
    pub number: u32,
    /// What `monitor = "NAME"` takes: the output's name, `HDMI-1`.
    pub output: String,
    /// Its left edge on the display, in pixels.
    pub x: u32,
    /// Its top edge.
    pub y: u32,
    /// Its size.
    pub size: Size,
    /// Whether it is the primary one.
    pub primary: bool,
}

/// One top-level window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Its X id, what `window = 0x...` takes.
    pub id: u32,
    /// Its title, without control characters.
    pub title: String,
    /// Its size.
    pub size: Size,
}

/// One camera.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CameraInfo {
    /// The name of the card: `HD Webcam C920`.
    pub name: String,
    /// Its node: `/dev/video0`. The number can change with each start of the machine.
    pub path: String,
    /// Links to it that stay the same: `/dev/v4l/by-id/...`, then `/dev/v4l/by-path/...`.
    pub links: Vec<String>,
    /// What it sends. Empty when it could not be asked: `problem` says why.
    pub modes: Vec<CameraMode>,
    /// The program that has it open, where that can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_use_by: Option<String>,
    /// Why it cannot be used, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One sound input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AudioInput {
    /// What `system` in the config takes.
    pub system: AudioSystemName,
    /// What `device` in the config takes.
    pub device: String,
    /// Its name for people.
    pub description: String,
    /// Whether it is what the machine plays rather than a microphone.
    pub monitor: bool,
    /// Whether it is the system's default input.
    pub default: bool,
}

/// The sound systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioSystemName {
    /// PulseAudio, or PipeWire in its place.
    Pulse,
    /// ALSA itself.
    Alsa,
}

/// One encoder and whether it really encodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EncoderInfo {
    /// The GStreamer element: `x264enc`.
    pub element: String,
    /// What it makes.
    pub codec: Codec,
    /// Whether it has encoded pictures just now.
    pub works: bool,
    /// What it is, or why it does not work.
    pub detail: String,
}

/// A text from a device, a window or another program, made fit for a terminal or a log: control
/// characters become spaces, and it ends after 200 characters.
#[must_use]
pub fn plain_text(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut plain: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        plain.push('…');
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::camera::{CameraFormat, Rates, Sizes};
    use super::super::units::FrameRate;
    use super::*;

    #[test]
    fn the_json_form_is_the_documented_one() {
        let size = Size { width: 1920, height: 1080 };
        let inventory = Inventory {
            displays: vec![Display {
                name: ":0".into(),
                size,
                monitors: vec![Monitor {
                    number: 1,
                    output: "HDMI-1".into(),
                    x: 0,
                    y: 0,
                    size,
                    primary: true,
                }],
                windows: vec![Window { id: 0x3a0_0007, title: "Talk".into(), size }],
            }],
            cameras: vec![CameraInfo {
                name: "Webcam".into(),
                path: "/dev/video0".into(),
                links: vec!["/dev/v4l/by-id/usb-Webcam-video-index0".into()],
                modes: vec![
                    CameraMode {
                        format: CameraFormat::Raw("YUY2".into()),
                        sizes: Sizes::One(Size { width: 640, height: 480 }),
                        rates: Rates::Listed(vec![FrameRate::whole(30), FrameRate::whole(15)]),
                    },
                    CameraMode {
                        format: CameraFormat::Mjpeg,
                        sizes: Sizes::Stepwise {
                            min: Size { width: 32, height: 32 },
                            max: size,
                            step: Size { width: 2, height: 2 },
                        },
                        rates: Rates::Between { min: FrameRate::whole(1), max: FrameRate::whole(60) },
                    },
                ],
                in_use_by: None,
                problem: None,
            }],
            audio_inputs: vec![AudioInput {
                system: AudioSystemName::Pulse,
                device: "alsa_input.usb".into(),
                description: "Microphone".into(),
                monitor: false,
                default: true,
            }],
            encoders: vec![EncoderInfo {
                element: "x264enc".into(),
                codec: Codec::H264,
                works: true,
                detail: String::new(),
            }],
            problems: vec![],
        };
        let expected = serde_json::json!({
            "displays": [{
                "name": ":0",
                "size": {"width": 1920, "height": 1080},
                "monitors": [{
                    "number": 1, "output": "HDMI-1", "x": 0, "y": 0,
                    "size": {"width": 1920, "height": 1080}, "primary": true
                }],
                "windows": [
                    {"id": 60_817_415, "title": "Talk", "size": {"width": 1920, "height": 1080}}
                ]
            }],
            "cameras": [{
                "name": "Webcam",
                "path": "/dev/video0",
                "links": ["/dev/v4l/by-id/usb-Webcam-video-index0"],
                "modes": [
                    {
                        "format": {"raw": "YUY2"},
                        "sizes": {"one": {"width": 640, "height": 480}},
                        "rates": {"listed": [
                            {"numerator": 30, "denominator": 1}, {"numerator": 15, "denominator": 1}
                        ]}
                    },
                    {
                        "format": "mjpeg",
                        "sizes": {"stepwise": {
                            "min": {"width": 32, "height": 32},
                            "max": {"width": 1920, "height": 1080},
                            "step": {"width": 2, "height": 2}
                        }},
                        "rates": {"between": {
                            "min": {"numerator": 1, "denominator": 1},
                            "max": {"numerator": 60, "denominator": 1}
                        }}
                    }
                ]
            }],
            "audio_inputs": [{
                "system": "pulse", "device": "alsa_input.usb", "description": "Microphone",
                "monitor": false, "default": true
            }],
            "encoders": [{"element": "x264enc", "codec": "H264", "works": true, "detail": ""}],
            "problems": []
        });
        assert_eq!(serde_json::to_value(&inventory).unwrap(), expected);
    }

    #[test]
    fn foreign_text_cannot_steer_a_terminal() {
        assert_eq!(plain_text("a\u{1b}[2Jb\nc\u{9b}d"), "a [2Jb c d");
        assert_eq!(plain_text("  Señal – 画面 "), "Señal – 画面");
        assert_eq!(plain_text(&"x".repeat(500)).chars().count(), 201);
    }
}
