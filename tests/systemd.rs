//! The units, judged by systemd's own tools. Needs `systemd-analyze`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The system unit's exposure, in systemd's tenths, from which on the test fails: 3.0. What is left
/// is what the daemon is there for: the network, the devices and the host's files.
const MOST_EXPOSURE: &str = "30";

/// A copy of a unit that starts the program under test, since systemd looks whether it is there.
fn copy(unit: &str, folder: &TempDir) -> PathBuf {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit)).unwrap();
    let installed = "ExecStart=/usr/local/bin/vitrina ";
    assert!(text.contains(installed), "{unit}");
    let built = format!("ExecStart={} ", env!("CARGO_BIN_EXE_vitrina"));
    let file = folder.path().join("vitrina.service");
    std::fs::write(&file, text.replace(installed, &built)).unwrap();
    file
}

fn analyze(arguments: &[&str], unit: &Path, folder: &TempDir) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        // The user manager's folder; nothing runs there.
        .env("XDG_RUNTIME_DIR", folder.path())
        .output()
        .expect("systemd-analyze is needed: apt install systemd")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn both_units_are_verified_without_a_word() {
    for (unit, manager) in [("vitrina.service", "--system"), ("user/vitrina.service", "--user")] {
        let folder = tempfile::tempdir().unwrap();
        let output = analyze(&["verify", "--man=no", manager], &copy(unit, &folder), &folder);
        assert!(output.status.success() && told(&output).is_empty(), "{unit}: {}", told(&output));
    }
}

#[test]
fn a_unit_with_a_mistake_is_not_verified() {
    let folder = tempfile::tempdir().unwrap();
    let file = copy("vitrina.service", &folder);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("WatchdogSec=20", "WatchdogSecs=20")).unwrap();
    let output = analyze(&["verify", "--man=no", "--system"], &file, &folder);
    assert!(told(&output).contains("WatchdogSecs"), "{}", told(&output));
}

#[test]
fn the_system_unit_is_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let threshold = format!("--threshold={MOST_EXPOSURE}");
    let arguments = ["security", "--offline=true", "--no-pager", &threshold];
    let output = analyze(&arguments, &copy("vitrina.service", &folder), &folder);
    assert!(output.status.success(), "{}", told(&output));
}

/// The words of a list, up to what ends it.
fn list<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    let rest = text.split(begin).nth(1).unwrap_or_else(|| panic!("no {begin}"));
    rest.split(end).next().unwrap().split([' ', ',', '\\', '\n']).filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_package_depends_on_what_make_run_installs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let (manifest, script) = (read("Cargo.toml"), read("scripts/packages"));
    // Before it: the libraries, and what the package's own scripts call.
    let mut depended = list(&manifest, ", passwd,", "\"\"\"");
    depended.extend(list(&manifest, "recommends = \"", "\""));
    let mut run = list(&script, "\nrun=(", ")");
    depended.sort_unstable();
    run.sort_unstable();
    assert_eq!(depended, run);
}
