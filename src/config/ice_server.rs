//! `[[network.ice_server]]`: STUN and TURN servers, and how one logs in to them.

use super::load::Paths;
use super::reader::Section;
use super::{IceServer, Login, Secret, keys, values};
use std::time::Duration;

/// How many entries there may be: each is a request or two for every viewer.
const MOST: usize = 16;
/// The longest name, password or secret, in characters.
const LONGEST: usize = 512;
/// Seconds for which a login may be good. The least of them is for tests; the most is a month.
const LIFETIME_S: std::ops::RangeInclusive<f64> = 5.0..=2_592_000.0;
/// Long enough for a clock that is some minutes off, short enough for a login that is passed on.
const LIFETIME: Duration = Duration::from_secs(3600);

/// What makes a login, as messages name it.
const LOGINS: [&str; 4] = ["username", "credential", "secret", "secret_file"];

pub(super) fn read(network: &Section<'_>, paths: &Paths<'_>) -> Vec<IceServer> {
    let servers = network.tables("ice_server", &keys::ICE_SERVER);
    if servers.len() > MOST {
        network.wrong("ice_server", &format!("at most {MOST} servers"), &servers.len().to_string());
    }
    servers.iter().filter_map(|section| server(section, paths)).collect()
}

fn server(section: &Section<'_>, paths: &Paths<'_>) -> Option<IceServer> {
    section.refuse_unknown(&keys::ICE_SERVER);
    let urls = section.list("urls", "URLs", values::ice_url);
    if !section.has("urls") || urls.as_ref().is_some_and(Vec::is_empty) {
        section.wrong("urls", "one URL or more, [\"stun:stun.example.org\"]", "none");
    }
    let turn = urls.as_ref().map(|urls| urls.iter().any(|url| url.starts_with("turn")));
    let login = login(section, turn, paths);
    Some(IceServer { urls: urls?, login: login? })
}

/// A TURN server needs a login: browsers refuse to make a connection without (W3C webrtc-pc
/// section 4.4.1.4, step 11.4). `turn` is not known where the URLs are wrong.
fn login(section: &Section<'_>, turn: Option<bool>, paths: &Paths<'_>) -> Option<Login> {
    let username = section.get("username", values::text("a user name", LONGEST));
    let credential = section.get_secret("credential", values::text("a password", LONGEST));
    let secret = section.get_secret("secret", values::text("a secret", LONGEST));
    let from_file = section.get("secret_file", values::path).and_then(|path| {
        let path = paths.resolve(path);
        let expected = "a file with the secret on its only line";
        match paths.read(&path).map(|text| only_line(&text)) {
            Ok(Some(secret)) => return Some(secret),
            Ok(None) => section.wrong("secret_file", expected, "another"),
            Err(got) => section.wrong("secret_file", expected, &got),
        }
        None
    });
    let lifetime = section.get("lifetime_s", values::seconds(LIFETIME_S)).unwrap_or(LIFETIME);

    let given: Vec<&str> = LOGINS.into_iter().filter(|key| section.has(key)).collect();
    if turn == Some(false) {
        for key in given {
            section.wrong(key, "none, as no URL here is of a TURN server", "one");
        }
        return Some(Login::None);
    }
    let made = given.iter().any(|key| key.starts_with("secret"));
    if section.has("lifetime_s") && !made {
        section.wrong("lifetime_s", "it beside a secret alone: this login does not expire", "one");
    }
    match given.as_slice() {
        [] if turn.is_some() => {
            let expected =
                "username and credential, or secret or secret_file, as a TURN server asks for a login";
            section.wrong_itself(expected, "none of them");
            None
        }
        ["username"] => {
            section.wrong("credential", "one, as a TURN server asks for it", "nothing");
            None
        }
        ["credential"] => {
            section.wrong("username", "one, as a TURN server asks for it", "nothing");
            None
        }
        ["username", "credential"] => {
            Some(Login::Fixed { username: username?, credential: Secret::new(credential?) })
        }
        ["secret"] => Some(Login::Made { secret: Secret::new(secret?), lifetime }),
        ["secret_file"] => Some(Login::Made { secret: Secret::new(from_file?), lifetime }),
        [.., last] => {
            let expected = "one login: username and credential, or secret, or secret_file";
            section.wrong(last, expected, &given.join(", "));
            None
        }
        [] => None,
    }
}

/// The text of a file but its line end.
fn only_line(text: &str) -> Option<String> {
    let line = text.trim_end_matches(['\r', '\n']);
    let fits = (1..=LONGEST).contains(&line.chars().count()) && !line.chars().any(char::is_control);
    fits.then(|| line.to_owned())
}
