//! `tidewatch baseline`: the expected architecture as a file, and the observed one held against it.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use config::{Problems, Severity};
use topology::baseline::{self, Baseline, LABEL, Lesson, Report};
use topology::{Level, Moment, Observed, SECOND};

use super::evidence::{Source, Span, Trouble, UNUSABLE, exit, now, of_file, read, write, yaml_files};
use crate::cli::duration;

/// What to do with a baseline.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Write a draft of what was observed
    Learn {
        /// Exports to learn from, instead of a server
        #[arg(value_name = "EXPORT")]
        exports: Vec<String>,
        /// The name of the baseline
        #[arg(long, default_value = "observed")]
        name: String,
        /// Only edges with an end in this namespace. May be given several times
        #[arg(long = "ns", value_name = "NAMESPACE")]
        namespaces: Vec<String>,
        /// An edge with fewer calls is only mentioned
        #[arg(long, default_value_t = 3)]
        min_observations: u64,
        /// Where to write it
        #[arg(short, long, value_name = "FILE")]
        output: Option<String>,
        #[command(flatten)]
        span: Span,
        #[command(flatten)]
        source: Source,
    },
    /// Add a draft or a patch to a baseline, whose text stays: exit 3 if they contradict each other
    Merge {
        /// The baseline that people keep
        base: String,
        /// The draft or patch
        learned: String,
        /// Where to write it
        #[arg(short, long, value_name = "FILE")]
        output: Option<String>,
    },
    /// Say what is doubtful in a baseline: exit 2 if anything is
    Lint {
        /// The baseline
        baseline: String,
        /// Kubernetes manifests: whoever is not in them is unknown
        #[arg(long, value_name = "DIRECTORY")]
        manifests: Option<String>,
        /// An export: whoever is not in it is unknown
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
    },
    /// Hold what was observed against a baseline: exit 0 if nothing is found, 1 if something is
    Diff {
        /// The baseline
        baseline: String,
        /// `live`, an export, or a time at which the window ended
        #[arg(long, value_name = "WHAT", default_value = "live", allow_hyphen_values = true)]
        against: String,
        /// Findings that are less bad do not count
        #[arg(long, value_enum, default_value = "yellow")]
        fail_on: FailOn,
        /// After so long without traffic a required edge is missing, instead of what the baseline says
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        missing_after: Option<Duration>,
        /// How to print it
        #[arg(short, long, value_enum, default_value = "text")]
        output: Form,
        #[command(flatten)]
        span: Span,
        #[command(flatten)]
        source: Source,
    },
    /// Write NetworkPolicies that let pass what a baseline allows
    Policy {
        /// The baseline
        baseline: String,
        /// For whom
        #[arg(short, long, value_enum, default_value = "k8s")]
        output: Dialect,
        /// The label that carries the workload's name on its pods
        #[arg(long, default_value = LABEL)]
        label: String,
    },
    /// Write a baseline that expects what NetworkPolicies let pass
    Import {
        /// A file of policies, or a directory of such files
        #[arg(long, value_name = "PATH")]
        netpol: String,
        /// The name of the baseline
        #[arg(long, default_value = "imported")]
        name: String,
        /// Where to write it
        #[arg(short, long, value_name = "FILE")]
        output: Option<String>,
    },
}

/// From which level on findings count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// All.
    Yellow,
    /// The worst only.
    Red,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For a review.
    Markdown,
}

/// Whose policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Kubernetes' own.
    K8s,
}

/// A merge found contradictions.
const CONFLICT: u8 = 3;
/// For so long a window looks back if nothing else is said.
const HOUR: u64 = 3600 * SECOND;

/// Does it.
pub fn baseline(command: BaselineCommand) -> ExitCode {
    exit(done(command))
}

