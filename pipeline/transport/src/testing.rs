//! What the stories of this crate share.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use component::Budget;
use pdata::Signal;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use crate::admission::Admission;
use crate::intake::{Encoding, Export, Intake, Rejection};
use crate::listen::{Sharing, listen};

/// Runs a story on one thread, as a shard would.
pub fn story(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, story);
}

/// A door on a free port, and its address.
pub async fn door() -> (TcpListener, String) {
    let listener = listen("127.0.0.1:0", Sharing::Alone).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Bounds that only a test that means it reaches.
pub fn ample() -> Admission {
    Admission::new(Budget::new(1 << 30), Budget::new(1 << 30))
}

/// A budget of its own, for a story that looks at it.
pub fn bounded(bytes: usize) -> (Admission, Arc<Budget>) {
    let budget = Budget::new(bytes);
    (Admission::new(Arc::clone(&budget), Budget::new(1 << 30)), budget)
}

/// Keeps what it takes, and answers as it was told to.
#[derive(Clone, Default)]
pub struct Recorder {
    pub taken: Rc<RefCell<Vec<(Signal, Encoding, Bytes)>>>,
    pub answers: Rc<RefCell<VecDeque<Rejection>>>,
    pub unwanted: Option<Signal>,
    pub stalls: bool,
}

impl Recorder {
    pub fn rejecting(rejection: impl Into<Rejection>) -> Self {
        let recorder = Self::default();
        recorder.answers.borrow_mut().push_back(rejection.into());
        recorder
    }

    pub fn messages(&self) -> Vec<Bytes> {
        self.taken.borrow().iter().map(|(_, _, message)| message.clone()).collect()
    }
}

impl Intake for Recorder {
    fn wants(&self, signal: Signal) -> bool {
        self.unwanted != Some(signal)
    }

    async fn take(&self, export: Export) -> Result<(), Rejection> {
        self.taken.borrow_mut().push((export.signal, export.encoding, export.message.clone()));
        if self.stalls {
            std::future::pending::<()>().await;
        }
        match self.answers.borrow_mut().pop_front() {
            Some(rejection) => Err(rejection),
            None => Ok(()),
        }
    }
}
