//! Frames of Grafana's node graph panel, with our positions in `fixedX` and `fixedY`.

use serde::Serialize;

use super::words::{Line, colour, item, line, percent, summary};
use crate::layout::Rect;
use crate::query::{Edge, Graph, Group, Node, Spot};
use crate::{Expectation, Kind, Level};

/// `GET /api/graph/data`: nodes and edges with the field names that the panel knows.
#[derive(Debug, Clone, Serialize)]
pub struct GrafanaGraph {
    nodes: Vec<GrafanaNode>,
    edges: Vec<GrafanaEdge>,
}

#[derive(Debug, Clone, Serialize)]
#[expect(non_snake_case, reason = "Grafana's own names")]
struct GrafanaNode {
    id: String,
    title: String,
    subtitle: String,
    mainstat: String,
    secondarystat: String,
    icon: &'static str,
    /// Shares of the circle; they add up to 1.
    arc__ok: f64,
    arc__yellow: f64,
    arc__red: f64,
    detail__kind: String,
    detail__health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail__expected: Option<&'static str>,
    #[serde(rename = "fixedX", skip_serializing_if = "Option::is_none")]
    x: Option<i32>,
    #[serde(rename = "fixedY", skip_serializing_if = "Option::is_none")]
    y: Option<i32>,
}

#[derive(Debug, Clone, Serialize)]
#[expect(non_snake_case, reason = "Grafana's own names")]
struct GrafanaEdge {
    id: String,
    source: String,
    target: String,
    mainstat: String,
    secondarystat: String,
    thickness: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'static str>,
    #[serde(rename = "strokeDasharray", skip_serializing_if = "Option::is_none")]
    dash: Option<&'static str>,
    detail__protocols: String,
    detail__sources: String,
    detail__health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail__expected: Option<&'static str>,
}

/// `GET /api/graph/fields`: what those fields are.
#[derive(Debug, Clone, Serialize)]
pub struct GrafanaFields {
    nodes_fields: Vec<Field>,
    edges_fields: Vec<Field>,
}

#[derive(Debug, Clone, Serialize)]
struct Field {
    field_name: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'static str>,
    #[serde(rename = "displayName", skip_serializing_if = "Option::is_none")]
    shown_as: Option<&'static str>,
}

/// What the fields of [`grafana`] are.
pub fn fields() -> GrafanaFields {
    let field = |field_name, r#type, color, shown_as| Field { field_name, r#type, color, shown_as };
    let text = |name| field(name, "string", None, None);
    let number = |name| field(name, "number", None, None);
    let detail = |name, shown_as| field(name, "string", None, Some(shown_as));
    let arc = |name, color, shown_as| field(name, "number", Some(color), Some(shown_as));
    GrafanaFields {
        nodes_fields: vec![
            text("id"),
            text("title"),
            text("subtitle"),
            text("mainstat"),
            text("secondarystat"),
            text("icon"),
            arc("arc__ok", "#6b9080", "Not abnormal"),
            arc("arc__yellow", "#b7791f", "Yellow"),
            arc("arc__red", "#c0392b", "Red"),
            detail("detail__kind", "Kind"),
            detail("detail__health", "Health"),
            detail("detail__expected", "Expected"),
            number("fixedX"),
            number("fixedY"),
        ],
        edges_fields: vec![
            text("id"),
            text("source"),
            text("target"),
            text("mainstat"),
            text("secondarystat"),
            number("thickness"),
            text("color"),
            text("strokeDasharray"),
            detail("detail__protocols", "Protocols"),
            detail("detail__sources", "Seen by"),
            detail("detail__health", "Health"),
            detail("detail__expected", "Expected"),
        ],
    }
}

/// A graph as frames. Collapsed groups are nodes.
pub fn grafana(graph: &Graph) -> GrafanaGraph {
    let rect = |spot| {
        let placement = graph.placement.as_ref()?;
        match spot {
            Spot::Node(place) => item(&placement.nodes, place).copied(),
            Spot::Group(place) => item(&placement.groups, place).copied(),
        }
    };
    let nodes = (0u32..).zip(&graph.nodes).map(|(place, node)| of_node(node, rect(Spot::Node(place))));
    let groups = (0u32..).zip(&graph.groups).filter(|(_, group)| group.collapsed);
    let groups = groups.map(|(place, group)| of_group(group, rect(Spot::Group(place))));
    let id = |spot| match spot {
        Spot::Node(place) => item(&graph.nodes, place).map_or_else(String::new, |node| node.id.to_string()),
        Spot::Group(place) => item(&graph.groups, place).map_or_else(String::new, |group| group.id.clone()),
    };
    let edges = graph.edges.iter().map(|edge| of_edge(edge, id(edge.source), id(edge.target)));
    GrafanaGraph { nodes: nodes.chain(groups).collect(), edges: edges.collect() }
}

