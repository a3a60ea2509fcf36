//! A config file's text: a valid configuration comes out, or mistakes that a person can find.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use vitrina_fuzz::config::{Config, Environment};

fuzz_target!(|text: &str| {
    let environment = Environment {
        home: Some("/home/somebody".into()),
        hostname: Some("machine".into()),
        // The files that a config names are there, and hold what stands in their names.
        read_file: |path| Ok(path.display().to_string()),
        ..Environment::empty()
    };
    let file = Path::new("/etc/vitrina/vitrina.toml");
    match Config::parse(text, Some(file), &environment) {
        Ok(config) => assert_eq!(config.file.as_deref(), Some(file)),
        Err(errors) => {
            assert!(!errors.mistakes().is_empty(), "refused without a reason");
            let lines = text.split('\n').count();
            for mistake in errors.mistakes() {
                assert!(mistake.line <= lines, "line {} of {lines}", mistake.line);
                assert!(!mistake.message.is_empty());
            }
        }
    }
});
