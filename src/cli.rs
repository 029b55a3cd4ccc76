//! Arguments, as the Collector has them, and what ours adds.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{commands, top};

/// An OpenTelemetry Collector-compatible pipeline that sees, by eBPF, what really talks to what.
#[derive(Debug, Parser)]
#[command(name = "tidewatch", version = commands::VERSION, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sources: Sources,
    /// How long data may take to be delivered after a signal to end
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = duration)]
    drain_timeout: Duration,
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub struct Sources {
    /// A file, or file:PATH, env:NAME, yaml:TEXT. May be given several times; later ones win
    #[arg(long, value_name = "URI")]
    pub config: Vec<String>,
    /// Sets one value, as in --set exporters.debug.verbosity=detailed. May be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Feature gates of the Collector, as in a,+b,-c
    #[arg(long, value_name = "GATES", value_delimiter = ',', allow_hyphen_values = true)]
    pub feature_gates: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the configuration and build, but do not start, what it describes
    Validate(Sources),
    /// List the components of this binary
    Components,
    /// Print the configuration as it is after merging and expansion
    #[command(alias = "print-initial-config")]
    PrintConfig {
        #[command(flatten)]
        sources: Sources,
        /// How to print it
        #[arg(long, value_enum, default_value = "yaml")]
        format: Format,
        /// Whether secrets are shown
        #[arg(long, value_enum, default_value = "redacted")]
        mode: Mode,
        /// Check it first
        #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
        validate: bool,
    },
    /// Say what this kernel and these privileges allow, and what is missing
    Doctor,
    /// What was observed: export it, or compare two windows, exports or baselines
    Graph {
        #[command(subcommand)]
        command: commands::GraphCommand,
    },
    /// The expected architecture: learn it, keep it, hold the observed one against it
    Baseline {
        #[command(subcommand)]
        command: commands::BaselineCommand,
    },
    /// Say whether A reaches B: exit 0 if it does, 1 if that is broken, 4 if nobody ever tried
    Check(commands::CheckArgs),
    /// Show edges, live, from any endpoint with service-graph metrics
    Top(top::TopArgs),
}

/// How `print-config` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As it is read.
    Yaml,
    /// For programs.
    Json,
}

/// What `print-config` hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Secrets read `[REDACTED]`.
    Redacted,
    /// Everything is shown.
    Unredacted,
}

impl Cli {
    /// Does what the arguments ask for.
    pub fn execute(self) -> ExitCode {
        match self.command {
            None => commands::run(&self.sources, self.drain_timeout),
            Some(Command::Validate(sources)) => commands::validate(&sources),
            Some(Command::Components) => commands::components(),
            Some(Command::PrintConfig { sources, format, mode, validate }) => {
                commands::print_config(&sources, format, mode, validate)
            }
            Some(Command::Doctor) => commands::doctor(),
            Some(Command::Graph { command }) => commands::graph(command),
            Some(Command::Baseline { command }) => commands::baseline(command),
            Some(Command::Check(arguments)) => commands::check(&arguments),
            Some(Command::Top(arguments)) => top::top(&arguments),
        }
    }
}

/// Reads a duration in the Collector's syntax.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = config::GoDuration::parse(text).map_err(|error| error.to_string())?;
    if duration.is_negative() { Err("must not be negative".into()) } else { Ok(duration.as_duration()) }
}
