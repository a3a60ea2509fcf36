//! From a file's text to a valid [`Config`], or to every mistake in it.
//!
//! Owns the tables that are not sources and what they ask of each other. Only [`Config::load`]
//! and its kin touch files; [`Config::parse`] is a function of its arguments.

use super::environment::Environment;
use super::keys;
use super::mistake::{ConfigErrors, Mistake};
use super::reader::{Report, Section};
use super::{
    Access, AudioEncoding, Config, H264_ENCODERS, Limits, Log, LogFormat, Network, Privacy, Server, Srtp,
    Tls, Video, accounts, ice_server, metrics, room, sources, values,
};
use crate::core::audit::AddressForm;
use crate::core::principal::Rights;
use crate::core::units::Bitrate;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::{DeTable, Error as TomlError};

/// The largest file that is read, in bytes. The reference with all its comments is a thirtieth; one
/// slip a line in so much text still takes a second or two.
const LARGEST_FILE: u64 = 256 * 1024;

/// How many mistakes are told of a text that is not TOML: one slip brings others after it.
const MOST_SYNTAX_MISTAKES: usize = 5;

/// How many entries `addresses` may have: more is a mistake, and each costs a socket for every viewer.
const MOST_ADDRESSES: usize = 64;
/// Each is a candidate for every viewer.
const MOST_ADVERTISED: usize = 8;

/// Where the system's configuration is.
pub const SYSTEM_CONFIG: &str = "/etc/vitrina/vitrina.toml";

impl Config {
    /// Reads a file, in the surroundings of this process.
    ///
    /// # Errors
    /// Every mistake in it, or that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::load_in(path, &Environment::of_process())
    }

    /// Reads the file that is named, otherwise the first of the user's own and the system's that
    /// is there, otherwise takes the defaults.
    ///
    /// The current folder is not looked into: a daemon that is started in a folder of somebody
    /// else's must not show the screen as that folder says.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_or_default(path: Option<&Path>) -> Result<Self, ConfigErrors> {
        Self::load_or_default_in(path, &Environment::of_process())
    }

    /// As [`Config::load_or_default`], in other surroundings.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_or_default_in(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigErrors> {
        let found = path.map(Path::to_owned).or_else(|| find(environment));
        match found {
            Some(path) => Self::load_in(&path, environment),
            None => Self::parse("", None, environment),
        }
    }

    /// The state folder of the configuration that [`Config::load_or_default_in`] takes, whatever else
    /// is wrong with that: a running daemon is found by it. `None` where nothing says one.
    #[must_use]
    pub fn state_dir_of(path: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
        let found = path.map(Path::to_owned).or_else(|| find(environment));
        let text = found.as_deref().and_then(|path| read(path).ok()).unwrap_or_default();
        let (document, _slips) = DeTable::parse_recoverable(&text);
        let report = Report::new(&text);
        let root = Section::root(&report, document.get_ref());
        let paths = Paths { folder: found.as_deref().and_then(Path::parent), environment };
        Some(state_dir(&root, &paths)).filter(|folder| !folder.as_os_str().is_empty())
    }

    fn load_in(path: &Path, environment: &Environment) -> Result<Self, ConfigErrors> {
        let text = read(path).map_err(|got| {
            let message = format!("expected a file that can be read; got: {got}");
            ConfigErrors::new(path, vec![Mistake { line: 0, key: String::new(), message }])
        })?;
        Self::parse(&text, Some(path), environment)
    }

    /// Reads a text. `file` is where it stands: relative paths in it begin at its folder. `None`
    /// for a text without a file.
    ///
    /// # Errors
    /// Every mistake in it. Those of values are told once it is TOML.
    pub fn parse(text: &str, file: Option<&Path>, environment: &Environment) -> Result<Self, ConfigErrors> {
        let errors = |mistakes| ConfigErrors::new(file.unwrap_or(Path::new("(defaults)")), mistakes);
        let report = Report::new(text);
        let (document, slips) = DeTable::parse_recoverable(text);
        if !slips.is_empty() {
            return Err(errors(syntax_mistakes(text, &report, &slips)));
        }
        let folder = file.and_then(Path::parent);
        let root = Section::root(&report, document.get_ref());
        let paths = Paths { folder, environment };
        let config = assemble(&root, file, &paths);
        let mistakes = report.into_mistakes();
        if mistakes.is_empty() { Ok(config) } else { Err(errors(mistakes)) }
    }
}

