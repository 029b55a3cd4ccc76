//! One timer per shard for everything that wants to be woken.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use component::Clock;
use tokio::sync::Notify;

/// Something that wants to be woken at a time of the monotonic clock.
pub(crate) trait Sleeper {
    /// When.
    fn wake(&self) -> Option<Duration>;
    /// It is time.
    fn tick(&self);
}

/// Wakes the sleepers of one shard.
pub(crate) struct Timer {
    clock: Arc<dyn Clock>,
    sleepers: RefCell<Vec<Rc<dyn Sleeper>>>,
    changed: Notify,
}

impl Timer {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Rc<Self> {
        Rc::new(Self { clock, sleepers: RefCell::default(), changed: Notify::new() })
    }

    pub(crate) fn add(&self, sleeper: Rc<dyn Sleeper>) {
        self.sleepers.borrow_mut().push(sleeper);
        self.changed.notify_one();
    }

    /// To be called when a sleeper's time has changed.
    pub(crate) fn reconsider(&self) {
        self.changed.notify_one();
    }

    /// Runs until dropped.
    pub(crate) async fn run(&self) {
        loop {
            match self.next() {
                None => self.changed.notified().await,
                Some(at) => {
                    let pause = at.saturating_sub(self.clock.now().monotonic);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => self.tick_due(),
                        () = self.changed.notified() => {}
                    }
                }
            }
        }
    }

    fn next(&self) -> Option<Duration> {
        self.sleepers.borrow().iter().filter_map(|sleeper| sleeper.wake()).min()
    }

    fn tick_due(&self) {
        let now = self.clock.now().monotonic;
        let due = |sleeper: &&Rc<dyn Sleeper>| sleeper.wake().is_some_and(|at| at <= now);
        let sleepers: Vec<_> = self.sleepers.borrow().iter().filter(due).cloned().collect();
        for sleeper in sleepers {
            sleeper.tick();
        }
    }
}
