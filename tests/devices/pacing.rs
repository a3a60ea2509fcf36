//! When a screen is looked at, and how its picture comes through an encoder.

use super::LIMIT;
use super::Running;
use super::xvfb::{Painter, Place, Xvfb, place};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use vitrina::config::{Screen, ScreenArea, SourceKind};
use vitrina::core::protocol::MediaKind;
use vitrina::core::template::{Value, Values};
use vitrina::core::units::{FrameRate, Size};
use vitrina::media::Format;
use vitrina::media::inlet::Inlet;
use vitrina::media::launch::LaunchFiles;

const WHITE: u32 = 0x00ff_ffff;
const RED: u32 = 0x00ff_0000;
const BLUE: u32 = 0x0000_00ff;

fn run(server: &Xvfb, area: ScreenArea, cursor: bool) -> Running {
    let display = Some(server.name.clone());
    let screen = Screen { display, area, cursor, framerate: FrameRate::whole(30) };
    Running::start(SourceKind::Screen(screen)).unwrap()
}

/// A part of a display.
fn area(at: Place) -> ScreenArea {
    let size = super::size(at.width.into(), at.height.into());
    ScreenArea::Region { x: at.x.try_into().unwrap(), y: at.y.try_into().unwrap(), size }
}

/// A frame that has come out of a tap.
struct Frame {
    came: Instant,
    sample: gst::Sample,
}

impl Frame {
    fn time(&self) -> Duration {
        Duration::from_nanos(self.sample.buffer().unwrap().pts().unwrap().nseconds())
    }

    fn pixels(&self) -> Vec<u8> {
        self.sample.buffer().unwrap().map_readable().unwrap().to_vec()
    }
}

/// What is attached to a tap as an encoder is.
struct Tapped {
    ticket: u64,
    frames: mpsc::Receiver<Frame>,
    pipeline: gst::Pipeline,
}

/// Pulls what comes out of an appsink as it comes.
fn pull(output: &AppSink) -> mpsc::Receiver<Frame> {
    let (sender, frames) = mpsc::channel();
    let on_sample = move |sink: &AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let _ = sender.send(Frame { came: Instant::now(), sample });
        Ok(gst::FlowSuccess::Ok)
    };
    output.set_callbacks(AppSinkCallbacks::builder().new_sample(on_sample).build());
    frames
}

fn element<T: IsA<gst::Element>>(pipeline: &gst::Pipeline, name: &str) -> T {
    pipeline.by_name(name).unwrap().downcast().unwrap()
}

impl Tapped {
    /// Frames as they are.
    fn raw(running: &Running) -> Self {
        let launch = "appsrc name=in format=time is-live=true max-buffers=0 max-bytes=0 \
            ! appsink name=out sync=false";
        Self::new(running, gst::parse::launch(launch).unwrap().downcast().unwrap())
    }

    fn new(running: &Running, pipeline: gst::Pipeline) -> Self {
        let frames = pull(&element(&pipeline, "out"));
        pipeline.set_state(gst::State::Playing).unwrap();
        // No frame is one too many.
        let size = Size { width: 8192, height: 8192 };
        let all = Format::Video { size, framerate: FrameRate::whole(1000) };
        let input = Inlet::new(element::<AppSrc>(&pipeline, "in"), all);
        let ticket = running.taps.of(MediaKind::Video).attach(input);
        Self { ticket, frames, pipeline }
    }

    /// Waits until nothing but the keep-alive comes: its last frame.
    fn quiet(&self) -> Frame {
        let begin = Instant::now();
        let mut last = self.frames.recv_timeout(LIMIT).expect("a frame");
        loop {
            assert!(begin.elapsed() < LIMIT, "it becomes quiet");
            let frame = self.frames.recv_timeout(LIMIT).expect("a screen is kept alive");
            let apart = frame.time() - last.time();
            last = frame;
            if apart > Duration::from_millis(900) {
                return last;
            }
        }
    }

