//! Which requests may come in, before their bytes do.

use std::sync::Arc;

use component::{Budget, Hold};

/// The bounds on bytes in flight that a server asks: its own, and that of the whole process.
#[derive(Debug, Clone)]
pub struct Admission {
    own: Arc<Budget>,
    process: Arc<Budget>,
}

/// Bytes that were admitted; they return to both budgets when this is dropped. Whoever takes the request drops it when
/// the request is answered.
#[derive(Debug)]
pub struct Admitted {
    own: Hold,
    process: Hold,
    bytes: usize,
}

impl Admission {
    /// Asks both budgets.
    pub fn new(own: Arc<Budget>, process: Arc<Budget>) -> Self {
        Self { own, process }
    }

    /// Room for a request of this many bytes, if both budgets have it.
    pub fn admit(&self, bytes: usize) -> Option<Admitted> {
        Some(Admitted { own: self.own.admit(bytes)?, process: self.process.admit(bytes)?, bytes })
    }
}

impl Admitted {
    /// Grows or shrinks to `bytes`. False, and nothing changes, if a budget does not allow it.
    pub fn resize(&mut self, bytes: usize) -> bool {
        if !self.own.resize(bytes) {
            return false;
        }
        if !self.process.resize(bytes) {
            // Shrinking back always fits.
            self.own.resize(self.bytes);
            return false;
        }
        self.bytes = bytes;
        true
    }

    /// Bytes admitted.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_budget_refuses_is_not_taken_from_the_other() {
        let (own, process) = (Budget::new(100), Budget::new(50));
        let admission = Admission::new(Arc::clone(&own), Arc::clone(&process));
        let mut first = admission.admit(30).unwrap();
        let second = admission.admit(10).unwrap();

        assert!(admission.admit(40).is_none());
        assert!(!first.resize(60));

        assert_eq!((own.used(), process.used(), first.bytes()), (40, 40, 30));
        drop((first, second));
        assert_eq!((own.used(), process.used()), (0, 0));
    }
}
