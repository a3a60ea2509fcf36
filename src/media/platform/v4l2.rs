//! V4L2: cameras and their modes, and which of them a camera source means.
//!
//! Devices come from sysfs, their modes from a v4l2src that is opened and asked, never started:
//! a camera's light stays off. Never captures.

mod identity;
mod modes;

use super::{CameraTarget, PlatformError, listed, within};
use crate::config::Camera;
use crate::core::camera::{CameraMode, choose_mode, has_colour};
use crate::core::inventory::{CameraInfo, plain_text};
use gstreamer as gst;
use gstreamer::prelude::*;
use modes::modes_of;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

pub use identity::CameraId;

/// Where the kernel lists video devices, and where their nodes and links are.
const SYSFS: &str = "/sys/class/video4linux";
const DEV: &str = "/dev";

/// A video device, before it is known to be a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    path: String,
    name: String,
    links: Vec<String>,
}

/// What a node that captures pictures says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    /// The name of the card; the driver's name for the node where it has none.
    card: String,
    modes: Vec<CameraMode>,
}

/// Every camera of the machine, in the order of their numbers. Nodes that do not capture pictures
/// (a webcam's second node carries metadata only) are left out; a camera that cannot be opened is
/// there, with its `problem`. Blocks for at most [`super::DEADLINE`] for each node.
pub fn cameras() -> Vec<CameraInfo> {
    nodes(Path::new(SYSFS), Path::new(DEV)).into_iter().filter_map(camera).collect()
}

fn camera(node: Node) -> Option<CameraInfo> {
    let (answer, problem) = match ask(&node) {
        Ok(answer) => (answer?, None),
        Err(problem) => (Answer { card: node.name, modes: Vec::new() }, Some(problem.to_string())),
    };
    let in_use_by = user_of(&node.path);
    let Answer { card, modes } = answer;
    Some(CameraInfo { name: card, path: node.path, links: node.links, modes, in_use_by, problem })
}

/// The camera that `wanted` means, and the mode that suits it best. `known`: the one that it was
/// before, which goes before others that suit, and is what a node's number stands for. Blocks as
/// [`cameras`] does.
///
/// # Errors
/// A sentence about what is not there or in the way: [`PlatformError`].
pub fn resolve_camera(wanted: &Camera, known: Option<&CameraId>) -> Result<CameraTarget, PlatformError> {
    let sysfs = Path::new(SYSFS);
    let nodes = nodes(sysfs, Path::new(DEV));
    let known_answer = || {
        let node = known?.find(sysfs, &nodes)?;
        let answer = ask(&node).ok()??;
        Some((node, answer))
    };
    let (node, answer) = match wanted.device.as_deref() {
        None => known_answer().map_or_else(|| first_camera(&nodes, |_| true), Ok)?,
        Some(device) if device.starts_with('/') => {
            let node = at_path(sysfs, &nodes, device, known)?;
            let answer = ask(&node)?.ok_or_else(|| PlatformError::CameraFailed {
                path: node.path.clone(),
                detail: "it does not capture pictures".into(),
            })?;
            (node, answer)
        }
        Some(name) => {
            let matches = |known: &str| known.to_lowercase().contains(&name.to_lowercase());
            let suits = |(node, answer): &(Node, Answer)| matches(&answer.card) || matches(&node.name);
            let found = known_answer().map_or_else(|| first_camera(&nodes, suits), Ok);
            found.map_err(|error| match error {
                PlatformError::NoCamera { .. } if !nodes.is_empty() => not_found(&nodes, name),
                other => other,
            })?
        }
    };
    let Some(choice) = choose_mode(&answer.modes, wanted.size, wanted.framerate) else {
        return Err(PlatformError::NoCameraMode { path: node.path });
    };
    let id = CameraId::of(sysfs, &node);
    Ok(CameraTarget { path: node.path, name: answer.card, id, choice })
}

/// Whether the camera that `wanted` means is there, may be opened, and is used by no other program,
/// as far as that can be seen. Blocks as [`cameras`] does.
#[must_use]
pub fn camera_is_free(wanted: &Camera, known: Option<&CameraId>) -> bool {
    let sysfs = Path::new(SYSFS);
    let nodes = nodes(sysfs, Path::new(DEV));
    let path = match wanted.device.as_deref() {
        Some(device) if device.starts_with('/') => at_path(sysfs, &nodes, device, known).ok(),
        _ => known.and_then(|known| known.find(sysfs, &nodes)),
    };
    let path = path.map(|node| node.path);
    // Its name may be known to nobody but itself.
    let path = path.or_else(|| resolve_camera(wanted, known).ok().map(|target| target.path));
    path.is_some_and(|path| diagnose_camera(&path).is_none())
}

