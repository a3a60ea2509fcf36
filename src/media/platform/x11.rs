//! X11: displays, monitors and windows, and which of them a screen source means.
//!
//! Speaks the X protocol through x11rb, beside Xlib, so no mistake here can end the process.
//! Never captures.

use super::{MIN_SIDE, PlatformError, Region, ScreenTarget, listed, within};
use crate::config::{Screen, ScreenArea};
use crate::core::inventory::{Display, Monitor, Window, plain_text};
use crate::core::units::Size;
use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError};
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, WindowClass};
use x11rb::rust_connection::RustConnection;

/// Windows that are looked at; a desktop has some dozens.
const MOST_WINDOWS: usize = 256;

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
/// this machine; and a sentence for each that cannot be.
///
/// `env_display` is the DISPLAY of the environment. Blocks for at most [`super::DEADLINE`] for
/// each display.
pub fn displays(env_display: Option<&str>) -> (Vec<Display>, Vec<PlatformError>) {
    let mut names: Vec<String> =
        env_display.filter(|name| !name.is_empty()).map(String::from).into_iter().collect();
    for name in local_displays(std::path::Path::new("/tmp/.X11-unix")) {
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
            Err(problem) => problems.push(problem),
        }
    }
    (found, problems)
}

/// The displays that have a socket in `folder`, by number.
fn local_displays(folder: &std::path::Path) -> Vec<String> {
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

/// Looks after a running screen source: whether what it captures is still what its config means.
/// Holds a connection of its own to the X server.
pub struct ScreenWatch {
    server: Server,
    /// As in the config, but a window found by its title is held by its id from then on.
    area: ScreenArea,
    target: ScreenTarget,
}

/// What [`ScreenWatch::check`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenState {
    /// The capture shows what it should.
    Same,
    /// The monitor, the window or the region is elsewhere now: resolve and start again.
    Changed,
}

impl ScreenWatch {
    /// Begins to look after `target`, which `screen` was resolved to. Blocks as
    /// [`resolve_screen`] does.
    ///
    /// # Errors
    /// The display cannot be opened.
    pub fn new(screen: &Screen, target: &ScreenTarget) -> Result<Self, PlatformError> {
        let name = target.display.clone();
        let server = within(&format!("display {name}"), move || Server::open(&name))?;
        let area = match (&screen.area, target.xid) {
            (ScreenArea::WindowTitle(_), Some(id)) => ScreenArea::WindowId(id),
            (area, _) => area.clone(),
        };
        Ok(Self { server, area, target: target.clone() })
    }

    /// Looks again: once a second is plenty. Blocks while the X server does not answer; takes a
    /// millisecond otherwise.
    ///
    /// # Errors
    /// What is not there any more: the display, the monitor, the window.
    pub fn check(&self) -> Result<ScreenState, PlatformError> {
        let now = self.server.target(&self.area)?;
        // ximagesrc follows the size of a whole display or window by itself.
        let same = now.xid == self.target.xid && now.region == self.target.region;
        Ok(if same { ScreenState::Same } else { ScreenState::Changed })
    }
}

/// A connection to an X server and one of its screens.
struct Server {
    name: String,
    connection: RustConnection,
    screen: usize,
    root: u32,
}

/// A window as the server describes it.
struct Found {
    window: Window,
    /// Its left and top edge on the display; negative where it sticks out.
    x: i64,
    y: i64,
    /// Whether it is on the screen: mapped, and all that holds it.
    viewable: bool,
}

impl Server {
    fn open(name: &str) -> Result<Self, PlatformError> {
        let (connection, screen) = x11rb::connect(Some(name)).map_err(|error| refusal(name, &error))?;
        let root = connection.setup().roots.get(screen).map(|screen| screen.root);
        let root = root.ok_or_else(|| lost(name, &"it has no such screen"))?;
        Ok(Self { name: name.to_owned(), connection, screen, root })
    }

    fn describe(&self) -> Result<Display, PlatformError> {
        let windows = self.windows()?.into_iter().filter(|found| found.viewable).map(|found| found.window);
        Ok(Display {
            name: self.name.clone(),
            size: self.size()?,
            monitors: self.monitors()?,
            windows: windows.collect(),
        })
    }

