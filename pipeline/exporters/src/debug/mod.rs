//! `debug`: shows data to a person.
//!
//! In this room: the three layouts of the Collector, sampling, where the text goes.
//! Not here: the log of the process (`tidewatch`), values as text (`pdata`).
//!
//! Enter at [`DebugExporter`].
//!
//! Text is made and written on the shard's thread, so that it appears in the order in which data came and before the
//! data is acknowledged: this exporter is for looking, not for load.

mod config;
mod detailed;
mod go;
mod normal;
mod points;
mod sampler;
mod sink;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use component::{
    Ack, BuildContext, BuildError, Clock, Exporter, ExporterFactory, ExporterTelemetry, Refusal, Stability, StartError,
};
use pdata::{Batch, Signal};

pub use config::{DebugConfig, Verbosity};
pub(crate) use go::civil;
use sampler::Sampler;
use sink::Sink;

/// Shows data to a person.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<DebugExporter>("debug").stability(Stability::Beta);

/// Writes a line about each batch, and more if it is asked to.
pub struct DebugExporter {
    verbosity: Verbosity,
    /// `None` for the log of the process.
    output_paths: Option<Vec<String>>,
    sink: Sink,
    sampler: Sampler,
    id: String,
    clock: Arc<dyn Clock>,
    telemetry: ExporterTelemetry,
}

#[async_trait::async_trait(?Send)]
impl Exporter for DebugExporter {
    type Config = DebugConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            verbosity: config.verbosity,
            output_paths: (!config.use_internal_logger).then(|| config.output_paths.clone()),
            sink: Sink::default(),
            sampler: Sampler::new(config.sampling_initial, config.sampling_thereafter),
            id: context.id.to_string(),
            clock: Arc::clone(&context.clock),
            telemetry: context.exporter_telemetry(),
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        if let Some(paths) = &self.output_paths {
            self.sink = Sink::open(paths).map_err(StartError)?;
        }
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        let items = batch.items();
        match self.show(&batch) {
            Ok(()) => {
                self.telemetry.sent(items);
                ack.accept();
            }
            Err(error) => {
                self.telemetry.failed(items);
                ack.refuse(Refusal::Retryable(format!("cannot write: {error}")));
            }
        }
    }
}

impl DebugExporter {
    fn show(&mut self, batch: &Batch) -> std::io::Result<()> {
        let now = self.clock.now().monotonic;
        let summary = Summary::of(batch);
        if self.sampler.takes(summary.title(), now) {
            match self.output_paths {
                None => summary.log(&self.id),
                Some(_) => self.sink.write(&summary.line())?,
            }
        }
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = match self.verbosity {
            Verbosity::None | Verbosity::Basic => return Ok(()),
            Verbosity::Normal => normal::write(batch, &mut text),
            Verbosity::Detailed => detailed::write(batch, &mut text),
        };
        if self.sampler.takes(&text, now) {
            match self.output_paths {
                None => self.log(batch.signal(), &text),
                Some(_) => {
                    text.push('\n');
                    self.sink.write(&text)?;
                }
            }
        }
        Ok(())
    }

    fn log(&self, signal: Signal, text: &str) {
        tracing::info!(
            "otelcol.component.id" = self.id,
            "otelcol.component.kind" = "exporter",
            "otelcol.signal" = signal.as_str(),
            "{text}"
        );
    }
}

/// What is counted about a batch.
enum Summary {
    Traces { resources: usize, spans: usize },
    Metrics { resources: usize, metrics: usize, points: usize },
    Logs { resources: usize, records: usize },
}

impl Summary {
    fn of(batch: &Batch) -> Self {
        let resources = batch.resources().count();
        let items = batch.items();
        match batch.signal() {
            Signal::Traces => Self::Traces { resources, spans: items },
            Signal::Logs => Self::Logs { resources, records: items },
            Signal::Metrics => {
                let scopes = batch.resources().flat_map(|resource| resource.scopes());
                Self::Metrics { resources, metrics: scopes.map(|scope| scope.metrics().count()).sum(), points: items }
            }
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Traces { .. } => "Traces",
            Self::Metrics { .. } => "Metrics",
            Self::Logs { .. } => "Logs",
        }
    }

    /// As the Collector's logger writes it without time and level.
    fn line(&self) -> String {
        let title = self.title();
        match self {
            Self::Traces { resources, spans } => {
                format!("{title}\t{{\"resource spans\": {resources}, \"spans\": {spans}}}\n")
            }
            Self::Metrics { resources, metrics, points } => format!(
                "{title}\t{{\"resource metrics\": {resources}, \"metrics\": {metrics}, \"data points\": {points}}}\n"
            ),
            Self::Logs { resources, records } => {
                format!("{title}\t{{\"resource logs\": {resources}, \"log records\": {records}}}\n")
            }
        }
    }

    fn log(&self, id: &str) {
        match self {
            Self::Traces { resources, spans } => tracing::info!(
                "otelcol.component.id" = id,
                "otelcol.component.kind" = "exporter",
                "otelcol.signal" = "traces",
                "resource spans" = resources,
                spans,
                "Traces"
            ),
            Self::Metrics { resources, metrics, points } => tracing::info!(
                "otelcol.component.id" = id,
                "otelcol.component.kind" = "exporter",
                "otelcol.signal" = "metrics",
                "resource metrics" = resources,
                metrics,
                "data points" = points,
                "Metrics"
            ),
            Self::Logs { resources, records } => tracing::info!(
                "otelcol.component.id" = id,
                "otelcol.component.kind" = "exporter",
                "otelcol.signal" = "logs",
                "resource logs" = resources,
                "log records" = records,
                "Logs"
            ),
        }
    }
}
