//! A link as a QR code for a terminal.

use super::error::Error;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// A QR code of half-block characters, two rows of modules in a line, with its quiet zone. Dark
/// modules are left blank, since most terminals are dark; every phone reads both polarities, but
/// the light quiet zone has to be drawn.
///
/// # Errors
/// [`Error::QrCode`] when the text is longer than the largest code holds (2,953 bytes).
pub fn terminal(text: &str) -> Result<String, Error> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    Ok(code
        .render::<Dense1x2>()
        // The renderer's "dark" is the one that it draws.
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build())
}

/// The modules of a QR code without its quiet zone: rows of `0` (light) and `1` (dark).
///
/// # Errors
/// As [`terminal`].
pub fn rows(text: &str) -> Result<Vec<String>, Error> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    let width = code.width();
    let modules: Vec<char> = code.to_colors().iter().map(|color| color.select('1', '0')).collect();
    Ok(modules.chunks(width).map(|row| row.iter().collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_fits_a_terminal_of_80_by_40() {
        let link = format!("https://192.168.178.123:8443/#token={}", "x".repeat(43));
        let code = terminal(&link).unwrap();
        let widths: Vec<usize> = code.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|w| w == &widths[0] && *w <= 80), "{widths:?}");
        assert!(widths.len() <= 40);
        let light: String = "█".repeat(widths[0]);
        assert!(code.starts_with(&light), "the quiet zone is drawn");
        assert!(code.chars().all(|c| " \n█▀▄".contains(c)));
    }

    #[test]
    fn rows_have_a_finder_in_three_corners() {
        let rows = rows("https://192.0.2.1:8443/#invite=abc").unwrap();
        assert!(
            rows.iter().all(|row| row.len() == rows.len() && row.bytes().all(|b| matches!(b, b'0' | b'1')))
        );
        let last = &rows[rows.len() - 1];
        assert!(
            rows[0].starts_with("1111111") && rows[0].ends_with("1111111") && last.starts_with("1111111")
        );
        assert!(!last.ends_with("1111111"));
    }

    #[test]
    fn what_no_code_holds_is_an_error() {
        assert!(terminal(&"x".repeat(3000)).is_err());
    }
}
