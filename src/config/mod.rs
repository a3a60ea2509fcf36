//! The configuration: one TOML file, read whole, checked whole.
//!
//! [`Config`] is what the daemon uses: nothing half valid, every default filled in. It is read by
//! walking the TOML parser's own tree (`reader`), not by serde, which stops at the first mistake:
//! all mistakes are reported at once, each with file, line and key. Never touches GStreamer or
//! the network, and uses nothing of the crate but `core`.

mod accounts;
mod auto;
mod environment;
mod ice_server;
mod keys;
mod load;
mod metrics;
mod mistake;
mod reader;
mod renditions;
mod room;
mod sources;
mod values;

pub use accounts::{Account, MAX_ACCOUNTS, accounts_file, parse_accounts};
pub use auto::auto_sources;
pub use environment::Environment;
pub use load::{SYSTEM_CONFIG, find};
pub use mistake::{ConfigErrors, Mistake};
pub use room::Room;

use crate::core::audit::AddressForm;
use crate::core::ice::Advertised;
use crate::core::ids::SourceName;
use crate::core::principal::Rights;
use crate::core::protocol::{MediaKind, SourceKindName};
use crate::core::renditions::Step;
use crate::core::units::{Bitrate, FrameRate, Size};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The most sources that one daemon captures: each is an m-line or two of every offer.
pub const MAX_SOURCES: usize = 16;

/// The H.264 encoders that `[video] encoders` may name, in the order in which they are tried when
/// it does not: those of graphics hardware first.
pub const H264_ENCODERS: [&str; 6] =
    ["vah264enc", "nvh264enc", "qsvh264enc", "v4l2h264enc", "x264enc", "openh264enc"];

/// The patterns of a test source: those of videotestsrc in GStreamer 1.22.
pub const TEST_PATTERNS: [&str; 26] = [
    "smpte",
    "snow",
    "black",
    "white",
    "red",
    "green",
    "blue",
    "checkers-1",
    "checkers-2",
    "checkers-4",
    "checkers-8",
    "circular",
    "blink",
    "smpte75",
    "zone-plate",
    "gamut",
    "chroma-zone-plate",
    "solid-color",
    "ball",
    "smpte100",
    "bar",
    "pinwheel",
    "spokes",
    "gradient",
    "colors",
    "smpte-rp-219",
];

/// The whole configuration, valid and complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file it came from; `None`: built-in defaults.
    pub file: Option<PathBuf>,
    /// Where the token, the cookie key and the self-signed certificate are kept.
    pub state_dir: PathBuf,
    /// Launch files here take the place of the built-in ones of the same name:
    /// the folder `pipelines` beside the config file. `None` without a file.
    pub pipelines_dir: Option<PathBuf>,
    /// `[server]`
    pub server: Server,
    /// `[access]`
    pub access: Access,
    /// `access.sources`: what that shows.
    pub shared_sources: Rights,
    /// `[[account]]`, in the file's order. Those that `vitrina passwd` made are in the state folder.
    pub accounts: Vec<Account>,
    /// `[network]`
    pub network: Network,
    /// `[limits]`
    pub limits: Limits,
    /// `[video]`
    pub video: Video,
    /// `[audio]`
    pub audio: AudioEncoding,
    /// `[privacy]`
    pub privacy: Privacy,
    /// `[log]`
    pub log: Log,
    /// `[metrics]`; `None`: nobody is told any.
    pub metrics: Option<Metrics>,
    /// `[room]`; `None`: there are no rooms.
    pub room: Option<Room>,
    /// `[[source]]`, in the file's order. Empty: what the machine has, or with a room none.
    pub sources: Vec<Source>,
}

impl Config {
    /// Whether what the machine has is captured: no source is named, and there is no room to meet in
    /// without any.
    #[must_use]
    pub fn finds_sources(&self) -> bool {
        self.sources.is_empty() && self.room.is_none()
    }
}

/// `[server]`: the page's address.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// `listen`. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// `tls`, `certificate`, `private_key`.
    pub tls: Tls,
    /// `title`: what the page is headed with. Default: the host's name.
    pub title: Option<String>,
    /// `public_url`: what the printed link begins with, where it differs from the address.
    pub public_url: Option<String>,
    /// `whep_origins`: other sites whose pages may watch by WHEP, as `https://HOST`; `*` for all.
    pub whep_origins: Vec<String>,
}

/// How the page is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP.
    Off,
    /// A certificate made at first start and kept in the state folder.
    SelfSigned,
    /// The user's own PEM files, read again when they change.
    Files {
        /// The chain, the server's own certificate first.
        certificate: PathBuf,
        /// The key.
        private_key: PathBuf,
    },
}

