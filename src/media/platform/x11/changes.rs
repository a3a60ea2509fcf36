//! What the X server tells of a captured picture: that something was drawn in it (DAMAGE), that the
//! pointer has moved over it or looks different (XInput 2, XFixes), that it has a new place.
//!
//! Owns the requests and what the events mean. Takes no picture.

use super::super::{PlatformError, Region, ScreenTarget};
use super::server::{Server, lost};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::xfixes::{ConnectionExt as _, CursorNotifyMask};
use x11rb::protocol::xinput::{self, ConnectionExt as _, Device, XIEventMask};
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Rectangle};
use x11rb::rust_connection::RustConnection;

/// How far a pointer's picture reaches, at most, from the point that it shows.
const POINTER_REACH: i64 = 64;

/// Hears of changes of one captured picture.
pub(super) struct Changes<'a> {
    server: &'a Server,
    window: Option<u32>,
    region: Option<Region>,
    with_pointer: bool,
    damages: Vec<u32>,
    /// The picture's place on the display; `None`: all of it.
    place: Option<Place>,
    pointer: Option<(i16, i16)>,
}

/// What was heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The picture may have changed.
    pub(super) picture: bool,
    /// So may the place or the size of what is captured.
    pub(super) place: bool,
}

/// A rectangle of the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Place {
    fn new(left: i64, top: i64, width: i64, height: i64) -> Self {
        Self { left, top, right: left + width, bottom: top + height }
    }

    fn touches(self, at: Rectangle) -> bool {
        let at = Self::new(at.x.into(), at.y.into(), at.width.into(), at.height.into());
        self.left < at.right && at.left < self.right && self.top < at.bottom && at.top < self.bottom
    }

    /// Whether a pointer there may be seen.
    fn shows(self, (x, y): (i16, i16)) -> bool {
        let (x, y) = (i64::from(x), i64::from(y));
        (self.left - POINTER_REACH..self.right + POINTER_REACH).contains(&x)
            && (self.top - POINTER_REACH..self.bottom + POINTER_REACH).contains(&y)
    }
}

impl<'a> Changes<'a> {
    /// Of what `target` says; of the pointer as well if `with_pointer`. Hears nothing yet.
    pub(super) fn new(server: &'a Server, target: &ScreenTarget, with_pointer: bool) -> Self {
        Self {
            server,
            window: target.xid,
            region: target.region,
            with_pointer,
            damages: Vec::new(),
            place: None,
            pointer: None,
        }
    }

    /// Asks the server to tell. False: it does not tell what is drawn.
    ///
    /// # Errors
    /// [`PlatformError::DisplayLost`].
    pub(super) fn begin(&mut self) -> Result<bool, PlatformError> {
        let told = self.ask_for_damage().map_err(|error| self.lost(&error))?;
        if self.with_pointer {
            self.ask_for_pointer().map_err(|error| self.lost(&error))?;
        }
        self.ask_for_place().map_err(|error| self.lost(&error))?;
        self.placed()?;
        let name = self.server.name.as_str();
        if told {
            tracing::debug!(screen = %name, "the screen is looked at when it changes");
        } else {
            tracing::info!(
                screen = %name,
                "the X server does not tell what is drawn (it has no DAMAGE extension): the screen is \
                 looked at all the time"
            );
        }
        Ok(told)
    }

