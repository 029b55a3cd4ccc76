//! Waiting for something to become true, never for time to pass.

use std::time::{Duration, Instant};

/// Far longer than anything takes; only a story that fails waits so long.
const BOUND: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until `there` holds.
#[track_caller]
pub fn until(what: &str, mut there: impl FnMut() -> bool) {
    until_some(what, || there().then_some(()));
}

/// Looks again and again until there is something.
#[track_caller]
pub fn until_some<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(began.elapsed() < BOUND, "gave up waiting until {what}");
        std::thread::sleep(PAUSE);
    }
}