/// Why a capture from this node has just failed, where the system can tell: v4l2src calls a camera
/// that another program uses merely "not negotiated".
#[must_use]
pub fn diagnose_camera(path: &str) -> Option<PlatformError> {
    match open(path) {
        // The capture had found it.
        Err(PlatformError::CameraNotFound { .. }) => {
            return Some(PlatformError::CameraGone { path: path.to_owned() });
        }
        Err(error) => return Some(error),
        Ok(()) => {}
    }
    user_of(path).map(|by| PlatformError::CameraBusy { path: path.to_owned(), by })
}

/// The first camera with colours or, failing that, the first camera, among those `wanted`.
fn first_camera(
    nodes: &[Node],
    wanted: impl Fn(&(Node, Answer)) -> bool,
) -> Result<(Node, Answer), PlatformError> {
    let (mut grey, mut problem) = (None, None);
    for node in nodes {
        match ask(node) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                let colours = has_colour(&answer.modes);
                let camera = Some((node.clone(), answer)).filter(&wanted);
                if colours && let Some(camera) = camera {
                    return Ok(camera);
                }
                grey = grey.or(camera);
            }
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    grey.ok_or_else(|| {
        let hint = problem.map(|problem| format!("; {problem}")).unwrap_or_default();
        PlatformError::NoCamera { hint }
    })
}

/// The node that a path or a link leads to. A number is given to whatever is plugged in next: where it
/// is known which camera had it, that one is meant.
fn at_path(
    sysfs: &Path,
    nodes: &[Node],
    device: &str,
    known: Option<&CameraId>,
) -> Result<Node, PlatformError> {
    let number = device.strip_prefix("/dev/video").is_some_and(|rest| rest.parse::<u32>().is_ok());
    match known.filter(|_| number) {
        Some(known) => known
            .find(sysfs, nodes)
            .ok_or_else(|| not_found(nodes, &format!("{device}, which was {}", known.name))),
        None => by_path(nodes, device),
    }
}

/// The node that a path or a link leads to.
fn by_path(nodes: &[Node], device: &str) -> Result<Node, PlatformError> {
    let path = std::fs::canonicalize(device).map_err(|_| not_found(nodes, device))?;
    let path = path.to_string_lossy().into_owned();
    let known = nodes.iter().find(|node| node.path == path).cloned();
    let name = || plain_text(device);
    Ok(known.unwrap_or_else(|| Node { path, name: name(), links: Vec::new() }))
}

fn not_found(nodes: &[Node], device: &str) -> PlatformError {
    let mut present: Vec<String> =
        nodes.iter().map(|node| format!("{} ({})", node.path, node.name)).collect();
    present.dedup();
    let verb = if present.len() > 1 { "are" } else { "is" };
    let wanted = plain_text(device);
    PlatformError::CameraNotFound { wanted, present: format!("{verb} {}", listed(&present)) }
}

/// The video devices that the kernel lists and that have a node, by number.
fn nodes(sysfs: &Path, dev: &Path) -> Vec<Node> {
    let Ok(entries) = std::fs::read_dir(sysfs) else { return Vec::new() };
    let mut numbered: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let number = entry.file_name().to_str()?.strip_prefix("video")?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    numbered.sort_unstable();
    let links = links(dev);
    numbered
        .into_iter()
        .filter_map(|(number, folder)| {
            let path = dev.join(format!("video{number}"));
            let name = std::fs::read_to_string(folder.join("name")).unwrap_or_default();
            let links = links.iter().filter(|(_, target)| *target == path).map(|(link, _)| link.clone());
            path.exists().then(|| Node {
                path: path.to_string_lossy().into_owned(),
                name: plain_text(&name),
                links: links.collect(),
            })
        })
        .collect()
}

