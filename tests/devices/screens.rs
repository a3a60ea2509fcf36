//! Displays, monitors, windows and regions of a real X server, found and captured.

use super::xvfb::{Place, Xvfb, place};
use super::{LIMIT, Running, size};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use vitrina::config::{Screen, ScreenArea, SourceKind};
use vitrina::core::inventory::Display;
use vitrina::core::protocol::FailureCause;
use vitrina::core::units::FrameRate;
use vitrina::media::Format;
use vitrina::media::launch::LaunchFiles;
use vitrina::media::platform::{self, PlatformError, Region, ScreenTarget};

const RED: u32 = 0x00ff_0000;
const GREEN: u32 = 0x0000_ff00;
const BLUE: u32 = 0x0000_00ff;

fn screen(server: &Xvfb, area: ScreenArea) -> Screen {
    Screen { display: Some(server.name.clone()), area, cursor: false, framerate: FrameRate::whole(30) }
}

fn resolve(server: &Xvfb, area: ScreenArea) -> Result<ScreenTarget, PlatformError> {
    platform::resolve_screen(&screen(server, area), None)
}

fn run(server: &Xvfb, area: ScreenArea) -> Running {
    Running::start(SourceKind::Screen(screen(server, area))).unwrap()
}

fn region(at: Place) -> ScreenArea {
    ScreenArea::Region {
        x: at.x.try_into().unwrap(),
        y: at.y.try_into().unwrap(),
        size: size(at.width.into(), at.height.into()),
    }
}

fn describe(server: &Xvfb) -> Display {
    let (displays, _) = platform::displays(Some(&server.name));
    displays.into_iter().find(|display| display.name == server.name).expect("it is among them")
}

/// One picture of a screen as its launch file gives it: size and the brightness of each pixel.
fn picture(server: &Xvfb, area: ScreenArea) -> (usize, usize, Vec<u8>) {
    vitrina::media::init().unwrap();
    let screen = screen(server, area);
    let target = platform::resolve_screen(&screen, None).unwrap();
    let description = LaunchFiles::default().load("screen.launch").unwrap();
    let pipeline = description.parse(&target.values(&screen)).unwrap();
    let sink: AppSink = description.element(&pipeline, "video", "appsink").unwrap();
    sink.set_property("sync", false);
    pipeline.set_state(gst::State::Playing).unwrap();
    let limit = gst::ClockTime::from_seconds(LIMIT.as_secs());
    let sample = sink.try_pull_sample(limit).expect("a picture");
    pipeline.set_state(gst::State::Null).unwrap();
    let caps = sample.caps().unwrap().structure(0).unwrap();
    assert_eq!(caps.get::<&str>("format"), Ok("I420"));
    let (width, height) = (caps.get::<i32>("width").unwrap(), caps.get::<i32>("height").unwrap());
    let (width, height) = (usize::try_from(width).unwrap(), usize::try_from(height).unwrap());
    let data = sample.buffer().unwrap().map_readable().unwrap();
    let stride = width.next_multiple_of(4);
    let pixels = data.chunks(stride).take(height).flat_map(|row| row[..width].to_vec()).collect();
    (width, height, pixels)
}

/// The brightness of a colour in video (ITU-R BT.601 or BT.709, 16 to 235), to within the two.
fn is_colour(luma: u8, colour: u32) -> bool {
    let range = match colour {
        RED => 60..=84,
        GREEN => 140..=175,
        BLUE => 28..=44,
        _ => unreachable!(),
    };
    range.contains(&luma)
}

#[track_caller]
fn assert_all(pixels: &[u8], colour: u32) {
    let other = pixels.iter().position(|luma| !is_colour(*luma, colour));
    assert_eq!(other.map(|at| (at, pixels[at])), None, "every pixel is {colour:#08x}");
}

