//! The configuration through its public functions: exact messages, what is taken, and that no text
//! whatever makes the reader panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vitrina::config::{Access, Config, ConfigErrors, Environment, ScreenArea, SourceKind, Tls};
use vitrina::core::protocol::MediaKind;

const REFERENCE: &str = include_str!("../config/vitrina.toml");

/// A machine with a home, a name and the files that the tests name.
fn environment() -> Environment {
    Environment {
        home: Some("/home/ana".into()),
        hostname: Some("workshop".into()),
        read_file: |path| match path.file_name().and_then(|name| name.to_str()) {
            Some("fullchain.pem") => Ok("-----BEGIN CERTIFICATE-----\n".into()),
            Some("privkey.pem") => Ok("-----BEGIN EC PRIVATE KEY-----\n".into()),
            Some("password") => Ok("correct horse\n".into()),
            Some("short") => Ok("horse\n".into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
        ..Environment::empty()
    }
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, Some(Path::new("/etc/vitrina/v.toml")), &environment())
}

fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// The mistakes of a text, each without the file's name.
fn mistakes(text: &str) -> Vec<String> {
    let errors = parse(text).expect_err(text).to_string();
    errors.lines().map(|line| line.strip_prefix("/etc/vitrina/v.toml:").unwrap().to_owned()).collect()
}

fn source(keys: &str) -> String {
    format!("[[source]]\nname = \"a\"\n{keys}\n")
}

#[test]
fn each_mistake_is_told_with_line_key_and_what_was_expected() {
    for (text, expected) in [
        ("state_dir = \"\"", "1: state_dir: expected a path; got \"\""),
        (
            "server.certificate = \"a\\nb.pem\"\nserver.private_key = \"privkey.pem\"",
            "1: server.certificate: expected a path; got \"a\\nb.pem\"",
        ),
        (
            "[server]\nlisten = \":8443\"",
            "2: server.listen: expected an IP address and a port, \"0.0.0.0:8443\" or \"[::1]:8443\"; got \":8443\"",
        ),
        (
            "[server]\nlisten = 8443",
            "2: server.listen: expected an IP address and a port, \"0.0.0.0:8443\" or \"[::1]:8443\"; got 8443",
        ),
        ("[server]\ntls = 1", "2: server.tls: expected true or false; got 1"),
        (
            "[server]\n\ntls = false",
            "3: server.tls: expected true, because 0.0.0.0:8443 can be reached from the network and what is \
             sent there could be read on the way (listen on 127.0.0.1, or set access.plain_http = true where \
             something in front of vitrina encrypts); got false",
        ),
        (
            "[server]\ncertificate = \"fullchain.pem\"",
            "1: server.private_key: expected a file beside certificate; got nothing",
        ),
        (
            "[server]\ncertificate = \"password\"\nprivate_key = \"privkey.pem\"",
            "2: server.certificate: expected a PEM file with a line \"-----BEGIN ... CERTIFICATE-----\"; \
             got /etc/vitrina/password without one",
        ),
        (
            "[server]\ncertificate = \"fullchain.pem\"\nprivate_key = \"gone.pem\"",
            "3: server.private_key: expected a PEM file with a line \"-----BEGIN ... PRIVATE KEY-----\"; \
             got /etc/vitrina/gone.pem: entity not found",
        ),
        (
            "[server]\ntitle = \"a\\nb\"",
            "2: server.title: expected a title: 1 to 80 characters on one line; got \"a\\nb\"",
        ),
        (
            "[server]\nwhep_origins = [\"www.example.org\"]",
            "2: server.whep_origins[1]: expected an origin, \"https://www.example.org\", or \"*\"; \
             got \"www.example.org\"",
        ),
        (
            "[server]\npublic_url = \"cam.example.org\"",
            "2: server.public_url: expected a URL without query and fragment, \"https://cam.example.org\"; \
             got \"cam.example.org\"",
        ),
        (
            "[access]\npassword = \"horse\"",
            "2: access.password: expected a password of 8 characters or more; got a text of 5 characters",
        ),
        (
            "[access]\npassword_file = \"short\"",
            "2: access.password_file: expected a file with a password of 8 characters or more on its only \
             line; got another",
        ),
        (
            "[access]\npassword = \"correct horse\"\npassword_file = \"password\"",
            "3: access.password_file: expected one of password and password_file; got both",
        ),
        (
            "[access]\nopen = true\npassword = \"correct horse\"",
            "3: access.password: expected no password where open = true; got one",
        ),
        (
            "[network]\naddresses = [\n  \"10.0.0.1\",\n  \"localhost\",\n]",
            "4: network.addresses[2]: expected an IP address of this machine, \"192.168.1.20\"; got \"localhost\"",
        ),
        (
            "[network]\naddresses = [\"10.0.0.1\", \"10.0.0.1\"]",
            "2: network.addresses: expected each address once; got 10.0.0.1 twice",
        ),
        ("[network]\nport = 70000", "2: network.port: expected a whole number from 1 to 65535; got 70000"),
        (
            "[network]\nadvertise = [\"home.example.org\"]",
            "2: network.advertise[1]: expected an IP address, or one and a port, \"203.0.113.7\" or \
             \"203.0.113.7:8443\"; got \"home.example.org\"",
        ),
        (
            "[[network.ice_server]]\nurls = [\"stun://a\"]",
            "2: network.ice_server[1].urls[1]: expected \"stun:HOST:PORT\", \"turn:HOST:PORT\" or \
             \"turns:HOST:PORT\", without slashes; got \"stun://a\"",
        ),
        (
            "[[network.ice_server]]\nurls = [\"turn:a\"]\nusername = \"b\"",
            "1: network.ice_server[1].credential: expected one, as a TURN server asks for it; got nothing",
        ),
        (
            "[[network.ice_server]]\nurls = [\"turn:a\"]",
            "1: network.ice_server[1]: expected username and credential, or secret or secret_file, as a TURN \
             server asks for a login; got none of them",
        ),
        (
            "[[network.ice_server]]\nurls = [\"turn:a\"]\nusername = \"b\"\nsecret = \"c\"",
            "4: network.ice_server[1].secret: expected one login: username and credential, or secret, or \
             secret_file; got username, secret",
        ),
        (
            "[[network.ice_server]]\nurls = [\"turn:a\"]\nsecret = 7",
            "3: network.ice_server[1].secret: expected a secret: 1 to 512 characters on one line; got an integer",
        ),
        (
            "[[network.ice_server]]\nurls = [\"turn:a\"]\nsecret_file = \"nowhere\"",
            "3: network.ice_server[1].secret_file: expected a file with the secret on its only line; \
             got /etc/vitrina/nowhere: entity not found",
        ),
        (
            "[[network.ice_server]]\nurls = [\"turn:a\"]\nsecret = \"c\"\nlifetime_s = 1",
            "4: network.ice_server[1].lifetime_s: expected a number of seconds from 5 to 2592000; got 1",
        ),
        (
            "[[network.ice_server]]\nurls = [\"turn:a\"]\nusername = \"b\"\ncredential = \"c\"\nlifetime_s = 60",
            "5: network.ice_server[1].lifetime_s: expected it beside a secret alone: this login does not \
             expire; got one",
        ),
        (
            "[[network.ice_server]]\nurls = [\"stun:a\"]\nsecret = \"c\"",
            "3: network.ice_server[1].secret: expected none, as no URL here is of a TURN server; got one",
        ),
        (
            "[network]\nice_server = 1",
            "2: network.ice_server: expected tables, each with [[network.ice_server]] above it; got 1",
        ),
        ("[limits]\nviewers = 0", "2: limits.viewers: expected a whole number from 1 to 1000; got 0"),
        (
            "[limits]\nconnections = 10\nconnections_per_address = 11",
            "3: limits.connections_per_address: expected at most 10, the connections in all; got 11",
        ),
        (
            "[video]\nbitrate_kbps = 2.5",
            "2: video.bitrate_kbps: expected a whole number of kbit/s from 50 to 100000; got 2.5",
        ),
        (
            "[video]\nencoders = [\"x246enc\"]",
            "2: video.encoders[1]: expected an H.264 encoder: vah264enc, nvh264enc, qsvh264enc, v4l2h264enc, \
             x264enc or openh264enc; got \"x246enc\"; did you mean \"x264enc\"?",
        ),
        ("[video]\nencoders = []", "2: video.encoders: expected one encoder or more; got none"),
        ("[video]\ngrace_s = -1", "2: video.grace_s: expected a number of seconds from 0 to 3600; got -1"),
        (
            "[audio]\nbitrate_kbps = 5",
            "2: audio.bitrate_kbps: expected a whole number of kbit/s from 6 to 510; got 5",
        ),
        (
            "[log]\nlevel = \"inof\"",
            "2: log.level: expected off, error, warn, info, debug or trace, or such for a part: \
             \"vitrina=debug,warn\"; got \"inof\"",
        ),
        (
            "[log]\nformat = \"jsn\"",
            "2: log.format: expected \"auto\", \"text\", \"json\" or \"journald\"; got \"jsn\"; \
             did you mean \"json\"?",
        ),
        ("log = []", "1: log: expected a table, [log]; got an empty array"),
        (
            "[server]\nlisen = 1",
            "2: server.lisen: expected a key of [server]: listen, tls, certificate, private_key, title, \
             public_url or whep_origins; did you mean listen?",
        ),
        (
            "[server]\nopen = true",
            "2: server.open: expected a key of [server]: listen, tls, certificate, private_key, title, \
             public_url or whep_origins; did you mean access.open?",
        ),
        ("[audio]\n\"\\n\" = 1", "2: audio.\"\\n\": expected a key of [audio]: bitrate_kbps"),
        (
            "[metrics]\nlisten = \"0.0.0.0:9464\"",
            "1: metrics.token: expected one or token_file, because 0.0.0.0:9464 can be reached from the network; got nothing",
        ),
        (
            "[metrics]\ntoken = \"0123456789abcdef\"",
            "1: metrics.listen: expected an address beside the token; got nothing",
        ),
        (
            "[metrics]\nlisten = \"127.0.0.1:1\"\ntoken = \"short\"",
            "3: metrics.token: expected a token of 16 to 256 visible ASCII characters; got a text of 5 characters",
        ),
        (
            "[metrics]\nlisten = \"127.0.0.1:1\"\ntoken_file = \"password\"",
            "3: metrics.token_file: expected a file with a token of 16 to 256 visible ASCII characters on its only line; \
             got another",
        ),
        ("[room]\ntitle = \"\"", "2: room.title: expected a title: 1 to 80 characters on one line; got \"\""),
        (
            "[room]\nnames = [\"garden\", \"garden\"]",
            "2: room.names: expected each name once; got garden twice",
        ),
        (
            "[room]\nnames = [\"main\"]",
            "2: room.names: expected names of further rooms; got \"main\", which is always there",
        ),
        (
            "[room]\ntalk = \"nobody\"",
            "2: room.talk: expected \"everybody\" or \"participants\"; got \"nobody\"",
        ),
        ("[room]\npeople = 1", "2: room.people: expected a whole number from 2 to 200; got 1"),
        ("[room]\npeople = 4\ncalls = 5", "3: room.calls: expected at most 4, the people in a room; got 5"),
        ("[room]\nhistory = 5001", "2: room.history: expected a whole number from 0 to 5000; got 5001"),
        (
            "[room]\nfiles = 1",
            "2: room.files: expected a key of [room]: title, names, talk, people, calls, history, history_file or files_mib",
        ),
        (
            "[sever]",
            "1: sever: expected a key of the top of the file: state_dir, server, access, account, network, \
             limits, video, audio, privacy, log, metrics, room or source; did you mean server?",
        ),
    ] {
        assert_eq!(mistakes(text), [expected], "{text}");
    }
}

#[test]
fn each_mistake_of_a_source_is_told() {
    for (keys, expected) in [
        (
            "kind = \"Camra\"",
            "3: source[1].kind: expected \"screen\", \"camera\", \"audio\", \"test\", \"uri\" or \"launch\"; \
             got \"Camra\"; did you mean \"camera\"?",
        ),
        (
            "",
            "1: source[1].kind: expected \"screen\", \"camera\", \"audio\", \"test\", \"uri\" or \"launch\"; \
             got nothing",
        ),
        (
            "kind = \"screen\"\ndevice = \"/dev/video0\"",
            "4: source[1].device: expected a key of a source of kind \"screen\": name, title, kind, \
             bitrate_kbps, rendition, display, monitor, window, region, cursor or framerate; device belongs to kind \
             \"camera\" or \"audio\"",
        ),
        (
            "kind = \"camera\"\nframrate = 5",
            "4: source[1].framrate: expected a key of a source of kind \"camera\": name, title, kind, \
             bitrate_kbps, rendition, device, size or framerate; did you mean framerate?",
        ),
        (
            "kind = \"camera\"\nsize = \"1280 x 10\"",
            "4: source[1].size: expected a size in pixels, \"1280x720\", each side from 16 to 8192; \
             got \"1280 x 10\"",
        ),
        (
            "kind = \"camera\"\nframerate = \"30/0\"",
            "4: source[1].framerate: expected frames a second from 1 to 240: a whole number or a fraction, \
             \"30000/1001\"; got \"30/0\"",
        ),
        (
            "kind = \"screen\"\ndisplay = \"0\"",
            "4: source[1].display: expected an X display, \":0\"; got \"0\"",
        ),
        (
            "kind = \"screen\"\nmonitor = 0",
            "4: source[1].monitor: expected a monitor's number from 1 to 64, or the name of its output, \
             \"HDMI-1\"; got 0",
        ),
        (
            "kind = \"screen\"\nwindow = -7",
            "4: source[1].window: expected a window's X id, 0x3a00007, or a text that its title holds; got -7",
        ),
        (
            "kind = \"screen\"\nwindow = 7\nmonitor = 1",
            "4: source[1].window: expected only one of monitor, window and region; got window beside monitor \
             (line 5)",
        ),
        (
            "kind = \"screen\"\nregion = { x = 1, width = 640 }",
            "4: source[1].region.height: expected a whole number of pixels from 16 to 8192; got nothing",
        ),
        (
            "kind = \"screen\"\nregion = { width = 640, hight = 480, height = 480 }",
            "4: source[1].region.hight: expected a key of region: x, y, width or height; did you mean height?",
        ),
        (
            "kind = \"audio\"\nsystem = \"alsa\"\nmonitor = true",
            "5: source[1].monitor: expected false, as ALSA does not give out what it plays \
             (system = \"pulse\" does); got true",
        ),
        (
            "kind = \"audio\"\nbitrate_kbps = 64",
            "4: source[1].bitrate_kbps: expected a key of a source of kind \"audio\": name, title, kind, \
             system, device or monitor; bitrate_kbps belongs to kind \"screen\", \"camera\", \"test\", \"uri\" \
             or \"launch\"",
        ),
        (
            "kind = \"test\"\ntone = false\ntone_hz = 440",
            "5: source[1].tone_hz: expected none where tone = false; got one",
        ),
        (
            "kind = \"audio\"\n[[source.rendition]]\nscale = 0.5",
            "4: source[1].rendition: expected a key of a source of kind \"audio\": name, title, kind, system, \
             device or monitor; rendition belongs to kind \"screen\", \"camera\", \"test\", \"uri\" or \
             \"launch\"",
        ),
        (
            "kind = \"test\"\n[[source.rendition]]\n[[source.rendition]]\nscale = 2",
            "6: source[1].rendition[2].scale: expected a part of each side, from 0.05 to 1; got 2",
        ),
        (
            "kind = \"test\"\n[[source.rendition]]\nsize = \"640x360\"\nscale = 0.5",
            "6: source[1].rendition[1].scale: expected one of size and scale; got both",
        ),
        (
            "kind = \"test\"\n[[source.rendition]]\nrate = 5",
            "5: source[1].rendition[1].rate: expected a key of [[source.rendition]]: size, scale, framerate, \
             bitrate_kbps or codec",
        ),
        (
            "kind = \"test\"\n[[source.rendition]]\ncodec = \"H264\"",
            "4: source[1].rendition: expected a rendition for VP8 too (one without codec is for each); got none",
        ),
        (
            "kind = \"test\"\n[[source.rendition]]\n[[source.rendition]]\ncodec = \"H265\"",
            "6: source[1].rendition[2].codec: expected \"H264\" or \"VP8\"; got \"H265\"",
        ),
        (
            "kind = \"test\"\n[[source.rendition]]\nscale = 0.5\n[[source.rendition]]\nscale = 0.5",
            "6: source[1].rendition[2]: expected another than the ones before; got the same as \
             source[1].rendition[1]",
        ),
        (
            "kind = \"uri\"",
            "1: source[1].uri: expected a URI with its scheme, rtsp://camera.local/stream or file:///srv/film.mp4; got nothing",
        ),
        (
            "kind = \"uri\"\nuri = \"/srv/film.mp4\"",
            "4: source[1].uri: expected a URI with its scheme, rtsp://camera.local/stream or \
             file:///srv/film.mp4; got \"/srv/film.mp4\"; did you mean file:// before the path?",
        ),
        (
            "kind = \"uri\"\nuri = \"rtsp: //me:pass@cam\"",
            "4: source[1].uri: expected a URI with its scheme, rtsp://camera.local/stream or \
             file:///srv/film.mp4; got a text that may hold a password, and is not shown",
        ),
        (
            "kind = \"uri\"\nuri = \"rtsp://cam\"\nmedia = [\"video\", \"video\"]",
            "5: source[1].media: expected [\"video\"], [\"audio\"] or both; got one of them twice",
        ),
        (
            "kind = \"launch\"\nfile = \"../x.launch\"",
            "4: source[1].file: expected the name of a file in the folder pipelines beside this file, ending \
             in .launch; got \"../x.launch\"",
        ),
        (
            "kind = \"launch\"\nfile = \"mixer\"",
            "4: source[1].file: expected the name of a file in the folder pipelines beside this file, ending \
             in .launch; got \"mixer\"; did you mean \"mixer.launch\"?",
        ),
        (
            "kind = \"test\"\n\n[[source]]\nkind = \"test\"\nname = \"a\"",
            "7: source[2].name: expected a name that no other source has; got \"a\", which source[1] has on \
             line 2",
        ),
    ] {
        assert_eq!(mistakes(&source(keys)), [expected], "{keys}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let text = "
[[source]]
kind = \"camera\"
device = 3
siz = \"1x1\"
[server]
listen = 1
tls = \"no\"
[limits]
viewers = \"many\"
";
    let keys: Vec<String> =
        mistakes(text).iter().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        keys,
        [
            "2 source[1].name",
            "4 source[1].device",
            "5 source[1].siz",
            "7 server.listen",
            "8 server.tls",
            "10 limits.viewers"
        ]
    );
}

#[test]
fn a_source_of_no_kind_is_still_searched_for_unknown_keys() {
    let found = mistakes(&source("kind = \"film\"\ndevice = \"x\"\ncolour = 3"));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].starts_with("5: source[1].colour: expected a key of [[source]]: "), "{found:?}");
}