/// The configuration file that is used when none is named: the user's, then the system's.
#[must_use]
pub fn find(environment: &Environment) -> Option<PathBuf> {
    let places = [environment.user_config(), Some(PathBuf::from(SYSTEM_CONFIG))];
    // What is there and cannot be read is used too, and refused: passing over it would run the
    // daemon otherwise than its owner said.
    places.into_iter().flatten().find(|path| path.symlink_metadata().is_ok())
}

fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let read = file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if read as u64 > LARGEST_FILE { Err(format!("more than {LARGEST_FILE} bytes")) } else { Ok(text) }
}

/// What the TOML parser says: the first slip of each line, and of those the first few.
pub(super) fn syntax_mistakes(text: &str, report: &Report, slips: &[TomlError]) -> Vec<Mistake> {
    let mut mistakes: Vec<Mistake> = slips
        .iter()
        .map(|slip| {
            let start = slip.span().map_or(0, |span| span.start).min(text.len());
            let message = format!("not TOML: {}", slip.message());
            Mistake { line: report.line(start), key: String::new(), message }
        })
        .collect();
    mistakes.sort_by_key(|mistake| mistake.line);
    mistakes.dedup_by_key(|mistake| mistake.line);
    mistakes.truncate(MOST_SYNTAX_MISTAKES);
    mistakes
}

/// How a path in the file is understood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paths<'e> {
    folder: Option<&'e Path>,
    environment: &'e Environment,
}

impl Paths<'_> {
    /// `~/` is the home folder; what is relative begins at the file's folder.
    pub(super) fn resolve(&self, path: PathBuf) -> PathBuf {
        if let (Ok(rest), Some(home)) = (path.strip_prefix("~"), &self.environment.home) {
            return home.join(rest);
        }
        match self.folder {
            Some(folder) => folder.join(path),
            None => path,
        }
    }

    /// Reads a file that the configuration names; the words say why not.
    pub(super) fn read(&self, path: &Path) -> Result<String, String> {
        (self.environment.read_file)(path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn assemble(root: &Section<'_>, file: Option<&Path>, paths: &Paths<'_>) -> Config {
    let access_section = root.table("access", &keys::ACCESS);
    let plain_http = access_section.get("plain_http", values::boolean).unwrap_or(false);
    let sources = sources::read(root);
    let shared_sources = accounts::rights(&access_section, &sources);
    let access = access(&access_section, &shared_sources, paths);
    Config {
        file: file.map(Path::to_owned),
        state_dir: state_dir(root, paths),
        pipelines_dir: file.map(|file| file.parent().unwrap_or(Path::new("")).join("pipelines")),
        server: server(&root.table("server", &keys::SERVER), plain_http, paths),
        access,
        shared_sources,
        accounts: accounts::read(root, &sources),
        network: network(&root.table("network", &keys::NETWORK), paths),
        limits: limits(&root.table("limits", &keys::LIMITS)),
        video: video(&root.table("video", &keys::VIDEO)),
        audio: audio(&root.table("audio", &keys::AUDIO)),
        privacy: privacy(&root.table("privacy", &keys::PRIVACY)),
        log: log(&root.table("log", &keys::LOG), paths),
        metrics: metrics::read(root, paths),
        room: room::read(root),
        sources,
    }
}

fn state_dir(root: &Section<'_>, paths: &Paths<'_>) -> PathBuf {
    if root.has("state_dir") {
        return root.get("state_dir", values::path).map(|path| paths.resolve(path)).unwrap_or_default();
    }
    paths.environment.default_state_dir().unwrap_or_else(|| {
        let expected = "a folder, as neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME says one";
        root.wrong("state_dir", expected, "nothing");
        PathBuf::new()
    })
}

fn server(section: &Section<'_>, plain_http: bool, paths: &Paths<'_>) -> Server {
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443));
    let listen = section.get("listen", values::socket_address);
    let tls = section.get("tls", values::boolean).unwrap_or(true);
    // A wrong address is told of; it need not also be said that it is not loopback.
    let is_loopback = section.has("listen") && listen.is_none_or(|address| address.ip().is_loopback());
    if !tls && !is_loopback && !plain_http {
        let address = listen.unwrap_or(any);
        let expected = format!(
            "true, because {address} can be reached from the network and what is sent there could be \
             read on the way (listen on 127.0.0.1, or set access.plain_http = true where something in \
             front of vitrina encrypts)"
        );
        section.wrong("tls", &expected, "false");
    }
    Server {
        listen: listen.unwrap_or(any),
        tls: certificate(section, tls, paths),
        title: section
            .get("title", values::text("a title", 80))
            .or_else(|| paths.environment.hostname.clone()),
        public_url: section.get("public_url", values::public_url),
        whep_origins: section.list("whep_origins", "origins", values::web_origin).unwrap_or_default(),
    }
}

