//! What each kind of component does.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use config::Section;
use pdata::{Batch, Signal};

use crate::{Ack, BuildContext, BuildError, Consume, Outlet, Output, Registry, StartError};

/// The ways into the pipelines that use a receiver, by signal.
#[derive(Clone)]
pub struct Outlets {
    next: BTreeMap<Signal, Rc<dyn Consume>>,
    receiver: String,
    registry: Arc<Registry>,
}

impl Outlets {
    /// The ways into `next`, for the receiver with this id.
    pub fn new(next: BTreeMap<Signal, Rc<dyn Consume>>, receiver: String, registry: Arc<Registry>) -> Self {
        Self { next, receiver, registry }
    }

    /// The way for one signal, if a pipeline of that signal uses the receiver. `transport` is the label of the counts.
    pub fn outlet(&self, signal: Signal, transport: &str) -> Option<Outlet> {
        let next = Rc::clone(self.next.get(&signal)?);
        Some(Outlet::new(next, &self.registry, &self.receiver, transport, signal))
    }
}

/// Brings data in. One instance per id and shard serves all its signals.
///
/// `start` opens what must be open before the process calls itself ready, and spawns local tasks on the shard's
/// runtime; `stop` closes the doors and returns when nothing more will be sent.
#[async_trait(?Send)]
pub trait Receiver: Sized + 'static {
    /// Its keys.
    type Config: Section + Send + Sync + 'static;
    /// The signals it can bring.
    const SIGNALS: &'static [Signal];
    /// Runs on every shard (a socket that several may listen on), or only on the first.
    const ON_EVERY_SHARD: bool;

    /// Prepares; must not touch the outside world, `validate` calls it too.
    fn build(config: &Self::Config, outlets: Outlets, context: &BuildContext) -> Result<Self, BuildError>;
    /// Opens.
    async fn start(&mut self) -> Result<(), StartError>;
    /// Closes.
    async fn stop(&mut self);
}

/// Changes, keeps back or drops data on its way. One instance per id, pipeline and shard.
///
/// `process` runs on the shard's thread and never waits. Whatever it sends carries the promise of the batch it works
/// on; what it neither sends, nor holds, nor refuses is taken as accepted.
pub trait Processor: Sized + 'static {
    /// Its keys.
    type Config: Section + Send + Sync + 'static;
    /// The signals it works on.
    const SIGNALS: &'static [Signal] = &Signal::ALL;

    /// Prepares; must not touch the outside world.
    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError>;
    /// Works on one batch.
    fn process(&mut self, batch: Batch, output: &mut Output);
    /// When [`Processor::tick`] wants to be called next, on the monotonic clock.
    fn wake(&self) -> Option<std::time::Duration> {
        None
    }
    /// Does what is due at [`Output::now`].
    fn tick(&mut self, _output: &mut Output) {}
    /// Sends what is still kept back; called once, when nothing more will come.
    fn finish(&mut self, _output: &mut Output) {}
}

/// Takes data at the end of pipelines of one signal and starts pipelines of another. One instance per id, pair of
/// signals and shard; state that must be one for the process is [`BuildContext::shared`].
pub trait Connector: Sized + 'static {
    /// Its keys.
    type Config: Section + Send + Sync + 'static;
    /// The pairs (from, to) it can connect.
    const PAIRS: &'static [(Signal, Signal)];

    /// Prepares; must not touch the outside world. `to` is the signal it starts.
    fn build(config: &Self::Config, to: Signal, context: &BuildContext) -> Result<Self, BuildError>;
    /// Works on one batch.
    fn consume(&mut self, batch: Batch, output: &mut Output);
    /// When [`Connector::tick`] wants to be called next, on the monotonic clock.
    fn wake(&self) -> Option<std::time::Duration> {
        None
    }
    /// Does what is due at [`Output::now`].
    fn tick(&mut self, _output: &mut Output) {}
    /// Sends what is still kept; called once, when nothing more will come.
    fn finish(&mut self, _output: &mut Output) {}
}

/// Takes data out. One instance per id, signal and shard.
#[async_trait(?Send)]
pub trait Exporter: Sized + 'static {
    /// Its keys.
    type Config: Section + Send + Sync + 'static;
    /// The signals it takes.
    const SIGNALS: &'static [Signal];

    /// Prepares; must not touch the outside world. `context.signal` is the one it is built for.
    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError>;
    /// Opens.
    async fn start(&mut self) -> Result<(), StartError> {
        Ok(())
    }
    /// Takes one batch and answers its promise, now or later.
    fn accept(&mut self, batch: Batch, ack: Ack);
    /// Delivers what is still kept and closes. The engine bounds how long it waits.
    async fn stop(&mut self) {}
}

/// Serves the process beside the data: health, pages. One instance per id.
#[async_trait(?Send)]
pub trait Extension: Sized + 'static {
    /// Its keys.
    type Config: Section + Send + Sync + 'static;

    /// Prepares; must not touch the outside world.
    fn build(config: &Self::Config, context: &BuildContext) -> Result<Self, BuildError>;
    /// Opens. Extensions start before all pipelines and stop after them.
    async fn start(&mut self) -> Result<(), StartError>;
    /// Closes.
    async fn stop(&mut self);
}
