//! A real PulseAudio for a test.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `norewinds`: it hands sound out as hardware does. Without, its first sound comes after the two seconds that
/// it would have buffered.
pub const SPEAKERS: &str =
    "module-null-sink sink_name=speakers norewinds=1 sink_properties=device.description=Speakers";
pub const LINE: &str = "module-null-sink sink_name=line";
pub const MICROPHONE: &str = "module-virtual-source source_name=mic master=line.monitor";

/// A PulseAudio with two outputs, `speakers` (the default) and `line`, and one microphone, `mic`,
/// that hears what is played on `line`. Killed when dropped.
pub struct Pulse {
    server: Child,
    folder: tempfile::TempDir,
}

impl Pulse {
    pub fn start(modules: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = serve(&folder.path().join("socket"), modules);
        Self { server, folder }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Another one in the place of one that has ended.
    pub fn restart(&mut self, modules: &[&str]) {
        self.server = serve(&self.folder.path().join("socket"), modules);
    }

    pub fn address(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that answers at that socket.
fn serve(socket: &Path, modules: &[&str]) -> Child {
    let folder = socket.parent().unwrap();
    let mut command = Command::new("pulseaudio");
    command.args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]);
    // The socket last: once it is there, so are the others.
    let native = format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display());
    for module in modules.iter().copied().chain([native.as_str()]) {
        command.args(["-L", module]);
    }
    let server = command
        .envs(["HOME", "XDG_RUNTIME_DIR", "PULSE_STATE_PATH"].map(|name| (name, folder)))
        .env_remove("DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("pulseaudio is installed");
    let begin = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20), "PulseAudio has started");
        std::thread::yield_now();
    }
    server
}
