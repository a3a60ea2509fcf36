//! A running daemon: its own folders, its own port, ended by its process id.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

/// Two small pictures and a tone, for whoever asks.
pub const SOURCES: &str = r#"
[[source]]
name = "screen"
kind = "test"
size = "320x180"
framerate = 15

[[source]]
name = "camera"
kind = "test"
pattern = "ball"
size = "320x180"
framerate = 15
tone = false
"#;

pub struct Daemon {
    child: Child,
    pub address: SocketAddr,
    pub folder: TempDir,
    lines: Receiver<String>,
    log: Log,
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
pub struct Holdings {
    pub threads: usize,
    pub descriptors: usize,
    pub memory_kb: usize,
}

impl std::fmt::Display for Holdings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { threads, descriptors, memory_kb } = self;
        write!(f, "{threads} threads, {descriptors} descriptors, {} MB", memory_kb / 1000)
    }
}

impl Daemon {
    /// With [`SOURCES`], open to everybody on loopback, and `more` in the configuration.
    pub fn start(more: &str) -> Self {
        Self::start_with("open = true", &format!("{more}\n{SOURCES}"), &[])
    }

    /// The same with variables in its environment.
    pub fn start_in(environment: &[(&str, &str)], rest: &str) -> Self {
        Self::start_all("open = true", rest, &[], environment)
    }

    /// The same as [`Self::start`] with what the system unit has in its environment.
    pub fn start_as_service(more: &str) -> Self {
        let unit = include_str!("../../systemd/vitrina.service");
        let lines = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
        let environment = lines.flat_map(str::split_whitespace).filter_map(|each| each.split_once('='));
        // `%`: of systemd's own folders.
        let environment: Vec<_> = environment.filter(|(_, value)| !value.contains('%')).collect();
        Self::start_in(&environment, &format!("{more}\n{SOURCES}"))
    }

    /// With these lines under `[access]`, the rest of the configuration, and launch files of its
    /// own: their names and what stands in them.
    pub fn start_with(access: &str, rest: &str, launch_files: &[(&str, &str)]) -> Self {
        Self::start_all(access, rest, launch_files, &[])
    }

    /// The same as [`Self::start`] behind TLS, with a certificate that it makes.
    pub fn start_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), "open = true", SOURCES);
        let text = std::fs::read_to_string(config_file(folder.path())).unwrap();
        std::fs::write(config_file(folder.path()), text.replace("tls = false\n", "")).unwrap();
        Self::launch(folder, &[])
    }

    fn start_all(
        access: &str,
        rest: &str,
        launch_files: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipelines = folder.path().join("pipelines");
        std::fs::create_dir(&pipelines).unwrap();
        for (name, text) in launch_files {
            std::fs::write(pipelines.join(name), text).unwrap();
        }
        write_config(folder.path(), access, rest);
        Self::launch(folder, environment)
    }

    fn launch(folder: TempDir, environment: &[(&str, &str)]) -> Self {
        let (child, lines, log) = spawn(folder.path(), environment);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut daemon = Self { child, address, folder, lines, log };
        daemon.wait_until_it_listens();
        daemon
    }

    /// Another one in the place of one that has ended, with the same folders.
    pub fn restart(&mut self) {
        (self.child, self.lines, self.log) = spawn(self.folder.path(), &[]);
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&mut self) {
        let line = self.wait_for_line("listening on http");
        let address = line.rsplit("://").next().unwrap();
        // The line may be a JSON object.
        self.address = address.split('"').next().unwrap().trim().parse().unwrap();
    }

    /// The next line of the log that holds `text`.
    pub fn wait_for_line(&self, text: &str) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self
                .lines
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("no line with '{text}' within {LIMIT:?}:\n{}", self.log()));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Writes another configuration where the daemon's is.
    pub fn rewrite_config(&self, more: &str, sources: &str) {
        write_config(self.folder.path(), "open = true", &format!("{more}\n{sources}"));
    }

    /// Runs another command of the program, with the daemon's configuration.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_vitrina"))
            .args(arguments)
            .arg("--config")
            .arg(config_file(self.folder.path()))
            .env_remove("RUNTIME_DIRECTORY")
            .env_remove("XDG_RUNTIME_DIR")
            .output()
            .unwrap()
    }

    /// Runs one that succeeds; what it prints.
    pub fn told(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn control_socket(&self) -> PathBuf {
        self.folder.path().join("state/control.sock")
    }

    /// The same, with these lines under `[access]`.
    pub fn rewrite_access(&self, access: &str, rest: &str) {
        write_config(self.folder.path(), access, rest);
    }

    pub fn signal(&self, signal: i32) {
        let id = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a plain system call on the child's own id, which has not been waited for.
        #[allow(unsafe_code)]
        let result = unsafe { libc::kill(id, signal) };
        assert_eq!(result, 0);
    }

    /// Waits for it to end; how it ended and how long that took.
    pub fn wait(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, begun.elapsed());
            }
            assert!(begun.elapsed() < LIMIT, "the daemon does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The names of its threads, with how often each occurs.
    pub fn threads(&self) -> BTreeMap<String, usize> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let mut names = BTreeMap::new();
        for task in tasks.map_while(Result::ok) {
            // A thread may end while it is looked at.
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            *names.entry(name.trim().to_owned()).or_default() += 1;
        }
        names
    }

    /// The processor's time that it has taken.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name: user and system time are the 12th and 13th, in hundredths of a second.
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    pub fn holdings(&self) -> Holdings {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()));
        let count = |name: &str| std::fs::read_dir(folder.join(name)).unwrap().count();
        let status = std::fs::read_to_string(folder.join("status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Holdings {
            threads: count("task"),
            descriptors: count("fd"),
            memory_kb: memory.trim().trim_end_matches(" kB").parse().unwrap(),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the daemon's log\n{}", self.log());
        }
    }
}

type Log = Arc<Mutex<String>>;

fn spawn(folder: &Path, environment: &[(&str, &str)]) -> (Child, Receiver<String>, Log) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vitrina"))
        .arg("run")
        .arg("--config")
        .arg(config_file(folder))
        .env_remove("DISPLAY")
        .env_remove("RUST_LOG")
        .env_remove("JOURNAL_STREAM")
        .env_remove("RUNTIME_DIRECTORY")
        // The desktop of whoever runs this is left alone.
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let (sender, lines) = channel();
    let log = Log::default();
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let mut log = kept.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
            let _ = sender.send(line);
        }
    });
    (child, lines, log)
}

fn config_file(folder: &Path) -> PathBuf {
    folder.join("vitrina.toml")
}

/// A configuration on a free loopback port, with these lines under `[access]`, and `rest`.
pub fn write_config(folder: &Path, access: &str, rest: &str) {
    let text = format!(
        "state_dir = \"{}/state\"\n[server]\nlisten = \"127.0.0.1:0\"\ntls = false\n[access]\n{access}\n\
         [network]\naddresses = [\"127.0.0.1\"]\n{rest}",
        folder.display()
    );
    std::fs::write(config_file(folder), text).unwrap();
}
