//! GStreamer's elements that are used here, and where Debian has them.

use crate::core::protocol::SourceKindName;
use gstreamer as gst;

const BASE: &str = "gstreamer1.0-plugins-base";
const GOOD: &str = "gstreamer1.0-plugins-good";
const BAD: &str = "gstreamer1.0-plugins-bad";
/// X11 and Pango.
const X: &str = "gstreamer1.0-x";

/// Those of every viewer and every encoder, and of the picture of a paused source.
const ALWAYS: [(&str, &str); 22] = [
    ("appsrc", BASE),
    ("appsink", BASE),
    ("audioconvert", BASE),
    ("audioresample", BASE),
    ("videoconvert", BASE),
    ("videoscale", BASE),
    ("videotestsrc", BASE),
    ("opusenc", BASE),
    ("textoverlay", X),
    ("videocrop", GOOD),
    ("imagefreeze", GOOD),
    ("jpegenc", GOOD),
    ("rtpbin", GOOD),
    ("rtph264pay", GOOD),
    ("rtpvp8pay", GOOD),
    ("rtpopuspay", GOOD),
    ("vp8enc", GOOD),
    ("h264parse", BAD),
    ("dtlssrtpenc", BAD),
    ("sctpenc", BAD),
    ("webrtcbin", BAD),
    ("nicesrc", "gstreamer1.0-nice"),
];

/// What else a kind of source takes.
fn of(kind: SourceKindName) -> &'static [(&'static str, &'static str)] {
    match kind {
        SourceKindName::Screen => &[("ximagesrc", GOOD)],
        SourceKindName::Camera => &[("v4l2src", GOOD), ("jpegdec", GOOD)],
        SourceKindName::Audio => &[("pulsesrc", "gstreamer1.0-pulseaudio"), ("alsasrc", "gstreamer1.0-alsa")],
        SourceKindName::Test => &[("audiotestsrc", BASE), ("clockoverlay", X), ("timeoverlay", X)],
        SourceKindName::Uri => {
            &[("uridecodebin", BASE), ("rtspsrc", GOOD), ("avdec_h264", "gstreamer1.0-libav")]
        }
        SourceKindName::Launch => &[],
    }
}

/// Which elements are missing for these kinds of sources, each with its Debian package. GStreamer is initialised.
#[must_use]
pub fn missing(kinds: &[SourceKindName]) -> Vec<(&'static str, &'static str)> {
    let more = kinds.iter().flat_map(|kind| of(*kind));
    let mut missing: Vec<_> = ALWAYS.iter().chain(more).copied().filter(|(name, _)| !exists(name)).collect();
    missing.sort_by_key(|(name, package)| (*package, *name));
    missing.dedup();
    missing
}

/// Whether there is such an element, whether it works or not.
#[must_use]
pub fn exists(element: &str) -> bool {
    gst::ElementFactory::find(element).is_some()
}

/// GStreamer's version: `GStreamer 1.22.0`.
#[must_use]
pub fn version() -> String {
    gst::version_string().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::H264_ENCODERS;

    const KINDS: [SourceKindName; 5] = [
        SourceKindName::Screen,
        SourceKindName::Camera,
        SourceKindName::Audio,
        SourceKindName::Test,
        SourceKindName::Uri,
    ];

    #[test]
    fn a_machine_that_runs_the_tests_lacks_none() {
        super::super::init().unwrap();
        assert_eq!(missing(&KINDS), []);
        assert!(!exists("nosuchelement"));
    }

    #[test]
    fn every_element_of_the_descriptions_is_known_here() {
        super::super::init().unwrap();
        // Part of GStreamer itself.
        let core = ["queue", "capsfilter", "clocksync", "identity", "fakesink"];
        let known: Vec<&str> =
            KINDS.iter().flat_map(|kind| of(*kind)).chain(&ALWAYS).map(|(name, _)| *name).collect();
        let mut seen = 0;
        for file in std::fs::read_dir("pipelines").unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for word in text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace) {
                if exists(word) && !H264_ENCODERS.contains(&word) && !core.contains(&word) {
                    assert!(known.contains(&word), "{word}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 50, "{seen}");
    }
}
