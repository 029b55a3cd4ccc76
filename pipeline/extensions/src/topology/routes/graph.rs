//! `/api/v1/graph`: a window drawn.

use topology::View;
use topology::filter::{Filter, FilterError};
use topology::query::{self, BadQuery, Collapse, Depth, Direction, Focus, GraphQuery, Kept, Limits};

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
    Parameter { name: "format", meaning: "`json` (default) or `columns`, a tenth of the size." },
];

/// In columns an edge takes a tenth of the room.
const COLUMNS_PER_OBJECT: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Columns,
}

const FORMATS: &[(&str, Format)] = &[("json", Format::Json), ("columns", Format::Columns)];
const YES_OR_NO: &[(&str, bool)] = &[("true", true), ("false", false)];

/// The graph.
pub fn answer(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    let (from, to) = asked.window(map.now)?;
    let format = asked.word("format", FORMATS)?.unwrap_or(Format::Json);
    let mut query = question(asked, format, settings)?;
    let filter = asked.get("filter").map(Filter::parse).transpose()?;
    let by_machine = query.view == View::Host;
    let observed = if by_machine { map.observe_hosts(from, to) } else { map.observe(from, to) };
    let opinion = Opinion::of(map, &settings.rules, &observed, to);
    let Opinion { judgements, expectations, .. } = &*opinion;
    query.kept = filter.map(|filter| kept(filter.keeps(&observed, judgements, expectations, to)));
    let graph = query::graph(&observed, judgements, expectations, &query);
    match format {
        Format::Json => Answer::json(&graph),
        Format::Columns => Answer::json(&graph.columns()),
    }
}

fn question(asked: &Asked, format: Format, settings: &Settings) -> Result<GraphQuery, Fault> {
    let most = match format {
        Format::Json => settings.most_objects,
        Format::Columns => settings.most_objects.saturating_mul(COLUMNS_PER_OBJECT),
    };
    let limit = asked.number("limit", 1, most)?.unwrap_or(most);
    Ok(GraphQuery {
        view: asked.get("view").map_or(Ok(View::default()), query::view)?,
        collapse: Collapse::from_parameters(asked.get("collapse"), asked.get("expand"))?,
        focus: asked.get("focus").map(str::parse::<Focus>).transpose()?,
        depth: asked.get("depth").map_or(Ok(Depth::default()), str::parse)?,
        direction: asked.get("dir").map_or(Ok(Direction::default()), str::parse)?,
        kept: None,
        limits: Limits { nodes: limit, edges: limit },
        rows: asked.word("rows", YES_OR_NO)?.unwrap_or(false),
    })
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

fn kept(by_filter: topology::filter::Kept) -> Kept {
    Kept { nodes: by_filter.nodes, edges: by_filter.edges }
}
