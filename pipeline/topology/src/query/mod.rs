//! Draws what a window shows: nodes by view, groups open or collapsed, edges between what is visible.
//!
//! In this room: the question and the answer, what a reader sees of each group, node and edge, objects and columns.
//! Not here: adding up time (the store), opinions ([`crate::judgement`]), where things stand ([`crate::layout`]),
//! other formats ([`crate::export`]).
//!
//! Enter at [`graph()`].

mod ask;
mod cast;
mod columns;
pub(crate) mod figures;
mod graph;
mod json;
mod limit;
mod narrow;
mod stage;
mod tally;
#[cfg(test)]
mod tests;

pub use self::ask::{BadQuery, Collapse, Depth, Direction, Focus, GraphQuery, GroupName, Kept, Limits, view};
pub use self::columns::Columns;
pub use self::graph::{Edge, Graph, Group, Instances, Node, Outbound, Spot, graph};
pub use self::tally::LaneSet;