/// udev's links to video devices, by-id first, and what they lead to.
fn links(dev: &Path) -> Vec<(String, PathBuf)> {
    let mut links = Vec::new();
    for folder in ["v4l/by-id", "v4l/by-path"] {
        let Ok(entries) = std::fs::read_dir(dev.join(folder)) else { continue };
        let mut here: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        here.sort_unstable();
        for link in here {
            if let Ok(target) = std::fs::canonicalize(&link) {
                links.push((link.to_string_lossy().into_owned(), target));
            }
        }
    }
    links
}

/// Opens a node and closes it again: a camera takes any number of openings, and one capture.
fn open(path: &str) -> Result<(), PlatformError> {
    let flags = libc::O_NONBLOCK;
    let owned = || path.to_owned();
    let unplugged = |error: &std::io::Error| matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENXIO));
    match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
        Ok(_) => Ok(()),
        // The node outlives its device until udev or the last user lets it go.
        Err(error) if unplugged(&error) => Err(PlatformError::CameraGone { path: owned() }),
        Err(error) => Err(match error.kind() {
            ErrorKind::PermissionDenied => PlatformError::CameraForbidden { path: owned() },
            ErrorKind::NotFound => {
                PlatformError::CameraNotFound { wanted: owned(), present: "is no such node".into() }
            }
            ErrorKind::ResourceBusy => {
                let by = user_of(path).unwrap_or_else(|| "another program".into());
                PlatformError::CameraBusy { path: owned(), by }
            }
            _ => PlatformError::CameraFailed { path: owned(), detail: error.to_string() },
        }),
    }
}

/// The other program that has a file open, as far as /proc shows: that of other users is hidden
/// from all but root.
fn user_of(path: &str) -> Option<String> {
    let own = std::process::id();
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else { continue };
        if pid != own && files.flatten().any(|file| leads_to(&file, path)) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (process {pid})", plain_text(&name)));
        }
    }
    None
}

/// Whether this process has a node open.
fn is_ours(path: &str) -> bool {
    std::fs::read_dir("/proc/self/fd").is_ok_and(|files| files.flatten().any(|file| leads_to(&file, path)))
}

fn leads_to(link: &std::fs::DirEntry, path: &str) -> bool {
    std::fs::read_link(link.path()).is_ok_and(|to| to == Path::new(path))
}

/// Asks a node what it is and what it can send, within [`super::DEADLINE`]; `None` when it is not
/// one that captures pictures.
fn ask(node: &Node) -> Result<Option<Answer>, PlatformError> {
    let node = node.clone();
    within(&format!("camera {}", node.path), move || {
        open(&node.path)?;
        ask_driver(&node)
    })
}

