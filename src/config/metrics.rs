//! `[metrics]`: where what is counted can be read, and by whom.

use super::keys;
use super::load::Paths;
use super::reader::{Read, Section, Wrong};
use super::{Metrics, Secret, values};
use toml::de::DeValue;

/// The shortest token: nobody slows down who guesses it.
const SHORTEST_TOKEN: usize = 16;
const TOKEN: &str = "a token of 16 to 256 visible ASCII characters";

/// Reads `[metrics]`; `None` without `listen`.
pub(super) fn read(root: &Section<'_>, paths: &Paths<'_>) -> Option<Metrics> {
    let section = root.table("metrics", &keys::METRICS);
    let listen = section.get("listen", values::socket_address);
    let token = section.get_secret("token", token);
    let from_file = section.get("token_file", values::path).and_then(|path| {
        let path = paths.resolve(path);
        let expected = format!("a file with {TOKEN} on its only line");
        match paths.read(&path).map(|text| good(text.trim_end_matches(['\r', '\n']))) {
            Ok(Some(token)) => return Some(token),
            Ok(None) => section.wrong("token_file", &expected, "another"),
            Err(got) => section.wrong("token_file", &expected, &got),
        }
        None
    });
    if section.has("token") && section.has("token_file") {
        section.wrong("token_file", "one of token and token_file", "both");
    }
    let has_token = section.has("token") || section.has("token_file");
    if has_token && !section.has("listen") {
        section.wrong("listen", "an address beside the token", "nothing");
    }
    let listen = listen?;
    if !has_token && !listen.ip().is_loopback() {
        let expected = format!("one or token_file, because {listen} can be reached from the network");
        section.wrong("token", &expected, "nothing");
    }
    Some(Metrics { listen, token: token.or(from_file) })
}

fn token(value: &DeValue<'_>) -> Read<Secret> {
    value.as_str().and_then(good).ok_or_else(|| Wrong::expected(TOKEN))
}

/// It goes into a header.
fn good(text: &str) -> Option<Secret> {
    let fits =
        (SHORTEST_TOKEN..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(text.to_owned()))
}
