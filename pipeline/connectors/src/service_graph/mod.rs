//! `service_graph`: makes metrics about who calls whom, from pairs of client and server spans.
//!
//! In this room: the ends of calls in spans, edges, their series and metrics.
//! Not here: the store in which ends wait for each other ([`pairing`]).
//!
//! Enter at [`ServiceGraph`], then [`graph::Graph::take`].

mod config;
mod edge;
mod ends;
mod graph;
mod series;
#[cfg(test)]
mod tests;

use std::time::Duration;

use component::{Ack, BuildContext, BuildError, Connector, ConnectorFactory, Gauge, Holder, Output, Stability};
use pdata::{Batch, Signal};

pub use config::{DeduplicationConfig, ServiceGraphConfig, StoreConfig, UnpairedServers};

use crate::timers::Beat;
use ends::EndReader;
use graph::{Graph, Seen};

/// Turns spans into edges between services.
pub const FACTORY: ConnectorFactory =
    ConnectorFactory::of::<ServiceGraph>("service_graph").alias("servicegraph").stability(Stability::Alpha);

/// One instance per shard. Each reads its own batches; the graph is one.
pub struct ServiceGraph {
    reader: EndReader,
    graph: Holder<Graph>,
    rows: Vec<Seen>,
    flushes_each_batch: bool,
    flushes_at_end: bool,
    timers: Option<Timers>,
    edges: Gauge,
}

/// Only the first shard looks at the time.
struct Timers {
    flush: Option<Beat>,
    expire: Option<Beat>,
    clean: Option<Beat>,
}

impl Connector for ServiceGraph {
    type Config = ServiceGraphConfig;
    const PAIRS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Metrics)];

    fn build(config: &Self::Config, _to: Signal, context: &BuildContext) -> Result<Self, BuildError> {
        let id = context.id.to_string();
        let help = "Edges of which there are series.";
        Ok(Self {
            reader: EndReader::new(config),
            graph: Holder::join(context, || Graph::new(config, context)),
            rows: Vec::new(),
            flushes_each_batch: config.metrics_flush_interval.as_nanoseconds() <= 0,
            flushes_at_end: config.flush_on_shutdown,
            timers: (context.shard == 0).then(|| Timers::new(config, context.clock.now().monotonic)),
            edges: context.registry.gauge("otelcol_connector_servicegraph_series", help, &[("connector", &id)]),
        })
    }

    fn consume(&mut self, batch: Batch, output: &mut Output) {
        self.rows.clear();
        self.reader.read(&batch, &mut self.rows);
        let mut graph = self.graph.lock();
        graph.take(self.rows.drain(..), output.now());
        if self.flushes_each_batch {
            let metrics = graph.metrics(output.now());
            drop(graph);
            send(metrics, output);
        }
    }

    fn wake(&self) -> Option<Duration> {
        let timers = self.timers.as_ref()?;
        [timers.flush, timers.expire, timers.clean].iter().flatten().map(Beat::due).min()
    }

    fn tick(&mut self, output: &mut Output) {
        let Some(timers) = &mut self.timers else { return };
        let now = output.now();
        let strikes = |beat: &mut Option<Beat>| beat.as_mut().is_some_and(|beat| beat.strikes(now.monotonic));
        let mut graph = self.graph.lock();
        if strikes(&mut timers.expire) {
            graph.expire(now);
        }
        let metrics = strikes(&mut timers.flush).then(|| graph.metrics(now));
        if strikes(&mut timers.clean) {
            graph.clean(now);
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        self.edges.set(graph.edges() as f64);
        drop(graph);
        if let Some(metrics) = metrics {
            send(metrics, output);
        }
    }

    fn finish(&mut self, output: &mut Output) {
        if !self.graph.leave() {
            return;
        }
        let mut graph = self.graph.lock();
        graph.finish(output.now());
        let metrics = graph.metrics(output.now());
        drop(graph);
        if self.flushes_at_end {
            send(metrics, output);
        }
    }
}

/// The promise of the spans has nothing to do with it: they are counted. Metrics that are refused come again, greater.
fn send(metrics: Batch, output: &mut Output) {
    output.send_with(metrics, Ack::unwatched());
}

impl Timers {
    fn new(config: &ServiceGraphConfig, now: Duration) -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        const TWO_SECONDS: Duration = Duration::from_secs(2);
        let or = |duration: Duration, default| if duration.is_zero() { default } else { duration };
        Self {
            flush: Beat::every(config.metrics_flush_interval.as_duration(), now),
            expire: Beat::every(or(config.store_expiration_loop.as_duration(), TWO_SECONDS), now),
            clean: Beat::every(or(config.cache_loop.as_duration(), MINUTE), now),
        }
    }
}