    fn connection(&self) -> &'a RustConnection {
        self.server.connection()
    }

    fn lost(&self, error: &dyn std::fmt::Display) -> PlatformError {
        lost(&self.server.name, error)
    }

    fn ask_for_damage(&mut self) -> Result<bool, ReplyOrIdError> {
        let connection = self.connection();
        if connection.extension_information(damage::X11_EXTENSION_NAME)?.is_none() {
            return Ok(false);
        }
        connection.damage_query_version(1, 1)?.reply()?;
        // A part is told of rectangle by rectangle: what is drawn beside it is no news. So is a
        // window, by the root window: menus lie over it, and are others. Where a compositor
        // redirects it, what is drawn in it is drawn nowhere else, so that it is asked itself.
        let whole = self.window.is_none() && self.region.is_none();
        let level = if whole { ReportLevel::NON_EMPTY } else { ReportLevel::DELTA_RECTANGLES };
        let drawables = [(Some(self.server.root()), level), (self.window, ReportLevel::NON_EMPTY)];
        for (drawable, level) in drawables {
            let Some(drawable) = drawable else { continue };
            let id = connection.generate_id()?;
            match connection.damage_create(id, drawable, level)?.check() {
                Ok(()) => self.damages.push(id),
                // The window has closed; whoever looks after it will see that.
                Err(ReplyError::X11Error(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(!self.damages.is_empty())
    }

    fn ask_for_pointer(&self) -> Result<(), ReplyError> {
        let connection = self.connection();
        let root = self.server.root();
        if connection.extension_information(x11rb::protocol::xfixes::X11_EXTENSION_NAME)?.is_some() {
            connection.xfixes_query_version(5, 0)?.reply()?;
            ignore_refusal(
                connection.xfixes_select_cursor_input(root, CursorNotifyMask::DISPLAY_CURSOR)?.check(),
            )?;
        }
        if connection.extension_information(xinput::X11_EXTENSION_NAME)?.is_some() {
            match connection.xinput_xi_query_version(2, 2)?.reply() {
                // Before 2.0 there are no raw events: the pointer is asked for with the place.
                Ok(version) if version.major_version >= 2 => {}
                Ok(_) | Err(ReplyError::X11Error(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
            let mask = vec![XIEventMask::RAW_MOTION | XIEventMask::RAW_TOUCH_UPDATE];
            let masks = [xinput::EventMask { deviceid: Device::ALL_MASTER.into(), mask }];
            ignore_refusal(connection.xinput_xi_select_events(root, &masks)?.check())?;
        }
        Ok(())
    }

    fn ask_for_place(&self) -> Result<(), ReplyError> {
        let look = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        for window in [Some(self.server.root()), self.window].into_iter().flatten() {
            ignore_refusal(self.connection().change_window_attributes(window, &look)?.check())?;
        }
        Ok(())
    }

    /// Asks where the picture and the pointer are now.
    ///
    /// # Errors
    /// [`PlatformError::DisplayLost`].
    pub(super) fn placed(&mut self) -> Result<(), PlatformError> {
        self.place = self.find_place().map_err(|error| self.lost(&error))?;
        Ok(())
    }

    fn find_place(&self) -> Result<Option<Place>, ReplyError> {
        let part = self.region.map(|Region { x, y, size }| {
            Place::new(x.into(), y.into(), size.width.into(), size.height.into())
        });
        let Some(window) = self.window else { return Ok(part) };
        let connection = self.connection();
        let geometry = connection.get_geometry(window)?;
        let origin = connection.translate_coordinates(window, self.server.root(), 0, 0)?;
        let (geometry, origin) = match (geometry.reply(), origin.reply()) {
            (Ok(geometry), Ok(origin)) => (geometry, origin),
            (Err(ReplyError::X11Error(_)), _) | (_, Err(ReplyError::X11Error(_))) => return Ok(self.place),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let (x, y) = (i64::from(origin.dst_x), i64::from(origin.dst_y));
        Ok(Some(Place::new(x, y, geometry.width.into(), geometry.height.into())))
    }

    /// Takes in what the server has told so far. Does not wait for more.
    ///
    /// # Errors
    /// [`PlatformError::DisplayLost`].
    pub(super) fn hear(&mut self) -> Result<Heard, PlatformError> {
        let mut heard = Heard::default();
        let mut moved = false;
        let mut touched = Vec::new();
        while let Some(event) = self.connection().poll_for_event().map_err(|error| self.lost(&error))? {
            match event {
                Event::DamageNotify(event) => {
                    let part = event.level == ReportLevel::DELTA_RECTANGLES;
                    let seen = !part || self.place.is_none_or(|place| place.touches(event.area));
                    if seen && !touched.contains(&event.damage) {
                        touched.push(event.damage);
                    }
                }
                Event::XinputRawMotion(_) | Event::XinputRawTouchUpdate(_) => moved = true,
                Event::XfixesCursorNotify(_) => heard.picture |= self.pointer_is_seen(),
                Event::ConfigureNotify(_)
                | Event::UnmapNotify(_)
                | Event::MapNotify(_)
                | Event::ReparentNotify(_)
                | Event::DestroyNotify(_) => heard = Heard { picture: true, place: true },
                _ => {}
            }
        }
        if !touched.is_empty() {
            heard.picture = true;
            self.listen_on(&touched).map_err(|error| self.lost(&error))?;
        }
        if moved && self.find_pointer().map_err(|error| self.lost(&error))? {
            heard.picture = true;
        }
        Ok(heard)
    }

    /// What has been told is forgotten, so that the next is told.
    fn listen_on(&self, damages: &[u32]) -> Result<(), ConnectionError> {
        for damage in damages {
            // It may have ended with its window.
            self.connection().damage_subtract(*damage, x11rb::NONE, x11rb::NONE)?.ignore_error();
        }
        self.connection().flush()
    }

    fn pointer_is_seen(&self) -> bool {
        self.place.is_none_or(|place| self.pointer.is_none_or(|at| place.shows(at)))
    }

    /// Where the pointer is now. True: that is elsewhere in the picture, or it has entered or left.
    fn find_pointer(&mut self) -> Result<bool, ReplyError> {
        let was_seen = self.pointer_is_seen();
        let reply = self.connection().query_pointer(self.server.root())?.reply()?;
        let at = Some((reply.root_x, reply.root_y));
        let moved = std::mem::replace(&mut self.pointer, at) != at;
        Ok(moved && (was_seen || self.pointer_is_seen()))
    }
}

/// An event that the server does not tell is no reason to end.
fn ignore_refusal(result: Result<(), ReplyError>) -> Result<(), ReplyError> {
    match result {
        Err(ReplyError::X11Error(_)) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_beside_a_picture_does_not_touch_it() {
        let place = Place::new(100, 50, 20, 10);
        let at = |x, y, width, height| Rectangle { x, y, width, height };
        for inside in [at(0, 0, 101, 51), at(119, 59, 1, 1), at(105, 0, 1, 600), at(-10, 55, 500, 1)] {
            assert!(place.touches(inside), "{inside:?}");
        }
        for beside in [at(0, 0, 100, 600), at(120, 50, 20, 10), at(0, 60, 600, 1), at(100, 40, 20, 10)] {
            assert!(!place.touches(beside), "{beside:?}");
        }
    }

    #[test]
    fn a_pointer_is_seen_a_little_beside_the_point_that_it_shows() {
        let place = Place::new(100, 100, 20, 10);
        assert!(place.shows((90, 90)) && place.shows((110, 105)) && place.shows((180, 105)));
        assert!(!place.shows((0, 105)) && !place.shows((110, 300)));
    }
}
