//! Launch files: the descriptions in `pipelines/`, built in, overridden by the user's own.
//!
//! Owns finding a description, filling it in and having GStreamer parse it. The syntax of the
//! placeholders is [`crate::core::template`].

use super::MediaError;
use crate::core::redact::redact_logins;
use crate::core::template::{self, Values};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::{Path, PathBuf};

#[derive(rust_embed::Embed)]
#[folder = "pipelines"]
struct BuiltIn;

/// Where launch files are looked for.
#[derive(Debug, Clone, Default)]
pub struct LaunchFiles {
    folder: Option<PathBuf>,
}

/// A description with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The path, or the name of the built-in one.
    pub file: String,
    /// Whether it is the user's own, and theirs to mend.
    pub of_user: bool,
    text: String,
}

impl LaunchFiles {
    /// `folder` holds the user's own; `None`: the built-in ones alone.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Finds a description by its file name (`x264enc.launch`).
    ///
    /// # Errors
    /// [`MediaError::NoDescription`], [`MediaError::Unreadable`].
    pub fn load(&self, name: &str) -> Result<Description, MediaError> {
        if let Some(folder) = &self.folder {
            let path = folder.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    let file = path.display().to_string();
                    return Ok(Description { file, of_user: true, text });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let file = path.display().to_string();
                    return Err(MediaError::Unreadable { file, message: error.to_string() });
                }
            }
        }
        let built_in = BuiltIn::get(name).ok_or_else(|| MediaError::NoDescription {
            name: name.to_owned(),
            folder: self.folder.as_deref().unwrap_or(Path::new("pipelines")).display().to_string(),
        })?;
        let text = String::from_utf8_lossy(&built_in.data).into_owned();
        Ok(Description { file: format!("pipelines/{name} (built in)"), of_user: false, text })
    }
}

impl Description {
    /// Fills in the values and has GStreamer make the pipeline.
    ///
    /// # Errors
    /// [`MediaError::Template`], or [`MediaError::Description`] with GStreamer's own message.
    pub fn parse(&self, values: &Values) -> Result<gst::Pipeline, MediaError> {
        let text = template::render(&self.text, values)
            .map_err(|error| MediaError::Template { file: self.file.clone(), error })?;
        // It may quote a value: the URI of a camera.
        let refused = |message: String| {
            let message = redact_logins(&message).into_owned();
            MediaError::Description { file: self.file.clone(), message }
        };
        let element = gst::parse::launch_full(&text, None, gst::ParseFlags::FATAL_ERRORS)
            .map_err(|error| refused(error.message().to_owned()))?;
        match element.downcast::<gst::Pipeline>() {
            Ok(pipeline) => Ok(pipeline),
            // A description of a single element makes no pipeline.
            Err(element) => {
                let pipeline = gst::Pipeline::new();
                pipeline.add(&element).map_err(|error| refused(error.to_string()))?;
                Ok(pipeline)
            }
        }
    }

    /// Whether it has a placeholder of that name.
    #[must_use]
    pub fn has_placeholder(&self, name: &str) -> bool {
        let placeholder = format!("{{{name}:");
        let mut lines = self.text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines.any(|line| line.contains(&placeholder))
    }

    /// The element of that name and factory.
    ///
    /// # Errors
    /// [`MediaError::MissingElement`].
    pub fn element<T: IsA<gst::Element>>(
        &self,
        pipeline: &gst::Pipeline,
        element: &'static str,
        kind: &'static str,
    ) -> Result<T, MediaError> {
        pipeline
            .by_name(element)
            .and_then(|found| found.downcast::<T>().ok())
            .ok_or_else(|| MediaError::MissingElement { file: self.file.clone(), element, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_file_takes_the_place_of_the_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x264enc.launch"), "# mine\nfakesrc ! fakesink").unwrap();
        let files = LaunchFiles::new(Some(folder.path().into()));
        assert!(files.load("x264enc.launch").unwrap().text.contains("mine"));
        assert!(files.load("opusenc.launch").unwrap().file.ends_with("(built in)"));
        assert!(files.load("nonsense.launch").unwrap_err().to_string().contains("nonsense.launch"));
    }

    #[test]
    fn a_bad_description_is_refused_with_its_file_and_gstreamers_message() {
        super::super::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = LaunchFiles::new(Some(folder.path().into()));
        let refused = |text: &str| {
            std::fs::write(folder.path().join("a.launch"), text).unwrap();
            let description = files.load("a.launch").unwrap();
            let pipeline = description.parse(&Values::new());
            pipeline
                .and_then(|pipeline| description.element::<gst::Element>(&pipeline, "video", "appsink"))
                .unwrap_err()
                .to_string()
        };
        let message = refused("videotestsrc ! nosuchelement");
        assert!(message.contains("a.launch: ") && message.contains("nosuchelement"), "{message}");
        let message = refused("videotestsrc nosuchproperty=1 ! fakesink");
        assert!(message.contains("nosuchproperty"), "{message}");
        let message = refused("videotestsrc ! fakesink");
        assert!(
            message.ends_with("expected an appsink named 'video'; write 'appsink name=video'"),
            "{message}"
        );
        let message = refused("videotestsrc pattern={what:int} ! fakesink");
        assert!(message.contains("line 1: there is no placeholder 'what' here"), "{message}");
    }
}
