//! The servers that are measured: the daemon and its peers, each started with the same picture and ended again.

use crate::http::{self, Url};
use crate::join::Target;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, thread};

/// The picture that all of them send: always moving, and as hard to encode as the bit rate allows at any size.
const PICTURE: &str = "videotestsrc is-live=true pattern=zone-plate kx2=20 ky2=20 kt=1 \
    ! video/x-raw,format=I420,width=1280,height=720,framerate=30/1";

/// The bit rate that encoders are told, in kbit/s.
pub const BITRATE_KBPS: u32 = 2500;

/// As the daemon's pipelines/x264enc.launch, with a keyframe every two seconds: a peer that is sent RTP cannot
/// ask for one.
const ENCODER: &str = "x264enc tune=zerolatency speed-preset=superfast bitrate=2500 vbv-buf-capacity=600 \
    key-int-max=60 bframes=0 byte-stream=true aud=false qp-max=42 \
    ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au";

const PAYLOADER: &str = "rtph264pay pt=96 mtu=1200 config-interval=-1 aggregate-mode=zero-latency";

/// What is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Vitrina,
    Janus,
    /// whepserversink with H.264 as its input.
    WhepServer,
    /// whepserversink with raw pictures as its input: an encoder for each viewer.
    WhepServerRaw,
    /// aiortc, handing on the packets of a feed.
    Aiortc,
    /// aiortc with an encoder for each viewer.
    AiortcEncoding,
}

impl Kind {
    /// All of them, the daemon first.
    pub const ALL: [Kind; 6] = [
        Kind::Vitrina,
        Kind::Janus,
        Kind::WhepServer,
        Kind::WhepServerRaw,
        Kind::Aiortc,
        Kind::AiortcEncoding,
    ];

    /// The name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Vitrina => "vitrina",
            Kind::Janus => "janus",
            Kind::WhepServer => "whepserversink",
            Kind::WhepServerRaw => "whepserversink-raw",
            Kind::Aiortc => "aiortc-pass",
            Kind::AiortcEncoding => "aiortc-encode",
        }
    }

    /// How many viewers it can be asked to carry beside the load on two cores.
    pub fn most_viewers(self) -> usize {
        match self {
            Kind::Vitrina | Kind::Janus => usize::MAX,
            Kind::WhepServer | Kind::Aiortc => 20,
            Kind::WhepServerRaw => 3,
            Kind::AiortcEncoding => 2,
        }
    }

    /// Whether it is to be asked by one viewer after the other: whepserversink 0.15 leaves some of those unanswered
    /// who ask while it is still answering another.
    pub fn one_at_a_time(self) -> bool {
        matches!(self, Kind::WhepServer | Kind::WhepServerRaw)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where things are.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The repository.
    pub root: PathBuf,
    /// target/bench: what is built, logs, results.
    pub out: PathBuf,
    /// The daemon.
    pub vitrina: PathBuf,
    /// Where media is sent from and to.
    pub address: IpAddr,
    /// Put into the daemon's configuration: before its source, and at the end, where keys are the source's.
    pub config: String,
    pub source: String,
}

/// A server that runs; dropping it ends it.
pub struct Server {
    pub kind: Kind,
    pub target: Target,
    /// The server's own process.
    pub pid: u32,
    /// The process that makes and encodes the picture, where that is not the server itself.
    pub feed_pid: Option<u32>,
    pub log: PathBuf,
    children: Vec<Child>,
}

impl Server {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// It could not be started, or ended, or was not ready within 30 s; its log says why.
    pub fn start(kind: Kind, paths: &Paths) -> Result<Server> {
        let folder = paths.out.join("run").join(kind.name());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let log = paths.out.join("logs").join(format!("{kind}.log"));
        fs::create_dir_all(log.parent().unwrap_or(Path::new(".")))?;
        // Of the last run alone.
        File::create(&log)?;
        let mut starting = Starting { folder, log, children: Vec::new() };
        let started = match kind {
            Kind::Vitrina => starting.vitrina(paths),
            Kind::Janus => starting.janus(paths),
            Kind::WhepServer | Kind::WhepServerRaw => starting.whepserver(paths, kind),
            Kind::Aiortc | Kind::AiortcEncoding => starting.aiortc(paths, kind),
        };
        match started {
            Ok((target, pid, feed_pid)) => {
                let Starting { log, children, .. } = starting;
                Ok(Server { kind, target, pid, feed_pid, log, children })
            }
            Err(error) => {
                end(&mut starting.children);
                let tail = tail(&starting.log);
                Err(error.context(format!(
                    "{kind} could not be started. Its log, {}:\n{tail}",
                    starting.log.display()
                )))
            }
        }
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        tail(&self.log)
    }

