//! The places of a shard's graph.
//!
//! Everything here runs on one thread. A component is borrowed while it works; since graphs have no cycles, nothing is
//! borrowed twice. A panic ends at the component that panicked: the batch is refused to its sender and the shard is
//! told to restart.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use component::{
    Ack, AnyConnector, AnyExporter, AnyProcessor, Clock, Consume, Counter, Now, Output, Refusal, StartError,
};
use pdata::Batch;
use tokio::sync::Notify;

use crate::timer::{Sleeper, Timer};

/// What the nodes of one shard share.
pub(crate) struct ShardState {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timer: Rc<Timer>,
    failure: RefCell<Option<String>>,
    failed: Notify,
}

impl ShardState {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Rc<Self> {
        let timer = Timer::new(Arc::clone(&clock));
        Rc::new(Self { clock, timer, failure: RefCell::default(), failed: Notify::new() })
    }

    /// Waits until a component has panicked, and says which and how.
    pub(crate) async fn failure(&self) -> String {
        loop {
            if let Some(failure) = self.failure.borrow().clone() {
                return failure;
            }
            self.failed.notified().await;
        }
    }

    fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// Runs a component's code; false if it panicked, now or before.
    fn guard(&self, name: &str, work: impl FnOnce()) -> bool {
        if self.has_failed() {
            return false;
        }
        let outcome = catch_unwind(AssertUnwindSafe(work));
        if let Err(panic) = outcome {
            *self.failure.borrow_mut() = Some(format!("{name} panicked: {}", panic_text(panic.as_ref())));
            self.failed.notify_one();
            return false;
        }
        true
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

fn restarting() -> Refusal {
    Refusal::Retryable("this part of the pipeline is being restarted after a fault".into())
}

/// Sends every batch to all branches.
pub(crate) struct FanOut {
    branches: Vec<Rc<dyn Consume>>,
}

impl FanOut {
    /// The one branch itself, or a node in front of several.
    pub(crate) fn over(mut branches: Vec<Rc<dyn Consume>>) -> Rc<dyn Consume> {
        match branches.len() {
            1 => branches.remove(0),
            _ => Rc::new(Self { branches }),
        }
    }
}

impl Consume for FanOut {
    fn consume(&self, batch: Batch, ack: Ack) {
        for branch in &self.branches {
            branch.consume(batch.clone(), ack.clone());
        }
        ack.accept();
    }
}

/// Counts what passes.
struct Counted<'a> {
    next: &'a dyn Consume,
    items: &'a Counter,
}

impl Consume for Counted<'_> {
    fn consume(&self, batch: Batch, ack: Ack) {
        self.items.add(batch.items() as u64);
        self.next.consume(batch, ack);
    }
}

/// A processor or a connector: what works on batches and may want to be woken.
pub(crate) trait Work {
    fn work(&mut self, batch: Batch, output: &mut Output);
    fn wake(&self) -> Option<Duration>;
    fn tick(&mut self, output: &mut Output);
    fn finish(&mut self, output: &mut Output);
}

macro_rules! work {
    ($any:ident by $work:ident) => {
        impl Work for Box<dyn $any> {
            fn work(&mut self, batch: Batch, output: &mut Output) {
                self.as_mut().$work(batch, output);
            }

            fn wake(&self) -> Option<Duration> {
                self.as_ref().wake()
            }

            fn tick(&mut self, output: &mut Output) {
                self.as_mut().tick(output);
            }

            fn finish(&mut self, output: &mut Output) {
                self.as_mut().finish(output);
            }
        }
    };
}

work!(AnyProcessor by process);
work!(AnyConnector by consume);

/// The place of a processor or connector.
pub(crate) struct Worker<W> {
    name: String,
    /// Gone after [`Finish::abandon`].
    work: RefCell<Option<W>>,
    next: Rc<dyn Consume>,
    incoming: Counter,
    outgoing: Counter,
    state: Rc<ShardState>,
    scheduled: Cell<Option<Duration>>,
}

impl<W: Work> Worker<W> {
    pub(crate) fn new(
        name: String,
        work: W,
        next: Rc<dyn Consume>,
        (incoming, outgoing): (Counter, Counter),
        state: &Rc<ShardState>,
    ) -> Self {
        let scheduled = Cell::new(work.wake());
        Self { name, work: RefCell::new(Some(work)), next, incoming, outgoing, state: Rc::clone(state), scheduled }
    }

    fn guarded(&self, ack: Option<&Ack>, work: impl FnOnce(&mut W, &mut Output)) -> Result<(), Refusal> {
        let next = Counted { next: self.next.as_ref(), items: &self.outgoing };
        let now: Now = self.state.clock.now();
        let mut output = Output::new(&next, ack, now);
        let sound = self.state.guard(&self.name, || {
            if let Some(worker) = self.work.borrow_mut().as_mut() {
                work(worker, &mut output);
            }
        });
        if !sound {
            return Err(restarting());
        }
        self.reschedule();
        output.into_refusal().map_or(Ok(()), Err)
    }

    fn reschedule(&self) {
        let wake = self.work.borrow().as_ref().and_then(Work::wake);
        if self.scheduled.replace(wake) != wake {
            self.state.timer.reconsider();
        }
    }
}

impl<W: Work> Consume for Worker<W> {
    fn consume(&self, batch: Batch, ack: Ack) {
        self.incoming.add(batch.items() as u64);
        let outcome = self.guarded(Some(&ack), |worker, output| worker.work(batch, output));
        ack.resolve(outcome);
    }
}

impl<W: Work> Sleeper for Worker<W> {
    fn wake(&self) -> Option<Duration> {
        self.scheduled.get().filter(|_| !self.state.has_failed())
    }

    fn tick(&self) {
        // A fault has been noted for the shard; there is no sender to tell.
        let _ = self.guarded(None, |worker, output| worker.tick(output));
    }
}

/// Something to be finished at the end of the day.
pub(crate) trait Finish {
    /// Sends what is kept back.
    fn finish(&self);
    /// Throws away the component and with it, refused, what it keeps back.
    fn abandon(&self);
}

impl<W: Work> Finish for Worker<W> {
    fn finish(&self) {
        let _ = self.guarded(None, |worker, output| worker.finish(output));
    }

    fn abandon(&self) {
        self.work.borrow_mut().take();
    }
}

/// The place of an exporter.
pub(crate) struct Exit {
    pub(crate) name: String,
    pub(crate) exporter: RefCell<Box<dyn AnyExporter>>,
    pub(crate) state: Rc<ShardState>,
}

#[expect(
    clippy::await_holding_refcell_ref,
    reason = "nothing is sent to an exporter before it has started or once it stops"
)]
impl Exit {
    /// Opens the exporter, before anything is sent to it.
    pub(crate) async fn start(&self) -> Result<(), StartError> {
        self.exporter.borrow_mut().start().await
    }

    /// Has the exporter deliver what it keeps, when nothing more will be sent to it.
    pub(crate) async fn stop(&self) {
        self.exporter.borrow_mut().stop().await;
    }
}

impl Consume for Exit {
    fn consume(&self, batch: Batch, ack: Ack) {
        // A panic drops the promise, which refuses.
        self.state.guard(&self.name, || self.exporter.borrow_mut().accept(batch, ack));
    }
}
