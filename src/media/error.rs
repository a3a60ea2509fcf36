//! What can go wrong in the media, in sentences for the person who reads the log.

use crate::core::template::TemplateError;

/// See the variants.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MediaError {
    /// GStreamer itself does not start.
    #[error("GStreamer does not start: {0}")]
    Init(String),
    /// There is no launch file of that name.
    #[error("there is no launch file '{name}', neither built in nor in {folder}")]
    NoDescription {
        /// With `.launch`.
        name: String,
        /// Where it was looked for.
        folder: String,
    },
    /// A launch file cannot be read.
    #[error("{file}: {message}")]
    Unreadable {
        /// The path.
        file: String,
        /// The system's words.
        message: String,
    },
    /// A placeholder of a launch file is wrong.
    #[error("{file}: {error}")]
    Template {
        /// The path, or the name of the built-in one.
        file: String,
        /// Which and why.
        error: TemplateError,
    },
    /// GStreamer refuses a launch file.
    #[error("{file}: {message}")]
    Description {
        /// The path, or the name of the built-in one.
        file: String,
        /// GStreamer's own words.
        message: String,
    },
    /// A launch file lacks an element that the daemon looks for by name.
    #[error("{file}: expected an {kind} named '{element}'; write '{kind} name={element}'")]
    MissingElement {
        /// The path, or the name of the built-in one.
        file: String,
        /// The name.
        element: &'static str,
        /// The factory.
        kind: &'static str,
    },
    /// An element that every installation needs is not there.
    #[error("GStreamer has no element '{element}'; install the Debian package {package}")]
    NoElement {
        /// The factory's name.
        element: &'static str,
        /// Where Debian keeps it.
        package: &'static str,
    },
    /// No encoder for a codec really encodes.
    #[error(
        "no {codec} encoder works on this machine ({tried}); install gstreamer1.0-plugins-ugly (x264enc)"
    )]
    NoEncoder {
        /// Which codec.
        codec: &'static str,
        /// What was tried and what came of it.
        tried: String,
    },
    /// The port of all viewers' media cannot be had.
    #[error("[network] port: UDP port {port} cannot be had: {error}")]
    Port {
        /// Its number.
        port: u16,
        /// The system's words.
        error: std::sync::Arc<std::io::Error>,
    },
    /// GStreamer failed at something that should not fail.
    #[error("{what}: {message}")]
    Gst {
        /// What was tried.
        what: &'static str,
        /// GStreamer's words.
        message: String,
    },
}

impl MediaError {
    /// For `map_err`: an error of GStreamer's while doing `what`.
    pub(crate) fn gst<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Gst { what, message: error.to_string() }
    }
}
