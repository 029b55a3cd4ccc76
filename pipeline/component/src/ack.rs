//! The promise that travels with a batch.
//!
//! A receiver makes a promise with [`promise`] and waits for the [`Answer`]. Whoever holds the batch holds an [`Ack`];
//! fan-out and split clone it, merge collects several. The answer comes when the last clone is gone: accepted if every
//! clone was accepted, refused otherwise. A clone that is dropped without a word refuses: what panics, or forgets, must
//! never look like success.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::Refusal;

struct Pending {
    // A lock and not an owner: clones end on the threads of exporters, once per batch.
    refusal: Mutex<Option<Refusal>>,
    answer: Mutex<Option<oneshot::Sender<Result<(), Refusal>>>>,
    keeps: Vec<Ack>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        let refusal = self.refusal.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let outcome = refusal.map_or(Ok(()), Err);
        for ack in self.keeps.drain(..) {
            ack.resolve(outcome.clone());
        }
        if let Some(answer) = self.answer.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // The receiver may have gone away with its client; then nobody is left to tell.
            let _ = answer.send(outcome);
        }
    }
}

/// One holder's part of a promise. Must be accepted or refused; dropping it refuses.
pub struct Ack {
    pending: Option<Arc<Pending>>,
}

/// Makes a promise: the [`Ack`] goes with the batch, the [`Answer`] stays with the sender.
pub fn promise() -> (Ack, Answer) {
    let (sender, receiver) = oneshot::channel();
    let pending = Pending { refusal: Mutex::new(None), answer: Mutex::new(Some(sender)), keeps: Vec::new() };
    (Ack { pending: Some(Arc::new(pending)) }, Answer(receiver))
}

impl Ack {
    /// For data that nobody waits for.
    pub fn unwatched() -> Self {
        Self { pending: None }
    }

    /// This holder has taken its part.
    pub fn accept(mut self) {
        self.pending = None;
    }

    /// This holder has not taken its part.
    pub fn refuse(mut self, refusal: Refusal) {
        if let Some(pending) = self.pending.take() {
            note(&pending, refusal);
        }
    }

    /// Passes on what somebody further down answered.
    pub fn resolve(self, answer: Result<(), Refusal>) {
        match answer {
            Ok(()) => self.accept(),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// One promise that keeps several: for a merged batch. The answer of the joined one is the answer of each.
    pub fn join(acks: Vec<Ack>) -> Self {
        let pending = Pending { answer: Mutex::new(None), refusal: Mutex::new(None), keeps: acks };
        Self { pending: Some(Arc::new(pending)) }
    }
}

impl Clone for Ack {
    fn clone(&self) -> Self {
        Self { pending: self.pending.clone() }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            note(&pending, Refusal::Retryable("the data was dropped inside the pipeline".into()));
        }
    }
}

fn note(pending: &Pending, refusal: Refusal) {
    let mut noted = pending.refusal.lock().unwrap_or_else(PoisonError::into_inner);
    *noted = Some(match noted.take() {
        Some(earlier) => earlier.worse(refusal),
        None => refusal,
    });
}

/// What the sender waits for: `Ok` once the data is taken, or why it was not.
pub struct Answer(oneshot::Receiver<Result<(), Refusal>>);

impl Future for Answer {
    type Output = Result<(), Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answer| answer.unwrap_or_else(|_| Err(Refusal::Retryable("the pipeline went away".into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(mut answer: Answer) -> Option<Result<(), Refusal>> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(&mut answer).poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_promise_is_kept_when_every_holder_accepts() {
        let (ack, answer) = promise();
        let branch = ack.clone();

        ack.accept();
        branch.accept();

        assert_eq!(outcome(answer), Some(Ok(())));
    }

    #[test]
    fn nothing_is_answered_while_a_holder_has_not_spoken() {
        let (ack, answer) = promise();
        let branch = ack.clone();

        ack.accept();

        assert_eq!(outcome(answer), None);
        branch.accept();
    }

    #[test]
    fn one_refusal_refuses_the_whole() {
        let (ack, answer) = promise();
        ack.clone().refuse(Refusal::Retryable("back end is away".into()));
        ack.accept();

        assert_eq!(outcome(answer), Some(Err(Refusal::Retryable("back end is away".into()))));
    }

    #[test]
    fn a_permanent_refusal_wins_over_a_retryable_one() {
        let (ack, answer) = promise();
        ack.clone().refuse(Refusal::Retryable("away".into()));
        ack.refuse(Refusal::Permanent("malformed".into()));

        assert_eq!(outcome(answer), Some(Err(Refusal::Permanent("malformed".into()))));
    }

    #[test]
    fn forgetting_a_batch_is_a_refusal() {
        let (ack, answer) = promise();
        drop(ack);

        assert!(matches!(outcome(answer), Some(Err(Refusal::Retryable(_)))));
    }

    #[test]
    fn a_merged_batch_answers_each_of_its_senders() {
        let (first, first_answer) = promise();
        let (second, second_answer) = promise();

        Ack::join(vec![first, second]).refuse(Refusal::Permanent("no".into()));

        assert_eq!(outcome(first_answer), Some(Err(Refusal::Permanent("no".into()))));
        assert_eq!(outcome(second_answer), Some(Err(Refusal::Permanent("no".into()))));
    }
}
