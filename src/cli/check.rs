//! `vitrina check`: every mistake in the configuration.

use crate::config::Config;
use std::fmt::Write as _;

/// One line about a configuration without mistakes.
#[must_use]
pub fn summary(config: &Config) -> String {
    let mut line = match &config.file {
        Some(file) => format!("{}: no mistakes", file.display()),
        None => "no configuration file, and the defaults have no mistakes".to_owned(),
    };
    for (index, source) in config.sources.iter().enumerate() {
        let before = if index == 0 { "; sources: " } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(line, "{before}{}", source.name);
    }
    if config.sources.is_empty() {
        line.push_str("; sources: what the machine has");
    }
    line.push('\n');
    line
}
