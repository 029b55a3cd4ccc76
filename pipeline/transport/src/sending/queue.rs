//! The memory queue: what is accepted, what waits, what is being delivered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use component::{Ack, Budget, BuildContext, ExporterTelemetry, Gauge, Histogram, Hold, Kind, Refusal};
use pdata::{Batch, Signal};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::Delivery;
use super::attempts::Attempts;
use super::batching::{BatchRules, Batcher, measure};
use super::load::{Load, Share};
use crate::settings::{QueueSettings, Sizer};

const BATCH_SIZES: &[f64] = &[
    10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 6000.0, 7000.0, 8000.0,
    9000.0, 10_000.0, 20_000.0, 30_000.0, 50_000.0, 100_000.0,
];

/// What the settings mean for one shard.
pub(super) struct Rules {
    /// Of all that is queued or being delivered.
    capacity: u64,
    sizer: Sizer,
    consumers: usize,
    block_on_overflow: bool,
    wait_for_result: bool,
    batch: Option<BatchRules>,
    /// Without a queue the bytes stay with whoever waits for the answer.
    draws_on_budget: bool,
}

impl Rules {
    /// A shard has its part of the queue and of the consumers; both are at least one.
    pub fn of(settings: Option<&QueueSettings>, context: &BuildContext) -> Self {
        let Some(settings) = settings else {
            return Self {
                capacity: u64::MAX,
                sizer: Sizer::Requests,
                consumers: usize::MAX,
                block_on_overflow: false,
                wait_for_result: true,
                batch: None,
                draws_on_budget: false,
            };
        };
        let shards = context.shards.max(1);
        let consumers = usize::try_from(settings.num_consumers).unwrap_or(1);
        Self {
            capacity: (settings.queue_size.unsigned_abs() / shards as u64).max(1),
            sizer: settings.sizer(),
            consumers: consumers.div_ceil(shards).max(1),
            block_on_overflow: settings.block_on_overflow,
            wait_for_result: settings.wait_for_result,
            batch: settings.batch.get().map(|batch| BatchRules::of(batch, settings.sizer)),
            draws_on_budget: true,
        }
    }
}

struct Telemetry {
    items: ExporterTelemetry,
    queue_size: Option<Gauge>,
    in_flight: Gauge,
    batch_sizes: Option<Histogram>,
}

impl Telemetry {
    fn new(rules: &Rules, context: &BuildContext) -> Self {
        let exporter = context.id.to_string();
        let signal = context.signal.unwrap_or(Signal::Traces);
        let labels = [("exporter", exporter.as_str()), ("data_type", signal.as_str())];
        let registry = &context.registry;
        let queue_size = rules.draws_on_budget.then(|| {
            #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
            let capacity = rules.capacity.saturating_mul(context.shards.max(1) as u64) as f64;
            registry.reading(
                "otelcol_exporter_queue_capacity",
                "Most that the sending queue holds.",
                Kind::Gauge,
                &labels,
                move || capacity,
            );
            registry.gauge("otelcol_exporter_queue_size", "What the sending queue holds.", &labels)
        });
        let batch_sizes = rules.batch.is_some().then(|| {
            registry.histogram("otelcol_exporter_queue_batch_send_size", "Items per batch.", &labels[..1], BATCH_SIZES)
        });
        Self {
            items: context.exporter_telemetry(),
            queue_size,
            in_flight: registry.gauge("otelcol_exporter_in_flight_requests", "Requests being delivered.", &labels),
            batch_sizes,
        }
    }
}

/// A batch that was not accepted yet, because the queue is full.
struct Blocked {
    batch: Batch,
    ack: Ack,
    hold: Option<Hold>,
    size: u64,
}

#[derive(Default)]
struct State {
    blocked: VecDeque<Blocked>,
    batcher: Option<Batcher>,
    flush: Option<AbortHandle>,
    ready: VecDeque<Load>,
    /// Size of all that was accepted and is not settled.
    used: u64,
    running: usize,
}

pub(super) struct Queue<D> {
    attempts: Attempts<D>,
    rules: Rules,
    budget: Arc<Budget>,
    telemetry: Telemetry,
    state: RefCell<State>,
    // Told whenever a delivery ends.
    settled: Notify,
}

impl<D: Delivery> Queue<D> {
    pub fn new(attempts: Attempts<D>, rules: Rules, context: &BuildContext) -> Rc<Self> {
        let state = State { batcher: rules.batch.map(Batcher::new), ..State::default() };
        Rc::new(Self {
            telemetry: Telemetry::new(&rules, context),
            budget: Arc::clone(&context.budget),
            attempts,
            rules,
            state: RefCell::new(state),
            settled: Notify::new(),
        })
    }

    pub fn accept(self: &Rc<Self>, batch: Batch, ack: Ack) {
        let size = measure(self.rules.sizer, &batch);
        let hold = match self.rules.draws_on_budget {
            false => None,
            true if self.is_idle() => Some(self.budget.take_first(batch.size())),
            true => match self.budget.take(batch.size()) {
                Some(hold) => Some(hold),
                None => return self.refuse(&batch, ack, "sending queue is full: too many bytes in flight"),
            },
        };
        let arrival = Blocked { batch, ack, hold, size };
        if self.has_room(size) {
            self.enqueue(arrival);
            self.deliver_ready();
        } else if self.rules.block_on_overflow {
            self.state.borrow_mut().blocked.push_back(arrival);
        } else {
            self.refuse(&arrival.batch, arrival.ack, "sending queue is full");
        }
    }

