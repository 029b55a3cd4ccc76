//! `/api/v1/nodes/{id}` and `/api/v1/edges`: everything about one thing.

use topology::query::{self, detail};
use topology::{Exemplar, Moment, NodeId};

use super::Settings;
use super::subject::{Seen, Subject, window};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::opinion::Opinion;
use crate::topology::published::Published;

/// Traces of one answer.
const MOST_EXEMPLARS: usize = 20;
/// Pairs of entities whose traces are looked for: a namespace may hold thousands.
const MOST_PAIRS: usize = 64;

/// A node.
pub fn node(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    let id = asked.node_of_path()?;
    let window = window(asked, map)?;
    let opinion = Opinion::of(map, &settings.rules, &window.observed, window.to, window.view);
    let Opinion { judgements, expectations, .. } = &*opinion;
    let detail = detail::node(&window.observed, judgements, expectations, window.view, &id, &settings.links);
    Answer::json(&detail.ok_or_else(|| Fault::absent(format!("no node is called `{id}` in this view")))?)
}

/// An edge whose ends stand in the query string.
pub fn edge(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    match Subject::asked(asked)? {
        Subject::Edge(source, target) => edge_between(asked, map, settings, &source, &target),
        Subject::Node(_) => Err(Fault::bad("an edge has a `source` and a `target`")),
    }
}

/// An edge whose ends stand in the path.
pub fn edge_of_path(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    let (source, target) = asked.nodes_of_path()?;
    edge_between(asked, map, settings, &source, &target)
}

fn edge_between(
    asked: &Asked,
    map: &Published,
    settings: &Settings,
    source: &NodeId,
    target: &NodeId,
) -> Result<Answer, Fault> {
    let window = window(asked, map)?;
    let opinion = Opinion::of(map, &settings.rules, &window.observed, window.to, window.view);
    let Opinion { judgements, expectations, .. } = &*opinion;
    let exemplars = exemplars(map, &window, source, target);
    let (observed, view, ends) = (&window.observed, window.view, (source, target));
    let detail = query::edge(observed, judgements, expectations, view, ends, &exemplars, &settings.links);
    Answer::json(
        &detail.ok_or_else(|| Fault::absent(format!("nobody of `{source}` called `{target}` in this window")))?,
    )
}

fn exemplars(map: &Published, window: &Seen, source: &NodeId, target: &NodeId) -> Vec<(Moment, Exemplar)> {
    let pairs = query::pairs(&window.observed, window.view, source, target).into_iter().take(MOST_PAIRS);
    let found = pairs.flat_map(|(source, target)| map.snapshot.exemplars(source, target, window.from, window.to));
    found.take(MOST_EXEMPLARS).collect()
}
