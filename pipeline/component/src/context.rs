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

/// Values by the component that made them, and by type.
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
    /// What instances of one component share.
    slots: Arc<Slots>,
    /// What extensions offer to other components.
    offers: Arc<Slots>,
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
            offers: Arc::default(),
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
        of_its_key(Arc::clone(slot.or_insert_with(|| Arc::new(make()))))
    }

    /// Offers `value` to all components that are built later and [`find`](Self::find) it under this component's id.
    /// For extensions, which are built before everything else.
    pub fn offer<T: Send + Sync + 'static>(&self, value: Arc<T>) {
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.insert((self.id.clone(), TypeId::of::<T>()), value);
    }

    /// What the extension `extension` offers of this type.
    ///
    /// # Errors
    ///
    /// If no extension of this name runs, or it is of another kind: the text says what to add to the configuration.
    pub fn find<T: Send + Sync + 'static>(&self, extension: &ComponentId) -> Result<Arc<T>, BuildError> {
        let offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = offers.get(&(extension.clone(), TypeId::of::<T>())) {
            return Ok(of_its_key(Arc::clone(found)));
        }
        if offers.keys().any(|(id, _)| id == extension) {
            return Err(BuildError(format!("extension \"{extension}\" is of another kind than \"{}\" needs", self.id)));
        }
        Err(BuildError(format!(
            "it needs an extension \"{extension}\" that runs: add `{extension}:` under `extensions:` and \
             `{extension}` to the list `service::extensions`"
        )))
    }

    /// The counters of an exporter built in this context.
    pub fn exporter_telemetry(&self) -> ExporterTelemetry {
        let signal = self.signal.unwrap_or(Signal::Traces);
        ExporterTelemetry::new(&self.registry, &self.id.to_string(), signal)
    }
}

fn of_its_key<T: Send + Sync + 'static>(value: Arc<dyn Any + Send + Sync>) -> Arc<T> {
    match value.downcast::<T>() {
        Ok(value) => value,
        Err(_) => unreachable!("a slot holds the type that is part of its key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    struct Ledger(u32);

    fn context(id: &str) -> BuildContext {
        let base = BuildContext::new(Arc::new(SystemClock::default()), Budget::new(1), 1);
        BuildContext { id: ComponentId::of(id), ..base }
    }

    #[test]
    fn what_an_extension_offers_is_found_under_its_id_and_type() {
        let extension = context("ledger");
        let exporter = BuildContext { id: ComponentId::of("books"), ..extension.clone() };

        extension.offer(Arc::new(Ledger(7)));

        assert_eq!(exporter.find::<Ledger>(&ComponentId::of("ledger")).map(|ledger| ledger.0), Ok(7));
    }

    #[test]
    fn a_missing_extension_is_an_error_that_names_the_sections_to_add_to() {
        let error = context("books").find::<Ledger>(&ComponentId::of("ledger")).map(|_| ()).unwrap_err().to_string();

        assert!(error.contains("add `ledger:` under `extensions:`"), "{error}");
        assert!(error.contains("`service::extensions`"), "{error}");
    }

    #[test]
    fn an_extension_of_another_kind_is_not_taken_for_it() {
        let extension = context("ledger");
        extension.offer(Arc::new("not a ledger"));

        let error = extension.find::<Ledger>(&ComponentId::of("ledger")).map(|_| ()).unwrap_err().to_string();

        assert!(error.contains("of another kind"), "{error}");
    }
}
