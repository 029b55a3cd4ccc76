//! The map as a picture, as the page draws it.

use std::fmt::Write as _;

use super::words::{Line, colour, duration, handle, line, name, percent, short, summary};
use crate::layout::{Placement, Rect};
use crate::query::{Edge, Graph, Group, Node, Spot};
use crate::{Expectation, Level};

/// How round corners of edges are.
const CORNER: i32 = 8;
/// Length of an arrowhead: the line ends where it begins, or a thick one would blunt it.
const ARROW: i32 = 9;
/// From the side of a card to its text.
const INSET: i32 = 12;
/// Room for a mark of health, right of a text.
const MARK: i32 = 24;
/// Lines below the name of a collapsed group.
const LINES: usize = 3;

const GROUND: &str = "#fbfbfc";
const CARD: &str = "#ffffff";
const BORDER: &str = "#e3e5ea";
const TEXT: &str = "#1c2026";
const MUTED: &str = "#646c78";
const QUIET: &str = "#9aa1ac";
const RED: &str = "#c0392b";

/// Writing to a String cannot fail, hence the ignored results.
pub(super) fn write(graph: &Graph) -> String {
    let nothing = Placement::default();
    let placement = graph.placement.as_ref().unwrap_or(&nothing);
    let (width, height) = placement.size;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{GROUND}\"/>\n"
    );
    for ((place, group), rect) in (0u32..).zip(&graph.groups).zip(&placement.groups) {
        draw_group(&mut text, group, place, rect);
    }
    let mut edges: Vec<(&Edge, &Vec<i32>)> = graph.edges.iter().zip(&placement.routes).collect();
    // What is worse lies above.
    edges.sort_by_key(|(edge, _)| (edge.health.level, edge.expected));
    for (edge, route) in edges {
        draw_edge(&mut text, graph, edge, route);
    }
    let seconds = graph.window.covered_seconds();
    for ((place, node), rect) in (0u32..).zip(&graph.nodes).zip(&placement.nodes) {
        draw_node(&mut text, node, place, rect, seconds);
    }
    text.push_str("</svg>\n");
    text
}

fn draw_group(text: &mut String, group: &Group, place: u32, rect: &Rect) {
    let level = match (group.red, group.yellow) {
        (0, 0) => Level::Ok,
        (0, _) => Level::Yellow,
        _ => Level::Red,
    };
    let look = if group.collapsed { format!("fill=\"{CARD}\"") } else { "fill=\"none\"".to_owned() };
    card(text, &handle(Spot::Group(place)), rect, &format!("{look} stroke=\"{BORDER}\""), &group.id);
    let room = rect.w - 2 * INSET;
    let counts = counts(group);
    let name = fitted(&group.label, room - MARK);
    if group.collapsed {
        write_at(text, rect.x + INSET, rect.y + 20, TEXT, &name);
        let counts = wrapped(&counts, room);
        let worst = group.worst.iter().take(LINES.saturating_sub(counts.len()));
        let (mut y, below) = (rect.y + 38, 18);
        for line in &counts {
            write_at(text, rect.x + INSET, y, MUTED, line);
            y += below;
        }
        for (id, level) in worst {
            mark(text, rect.x + INSET + 5, y - 4, *level);
            write_at(text, rect.x + INSET + 16, y, MUTED, &fitted(&id.name, room - 16));
            y += below;
        }
    } else {
        let counts = fitted(&counts.join(" · "), room - MARK - width_of(&name) - 2 * width(' '));
        let (name, counts) = (escaped(&name), escaped(&counts));
        let (x, y) = (rect.x + INSET, rect.y + 20);
        let _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{y}\" fill=\"{TEXT}\">{name}<tspan dx=\"10\" fill=\"{MUTED}\">{counts}</tspan></text>"
        );
    }
    mark(text, rect.x + rect.w - 16, rect.y + 16, level);
    text.push_str("</g>\n");
}

/// `6 nodes`, `1 red`, `2 yellow`, `1 unexpected`.
fn counts(group: &Group) -> Vec<String> {
    let nodes = if group.nodes == 1 { "1 node".to_owned() } else { format!("{} nodes", group.nodes) };
    let edges_red = if group.edges_red == 1 { "edge red" } else { "edges red" };
    let others =
        [(group.red, "red"), (group.yellow, "yellow"), (group.edges_red, edges_red), (group.unexpected, "unexpected")];
    let others = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    std::iter::once(nodes).chain(others).collect()
}

/// Parts joined to lines that fit.
fn wrapped(parts: &[String], room: i32) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for part in parts {
        let longer = lines.last().map(|line| format!("{line} · {part}")).filter(|line| width_of(line) <= room);
        match (lines.last_mut(), longer) {
            (Some(line), Some(longer)) => *line = longer,
            _ => lines.push(part.clone()),
        }
    }
    lines.truncate(LINES);
    lines
}

