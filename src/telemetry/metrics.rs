//! What is counted, and how Prometheus reads it.
//!
//! Owns every metric of the process, as the log's subscriber is the process's own. Who counts adds to an
//! atomic and goes on; who reads never asks the daemon's loop.
//!
//! Invariant: the values of labels come from the configuration or from words written in this program,
//! never from a client: what is kept is bounded, whatever comes.

use super::process::Process;
use crate::core::ids::SourceName;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use std::borrow::Cow;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;

/// The labels of a metric that has so many, with their values.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
type Histograms<const N: usize> = Family<Labels<N>, Histogram>;
/// A number with a fraction that goes up and down.
pub type Real = Gauge<f64, AtomicU64>;

/// Seconds from a frame's capture until it is encoded.
const ENCODE_BUCKETS: [f64; 9] = [0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.5, 2.0];
/// Seconds to a viewer and back.
const ROUND_TRIP_BUCKETS: [f64; 9] = [0.002, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 2.0];
/// Lost of what was sent, from 0 to 1.
const LOSS_BUCKETS: [f64; 8] = [0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3];
/// Seconds that a pipeline takes to stop.
const TEARDOWN_BUCKETS: [f64; 8] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// The process's metrics.
#[must_use]
pub fn metrics() -> &'static Metrics {
    &METRICS
}

/// Where something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// A TCP connection: there are too many, or it is neither TLS nor HTTP.
    Connection,
    /// A request, by the `code` of its answer.
    Http,
    /// The door: a token, a password, an invitation, another site's page.
    Door,
    /// A WebSocket, as RFC 6455 has it.
    Websocket,
    /// A message of the protocol, by the `code` of the `error`.
    Protocol,
    /// An offer or an answer.
    Sdp,
    /// A candidate, or a fragment of them.
    Candidate,
    /// A session: full, another certificate.
    Session,
    /// The UDP port of all viewers.
    MediaPort,
}

impl At {
    /// As it stands in the label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Http => "http",
            Self::Door => "door",
            Self::Websocket => "websocket",
            Self::Protocol => "protocol",
            Self::Sdp => "sdp",
            Self::Candidate => "candidate",
            Self::Session => "session",
            Self::MediaPort => "media_port",
        }
    }
}

/// How [`Metrics::text`] is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Prometheus's own text, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Form {
    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What is counted of a rendition. Clones are the same counts.
#[derive(Debug, Clone)]
pub struct RenditionCounts {
    /// Frames encoded.
    pub frames: Counter,
    /// Their bytes, as packets.
    pub bytes: Counter,
    /// Bytes sent of it to all its viewers together.
    pub sent_bytes: Counter,
    /// Frames left out for a viewer.
    pub drops: Counter,
    /// Keyframes that viewers asked for.
    pub keyframes_asked: Counter,
    /// Keyframes encoded.
    pub keyframes_sent: Counter,
    /// Seconds from a frame's capture until it was encoded.
    pub encode: Histogram,
}

/// See the module.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Sessions now, by what carries their media.
    viewers: Gauges<1>,
    joins: Counters<1>,
    leaves: Counters<1>,
    refusals: Counters<2>,
    round_trip: Histogram,
    loss: Histogram,
    /// Pictures sent by WebSocket, in all.
    pub pictures: Counter,
    /// Their bytes.
    pub picture_bytes: Counter,
    /// Rooms now.
    pub rooms: Gauge,
    /// People in them now.
    pub participants: Gauge,
    source_state: Gauges<2>,
    source_frames: Counters<1>,
    source_starts: Counters<1>,
    source_failures: Counters<2>,
    encoder_starts: Counters<2>,
    encoder_takeovers: Counters<1>,
    rendition_frames: Counters<3>,
    rendition_bytes: Counters<3>,
    rendition_sent_bytes: Counters<3>,
    rendition_drops: Counters<3>,
    keyframes_asked: Counters<3>,
    keyframes_sent: Counters<3>,
    encode: Histograms<3>,
    teardown: Histogram,
    /// Pipelines that are being stopped now.
    pub pipelines_stopping: Gauge,
    /// Those among them that take too long.
    pub pipelines_stuck: Gauge,
    teardowns_late: Counters<1>,
    /// Events of the media that found the daemon's loop not taking any.
    pub events_lost: Counter,
    /// Lines of the audit log that found its file not taking any.
    pub audit_lines_lost: Counter,
    /// Starts on this state folder after the first.
    pub restarts: Counter,
    reloads: Counters<1>,
}