#[test]
fn what_is_not_toml_is_told_with_its_lines() {
    let found = mistakes("[server]\nlisten = 127.0.0.1:8443\n\n[access]\nopen = yes\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("2: not TOML: "), "{found:?}");
    assert!(found[1].starts_with("5: not TOML: "), "{found:?}");
    assert_eq!(mistakes("[log]\nlevel = \"info\"\nlevel = \"warn\"\n"), ["3: not TOML: duplicate key"]);
    assert!(mistakes(&"=\n".repeat(1000)).len() <= 5);
}

#[test]
fn seventeen_sources_are_one_too_many() {
    let sources = |count: usize| {
        (0..count).map(|n| format!("[[source]]\nname = \"s{n}\"\nkind = \"test\"\n")).collect::<String>()
    };
    assert_eq!(good(&sources(16)).sources.len(), 16);
    assert_eq!(mistakes(&sources(17)), ["49: source[17]: expected at most 16 sources; got 17"]);
}

#[test]
fn plain_http_is_taken_on_loopback_and_where_it_is_asked_for() {
    for text in [
        "[server]\ntls = false\nlisten = \"127.0.0.1:0\"",
        "[server]\ntls = false\nlisten = \"[::1]:80\"",
        "[server]\ntls = false\n[access]\nplain_http = true",
    ] {
        assert_eq!(good(text).server.tls, Tls::Off, "{text}");
    }
}

#[test]
fn access_is_a_token_unless_something_else_is_said() {
    assert_eq!(good("").access, Access::Token);
    assert_eq!(good("access.open = false").access, Access::Token);
    assert_eq!(good("access.open = true").access, Access::Open);
    for text in ["access.password = \"correct horse\"", "access.password_file = \"password\""] {
        let Access::Password(password) = good(text).access else { panic!("{text}") };
        assert_eq!(password.expose(), "correct horse");
        assert!(!format!("{:?}", good(text)).contains("horse"));
    }
}

#[test]
fn state_is_kept_where_the_system_says_unless_the_file_does() {
    let state = |text: &str, environment: Environment| {
        Config::parse(text, Some(Path::new("conf/v.toml")), &environment).map(|config| config.state_dir)
    };
    let home = environment();
    let xdg = Environment { xdg_state_home: Some("/xdg".into()), ..environment() };
    let systemd = Environment { state_directory: Some("/var/lib/vitrina".into()), ..xdg.clone() };
    assert_eq!(state("", systemd.clone()), Ok(PathBuf::from("/var/lib/vitrina")));
    assert_eq!(state("", xdg), Ok(PathBuf::from("/xdg/vitrina")));
    assert_eq!(state("", home.clone()), Ok(PathBuf::from("/home/ana/.local/state/vitrina")));
    assert_eq!(state("state_dir = \"s\"", systemd.clone()), Ok(PathBuf::from("conf/s")));
    assert_eq!(state("state_dir = \"/s\"", systemd), Ok(PathBuf::from("/s")));
    assert_eq!(state("state_dir = \"~/s\"", home), Ok(PathBuf::from("/home/ana/s")));
    assert_eq!(
        state("", Environment::empty()).unwrap_err().to_string(),
        "conf/v.toml:1: state_dir: expected a folder, as neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME \
         says one; got nothing"
    );
}

#[test]
fn a_room_is_there_where_its_table_is_and_takes_the_place_of_what_the_machine_has() {
    assert!(good("").room.is_none() && good("").finds_sources());
    let room = good("[room]").room.unwrap();
    assert_eq!((room.settings.title.as_str(), room.settings.people, room.settings.calls), ("Room", 32, 8));
    assert!(!room.history_file && !good("[room]").finds_sources());
    let small = good("[room]\npeople = 4\nnames = [\"garden\", \"attic-2\"]").room.unwrap().settings;
    assert_eq!((small.calls, small.names.len()), (4, 2));
    assert!(!good(&format!("[room]\n{}", source("kind = \"camera\""))).finds_sources());
}

#[test]
fn screens_take_one_area_in_each_form() {
    let area = |keys: &str| match &good(&source(&format!("kind = \"screen\"\n{keys}"))).sources[0].kind {
        SourceKind::Screen(screen) => screen.area.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(area(""), ScreenArea::Whole);
    assert_eq!(area("monitor = 2"), ScreenArea::MonitorNumber(2));
    assert_eq!(area("monitor = \"eDP-1\""), ScreenArea::MonitorOutput("eDP-1".into()));
    assert_eq!(area("window = 0x3a00007"), ScreenArea::WindowId(0x03a0_0007));
    assert_eq!(area("window = \"xeyes\""), ScreenArea::WindowTitle("xeyes".into()));
    let size = vitrina::core::units::Size { width: 640, height: 480 };
    assert_eq!(
        area("region = { width = 640, height = 480, y = 9 }"),
        ScreenArea::Region { x: 0, y: 9, size }
    );
    assert_eq!(
        area("[source.region]\nwidth = 640\nheight = 480\ny = 9"),
        ScreenArea::Region { x: 0, y: 9, size }
    );
}

#[test]
fn fractions_of_seconds_and_of_frames_are_taken() {
    assert_eq!(good("video.grace_s = 0.25").video.grace, Duration::from_millis(250));
    let config = good(&source("kind = \"test\"\nframerate = \"30000/1001\"\ntone = false"));
    let SourceKind::Test(test) = &config.sources[0].kind else { panic!() };
    assert_eq!((test.framerate.numerator, test.framerate.denominator, test.tone_hz), (30000, 1001, None));
    assert_eq!(config.sources[0].title, "A");
}

#[test]
fn a_file_that_is_not_there_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.toml");
    let told = Config::load(&file).unwrap_err().to_string();
    let name = file.display();
    assert_eq!(
        told,
        format!("{name}: expected a file that can be read; got: No such file or directory (os error 2)")
    );
    std::fs::write(&file, b"title = \"\xff\"").unwrap();
    assert!(Config::load(&file).unwrap_err().to_string().contains("UTF-8"));
    std::fs::write(&file, " ".repeat(256 * 1024 + 1)).unwrap();
    assert!(Config::load(&file).unwrap_err().to_string().ends_with("got: more than 262144 bytes"));
    std::fs::write(&file, "state_dir = \"s\"").unwrap();
    let config = Config::load(&file).unwrap();
    assert_eq!(config.state_dir, folder.path().join("s"));
    assert_eq!(config.pipelines_dir, Some(folder.path().join("pipelines")));
}

// ---- Whatever the text ----

/// A commented-out line of the reference: `#` and no space.
fn commented(line: &str) -> Option<&str> {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
}

/// Lines that a configuration may hold, right and wrong.
fn line() -> impl Strategy<Value = String> {
    let keys: Vec<String> = REFERENCE
        .lines()
        .filter_map(|line| Some(commented(line).unwrap_or(line).split_once(" = ")?.0.to_owned()))
        .collect();
    let value = prop_oneof![
        "-?[0-9]{1,25}",
        "-?[0-9]{1,3}\\.[0-9]{1,3}(e[0-9]{1,4})?",
        "\"[a-z0-9:./x-]{0,12}\"",
        Just("true".to_owned()),
        Just("[\"video\", 3, []]".to_owned()),
        Just("{ x = 1, width = [{}] }".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
        Just("nan".to_owned()),
        Just("-inf".to_owned()),
        ".{0,8}",
    ];
    let headers: Vec<String> = REFERENCE
        .lines()
        .filter_map(|line| {
            Some(commented(line).unwrap_or(line)).filter(|line| line.starts_with('[')).map(str::to_owned)
        })
        .collect();
    prop_oneof![
        4 => (prop::sample::select(keys), value).prop_map(|(key, value)| format!("{key} = {value}")),
        2 => prop::sample::select(headers),
        1 => prop::sample::select(REFERENCE.lines().filter_map(commented).map(str::to_owned).collect::<Vec<_>>()),
        1 => ".{0,20}",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}|(?s).{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn every_mistake_stands_on_one_line_of_the_file(lines in prop::collection::vec(line(), 0..20)) {
        let text = lines.join("\n");
        if let Err(errors) = parse(&text) {
            prop_assert!(!errors.mistakes().is_empty());
            prop_assert_eq!(errors.to_string().lines().count(), errors.mistakes().len());
            for mistake in errors.mistakes() {
                prop_assert!((1..=lines.len().max(1)).contains(&mistake.line), "{:?}\n{}", mistake, text);
                prop_assert!(mistake.message.len() < 1000, "{:?}", mistake);
            }
        }
    }

    /// What the reader takes is within the bounds that the rest of the daemon relies on.
    #[test]
    fn what_is_taken_is_within_bounds(lines in prop::collection::vec(line(), 0..6)) {
        let Ok(config) = parse(&lines.join("\n")) else { return Ok(()) };
        prop_assert!((1..=1000).contains(&config.limits.viewers));
        prop_assert!(config.limits.connections_per_address <= config.limits.connections);
        prop_assert!(config.network.addresses.iter().all(|address: &IpAddr| !address.is_unspecified()));
        prop_assert!(!config.video.encoders.is_empty());
        for source in &config.sources {
            let media = source.media();
            prop_assert!(!media.is_empty() && media.len() <= 2);
            prop_assert!(media.len() == 1 || media == [MediaKind::Video, MediaKind::Audio]);
        }
    }
}

#[test]
fn mistakes_in_accounts_are_told_and_no_hash_is_shown() {
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$WUwK2uOJ1xDPgdn4OZlNhyMkMCLXw1fF9bL5o5mBTpY";
    let account = |keys: &str| format!("[[account]]\n{keys}\n");
    let anna = format!("name = \"anna\"\npassword_hash = \"{hash}\"");
    assert_eq!(good(&account(&anna)).accounts.len(), 1);
    for (text, line, key, expected) in [
        (account(&anna.replace("anna", "Anna")), 2, "account[1].name", "expected a name: 1 to 32 of a-z"),
        (
            account("name = \"a\"\npassword_hash = \"hunter2\""),
            3,
            "account[1].password_hash",
            "got a text that is not shown",
        ),
        (
            account(&format!("{anna}\nrole = \"king\"")),
            4,
            "account[1].role",
            "expected \"viewer\", \"participant\" or \"admin\"",
        ),
        (account(&anna) + &account(&anna), 5, "account[2].name", "a name that no other account has"),
        (
            account(&format!("{anna}\nsources = [\"garden\"]")) + &source("kind = \"test\""),
            4,
            "account[1].sources",
            "names of sources that are there; got \"garden\"",
        ),
        ("[access]\nopen = true\nsources = []".into(), 3, "access.sources", "one source or more beside open"),
    ] {
        let told = mistakes(&text);
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert!(told.starts_with(&format!("{line}: {key}: ")) && told.contains(expected), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert_eq!(good("access.sources = []").access, Access::Named);
}
