//! `vitrina devices`: what the machine has to show, in words or as JSON.
//!
//! Owns the words. How devices are found is not known here.

use crate::core::camera::{CameraFormat, CameraMode, Rates, Sizes};
use crate::core::inventory::{
    AudioInput, AudioSystemName, CameraInfo, Display, EncoderInfo, Inventory, Monitor, Window,
};
use crate::core::protocol::Codec;
use crate::core::units::{FrameRate, Size};

/// The inventory for people.
#[must_use]
pub fn text(inventory: &Inventory) -> String {
    let mut lines = Vec::new();
    section(&mut lines, "Displays", &inventory.displays, display);
    section(&mut lines, "Cameras", &inventory.cameras, camera);
    section(&mut lines, "Sound inputs", &inventory.audio_inputs, |input| vec![audio_input(input)]);
    section(&mut lines, "Encoders, in the order in which they are tried", &inventory.encoders, |encoder| {
        vec![encoder_line(encoder)]
    });
    if !inventory.problems.is_empty() {
        section(&mut lines, "Problems", &inventory.problems, |problem| vec![problem.clone()]);
    }
    lines.join("\n") + "\n"
}

/// The inventory for programs: one JSON object.
///
/// # Errors
/// None that a value of these types can cause.
pub fn json(inventory: &Inventory) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(inventory)? + "\n")
}

/// A heading, and below it every item; the first line of an item stands out of the others.
fn section<T>(lines: &mut Vec<String>, heading: &str, items: &[T], words: impl Fn(&T) -> Vec<String>) {
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(heading.to_owned());
    if items.is_empty() {
        lines.push("  none".to_owned());
    }
    for item in items {
        for (index, line) in words(item).iter().enumerate() {
            let indent = if index == 0 { "  " } else { "      " };
            lines.push(format!("{indent}{line}"));
        }
    }
}

fn display(display: &Display) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", display.name, display.size)];
    lines.extend(display.monitors.iter().map(monitor));
    lines.extend(display.windows.iter().map(window));
    lines
}

fn monitor(monitor: &Monitor) -> String {
    let Monitor { number, output, x, y, size, primary } = monitor;
    let primary = if *primary { ", primary" } else { "" };
    format!("monitor {number}  {output}  {size} at {x},{y}{primary}")
}

fn window(window: &Window) -> String {
    format!("window {:#x}  {}  {}", window.id, window.size, window.title)
}

fn camera(camera: &CameraInfo) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", camera.path, camera.name)];
    lines.extend(camera.links.iter().map(|link| format!("also {link}")));
    lines.extend(camera.modes.iter().map(mode));
    lines.extend(camera.in_use_by.iter().map(|program| format!("in use by {program}")));
    lines.extend(camera.problem.iter().map(|problem| format!("cannot be used: {problem}")));
    lines
}

fn mode(mode: &CameraMode) -> String {
    let format = match &mode.format {
        CameraFormat::Raw(format) => format,
        CameraFormat::Mjpeg => "MJPEG",
    };
    let sizes = match mode.sizes {
        Sizes::One(size) => size.to_string(),
        Sizes::Stepwise { min, max, step: Size { width: 1, height: 1 } } => format!("{min} to {max}"),
        Sizes::Stepwise { min, max, step } => format!("{min} to {max} in steps of {step}"),
    };
    let rates = match &mode.rates {
        Rates::Listed(rates) => rates.iter().map(|rate| frame_rate(*rate)).collect::<Vec<_>>().join(", "),
        Rates::Between { min, max } => format!("{} to {}", frame_rate(*min), frame_rate(*max)),
    };
    format!("{format}  {sizes}  {rates} fps")
}

