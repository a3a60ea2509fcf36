//! How much of a screen's picture is another than before.

use crate::core::units::Size;
use crate::media::Format;
use gstreamer as gst;

/// How much of a picture differs from another of its format, from 0 to 1.
pub(super) fn changed_share(a: &gst::Buffer, b: &gst::Buffer, format: Option<Format>) -> f64 {
    let (Ok(a), Ok(b)) = (a.map_readable(), b.map_readable()) else { return 1.0 };
    if a.as_slice() == b.as_slice() {
        return 0.0;
    }
    let Some(Format::Video { size, .. }) = format else { return 1.0 };
    changed_share_i420(&a, &b, size).unwrap_or(1.0)
}

/// Compares two I420 pictures in GStreamer's own layout, rows of multiples of 4 bytes; what fills
/// them up may be anything. By strips of pixels: an encoder works by blocks of them.
fn changed_share_i420(a: &[u8], b: &[u8], size: Size) -> Option<f64> {
    const STRIP: usize = 32;
    let (width, height) = (usize::try_from(size.width).ok()?, usize::try_from(size.height).ok()?);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let planes = [(width, half_height * 2), (half_width, half_height), (half_width, half_height)];
    let whole: usize = planes.iter().map(|(width, rows)| width.next_multiple_of(4) * rows).sum();
    if a.len() != whole || b.len() != whole {
        return None;
    }
    let (mut strips, mut changed) = (0_u32, 0_u32);
    let mut rest = (a, b);
    for (width, rows) in planes {
        let stride = width.next_multiple_of(4);
        let ((a, after_a), (b, after_b)) = (rest.0.split_at(stride * rows), rest.1.split_at(stride * rows));
        rest = (after_a, after_b);
        for (a, b) in a.chunks(stride).zip(b.chunks(stride)) {
            let (a, b) = (a.get(..width)?, b.get(..width)?);
            for (a, b) in a.chunks(STRIP).zip(b.chunks(STRIP)) {
                strips += 1;
                changed += u32::from(a != b);
            }
        }
    }
    Some(f64::from(changed) / f64::from(strips.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_compared_by_their_pixels_alone() {
        // Six bytes and two that fill up, three and one.
        let size = Size { width: 6, height: 4 };
        let mut a = vec![7; 8 * 4 + 4 * 2 * 2];
        let b = a.clone();
        for filling in [6, 7, 31, 35, 47] {
            a[filling] = 9;
        }
        assert_eq!(changed_share_i420(&a, &b, size), Some(0.0));
        for pixel in [0, 29, 32, 34, 40, 46] {
            let mut other = b.clone();
            other[pixel] = 8;
            // One row of eight.
            assert_eq!(changed_share_i420(&a, &other, size), Some(0.125), "{pixel}");
        }
        assert_eq!(changed_share_i420(&a, &b[1..], size), None);
    }
}