    /// The root window's size now; that of the connection's start grows old.
    fn size(&self) -> Result<Size, PlatformError> {
        let cookie = self.connection.get_geometry(self.root).map_err(|e| lost(&self.name, &e))?;
        let geometry = cookie.reply().map_err(|e| lost(&self.name, &e))?;
        Ok(Size { width: geometry.width.into(), height: geometry.height.into() })
    }

    /// RandR's monitors by number; the whole display as the only one where RandR has none.
    fn monitors(&self) -> Result<Vec<Monitor>, PlatformError> {
        let whole = self.size()?;
        let mut monitors = match self.randr_monitors(whole) {
            Ok(monitors) => monitors,
            // No RandR 1.5: older than 2015, or a nested server.
            Err(
                ReplyError::ConnectionError(ConnectionError::UnsupportedExtension) | ReplyError::X11Error(_),
            ) => Vec::new(),
            Err(error) => return Err(lost(&self.name, &error)),
        };
        if monitors.is_empty() {
            let output = "default".to_owned();
            monitors.push(Monitor { number: 1, output, x: 0, y: 0, size: whole, primary: true });
        }
        number(&mut monitors);
        Ok(monitors)
    }

    fn randr_monitors(&self, whole: Size) -> Result<Vec<Monitor>, ReplyError> {
        let reply = self.connection.randr_get_monitors(self.root, true)?.reply()?;
        let mut monitors = Vec::with_capacity(reply.monitors.len());
        for info in reply.monitors {
            let name = self.connection.get_atom_name(info.name)?.reply()?;
            let clip = |start: i16, length: u16, end: u32| {
                let first = u32::try_from(start).unwrap_or(0);
                let last = (i64::from(start) + i64::from(length)).clamp(0, end.into());
                (first, u32::try_from(last).unwrap_or(0).saturating_sub(first))
            };
            let (x, width) = clip(info.x, info.width, whole.width);
            let (y, height) = clip(info.y, info.height, whole.height);
            monitors.push(Monitor {
                number: 0,
                output: plain_text(&String::from_utf8_lossy(&name.name)),
                x,
                y,
                size: Size { width, height },
                primary: info.primary,
            });
        }
        Ok(monitors)
    }

    /// The top-level windows: the window manager's list or, without one, the root window's
    /// children that programs have given a title.
    fn windows(&self) -> Result<Vec<Found>, PlatformError> {
        self.client_list()
            .map(|ids| {
                let ids = ids.into_iter().take(MOST_WINDOWS);
                // One that has closed in the meantime is no error.
                ids.filter_map(|id| self.window(id).ok().flatten()).collect()
            })
            .map_err(|error| lost(&self.name, &error))
    }

    fn client_list(&self) -> Result<Vec<u32>, ReplyError> {
        let property = self.atom("_NET_CLIENT_LIST")?;
        let list =
            self.connection.get_property(false, self.root, property, AtomEnum::WINDOW, 0, 4096)?.reply()?;
        if let Some(ids) = list.value32() {
            return Ok(ids.collect());
        }
        let mut ids = Vec::new();
        let wm_state = self.atom("WM_STATE")?;
        for child in self.connection.query_tree(self.root)?.reply()?.children.into_iter().take(MOST_WINDOWS) {
            // An old window manager puts each window into a frame: the window has WM_STATE.
            ids.push(self.managed_child(child, wm_state)?.unwrap_or(child));
        }
        Ok(ids)
    }

