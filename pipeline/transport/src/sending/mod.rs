//! Between an exporter and its destination: queue, batches, retries, deadlines.
//!
//! In this room: `sending_queue`, `retry_on_failure` and `timeout` as in the Collector, with two differences: queued
//! bytes count against the budget of the process, and an attempt that waits for its next try when the process stops
//! makes one last try.
//! Not here: what a delivery is (each exporter's), the keys (`settings`).
//!
//! Enter at [`Sending`]. Order on the way out: queue, batch, retry, timeout, [`Delivery`].

mod attempts;
mod batching;
mod load;
mod queue;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::time::Duration;

use component::{Ack, BuildContext};
use pdata::Batch;

use crate::delivery::DeliveryError;
use crate::settings::{QueueSettings, RetrySettings};
use attempts::Attempts;
use queue::{Queue, Rules};

/// One attempt to bring a batch to its destination.
pub trait Delivery: 'static {
    /// Tries once. May be dropped unfinished when the timeout passes.
    fn deliver(&self, batch: Batch) -> impl Future<Output = Result<(), DeliveryError>>;
}

/// What exporters send through. Works on the local tasks of one shard.
pub struct Sending<D: Delivery> {
    queue: Rc<Queue<D>>,
}

impl<D: Delivery> Sending<D> {
    /// Sends through `delivery`. Without a queue a batch is accepted when it is delivered; without `retry` after one
    /// attempt; `timeout` bounds each attempt.
    pub fn new(
        delivery: D,
        queue: Option<&QueueSettings>,
        retry: Option<&RetrySettings>,
        timeout: Option<Duration>,
        context: &BuildContext,
    ) -> Self {
        let attempts = Attempts::new(delivery, retry.cloned(), timeout, context);
        Self { queue: Queue::new(attempts, Rules::of(queue, context), context) }
    }

    /// Takes one batch; the promise is answered as `sending_queue` says.
    pub fn accept(&self, batch: Batch, ack: Ack) {
        self.queue.accept(batch, ack);
    }

    /// Delivers what is queued, each with one more attempt, and returns when nothing is left.
    pub async fn stop(&self) {
        self.queue.stop().await;
    }
}
