//! Kernel time to wall-clock time.
//!
//! In this room: the offset between the two. Not here: when to measure it again (each minute; the receiver's business).

#![allow(unsafe_code)]

/// What must be added to [`crate::MonotonicNanos`] to get nanoseconds since the Unix epoch, now.
///
/// The wall clock is stepped and slewed, the kernel's monotonic clock is not: measure again every minute.
pub fn monotonic_to_wall_offset() -> i64 {
    // Of a few tries the one with the shortest pause between the two readings of the monotonic clock is the most exact.
    let tries = (0..5).map(|_| {
        let before = read(libc::CLOCK_MONOTONIC);
        let wall = read(libc::CLOCK_REALTIME);
        let after = read(libc::CLOCK_MONOTONIC);
        let pause = after.saturating_sub(before);
        (pause, wall.saturating_sub(before.saturating_add(pause / 2)))
    });
    tries.min_by_key(|(pause, _)| *pause).map_or(0, |(_, offset)| offset)
}

fn read(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec for the length of the call, and both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}
