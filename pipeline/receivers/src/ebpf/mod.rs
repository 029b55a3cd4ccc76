//! `ebpf`: sees in the kernel what programs say to each other, and tells it as spans and metrics.
//!
//! In this room: keys, who is observed, the processes of the host and their control groups, the thread that
//! reads the kernel's records.
//! Not here: the programs in the kernel (`ebpf-probes`), spans and metrics (`observe`), parsers (`protocols`).
//!
//! Enter at [`EbpfReceiver`].

pub(crate) mod config;
mod groups;
mod lingering;
mod processes;
mod selection;
mod self_metrics;
pub mod settings;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use component::{BuildContext, BuildError, Counter, Outlet, Outlets, Receiver, ReceiverFactory, Refusal, StartError};
use pdata::{Batch, Signal};
use tokio::sync::{mpsc, oneshot};

pub use self::config::EbpfConfig;
use self::watch::{Outbox, Watch};

/// See the module.
pub const FACTORY: ReceiverFactory = ReceiverFactory::of::<EbpfReceiver>("ebpf");

/// Batches between the observing thread and the pipeline. More are dropped, and counted.
const MOST_BATCHES_UNDERWAY: usize = 64;
/// A batch that was refused for now is offered again so often.
const OFFERS: usize = 5;
const PAUSE_BETWEEN_OFFERS: Duration = Duration::from_millis(500);

/// The receiver: one thread that reads the kernel's records, one task that sends what comes of them.
pub struct EbpfReceiver {
    config: EbpfConfig,
    context: BuildContext,
    traces: Option<Outlet>,
    metrics: Option<Outlet>,
    running: Option<Running>,
}

struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    sending: tokio::task::JoinHandle<()>,
}

#[async_trait(?Send)]
impl Receiver for EbpfReceiver {
    type Config = EbpfConfig;
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Metrics];
    const ON_EVERY_SHARD: bool = false;

    fn build(config: &EbpfConfig, outlets: Outlets, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            config: config.clone(),
            context: context.clone(),
            traces: outlets.outlet(Signal::Traces, "ebpf"),
            metrics: outlets.outlet(Signal::Metrics, "ebpf"),
            running: None,
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let (batches, arriving) = mpsc::channel(MOST_BATCHES_UNDERWAY);
        let lost = |reason: &str| {
            let labels = [("receiver", &*self.context.id.to_string()), ("reason", reason)]
                .map(|(name, value)| (name, value.to_owned()));
            let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
            self.context.registry.counter(
                "tidewatch_ebpf_lost_items",
                "Spans and points that did not get into a pipeline.",
                &labels,
            )
        };
        let outbox = Outbox {
            batches,
            wants_traces: self.traces.is_some(),
            wants_metrics: self.metrics.is_some(),
            overflowed: lost("pipeline_full"),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let watch = attach(self.config.clone(), outbox, Arc::clone(&stop)).await?;
        let (ready, when_ready) = oneshot::channel();
        let thread = std::thread::Builder::new().name("ebpf".into()).spawn(move || watch.run(ready));
        let thread = thread.map_err(|error| StartError(format!("cannot start a thread: {error}")))?;
        when_ready.await.map_err(|_| StartError("the thread that reads the kernel's records ended at once".into()))?;
        let sending = Sending { traces: self.traces.clone(), metrics: self.metrics.clone(), refused: lost("refused") };
        let sending = tokio::task::spawn_local(sending.run(arriving));
        self.running = Some(Running { stop, thread, sending });
        Ok(())
    }

    async fn stop(&mut self) {
        let Some(Running { stop, thread, sending }) = self.running.take() else { return };
        stop.store(true, Ordering::Relaxed);
        // The thread sends what it has and hangs up; then the task has seen everything.
        if tokio::task::spawn_blocking(move || thread.join()).await.is_ok_and(|joined| joined.is_err()) {
            tracing::error!("the thread that reads the kernel's records had panicked");
        }
        let _ = sending.await;
    }
}

/// Attaches on a thread that ends right after: reading the kernel's types takes tens of megabytes for a moment, and the
/// allocator returns them to the system when their thread is gone.
async fn attach(config: EbpfConfig, outbox: Outbox, stop: Arc<AtomicBool>) -> Result<Watch, StartError> {
    let (attached, when_attached) = oneshot::channel();
    let thread = std::thread::Builder::new().name("ebpf-attach".into()).spawn(move || {
        // Nobody waits any more if the process is being stopped.
        let _ = attached.send(Watch::attach(&config, outbox, stop));
    });
    thread.map_err(|error| StartError(format!("cannot start a thread: {error}")))?;
    let outcome = when_attached.await.map_err(|_| StartError("attaching the eBPF programs panicked".into()))?;
    outcome.map_err(|error| StartError(error.to_string()))
}

struct Sending {
    traces: Option<Outlet>,
    metrics: Option<Outlet>,
    refused: Counter,
}

impl Sending {
    async fn run(self, mut arriving: mpsc::Receiver<Batch>) {
        while let Some(batch) = arriving.recv().await {
            let outlet = match batch.signal() {
                Signal::Traces => &self.traces,
                _ => &self.metrics,
            };
            let Some(outlet) = outlet else { continue };
            let items = batch.items() as u64;
            if let Err(refusal) = offer(outlet, batch).await {
                self.refused.add(items);
                tracing::warn!(%refusal, items, "What was observed did not get into the pipeline");
            }
        }
    }
}

async fn offer(outlet: &Outlet, batch: Batch) -> Result<(), Refusal> {
    for _ in 1..OFFERS {
        match outlet.send(batch.clone()).await {
            Ok(()) => return Ok(()),
            Err(refusal) if refusal.is_permanent() => return Err(refusal),
            Err(_) => tokio::time::sleep(PAUSE_BETWEEN_OFFERS).await,
        }
    }
    outlet.send(batch).await
}