/// Frames a second as people say them: 30, 29.97, 7.5.
fn frame_rate(rate: FrameRate) -> String {
    let text = format!("{:.2}", rate.as_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn audio_input(input: &AudioInput) -> String {
    let system = match input.system {
        AudioSystemName::Pulse => "pulse",
        AudioSystemName::Alsa => "alsa",
    };
    let monitor = if input.monitor { ", what the machine plays" } else { "" };
    let default = if input.default { ", default" } else { "" };
    format!("{system}  {}  {}{monitor}{default}", input.device, input.description)
}

fn encoder_line(encoder: &EncoderInfo) -> String {
    let codec = match encoder.codec {
        Codec::H264 => "H.264",
        Codec::Vp8 => "VP8",
        Codec::Opus => "Opus",
    };
    let works = if encoder.works { "works" } else { "does not work" };
    let detail = if encoder.detail.is_empty() { String::new() } else { format!(": {}", encoder.detail) };
    format!("{}  {codec}  {works}{detail}", encoder.element)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const FULL_HD: Size = Size { width: 1920, height: 1080 };

    /// A machine with one or two of everything.
    pub fn machine() -> Inventory {
        let raw = |format: &str, size, rates| CameraMode {
            format: CameraFormat::Raw(format.into()),
            sizes: size,
            rates,
        };
        let input = |device: &str, description: &str, monitor, default| AudioInput {
            system: AudioSystemName::Pulse,
            device: device.into(),
            description: description.into(),
            monitor,
            default,
        };
        let monitor = |number, output: &str, x, primary| Monitor {
            number,
            output: output.into(),
            x,
            y: 0,
            size: FULL_HD,
            primary,
        };
        let encoder = |element: &str, codec, works, detail: &str| EncoderInfo {
            element: element.into(),
            codec,
            works,
            detail: detail.into(),
        };
        Inventory {
            displays: vec![Display {
                name: ":0".into(),
                size: Size { width: 3840, height: 1080 },
                monitors: vec![monitor(1, "HDMI-1", 1920, true), monitor(2, "DP-2", 0, false)],
                windows: vec![Window { id: 0x3a0_0007, title: "Talk".into(), size: FULL_HD }],
            }],
            cameras: vec![
                CameraInfo {
                    name: "HD Webcam".into(),
                    path: "/dev/video0".into(),
                    links: vec!["/dev/v4l/by-id/usb-HD_Webcam-video-index0".into()],
                    modes: vec![
                        raw(
                            "YUY2",
                            Sizes::One(Size { width: 640, height: 480 }),
                            Rates::Listed(vec![
                                FrameRate::whole(30),
                                FrameRate { numerator: 15, denominator: 2 },
                            ]),
                        ),
                        CameraMode {
                            format: CameraFormat::Mjpeg,
                            sizes: Sizes::Stepwise {
                                min: Size { width: 32, height: 32 },
                                max: FULL_HD,
                                step: Size { width: 2, height: 2 },
                            },
                            rates: Rates::Between {
                                min: FrameRate::whole(1),
                                max: FrameRate { numerator: 30000, denominator: 1001 },
                            },
                        },
                    ],
                    in_use_by: Some("firefox".into()),
                    problem: None,
                },
                CameraInfo {
                    name: "Infra-red".into(),
                    path: "/dev/video2".into(),
                    links: vec![],
                    modes: vec![],
                    in_use_by: None,
                    problem: Some("permission denied; add the user to the group video".into()),
                },
            ],
            audio_inputs: vec![
                input("alsa_input.usb", "Microphone", false, true),
                input("alsa_output.hdmi.monitor", "Monitor of HDMI", true, false),
            ],
            encoders: vec![
                encoder("vah264enc", Codec::H264, false, "there is no such element"),
                encoder("x264enc", Codec::H264, true, ""),
                encoder("vp8enc", Codec::Vp8, true, ""),
            ],
            problems: vec!["the display :1 cannot be opened".into()],
        }
    }

    #[test]
    fn everything_found_is_shown() {
        let expected = "\
Displays
  :0  3840x1080
      monitor 1  HDMI-1  1920x1080 at 1920,0, primary
      monitor 2  DP-2  1920x1080 at 0,0
      window 0x3a00007  1920x1080  Talk

Cameras
  /dev/video0  HD Webcam
      also /dev/v4l/by-id/usb-HD_Webcam-video-index0
      YUY2  640x480  30, 7.5 fps
      MJPEG  32x32 to 1920x1080 in steps of 2x2  1 to 29.97 fps
      in use by firefox
  /dev/video2  Infra-red
      cannot be used: permission denied; add the user to the group video

Sound inputs
  pulse  alsa_input.usb  Microphone, default
  pulse  alsa_output.hdmi.monitor  Monitor of HDMI, what the machine plays

Encoders, in the order in which they are tried
  vah264enc  H.264  does not work: there is no such element
  x264enc  H.264  works
  vp8enc  VP8  works

Problems
  the display :1 cannot be opened
";
        assert_eq!(text(&machine()), expected);
    }

    #[test]
    fn a_machine_with_nothing_says_so() {
        let told = text(&Inventory::default());
        assert_eq!(told.matches("\n  none\n").count(), 4, "{told}");
        assert!(!told.contains("Problems"), "{told}");
    }

    #[test]
    fn json_is_one_object_with_every_part() {
        let value: serde_json::Value = serde_json::from_str(&json(&machine()).unwrap()).unwrap();
        for part in ["displays", "cameras", "audio_inputs", "encoders", "problems"] {
            assert!(value[part].is_array(), "{part}");
        }
    }
}
