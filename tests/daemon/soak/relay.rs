//! A narrow link: datagrams of one viewer pass as fast as it carries them, and what is too much is lost.

use socket2::SockRef;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub struct Relay {
    port: u16,
    over: Arc<AtomicBool>,
    passed: Arc<AtomicU64>,
}

impl Relay {
    /// To the daemon's `media` port; `rate` in bit/s towards the viewer. The other way is wide.
    pub fn new(media: SocketAddr, rate: u64) -> Self {
        let bind = || UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let (front, back) = (bind(), bind());
        back.connect(media).unwrap();
        // The queue in front of the link is the kernel's: a few packets.
        SockRef::from(&back).set_recv_buffer_size(8192).unwrap();
        for socket in [&front, &back] {
            socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        }
        let port = front.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let passed = Arc::new(AtomicU64::new(0));
        let viewer = Arc::new(Mutex::new(None));
        let (out, inward) = (front.try_clone().unwrap(), back.try_clone().unwrap());
        let (ended, known) = (Arc::clone(&over), Arc::clone(&viewer));
        std::thread::spawn(move || {
            each(&front, &ended, |bytes, from| {
                *known.lock().unwrap() = Some(from);
                let _ = inward.send(bytes);
            });
        });
        let (ended, count) = (Arc::clone(&over), Arc::clone(&passed));
        std::thread::spawn(move || {
            let mut free = Instant::now();
            each(&back, &ended, |bytes, _| {
                let bits = (bytes.len() as u64 + 28) * 8;
                free = free.max(Instant::now()) + Duration::from_micros(bits * 1_000_000 / rate);
                std::thread::sleep(free.saturating_duration_since(Instant::now()));
                if let Some(viewer) = *viewer.lock().unwrap() {
                    let _ = out.send_to(bytes, viewer);
                    count.fetch_add(bits / 8, Ordering::Relaxed);
                }
            });
        });
        Self { port, over, passed }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Bytes that came through to the viewer.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn each(socket: &UdpSocket, over: &AtomicBool, mut handle: impl FnMut(&[u8], SocketAddr)) {
    let mut buffer = [0; 2048];
    while !over.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            handle(&buffer[..length], from);
        }
    }
}
