use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use component::{Ack, Answer, Budget, BuildContext, Refusal, Sample, SteppedClock, promise};
use config::{GoDuration, Toggle};
use pdata::{Batch, Signal};
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::*;
use crate::settings::{BatchSettings, Sizer};
use crate::wire::{self, Value};

mod property;

/// Runs a story on one thread, on a clock that jumps whenever everybody waits.
fn story(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, story);
}

/// A batch of spans with these names.
fn spans(names: &[&str]) -> Batch {
    let mut scope = Vec::new();
    for name in names {
        let mut span = Vec::new();
        wire::put_bytes(&mut span, 5, name.as_bytes());
        wire::put_bytes(&mut scope, 2, &span);
    }
    let (mut resource, mut request) = (Vec::new(), Vec::new());
    wire::put_bytes(&mut resource, 2, &scope);
    wire::put_bytes(&mut request, 1, &resource);
    Batch::from_otlp(Signal::Traces, request.into()).unwrap()
}

/// The names of the spans of a batch.
fn names(batch: &Batch) -> Vec<String> {
    let inside = |messages: Vec<Vec<u8>>, number| -> Vec<Vec<u8>> {
        let of = |message: &Vec<u8>| -> Vec<Vec<u8>> {
            let wanted = wire::fields(message).filter(|(found, _)| *found == number);
            wanted
                .filter_map(|(_, value)| if let Value::Bytes(bytes) = value { Some(bytes.to_vec()) } else { None })
                .collect()
        };
        messages.iter().flat_map(of).collect()
    };
    let spans = inside(inside(inside(vec![batch.to_bytes().to_vec()], 1), 2), 2);
    inside(spans, 5).into_iter().map(|name| String::from_utf8(name).unwrap()).collect()
}

type Attempt = (Vec<String>, Duration);

/// A destination that answers as it was told to, then takes everything.
#[derive(Clone)]
struct Destination {
    answers: Rc<RefCell<VecDeque<DeliveryError>>>,
    /// What was attempted, and when.
    attempts: Rc<RefCell<Vec<Attempt>>>,
    /// Refuses batches with a span of this name for ever.
    hates: &'static str,
    gate: Rc<Semaphore>,
    running: Rc<Cell<usize>>,
    most_running: Rc<Cell<usize>>,
    start: Instant,
}

impl Destination {
    fn open() -> Self {
        Self {
            answers: Rc::default(),
            attempts: Rc::default(),
            hates: "nothing",
            gate: Rc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            running: Rc::default(),
            most_running: Rc::default(),
            start: Instant::now(),
        }
    }

    /// Answers nobody until [`Destination::let_in`].
    fn stalled() -> Self {
        Self { gate: Rc::new(Semaphore::new(0)), ..Self::open() }
    }

    fn answering(errors: impl IntoIterator<Item = DeliveryError>) -> Self {
        Self { answers: Rc::new(RefCell::new(errors.into_iter().collect())), ..Self::open() }
    }

    fn let_in(&self, requests: usize) {
        self.gate.add_permits(requests);
    }

    fn requests(&self) -> Vec<Vec<String>> {
        self.attempts.borrow().iter().map(|(names, _)| names.clone()).collect()
    }

    fn times(&self) -> Vec<u64> {
        self.attempts.borrow().iter().map(|(_, at)| u64::try_from(at.as_millis()).unwrap()).collect()
    }
}

impl Delivery for Destination {
    async fn deliver(&self, batch: Batch) -> Result<(), DeliveryError> {
        self.running.set(self.running.get() + 1);
        self.most_running.set(self.most_running.get().max(self.running.get()));
        let _leaves = Leaves(&self.running);
        self.attempts.borrow_mut().push((names(&batch), self.start.elapsed()));
        self.gate.acquire().await.unwrap().forget();
        if names(&batch).iter().any(|name| name == self.hates) {
            return Err(DeliveryError::Permanent("hated".into()));
        }
        self.answers.borrow_mut().pop_front().map_or(Ok(()), Err)
    }
}

struct Leaves<'a>(&'a Cell<usize>);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

struct Exporter {
    sending: Sending<Destination>,
    context: BuildContext,
}

impl Exporter {
    fn new(destination: &Destination, queue: Option<QueueSettings>, retry: Option<RetrySettings>) -> Self {
        Self::within(destination, queue, retry, 1 << 30, 1)
    }

