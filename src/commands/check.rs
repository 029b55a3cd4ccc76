//! `tidewatch check A B`: whether A reaches B, as far as it was seen.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use topology::View;
use topology::query::{self, Check};

use super::evidence::{Source, Span, Trouble, exit, write};
use super::graph::{Output, json, view};

/// Arguments of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Who calls: a node's id, `namespace/name`, or a name that only one has
    a: String,
    /// Who is to be reached, likewise
    b: String,
    /// By what nodes are grouped: workload, service or namespace
    #[arg(long, default_value = "workload", value_parser = view)]
    view: View,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    source: Source,
}

/// Looks.
pub fn check(arguments: &CheckArgs) -> ExitCode {
    exit(looked(arguments))
}

fn looked(arguments: &CheckArgs) -> Result<u8, Trouble> {
    let observed = arguments.source.observe(&arguments.span)?;
    let check = query::check(&observed, arguments.view, &arguments.a, &arguments.b).map_err(Trouble::of)?;
    let text = match arguments.output {
        Output::Json => json(&check)?,
        Output::Text => told(arguments, &check),
    };
    write(None, &text)?;
    Ok(check.verdict.exit_code())
}

fn told(arguments: &CheckArgs, check: &Check) -> String {
    let mut text = format!("{} -> {}: {}\n", arguments.a, arguments.b, check.verdict);
    for hop in &check.hops {
        // Writing to a String cannot fail.
        let _ = write!(text, "  {} -> {}: {}", hop.source, hop.target, hop.verdict);
        let _ = write!(text, " ({} requests, {} errors", hop.requests, hop.errors);
        let failed = [(hop.refused, "refused"), (hop.timed_out, "timed out"), (hop.unreachable, "unreachable")];
        for (count, cause) in failed.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(text, ", {count} of {} connections {cause}", hop.connections);
        }
        text.push_str(")\n");
    }
    text
}