fn draw_node(text: &mut String, node: &Node, place: u32, rect: &Rect, seconds: f64) {
    let look = match node.expected {
        Some(Expectation::Missing) => format!("fill=\"none\" stroke=\"{MUTED}\" stroke-dasharray=\"1.5 4\""),
        Some(Expectation::Unexpected | Expectation::Forbidden) => {
            format!("fill=\"{CARD}\" stroke=\"{RED}\" stroke-dasharray=\"6 3\"")
        }
        _ => format!("fill=\"{CARD}\" stroke=\"{BORDER}\""),
    };
    card(text, &handle(Spot::Node(place)), rect, &look, &node.id.to_string());
    if let Some(colour) = colour(node.health.level) {
        let Rect { x, y, h, .. } = rect;
        let _ = writeln!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"3\" height=\"{h}\" fill=\"{colour}\"/>");
    }
    let room = rect.w - 2 * INSET;
    write_at(text, rect.x + INSET, rect.y + 18, TEXT, &fitted(&node.id.name, room - MARK));
    write_numbers(text, rect.x + INSET, rect.y + 35, room, &figures(node, seconds));
    mark(text, rect.x + rect.w - 14, rect.y + 14, node.health.level);
    text.push_str("</g>\n");
}

/// `12.3/s · 1.2 % · 340 ms`.
fn figures(node: &Node, seconds: f64) -> String {
    let requests = node.inbound.requests();
    if requests == 0 {
        return "–".to_owned();
    }
    let latency = node.inbound.latency().quantile_ms(0.95);
    let latency = latency.map_or_else(String::new, |p95| format!(" · {}", duration(p95)));
    format!("{}/s · {}{latency}", short(requests as f64 / seconds.max(1.0)), percent(node.inbound.errors(), requests))
}

/// Opens a group of elements with its title and border; the caller closes it.
fn card(text: &mut String, id: &str, rect: &Rect, look: &str, title: &str) {
    let Rect { x, y, w, h } = rect;
    let _ = writeln!(
        text,
        "<g id=\"{id}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"6\" {look}/>",
        escaped(title)
    );
}

fn write_at(text: &mut String, x: i32, y: i32, fill: &str, words: &str) {
    let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\" fill=\"{fill}\">{}</text>", escaped(words));
}

/// Numbers are never cut, but drawn closer together where they might not fit.
fn write_numbers(text: &mut String, x: i32, y: i32, room: i32, words: &str) {
    let closer = if width_of(words) * 11 / 12 <= room { String::new() } else { format!(" textLength=\"{room}\"") };
    let words = escaped(words);
    let look = "lengthAdjust=\"spacingAndGlyphs\" font-size=\"11\"";
    let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\" fill=\"{MUTED}\" {look}{closer}>{words}</text>");
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
    let [_, _, .., x, y] = route else { return };
    let stroke = match line(edge) {
        Line::Dashed => RED,
        _ => colour(edge.health.level).unwrap_or(QUIET),
    };
    let dash = match line(edge) {
        Line::Solid => "",
        Line::Dashed => " stroke-dasharray=\"7 4\"",
        Line::Dotted => " stroke-dasharray=\"1.5 4\"",
    };
    let width = 1.0 + (edge.whole.requests() as f64 + 1.0).log10().min(6.0) / 2.0;
    let title = format!("{} → {}: {}", name(graph, edge.source), name(graph, edge.target), summary(&edge.whole));
    let _ = writeln!(text, "<g class=\"edge\"><title>{}</title>", escaped(&title));
    let path = rounded_path(route);
    let mut stretch = |stroke: &str, width: f64, dash: &str| {
        let _ =
            writeln!(text, "<path d=\"{path}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{width:.1}\"{dash}/>");
    };
    if edge.expected == Some(Expectation::Forbidden) {
        // Two lines: a wide one with its middle taken out.
        stretch(stroke, width + 3.0, dash);
        stretch(GROUND, width, "");
    } else {
        stretch(stroke, width, dash);
    }
    // Not a marker: few programs but browsers draw one in the colour of its line.
    let (back, half) = (x - ARROW, ARROW / 2);
    let _ = writeln!(text, "<path d=\"M{back} {}L{x} {y}L{back} {}z\" fill=\"{stroke}\"/></g>", y - half, y + half);
}

/// Corners become quarter circles, smaller ones where a stretch is short.
fn rounded_path(route: &[i32]) -> String {
    let mut points: Vec<(i32, i32)> =
        route.chunks_exact(2).filter_map(|it| Some((*it.first()?, *it.get(1)?))).collect();
    if let Some((x, _)) = points.last_mut() {
        *x -= ARROW;
    }
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
fn fitted(name: &str, room: i32) -> String {
    if width_of(name) <= room {
        return name.to_owned();
    }
    let half = (room - width('…')) / 2;
    let start = head(name.chars(), half);
    let end: String = head(name.chars().rev(), half).chars().rev().collect();
    format!("{start}…{end}")
}

/// As many characters as fit.
fn head(characters: impl Iterator<Item = char>, room: i32) -> String {
    let mut taken = 0;
    let fits = |c: &char| {
        taken += width(*c);
        taken <= room
    };
    characters.take_while(fits).collect()
}

fn width_of(text: &str) -> i32 {
    text.chars().map(width).fold(0, i32::saturating_add)
}

/// About how wide a character is at 12 px, in a font that we do not know.
fn width(c: char) -> i32 {
    match c {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | 'I' | ' ' | '.' | ',' | ':' | '-' | '/' | '·' => 5,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 12,
        'A'..='Z' => 9,
        // From Hangul and the scripts of East Asia on.
        '\u{1100}'.. => 12,
        _ => 7,
    }
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
