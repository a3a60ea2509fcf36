//! The configuration through its public functions: exact messages, what is taken, and that no text
//! whatever makes the reader panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod mistakes;
mod whatever;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vitrina::config::{Access, Config, ConfigErrors, Environment, ScreenArea, SourceKind, Tls};

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
