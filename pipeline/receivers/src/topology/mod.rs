//! `topology`: hands findings of the map to pipelines, as events and metrics.
//!
//! In this room: what is to be told when, and how it reads in OTLP.
//! Not here: what makes a finding (`topology`), the map itself (`extensions::topology`).
//!
//! Enter at [`TopologyReceiver`].

mod config;
mod herald;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;
use std::time::Duration;

use ::config::ComponentId;
use async_trait::async_trait;
use component::{BuildContext, BuildError, Clock, Outlet, Outlets, Receiver, ReceiverFactory, Stability, StartError};
use pdata::Signal;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use topology::{Board, Moment};

pub use self::config::TopologyReceiverConfig;
use self::herald::Herald;
use self::write::Gauges;

/// Hands findings to pipelines.
pub const FACTORY: ReceiverFactory = ReceiverFactory::of::<TopologyReceiver>("topology").stability(Stability::Beta);

/// Between looks at the board.
const LOOK: Duration = Duration::from_secs(1);
/// After a pipeline refused something, which is then offered again.
const PAUSE: Duration = Duration::from_secs(5);

/// Reads the board of the map.
pub struct TopologyReceiver {
    config: TopologyReceiverConfig,
    /// Its id, under which it remembers what it told.
    name: String,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    outlets: Outlets,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

#[async_trait(?Send)]
impl Receiver for TopologyReceiver {
    type Config = TopologyReceiverConfig;
    const SIGNALS: &'static [Signal] = &[Signal::Logs, Signal::Metrics];
    const ON_EVERY_SHARD: bool = false;

    fn build(config: &Self::Config, outlets: Outlets, context: &BuildContext) -> Result<Self, BuildError> {
        let extension = ComponentId::parse(&config.extension).map_err(|error| BuildError(error.to_string()))?;
        Ok(Self {
            board: context.find(&extension)?,
            config: config.clone(),
            name: context.id.to_string(),
            clock: Arc::clone(&context.clock),
            outlets,
            running: None,
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let (stop, stopping) = watch::channel(false);
        let interval = self.config.interval.as_duration();
        let renotify = u64::try_from(self.config.renotify.as_duration().as_nanos()).unwrap_or(u64::MAX);
        let task = Task {
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.clock),
            logs: self.outlets.outlet(Signal::Logs, "topology"),
            metrics: self.outlets.outlet(Signal::Metrics, "topology"),
            herald: Herald::new(&self.name, renotify),
            gauges: Gauges::default(),
            interval,
            measured: None,
        };
        self.running = Some((stop, tokio::task::spawn_local(task.run(stopping))));
        Ok(())
    }

    async fn stop(&mut self) {
        let Some((stop, task)) = self.running.take() else { return };
        stop.send_replace(true);
        let _ = task.await;
    }
}

struct Task {
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    logs: Option<Outlet>,
    metrics: Option<Outlet>,
    herald: Herald,
    gauges: Gauges,
    interval: Duration,
    /// When metrics were last sent, on the monotonic clock.
    measured: Option<Duration>,
}

impl Task {
    async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        loop {
            let went_well = self.tell().await;
            self.measure().await;
            tokio::select! {
                () = tokio::time::sleep(if went_well { LOOK } else { PAUSE }) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    /// False if something must be offered again.
    async fn tell(&mut self) -> bool {
        let Some(logs) = &self.logs else { return true };
        let (now, notices) = (Moment(self.clock.now().unix_nanos), self.board.read());
        self.board.note(self.herald.look(&self.board, &notices, now));
        let messages = self.herald.due(&notices, now);
        if messages.is_empty() {
            return true;
        }
        match logs.send(write::events(&messages, now)).await {
            Ok(()) => {
                self.board.note(self.herald.delivered(&messages, now));
                true
            }
            Err(refusal) => {
                tracing::warn!(%refusal, findings = messages.len(), "Findings were refused and will be offered again");
                false
            }
        }
    }

    async fn measure(&mut self) {
        let Some(metrics) = &self.metrics else { return };
        let now = self.clock.now();
        let is_due = self.measured.is_none_or(|measured| now.monotonic.saturating_sub(measured) >= self.interval);
        if !is_due {
            return;
        }
        if let Some(batch) = self.gauges.write(&self.board.read(), Moment(now.unix_nanos)) {
            self.measured = Some(now.monotonic);
            // The next reading says the same; a refused one is counted as refused.
            let _ = metrics.send(batch).await;
        }
    }
}
