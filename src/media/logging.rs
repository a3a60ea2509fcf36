//! GStreamer's own log, led into the daemon's.
//!
//! GStreamer's errors are often part of a normal life (a device that is gone, a peer that left),
//! and its lines can carry addresses: they go to the log one level lower than they came, and
//! those that would be seen at info and above go through the given filter first.

use gstreamer as gst;
use tracing::{debug, trace, warn};

/// Leads GStreamer's log to `tracing` under the target `gstreamer`. `redact` takes out of a line
/// what must not stand in a log at info and above. Call once, after [`super::init`].
pub fn bridge(redact: impl Fn(&str) -> String + Send + Sync + 'static) {
    gst::log::remove_default_log_function();
    gst::log::set_active(true);
    // Below warning nothing is formatted, unless the user asks for it with GST_DEBUG.
    if std::env::var_os("GST_DEBUG").is_none() {
        gst::log::set_default_threshold(gst::DebugLevel::Warning);
    }
    gst::log::add_log_function(move |category, level, _, _, _, _, message| {
        let text = message.get();
        let text = text.as_ref().map_or("", |text| text.as_str());
        let category = category.name();
        match level {
            gst::DebugLevel::Error => warn!(target: "gstreamer", category, "{}", redact(text)),
            gst::DebugLevel::Warning | gst::DebugLevel::Fixme => {
                debug!(target: "gstreamer", category, "{text}")
            }
            _ => trace!(target: "gstreamer", category, "{text}"),
        }
    });
}
