//! What a reader may ask of a graph, as typed values; how a URL spells them is read here too.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::filter::Kept;
use crate::{NodeId, View};

/// A question for [`graph`](super::graph).
#[derive(Debug, Clone, Default)]
pub struct GraphQuery {
    /// By what entities are grouped into nodes.
    pub view: View,
    /// Which groups are drawn as one card.
    pub collapse: Collapse,
    /// Draw only what this touches.
    pub focus: Option<Focus>,
    /// How far from the focus.
    pub depth: Depth,
    /// Which way from the focus.
    pub direction: Direction,
    /// What a filter left, if there is one.
    pub kept: Option<Kept>,
    /// Most nodes and edges to draw.
    pub limits: Limits,
    /// True to list what each edge carried by port and transport.
    pub rows: bool,
}

/// Which groups are drawn as one card.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Collapse {
    /// All, in views of services and workloads without a focus; none elsewhere.
    #[default]
    ByView,
    /// All but these.
    AllBut(BTreeSet<GroupName>),
    /// Only these.
    Only(BTreeSet<GroupName>),
}

/// A group as a reader names it: `ns:shop` or `ns:prod/shop`, `ext:MySQL`, `cluster:prod`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(pub String);

/// What the graph is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Focus {
    /// One node.
    Node(NodeId),
    /// An edge, by its source and target.
    Edge(NodeId, NodeId),
    /// All nodes of a group.
    Group(GroupName),
}

/// How many calls away from the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth(pub u32);

impl Default for Depth {
    fn default() -> Self {
        Self(1)
    }
}

/// Which way from the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// To the callers.
    Up,
    /// To the called.
    Down,
    /// To both.
    #[default]
    Both,
}

/// Most nodes and edges of one answer. What is over goes, the healthiest and quietest first, and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nodes.
    pub nodes: usize,
    /// Edges.
    pub edges: usize,
}

impl Limits {
    /// As many as the store keeps.
    pub const WHOLE: Self = Self { nodes: 50_000, edges: 100_000 };
    /// For answers that spell every edge out.
    pub const OBJECTS: Self = Self { nodes: 2_000, edges: 2_000 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// A word in a question that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}={value}` means nothing; {help}")]
pub struct BadQuery {
    /// The parameter.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What would mean something.
    pub help: String,
}

impl BadQuery {
    fn new(key: &'static str, value: &str, help: impl Into<String>) -> Self {
        Self { key, value: value.to_owned(), help: help.into() }
    }
}

impl Collapse {
    /// As the parameters `collapse` and `expand` say it. `collapse=none` draws every node, `collapse=all` none;
    /// `collapse=ns:a,ext:b` these groups as cards and all else open; `expand=ns:a,ext:b` these open and all else as
    /// cards. `expand` wins; an empty `expand=` is `collapse=all`.
    pub fn from_parameters(collapse: Option<&str>, expand: Option<&str>) -> Result<Self, BadQuery> {
        match (collapse, expand) {
            (_, Some(open)) => Ok(Self::AllBut(names("expand", open)?)),
            (None, None) => Ok(Self::ByView),
            (Some("all"), None) => Ok(Self::AllBut(BTreeSet::new())),
            (Some("none"), None) => Ok(Self::Only(BTreeSet::new())),
            (Some(closed), None) => Ok(Self::Only(names("collapse", closed)?)),
        }
    }
}

fn names(key: &'static str, list: &str) -> Result<BTreeSet<GroupName>, BadQuery> {
    let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().map_err(|help: String| BadQuery::new(key, part, help))).collect()
}

impl FromStr for GroupName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = ["ns:", "ext:", "cluster:"].iter().any(|prefix| text.starts_with(prefix));
        if known {
            Ok(Self(text.to_owned()))
        } else {
            Err("a group is called `ns:cluster/namespace`, `ns:namespace`, `ext:Kind` or `cluster:name`".to_owned())
        }
    }
}

impl FromStr for Focus {
    type Err = BadQuery;

    /// A node id, two node ids with `>` between them, or the name of a group. Ids are percent-encoded, so none holds
    /// a `>`.
    fn from_str(text: &str) -> Result<Self, BadQuery> {
        if let Ok(group) = text.parse() {
            return Ok(Self::Group(group));
        }
        let id = |part: &str| part.parse::<NodeId>().map_err(|error| BadQuery::new("focus", text, error.to_string()));
        match text.split_once('>') {
            Some((source, target)) => Ok(Self::Edge(id(source)?, id(target)?)),
            None => Ok(Self::Node(id(text)?)),
        }
    }
}

impl FromStr for Direction {
    type Err = BadQuery;

    fn from_str(text: &str) -> Result<Self, BadQuery> {
        match text {
            "up" => Ok(Self::Up),
            "down" => Ok(Self::Down),
            "both" => Ok(Self::Both),
            _ => Err(BadQuery::new("dir", text, "it is `up`, `down` or `both`")),
        }
    }
}

impl FromStr for Depth {
    type Err = BadQuery;

    fn from_str(text: &str) -> Result<Self, BadQuery> {
        match text {
            "all" => Ok(Self(u32::MAX)),
            _ => text.parse().map(Self).map_err(|_| BadQuery::new("depth", text, "it is a whole number, or `all`")),
        }
    }
}

/// A view by the name that a URL gives it.
pub fn view(text: &str) -> Result<View, BadQuery> {
    match text {
        "workload" => Ok(View::Workload),
        "service" => Ok(View::Service),
        "namespace" => Ok(View::Namespace),
        "host" => Ok(View::Host),
        _ => Err(BadQuery::new("view", text, "it is `service`, `workload`, `namespace` or `host`")),
    }
}
