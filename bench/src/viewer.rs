//! One viewer: a str0m peer behind an emulated link, and a record of what it was sent.
//!
//! Sans-IO but for `flush`, which sends.

use crate::codec;
use crate::frames::{Frames, Packet};
use crate::join::{Joined, Leave};
use crate::link::{HEADER_BYTES, Link, Settings};
use anyhow::Result;
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use str0m::format::Codec;
use str0m::media::KeyframeRequestKind;
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Event, IceConnectionState, Input, Output, Rtc};

/// How a viewer's network and its ways are.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    pub down: Settings,
    pub up: Settings,
    /// Whether lost packets are asked for again.
    pub nack: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour { down: Settings::default(), up: Settings::default(), nack: true }
    }
}

/// The length of one entry of `Viewer::arrived`.
pub const SLOT: Duration = Duration::from_millis(100);

type Datagram = (SocketAddr, Vec<u8>);

/// A viewer that has joined.
pub struct Viewer {
    rtc: Rtc,
    pub socket: mio::net::UdpSocket,
    local: SocketAddr,
    down: Link<Datagram>,
    /// What arrives without a link in between need not be copied.
    direct: bool,
    up: Link<Datagram>,
    nack: bool,
    codecs: HashMap<u8, Codec>,
    known: HashSet<Ssrc>,
    video: Option<Ssrc>,
    timeout: Instant,
    latest: Instant,
    pub frames: Frames,
    pub offered: Instant,
    pub answered: Instant,
    pub connected: Option<Instant>,
    pub first_packet: Option<Instant>,
    /// Why it got nothing any more.
    pub ended: Option<String>,
    /// Bytes that came through the link, with IP and UDP headers, for each slot since the offer.
    pub arrived: Vec<u32>,
    pub audio_packets: u64,
    leave: Leave,
}

impl Viewer {
    /// Takes over what `join` has begun. `seed` makes its losses.
    pub fn new(joined: Joined, behaviour: Behaviour, seed: u64) -> Result<Viewer> {
        joined.socket.set_nonblocking(true)?;
        let local = joined.socket.local_addr()?;
        let rtc = joined.rtc;
        let codecs = rtc.codec_config().params().iter().map(|p| (*p.pt(), p.spec().codec)).collect();
        // Without asking again there is nothing to wait for but packets out of order.
        let patience = Duration::from_millis(if behaviour.nack { 200 } else { 30 });
        Ok(Viewer {
            rtc,
            socket: mio::net::UdpSocket::from_std(joined.socket),
            local,
            down: Link::new(behaviour.down, seed),
            direct: behaviour.down == Settings::default(),
            up: Link::new(behaviour.up, seed.wrapping_add(1 << 32)),
            nack: behaviour.nack,
            codecs,
            known: HashSet::new(),
            video: None,
            timeout: joined.answered,
            latest: joined.answered,
            frames: Frames::new(patience),
            offered: joined.offered,
            answered: joined.answered,
            connected: None,
            first_packet: None,
            ended: None,
            arrived: Vec::new(),
            audio_packets: 0,
            leave: joined.leave,
        })
    }

    /// How to leave.
    pub fn leave(&self) -> Leave {
        self.leave.clone()
    }

    /// Changes the link towards this viewer.
    pub fn set_down(&mut self, settings: Settings) {
        self.direct = false;
        self.down.set(settings);
    }

    /// Packets that the link has turned away and lost.
    pub fn link_losses(&self) -> (u64, u64) {
        (self.down.dropped, self.down.lost)
    }

    /// When `tick` is to be called.
    pub fn deadline(&self) -> Instant {
        [self.down.next(), self.up.next(), self.frames.deadline()]
            .into_iter()
            .flatten()
            .fold(self.timeout, Instant::min)
    }

