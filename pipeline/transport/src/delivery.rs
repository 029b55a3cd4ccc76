//! How an attempt to deliver ends.

use std::time::Duration;

use component::Refusal;

/// Why a destination did not take a batch. The kind decides what happens to it next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The same batch will not be taken later either.
    #[error("Permanent error: {0}")]
    Permanent(String),
    /// A later attempt may succeed.
    #[error("{0}")]
    Retryable(String),
    /// A later attempt may succeed, not before the destination's own time.
    #[error("Throttle ({}s), error: {reason}", after.as_secs_f64())]
    Throttled {
        /// The wait it asked for.
        after: Duration,
        /// What it said.
        reason: String,
    },
}

impl DeliveryError {
    /// The wait that the destination asked for.
    pub(crate) fn throttle(&self) -> Duration {
        match self {
            Self::Throttled { after, .. } => *after,
            Self::Permanent(_) | Self::Retryable(_) => Duration::ZERO,
        }
    }
}

impl From<DeliveryError> for Refusal {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Permanent(reason) => Self::Permanent(reason),
            DeliveryError::Retryable(reason) => Self::Retryable(reason),
            DeliveryError::Throttled { after, reason } => Self::Overload { reason, retry_after: Some(after) },
        }
    }
}
