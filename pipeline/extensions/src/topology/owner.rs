//! The one thread that writes: takes rows, keeps the store's time, publishes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use component::{Clock, StopSignal};
use tokio::sync::watch;
use topology::store::Store;
use topology::{Intake, Moment, Taken};

use super::judge::Judging;
use super::published::Published;
use super::telemetry::Telemetry;

/// Between publications, and between what a crash may lose.
const TICK: Duration = Duration::from_secs(1);

/// The writing thread, until it is stopped.
pub struct Owner {
    intake: Arc<Intake>,
    thread: std::thread::JoinHandle<()>,
}

/// What the thread works with.
pub struct Work {
    /// Where rows come from.
    pub intake: Arc<Intake>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where they go.
    pub store: Store,
    /// What is thought of it.
    pub judging: Judging,
    /// Where what is known is made known.
    pub publish: watch::Sender<Arc<Published>>,
    /// What it counts.
    pub telemetry: Telemetry,
    /// How the process ends when the map cannot go on.
    pub stop: StopSignal,
}

impl Owner {
    /// Starts the thread.
    pub fn start(work: Work) -> std::io::Result<Self> {
        let intake = Arc::clone(&work.intake);
        let thread = std::thread::Builder::new().name("map-store".into()).spawn(move || guarded(work))?;
        Ok(Self { intake, thread })
    }

    /// Ends the thread after what still waits is written.
    pub async fn stop(self) {
        self.intake.close();
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

/// The moment that a clock shows.
pub fn moment(clock: &dyn Clock) -> Moment {
    Moment(clock.now().unix_nanos)
}

/// A map that nobody writes would answer with its last second for ever: a panic ends the process, in order and with an
/// error. What the directory holds is there after a restart.
fn guarded(work: Work) {
    let (intake, stop) = (Arc::clone(&work.intake), work.stop.clone());
    // Nothing of `work` is left to be seen broken.
    if catch_unwind(AssertUnwindSafe(|| run(work))).is_err() {
        intake.close();
        stop.stop(Err("the thread that keeps the map has panicked; the log says where".into()));
    }
}

fn run(mut work: Work) {
    let mut next_tick = work.clock.now().monotonic + TICK;
    loop {
        let patience = next_tick.saturating_sub(work.clock.now().monotonic);
        let taken = work.intake.take(patience);
        let is_end = taken.closed;
        work.apply(taken);
        let now = work.clock.now().monotonic;
        if now >= next_tick || is_end {
            work.tick();
            // After a pause of the machine there is one tick, not one for every second of it.
            next_tick = now + TICK;
        }
        if is_end {
            work.end();
            return;
        }
    }
}

impl Work {
    fn apply(&mut self, taken: Taken) {
        let now = moment(&*self.clock);
        self.telemetry.dropped(&taken.dropped);
        for (reason, count) in taken.dropped {
            self.store.note_lost(reason, count, now);
        }
        for rows in taken.rows {
            let applied = self.store.apply(rows, now);
            self.telemetry.applied(&applied);
        }
    }

    /// Makes durable what the last look changed.
    fn end(&mut self) {
        let ticked = self.store.tick(moment(&*self.clock));
        self.telemetry.ticked(&ticked);
    }

    fn tick(&mut self) {
        let now = moment(&*self.clock);
        let ticked = self.store.tick(now);
        self.telemetry.ticked(&ticked);
        let snapshot = self.store.snapshot();
        self.telemetry.shows(&snapshot);
        for interval in self.judging.step(&snapshot, now) {
            self.store.record(interval);
        }
        let last = Arc::clone(&self.publish.borrow());
        let (opinion, notices) = (self.judging.opinion(), self.judging.notices());
        self.publish.send_replace(Arc::new(last.next(now, snapshot, opinion, notices)));
    }
}
