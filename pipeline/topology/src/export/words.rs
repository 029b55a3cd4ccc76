//! What several formats say about an edge or a node in the same words.

use crate::query::{Edge, Graph, Spot};
use crate::{Expectation, Level, Measures};

/// Name and health of an end.
pub(super) fn name(graph: &Graph, spot: Spot) -> &str {
    match spot {
        Spot::Node(place) => item(&graph.nodes, place).map_or("", |node| &node.id.name),
        Spot::Group(place) => item(&graph.groups, place).map_or("", |group| &group.label),
    }
}

/// A name for one file only: `n1` or `g1`.
pub(super) fn handle(spot: Spot) -> String {
    match spot {
        Spot::Node(place) => format!("n{place}"),
        Spot::Group(place) => format!("g{place}"),
    }
}

pub(super) fn item<T>(items: &[T], place: u32) -> Option<&T> {
    items.get(usize::try_from(place).ok()?)
}

/// `20 calls, 30 % errors, 12.3 ms`.
pub(super) fn summary(measures: &Measures) -> String {
    let requests = measures.requests();
    if requests == 0 {
        return match measures.flow.connections {
            0 => "no calls".to_owned(),
            connections => format!("{connections} connections"),
        };
    }
    let mut parts = vec![format!("{requests} calls")];
    if measures.errors() > 0 {
        parts.push(format!("{} errors", percent(measures.errors(), requests)));
    }
    if let Some(mean) = measures.latency().mean_ms() {
        parts.push(format!("{} ms", digits(mean)));
    }
    parts.join(", ")
}

/// A share in words; never 0 for what is not.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    if part > 0 && share < 0.1 { "< 0.1 %".to_owned() } else { format!("{} %", digits(share)) }
}

/// Three digits that mean something.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => trimmed(format!("{value:.1}")),
        _ => trimmed(format!("{value:.2}")),
    }
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `12.3k`, `4.56`, `1.2M`.
pub(super) fn short(value: f64) -> String {
    let mut units = ["", "k", "M", "G", "T"].into_iter().peekable();
    let (mut size, mut unit) = (value, units.next());
    while size >= 999.5 && units.peek().is_some() {
        size /= 1000.0;
        unit = units.next();
    }
    let least = size < 0.01 && value > 0.0;
    if least { "< 0.01".to_owned() } else { format!("{}{}", digits(size), unit.unwrap_or_default()) }
}

/// Milliseconds: `340 µs`, `12.3 ms`, `1.24 s`, `3.5 min`.
pub(super) fn duration(ms: f64) -> String {
    match ms {
        0.0 => "0 ms".to_owned(),
        ..0.9995 => format!("{} µs", digits(ms * 1000.0)),
        ..999.5 => format!("{} ms", digits(ms)),
        ..120_000.0 => format!("{} s", digits(ms / 1000.0)),
        _ => format!("{} min", digits(ms / 60_000.0)),
    }
}

/// The colour of an abnormal level, on light ground.
pub(super) fn colour(level: Level) -> Option<&'static str> {
    match level {
        Level::Red => Some("#c0392b"),
        Level::Yellow => Some("#b7791f"),
        Level::Ok | Level::Unknown => None,
    }
}

/// How an edge stands to the baseline, as a line shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Solid,
    /// Unexpected or forbidden.
    Dashed,
    /// Missing.
    Dotted,
}

pub(super) fn line(edge: &Edge) -> Line {
    match edge.expected {
        Some(Expectation::Unexpected | Expectation::Forbidden) => Line::Dashed,
        Some(Expectation::Missing) => Line::Dotted,
        _ => Line::Solid,
    }
}

/// Spaces for what ends a line or is no text.
pub(super) fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}