    fn within(
        destination: &Destination,
        queue: Option<QueueSettings>,
        retry: Option<RetrySettings>,
        budget: usize,
        shards: usize,
    ) -> Self {
        let mut context = BuildContext::new(Arc::new(SteppedClock::at(1)), Budget::new(budget), shards);
        context.signal = Some(Signal::Traces);
        let timeout = Some(Duration::from_secs(5));
        let sending = Sending::new(destination.clone(), queue.as_ref(), retry.as_ref(), timeout, &context);
        Self { sending, context }
    }

    fn takes(&self, names: &[&str]) -> Answer {
        let (ack, answer) = promise();
        self.sending.accept(spans(names), ack);
        answer
    }

    fn metric(&self, name: &str) -> f64 {
        let families = self.context.registry.read();
        let family = families.iter().find(|family| family.name == name).unwrap_or_else(|| panic!("no {name}"));
        match family.series[0].sample {
            Sample::Value(value) => value,
            Sample::Buckets(_, _, sum) => sum,
        }
    }

    /// Sent, failed, not enqueued.
    fn counts(&self) -> [f64; 3] {
        ["sent", "send_failed", "enqueue_failed"].map(|verb| self.metric(&format!("otelcol_exporter_{verb}_spans")))
    }
}

fn queue() -> QueueSettings {
    QueueSettings::default()
}

fn retry() -> RetrySettings {
    RetrySettings {
        initial_interval: GoDuration::seconds(1),
        max_interval: GoDuration::seconds(4),
        multiplier: 2.0,
        randomization_factor: 0.0,
        ..RetrySettings::default()
    }
}

fn batching(min_size: i64, max_size: i64) -> QueueSettings {
    let batch = BatchSettings { min_size, max_size, ..BatchSettings::default() };
    QueueSettings { batch: Toggle::on(batch), wait_for_result: true, ..queue() }
}

fn away() -> DeliveryError {
    DeliveryError::Retryable("away".into())
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn unanswered(answer: &mut Answer) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(answer).poll(&mut context).is_pending()
}

#[test]
fn the_queue_answers_before_the_destination_does() {
    story(async {
        let destination = Destination::stalled();
        let exporter = Exporter::new(&destination, Some(queue()), None);

        assert_eq!(exporter.takes(&["a", "b"]).await, Ok(()));

        assert_eq!(exporter.counts(), [0.0, 0.0, 0.0]);
        destination.let_in(1);
        settle().await;
        assert_eq!(exporter.counts(), [2.0, 0.0, 0.0]);
    });
}

#[test]
fn without_a_queue_the_answer_is_that_of_the_destination() {
    story(async {
        let destination = Destination::answering([DeliveryError::Permanent("no".into()), away()]);
        let exporter = Exporter::new(&destination, None, None);

        assert_eq!(exporter.takes(&["a"]).await, Err(Refusal::Permanent("no".into())));
        assert_eq!(exporter.takes(&["b"]).await, Err(Refusal::Retryable("away".into())));
        assert_eq!(exporter.takes(&["c"]).await, Ok(()));

        assert_eq!(exporter.counts(), [1.0, 2.0, 0.0]);
    });
}

#[test]
fn with_wait_for_result_the_answer_is_that_of_the_destination() {
    story(async {
        let destination = Destination::answering([DeliveryError::Permanent("no".into())]);
        let exporter = Exporter::new(&destination, Some(QueueSettings { wait_for_result: true, ..queue() }), None);

        assert_eq!(exporter.takes(&["a"]).await, Err(Refusal::Permanent("no".into())));
    });
}

#[test]
fn a_full_queue_refuses_what_comes_and_keeps_what_it_has() {
    story(async {
        let destination = Destination::stalled();
        let small = QueueSettings { queue_size: 2, ..queue() };
        let exporter = Exporter::new(&destination, Some(small), None);

        assert_eq!(exporter.takes(&["a"]).await, Ok(()));
        assert_eq!(exporter.takes(&["b"]).await, Ok(()));
        assert_eq!(exporter.takes(&["c", "d"]).await, Err(Refusal::overload("sending queue is full")));

        assert_eq!(exporter.metric("otelcol_exporter_queue_size"), 2.0);
        assert_eq!(exporter.metric("otelcol_exporter_queue_capacity"), 2.0);
        destination.let_in(2);
        settle().await;
        assert_eq!(exporter.counts(), [2.0, 0.0, 2.0]);
        assert_eq!(exporter.metric("otelcol_exporter_queue_size"), 0.0);
    });
}

