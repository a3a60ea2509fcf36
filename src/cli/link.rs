//! The link that lets a viewer in, for the person at the machine.

use crate::config::Environment;
use crate::web::{Link, qr};
use std::path::Path;

/// Where the system unit keeps its state.
const SERVICE_STATE: &str = "/var/lib/vitrina";
/// Made by the first start of every daemon, and by the first that asks for a token.
const MADE_BY_RUNNING: [&str; 2] = ["lock", "token"];

/// The surroundings in which the daemon's link, and the daemon itself, are looked for. For root these are the service's,
/// once it has run: root has no daemon of its own there.
#[must_use]
pub fn environment() -> Environment {
    let own = Environment::of_process();
    let service = Path::new(SERVICE_STATE);
    if own.state_directory.is_none()
        && super::is_root()
        && MADE_BY_RUNNING.iter().any(|file| service.join(file).exists())
    {
        return Environment { state_directory: Some(service.to_owned()), ..own };
    }
    own
}

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
