//! Looks after a running screen source: tells when its picture changes, and when what it captures
//! is not any more what its config means.
//!
//! One thread and one connection to the X server for each. Captures nothing.

use super::super::{PlatformError, ScreenTarget};
use super::changes::Changes;
use super::server::Server;
use crate::config::{Screen, ScreenArea};
use crate::media::pace::Pace;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a [`ScreenWatch`] looks without being told to.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A program that draws without a pause is heard so often.
const HEAR_EVERY: Duration = Duration::from_millis(3);

/// Looks after a running screen source: whether what it captures is still what its config means.
/// ximagesrc itself goes on with black or old pictures when its window closes, and with the old
/// place when its monitor moves. Has a thread and a connection to the X server; dropping it ends
/// both.
#[derive(Debug)]
pub struct ScreenWatch {
    /// Never written to: its end tells the thread.
    _stop: UnixStream,
}

/// A running screen source: what its config says, and what that was resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedScreen {
    /// The config.
    pub screen: Screen,
    /// What is captured.
    pub target: ScreenTarget,
}

impl WatchedScreen {
    /// Begins to look after it: tells `pace` of changes of the picture, and calls `when_changed`
    /// once, on the watch's own thread, when what the config means is no longer there or elsewhere:
    /// time to resolve it again.
    ///
    /// # Errors
    /// [`PlatformError::NoThread`]: the system has none to spare, or no sockets.
    pub fn start(
        &self,
        pace: Option<Arc<Pace>>,
        when_changed: impl FnOnce(PlatformError) + Send + 'static,
    ) -> Result<ScreenWatch, PlatformError> {
        let (stop, stopped) = UnixStream::pair().map_err(|_| PlatformError::NoThread)?;
        let watched = self.clone();
        let thread = std::thread::Builder::new().name("screen-watch".into()).spawn(move || {
            let end = watched.run(pace.as_deref(), &stopped);
            if let Some(pace) = &pace {
                // Whoever captures is to find out by itself.
                pace.tell(false);
            }
            if let Err(change) = end {
                when_changed(change);
            }
        });
        thread.map(|_| ScreenWatch { _stop: stop }).map_err(|_| PlatformError::NoThread)
    }

    /// Runs until `stopped` hangs up.
    fn run(&self, pace: Option<&Pace>, stopped: &UnixStream) -> Result<(), PlatformError> {
        let target = &self.target;
        // A title may change while the window stays.
        let area = match (&self.screen.area, target.xid) {
            (ScreenArea::WindowTitle(_), Some(id)) => ScreenArea::WindowId(id),
            (area, _) => area.clone(),
        };
        let server = Server::open(&target.display)?;
        let mut changes = Changes::new(&server, target, self.screen.cursor);
        if let Some(pace) = pace {
            pace.tell(changes.begin()?);
        }
        let mut due = Instant::now() + LOOK_EVERY;
        loop {
            let heard = changes.hear()?;
            if heard.picture
                && let Some(pace) = pace
            {
                pace.changed();
            }
            let asked = heard.place || Instant::now() >= due;
            if asked {
                still_there(&server, &area, target)?;
                changes.placed()?;
                due = Instant::now() + LOOK_EVERY;
            }
            let left = due.saturating_duration_since(Instant::now());
            // The answers may have brought further events along, which no file tells of.
            let ended = if heard.picture || asked {
                wait(&[stopped_of(stopped)], left.min(HEAR_EVERY))
            } else {
                wait(&[stopped_of(stopped), PollFd::new(server.stream(), PollFlags::IN)], left)
            };
            if ended {
                return Ok(());
            }
        }
    }
}

fn stopped_of(stopped: &UnixStream) -> PollFd<'_> {
    PollFd::new(stopped, PollFlags::IN)
}

/// Waits for the first of these, or for `limit`. True: the first of them has something to say.
fn wait(files: &[PollFd<'_>], limit: Duration) -> bool {
    let mut files = files.to_vec();
    // Signals and a lack of memory end a wait early; the next one follows.
    let _ = poll(&mut files, Timespec::try_from(limit).ok().as_ref());
    files.first().is_some_and(|first| !first.revents().is_empty())
}

fn still_there(server: &Server, area: &ScreenArea, target: &ScreenTarget) -> Result<(), PlatformError> {
    let now = server.target(area)?;
    // ximagesrc follows the size of a whole display or window by itself.
    if now.xid == target.xid && now.region == target.region {
        Ok(())
    } else {
        Err(PlatformError::ScreenMoved { display: target.display.clone() })
    }
}
