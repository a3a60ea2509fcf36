//! `[[source.rendition]]`: the ladder of a source, where its owner wants another than the default.
//!
//! Owns what each may say. What comes of it is known when the capture says its size:
//! [`crate::core::renditions`].

use super::keys::{self, one_of};
use super::reader::Section;
use super::values;
use crate::core::protocol::Codec;
use crate::core::renditions::{Bits, Extent, MAX_RUNGS, Pace, Step};

/// The codecs of pictures, by their RTP encoding names as in the protocol.
const CODECS: [(&str, Codec); 2] = [("H264", Codec::H264), ("VP8", Codec::Vp8)];

/// Reads a source's renditions; none where it has none.
pub(super) fn read(source: &Section<'_>) -> Vec<Step> {
    let sections = source.tables("rendition", &keys::RENDITION);
    if let Some(section) = sections.get(MAX_RUNGS) {
        section.wrong_itself(&format!("at most {MAX_RUNGS} renditions"), &sections.len().to_string());
    }
    let read: Vec<Option<Step>> = sections.iter().map(rendition).collect();
    for (index, (section, step)) in sections.iter().zip(&read).enumerate() {
        let mut before = sections.iter().zip(&read).take(index);
        if step.is_some()
            && let Some((first, _)) = before.find(|(_, other)| *other == step)
        {
            section.wrong_itself("another than the ones before", &format!("the same as {}", first.path()));
        }
    }
    let count = read.len();
    let steps: Vec<Step> = read.into_iter().flatten().collect();
    // A viewer is sent one codec, and has to have something in it.
    let without = |codec: &Codec| !steps.iter().any(|step| step.codec.is_none_or(|only| only == *codec));
    let lacking: Vec<&str> =
        CODECS.iter().filter(|(_, codec)| without(codec)).map(|(name, _)| *name).collect();
    if !steps.is_empty() && steps.len() == count && !lacking.is_empty() {
        let expected = format!("a rendition for {} too (one without codec is for each)", one_of(&lacking));
        source.wrong("rendition", &expected, "none");
    }
    steps
}

/// `None` when something in it is wrong: what follows from that is no mistake of its own.
fn rendition(section: &Section<'_>) -> Option<Step> {
    section.refuse_unknown(&keys::RENDITION);
    let size = section.get("size", values::size).map(Extent::Within);
    let scale = section.get("scale", values::scale).map(Extent::Scale);
    let framerate = section.get("framerate", values::frame_rate).map(Pace::Rate);
    let bitrate = section.get("bitrate_kbps", values::video_bitrate).map(Bits::Rate);
    let codec = section.get("codec", values::word(&CODECS));
    if section.has("size") && section.has("scale") {
        section.wrong("scale", "one of size and scale", "both");
        return None;
    }
    let found = [size.is_some(), scale.is_some(), framerate.is_some(), bitrate.is_some(), codec.is_some()];
    let is_wrong = keys::RENDITION.names.iter().zip(found).any(|(key, found)| section.has(key) && !found);
    (!is_wrong).then(|| Step {
        extent: size.or(scale).unwrap_or(Extent::Scale(1.0)),
        pace: framerate.unwrap_or(Pace::Full),
        bits: bitrate.unwrap_or(Bits::Fitting),
        codec,
    })
}
