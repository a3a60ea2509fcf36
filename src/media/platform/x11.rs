//! X11: displays, monitors and windows, and which of them a screen source means.
//!
//! Speaks the X protocol through x11rb, beside Xlib, so no mistake here can end the process.
//! Never captures.

mod changes;
mod server;
mod watch;

use super::{MIN_SIDE, PlatformError, Region, ScreenTarget, listed, within};
use crate::config::{Screen, ScreenArea};
use crate::core::inventory::{Display, Monitor, Window};
use crate::core::units::Size;
use server::{Found, Server, lost};
use std::path::Path;
use x11rb::errors::ReplyError;

pub use watch::{ScreenWatch, WatchedScreen};

/// The part of a display that `screen` means, and its size now.
///
/// `env_display` is the DISPLAY of the environment. Blocks for at most [`super::DEADLINE`].
///
/// # Errors
/// A sentence about what is not there: [`PlatformError`].
pub fn resolve_screen(screen: &Screen, env_display: Option<&str>) -> Result<ScreenTarget, PlatformError> {
    let name = display_name(screen, env_display)?;
    let area = screen.area.clone();
    within(&format!("display {name}"), move || Server::open(&name)?.target(&area))
}

/// Every display that can be opened: that of the environment first, then those with a socket on
/// this machine; and a sentence for each that cannot be, but for sockets with no server behind them.
///
/// `env_display` is the DISPLAY of the environment. Blocks for at most [`super::DEADLINE`] for
/// each display.
pub fn displays(env_display: Option<&str>) -> (Vec<Display>, Vec<PlatformError>) {
    let mut names: Vec<String> =
        env_display.filter(|name| !name.is_empty()).map(String::from).into_iter().collect();
    for name in local_displays(Path::new("/tmp/.X11-unix")) {
        // ":0.0" of the environment is ":0" again.
        if !names
            .iter()
            .any(|n| *n == name || n.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.')))
        {
            names.push(name);
        }
    }
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match within(&format!("display {name}"), move || Server::open(&name)?.describe()) {
            Ok(display) => found.push(display),
            // A socket that a dead server left behind; the environment's own display is another thing.
            Err(PlatformError::DisplayUnreachable { display, .. }) if env_display != Some(&*display) => {}
            Err(problem) => problems.push(problem),
        }
    }
    (found, problems)
}

/// The displays that have a socket in `folder`, by number.
fn local_displays(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix('X')?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.iter().map(|number| format!(":{number}")).collect()
}

fn display_name(screen: &Screen, env_display: Option<&str>) -> Result<String, PlatformError> {
    let name = screen.display.as_deref().or(env_display).unwrap_or_default();
    if name.is_empty() { Err(PlatformError::NoDisplay) } else { Ok(name.to_owned()) }
}

impl Server {
    pub(super) fn target(&self, area: &ScreenArea) -> Result<ScreenTarget, PlatformError> {
        let whole = self.size()?;
        let (xid, region, size) = match area {
            ScreenArea::Whole => (None, None, whole),
            ScreenArea::MonitorNumber(wanted) => {
                let monitors = self.monitors()?;
                let monitor = monitors.iter().find(|monitor| monitor.number == *wanted);
                self.monitor_region(monitor, &wanted.to_string(), &monitors)?
            }
            ScreenArea::MonitorOutput(wanted) => {
                let monitors = self.monitors()?;
                let exact = monitors.iter().find(|monitor| monitor.output == *wanted);
                let alike = || monitors.iter().find(|m| m.output.eq_ignore_ascii_case(wanted));
                self.monitor_region(exact.or_else(alike), &format!("{wanted:?}"), &monitors)?
            }
            ScreenArea::Region { x, y, size } => {
                let region = Region { x: *x, y: *y, size: *size };
                let fits = |start: u32, length: u32, all: u32| {
                    start.checked_add(length).is_some_and(|end| end <= all)
                };
                if !fits(*x, size.width, whole.width) || !fits(*y, size.height, whole.height) {
                    return Err(PlatformError::RegionOutside {
                        display: self.name.clone(),
                        wanted: format!("{size} at {x},{y}"),
                        size: whole,
                    });
                }
                (None, Some(region), *size)
            }
            ScreenArea::WindowId(id) => {
                let found = self.window(*id).map_err(|error| self.window_error(error, *id))?;
                let found = found.ok_or_else(|| self.no_window(format!("{id:#x}"), &[]))?;
                self.window_target(&found, whole)?
            }
            ScreenArea::WindowTitle(wanted) => {
                let windows = self.windows()?;
                let titled = || windows.iter().filter(|found| found.window.title.contains(wanted.as_str()));
                let found = titled().find(|found| found.viewable).or_else(|| titled().next());
                let found = found.ok_or_else(|| self.no_window(format!("titled {wanted:?}"), &windows))?;
                self.window_target(found, whole)?
            }
        };
        if size.width < MIN_SIDE || size.height < MIN_SIDE {
            return Err(PlatformError::TooSmall { display: self.name.clone(), size });
        }
        let region = region.map(|region| Region { size: even(region.size), ..region });
        Ok(ScreenTarget { display: self.name.clone(), xid, region, size: even(size) })
    }