    /// The frames until one that was taken so long after `first`, without that.
    fn until(&self, first: &Frame, after: Duration) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.frames.recv_timeout(LIMIT).expect("a screen is kept alive");
            if frame.time() > first.time() + after {
                return frames;
            }
            frames.push(frame);
        }
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

#[test]
fn the_first_change_after_a_quiet_time_comes_at_once() {
    let server = Xvfb::start(1280, 720);
    let painter = server.painter();
    painter.fill(place(0, 0, 1280, 720), WHITE);
    let running = run(&server, ScreenArea::Whole, false);
    let tapped = Tapped::raw(&running);
    let mut delays = Vec::new();
    for colour in [RED, BLUE, WHITE, RED, BLUE] {
        let before = tapped.quiet();
        let begin = Instant::now();
        painter.fill(place(0, 0, 1280, 720), colour);
        let frame = tapped.frames.recv_timeout(LIMIT).unwrap();
        assert_ne!(frame.pixels(), before.pixels());
        delays.push(frame.came - begin);
    }
    delays.sort_unstable();
    println!("from a change to the encoders: {delays:?}");
    // Not by the timer of the keep-alive, nor by one of 30 frames a second where the machine is
    // free; it may be busy.
    assert!(delays[2] < Duration::from_millis(100), "{delays:?}");
    drop(tapped);
    running.stop();
}

#[test]
fn a_screen_that_stands_still_is_kept_alive_and_no_more() {
    let server = Xvfb::start(640, 480);
    let running = run(&server, ScreenArea::Whole, true);
    let tapped = Tapped::raw(&running);
    let first = tapped.quiet();
    let frames = tapped.until(&first, Duration::from_millis(4500));
    // Four, where the machine has the time.
    assert!((3..=4).contains(&frames.len()), "{}", frames.len());
    // What is drawn anew as it was is no change.
    server.painter().fill(place(0, 0, 640, 480), 0);
    let frames = tapped.until(frames.last().unwrap(), Duration::from_millis(3500));
    assert!((1..=3).contains(&frames.len()), "{}", frames.len());
}

#[test]
fn what_is_drawn_beside_a_region_is_no_change_of_it() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    let running = run(&server, area(place(101, 51, 320, 240)), false);
    let tapped = Tapped::raw(&running);
    let first = tapped.quiet();
    for step in 0..10 {
        painter.fill(place(421 + step, 0, 379, 600), RED + u32::try_from(step).unwrap());
    }
    assert!(tapped.until(&first, Duration::from_millis(2500)).len() <= 2);
    // Its very corner is.
    let before = tapped.quiet();
    painter.fill(place(419, 289, 2, 2), BLUE);
    assert_ne!(tapped.frames.recv_timeout(LIMIT).unwrap().pixels(), before.pixels());
}

#[test]
fn a_windows_own_changes_and_those_above_it_are_told() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    let id = painter.window(place(200, 100, 320, 240), "Notes", RED);
    let running = run(&server, ScreenArea::WindowId(id), false);
    let tapped = Tapped::raw(&running);
    let mut before = tapped.quiet();
    for step in 0..3 {
        let begin = Instant::now();
        painter.window(place(220 + step * 20, 120, 10, 10), "", BLUE);
        let frame = tapped.frames.recv_timeout(LIMIT).unwrap();
        assert_ne!(frame.pixels(), before.pixels());
        assert!(frame.came - begin < Duration::from_millis(500), "by the keep-alive");
        before = tapped.quiet();
    }
}

#[test]
fn the_pointer_is_a_change_where_it_is_in_the_picture() {
    let server = Xvfb::start(800, 600);
    let painter = server.painter();
    painter.point(700, 500);
    let running = run(&server, area(place(0, 0, 320, 240)), true);
    let tapped = Tapped::raw(&running);
    let before = tapped.quiet();
    painter.point(750, 550);
    assert!(tapped.until(&before, Duration::from_millis(1500)).len() <= 1);
    let before = tapped.quiet();
    let begin = Instant::now();
    painter.point(100, 100);
    let frame = tapped.frames.recv_timeout(LIMIT).unwrap();
    assert!(frame.came - begin < Duration::from_millis(500), "by the keep-alive");
    assert_ne!(frame.pixels(), before.pixels());
}

