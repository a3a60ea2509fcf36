//! Sound inputs of a real PulseAudio server, found and captured.

use super::pulse::{LINE, MICROPHONE, Pulse, SPEAKERS};
use super::{LIMIT, Running, size};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};
use std::process::Command;
use std::sync::mpsc;
use std::time::Instant;
use vitrina::config::{Audio, AudioSystem, SourceKind, Test};
use vitrina::core::inventory::{AudioInput, AudioSystemName};
use vitrina::core::protocol::MediaKind;
use vitrina::core::units::FrameRate;
use vitrina::media::Format;
use vitrina::media::inlet::Inlet;
use vitrina::media::launch::LaunchFiles;
use vitrina::media::platform;

/// Runs `body` with a sound server to itself. Libraries find the server by the environment, which a
/// process must not change once it has threads: so the test runs itself again, in another process.
fn with_server(test: &str, modules: &[&str], body: impl FnOnce()) {
    const MARK: &str = "VITRINA_TEST_HAS_SOUND";
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let (pulse, address);
    if modules.is_empty() {
        address = "unix:/nonexistent".to_owned();
    } else {
        pulse = Pulse::start(modules);
        address = pulse.address();
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("sound::{test}"), "--nocapture"])
        .env(MARK, "1")
        .env("PULSE_SERVER", address)
        .status()
        .unwrap();
    assert!(status.success(), "the same test, with a sound server");
}

fn inputs() -> Vec<AudioInput> {
    vitrina::media::init().unwrap();
    platform::audio_inputs().unwrap()
}

/// How loud a capture is (the mean of the absolute samples) once it is not silent, how many samples
/// come at a time, and how late they are.
fn listen(audio: &Audio) -> (f64, usize, gst::ClockTime) {
    vitrina::media::init().unwrap();
    let target = platform::resolve_audio(audio).unwrap();
    let description = LaunchFiles::default().load(target.launch_file).unwrap();
    let pipeline = description.parse(&target.values()).unwrap();
    let sink: AppSink = description.element(&pipeline, "audio", "appsink").unwrap();
    sink.set_property("sync", false);
    pipeline.set_state(gst::State::Playing).unwrap();
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < LIMIT, "there is something to hear");
        let sample = sink.try_pull_sample(gst::ClockTime::from_seconds(LIMIT.as_secs())).expect("sound");
        let now = pipeline.current_running_time().unwrap();
        let buffer = sample.buffer().unwrap();
        let data = buffer.map_readable().unwrap();
        let levels = data
            .chunks_exact(2)
            .map(|bytes| f64::from(i16::from_le_bytes([bytes[0], bytes[1]]).unsigned_abs()));
        let (count, sum) = levels.fold((0_usize, 0.0), |(count, sum), level| (count + 1, sum + level));
        let loud = sum / f64::from(u32::try_from(count).unwrap());
        // The first second is the server's: it fills its buffers.
        if loud > 100.0 && begin.elapsed().as_secs() >= 2 {
            let late = now.saturating_sub(buffer.pts().unwrap() + buffer.duration().unwrap());
            pipeline.set_state(gst::State::Null).unwrap();
            return (loud, count / 2, late);
        }
    }
}

/// Plays a tone on an output until it is dropped.
struct Tone(gst::Element);

impl Tone {
    fn on(output: &str) -> Self {
        vitrina::media::init().unwrap();
        let launch = format!("audiotestsrc is-live=true volume=0.5 ! pulsesink device={output}");
        let pipeline = gst::parse::launch(&launch).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        Self(pipeline)
    }
}

