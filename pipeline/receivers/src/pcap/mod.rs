//! `pcap`: tells the traffic of a capture file as spans and metrics.
//!
//! In this room: capture files, packet headers, connections as a capture sees them.
//! Not here: spans and metrics (`observe`), exchanges in bytes (`protocols`).
//!
//! Enter at [`PcapReceiver`].

mod config;
mod connections;
mod file;
mod frame;
mod hosts;
mod reading;
mod replay;
mod telemetry;
#[cfg(test)]
mod tests;
mod way;

use std::time::Duration;

use async_trait::async_trait;
use component::{
    BuildContext, BuildError, Outlet, Outlets, Receiver, ReceiverFactory, Refusal, StartError, StopSignal,
};
use pdata::{Batch, Signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::config::PcapConfig;
use self::hosts::Names;
use self::reading::Blocks;
use self::replay::Replay;
use self::telemetry::Telemetry;
use crate::observe::ObserverSettings;

/// See the module.
pub const FACTORY: ReceiverFactory = ReceiverFactory::of::<PcapReceiver>("pcap");

/// A batch that was refused for now is offered again after so long: a file can wait.
const PAUSE_BETWEEN_OFFERS: Duration = Duration::from_millis(500);

/// The receiver: a thread that reads the file, a task that does everything else.
pub struct PcapReceiver {
    config: PcapConfig,
    settings: ObserverSettings,
    names: Names,
    context: BuildContext,
    outlets: Outlets,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

#[async_trait(?Send)]
impl Receiver for PcapReceiver {
    type Config = PcapConfig;
    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Metrics];
    const ON_EVERY_SHARD: bool = false;

    fn build(config: &PcapConfig, outlets: Outlets, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            settings: replay::settings(config).map_err(|error| BuildError(error.to_string()))?,
            names: Names::read(&config.names).map_err(|key| BuildError(format!("{key:?} is no address")))?,
            config: config.clone(),
            context: context.clone(),
            outlets,
            running: None,
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let path = self.config.path.clone();
        let opened = tokio::task::spawn_blocking(move || reading::open(&path)).await;
        let opened = opened.map_err(|error| StartError(error.to_string()))?;
        let (file, reader) = opened.map_err(|error| StartError(error.to_string()))?.into_parts();
        let blocks = reading::blocks(file).map_err(|error| StartError(format!("cannot start a thread: {error}")))?;
        let interval = u64::try_from(self.config.metrics.interval.as_nanoseconds()).unwrap_or(u64::MAX);
        let telemetry = Telemetry::new(&self.context);
        let replay = Replay::new(reader, self.settings.clone(), self.names.clone(), interval, telemetry);
        let (stop, stopping) = watch::channel(false);
        let task = Task {
            path: self.config.path.clone(),
            traces: self.outlets.outlet(Signal::Traces, "pcap"),
            metrics: self.outlets.outlet(Signal::Metrics, "pcap"),
            end_process: self.config.exit_at_eof.then(|| self.context.stop.clone()),
            stopping,
            refused: None,
        };
        self.running = Some((stop, tokio::task::spawn_local(task.run(replay, blocks))));
        Ok(())
    }

    async fn stop(&mut self) {
        let Some((stop, task)) = self.running.take() else { return };
        stop.send_replace(true);
        let _ = task.await;
    }
}

struct Task {
    path: String,
    traces: Option<Outlet>,
    metrics: Option<Outlet>,
    /// Set if the process ends with the file.
    end_process: Option<StopSignal>,
    stopping: watch::Receiver<bool>,
    /// Why something was refused for good.
    refused: Option<Refusal>,
}

impl Task {
    async fn run(mut self, mut replay: Replay, blocks: Blocks) {
        let read = self.read(&mut replay, blocks).await;
        let (rest, end) = replay.end();
        for batch in rest {
            self.deliver(batch).await;
        }
        if *self.stopping.borrow() {
            return;
        }
        if let Some(fault) = read.and_then(|()| end.map_err(|fault| fault.to_string())).err() {
            tracing::warn!(path = self.path, "The capture is {fault}");
        }
        replay.telemetry().tell(&self.path);
        if let Some(end_process) = &self.end_process {
            let outcome = self.refused.map_or(Ok(()), |refusal| {
                Err(format!("not all of the capture {} was delivered: {refusal}", self.path))
            });
            end_process.stop(outcome);
        }
    }

    /// Reads the file to its end, or to where it cannot be read any further.
    async fn read(&mut self, replay: &mut Replay, mut blocks: Blocks) -> Result<(), String> {
        loop {
            while let Some(batch) = replay.next().map_err(|fault| fault.to_string())? {
                self.deliver(batch).await;
            }
            // The file may be fast; others on this thread want to go on, too.
            tokio::task::yield_now().await;
            let block = tokio::select! {
                block = blocks.recv() => block,
                _ = self.stopping.wait_for(|stopping| *stopping) => return Ok(()),
            };
            match block {
                Some(Ok(bytes)) => replay.push(&bytes),
                Some(Err(error)) => return Err(format!("not readable any further: {error}")),
                None => return Ok(()),
            }
        }
    }

    /// Offers a batch until it is taken, or refused for good, or nobody waits for it any more.
    async fn deliver(&mut self, batch: Batch) {
        let outlet = match batch.signal() {
            Signal::Traces => &self.traces,
            Signal::Metrics | Signal::Logs => &self.metrics,
        };
        let Some(outlet) = outlet else { return };
        loop {
            let Err(refusal) = outlet.send(batch.clone()).await else { return };
            if refusal.is_permanent() || *self.stopping.borrow() {
                tracing::warn!(%refusal, items = batch.items(), "A part of the capture did not get into the pipeline");
                self.refused.get_or_insert(refusal);
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE_BETWEEN_OFFERS) => {}
                _ = self.stopping.wait_for(|stopping| *stopping) => {}
            }
        }
    }
}
