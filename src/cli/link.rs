//! The link that lets a viewer in, for the person at the machine.

use crate::web::{Link, qr};

/// The link, with a QR code of it for a terminal.
#[must_use]
pub fn text(link: &Link, terminal: bool) -> String {
    let link = link.expose();
    let code = if terminal { qr::terminal(&link).ok() } else { None };
    match code {
        Some(code) => format!("\n{code}\n  Open this page to watch:\n\n  {link}\n"),
        None => format!("Open this page to watch: {link}"),
    }
}
