//! Between whom a stream counts, and the row of the batch in which all its increments meet.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use topology::{End, FactRow, Lane, Measures, Moment, Protocol, Transport};

/// Whose view a stream gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saw {
    Both,
    Client,
    Server,
}

/// What the streams of one edge have in common.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) lane: Lane,
    pub(super) source: Option<Arc<End>>,
    pub(super) target: Arc<End>,
    pub(super) protocol: Protocol,
    pub(super) port: Option<u16>,
    pub(super) transport: Transport,
    pub(super) saw: Saw,
    /// False for what another report of the same connections tells.
    pub(super) is_counted: bool,
    /// One more than what was known when it was last found out, if more knowledge may change it; else 0. Written under the
    /// lock of the table.
    unsure_at: AtomicU64,
    /// How often what is known had started over when it was last found out. Written under the lock of the table.
    found_after: AtomicU64,
    /// Batch and row in which it was last told. Written under the lock of the table.
    row: AtomicU64,
}

impl Edge {
    pub(super) fn new(lane: Lane, source: Option<Arc<End>>, target: Arc<End>, saw: Saw) -> Self {
        Self {
            lane,
            source,
            target,
            protocol: Protocol::unspecified(),
            port: None,
            transport: Transport::Unspecified,
            saw,
            is_counted: true,
            unsure_at: AtomicU64::new(0),
            found_after: AtomicU64::new(0),
            row: AtomicU64::new(0),
        }
    }

    /// More knowledge than that of `revision` may change it.
    pub(super) fn is_unsure(&mut self, revision: u64) {
        *self.unsure_at.get_mut() = revision.saturating_add(1);
    }

    /// Whether it is the same edge. What names an edge may name another later: addresses of what is kept once are used
    /// again.
    fn is_same(&self, other: &Self) -> bool {
        let said = |edge: &Self| (edge.lane, edge.saw, edge.port, edge.transport, edge.is_counted);
        said(self) == said(other)
            && self.protocol == other.protocol
            && self.target == other.target
            && self.source == other.source
    }
}

/// Edges that no stream tells of any more are swept when they may be the majority of more than so many.
const SLACK: usize = 1024;

/// All edges that streams tell of, and the rows of the batch that is read now.
#[derive(Debug, Default)]
pub(super) struct Edges {
    known: HashMap<u64, Weak<Edge>, RandomState>,
    /// How many were left when they were last swept.
    left: usize,
    hasher: RandomState,
    batch: u32,
    /// How often what is known had started over when the batch began.
    restarts: u64,
}

impl Edges {
    /// A batch begins, when what is known has started over so many times.
    pub(super) fn begin(&mut self, restarts: u64) {
        self.restarts = restarts;
        self.batch = self.batch.wrapping_add(1).max(1);
        if self.known.len() > self.left.saturating_mul(2).max(SLACK) {
            self.known.retain(|_, edge| edge.strong_count() > 0);
            self.left = self.known.len();
        }
    }

    /// The edge that all streams with this identity share.
    pub(super) fn share(&mut self, identity: &impl Hash, mut edge: Edge) -> Arc<Edge> {
        *edge.found_after.get_mut() = self.restarts;
        let key = self.hasher.hash_one(identity);
        if let Some(known) = self.known.get(&key).and_then(Weak::upgrade).filter(|known| known.is_same(&edge)) {
            known.unsure_at.store(edge.unsure_at.into_inner(), Ordering::Relaxed);
            known.found_after.store(self.restarts, Ordering::Relaxed);
            return known;
        }
        let edge = Arc::new(edge);
        self.known.insert(key, Arc::downgrade(&edge));
        edge
    }

    /// Whether it has to be found out again: `revision` may change it, or its ends are to be known again after everybody
    /// was forgotten.
    pub(super) fn may_change(&self, edge: &Edge, revision: u64) -> bool {
        let unsure_at = edge.unsure_at.load(Ordering::Relaxed);
        let is_unsure = unsure_at != 0 && unsure_at != revision.saturating_add(1);
        is_unsure || edge.found_after.load(Ordering::Relaxed) != self.restarts
    }

    /// The measures of this edge in this batch at this time.
    pub(super) fn measures<'r>(
        &self,
        edge: &Edge,
        at: u64,
        over: u64,
        rows: &'r mut Vec<FactRow>,
    ) -> Option<&'r mut FactRow> {
        let told = edge.row.load(Ordering::Relaxed);
        let (batch, place) = (told >> 32, usize::try_from(told & u64::from(u32::MAX)).unwrap_or(usize::MAX));
        let is_same = |row: &FactRow| row.at.0 == at && row.over == over && Arc::ptr_eq(&row.target, &edge.target);
        if batch == u64::from(self.batch) && rows.get(place).is_some_and(is_same) {
            return rows.get_mut(place);
        }
        let place = u32::try_from(rows.len()).ok()?;
        edge.row.store(u64::from(self.batch) << 32 | u64::from(place), Ordering::Relaxed);
        rows.push(FactRow {
            at: Moment(at),
            over,
            lane: edge.lane,
            source: edge.source.clone(),
            target: Arc::clone(&edge.target),
            protocol: edge.protocol.clone(),
            port: edge.port,
            transport: edge.transport,
            measures: Measures::default(),
            exemplar: None,
        });
        rows.last_mut()
    }
}

#[cfg(test)]
mod tests {
    use topology::{Name, OutsideKind};

    use super::*;
    use crate::topology::route::nobody;

    fn edge() -> Edge {
        Edge::new(Lane::Red, None, nobody(&Name::from(""), OutsideKind::Unknown), Saw::Server)
    }

    #[test]
    fn edges_of_streams_that_are_gone_make_room() {
        let mut edges = Edges::default();
        let lasting = edges.share(&"lasting", edge());

        for batch in 0..100 {
            edges.begin(0);
            for number in 0..700 {
                edges.share(&(batch, number), edge());
            }
        }

        assert!(edges.known.len() < 3 * SLACK, "{}", edges.known.len());
        assert!(Arc::ptr_eq(&lasting, &edges.share(&"lasting", edge())));
    }

    #[test]
    fn a_name_that_is_used_again_for_another_edge_does_not_mix_them_up() {
        let mut edges = Edges::default();
        let first = edges.share(&1, Edge { port: Some(80), ..edge() });

        let second = edges.share(&1, Edge { port: Some(81), ..edge() });

        assert_eq!((first.port, second.port), (Some(80), Some(81)));
    }

    #[test]
    fn an_edge_that_more_knowledge_did_not_change_is_not_found_out_again_until_there_is_still_more() {
        let mut edges = Edges::default();
        let found_out_at = |revision| {
            let mut edge = edge();
            edge.is_unsure(revision);
            edge
        };
        let known = edges.share(&1, found_out_at(0));
        assert!(!edges.may_change(&known, 0) && edges.may_change(&known, 1));

        let again = edges.share(&1, found_out_at(1));

        assert!(Arc::ptr_eq(&known, &again));
        assert!(!edges.may_change(&again, 1) && edges.may_change(&again, 2));
    }

    #[test]
    fn an_edge_is_found_out_again_once_after_everybody_was_forgotten() {
        let mut edges = Edges::default();
        let sure = edges.share(&1, edge());

        edges.begin(1);
        assert!(edges.may_change(&sure, 0));

        let again = edges.share(&1, edge());
        assert!(Arc::ptr_eq(&sure, &again) && !edges.may_change(&again, 0));
    }
}
