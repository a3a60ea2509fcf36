//! A real X server for a test, and what a test draws on it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, PropMode, Rectangle, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// An Xvfb on a display number of its own choice; killed when dropped.
pub struct Xvfb {
    server: Child,
    /// `:N`
    pub name: String,
}

impl Xvfb {
    /// With a screen of that size.
    pub fn start(width: u32, height: u32) -> Self {
        Self::with(width, height, &[])
    }

    /// That lets in only who has the cookie in `file`.
    pub fn with_cookie(file: &Path) -> Self {
        Self::with(640, 480, &["-auth", file.to_str().unwrap()])
    }

    /// Without one of its extensions.
    pub fn without(extension: &str, width: u32, height: u32) -> Self {
        Self::with(width, height, &["-extension", extension])
    }

    /// On a display number that no server takes by its own choice, so that another may follow it there.
    pub fn start_apart(width: u32, height: u32) -> Self {
        Self::with(width, height, &[&Self::apart()])
    }

    /// Another one in the place of one that has ended.
    pub fn restart(&mut self, width: u32, height: u32) {
        let name = self.name.clone();
        self.kill();
        *self = Self::with(width, height, &[&name]);
    }

    fn apart() -> String {
        format!(":{}", 10_000 + std::process::id() % 40_000)
    }