#[test]
fn a_queue_may_count_items_or_bytes() {
    story(async {
        for (sizer, queue_size) in
            [(Sizer::Items, 3), (Sizer::Bytes, i64::try_from(spans(&["a", "b", "c"]).size()).unwrap())]
        {
            let destination = Destination::stalled();
            let exporter =
                Exporter::new(&destination, Some(QueueSettings { sizer: Some(sizer), queue_size, ..queue() }), None);

            assert_eq!(exporter.takes(&["a", "b"]).await, Ok(()));
            assert!(exporter.takes(&["c", "d"]).await.is_err(), "{sizer:?}");
        }
    });
}

#[test]
fn the_bytes_of_the_process_bound_every_queue() {
    story(async {
        let destination = Destination::stalled();
        let size = spans(&["a"]).size();
        let exporter = Exporter::within(&destination, Some(queue()), None, size * 2, 1);

        assert_eq!(exporter.takes(&["a"]).await, Ok(()));
        assert_eq!(exporter.takes(&["b"]).await, Ok(()));
        let refused = exporter.takes(&["c"]).await;

        assert_eq!(refused, Err(Refusal::overload("sending queue is full: too many bytes in flight")));
        destination.let_in(2);
        settle().await;
        assert_eq!(exporter.context.budget.used(), 0);
    });
}

#[test]
fn a_batch_of_the_whole_budget_goes_to_every_queue_that_keeps_nothing() {
    story(async {
        let (first, second) = (Destination::stalled(), Destination::stalled());
        let size = spans(&["a"]).size();
        let exporter = Exporter::within(&first, Some(queue()), None, size, 1);
        let beside = Sending::new(second.clone(), Some(&queue()), None, None, &exporter.context);
        let request = exporter.context.budget.admit(size).unwrap();

        let (ack, answer) = promise();
        exporter.sending.accept(spans(&["a"]), ack.clone());
        beside.accept(spans(&["a"]), ack);

        assert_eq!(answer.await, Ok(()));
        drop(request);
        assert!(exporter.context.budget.admit(1).is_none(), "what is queued leaves no room for more");
        assert!(exporter.takes(&["b"]).await.is_err());
    });
}

#[test]
fn a_full_queue_may_make_its_senders_wait() {
    story(async {
        let destination = Destination::stalled();
        let blocking = QueueSettings { queue_size: 1, block_on_overflow: true, ..queue() };
        let exporter = Exporter::new(&destination, Some(blocking), None);
        assert_eq!(exporter.takes(&["a"]).await, Ok(()));

        let mut second = exporter.takes(&["b"]);
        let mut third = exporter.takes(&["c"]);
        settle().await;
        assert!(unanswered(&mut second) && unanswered(&mut third));
        destination.let_in(1);

        assert_eq!(second.await, Ok(()));
        assert!(unanswered(&mut third));
        destination.let_in(2);
        assert_eq!(third.await, Ok(()));
        settle().await;
        assert_eq!(destination.requests(), [["a"], ["b"], ["c"]]);
    });
}

#[test]
fn at_most_num_consumers_are_sent_at_a_time() {
    story(async {
        let destination = Destination::stalled();
        let exporter = Exporter::new(&destination, Some(QueueSettings { num_consumers: 3, ..queue() }), None);
        for _ in 0..8 {
            exporter.takes(&["a"]).await.unwrap();
        }

        settle().await;
        assert_eq!(exporter.metric("otelcol_exporter_in_flight_requests"), 3.0);
        destination.let_in(8);
        settle().await;

        assert_eq!(destination.most_running.get(), 3);
        assert_eq!(destination.requests().len(), 8);
    });
}

#[test]
fn a_shard_has_its_part_of_the_queue() {
    story(async {
        let destination = Destination::stalled();
        let exporter =
            Exporter::within(&destination, Some(QueueSettings { queue_size: 4, ..queue() }), None, 1 << 30, 2);

        let taken = [exporter.takes(&["a"]).await, exporter.takes(&["b"]).await, exporter.takes(&["c"]).await];

        assert_eq!(taken.iter().filter(|answer| answer.is_ok()).count(), 2);
        assert_eq!(exporter.metric("otelcol_exporter_queue_capacity"), 4.0);
    });
}

