//! PulseAudio (or PipeWire in its place) and ALSA: sound inputs, and which of them a source means.
//!
//! Never captures.

use super::{AudioTarget, PlatformError, within};
use crate::config::{Audio, AudioSystem};
use crate::core::inventory::{AudioInput, AudioSystemName, plain_text};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

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

/// Whether there is somebody to capture from: a sound server that answers, or ALSA's card. `None`
/// where only a start can tell. Blocks for at most [`super::DEADLINE`].
#[must_use]
pub fn sound_answers(audio: &Audio) -> Option<bool> {
    match audio.system {
        AudioSystem::Pulse => {
            let sockets = pulse_sockets(|name| std::env::var_os(name))?;
            let anybody = move || Ok(sockets.iter().any(|socket| UnixStream::connect(socket).is_ok()));
            Some(within("the sound server", anybody) == Ok(true))
        }
        AudioSystem::Alsa => {
            let card = alsa_card(audio.device.as_deref()?)?;
            Some(Path::new("/proc/asound").join(card).exists())
        }
    }
}

/// Where a sound server of this machine may listen; `None`: it is another machine's.
fn pulse_sockets(environment: impl Fn(&str) -> Option<OsString>) -> Option<Vec<PathBuf>> {
    if let Some(servers) = environment("PULSE_SERVER").filter(|servers| !servers.is_empty()) {
        let path = |server: &str| {
            let server = server.rsplit('}').next().unwrap_or(server);
            let path = server.strip_prefix("unix:").unwrap_or(server);
            path.starts_with('/').then(|| PathBuf::from(path))
        };
        return servers.to_str()?.split_whitespace().map(path).collect();
    }
    let own = |name: &str, rest: &str| environment(name).map(|folder| PathBuf::from(folder).join(rest));
    let user = format!("/run/user/{}/pulse/native", rustix::process::getuid().as_raw());
    let system = "/run/pulse/native".into();
    let sockets =
        [own("PULSE_RUNTIME_PATH", "native"), own("XDG_RUNTIME_DIR", "pulse/native"), Some(user.into())];
    Some(sockets.into_iter().flatten().chain([system]).collect())
}

/// The folder of /proc/asound that is there while the card of `hw:1` or `plughw:CARD=Mic,DEV=0` is.
fn alsa_card(device: &str) -> Option<String> {
    let (_, first) = device.split_once(':')?;
    let first = first.split(',').next()?;
    let card = first.strip_prefix("CARD=").unwrap_or(first);
    let plain = !card.is_empty() && card.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let number = card.chars().all(|c| c.is_ascii_digit());
    plain.then(|| if number { format!("card{card}") } else { card.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_server_is_looked_for_where_its_clients_do() {
        let of = |variables: &[(&str, &str)]| {
            let variables = variables.to_vec();
            pulse_sockets(move |name| {
                variables.iter().find(|(each, _)| *each == name).map(|(_, value)| OsString::from(value))
            })
        };
        let paths = |paths: &[&str]| Some(paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&[("PULSE_SERVER", "unix:/a")]), paths(&["/a"]));
        assert_eq!(of(&[("PULSE_SERVER", "{0123}unix:/a /b")]), paths(&["/a", "/b"]));
        assert_eq!(of(&[("PULSE_SERVER", "/a tcp:host:4713")]), None);
        let usual = of(&[("XDG_RUNTIME_DIR", "/run/user/7")]).unwrap();
        assert_eq!(usual.first(), Some(&PathBuf::from("/run/user/7/pulse/native")));
    }

    #[test]
    fn alsas_devices_name_their_card() {
        for (device, card) in [
            ("hw:1", Some("card1")),
            ("hw:1,0", Some("card1")),
            ("plughw:CARD=Mic,DEV=0", Some("Mic")),
            ("default", None),
            ("hw:../../etc", None),
            ("hw:", None),
        ] {
            assert_eq!(alsa_card(device).as_deref(), card, "{device}");
        }
    }

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
