//! What a question is about: a node or an edge of a view, and the entities behind it.

use std::collections::HashSet;
use std::sync::Arc;

use topology::query;
use topology::{EntityId, Moment, NodeId, Observed, View};

use super::Parameter;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// How a question names a node in a query string.
pub const NODE: &[Parameter] = &[Parameter { name: "node", meaning: "The node, by its id." }];

/// How a question names an edge in a query string.
pub const ENDS: &[Parameter] = &[
    Parameter { name: "source", meaning: "The edge's source, by its id; together with `target`." },
    Parameter { name: "target", meaning: "The edge's target, by its id." },
];

/// By what entities are grouped into nodes.
pub const VIEW: &[Parameter] =
    &[Parameter { name: "view", meaning: "What nodes are: `workload` (default), `service` or `namespace`." }];

/// A node or an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A node.
    Node(NodeId),
    /// An edge.
    Edge(NodeId, NodeId),
}

/// The view that is asked for.
pub fn view(asked: &Asked) -> Result<View, Fault> {
    Ok(asked.get("view").map_or(Ok(View::default()), query::view)?)
}

impl Subject {
    /// `node`, or `source` and `target`.
    pub fn asked(asked: &Asked) -> Result<Self, Fault> {
        match (asked.get("node"), asked.get("source").or(asked.get("target"))) {
            (Some(_), None) => Ok(Self::Node(asked.node("node")?)),
            (None, Some(_)) => Ok(Self::Edge(asked.node("source")?, asked.node("target")?)),
            _ => Err(Fault::bad("the question needs a `node`, or a `source` and a `target`")),
        }
    }
}

/// What a window shows in a view.
pub struct Seen {
    /// Where the window was asked to begin.
    pub from: Moment,
    /// Where it was asked to end.
    pub to: Moment,
    /// The view.
    pub view: View,
    /// What it shows.
    pub observed: Arc<Observed>,
}

/// The window and the view that are asked for.
pub fn window(asked: &Asked, map: &Published) -> Result<Seen, Fault> {
    let (from, to) = asked.window(map.now)?;
    let view = view(asked)?;
    let observed = if view == View::Host { map.observe_hosts(from, to) } else { map.observe(from, to) };
    Ok(Seen { from, to, view, observed })
}

/// The entities that a view draws as this node; none if it is required and nobody has seen it.
pub fn members(map: &Published, id: &NodeId, view: View) -> Result<HashSet<EntityId>, Fault> {
    let entities = (0_u32..).zip(&map.snapshot.registry().entities);
    let members: HashSet<EntityId> =
        entities.filter(|(_, entity)| entity.who.node(view) == *id).map(|(place, _)| EntityId(place)).collect();
    if members.is_empty() && !map.opinion.absent.has(id, view) {
        return Err(Fault::absent(format!("no node is called `{id}` in this view")));
    }
    Ok(members)
}
