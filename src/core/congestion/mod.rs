//! One viewer's link: what it carries, what waits in it, and which renditions fit.
//!
//! [`Congestion`] numbers and notes what is sent, takes the viewer's RTCP, and says how much time
//! waits in the network now (for the gate that drops whole frames) and which rung of its ladder
//! each picture should be on. Nothing is paced and nothing is probed: frames leave as bursts, and
//! how a burst spreads out on its way is the measurement. It is best with transport-wide feedback
//! and makes do with REMB, or with receiver reports alone.
//!
//! Owns the decision; never sends, switches or encodes, and reads no clock. Bounded in memory
//! (about 100 KB at 1,000 packets a second); a packet costs some ten nanoseconds.

mod ladder;
mod packets;
mod reports;
mod sent;
#[cfg(test)]
mod tests;
mod trains;
mod window;

pub use ladder::{Change, Choice, Decision, Picture};

use crate::core::rtcp::{self, Packet, RtcpError};
use crate::core::rtp::QUEUE_HIGH;
use crate::core::units::Bitrate;
use ladder::Ladder;
use packets::PacketView;
use reports::ReportView;
use sent::SentLog;
use std::time::{Duration, Instant};

/// Feedback of a kind that was not heard for so long is not counted on any more.
const FORGOTTEN_US: i64 = 5_000_000;
/// Sent for so long without a word on it: the feedback fails, or the link does.
const BLIND_US: i64 = 1_000_000;
/// So long after frames were held back, the link counts as one with a queue;
const FULL_US: i64 = 1_000_000;
/// and if it was for the third time within this, as overused.
const FULL_AGAIN_US: i64 = 5_000_000;
/// What is further apart is another time.
const FULL_APART_US: i64 = 250_000;
/// What each packet has on the wire that its sender does not count: IPv4, UDP, the SRTP tag. A
/// link carries fewer bytes of small packets, and would be underrated without it.
const WIRE_OVERHEAD: u32 = 20 + 8 + 10;

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkState {
    /// What is sent gets through.
    Normal,
    /// A queue stands that may be a keyframe's, or the beginning of worse.
    Queueing,
    /// A queue stands for too long, or more is lost than links lose by themselves.
    Overused,
    /// Something is being sent, and nothing is heard.
    Blind,
}

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Nothing has come yet.
    Nothing,
    /// Receiver reports (RFC 3550).
    Reports,
    /// The receiver's own estimate (REMB), and reports.
    Remb,
    /// The arrival of each packet.
    Packets,
}

/// What is known of a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// What the link carries, counted as on the wire; `None`: nothing says. It is too high rather
    /// than too low.
    pub capacity: Option<Bitrate>,
    /// What arrived lately.
    pub delivered: Bitrate,
    /// What was sent in the last second.
    pub sent: Bitrate,
    /// The queue that stands, apart from the bursts of single frames.
    pub queue: Duration,
    /// Lost of what was sent, 0 to 1.
    pub loss: f64,
    /// To the viewer and back.
    pub round_trip: Option<Duration>,
    /// How the link is.
    pub state: LinkState,
    /// What this rests on.
    pub source: Source,
    /// When it was last measured.
    pub updated: Option<Instant>,
}

/// When the queue was found too long, and frames were held back: by that alone it may never be
/// seen to stand.
#[derive(Debug, Clone, Copy, Default)]
struct Full {
    /// The last time.
    last: Option<i64>,
    /// When this stretch of it began, and the two before.
    began: [Option<i64>; 3],
}

impl Full {
    fn note(&mut self, now: i64) {
        // With a keyframe to wait for, one stretch is easily half a second apart from the next.
        if self.last.is_none_or(|last| now - last > FULL_APART_US) {
            let [last, before, _] = self.began;
            self.began = [Some(now), last, before];
        }
        self.last = Some(now);
    }

    /// What it says of the link.
    fn state(&self, now: i64) -> LinkState {
        let lately = |at: Option<i64>, within: i64| at.is_some_and(|at| now - at < within);
        let [_, _, third] = self.began;
        if !lately(self.last, FULL_US) {
            LinkState::Normal
        } else if lately(third, FULL_AGAIN_US) {
            LinkState::Overused
        } else {
            LinkState::Queueing
        }
    }
}

