//! The rows of the report: each says what it runs, runs it on both programs in turn, and gives its medians.
//!
//! In this room: one module per group of rows, medians, the report.
//! Not here: how load is made and processes are watched (the modules above).
//!
//! Enter at [`all`].

mod completeness;
mod figure;
mod idle;
mod kernel;
mod micro;
mod overload;
mod pipeline;
mod programs;
mod report;
mod together;
mod unselected;
mod web;

use std::path::PathBuf;
use std::time::Duration;

use crate::Fault;
use crate::subject::Program;
pub use report::Report;

/// What is measured, and how long.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Tidewatch.
    pub ours: Program,
    /// The Go Collector, or why there is none.
    pub peer: Result<Program, String>,
    /// Where `ebpf-probes/examples` are, built.
    pub examples: Option<PathBuf>,
    /// Where criterion leaves what it measured.
    pub criterion: PathBuf,
    /// Of each measured stretch.
    pub stretch: Duration,
    /// Runs of each row and program; the median counts.
    pub runs: usize,
    /// Groups to run; all when empty.
    pub only: Vec<String>,
}

impl Bench {
    /// All programs that there are, ours first.
    fn programs(&self) -> impl Iterator<Item = &Program> {
        std::iter::once(&self.ours).chain(self.peer.as_ref().ok())
    }

    fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == group)
    }
}

type Group = (&'static str, fn(&Bench, &mut Report) -> Result<(), Fault>);

/// In the order of the report.
const GROUPS: &[Group] = &[
    ("pipeline", pipeline::measure),
    ("overload", overload::measure),
    ("idle", idle::measure),
    ("web", web::measure),
    ("completeness", completeness::measure),
    ("kernel", kernel::measure),
    ("unselected", unselected::measure),
    ("together", together::measure),
    ("micro", micro::measure),
];

/// Runs every group that is wanted. One that fails says so in the report, and the others run.
pub fn all(bench: &Bench) -> Report {
    let mut report = Report::new(bench);
    for (name, measure) in GROUPS.iter().filter(|(name, _)| bench.wants(name)) {
        if let Err(fault) = measure(bench, &mut report) {
            report.note(&format!("**{name} ended early:** {fault}"));
        }
    }
    report
}