impl Drop for Tone {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

fn pulse(device: Option<&str>, monitor: bool) -> Audio {
    Audio { system: AudioSystem::Pulse, device: device.map(String::from), monitor }
}

#[test]
fn microphones_come_first_and_monitors_are_known_as_such() {
    with_server(
        "microphones_come_first_and_monitors_are_known_as_such",
        &[SPEAKERS, LINE, MICROPHONE],
        || {
            let inputs = inputs();
            let seen: Vec<_> =
                inputs.iter().map(|input| (input.device.as_str(), input.monitor, input.default)).collect();
            assert_eq!(
                seen,
                [("mic", false, true), ("speakers.monitor", true, false), ("line.monitor", true, false)]
            );
            assert!(inputs.iter().all(|input| input.system == AudioSystemName::Pulse));
            assert_eq!(inputs[1].description, "Monitor of Speakers");
        },
    );
}

#[test]
fn the_default_microphone_is_heard_at_once() {
    with_server("the_default_microphone_is_heard_at_once", &[SPEAKERS, LINE, MICROPHONE], || {
        let _tone = Tone::on("line");
        let (_, count, late) = listen(&pulse(None, false));
        assert_eq!(count, 480, "10 ms at a time");
        assert!(late < gst::ClockTime::from_mseconds(200), "{late}");
    });
}

#[test]
fn what_the_machine_plays_is_heard() {
    with_server("what_the_machine_plays_is_heard", &[SPEAKERS, LINE, MICROPHONE], || {
        let _tone = Tone::on("speakers");
        listen(&pulse(None, true));
        listen(&pulse(Some("speakers"), true));
    });
}

/// Hands the time stamps of a running capture's frames on, as they come.
fn stamps(running: &Running, media: MediaKind) -> (gst::Element, mpsc::Receiver<gst::ClockTime>) {
    let launch = "appsrc name=in format=time is-live=true ! appsink name=out sync=false";
    let pipeline = gst::parse::launch(launch).unwrap();
    let inside = |name| pipeline.downcast_ref::<gst::Pipeline>().unwrap().by_name(name).unwrap();
    let (sender, receiver) = mpsc::channel();
    let output = inside("out").downcast::<AppSink>().unwrap();
    let on_sample = move |sink: &AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let _ = sender.send(sample.buffer().unwrap().pts().unwrap());
        Ok(gst::FlowSuccess::Ok)
    };
    output.set_callbacks(gstreamer_app::AppSinkCallbacks::builder().new_sample(on_sample).build());
    pipeline.set_state(gst::State::Playing).unwrap();
    running.taps.of(media).attach(Inlet::new(inside("in").downcast::<AppSrc>().unwrap(), Format::Audio));
    (pipeline, receiver)
}

#[test]
fn sound_and_pictures_are_stamped_on_one_scale() {
    with_server("sound_and_pictures_are_stamped_on_one_scale", &[SPEAKERS, LINE, MICROPHONE], || {
        let _tone = Tone::on("line");
        let sound = Running::start(SourceKind::Audio(pulse(None, false))).unwrap();
        let picture = Running::start(SourceKind::Test(Test {
            pattern: "ball".into(),
            size: size(320, 240),
            framerate: FrameRate::whole(30),
            tone_hz: None,
        }))
        .unwrap();
        assert_eq!(sound.format(), Format::Audio);
        assert_eq!(picture.size(), size(320, 240));
        let (heard, sounds) = stamps(&sound, MediaKind::Audio);
        let (seen, pictures) = stamps(&picture, MediaKind::Video);
        // The newest sound when a picture comes was made when the picture was.
        let mut apart: Vec<gst::ClockTime> = (0..60)
            .map(|_| {
                let sound = sounds.recv_timeout(LIMIT).unwrap();
                let sound = sounds.try_iter().last().unwrap_or(sound);
                let picture = pictures.recv_timeout(LIMIT).unwrap();
                if sound > picture { sound - picture } else { picture - sound }
            })
            .collect();
        apart.sort_unstable();
        assert!(apart[30] < gst::ClockTime::from_mseconds(100), "{apart:?}");
        for pipeline in [heard, seen] {
            pipeline.set_state(gst::State::Null).unwrap();
        }
    });
}

#[test]
fn without_a_sound_server_there_is_no_panic_and_no_wait() {
    with_server("without_a_sound_server_there_is_no_panic_and_no_wait", &[], || {
        let begin = Instant::now();
        let inputs = inputs();
        assert!(inputs.iter().all(|input| input.system == AudioSystemName::Alsa), "{inputs:?}");
        assert!(begin.elapsed() < 2 * platform::DEADLINE);
    });
}
