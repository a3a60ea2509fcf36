//! One X server, asked what it has: its size, its monitors, its windows.
//!
//! Owns the requests and what their answers mean. Chooses nothing.

use super::super::PlatformError;
use crate::core::inventory::{Display, Monitor, Window, plain_text};
use crate::core::units::Size;
use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError};
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, WindowClass};
use x11rb::rust_connection::{DefaultStream, RustConnection};

/// Windows that are looked at; a desktop has some dozens.
const MOST_WINDOWS: usize = 256;

/// A connection to an X server and one of its screens.
pub(super) struct Server {
    pub(super) name: String,
    connection: RustConnection,
    screen: usize,
    root: u32,
}

/// A window as the server describes it.
pub(super) struct Found {
    pub(super) window: Window,
    /// Its left and top edge on the display; negative where it sticks out.
    pub(super) x: i64,
    pub(super) y: i64,
    /// Whether it is on the screen: mapped, and all that holds it.
    pub(super) viewable: bool,
}

impl Server {
    pub(super) fn open(name: &str) -> Result<Self, PlatformError> {
        // x11rb adds 6000 for a TCP port and panics beyond 65535 (0.14).
        let number =
            name.rsplit_once(':').and_then(|(_, number)| number.split('.').next()?.parse::<u32>().ok());
        if number.is_some_and(|number| number > u32::from(u16::MAX) - 6000) {
            let detail = "there are no such numbers".to_owned();
            return Err(PlatformError::DisplayUnreachable { display: name.to_owned(), detail });
        }
        let (connection, screen) = x11rb::connect(Some(name)).map_err(|error| refusal(name, &error))?;
        let root = connection.setup().roots.get(screen).map(|screen| screen.root);
        let root = root.ok_or_else(|| lost(name, &"it has no such screen"))?;
        Ok(Self { name: name.to_owned(), connection, screen, root })
    }

    pub(super) fn connection(&self) -> &RustConnection {
        &self.connection
    }

    /// What becomes readable when the server has something to say.
    pub(super) fn stream(&self) -> &DefaultStream {
        self.connection.stream()
    }

    /// The root window.
    pub(super) fn root(&self) -> u32 {
        self.root
    }

    pub(super) fn describe(&self) -> Result<Display, PlatformError> {
        let windows = self.windows()?.into_iter().filter(|found| found.viewable).map(|found| found.window);
        Ok(Display {
            name: self.name.clone(),
            size: self.size()?,
            monitors: self.monitors()?,
            windows: windows.collect(),
        })
    }

    /// The root window's size now; that of the connection's start grows old.
    pub(super) fn size(&self) -> Result<Size, PlatformError> {
        let cookie = self.connection.get_geometry(self.root).map_err(|e| lost(&self.name, &e))?;
        let geometry = cookie.reply().map_err(|e| lost(&self.name, &e))?;
        Ok(Size { width: geometry.width.into(), height: geometry.height.into() })
    }

    /// RandR's monitors by number; the whole display as the only one where RandR has none.
    pub(super) fn monitors(&self) -> Result<Vec<Monitor>, PlatformError> {
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
    pub(super) fn windows(&self) -> Result<Vec<Found>, PlatformError> {
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
    pub(super) fn window(&self, id: u32) -> Result<Option<Found>, ReplyError> {
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
    pub(super) fn composited(&self) -> Result<bool, PlatformError> {
        let owner = || -> Result<u32, ReplyError> {
            let selection = self.atom(&format!("_NET_WM_CM_S{}", self.screen))?;
            Ok(self.connection.get_selection_owner(selection)?.reply()?.owner)
        };
        owner().map(|owner| owner != x11rb::NONE).map_err(|error| lost(&self.name, &error))
    }
}

/// Numbers monitors from 1: the primary first, then from left to right and from top to bottom.
fn number(monitors: &mut [Monitor]) {
    monitors.sort_by_key(|monitor| (!monitor.primary, monitor.x, monitor.y));
    for (number, monitor) in (1..).zip(monitors) {
        monitor.number = number;
    }
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

pub(super) fn lost(name: &str, error: &dyn std::fmt::Display) -> PlatformError {
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
}