fn of_node(node: &Node, rect: Option<Rect>) -> GrafanaNode {
    let share = |is: Level| if node.health.level == is { 1.0 } else { 0.0 };
    let (yellow, red) = (share(Level::Yellow), share(Level::Red));
    GrafanaNode {
        id: node.id.to_string(),
        title: node.id.name.to_string(),
        subtitle: node.id.namespace.to_string(),
        mainstat: format!("{} calls", node.inbound.requests()),
        secondarystat: percent(node.inbound.errors(), node.inbound.requests()),
        icon: icon(node.id.kind),
        arc__ok: 1.0 - yellow - red,
        arc__yellow: yellow,
        arc__red: red,
        detail__kind: node.id.kind.to_string(),
        detail__health: node.health.level.as_str(),
        detail__expected: node.expected.map(Expectation::as_str),
        x: rect.map(|rect| rect.x + rect.w / 2),
        y: rect.map(|rect| rect.y + rect.h / 2),
    }
}

fn of_group(group: &Group, rect: Option<Rect>) -> GrafanaNode {
    let share = |count: u32| if group.nodes == 0 { 0.0 } else { f64::from(count) / f64::from(group.nodes) };
    let (yellow, red) = (share(group.yellow), share(group.red));
    let worst = if group.red > 0 { Level::Red } else { Level::Yellow };
    let abnormal = group.red.saturating_add(group.yellow);
    GrafanaNode {
        id: group.id.clone(),
        title: group.label.clone(),
        subtitle: format!("{} nodes", group.nodes),
        mainstat: format!("{abnormal} abnormal"),
        secondarystat: format!("{} unexpected", group.unexpected),
        icon: "folder",
        arc__ok: 1.0 - yellow - red,
        arc__yellow: yellow,
        arc__red: red,
        detail__kind: "group".to_owned(),
        detail__health: if abnormal > 0 { worst.as_str() } else { Level::Unknown.as_str() },
        detail__expected: None,
        x: rect.map(|rect| rect.x + rect.w / 2),
        y: rect.map(|rect| rect.y + rect.h / 2),
    }
}

fn of_edge(edge: &Edge, source: String, target: String) -> GrafanaEdge {
    let protocols: Vec<&str> = edge.protocols.iter().map(|(protocol, _)| &*protocol.0).collect();
    let sources: Vec<&str> = edge.sources.iter().map(|lane| lane.as_str()).collect();
    GrafanaEdge {
        // Ids hold no `>`.
        id: format!("{source}>{target}"),
        source,
        target,
        mainstat: summary(&edge.whole),
        secondarystat: percent(edge.whole.errors(), edge.whole.requests()),
        thickness: 1.0 + (edge.whole.requests() as f64 + 1.0).log10().min(6.0) / 2.0,
        color: colour(edge.health.level),
        dash: match line(edge) {
            Line::Solid => None,
            Line::Dashed => Some("6 4"),
            Line::Dotted => Some("1 4"),
        },
        detail__protocols: protocols.join(", "),
        detail__sources: sources.join(", "),
        detail__health: edge.health.level.as_str(),
        detail__expected: edge.expected.map(Expectation::as_str),
    }
}

/// Names of Grafana's icons.
fn icon(kind: Kind) -> &'static str {
    match kind {
        Kind::Outside(outside) if outside.is_queue() => "channel-add",
        Kind::Outside(crate::OutsideKind::User) => "user",
        Kind::Outside(crate::OutsideKind::DNS | crate::OutsideKind::HttpApi | crate::OutsideKind::PlainIP) => "cloud",
        Kind::Outside(_) => "database",
        Kind::Host => "desktop",
        Kind::Namespace => "folder",
        _ => "cube",
    }
}
