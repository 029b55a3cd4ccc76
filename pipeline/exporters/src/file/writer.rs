//! The thread that writes, and the way to it.
//!
//! There is one for all instances of an exporter: files have one owner, however many shards and signals write.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use component::{Ack, Clock, ExporterTelemetry, Hold, Refusal, StartError};
use pdata::Batch;
use tokio::sync::{mpsc, oneshot};

use super::config::FileConfig;
use super::frame::Framing;
use super::target::{Many, Target};

/// How many batches may wait for the disk.
const WAITING: usize = 256;

/// What the thread is asked to do.
pub(crate) enum Job {
    /// Write a batch and answer its promise.
    Write(Box<Delivery>),
    /// Say that everything before this is written.
    Tell(oneshot::Sender<()>),
}

/// A batch on its way to a file.
pub(crate) struct Delivery {
    pub(crate) batch: Batch,
    pub(crate) ack: Ack,
    /// Its bytes count against the budget until it is written.
    pub(crate) hold: Hold,
    pub(crate) telemetry: ExporterTelemetry,
}

/// Finds or starts the thread.
#[derive(Default)]
pub(crate) struct Writers {
    // A lock and not an owner: taken once by each instance when it starts.
    running: Mutex<Option<mpsc::WeakSender<Job>>>,
}

impl Writers {
    /// The way to the thread; the first that asks opens the file. The thread ends when the last way is gone.
    pub(crate) fn sender(&self, config: &FileConfig, clock: Arc<dyn Clock>) -> Result<mpsc::Sender<Job>, StartError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = running.as_ref().and_then(mpsc::WeakSender::upgrade) {
            return Ok(sender);
        }
        let target = Target::open(config, running.is_some());
        let target = target.map_err(|error| StartError(format!("open {}: {error}", config.path)))?;
        let (sender, jobs) = mpsc::channel(WAITING);
        let mut writer = Writer { target, framing: Framing::new(config), clock };
        let thread = std::thread::Builder::new().name("file".into()).spawn(move || writer.run(jobs));
        thread.map_err(|error| StartError(format!("cannot start a thread: {error}")))?;
        *running = Some(sender.downgrade());
        Ok(sender)
    }
}

struct Writer {
    target: Target,
    framing: Framing,
    clock: Arc<dyn Clock>,
}

impl Writer {
    fn run(&mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            match job {
                Job::Write(delivery) => self.deliver(*delivery),
                // Whoever asked may have given up waiting.
                Job::Tell(written) => _ = written.send(()),
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let Delivery { batch, ack, hold, telemetry } = delivery;
        let items = batch.items();
        let written = self.write(&batch);
        drop(hold);
        match written {
            Ok(taken) => {
                telemetry.sent(taken);
                if taken < items {
                    telemetry.failed(items.saturating_sub(taken));
                }
                ack.accept();
            }
            Err(error) => {
                telemetry.failed(items);
                tracing::warn!(%error, "data was not written");
                ack.refuse(refusal(&error));
            }
        }
    }

    /// Writes a batch; says how many items had a file to go to.
    fn write(&mut self, batch: &Batch) -> io::Result<usize> {
        let now_ms = self.clock.now().unix_nanos / 1_000_000;
        match &mut self.target {
            Target::One(output) => {
                output.write(&self.framing.frame(batch)?, now_ms)?;
                Ok(batch.items())
            }
            Target::Many(many) => write_parts(many, batch, self.framing, now_ms),
        }
    }
}

/// All parts are tried; if one fails, the batch is refused.
fn write_parts(many: &mut Many, batch: &Batch, framing: Framing, now_ms: u64) -> io::Result<usize> {
    let mut taken = 0;
    let mut outcome = Ok(());
    for (path, part) in many.parts(batch) {
        taken += part.items();
        let written = framing.frame(&part).and_then(|frame| many.file(&path)?.write(&frame, now_ms));
        outcome = outcome.and(written);
    }
    outcome.map(|()| taken)
}

/// What will not fit, has an impossible name, or goes into a pipe that nobody reads any more never will be written; a full
/// disk may have room again.
fn refusal(error: &io::Error) -> Refusal {
    use io::ErrorKind::{BrokenPipe, InvalidFilename, InvalidInput, IsADirectory, NotADirectory};
    match error.kind() {
        BrokenPipe | InvalidFilename | InvalidInput | IsADirectory | NotADirectory => {
            Refusal::Permanent(error.to_string())
        }
        _ => Refusal::Retryable(error.to_string()),
    }
}
