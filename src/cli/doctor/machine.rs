//! What the machine itself has: what is captured, encoders that really encode, GStreamer.
//!
//! Captures nothing: devices are asked, and none is kept.

use super::finding::{Area, Finding};
use crate::config::{Config, Source, SourceKind};
use crate::core::inventory::Inventory;
use crate::core::protocol::{Codec, FailureCause, SourceKindName};
use crate::media::launch::LaunchFiles;
use crate::media::platform::{self, Device};
use crate::media::{self, Fault, MediaError, elements, encoder};

const SCREEN: &str = "let vitrina run as the desktop's user, or set XAUTHORITY to that user's cookie file, or let it in from \
                      within the session: xhost +SI:localuser:vitrina";
const SOUND: &str = "`vitrina devices` lists the inputs; the system unit does not reach a person's sound server: take the \
                     user unit, or system = \"alsa\"";
const CAMERA: &str = "sudo usermod -aG video USER for the daemon's user, then log in again";

/// GStreamer, and which of its elements are missing.
pub(super) fn gstreamer(config: &Config) -> Vec<Finding> {
    if let Err(error) = media::init() {
        return vec![not_started(Area::Gstreamer, &error)];
    }
    let kinds: Vec<SourceKindName> = config.sources.iter().map(Source::kind_name).collect();
    let found = [SourceKindName::Screen, SourceKindName::Camera, SourceKindName::Audio, SourceKindName::Test];
    let missing = elements::missing(if kinds.is_empty() { &found } else { &kinds });
    let mut findings = vec![Finding::ok(Area::Gstreamer, elements::version())];
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    for package in packages {
        let names =
            missing.iter().filter(|(_, of)| *of == package).map(|(name, _)| *name).collect::<Vec<_>>();
        let finding = format!("elements are missing: {}", names.join(", "));
        let remedy = format!("sudo apt-get install {package}");
        findings.push(Finding::problem(Area::Gstreamer, finding, remedy));
    }
    findings
}

/// Which encoder each codec has: all are tried on some pictures.
pub(super) fn encoders(config: &Config) -> Vec<Finding> {
    if let Err(error) = media::init() {
        return vec![not_started(Area::Encoders, &error)];
    }
    let files = LaunchFiles::new(config.pipelines_dir.clone());
    let trials = encoder::trials(&files);
    let mut findings = Vec::new();
    for (codec, name, package) in [
        (Codec::H264, "H.264", "gstreamer1.0-plugins-ugly"),
        (Codec::Vp8, "VP8", "gstreamer1.0-plugins-good"),
        (Codec::Opus, "Opus", "gstreamer1.0-plugins-base"),
    ] {
        let of: Vec<_> = trials.iter().filter(|(_, of, _)| *of == codec).collect();
        let order: Vec<&str> = match codec {
            Codec::H264 => config.video.encoders.iter().map(String::as_str).collect(),
            Codec::Vp8 | Codec::Opus => of.iter().map(|(element, ..)| *element).collect(),
        };
        let mut chosen = false;
        for (element, _, trial) in order.iter().filter_map(|element| of.iter().find(|(of, ..)| of == element))
        {
            match trial {
                Ok(()) => {
                    let software = matches!(*element, "x264enc" | "openh264enc");
                    let by = if software { ", on the processor" } else { "" };
                    findings.push(Finding::ok(Area::Encoders, format!("{name} by {element}{by}")));
                    chosen = true;
                    break;
                }
                Err(error) if is_users(error, element, &files) => findings.push(Finding::problem(
                    Area::Encoders,
                    error.to_string(),
                    "mend that file, or remove it, and the built-in one is taken",
                )),
                Err(error) if elements::exists(element) => findings.push(Finding::note(
                    Area::Encoders,
                    format!("{element} is there and does not encode: {error}"),
                    "if this graphics hardware is to encode, install its driver's packages (mesa-va-drivers, \
                     intel-media-va-driver, NVIDIA's own), and let the daemon's user into the groups video and render",
                )),
                Err(_) => {}
            }
        }
        if !chosen {
            let remedy = format!("sudo apt-get install {package}");
            findings.push(Finding::problem(Area::Encoders, format!("no {name} encoder works"), remedy));
        }
    }
    findings
}

