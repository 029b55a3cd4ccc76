//! How many questions are answered at a time, and that equal ones are answered once.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

use super::answer::Answer;
use super::asked::Asked;

/// Questions answered at a time: the map is a guest on machines that have other work.
pub const AT_ONCE: usize = 2;
/// Answers that are kept to be shared, and their questions, in bytes.
const MOST_KEPT: usize = 64 << 20;

/// A question, as far as its answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The route, by its place in the table.
    pub route: usize,
    /// What is asked.
    pub asked: Asked,
    /// Whether the answer is to be packed.
    pub gzip: bool,
}

/// As many wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

type Kept = Rc<OnceCell<Rc<Answer>>>;

/// Lets questions through. Lives on the server's thread; the work is done on others.
pub struct Gate {
    slots: Arc<Semaphore>,
    waiting: Cell<usize>,
    most_waiting: usize,
    kept: RefCell<Answers>,
}

#[derive(Default)]
struct Answers {
    /// The publication that these answers speak of.
    serial: u64,
    answers: HashMap<Question, Kept>,
    bytes: usize,
}

impl Gate {
    /// A gate before which at most `most_waiting` wait.
    pub fn new(most_waiting: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(AT_ONCE)), waiting: Cell::new(0), most_waiting, kept: RefCell::default() }
    }

    /// The answer to `question` about publication `serial`: an earlier one, or what `work` makes, which may take time.
    pub async fn ask(
        &self,
        question: Question,
        serial: u64,
        work: impl FnOnce() -> Answer + Send + 'static,
    ) -> Result<Rc<Answer>, Busy> {
        let place = self.place(question, serial);
        // Whoever comes while it is being made waits for it. If the maker's client hangs up, the next one makes it.
        let made = place.get_or_try_init(|| self.make(serial, work)).await?;
        Ok(Rc::clone(made))
    }

    fn place(&self, question: Question, serial: u64) -> Kept {
        let mut kept = self.kept.borrow_mut();
        if kept.serial != serial || kept.bytes > MOST_KEPT {
            *kept = Answers { serial, ..Answers::default() };
        }
        if let Some(place) = kept.answers.get(&question) {
            return Rc::clone(place);
        }
        // A question takes room even if nobody answers it.
        kept.bytes = kept.bytes.saturating_add(question.asked.size());
        Rc::clone(kept.answers.entry(question).or_default())
    }

    async fn make(&self, serial: u64, work: impl FnOnce() -> Answer + Send + 'static) -> Result<Rc<Answer>, Busy> {
        let slot = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(slot) => slot,
            Err(_) => {
                let _waits = Waiting::enter(&self.waiting, self.most_waiting)?;
                Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Busy)?
            }
        };
        // The work goes on if its client hangs up, so it is the work that holds the slot.
        let work = move || {
            let _slot = slot;
            work()
        };
        let answer = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| broken(&error));
        let mut kept = self.kept.borrow_mut();
        if kept.serial == serial {
            kept.bytes = kept.bytes.saturating_add(answer.size());
        }
        Ok(Rc::new(answer))
    }
}

fn broken(error: &tokio::task::JoinError) -> Answer {
    tracing::error!(%error, "A question to the map was not answered");
    let fault =
        super::asked::Fault { status: 500, error: "answering failed; the server's log says why".into(), help: None };
    Answer::fault(&fault)
}

/// Counts one that waits, until it is dropped.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a Cell<usize>, most: usize) -> Result<Self, Busy> {
        if waiting.get() >= most {
            return Err(Busy);
        }
        waiting.set(waiting.get().saturating_add(1));
        Ok(Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use futures_util::future::join_all;

    use super::*;

    fn question(number: usize) -> Question {
        Question { route: number, asked: Asked::default(), gzip: false }
    }

    #[tokio::test]
    async fn equal_questions_are_answered_once_until_the_map_changes() {
        let (gate, made) = (Gate::new(1), Arc::new(AtomicUsize::new(0)));
        let ask = |serial| {
            let made = Arc::clone(&made);
            gate.ask(question(1), serial, move || {
                made.fetch_add(1, Ordering::Relaxed);
                Answer::new("text/plain", "yes")
            })
        };

        let answers = join_all((0..500).map(|_| ask(1))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(made.load(Ordering::Relaxed), 1);

        assert!(ask(2).await.is_ok());
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn two_are_answered_as_many_wait_as_may_and_the_rest_is_turned_away() {
        let gate = Gate::new(3);
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(std::sync::Mutex::new(released));
        let asks = (0..10).map(|number| {
            let released = Arc::clone(&released);
            gate.ask(question(number), 1, move || {
                let _ = released.lock().unwrap().recv();
                Answer::new("text/plain", "yes")
            })
        });
        let release = async move { drop(release) };

        let (answers, ()) = tokio::join!(join_all(asks), release);

        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), AT_ONCE + 3);
    }

    #[tokio::test]
    async fn what_is_kept_to_be_shared_is_bounded_by_what_was_asked_too() {
        let gate = Gate::new(1);
        let body = "x".repeat(MOST_KEPT / 8);

        for number in 0..20 {
            let mut question = question(number);
            question.asked.body.clone_from(&body);
            assert!(gate.ask(question, 1, || Answer::new("text/plain", "no")).await.is_ok());
        }

        assert!(gate.kept.borrow().answers.len() < 10);
    }

    #[tokio::test]
    async fn a_question_that_breaks_the_answerer_is_a_fault_of_its_own() {
        let gate = Gate::new(3);

        let broken = gate.ask(question(1), 1, || panic!("a bug")).await.unwrap();

        assert_eq!(broken.status, 500);
        assert!(gate.ask(question(2), 1, || Answer::new("text/plain", "yes")).await.is_ok());
    }
}