#[test]
fn a_keyframe_of_a_quiet_screen_is_made_at_once_and_refined() {
    let server = Xvfb::start(640, 480);
    let running = run(&server, ScreenArea::Whole, false);
    let tapped = Tapped::raw(&running);
    let before = tapped.quiet();
    let begin = Instant::now();
    running.taps.of(MediaKind::Video).refresh(tapped.ticket);
    let again = tapped.frames.recv_timeout(LIMIT).unwrap();
    assert!(again.came - begin < Duration::from_millis(500), "by the keep-alive");
    assert!(again.time() > before.time());
    assert_eq!(again.pixels(), before.pixels());
    let after = tapped.until(&again, Duration::from_millis(1000));
    assert!(after.len() >= 15, "{}", after.len());
}

#[test]
fn without_damage_a_screen_is_polled_and_what_is_like_the_last_is_dropped() {
    let server = Xvfb::without("DAMAGE", 640, 480);
    let painter = server.painter();
    let running = run(&server, ScreenArea::Whole, false);
    let tapped = Tapped::raw(&running);
    let before = tapped.quiet();
    let begin = Instant::now();
    painter.fill(place(0, 0, 640, 480), RED);
    let frame = tapped.frames.recv_timeout(LIMIT).unwrap();
    assert!(frame.came - begin < Duration::from_millis(500), "by the keep-alive");
    assert_ne!(frame.pixels(), before.pixels());
}

#[test]
fn times_grow_whoever_asks_for_frames() {
    let server = Xvfb::start(320, 240);
    let painter = server.painter();
    let running = run(&server, ScreenArea::Whole, false);
    let tapped = Tapped::raw(&running);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        painter.fill(place(0, 0, 320, 240), u32::try_from(begin.elapsed().as_micros()).unwrap());
        running.taps.of(MediaKind::Video).refresh(tapped.ticket);
        drop(Tapped::raw(&running));
    }
    let times: Vec<_> = tapped.frames.try_iter().map(|frame| frame.time()).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

/// What an encoder and a decoder make of a screen.
struct Coded {
    taken: Tapped,
    coded: Tapped,
    /// Decodes.
    decoder: gst::Pipeline,
    decoded: mpsc::Receiver<Frame>,
}

/// A frame after it was coded.
struct Result {
    taken: Duration,
    bytes: usize,
    decibels: f64,
}

impl Coded {
    fn new(running: &Running) -> Self {
        let values = Values::from([
            ("bitrate_kbps", Value::Int(2500)),
            ("keyframe_frames", Value::Int(600)),
            ("framerate", Value::Fraction(FrameRate::whole(30))),
            ("width", Value::Int(1280)),
            ("height", Value::Int(720)),
            ("burst_ms", Value::Int(600)),
            ("burst_level_ms", Value::Int(500)),
            ("burst_kbit", Value::Int(1500)),
        ]);
        let encoder = LaunchFiles::default().load("x264enc.launch").unwrap().parse(&values).unwrap();
        let input: AppSrc = element(&encoder, "in");
        input.set_format(gst::Format::Time);
        input.set_max_buffers(0);
        input.set_max_bytes(0);
        element::<AppSink>(&encoder, "out").set_property("sync", false);
        element::<AppSink>(&encoder, "out").set_buffer_list(true);
        let decoder = gst::parse::launch(
            "appsrc name=in format=time max-bytes=0 ! rtph264depay ! avdec_h264 max-threads=1 \
             ! video/x-raw,format=I420 ! appsink name=out sync=false",
        );
        let decoder: gst::Pipeline = decoder.unwrap().downcast().unwrap();
        let decoded = pull(&element(&decoder, "out"));
        decoder.set_state(gst::State::Playing).unwrap();
        // Each has every frame from the last one before it on.
        let taken = Tapped::raw(running);
        let first = taken.quiet();
        let coded = Tapped::new(running, encoder);
        drop(first);
        Self { taken, coded, decoder, decoded }
    }