/// Whether it is a mistake in a description of the user's own, with which the daemon does not start.
fn is_users(error: &MediaError, element: &str, files: &LaunchFiles) -> bool {
    match error {
        MediaError::Template { .. } | MediaError::MissingElement { .. } | MediaError::Description { .. } => {
            files.load(&format!("{element}.launch")).is_ok_and(|description| description.of_user)
        }
        MediaError::Unreadable { .. } => true,
        MediaError::Init(_)
        | MediaError::NoDescription { .. }
        | MediaError::NoElement { .. }
        | MediaError::NoEncoder { .. }
        | MediaError::Port { .. }
        | MediaError::Gst { .. } => false,
    }
}

/// Screens, cameras and sound: those of the configuration, or all there are.
pub(super) fn capture(config: &Config) -> Vec<Finding> {
    if let Err(error) = media::init() {
        return vec![not_started(Area::Capture, &error)];
    }
    let display = std::env::var("DISPLAY").ok().filter(|display| !display.is_empty());
    let named = !config.finds_sources();
    let screens = !named || config.sources.iter().any(|source| source.kind_name() == SourceKindName::Screen);
    let mut findings = Vec::new();
    if named {
        let inputs = config.sources.iter().any(|source| source.kind_name() == SourceKindName::Audio);
        let inputs = if inputs { platform::audio_inputs().map_or(0, |inputs| inputs.len()) } else { 0 };
        let files = LaunchFiles::new(config.pipelines_dir.clone());
        findings.extend(config.sources.iter().map(|source| named_source(source, &files, inputs)));
    } else {
        findings.extend(all(&media::devices::inventory(display.as_deref(), Vec::new)));
    }
    if screens && std::env::var_os("WAYLAND_DISPLAY").is_some() {
        findings.push(Finding::note(
            Area::Capture,
            "this session is Wayland, of which only X11 windows are captured",
            "choose the X11 session at login (\"Xorg\")",
        ));
    }
    findings
}

fn named_source(source: &Source, files: &LaunchFiles, inputs: usize) -> Finding {
    let name = &source.name;
    let plan = media::plan::check(source, files).map_err(Fault::from);
    let plan = match plan.and_then(|_| media::plan::capture(source, files, None)) {
        Ok(plan) => plan,
        Err(fault) => {
            return Finding::problem(
                Area::Capture,
                format!("{name}: {}", fault.detail),
                remedy(source, fault.cause),
            );
        }
    };
    match (&source.kind, &plan.device) {
        (_, Some(Device::Screen(screen))) => {
            let (display, size) = (&screen.target.display, screen.target.size);
            Finding::ok(Area::Capture, format!("{name}: display {display} can be looked at, {size}"))
        }
        (_, Some(Device::Camera { path, .. })) => match platform::diagnose_camera(path).map(Fault::from) {
            // The daemon itself, most likely, or somebody who ends before it begins.
            Some(Fault { cause: FailureCause::Busy, detail }) => Finding::note(
                Area::Capture,
                format!("{name}: {detail}"),
                "if that is not vitrina itself, end that program",
            ),
            Some(fault) => {
                let finding = format!("{name}: {}", fault.detail);
                Finding::problem(Area::Capture, finding, remedy(source, fault.cause))
            }
            None => Finding::ok(Area::Capture, format!("{name}: the camera {path} can be opened")),
        },
        (SourceKind::Audio(_), None) if inputs == 0 => Finding::problem(
            Area::Capture,
            format!("{name}: no sound server answers, and ALSA has no input"),
            SOUND,
        ),
        (SourceKind::Audio(_), None) => {
            Finding::ok(Area::Capture, format!("{name}: sound inputs are reached ({inputs})"))
        }
        (SourceKind::Uri(_), None) => {
            Finding::ok(Area::Capture, format!("{name}: its address is not tried here"))
        }
        _ => Finding::ok(Area::Capture, format!("{name}: GStreamer takes its description")),
    }
}

