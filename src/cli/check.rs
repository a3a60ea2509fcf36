//! `vitrina check`: every mistake in the configuration; without one, what it comes to.

use crate::config::{Config, ScreenArea, Source, SourceKind};
use crate::core::protocol::{Codec, MediaKind};
use crate::core::renditions::{Full, Step, default_bitrate, default_steps, ladder};
use crate::core::units::{FrameRate, Size};
use std::fmt::{Display, Write as _};

/// A line about a configuration without mistakes, and one about the ladder of each picture.
#[must_use]
pub fn summary(config: &Config) -> String {
    let mut text = match &config.file {
        Some(file) => format!("{}: no mistakes", file.display()),
        None => "no configuration file, and the defaults have no mistakes".to_owned(),
    };
    for (index, source) in config.sources.iter().enumerate() {
        let before = if index == 0 { "; sources: " } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(text, "{before}{}", source.name);
    }
    if config.finds_sources() {
        text.push_str("; sources: what the machine has");
    } else if config.sources.is_empty() {
        text.push_str("; no sources");
    }
    if let Some(room) = &config.room {
        text.push_str("; rooms: main");
        for name in &room.settings.names {
            // Writing to a string does not fail.
            let _ = write!(text, ", {name}");
        }
    }
    text.push('\n');
    for source in config.sources.iter().filter(|source| source.media().contains(&MediaKind::Video)) {
        for line in ladders(source, config) {
            let _ = writeln!(text, "  {}: {line}", source.name);
        }
    }
    text
}

/// A source's ladder in words: in figures where the config says what is captured. A line for each
/// codec where they are not the same.
fn ladders(source: &Source, config: &Config) -> Vec<String> {
    let steps = source.renditions.as_slice();
    let steps = if steps.is_empty() { default_steps(source.kind_name()) } else { steps };
    let of = |codec: Codec| match captured(source) {
        Some((size, framerate)) => {
            let fixed = source.bitrate.or(config.video.bitrate);
            let bitrate = fixed.unwrap_or_else(|| default_bitrate(size, framerate));
            in_words(&ladder(steps, codec, Full { size, framerate, bitrate }))
        }
        None => in_words(&steps.iter().filter(|step| step.is_in(codec)).collect::<Vec<&Step>>()),
    };
    let (h264, vp8) = (of(Codec::H264), of(Codec::Vp8));
    if h264 == vp8 { vec![h264] } else { vec![format!("H264: {h264}"), format!("VP8: {vp8}")] }
}

fn in_words<T: Display>(steps: &[T]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What a source will probably deliver, where that is known without looking.
fn captured(source: &Source) -> Option<(Size, FrameRate)> {
    match &source.kind {
        SourceKind::Screen(screen) => match screen.area {
            ScreenArea::Region { size, .. } => Some((size, screen.framerate)),
            ScreenArea::Whole
            | ScreenArea::MonitorNumber(_)
            | ScreenArea::MonitorOutput(_)
            | ScreenArea::WindowId(_)
            | ScreenArea::WindowTitle(_) => None,
        },
        SourceKind::Camera(camera) => Some((camera.size, camera.framerate)),
        SourceKind::Test(test) => Some((test.size, test.framerate)),
        SourceKind::Audio(_) | SourceKind::Uri(_) | SourceKind::Launch(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn lines(text: &str) -> Vec<String> {
        let environment = Environment { home: Some("/home/ana".into()), ..Environment::empty() };
        let config = Config::parse(text, None, &environment).unwrap();
        summary(&config).lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn a_room_is_told_and_that_there_are_no_sources_beside_it() {
        let environment = Environment { home: Some("/home/ana".into()), ..Environment::empty() };
        let config = Config::parse("[room]\nnames = [\"garden\"]", None, &environment).unwrap();
        assert!(summary(&config).ends_with("; no sources; rooms: main, garden\n"));
    }

    #[test]
    fn ladders_are_told_in_figures_where_they_are_known() {
        let text = r#"
            [[source]]
            name = "screen"
            kind = "screen"
            [[source]]
            name = "cam"
            kind = "camera"
            bitrate_kbps = 3000
            [[source]]
            name = "room"
            kind = "audio"
        "#;
        assert_eq!(
            lines(text),
            [
                "  screen: full size; full size at up to 8 fps, 0.3 of the bit rate; 0.5 of the size at up to \
                 10 fps, 0.1 of the bit rate",
                "  cam: 1280x720 at 30 fps, 3000 kbit/s; 640x360 at 30 fps, 900 kbit/s; 320x180 at 30 fps, \
                 300 kbit/s",
            ]
        );
    }

    #[test]
    fn a_ladder_that_differs_by_codec_is_told_for_each() {
        let text = r#"
            [[source]]
            name = "test"
            kind = "test"
            [[source.rendition]]
            [[source.rendition]]
            size = "640x640"
            framerate = 10
            bitrate_kbps = 400
            codec = "H264"
        "#;
        assert_eq!(
            lines(text),
            [
                "  test: H264: 1280x720 at 30 fps, 2500 kbit/s; 640x360 at 10 fps, 400 kbit/s",
                "  test: VP8: 1280x720 at 30 fps, 2500 kbit/s",
            ]
        );
    }
}