/// The congestion control of one viewer, over all its tracks.
///
/// Meant to stand behind a mutex: [`sent`](Self::sent) and [`queue`](Self::queue) are called by
/// the thread that copies packets, [`rtcp`](Self::rtcp) by the one that RTCP arrives on,
/// [`decide`](Self::decide) by the daemon's loop, every 100 to 250 ms. None of them waits. Times
/// may come a little out of order.
///
/// ```
/// # use std::time::{Duration, Instant};
/// # use vitrina::core::{congestion::{Choice, Congestion, Picture}, units::Bitrate};
/// let start = Instant::now();
/// let mut congestion = Congestion::new(start);
/// assert_eq!(congestion.queue(start), Duration::ZERO);
/// assert_eq!(congestion.sent(start, 1200), 0);
/// assert_eq!(congestion.sent(start, 1200), 1);
/// congestion.rtcp(start, 0, &[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2])?;
/// let rungs = [2500, 750, 250].map(Bitrate::from_kbps);
/// let screen = Picture { rungs: &rungs, choice: Choice::Fixed(1), rung: 0 };
/// let decision = congestion.decide(start, &[screen], Bitrate::from_kbps(64));
/// assert_eq!((decision.changes[0].picture, decision.changes[0].rung), (0, 1));
/// # Ok::<(), vitrina::core::rtcp::RtcpError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Congestion {
    epoch: Instant,
    log: SentLog,
    packets: PacketView,
    reports: ReportView,
    ladder: Ladder,
    last_feedback: Option<i64>,
    /// When the last byte that was sent will have left the link, by all that is known.
    drained_at: i64,
    full: Full,
}

