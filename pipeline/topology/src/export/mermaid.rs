//! Mermaid flowcharts, as Markdown renders them.

use std::fmt::Write as _;

use super::words::{Line, colour, handle, line, name, summary};
use crate::Level;
use crate::query::{Graph, Spot};

/// Writing to a String cannot fail, hence the ignored results.
pub(super) fn write(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    for (place, group) in (0u32..).zip(&graph.groups) {
        if group.collapsed {
            let label = label(&format!("{} ({})", group.label, group.nodes));
            let _ = writeln!(text, "  {}[[\"{label}\"]]", handle(Spot::Group(place)));
            continue;
        }
        let _ = writeln!(text, "  subgraph s{place}[\"{}\"]", label(&group.label));
        for (node, _) in (0u32..).zip(&graph.nodes).filter(|(_, it)| it.group == place) {
            let spot = Spot::Node(node);
            let _ = writeln!(text, "    {}[\"{}\"]", handle(spot), label(name(graph, spot)));
        }
        text.push_str("  end\n");
    }
    for edge in &graph.edges {
        let arrow = match line(edge) {
            Line::Solid => "-->",
            Line::Dashed | Line::Dotted => "-.->",
        };
        let (source, target) = (handle(edge.source), handle(edge.target));
        let _ = writeln!(text, "  {source} {arrow}|\"{}\"| {target}", label(&summary(&edge.whole)));
    }
    colours(graph, &mut text);
    text
}

fn colours(graph: &Graph, text: &mut String) {
    for (level, class) in [(Level::Yellow, "yellow"), (Level::Red, "red")] {
        let Some(stroke) = colour(level) else { continue };
        let nodes = (0u32..).zip(&graph.nodes).filter(|(_, node)| node.health.level == level);
        let nodes: Vec<String> = nodes.map(|(place, _)| handle(Spot::Node(place))).collect();
        let edges = graph.edges.iter().enumerate().filter(|(_, edge)| edge.health.level == level);
        let edges: Vec<String> = edges.map(|(place, _)| place.to_string()).collect();
        if !nodes.is_empty() {
            let _ = writeln!(
                text,
                "  classDef {class} stroke:{stroke},stroke-width:2px\n  class {} {class}",
                nodes.join(",")
            );
        }
        if !edges.is_empty() {
            let _ = writeln!(text, "  linkStyle {} stroke:{stroke}", edges.join(","));
        }
    }
}

/// Everything but plain letters, digits and a few signs as an entity, which Mermaid writes `#34;`.
fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || " -_.:/,()%".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    if out.is_empty() { " ".to_owned() } else { out }
}
