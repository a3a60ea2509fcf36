//! Log lines for the journal by way of standard error.
//!
//! Owns their form: systemd's priority in front (sd-daemon(3), `<6>` for info), neither time nor
//! colour, which the journal adds itself. The journal's own protocol keeps the fields of an event
//! apart from its message, where `journalctl` does not show them: "source starts", and not which.

use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Compact, DefaultFields, Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Lines with a priority.
#[derive(Debug)]
pub(super) struct Prioritized {
    line: Format<Compact, ()>,
}

impl Prioritized {
    pub(super) fn new() -> Self {
        let line = Format::default().compact().without_time().with_ansi(false).with_level(false);
        Self { line }
    }
}

/// syslog(3)'s numbers.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

impl<S> FormatEvent<S, DefaultFields> for Prioritized
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    DefaultFields: for<'writer> FormatFields<'writer>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, DefaultFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        self.line.format_event(context, Writer::new(&mut text), event)?;
        // Each line is an entry of its own and needs its own priority.
        let priority = priority(*event.metadata().level());
        text.lines().try_for_each(|line| writeln!(writer, "<{priority}>{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_line_has_its_priority_and_every_field() {
        let lines = Lines::default();
        let written = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Prioritized::new())
            .with_ansi(false)
            .with_writer(move || written.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "vitrina", source = "cam", "source starts");
            tracing::warn!(target: "vitrina", "first\nsecond");
            tracing::error!(target: "vitrina", "gone");
            tracing::debug!(target: "vitrina", "detail");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "<6>vitrina: source starts source=\"cam\"\n<4>vitrina: first\n<4>second\n<3>vitrina: gone\n\
             <7>vitrina: detail\n"
        );
    }
}
