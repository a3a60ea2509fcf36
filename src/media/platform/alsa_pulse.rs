//! PulseAudio (or PipeWire in its place) and ALSA: sound inputs, and which of them a source means.
//!
//! Never captures.

use super::{AudioTarget, PlatformError, within};
use crate::config::{Audio, AudioSystem};
use crate::core::inventory::{AudioInput, AudioSystemName, plain_text};
use gstreamer as gst;
use gstreamer::prelude::*;

/// Every sound input: those of the sound server or, where none answers, ALSA's own. Blocks for at
/// most twice [`super::DEADLINE`].
///
/// # Errors
/// [`PlatformError::NoAnswer`]: the sound server hangs.
pub fn audio_inputs() -> Result<Vec<AudioInput>, PlatformError> {
    let pulse = within("the sound server", || Ok(provided("pulsedeviceprovider", AudioSystemName::Pulse)))?;
    if !pulse.is_empty() {
        return Ok(pulse);
    }
    within("ALSA", || Ok(provided("alsadeviceprovider", AudioSystemName::Alsa)))
}

/// The inputs that a device provider of GStreamer lists: none where it is not installed or has
/// nothing to ask.
fn provided(provider: &str, system: AudioSystemName) -> Vec<AudioInput> {
    let Some(provider) = gst::DeviceProviderFactory::find(provider).and_then(|factory| factory.get()) else {
        return Vec::new();
    };
    // PulseAudio's tells which device is the default only while it watches. Where it cannot begin
    // to, no server answers.
    let watching = provider.can_monitor();
    if watching && provider.start().is_err() {
        return Vec::new();
    }
    let devices = provider.devices();
    if watching {
        provider.stop();
    }
    let mut inputs: Vec<AudioInput> = devices
        .iter()
        .filter(|device| device.has_classes("Audio/Source"))
        .filter_map(|device| input(device, system))
        .collect();
    // Microphones before monitors, the default first; otherwise as listed.
    inputs.sort_by_key(|input| (input.monitor, !input.default));
    inputs
}

fn input(device: &gst::Device, system: AudioSystemName) -> Option<AudioInput> {
    let element = device.create_element(None).ok()?;
    let name = element.property::<Option<String>>("device")?;
    let properties = device.properties();
    let text = |field: &str| properties.as_ref().and_then(|p| p.get::<String>(field).ok());
    let flag = |field: &str| properties.as_ref().and_then(|p| p.get::<bool>(field).ok());
    Some(AudioInput {
        system,
        monitor: text("device.class").as_deref() == Some("monitor") || name.ends_with(".monitor"),
        default: flag("is-default").unwrap_or(false),
        description: plain_text(&device.display_name()),
        device: name,
    })
}

/// The launch file and the device that `audio` means. Whether it is there, the capture finds out.
///
/// # Errors
/// [`PlatformError::NoAlsaMonitor`]: ALSA does not capture what it plays.
pub fn resolve_audio(audio: &Audio) -> Result<AudioTarget, PlatformError> {
    let device = match (audio.system, audio.device.as_deref(), audio.monitor) {
        // Names that the sound server itself resolves, when the capture starts.
        (AudioSystem::Pulse, None, false) => "@DEFAULT_SOURCE@".to_owned(),
        (AudioSystem::Pulse, None, true) => "@DEFAULT_MONITOR@".to_owned(),
        // The monitor of an output has the output's name and this ending.
        (AudioSystem::Pulse, Some(output), true) if !output.ends_with(".monitor") => {
            format!("{output}.monitor")
        }
        (AudioSystem::Alsa, _, true) => return Err(PlatformError::NoAlsaMonitor),
        (AudioSystem::Alsa, None, false) => "default".to_owned(),
        (_, Some(device), _) => device.to_owned(),
    };
    let launch_file = match audio.system {
        AudioSystem::Pulse => "audio-pulse.launch",
        AudioSystem::Alsa => "audio-alsa.launch",
    };
    Ok(AudioTarget { launch_file, device })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_becomes_a_device() {
        let table = [
            (AudioSystem::Pulse, None, false, "audio-pulse.launch @DEFAULT_SOURCE@"),
            (AudioSystem::Pulse, None, true, "audio-pulse.launch @DEFAULT_MONITOR@"),
            (AudioSystem::Pulse, Some("mic"), false, "audio-pulse.launch mic"),
            (AudioSystem::Pulse, Some("hdmi"), true, "audio-pulse.launch hdmi.monitor"),
            (AudioSystem::Pulse, Some("hdmi.monitor"), true, "audio-pulse.launch hdmi.monitor"),
            (AudioSystem::Alsa, None, false, "audio-alsa.launch default"),
            (AudioSystem::Alsa, Some("hw:1"), false, "audio-alsa.launch hw:1"),
        ];
        for (system, device, monitor, expected) in table {
            let audio = Audio { system, device: device.map(String::from), monitor };
            let target = resolve_audio(&audio).unwrap();
            assert_eq!(format!("{} {}", target.launch_file, target.device), expected);
        }
        let monitor = Audio { system: AudioSystem::Alsa, device: None, monitor: true };
        assert_eq!(resolve_audio(&monitor), Err(PlatformError::NoAlsaMonitor));
    }
}
