//! Draws what a window shows: nodes by view, groups open or collapsed, edges between what is visible.
//!
//! In this room: the question and the answer, what a reader sees of each group, node and edge, objects and columns.
//! Not here: adding up time (the store), opinions ([`crate::judgement`]), where things stand ([`crate::layout`]),
//! other formats ([`crate::export`]).
//!
//! Enter at [`graph()`].

mod ask;
mod cast;
mod check;
mod columns;
mod compare;
pub mod detail;
pub(crate) mod figures;
mod graph;
mod json;
mod limit;
mod narrow;
mod search;
mod stage;
mod tally;
#[cfg(test)]
pub(crate) mod tests;

pub use crate::filter::Kept;

pub use self::ask::{BadQuery, Collapse, Depth, Direction, Focus, GraphQuery, GroupName, Limits, view};
pub use self::check::{Check, Hop, NoSuchNode, Verdict, check, resolve};
pub use self::columns::Columns;
pub use self::compare::{Changes, Comparison, Difference, EdgeChange, EdgeName, Overlook, compare};
pub use self::detail::{EdgeDetail, Links, NodeDetail, edge, members, node, pairs};
pub use self::graph::{Edge, Graph, Group, Instances, Node, Outbound, RowKey, Spot, graph};
pub use self::search::{Hit, search};
pub use self::tally::LaneSet;
