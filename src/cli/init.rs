//! `vitrina init`: a commented configuration for this machine.
//!
//! Owns what is written: the reference configuration, with the machine's displays, cameras and
//! sound inputs as its sources. What is written loads, whatever the devices are called.

use crate::config::{Config, Environment, SYSTEM_CONFIG};
use crate::core::camera::{choose_mode, has_colour};
use crate::core::inventory::{
    AudioInput, AudioSystemName, CameraInfo, Display, EncoderInfo, Inventory, plain_text,
};
use crate::core::protocol::Codec;
use crate::core::units::{FrameRate, Size};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something stands there.
    #[error("{} is there already; --force writes over it, --output FILE elsewhere", .0.display())]
    Exists(PathBuf),
    /// It cannot be made or written.
    #[error("cannot write {}", file.display())]
    Write {
        /// Where.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither `HOME` nor `XDG_CONFIG_HOME` is set.
    #[error("no home folder is known; say where to write by --output FILE")]
    NoPlace,
}

/// The reference, of which a configuration for a machine is made.
const REFERENCE: &str = include_str!("../../config/vitrina.toml");

/// The line of the reference before which the machine's sources stand.
const BEFORE_KINDS: &str = "# A screen: an X display, or a part of one.\n";

/// The line of the reference before which the machine's encoders are told.
const BEFORE_ENCODERS: &str = "#encoders = ";

const WANTED_SIZE: Size = Size { width: 1280, height: 720 };
const WANTED_RATE: FrameRate = FrameRate::whole(30);

/// The file that is written when none is named: that which `run` finds. For root that is the
/// system's, which its service reads.
///
/// # Errors
/// [`Error::NoPlace`]
pub fn default_output(environment: &Environment) -> Result<PathBuf, Error> {
    // The folder of a process belongs to its effective user.
    if std::fs::metadata("/proc/self").is_ok_and(|folder| folder.uid() == 0) {
        return Ok(PathBuf::from(SYSTEM_CONFIG));
    }
    environment.user_config().ok_or(Error::NoPlace)
}

/// Whether [`write`] would refuse because something is there.
///
/// # Errors
/// [`Error::Exists`]
pub fn may_write(file: &Path, force: bool) -> Result<(), Error> {
    if !force && file.symlink_metadata().is_ok() { Err(Error::Exists(file.to_owned())) } else { Ok(()) }
}

/// Writes the text, with the folders above it; over what is there only where `force` says so.
///
/// # Errors
/// [`Error::Exists`] and [`Error::Write`]
pub fn write(file: &Path, text: &str, force: bool) -> Result<(), Error> {
    let wrong = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists(file.to_owned()),
        _ => Error::Write { file: file.to_owned(), source },
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|source| Error::Write { file: file.to_owned(), source })?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(force).truncate(force).create_new(!force);
    options.open(file).and_then(|mut file| file.write_all(text.as_bytes())).map_err(wrong)
}

/// A configuration for a machine with these devices.
#[must_use]
pub fn configuration(inventory: &Inventory) -> String {
    let (before, after) = REFERENCE.split_once(BEFORE_KINDS).unwrap_or((REFERENCE, ""));
    let before = before.replacen(BEFORE_ENCODERS, &(encoders(&inventory.encoders) + BEFORE_ENCODERS), 1);
    let sources = sources(inventory);
    format!(
        "{before}# What `vitrina init` found on this machine:\n\n{sources}\
         # ---- Every kind and its keys ----\n\n{BEFORE_KINDS}{after}"
    )
}

fn encoders(encoders: &[EncoderInfo]) -> String {
    let working = encoders.iter().filter(|encoder| encoder.works && encoder.codec == Codec::H264);
    let names: Vec<String> = working.map(|encoder| plain_text(&encoder.element)).collect();
    if names.is_empty() {
        return "# `vitrina init` found none that works here.\n".to_owned();
    }
    format!("# `vitrina init` found that these work here: {}.\n", names.join(", "))
}

/// One `[[source]]`: sentences above it, and its lines.
#[derive(Debug, Default)]
struct Block {
    comments: Vec<String>,
    lines: Vec<String>,
    /// Whether it is there for the taking, and not taken.
    commented_out: bool,
}

impl Block {
    fn new(name: &str, kind: &str) -> Self {
        let lines = vec!["[[source]]".to_owned(), format!("name = \"{name}\""), format!("kind = \"{kind}\"")];
        Self { lines, ..Self::default() }
    }

