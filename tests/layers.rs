//! The architecture, checked: which layer may know which, and which crates each may use.
//!
//! Reads every path in `src/`, in `use` lines, expressions and macros alike, and holds it against
//! the rules in [`broken_rule`]. The checker is itself tested, on text that breaks each rule.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};

/// The most lines that a file may have, tests and all.
const MAX_LINES: usize = 600;

/// A path that a file names, from the crate's root or from the name of a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference {
    /// `["crate", "media", "Init"]` or `["serde", "Deserialize"]`.
    path: Vec<String>,
    /// Whether it stands under `#[cfg(test)]` or in a file of tests.
    in_test: bool,
}

// ---- reading ----------------------------------------------------------------------------------

/// Every path in a source text. `module` is where the file stands: `["web", "tls"]`.
fn references(text: &str, module: &[String], in_test: bool) -> Vec<Reference> {
    let tokens: TokenStream = text.parse().expect("the file is Rust");
    let mut found = Vec::new();
    walk(tokens, module, in_test, &mut found);
    found
}

fn walk(tokens: TokenStream, module: &[String], in_test: bool, found: &mut Vec<Reference>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_cfg_test(&tokens[at..]) {
            let end = end_of_item(&tokens, at + 2);
            walk(tokens[at + 2..end].iter().cloned().collect(), module, true, found);
            at = end;
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(word) if word == "use" => {
                let end = (at..tokens.len()).find(|&i| is_punct(&tokens[i], ';')).unwrap_or(tokens.len());
                let mut paths = Vec::new();
                use_tree(&tokens[at + 1..end], &[], &mut paths);
                found
                    .extend(paths.into_iter().map(|path| Reference { path: resolve(path, module), in_test }));
                at = end;
            }
            TokenTree::Ident(word) if word == "crate" && at > 0 && is_ident(&tokens[at - 1], "extern") => {
                let path = vec![tokens[at + 1].to_string()];
                found.push(Reference { path, in_test });
                at += 1;
            }
            TokenTree::Ident(word) if word == "mod" => {
                if let (Some(name), Some(TokenTree::Group(body))) = (tokens.get(at + 1), tokens.get(at + 2)) {
                    let inner: Vec<String> = module.iter().cloned().chain([name.to_string()]).collect();
                    walk(body.stream(), &inner, in_test, found);
                    at += 2;
                }
            }
            TokenTree::Ident(_) => {
                let (path, end) = path_at(&tokens, at);
                if path.len() > 1 {
                    found.push(Reference { path: resolve(path, module), in_test });
                }
                at = end - 1;
            }
            TokenTree::Group(group) => walk(group.stream(), module, in_test, found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        at += 1;
    }
}

/// `a::b::c` from `at` on, and where it ends. `a` alone is a path of one.
fn path_at(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let mut path = vec![tokens[at].to_string()];
    let mut end = at + 1;
    while let (Some(a), Some(b), Some(TokenTree::Ident(name))) =
        (tokens.get(end), tokens.get(end + 1), tokens.get(end + 2))
        && is_punct(a, ':')
        && is_punct(b, ':')
    {
        path.push(name.to_string());
        end += 3;
    }
    (path, end)
}

/// The paths of `use TREE;`, each whole.
fn use_tree(tokens: &[TokenTree], prefix: &[String], paths: &mut Vec<Vec<String>>) {
    for branch in tokens.split(|token| is_punct(token, ',')) {
        let mut path = prefix.to_vec();
        let mut renamed = false;
        let mut group = None;
        for token in branch {
            match token {
                TokenTree::Ident(word) if word == "as" => renamed = true,
                TokenTree::Ident(word) if !renamed => path.push(word.to_string()),
                TokenTree::Group(inner) => group = Some(inner.stream()),
                TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        match group {
            Some(inner) => use_tree(&inner.into_iter().collect::<Vec<_>>(), &path, paths),
            None if path.len() > prefix.len() || !prefix.is_empty() && !branch.is_empty() => paths.push(path),
            None => {}
        }
    }
}

/// `self::`, `super::` and `crate::` made absolute; anything else stays as it is.
fn resolve(path: Vec<String>, module: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let mut rest = path.as_slice();
    match path[0].as_str() {
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|word| word == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        _ => return path,
    }
    ["crate".to_owned()].into_iter().chain(base).chain(rest.iter().cloned()).collect()
}

/// Whether `#[cfg(test)]`, or a `cfg` that asks for `test` among others, begins here.
fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    let [hash, TokenTree::Group(attribute), ..] = tokens else { return false };
    let text = attribute.stream().to_string().replace(' ', "");
    is_punct(hash, '#')
        && attribute.delimiter() == Delimiter::Bracket
        && text.starts_with("cfg(")
        && text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
        && !text.contains("not(test)")
}

/// Past the `;` or the `{...}` that ends the item beginning at `from`.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let is_body =
        |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let item = &tokens[from..];
    // The braces of `use a::{b, c};` end nothing.
    let is_use = item.iter().take_while(|token| !is_body(token)).any(|token| is_ident(token, "use"));
    let ends = |token: &TokenTree| is_punct(token, ';') || !is_use && is_body(token);
    item.iter().position(ends).map_or(tokens.len(), |offset| from + offset + 1)
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

// ---- the rules --------------------------------------------------------------------------------

/// The crates that speak to GStreamer.
fn is_gstreamer(name: &str) -> bool {
    name.starts_with("gstreamer")
        || name.starts_with("gst_plugin")
        || matches!(name, "glib" | "glib_sys" | "gobject_sys" | "gio")
}

/// What `std` has that a pure core does not touch: files, sockets, clocks, threads, the environment.
fn is_impure(path: &[String]) -> bool {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(words.as_slice(), ["std", "fs" | "env" | "process" | "thread" | "io" | "os", ..])
        || words.iter().any(|word| matches!(*word, "TcpStream" | "TcpListener" | "UdpSocket"))
        || words.windows(2).any(|pair| matches!(pair, ["Instant" | "SystemTime", "now"]))
}

/// What is wrong with a layer naming that path, if anything. `layer` is the first part of the
/// module's path: `core`, `media`, `daemon`; empty for the crate's root.
fn broken_rule(layer: &str, reference: &Reference, crates: &[String]) -> Option<&'static str> {
    let Reference { path, in_test } = reference;
    let root = path[0].as_str();
    let krate = crates.iter().any(|name| name == root).then_some(root);
    let module = path.get(1).map(String::as_str).filter(|_| root == "crate");
    let foreign = |allowed: &[&str], in_tests: &[&str]| {
        krate.is_some_and(|name| !(allowed.contains(&name) || *in_test && in_tests.contains(&name)))
    };
    let beyond = |known: &[&str]| module.is_some_and(|module| !known.contains(&module));

    if krate.is_some_and(is_gstreamer) && layer != "media" {
        return Some("only media knows GStreamer");
    }
    if krate == Some("tokio") {
        return Some("no tokio here");
    }
    match layer {
        "core" if foreign(&["serde", "thiserror"], &["serde_json", "proptest"]) => {
            Some("core imports std, serde and thiserror only")
        }
        "core" if beyond(&["core"]) => Some("core knows no other layer"),
        "core" if !in_test && is_impure(path) => Some("core is pure: time and input are arguments"),
        "config" if foreign(&["serde", "toml", "thiserror"], &["serde_json", "proptest", "tempfile"]) => {
            Some("config imports std, serde, toml and thiserror only")
        }
        "config" if beyond(&["core", "config"]) => Some("config knows core and no other layer"),
        "media" if matches!(module, Some("web" | "daemon")) => {
            Some("media knows neither the web nor the daemon")
        }
        "web" if matches!(module, Some("media" | "daemon")) => {
            Some("web knows neither the media nor the daemon")
        }
        "control" if beyond(&["core", "control"]) => Some("control knows core and no other layer"),
        "telemetry" if matches!(module, Some("web" | "media" | "daemon")) => {
            Some("telemetry knows neither web, media nor daemon")
        }
        _ => None,
    }
}

/// What is wrong with a file, each with the path that shows it.
fn faults(text: &str, module: &[&str], in_test: bool, crates: &[&str]) -> Vec<String> {
    let module: Vec<String> = module.iter().map(ToString::to_string).collect();
    let crates: Vec<String> = crates.iter().map(ToString::to_string).collect();
    let layer = module.first().map_or("", String::as_str);
    let references = references(text, &module, in_test);
    let mut faults: Vec<String> = references
        .iter()
        .filter_map(|reference| {
            broken_rule(layer, reference, &crates)
                .map(|rule| format!("{}: {rule}", reference.path.join("::")))
        })
        .collect();
    let names = |layer: &str| {
        references.iter().any(|r| r.path[0] == "crate" && r.path.get(1).is_some_and(|m| m == layer))
    };
    if !matches!(layer, "" | "daemon" | "main" | "media" | "web") && names("media") && names("web") {
        faults.push("names media and web: only daemon joins them".to_owned());
    }
    // A file of tests belongs to the module that it tests, which says what it is.
    if !in_test && !text.starts_with("//!") {
        faults.push("does not begin with a //! header".to_owned());
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("has {lines} lines, more than {MAX_LINES}"));
    }
    faults
}

