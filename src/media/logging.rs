//! GStreamer's own log, led into the daemon's.
//!
//! GStreamer calls an error what is often part of a normal life (no sound server, a peer that has
//! left); what matters of it comes to the daemon over the bus and is logged there in its own words.
//! So these lines go to debug and trace, where full addresses may stand.

use gstreamer as gst;
use tracing::{debug, trace};

/// Leads GStreamer's log to `tracing` under the target `gstreamer`. Call once, after
/// [`super::init`].
pub fn bridge() {
    gst::log::remove_default_log_function();
    // Below warning nothing is formatted, unless the user asks for it with GST_DEBUG. Both make the log
    // active; `set_active` would besides let every line of every level, several for each packet, come as
    // far as a look at its category, which was a tenth of what a viewer costs.
    if std::env::var_os("GST_DEBUG").is_none() {
        gst::log::set_default_threshold(gst::DebugLevel::Warning);
    }
    gst::log::add_log_function(|category, level, _, _, _, _, message| {
        let text = message.get();
        let text = text.as_ref().map_or("", |text| text.as_str());
        let category = category.name();
        match level {
            gst::DebugLevel::Error | gst::DebugLevel::Warning | gst::DebugLevel::Fixme => {
                debug!(target: "gstreamer", category, %level, "{text}");
            }
            _ => trace!(target: "gstreamer", category, "{text}"),
        }
    });
}
