//! What can be asked, as one table: from it requests are read and the document of the API is written.
//!
//! In this room: routes, their parameters, and what they answer from a publication of the map.
//! Not here: who may ask and how many at a time (`guard`, `gate`), what a graph is (`topology::query`).
//!
//! Enter at [`ROUTES`].

mod details;
mod events;
mod export;
mod findings;
mod graph;
mod history;
mod interop;
mod openapi;
mod questions;
mod rules;
mod series;
mod stack;
mod subject;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use topology::query::Links;
use topology::rules::Rules;

use super::answer::Answer;
use super::asked::{Asked, Fault};
use super::config::TopologyConfig;
use super::placements::Placements;
use super::published::Published;

/// The one route that is no question: it stays open.
pub const STREAM: &str = "/api/v1/graph/stream";

/// What can be asked at one path.
pub struct Route {
    /// The path; what stands in braces at its end is the rest, which the question reads.
    pub path: &'static str,
    /// What it answers, in one line.
    pub summary: &'static str,
    /// What it understands.
    pub parameters: &'static [&'static [Parameter]],
    /// The name of the answer's schema; none if it is no JSON.
    pub schema: &'static str,
    /// Whether it can be asked with a body, by POST.
    pub takes_body: bool,
    /// Answers.
    pub answer: fn(&Asked, &Published, &Settings) -> Result<Answer, Fault>,
}

/// One parameter of a query string.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// What answers depend on beside the map.
pub struct Settings {
    /// Most nodes, and most edges, of an answer that spells them out.
    pub most_objects: usize,
    /// Where traces and logs are shown.
    pub links: Links,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// Where things stood.
    pub placements: Placements,
}

impl Settings {
    /// As the configuration says.
    pub fn new(config: &TopologyConfig, rules: Arc<Rules>) -> Self {
        Self {
            most_objects: config.limits.answer,
            links: Links { trace: config.links.trace.clone(), logs: config.links.logs.clone() },
            rules,
            placements: Placements::default(),
        }
    }
}

const WINDOW: &[Parameter] = &[
    Parameter {
        name: "from",
        meaning: "Where the window begins: `-10m`, RFC 3339, or seconds or milliseconds since 1970.",
    },
    Parameter { name: "to", meaning: "Where the window ends; now, if neither this nor `at` is given." },
    Parameter { name: "at", meaning: "Where the window ends; a `from` such as `-10m` then counts from there." },
];

