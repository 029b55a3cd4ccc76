//! `file`: writes data to files.
//!
//! In this room: framing, rotation, files by attribute, the thread that writes.
//! Not here: JSON (`pdata`).
//!
//! Enter at [`FileExporter`].
//!
//! A batch is acknowledged when the kernel has taken all of it: a disk that is full or broken refuses data to its
//! sender. (The Collector acknowledges what is in its buffer, and loses that.)

mod backups;
mod config;
mod frame;
mod output;
mod target;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

use component::{
    Ack, Budget, BuildContext, BuildError, Clock, Exporter, ExporterFactory, ExporterTelemetry, Refusal, Stability,
    StartError,
};
use pdata::{Batch, Signal};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

pub use config::{CompressionParams, FileConfig, GroupByConfig, RotationConfig};
use writer::{Delivery, Job, Writers};

/// Writes data to files.
pub const FACTORY: ExporterFactory = ExporterFactory::of::<FileExporter>("file").stability(Stability::Beta);

/// Hands batches to the thread that writes.
pub struct FileExporter {
    config: FileConfig,
    writers: Arc<Writers>,
    /// Gone before the start and after the stop.
    jobs: Option<mpsc::Sender<Job>>,
    budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
    telemetry: ExporterTelemetry,
}

#[async_trait::async_trait(?Send)]
impl Exporter for FileExporter {
    type Config = FileConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            config: config.clone(),
            writers: context.shared(Writers::default),
            jobs: None,
            budget: Arc::clone(&context.budget),
            clock: Arc::clone(&context.clock),
            telemetry: context.exporter_telemetry(),
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        self.jobs = Some(self.writers.sender(&self.config, Arc::clone(&self.clock))?);
        Ok(())
    }

    fn accept(&mut self, batch: Batch, ack: Ack) {
        let items = batch.items();
        let Some(jobs) = &self.jobs else {
            return ack.refuse(Refusal::Retryable("the file is not open".into()));
        };
        let is_first = jobs.capacity() == jobs.max_capacity();
        let hold = if is_first { Some(self.budget.take_first(batch.size())) } else { self.budget.take(batch.size()) };
        let Some(hold) = hold else {
            self.telemetry.enqueue_failed(items);
            return ack.refuse(Refusal::overload("no room for data that waits to be written"));
        };
        let delivery = Delivery { batch, ack, hold, telemetry: self.telemetry.clone() };
        match jobs.try_send(Job::Write(Box::new(delivery))) {
            Ok(()) => {}
            Err(TrySendError::Full(Job::Write(delivery))) => {
                self.telemetry.enqueue_failed(items);
                delivery.ack.refuse(Refusal::overload("the disk is slower than what comes in"));
            }
            Err(TrySendError::Closed(Job::Write(delivery))) => {
                self.telemetry.enqueue_failed(items);
                delivery.ack.refuse(Refusal::Retryable("the thread that writes has ended".into()));
            }
            Err(TrySendError::Full(Job::Tell(_)) | TrySendError::Closed(Job::Tell(_))) => {}
        }
    }

    async fn stop(&mut self) {
        let Some(jobs) = self.jobs.take() else { return };
        let (written, is_written) = oneshot::channel();
        // If the thread has ended, nothing is left to wait for.
        if jobs.send(Job::Tell(written)).await.is_ok() {
            let _ = is_written.await;
        }
    }
}