    fn monitor_region(
        &self,
        monitor: Option<&Monitor>,
        wanted: &str,
        present: &[Monitor],
    ) -> Result<(Option<u32>, Option<Region>, Size), PlatformError> {
        let Some(&Monitor { x, y, size, .. }) = monitor else {
            let present: Vec<String> =
                present.iter().map(|m| format!("{} ({}, {})", m.number, m.output, m.size)).collect();
            let (display, wanted) = (self.name.clone(), wanted.to_owned());
            return Err(PlatformError::NoMonitor { display, wanted, present: listed(&present) });
        };
        Ok((None, Some(Region { x, y, size }), size))
    }

    /// A window is captured whole, so that it may change its size; but without a compositor what
    /// sticks out of the display has no pixels, and asking for them fails.
    fn window_target(
        &self,
        found: &Found,
        whole: Size,
    ) -> Result<(Option<u32>, Option<Region>, Size), PlatformError> {
        let Found { window: Window { id, size, .. }, x, y, .. } = *found;
        if !found.viewable {
            let window = format!("{id:#x} ({:?})", found.window.title);
            return Err(PlatformError::WindowHidden { display: self.name.clone(), window });
        }
        let visible = |start: i64, length: u32, all: u32| {
            let first = start.clamp(0, all.into());
            let end = (start + i64::from(length)).clamp(0, all.into());
            // Both are within a window's 65535 pixels.
            let offset = u32::try_from(first - start).unwrap_or(0);
            (offset, u32::try_from(end - first).unwrap_or(0))
        };
        let ((left, width), (top, height)) =
            (visible(x, size.width, whole.width), visible(y, size.height, whole.height));
        let seen = Size { width, height };
        if seen == size || self.composited()? {
            return Ok((Some(id), None, size));
        }
        Ok((Some(id), Some(Region { x: left, y: top, size: seen }), seen))
    }

    fn window_error(&self, error: ReplyError, id: u32) -> PlatformError {
        match error {
            ReplyError::X11Error(_) => {
                let windows = self.windows().unwrap_or_default();
                self.no_window(format!("{id:#x}"), &windows)
            }
            ReplyError::ConnectionError(error) => lost(&self.name, &error),
        }
    }

    fn no_window(&self, wanted: String, windows: &[Found]) -> PlatformError {
        const MOST_NAMED: usize = 12;
        let named = windows.iter().filter(|found| found.viewable && !found.window.title.is_empty());
        let present: Vec<String> =
            named.take(MOST_NAMED).map(|found| format!("{:?}", found.window.title)).collect();
        PlatformError::NoWindow { display: self.name.clone(), wanted, present: listed(&present) }
    }
}

/// Without the last column or row of an odd size.
fn even(size: Size) -> Size {
    Size { width: size.width & !1, height: size.height & !1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_displays_are_found_by_their_sockets() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["X10", "X2", "X", "Xa", "other"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(local_displays(folder.path()), [":2", ":10"]);
        assert!(local_displays(&folder.path().join("none")).is_empty());
    }

    #[test]
    fn a_display_has_to_be_named_somewhere() {
        let mut screen = Screen {
            display: None,
            area: ScreenArea::Whole,
            cursor: true,
            framerate: crate::core::units::FrameRate::whole(30),
        };
        assert_eq!(resolve_screen(&screen, None), Err(PlatformError::NoDisplay));
        assert_eq!(resolve_screen(&screen, Some("")), Err(PlatformError::NoDisplay));
        assert_eq!(display_name(&screen, Some(":3")).as_deref(), Ok(":3"));
        screen.display = Some(":4".into());
        assert_eq!(display_name(&screen, Some(":3")).as_deref(), Ok(":4"));
    }
}
