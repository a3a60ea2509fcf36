//! What the machine has: everything asked at once, each for a bounded time.
//!
//! Owns the gathering. How each kind of thing is found is [`super::platform`]'s business, whether
//! an encoder works is [`super::encoder`]'s.

use super::platform;
use crate::core::inventory::{EncoderInfo, Inventory};

/// Asks for displays, cameras and sound inputs, and `encoders` for itself, all at the same time.
/// What is missing is missing from the answer; what is there and cannot be used is a sentence in
/// it. Nothing of it waits for longer than [`platform::DEADLINE`] for each device.
///
/// `env_display` is the DISPLAY of the environment. Blocks; GStreamer is initialised.
pub fn inventory(env_display: Option<&str>, encoders: impl FnOnce() -> Vec<EncoderInfo> + Send) -> Inventory {
    let mut found = Inventory::default();
    let (mut problems, mut unheard) = (Vec::new(), None);
    std::thread::scope(|scope| {
        scope.spawn(|| (found.displays, problems) = platform::displays(env_display));
        scope.spawn(|| found.cameras = platform::cameras());
        scope.spawn(|| match platform::audio_inputs() {
            Ok(inputs) => found.audio_inputs = inputs,
            Err(problem) => unheard = Some(problem),
        });
        found.encoders = encoders();
    });
    found.problems = problems.iter().chain(&unheard).map(ToString::to_string).collect();
    found
}