/// `[access]`: who may watch without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// `open = true`: whoever reaches the address.
    Open,
    /// Who has the token that is made at first start and kept in the state folder.
    Token,
    /// `password` or `password_file`.
    Password(Secret),
    /// `sources = []`: nobody; accounts and invitations alone let in.
    Named,
}

/// A text that is never shown: `Debug` prints stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }
    /// The text itself, for comparing; never for logging.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `[network]`: how media travels.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// `addresses`: the only local addresses used for media. Empty: every address but loopback.
    pub addresses: Vec<IpAddr>,
    /// `port`: the UDP port of all viewers' media; read at start alone. `None`: the number of the page's
    /// port where it is free.
    pub port: Option<u16>,
    /// `advertise`: other addresses of this machine, as viewers see it.
    pub advertise: Vec<Advertised>,
    /// `tcp`: whether media may go over the page's port where UDP cannot pass.
    pub tcp: bool,
    /// `srtp`: who encrypts what is sent to the viewers; read at start alone.
    pub srtp: Srtp,
    /// `[[network.ice_server]]`: STUN and TURN, for the page and for the daemon.
    pub ice_servers: Vec<IceServer>,
}

/// `[[network.ice_server]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `urls`: `stun:`, `turn:` or `turns:` (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// How to log in to a TURN server.
    pub login: Login,
}

/// How to log in to a TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// There is no TURN server among the URLs.
    None,
    /// `username` and `credential`: the same for everybody.
    Fixed {
        /// The name.
        username: String,
        /// The password.
        credential: Secret,
    },
    /// `secret` or `secret_file`: a login of each viewer's own is made, and expires
    /// (draft-uberti-behave-turn-rest-00).
    Made {
        /// What the daemon and the TURN server both know.
        secret: Secret,
        /// `lifetime_s`: how long a login is good for.
        lifetime: Duration,
    },
}

/// `network.srtp`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Srtp {
    /// The daemon itself, which costs least.
    Vitrina,
    /// GStreamer's element, by libsrtp.
    Gstreamer,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `viewers`: how many at once.
    pub viewers: usize,
    /// `viewers_per_source`: how many of them may watch one source.
    pub viewers_per_source: usize,
    /// `viewers_per_account`: how many of them one account, or one invitation, may be.
    pub viewers_per_account: usize,
    /// `connections`: open TCP connections at once, in all.
    pub connections: usize,
    /// `connections_per_address`
    pub connections_per_address: usize,
}

/// `[video]`: how pictures are encoded where a source does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// `encoders`: element names of H.264 encoders in the order in which they are tried.
    pub encoders: Vec<String>,
    /// `bitrate_kbps`; `None`: chosen by size and frame rate.
    pub bitrate: Option<Bitrate>,
    /// `keyframe_interval_s`: at least one keyframe in so much time.
    pub keyframe_interval: Duration,
    /// `grace_s`: how long capture and encoders run on after the last viewer has left.
    pub grace: Duration,
}

/// `[audio]`: how sound is encoded where a source does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioEncoding {
    /// `bitrate_kbps`
    pub bitrate: Bitrate,
}

/// `[privacy]`: what the person at the machine is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// `notify`: whether the desktop says so when somebody begins to watch.
    pub notify: bool,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `level`: a `tracing` filter: `info`, `debug`, `vitrina=debug,warn`.
    pub level: String,
    /// `format`
    pub format: LogFormat,
    /// `audit_file`: who came and went, as JSON lines; `None`: in the log alone.
    pub audit_file: Option<PathBuf>,
    /// `audit_addresses`: how much of their addresses is told.
    pub audit_addresses: AddressForm,
}

/// `[metrics]`: where Prometheus finds what is counted. Read at start alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// `listen`: plain HTTP.
    pub listen: SocketAddr,
    /// `token` or `token_file`: what whoever reads them has to show; `None`: nothing, on loopback.
    pub token: Option<Secret>,
}

/// Where and how log lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text; with systemd's priorities where it has connected standard error to the journal.
    Auto,
    /// Lines for people, on standard error.
    Text,
    /// One JSON object a line, on standard error.
    Json,
    /// The journal's own protocol: each field of an event by itself.
    Journald,
}

