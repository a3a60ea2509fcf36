//! A real RTSP server for a test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A network camera; killed when dropped.
pub struct Camera {
    process: Child,
    pub port: String,
}

impl Camera {
    /// On that port; 0: a free one.
    pub fn start(port: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/rtsp_camera.py");
        let mut process = Command::new("/usr/bin/python3")
            .args([script, port])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, port: port.trim().to_owned() }
    }

    pub fn uri(&self) -> String {
        format!("rtsp://127.0.0.1:{}/camera", self.port)
    }

    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.kill();
    }
}
