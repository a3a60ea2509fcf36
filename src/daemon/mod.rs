//! The daemon: everything joined, one loop.
//!
//! Owns the order of start, reload and stop, and the one place where media and web meet. All that
//! happens comes to the loop as an [`Event`]; nothing in the loop waits for a device or a socket,
//! but for a reload, which waits until the file is read and the machine is looked at.

mod admin;
mod audit;
mod channels;
mod control;
mod desktop;
mod faults;
mod histories;
#[cfg(test)]
mod house;
mod jobs;
mod links;
mod logins;
mod measures;
mod memory;
mod pauses;
mod pictures;
mod reload;
mod rooms;
mod sources;
mod status;
mod system;
mod taking;
mod unit;
mod viewer;
mod viewers;
mod whep;

use crate::config::{Config, ConfigErrors, Source, Srtp};
use crate::control::Asked;
use crate::core::ids::{SourceName, ViewerId};
use crate::core::protocol::ByeReason;
use crate::core::sign::Sign;
use crate::core::viewer::Input;
use crate::media::encoder::Encoders;
use crate::media::ice::{Ice, IceSettings};
use crate::media::launch::LaunchFiles;
use crate::media::{self, MediaError, RenditionId, pipeline};
use crate::telemetry::health;
use crate::web::{self, Server, WhepOutcome};
use async_channel::{Receiver, Sender};
use futures_lite::FutureExt as _;
use jobs::{Done, Jobs};
pub use logins::login;
use measures::Measured;
use memory::Memory;
use pauses::Kept;
use pictures::Pictures;
use reload::{BadReload, Reload, Reloaded};
use rooms::Meeting;
use sd_notify::NotifyState;
use sources::Sources;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use system::{Request, Requests};
use unit::Planned;
use viewer::{Guest, Unit};
use viewers::{Greeting, Opened, Rules, Viewers};

