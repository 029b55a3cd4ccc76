//! `memory_limiter`: refuses data before memory runs out.
//!
//! In this room: measuring memory, and the gate that opens and closes.
//! Not here: the bound on bytes in flight (`component::Budget`), which holds without this processor too.
//!
//! Enter at [`MemoryLimiterProcessor`].

mod config;
mod gate;
mod meter;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use component::{BuildContext, BuildError, Counter, Output, Processor, ProcessorFactory, Refusal, Stability};
use pdata::{Batch, Signal};

pub use config::MemoryLimiterConfig;
use gate::Gate;

/// Refuses data before memory runs out.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::of::<MemoryLimiterProcessor>("memory_limiter").stability(Stability::Beta);

/// Passes data on while the process uses less memory than its soft limit, and refuses it otherwise.
pub struct MemoryLimiterProcessor {
    /// One for all pipelines and shards: memory is measured once.
    gate: Arc<Gate>,
    interval: Duration,
    next_check: Duration,
    accepted: Counter,
    refused: Counter,
}

impl Processor for MemoryLimiterProcessor {
    type Config = MemoryLimiterConfig;

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        let id = context.id.to_string();
        let noun = match context.signal {
            Some(Signal::Metrics) => "metric_points",
            Some(Signal::Logs) => "log_records",
            Some(Signal::Traces) | None => "spans",
        };
        let counter = |verb: &str, help| {
            let name = format!("otelcol_processor_memory_limiter_{verb}_{noun}");
            context.registry.counter(&name, help, &[("processor", &id)])
        };
        Ok(Self {
            gate: context.shared(|| Gate::new(config)),
            interval: config.check_interval.as_duration(),
            next_check: context.clock.now().monotonic,
            accepted: counter("accepted", "Items that were passed on."),
            refused: counter("refused", "Items that were refused because memory ran short."),
        })
    }

    fn process(&mut self, batch: Batch, output: &mut Output) {
        let items = batch.items() as u64;
        if self.gate.is_closed() {
            self.refused.add(items);
            output.refuse(Refusal::overload("data refused due to high memory usage"));
        } else {
            self.accepted.add(items);
            output.send(batch);
        }
    }

    fn wake(&self) -> Option<Duration> {
        Some(self.next_check)
    }

    fn tick(&mut self, output: &mut Output) {
        let now = output.now().monotonic;
        self.gate.check(now);
        self.next_check = now + self.interval;
    }
}
