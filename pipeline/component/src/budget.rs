//! How many bytes may be in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound in bytes that many threads draw from. Receivers draw before they decompress, queues while they keep.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// Takes `bytes` if they are left. They return when the [`Hold`] is dropped. One request larger than the whole
    /// budget is let through when nothing else is in flight, so that a small budget slows and never starves.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Option<Hold> {
        let fits = |used: usize| {
            let after = used.checked_add(bytes)?;
            (after <= self.limit || used == 0).then_some(after)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Hold { budget: Arc::clone(self), bytes })
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Most bytes that may be held.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// Bytes taken from a [`Budget`]; dropping it gives them back.
#[derive(Debug)]
pub struct Hold {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Hold {
    /// Grows or shrinks the hold to `bytes`. False, and nothing changes, if the budget does not allow it.
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes <= self.bytes {
            self.budget.used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            self.bytes = bytes;
            return true;
        }
        let alone = self.bytes;
        let more = bytes - self.bytes;
        let fits = |used: usize| {
            let after = used.checked_add(more)?;
            (after <= self.budget.limit || used == alone).then_some(after)
        };
        let grown = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if grown {
            self.bytes = bytes;
        }
        grown
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_until_something_returns() {
        let budget = Budget::new(100);
        let first = budget.take(60).unwrap();

        assert!(budget.take(60).is_none());
        drop(first);
        assert!(budget.take(60).is_some());
    }

    #[test]
    fn one_giant_passes_alone() {
        let budget = Budget::new(100);

        let giant = budget.take(500).unwrap();

        assert!(budget.take(1).is_none());
        drop(giant);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_hold_grows_when_the_true_size_is_known() {
        let budget = Budget::new(100);
        let mut hold = budget.take(10).unwrap();

        assert!(hold.resize(90));
        assert!(budget.take(20).is_none());
        assert!(hold.resize(5));
        assert_eq!(budget.used(), 5);
    }
}