/// Events of the media that may wait. A hundred viewers that join at once make some thousand.
const MEDIA_EVENTS: usize = 16 * 1024;
/// Messages of clients that may wait; more, and the clients wait.
const WEB_EVENTS: usize = 256;
/// Ends of jobs that may wait; more, and the jobs' threads wait.
const DONE_EVENTS: usize = 256;
/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long a stop may take in all.
const STOP_WITHIN: Duration = Duration::from_millis(1700);
/// A pipeline that takes longer to stop is stuck.
const STUCK: Duration = Duration::from_secs(15);
/// So many stuck pipelines are too many for a process that is to run for months. One or two are
/// what a dead X server leaves behind.
const TOO_MANY_STUCK: usize = 8;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The media.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The page.
    #[error(transparent)]
    Web(#[from] web::Error),
    /// The control socket, or that another daemon has it.
    #[error(transparent)]
    Control(#[from] crate::control::Error),
    /// A source's own launch file.
    #[error("source '{source_name}': {error}")]
    Source {
        /// Which.
        source_name: SourceName,
        /// What is wrong with it.
        error: MediaError,
    },
    /// The page's server ends by itself only by a fault.
    #[error("the page's server has ended")]
    WebEnded,
    /// The system's signals.
    #[error("signals cannot be caught: {0}")]
    Signals(#[source] std::io::Error),
}

/// What this is, for whoever asks.
const SOFTWARE: &str = concat!("vitrina/", env!("CARGO_PKG_VERSION"));

/// Closed when the page's server has ended, by itself or by a panic.
type Serving = Receiver<Infallible>;

/// All that can happen.
#[derive(Debug)]
enum Event {
    Web(web::Event),
    Media(media::Event),
    Done(Done),
    Opened(Opened),
    Reloaded(Box<Result<Reloaded, BadReload>>),
    Asked(Asked),
    System(Request),
    /// The page's server has ended, which it does by itself only by a fault.
    WebEnded,
    Tick,
}

/// What the machine has, for a configuration that names no source.
pub type FindSources = fn() -> Vec<Source>;
/// Reads a configuration file again.
pub type LoadConfig = fn(Option<&Path>) -> Result<Config, ConfigErrors>;

/// What the daemon is given besides its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// For a configuration that names no source.
    pub find_sources: FindSources,
    /// For a reload.
    pub load_config: LoadConfig,
    /// Says where the page is: the base URL, the link that lets its reader in, the certificate's
    /// fingerprint.
    pub announce: fn(&str, &web::Link, Option<&str>),
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// [`Error`] when it does not start. Once it runs, faults are lived with.
pub fn run(config: Config, means: Means) -> Result<(), Error> {
    media::init()?;
    media::logging::bridge();
    smol::block_on(async {
        let mut requests = Requests::new().map_err(Error::Signals)?;
        let (control, asked) = {
            let state_dir = config.state_dir.clone();
            smol::unblock(move || crate::control::Server::bind(&state_dir)).await?
        };
        let told = config.metrics.clone();
        let state_dir = config.state_dir.clone();
        smol::unblock(move || measures::count_start(&state_dir)).await;
        let readers = told.map(|config| web::Metrics::bind(&config)).transpose()?;
        let _metrics = readers.map(|readers| {
            tracing::info!("metrics: http://{}/metrics", readers.local_addr());
            smol::spawn(async move { readers.run().await })
        });
        let (web_sender, web_events) = async_channel::bounded(WEB_EVENTS);
        let server = Arc::new({
            let config = config.clone();
            smol::unblock(move || Server::bind(&config, web_sender)).await?
        });
        let mut daemon = Daemon::prepare(config, means, Arc::clone(&server), asked).await?;
        let control = smol::spawn(async move { control.run().await });
        let link = server.link();
        let (alive, serving) = async_channel::bounded(1);
        let _server = smol::spawn(async move {
            server.run().await;
            drop::<Sender<Infallible>>(alive);
        });
        (means.announce)(&daemon.server.url(), &link, daemon.server.fingerprint().as_deref());
        system::notify(&[NotifyState::Ready]);
        let ended = daemon.run(&mut requests, &web_events, &serving).await;
        // Its socket file goes with it, before this process has ended.
        control.cancel().await;
        ended
    })
}

struct Daemon {
    config: Config,
    means: Means,
    server: Arc<Server>,
    sources: Sources,
    viewers: Viewers,
    pictures: Pictures,
    media_events: Receiver<media::Event>,
    done_events: Receiver<Done>,
    opened_events: Receiver<Opened>,
    asked: Receiver<Asked>,
    kept: Kept,
    sign: Sign,
    measured: Measured,
    memory: Memory,
    reload: Reload,
    began: Instant,
    last_tick: Instant,
    last_fed: Instant,
}

impl Daemon {
    /// What takes time at start, side by side: encoders are tried, the first `webrtcbin` of the
    /// process is made, devices are looked for.
    async fn prepare(
        config: Config,
        means: Means,
        server: Arc<Server>,
        asked: Receiver<Asked>,
    ) -> Result<Self, Error> {
        let files = LaunchFiles::new(config.pipelines_dir.clone());
        let order = config.video.encoders.clone();
        let encoders = smol::unblock(move || Encoders::choose(&files, &order));
        let srtp = config.network.srtp;
        let listening = server.local_addr();
        let (port, settings) = (config.network.port, ice(&config, listening));
        let warm = smol::unblock(move || {
            let ice = Ice::bind(port.unwrap_or(listening.port()), port.is_some(), settings)?;
            if srtp == Srtp::Vitrina {
                media::srtp::install()?;
            }
            media::viewer::warm_up(&ice)?;
            Ok::<_, MediaError>(ice)
        });
        let named = config.clone();
        let found = smol::unblock(move || sources_of(&named, means.find_sources));
        let state_dir = config.state_dir.clone();
        let (kept, pauses) = smol::unblock(move || Kept::read(&state_dir)).await;
        let with_rooms = config.clone();
        let histories = smol::unblock(move || histories::read(&with_rooms)).await;
        let (encoders, warm, found) = (encoders.await?, warm.await, found.await?);
        let ice = warm?;
        tracing::info!(port = ice.port(), "pictures and sound go by this UDP port");
        let (media_sender, media_events) = async_channel::bounded(MEDIA_EVENTS);
        let (done_sender, done_events) = async_channel::bounded(DONE_EVENTS);
        let (opened_sender, opened_events) = async_channel::bounded(DONE_EVENTS);
        let events = media::Events::new(media_sender);
        let jobs = Jobs::new(done_sender);
        let pictures = Pictures::new(events.clone(), jobs.clone());
        let sources = Sources::new(&config, (found, pauses), encoders, events.clone(), jobs);
        let meeting = Meeting::new(&config, histories);
        let viewers = Viewers::new(ice, greeting(&config), rules(&config), events, opened_sender, meeting);
        let now = Instant::now();
        Ok(Self {
            config,
            means,
            server,
            sources,
            viewers,
            pictures,
            media_events,
            done_events,
            opened_events,
            asked,
            kept,
            sign: Sign::default(),
            measured: Measured::new(now),
            memory: Memory::default(),
            reload: Reload::new(),
            began: now,
            last_tick: now,
            last_fed: now,
        })
    }

    async fn run(
        &mut self,
        requests: &mut Requests,
        web_events: &Receiver<web::Event>,
        serving: &Serving,
    ) -> Result<(), Error> {
        let mut ended = Ok(());
        loop {
            let event = self.next(requests, web_events, serving).await;
            let now = Instant::now();
            match event {
                Event::System(Request::Stop) => break,
                Event::System(Request::Reload) => self.reload(None),
                Event::Asked(asked) => self.answer(now, asked),
                Event::Reloaded(read) => self.reloaded(now, *read),
                Event::WebEnded => {
                    ended = Err(Error::WebEnded);
                    break;
                }
                Event::Web(event) => self.web(now, event),
                Event::Media(event) => self.media(now, event),
                Event::Done(done) => self.done(now, done),
                Event::Opened(opened) => self.viewers.opened(now, opened, &self.sources),
                Event::Tick => {}
            }
            self.settle(now);
        }
        self.stop(serving).await;
        ended
    }

    /// The next event; what has been promised to others comes before what clients ask for.
    async fn next(
        &self,
        requests: &mut Requests,
        web_events: &Receiver<web::Event>,
        serving: &Serving,
    ) -> Event {
        let tick = Some(self.last_tick + TICK);
        let due = [self.sources.deadline(), self.viewers.deadline(), self.pictures.deadline(), tick];
        let due = due.into_iter().flatten().min().unwrap_or(self.last_tick + TICK);
        let system = async { Event::System(requests.next().await) };
        let done = async { closed_never(self.done_events.recv().await.map(Event::Done)).await };
        let opened = async { closed_never(self.opened_events.recv().await.map(Event::Opened)).await };
        let reloaded =
            async { closed_never(self.reload.events.recv().await.map(Box::new).map(Event::Reloaded)).await };
        let asked = async { closed_never(self.asked.recv().await.map(Event::Asked)).await };
        let media = async { closed_never(self.media_events.recv().await.map(Event::Media)).await };
        let web = async { closed_never(web_events.recv().await.map(Event::Web)).await };
        let tick = async {
            smol::Timer::at(due).await;
            Event::Tick
        };
        let ended = async {
            let _ = serving.recv().await;
            Event::WebEnded
        };
        system.or(done).or(opened).or(reloaded).or(asked).or(tick).or(media.race(web)).or(ended).await
    }

    fn web(&mut self, now: Instant, event: web::Event) {
        match event {
            web::Event::Opened { viewer, outbox, grant, peer } => {
                // It was let in a moment ago, perhaps by what a reload has taken away since.
                let holds = self.server.holds(&grant);
                let guest = Guest { grant, address: peer };
                self.viewers.connected(now, viewer, outbox, guest, &self.sources);
                if !holds {
                    self.end_revoked(now);
                }
            }
            web::Event::Message { viewer, message } => self.viewer(now, viewer, Input::Message(message)),
            web::Event::Malformed { viewer, code, message } => {
                self.viewer(now, viewer, Input::Malformed { code, message });
            }
            web::Event::Whep { action, grant, peer, reply } => {
                if self.server.holds(&grant) {
                    let guest = Guest { grant, address: peer };
                    self.viewers.whep(now, action, guest, reply, &self.sources);
                } else {
                    // Who does not wait for it does not need it.
                    let _gone = reply.send(WhepOutcome::Revoked);
                }
            }
            web::Event::Picture { viewer, time_us, jpeg } => self.viewers.camera(now, viewer, time_us, jpeg),
            web::Event::Framed { stream, place } => self.viewers.ice.take(stream, place),
            web::Event::AccessChanged => self.end_revoked(now),
            web::Event::Closed { viewer } => self.viewers.gone(viewer, &self.sources),
        }
    }

    fn done(&mut self, now: Instant, done: Done) {
        match done {
            Done::PicturesStarted { picture, run, result } => {
                self.pictures.started(now, &picture, run, result);
            }
            Done::PicturesStopped { picture, run } => {
                self.pictures.stopped(now, &picture, run, &self.sources);
            }
            done => {
                let changes = self.sources.done(now, done);
                self.viewers.announce(&changes);
            }
        }
    }

    /// Shows out those whom nothing lets in any more, or only as somebody else.
    fn end_revoked(&mut self, now: Instant) {
        let message = "What let you in does not hold any more, or has changed.";
        let server = &self.server;
        let revoked = |unit: &Unit| !server.holds(&unit.guest.grant);
        self.viewers.end(now, &self.sources, ByeReason::Revoked, message, revoked);
    }

    fn viewer(&mut self, now: Instant, viewer: ViewerId, input: Input) {
        self.viewers.handle(now, viewer, input, &self.sources);
        // It may take pictures, or have seen one.
        self.pictures.look();
    }

    fn media(&mut self, now: Instant, event: media::Event) {
        let changes = match event {
            media::Event::CaptureFormat { source, run, format } => {
                let changes = self.sources.capture_format(now, &source, run, format);
                self.viewers.ladder(now, &source, &self.sources);
                changes
            }
            media::Event::CaptureFailed { source, run, fault } => {
                self.sources.capture_failed(now, &source, run, fault)
            }
            media::Event::RenditionReady { rendition, run, profile_level_id } => {
                self.sources.rendition_ready(now, &rendition, run, profile_level_id)
            }
            media::Event::RenditionFailed { rendition, run, detail } => {
                self.sources.rendition_failed(now, &rendition, run, detail)
            }
            media::Event::KeyframeWanted { rendition } => {
                self.sources.keyframe_wanted(now, &rendition);
                Vec::new()
            }
            media::Event::KeyframeSent { rendition, at } => {
                self.sources.keyframe_sent(&rendition, at);
                Vec::new()
            }
            media::Event::Picture { picture, run } => {
                self.pictures.came(now, &picture, run);
                Vec::new()
            }
            media::Event::PictureFailed { picture, run, detail } => {
                self.pictures.failed(now, &picture, run, detail);
                Vec::new()
            }
            media::Event::Viewer { viewer, run, event } => {
                self.viewers.peer_event(now, (viewer, run), event, &self.sources);
                Vec::new()
            }
        };
        self.viewers.announce(&changes);
    }

    /// What follows from anything that happened: who is wanted, who can go on, whose time is up.
    fn settle(&mut self, now: Instant) {
        if self.sources.deadline().is_some_and(|due| now >= due) || now >= self.last_tick + TICK {
            self.last_tick = now;
            let changes = self.sources.tick(now);
            self.viewers.announce(&changes);
            self.pictures.tick(now, &self.sources);
            self.viewers.renew_logins(SystemTime::now());
            self.end_revoked(now);
            let fault = self.fault();
            self.feed_watchdog(now, fault.as_deref());
            self.measure(now, fault);
            self.memory.tick(now, pipeline::stopped());
        }
        self.administer(now);
        self.show_sign(now);
        if self.viewers.tick(now, &self.sources) {
            // It may take other pictures now.
            self.pictures.look();
        }
        self.viewers.meet(now);
        self.viewers.follow_links(now, &self.sources);
        let viewers = &self.viewers;
        let (want, take) = (|id: &RenditionId| viewers.want(id), |source: &SourceName| viewers.takes(source));
        let changes = self.sources.demand(now, want, take);
        self.viewers.announce(&changes);
        self.pictures.demand(now, &self.viewers, &self.sources);
        if self.pictures.take_due() {
            self.viewers.send_pictures(now, &self.pictures, &self.sources);
        }
        self.viewers.open_ready(now, &self.sources);
    }

    /// Tells the person at the machine of the first viewer.
    fn show_sign(&mut self, now: Instant) {
        if self.sign.is_due(now, self.viewers.watching())
            && self.config.privacy.notify
            && let Some(first) = self.viewers.infos(now).iter().find(|info| info.connected)
        {
            desktop::notify_of(first);
        }
    }

    /// The watchdog is fed while the loop runs and no pipeline is stuck in its start or its stop.
    fn feed_watchdog(&mut self, now: Instant, fault: Option<&str>) {
        let Some(interval) = system::watchdog_interval() else { return };
        if let Some(fault) = fault {
            tracing::error!(fault, "the watchdog is not fed");
        } else if now >= self.last_fed + interval.min(Duration::from_secs(5)) {
            self.last_fed = now;
            system::notify(&[NotifyState::Watchdog]);
        }
    }

    /// Says goodbye to everybody, stops every pipeline, and leaves within [`STOP_WITHIN`].
    async fn stop(&mut self, serving: &Serving) {
        let begun = Instant::now();
        tracing::info!(viewers = self.viewers.count(), "stopping");
        system::notify(&[NotifyState::Stopping]);
        health::stopping();
        let message = "The daemon stops or is started again.";
        self.viewers.end(begun, &self.sources, ByeReason::Shutdown, message, |_| true);
        self.pictures.stop();
        self.sources.stop();
        self.server.stop();
        let written = self.viewers.meeting.stop();
        let drained = async {
            written.await;
            let _ = serving.recv().await;
            while pipeline::stopping() > 0 {
                smol::Timer::after(Duration::from_millis(10)).await;
            }
            true
        };
        let late = async {
            smol::Timer::after(STOP_WITHIN.saturating_sub(begun.elapsed())).await;
            false
        };
        if drained.or(late).await {
            tracing::info!("stopped");
        } else {
            tracing::warn!(pipelines = pipeline::stopping(), "stopped with something still closing");
        }
    }
}

/// A channel whose other end this daemon itself holds does not close.
async fn closed_never<T, E>(received: Result<T, E>) -> T {
    match received {
        Ok(value) => value,
        Err(_) => std::future::pending().await,
    }
}

/// `listening` is where the page is.
fn ice(config: &Config, listening: SocketAddr) -> IceSettings {
    let urls = config.network.ice_servers.iter().flat_map(|server| &server.urls);
    // A TURN server answers STUN, too (RFC 8656 section 2.2).
    let stun = urls.filter_map(|url| {
        let (scheme, rest) = url.split_once(':')?;
        let (host, query) = rest.split_once('?').unwrap_or((rest, ""));
        (scheme != "turns" && query != "transport=tcp").then(|| host.to_owned())
    });
    IceSettings {
        addresses: config.network.addresses.clone(),
        advertised: config.network.advertise.clone(),
        tcp: config.network.tcp.then_some(listening),
        stun: stun.collect(),
    }
}

fn rules(config: &Config) -> Rules {
    Rules { limits: config.limits.clone(), audit_addresses: config.log.audit_addresses }
}

fn greeting(config: &Config) -> Greeting {
    Greeting {
        title: config.server.title.clone().unwrap_or_else(host_name),
        ice_servers: config.network.ice_servers.clone(),
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string(PathBuf::from("/proc/sys/kernel/hostname"));
    name.map_or_else(|_| "vitrina".into(), |name| name.trim().to_owned())
}

/// The configured sources, or what the machine has; launch files of the user's own are tried.
fn sources_of(config: &Config, find: FindSources) -> Result<Vec<Planned>, Error> {
    let sources = if config.finds_sources() { find() } else { config.sources.clone() };
    let files = LaunchFiles::new(config.pipelines_dir.clone());
    let planned = sources.into_iter().map(|source| match media::plan::check(&source, &files) {
        Ok(own) => Ok(Planned { source, own }),
        Err(error) => Err(Error::Source { source_name: source.name, error }),
    });
    planned.collect()
}

/// From the system's random numbers.
fn random_u64() -> u64 {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 8];
    if ring::rand::SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::error!("the system has no random numbers");
    }
    u64::from_ne_bytes(bytes)
}
