//! The program as people and scripts run it: what it prints, where, and its exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The program in an environment of its own: `home` is the home folder.
fn vitrina(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vitrina"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("PATH", std::env::var_os("PATH").unwrap())
        // Made once for all tests: looking at every plugin takes seconds.
        .env("GST_REGISTRY", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-registry.bin"))
        .current_dir(home)
        .output()
        .unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Writes the user's own configuration.
fn write_config(home: &TempDir, config: &str) -> String {
    let file = home.path().join(".config/vitrina/vitrina.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, config).unwrap();
    file.display().to_string()
}

/// The same, with a line on standard input.
fn vitrina_told(home: &Path, arguments: &[&str], line: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vitrina"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have refused before it reads.
    let _ = child.stdin.take().unwrap().write_all(line.as_bytes());
    child.wait_with_output().unwrap()
}

const MISTAKEN: &str = "[server]\nlisen = \"x\"\n\n[limits]\nviewers = 0\n";

#[test]
fn check_says_that_there_is_no_mistake_and_what_each_picture_is_encoded_as() {
    let home = folder();
    let file = write_config(&home, "[[source]]\nname = \"a\"\nkind = \"test\"\n");
    let output = vitrina(home.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0));
    let ladder =
        "1280x720 at 30 fps, 2500 kbit/s; 640x360 at 30 fps, 750 kbit/s; 320x180 at 30 fps, 250 kbit/s";
    assert_eq!(text(&output.stdout), format!("{file}: no mistakes; sources: a\n  a: {ladder}\n"));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn check_lists_every_mistake_and_exits_with_2() {
    let home = folder();
    std::fs::write(home.path().join("v.toml"), MISTAKEN).unwrap();
    let output = vitrina(home.path(), &["check", "--config", "v.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        "v.toml:2: server.lisen: expected a key of [server]: listen, tls, certificate, private_key, title, \
         public_url or whep_origins; did you mean listen?\n\
         v.toml:5: limits.viewers: expected a whole number from 1 to 1000; got 0\n"
    );
}

#[test]
fn run_refuses_a_configuration_with_mistakes_as_check_does() {
    let home = folder();
    let file = write_config(&home, MISTAKEN);
    let run = vitrina(home.path(), &["run"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).starts_with(&format!("{file}:2: server.lisen: ")), "{}", text(&run.stderr));
    assert_eq!(run.stderr, vitrina(home.path(), &["check"]).stderr);
}

#[test]
fn a_named_file_that_is_not_there_is_a_mistake() {
    let home = folder();
    let output = vitrina(home.path(), &["run", "--config", "gone.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "gone.toml: expected a file that can be read; got: No such file or directory (os error 2)\n"
    );
}

/// Somebody else's folder must not say how the screen is shown.
#[test]
fn a_configuration_in_the_current_folder_is_passed_over() {
    let home = folder();
    std::fs::write(home.path().join("vitrina.toml"), MISTAKEN).unwrap();
    let file = write_config(&home, "");
    let output = vitrina(home.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("{file}: no mistakes; sources: what the machine has\n"));
}

#[test]
fn the_version_and_the_commands_are_told() {
    let home = folder();
    let version = vitrina(home.path(), &["--version"]);
    assert_eq!(text(&version.stdout), format!("vitrina {}\n", env!("CARGO_PKG_VERSION")));
    let help = vitrina(home.path(), &["--help"]);
    for command in ["run", "link", "check", "devices", "doctor", "init"] {
        assert!(text(&help.stdout).contains(&format!("\n  {command} ")), "{}", text(&help.stdout));
    }
    assert_eq!(vitrina(home.path(), &["nonsense"]).status.code(), Some(2));
    assert_eq!(vitrina(home.path(), &[]).status.code(), Some(2));
}

#[test]
fn init_does_not_write_over_a_file_unless_forced() {
    let home = folder();
    std::fs::write(home.path().join("v.toml"), "mine").unwrap();
    let output = vitrina(home.path(), &["init", "--output", "v.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "vitrina: v.toml is there already; --force writes over it, --output FILE elsewhere\n"
    );
    assert_eq!(std::fs::read_to_string(home.path().join("v.toml")).unwrap(), "mine");
}

#[test]
fn init_writes_a_configuration_that_check_finds_no_mistake_in() {
    let home = folder();
    let output = vitrina(home.path(), &["init", "--output", "new/folder/v.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "wrote new/folder/v.toml\n");
    let check = vitrina(home.path(), &["check", "--config", "new/folder/v.toml"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stderr));
    assert!(text(&check.stdout).starts_with("new/folder/v.toml: no mistakes; sources: "));
}

#[test]
fn init_writes_to_standard_output_where_asked() {
    let home = folder();
    let output = vitrina(home.path(), &["init", "--output", "-"]);
    assert!(text(&output.stdout).contains("\n[[source]]\nname = "), "{}", text(&output.stdout));
    assert!(!home.path().join(".config/vitrina").exists(), "nothing is written besides");
}

#[test]
fn devices_are_told_to_people_and_to_programs() {
    let home = folder();
    let words = vitrina(home.path(), &["devices"]);
    assert_eq!(words.status.code(), Some(0), "{}", text(&words.stderr));
    for part in ["Displays\n", "\nCameras\n", "\nSound inputs\n", "  x264enc  H.264  works\n"] {
        assert!(text(&words.stdout).contains(part), "{part}: {}", text(&words.stdout));
    }
    let json = vitrina(home.path(), &["devices", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let encoders = value["encoders"].as_array().unwrap();
    assert!(encoders.iter().any(|encoder| encoder["element"] == "x264enc" && encoder["works"] == true));
    assert!(value["displays"].is_array() && value["cameras"].is_array() && value["audio_inputs"].is_array());
}

#[test]
fn the_link_is_the_same_each_time_and_carries_the_token() {
    let home = folder();
    let link = || {
        let output = vitrina(home.path(), &["link"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    let first = link();
    assert!(first.contains(":8443/#token="), "{first}");
    assert_eq!(link(), first);
    // An open page needs no token.
    write_config(&home, "access.open = true\n");
    assert!(!link().contains("token"));
}

/// The accounts that `vitrina passwd` keeps, each with its role and rights as the file has them.
fn accounts(home: &TempDir) -> (String, u32) {
    let file = home.path().join(".local/state/vitrina/accounts.toml");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with(['#', '[']) && !line.is_empty());
    (lines.filter(|line| !line.starts_with("password_hash")).collect::<Vec<_>>().join("; "), mode)
}

#[test]
fn passwd_keeps_accounts_for_the_daemon_s_user_alone() {
    let home = folder();
    write_config(&home, "access.open = true\n");
    let told = |arguments: &[&str], line| {
        let output = vitrina_told(home.path(), &[&["passwd"], arguments].concat(), line);
        (output.status.code(), text(&output.stderr).to_owned(), text(&output.stdout).to_owned())
    };
    let (code, complaint, said) = told(&["anna", "--role", "admin"], "correct horse\n");
    assert_eq!((code, &*complaint), (Some(0), ""));
    assert!(said.starts_with("anna (admin) is in ") && said.ends_with("a reload lets them in\n"), "{said}");
    assert_eq!(accounts(&home), ("name = \"anna\"; role = \"admin\"".into(), 0o600));

    // What is not said stays as it was.
    assert_eq!(told(&["bert", "--sources", "screen,cam"], "correct horse").0, Some(0));
    assert_eq!(told(&["anna"], "another horse\r\n").0, Some(0));
    let bert = "name = \"bert\"; role = \"viewer\"; sources = [\"cam\", \"screen\"]";
    assert_eq!(accounts(&home).0, format!("name = \"anna\"; role = \"admin\"; {bert}"));

    assert_eq!(told(&["anna", "--remove"], "").0, Some(0));
    assert_eq!(accounts(&home).0, bert);
    for (arguments, line, complaint) in [
        (&["carl"][..], "short\n", "a password of 8 characters or more"),
        (&["carl"], "", "a password of 8 characters or more"),
        (&["Carl"], "correct horse", "1 to 32 of a-z"),
        (&["carl", "--role", "king"], "correct horse", "viewer, participant, admin"),
        (&["carl", "--sources", "A b"], "correct horse", "1 to 32 of a-z"),
        (&["carl", "--remove"], "", "there is no account 'carl'"),
    ] {
        let (code, told, _) = told(arguments, line);
        assert!(code != Some(0) && told.contains(complaint), "{told}");
    }
    assert_eq!(accounts(&home).0, bert, "nothing of that has changed anything");
}

#[test]
fn passwd_prints_an_account_for_the_configuration() {
    let home = folder();
    let printed = vitrina_told(home.path(), &["passwd", "anna", "--print"], "correct horse\n");
    assert_eq!(text(&printed.stderr), "");
    let file = write_config(&home, text(&printed.stdout));
    let output = vitrina(home.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    let refused = vitrina_told(home.path(), &["passwd", "anna"], "correct horse\n");
    let complaint = text(&refused.stderr);
    assert!(complaint.contains(&format!("'anna' stands in {file}")), "{complaint}");
    assert!(!home.path().join(".local/state/vitrina/accounts.toml").exists());
}

#[test]
fn every_command_has_a_manual_page_and_the_shells_know_it() {
    let home = folder();
    let help = vitrina(home.path(), &["help"]);
    let commands = text(&help.stdout).split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 10 && !commands.contains(&"generate"), "{commands:?}");

    let output = vitrina(home.path(), &["generate", "made/here"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let read = |name: &str| std::fs::read_to_string(home.path().join("made/here").join(name)).unwrap();
    let first = read("vitrina.1");
    assert!(first.contains(".SH FILES") && first.contains("/etc/vitrina/vitrina.toml"), "{first}");
    let completions = [read("vitrina.bash"), read("_vitrina"), read("vitrina.fish")];
    for command in commands {
        assert!(read(&format!("vitrina-{command}.1")).starts_with(".ie"), "{command}");
        assert!(first.contains(&format!("vitrina\\-{command}(1)")), "{command}: {first}");
        assert!(completions.iter().all(|made| made.contains(command)), "{command}");
    }
    let bash = Command::new("bash").arg("-n").arg(home.path().join("made/here/vitrina.bash")).status();
    assert!(bash.unwrap().success());
}
