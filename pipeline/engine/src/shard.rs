//! One thread with a full copy of the pipelines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use component::BuildContext;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use crate::graph::{Graph, build};
use crate::node::{ShardState, panic_text};
use crate::plan::Plan;

/// The control thread's hold on a shard.
pub(crate) struct Shard {
    steps: mpsc::Sender<Step>,
    ended: oneshot::Receiver<Result<(), String>>,
}

enum Step {
    /// Start the receivers, and say how it went.
    Open(oneshot::Sender<Result<(), String>>),
    /// Close the receivers, drain and end.
    Stop,
}

impl Shard {
    /// Starts the thread, builds the graph and starts everything but the receivers.
    pub(crate) async fn start(plan: Arc<Plan>, context: BuildContext) -> Result<Self, String> {
        let (ready, is_ready) = oneshot::channel();
        let (steps, asked) = mpsc::channel(2);
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name(format!("shard-{}", context.shard)).spawn(move || {
            let life = AssertUnwindSafe(|| run(plan, context, ready, asked));
            let outcome = catch_unwind(life).unwrap_or_else(|panic| Err(panic_text(panic.as_ref())));
            // The control thread may have given up waiting.
            let _ = end.send(outcome);
        });
        thread.map_err(|error| format!("cannot start a thread: {error}"))?;
        let mut shard = Self { steps, ended };
        match is_ready.await {
            Ok(Ok(())) => Ok(shard),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err(shard.ended().await.err().unwrap_or_else(|| "the shard ended".into())),
        }
    }

    /// Starts the receivers.
    pub(crate) async fn open(&self) -> Result<(), String> {
        let (answer, opened) = oneshot::channel();
        // If the thread is gone, so is the other end of the answer.
        let _ = self.steps.send(Step::Open(answer)).await;
        opened.await.unwrap_or_else(|_| Err("the shard ended before its receivers were started".into()))
    }

    /// Asks it to close its receivers, drain and end.
    pub(crate) async fn stop(&self) {
        // If the thread is gone, it has stopped.
        let _ = self.steps.send(Step::Stop).await;
    }

    /// Waits until the thread has ended; with the fault that ended it, if it was not asked to. To be awaited once.
    pub(crate) async fn ended(&mut self) -> Result<(), String> {
        (&mut self.ended).await.unwrap_or_else(|_| Err("the shard's thread vanished".into()))
    }
}

fn run(
    plan: Arc<Plan>,
    context: BuildContext,
    ready: oneshot::Sender<Result<(), String>>,
    steps: mpsc::Receiver<Step>,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start an event loop: {error}"))?;
    let tasks = LocalSet::new();
    let outcome = tasks.block_on(&runtime, live(plan, context, ready, steps));
    // Tasks that are left hold promises; dropping them refuses those to their senders.
    drop(tasks);
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

async fn live(
    plan: Arc<Plan>,
    context: BuildContext,
    ready: oneshot::Sender<Result<(), String>>,
    mut steps: mpsc::Receiver<Step>,
) -> Result<(), String> {
    let state = ShardState::new(Arc::clone(&context.clock));
    let mut graph = match start(&plan, &context, &state).await {
        Ok(graph) => graph,
        Err(reason) => {
            let _ = ready.send(Err(reason));
            return Ok(());
        }
    };
    let _ = ready.send(Ok(()));
    let timer = Rc::clone(&state.timer);
    let timer = tokio::task::spawn_local(async move { timer.run().await });
    let fault = loop {
        tokio::select! {
            step = steps.recv() => match step {
                Some(Step::Open(opened)) => {
                    let _ = opened.send(open_receivers(&mut graph).await);
                }
                Some(Step::Stop) | None => break None,
            },
            fault = state.failure() => break Some(fault),
        }
    };
    timer.abort();
    if fault.is_some() {
        // A component in doubt is not asked for what it keeps back; that is refused to its senders.
        graph.workers.iter().for_each(|worker| worker.abandon());
    }
    drain(&mut graph).await;
    fault.map_or(Ok(()), Err)
}

async fn start(plan: &Plan, context: &BuildContext, state: &Rc<ShardState>) -> Result<Graph, String> {
    let graph = build(plan, context, state).map_err(|fault| fault.sentence)?;
    for exit in &graph.exits {
        let started = exit.start().await;
        started
            .map_err(|error| format!("cannot start pipelines: failed to start \"{}\" exporter: {error}", exit.name))?;
    }
    Ok(graph)
}

async fn open_receivers(graph: &mut Graph) -> Result<(), String> {
    for (id, receiver) in &mut graph.receivers {
        let started = receiver.start().await;
        started.map_err(|error| format!("cannot start pipelines: failed to start \"{id}\" receiver: {error}"))?;
    }
    Ok(())
}

/// Doors first, then what is kept back on the way, then what waits to be delivered.
async fn drain(graph: &mut Graph) {
    for (_, receiver) in &mut graph.receivers {
        receiver.stop().await;
    }
    for worker in &graph.workers {
        worker.finish();
    }
    let stops = graph.exits.iter().map(|exit| exit.stop());
    futures_util::future::join_all(stops).await;
}
