//! How a batch goes on: what a component is given to send with.

use std::rc::Rc;

use pdata::Batch;

use crate::telemetry::noun;
use crate::{Ack, Counter, Now, Refusal, Registry, promise};

/// A place in a shard's graph that takes batches. Taking is synchronous: the promise says how it ended.
pub trait Consume {
    /// Takes the batch and answers its promise, now or later.
    fn consume(&self, batch: Batch, ack: Ack);
}

/// What a processor or connector sends into while it holds one batch.
pub struct Output<'a> {
    next: &'a dyn Consume,
    ack: Option<&'a Ack>,
    refusal: Option<Refusal>,
    now: Now,
}

impl<'a> Output<'a> {
    /// An output to `next` for work on the batch that `ack` promises; without one, for work that a timer started.
    pub fn new(next: &'a dyn Consume, ack: Option<&'a Ack>, now: Now) -> Self {
        Self { next, ack, refusal: None, now }
    }

    /// Sends a batch on. It carries the promise of the batch being worked on.
    pub fn send(&mut self, batch: Batch) {
        let ack = self.hold();
        self.send_with(batch, ack);
    }

    /// Sends a batch that keeps the promise `ack`.
    pub fn send_with(&mut self, batch: Batch, ack: Ack) {
        if batch.is_empty() {
            ack.accept();
        } else {
            self.next.consume(batch, ack);
        }
    }

    /// A part in the promise of the batch being worked on, for a component that keeps data back.
    pub fn hold(&self) -> Ack {
        self.ack.cloned().unwrap_or_else(Ack::unwatched)
    }

    /// Refuses the batch being worked on to its sender.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
    }

    /// The time at which this work began.
    pub fn now(&self) -> Now {
        self.now
    }

    /// What [`Output::refuse`] was told.
    pub fn into_refusal(self) -> Option<Refusal> {
        self.refusal
    }
}

/// A receiver's way into the pipelines of one signal.
#[derive(Clone)]
pub struct Outlet {
    next: Rc<dyn Consume>,
    accepted: Counter,
    refused: Counter,
}

impl Outlet {
    /// An outlet that counts what `receiver` took over `transport`.
    pub fn new(
        next: Rc<dyn Consume>,
        registry: &Registry,
        receiver: &str,
        transport: &str,
        signal: pdata::Signal,
    ) -> Self {
        let labels = [("receiver", receiver), ("transport", transport)];
        let noun = noun(signal);
        let accepted = format!("otelcol_receiver_accepted_{noun}");
        let refused = format!("otelcol_receiver_refused_{noun}");
        Self {
            next,
            accepted: registry.counter(&accepted, "Items taken into the pipeline.", &labels),
            refused: registry.counter(&refused, "Items refused to their sender.", &labels),
        }
    }

    /// Sends a batch and waits until it is taken, or refused.
    pub async fn send(&self, batch: Batch) -> Result<(), Refusal> {
        let items = batch.items() as u64;
        let (ack, answer) = promise();
        self.next.consume(batch, ack);
        let outcome = answer.await;
        match &outcome {
            Ok(()) => self.accepted.add(items),
            Err(_) => self.refused.add(items),
        }
        outcome
    }
}
