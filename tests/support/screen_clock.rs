//! A clock that programs can read off the screen: the time in black and white squares, and a
//! moving bar. The browser tests measure with it how old a picture is when a page shows it.
//!
//!     screen_clock DISPLAY [REDRAWS_PER_SECOND [irregular]]
//!
//! Irregular: each interval is between a quarter and seven quarters of the mean, the same ones in
//! every run. With 0 redraws a second the first picture stays.
//!
//! Covers the whole screen. Says `drawing WIDTHxHEIGHT` once the first picture is on it, and ends
//! when its standard input does, so that it never outlives what started it.
//!
//! The picture, in cells of 32 x 32 pixels from (32, 32) on: two rows of 24 squares, white for 1.
//! They are the 40 low bits of the milliseconds since 1970-01-01 UTC, then 8 bits of their check
//! sum, each with the highest bit first. A picture that mixes two moments fails the check.

use anyhow::{Context, Result};
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt, CreateGCAux, CreateWindowAux, Gcontext, Pixmap, PropMode, Rectangle, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const CELL: u16 = 32;
const ROWS: u16 = 2;
const COLUMNS: u16 = 24;
/// What the window is called, for a source that captures a window by its title.
const TITLE: &[u8] = b"vitrina screen clock";

const BLACK: u32 = 0x0000_0000;
const WHITE: u32 = 0x00ff_ffff;
const BACKGROUND: u32 = 0x0020_4060;
const BAR: u32 = 0x00ff_a000;

/// The squares' bits for a moment, first square first.
fn squares(ms: u64) -> Vec<bool> {
    let time = ms & 0xff_ffff_ffff;
    let sum = time.to_be_bytes().iter().fold(0x5a_u8, |sum, byte| sum.rotate_left(1) ^ byte);
    let all = time << 8 | u64::from(sum);
    (0..COLUMNS * ROWS).rev().map(|bit| all >> bit & 1 == 1).collect()
}

struct Clock {
    x: RustConnection,
    window: Window,
    /// A picture is drawn here and copied in one request, so no capture sees half of it.
    canvas: Pixmap,
    pens: [(u32, Gcontext); 4],
    width: u16,
    height: u16,
}

impl Clock {
    fn open(display: &str) -> Result<Self> {
        let (x, screen) = RustConnection::connect(Some(display))
            .with_context(|| format!("cannot open the display {display}"))?;
        let root = x.setup().roots.get(screen).context("the display has no such screen")?.clone();
        let (width, height) = (root.width_in_pixels, root.height_in_pixels);
        let window = x.generate_id()?;
        let look = CreateWindowAux::new().override_redirect(1).background_pixel(BACKGROUND);
        x.create_window(
            COPY_DEPTH_FROM_PARENT,
            window,
            root.root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &look,
        )?;
        x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, TITLE)?;
        let canvas = x.generate_id()?;
        x.create_pixmap(root.root_depth, canvas, window, width, height)?;
        let mut pens = [(BLACK, 0), (WHITE, 0), (BACKGROUND, 0), (BAR, 0)];
        for (colour, pen) in &mut pens {
            *pen = x.generate_id()?;
            x.create_gc(*pen, canvas, &CreateGCAux::new().foreground(*colour).graphics_exposures(0))?;
        }
        x.map_window(window)?;
        Ok(Self { x, window, canvas, pens, width, height })
    }

    fn pen(&self, colour: u32) -> Gcontext {
        self.pens.iter().find(|(known, _)| *known == colour).map_or(0, |(_, pen)| *pen)
    }

    fn fill(&self, colour: u32, rectangles: &[Rectangle]) -> Result<()> {
        self.x.poly_fill_rectangle(self.canvas, self.pen(colour), rectangles)?;
        Ok(())
    }

    /// Draws the present moment and waits until the server has it on the screen.
    fn draw(&self) -> Result<()> {
        let whole = Rectangle { x: 0, y: 0, width: self.width, height: self.height };
        let panel = Rectangle { x: 16, y: 16, width: COLUMNS * CELL + CELL, height: ROWS * CELL + CELL };
        let ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let ms = u64::try_from(ms)?;
        let white: Vec<Rectangle> = (0_u16..)
            .zip(squares(ms))
            .filter(|(_, bit)| *bit)
            .map(|(at, _)| Rectangle {
                x: (CELL + at % COLUMNS * CELL).cast_signed(),
                y: (CELL + at / COLUMNS * CELL).cast_signed(),
                width: CELL,
                height: CELL,
            })
            .collect();
        let bar_width = self.width / 8;
        let along = u16::try_from(ms / 4 % u64::from(self.width.max(1)))?;
        let bar = Rectangle {
            x: along.cast_signed(),
            y: (self.height / 2).cast_signed(),
            width: bar_width,
            height: self.height / 3,
        };
        self.fill(BACKGROUND, &[whole])?;
        self.fill(BAR, &[bar])?;
        self.fill(BLACK, &[panel])?;
        self.fill(WHITE, &white)?;
        let pen = self.pen(BLACK);
        self.x.copy_area(self.canvas, self.window, pen, 0, 0, 0, 0, self.width, self.height)?;
        self.x.sync()?;
        Ok(())
    }
}

fn main() -> Result<()> {
    const USAGE: &str = "usage: screen_clock DISPLAY [REDRAWS_PER_SECOND [irregular]]";
    let mut args = std::env::args().skip(1);
    let display = args.next().context(USAGE)?;
    let rate: f64 = args.next().map_or(Ok(60.0), |text| text.parse())?;
    let irregular = match args.next().as_deref() {
        None => false,
        Some("irregular") => true,
        Some(_) => anyhow::bail!(USAGE),
    };
    let clock = Clock::open(&display)?;
    clock.draw()?;
    println!("drawing {}x{}", clock.width, clock.height);

    thread::spawn(|| {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    if rate == 0.0 {
        loop {
            thread::park();
        }
    }
    let mut random = 1_u32;
    let mut due = Instant::now();
    loop {
        // Numerical Recipes' generator; its high bits are good enough here.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let share = if irregular { 0.25 + 1.5 * f64::from(random >> 16) / 65_536.0 } else { 1.0 };
        // After a delay the clock goes on from now and draws no pictures of the past.
        due = (due + Duration::from_secs_f64(share / rate)).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
        clock.draw()?;
    }
}
