//! The programs by name, and what they cost.
//!
//! In this room: which hook each program needs, run counts. Not here: loading ([`crate::probes`]).

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use aya::programs::Program;

/// A program and its place in the kernel.
pub(crate) struct ProgramPlan {
    /// Name of the C function, and of the tracepoint.
    pub name: &'static str,
    /// Without it there is nothing to observe.
    pub required: bool,
    /// What is missing without it.
    pub purpose: &'static str,
}

/// The iterator over open sockets; not a tracepoint.
pub(crate) const SOCKET_ITERATOR: &str = "open_sockets";

/// Those that fire on events, in the order in which they are attached.
pub(crate) const TRACEPOINTS: [ProgramPlan; 8] = [
    plan("sched_process_exec", false, "names of new processes, from their OTEL_* variables"),
    plan("sched_process_fork", false, "decisions inherited by child processes"),
    plan("sched_process_exit", false, "the end of processes"),
    plan("inet_sock_set_state", true, "connections: open, close, failure"),
    plan("inet_sk_error_report", false, "errors of established connections"),
    plan("tcp_retransmit_skb", false, "the time of each retransmission"),
    plan("sock_send_length", true, "bytes that processes send"),
    plan("sock_recv_length", true, "bytes that processes receive"),
];

const fn plan(name: &'static str, required: bool, purpose: &'static str) -> ProgramPlan {
    ProgramPlan { name, required, purpose }
}

/// Work of one program since it was loaded. Times are 0 unless `kernel.bpf_stats_enabled` is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramStatistics {
    /// The program.
    pub name: &'static str,
    /// Runs that were measured.
    pub runs: u64,
    /// Time of these runs.
    pub nanoseconds: u64,
    /// Events that were not seen, because the program was already running on that CPU.
    pub recursion_misses: u64,
    /// Instructions that the verifier walked.
    pub verified_instructions: u64,
}

impl ProgramStatistics {
    /// From the kernel's text about an open program; `None` when the program is not loaded.
    pub(crate) fn read(name: &'static str, program: &Program) -> Option<Self> {
        let descriptor = program.fd().ok()?.as_fd().as_raw_fd();
        let text = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).ok()?;
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        Some(Self {
            name,
            runs: field("run_cnt"),
            nanoseconds: field("run_time_ns"),
            recursion_misses: field("recursion_misses"),
            verified_instructions: field("verified_insns"),
        })
    }
}
