//! What waits to be sent.

use std::sync::Arc;

use component::{Ack, Budget, Hold};
use pdata::Batch;

/// Batches that will leave together, the promises that they carry, and their share of the byte budget.
#[derive(Default)]
pub(crate) struct Waiting {
    batches: Vec<Batch>,
    acks: Vec<Ack>,
    items: usize,
    bytes: usize,
    hold: Option<Hold>,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(crate) fn items(&self) -> usize {
        self.items
    }

    /// Keeps a batch. False if the budget has no room for it: it is kept all the same, but must not stay.
    pub(crate) fn add(&mut self, batch: Batch, ack: Ack, budget: &Arc<Budget>) -> bool {
        // Merging writes edits into bytes: what is kept is then what is counted.
        let Some(batch) = Batch::merge([batch]) else { return true };
        self.items = self.items.saturating_add(batch.items());
        self.bytes = self.bytes.saturating_add(batch.size());
        self.batches.push(batch);
        self.acks.push(ack);
        let is_held = match &mut self.hold {
            Some(hold) => hold.resize(self.bytes),
            None => {
                self.hold = budget.take(self.bytes);
                self.hold.is_some()
            }
        };
        // A budget lets one giant through when it is alone; what waits must not become one.
        is_held && self.bytes <= budget.limit()
    }

    /// Everything as one batch with one promise; nothing waits any more.
    pub(crate) fn take(&mut self) -> Option<(Batch, Ack)> {
        let Self { batches, acks, .. } = std::mem::take(self);
        let batch = Batch::merge(batches)?;
        Some((batch, Ack::join(acks)))
    }
}