    fn comment(&mut self, text: &str) {
        self.comments.push(format!("# {}", plain_text(text)));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.lines.push(format!("{key} = {}", toml::Value::from(text)));
    }

    /// A device can call itself what it likes; a block that would not load is commented out.
    fn checked(mut self) -> Self {
        let home = Environment { home: Some(PathBuf::from("/")), ..Environment::empty() };
        if let Err(errors) = Config::parse(&self.lines.join("\n"), None, &home) {
            for mistake in errors.mistakes() {
                self.comment(&format!("Not usable: {}: {}", mistake.key, mistake.message));
            }
            self.commented_out = true;
        }
        self
    }

    fn written(&self) -> String {
        let mark = if self.commented_out { "#" } else { "" };
        let comments = self.comments.iter().map(|line| format!("{line}\n"));
        let lines = self.lines.iter().flat_map(|line| line.lines()).map(|line| format!("{mark}{line}\n"));
        comments.chain(lines).chain(["\n".to_owned()]).collect()
    }
}

fn sources(inventory: &Inventory) -> String {
    // No more than a page can show, and fewer than a configuration may have.
    let screens = inventory.displays.iter().take(4).zip(1..).map(|(display, n)| screen(display, n).checked());
    let cameras = inventory.cameras.iter().take(6).zip(1..).map(|(found, n)| camera(found, n).checked());
    let (screens, cameras): (Vec<_>, Vec<_>) = (screens.collect(), cameras.collect());
    let lack = |blocks: &[Block]| blocks.iter().all(|block| block.commented_out);
    let lacking = [
        lack(&screens).then_some(("No display that can be used", "smpte")),
        lack(&cameras).then_some(("No camera that can be used", "ball")),
    ];
    let tests = lacking.into_iter().flatten().zip(1..).map(|((what, pattern), number)| {
        let mut block = Block::new(&numbered("test", number), "test");
        block.comment(&format!("{what} was found: a test picture in its place."));
        block.text("pattern", pattern);
        block
    });
    let sound = sound(&inventory.audio_inputs).into_iter().map(Block::checked);
    let blocks = screens.into_iter().chain(cameras).chain(tests).chain(sound);
    let blocks: String = blocks.map(|block| block.written()).collect();
    let problems = inventory.problems.iter().map(|problem| format!("# {}\n", plain_text(problem)));
    let problems: String = problems.collect();
    let gap = if problems.is_empty() { "" } else { "\n" };
    format!("{problems}{gap}{blocks}")
}

/// `camera`, `camera-2`, `camera-3`
fn numbered(name: &str, number: usize) -> String {
    if number == 1 { name.to_owned() } else { format!("{name}-{number}") }
}

fn screen(display: &Display, number: usize) -> Block {
    let mut block = Block::new(&numbered("screen", number), "screen");
    block.comment(&format!("The display {}, {}.", display.name, display.size));
    block.text("display", &display.name);
    if display.monitors.len() > 1 {
        for monitor in &display.monitors {
            let primary = if monitor.primary { ", the primary one" } else { "" };
            block.comment(&format!(
                "Its monitor {}: {}, {}{primary}; `monitor = {}` shows it alone.",
                monitor.number, monitor.output, monitor.size, monitor.number
            ));
        }
    }
    block
}

fn camera(found: &CameraInfo, number: usize) -> Block {
    let mut block = Block::new(&numbered("camera", number), "camera");
    block.comment(&format!("{}, {}.", found.name, found.path));
    if !found.name.trim().is_empty() && found.name.chars().count() <= 80 {
        block.text("title", &plain_text(&found.name));
    }
    block.text("device", found.links.first().unwrap_or(&found.path));
    match choose_mode(&found.modes, WANTED_SIZE, WANTED_RATE) {
        Some(mode) => {
            block.text("size", &mode.size.to_string());
            match mode.rate.denominator {
                1 => block.lines.push(format!("framerate = {}", mode.rate.numerator)),
                _ => block.text("framerate", &mode.rate.to_string()),
            }
        }
        None => block.commented_out = true,
    }
    if !found.modes.is_empty() && !has_colour(&found.modes) {
        block.comment("It has no colours, as an infra-red camera has none.");
        block.commented_out = true;
    }
    if let Some(program) = &found.in_use_by {
        block.comment(&format!("It was in use by {program}."));
    }
    if let Some(problem) = &found.problem {
        block.comment(&format!("It cannot be used: {problem}"));
        block.commented_out = true;
    }
    block
}