    /// A datagram came from the network.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Result<()> {
        if self.direct {
            self.deliver(now, from, bytes)
        } else {
            self.down.push(now, bytes.len(), (from, bytes.to_vec()));
            Ok(())
        }
    }

    /// Carries out what is due.
    pub fn tick(&mut self, now: Instant) -> Result<()> {
        while let Some((at, (from, bytes))) = self.down.pop(now) {
            self.deliver(at, from, &bytes)?;
        }
        if self.timeout <= now {
            self.latest = self.latest.max(now);
            self.rtc.handle_input(Input::Timeout(self.latest))?;
            self.flush(now)?;
        }
        self.frames.advance(now);
        if self.frames.ask_for_keyframe(now)
            && let Some(ssrc) = self.video
        {
            if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
            self.flush(now)?;
        }
        while let Some((_, (to, bytes))) = self.up.pop(now) {
            self.send(to, &bytes)?;
        }
        Ok(())
    }

    /// A datagram came through the link at `at`.
    fn deliver(&mut self, at: Instant, from: SocketAddr, bytes: &[u8]) -> Result<()> {
        // The peer's time does not go back, also where a link's exact times lie a little behind.
        self.latest = self.latest.max(at);
        let slot = at.saturating_duration_since(self.offered).as_millis() / SLOT.as_millis();
        let slot = slot as usize;
        if self.arrived.len() <= slot {
            self.arrived.resize(slot + 1, 0);
        }
        if let Some(count) = self.arrived.get_mut(slot) {
            *count += (bytes.len() + HEADER_BYTES) as u32;
        }
        let Ok(contents) = bytes.try_into() else { return Ok(()) };
        let receive = Receive { proto: Protocol::Udp, source: from, destination: self.local, contents };
        self.rtc.handle_input(Input::Receive(self.latest, receive))?;
        self.flush(at)
    }

    /// Takes everything out of the peer.
    fn flush(&mut self, now: Instant) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.timeout = at;
                    return Ok(());
                }
                Output::Transmit(transmit) => {
                    self.up.push(
                        now,
                        transmit.contents.len(),
                        (transmit.destination, transmit.contents.to_vec()),
                    );
                    while let Some((_, (to, bytes))) = self.up.pop(now) {
                        self.send(to, &bytes)?;
                    }
                }
                Output::Event(event) => self.event(now, event),
            }
        }
    }

    fn send(&self, to: SocketAddr, bytes: &[u8]) -> Result<()> {
        match self.socket.send_to(bytes, to) {
            Ok(_) => Ok(()),
            // As on any network: a full buffer loses it, and so does a server that has gone.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused) =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => {
                self.connected.get_or_insert(now);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.ended.get_or_insert_with(|| "ICE was disconnected".into());
            }
            Event::Closed => {
                self.ended.get_or_insert_with(|| "the server closed it".into());
            }
            Event::RtpPacket(packet) => self.packet(now, &packet),
            _ => {}
        }
    }

    fn packet(&mut self, now: Instant, packet: &RtpPacket) {
        let header = &packet.header;
        if self.known.insert(header.ssrc) {
            self.first_packet.get_or_insert(now);
            // str0m asks again only where the server offers RTX; browsers ask without it too.
            let nack = self.nack;
            if let Some(stream) = self.rtc.direct_api().stream_rx(&header.ssrc) {
                stream.suppress_nack(!nack);
            }
        }
        let seen = match self.codecs.get(&*header.payload_type) {
            Some(Codec::H264) => codec::h264(&packet.payload),
            Some(Codec::Vp8) => codec::vp8(&packet.payload),
            _ => {
                self.audio_packets += 1;
                return;
            }
        };
        // The first stream with pictures is what is looked at; a server of several sources has more.
        if *self.video.get_or_insert(header.ssrc) != header.ssrc || packet.payload.is_empty() {
            return;
        }
        let latency_ms = header.ext_vals.abs_capture_time.map(|captured| {
            let arrived = SystemTime::now() - now.elapsed();
            match arrived.duration_since(captured.capture_time) {
                Ok(after) => after.as_secs_f32() * 1000.0,
                Err(before) => before.duration().as_secs_f32() * -1000.0,
            }
        });
        self.frames.push(
            now,
            Packet { seq: *packet.seq_no, time: header.timestamp, marker: header.marker, seen, latency_ms },
        );
    }
}
