//! V4L2: cameras and their modes, and which of them a camera source means.
//!
//! Devices come from sysfs, their modes from a v4l2src that is opened and asked, never started:
//! a camera's light stays off. Never captures.

use super::{CameraTarget, PlatformError, listed, within};
use crate::config::Camera;
use crate::core::camera::{CameraFormat, CameraMode, Rates, Sizes, choose_mode, has_colour};
use crate::core::inventory::{CameraInfo, plain_text};
use crate::core::units::{FrameRate, Size};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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

/// Every camera of the machine, in the order of their numbers. Nodes that do not capture pictures
/// (a webcam's second node carries metadata only) are left out; a camera that cannot be opened is
/// there, with its `problem`. Blocks for at most [`super::DEADLINE`] for each node.
pub fn cameras() -> Vec<CameraInfo> {
    nodes(Path::new(SYSFS), Path::new(DEV)).into_iter().filter_map(camera).collect()
}

fn camera(node: Node) -> Option<CameraInfo> {
    let (modes, problem) = match modes(&node.path) {
        Ok(Some(modes)) => (modes, None),
        Ok(None) => return None,
        Err(problem) => (Vec::new(), Some(problem.to_string())),
    };
    let in_use_by = user_of(&node.path);
    Some(CameraInfo { name: node.name, path: node.path, links: node.links, modes, in_use_by, problem })
}

/// The camera that `wanted` means, and the mode that suits it best. Blocks as [`cameras`] does.
///
/// # Errors
/// A sentence about what is not there or in the way: [`PlatformError`].
pub fn resolve_camera(wanted: &Camera) -> Result<CameraTarget, PlatformError> {
    let nodes = nodes(Path::new(SYSFS), Path::new(DEV));
    let (node, modes) = match wanted.device.as_deref() {
        None => first_camera(nodes)?,
        Some(device) => {
            let node = find(&nodes, device)?;
            let modes = modes(&node.path)?;
            let not_one = || PlatformError::CameraFailed {
                path: node.path.clone(),
                detail: "it does not capture pictures".into(),
            };
            let modes = modes.ok_or_else(not_one)?;
            (node, modes)
        }
    };
    let Some(choice) = choose_mode(&modes, wanted.size, wanted.framerate) else {
        return Err(PlatformError::NoCameraMode { path: node.path });
    };
    Ok(CameraTarget { path: node.path, name: node.name, choice })
}

/// Why a capture from this node has just failed, where the system can tell: v4l2src calls a camera
/// that another program uses merely "not negotiated". Call it when the capture is closed.
#[must_use]
pub fn diagnose_camera(path: &str) -> Option<PlatformError> {
    if let Err(error) = open(path) {
        return Some(error);
    }
    user_of(path).map(|by| PlatformError::CameraBusy { path: path.to_owned(), by })
}

/// The first camera with colours or, failing that, the first camera.
fn first_camera(nodes: Vec<Node>) -> Result<(Node, Vec<CameraMode>), PlatformError> {
    let (mut grey, mut problem) = (None, None);
    for node in nodes {
        match modes(&node.path) {
            Ok(Some(modes)) if has_colour(&modes) => return Ok((node, modes)),
            Ok(Some(modes)) => grey = grey.or(Some((node, modes))),
            Ok(None) => {}
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    grey.ok_or_else(|| {
        let hint = problem.map(|problem| format!("; {problem}")).unwrap_or_default();
        PlatformError::NoCamera { hint }
    })
}

/// The node that a path, a link or a card name means.
fn find(nodes: &[Node], device: &str) -> Result<Node, PlatformError> {
    if device.starts_with('/') {
        let path = std::fs::canonicalize(device).map_err(|_| not_found(nodes, device))?;
        let path = path.to_string_lossy().into_owned();
        let known = nodes.iter().find(|node| node.path == path).cloned();
        let name = || plain_text(device);
        return Ok(known.unwrap_or_else(|| Node { path, name: name(), links: Vec::new() }));
    }
    let wanted = device.to_lowercase();
    let named = |matches: fn(&str, &str) -> bool| {
        nodes.iter().find(|node| matches(&node.name.to_lowercase(), &wanted)).cloned()
    };
    let exact = named(|name, wanted| name == wanted);
    exact.or_else(|| named(|name, wanted| name.contains(wanted))).ok_or_else(|| not_found(nodes, device))
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
    match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
        Ok(_) => Ok(()),
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
        let holds =
            files.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to == Path::new(path)));
        if holds && pid != own {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (process {pid})", plain_text(&name)));
        }
    }
    None
}

/// What a node can send; `None` when it is not one that captures pictures.
fn modes(path: &str) -> Result<Option<Vec<CameraMode>>, PlatformError> {
    let path = path.to_owned();
    within(&format!("camera {path}"), move || {
        open(&path)?;
        ask(&path)
    })
}

