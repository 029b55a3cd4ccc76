//! A back end that takes 300 ms an answer, and a load that does not care: memory, refusals, and nothing lost.

use std::time::{Duration, Instant};

use super::figure::{mebibytes, verdict};
use super::pipeline::{Work, config};
use super::{Bench, Report};
use crate::Fault;
use crate::load::{Load, Pace, Plan, Protocol, Squeeze};
use crate::sink::Sink;
use crate::subject::{Program, free_address};

const ANSWER_AFTER: Duration = Duration::from_millis(300);
/// Senders that each wait for their answer.
const SENDERS: Pace = Pace::Flat(64);
const LONGEST_DRAIN: Duration = Duration::from_secs(60);
const MOST_MEBIBYTES: f64 = 150.0;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "Overload",
        "The back end answers after 300 ms, 64 senders send without pause; then they stop, and what was acknowledged must arrive. One run each.",
        &["Row", "Program", "peak RSS MiB", "spans acknowledged", "refused", "failed", "arrived", "acknowledged and lost"],
    );
    let mut verdicts = Vec::new();
    for (name, protocol) in [("gRPC", Protocol::Grpc), ("HTTP", Protocol::Http)] {
        for program in bench.programs() {
            let run = run(bench, program, protocol)?;
            let numbers = [run.acknowledged, run.refused, run.failed, run.arrived];
            let mut cells = vec![name.to_owned(), program.name.to_owned(), format!("{:.0}", run.peak_rss)];
            cells.extend(numbers.map(|number| number.to_string()));
            cells.push(run.acknowledged.saturating_sub(run.arrived).to_string());
            report.row(&cells);
            if program.name == bench.ours.name {
                verdicts.push(format!("- {}", verdict(name, run.peak_rss, MOST_MEBIBYTES, "MiB")));
            }
        }
    }
    report.note(&verdicts.join("\n"));
    Ok(())
}

struct Run {
    peak_rss: f64,
    acknowledged: u64,
    refused: u64,
    failed: u64,
    arrived: u64,
}

fn run(bench: &Bench, program: &Program, protocol: Protocol) -> Result<Run, Fault> {
    let sink = Sink::start(ANSWER_AFTER)?;
    let entry = free_address()?;
    let running = program.start(&config(protocol, Work::Resource, entry, &sink, "compression: none")?)?;
    let duration = bench.stretch * 2;
    let load = Load::start(Plan { protocol, squeeze: Squeeze::None, target: entry, pace: SENDERS, duration });
    let counters = load.finish()?;
    let end = Instant::now() + LONGEST_DRAIN;
    while sink.counters.spans() < counters.accepted() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100));
    }
    let peak_rss = mebibytes(running.peak_rss()?);
    running.stop()?;
    Ok(Run {
        peak_rss,
        acknowledged: counters.accepted(),
        refused: counters.refused(),
        failed: counters.failed(),
        arrived: sink.counters.spans(),
    })
}
