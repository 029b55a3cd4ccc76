//! The shapes of Grafana's node graph and of Jaeger's dependencies.

use topology::View;
use topology::export;
use topology::query::{self, Collapse, GraphQuery, Limits};
use topology::{Moment, SECOND};

use super::{Parameter, Settings};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// Grafana draws no more in one panel.
const MOST: usize = 1_500;

/// Of Jaeger's question.
pub const JAEGER: &[Parameter] = &[
    Parameter { name: "endTs", meaning: "Where the window ends, in milliseconds since 1970; now if not given." },
    Parameter { name: "lookback", meaning: "How long it is, in milliseconds; an hour if not given." },
    Parameter { name: "service", meaning: "Only calls by and to this service." },
];

/// Which fields nodes and edges have.
pub fn fields(_asked: &Asked, _map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    Answer::json(&export::fields())
}

/// Nodes and edges, with positions.
pub fn data(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    let limits = Limits { nodes: MOST, edges: MOST };
    let (query, filter) = super::graph::question(asked, limits)?;
    let open =
        if asked.get("collapse").is_none() && asked.get("expand").is_none() { every_node() } else { query.collapse };
    let query = GraphQuery { collapse: open, ..query };
    let mut graph = super::graph::draw(asked, map, settings, query, filter)?;
    graph.place(None);
    Answer::json(&export::grafana(&graph))
}

/// That the server is there.
pub fn health(_asked: &Asked, _map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    Answer::json(&serde_json::json!({"status": "ok"}))
}

/// Who calls whom how often.
pub fn dependencies(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let millis = |name| asked.number(name, 0, usize::MAX).map(|millis| millis.and_then(|it| u64::try_from(it).ok()));
    let end = millis("endTs")?.map_or(map.now, |end| Moment(end.saturating_mul(1_000_000)).min(map.now));
    let back = millis("lookback")?.map_or(3600 * SECOND, |back| back.saturating_mul(1_000_000));
    let observed = map.observe(end.minus(back.max(SECOND)), end);
    let query = GraphQuery { view: View::Service, collapse: every_node(), ..GraphQuery::default() };
    let opinion = &map.opinion;
    let graph = query::graph(&observed, &opinion.judgements, &opinion.expectations, &query);
    let mut dependencies = export::dependencies(&graph);
    if let Some(service) = asked.get("service") {
        dependencies.data.retain(|dependency| dependency.parent == service || dependency.child == service);
    }
    Answer::json(&dependencies)
}

fn every_node() -> Collapse {
    Collapse::Only(std::collections::BTreeSet::new())
}
