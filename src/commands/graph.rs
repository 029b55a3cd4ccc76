//! `tidewatch graph`: what was observed, as a file or a picture; two of them side by side.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use config::Problems;
use topology::baseline::Baseline;
use topology::export::{self, Format, Shows};
use topology::query::{self, Collapse, Comparison, Difference, GraphQuery, Overlook};
use topology::{Expectations, Judgements, Observed, View};

use super::evidence::{Source, Span, Trouble, exit, keep_namespaces, of_file, read, write};

/// What to do with what was observed.
#[derive(Debug, Subcommand)]
pub enum GraphCommand {
    /// Write the observed graph
    Export {
        /// The format: json and yaml hold everything and can be read back; dot, mermaid, svg, csv
        #[arg(short, long, value_name = "FORMAT", default_value = "yaml", value_parser = format)]
        output: Format,
        /// Only edges with an end in this namespace. May be given several times
        #[arg(long = "ns", value_name = "NAMESPACE")]
        namespaces: Vec<String>,
        /// By what nodes of pictures and tables are grouped: workload, service or namespace
        #[arg(long, default_value = "workload", value_parser = view)]
        view: View,
        #[command(flatten)]
        span: Span,
        #[command(flatten)]
        source: Source,
    },
    /// Compare two exports or two baselines: exit 0 if they show the same, 1 if not
    Diff {
        /// An export, or a baseline
        a: String,
        /// Another of the same kind
        b: String,
        /// `cluster`: nodes of different clusters are the same, to hold a new region against an old one
        #[arg(long, value_enum)]
        ignore: Option<Ignored>,
        /// How to print it
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
}

/// What a comparison overlooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ignored {
    /// Clusters.
    Cluster,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(super) fn view(text: &str) -> Result<View, String> {
    query::view(text).map_err(|error| error.to_string())
}

fn format(text: &str) -> Result<Format, String> {
    text.parse::<Format>().map_err(|error| error.to_string())
}

/// Does it.
pub fn graph(command: GraphCommand) -> ExitCode {
    exit(match command {
        GraphCommand::Export { output, namespaces, view, span, source } => {
            source.observe(&span).and_then(|mut observed| {
                keep_namespaces(&mut observed, &namespaces);
                write(None, &exported(&observed, output, view)).map(|()| 0)
            })
        }
        GraphCommand::Diff { a, b, ignore, output } => diff(&a, &b, ignore.is_some(), output),
    })
}

fn exported(observed: &Observed, format: Format, view: View) -> String {
    match format.shows() {
        Shows::Window(file) => export::window(observed, file),
        Shows::Graph(picture) => {
            let query = GraphQuery { view, collapse: Collapse::Only(BTreeSet::new()), ..GraphQuery::default() };
            let mut graph = query::graph(observed, &Judgements::default(), &Expectations::default(), &query);
            graph.place(None);
            export::picture(&graph, picture)
        }
    }
}

/// True if a file is a baseline. It says so itself.
fn is_baseline(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("kind:") && line.contains("TopologyBaseline"))
}

fn diff(a: &str, b: &str, ignore_cluster: bool, output: Output) -> Result<u8, Trouble> {
    let texts = (read(a)?, read(b)?);
    match (is_baseline(&texts.0), is_baseline(&texts.1)) {
        (true, true) => baselines((a, &texts.0), (b, &texts.1), ignore_cluster, output),
        (false, false) => {
            let (before, after) = (of_file(a)?, of_file(b)?);
            let overlook = Overlook { cluster: ignore_cluster };
            exports(&query::compare(&before, &after, View::Workload, overlook), output)
        }
        _ => Err(Trouble(
            "one of them is a baseline, the other is not; use `baseline diff BASELINE --against EXPORT`".into(),
        )),
    }
}

fn baselines(a: (&str, &str), b: (&str, &str), ignore_cluster: bool, output: Output) -> Result<u8, Trouble> {
    let mut problems = Problems::new();
    let read = (Baseline::read(a.0, a.1, &mut problems), Baseline::read(b.0, b.1, &mut problems));
    let (Some(first), Some(second)) = read else { return Err(Trouble(problems.render())) };
    let difference = first.difference(&second, ignore_cluster);
    let text = match output {
        Output::Json => json(&difference)?,
        Output::Text => {
            let removed = difference.removed.iter().map(|line| format!("- {line}\n"));
            removed.chain(difference.added.iter().map(|line| format!("+ {line}\n"))).collect()
        }
    };
    write(None, &text)?;
    Ok(u8::from(!difference.is_empty()))
}

/// Other numbers are told; only another structure is a difference to exit with.
fn exports(comparison: &Comparison, output: Output) -> Result<u8, Trouble> {
    let text = match output {
        Output::Json => json(comparison)?,
        Output::Text => told(comparison),
    };
    write(None, &text)?;
    let is_structure = |what: &Difference| matches!(what, Difference::Protocols | Difference::Ports);
    let lists = [&comparison.nodes.added, &comparison.nodes.removed];
    let edges = [&comparison.edges.added, &comparison.edges.removed];
    let differs = lists.iter().any(|list| !list.is_empty())
        || edges.iter().any(|list| !list.is_empty())
        || comparison.edges.changed.iter().any(|change| change.what.iter().any(is_structure));
    Ok(u8::from(differs))
}

fn told(comparison: &Comparison) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (sign, nodes) in [("-", &comparison.nodes.removed), ("+", &comparison.nodes.added)] {
        for node in nodes {
            let _ = writeln!(text, "{sign} {node}");
        }
    }
    for (sign, edges) in [("-", &comparison.edges.removed), ("+", &comparison.edges.added)] {
        for edge in edges {
            let _ = writeln!(text, "{sign} {} -> {}", edge.source, edge.target);
        }
    }
    for change in &comparison.edges.changed {
        let what: Vec<String> = change.what.iter().map(|what| format!("{what:?}").to_lowercase()).collect();
        let _ = writeln!(text, "~ {} -> {}: {}", change.edge.source, change.edge.target, what.join(", "));
    }
    text
}

/// A value, indented.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Trouble> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(Trouble::of)
}
