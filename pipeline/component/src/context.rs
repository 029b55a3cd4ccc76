//! What a component is told when it is built.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use config::{ComponentId, PipelineId};
use pdata::Signal;
use tokio::sync::watch;

use crate::instance::random_id;
use crate::{Budget, Clock, ExporterTelemetry, Health, Registry};

/// A component could not be built from a valid configuration. The text is the Collector's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

/// A component could not start. The text names cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// Lets a component end the process: with success when its work is done, or because it cannot go on.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Sender<Option<Result<(), String>>>);

impl Default for StopSignal {
    fn default() -> Self {
        Self(watch::channel(None).0)
    }
}

impl StopSignal {
    /// Asks for an orderly end. The first asker decides the outcome.
    pub fn stop(&self, outcome: Result<(), String>) {
        self.0.send_if_modified(|asked| {
            let first = asked.is_none();
            if first {
                *asked = Some(outcome);
            }
            first
        });
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) -> Result<(), String> {
        let mut watcher = self.0.subscribe();
        let asked = watcher.wait_for(Option::is_some).await;
        asked.ok().and_then(|outcome| outcome.clone()).unwrap_or(Ok(()))
    }
}

type Slots = Mutex<HashMap<(ComponentId, TypeId), Arc<dyn Any + Send + Sync>>>;

/// Who and where a component is, and what it shares with the rest of the process.
#[derive(Clone)]
pub struct BuildContext {
    /// Its id in the configuration.
    pub id: ComponentId,
    /// The signal it is built for. `None` for receivers, which serve all theirs, and for extensions.
    pub signal: Option<Signal>,
    /// The pipeline, for processors.
    pub pipeline: Option<PipelineId>,
    /// The shard it is built on, from 0.
    pub shard: usize,
    /// How many shards there are.
    pub shards: usize,
    /// Own telemetry.
    pub registry: Arc<Registry>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Bytes that may be in flight or queued in the whole process.
    pub budget: Arc<Budget>,
    /// The state of the process.
    pub health: Arc<Health>,
    /// A way to end the process.
    pub stop: StopSignal,
    /// Which process this is: what own telemetry calls `service.instance.id`, and data made here its origin.
    pub instance: Arc<str>,
    slots: Arc<Slots>,
}

impl BuildContext {
    /// The context from which those of all components are derived.
    pub fn new(clock: Arc<dyn Clock>, budget: Arc<Budget>, shards: usize) -> Self {
        Self {
            id: ComponentId::of("tidewatch"),
            signal: None,
            pipeline: None,
            shard: 0,
            shards,
            registry: Arc::default(),
            clock,
            budget,
            health: Arc::default(),
            stop: StopSignal::default(),
            instance: random_id().into(),
            slots: Arc::default(),
        }
    }

    /// A context of the same kind that shares nothing with this one: for building what will not run.
    pub fn apart(&self) -> Self {
        Self::new(Arc::clone(&self.clock), Budget::new(self.budget.limit()), self.shards)
    }

    /// State that all instances of this component share in the process, made by the first that asks. For what exists
    /// once however many shards and signals there are: a listening port, a file, the series of a connector.
    pub fn shared<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry((self.id.clone(), TypeId::of::<T>()));
        let found = Arc::clone(slot.or_insert_with(|| Arc::new(make())));
        match found.downcast::<T>() {
            Ok(shared) => shared,
            Err(_) => unreachable!("a slot holds the type that is part of its key"),
        }
    }

    /// The counters of an exporter built in this context.
    pub fn exporter_telemetry(&self) -> ExporterTelemetry {
        let signal = self.signal.unwrap_or(Signal::Traces);
        ExporterTelemetry::new(&self.registry, &self.id.to_string(), signal)
    }
}
