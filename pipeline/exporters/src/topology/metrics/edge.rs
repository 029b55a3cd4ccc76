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
    /// What was known when it was made, if more knowledge may change it.
    pub(super) unsure_at: Option<u64>,
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
            unsure_at: None,
            row: AtomicU64::new(0),
        }
    }
}

/// All edges that streams tell of, and the rows of the batch that is read now.
#[derive(Debug, Default)]
pub(super) struct Edges {
    known: HashMap<u64, Weak<Edge>, RandomState>,
    hasher: RandomState,
    batch: u32,
}

impl Edges {
    /// A batch begins.
    pub(super) fn begin(&mut self) {
        self.batch = self.batch.wrapping_add(1).max(1);
        // Those that no stream tells of any more: swept when they may be the majority.
        const SLACK: usize = 1024;
        if self.known.len() > SLACK && self.known.len() == self.known.capacity() {
            self.known.retain(|_, edge| edge.strong_count() > 0);
        }
    }

    /// The edge that all streams with this identity share.
    pub(super) fn share(&mut self, identity: &impl Hash, edge: Edge) -> Arc<Edge> {
        let key = self.hasher.hash_one(identity);
        let same = |known: &Edge| known.target == edge.target && known.source == edge.source && known.saw == edge.saw;
        if let Some(known) = self.known.get(&key).and_then(Weak::upgrade).filter(|known| same(known)) {
            return known;
        }
        let edge = Arc::new(edge);
        self.known.insert(key, Arc::downgrade(&edge));
        edge
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
