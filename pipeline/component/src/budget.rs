//! How many bytes may be in flight.
//!
//! The same bytes are held twice for a moment: by the request that brought them, until it is answered, and by the queue
//! that took them. So there are two questions. [`Budget::admit`] asks for bytes that are not in memory yet, and counts
//! everything. [`Budget::take`] asks for bytes that are here already, and counts only what others keep: otherwise a
//! message of more than half of the budget would stand in its own way, and be refused for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound in bytes that many threads draw from. Receivers draw before they decompress, queues while they keep.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    coming: AtomicUsize,
    kept: AtomicUsize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Coming,
    Kept,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, coming: AtomicUsize::new(0), kept: AtomicUsize::new(0) })
    }

    /// Lets `bytes` come in if they are left. They return when the [`Hold`] is dropped. One request larger than the
    /// whole budget is let through when nothing else is held, so that a small budget slows and never starves.
    pub fn admit(self: &Arc<Self>, bytes: usize) -> Option<Hold> {
        self.more(Purpose::Coming, 0, bytes)
    }

    /// Takes `bytes` for a queue if others keep little enough. A giant passes when nothing else is kept.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Option<Hold> {
        self.more(Purpose::Kept, 0, bytes)
    }

    /// Takes `bytes` for a queue that keeps nothing. They are here already, and have to get on: a queue that the others
    /// leave no room for would otherwise refuse its part of every large message that goes to all of them.
    pub fn take_first(self: &Arc<Self>, bytes: usize) -> Hold {
        self.kept.fetch_add(bytes, Ordering::AcqRel);
        Hold { budget: Arc::clone(self), purpose: Purpose::Kept, bytes }
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.coming.load(Ordering::Acquire).saturating_add(self.kept.load(Ordering::Acquire))
    }

    /// Most bytes that may be held.
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn counter(&self, purpose: Purpose) -> &AtomicUsize {
        match purpose {
            Purpose::Coming => &self.coming,
            Purpose::Kept => &self.kept,
        }
    }

    /// Draws `more` bytes for somebody who holds `alone` of them.
    fn more(self: &Arc<Self>, purpose: Purpose, alone: usize, more: usize) -> Option<Hold> {
        let fits = |counted: usize| {
            // Bytes that a queue has just taken from a request are counted there before they leave here. Here is read
            // first, so they are seen in at least one place.
            let others = if purpose == Purpose::Coming { self.kept.load(Ordering::Acquire) } else { 0 };
            let after = counted.checked_add(others)?.checked_add(more)?;
            (after <= self.limit || counted.saturating_add(others) == alone).then(|| counted.saturating_add(more))
        };
        self.counter(purpose).fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).ok()?;
        Some(Hold { budget: Arc::clone(self), purpose, bytes: more })
    }
}

/// Bytes taken from a [`Budget`]; dropping it gives them back.
#[derive(Debug)]
pub struct Hold {
    budget: Arc<Budget>,
    purpose: Purpose,
    bytes: usize,
}

impl Hold {
    /// Grows or shrinks the hold to `bytes`. False, and nothing changes, if the budget does not allow it.
    pub fn resize(&mut self, bytes: usize) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else {
            self.budget.counter(self.purpose).fetch_sub(self.bytes.saturating_sub(bytes), Ordering::AcqRel);
            self.bytes = bytes;
            return true;
        };
        let Some(mut grown) = self.budget.more(self.purpose, self.bytes, more) else { return false };
        self.bytes = bytes;
        // This hold gives all of them back.
        grown.bytes = 0;
        true
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.counter(self.purpose).fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_until_something_returns() {
        for draw in [Budget::admit, Budget::take] {
            let budget = Budget::new(100);
            let first = draw(&budget, 60).unwrap();

            assert!(draw(&budget, 60).is_none());
            drop(first);
            assert!(draw(&budget, 60).is_some());
        }
    }

    #[test]
    fn one_giant_passes_alone() {
        for draw in [Budget::admit, Budget::take] {
            let budget = Budget::new(100);

            let giant = draw(&budget, 500).unwrap();

            assert!(draw(&budget, 1).is_none());
            drop(giant);
            assert_eq!(budget.used(), 0);
        }
    }

    #[test]
    fn a_request_does_not_stand_in_its_own_way() {
        let budget = Budget::new(100);
        let request = budget.admit(60).unwrap();

        let queued = budget.take(60).unwrap();

        assert_eq!(budget.used(), 120);
        drop(request);
        assert!(budget.admit(60).is_none(), "what is kept counts for what comes");
        assert!(budget.admit(40).is_some());
        assert!(budget.take(60).is_none(), "and for what others keep");
        drop(queued);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_comes_waits_for_what_is_kept_by_however_many() {
        let budget = Budget::new(100);
        let request = budget.admit(60).unwrap();
        let queues = [budget.take_first(60), budget.take_first(60), budget.take_first(60)];

        drop(request);

        assert!(budget.admit(1).is_none());
        drop(queues);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_hold_grows_when_the_true_size_is_known() {
        for draw in [Budget::admit, Budget::take] {
            let budget = Budget::new(100);
            let mut hold = draw(&budget, 10).unwrap();

            assert!(hold.resize(90));
            assert!(draw(&budget, 20).is_none());
            assert!(hold.resize(5));
            assert_eq!(budget.used(), 5);
            assert!(hold.resize(500), "alone it may be a giant");
            drop(hold);
            assert_eq!(budget.used(), 0);
        }
    }

    #[test]
    fn a_hold_that_may_not_grow_stays_as_it_is() {
        let budget = Budget::new(100);
        let _other = budget.admit(50).unwrap();
        let mut hold = budget.admit(10).unwrap();

        assert!(!hold.resize(60));

        assert_eq!(budget.used(), 60);
    }
}