/// One `[[source]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// `name`, unique.
    pub name: SourceName,
    /// `title`; default: the name with a capital letter.
    pub title: String,
    /// `bitrate_kbps` of its picture; `None`: `[video]`.
    pub bitrate: Option<Bitrate>,
    /// `[[source.rendition]]`: the ladder of its picture; empty: the default one of its kind.
    pub renditions: Vec<Step>,
    /// `kind` and its keys.
    pub kind: SourceKind,
}

/// What a source captures.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// `kind = "screen"`
    Screen(Screen),
    /// `kind = "camera"`
    Camera(Camera),
    /// `kind = "audio"`
    Audio(Audio),
    /// `kind = "test"`
    Test(Test),
    /// `kind = "uri"`
    Uri(Uri),
    /// `kind = "launch"`
    Launch(Launch),
}

/// A display, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// `display`: the X display (`:0`); `None`: that of the environment.
    pub display: Option<String>,
    /// `monitor`, `window` or `region`.
    pub area: ScreenArea,
    /// `cursor`; default true.
    pub cursor: bool,
    /// `framerate`; default 30.
    pub framerate: FrameRate,
}

/// What part of the display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScreenArea {
    /// All of it.
    Whole,
    /// `monitor = 1`: the monitor of that number, from 1, the primary first then left to right.
    MonitorNumber(u32),
    /// `monitor = "HDMI-1"`: the monitor on that output.
    MonitorOutput(String),
    /// `window = 0x3a00007`: the window with that X id.
    WindowId(u32),
    /// `window = "Presentation"`: the first window whose title holds that text.
    WindowTitle(String),
    /// `region = { x, y, width, height }` in pixels.
    Region {
        /// Pixels from the left edge.
        x: u32,
        /// Pixels from the top edge.
        y: u32,
        /// Its size.
        size: Size,
    },
}

/// A V4L2 camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Camera {
    /// `device`: a path (`/dev/video0`, `/dev/v4l/by-id/...`) or a card name; `None`: the first one.
    pub device: Option<String>,
    /// `size`: wanted; the nearest that the camera has is taken. Default 1280x720.
    pub size: Size,
    /// `framerate`: wanted. Default 30.
    pub framerate: FrameRate,
}

/// A sound input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// `system`
    pub system: AudioSystem,
    /// `device`: the system's name for it; `None`: its default.
    pub device: Option<String>,
    /// `monitor = true`: what the machine itself plays, instead of a microphone.
    pub monitor: bool,
}

/// The sound system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioSystem {
    /// PulseAudio, or PipeWire in its place.
    Pulse,
    /// ALSA itself.
    Alsa,
}

/// A moving test picture with a clock, and a tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// `pattern`: a pattern of videotestsrc; default `smpte`.
    pub pattern: String,
    /// `size`; default 1280x720.
    pub size: Size,
    /// `framerate`; default 30.
    pub framerate: FrameRate,
    /// `tone_hz`: the tone's pitch; `None` (with `tone = false`): no sound. Default 440.
    pub tone_hz: Option<u32>,
}

/// Anything that GStreamer plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// `uri`
    pub uri: String,
    /// `media`: `["video"]`, `["audio"]` or both; default video.
    pub media: Vec<MediaKind>,
    /// `latency_ms`: how long packets of a network source wait for late ones; default 100.
    pub latency: Duration,
}

/// A launch file of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// `file`: its name in the pipelines folder, with `.launch`.
    pub file: String,
    /// `media`: which of the elements `video` and `audio` it has; default video.
    pub media: Vec<MediaKind>,
}

impl Source {
    /// The kind's name, as in the config and on the wire.
    #[must_use]
    pub fn kind_name(&self) -> SourceKindName {
        match self.kind {
            SourceKind::Screen(_) => SourceKindName::Screen,
            SourceKind::Camera(_) => SourceKindName::Camera,
            SourceKind::Audio(_) => SourceKindName::Audio,
            SourceKind::Test(_) => SourceKindName::Test,
            SourceKind::Uri(_) => SourceKindName::Uri,
            SourceKind::Launch(_) => SourceKindName::Launch,
        }
    }

    /// What it carries, picture first.
    #[must_use]
    pub fn media(&self) -> Vec<MediaKind> {
        match &self.kind {
            SourceKind::Screen(_) | SourceKind::Camera(_) => vec![MediaKind::Video],
            SourceKind::Audio(_) => vec![MediaKind::Audio],
            SourceKind::Test(test) => match test.tone_hz {
                Some(_) => vec![MediaKind::Video, MediaKind::Audio],
                None => vec![MediaKind::Video],
            },
            SourceKind::Uri(uri) => uri.media.clone(),
            SourceKind::Launch(launch) => launch.media.clone(),
        }
    }
}