fn certificate(section: &Section<'_>, tls: bool, paths: &Paths<'_>) -> Tls {
    let certificate = pem(section, "certificate", "CERTIFICATE", paths);
    let private_key = pem(section, "private_key", "PRIVATE KEY", paths);
    for (key, other) in [("certificate", "private_key"), ("private_key", "certificate")] {
        if section.has(key) && !tls {
            section.wrong(key, "no such file where tls = false", "one");
        } else if section.has(key) && !section.has(other) {
            section.wrong(other, &format!("a file beside {key}"), "nothing");
        }
    }
    match (tls, certificate, private_key) {
        (false, ..) => Tls::Off,
        (true, Some(certificate), Some(private_key)) => Tls::Files { certificate, private_key },
        (true, ..) => Tls::SelfSigned,
    }
}

/// A path to a PEM file, which is looked into: `vitrina check` finds what `run` would stumble on.
fn pem(section: &Section<'_>, key: &str, label: &str, paths: &Paths<'_>) -> Option<PathBuf> {
    let path = paths.resolve(section.get(key, values::path)?);
    let got = match paths.read(&path) {
        Ok(text) if text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(label)) => {
            return Some(path);
        }
        Ok(_) => format!("{} without one", path.display()),
        Err(got) => got,
    };
    section.wrong(key, &format!("a PEM file with a line \"-----BEGIN ... {label}-----\""), &got);
    None
}

fn access(section: &Section<'_>, shared: &Rights, paths: &Paths<'_>) -> Access {
    let open = section.get("open", values::boolean).unwrap_or(false);
    let password = section.get_secret("password", values::password);
    let from_file = section.get("password_file", values::path).and_then(|path| {
        let path = paths.resolve(path);
        let expected = "a file with a password of 8 characters or more on its only line";
        match paths.read(&path).map(|text| values::strong_enough(&text)) {
            Ok(Some(password)) => return Some(password),
            Ok(None) => section.wrong("password_file", expected, "another"),
            Err(got) => section.wrong("password_file", expected, &got),
        }
        None
    });
    if section.has("password") && section.has("password_file") {
        section.wrong("password_file", "one of password and password_file", "both");
    }
    for key in ["password", "password_file"] {
        if open && section.has(key) {
            section.wrong(key, "no password where open = true", "one");
        }
    }
    let nothing = matches!(shared, Rights::Only(names) if names.is_empty());
    for key in ["open", "password", "password_file"] {
        if nothing && section.has(key) && (key != "open" || open) {
            section.wrong("sources", &format!("one source or more beside {key}"), "an empty array");
        }
    }
    match (open, password.or(from_file)) {
        (true, _) => Access::Open,
        (false, Some(password)) => Access::Password(password),
        (false, None) if nothing => Access::Named,
        (false, None) => Access::Token,
    }
}

