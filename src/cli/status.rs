//! `vitrina status`: what is shown, and to whom.

use crate::core::control::{FaultsInfo, SourceStatus, Status};
use crate::core::protocol::{
    FailureCause, LinkInfo, PausedBy, SourceState, ViewerInfo, WatchedInfo, WatchesBy,
};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One JSON object.
///
/// # Errors
/// When it cannot be written as JSON, which does not happen.
pub fn json(status: &Status) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(status)? + "\n")
}

/// For a person; `now` by the wall clock.
#[must_use]
pub fn text(status: &Status, now: SystemTime) -> String {
    let now_ms = now.duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_millis() as f64);
    let for_long = |since_ms: f64| duration(Duration::from_secs_f64((now_ms - since_ms).max(0.0) / 1000.0));
    let viewers = match status.viewers.len() {
        0 => "nobody is watching".to_owned(),
        1 => "1 viewer".to_owned(),
        count => format!("{count} viewers"),
    };
    let mut text = format!(
        "{} at {}, up for {}; {viewers}\n",
        status.software,
        status.url,
        for_long(status.up_since_ms)
    );
    let sources = status.sources.iter().map(|source| {
        let viewers = format!("viewers: {}", source.viewers);
        [source.info.name.as_str().to_owned(), state(source), viewers, faults(&source.faults)]
    });
    table(&mut text, sources.collect());
    let viewers = status.viewers.iter().map(|viewer| {
        [
            format!("viewer {}", viewer.viewer),
            viewer.name.clone().unwrap_or_default(),
            format!("from {}{}", viewer.from, if viewer.by == WatchesBy::Whep { " by WHEP" } else { "" }),
            format!("for {}", for_long(viewer.since_ms)),
            watching(viewer),
            viewer.link.as_ref().map_or_else(String::new, link),
        ]
    });
    table(&mut text, viewers.collect());
    text
}

fn state(source: &SourceStatus) -> String {
    match &source.info.state {
        SourceState::Idle => "idle".into(),
        SourceState::Starting => "starting".into(),
        SourceState::Live => "live".into(),
        SourceState::Paused { by: PausedBy::Machine } => "paused".into(),
        SourceState::Paused { by: PausedBy::Admin } => "paused by an admin".into(),
        SourceState::Failed { cause, detail } => format!("failed ({}): {detail}", why(*cause)),
    }
}

fn faults(faults: &FaultsInfo) -> String {
    match faults.last {
        Some(last) => format!("faults: {}, the last one: {}", faults.total, why(last)),
        None => String::new(),
    }
}

fn why(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::NotFound => "not found",
        FailureCause::Busy => "busy",
        FailureCause::Permission => "no permission",
        FailureCause::Lost => "lost",
        FailureCause::Stalled => "stalled",
        FailureCause::Encoder => "encoder",
        FailureCause::Other => "other",
    }
}

fn watching(viewer: &ViewerInfo) -> String {
    if !viewer.connected {
        return "connecting".into();
    }
    let each = viewer.watching.iter().map(|WatchedInfo { source, rendition, .. }| match rendition {
        Some(rung) => format!("{source} {}x{} at {} fps", rung.width, rung.height, rung.framerate),
        None => source.as_str().to_owned(),
    });
    let each: Vec<_> = each.collect();
    if each.is_empty() { "watches nothing now".into() } else { each.join(", ") }
}

fn link(link: &LinkInfo) -> String {
    let mut text = format!("{} kbit/s, {:.1} % lost", link.sent_kbps, link.loss * 100.0);
    if let Some(rtt) = link.rtt_ms {
        // Writing to a string does not fail.
        let _ = write!(text, ", {rtt:.0} ms there and back");
    }
    text
}

/// Rows with columns under each other; what would be an empty column is left out.
fn table<const COLUMNS: usize>(text: &mut String, rows: Vec<[String; COLUMNS]>) {
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(&row).filter(|(width, _)| **width > 0) {
            let _ = write!(line, "  {cell:<width$}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// In the two largest units: `3 d 4 h`, `12 min`, `8 s`.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{SourceName, ViewerId};
    use crate::core::protocol::{MediaKind, RungInfo, SourceInfo, SourceKindName};

    fn source(name: &str, state: SourceState, viewers: usize) -> SourceStatus {
        let name = SourceName::new(name).unwrap();
        let (kind, media) = (SourceKindName::Test, vec![MediaKind::Video]);
        let last = match &state {
            SourceState::Failed { cause, .. } => Some(*cause),
            _ => None,
        };
        let total = u64::from(last.is_some());
        let causes = last.map(|cause| (cause, 1)).into_iter().collect();
        SourceStatus {
            info: SourceInfo { title: String::new(), name, kind, media, state, failures: total },
            viewers,
            since_ms: 0.0,
            faults: FaultsInfo { total, causes, last, starts: 1, restarts: 0, takeovers: 0 },
        }
    }

    #[test]
    fn a_status_is_told_in_lines_for_people() {
        let failed = SourceState::Failed { cause: FailureCause::NotFound, detail: "no /dev/video0".into() };
        let screen = SourceName::new("screen").unwrap();
        let rendition = RungInfo { width: 1280, height: 720, framerate: 30.0, bitrate_kbps: 2500 };
        let viewer = |number, since_ms| ViewerInfo {
            viewer: ViewerId(number),
            name: None,
            by: WatchesBy::Page,
            since_ms,
            from: "192.168.1.x".into(),
            connected: true,
            watching: vec![WatchedInfo { source: screen.clone(), rung: Some(0), rendition: Some(rendition) }],
            link: Some(LinkInfo { sent_kbps: 2431, loss: 0.0123, rtt_ms: Some(11.7) }),
        };
        let mut status = Status {
            software: "vitrina/1".into(),
            state_dir: "/s".into(),
            url: "https://host:8443".into(),
            up_since_ms: 0.0,
            sources: vec![source("screen", SourceState::Live, 2), source("cam", failed, 0)],
            viewers: Vec::new(),
        };
        let now = UNIX_EPOCH + Duration::from_secs(26 * 3600);
        assert_eq!(
            text(&status, now),
            "vitrina/1 at https://host:8443, up for 1 d 2 h; nobody is watching\n  \
             screen  live                                viewers: 2\n  \
             cam     failed (not found): no /dev/video0  viewers: 0  faults: 1, the last one: not found\n"
        );
        let waiting = ViewerInfo {
            by: WatchesBy::Whep,
            connected: false,
            watching: Vec::new(),
            link: None,
            ..viewer(12, 93_592_000.0)
        };
        status.viewers = vec![viewer(3, 93_600_000.0 - 754_000.0), waiting];
        let told = text(&status, now);
        let told: Vec<_> = told.lines().skip(3).collect();
        assert_eq!(
            told,
            [
                "  viewer 3   from 192.168.1.x          for 12 min  screen 1280x720 at 30 fps  \
                 2431 kbit/s, 1.2 % lost, 12 ms there and back",
                "  viewer 12  from 192.168.1.x by WHEP  for 8 s     connecting",
            ]
        );
    }
}
