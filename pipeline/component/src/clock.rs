//! Time, passed in.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Time since an arbitrary start; never goes back. For ages and deadlines.
    pub monotonic: Duration,
    /// Nanoseconds since 1970 UTC. For timestamps in data.
    pub unix_nanos: u64,
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Reads both clocks.
    fn now(&self) -> Now;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic: self.start.elapsed(), unix_nanos: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX) }
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct SteppedClock {
    now: Mutex<Now>,
}

impl SteppedClock {
    /// Starts at `unix_nanos`, with the monotonic clock at zero.
    pub fn at(unix_nanos: u64) -> Self {
        Self { now: Mutex::new(Now { monotonic: Duration::ZERO, unix_nanos }) }
    }

    /// Moves both clocks on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        now.monotonic += by;
        now.unix_nanos = now.unix_nanos.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Now {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
