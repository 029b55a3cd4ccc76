//! Runs of a process's eBPF programs and their time, by the kernel's own count.

use std::collections::BTreeMap;

use crate::Fault;

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// While it lives, the kernel counts runs of programs and their time.
pub(super) struct Counting {
    before: String,
}

impl Counting {
    pub(super) fn begin() -> Result<Self, Fault> {
        let before = std::fs::read_to_string(SWITCH)?;
        std::fs::write(SWITCH, "1")?;
        Ok(Self { before })
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        // Left on it costs every program of the machine some nanoseconds, and nobody anything else.
        let _ = std::fs::write(SWITCH, self.before.trim());
    }
}

/// What the programs of one process have done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    pub(super) runs: u64,
    pub(super) nanoseconds: u64,
}

impl Statistics {
    /// Of all programs that the process holds, each once.
    pub(super) fn of(pid: u32) -> Result<Self, Fault> {
        let mut programs = BTreeMap::new();
        for entry in std::fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
            // Descriptors come and go while they are read.
            let text = std::fs::read_to_string(entry?.path()).unwrap_or_default();
            programs.extend(of_descriptor(&text));
        }
        let add =
            |sum: Self, one: &Self| Self { runs: sum.runs + one.runs, nanoseconds: sum.nanoseconds + one.nanoseconds };
        Ok(programs.values().fold(Self::default(), add))
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self { runs: self.runs - before.runs, nanoseconds: self.nanoseconds - before.nanoseconds }
    }
}

/// The id of a program and what it has done, from what `/proc` says about a descriptor of it. Links name a program too,
/// and no times.
fn of_descriptor(text: &str) -> Option<(u64, Statistics)> {
    let number = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line?.trim().parse::<u64>().ok()
    };
    let statistics = Statistics { runs: number("run_cnt")?, nanoseconds: number("run_time_ns")? };
    Some((number("prog_id")?, statistics))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_programs_say_what_they_did_and_others_nothing() {
        let program = "pos:\t0\nprog_type:\t26\nprog_id:\t17\nrun_time_ns:\t900\nrun_cnt:\t3\n";
        let link = "link_type:\traw_tracepoint\nprog_id:\t17\n";

        assert_eq!(of_descriptor(program), Some((17, Statistics { runs: 3, nanoseconds: 900 })));
        assert_eq!(of_descriptor(link), None);
    }
}
