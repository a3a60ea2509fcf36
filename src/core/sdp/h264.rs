//! `profile-level-id` of H.264: which decoder a bitstream needs (RFC 6184 section 8.1).

use std::fmt;

/// Three bytes that stand in the SDP as six hexadecimal digits, and in the sequence parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProfileLevelId {
    /// `profile_idc`.
    pub profile_idc: u8,
    /// The constraint flags `constraint_set0` (the highest bit) to `constraint_set5`, and two
    /// reserved bits.
    pub constraints: u8,
    /// `level_idc`: ten times the level (31 is level 3.1).
    pub level_idc: u8,
}

/// The profiles that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum H264Profile {
    /// What every WebRTC browser decodes (RFC 7742 section 6.2).
    ConstrainedBaseline,
    /// Baseline with flexible macroblock order and redundant slices.
    Baseline,
    /// Main.
    Main,
    /// Extended.
    Extended,
    /// High without interlacing and B slices, as libwebrtc offers it.
    ConstrainedHigh,
    /// High.
    High,
    /// Any other.
    Other,
}

impl ProfileLevelId {
    /// What is meant where the parameter is absent (RFC 6184 section 8.1): Baseline, level 1.
    pub const DEFAULT: Self = Self { profile_idc: 0x42, constraints: 0, level_idc: 10 };

    /// Reads six hexadecimal digits of any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(text, 16).ok()?;
        let [_, profile_idc, constraints, level_idc] = value.to_be_bytes();
        Some(Self { profile_idc, constraints, level_idc })
    }

    /// The profile (RFC 6184 table 5).
    #[must_use]
    pub const fn profile(self) -> H264Profile {
        // The last four bits are not part of a profile below High: reserved or, for High,
        // constraint_set4 and 5.
        match (self.profile_idc, self.constraints) {
            (0x42, c) if c & 0x4f == 0x40 => H264Profile::ConstrainedBaseline,
            (0x4d, c) if c & 0x8f == 0x80 => H264Profile::ConstrainedBaseline,
            (0x58, c) if c & 0xcf == 0xc0 => H264Profile::ConstrainedBaseline,
            (0x42, c) if c & 0x4f == 0x00 => H264Profile::Baseline,
            (0x58, c) if c & 0xcf == 0x80 => H264Profile::Baseline,
            (0x4d, c) if c & 0xaf == 0x00 => H264Profile::Main,
            (0x58, c) if c & 0xcf == 0x00 => H264Profile::Extended,
            (0x64, 0x00) => H264Profile::High,
            (0x64, 0x0c) => H264Profile::ConstrainedHigh,
            _ => H264Profile::Other,
        }
    }

    /// Whether both are one profile; of those that are not told apart, each byte counts.
    #[must_use]
    pub fn same_profile(self, other: Self) -> bool {
        let bytes = |id: Self| (id.profile_idc, id.constraints);
        match self.profile() {
            H264Profile::Other => bytes(self) == bytes(other),
            profile => profile == other.profile(),
        }
    }

    /// Whether every WebRTC browser decodes it.
    #[must_use]
    pub const fn is_constrained_baseline(self) -> bool {
        matches!(self.profile(), H264Profile::ConstrainedBaseline)
    }
}

impl H264Profile {
    /// Whether a decoder of this profile decodes every stream of that one (ITU-T H.264 annex A.2).
    #[must_use]
    pub fn decodes(self, stream: Self) -> bool {
        use H264Profile::{Baseline, ConstrainedBaseline, ConstrainedHigh, Extended, High, Main};
        self == stream && self != Self::Other
            || match stream {
                ConstrainedBaseline => matches!(self, Baseline | Main | Extended | ConstrainedHigh | High),
                Baseline => self == Extended,
                Main | ConstrainedHigh => self == High,
                Extended | High | Self::Other => false,
            }
    }
}

impl fmt::Display for ProfileLevelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}{:02x}", self.profile_idc, self.constraints, self.level_idc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_told_apart_by_idc_and_constraints() {
        for (text, profile) in [
            ("42e01f", H264Profile::ConstrainedBaseline),
            ("42E034", H264Profile::ConstrainedBaseline),
            ("42c01f", H264Profile::ConstrainedBaseline),
            ("42f00b", H264Profile::ConstrainedBaseline), // level 1b
            ("4de01f", H264Profile::ConstrainedBaseline),
            ("58c01f", H264Profile::ConstrainedBaseline),
            ("42001f", H264Profile::Baseline),
            ("420010", H264Profile::Baseline),
            ("58801f", H264Profile::Baseline),
            ("4d001f", H264Profile::Main),
            ("4d401f", H264Profile::Main),
            ("58001f", H264Profile::Extended),
            ("640c1f", H264Profile::ConstrainedHigh),
            ("64001f", H264Profile::High),
            ("f4001f", H264Profile::Other),
            ("42e11f", H264Profile::Other),
        ] {
            let id = ProfileLevelId::parse(text).unwrap();
            assert_eq!(id.profile(), profile, "{text}");
            assert_eq!(id.is_constrained_baseline(), profile == H264Profile::ConstrainedBaseline);
            assert_eq!(id.to_string(), text.to_ascii_lowercase());
        }
        assert_eq!(ProfileLevelId::DEFAULT.profile(), H264Profile::Baseline);
    }

    #[test]
    fn other_texts_are_no_profile_level_id() {
        for text in ["", "42e0", "42e01f0", "42e01g", "+2e01f", "0x42e0", "42é1f", " 42e01"] {
            assert_eq!(ProfileLevelId::parse(text), None, "{text}");
        }
    }
}
