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

/// The same for what by its nature takes longer, such as a judgement that wants to see something hold.
#[track_caller]
pub fn until_within(bound: Duration, what: &str, mut there: impl FnMut() -> bool) {
    look(bound, what, || there().then_some(()));
}

/// Looks again and again until there is something.
#[track_caller]
pub fn until_some<T>(what: &str, find: impl FnMut() -> Option<T>) -> T {
    look(BOUND, what, find)
}

#[track_caller]
fn look<T>(bound: Duration, what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(began.elapsed() < bound, "gave up waiting until {what}");
        std::thread::sleep(PAUSE);
    }
}
