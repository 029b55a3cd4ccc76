//! The map as a picture, as the page draws it.

use std::fmt::Write as _;

use super::words::{Line, colour, digits, handle, line, name, percent, summary};
use crate::Level;
use crate::layout::{Placement, Rect};
use crate::query::{Edge, Graph, Group, Node, Spot};

/// How round corners of edges are.
const CORNER: i32 = 8;
/// How many characters fit a card of 176 at 12 px.
const FITS: usize = 22;

/// Writing to a String cannot fail, hence the ignored results.
pub(super) fn write(graph: &Graph) -> String {
    let nothing = Placement::default();
    let placement = graph.placement.as_ref().unwrap_or(&nothing);
    let (width, height) = placement.size;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n{ARROW}\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fbfbfc\"/>\n"
    );
    for ((place, group), rect) in (0u32..).zip(&graph.groups).zip(&placement.groups) {
        draw_group(&mut text, group, place, rect);
    }
    for (edge, route) in graph.edges.iter().zip(&placement.routes) {
        draw_edge(&mut text, graph, edge, route);
    }
    for ((place, node), rect) in (0u32..).zip(&graph.nodes).zip(&placement.nodes) {
        draw_node(&mut text, node, place, rect);
    }
    text.push_str("</svg>\n");
    text
}

const ARROW: &str = "<defs><marker id=\"arrow\" viewBox=\"0 0 6 6\" refX=\"6\" refY=\"3\" markerWidth=\"6\" \
                     markerHeight=\"6\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
                     <path d=\"M0 0L6 3L0 6z\" fill=\"context-stroke\"/></marker></defs>\n";

fn draw_group(text: &mut String, group: &Group, place: u32, rect: &Rect) {
    let level = match (group.red, group.yellow) {
        (0, 0) => Level::Ok,
        (0, _) => Level::Yellow,
        _ => Level::Red,
    };
    let fill = if group.collapsed { "#ffffff" } else { "none" };
    card(text, &handle(Spot::Group(place)), rect, fill, &group.id);
    let counts = match group.yellow.saturating_add(group.red) {
        0 => group.nodes.to_string(),
        abnormal => format!("{} · {abnormal}", group.nodes),
    };
    write_at(text, rect.x + 12, rect.y + 20, "#1c2026", &format!("{}  {counts}", short(&group.label)));
    mark(text, rect.x + rect.w - 16, rect.y + 16, level);
    if group.collapsed {
        for ((id, level), row) in group.worst.iter().zip(1..) {
            mark(text, rect.x + 16, rect.y + 18 + row * 18, *level);
            write_at(text, rect.x + 28, rect.y + 22 + row * 18, "#646c78", &short(&id.name));
        }
    }
    text.push_str("</g>\n");
}

fn draw_node(text: &mut String, node: &Node, place: u32, rect: &Rect) {
    card(text, &handle(Spot::Node(place)), rect, "#ffffff", &node.id.to_string());
    if let Some(colour) = colour(node.health.level) {
        let Rect { x, y, h, .. } = rect;
        let _ = writeln!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"3\" height=\"{h}\" fill=\"{colour}\"/>");
    }
    write_at(text, rect.x + 12, rect.y + 18, "#1c2026", &short(&node.id.name));
    write_at(text, rect.x + 12, rect.y + 35, "#646c78", &figures(node));
    mark(text, rect.x + rect.w - 14, rect.y + 14, node.health.level);
    text.push_str("</g>\n");
}

fn figures(node: &Node) -> String {
    let requests = node.inbound.requests();
    if requests == 0 {
        return "–".to_owned();
    }
    let latency = node.inbound.latency().quantile_ms(0.95);
    let latency = latency.map_or_else(String::new, |p95| format!(" · {} ms", digits(p95)));
    format!("{requests} · {}{latency}", percent(node.inbound.errors(), requests))
}

/// Opens a group of elements with its title and border; the caller closes it.
fn card(text: &mut String, id: &str, rect: &Rect, fill: &str, title: &str) {
    let Rect { x, y, w, h } = rect;
    let _ = writeln!(
        text,
        "<g id=\"{id}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"6\" \
         fill=\"{fill}\" stroke=\"#e3e5ea\"/>",
        escaped(title)
    );
}

fn write_at(text: &mut String, x: i32, y: i32, fill: &str, words: &str) {
    let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\" fill=\"{fill}\">{}</text>", escaped(words));
}

/// Health has a shape as well as a colour: a triangle, an octagon.
fn mark(text: &mut String, x: i32, y: i32, level: Level) {
    let Some(fill) = colour(level) else { return };
    let path = match level {
        Level::Red => format!("M{} {}h4l3 3v4l-3 3h-4l-3 -3v-4z", x - 2, y - 5),
        _ => format!("M{x} {}l6 10h-12z", y - 5),
    };
    let _ = writeln!(text, "<path d=\"{path}\" fill=\"{fill}\"/>");
}

fn draw_edge(text: &mut String, graph: &Graph, edge: &Edge, route: &[i32]) {
    if route.len() < 4 {
        return;
    }
    let stroke = match line(edge) {
        Line::Dashed => "#c0392b",
        _ => colour(edge.health.level).unwrap_or("#9aa1ac"),
    };
    let dash = match line(edge) {
        Line::Solid => "",
        Line::Dashed => " stroke-dasharray=\"6 4\"",
        Line::Dotted => " stroke-dasharray=\"1 4\"",
    };
    let width = 1.0 + (edge.whole.requests() as f64 + 1.0).log10().min(6.0) / 2.0;
    let title = format!("{} → {}: {}", name(graph, edge.source), name(graph, edge.target), summary(&edge.whole));
    let _ = writeln!(
        text,
        "<path d=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{width:.1}\"{dash} \
         marker-end=\"url(#arrow)\"><title>{}</title></path>",
        rounded_path(route),
        escaped(&title)
    );
}

/// Corners become quarter circles, smaller ones where a stretch is short.
fn rounded_path(route: &[i32]) -> String {
    let points: Vec<(i32, i32)> = route.chunks_exact(2).filter_map(|it| Some((*it.first()?, *it.get(1)?))).collect();
    let mut path = String::new();
    let Some((first, last)) = points.first().zip(points.last()) else { return path };
    let _ = write!(path, "M{} {}", first.0, first.1);
    for three in points.windows(3) {
        let &[before, corner, after] = three else { continue };
        let radius = CORNER.min(distance(before, corner) / 2).min(distance(corner, after) / 2);
        let (from, to) = (toward(corner, before, radius), toward(corner, after, radius));
        let _ = write!(path, "L{} {}Q{} {} {} {}", from.0, from.1, corner.0, corner.1, to.0, to.1);
    }
    let _ = write!(path, "L{} {}", last.0, last.1);
    path
}

fn distance(a: (i32, i32), b: (i32, i32)) -> i32 {
    (a.0 - b.0).abs() + (a.1 - b.1).abs()
}

fn toward(from: (i32, i32), to: (i32, i32), by: i32) -> (i32, i32) {
    (from.0 + (to.0 - from.0).signum() * by, from.1 + (to.1 - from.1).signum() * by)
}

/// Long names lose their middle, since both ends tell them apart.
fn short(name: &str) -> String {
    let length = name.chars().count();
    if length <= FITS {
        return name.to_owned();
    }
    let half = FITS / 2;
    let start: String = name.chars().take(half).collect();
    let end: String = name.chars().skip(length.saturating_sub(half.saturating_sub(1))).collect();
    format!("{start}…{end}")
}

/// XML 1.0 text: five characters escaped, and those left out that XML cannot hold.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
