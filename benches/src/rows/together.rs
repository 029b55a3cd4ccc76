//! Kernel and agent in one run: what a request costs in the eBPF programs and in Tidewatch that reads them.
//!
//! The kernel's part is counted by the kernel itself (`bpf_stats`: `run_time_ns` of each program that Tidewatch holds),
//! the agent's part is its CPU time, the way out by OTLP included.

use std::path::Path;
use std::time::Duration;

use super::figure::{Figure, micros, verdict};
use super::kernel::Counted;
use super::web::{Nginx, config, may_load, wrk};
use super::{Bench, Report};
use crate::Fault;
use crate::requests;
use crate::sink::Sink;

const MOST_MICROS: f64 = 8.0;
const RATE: u32 = 20_000;
const CONNECTIONS: u32 = 64;
/// Longer than spans wait for others.
const LAST_SPANS: Duration = Duration::from_millis(500);

struct Row {
    name: &'static str,
    /// Part of the receiver's `include`.
    who: &'static str,
    is_flat_out: bool,
    rate: Figure,
    kernel: Figure,
    agent: Figure,
    together: Figure,
    spans: Figure,
}

impl Row {
    fn new(name: &'static str, who: &'static str, is_flat_out: bool) -> Self {
        let figure = Figure::default;
        Self {
            name,
            who,
            is_flat_out,
            rate: figure(),
            kernel: figure(),
            agent: figure(),
            together: figure(),
            spans: figure(),
        }
    }

    fn run(&mut self, bench: &Bench) -> Result<(), Fault> {
        let nginx = Nginx::start()?;
        let sink = Sink::start(Duration::ZERO)?;
        let agent = bench.ours.start(&config(nginx.address.port(), self.who, &sink)?)?;
        let before = (nginx.requests()?, agent.cpu()?, programs_time(agent.pid())?);
        let requests_per_second = if self.is_flat_out {
            wrk(nginx.address, bench.stretch)?.requests_per_second
        } else {
            open_loop(&nginx, bench.stretch)?
        };
        std::thread::sleep(LAST_SPANS);
        let agent_time = agent.cpu()? - before.1;
        let kernel_time = programs_time(agent.pid())? - before.2;
        let requests = (nginx.requests()? - before.0) as f64;
        agent.stop()?;
        self.rate.add(requests_per_second);
        self.kernel.add(micros(kernel_time) / requests);
        self.agent.add(micros(agent_time) / requests);
        self.together.add(micros(kernel_time + agent_time) / requests);
        self.spans.add(sink.counters.spans() as f64 / requests);
        Ok(())
    }
}

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "Kernel and agent together",
        "The same run for both: the programs' own time by `bpf_stats`, Tidewatch's CPU time with spans and metrics sent by OTLP. Where both ends are observed a request is four chunks and two spans; where nginx alone is, it is two chunks and one span. Spans below that number were lost, and cost nothing.",
        &["Row", "requests/s", "kernel us/request", "agent us/request", "together us/request", "spans/request"],
    );
    if !may_load() {
        report.note("Not run: the `ebpf` receiver needs root.");
        return Ok(());
    }
    let mut rows = [
        Row::new("both ends, 20,000/s open loop", "", false),
        Row::new("both ends, wrk flat out", "", true),
        Row::new("nginx alone, 20,000/s open loop", ", executable: \"*/nginx\"", false),
        Row::new("nginx alone, wrk flat out", ", executable: \"*/nginx\"", true),
    ];
    let counted = Counted::start()?;
    for _ in 0..bench.runs {
        for row in &mut rows {
            row.run(bench)?;
        }
    }
    drop(counted);
    for row in &rows {
        report.row(&[
            row.name.to_owned(),
            row.rate.show(0),
            row.kernel.show(2),
            row.agent.show(2),
            row.together.show(2),
            row.spans.show(2),
        ]);
    }
    let verdicts = rows.each_ref().map(|row| {
        format!("- {}", verdict(&format!("kernel and agent, {}", row.name), row.together.median(), MOST_MICROS, "us"))
    });
    report.note(&verdicts.join("\n"));
    Ok(())
}

fn open_loop(nginx: &Nginx, duration: Duration) -> Result<f64, Fault> {
    let plan = requests::Plan {
        target: nginx.address,
        path: "/hello".to_owned(),
        rate: RATE,
        connections: CONNECTIONS,
        duration,
    };
    Ok(requests::run(&plan)?.answered as f64 / duration.as_secs_f64())
}

/// Time in the eBPF programs that a process holds, as the kernel tells it of their descriptors.
fn programs_time(pid: u32) -> Result<Duration, Fault> {
    let mut known = Vec::new();
    let mut nanoseconds = 0;
    for entry in std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fdinfo"))? {
        // A descriptor may be closed in the meantime.
        let text = std::fs::read_to_string(entry?.path()).unwrap_or_default();
        if let Some((program, time)) = program_time(&text)
            && !known.contains(&program)
        {
            known.push(program);
            nanoseconds += time;
        }
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Number and time of the program that a descriptor stands for, if it stands for one; a link to it does not count.
fn program_time(text: &str) -> Option<(u64, u64)> {
    let number = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    Some((number("prog_id:")?, number("run_time_ns:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_descriptors_of_programs_have_a_time() {
        let program = "pos:\t0\nprog_type:\t26\nprog_id:\t7\nrun_time_ns:\t1500\nrun_cnt:\t3\n";
        assert_eq!(program_time(program), Some((7, 1500)));
        assert_eq!(program_time("pos:\t0\nlink_type:\traw_tracepoint\nprog_id:\t7\n"), None);
        assert_eq!(program_time("pos:\t0\nflags:\t02\n"), None);
    }
}
