//! `prometheus_remote_write`: pushes samples to Prometheus and stores that speak its protocol.
//!
//! In this room: series and samples of a batch, native histograms, the protocol's messages and answers, one sender for
//! each lane of series.
//! Not here: names and labels (`prometheus_names`), being scraped (`prometheus`), HTTP itself (`transport`).
//!
//! Enter at [`RemoteWriteExporter::accept`].
//!
//! The protocol is "Prometheus Remote-Write 1.0".

mod config;
mod lanes;
mod native;
mod series;
mod server;
#[cfg(test)]
mod tests;
mod translate;
mod wire;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use component::{
    Ack, Budget, BuildContext, BuildError, Counter, Exporter, ExporterFactory, ExporterTelemetry, Gauge, Kind, Refusal,
    StartError,
};
use foldhash::fast::RandomState;
use pdata::{Batch, Signal};
use tokio::sync::watch;
use transport::Target;
use transport::settings::CompressionType;

pub use self::config::RemoteWriteConfig;
use self::lanes::{Lanes, Open, Part, Promise};
use self::series::Block;
use self::server::Server;
use self::translate::{Dropped, Translated, Translator};
use crate::prometheus_names::{LabelNamer, Labeller, MetricNamer, ResourceLabels, ScopeLabels};

/// The one NaN that says "this series has ended".
const STALE: u64 = 0x7ff0_0000_0000_0002;
/// What `max_batch_size_bytes: 0` means.
const USUAL_REQUEST: usize = 3_000_000;

/// Pushes samples to Prometheus and stores that speak its protocol.
pub const FACTORY: ExporterFactory =
    ExporterFactory::of::<RemoteWriteExporter>("prometheus_remote_write").alias("prometheusremotewrite");

/// One instance for each shard, with senders of its own.
pub struct RemoteWriteExporter {
    translator: Translator,
    server: Rc<Server>,
    lanes: Option<Lanes>,
    senders: usize,
    largest_request: usize,
    /// Most batches that wait or are sent; none if senders wait for the delivery.
    queue: Option<usize>,
    open: Rc<Cell<usize>>,
    hasher: RandomState,
    budget: Arc<Budget>,
    telemetry: Telemetry,
}

#[async_trait(?Send)]
impl Exporter for RemoteWriteExporter {
    type Config = RemoteWriteConfig;
    const SIGNALS: &'static [Signal] = &[Signal::Metrics];

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        let target = Target::parse(&config.client().endpoint).map_err(|error| BuildError(error.to_string()))?;
        let shards = context.shards.max(1);
        let queue = config.remote_write_queue.get();
        let wanted = config.max_batch_request_parallelism.or(queue.map(|queue| queue.num_consumers));
        let wanted = usize::try_from(wanted.unwrap_or(1)).unwrap_or(1);
        let largest = usize::try_from(config.max_batch_size_bytes).unwrap_or(0);
        let telemetry = Telemetry::new(context, target.url(), wanted);
        Ok(Self {
            translator: translator(config)?,
            server: Rc::new(server(config, target, context, telemetry.requests.clone())),
            lanes: None,
            senders: wanted.div_ceil(shards).max(1),
            largest_request: if largest == 0 { USUAL_REQUEST } else { largest },
            queue: queue.map(|queue| usize::try_from(queue.queue_size).unwrap_or(0).div_ceil(shards).max(1)),
            open: Rc::default(),
            hasher: RandomState::default(),
            budget: Arc::clone(&context.budget),
            telemetry,
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let merge = self.queue.is_some();
        self.lanes = Some(Lanes::start(self.senders, Rc::clone(&self.server), self.largest_request, merge));
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        let items = batch.items();
        if self.queue.is_some_and(|most| self.open.get() >= most) {
            return self.refuse(items, ack);
        }
        let translated = self.translator.translate(&batch, self.hasher.clone());
        let blocks = self.encode(translated);
        if blocks.is_empty() {
            return ack.accept();
        }
        let bytes = blocks.iter().map(|(_, block)| block.bytes.len()).sum();
        // Without a queue the sender still holds what it sent, and has been admitted for it.
        let hold = match self.queue {
            None => None,
            Some(_) if self.open.get() == 0 => Some(self.budget.take_first(bytes)),
            Some(_) => self.budget.take(bytes),
        };
        if self.queue.is_some() && hold.is_none() {
            return self.refuse(items, ack);
        }
        let ack = if self.queue.is_some() {
            ack.accept();
            None
        } else {
            Some(ack)
        };
        let open = Open::new(&self.open, &self.telemetry.waiting);
        let promise = Promise::new(items, blocks.len(), ack, self.telemetry.items.clone(), open, hold);
        let promise = Rc::new(promise);
        for (lane, block) in blocks {
            if let Some(lanes) = &self.lanes {
                lanes.push(lane, Part { block, promise: Rc::clone(&promise) });
            }
        }
    }

    async fn stop(&mut self) {
        if let Some(mut lanes) = self.lanes.take() {
            lanes.stop().await;
        }
    }
}

impl RemoteWriteExporter {
    fn refuse(&self, items: usize, ack: Ack) {
        self.telemetry.items.enqueue_failed(items);
        ack.refuse(Refusal::overload("sending queue is full"));
    }