fn done(command: BaselineCommand) -> Result<u8, Trouble> {
    match command {
        BaselineCommand::Learn { exports, name, namespaces, min_observations, output, span, source } => {
            let windows = match exports.as_slice() {
                [] => vec![source.observe(&looking_back(span, 168 * HOUR, &source))?],
                paths => paths.iter().map(|path| of_file(path)).collect::<Result<_, _>>()?,
            };
            let lesson = Lesson { namespaces, min_observations, ..Lesson::new(&name) };
            let windows: Vec<&Observed> = windows.iter().collect();
            write(output.as_deref(), &baseline::learn(&windows, &lesson)).map(|()| 0)
        }
        BaselineCommand::Merge { base, learned, output } => merge(&base, &learned, output.as_deref()),
        BaselineCommand::Lint { baseline, manifests, file } => lint(&baseline, manifests.as_deref(), file.as_deref()),
        BaselineCommand::Diff { baseline, against, fail_on, missing_after, output, span, source } => {
            let mut held = load(&baseline)?;
            if let Some(patience) = missing_after {
                held = held.missing_after(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX));
            }
            let observed = observe(&held, &against, span, &source)?;
            let comparison = baseline::compare(&held, &observed, observed.window.to);
            write(None, &baseline::report(&held, &observed, &comparison, output.into()))?;
            let least = if fail_on == FailOn::Red { Level::Red } else { Level::Yellow };
            Ok(u8::from(comparison.has(least)))
        }
        BaselineCommand::Policy { baseline, output: Dialect::K8s, label } => {
            let policies = baseline::policies(&load(&baseline)?, &label);
            policies.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            write(None, &policies.text).map(|()| 0)
        }
        BaselineCommand::Import { netpol, name, output } => {
            let mut problems = Problems::new();
            let imported = baseline::import(&name, &yaml_files(&netpol)?, &mut problems);
            let imported = imported.ok_or_else(|| Trouble(problems.render()))?;
            imported.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            write(output.as_deref(), &imported.text).map(|()| 0)
        }
    }
}

impl From<Form> for Report {
    fn from(form: Form) -> Self {
        match form {
            Form::Text => Self::Text,
            Form::Json => Self::Json,
            Form::Markdown => Self::Markdown,
        }
    }
}

fn load(path: &str) -> Result<Baseline, Trouble> {
    let mut problems = Problems::new();
    let baseline = Baseline::read(path, &read(path)?, &mut problems);
    let baseline = baseline.ok_or_else(|| Trouble(format!("the baseline cannot be used:\n{}", problems.render())))?;
    eprint!("{}", problems.render_only(Severity::Warning));
    Ok(baseline)
}

/// A window that looks back so far, unless it says where it begins or comes from a file.
fn looking_back(span: Span, nanoseconds: u64, source: &Source) -> Span {
    match (&span.from, &source.file) {
        (None, None) => Span { from: Some(format!("-{}s", nanoseconds / SECOND)), ..span },
        _ => span,
    }
}

/// What the baseline is held against. A live window is long enough to miss what is required.
fn observe(baseline: &Baseline, against: &str, span: Span, source: &Source) -> Result<Observed, Trouble> {
    let back = baseline.patience().unwrap_or_default().max(HOUR);
    if against == "live" {
        return source.observe(&looking_back(span, back, source));
    }
    let now = now();
    match Moment::read(against, now) {
        Ok(end) => {
            let from = span.from.unwrap_or_else(|| end.minus(back).to_rfc3339());
            source.observe(&Span { from: Some(from), to: Some(end.to_rfc3339()) })
        }
        Err(_) if std::path::Path::new(against).exists() => of_file(against),
        Err(error) => Err(Trouble(format!("`{against}` is no file, not `live`, and {error}"))),
    }
}

fn merge(base: &str, learned: &str, output: Option<&str>) -> Result<u8, Trouble> {
    let texts = (read(base)?, read(learned)?);
    let mut problems = Problems::new();
    let merged = baseline::merge((base, &texts.0), (learned, &texts.1), &mut problems);
    let merged = merged.ok_or_else(|| Trouble(problems.render()))?;
    merged.conflicts.iter().for_each(|conflict| eprintln!("conflict: {conflict}"));
    eprintln!("{} lines added", merged.added);
    write(output, &merged.text)?;
    Ok(if merged.conflicts.is_empty() { 0 } else { CONFLICT })
}

fn lint(path: &str, manifests: Option<&str>, file: Option<&str>) -> Result<u8, Trouble> {
    let mut problems = Problems::new();
    let read = Baseline::read(path, &read(path)?, &mut problems);
    let Some(held) = read else {
        eprint!("{}", problems.render());
        return Ok(UNUSABLE);
    };
    let mut known = match file {
        Some(file) => baseline::known(&of_file(file)?),
        None => Vec::new(),
    };
    for (name, text) in manifests.map(yaml_files).transpose()?.unwrap_or_default() {
        let declared = baseline::manifests(&name, &text, &mut problems);
        known.extend(declared.ok_or_else(|| Trouble(problems.render()))?);
    }
    let doubts = baseline::lint(&held, &known, now(), &mut problems);
    eprint!("{}", problems.render());
    Ok(if doubts == 0 { 0 } else { UNUSABLE })
}
