//! `bench`: the rows of `make bench`, and their load and sink on their own.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use benches::Fault;
use benches::load::{Load, Pace, Plan, Protocol, Squeeze};
use benches::rows::{self, Bench};
use benches::sink::Sink;
use benches::subject::Program;
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, print the report, and write it.
    Run {
        /// The `tidewatch` binary.
        #[arg(long)]
        ours: PathBuf,
        /// The Go Collector's binary.
        #[arg(long)]
        peer: Option<PathBuf>,
        /// Why there is no peer.
        #[arg(long, default_value = "not asked for")]
        without_peer: String,
        /// Where the examples of `ebpf-probes` are, built.
        #[arg(long)]
        examples: Option<PathBuf>,
        /// Where criterion leaves its results.
        #[arg(long, default_value = "target/criterion")]
        criterion: PathBuf,
        /// Seconds of each measured stretch.
        #[arg(long, default_value_t = 4)]
        seconds: u64,
        /// Runs of each row.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Write the report here as well. Of a part of the groups, only their sections are replaced.
        #[arg(long)]
        write: Option<PathBuf>,
        /// Groups to run: pipeline, overload, idle, web, completeness, kernel, unselected, together, micro. All by default.
        only: Vec<String>,
    },
    /// Send OTLP traces and count what becomes of them.
    Load {
        /// How requests travel.
        #[arg(long, value_enum, default_value = "grpc")]
        protocol: Protocol,
        /// How they are compressed.
        #[arg(long, value_enum, default_value = "none")]
        squeeze: Squeeze,
        /// Where to, as `address:port`.
        #[arg(long, default_value = "127.0.0.1:4317")]
        target: std::net::SocketAddr,
        /// Spans a second; without it, as fast as possible.
        #[arg(long)]
        rate: Option<u64>,
        /// Requests at a time when as fast as possible.
        #[arg(long, default_value_t = 16)]
        in_flight: usize,
        /// How long.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Take OTLP and count spans.
    Sink {
        /// Where to listen for gRPC.
        #[arg(long, default_value = "127.0.0.1:5317")]
        grpc: String,
        /// Where to listen for HTTP.
        #[arg(long, default_value = "127.0.0.1:5318")]
        http: String,
        /// Milliseconds before each answer.
        #[arg(long, default_value_t = 0)]
        delay: u64,
        /// How long.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}

fn main() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("Error: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<(), Fault> {
    match command {
        Command::Run { ours, peer, without_peer, examples, criterion, seconds, runs, write, only } => {
            let peer = peer.map(|path| Program { name: "Go Collector", path }).ok_or(without_peer);
            let ours = Program { name: "Tidewatch", path: ours };
            let stretch = Duration::from_secs(seconds.max(1));
            let is_part = !only.is_empty();
            let report = rows::all(&Bench { ours, peer, examples, criterion, stretch, runs: runs.max(1), only });
            if let Some(path) = write {
                let whole = if is_part { std::fs::read_to_string(&path).ok() } else { None };
                let text = whole.map_or_else(|| report.text().to_owned(), |whole| report.update(&whole));
                std::fs::write(path, text)?;
            }
            Ok(())
        }
        Command::Load { protocol, squeeze, target, rate, in_flight, seconds } => {
            let pace = rate.map_or(Pace::Flat(in_flight), Pace::Rate);
            let duration = Duration::from_secs(seconds);
            let counters = Load::start(Plan { protocol, squeeze, target, pace, duration }).finish()?;
            println!(
                "{} spans accepted, {} refused, {} failed, {} not sent in time",
                counters.accepted(),
                counters.refused(),
                counters.failed(),
                counters.unsent()
            );
            Ok(())
        }
        Command::Sink { grpc, http, delay, seconds } => {
            let sink = Sink::start_at(&grpc, &http, Duration::from_millis(delay))?;
            std::thread::sleep(Duration::from_secs(seconds));
            println!("{} spans in {} requests", sink.counters.spans(), sink.counters.requests());
            Ok(())
        }
    }
}