    pub async fn stop(self: &Rc<Self>) {
        self.attempts.stop();
        loop {
            // Blocked batches come in as others leave, and must not wait for their batch to fill.
            self.flush();
            let told = self.settled.notified();
            if self.state.borrow().running == 0 {
                return;
            }
            told.await;
        }
    }

    fn refuse(&self, batch: &Batch, ack: Ack, reason: &str) {
        self.telemetry.items.enqueue_failed(batch.items());
        ack.refuse(Refusal::overload(reason));
    }

    /// True if it keeps nothing.
    fn is_idle(&self) -> bool {
        let state = self.state.borrow();
        state.used == 0 && state.blocked.is_empty()
    }

    /// Blocked batches go first. A batch larger than the whole queue passes when it is alone.
    fn has_room(&self, size: u64) -> bool {
        let state = self.state.borrow();
        state.blocked.is_empty() && fits(&state, &self.rules, size)
    }

    fn enqueue(self: &Rc<Self>, arrival: Blocked) {
        let Blocked { batch, ack, hold, size } = arrival;
        let ack = if self.rules.wait_for_result {
            ack
        } else {
            ack.accept();
            Ack::unwatched()
        };
        let load = Load::new(batch, ack, Share { size, _hold: hold }, &self.telemetry.items);
        self.count_size(size, true);
        let mut state = self.state.borrow_mut();
        state.used = state.used.saturating_add(size);
        let Some(batcher) = &mut state.batcher else {
            return state.ready.push_back(load);
        };
        let full = batcher.push(load);
        let waits = !batcher.is_empty();
        if !full.is_empty() || !waits {
            state.ready.extend(full);
            state.flush.take().inspect(AbortHandle::abort);
        }
        if waits && state.flush.is_none() {
            state.flush = self.flush_later();
        }
    }

    fn flush_later(self: &Rc<Self>) -> Option<AbortHandle> {
        let queue = Rc::clone(self);
        let after = self.rules.batch?.flush_after;
        let task = tokio::task::spawn_local(async move {
            tokio::time::sleep(after).await;
            queue.flush();
        });
        Some(task.abort_handle())
    }

    /// Sends on what waits for its batch to fill.
    fn flush(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        state.flush.take().inspect(AbortHandle::abort);
        let waiting = state.batcher.as_mut().map(Batcher::flush).unwrap_or_default();
        state.ready.extend(waiting);
        drop(state);
        self.deliver_ready();
    }

    /// Starts deliveries while there are loads and idle consumers.
    fn deliver_ready(self: &Rc<Self>) {
        loop {
            let mut state = self.state.borrow_mut();
            if state.running >= self.rules.consumers {
                return;
            }
            let Some(load) = state.ready.pop_front() else { return };
            state.running += 1;
            drop(state);
            let queue = Rc::clone(self);
            tokio::task::spawn_local(async move { queue.deliver(load).await });
        }
    }

    async fn deliver(self: Rc<Self>, load: Load) {
        if let Some(sizes) = &self.telemetry.batch_sizes {
            #[expect(clippy::cast_precision_loss, reason = "histograms are of floats")]
            sizes.observe(load.batch.items() as f64);
        }
        let in_flight = InFlight::enter(&self.telemetry.in_flight);
        let outcome = self.attempts.send(&load.batch).await;
        drop(in_flight);
        let returned = load.settle(outcome);
        self.count_size(returned, false);
        {
            let mut state = self.state.borrow_mut();
            state.running -= 1;
            state.used = state.used.saturating_sub(returned);
        }
        self.enqueue_blocked();
        self.deliver_ready();
        self.settled.notify_waiters();
    }

    fn enqueue_blocked(self: &Rc<Self>) {
        loop {
            let mut state = self.state.borrow_mut();
            let Some(first) = state.blocked.front() else { return };
            if !fits(&state, &self.rules, first.size) {
                return;
            }
            let Some(first) = state.blocked.pop_front() else { return };
            drop(state);
            self.enqueue(first);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    fn count_size(&self, size: u64, came: bool) {
        if let Some(queue_size) = &self.telemetry.queue_size {
            queue_size.add(if came { size as f64 } else { -(size as f64) });
        }
    }
}

// Gauges outlive a shard that panicked and is built anew, so what it counted leaves with it.
impl<D> Drop for Queue<D> {
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    fn drop(&mut self) {
        if let Some(queue_size) = &self.telemetry.queue_size {
            queue_size.add(-(self.state.get_mut().used as f64));
        }
    }
}

struct InFlight<'a>(&'a Gauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a Gauge) -> Self {
        gauge.add(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.add(-1.0);
    }
}

fn fits(state: &State, rules: &Rules, size: u64) -> bool {
    state.used == 0 || state.used.saturating_add(size) <= rules.capacity
}
