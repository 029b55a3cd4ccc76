//! The life of the process: start in order, run, restart what panicked, drain, end.

use std::sync::Arc;
use std::time::Duration;

use component::{AnyExtension, BuildContext, Phase};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;
use tracing::{error, info, warn};

use crate::plan::Plan;
use crate::shard::Shard;
use crate::telemetry;

/// What the command line decides.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How long draining may take after a signal to end.
    pub drain_timeout: Duration,
    /// Name and version for the start log and own telemetry.
    pub version: &'static str,
    /// Called once, when everything has started: what only starting needed may be given back now.
    pub when_ready: fn(),
}

/// Why the process ended with a fault.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something could not be started. The text is the Collector's.
    #[error("{0}")]
    Start(String),
    /// Draining took longer than allowed.
    #[error("what was still to be delivered after {0:?} was given up")]
    DrainTimeout(Duration),
    /// A component asked for the end because it cannot go on.
    #[error("{0}")]
    Component(String),
}

/// Longest pause before a shard that keeps failing is tried again.
const LONGEST_RESTART_PAUSE: Duration = Duration::from_secs(30);
/// A shard that has run this long is sound again.
const SOUND_AFTER: Duration = Duration::from_secs(60);

/// Runs the plan until a signal, or a component, ends it.
pub fn run(plan: Plan, mut context: BuildContext, options: &RunOptions) -> Result<(), RunError> {
    context.instance = telemetry::instance(&plan.telemetry.resource, &context.instance);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| RunError::Start(format!("cannot start an event loop: {error}")))?;
    let tasks = LocalSet::new();
    let service = Service { plan: Arc::new(plan), context, options: options.clone() };
    let outcome = tasks.block_on(&runtime, service.live());
    drop(tasks);
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

struct Service {
    plan: Arc<Plan>,
    context: BuildContext,
    options: RunOptions,
}

impl Service {
    async fn live(self) -> Result<(), RunError> {
        info!(version = self.options.version, shards = self.context.shards, "Starting tidewatch...");
        // Listening for signals begins before anything else, so that none is missed.
        let mut signals =
            Signals::new().map_err(|error| RunError::Start(format!("cannot listen for signals: {error}")))?;
        let telemetry = telemetry::start(&self.plan.telemetry, &self.context, self.options.version).await;
        let telemetry = telemetry.map_err(RunError::Start)?;
        let mut extensions = self.start_extensions().await?;
        let shards = self.start_shards().await?;
        self.enter(Phase::Ready);
        (self.options.when_ready)();
        info!("Everything is ready. Begin running and processing data.");

        let (outcome, shards) = self.watch(shards, &mut signals).await;

        info!("Starting shutdown...");
        self.enter(Phase::Stopping);
        let drained = self.stop_shards(shards).await;
        info!("Stopping extensions...");
        for extension in extensions.iter_mut().rev() {
            extension.stop().await;
        }
        telemetry.stop().await;
        info!("Shutdown complete.");
        outcome.and(drained)
    }

    async fn start_extensions(&self) -> Result<Vec<Box<dyn AnyExtension>>, RunError> {
        let mut extensions = Vec::new();
        for part in &self.plan.extensions {
            let mut context = self.context.clone();
            context.id = part.id.clone();
            let fault =
                |error: String| RunError::Start(format!("failed to start extensions: \"{}\": {error}", part.id));
            let mut extension = (part.factory.build)(&part.config, &context).map_err(|error| fault(error.0))?;
            extension.start().await.map_err(|error| fault(error.0))?;
            extensions.push(extension);
        }
        Ok(extensions)
    }

    /// On all shards everything else first, then the receivers: no data before there is somebody to take it.
    async fn start_shards(&self) -> Result<Vec<Shard>, RunError> {
        let mut shards = Vec::new();
        for number in 0..self.context.shards {
            shards
                .push(Shard::start(Arc::clone(&self.plan), self.shard_context(number)).await.map_err(RunError::Start)?);
        }
        for shard in &shards {
            shard.open().await.map_err(RunError::Start)?;
        }
        Ok(shards)
    }