/// Asks through a v4l2src in READY.
fn ask(path: &str) -> Result<Option<Vec<CameraMode>>, PlatformError> {
    let failed = |detail: String| PlatformError::CameraFailed { path: path.to_owned(), detail };
    let source = gst::ElementFactory::make("v4l2src")
        .property("device", path)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let bus = gst::Bus::new();
    source.set_bus(Some(&bus));
    let opened = source.set_state(gst::State::Ready);
    let caps = source.static_pad("src").map(|pad| pad.query_caps(None));
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
    Ok(Some(caps.map(|caps| modes_of(&caps)).unwrap_or_default()))
}

/// The modes in a v4l2src's caps. Compressed formats but JPEG, and memory that is not the
/// system's, are passed over.
fn modes_of(caps: &gst::CapsRef) -> Vec<CameraMode> {
    let mut modes = Vec::new();
    for (structure, features) in caps.iter_with_features() {
        let system = gst::CapsFeatures::new([gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY]);
        if features.is_any() || !features.is_equal(&system) {
            continue;
        }
        let formats = match structure.name().as_str() {
            "video/x-raw" => {
                texts(structure, "format").into_iter().map(CameraFormat::Raw).collect::<Vec<_>>()
            }
            "image/jpeg" => vec![CameraFormat::Mjpeg],
            _ => continue,
        };
        let (sizes, rates) = (sizes(structure), rates(structure));
        for format in formats {
            for sizes in &sizes {
                for rates in &rates {
                    modes.push(CameraMode { format: format.clone(), sizes: *sizes, rates: rates.clone() });
                }
            }
        }
    }
    modes
}

/// A field's values: those of a list, or the one.
fn values(structure: &gst::StructureRef, field: &str) -> Vec<glib::SendValue> {
    let Ok(value) = structure.value(field) else { return Vec::new() };
    match value.get::<gst::List>() {
        Ok(list) => list.iter().cloned().collect(),
        Err(_) => structure.value(field).ok().cloned().into_iter().collect(),
    }
}

fn texts(structure: &gst::StructureRef, field: &str) -> Vec<String> {
    values(structure, field).iter().filter_map(|value| value.get::<String>().ok()).collect()
}

/// A length: least, most, and step.
type Span = (u32, u32, u32);

fn spans(structure: &gst::StructureRef, field: &str) -> Vec<Span> {
    let span = |value: &glib::SendValue| -> Option<Span> {
        if let Ok(one) = value.get::<i32>() {
            let one = u32::try_from(one).ok()?;
            return Some((one, one, 1));
        }
        let range = value.get::<gst::IntRange<i32>>().ok()?;
        let (min, max, step) = (range.min(), range.max(), range.step());
        Some((u32::try_from(min).ok()?, u32::try_from(max).ok()?, u32::try_from(step).ok()?.max(1)))
    };
    values(structure, field).iter().filter_map(span).collect()
}

fn sizes(structure: &gst::StructureRef) -> Vec<Sizes> {
    let (widths, heights) = (spans(structure, "width"), spans(structure, "height"));
    let pair = |&(w_min, w_max, w_step): &Span, &(h_min, h_max, h_step): &Span| {
        let min = Size { width: w_min, height: h_min };
        let max = Size { width: w_max, height: h_max };
        let step = Size { width: w_step, height: h_step };
        if min == max { Sizes::One(min) } else { Sizes::Stepwise { min, max, step } }
    };
    widths.iter().flat_map(|width| heights.iter().map(move |height| pair(width, height))).collect()
}

/// The rates: all single ones as one list, and each range by itself.
fn rates(structure: &gst::StructureRef) -> Vec<Rates> {
    let rate = |fraction: gst::Fraction| -> Option<FrameRate> {
        let (numerator, denominator) = (fraction.numer(), fraction.denom());
        let rate = FrameRate {
            numerator: u32::try_from(numerator).ok()?,
            denominator: u32::try_from(denominator).ok()?,
        };
        (rate.numerator > 0 && rate.denominator > 0).then_some(rate)
    };
    let (mut listed, mut all) = (Vec::new(), Vec::new());
    for value in values(structure, "framerate") {
        if let Ok(fraction) = value.get::<gst::Fraction>() {
            listed.extend(rate(fraction));
        } else if let Ok(range) = value.get::<gst::FractionRange>() {
            // From 0/1: a camera that says so takes any rate up to its highest.
            let min = rate(range.min()).unwrap_or(FrameRate::whole(1));
            all.extend(rate(range.max()).map(|max| Rates::Between { min, max }));
        }
    }
    if !listed.is_empty() {
        all.insert(0, Rates::Listed(listed));
    }
    all
}