/// Asks through a v4l2src in READY.
fn ask_driver(node: &Node) -> Result<Option<Answer>, PlatformError> {
    let failed = |detail: String| PlatformError::CameraFailed { path: node.path.clone(), detail };
    let source = gst::ElementFactory::make("v4l2src")
        .property("device", &node.path)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let bus = gst::Bus::new();
    source.set_bus(Some(&bus));
    let opened = source.set_state(gst::State::Ready);
    let caps = source.static_pad("src").map(|pad| pad.query_caps(None));
    let card = source.property::<Option<String>>("device-name");
    // Errors of going back are those of going there.
    let _ = source.set_state(gst::State::Null);
    if opened.is_err() {
        let message = bus.pop_filtered(&[gst::MessageType::Error]);
        let Some(gst::MessageView::Error(error)) = message.as_ref().map(|m| m.view()) else {
            return Err(failed("it cannot be opened".into()));
        };
        // v4l2src says NOT_FOUND for a node that exists (it was opened above) and does not capture.
        if error.error().matches(gst::ResourceError::NotFound) {
            return Ok(None);
        }
        return Err(failed(error.error().to_string()));
    }
    let card = card.map(|card| plain_text(&card)).filter(|card| !card.is_empty());
    let modes = caps.map(|caps| modes_of(&caps)).unwrap_or_default();
    Ok(Some(Answer { card: card.unwrap_or_else(|| node.name.clone()), modes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A machine's /sys and /dev with a webcam of two nodes and a capture card.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            for (node, name) in
                [("video10", "HDMI Capture\n"), ("video2", "HD Webcam\n"), ("video3", "HD Webcam\n")]
            {
                fs::create_dir_all(machine.sys().join(node)).unwrap();
                fs::write(machine.sys().join(node).join("name"), name).unwrap();
            }
            // A radio, and a device whose node udev has not made yet.
            fs::create_dir_all(machine.sys().join("radio0")).unwrap();
            fs::create_dir_all(machine.sys().join("video4")).unwrap();
            for folder in ["v4l/by-id", "v4l/by-path"] {
                fs::create_dir_all(machine.dev().join(folder)).unwrap();
            }
            for node in ["video2", "video3", "video10"] {
                fs::write(machine.dev().join(node), "").unwrap();
            }
            symlink("../../video2", machine.dev().join("v4l/by-path/pci-usb-0:1-video-index0")).unwrap();
            symlink("../../video2", machine.dev().join("v4l/by-id/usb-HD_Webcam-video-index0")).unwrap();
            symlink("../../video9", machine.dev().join("v4l/by-id/usb-Gone-video-index0")).unwrap();
            machine
        }

        fn sys(&self) -> PathBuf {
            self.0.path().join("sys")
        }

        /// Without links in it, as /dev is.
        fn dev(&self) -> PathBuf {
            let dev = self.0.path().join("dev");
            fs::create_dir_all(&dev).unwrap();
            fs::canonicalize(dev).unwrap()
        }

        fn nodes(&self) -> Vec<Node> {
            nodes(&self.sys(), &self.dev())
        }

        fn path(&self, name: &str) -> String {
            self.dev().join(name).to_string_lossy().into_owned()
        }
    }

    #[test]
    fn nodes_come_by_number_with_their_names_and_links() {
        let machine = Machine::new();
        let webcam = Node {
            path: machine.path("video2"),
            name: "HD Webcam".into(),
            links: vec![
                machine.path("v4l/by-id/usb-HD_Webcam-video-index0"),
                machine.path("v4l/by-path/pci-usb-0:1-video-index0"),
            ],
        };
        let node =
            |name: &str, card: &str| Node { path: machine.path(name), name: card.into(), links: vec![] };
        assert_eq!(machine.nodes(), [webcam, node("video3", "HD Webcam"), node("video10", "HDMI Capture")]);
        assert!(nodes(Path::new("/nonexistent"), Path::new("/nonexistent")).is_empty());
    }

    #[test]
    fn a_camera_is_found_by_path_and_link() {
        let machine = Machine::new();
        let nodes = machine.nodes();
        for (device, expected) in [
            ("video10", "video10"),
            ("v4l/by-id/usb-HD_Webcam-video-index0", "video2"),
            ("v4l/by-path/pci-usb-0:1-video-index0", "video2"),
        ] {
            let found = by_path(&nodes, &machine.path(device)).unwrap();
            assert_eq!(found.path, machine.path(expected), "{device}");
        }
        let gone = machine.path("v4l/by-id/usb-Gone-video-index0");
        let error = by_path(&nodes, &gone).unwrap_err().to_string();
        assert!(error.starts_with(&format!("no camera {gone}; there are ")), "{error}");
        assert!(error.ends_with("video10 (HDMI Capture)"), "{error}");
        assert_eq!(by_path(&[], "/x").unwrap_err().to_string(), "no camera /x; there is none");
    }

    #[test]
    fn who_has_a_file_open_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        let file = fs::File::create(&path).unwrap();
        let path = fs::canonicalize(path).unwrap().to_string_lossy().into_owned();
        assert_eq!(user_of(&path), None, "this process does not count");
        // `cat` reads from a pipe that never ends, with the file as its standard error.
        let mut reader = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .stderr(file)
            .spawn()
            .unwrap();
        assert_eq!(user_of(&path), Some(format!("cat (process {})", reader.id())));
        drop(reader.stdin.take());
        reader.wait().unwrap();
        assert_eq!(user_of(&path), None);
    }

    #[test]
    fn a_node_that_is_no_camera_is_told_from_one_that_is_not_there() {
        gst::init().unwrap();
        let node = |path: &str| Node { path: path.into(), name: "x".into(), links: vec![] };
        let error = ask(&node("/nonexistent/video0")).unwrap_err();
        assert!(matches!(error, PlatformError::CameraNotFound { .. }), "{error}");
        let error = ask(&node("/dev/null")).unwrap_err();
        assert!(matches!(error, PlatformError::CameraFailed { .. }), "{error}");
        let gone = diagnose_camera("/nonexistent/video0").unwrap();
        assert_eq!(gone.cause(), crate::core::protocol::FailureCause::Lost, "{gone}");
    }
}
