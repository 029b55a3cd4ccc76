//! `/api/v1/search`, `/path`, `/graph/diff`: questions with names and windows in them.

use serde::Serialize;
use topology::query::{self, Hit, NoSuchNode, Overlook};
use topology::{Moment, View};

use super::subject::{view, window};
use super::{Parameter, Settings};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// Of a search.
pub const SEARCH: &[Parameter] = &[
    Parameter { name: "q", meaning: "What to look for: words that stand in the node's name, namespace or kind." },
    Parameter { name: "limit", meaning: "Most hits; 20 if not given." },
];

/// Of a path check.
pub const PATH: &[Parameter] = &[
    Parameter { name: "a", meaning: "Who calls: an id, or a name that only one node has." },
    Parameter { name: "b", meaning: "Who is to be reached, likewise." },
];

/// Of a comparison.
pub const DIFF: &[Parameter] = &[
    Parameter { name: "a", meaning: "The earlier window, `from..to`, for instance `-1d..-23h`." },
    Parameter { name: "b", meaning: "The later window; the last five minutes if not given." },
    Parameter { name: "ignore", meaning: "`cluster`: nodes of different clusters are the same." },
];

const USUAL_HITS: usize = 20;
const MOST_HITS: usize = 200;

#[derive(Serialize)]
struct Hits {
    hits: Vec<HitFigures>,
}

/// A hit, and that it is a node: the page mixes them with groups.
#[derive(Serialize)]
struct HitFigures {
    is: &'static str,
    #[serde(flatten)]
    hit: Hit,
}

/// Nodes by what they are called.
pub fn search(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let (text, most) = (asked.need("q")?, asked.number("limit", 1, MOST_HITS)?.unwrap_or(USUAL_HITS));
    let view = view(asked)?;
    let end = map.now;
    let observed = map.observe(end.minus(crate::topology::asked::DEFAULT_WINDOW), end);
    let hits = query::search(&observed, &map.opinion.judgements, view, text, most);
    Answer::json(&Hits { hits: hits.into_iter().map(|hit| HitFigures { is: "node", hit }).collect() })
}

/// Whether A reaches B.
pub fn path(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let (a, b) = (asked.need("a")?, asked.need("b")?);
    let window = window(asked, map)?;
    let checked = query::check(&window.observed, window.view, a, b);
    Answer::json(&checked.map_err(|error| match error {
        NoSuchNode::Unknown(_) => Fault::absent(error.to_string()),
        NoSuchNode::Several { .. } => Fault::bad(error.to_string()),
    })?)
}

/// Two windows side by side.
pub fn diff(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let view = view(asked)?;
    let (a, b) = (span(asked.need("a")?, map.now)?, asked.get("b").map(|text| span(text, map.now)).transpose()?);
    let b = b.unwrap_or((map.now.minus(crate::topology::asked::DEFAULT_WINDOW), map.now));
    let overlook = Overlook { cluster: asked.word("ignore", &[("cluster", true)])?.unwrap_or(false) };
    let observe = |(from, to)| if view == View::Host { map.observe_hosts(from, to) } else { map.observe(from, to) };
    Answer::json(&query::compare(&observe(a), &observe(b), view, overlook))
}

fn span(text: &str, now: Moment) -> Result<(Moment, Moment), Fault> {
    let (from, to) = text
        .split_once("..")
        .ok_or_else(|| Fault::bad(format!("`{text}` is no window; write `from..to`, for instance `-1d..-23h`")))?;
    let moment = |text| Moment::read(text, now).map_err(|error| Fault::bad(error.to_string()));
    let (from, to) = (moment(from)?, moment(to)?);
    if from >= to { Err(Fault::bad(format!("the window `{text}` is empty"))) } else { Ok((from, to)) }
}
