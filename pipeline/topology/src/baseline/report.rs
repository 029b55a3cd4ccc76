//! A comparison for people and programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Baseline, Comparison, Counts, Finding};
use crate::query::figures::{WindowFigures, rounded};
use crate::{Level, Moment, Observed};

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For a review.
    Markdown,
}

#[derive(Serialize)]
struct Document<'a> {
    baseline: &'a str,
    window: WindowFigures,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<f64>,
    edges: Counts,
    learning: bool,
    findings: &'a [Finding],
}

/// Writes what was found.
pub fn report(baseline: &Baseline, observed: &Observed, comparison: &Comparison, how: Report) -> String {
    match how {
        Report::Text => text(baseline, observed, comparison),
        Report::Markdown => markdown(baseline, observed, comparison),
        Report::Json => {
            let document = Document {
                baseline: &baseline.name,
                window: observed.window.into(),
                complete: observed.complete,
                coverage: comparison.expectations.coverage.map(rounded),
                edges: comparison.counts,
                learning: comparison.learning,
                findings: &comparison.findings,
            };
            // Strings and numbers: there is nothing in it that could not be written.
            serde_json::to_value(&document).map(|value| format!("{value:#}\n")).unwrap_or_default()
        }
    }
}

fn text(baseline: &Baseline, observed: &Observed, comparison: &Comparison) -> String {
    let mut text = String::new();
    for finding in &comparison.findings {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{:6} {:17} {}", level(finding.level), finding.kind.as_str(), printable(&finding.message));
        let _ = writeln!(text, "{}", printable(&details(finding)));
        for edge in &finding.edges {
            let _ = writeln!(
                text,
                "         {} -> {}",
                printable(&edge.client.to_string()),
                printable(&edge.server.to_string())
            );
        }
        let shown = finding.edges.len() as u64;
        if shown > 0 && finding.edges_total > shown {
            let _ = writeln!(text, "         and {} more", finding.edges_total.saturating_sub(shown));
        }
    }
    text + &summary(baseline, observed, comparison)
}

fn details(finding: &Finding) -> String {
    let ends = match &finding.server {
        Some(server) => format!("{} -> {server}", finding.client),
        None => finding.client.to_string(),
    };
    let mut parts = vec![ends];
    if finding.requests > 0 {
        parts.push(format!("{} requests", finding.requests));
    }
    if finding.connections > 0 {
        parts.push(format!("{} connections", finding.connections));
    }
    if !finding.evidence.is_empty() {
        parts.push(format!("seen by {}", finding.evidence.join(", ")));
        parts.push(format!("since {}", at(finding.first_seen)));
    }
    if !finding.pods.is_empty() {
        parts.push(format!("pods {}", finding.pods.join(", ")));
    }
    format!("         {}", parts.join("; "))
}

fn summary(baseline: &Baseline, observed: &Observed, comparison: &Comparison) -> String {
    let window = observed.window;
    let name = printable(&baseline.name);
    if comparison.learning {
        let progress = window.covered as f64 / (baseline.period.max(1)) as f64 * 100.0;
        return format!(
            "{name}: mode is `learn`, nothing is judged; the window covers {:.0} % of the learning period\n",
            progress.min(100.0)
        );
    }
    let counts = comparison.counts;
    let listed = counts.by_name().into_iter().filter(|(name, count)| *count > 0 || *name == "expected");
    let listed: Vec<String> = listed.map(|(name, count)| format!("{count} {name}")).collect();
    let coverage = comparison.expectations.coverage.map_or(0.0, |share| share * 100.0);
    let mut text = format!(
        "{name}: {} edges; judged {coverage:.0} % of requests from {} to {}\n",
        listed.join(", "),
        at(window.from),
        at(window.to),
    );
    if counts.quiet > 0 {
        let _ = writeln!(
            text,
            "{} required edges were not seen, in a window of {:.0} s that is too short to miss them (missingAfter)",
            counts.quiet,
            window.covered_seconds(),
        );
    }
    if !observed.complete {
        text.push_str("the window is not complete: something was dropped or cut\n");
    }
    text
}

fn markdown(baseline: &Baseline, observed: &Observed, comparison: &Comparison) -> String {
    let mut text = format!("### {} findings against `{}`\n\n", comparison.findings.len(), code(&baseline.name));
    if !comparison.findings.is_empty() {
        text.push_str("| level | finding | what | requests | evidence |\n|---|---|---|---|---|\n");
    }
    for finding in &comparison.findings {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            level(finding.level),
            finding.kind,
            cell(&finding.message),
            finding.requests,
            finding.evidence.join(", "),
        );
    }
    let between = if comparison.findings.is_empty() { "" } else { "\n" };
    text + between + &cell_free(&summary(baseline, observed, comparison))
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Red => "red",
        Level::Yellow => "yellow",
        Level::Ok | Level::Unknown => "",
    }
}

fn at(moment: Moment) -> String {
    Moment(moment.0 / crate::SECOND * crate::SECOND).to_rfc3339()
}

/// Text from outside without characters that command a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Text from outside without marks that mean something in Markdown or HTML.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '#' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn cell_free(text: &str) -> String {
    text.lines().map(|line| cell(line) + "\n").collect()
}

fn code(text: &str) -> String {
    printable(text).replace('`', "'")
}