    /// The frame that was taken next.
    fn next(&self) -> Result {
        let original = self.taken.frames.recv_timeout(LIMIT).expect("a frame");
        let (bytes, decoded) = self.decode();
        Result { taken: original.time(), bytes, decibels: decibels(&original.pixels(), &decoded) }
    }

    fn decode(&self) -> (usize, Vec<u8>) {
        let input: AppSrc = element(&self.decoder, "in");
        let mut bytes = 0;
        // A frame comes as one list or packet, or as some, and ends with the marker.
        loop {
            let packets = self.coded.frames.recv_timeout(LIMIT).expect("it is encoded").sample;
            input.set_caps(packets.caps_owned().as_ref());
            let list = packets.buffer_list_owned().unwrap_or_else(|| {
                let mut list = gst::BufferList::new();
                list.make_mut().add(packets.buffer_owned().unwrap());
                list
            });
            bytes += list.iter().map(gst::BufferRef::size).sum::<usize>();
            let ended = list.iter().any(|packet| packet.flags().contains(gst::BufferFlags::MARKER));
            input.push_buffer_list(list).unwrap();
            if ended {
                return (bytes, self.decoded.recv_timeout(LIMIT).expect("it is decoded").pixels());
            }
        }
    }
}

impl Drop for Coded {
    fn drop(&mut self) {
        let _ = self.decoder.set_state(gst::State::Null);
    }
}

/// The peak signal-to-noise ratio of the brightness.
fn decibels(a: &[u8], b: &[u8]) -> f64 {
    let luma = 1280 * 720;
    assert_eq!(a.len(), b.len());
    let squares = a.iter().zip(b).take(luma).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
    10.0 * (255.0 * 255.0 * luma as f64 / squares.max(1) as f64).log10()
}

#[test]
fn a_page_of_text_is_sharp_a_second_after_it_has_appeared() {
    let server = Xvfb::start(1280, 720);
    let painter = server.painter();
    painter.fill(place(0, 0, 1280, 720), 0x0020_4060);
    let running = run(&server, ScreenArea::Whole, false);
    let coded = Coded::new(&running);
    coded.decode();
    show_page(&painter, 0);
    for page in 1..4 {
        // What comes of the page before, up to the keep-alive.
        let mut last = coded.next().taken;
        loop {
            let frame = coded.next();
            let apart = frame.taken - std::mem::replace(&mut last, frame.taken);
            if apart > Duration::from_millis(900) {
                break;
            }
        }
        show_page(&painter, page);
        let first = coded.next();
        let (mut sharp, mut bytes) = (first.decibels, first.bytes);
        let mut steps = vec![format!("0 ms {:.1} dB {} B", first.decibels, first.bytes)];
        let standing = loop {
            let frame = coded.next();
            let after = frame.taken - first.taken;
            if after > Duration::from_millis(1000) {
                break frame;
            }
            steps.push(format!("{} ms {:.1} dB {} B", after.as_millis(), frame.decibels, frame.bytes));
            (sharp, bytes) = (frame.decibels, bytes + frame.bytes);
        };
        println!("page {page}: {}; {bytes} bytes; then {} B", steps.join(", "), standing.bytes);
        assert!(sharp > 40.0, "page {page}: {}", steps.join(", "));
        assert!(standing.bytes < 20_000, "a picture that stands still costs {} bytes", standing.bytes);
    }
}

/// Draws a page at once, as a program with a picture of it does.
fn show_page(painter: &Painter, page: u32) {
    painter.text(place(0, 0, 1280, 720), page, 80, 24);
}
