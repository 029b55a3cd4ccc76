//! The language in which page, command line and rules say which nodes and edges are meant.
//!
//! In this room: words, grammar, and what each field means for a node and for an edge.
//! Not here: drawing what is left ([`crate::query`]).
//!
//! Enter at [`Filter::parse`] and [`Filter::keeps`].
//!
//! ```text
//! ns in (shop, pay) and (err% > 5 or p95 > 500ms) and not name ~ "^kube-"
//! is:unexpected    proto:dns    seen < 1h    rank <= 5    from.ns = shop and to.kind = MySQL    cart
//! ```
//! A node is kept if the whole expression holds for it. An edge is kept if it holds for the edge and both of its ends:
//! what only entities have (`ns`, `name`, `rank`, `cpu%`, `is:root`, ...) speaks of each end, `from.` and `to.` of one,
//! `any.` of either; other numbers, `proto` and other `is:` speak of the edge. The ends of an edge that is kept are kept
//! too. A number that nobody knows holds no comparison. A call that the baseline misses is an edge of 0 requests.

mod field;
mod grammar;
mod subject;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashSet;

use crate::{EntityId, Expectations, Judgements, Moment, Observed};

pub use self::words::FilterError;

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    expression: grammar::Expression,
}

/// What a filter keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Entities that match, and the ends of edges that match.
    pub nodes: HashSet<EntityId>,
    /// Edges that match.
    pub edges: HashSet<(EntityId, EntityId)>,
}

impl Filter {
    /// Reads an expression. An empty one keeps everything.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), expression: grammar::parse(text)? })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Applies it to everything that a window shows.
    pub fn keeps(
        &self,
        observed: &Observed,
        judgements: &Judgements,
        expectations: &Expectations,
        now: Moment,
    ) -> Kept {
        let subjects = subject::Subjects::of(observed, judgements, expectations, now);
        let mut kept = Kept::default();
        for node in subjects.nodes() {
            if self.expression.holds(&node) {
                kept.nodes.insert(node.id());
            }
        }
        for edge in subjects.edges() {
            if edge.whole_way().iter().all(|end| self.expression.holds(end)) {
                let (source, target) = edge.ends();
                kept.edges.insert((source, target));
                kept.nodes.extend([source, target]);
            }
        }
        kept
    }
}
