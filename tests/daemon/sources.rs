//! Sources of the kinds `uri` and `launch`, from the config to a viewer's decoder. Screens,
//! cameras and sound have their own tests: they need an X server, a device, a sound server.

use crate::camera::Camera;
use crate::client::{Client, LIMIT, Viewer};
use crate::process::{Daemon, write_config};
use serde_json::json;
use std::process::Command;

fn with_uri(uri: &str, media: &str) -> Daemon {
    let source = format!("[[source]]\nname = \"film\"\nkind = \"uri\"\nuri = \"{uri}\"\nmedia = {media}\n");
    Daemon::start_with("open = true", &source, &[])
}

#[test]
fn a_film_is_shown_at_its_own_pace_and_begins_again_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    let made = Command::new("gst-launch-1.0")
        .args(["-q", "videotestsrc", "pattern=ball", "num-buffers=30", "!"])
        .args(["video/x-raw,width=320,height=180,framerate=15/1", "!", "vp8enc", "deadline=1", "!"])
        .args(["matroskamux", "name=mux", "!", "filesink", &format!("location={}", film.display())])
        .args(["audiotestsrc", "num-buffers=86", "!", "audioconvert", "!", "opusenc", "!", "mux."])
        .status()
        .unwrap();
    assert!(made.success());
    let daemon = with_uri(&format!("file://{}", film.display()), "[\"video\", \"audio\"]");
    let mut viewer = Viewer::watch(daemon.address);
    let begun = std::time::Instant::now();
    viewer.peer.wait_frames(20, LIMIT);
    viewer.peer.wait_sound(20, LIMIT);
    assert!(begun.elapsed().as_millis() > 500, "faster than life: {:?}", begun.elapsed());
    // Two seconds later it is over, and the daemon starts it anew for the same viewer.
    let failed = loop {
        let message = viewer.client.expect("source");
        if message["state"] == "failed" {
            break message;
        }
    };
    assert_eq!(failed["cause"], "lost", "{failed}");
    let before = viewer.peer.frames();
    viewer.peer.wait_frames(before + 15, LIMIT);
    viewer.leave();
}

#[test]
fn a_network_camera_is_shown() {
    let camera = Camera::start("0");
    let daemon = with_uri(&camera.uri(), "[\"video\"]");
    let viewer = Viewer::watch(daemon.address);
    viewer.peer.wait_frames(30, LIMIT);
    viewer.leave();
}

#[test]
fn an_address_where_nothing_is_says_so_without_its_login() {
    let daemon = with_uri("rtsp://me:secret@127.0.0.1:1/none", "[\"video\"]");
    let mut client = Client::greeted(daemon.address);
    client.say(&json!({"type": "join"}));
    let failed = loop {
        let message = client.expect("source");
        if message["state"] == "failed" {
            break message;
        }
    };
    assert!(!failed["detail"].as_str().unwrap().is_empty(), "{failed}");
    assert!(!failed.to_string().contains("secret") && !daemon.log().contains("secret"), "{failed}");
}

#[test]
fn a_users_own_pipeline_is_shown() {
    let text = "# mine\nvideotestsrc is-live=true pattern=snow\n! video/x-raw,width=161,height=91,framerate=15/1\n\
                ! videoconvert ! video/x-raw,format=I420 ! videocrop name=even ! appsink name=video";
    let source = "[[source]]\nname = \"mine\"\nkind = \"launch\"\nfile = \"mine.launch\"\n";
    let daemon = Daemon::start_with("open = true", source, &[("mine.launch", text)]);
    // An odd size loses its last column and row: the codecs want even ones.
    let viewer = Viewer::watch(daemon.address);
    viewer.peer.wait_frames(20, LIMIT);
    viewer.leave();
}

#[test]
fn a_bad_pipeline_is_refused_with_its_file_and_gstreamers_message() {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = folder.path().join("pipelines");
    std::fs::create_dir(&pipelines).unwrap();
    std::fs::write(pipelines.join("mine.launch"), "videotestsrc ! nosuchelement ! appsink name=video")
        .unwrap();
    write_config(
        folder.path(),
        "open = true",
        "[[source]]\nname = \"mine\"\nkind = \"launch\"\nfile = \"mine.launch\"\n",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_vitrina"))
        .args(["run", "--config"])
        .arg(folder.path().join("vitrina.toml"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("source 'mine'") && text.contains("mine.launch: "), "{text}");
    assert!(text.contains("nosuchelement"), "{text}");
}
