//! Graphviz.

use std::fmt::Write as _;

use super::words::{Line, colour, handle, line, on_one_line, summary};
use crate::query::{Graph, Spot};

/// Writing to a String cannot fail, hence the ignored results.
pub(super) fn write(graph: &Graph) -> String {
    let mut text = String::from("digraph tidewatch {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (place, group) in (0u32..).zip(&graph.groups) {
        let label = quoted(&group.label);
        if group.collapsed {
            let counts = quoted(&format!("{} ({})", group.label, group.nodes));
            let _ = writeln!(text, "  {} [label={counts}, shape=folder];", handle(Spot::Group(place)));
            continue;
        }
        let _ = writeln!(text, "  subgraph cluster_{place} {{\n    label={label};");
        for (node, it) in (0u32..).zip(&graph.nodes).filter(|(_, it)| it.group == place) {
            let colour = colour(it.health.level).map_or_else(String::new, |colour| format!(", color={colour:?}"));
            let (name, tip) = (quoted(&it.id.name), quoted(&it.id.to_string()));
            let _ = writeln!(text, "    {} [label={name}, tooltip={tip}{colour}];", handle(Spot::Node(node)));
        }
        text.push_str("  }\n");
    }
    for edge in &graph.edges {
        let mut attributes = vec![format!("label={}", quoted(&summary(&edge.whole)))];
        attributes.extend(colour(edge.health.level).map(|colour| format!("color={colour:?}")));
        match line(edge) {
            Line::Solid => {}
            Line::Dashed => attributes.push("style=dashed".to_owned()),
            Line::Dotted => attributes.push("style=dotted".to_owned()),
        }
        let (source, target) = (handle(edge.source), handle(edge.target));
        let _ = writeln!(text, "  {source} -> {target} [{}];", attributes.join(", "));
    }
    text.push_str("}\n");
    text
}

/// In a quoted string a backslash starts an escape (`\N` is the name of the node), so it is doubled as well.
fn quoted(text: &str) -> String {
    format!("\"{}\"", on_one_line(text).replace('\\', "\\\\").replace('"', "\\\""))
}