/// All questions.
pub static ROUTES: &[Route] = &[
    Route {
        path: "/api/v1/graph",
        summary: "The graph of a window of time.",
        parameters: &[WINDOW, graph::PARAMETERS],
        schema: "Graph",
        takes_body: false,
        answer: graph::answer,
    },
    Route {
        path: "/api/v1/nodes/{id}",
        summary: "Everything about a node.",
        parameters: &[WINDOW, subject::VIEW],
        schema: "NodeDetail",
        takes_body: false,
        answer: details::node,
    },
    Route {
        path: "/api/v1/edges",
        summary: "Everything about an edge.",
        parameters: &[WINDOW, subject::VIEW, subject::ENDS],
        schema: "EdgeDetail",
        takes_body: false,
        answer: details::edge,
    },
    Route {
        path: "/api/v1/edges/{source}/{target}",
        summary: "Everything about an edge.",
        parameters: &[WINDOW, subject::VIEW],
        schema: "EdgeDetail",
        takes_body: false,
        answer: details::edge_of_path,
    },
    Route {
        path: "/api/v1/search",
        summary: "Nodes by what they are called.",
        parameters: &[questions::SEARCH, subject::VIEW],
        schema: "Hits",
        takes_body: false,
        answer: questions::search,
    },
    Route {
        path: "/api/v1/path",
        summary: "Whether A reaches B, and where it fails.",
        parameters: &[WINDOW, subject::VIEW, questions::PATH],
        schema: "Check",
        takes_body: false,
        answer: questions::path,
    },
    Route {
        path: "/api/v1/graph/diff",
        summary: "Two windows side by side: what is new, what is gone, what differs.",
        parameters: &[subject::VIEW, questions::DIFF],
        schema: "Comparison",
        takes_body: false,
        answer: questions::diff,
    },
    Route {
        path: "/api/graph/fields",
        summary: "Fields of Grafana's node graph.",
        parameters: &[],
        schema: "GrafanaFields",
        takes_body: false,
        answer: interop::fields,
    },
    Route {
        path: "/api/graph/data",
        summary: "Grafana's node graph, with our positions.",
        parameters: &[WINDOW, graph::PARAMETERS],
        schema: "GrafanaGraph",
        takes_body: false,
        answer: interop::data,
    },
    Route {
        path: "/api/health",
        summary: "That the server is there, as Grafana asks.",
        parameters: &[],
        schema: "Alive",
        takes_body: false,
        answer: interop::health,
    },
    Route {
        path: "/api/dependencies",
        summary: "Who calls whom how often, as Jaeger asks.",
        parameters: &[interop::JAEGER],
        schema: "Dependencies",
        takes_body: false,
        answer: interop::dependencies,
    },
    Route {
        path: "/api/v1/stack",
        summary: "What is near a focus, in planes: Services, workloads, pods, hosts.",
        parameters: &[WINDOW, stack::PARAMETERS],
        schema: "Stack",
        takes_body: false,
        answer: stack::answer,
    },
    Route {
        path: "/api/v1/series",
        summary: "The numbers of a node (what it answers) or an edge over time, as columns.",
        parameters: &[WINDOW, subject::NODE, subject::ENDS, subject::VIEW],
        schema: "Series",
        takes_body: false,
        answer: series::answer,
    },
    Route {
        path: "/api/v1/events",
        summary: "What happened, newest first.",
        parameters: &[WINDOW, subject::VIEW, events::PARAMETERS],
        schema: "Events",
        takes_body: false,
        answer: events::answer,
    },
    Route {
        path: "/api/v1/findings",
        summary: "What is open now: traffic that nobody expected, what is missing, and what rules find abnormal.",
        parameters: &[WINDOW, findings::PARAMETERS],
        schema: "Findings",
        takes_body: false,
        answer: findings::answer,
    },
    Route {
        path: "/api/v1/history",
        summary: "How many nodes were in which state, step by step.",
        parameters: &[WINDOW, subject::VIEW],
        schema: "History",
        takes_body: false,
        answer: history::answer,
    },
    Route {
        path: "/api/v1/rules",
        summary: "The rules in force; by POST, what the rules in the body (YAML) would colour now.",
        parameters: &[subject::VIEW],
        schema: "Rules",
        takes_body: true,
        answer: rules::answer,
    },
    Route {
        path: "/api/v1/export",
        summary: "Everything that a window shows, as a file to keep: baselines are learned from it and held against it.",
        parameters: &[WINDOW, export::PARAMETERS],
        schema: "ObservedGraph",
        takes_body: false,
        answer: export::answer,
    },
    Route {
        path: "/api/openapi.json",
        summary: "This document.",
        parameters: &[],
        schema: "OpenApi",
        takes_body: false,
        answer: openapi::answer,
    },
];

impl Route {
    /// Names of its parameters.
    pub fn parameter_names(&self) -> Vec<&'static str> {
        self.all_parameters().map(|parameter| parameter.name).collect()
    }

    fn all_parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        self.parameters.iter().flat_map(|group| group.iter())
    }

    /// The part of the path before the rest, and whether there is a rest.
    fn stem(&self) -> (&'static str, bool) {
        self.path.split_once("/{").map_or((self.path, false), |(stem, _)| (stem, true))
    }
}

/// The place in [`ROUTES`] of the route that answers at `path`, and the path's rest.
pub fn find(path: &str) -> Option<(usize, &str)> {
    let routes = || ROUTES.iter().enumerate();
    let exact = routes().find(|(_, route)| route.stem() == (path, false)).map(|(place, _)| (place, ""));
    exact.or_else(|| {
        routes().filter(|(_, route)| route.stem().1).find_map(|(place, route)| {
            let rest = path.strip_prefix(route.stem().0)?.strip_prefix('/')?;
            Some((place, rest)).filter(|_| !rest.is_empty())
        })
    })
}