#[test]
fn a_display_of_odd_size_is_captured_without_its_last_column_and_row() {
    let server = Xvfb::start(1281, 721);
    let target = resolve(&server, ScreenArea::Whole).unwrap();
    let display = server.name.clone();
    assert_eq!(target, ScreenTarget { display, xid: None, region: None, size: size(1280, 720) });
    let running = run(&server, ScreenArea::Whole);
    assert_eq!(running.size(), size(1280, 720));
    running.frames(3);
}

#[test]
fn a_region_is_captured_to_the_pixel() {
    let server = Xvfb::start(801, 601);
    // One pixel to the left or to the right, and green would be in it; the odd column is lost.
    server.painter().fill(place(0, 0, 801, 601), GREEN);
    server.painter().fill(place(101, 51, 321, 241), RED);
    let (width, height, pixels) = picture(&server, region(place(101, 51, 321, 241)));
    assert_eq!((width, height), (320, 240));
    assert_all(&pixels, RED);
    let (width, height, pixels) = picture(&server, region(place(100, 50, 322, 242)));
    assert_eq!((width, height), (322, 242));
    assert_all(&pixels[..width], GREEN);
    assert!(is_colour(pixels[width], GREEN) && is_colour(pixels[width + 1], RED));
    // Up to the very corner of the display.
    let (_, _, pixels) = picture(&server, region(place(701, 501, 100, 100)));
    assert_all(&pixels, GREEN);
}

#[test]
fn a_region_beyond_the_display_is_refused() {
    let server = Xvfb::start(640, 480);
    for at in [place(600, 0, 100, 100), place(0, 400, 100, 100), place(640, 480, 16, 16)] {
        let error = resolve(&server, region(at)).unwrap_err();
        assert!(matches!(error, PlatformError::RegionOutside { .. }), "{error}");
        assert!(error.to_string().ends_with("which is 640x480"), "{error}");
    }
    let far = ScreenArea::Region { x: u32::MAX, y: 0, size: size(100, 100) };
    assert!(matches!(resolve(&server, far), Err(PlatformError::RegionOutside { .. })));
    let error = resolve(&server, region(place(0, 0, 8, 100))).unwrap_err();
    assert!(matches!(error, PlatformError::TooSmall { .. }), "{error}");
}

#[test]
fn monitors_are_found_by_number_and_by_output() {
    let server = Xvfb::start(1000, 400);
    let painter = server.painter();
    painter.monitor("LEFT-1", place(0, 0, 333, 301), false);
    painter.monitor("MIDDLE-1", place(333, 0, 333, 400), true);
    painter.fill(place(0, 0, 1000, 400), GREEN);
    painter.fill(place(333, 0, 333, 400), RED);
    let seen = describe(&server);
    assert_eq!(seen.size, size(1000, 400));
    let monitors: Vec<_> =
        seen.monitors.iter().map(|m| (m.number, m.output.as_str(), m.x, m.primary)).collect();
    assert_eq!(monitors, [(1, "MIDDLE-1", 333, true), (2, "LEFT-1", 0, false)]);

    let middle = Some(Region { x: 333, y: 0, size: size(332, 400) });
    assert_eq!(resolve(&server, ScreenArea::MonitorNumber(1)).unwrap().region, middle);
    assert_eq!(resolve(&server, ScreenArea::MonitorOutput("middle-1".into())).unwrap().region, middle);
    let (width, height, pixels) = picture(&server, ScreenArea::MonitorOutput("MIDDLE-1".into()));
    assert_eq!((width, height), (332, 400));
    assert_all(&pixels, RED);
    let (width, height, pixels) = picture(&server, ScreenArea::MonitorNumber(2));
    assert_eq!((width, height), (332, 300));
    assert_all(&pixels, GREEN);

    let error = resolve(&server, ScreenArea::MonitorNumber(3)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "display {} has no monitor 3; it has 1 (MIDDLE-1, 333x400) and 2 (LEFT-1, 333x301)",
            server.name
        )
    );
    let error = resolve(&server, ScreenArea::MonitorOutput("HDMI-9".into())).unwrap_err();
    assert_eq!(error.cause(), FailureCause::NotFound);
}

