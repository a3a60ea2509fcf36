//! The kind of a mistake as one word, for counts: the name of its variant and nothing of what it holds,
//! so that there are only as many words as this program has variants.

use std::fmt::{self, Debug, Write};

/// `no_bundle` for `SessionFault::NoBundle`, `mid_form` for `MlineFault::MidForm(..)`.
#[must_use]
pub fn kind_of(mistake: &impl Debug) -> String {
    let mut name = Name(String::new());
    // It ends by an error where the name does.
    let _ended = write!(name, "{mistake:?}");
    name.0
}

struct Name(String);

impl Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if !letter.is_ascii_alphanumeric() {
                return Err(fmt::Error);
            }
            if letter.is_ascii_uppercase() && !self.0.is_empty() {
                self.0.push('_');
            }
            self.0.push(letter.to_ascii_lowercase());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::candidate::CandidateError;
    use crate::core::sdp::{LineFault, SdpError, SessionFault};

    #[test]
    fn a_kind_is_the_variant_s_name_alone() {
        assert_eq!(kind_of(&CandidateError::TooLong(5000)), "too_long");
        assert_eq!(kind_of(&CandidateError::Prefix), "prefix");
        let fault = LineFault::Type { found: '\u{1}', expected: "m" };
        assert_eq!(SdpError::Line { line: 7, fault }.kind(), "line_type");
        assert_eq!(SdpError::Session(SessionFault::Missing("v")).kind(), "session_missing");
        assert_eq!(SdpError::TooLong { bytes: 9 }.kind(), "too_long");
    }
}
