//! What the instances of a component on all shards share, and which of them is the last.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::BuildContext;

/// How many instances are left.
struct Instances(AtomicUsize);

/// One of the instances of a component. One whose shard panicked leaves by being dropped.
pub struct Instance {
    all: Arc<Instances>,
    is_left: bool,
}

impl Instance {
    /// One more instance of the component that is built.
    pub fn join(context: &BuildContext) -> Self {
        let all = context.shared(|| Instances(AtomicUsize::new(0)));
        all.0.fetch_add(1, Ordering::AcqRel);
        Self { all, is_left: false }
    }

    /// This instance will change nothing any more. True for the last one.
    pub fn leave(&mut self) -> bool {
        let was_here = !std::mem::replace(&mut self.is_left, true);
        was_here && self.all.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.leave();
    }
}

/// One instance's hold on the state that all share.
///
/// A lock and not an owner: each shard takes it once per batch, for as long as it takes to add prepared rows, and what
/// shards see of one call must meet somewhere.
pub struct Holder<T> {
    state: Arc<Mutex<T>>,
    instance: Instance,
}

impl<T: Send + 'static> Holder<T> {
    /// The state of the component that is built, made by its first instance.
    pub fn join(context: &BuildContext, make: impl FnOnce() -> T) -> Self {
        Self { state: context.shared(|| Mutex::new(make())), instance: Instance::join(context) }
    }

    /// The state. A shard that panicked leaves it as it was between two rows: it stays in use.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This instance will change nothing any more. True for the last one.
    pub fn leave(&mut self) -> bool {
        self.instance.leave()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, SystemClock};

    #[test]
    fn the_last_to_leave_is_told_also_if_another_was_lost_on_the_way() {
        let context = BuildContext::new(Arc::new(SystemClock::default()), Budget::new(1), 3);
        let [mut first, lost, mut last] = [0; 3].map(|_| Instance::join(&context));

        drop(lost);

        assert_eq!([first.leave(), first.leave(), last.leave()], [false, false, true]);
    }
}
