//! The allocator, and giving back what it keeps.
#![allow(unsafe_code, reason = "mimalloc's own functions are reached over its C interface only")]

/// glibc's allocator keeps what bursts have taken; this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Returns freed memory to the system now. Left to itself the allocator does so only as it is used, and a process that
/// has just started may sit for long on the tens of megabytes that reading the kernel's types took.
pub fn give_back() {
    // SAFETY: takes no pointers, and may be called at any time from any thread (mimalloc.h, `mi_collect`).
    unsafe { libmimalloc_sys::mi_collect(true) }
}