impl Congestion {
    /// For a viewer to which nothing was sent yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self::with_first_number(now, 0)
    }

    fn with_first_number(now: Instant, first: u16) -> Self {
        Self {
            epoch: now,
            log: SentLog::new(first),
            packets: PacketView::new(),
            reports: ReportView::new(),
            ladder: Ladder::new(now),
            last_feedback: None,
            drained_at: 0,
            full: Full::default(),
        }
    }

    fn micros(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.epoch).as_micros()).unwrap_or(i64::MAX)
    }

    /// Notes one packet of any track that is being sent, and gives it its transport-wide number.
    /// `bytes` is the packet's length, RTP header and all, before SRTP.
    /// Retransmissions are not noted: they repeat the first one's number.
    pub fn sent(&mut self, now: Instant, bytes: usize) -> u16 {
        let now = self.micros(now);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(WIRE_OVERHEAD);
        // Without a word for long, the model would only drift away from the truth.
        if !self.is_blind(now) {
            self.drained_at = self.drained_at.max(now) + service_us(bytes, self.carries(now));
        }
        self.log.push(now, bytes)
    }

    /// How much time waits in the network for this viewer now: the queue as it was at the last
    /// packet that is known to have arrived, what was sent since, and what the link has carried
    /// in the meantime. Goes on by itself when feedback is late or lost; zero while nothing is
    /// known.
    #[must_use]
    pub fn queue(&mut self, now: Instant) -> Duration {
        let now = self.micros(now);
        let waiting = self.drained_at.saturating_sub(now);
        let waiting = Duration::from_micros(u64::try_from(waiting).unwrap_or(0));
        if waiting > QUEUE_HIGH {
            self.full.note(now);
        }
        waiting
    }

    /// Bytes that were sent and are not known to have arrived or to be lost.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.log.in_flight()
    }

    /// Takes a compound of RTCP from the viewer, unprotected. `ntp` is the wall clock now, as
    /// [`ntp_time`](crate::core::rtp::ntp_time) makes it: that by which the sender reports are
    /// stamped.
    ///
    /// # Errors
    /// The first [`RtcpError`]; what is well formed beside it was taken.
    pub fn rtcp(&mut self, now: Instant, ntp: u64, bytes: &[u8]) -> Result<(), RtcpError> {
        let mut result = Ok(());
        for packet in rtcp::packets(bytes) {
            match packet {
                Ok(packet) => self.packet(now, ntp, packet),
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    fn packet(&mut self, now: Instant, ntp: u64, packet: Packet<'_>) {
        let now = self.micros(now);
        match packet {
            Packet::TransportFeedback(feedback) => {
                let outcomes = self.log.join(&feedback);
                if outcomes.is_empty() {
                    return;
                }
                self.last_feedback = Some(now);
                self.packets.feedback(feedback.base(), feedback.count(), outcomes);
                self.model_queue();
            }
            Packet::Report(blocks) => {
                let sent_kbps = self.sent_kbps(now);
                let queue_known = self.reports.report(now, ntp, blocks, sent_kbps);
                if queue_known && self.source(now) != Source::Packets {
                    self.drained_at = now + self.reports.queue_us;
                }
            }
            Packet::Remb(bps) => {
                let sent_kbps = self.sent_kbps(now);
                self.reports.remb(now, bps, sent_kbps);
            }
            Packet::Nack(_) | Packet::Pli | Packet::Fir(_) | Packet::Other { .. } => {}
        }
    }

    /// Runs the queue on from the last packet that arrived, over those after it: each leaves one
    /// transmission time after it came, or after the one before it left.
    fn model_queue(&mut self) {
        let Some((sent, queue_us)) = self.packets.newest else { return };
        let capacity = self.packets.capacity_kbps;
        self.drained_at = self.log.unacknowledged().fold(sent + queue_us, |drained_at, packet| {
            drained_at.max(packet.at) + service_us(packet.bytes, capacity)
        });
    }

    /// What the link carries, as far as the gate is to believe it. What a receiver estimates
    /// follows what is sent, and to hold frames back by it would lead down to nothing.
    fn carries(&self, now: i64) -> Option<u32> {
        match self.source(now) {
            Source::Packets => self.packets.capacity_kbps,
            Source::Remb | Source::Reports | Source::Nothing => None,
        }
    }

    fn source(&self, now: i64) -> Source {
        let heard = |at: Option<i64>| at.is_some_and(|at| now - at < FORGOTTEN_US);
        if heard(self.last_feedback) {
            Source::Packets
        } else if heard(self.reports.last_remb) {
            Source::Remb
        } else if heard(self.reports.last_report) {
            Source::Reports
        } else {
            Source::Nothing
        }
    }

    fn sent_kbps(&self, now: i64) -> u32 {
        trains::kbps(
            i64::try_from(self.log.bytes_since(now - 1_000_000)).unwrap_or(i64::MAX >> 14),
            1_000_000,
        )
    }

    /// Whether something was sent a second ago, feedback of it had been coming, and none does.
    fn is_blind(&self, now: i64) -> bool {
        let waits = || self.log.unacknowledged().next().is_some_and(|first| now - first.at > BLIND_US);
        self.last_feedback.is_some_and(|last| now - last > BLIND_US) && waits()
    }

    /// What is known of the link.
    #[must_use]
    pub fn estimate(&self, now: Instant) -> Estimate {
        let micros = self.micros(now);
        let source = self.source(micros);
        let at = |us: i64| self.epoch + Duration::from_micros(u64::try_from(us).unwrap_or(0));
        let duration = |us: i64| Duration::from_micros(u64::try_from(us).unwrap_or(0));
        let latest = self.last_feedback.max(self.reports.last_report).max(self.reports.last_remb);
        let common = Estimate {
            capacity: None,
            delivered: Bitrate::from_kbps(0),
            sent: Bitrate::from_kbps(self.sent_kbps(micros)),
            queue: Duration::ZERO,
            loss: 0.0,
            round_trip: self.reports.rtt_us.map(duration),
            state: LinkState::Normal,
            source,
            updated: latest.map(at),
        };
        match source {
            Source::Nothing
                if latest.is_some() && self.log.last_at().is_some_and(|sent| Some(sent) > latest) =>
            {
                Estimate { state: LinkState::Blind, ..common }
            }
            Source::Nothing => common,
            Source::Packets => Estimate {
                capacity: self.packets.capacity_kbps.map(Bitrate::from_kbps),
                delivered: Bitrate::from_kbps(self.packets.delivered_kbps),
                queue: duration(self.packets.queue_us),
                loss: self.packets.loss,
                state: if self.is_blind(micros) {
                    LinkState::Blind
                } else {
                    self.packets.state.max(self.full.state(micros))
                },
                updated: self.last_feedback.map(at),
                ..common
            },
            Source::Remb | Source::Reports => Estimate {
                capacity: self.reports.capacity_kbps.map(Bitrate::from_kbps),
                delivered: Bitrate::from_kbps(self.reports.delivered_kbps),
                queue: duration(self.reports.queue_us),
                loss: self.reports.loss,
                state: self.reports.state.max(self.full.state(micros)),
                ..common
            },
        }
    }

    /// Which rung each picture should be on now; call it every 100 to 250 ms. `pictures` are the
    /// viewer's in the order of their m-lines; `sound` is what all its sound takes with its headers
    /// (Opus of 48 kbit/s in packets of 20 ms: 48 + 23), which comes first.
    pub fn decide(&mut self, now: Instant, pictures: &[Picture<'_>], sound: Bitrate) -> Decision {
        let estimate = self.estimate(now);
        self.ladder.decide(now, pictures, sound, &estimate)
    }
}

/// How long the link sends that many bytes; an unknown link takes no time.
fn service_us(bytes: u32, kbps: Option<u32>) -> i64 {
    kbps.map_or(0, |kbps| i64::from(bytes) * 8_000 / i64::from(kbps.max(1)))
}