fn network(section: &Section<'_>, paths: &Paths<'_>) -> Network {
    let addresses = section.list("addresses", "IP addresses", values::local_address).unwrap_or_default();
    if addresses.len() > MOST_ADDRESSES {
        let got = addresses.len().to_string();
        section.wrong("addresses", &format!("at most {MOST_ADDRESSES} addresses"), &got);
    }
    if let Some(twice) = repeated(&addresses) {
        section.wrong("addresses", "each address once", &format!("{twice} twice"));
    }
    let advertise = section.list("advertise", "addresses", values::advertised).unwrap_or_default();
    if advertise.len() > MOST_ADVERTISED {
        let got = advertise.len().to_string();
        section.wrong("advertise", &format!("at most {MOST_ADVERTISED} addresses"), &got);
    }
    let encryptions = values::word(&[("vitrina", Srtp::Vitrina), ("gstreamer", Srtp::Gstreamer)]);
    Network {
        addresses,
        port: section.get("port", values::port),
        advertise,
        tcp: section.get("tcp", values::boolean).unwrap_or(true),
        srtp: section.get("srtp", encryptions).unwrap_or(Srtp::Vitrina),
        ice_servers: ice_server::read(section, paths),
    }
}

fn limits(section: &Section<'_>) -> Limits {
    let connections = section.get("connections", values::count(1..=65_536)).unwrap_or(512);
    let per_address = section.get("connections_per_address", values::count(1..=65_536));
    if let Some(got) = per_address.filter(|got| *got > connections) {
        let expected = format!("at most {connections}, the connections in all");
        section.wrong("connections_per_address", &expected, &got.to_string());
    }
    let viewers = section.get("viewers", values::count(1..=1000)).unwrap_or(50);
    let per = |key| section.get(key, values::count(1..=1000));
    Limits {
        viewers,
        viewers_per_source: per("viewers_per_source").unwrap_or(viewers),
        viewers_per_account: per("viewers_per_account").unwrap_or(10),
        connections,
        connections_per_address: per_address.unwrap_or(64.min(connections)),
    }
}

fn video(section: &Section<'_>) -> Video {
    let encoders = section.list("encoders", "encoders, in the order to try", values::encoder);
    if encoders.as_ref().is_some_and(Vec::is_empty) {
        section.wrong("encoders", "one encoder or more", "none");
    }
    if let Some(twice) = encoders.as_deref().and_then(repeated) {
        section.wrong("encoders", "each encoder once", &format!("{twice} twice"));
    }
    Video {
        encoders: encoders.unwrap_or_else(|| H264_ENCODERS.map(str::to_owned).to_vec()),
        bitrate: section.get("bitrate_kbps", values::video_bitrate),
        keyframe_interval: section
            .get("keyframe_interval_s", values::seconds(0.5..=300.0))
            .unwrap_or(Duration::from_secs(10)),
        grace: section.get("grace_s", values::seconds(0.0..=3600.0)).unwrap_or(Duration::from_secs(5)),
    }
}

/// Opus takes 6 to 510 kbit/s (RFC 6716 section 2.1.1).
fn audio(section: &Section<'_>) -> AudioEncoding {
    let bitrate = section.get("bitrate_kbps", values::bitrate(6..=510));
    AudioEncoding { bitrate: bitrate.unwrap_or(Bitrate::from_kbps(96)) }
}

fn privacy(section: &Section<'_>) -> Privacy {
    Privacy { notify: section.get("notify", values::boolean).unwrap_or(true) }
}

fn log(section: &Section<'_>, paths: &Paths<'_>) -> Log {
    let forms = [("none", AddressForm::None), ("short", AddressForm::Short), ("full", AddressForm::Full)];
    let formats = values::word(&[
        ("auto", LogFormat::Auto),
        ("text", LogFormat::Text),
        ("json", LogFormat::Json),
        ("journald", LogFormat::Journald),
    ]);
    Log {
        level: section.get("level", values::log_filter).unwrap_or_else(|| "info".to_owned()),
        format: section.get("format", formats).unwrap_or(LogFormat::Auto),
        audit_file: section.get("audit_file", values::path).map(|path| paths.resolve(path)),
        audit_addresses: section.get("audit_addresses", values::word(&forms)).unwrap_or(AddressForm::Short),
    }
}

/// The first value that stands twice.
pub(super) fn repeated<T: PartialEq>(values: &[T]) -> Option<&T> {
    values
        .iter()
        .enumerate()
        .find(|(index, value)| values.iter().take(*index).any(|before| before == *value))
        .map(|(_, value)| value)
}
