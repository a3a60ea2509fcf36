//! Whatever the text: nothing makes the reader panic, and what it takes is within bounds.

use crate::parse;
use proptest::prelude::*;
use std::net::IpAddr;
use vitrina::core::protocol::MediaKind;

const REFERENCE: &str = include_str!("../../config/vitrina.toml");

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