/// The default microphone, and as a comment what the machine plays.
fn sound(inputs: &[AudioInput]) -> Vec<Block> {
    let of = |monitor: bool| {
        let mut those = inputs.iter().filter(move |input| input.monitor == monitor);
        let first = those.clone().next();
        those.find(|input| input.default).or(first)
    };
    let mut blocks = Vec::new();
    if let Some(input) = of(false) {
        let mut block = sound_input("sound", input);
        block.text("device", &input.device);
        blocks.push(block);
    }
    if let Some(input) = of(true) {
        let mut block = sound_input("playback", input);
        block.lines.push("monitor = true".to_owned());
        block.comment("It is what this machine plays itself.");
        block.commented_out = true;
        blocks.push(block);
    }
    blocks
}

fn sound_input(name: &str, input: &AudioInput) -> Block {
    let mut block = Block::new(name, "audio");
    block.comment(&format!("{}.", input.description));
    let system = match input.system {
        AudioSystemName::Pulse => "pulse",
        AudioSystemName::Alsa => "alsa",
    };
    block.text("system", system);
    block
}

#[cfg(test)]
mod tests {
    use super::super::devices::tests::machine;
    use super::*;
    use crate::config::{Source, SourceKind};
    use proptest::prelude::*;

    fn load(text: &str) -> Vec<Source> {
        let home = Environment { home: Some("/home/ana".into()), ..Environment::empty() };
        Config::parse(text, None, &home).unwrap_or_else(|errors| panic!("{errors}\n{text}")).sources
    }

    fn names(sources: &[Source]) -> Vec<&str> {
        sources.iter().map(|source| source.name.as_str()).collect()
    }

    #[test]
    fn a_configuration_has_what_the_machine_has() {
        let text = configuration(&machine());
        let sources = load(&text);
        assert_eq!(names(&sources), ["screen", "camera", "sound"]);
        let SourceKind::Camera(camera) = &sources[1].kind else { panic!() };
        assert_eq!(camera.device.as_deref(), Some("/dev/v4l/by-id/usb-HD_Webcam-video-index0"));
        assert_eq!((camera.size, camera.framerate.numerator), (Size { width: 1280, height: 720 }, 30000));
        for expected in [
            "# `vitrina init` found that these work here: x264enc.\n#encoders = ",
            "# the display :1 cannot be opened\n",
            "# Its monitor 1: HDMI-1, 1920x1080, the primary one; `monitor = 1` shows it alone.\n",
            "#device = \"/dev/video2\"\n",
            "# It cannot be used: permission denied; add the user to the group video\n",
            "#monitor = true\n",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn a_machine_with_nothing_shows_two_test_pictures() {
        let sources = load(&configuration(&Inventory::default()));
        assert_eq!(names(&sources), ["test", "test-2"]);
    }

    /// What is put into the reference stands where it belongs.
    #[test]
    fn the_reference_has_the_places_that_are_filled_in() {
        assert_eq!(REFERENCE.matches(BEFORE_KINDS).count(), 1);
        assert_eq!(REFERENCE.matches(BEFORE_ENCODERS).count(), 1);
    }

    #[test]
    fn a_file_that_is_there_is_written_over_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b/v.toml");
        write(&file, "first, and longer", false).unwrap();
        assert!(matches!(write(&file, "second", false), Err(Error::Exists(_))));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "first, and longer");
        write(&file, "second", true).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "second");
        let below_file = write(&file.join("c"), "", true);
        assert!(matches!(below_file, Err(Error::Write { .. })), "{below_file:?}");
    }

    proptest! {
        /// Devices name themselves, and programs their windows: nothing of it breaks the file.
        #[test]
        fn whatever_devices_are_called_the_configuration_loads(text in "(?s).{0,100}|[\"'\\\\#\n\r\\]\\[=]{0,20}") {
            let mut inventory = machine();
            inventory.displays[0].name = text.clone();
            inventory.displays[0].monitors[0].output = text.clone();
            inventory.cameras[0].name = text.clone();
            inventory.cameras[0].links = vec![text.clone()];
            inventory.cameras[1].problem = Some(text.clone());
            inventory.audio_inputs[0].device = text.clone();
            inventory.audio_inputs[0].description = text.clone();
            inventory.encoders[1].element = text.clone();
            inventory.problems = vec![text];
            let written = configuration(&inventory);
            prop_assert!(load(&written).len() >= 2);
        }
    }
}