#[test]
fn a_failed_attempt_is_repeated_after_growing_waits() {
    story(async {
        let destination = Destination::answering([away(), away(), away(), away()]);
        let exporter = Exporter::new(&destination, None, Some(retry()));

        assert_eq!(exporter.takes(&["a"]).await, Ok(()));

        assert_eq!(destination.times(), [0, 1000, 3000, 7000, 11_000]);
        assert_eq!(exporter.counts(), [1.0, 0.0, 0.0]);
    });
}

#[test]
fn waits_are_spread_at_random_around_their_middle() {
    story(async {
        let destination = Destination::answering(std::iter::repeat_n(away(), 20));
        let spread = RetrySettings { randomization_factor: 0.5, multiplier: 1.0, ..retry() };
        let exporter = Exporter::new(&destination, None, Some(spread));

        assert_eq!(exporter.takes(&["a"]).await, Ok(()));

        let times = destination.times();
        let waits: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(waits.iter().all(|wait| (500..=1501).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait < 900) && waits.iter().any(|wait| *wait > 1100), "{waits:?}");
    });
}

#[test]
fn a_destination_that_asks_for_time_gets_it() {
    story(async {
        let slow = DeliveryError::Throttled { after: Duration::from_secs(20), reason: "busy".into() };
        let destination = Destination::answering([slow]);
        let exporter = Exporter::new(&destination, None, Some(retry()));

        assert_eq!(exporter.takes(&["a"]).await, Ok(()));

        assert_eq!(destination.times(), [0, 20_000]);
    });
}

#[test]
fn after_max_elapsed_time_a_batch_is_given_up() {
    story(async {
        let destination = Destination::answering(std::iter::repeat_n(away(), 100));
        let short = RetrySettings { max_elapsed_time: GoDuration::seconds(6), ..retry() };
        let exporter = Exporter::new(&destination, None, Some(short));

        assert_eq!(exporter.takes(&["a"]).await, Err(Refusal::Retryable("no more retries left: away".into())));

        assert_eq!(destination.times(), [0, 1000, 3000]);
        assert_eq!(exporter.counts(), [0.0, 1.0, 0.0]);
    });
}

#[test]
fn what_can_never_work_is_not_tried_again() {
    story(async {
        let destination = Destination::answering([DeliveryError::Permanent("malformed".into())]);
        let exporter = Exporter::new(&destination, None, Some(retry()));

        assert_eq!(exporter.takes(&["a"]).await, Err(Refusal::Permanent("malformed".into())));

        assert_eq!(destination.requests().len(), 1);
    });
}

#[test]
fn an_attempt_that_takes_too_long_has_failed() {
    story(async {
        let destination = Destination::stalled();
        let exporter = Exporter::new(&destination, None, None);

        let text = "context deadline exceeded: no answer from the destination within 5s";
        assert_eq!(exporter.takes(&["a"]).await, Err(Refusal::Retryable(text.into())));
    });
}

#[test]
fn small_batches_leave_together_when_they_are_enough() {
    story(async {
        let destination = Destination::open();
        let exporter = Exporter::new(&destination, Some(batching(4, 0)), None);

        let answers = [exporter.takes(&["a"]), exporter.takes(&["b", "c"]), exporter.takes(&["d"])];

        for answer in answers {
            assert_eq!(answer.await, Ok(()));
        }
        assert_eq!(destination.requests(), [["a", "b", "c", "d"]]);
        assert_eq!(destination.times(), [0]);
        assert_eq!(exporter.metric("otelcol_exporter_queue_batch_send_size"), 4.0);
    });
}

#[test]
fn a_small_batch_leaves_alone_after_the_flush_timeout() {
    story(async {
        let destination = Destination::open();
        let exporter = Exporter::new(&destination, Some(batching(4, 0)), None);

        assert_eq!(exporter.takes(&["a"]).await, Ok(()));
        assert_eq!(exporter.takes(&["b"]).await, Ok(()));

        assert_eq!(destination.requests(), [["a"], ["b"]]);
        assert_eq!(destination.times(), [200, 400]);
    });
}

