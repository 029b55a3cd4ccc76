//! What the map counts about itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use component::{Counter, Gauge, Registry};
use topology::store::{Applied, Snapshot, StoreError, Ticked};

/// The series.
pub struct Telemetry {
    registry: Arc<Registry>,
    facts: Counter,
    states: Counter,
    events: Counter,
    write_failures: Counter,
    entities: Gauge,
    memory: Gauge,
    disk: Gauge,
    dropped: HashMap<&'static str, Counter>,
    /// Said once, until writing works again.
    is_failing: bool,
}

impl Telemetry {
    /// Registers them.
    pub fn new(registry: &Arc<Registry>) -> Self {
        let rows = |kind| registry.counter("tidewatch_topology_rows", "Rows that the map took.", &[("kind", kind)]);
        Self {
            facts: rows("fact"),
            states: rows("state"),
            events: rows("event"),
            write_failures: registry.counter(
                "tidewatch_topology_write_failures",
                "Seconds in which the map's directory could not be written.",
                &[],
            ),
            entities: registry.gauge("tidewatch_topology_entities", "Entities that the map knows.", &[]),
            memory: registry.gauge("tidewatch_topology_memory_bytes", "History that the map keeps in memory.", &[]),
            disk: registry.gauge("tidewatch_topology_disk_bytes", "History that the map keeps in files.", &[]),
            dropped: HashMap::new(),
            is_failing: false,
            registry: Arc::clone(registry),
        }
    }

    /// Counts what is not on the map, by reason.
    pub fn dropped(&mut self, dropped: &BTreeMap<&'static str, u64>) {
        for (reason, count) in dropped {
            let registry = &self.registry;
            let counter = self.dropped.entry(reason).or_insert_with(|| {
                let help = "What did not get onto the map, or found no room of its own there.";
                registry.counter("tidewatch_topology_dropped", help, &[("reason", reason)])
            });
            counter.add(*count);
        }
    }

    /// Counts one batch of rows.
    pub fn applied(&mut self, applied: &Applied) {
        self.facts.add(applied.facts);
        self.states.add(applied.states);
        self.events.add(applied.events);
        self.dropped(&applied.bucketed);
        self.dropped(&applied.dropped);
    }

    /// Notes whether the last second could be written, and says so when that changes.
    pub fn ticked(&mut self, ticked: &Result<Ticked, StoreError>) {
        match ticked {
            Err(error) => {
                self.write_failures.add(1);
                if !self.is_failing {
                    tracing::error!(%error, "The map cannot be written; it goes on in memory");
                }
            }
            Ok(ticked) => {
                self.memory.set(ticked.memory_bytes as f64);
                self.disk.set(ticked.disk_bytes as f64);
                if self.is_failing {
                    tracing::info!("The map is written again");
                }
            }
        }
        self.is_failing = ticked.is_err();
    }

    /// Notes how much is known.
    pub fn shows(&self, snapshot: &Snapshot) {
        self.entities.set(snapshot.registry().entities.len() as f64);
    }
}
