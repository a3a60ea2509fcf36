//! `[[source]]`: the tables that say what is captured.
//!
//! Owns what each kind of source may and must say. Never asks whether a device is there: that is
//! known when somebody watches.

use super::keys::{self, KINDS, Keys};
use super::reader::{Read, Section, Wrong, quoted, shown};
use super::{
    Audio, AudioSystem, Camera, Launch, MAX_SOURCES, Screen, ScreenArea, Source, SourceKind, TEST_PATTERNS,
    Test, Uri, renditions, values,
};
use crate::core::ids::SourceName;
use crate::core::protocol::{MediaKind, SourceKindName};
use crate::core::units::{FrameRate, Size};
use std::time::Duration;
use toml::de::DeValue;

const DEFAULT_SIZE: Size = Size { width: 1280, height: 720 };
const DEFAULT_RATE: FrameRate = FrameRate::whole(30);

/// Reads every `[[source]]`.
pub(super) fn read(root: &Section<'_>) -> Vec<Source> {
    let sections = root.tables("source", &keys::SOURCE);
    if let Some(section) = sections.get(MAX_SOURCES) {
        let expected = format!("at most {MAX_SOURCES} sources");
        section.wrong_itself(&expected, &sections.len().to_string());
    }
    let mut sources = Vec::with_capacity(sections.len());
    let mut names: Vec<(SourceName, &Section<'_>)> = Vec::with_capacity(sections.len());
    for section in &sections {
        let name = section.require("name", values::SOURCE_NAME, values::source_name);
        if let Some(name) = &name {
            if let Some((_, first)) = names.iter().find(|(other, _)| other == name) {
                let (path, line) = (first.path(), first.line_of("name"));
                let got = format!("{}, which {path} has on line {line}", quoted(name.as_str()));
                section.wrong("name", "a name that no other source has", &got);
            }
            names.push((name.clone(), section));
        }
        sources.extend(source(section, name));
    }
    sources
}

fn source(section: &Section<'_>, name: Option<SourceName>) -> Option<Source> {
    let title = section.get("title", values::text("a title", 80));
    let kind = kind(section);
    let bitrate = match kind {
        Some(SourceKind::Audio(_)) => None,
        _ => section.get("bitrate_kbps", values::video_bitrate),
    };
    let renditions = match kind {
        Some(SourceKind::Audio(_)) => Vec::new(),
        _ => renditions::read(section),
    };
    let name = name?;
    Some(Source {
        title: title.unwrap_or_else(|| capitalized(name.as_str())),
        name,
        bitrate,
        renditions,
        kind: kind?,
    })
}

/// `kind` and the keys that belong to it.
fn kind(section: &Section<'_>) -> Option<SourceKind> {
    let kinds: Vec<(&str, SourceKindName)> = KINDS.iter().map(|(kind, word, _)| (*word, *kind)).collect();
    let expected = values::words(&kinds);
    let Some(kind) = section.require("kind", &expected, values::word(&kinds)) else {
        section.refuse_unknown(&keys::SOURCE);
        return None;
    };
    refuse_keys_of_others(section, keys::of_kind(kind));
    Some(match kind {
        SourceKindName::Screen => SourceKind::Screen(screen(section)),
        SourceKindName::Camera => SourceKind::Camera(camera(section)),
        SourceKindName::Audio => SourceKind::Audio(audio(section)),
        SourceKindName::Test => SourceKind::Test(test(section)),
        SourceKindName::Uri => SourceKind::Uri(uri(section)?),
        SourceKindName::Launch => SourceKind::Launch(launch(section)?),
    })
}

/// Refuses keys that this kind has not, and says which kinds have them.
fn refuse_keys_of_others(section: &Section<'_>, keys: &Keys) {
    section.refuse_unknown_but(keys, |key| {
        let others = keys::kinds_with(key).map(|kinds| format!("{key} belongs to {kinds}"));
        let near = || keys::nearest(key, keys.names).map(|name| format!("did you mean {name}?"));
        let elsewhere = || Some(format!("did you mean {}?", keys::elsewhere(key)?));
        others.or_else(near).or_else(elsewhere)
    });
}

fn rate(section: &Section<'_>) -> FrameRate {
    section.get("framerate", values::frame_rate).unwrap_or(DEFAULT_RATE)
}

fn size(section: &Section<'_>) -> Size {
    section.get("size", values::size).unwrap_or(DEFAULT_SIZE)
}

fn screen(section: &Section<'_>) -> Screen {
    let monitor = section.get("monitor", monitor);
    let window = section.get("window", window);
    let region = region(section);
    let areas = ["monitor", "window", "region"];
    if let [first, rest @ ..] =
        areas.into_iter().filter(|key| section.has(key)).collect::<Vec<_>>().as_slice()
    {
        for second in rest {
            let got = format!("{second} beside {first} (line {})", section.line_of(first));
            section.wrong(second, "only one of monitor, window and region", &got);
        }
    }
    Screen {
        display: section.get("display", values::display),
        area: monitor.or(window).or(region).unwrap_or(ScreenArea::Whole),
        cursor: section.get("cursor", values::boolean).unwrap_or(true),
        framerate: rate(section),
    }
}

fn monitor(value: &DeValue<'_>) -> Read<ScreenArea> {
    let read = match value {
        DeValue::Integer(_) => values::integer("", 1..=64)(value).map(ScreenArea::MonitorNumber),
        _ => values::text("", 64)(value).map(ScreenArea::MonitorOutput),
    };
    read.map_err(|_| {
        Wrong::expected("a monitor's number from 1 to 64, or the name of its output, \"HDMI-1\"")
    })
}

fn window(value: &DeValue<'_>) -> Read<ScreenArea> {
    let read = match value {
        DeValue::Integer(_) => values::integer("", 1..=u32::MAX)(value).map(ScreenArea::WindowId),
        _ => values::text("", 200)(value).map(ScreenArea::WindowTitle),
    };
    read.map_err(|_| Wrong::expected("a window's X id, 0x3a00007, or a text that its title holds"))
}

fn region(section: &Section<'_>) -> Option<ScreenArea> {
    if !section.has("region") {
        return None;
    }
    let region = section.table("region", &keys::REGION);
    let side = |key| region.require(key, &values::side_expected(), values::side);
    // Not `?` at once: a mistake in one must not hide one in another.
    let (width, height) = (side("width"), side("height"));
    let offset = |key| region.get(key, values::integer("pixels", 0..=65_535)).unwrap_or(0);
    let (x, y) = (offset("x"), offset("y"));
    Some(ScreenArea::Region { x, y, size: Size { width: width?, height: height? } })
}

fn camera(section: &Section<'_>) -> Camera {
    Camera {
        device: section.get("device", values::text("a path, \"/dev/video0\", or a camera's name", 200)),
        size: size(section),
        framerate: rate(section),
    }
}

fn audio(section: &Section<'_>) -> Audio {
    let systems = [("pulse", AudioSystem::Pulse), ("alsa", AudioSystem::Alsa)];
    let system = section.get("system", values::word(&systems)).unwrap_or(AudioSystem::Pulse);
    let monitor = section.get("monitor", values::boolean).unwrap_or(false);
    if monitor && system == AudioSystem::Alsa {
        let expected = "false, as ALSA does not give out what it plays (system = \"pulse\" does)";
        section.wrong("monitor", expected, "true");
    }
    let device = section.get("device", values::text("the name of a sound device", 200));
    Audio { system, device, monitor }
}

fn test(section: &Section<'_>) -> Test {
    let patterns: Vec<(&str, &str)> = TEST_PATTERNS.iter().map(|pattern| (*pattern, *pattern)).collect();
    let pattern = section.get("pattern", values::word(&patterns)).unwrap_or("smpte");
    let tone = section.get("tone", values::boolean).unwrap_or(true);
    let tone_hz = section.get("tone_hz", values::integer("Hz", 20..=20_000));
    if !tone && section.has("tone_hz") {
        section.wrong("tone_hz", "none where tone = false", "one");
    }
    Test {
        pattern: pattern.to_owned(),
        size: size(section),
        framerate: rate(section),
        tone_hz: tone.then(|| tone_hz.unwrap_or(440)),
    }
}

fn uri(section: &Section<'_>) -> Option<Uri> {
    let uri = section.require_shown("uri", values::URI, values::uri, |value| match value.as_str() {
        Some(text) if text.contains('@') => "a text that may hold a password, and is not shown".to_owned(),
        _ => shown(value),
    });
    let media = media(section);
    let latency = section.get("latency_ms", values::milliseconds(0..=10_000));
    Some(Uri { uri: uri?, media, latency: latency.unwrap_or(Duration::from_millis(100)) })
}

fn launch(section: &Section<'_>) -> Option<Launch> {
    let file = section.require("file", values::LAUNCH_FILE, values::launch_file);
    let media = media(section);
    Some(Launch { file: file?, media })
}

/// `media`, picture first whatever the order in the file.
fn media(section: &Section<'_>) -> Vec<MediaKind> {
    let Some(mut media) = section.list("media", "\"video\" and \"audio\"", values::media) else {
        return vec![MediaKind::Video];
    };
    let count = media.len();
    media.sort_unstable();
    media.dedup();
    if media.is_empty() || media.len() < count {
        let got = if count == 0 { "nothing" } else { "one of them twice" };
        section.wrong("media", "[\"video\"], [\"audio\"] or both", got);
    }
    media
}

/// The name with a capital letter, for people.
fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