    /// Whether all its processes still run.
    pub fn runs(&mut self) -> bool {
        self.children.iter_mut().all(|child| matches!(child.try_wait(), Ok(None)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.children);
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
}

/// Asks each to end, and after 5 s makes it.
fn end(children: &mut Vec<Child>) {
    for mut child in children.drain(..).rev() {
        let _ = Command::new("kill").arg(child.id().to_string()).stderr(Stdio::null()).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

type Started = (Target, u32, Option<u32>);

struct Starting {
    folder: PathBuf,
    log: PathBuf,
    children: Vec<Child>,
}

impl Starting {
    /// Starts a program whose output goes to the log, and that ends when this one does, however that ends.
    fn spawn(&mut self, program: &Path, arguments: &[&str]) -> Result<u32> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let pid = child.id();
        self.children.push(child);
        Ok(pid)
    }

    /// Waits until `ready` gives something.
    fn wait<T>(&mut self, mut ready: impl FnMut(&Self) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(found) = ready(self) {
                return Ok(found);
            }
            for child in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    bail!("a process ended with {status}");
                }
            }
            if Instant::now() > deadline {
                bail!("not ready after 30 s");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The address behind `listening on` in the log.
    fn listening(&mut self, from: usize) -> Result<String> {
        self.wait(|starting| {
            let text = fs::read(&starting.log).ok()?;
            let text = String::from_utf8_lossy(text.get(from..)?).into_owned();
            let rest = text.split("listening on ").nth(1)?;
            let (line, _) = rest.split_once('\n')?;
            Some(line.split_whitespace().next()?.trim_matches('"').trim_end_matches('/').to_string())
        })
    }

    fn log_length(&self) -> usize {
        fs::metadata(&self.log).map_or(0, |metadata| metadata.len() as usize)
    }

    fn vitrina(&mut self, paths: &Paths) -> Result<Started> {
        fs::create_dir_all(self.folder.join("pipelines"))?;
        fs::write(self.folder.join("pipelines/bench.launch"), format!("{PICTURE} ! appsink name=video\n"))?;
        let file = self.folder.join("vitrina.toml");
        fs::write(
            &file,
            format!(
                "state_dir = \"state\"\n\
                 [server]\nlisten = \"127.0.0.1:0\"\ntls = false\n\
                 [access]\nopen = true\n\
                 [network]\naddresses = [\"{address}\"]\n\
                 [limits]\nviewers = 200\nconnections_per_address = 256\n\
                 {config}\n\
                 [[source]]\nname = \"bench\"\nkind = \"launch\"\nfile = \"bench.launch\"\nbitrate_kbps = {BITRATE_KBPS}\n{source}\n",
                address = paths.address,
                config = paths.config,
                source = paths.source,
            ),
        )?;
        let from = self.log_length();
        let file = file.to_string_lossy().into_owned();
        let pid = self.spawn(&paths.vitrina, &["run", "--config", &file])?;
        let url = Url::parse(&format!("{}/whep/bench", self.listening(from)?))?;
        Ok((Target::Whep { url, token: None }, pid, None))
    }

    /// The picture, encoded, as RTP to `port` on loopback.
    fn feed(&mut self, port: u16) -> Result<u32> {
        let description =
            format!("{PICTURE} ! {ENCODER} ! {PAYLOADER} ! udpsink host=127.0.0.1 port={port} sync=false");
        let words: Vec<&str> = ["-q"].into_iter().chain(description.split_whitespace()).collect();
        self.spawn(Path::new("gst-launch-1.0"), &words)
    }

    fn janus(&mut self, paths: &Paths) -> Result<Started> {
        if paths.address.is_loopback() {
            bail!(
                "Janus offers no loopback address: scripts/bench makes a network of its own, which did not work here"
            );
        }
        let (api, media) = (free_tcp_port()?, free_udp_port()?);
        let library = janus_library()?;
        let folder = self.folder.to_string_lossy().into_owned();
        let others = |kind: &str, keep: &str| -> Result<String> {
            let names = fs::read_dir(library.join(kind))?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            Ok(names.filter(|name| name.ends_with(".so") && name != keep).collect::<Vec<_>>().join(","))
        };
        fs::write(
            self.folder.join("janus.jcfg"),
            format!(
                "general: {{ configs_folder = \"{folder}\"; plugins_folder = \"{lib}/plugins\"; \
                 transports_folder = \"{lib}/transports\"; events_folder = \"{lib}/events\"; \
                 loggers_folder = \"{lib}/loggers\"; debug_level = 3; session_timeout = 0 }}\n\
                 plugins: {{ disable = \"{plugins}\" }}\n\
                 transports: {{ disable = \"{transports}\" }}\n",
                lib = library.display(),
                plugins = others("plugins", "libjanus_streaming.so")?,
                transports = others("transports", "libjanus_http.so")?,
            ),
        )?;
        fs::write(
            self.folder.join("janus.transport.http.jcfg"),
            format!(
                "general: {{ json = \"compact\"; base_path = \"/janus\"; http = true; port = {api}; ip = \"127.0.0.1\"; \
                 https = false }}\nadmin: {{ admin_http = false }}\n"
            ),
        )?;
        fs::write(
            self.folder.join("janus.plugin.streaming.jcfg"),
            format!(
                "general: {{ }}\nbench: {{ type = \"rtp\"; id = 1; audio = false; video = true; videoport = {media}; \
                 videoiface = \"127.0.0.1\"; videopt = 96; videocodec = \"h264\"; \
                 videofmtp = \"profile-level-id=42e01f;packetization-mode=1\" }}\n"
            ),
        )?;
        let pid = self.spawn(
            Path::new("janus"),
            &["-F", &folder, "-C", &format!("{folder}/janus.jcfg"), "--disable-colors"],
        )?;
        let url = Url::parse(&format!("http://127.0.0.1:{api}/janus"))?;
        let info = url.join("/janus/info")?;
        self.wait(|_| http::request("GET", &info, &[], "").ok())?;
        let feed = self.feed(media)?;
        Ok((Target::Janus { url, mountpoint: 1 }, pid, Some(feed)))
    }

    fn whepserver(&mut self, paths: &Paths, kind: Kind) -> Result<Started> {
        let port = free_tcp_port()?;
        let (input, bitrate) = match kind {
            Kind::WhepServerRaw => {
                ("queue", "start-bitrate=2500000 max-bitrate=2500000 video-caps=video/x-h264")
            }
            _ => (ENCODER, ""),
        };
        let description = format!(
            "{PICTURE} ! {input} ! whepserversink name=server congestion-control=disabled stun-server=\"\" {bitrate} \
             signaller::host-addr=http://127.0.0.1:{port}"
        );
        let program = paths.out.join("whepserver/release/whepserver");
        let pid = self.spawn(&program, &[&paths.address.to_string(), &description])?;
        let url = Url::parse(&format!("http://127.0.0.1:{port}/whep/endpoint"))?;
        self.wait(|_| http::request("OPTIONS", &url, &[], "").ok())?;
        Ok((Target::Whep { url, token: None }, pid, None))
    }

    fn aiortc(&mut self, paths: &Paths, kind: Kind) -> Result<Started> {
        let media = free_udp_port()?;
        let sdp = self.folder.join("feed.sdp");
        fs::write(
            &sdp,
            format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {media} RTP/AVP 96\n\
                 a=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\n"
            ),
        )?;
        let feed = self.feed(media)?;
        let from = self.log_length();
        let script = paths.root.join("bench/peers/aiortc_whep.py");
        let mode = if kind == Kind::Aiortc { "pass" } else { "encode" };
        let python = paths.out.join("venv/bin/python");
        let pid = self.spawn(
            &python,
            &["-B", &script.to_string_lossy(), &sdp.to_string_lossy(), mode, &paths.address.to_string()],
        )?;
        let url = Url::parse(&self.listening(from)?)?;
        Ok((Target::Whep { url, token: None }, pid, Some(feed)))
    }
}

/// Where Debian puts Janus's plugins: under the architecture's own folder.
fn janus_library() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib")?.filter_map(|entry| Some(entry.ok()?.path().join("janus")));
    folders.filter(|path| path.join("plugins").is_dir()).last().context("Janus is not installed")
}

/// A port that was free a moment ago; for servers that cannot choose one and tell.
fn free_tcp_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// An even one, as RTP has it: libavformat takes the next one for RTCP.
fn free_udp_port() -> Result<u16> {
    for _ in 0..100 {
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        if port % 2 == 0 && UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no two UDP ports are free beside each other")
}
