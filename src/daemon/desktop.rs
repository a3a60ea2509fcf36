//! A notification on the desktop of whoever sits at the machine, where there is a session bus.
//!
//! By systemd's `busctl`, which is there wherever the units are: no thread, no connection and no
//! library stays behind for a word that is said once in a while. Without a session bus, or without
//! `busctl`, nothing happens.

use crate::core::protocol::ViewerInfo;
use futures_lite::FutureExt as _;
use smol::Timer;
use smol::process::{Command, Stdio};
use std::path::Path;
use std::time::Duration;

/// For the desktop to take it.
const WITHIN: Duration = Duration::from_secs(5);

/// Says that somebody has begun to watch. Returns at once.
pub(super) fn notify_of(viewer: &ViewerInfo) {
    if !has_session_bus() {
        return;
    }
    let body = body(viewer);
    smol::spawn(async move {
        if let Err(error) = notify("This machine is being watched", &body).await {
            tracing::info!(error, "the desktop is not told of the first viewer");
        }
    })
    .detach();
}

fn has_session_bus() -> bool {
    let in_folder = |folder| Path::new(&folder).join("bus").exists();
    std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(in_folder)
}

/// Who, from where, and what to do about it; the desktop takes it for markup.
fn body(viewer: &ViewerInfo) -> String {
    let who = viewer.name.as_deref().unwrap_or("Somebody");
    let sources: Vec<_> = viewer.watching.iter().map(|watched| watched.source.as_str()).collect();
    let text = format!(
        "{who} from {} watches {}. \"vitrina status\" shows everybody, \"vitrina pause\" stops it.",
        viewer.from,
        sources.join(", ")
    );
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The Desktop Notifications Specification, 1.2, `org.freedesktop.Notifications.Notify`.
async fn notify(summary: &str, body: &str) -> Result<(), String> {
    const NAME: &str = "org.freedesktop.Notifications";
    let mut command = Command::new("busctl");
    command
        .args(["--user", "--quiet", "call", "--", NAME, "/org/freedesktop/Notifications", NAME, "Notify"])
        // The program, what it replaces (nothing), its icon, the words.
        .args(["susssasa{sv}i", "vitrina", "0", "camera-video", summary, body])
        // No actions, no hints, and it stays as long as the desktop likes.
        .args(["0", "0", "-1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let late = async {
        Timer::after(WITHIN).await;
        Err(std::io::ErrorKind::TimedOut.into())
    };
    let output = command.output().or(late).await.map_err(|error| format!("busctl: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{SourceName, ViewerId};
    use crate::core::protocol::{WatchedInfo, WatchesBy};

    #[test]
    fn the_words_say_who_and_are_no_markup() {
        let source =
            |name| WatchedInfo { source: SourceName::new(name).unwrap(), rung: None, rendition: None };
        let mut viewer = ViewerInfo {
            viewer: ViewerId(1),
            name: None,
            by: WatchesBy::Page,
            since_ms: 0.0,
            from: "192.168.1.x".into(),
            connected: true,
            watching: vec![source("screen"), source("cam")],
            link: None,
        };
        assert!(
            body(&viewer).starts_with("Somebody from 192.168.1.x watches screen, cam. \"vitrina status\"")
        );
        viewer.name = Some("<b>Ana & Co</b>".into());
        assert!(body(&viewer).starts_with("&lt;b&gt;Ana &amp; Co&lt;/b&gt; from "));
    }
}
