//! Senders: one for each lane of series, so that the samples of a series arrive in order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use component::{Ack, ExporterTelemetry, Gauge, Hold, Refusal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::series::Block;
use super::server::Server;

/// A batch's place among those that wait or are being sent: of this shard, and of all in the gauge.
pub(super) struct Open {
    here: Rc<Cell<usize>>,
    everywhere: Gauge,
}

impl Open {
    pub(super) fn new(here: &Rc<Cell<usize>>, everywhere: &Gauge) -> Self {
        here.set(here.get().saturating_add(1));
        everywhere.add(1.0);
        Self { here: Rc::clone(here), everywhere: everywhere.clone() }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.here.set(self.here.get().saturating_sub(1));
        self.everywhere.add(-1.0);
    }
}

/// What is owed to the sender of a batch; settled when its last part is.
pub(super) struct Promise {
    items: usize,
    /// Empty if acceptance by the queue was the answer.
    ack: Option<Ack>,
    telemetry: ExporterTelemetry,
    _open: Open,
    _hold: Option<Hold>,
    missing: Cell<usize>,
    refusal: RefCell<Option<Refusal>>,
}

impl Promise {
    pub(super) fn new(
        items: usize,
        parts: usize,
        ack: Option<Ack>,
        telemetry: ExporterTelemetry,
        open: Open,
        hold: Option<Hold>,
    ) -> Self {
        Self { items, ack, telemetry, _open: open, _hold: hold, missing: Cell::new(parts), refusal: RefCell::new(None) }
    }

    fn settle_part(&self, outcome: &Result<(), Refusal>) {
        self.missing.set(self.missing.get().saturating_sub(1));
        if let Err(refusal) = outcome {
            let mut worst = self.refusal.borrow_mut();
            if worst.is_none() || refusal.is_permanent() {
                *worst = Some(refusal.clone());
            }
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let lost = || Refusal::Retryable("the sender of the samples went away".into());
        let refusal = self.refusal.take().or_else(|| (self.missing.get() > 0).then(lost));
        match &refusal {
            None => self.telemetry.sent(self.items),
            Some(_) => self.telemetry.failed(self.items),
        }
        if let Some(ack) = self.ack.take() {
            ack.resolve(refusal.map_or(Ok(()), Err));
        }
    }
}

/// A part of a batch that one lane sends.
pub(super) struct Part {
    pub(super) block: Block,
    pub(super) promise: Rc<Promise>,
}

#[derive(Default)]
struct Lane {
    waiting: RefCell<VecDeque<Part>>,
    bell: Notify,
    closed: Cell<bool>,
}

impl Lane {
    /// What waits, as far as it fits into one request; nothing when the lane is closed and empty.
    async fn take(&self, largest: usize, merge: bool) -> Vec<Part> {
        loop {
            let parts = self.take_waiting(largest, merge);
            if !parts.is_empty() || self.closed.get() {
                return parts;
            }
            self.bell.notified().await;
        }
    }

    fn take_waiting(&self, largest: usize, merge: bool) -> Vec<Part> {
        let mut waiting = self.waiting.borrow_mut();
        let mut taken: Vec<Part> = waiting.pop_front().into_iter().collect();
        let mut size = taken.first().map_or(0, |part| part.block.bytes.len());
        while merge && !taken.is_empty() {
            let fits = |part: &mut Part| size.saturating_add(part.block.bytes.len()) <= largest;
            let Some(part) = waiting.pop_front_if(fits) else { break };
            size = size.saturating_add(part.block.bytes.len());
            taken.push(part);
        }
        taken
    }
}

/// All lanes of an exporter.
pub(super) struct Lanes {
    lanes: Vec<Rc<Lane>>,
    senders: Vec<JoinHandle<()>>,
    server: Rc<Server>,
}

impl Lanes {
    /// Starts the senders. With `merge` a sender that is behind joins parts of several batches; without it each request
    /// answers for one batch only.
    pub(super) fn start(count: usize, server: Rc<Server>, largest: usize, merge: bool) -> Self {
        let lanes: Vec<Rc<Lane>> = (0..count.max(1)).map(|_| Rc::default()).collect();
        let senders = lanes.iter().map(|lane| {
            let (lane, server) = (Rc::clone(lane), Rc::clone(&server));
            tokio::task::spawn_local(async move { run(&lane, &server, largest, merge).await })
        });
        let senders = senders.collect();
        Self { lanes, senders, server }
    }

    /// Gives a lane a part to send.
    pub(super) fn push(&self, lane: usize, part: Part) {
        if let Some(lane) = self.lanes.get(lane) {
            lane.waiting.borrow_mut().push_back(part);
            lane.bell.notify_one();
        }
    }

    /// Sends what waits and ends. What fails from now on is not attempted again.
    pub(super) async fn stop(&mut self) {
        self.server.stop();
        for lane in &self.lanes {
            lane.closed.set(true);
            lane.bell.notify_one();
        }
        for sender in self.senders.drain(..) {
            if let Err(error) = sender.await {
                tracing::error!(%error, "a sender of samples ended badly");
            }
        }
    }
}

async fn run(lane: &Lane, server: &Server, largest: usize, merge: bool) {
    loop {
        let parts = lane.take(largest, merge).await;
        if parts.is_empty() {
            return;
        }
        let (promises, blocks): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.promise, Bytes::from(part.block.bytes))).unzip();
        let items = promises.iter().map(|promise| promise.items).sum();
        let outcome = server.send(blocks, items).await;
        for promise in promises {
            promise.settle_part(&outcome);
        }
        // Sending without waiting for anybody must not keep the shard to itself.
        tokio::task::yield_now().await;
    }
}

/// A wait that ends early when the exporter stops.
pub(super) async fn wait(time: Duration, stopped: impl Future<Output = ()>) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stopped => {}
    }
}
