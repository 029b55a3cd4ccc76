//! What the process says about its own state.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Now;

/// Where the process stands in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Components are being built and started.
    Starting,
    /// Data flows.
    Ready,
    /// Data flows, but not everywhere: the text says what is being restarted and why.
    Degraded(String),
    /// Receivers are closed, the rest drains.
    Stopping,
}

/// The state that the engine writes and the `health_check` extension reads.
#[derive(Debug)]
pub struct Health {
    // A lock: written a few times in a process's life, read per probe request.
    state: Mutex<(Phase, Now)>,
}

impl Default for Health {
    fn default() -> Self {
        Self { state: Mutex::new((Phase::Starting, Now::default())) }
    }
}

impl Health {
    /// Enters a phase.
    pub fn enter(&self, phase: Phase, now: Now) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (phase, now);
    }

    /// The phase, and since when.
    pub fn phase(&self) -> (Phase, Now) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long the present phase has lasted.
    pub fn lasted(&self, now: Now) -> Duration {
        now.monotonic.saturating_sub(self.phase().1.monotonic)
    }
}
