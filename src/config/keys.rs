//! Every key that a configuration may have, by table.
//!
//! Owns the lists by which unknown keys are refused and near ones suggested. A key is added here,
//! where it is read, and in `config/vitrina.toml`; a test compares the three.

use crate::core::protocol::SourceKindName;

/// The keys of one table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    /// The table in words, as messages name it.
    pub place: &'static str,
    /// Its path in the file; empty for the top.
    pub path: &'static str,
    /// The names.
    pub names: &'static [&'static str],
}

pub(super) const ROOT: Keys = Keys {
    place: "the top of the file",
    path: "",
    names: &[
        "state_dir",
        "server",
        "access",
        "account",
        "network",
        "limits",
        "video",
        "audio",
        "privacy",
        "log",
        "metrics",
        "room",
        "source",
    ],
};

pub(super) const SERVER: Keys = Keys {
    place: "[server]",
    path: "server",
    names: &["listen", "tls", "certificate", "private_key", "title", "public_url", "whep_origins"],
};

pub(super) const ACCESS: Keys = Keys {
    place: "[access]",
    path: "access",
    names: &["open", "password", "password_file", "sources", "plain_http"],
};

pub(super) const ACCOUNT: Keys =
    Keys { place: "[[account]]", path: "account", names: &["name", "password_hash", "role", "sources"] };

/// The file that `vitrina passwd` writes.
pub(super) const ACCOUNTS_FILE: Keys = Keys { place: "a file of accounts", path: "", names: &["account"] };

pub(super) const NETWORK: Keys = Keys {
    place: "[network]",
    path: "network",
    names: &["addresses", "port", "advertise", "tcp", "srtp", "ice_server"],
};

pub(super) const ICE_SERVER: Keys = Keys {
    place: "[[network.ice_server]]",
    path: "network.ice_server",
    names: &["urls", "username", "credential", "secret", "secret_file", "lifetime_s"],
};

pub(super) const LIMITS: Keys = Keys {
    place: "[limits]",
    path: "limits",
    names: &[
        "viewers",
        "viewers_per_source",
        "viewers_per_account",
        "connections",
        "connections_per_address",
    ],
};

pub(super) const VIDEO: Keys = Keys {
    place: "[video]",
    path: "video",
    names: &["encoders", "bitrate_kbps", "keyframe_interval_s", "grace_s"],
};

pub(super) const AUDIO: Keys = Keys { place: "[audio]", path: "audio", names: &["bitrate_kbps"] };

pub(super) const PRIVACY: Keys = Keys { place: "[privacy]", path: "privacy", names: &["notify"] };

pub(super) const LOG: Keys =
    Keys { place: "[log]", path: "log", names: &["level", "format", "audit_file", "audit_addresses"] };

pub(super) const METRICS: Keys =
    Keys { place: "[metrics]", path: "metrics", names: &["listen", "token", "token_file"] };

pub(super) const ROOM: Keys = Keys {
    place: "[room]",
    path: "room",
    names: &["title", "names", "talk", "people", "calls", "history", "history_file", "files_mib"],
};

/// A source whose kind is missing or wrong: the keys of all kinds.
pub(super) const SOURCE: Keys = Keys {
    place: "[[source]]",
    path: "source",
    names: &[
        "name",
        "title",
        "kind",
        "bitrate_kbps",
        "rendition",
        "display",
        "monitor",
        "window",
        "region",
        "cursor",
        "framerate",
        "device",
        "size",
        "system",
        "pattern",
        "tone",
        "tone_hz",
        "uri",
        "media",
        "latency_ms",
        "file",
    ],
};

pub(super) const SCREEN: Keys = Keys {
    place: "a source of kind \"screen\"",
    path: "source",
    names: &[
        "name",
        "title",
        "kind",
        "bitrate_kbps",
        "rendition",
        "display",
        "monitor",
        "window",
        "region",
        "cursor",
        "framerate",
    ],
};

pub(super) const REGION: Keys =
    Keys { place: "region", path: "source.region", names: &["x", "y", "width", "height"] };

pub(super) const RENDITION: Keys = Keys {
    place: "[[source.rendition]]",
    path: "source.rendition",
    names: &["size", "scale", "framerate", "bitrate_kbps", "codec"],
};

pub(super) const CAMERA: Keys = Keys {
    place: "a source of kind \"camera\"",
    path: "source",
    names: &["name", "title", "kind", "bitrate_kbps", "rendition", "device", "size", "framerate"],
};

pub(super) const AUDIO_SOURCE: Keys = Keys {
    place: "a source of kind \"audio\"",
    path: "source",
    names: &["name", "title", "kind", "system", "device", "monitor"],
};

pub(super) const TEST: Keys = Keys {
    place: "a source of kind \"test\"",
    path: "source",
    names: &[
        "name",
        "title",
        "kind",
        "bitrate_kbps",
        "rendition",
        "pattern",
        "size",
        "framerate",
        "tone",
        "tone_hz",
    ],
};

pub(super) const URI: Keys = Keys {
    place: "a source of kind \"uri\"",
    path: "source",
    names: &["name", "title", "kind", "bitrate_kbps", "rendition", "uri", "media", "latency_ms"],
};

pub(super) const LAUNCH: Keys = Keys {
    place: "a source of kind \"launch\"",
    path: "source",
    names: &["name", "title", "kind", "bitrate_kbps", "rendition", "file", "media"],
};

/// The kinds of source and the keys of each.
pub(super) const KINDS: [(SourceKindName, &str, Keys); 6] = [
    (SourceKindName::Screen, "screen", SCREEN),
    (SourceKindName::Camera, "camera", CAMERA),
    (SourceKindName::Audio, "audio", AUDIO_SOURCE),
    (SourceKindName::Test, "test", TEST),
    (SourceKindName::Uri, "uri", URI),
    (SourceKindName::Launch, "launch", LAUNCH),
];

