//! `vitrina doctor`: what works and what does not on this machine, and what to do about it.
//!
//! Owns what is looked at and for how long. It changes nothing, makes no file, and takes nothing that a
//! running daemon has. Nothing of it goes beyond this machine but questions to the configured servers.

mod certificate;
mod finding;
mod holder;
mod ice_servers;
mod listening;
mod machine;
mod side_by_side;
mod turn;
mod ways;
mod wire;

pub use finding::{Area, Finding, Level, Report};

use crate::config::{Config, ConfigErrors, IceServer};
use crate::control::{self, Unreachable};
use crate::core::control::{Answer, Request};
use side_by_side::Check;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

/// Files of the machine, its sockets, and the running daemon.
const QUICK: Duration = Duration::from_secs(5);
/// Both of the ports, with a round trip to each of sixteen addresses that may not answer.
const PORTS: Duration = Duration::from_secs(30);
/// A display, a camera or a sound server has 5 s, and GStreamer may have to look at all its plugins first.
const DEVICES: Duration = Duration::from_secs(30);
/// Each of eight encoders may take 5 s.
const ENCODERS: Duration = Duration::from_secs(60);

/// A login to a TURN server, good now: a name and a password.
pub type Login = fn(&IceServer, SystemTime) -> Option<(String, String)>;

/// Looks at everything. `ConfigErrors` among it: the configuration has mistakes, and then only the machine has
/// been looked at. Takes some seconds.
#[must_use]
pub fn examine(file: Option<&Path>, login: Login) -> (Report, Option<ConfigErrors>) {
    let environment = super::link::environment();
    match Config::load_or_default_in(file, &environment) {
        Ok(config) => {
            let summary = super::check::summary(&config);
            let summary = summary.lines().next().unwrap_or_default();
            let mut findings = vec![Finding::ok(Area::Configuration, summary)];
            findings.extend(all(&config, login));
            (Report::new(findings), None)
        }
        Err(mistakes) => {
            let remedy = "mend that line; `vitrina init --output -` prints every key with what it takes";
            let told = mistakes.to_string();
            let mut findings: Vec<_> =
                told.lines().map(|mistake| Finding::problem(Area::Configuration, mistake, remedy)).collect();
            if let Ok(defaults) = Config::parse("", None, &environment) {
                findings.extend(gather(of_machine(&defaults)));
            }
            (Report::new(findings), Some(mistakes))
        }
    }
}

fn all(config: &Config, login: Login) -> Vec<Finding> {
    // Those that take longest begin first.
    let mut checks = of_machine(config);
    let own = addresses();
    checks.extend(ice_servers::begin(&config.network.ice_servers, &own, |server| {
        login(server, SystemTime::now())
    }));
    let config = config.clone();
    checks.push(begin(Area::Capture, "screens, cameras and sound", DEVICES, &config, machine::capture));
    let usable = own.clone();
    checks.push(begin(Area::Certificate, "the certificate", QUICK, &config, move |config| {
        certificate::findings(config, &usable, SystemTime::now())
    }));
    let paths = ways::paths(&config, &own);
    let mut findings = ways::findings(&config, &paths, &own);
    match running(&config.state_dir) {
        Ok(running) => checks.push(begin(Area::Listening, "the ports", PORTS, &config, move |config| {
            let mut findings = listening::page(config, &paths, running.as_deref());
            findings.extend(listening::media(config, &paths, running.as_deref()));
            findings
        })),
        Err(hangs) => findings.push(hangs),
    }
    findings.extend(gather(checks));
    findings
}

fn of_machine(config: &Config) -> Vec<Check> {
    vec![
        begin(Area::Encoders, "the encoders", ENCODERS, config, machine::encoders),
        begin(Area::Gstreamer, "GStreamer", DEVICES, config, machine::gstreamer),
    ]
}

fn begin(
    area: Area,
    what: &str,
    within: Duration,
    config: &Config,
    ask: impl FnOnce(&Config) -> Vec<Finding> + Send + 'static,
) -> Check {
    let config = config.clone();
    Check::begin(area, what, within, move || ask(&config))
}

fn gather(checks: Vec<Check>) -> Vec<Finding> {
    checks.into_iter().flat_map(Check::findings).collect()
}

fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.iter().map(if_addrs::Interface::ip).collect()
}

/// The running daemon with that state folder, in words: where its page is.
fn running(state_dir: &Path) -> Result<Option<String>, Finding> {
    let (sender, answer) = mpsc::sync_channel(1);
    let folder: PathBuf = state_dir.to_owned();
    let ask = move || {
        let asked = control::find(&folder).and_then(|mut line| line.ask(&Request::Status));
        // Nobody listens any more when this fails: the deadline has passed.
        drop(sender.send(asked));
    };
    // Where no thread can be had, nobody answers, which is what is told.
    let _started = std::thread::Builder::new().name("check".into()).spawn(ask);
    let hangs = |what: String| {
        let remedy =
            "see its log (`journalctl -u vitrina` or `journalctl --user -u vitrina`), and restart it";
        Finding::problem(Area::Listening, what, remedy)
    };
    match answer.recv_timeout(QUICK) {
        Ok(Ok(Answer::Status(status))) => Ok(Some(format!("{}, {}", status.url, status.software))),
        Ok(Err(Unreachable::NotRunning(_))) => Ok(None),
        Ok(Err(Unreachable::NotAllowed(_))) => Ok(Some("it is another user's".to_owned())),
        Ok(Err(Unreachable::Broken(error))) => {
            Err(hangs(format!("a daemon runs and does not answer: {error}")))
        }
        Ok(Ok(
            Answer::Paused { .. }
            | Answer::Reloaded
            | Answer::Invited { .. }
            | Answer::Invitations { .. }
            | Answer::Revoked { .. }
            | Answer::Refused { .. },
        )) => Err(hangs("a daemon runs, of another version or too busy to answer".to_owned())),
        Err(_) => Err(hangs(format!("a daemon runs and does not answer within {} s", QUICK.as_secs()))),
    }
}
