//! The benchmark's load generator. `scripts/bench` builds it and what it needs; `vitrina-bench --help` says the rest.
//!
//! Viewers are str0m peers that join by WHEP over loopback, behind links that `link` emulates. They do not decode:
//! `frames` tells from packets what a decoder would have been able to show. Servers are started by `servers`, and what
//! they cost is read from /proc.

mod cases;
mod cipher;
mod codec;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod fake;
mod frames;
mod http;
mod join;
mod link;
mod measure;
mod process;
mod report;
mod servers;
mod stats;
mod swarm;
mod viewer;

use anyhow::{Context, Result, bail};
use cases::{Bench, CASES, Case, Extent, MORE};
use report::Machine;
use servers::{Kind, Paths};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

const USAGE: &str = "usage: scripts/bench [OPTION...] [CASE...]      (all cases but soak without a name; `all`: that too)

  --quick            short stretches and one round: a look, not a measurement
  --rounds N         of the comparison with peers (3)
  --viewers N        in that comparison (50)
  --window S         seconds for each measurement of CPU (10)
  --soak S           seconds that the soak takes (120)
  --peers A,B        which servers, of those below (all)
  --server A         whom the other cases are about (vitrina)
  --no-transport-cc  viewers give no feedback for congestion control
  --config TOML      put into the daemon's configuration, before its source
  --source TOML      the same, into its source: keys, and tables such as [[source.rendition]]
  --markdown FILE    write the results into this document as well
  --address IP       where media is sent from and to (127.0.0.1; scripts/bench gives one in a network of its own)
  --binary FILE      the daemon (target/release/vitrina)

Results: a table here, target/bench/results.json, logs of servers in target/bench/logs. Exits with 1 when something
that was asked for was missed or went wrong.
";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let root = env::current_dir()?;
    let out = root.join("target/bench");
    let address = Ipv4Addr::LOCALHOST.into();
    let mut paths = Paths {
        vitrina: root.join("target/release/vitrina"),
        root,
        out,
        address,
        config: String::new(),
        source: String::new(),
    };
    let mut extent = Extent {
        window: Duration::from_secs(10),
        rounds: 3,
        viewers: 50,
        hold: Duration::from_secs(30),
        soak: Duration::from_secs(120),
        transport_cc: true,
        peers: Kind::ALL.to_vec(),
        server: Kind::Vitrina,
    };
    let mut wanted: Vec<&Case> = Vec::new();
    let mut document = None;
    let mut arguments = env::args().skip(1);
    let mut command = "scripts/bench".to_string();
    while let Some(argument) = arguments.next() {
        let mut said = argument.clone();
        let mut value = || -> Result<String> {
            let value = arguments.next().with_context(|| format!("{argument} wants a value"))?;
            said += &format!(" {value}");
            Ok(value)
        };
        match argument.as_str() {
            "--help" | "-h" => {
                print!("{USAGE}\ncases:\n");
                CASES.iter().chain(&MORE).for_each(|case| println!("  {:<12}{}", case.name, case.about));
                println!("\nservers: {}", Kind::ALL.map(Kind::name).join(", "));
                return Ok(true);
            }
            "--quick" => {
                extent.window = Duration::from_secs(4);
                extent.rounds = 1;
                extent.hold = Duration::from_secs(16);
                extent.soak = Duration::from_secs(30);
            }
            "--rounds" => extent.rounds = value()?.parse().context("--rounds")?,
            "--viewers" => extent.viewers = value()?.parse().context("--viewers")?,
            "--window" => extent.window = Duration::from_secs(value()?.parse().context("--window")?),
            "--soak" => extent.soak = Duration::from_secs(value()?.parse().context("--soak")?),
            "--peers" => extent.peers = value()?.split(',').map(kind).collect::<Result<_>>()?,
            "--server" => extent.server = kind(&value()?)?,
            "--no-transport-cc" => extent.transport_cc = false,
            "--config" => paths.config = value()?,
            "--source" => paths.source = value()?,
            "--markdown" => document = Some(PathBuf::from(value()?)),
            "--address" => paths.address = value()?.parse().context("--address")?,
            "--binary" => paths.vitrina = fs::canonicalize(value()?).context("--binary")?,
            "all" => wanted.extend(CASES.iter().chain(&MORE)),
            name => match CASES.iter().chain(&MORE).find(|case| case.name == name) {
                Some(case) => wanted.push(case),
                None => bail!("there is no case '{name}'\n{USAGE}"),
            },
        }
        // Where media goes and where a run is written is not what was measured.
        if !matches!(argument.as_str(), "--address" | "--markdown") {
            command += &format!(" {said}");
        }
    }
    if wanted.is_empty() {
        wanted.extend(&CASES);
    }

    let machine = Machine::here(&paths.root);
    let mut bench = Bench { paths, extent, rows: Vec::new(), problems: Vec::new() };
    wanted.into_iter().for_each(|case| bench.run(case));
    let Bench { paths, rows, problems, .. } = bench;

    print!("{}", report::table(&rows));
    problems.iter().for_each(|problem| println!("\nPROBLEM: {problem}"));
    let results = paths.out.join("results.json");
    let json = report::json(&machine, &command, &rows, &problems);
    fs::write(&results, format!("{json:#}\n")).with_context(|| results.display().to_string())?;
    if let Some(document) = document {
        report::into_document(&document, &report::markdown(&machine, &command, &rows, &problems))?;
    }
    let missed = rows.iter().filter(|row| row.verdict == Some(false)).count();
    println!("\n{} lines, {missed} missed, {} problems; {}", rows.len(), problems.len(), results.display());
    Ok(missed == 0 && problems.is_empty())
}

fn kind(name: &str) -> Result<Kind> {
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .with_context(|| format!("there is no server '{name}'"))
}
