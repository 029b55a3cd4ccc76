//! `batch`: makes few large batches of many small ones.
//!
//! In this room: what waits, for how long, and whose promises it carries.
//! Not here: joining and cutting bytes (`pdata`), batching in front of one exporter (`transport`, `sending_queue.batch`).
//!
//! Enter at [`BatchProcessor`].
//!
//! A sender is answered when the batch that its data left in is answered: unlike the Collector's, this processor loses
//! nothing that was acknowledged.

mod config;
mod telemetry;
#[cfg(test)]
mod tests;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use component::{Budget, BuildContext, BuildError, Output, Processor, ProcessorFactory, Stability};
use pdata::{Batch, Limit};

pub use config::BatchConfig;
use telemetry::{Telemetry, Trigger};
use waiting::Waiting;

/// Makes few large batches of many small ones.
pub const FACTORY: ProcessorFactory = ProcessorFactory::of::<BatchProcessor>("batch").stability(Stability::Beta);

/// Keeps data until there is enough of it, or it has waited long enough, or the byte budget has no room for it.
pub struct BatchProcessor {
    timeout: Duration,
    trigger: usize,
    most: Option<usize>,
    waiting: Waiting,
    deadline: Option<Duration>,
    budget: Arc<Budget>,
    telemetry: Telemetry,
}

impl Processor for BatchProcessor {
    type Config = BatchConfig;

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        let most = items(config.send_batch_max_size);
        Ok(Self {
            timeout: config.timeout.as_duration(),
            trigger: items(config.send_batch_size),
            most: (most > 0).then_some(most),
            waiting: Waiting::default(),
            deadline: None,
            budget: Arc::clone(&context.budget),
            telemetry: Telemetry::new(&context.registry, &context.id.to_string()),
        })
    }

    fn process(&mut self, batch: Batch, output: &mut Output) {
        // Without items there is nothing to wait for.
        if batch.is_empty() {
            return;
        }
        let has_room = self.waiting.add(batch, output.hold(), &self.budget);
        let is_enough = self.waiting.items() >= self.trigger;
        if is_enough || !has_room || self.timeout.is_zero() {
            let least = if has_room && !self.timeout.is_zero() { self.trigger } else { 0 };
            self.send(Trigger::Size, least, output);
        }
        if self.waiting.is_empty() {
            self.deadline = None;
        } else if self.deadline.is_none() {
            self.deadline = Some(output.now().monotonic + self.timeout);
        }
    }

    fn wake(&self) -> Option<Duration> {
        self.deadline
    }

    fn tick(&mut self, output: &mut Output) {
        if self.deadline.is_some_and(|deadline| deadline <= output.now().monotonic) {
            self.finish(output);
        }
    }

    fn finish(&mut self, output: &mut Output) {
        self.deadline = None;
        self.send(Trigger::Timeout, 0, output);
    }
}

impl BatchProcessor {
    /// Sends what waits; of what had to be cut, an end of fewer than `least` items goes on waiting.
    fn send(&mut self, trigger: Trigger, least: usize, output: &mut Output) {
        let Some((batch, ack)) = self.waiting.take() else { return };
        // Its wait begins anew.
        self.deadline = None;
        let parts = match self.most {
            Some(most) => batch.split(Limit::Items(most)),
            None => vec![batch],
        };
        let last = parts.len().saturating_sub(1);
        for (place, part) in parts.into_iter().enumerate() {
            let is_rest = place == last && place > 0 && part.items() < least;
            if is_rest && self.waiting.add(part.clone(), ack.clone(), &self.budget) {
                continue;
            }
            if is_rest {
                // It would not fit into the budget, so it goes now.
                self.waiting.take();
            }
            self.telemetry.sent(trigger, &part);
            output.send_with(part, ack.clone());
        }
        ack.accept();
    }
}

fn items(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