/// Registers a metric under the prefix of them all.
fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn histogram(buckets: &'static [f64]) -> Histogram {
    Histogram::new(buckets.iter().copied())
}

impl Metrics {
    fn new() -> Self {
        let mut root = Registry::default();
        root.register_collector(Box::new(Process));
        let all = root.sub_registry_with_prefix("vitrina");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        all.register("build", "What this is", build);
        let encode: Histograms<3> = Family::new_with_constructor(|| histogram(&ENCODE_BUCKETS));
        let metrics = Self {
            viewers: add(
                all,
                "viewers",
                "Sessions now, by what carries their media: webrtc, whep, pictures (by the WebSocket) or none",
                Family::default(),
            ),
            joins: add(all, "joins", "Sessions begun, by the page or by whep", Family::default()),
            leaves: add(
                all,
                "leaves",
                "Sessions ended, by the reason that the protocol has for it; gone: the client's connection ended",
                Family::default(),
            ),
            refusals: add(all, "refusals", "What was refused, by where and by cause", Family::default()),
            round_trip: add(
                all,
                "viewer_round_trip_seconds",
                "The time to a viewer and back, of each viewer every 5 s",
                histogram(&ROUND_TRIP_BUCKETS),
            ),
            loss: add(
                all,
                "viewer_loss_ratio",
                "What is lost on the way to a viewer, from 0 to 1, of each viewer every 5 s",
                histogram(&LOSS_BUCKETS),
            ),
            pictures: add(all, "pictures", "Pictures sent by WebSocket", Counter::default()),
            picture_bytes: add(
                all,
                "picture_bytes",
                "Bytes of pictures sent by WebSocket",
                Counter::default(),
            ),
            rooms: add(all, "rooms", "Rooms", Gauge::default()),
            participants: add(all, "participants", "People in the rooms", Gauge::default()),
            source_state: add(
                all,
                "source_state",
                "1 for the state that a source is in, else 0",
                Family::default(),
            ),
            source_frames: add(
                all,
                "source_frames",
                "Frames captured, of picture and sound",
                Family::default(),
            ),
            source_starts: add(all, "source_starts", "Starts of a capture", Family::default()),
            source_failures: add(
                all,
                "source_failures",
                "Faults of a source: of its capture or an encoder of it, by cause",
                Family::default(),
            ),
            encoder_starts: add(all, "encoder_starts", "Starts of an encoder", Family::default()),
            encoder_takeovers: add(
                all,
                "encoder_takeovers",
                "Encoders that took over from one that failed",
                Family::default(),
            ),
            rendition_frames: add(all, "rendition_frames", "Frames encoded", Family::default()),
            rendition_bytes: add(all, "rendition_bytes", "Bytes encoded, as RTP packets", Family::default()),
            rendition_sent_bytes: add(
                all,
                "rendition_sent_bytes",
                "Bytes handed on to all viewers together",
                Family::default(),
            ),
            rendition_drops: add(
                all,
                "rendition_drops",
                "Frames left out for a viewer whose link or queue is full, or who waits for a keyframe",
                Family::default(),
            ),
            keyframes_asked: add(
                all,
                "keyframes_asked",
                "Keyframes that viewers asked for",
                Family::default(),
            ),
            keyframes_sent: add(all, "keyframes_sent", "Keyframes encoded", Family::default()),
            encode: add(all, "encode_seconds", "From a frame's capture until it is encoded", encode),
            teardown: add(
                all,
                "teardown_seconds",
                "How long a pipeline takes to stop",
                histogram(&TEARDOWN_BUCKETS),
            ),
            pipelines_stopping: add(
                all,
                "pipelines_stopping",
                "Pipelines that are being stopped now",
                Gauge::default(),
            ),
            pipelines_stuck: add(
                all,
                "pipelines_stuck",
                "Those that have taken more than 15 s to stop and have not",
                Gauge::default(),
            ),
            teardowns_late: add(
                all,
                "teardowns_late",
                "Pipelines that took more than 15 s to stop, or never did, by what they were",
                Family::default(),
            ),
            events_lost: add(
                all,
                "events_lost",
                "Events of the media that the daemon's loop had no room for",
                Counter::default(),
            ),
            audit_lines_lost: add(
                all,
                "audit_lines_lost",
                "Lines of the audit log that its file had no room for",
                Counter::default(),
            ),
            restarts: add(
                all,
                "restarts",
                "Starts of the daemon on this state folder after the first",
                Counter::default(),
            ),
            reloads: add(
                all,
                "reloads",
                "Reloads of the configuration, by what came of them",
                Family::default(),
            ),
            registry: root,
        };
        metrics.begin();
        metrics
    }