// ---- the project ------------------------------------------------------------------------------

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `src/web/tls.rs` is `["web", "tls"]`, `src/web/mod.rs` is `["web"]`, `src/lib.rs` is `[]`.
fn module_of(file: &Path, src: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .strip_prefix(src)
        .unwrap()
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

/// The crates named in Cargo.toml, as the code spells them.
fn crates_of(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|table| table.keys().map(|name| name.replace('-', "_")))
        .collect()
}

#[test]
fn every_file_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = crates_of(&fs::read_to_string(root.join("Cargo.toml")).unwrap());
    let crates: Vec<&str> = crates.iter().map(String::as_str).collect();
    assert!(crates.contains(&"gstreamer_webrtc") && crates.contains(&"smol"), "{crates:?}");

    let src = root.join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files.sort();
    assert!(files.len() > 5, "{files:?}");

    let mut all = String::new();
    for file in &files {
        let module = module_of(file, &src);
        let module: Vec<&str> = module.iter().map(String::as_str).collect();
        let in_test = module.iter().any(|part| *part == "tests" || part.ends_with("_tests"));
        for fault in faults(&fs::read_to_string(file).unwrap(), &module, in_test, &crates) {
            all += &format!("  {}: {fault}\n", file.strip_prefix(root).unwrap().display());
        }
    }
    assert!(all.is_empty(), "the layers are broken:\n{all}");
}

