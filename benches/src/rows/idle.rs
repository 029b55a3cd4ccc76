//! A process that has nothing to do: memory, time to ready, size of the file.

use std::time::Duration;

use super::figure::{Figure, mebibytes, millis, verdict};
use super::pipeline::{Work, config};
use super::{Bench, Report};
use crate::Fault;
use crate::load::Protocol;
use crate::sink::Sink;
use crate::subject::{Program, free_address};

/// Until start-up garbage is gone.
const SETTLE: Duration = Duration::from_secs(2);

const MOST_MEBIBYTES: f64 = 25.0;
const LONGEST_START_MS: f64 = 100.0;
const LARGEST_FILE_MB: f64 = 30.0;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "Idle",
        "`otlp` receiver, `resource`, `batch`, `otlp_grpc` exporter; no load.",
        &["Program", "RSS MiB", "ready after ms", "binary MB"],
    );
    let mut ours = (0.0, 0.0);
    let mut measured: Vec<_> =
        bench.programs().map(|program| (program, Figure::default(), Figure::default())).collect();
    for _ in 0..bench.runs {
        for (program, rss, ready) in &mut measured {
            let sink = Sink::start(Duration::ZERO)?;
            let config = config(Protocol::Grpc, Work::ResourceAndBatch, free_address()?, &sink, "compression: none")?;
            let running = program.start(&config)?;
            std::thread::sleep(SETTLE);
            rss.add(mebibytes(running.rss()?));
            ready.add(millis(running.ready_after));
            running.stop()?;
        }
    }
    for (program, rss, ready) in &measured {
        if program.name == bench.ours.name {
            ours = (rss.median(), ready.median());
        }
        report.row(&[program.name.to_owned(), rss.show(1), ready.show(0), format!("{:.1}", megabytes(program)?)]);
    }
    let verdicts = [
        verdict("RSS", ours.0, MOST_MEBIBYTES, "MiB"),
        verdict("ready", ours.1, LONGEST_START_MS, "ms"),
        verdict("binary", megabytes(&bench.ours)?, LARGEST_FILE_MB, "MB"),
    ];
    report.note(&verdicts.map(|verdict| format!("- {verdict}")).join("\n"));
    Ok(())
}

fn megabytes(program: &Program) -> Result<f64, Fault> {
    Ok(program.size()? as f64 / 1e6)
}
