//! What travels from the queue to a delivery: a batch, and whose promises and bytes it carries.

use std::rc::Rc;

use component::{Ack, ExporterTelemetry, Hold, Refusal};
use pdata::{Batch, Limit};

/// What one accepted batch takes of the queue. Pieces of a split batch share it; it is given back with the last.
pub(super) struct Share {
    /// In the unit of the queue's sizer.
    pub size: u64,
    /// In bytes, of the process.
    pub _hold: Option<Hold>,
}

/// The part of a load that came with one accepted batch.
struct Origin {
    items: usize,
    ack: Ack,
    share: Rc<Share>,
}

/// A batch on its way out. If it is dropped before it is settled, its items count as failed.
pub(super) struct Load {
    pub batch: Batch,
    origins: Vec<Origin>,
    telemetry: ExporterTelemetry,
    settled: bool,
}

impl Load {
    /// A load of one accepted batch.
    pub fn new(batch: Batch, ack: Ack, share: Share, telemetry: &ExporterTelemetry) -> Self {
        let origin = Origin { items: batch.items(), ack, share: Rc::new(share) };
        Self { batch, origins: vec![origin], telemetry: telemetry.clone(), settled: false }
    }

    /// Several loads as one. `None` if there are none.
    pub fn merge(loads: Vec<Self>) -> Option<Self> {
        let telemetry = loads.first()?.telemetry.clone();
        let mut origins = Vec::with_capacity(loads.len());
        let mut batches = Vec::with_capacity(loads.len());
        for mut load in loads {
            load.settled = true;
            origins.append(&mut load.origins);
            batches.push(load.batch.clone());
        }
        let batch = Batch::merge(batches)?;
        Some(Self { batch, origins, telemetry, settled: false })
    }

    /// The same load in pieces within `limit`, in order. Each piece carries the promises of exactly the batches that
    /// have items in it.
    pub fn split(mut self, limit: Limit) -> Vec<Self> {
        self.settled = true;
        let telemetry = self.telemetry.clone();
        let mut origins = std::mem::take(&mut self.origins).into_iter().peekable();
        let mut pieces = Vec::new();
        for batch in self.batch.clone().split(limit) {
            let mut missing = batch.items();
            let mut of_piece = Vec::new();
            while missing > 0
                && let Some(origin) = origins.peek_mut()
            {
                let items = origin.items.min(missing);
                missing -= items;
                origin.items -= items;
                of_piece.push(Origin { items, ack: origin.ack.clone(), share: Rc::clone(&origin.share) });
                if origin.items == 0 {
                    // The pieces hold clones; this one has no items left to answer for.
                    if let Some(done) = origins.next() {
                        done.ack.accept();
                    }
                }
            }
            pieces.push(Self { batch, origins: of_piece, telemetry: telemetry.clone(), settled: false });
        }
        // Batches without items have no piece of their own; they share the fate of the last.
        if let Some(last) = pieces.last_mut() {
            last.origins.extend(origins);
        }
        pieces
    }

    /// Tells everybody how it ended; returns the sizes that the queue gets back.
    pub fn settle(mut self, outcome: Result<(), Refusal>) -> u64 {
        self.settled = true;
        match &outcome {
            Ok(()) => self.telemetry.sent(self.batch.items()),
            Err(_) => self.telemetry.failed(self.batch.items()),
        }
        let mut returned = 0;
        for origin in std::mem::take(&mut self.origins) {
            origin.ack.resolve(outcome.clone());
            returned += Rc::into_inner(origin.share).map_or(0, |share| share.size);
        }
        returned
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if !self.settled {
            self.telemetry.failed(self.batch.items());
        }
    }
}
