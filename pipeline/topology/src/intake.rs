//! The bounded way of rows to the one thread that owns the store.
//!
//! In this room: a queue bounded in rows with many producers and one consumer, and the count of what was dropped before
//! it reached the store.
//! Not here: who produces (`exporters::topology`), the thread that consumes (`extensions::topology`).
//!
//! The lock is held to push or to take a pointer. A ring without locks would gain nothing: producers offer batches, not
//! rows, and the consumer takes everything that waits at once.
//!
//! Enter at [`Intake::offer`] and [`Intake::take`].

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Name, Rows};

/// A queue of rows that is bounded in rows. Shared as `Arc<Intake>`.
#[derive(Debug)]
pub struct Intake {
    bound: usize,
    cluster: Name,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The queue was full, or its consumer has stopped. The rows come back, to drop or to refuse.
#[derive(Debug, thiserror::Error)]
#[error("the map's intake is full: {} rows find no place", .rows.count())]
pub struct Full {
    /// What found no place.
    pub rows: Rows,
}

/// What the consumer finds when it looks.
#[derive(Debug, Default)]
pub struct Taken {
    /// What was offered since it last looked, in order.
    pub rows: Vec<Rows>,
    /// What was dropped since it last looked, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// True once [`Intake::close`] was called: nothing follows.
    pub closed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Rows>,
    rows: usize,
    dropped: BTreeMap<&'static str, u64>,
    closed: bool,
}

impl Intake {
    /// A queue of at most `bound` rows. A larger batch is taken when nothing else waits, so that it is not stuck forever.
    pub fn new(bound: usize) -> Self {
        Self { bound, cluster: Name::from(""), queue: Mutex::default(), changed: Condvar::new() }
    }

    /// The same, for a map whose ends live in `cluster` unless they say otherwise.
    pub fn in_cluster(self, cluster: &str) -> Self {
        Self { cluster: Name::from(cluster), ..self }
    }

    /// The cluster of ends that do not say theirs; empty if it is not configured.
    pub fn cluster(&self) -> &Name {
        &self.cluster
    }

    /// Puts `rows` into the queue: from then on they are the map's.
    ///
    /// # Errors
    ///
    /// [`Full`] with the rows if they find no place. Nothing is counted then: who drops them says [`Intake::dropped`].
    pub fn offer(&self, rows: Rows) -> Result<(), Full> {
        let count = rows.count();
        if count == 0 {
            return Ok(());
        }
        let mut queue = self.lock();
        let fits = queue.rows == 0 || queue.rows.saturating_add(count) <= self.bound;
        if queue.closed || !fits {
            drop(queue);
            return Err(Full { rows });
        }
        queue.rows = queue.rows.saturating_add(count);
        queue.waiting.push(rows);
        drop(queue);
        self.changed.notify_one();
        Ok(())
    }

    /// Counts what will not reach the store, whoever dropped it. Answers over this time then say that they lack it.
    pub fn dropped(&self, reason: &'static str, count: u64) {
        let mut queue = self.lock();
        let so_far = queue.dropped.entry(reason).or_default();
        *so_far = so_far.saturating_add(count);
    }

    /// Takes everything that waits. If nothing does, waits for it, but no longer than `patience`.
    pub fn take(&self, patience: Duration) -> Taken {
        let queue = self.lock();
        let empty = |queue: &mut Queue| queue.waiting.is_empty() && !queue.closed;
        let (mut queue, _) =
            self.changed.wait_timeout_while(queue, patience, empty).unwrap_or_else(PoisonError::into_inner);
        queue.rows = 0;
        Taken {
            rows: std::mem::take(&mut queue.waiting),
            dropped: std::mem::take(&mut queue.dropped),
            closed: queue.closed,
        }
    }

    /// Ends it: offers fail from now on, and the consumer gets what still waits.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Rows that wait now.
    pub fn waiting(&self) -> usize {
        self.lock().rows
    }

    /// A queue is whole after each statement that changes it, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// How many rows these are.
    pub fn count(&self) -> usize {
        self.facts.len().saturating_add(self.states.len()).saturating_add(self.events.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{End, Event, EventRow, Moment, Outside, OutsideKind, Who};

    fn events(count: usize) -> Rows {
        let who = Who::Outside(Outside { cluster: "".into(), kind: OutsideKind::Unknown, name: "unknown".into() });
        let event = EventRow {
            at: Moment(1),
            subject: Arc::new(End { who, pod: None, host: None }),
            event: Event { reason: "BackOff".into(), message: "again".into(), warning: true, count: 1 },
        };
        Rows { events: vec![event; count], ..Rows::default() }
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn what_was_offered_is_taken_in_order_and_once() {
        let intake = Intake::new(10);

        intake.offer(events(2)).unwrap();
        intake.offer(events(3)).unwrap();

        let taken = intake.take(NOW);
        assert_eq!(taken.rows.iter().map(Rows::count).collect::<Vec<_>>(), [2, 3]);
        assert!(intake.take(NOW).rows.is_empty());
        assert_eq!(intake.waiting(), 0);
    }

    #[test]
    fn beyond_the_bound_rows_come_back_and_whoever_drops_them_counts_them() {
        let intake = Intake::new(4);
        intake.offer(events(3)).unwrap();

        let Full { rows } = intake.offer(events(2)).unwrap_err();
        intake.dropped("intake_full", rows.count() as u64);

        assert_eq!(intake.waiting(), 3);
        assert_eq!(intake.take(NOW).dropped, BTreeMap::from([("intake_full", 2)]));
        assert!(intake.take(NOW).dropped.is_empty(), "a drop is told once");
    }

    #[test]
    fn a_batch_larger_than_the_bound_passes_alone() {
        let intake = Intake::new(4);
        intake.offer(events(100)).unwrap();
        assert!(intake.offer(events(1)).is_err());
    }

    #[test]
    fn after_the_end_offers_fail_and_the_rest_is_still_taken() {
        let intake = Intake::new(4);
        intake.offer(events(1)).unwrap();

        intake.close();

        assert!(intake.offer(events(1)).is_err());
        let taken = intake.take(Duration::from_secs(3600));
        assert!(taken.closed);
        assert_eq!(taken.rows.len(), 1);
    }

    #[test]
    fn a_waiting_consumer_wakes_for_what_many_producers_offer() {
        let intake = Arc::new(Intake::new(1_000));
        let producers: Vec<_> = (0..4)
            .map(|_| {
                let intake = Arc::clone(&intake);
                std::thread::spawn(move || (0..100).for_each(|_| intake.offer(events(1)).unwrap()))
            })
            .collect();

        let mut seen = 0;
        while seen < 400 {
            seen += intake.take(Duration::from_secs(3600)).rows.iter().map(Rows::count).sum::<usize>();
        }

        producers.into_iter().for_each(|producer| producer.join().unwrap());
        assert_eq!(seen, 400);
    }
}