/// The keys of one kind of source.
pub(super) fn of_kind(kind: SourceKindName) -> &'static Keys {
    match kind {
        SourceKindName::Screen => &SCREEN,
        SourceKindName::Camera => &CAMERA,
        SourceKindName::Audio => &AUDIO_SOURCE,
        SourceKindName::Test => &TEST,
        SourceKindName::Uri => &URI,
        SourceKindName::Launch => &LAUNCH,
    }
}

/// The tables that are not sources.
pub(super) const TABLES: [Keys; 13] =
    [ROOT, SERVER, ACCESS, ACCOUNT, NETWORK, ICE_SERVER, LIMITS, VIDEO, AUDIO, PRIVACY, LOG, METRICS, ROOM];

/// The kinds of source that have a key, in words: `kind "camera" or "audio"`.
pub(super) fn kinds_with(key: &str) -> Option<String> {
    let having = KINDS.iter().filter(|(_, _, keys)| keys.names.contains(&key));
    let kinds: Vec<String> = having.map(|(_, kind, _)| format!("\"{kind}\"")).collect();
    (!kinds.is_empty()).then(|| format!("kind {}", one_of(&kinds)))
}

/// Where else a key of that name stands, as a path: `access.open` for `open`.
pub(super) fn elsewhere(key: &str) -> Option<String> {
    let keys = TABLES.iter().find(|keys| keys.names.contains(&key))?;
    Some(if keys.path.is_empty() { key.to_owned() } else { format!("{}.{key}", keys.path) })
}

/// The name among `names` that `word` was probably meant to be.
pub(super) fn nearest<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    // No key is longer; the distance of long words costs their product.
    if word.chars().count() > 40 {
        return None;
    }
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let distances = names.iter().map(|name| (distance(&word, name), *name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 5).then_some(name)
}

/// Names in a sentence: `a, b or c`.
pub(super) fn one_of<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// How many letters have to be put in, taken out or replaced (Levenshtein's distance).
fn distance(word: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (index, wanted) in name.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        let mut next = vec![left];
        for (letter, above) in word.iter().zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(*letter != wanted));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn distance_counts_single_changes() {
        let of = |a: &str, b| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!(of("listen", "listen"), 0);
        assert_eq!(of("lisen", "listen"), 1);
        assert_eq!(of("", "tls"), 3);
        assert_eq!(of("tls", ""), 3);
        assert_eq!(of("kitten", "sitting"), 3);
    }

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("Lisen", SERVER.names), Some("listen"));
        assert_eq!(nearest("privat_keys", SERVER.names), Some("private_key"));
        assert_eq!(nearest("colour", SERVER.names), None);
        assert_eq!(nearest(&"l".repeat(100_000), SERVER.names), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn a_source_without_a_kind_may_have_the_keys_of_every_kind() {
        for (kind, name, keys) in KINDS {
            assert_eq!(of_kind(kind).place, keys.place);
            assert!(keys.place.contains(name));
            for key in keys.names {
                assert!(SOURCE.names.contains(key), "{key} of {name}");
            }
        }
        for key in SOURCE.names {
            assert!(kinds_with(key).is_some(), "{key}");
        }
    }

    #[test]
    fn names_stand_in_sentences() {
        assert_eq!(one_of::<&str>(&[]), "");
        assert_eq!(one_of(&["a"]), "a");
        assert_eq!(one_of(&["a", "b", "c"]), "a, b or c");
        assert_eq!(kinds_with("device").as_deref(), Some("kind \"camera\" or \"audio\""));
        assert_eq!(elsewhere("open").as_deref(), Some("access.open"));
        assert_eq!(elsewhere("state_dir").as_deref(), Some("state_dir"));
    }

    /// The tables of the reference with every key uncommented, each key once for its table.
    fn reference() -> BTreeSet<(String, String)> {
        let text = include_str!("../../config/vitrina.toml");
        let is_key = |rest: &&str| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase());
        let lines = text.lines().map(|line| line.strip_prefix('#').filter(is_key).unwrap_or(line));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let mut found = BTreeSet::new();
        walk("", &toml::from_str(&text).unwrap(), &mut found);
        found
    }

    fn walk(path: &str, table: &toml::Table, found: &mut BTreeSet<(String, String)>) {
        let path = match table.get("kind") {
            Some(kind) => format!("{path} {}", kind.as_str().unwrap()),
            None => path.to_owned(),
        };
        for (key, value) in table {
            found.insert((path.clone(), key.clone()));
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                toml::Value::Table(table) => walk(&below, table, found),
                toml::Value::Array(array) => {
                    array
                        .iter()
                        .filter_map(|value| value.as_table())
                        .for_each(|table| walk(&below, table, found));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn the_reference_has_every_key_and_no_other() {
        // What every source may have is shown once.
        let common = |path: &str, key: &str| {
            path.starts_with("source ")
                && !path.starts_with("source screen")
                && matches!(key, "title" | "bitrate_kbps" | "rendition")
        };
        let kinds = KINDS.iter().map(|(_, kind, keys)| (format!("source {kind}"), keys.names));
        let below = [("source screen.region", REGION.names), ("source screen.rendition", RENDITION.names)];
        let below = below.map(|(path, names)| (path.to_owned(), names));
        let tables = TABLES.iter().map(|keys| (keys.path.to_owned(), keys.names));
        let known: BTreeSet<(String, String)> = tables
            .chain(kinds)
            .chain(below)
            .flat_map(|(path, names)| names.iter().map(move |name| (path.clone(), (*name).to_owned())))
            .filter(|(path, key)| !common(path, key))
            .collect();
        assert_eq!(reference(), known);
    }
}