#[test]
fn a_monitor_that_moves_or_goes_ends_its_capture() {
    let server = Xvfb::start(1000, 400);
    let painter = server.painter();
    painter.monitor("LEFT-1", place(0, 0, 400, 400), false);
    painter.monitor("RIGHT-1", place(500, 0, 400, 400), false);
    let running = run(&server, ScreenArea::MonitorOutput("RIGHT-1".into()));
    assert_eq!(running.size(), size(400, 400));
    painter.unplug("RIGHT-1");
    painter.monitor("RIGHT-1", place(400, 0, 400, 400), false);
    let fault = running.fault_after(|_| ());
    // Between the two there was none.
    assert!(matches!(fault.cause, FailureCause::Lost | FailureCause::NotFound), "{fault:?}");
    assert_eq!(resolve(&server, ScreenArea::MonitorOutput("RIGHT-1".into())).unwrap().region.unwrap().x, 400);
}

#[test]
fn a_display_that_becomes_smaller_than_a_region_never_shows_the_rest_of_itself() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    let running = run(&server, region(place(400, 300, 320, 240)));
    assert_eq!(running.size(), size(320, 240));
    painter.resize(640, 480);
    let fault = running.fault_after(|format| panic!("{format:?}"));
    assert_ne!(fault.detail, "");
}

#[test]
fn a_display_that_changes_its_size_is_followed() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    let running = run(&server, ScreenArea::Whole);
    assert_eq!(running.size(), size(800, 600));
    painter.resize(641, 479);
    assert_eq!(running.size(), size(640, 478));
    running.frames(3);
}

#[test]
fn windows_are_found_by_id_and_by_title() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    painter.menu(place(0, 0, 50, 50));
    let first = painter.window(place(20, 20, 201, 151), "Presentación – 画面\u{1b}[2J", RED);
    let second = painter.window(place(300, 200, 160, 120), "Notes", GREEN);
    let windows = describe(&server).windows;
    let seen: Vec<_> = windows.iter().map(|window| (window.id, window.title.as_str())).collect();
    assert_eq!(seen, [(first, "Presentación – 画面 [2J"), (second, "Notes")]);

    for area in [ScreenArea::WindowTitle("画面".into()), ScreenArea::WindowId(first)] {
        let target = resolve(&server, area.clone()).unwrap();
        assert_eq!((target.xid, target.region, target.size), (Some(first), None, size(200, 150)));
        assert_all(&picture(&server, area).2, RED);
    }
    painter.retitle_latin1(second, b"A\xf1o nuevo");
    let target = resolve(&server, ScreenArea::WindowTitle("Año".into())).unwrap();
    assert_eq!(target.xid, Some(second));

    let error = resolve(&server, ScreenArea::WindowTitle("Firefox".into())).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "display {} has no window titled \"Firefox\"; it has \"Presentación – 画面 [2J\" and \"Año nuevo\"",
            server.name
        )
    );
    let error = resolve(&server, ScreenArea::WindowId(0x123_4567)).unwrap_err();
    assert!(error.to_string().contains("no window 0x1234567; it has "), "{error}");
    painter.hide(second);
    let error = resolve(&server, ScreenArea::WindowId(second)).unwrap_err();
    assert!(matches!(error, PlatformError::WindowHidden { .. }), "{error}");
}

#[test]
fn a_window_managers_list_is_the_list_of_windows() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    let first = painter.window(place(0, 0, 100, 100), "first", RED);
    let panel = painter.window(place(0, 500, 800, 100), "panel", RED);
    let second = painter.window(place(200, 0, 100, 100), "second", RED);
    // One that has closed without the manager's knowledge is passed over.
    painter.manage(&[second, 0x7f_ffff, first]);
    let listed: Vec<u32> = describe(&server).windows.iter().map(|window| window.id).collect();
    assert_eq!(listed, [second, first]);
    assert!(resolve(&server, ScreenArea::WindowId(panel)).is_ok());
}