// ---- the checker itself -----------------------------------------------------------------------

const CRATES: &[&str] =
    &["glib", "gstreamer", "gstreamer_webrtc", "serde", "serde_json", "smol", "thiserror", "toml"];

fn check(module: &[&str], code: &str, expected: &[&str]) {
    let found = faults(&format!("//! A file.\n{code}"), module, false, CRATES);
    assert_eq!(found, expected, "{code}");
}

#[test]
fn each_rule_can_be_broken() {
    let gst = "only media knows GStreamer";
    check(&["core", "rtp"], "use smol::Timer;", &["smol::Timer: core imports std, serde and thiserror only"]);
    check(&["core"], "use crate::media::Init;", &["crate::media::Init: core knows no other layer"]);
    check(&["core", "rtp"], "use super::super::web;", &["crate::web: core knows no other layer"]);
    check(
        &["core"],
        "fn f() { std::time::Instant::now(); }",
        &["std::time::Instant::now: core is pure: time and input are arguments"],
    );
    check(
        &["core"],
        "use std::{fmt, fs::File};",
        &["std::fs::File: core is pure: time and input are arguments"],
    );
    check(
        &["config"],
        "use serde_json::Value;",
        &["serde_json::Value: config imports std, serde, toml and thiserror only"],
    );
    check(
        &["config"],
        "use crate::web::Event;",
        &["crate::web::Event: config knows core and no other layer"],
    );
    check(
        &["media", "viewer"],
        "use crate::{core::ids, web::Outbox};",
        &["crate::web::Outbox: media knows neither the web nor the daemon"],
    );
    check(
        &["control", "server"],
        "use crate::daemon::Means;",
        &["crate::daemon::Means: control knows core and no other layer"],
    );
    check(
        &["web"],
        "fn f() { crate::media::start() }",
        &["crate::media::start: web knows neither the media nor the daemon"],
    );
    check(&["web", "tls"], "use glib as g;", &[&format!("glib: {gst}")]);
    check(&["web"], "extern crate gstreamer;", &[&format!("gstreamer: {gst}")]);
    check(&["daemon"], "fn f() { log!(a, gstreamer::init()) }", &[&format!("gstreamer::init: {gst}")]);
    check(
        &["devices"],
        "use crate::media::probe; use crate::web::Event;",
        &["names media and web: only daemon joins them"],
    );
    check(
        &["web"],
        "use crate::daemon::Event;",
        &["crate::daemon::Event: web knows neither the media nor the daemon"],
    );
}

#[test]
fn what_is_allowed_passes() {
    check(&["core", "sdp"], "use super::ids::{self, SourceName}; use serde::Serialize; use std::fmt;", &[]);
    check(&["core"], "#[cfg(test)]\nmod tests { use super::*; fn f() { serde_json::to_string(&1); } }", &[]);
    check(&["core"], "// use smol;\n/// [`glib::Object`]\nconst A: &str = \"use gstreamer::x\";", &[]);
    check(&["media"], "use gstreamer as gst; use crate::core::ids; fn f() { gst::init(); }", &[]);
    check(&["daemon"], "use crate::{media, web};", &[]);
    check(&[], "pub mod core; pub mod media;", &[]);
}

#[test]
fn a_test_attribute_covers_one_item_only() {
    let json = "serde_json::Value: core imports std, serde and thiserror only";
    check(&["core"], "#[cfg(test)] use serde_json::{Map};\nuse serde_json::Value;", &[json]);
    check(&["core"], "#[cfg(not(test))] use serde_json::Value;", &[json]);
    check(&["core"], "#[cfg(test)] mod tests { fn f() {} } use serde_json::Value;", &[json]);
}

#[test]
fn a_file_needs_a_header_and_an_end() {
    assert_eq!(faults("use std::fmt;", &["web"], false, CRATES), ["does not begin with a //! header"]);
    let long = format!("//! Long.\n{}", "\n".repeat(MAX_LINES));
    assert_eq!(faults(&long, &["web"], false, CRATES), ["has 601 lines, more than 600"]);
}