#[test]
fn a_large_batch_is_cut_and_its_rest_waits_for_more() {
    story(async {
        let destination = Destination::open();
        let exporter = Exporter::new(&destination, Some(batching(2, 2)), None);

        let mut first = exporter.takes(&["a", "b", "c"]);
        settle().await;
        assert_eq!(destination.requests(), [["a", "b"]]);
        assert!(unanswered(&mut first), "a part of it still waits");
        let second = exporter.takes(&["d"]);

        assert_eq!((first.await, second.await), (Ok(()), Ok(())));
        assert_eq!(destination.requests(), [["a", "b"], ["c", "d"]]);
        assert_eq!(exporter.context.budget.used(), 0);
    });
}

#[test]
fn a_cut_batch_refuses_exactly_those_whose_items_were_in_the_failed_part() {
    story(async {
        let destination = Destination { hates: "c", ..Destination::open() };
        let exporter = Exporter::new(&destination, Some(batching(6, 2)), None);

        let first = exporter.takes(&["a"]);
        let second = exporter.takes(&["b"]);
        let third = exporter.takes(&["c"]);
        let fourth = exporter.takes(&["d", "e"]);
        let fifth = exporter.takes(&["f"]);

        assert_eq!((first.await, second.await, fifth.await), (Ok(()), Ok(()), Ok(())));
        let hated = Err(Refusal::Permanent("hated".into()));
        assert_eq!((third.await, fourth.await), (hated.clone(), hated));
        assert_eq!(exporter.counts(), [4.0, 2.0, 0.0]);
        assert_eq!(exporter.metric("otelcol_exporter_queue_size"), 0.0);
    });
}

#[test]
fn stopping_delivers_what_is_queued_and_does_not_wait_for_batches_to_fill() {
    story(async {
        let destination = Destination::open();
        let settings = QueueSettings { num_consumers: 1, wait_for_result: false, ..batching(100, 0) };
        let exporter = Exporter::new(&destination, Some(settings), Some(retry()));
        exporter.takes(&["a"]).await.unwrap();
        exporter.takes(&["b"]).await.unwrap();

        exporter.sending.stop().await;

        assert_eq!(destination.requests(), [["a", "b"]]);
        assert_eq!(destination.times(), [0]);
    });
}

#[test]
fn stopping_gives_a_batch_that_waits_one_last_attempt() {
    story(async {
        let destination = Destination::answering([away()]);
        let exporter = Exporter::new(&destination, Some(queue()), Some(retry()));
        exporter.takes(&["a"]).await.unwrap();
        settle().await;

        exporter.sending.stop().await;

        assert_eq!(exporter.counts(), [1.0, 0.0, 0.0]);
        assert_eq!(destination.times(), [0, 1]);
    });
}

#[test]
fn what_fails_while_stopping_is_counted_and_said_to_whoever_waits() {
    story(async {
        let destination = Destination::answering([away(), away()]);
        let exporter =
            Exporter::new(&destination, Some(QueueSettings { wait_for_result: true, ..queue() }), Some(retry()));
        let answer = exporter.takes(&["a"]);
        settle().await;

        exporter.sending.stop().await;

        assert_eq!(answer.await, Err(Refusal::Retryable("interrupted due to shutdown: away".into())));
        assert_eq!(exporter.counts(), [0.0, 1.0, 0.0]);
    });
}

#[test]
fn what_is_dropped_with_its_shard_is_counted_as_failed() {
    let registry = RefCell::new(None);
    story(async {
        let destination = Destination::stalled();
        let exporter = Exporter::new(&destination, Some(QueueSettings { num_consumers: 1, ..queue() }), None);
        exporter.takes(&["a"]).await.unwrap();
        exporter.takes(&["b", "c"]).await.unwrap();
        settle().await;
        *registry.borrow_mut() = Some(Arc::clone(&exporter.context.registry));
    });

    let text = registry.take().unwrap().prometheus_text();
    for expected in [
        "otelcol_exporter_send_failed_spans 3",
        "otelcol_exporter_in_flight_requests 0",
        "otelcol_exporter_queue_size 0",
    ] {
        let (name, value) = expected.split_once(' ').unwrap();
        let found = |line: &str| line.starts_with(&format!("{name}{{")) && line.ends_with(&format!("}} {value}"));
        assert!(text.lines().any(found), "no {expected} in\n{text}");
    }
}
