//! `prometheus`: serves the last value of every series to scrapers.
//!
//! In this room: the table of series, deltas becoming totals, expiry, the text formats, the `/metrics` page.
//! Not here: names and labels (`prometheus_names`), pushing (`prometheus_remote_write`).
//!
//! Enter at [`PrometheusExporter::accept`] for what comes in and at [`page`] for what goes out.

mod config;
mod exposition;
mod negotiation;
mod page;
mod point;
mod store;
#[cfg(test)]
mod tests;
mod translate;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use component::{
    Ack, BuildContext, BuildError, Clock, Counter, Exporter, ExporterFactory, ExporterTelemetry, Gauge, StartError,
};
use pdata::{Batch, Signal};
use transport::HttpServerOptions;

use self::config::PrometheusConfig;
use self::page::{Door, PageSettings, Shared};
use self::store::{Limits, Refused, Store};
use self::translate::{Outcome, Translator};
use crate::prometheus_names::{LabelNamer, Labeller, MetricNamer, ResourceLabels, ScopeLabels, TranslationStrategy};

/// Serves the last value of every series to scrapers.
pub(crate) const FACTORY: ExporterFactory = ExporterFactory::of::<PrometheusExporter>("prometheus");

/// One instance for each shard; all share one table and one door.
pub(crate) struct PrometheusExporter {
    shared: Arc<Shared>,
    translator: Translator,
    endpoint: String,
    server: HttpServerOptions,
    page: PageSettings,
    clock: Arc<dyn Clock>,
    telemetry: Telemetry,
    door: Option<Door>,
}

#[async_trait(?Send)]
impl Exporter for PrometheusExporter {
    type Config = PrometheusConfig;
    const SIGNALS: &'static [Signal] = &[Signal::Metrics];

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        let endpoint = config.server.endpoint.trim().to_owned();
        if endpoint.is_empty() {
            return Err(BuildError("expecting a non-blank address to run the Prometheus metrics handler".into()));
        }
        let limits = Limits {
            series: usize::try_from(config.max_series).unwrap_or(usize::MAX),
            bytes: config.max_series_bytes.as_usize(),
            expiration: config.metric_expiration.as_duration(),
        };
        Ok(Self {
            shared: context.shared(|| Shared::new(Store::new(limits))),
            translator: translator(config)?,
            endpoint,
            server: config.server.options(),
            page: PageSettings { open_metrics: config.enable_open_metrics, timestamps: config.send_timestamps },
            clock: Arc::clone(&context.clock),
            telemetry: Telemetry::new(context),
            door: None,
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let (options, clock) = (self.server.clone(), Arc::clone(&self.clock));
        self.door = Door::open(&self.shared, &self.endpoint, options, self.page, clock).await?;
        if let Some(address) = self.door.as_ref().and_then(Door::address) {
            tracing::info!(component = self.telemetry.component, %address, "serving metrics at /metrics");
        }
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        let now = self.clock.now().monotonic;
        let mut store = self.shared.store();
        let outcome = self.translator.put(&batch, &mut store, now);
        self.telemetry.report(&outcome, store.series());
        drop(store);
        // What was refused is counted and logged. Refusing the batch would make its sender repeat what was taken.
        ack.accept();
    }

    async fn stop(&mut self) {
        if let Some(door) = self.door.take() {
            door.close().await;
        }
    }
}

fn translator(config: &PrometheusConfig) -> Result<Translator, BuildError> {
    let strategy = TranslationStrategy::chosen(config.translation_strategy, config.add_metric_suffixes);
    let namer = LabelNamer { utf8: strategy.utf8() };
    let illegal = |name: &&String| !matches!(namer.name(name), Ok(legal) if legal == **name);
    if let Some(name) = config.const_labels.keys().find(illegal) {
        return Err(BuildError(format!("const_labels: {name:?} is not a valid label name")));
    }
    Ok(Translator {
        metrics: MetricNamer {
            namespace: config.namespace.clone(),
            suffixes: strategy.suffixes(),
            utf8: strategy.utf8(),
        },
        labeller: Labeller {
            namer,
            resource: ResourceLabels::of(&config.resource_to_telemetry_conversion, &config.resource_constant_labels),
            scope: if config.without_scope_info { ScopeLabels::Without } else { ScopeLabels::Always },
            keep_empty: true,
            external: Vec::new(),
            constant: config.const_labels.clone().into_iter().collect(),
        },
        exemplars: config.enable_open_metrics,
    })
}

struct Telemetry {
    component: String,
    items: ExporterTelemetry,
    series: Gauge,
    refused: HashMap<Refused, Counter>,
}

impl Telemetry {
    fn new(context: &BuildContext) -> Self {
        let component = context.id.to_string();
        let counter = |why: Refused| {
            let labels = [("exporter", component.as_str()), ("reason", why.reason())];
            let help = "Data points that are not served.";
            (why, context.registry.counter("otelcol_exporter_prometheus_refused_metric_points", help, &labels))
        };
        let refused = Refused::ALL.into_iter().map(counter).collect();
        let labels = [("exporter", component.as_str())];
        let series = context.registry.gauge("otelcol_exporter_prometheus_series", "Series that are served.", &labels);
        Self { items: context.exporter_telemetry(), series, refused, component }
    }

    fn report(&self, outcome: &Outcome, series: usize) {
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        self.series.set(series as f64);
        self.items.sent(outcome.taken);
        for (why, points) in &outcome.refused {
            self.items.failed(*points);
            let Some(counter) = self.refused.get(why) else { continue };
            if counter.get() == 0 {
                let metric = outcome.examples.iter().find(|(known, _)| known == why).map(|(_, metric)| metric);
                tracing::warn!(
                    component = self.component,
                    reason = why.reason(),
                    metric,
                    "Data points are not served. Further ones are only counted."
                );
            }
            counter.add(*points as u64);
        }
    }
}
