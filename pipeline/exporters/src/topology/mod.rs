//! `topology`: tells the map what calls what, in which state everything is, and what happened to it.
//!
//! In this room: reading spans, metrics and events as rows; identity, pairing, cumulative values becoming increments.
//! Not here: the map itself (`topology`), the thread that keeps it and the page that shows it (`extensions::topology`).
//!
//! Enter at [`TopologyExporter::accept`] for the component and at [`Extractor::rows`] for what it does.

mod config;
mod events;
mod extract;
mod identity;
mod metrics;
mod names;
mod outcome;
mod route;
mod said;
mod spans;
mod telemetry;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::config::ComponentId;
use ::topology::{Rows, intake::Intake};
use async_trait::async_trait;
use component::{
    Ack, BuildContext, BuildError, Clock, Exporter, ExporterFactory, Instance, Refusal, Stability, StartError,
};
use pdata::{Batch, Signal};
use tokio::task::JoinHandle;

pub use self::config::{DeduplicationConfig, OnOverflow, PairingConfig, StreamsConfig, TopologyConfig};
pub use self::extract::{Extractor, Shared};
use self::telemetry::Telemetry;

/// Tells the map what calls what.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<TopologyExporter>("topology").stability(Stability::Alpha);

/// One instance for each shard and signal; what they learn they share.
pub struct TopologyExporter {
    extractor: Extractor,
    shared: Arc<Shared>,
    door: Arc<Door>,
    on_overflow: OnOverflow,
    /// Rows that found no place, when their sender was promised that they are kept.
    held: Option<Rows>,
    clock: Arc<dyn Clock>,
    beat: Option<JoinHandle<()>>,
    instance: Instance,
}

/// The way to the map.
struct Door {
    intake: Arc<Intake>,
    telemetry: Telemetry,
}

#[async_trait(?Send)]
impl Exporter for TopologyExporter {
    type Config = TopologyConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        let extension = ComponentId::parse(&config.extension).map_err(|error| BuildError(error.to_string()))?;
        let intake: Arc<Intake> = context.find(&extension)?;
        let shared = context.shared(|| Shared::new(config, intake.cluster().clone(), context.clock.now()));
        Ok(Self {
            extractor: Extractor::new(Arc::clone(&shared)),
            shared,
            door: Arc::new(Door { intake, telemetry: Telemetry::new(context) }),
            on_overflow: config.on_overflow,
            held: None,
            clock: Arc::clone(&context.clock),
            beat: None,
            instance: Instance::join(context),
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let (shared, door, clock) = (Arc::clone(&self.shared), Arc::clone(&self.door), Arc::clone(&self.clock));
        self.beat = Some(tokio::task::spawn_local(async move {
            let mut beat = tokio::time::interval(extract::BEAT);
            beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                beat.tick().await;
                door.give(shared.expire(clock.now()));
                door.telemetry.report(&shared.told());
            }
        }));
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        if let Some(held) = self.held.take()
            && let Err(full) = self.door.offer(held)
        {
            self.held = Some(full);
            self.door.telemetry.items.failed(batch.items());
            return ack.refuse(Refusal::overload("the map's intake is full"));
        }
        let rows = self.extractor.rows(&batch, self.clock.now());
        self.door.telemetry.items.sent(batch.items());
        match self.on_overflow {
            OnOverflow::Drop => self.door.give(rows),
            // What was read is already part of what is waited for and added up: it is kept, and the next batch refused.
            OnOverflow::Refuse => self.held = self.door.offer(rows).err(),
        }
        ack.accept();
    }

    async fn stop(&mut self) {
        if let Some(beat) = self.beat.take() {
            beat.abort();
        }
        if let Some(held) = self.held.take() {
            self.door.give(held);
        }
        if self.instance.leave() {
            self.door.give(self.shared.finish(self.clock.now()));
            self.door.telemetry.report(&self.shared.told());
        }
    }
}

impl Door {
    fn offer(&self, rows: Rows) -> Result<(), Rows> {
        let count = rows.count() as u64;
        self.intake.offer(rows).map_err(|full| full.rows)?;
        self.telemetry.rows.add(count);
        Ok(())
    }

    /// Offers rows; what finds no place is dropped, and the map knows that it lacks it.
    fn give(&self, rows: Rows) {
        if let Err(rows) = self.offer(rows) {
            let count = rows.count() as u64;
            self.telemetry.dropped_rows.add(count);
            self.intake.dropped("intake_full", count);
        }
    }
}