fn remedy(source: &Source, cause: FailureCause) -> &'static str {
    match (source.kind_name(), cause) {
        (SourceKindName::Screen, FailureCause::Permission) => SCREEN,
        (SourceKindName::Screen, _) => {
            "`vitrina devices` lists displays, monitors and windows; start the desktop, or name another in the source"
        }
        (SourceKindName::Camera, FailureCause::Permission) => CAMERA,
        (SourceKindName::Camera, FailureCause::Busy) => "end that program (`fuser -v /dev/video*` shows it)",
        (SourceKindName::Camera, _) => {
            "`vitrina devices` lists the cameras; plug it in, or name another in the source"
        }
        (SourceKindName::Audio, _) => SOUND,
        (SourceKindName::Test | SourceKindName::Uri | SourceKindName::Launch, _) => {
            "mend the launch file; the message has GStreamer's own words"
        }
    }
}

/// What there is, for a configuration that names no source.
fn all(found: &Inventory) -> Vec<Finding> {
    let ok = |finding: String| Finding::ok(Area::Capture, finding);
    let mut findings = Vec::new();
    findings.extend(
        found
            .displays
            .iter()
            .map(|display| ok(format!("display {} can be looked at, {}", display.name, display.size))),
    );
    if found.displays.is_empty() {
        findings.push(Finding::note(
            Area::Capture,
            "no display: a test picture takes its place",
            "if there is a desktop: set DISPLAY in the daemon's environment, or display = \":0\" in a source",
        ));
    }
    for camera in &found.cameras {
        let path = &camera.path;
        findings.push(match (&camera.problem, &camera.in_use_by) {
            (Some(problem), _) => Finding::problem(Area::Capture, problem, CAMERA),
            (None, Some(by)) => Finding::note(
                Area::Capture,
                format!("{path} is in use by {by}"),
                "if that is not vitrina itself, end that program",
            ),
            (None, None) => ok(format!("the camera {path} can be opened: {}", camera.name)),
        });
    }
    if found.cameras.is_empty() {
        let finding = "no camera: a test picture takes its place";
        findings.push(Finding::note(
            Area::Capture,
            finding,
            "plug one in, if one is wanted; `ls /dev/video*` shows what the system sees",
        ));
    }
    match found.audio_inputs.len() {
        0 => findings.push(Finding::note(
            Area::Capture,
            "no sound: no sound server answers, and ALSA has no input",
            SOUND,
        )),
        count => findings.push(ok(format!("sound inputs are reached ({count})"))),
    }
    for problem in &found.problems {
        let remedy = if problem.contains("display") { SCREEN } else { SOUND };
        findings.push(Finding::problem(Area::Capture, problem, remedy));
    }
    findings
}

fn not_started(area: Area, error: &MediaError) -> Finding {
    Finding::problem(area, error.to_string(), "sudo apt-get install gstreamer1.0-plugins-base")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;
    use crate::cli::devices::tests::machine;

    #[test]
    fn what_a_machine_has_is_told_and_what_it_may_not_use_with_what_to_do() {
        let told: Vec<_> =
            all(&machine()).into_iter().map(|finding| (finding.level, finding.finding)).collect();
        for (level, words) in [
            (Level::Ok, "display :0 can be looked at, 3840x1080"),
            (Level::Note, "/dev/video0 is in use by firefox"),
            (Level::Problem, "permission denied"),
            (Level::Ok, "sound inputs are reached (2)"),
            (Level::Problem, "the display :1 cannot be opened"),
        ] {
            assert!(
                told.iter().any(|(l, finding)| *l == level && finding.contains(words)),
                "{words}: {told:?}"
            );
        }
    }

    #[test]
    fn a_machine_with_nothing_is_no_problem() {
        let told = all(&Inventory::default());
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|finding| finding.level == Level::Note), "{told:?}");
    }
}
