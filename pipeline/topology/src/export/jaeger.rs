//! Jaeger's dependencies: `GET /api/dependencies`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::name;
use crate::query::Graph;

/// The answer that Jaeger's page reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependencies {
    /// Who calls whom.
    pub data: Vec<Dependency>,
    total: u32,
    limit: u32,
    offset: u32,
    errors: Option<()>,
}

/// One service that calls another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// The caller.
    pub parent: String,
    /// The called.
    pub child: String,
    /// How often.
    pub call_count: u64,
}

/// A graph of services, drawn with all groups open, as dependencies. Jaeger knows services by name only, so equal names
/// of several namespaces add up.
pub fn dependencies(graph: &Graph) -> Dependencies {
    let mut calls: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for edge in graph.edges.iter().filter(|edge| edge.whole.requests() > 0) {
        let sum = calls.entry((name(graph, edge.source), name(graph, edge.target))).or_default();
        *sum = sum.saturating_add(edge.whole.requests());
    }
    let data = calls.into_iter().map(|((parent, child), call_count)| Dependency {
        parent: parent.to_owned(),
        child: child.to_owned(),
        call_count,
    });
    Dependencies { data: data.collect(), total: 0, limit: 0, offset: 0, errors: None }
}
