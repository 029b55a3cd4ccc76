//! Why data was not taken.

use std::time::Duration;

/// The answer to a sender whose data was not taken. The kind decides what the sender does next, so it survives every
/// hop: an exporter's answer reaches the receiver's client in the client's own protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The same data will be refused again; sending it again is useless.
    #[error("Permanent error: {0}")]
    Permanent(String),
    /// A later attempt may succeed.
    #[error("{0}")]
    Retryable(String),
    /// There is no room now. The sender should keep the data and come back.
    #[error("{reason}")]
    Overload {
        /// What is full.
        reason: String,
        /// When to come back, if that is known.
        retry_after: Option<Duration>,
    },
}

impl Refusal {
    /// No room now, and no better idea of when than "soon".
    pub fn overload(reason: impl Into<String>) -> Self {
        Self::Overload { reason: reason.into(), retry_after: Some(Duration::from_secs(1)) }
    }

    /// True if sending the same data again is useless.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }

    /// Of two refusals of the same data by two branches, the one to tell the sender. Permanent wins, as in the
    /// Collector: a repeat would double the data of every branch that took it.
    pub(crate) fn worse(self, other: Self) -> Self {
        if self.is_permanent() || !other.is_permanent() { self } else { other }
    }
}