    fn shard_context(&self, number: usize) -> BuildContext {
        let mut context = self.context.clone();
        context.shard = number;
        context
    }

    /// Keeps every shard alive until the end is asked for.
    async fn watch(&self, shards: Vec<Shard>, signals: &mut Signals) -> (Result<(), RunError>, Vec<Shard>) {
        let (stop, when_stop) = tokio::sync::watch::channel(false);
        let mut keepers: FuturesUnordered<_> = shards
            .into_iter()
            .enumerate()
            .map(|(number, shard)| self.keep_alive(number, shard, when_stop.clone()))
            .collect();
        let outcome = {
            let ended = async { while keepers.next().await.is_some() {} };
            tokio::select! {
                () = signals.end() => Ok(()),
                outcome = self.context.stop.asked() => outcome.map_err(RunError::Component),
                () = ended => Ok(()),
            }
        };
        stop.send_replace(true);
        let mut shards = Vec::new();
        while let Some(shard) = keepers.next().await {
            shards.extend(shard);
        }
        (outcome, shards)
    }

    /// Restarts one shard whenever a fault ends it. Gives it back when the end is asked for.
    async fn keep_alive(
        &self,
        number: usize,
        mut shard: Shard,
        mut stop: tokio::sync::watch::Receiver<bool>,
    ) -> Option<Shard> {
        let mut pause = Duration::from_secs(1);
        loop {
            let began = self.context.clock.now().monotonic;
            let ended = tokio::select! {
                ended = shard.ended() => ended,
                _ = stop.wait_for(|stop| *stop) => return Some(shard),
            };
            let fault = ended.err().unwrap_or_else(|| "it ended without being asked to".into());
            error!(shard = number, fault, "A shard failed and will be restarted");
            self.enter(Phase::Degraded(format!("shard {number} is being restarted: {fault}")));
            self.restarts().add(1);
            if self.context.clock.now().monotonic.saturating_sub(began) > SOUND_AFTER {
                pause = Duration::from_secs(1);
            }
            shard = loop {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stop.wait_for(|stop| *stop) => return None,
                }
                pause = (pause * 2).min(LONGEST_RESTART_PAUSE);
                match self.restart(number).await {
                    Ok(shard) => break shard,
                    Err(reason) => {
                        warn!(shard = number, reason, "A shard could not be restarted; it will be tried again");
                    }
                }
            };
            info!(shard = number, "A shard was restarted");
            self.enter(Phase::Ready);
        }
    }

    async fn restart(&self, number: usize) -> Result<Shard, String> {
        let mut shard = Shard::start(Arc::clone(&self.plan), self.shard_context(number)).await?;
        if let Err(reason) = shard.open().await {
            shard.stop().await;
            let _ = shard.ended().await;
            return Err(reason);
        }
        Ok(shard)
    }

    fn restarts(&self) -> component::Counter {
        self.context.registry.counter("tidewatch_shard_restarts", "Times a shard was restarted after a fault.", &[])
    }

    async fn stop_shards(&self, mut shards: Vec<Shard>) -> Result<(), RunError> {
        for shard in &shards {
            shard.stop().await;
        }
        let ends = futures_util::future::join_all(shards.iter_mut().map(Shard::ended));
        let timeout = self.options.drain_timeout;
        match tokio::time::timeout(timeout, ends).await {
            Ok(ends) => {
                for fault in ends.into_iter().filter_map(Result::err) {
                    error!(fault, "A shard failed while it was being stopped");
                }
                Ok(())
            }
            Err(_) => Err(RunError::DrainTimeout(timeout)),
        }
    }

    fn enter(&self, phase: Phase) {
        self.context.health.enter(phase, self.context.clock.now());
    }
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal that ends the process.
    async fn end(&mut self) {
        loop {
            let name = tokio::select! {
                _ = self.interrupt.recv() => "interrupt",
                _ = self.terminate.recv() => "terminated",
                _ = self.hangup.recv() => {
                    warn!("Received signal hangup: reload is not supported yet; the configuration stays as it is");
                    continue;
                }
            };
            info!(signal = name, "Received signal from OS");
            return;
        }
    }
}