    /// What is known beforehand begins with 0, so that its first change is seen as one.
    fn begin(&self) {
        for by in ["page", "whep"] {
            self.joins.get_or_create(&[("by", by.into())]).inc_by(0);
        }
        for result in ["taken", "refused"] {
            self.reloads.get_or_create(&[("result", result.into())]).inc_by(0);
        }
        for kind in ["capture", "encoder", "viewer", "pictures"] {
            self.teardowns_late.get_or_create(&[("pipeline", kind.into())]).inc_by(0);
        }
    }

    /// All of it. Reads files of the system's about this process: not for the daemon's loop.
    #[must_use]
    pub fn text(&self, form: Form) -> String {
        let mut text = String::with_capacity(32 * 1024);
        let written = match form {
            Form::Prometheus => prometheus_text::encode(&mut text, &self.registry),
            Form::OpenMetrics => text::encode(&mut text, &self.registry),
        };
        // Into a text nothing fails but a metric that is none.
        if written.is_err() {
            tracing::error!("a metric cannot be written");
        }
        text
    }

    /// A session has begun.
    pub fn joined(&self, by: &'static str) {
        self.joins.get_or_create(&[("by", by.into())]).inc();
    }

    /// A session has ended.
    pub fn left(&self, reason: impl Into<Cow<'static, str>>) {
        self.leaves.get_or_create(&[("reason", reason.into())]).inc();
    }

    /// Something was refused. `cause`: one of a closed set of words, with spaces or underscores.
    pub fn refused(&self, at: At, cause: impl Into<Cow<'static, str>>) {
        let cause = cause.into();
        let cause = if cause.contains(' ') { cause.replace(' ', "_").into() } else { cause };
        self.refusals.get_or_create(&[("at", at.word().into()), ("cause", cause)]).inc();
    }

    /// So many sessions have their media by this.
    pub fn viewers(&self, by: &'static str, count: usize) {
        self.viewers.get_or_create(&[("by", by.into())]).set(number(count));
    }

    /// How a viewer's link is.
    pub fn link(&self, loss: f64, round_trip_s: Option<f64>) {
        self.loss.observe(loss);
        if let Some(seconds) = round_trip_s {
            self.round_trip.observe(seconds);
        }
    }