#[test]
fn a_window_that_changes_its_size_is_followed_and_its_end_is_told() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    let id = painter.window(place(10, 10, 300, 200), "Talk", RED);
    let running = run(&server, ScreenArea::WindowTitle("Talk".into()));
    assert_eq!(running.size(), size(300, 200));
    painter.retitle(id, "Something else");
    painter.place(id, place(50, 60, 201, 151));
    assert_eq!(running.size(), size(200, 150));
    running.frames(3);
    painter.close(id);
    let fault = running.fault_after(|_| ());
    assert_eq!(fault.cause, FailureCause::NotFound, "{fault:?}");
    assert!(fault.detail.contains(&format!("no window {id:#x}")), "{fault:?}");
    running.stop();
}

#[test]
fn a_window_that_sticks_out_of_the_display_is_captured_as_far_as_it_is_there() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    let id = painter.window(place(-50, 500, 200, 200), "Half", BLUE);
    let target = resolve(&server, ScreenArea::WindowId(id)).unwrap();
    assert_eq!(target.region, Some(Region { x: 50, y: 0, size: size(150, 100) }));
    assert_all(&picture(&server, ScreenArea::WindowId(id)).2, BLUE);

    let running = run(&server, ScreenArea::WindowId(id));
    assert_eq!(running.size(), size(150, 100));
    painter.place(id, place(-150, 500, 200, 200));
    let fault = running.fault_after(|_| ());
    assert_eq!(fault.cause, FailureCause::Lost, "{fault:?}");
    // A window that leaves the display while it is captured whole.
    painter.place(id, place(100, 100, 200, 200));
    let running = run(&server, ScreenArea::WindowId(id));
    assert_eq!(running.size(), size(200, 200));
    painter.place(id, place(700, 100, 200, 200));
    let fault = running.fault_after(|_| ());
    assert_eq!(fault.cause, FailureCause::Lost, "{fault:?}");
}

#[test]
fn the_end_of_the_x_server_is_told_and_survived() {
    let mut server = Xvfb::start(640, 480);
    let running = run(&server, ScreenArea::Whole);
    assert_eq!(running.size(), size(640, 480));
    running.frames(3);
    server.kill();
    let fault = running.fault_after(|format| assert!(matches!(format, Format::Video { .. })));
    assert_eq!(fault.cause, FailureCause::Lost, "{fault:?}");
    running.stop();
    assert!(platform::lost_displays() > 0);
    // Another display still works.
    let other = Xvfb::start(320, 240);
    assert_eq!(run(&other, ScreenArea::Whole).size(), size(320, 240));
}

#[test]
fn a_display_without_a_server_is_unreachable() {
    // Servers take the lowest number that is free: they never come to these.
    for name in [":59535", ":59536", ":4000000000", ":99999999999", ":", "nonsense", "unix:x"] {
        let screen = Screen {
            display: Some(name.into()),
            area: ScreenArea::Whole,
            cursor: true,
            framerate: FrameRate::whole(30),
        };
        let error = platform::resolve_screen(&screen, None).unwrap_err();
        assert!(matches!(error, PlatformError::DisplayUnreachable { .. }), "{name}: {error}");
        assert_eq!(error.cause(), FailureCause::NotFound);
    }
}

#[test]
fn a_display_that_refuses_the_connection_asks_for_its_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cookie");
    // One entry: any host, any display, MIT-MAGIC-COOKIE-1, 16 bytes.
    let mut cookie = vec![0xff, 0xff, 0, 0, 0, 0, 0, 18];
    cookie.extend(b"MIT-MAGIC-COOKIE-1");
    cookie.extend([0, 16]);
    cookie.extend([7; 16]);
    std::fs::write(&file, cookie).unwrap();
    let server = Xvfb::with_cookie(&file);
    let error = resolve(&server, ScreenArea::Whole).unwrap_err();
    assert!(matches!(error, PlatformError::DisplayRefused { .. }), "{error}");
    assert_eq!(error.cause(), FailureCause::Permission);
    assert!(error.to_string().contains("XAUTHORITY"), "{error}");
    let (_, problems) = platform::displays(Some(&server.name));
    assert!(problems.contains(&error), "{problems:?}");
}