    fn managed_child(&self, frame: u32, wm_state: u32) -> Result<Option<u32>, ReplyError> {
        let Ok(tree) = self.connection.query_tree(frame)?.reply() else { return Ok(None) };
        for child in tree.children.into_iter().take(8) {
            let state = self.connection.get_property(false, child, wm_state, AtomEnum::ANY, 0, 0)?.reply();
            if state.is_ok_and(|state| state.type_ != u32::from(AtomEnum::NONE)) {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// What a window is; `None` for one without pixels or that has no title to be known by and
    /// asked no window manager to look after it (menus, tool tips).
    fn window(&self, id: u32) -> Result<Option<Found>, ReplyError> {
        let attributes = self.connection.get_window_attributes(id)?;
        let geometry = self.connection.get_geometry(id)?;
        let place = self.connection.translate_coordinates(id, self.root, 0, 0)?;
        let (attributes, geometry, place) = (attributes.reply()?, geometry.reply()?, place.reply()?);
        let title = self.title(id)?;
        if attributes.class == WindowClass::INPUT_ONLY || (attributes.override_redirect && title.is_empty()) {
            return Ok(None);
        }
        let size = Size { width: geometry.width.into(), height: geometry.height.into() };
        Ok(Some(Found {
            window: Window { id, title, size },
            x: place.dst_x.into(),
            y: place.dst_y.into(),
            viewable: attributes.map_state == MapState::VIEWABLE,
        }))
    }

    /// `_NET_WM_NAME` (UTF-8) or else `WM_NAME` (ICCCM: Latin-1, or UTF-8 where it says so).
    fn title(&self, id: u32) -> Result<String, ReplyError> {
        let (net_name, utf8) = (self.atom("_NET_WM_NAME")?, self.atom("UTF8_STRING")?);
        for property in [net_name, AtomEnum::WM_NAME.into()] {
            let reply = self.connection.get_property(false, id, property, AtomEnum::ANY, 0, 256)?.reply()?;
            if reply.value.is_empty() {
                continue;
            }
            let text = if reply.type_ == utf8 {
                String::from_utf8_lossy(&reply.value).into_owned()
            } else {
                reply.value.iter().copied().map(char::from).collect()
            };
            return Ok(plain_text(&text));
        }
        Ok(String::new())
    }

    fn atom(&self, name: &str) -> Result<u32, ReplyError> {
        Ok(self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    /// Whether a compositor keeps every window's picture, also where it is off the screen.
    fn composited(&self) -> Result<bool, PlatformError> {
        let owner = || -> Result<u32, ReplyError> {
            let selection = self.atom(&format!("_NET_WM_CM_S{}", self.screen))?;
            Ok(self.connection.get_selection_owner(selection)?.reply()?.owner)
        };
        owner().map(|owner| owner != x11rb::NONE).map_err(|error| lost(&self.name, &error))
    }

    fn target(&self, area: &ScreenArea) -> Result<ScreenTarget, PlatformError> {
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

/// Numbers monitors from 1: the primary first, then from left to right and from top to bottom.
fn number(monitors: &mut [Monitor]) {
    monitors.sort_by_key(|monitor| (!monitor.primary, monitor.x, monitor.y));
    for (number, monitor) in (1..).zip(monitors) {
        monitor.number = number;
    }
}

/// Without the last column or row of an odd size.
fn even(size: Size) -> Size {
    Size { width: size.width & !1, height: size.height & !1 }
}

fn refusal(name: &str, error: &ConnectError) -> PlatformError {
    let display = name.to_owned();
    match error {
        ConnectError::SetupFailed(failed) => PlatformError::DisplayRefused {
            display,
            detail: plain_text(&String::from_utf8_lossy(&failed.reason)),
        },
        ConnectError::SetupAuthenticate(more) => PlatformError::DisplayRefused {
            display,
            detail: plain_text(&String::from_utf8_lossy(&more.reason)),
        },
        other => PlatformError::DisplayUnreachable { display, detail: plain_text(&other.to_string()) },
    }
}

fn lost(name: &str, error: &dyn std::fmt::Display) -> PlatformError {
    PlatformError::DisplayLost { display: name.to_owned(), detail: plain_text(&error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_are_numbered_with_the_primary_first_then_left_to_right() {
        let monitor = |output: &str, x, y, primary| Monitor {
            number: 0,
            output: output.into(),
            x,
            y,
            size: Size { width: 100, height: 100 },
            primary,
        };
        let mut monitors = [
            monitor("right", 300, 0, false),
            monitor("main", 200, 0, true),
            monitor("below", 100, 100, false),
            monitor("left", 0, 0, false),
            monitor("above", 100, 0, false),
        ];
        number(&mut monitors);
        let order: Vec<_> = monitors.iter().map(|m| (m.number, m.output.as_str())).collect();
        assert_eq!(order, [(1, "main"), (2, "left"), (3, "above"), (4, "below"), (5, "right")]);
    }

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