    /// A source is in this state, and in none of the others.
    pub fn source_state(&self, source: &SourceName, states: &[&'static str], state: &str) {
        for each in states {
            let labels = [("source", named(source)), ("state", (*each).into())];
            self.source_state.get_or_create(&labels).set(i64::from(*each == state));
        }
    }

    /// A capture has come on by so many frames, and was started so many times.
    pub fn captured(&self, source: &SourceName, frames: u64, starts: u64) {
        let labels = [("source", named(source))];
        self.source_frames.get_or_create(&labels).inc_by(frames);
        self.source_starts.get_or_create(&labels).inc_by(starts);
    }

    /// A source, its capture or an encoder of it, has failed so many times.
    pub fn failed(&self, source: &SourceName, cause: impl Into<Cow<'static, str>>, times: u64) {
        let labels = [("source", named(source)), ("cause", cause.into())];
        self.source_failures.get_or_create(&labels).inc_by(times);
    }

    /// An encoder of it has taken over from one that failed so many times.
    pub fn taken_over(&self, source: &SourceName, times: u64) {
        self.encoder_takeovers.get_or_create(&[("source", named(source))]).inc_by(times);
    }

    /// An encoder was started so many times.
    pub fn encoder_started(&self, source: &SourceName, codec: &'static str, times: u64) {
        let labels = [("source", named(source)), ("codec", codec.into())];
        self.encoder_starts.get_or_create(&labels).inc_by(times);
    }

    /// The counts of a rendition.
    #[must_use]
    pub fn rendition(&self, source: &SourceName, codec: &'static str, rung: u8) -> RenditionCounts {
        let labels = rendition(source, codec, rung);
        RenditionCounts {
            frames: self.rendition_frames.get_or_create_owned(&labels),
            bytes: self.rendition_bytes.get_or_create_owned(&labels),
            sent_bytes: self.rendition_sent_bytes.get_or_create_owned(&labels),
            drops: self.rendition_drops.get_or_create_owned(&labels),
            keyframes_asked: self.keyframes_asked.get_or_create_owned(&labels),
            keyframes_sent: self.keyframes_sent.get_or_create_owned(&labels),
            encode: self.encode.get_or_create_owned(&labels),
        }
    }

    /// A pipeline has stopped.
    pub fn stopped(&self, seconds: f64) {
        self.teardown.observe(seconds);
    }

    /// A pipeline of this kind does not stop.
    pub fn stuck(&self, kind: &'static str) {
        self.teardowns_late.get_or_create(&[("pipeline", kind.into())]).inc();
    }

    /// The configuration was read again.
    pub fn reloaded(&self, taken: bool) {
        let result = if taken { "taken" } else { "refused" };
        self.reloads.get_or_create(&[("result", result.into())]).inc();
    }

    /// There is no such source any more; its states, causes, codecs and rungs.
    pub fn forget(
        &self,
        source: &SourceName,
        states: &[&'static str],
        causes: &[String],
        codecs: &[(&'static str, u8)],
    ) {
        let own = || ("source", named(source));
        self.source_frames.remove(&[own()]);
        self.source_starts.remove(&[own()]);
        self.encoder_takeovers.remove(&[own()]);
        for state in states {
            self.source_state.remove(&[own(), ("state", (*state).into())]);
        }
        for cause in causes {
            self.source_failures.remove(&[own(), ("cause", cause.clone().into())]);
        }
        for (codec, rungs) in codecs {
            self.encoder_starts.remove(&[own(), ("codec", (*codec).into())]);
            for rung in 0..*rungs {
                let labels = rendition(source, codec, rung);
                self.rendition_frames.remove(&labels);
                self.rendition_bytes.remove(&labels);
                self.rendition_sent_bytes.remove(&labels);
                self.rendition_drops.remove(&labels);
                self.keyframes_asked.remove(&labels);
                self.keyframes_sent.remove(&labels);
                self.encode.remove(&labels);
            }
        }
    }
}

fn named(source: &SourceName) -> Cow<'static, str> {
    source.as_str().to_owned().into()
}

fn rendition(source: &SourceName, codec: &'static str, rung: u8) -> Labels<3> {
    [("source", named(source)), ("codec", codec.into()), ("rung", rung.to_string().into())]
}

/// A count as a gauge has it.
#[must_use]
pub fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
