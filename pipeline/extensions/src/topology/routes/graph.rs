//! `/api/v1/graph`: a window drawn.

use topology::View;
use topology::export::{self, File, Picture};
use topology::filter::{Filter, FilterError};
use topology::query::{self, BadQuery, Collapse, Depth, Direction, Focus, Graph, GraphQuery, Limits};

use super::{Parameter, Settings};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::opinion::Opinion;
use crate::topology::published::Published;

/// Beside the window.
pub const PARAMETERS: &[Parameter] = &[
    Parameter { name: "view", meaning: "What nodes are: `workload` (default), `service`, `namespace` or `host`." },
    Parameter {
        name: "collapse",
        meaning: "Groups to draw as one card: `all`, `none`, or names such as `ns:shop,ext:MySQL`. Without it and \
                  without a focus: all.",
    },
    Parameter { name: "expand", meaning: "Groups to draw open, all others as cards. Wins over `collapse`." },
    Parameter {
        name: "focus",
        meaning: "Draw what is near a node (its id), an edge (two ids with `>` between them) or a group (its name).",
    },
    Parameter { name: "depth", meaning: "How many calls away from the focus: a number (default 1) or `all`." },
    Parameter { name: "dir", meaning: "Which way from the focus: `up` to callers, `down` to the called, or `both`." },
    Parameter {
        name: "filter",
        meaning: "Keep only what an expression holds for: `ns in (shop, pay) and (err% > 5 or p95 > 500ms)`.",
    },
    Parameter { name: "limit", meaning: "Most nodes, and most edges, to draw; `dropped` counts the rest." },
    Parameter { name: "rows", meaning: "`true` lists what each edge carried by port, transport and protocol." },
    Parameter { name: "layout", meaning: "`layered` adds positions and routes; `none` (default) does not." },
    Parameter {
        name: "format",
        meaning: "`json` (default); `columns`, a tenth of the size; `window` or `yaml`, everything that the window shows, \
                  for `graph diff` and baselines; `dot`, `mermaid`, `svg`, `csv`; `grafana`, its node graph.",
    },
];

/// In columns an edge takes a tenth of the room.
const COLUMNS_PER_OBJECT: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Columns,
    Grafana,
    /// Everything, to be kept and compared.
    Window(File),
    Picture(Picture),
}

const FORMATS: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("columns", Format::Columns),
    ("grafana", Format::Grafana),
    ("window", Format::Window(File::Json)),
    ("yaml", Format::Window(File::Yaml)),
    ("dot", Format::Picture(Picture::Dot)),
    ("mermaid", Format::Picture(Picture::Mermaid)),
    ("svg", Format::Picture(Picture::Svg)),
    ("csv", Format::Picture(Picture::Csv)),
];
const LAYOUTS: &[(&str, bool)] = &[("layered", true), ("none", false)];
const YES_OR_NO: &[(&str, bool)] = &[("true", true), ("false", false)];

/// The graph.
pub fn answer(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    let format = asked.word("format", FORMATS)?.unwrap_or(Format::Json);
    let most = match format {
        Format::Columns => settings.most_objects.saturating_mul(COLUMNS_PER_OBJECT),
        _ => settings.most_objects,
    };
    if let Format::Window(file) = format {
        let (from, to) = asked.window(map.now)?;
        return Ok(Answer::new(media(file), export::window(&map.snapshot.observe(from, to), file)));
    }
    let (query, filter) = question(asked, Limits { nodes: most, edges: most })?;
    let mut graph = draw(asked, map, settings, query, filter)?;
    let is_svg = format == Format::Picture(Picture::Svg);
    if is_svg || asked.word("layout", LAYOUTS)?.unwrap_or(false) {
        place(&mut graph, asked, settings);
    }
    match format {
        Format::Columns => Answer::json(&graph.columns()),
        Format::Grafana => Answer::json(&export::grafana(&graph)),
        Format::Picture(picture) => Ok(Answer::new(picture_media(picture), export::picture(&graph, picture))),
        Format::Json | Format::Window(_) => Answer::json(&graph),
    }
}

/// What is asked, but for the window.
pub fn question(asked: &Asked, most: Limits) -> Result<(GraphQuery, Option<Filter>), Fault> {
    let limit = asked.number("limit", 1, most.nodes)?.unwrap_or(most.nodes);
    let filter = asked.get("filter").map(Filter::parse).transpose()?;
    let query = GraphQuery {
        view: asked.get("view").map_or(Ok(View::default()), query::view)?,
        collapse: Collapse::from_parameters(asked.get("collapse"), asked.get("expand"))?,
        focus: asked.get("focus").map(str::parse::<Focus>).transpose()?,
        depth: asked.get("depth").map_or(Ok(Depth::default()), str::parse)?,
        direction: asked.get("dir").map_or(Ok(Direction::default()), str::parse)?,
        kept: None,
        limits: Limits { nodes: limit, edges: limit },
        rows: asked.word("rows", YES_OR_NO)?.unwrap_or(false),
    };
    Ok((query, filter))
}

/// The window as a graph.
pub fn draw(
    asked: &Asked,
    map: &Published,
    settings: &Settings,
    mut query: GraphQuery,
    filter: Option<Filter>,
) -> Result<Graph, Fault> {
    let (from, to) = asked.window(map.now)?;
    let by_machine = query.view == View::Host;
    let observed = if by_machine { map.observe_hosts(from, to) } else { map.observe(from, to) };
    let opinion = Opinion::of(map, &settings.rules, &observed, to, query.view);
    let Opinion { judgements, expectations, .. } = &*opinion;
    query.kept = filter.map(|filter| filter.keeps(&observed, judgements, expectations, to));
    Ok(query::graph(&observed, judgements, expectations, &query))
}

/// Finds places, those of last time where it can.
fn place(graph: &mut Graph, asked: &Asked, settings: &Settings) {
    let told =
        |names: &[&str]| names.iter().map(|name| asked.get(name).unwrap_or_default()).collect::<Vec<_>>().join("|");
    let (scene, folding) = (told(&["view", "focus", "depth", "dir", "filter"]), told(&["collapse", "expand", "limit"]));
    let last = settings.placements.last(&scene, &folding);
    let placement = graph.place(last.as_deref()).clone();
    settings.placements.remember(&scene, &folding, placement);
}

fn media(file: File) -> &'static str {
    match file {
        File::Json => export::Format::Json.media_type(),
        File::Yaml => export::Format::Yaml.media_type(),
    }
}

fn picture_media(picture: Picture) -> &'static str {
    match picture {
        Picture::Dot => export::Format::Dot.media_type(),
        Picture::Mermaid => export::Format::Mermaid.media_type(),
        Picture::Svg => export::Format::Svg.media_type(),
        Picture::Csv => export::Format::Csv.media_type(),
    }
}

impl From<FilterError> for Fault {
    fn from(error: FilterError) -> Self {
        Self::bad(error.to_string())
    }
}

impl From<BadQuery> for Fault {
    fn from(bad: BadQuery) -> Self {
        Self::bad(bad.to_string())
    }
}
