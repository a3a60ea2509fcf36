//! What a JPEG picture says of itself (ITU-T T.81 annex B), without decoding it.

/// The longest side of a picture that is handed on, in pixels.
pub const MAX_SIDE: u16 = 1920;

/// Why a picture of a client's is not handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadJpeg {
    /// It does not begin with SOI and end with EOI, its segments do not follow each other, or browsers do
    /// not show what is of its kind.
    #[error("it is no JPEG picture")]
    Form,
    /// It has no side, or a longer one than [`MAX_SIDE`].
    #[error("it has {width} x {height} pixels; sides of 1 to {MAX_SIDE} are taken")]
    Size {
        /// In pixels.
        width: u16,
        /// In pixels.
        height: u16,
    },
}

/// The width and the height of a picture that is whole.
///
/// # Errors
/// [`BadJpeg`].
pub fn size(jpeg: &[u8]) -> Result<(u16, u16), BadJpeg> {
    let body = jpeg.strip_prefix(&[0xff, 0xd8]).and_then(|rest| rest.strip_suffix(&[0xff, 0xd9]));
    let mut rest = body.ok_or(BadJpeg::Form)?;
    // A segment is a marker, a length that counts itself, and what it says; the first of the frame's has
    // its size.
    while let [0xff, marker, high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match marker {
            // SOF0 to SOF2: what browsers make and show. Others are lossless, hierarchical or arithmetic.
            0xc0..=0xc2 => {
                let [_precision, h1, h0, w1, w0, ..] = behind else { return Err(BadJpeg::Form) };
                let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
                let good = |side| (1..=MAX_SIDE).contains(&side);
                let fits = good(width) && good(height);
                return if fits { Ok((width, height)) } else { Err(BadJpeg::Size { width, height }) };
            }
            // Filling.
            0xff => rest = rest.get(1..).unwrap_or_default(),
            // Tables and what applications say; anything else has no place before the frame.
            0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe => {
                let skip = length.checked_sub(2).ok_or(BadJpeg::Form)?;
                rest = behind.get(skip..).ok_or(BadJpeg::Form)?;
            }
            _ => return Err(BadJpeg::Form),
        }
    }
    Err(BadJpeg::Form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The segments of a picture of that size, without what is to be decoded.
    pub(crate) fn picture(width: u16, height: u16) -> Vec<u8> {
        let mut jpeg =
            vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xdb, 0, 3, 9, 0xff, 0xc0, 0, 11, 8];
        jpeg.extend(height.to_be_bytes());
        jpeg.extend(width.to_be_bytes());
        jpeg.extend([1, 1, 0x11, 0, 0xff, 0xda, 0, 2, 7, 7, 0xff, 0xd9]);
        jpeg
    }

    #[test]
    fn the_size_is_read_and_bounded() {
        assert_eq!(size(&picture(640, 360)), Ok((640, 360)));
        assert_eq!(size(&picture(1920, 1)), Ok((1920, 1)));
        assert_eq!(size(&picture(1921, 1)), Err(BadJpeg::Size { width: 1921, height: 1 }));
        assert_eq!(size(&picture(0, 1)), Err(BadJpeg::Size { width: 0, height: 1 }));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let whole = picture(16, 16);
        for bad in [&[][..], b"GIF89a", &whole[..whole.len() - 1], &whole[2..], &[0xff, 0xd8, 0xff, 0xd9]] {
            assert_eq!(size(bad), Err(BadJpeg::Form), "{bad:?}");
        }
        // A segment that is longer than what there is.
        assert_eq!(size(&[0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0, 0xff, 0xd9]), Err(BadJpeg::Form));
    }

    #[test]
    fn only_what_browsers_show_is_taken() {
        for marker in 0xc0..=0xcf {
            let mut jpeg = picture(16, 16);
            let at = jpeg.iter().position(|byte| *byte == 0xc0).unwrap();
            jpeg[at] = marker;
            let taken = if marker <= 0xc2 { Ok((16, 16)) } else { Err(BadJpeg::Form) };
            assert_eq!(size(&jpeg), taken, "{marker:x}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_to_its_end(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut jpeg = vec![0xff, 0xd8, 0xff];
            jpeg.extend(bytes);
            jpeg.extend([0xff, 0xd9]);
            let _any = size(&jpeg);
        }
    }
}
