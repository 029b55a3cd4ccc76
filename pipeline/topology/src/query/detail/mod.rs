//! Everything about one node or one edge: both sides, the network between them, protocols, pods, neighbours.
//!
//! In this room: numbers of one thing, links out of the map.
//! Not here: series over time (the store), the sentence that explains (`explain`).
//!
//! Enter at [`node`] and [`edge`].

mod calls;
mod edge;
mod links;
mod node;
#[cfg(test)]
mod tests;

pub(in crate::query) use self::calls::ratio;
pub use self::calls::{Calls, Network, ProtocolCalls, Seen, Spread};
pub use self::edge::{EdgeDetail, ExemplarLink, RowDetail, edge, members, pairs};
pub use self::links::Links;
pub use self::node::{EventDetail, Flows, InstanceDetail, Neighbour, NodeDetail, node};