    fn with(width: u32, height: u32, more: &[&str]) -> Self {
        let mut server = Command::new("Xvfb")
            // The display's number, where there is one, comes first.
            .args(more)
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"])
            .arg(format!("{width}x{height}x24"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb has started");
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// A client that draws.
    pub fn painter(&self) -> Painter {
        let (connection, screen) = x11rb::connect(Some(&self.name)).unwrap();
        let root = connection.setup().roots[screen].root;
        Painter { connection, root }
    }
}

impl Drop for Xvfb {
    /// Captures are stopped by other threads. Those come to their end first: a process that ends while one of
    /// them is inside Xlib or GStreamer ends by a signal at times.
    fn drop(&mut self) {
        let end = Instant::now() + Duration::from_secs(5);
        while vitrina::media::pipeline::stopping() > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }
}

/// A place on a display.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub x: i16,
    pub y: i16,
    pub width: u16,
    pub height: u16,
}

/// Shorthand for a [`Place`].
pub fn place(x: i16, y: i16, width: u16, height: u16) -> Place {
    Place { x, y, width, height }
}

/// Draws on a display. Each call is over when the server has done it.
pub struct Painter {
    connection: RustConnection,
    root: u32,
}

impl Painter {
    fn done(&self) {
        self.connection.sync().unwrap();
    }

    /// Fills a part of the display with a colour, 0xRRGGBB.
    pub fn fill(&self, at: Place, colour: u32) {
        let context = self.connection.generate_id().unwrap();
        let look = CreateGCAux::new().foreground(colour);
        self.connection.create_gc(context, self.root, &look).unwrap();
        let area = Rectangle { x: at.x, y: at.y, width: at.width, height: at.height };
        self.connection.poly_fill_rectangle(self.root, context, &[area]).unwrap();
        self.done();
    }

    /// Covers a part of the display with black text on white, another for each `page`, in one step.
    /// So many letters a line, lines so many pixels apart; each letter is 6 by 13.
    pub fn text(&self, at: Place, page: u32, columns: usize, spacing: usize) {
        let x = &self.connection;
        let [font, canvas, paper, ink] = [(); 4].map(|()| x.generate_id().unwrap());
        x.open_font(font, b"fixed").unwrap().check().expect("an X server has this font");
        x.create_pixmap(24, canvas, self.root, at.width, at.height).unwrap();
        x.create_gc(paper, canvas, &CreateGCAux::new().foreground(0x00ff_ffff)).unwrap();
        let look = CreateGCAux::new().foreground(0).background(0x00ff_ffff).font(font);
        x.create_gc(ink, canvas, &look).unwrap();
        let whole = Rectangle { x: 0, y: 0, width: at.width, height: at.height };
        x.poly_fill_rectangle(canvas, paper, &[whole]).unwrap();
        let mut random = page;
        for y in (20..at.height).step_by(spacing) {
            let mut line = Vec::new();
            while line.len() < columns {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let letter =
                    b"etaoin shrdlu cmfwyp vbgkjq xz ETAOIN ., 0123456789 "[(random >> 16) as usize % 52];
                line.push(letter);
            }
            x.image_text8(canvas, ink, 20, y.cast_signed(), &line).unwrap();
        }
        x.copy_area(canvas, self.root, ink, 0, 0, at.x, at.y, at.width, at.height).unwrap();
        for pen in [paper, ink] {
            x.free_gc(pen).unwrap();
        }
        x.free_pixmap(canvas).unwrap();
        x.close_font(font).unwrap();
        self.done();
    }

    /// Moves the pointer as a mouse does.
    pub fn point(&self, x: i16, y: i16) {
        let motion = x11rb::protocol::xproto::MOTION_NOTIFY_EVENT;
        self.connection.xtest_fake_input(motion, 0, 0, self.root, x, y, 0).unwrap().check().unwrap();
    }

    /// Opens a window filled with a colour.
    pub fn window(&self, at: Place, title: &str, colour: u32) -> u32 {
        let id = self.connection.generate_id().unwrap();
        let look = CreateWindowAux::new().background_pixel(colour);
        self.connection
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                id,
                self.root,
                at.x,
                at.y,
                at.width,
                at.height,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &look,
            )
            .unwrap();
        self.retitle(id, title);
        self.connection.map_window(id).unwrap();
        self.done();
        id
    }

    /// Gives a window a title.
    pub fn retitle(&self, id: u32, title: &str) {
        let (name, utf8) = (self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"));
        self.connection.change_property8(PropMode::REPLACE, id, name, utf8, title.as_bytes()).unwrap();
        self.done();
    }

    /// Gives a window the old kind of title, in Latin-1.
    pub fn retitle_latin1(&self, id: u32, title: &[u8]) {
        self.connection.delete_property(id, self.atom("_NET_WM_NAME")).unwrap();
        self.connection
            .change_property8(PropMode::REPLACE, id, AtomEnum::WM_NAME, AtomEnum::STRING, title)
            .unwrap();
        self.done();
    }

    /// Moves and resizes a window.
    pub fn place(&self, id: u32, at: Place) {
        let aux = ConfigureWindowAux::new()
            .x(i32::from(at.x))
            .y(i32::from(at.y))
            .width(u32::from(at.width))
            .height(u32::from(at.height));
        self.connection.configure_window(id, &aux).unwrap();
        self.done();
    }

    /// Takes a window off the screen, as minimising does.
    pub fn hide(&self, id: u32) {
        self.connection.unmap_window(id).unwrap();
        self.done();
    }

    /// Closes a window.
    pub fn close(&self, id: u32) {
        self.connection.destroy_window(id).unwrap();
        self.done();
    }

    /// Writes the list that a window manager keeps.
    pub fn manage(&self, windows: &[u32]) {
        let list = self.atom("_NET_CLIENT_LIST");
        self.connection
            .change_property32(PropMode::REPLACE, self.root, list, AtomEnum::WINDOW, windows)
            .unwrap();
        self.done();
    }

    /// Makes a window that is no business of a window manager: a menu.
    pub fn menu(&self, at: Place) {
        let id = self.window(at, "", 0);
        let aux = ChangeWindowAttributesAux::new().override_redirect(1);
        self.connection.change_window_attributes(id, &aux).unwrap();
        self.done();
    }

    /// Declares a monitor. The primary one takes Xvfb's only output, which is a monitor by itself
    /// otherwise.
    pub fn monitor(&self, name: &str, at: Place, primary: bool) {
        let resources = self.connection.randr_get_screen_resources(self.root).unwrap().reply().unwrap();
        let monitor = MonitorInfo {
            name: self.atom(name),
            primary,
            automatic: false,
            x: at.x,
            y: at.y,
            width: at.width,
            height: at.height,
            width_in_millimeters: 100,
            height_in_millimeters: 100,
            outputs: if primary { resources.outputs } else { vec![] },
        };
        self.connection.randr_set_monitor(self.root, monitor).unwrap().check().unwrap();
    }

    /// Takes a monitor away.
    pub fn unplug(&self, name: &str) {
        self.connection.randr_delete_monitor(self.root, self.atom(name)).unwrap().check().unwrap();
    }

    /// Gives the display another size.
    pub fn resize(&self, width: u16, height: u16) {
        // A screen can only become smaller than its one output's mode when that is off.
        let resources = self.connection.randr_get_screen_resources(self.root).unwrap().reply().unwrap();
        for crtc in &resources.crtcs {
            self.connection
                .randr_set_crtc_config(*crtc, 0, resources.config_timestamp, 0, 0, 0, 1_u16.into(), &[])
                .unwrap()
                .reply()
                .unwrap();
        }
        self.connection.randr_set_screen_size(self.root, width, height, 300, 200).unwrap().check().unwrap();
    }

    fn atom(&self, name: &str) -> u32 {
        self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }
}
