//! What the instances of a connector on all shards share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use component::BuildContext;

/// State behind one lock, and how many instances are left that may change it.
///
/// A lock and not an owner: each shard takes it once per batch, for as long as it takes to add prepared rows, and what
/// shards see of one call must meet somewhere.
pub(crate) struct Shared<T> {
    state: Mutex<T>,
    instances: AtomicUsize,
}

/// One instance's hold on the shared state.
pub(crate) struct Holder<T> {
    shared: Arc<Shared<T>>,
    is_left: bool,
}

impl<T: Send + 'static> Holder<T> {
    /// The state of this connector, made by the first instance.
    pub(crate) fn join(context: &BuildContext, make: impl FnOnce() -> T) -> Self {
        let shared = context.shared(|| Shared { state: Mutex::new(make()), instances: AtomicUsize::new(0) });
        shared.instances.fetch_add(1, Ordering::AcqRel);
        Self { shared, is_left: false }
    }

    /// The state. A shard that panicked leaves it as it was between two rows: it stays in use.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Holder<T> {
    /// This instance will change nothing any more. True for the last one.
    pub(crate) fn leave(&mut self) -> bool {
        let was_here = !std::mem::replace(&mut self.is_left, true);
        was_here && self.shared.instances.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl<T> Drop for Holder<T> {
    fn drop(&mut self) {
        self.leave();
    }
}
