//! Each mistake in a configuration, with the exact words that tell of it.

use crate::{good, mistakes, source};
use vitrina::config::Access;

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
