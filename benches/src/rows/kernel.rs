//! What the eBPF programs cost by the kernel's own count, `bpf_stats`, while nginx answers wrk.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::figure::{Figure, verdict};
use super::web::{Nginx, may_load, wrk};
use super::{Bench, Report};
use crate::Fault;

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";
/// Of a loopback request: sent and received, both ways.
const CHUNKS: f64 = 4.0;
const MOST_MICROS: f64 = 3.5;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "Kernel",
        "ns per run of each program by `bpf_stats`, nginx and wrk flat out, every process observed, a reader that only reads.",
        &["Program", "runs", "ns a run"],
    );
    let Some(examples) = bench.examples.as_ref().filter(|_| may_load()) else {
        report.note("Not run: it needs root and `ebpf-probes/examples/cost.rs`.");
        return Ok(());
    };
    let nginx = Nginx::start()?;
    let counted = Counted::start()?;
    let mut per_request = Figure::default();
    let mut last = Vec::new();
    for _ in 0..bench.runs {
        let seconds = bench.stretch.as_secs();
        let reader = Command::new(examples.join("cost")).arg(seconds.to_string()).stdout(Stdio::piped()).spawn()?;
        // The load is there before the first and after the last record is read.
        let said = wrk(nginx.address, bench.stretch + Duration::from_secs(1));
        let output = reader.wait_with_output()?;
        said?;
        last = programs(&String::from_utf8_lossy(&output.stdout));
        per_request.add(request_micros(&last));
    }
    drop(counted);
    for program in &last {
        report.row(&[program.name.clone(), program.runs.to_string(), program.nanoseconds.to_string()]);
    }
    report.note(&format!(
        "- Per loopback request of four chunks, counted by the runs of the two payload programs: {} us\n- {}",
        per_request.show(2),
        verdict("kernel per request", per_request.median(), MOST_MICROS, "us")
    ));
    Ok(())
}

/// The kernel counts the time of programs while this lives.
pub(super) struct Counted {
    before: String,
}

impl Counted {
    pub(super) fn start() -> Result<Self, Fault> {
        let before = std::fs::read_to_string(SWITCH)?;
        std::fs::write(SWITCH, "1")?;
        Ok(Self { before })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // It could be written before.
        let _ = std::fs::write(SWITCH, self.before.trim());
    }
}

struct ProgramCost {
    name: String,
    runs: u64,
    nanoseconds: u64,
}

/// Lines such as `name  123 runs  45 ns each, 0 missed`.
fn programs(text: &str) -> Vec<ProgramCost> {
    let program = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, runs, "runs", nanoseconds, "ns", ..] = words.as_slice() else { return None };
        Some(ProgramCost { name: (*name).to_owned(), runs: runs.parse().ok()?, nanoseconds: nanoseconds.parse().ok()? })
    };
    text.lines().filter_map(program).collect()
}

/// All programs' time, on as many requests as there were chunks for.
fn request_micros(programs: &[ProgramCost]) -> f64 {
    let payload = programs.iter().filter(|program| is_payload(&program.name)).map(|program| program.runs).sum::<u64>();
    let total: u64 = programs.iter().map(|program| program.runs * program.nanoseconds).sum();
    total as f64 / (payload as f64 / CHUNKS) / 1e3
}

fn is_payload(name: &str) -> bool {
    name.contains("send") || name.contains("recv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_costs_what_its_four_chunks_cost() {
        let text = "on_send  200 runs  500 ns each, 0 missed\non_recv  200 runs  700 ns each, 0 missed\n7 records";
        let programs = programs(text);
        assert_eq!(programs.len(), 2);
        assert_eq!(request_micros(&programs), 2.4);
    }
}
