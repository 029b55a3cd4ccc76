//! Edges as a table for spreadsheets.

use crate::query::{Graph, Spot};

const HEADER: [&str; 16] = [
    "source",
    "target",
    "requests",
    "errors",
    "client_errors",
    "error_ratio",
    "client_avg_ms",
    "client_p95_ms",
    "server_avg_ms",
    "server_p95_ms",
    "protocols",
    "connections",
    "failed_connects",
    "sources",
    "health",
    "expected",
];

/// RFC 4180.
pub(super) fn write(graph: &Graph) -> String {
    let mut text = row(HEADER.map(str::to_owned));
    for edge in &graph.edges {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.3}"));
        let id = |spot| match spot {
            Spot::Node(place) => {
                super::words::item(&graph.nodes, place).map_or_else(String::new, |it| it.id.to_string())
            }
            Spot::Group(place) => super::words::item(&graph.groups, place).map_or_else(String::new, |it| it.id.clone()),
        };
        let whole = &edge.whole;
        let (requests, errors) = (whole.requests(), whole.errors());
        let (client, server) = (&whole.client.latency, &whole.server.latency);
        let protocols: Vec<&str> = edge.protocols.iter().map(|(protocol, _)| &*protocol.0).collect();
        let sources: Vec<&str> = edge.sources.iter().map(|lane| lane.as_str()).collect();
        text += &row([
            id(edge.source),
            id(edge.target),
            requests.to_string(),
            errors.to_string(),
            whole.client_errors().to_string(),
            number((requests > 0).then(|| errors as f64 / requests as f64)),
            number(client.mean_ms()),
            number(client.quantile_ms(0.95)),
            number(server.mean_ms()),
            number(server.quantile_ms(0.95)),
            protocols.join(" "),
            whole.flow.connections.to_string(),
            whole.flow.failed.total().to_string(),
            sources.join(" "),
            edge.health.level.as_str().to_owned(),
            edge.expected.map_or_else(String::new, |state| state.as_str().to_owned()),
        ]);
    }
    text
}

fn row<const N: usize>(cells: [String; N]) -> String {
    let mut line = cells.map(|text| cell(&text)).join(",");
    line.push_str("\r\n");
    line
}

/// A spreadsheet runs what starts like a formula, in some languages with wide signs too; an apostrophe before it makes
/// it text (OWASP, CSV injection).
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
