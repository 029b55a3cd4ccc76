//! `span_metrics`: counts spans, their errors and their events, and measures their durations.
//!
//! In this room: labels of spans, series by resource, the metrics written from them.
//! Not here: histograms ([`crate::histogram`]), series by labels ([`crate::series`]).
//!
//! Enter at [`SpanMetrics`], then [`rows::RowWriter::read`].

mod config;
mod dimensions;
mod glob;
mod groups;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod write;

use std::hash::BuildHasher;
use std::time::Duration;

use component::{Ack, BuildContext, BuildError, Connector, ConnectorFactory, Gauge, Holder, Output, Stability};
use foldhash::fast::RandomState;
use pdata::{Batch, Signal};

pub use config::{
    DimensionConfig, EventsConfig, ExemplarsConfig, ExplicitConfig, ExponentialConfig, HistogramConfig,
    SpanMetricsConfig, Unit,
};

use crate::timers::Beat;
use rows::RowWriter;
use tables::Tables;
use write::MetricNames;

/// Turns spans into counts and durations.
pub const FACTORY: ConnectorFactory =
    ConnectorFactory::of::<SpanMetrics>("span_metrics").alias("spanmetrics").stability(Stability::Alpha);

/// One instance per shard. Each prepares the rows of its own batches; the series are one set.
pub struct SpanMetrics {
    rows: RowWriter,
    state: Holder<State>,
    names: MetricNames,
    /// Only the first shard looks at the time.
    flush: Option<Beat>,
    flushes_at_end: bool,
    series: Gauge,
}

struct State {
    tables: Tables,
    hasher: RandomState,
}

impl Connector for SpanMetrics {
    type Config = SpanMetricsConfig;
    const PAIRS: &'static [(Signal, Signal)] = &[(Signal::Traces, Signal::Metrics)];

    fn build(config: &Self::Config, _to: Signal, context: &BuildContext) -> Result<Self, BuildError> {
        if config.resource_metrics_cache_size <= 0 {
            let what = "must provide a positive size";
            return Err(BuildError(format!(
                "{what}: 'resource_metrics_cache_size' is {}",
                config.resource_metrics_cache_size
            )));
        }
        let state = Holder::join(context, || State::new(config));
        let hasher = state.lock().hasher.clone();
        let now = context.clock.now().monotonic;
        let id = context.id.to_string();
        let help = "Series that are kept.";
        Ok(Self {
            rows: RowWriter::new(config, hasher, &context.instance).map_err(BuildError)?,
            state,
            names: MetricNames::new(config),
            flush: if context.shard == 0 {
                Beat::every(config.metrics_flush_interval.as_duration(), now)
            } else {
                None
            },
            flushes_at_end: config.flush_on_shutdown,
            series: context.registry.gauge("otelcol_connector_spanmetrics_series", help, &[("connector", &id)]),
        })
    }

    fn consume(&mut self, batch: Batch, output: &mut Output) {
        self.rows.read(&batch);
        self.rows.add_to(&mut self.state.lock().tables, &batch, output.now());
    }

    fn wake(&self) -> Option<Duration> {
        self.flush.as_ref().map(Beat::due)
    }

    fn tick(&mut self, output: &mut Output) {
        if self.flush.as_mut().is_some_and(|flush| flush.strikes(output.now().monotonic)) {
            self.tell(output, false);
        }
    }

    fn finish(&mut self, output: &mut Output) {
        if self.state.leave() && self.flushes_at_end {
            self.tell(output, true);
        }
    }
}

impl SpanMetrics {
    /// The promise of the spans has nothing to do with it: they are counted.
    fn tell(&self, output: &mut Output, is_last: bool) {
        let now = output.now();
        let mut state = self.state.lock();
        let metrics = self.names.metrics(&state.tables, now.unix_nanos, is_last);
        state.tables.told(now);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        self.series.set(state.tables.live() as f64);
        drop(state);
        output.send_with(metrics, Ack::unwatched());
    }
}

impl State {
    fn new(config: &SpanMetricsConfig) -> Self {
        let hasher = RandomState::default();
        Self { tables: Tables::new(config, |labels| hasher.hash_one(labels)), hasher }
    }
}
