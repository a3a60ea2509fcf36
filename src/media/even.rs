//! Pictures of even size: 4:2:0 codecs know no others, while windows and files do.
//!
//! Owns the crop of the `videocrop` elements named `even` in the launch files. Never scales.

use gstreamer as gst;
use gstreamer::prelude::*;

/// The element's name in the launch files.
pub const NAME: &str = "even";

/// Lets the element `even` of a capture, if it has one, cut off the last column and row of
/// pictures whose width or height is odd, whenever their size changes. To be called once, before
/// the capture starts. The crop is set on the streaming thread, ahead of the caps it is for.
pub fn keep_even(capture: &gst::Bin) {
    let Some(crop) = capture.by_name(NAME).filter(|crop| crop.has_property("right")) else { return };
    let Some(pad) = crop.static_pad("sink") else { return };
    let crop = crop.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let (Some(gst::EventView::Caps(event)), Some(crop)) =
            (info.event().map(|event| event.view()), crop.upgrade())
        {
            let odd = |field| {
                let length = event.caps().structure(0).and_then(|structure| structure.get::<i32>(field).ok());
                length.unwrap_or(0) & 1
            };
            crop.set_property("right", odd("width"));
            crop.set_property("bottom", odd("height"));
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstreamer_app::{AppSink, AppSrc};

    /// Bytes of an I420 picture: rows are padded to four bytes, colours to whole ones.
    fn bytes(width: i32, height: i32) -> usize {
        let pad = |row: i32| (row + 3) & !3;
        let colours = pad((width + 1) / 2) * ((height + 1) / 2);
        usize::try_from(pad(width) * ((height + 1) & !1) + 2 * colours).unwrap()
    }

    /// Sends one grey picture of each size through `even` and tells the sizes that come out.
    fn through(sizes: &[(i32, i32)]) -> Vec<(i32, i32)> {
        gst::init().unwrap();
        let launch = "appsrc name=in format=time ! videocrop name=even ! appsink name=out sync=false";
        let pipeline = gst::parse::launch(launch).unwrap().downcast::<gst::Pipeline>().unwrap();
        keep_even(pipeline.upcast_ref());
        let source = pipeline.by_name("in").unwrap().downcast::<AppSrc>().unwrap();
        let sink = pipeline.by_name("out").unwrap().downcast::<AppSink>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        for &(width, height) in sizes {
            let caps = gst::Caps::builder("video/x-raw")
                .field("format", "I420")
                .field("width", width)
                .field("height", height)
                .field("framerate", gst::Fraction::new(30, 1))
                .build();
            let picture = gst::Buffer::from_mut_slice(vec![128_u8; bytes(width, height)]);
            let sample = gst::Sample::builder().caps(&caps).buffer(&picture).build();
            source.push_sample(&sample).unwrap();
        }
        source.end_of_stream().unwrap();
        let mut out = Vec::new();
        while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(10)) {
            let caps = sample.caps().unwrap().structure(0).unwrap();
            let (width, height) = (caps.get("width").unwrap(), caps.get("height").unwrap());
            assert_eq!(sample.buffer().unwrap().size(), bytes(width, height), "as large as its caps say");
            out.push((width, height));
        }
        pipeline.set_state(gst::State::Null).unwrap();
        out
    }

    #[test]
    fn odd_sizes_lose_their_last_column_and_row() {
        assert_eq!(through(&[(321, 241)]), [(320, 240)]);
        assert_eq!(through(&[(320, 241)]), [(320, 240)]);
        assert_eq!(through(&[(321, 240)]), [(320, 240)]);
        assert_eq!(through(&[(320, 240)]), [(320, 240)]);
    }

    #[test]
    fn the_crop_follows_the_size() {
        let sizes = [(321, 241), (321, 241), (200, 100), (201, 100), (33, 17), (34, 18)];
        assert_eq!(through(&sizes), [(320, 240), (320, 240), (200, 100), (200, 100), (32, 16), (34, 18)]);
    }

    #[test]
    fn a_capture_without_the_element_is_left_alone() {
        gst::init().unwrap();
        keep_even(&gst::Bin::new());
        let other = gst::parse::bin_from_description("identity name=even", false).unwrap();
        keep_even(&other);
    }
}