    /// The blocks of a batch with their lanes. Counts what is not among them.
    fn encode(&self, translated: Translated) -> Vec<(usize, Block)> {
        let Translated { table, metadata, mut dropped } = translated;
        self.telemetry.series.add(table.len() as u64);
        let (lanes, duplicates) = table.into_lanes(self.senders, self.largest_request);
        if duplicates > 0 {
            dropped.push((Dropped::Duplicate, duplicates, String::new()));
        }
        self.telemetry.report(&dropped);
        let samples =
            lanes.into_iter().enumerate().flat_map(|(lane, blocks)| blocks.into_iter().map(move |block| (lane, block)));
        let metadata = (!metadata.is_empty()).then_some((0, Block { bytes: metadata, series: 0 }));
        samples.chain(metadata).collect()
    }
}

fn translator(config: &RemoteWriteConfig) -> Result<Translator, BuildError> {
    let strategy = config.strategy();
    let namer = LabelNamer { utf8: false };
    let mut external = Vec::new();
    for (name, value) in &config.external_labels {
        if name.is_empty() || value.is_empty() {
            let sentence = "prometheus remote write: external labels configuration contains an empty key or value";
            return Err(BuildError(sentence.into()));
        }
        let name = namer.name(name).map_err(|error| BuildError(error.to_string()))?;
        external.push((name, value.clone()));
    }
    Ok(Translator {
        metrics: MetricNamer { namespace: config.namespace.clone(), suffixes: strategy.suffixes(), utf8: false },
        labeller: Labeller {
            namer,
            resource: ResourceLabels::of(&config.resource_to_telemetry_conversion, &config.resource_constant_labels),
            scope: if config.disable_scope_info { ScopeLabels::Without } else { ScopeLabels::Known },
            keep_empty: false,
            external,
            constant: Vec::new(),
        },
        target_info: config.target_info.enabled,
        metadata: config.send_metadata,
    })
}

fn server(config: &RemoteWriteConfig, target: Target, context: &BuildContext, requests: Counter) -> Server {
    let mut client = config.client().clone();
    client.compression = CompressionType::Snappy;
    client.headers.0.push(("X-Prometheus-Remote-Write-Version".into(), "0.1.0".into()));
    Server {
        client: client.client(Arc::clone(&context.clock)),
        target,
        retry: config.retry_on_failure.get().cloned(),
        clock: Arc::clone(&context.clock),
        component: context.id.to_string(),
        requests,
        random: RefCell::new(fastrand::Rng::with_seed(context.clock.now().unix_nanos ^ context.shard as u64)),
        stopping: watch::channel(false).0,
    }
}

struct Telemetry {
    component: String,
    items: ExporterTelemetry,
    series: Counter,
    failed_translations: Counter,
    requests: Counter,
    dropped: HashMap<Dropped, Counter>,
    waiting: Gauge,
}

impl Telemetry {
    fn new(context: &BuildContext, endpoint: &str, senders: usize) -> Self {
        let component = context.id.to_string();
        let registry = &context.registry;
        let labels = [("exporter", component.as_str()), ("endpoint", endpoint)];
        let counter = |what: &str, help| {
            registry.counter(&format!("otelcol_exporter_prometheusremotewrite_{what}"), help, &labels)
        };
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        let senders = senders as f64;
        let help = "Requests that may be sent at a time.";
        registry
            .reading("otelcol_exporter_prometheusremotewrite_consumers", help, Kind::Gauge, &labels, move || senders);
        let dropped = |why: Dropped| {
            let labels = [("exporter", component.as_str()), ("reason", why.reason())];
            let name = "otelcol_exporter_prometheusremotewrite_dropped_metric_points";
            (why, registry.counter(name, "Data points that were not sent.", &labels))
        };
        let queue = [("exporter", component.as_str()), ("data_type", "metrics")];
        Self {
            items: context.exporter_telemetry(),
            series: counter("translated_time_series", "Series made from metrics."),
            failed_translations: counter("failed_translations", "Batches of which something could not be translated."),
            requests: counter("sent_batches", "Requests sent, whatever the answer."),
            dropped: Dropped::ALL.into_iter().map(dropped).collect(),
            waiting: registry.gauge("otelcol_exporter_queue_size", "What the sending queue holds.", &queue),
            component,
        }
    }

    fn report(&self, dropped: &[(Dropped, usize, String)]) {
        if !dropped.is_empty() {
            self.failed_translations.add(1);
        }
        for (why, points, metric) in dropped {
            let Some(counter) = self.dropped.get(why) else { continue };
            if counter.get() == 0 {
                tracing::warn!(
                    component = self.component,
                    reason = why.reason(),
                    metric,
                    "Data points are not sent. Further ones are only counted."
                );
            }
            counter.add(*points as u64);
        }
    }
}
