//! What a process pays that is not observed: nginx and wrk with and without Tidewatch, in many short stretches by turns.
//!
//! A clock cannot tell 1 % apart on a machine that does other things as well, so nothing is compared over minutes: each
//! stretch with Tidewatch is compared with the mean of the stretches without it before and after, and the median of
//! these shares counts. Its confidence interval comes from the order of the shares alone.

use std::time::Duration;

use super::figure::{Figure, micros};
use super::programs::{Counting, Statistics};
use super::web::{Nginx, may_load, wrk_on};
use super::{Bench, Report};
use crate::Fault;
use crate::sink::Sink;
use crate::subject::{Program, Running, free_address};

/// wrk takes whole seconds.
const STRETCH: Duration = Duration::from_secs(1);
/// Stretches of each case, for each run of other rows but the first.
const TURNS_PER_RUN: usize = 8;
/// A single run only shows that everything works.
const FEWEST_TURNS: usize = 2;

/// What runs beside nginx.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    beside: Beside,
}

#[derive(Clone, Copy)]
enum Beside {
    /// Tidewatch with this receiver and its keys.
    Tidewatch { receiver: &'static str, keys: &'static str },
    /// `ebpf-probes/examples/floor.rs`.
    EmptyPrograms,
}

const CASES: [Case; 4] = [
    Case {
        name: "control: Tidewatch without the `ebpf` receiver",
        beside: Beside::Tidewatch { receiver: "nop", keys: "" },
    },
    Case { name: "floor: programs that do nothing, on the hooks of send and receive", beside: Beside::EmptyPrograms },
    Case {
        name: "not selected by executable",
        beside: Beside::Tidewatch { receiver: "ebpf", keys: "include: [{executable: \"*/nobody-runs-this\"}]" },
    },
    // Whose ports matter is known only when a connection is: until then, and in the kernel, all are candidates.
    Case {
        name: "not selected by port",
        beside: Beside::Tidewatch { receiver: "ebpf", keys: "include: [{ports: [9]}]" },
    },
];

/// What one case gave.
#[derive(Default)]
struct Figures {
    share: Figure,
    added_nanos: Figure,
    runs: f64,
    nanos_a_run: f64,
}

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    let turns = FEWEST_TURNS.max((bench.runs - 1) * TURNS_PER_RUN);
    report.table(
        "A process that is not selected",
        &format!(
            "nginx on one core, wrk on the other, 64 keep-alive connections: {turns} stretches of 1 s with Tidewatch, each between two without it. Medians, in brackets their 95 % confidence intervals. Program runs and their time by `bpf_stats`, in a stretch of their own: nginx's and wrk's together."
        ),
        &["Row", "nginx CPU per request, share", "added ns/request", "program runs/request", "ns a run", "ns/request in programs"],
    );
    if !may_load() {
        report.note("Not run: the `ebpf` receiver needs root.");
        return Ok(());
    }
    let nginx = Nginx::start_on(Some(0))?;
    // The first stretch warms caches up; nothing is taken from it.
    stretch(&nginx)?;
    let mut rows = CASES.map(|case| (case, Figures::default()));
    let mut noise = Figure::default();
    let mut before = stretch(&nginx)?;
    for _ in 0..turns {
        for (case, figures) in &mut rows {
            let with = with_agent(bench, *case, |_| stretch(&nginx))?;
            let after = stretch(&nginx)?;
            let without = f64::midpoint(before, after);
            figures.share.add(with / without);
            figures.added_nanos.add((with - without) * 1e3);
            noise.add(after / before);
            before = after;
        }
    }
    for (case, figures) in &mut rows {
        (figures.runs, figures.nanos_a_run) = by_the_kernel(bench, *case, &nginx)?;
    }
    for (case, figures) in &rows {
        report.row(&[
            case.name.to_owned(),
            figures.share.show_interval(4),
            figures.added_nanos.show_interval(0),
            format!("{:.2}", figures.runs),
            format!("{:.0}", figures.nanos_a_run),
            format!("{:.0}", figures.runs * figures.nanos_a_run),
        ]);
    }
    report.note(&format!(
        "- two stretches without Tidewatch, one after the other, as a share: {}: this is the noise",
        noise.show_interval(4)
    ));
    Ok(())
}

/// CPU of nginx per request, in microseconds.
fn stretch(nginx: &Nginx) -> Result<f64, Fault> {
    let before = nginx.cpu()?;
    let said = wrk_on(Some(1), nginx.address, STRETCH)?;
    Ok(micros(nginx.cpu()? - before) / said.requests as f64)
}

fn with_agent<T>(bench: &Bench, case: Case, work: impl FnOnce(&Running) -> Result<T, Fault>) -> Result<T, Fault> {
    let (agent, _sink) = start(bench, case)?;
    let done = work(&agent)?;
    agent.stop()?;
    Ok(done)
}

fn start(bench: &Bench, case: Case) -> Result<(Running, Sink), Fault> {
    let sink = Sink::start(Duration::ZERO)?;
    let telemetry = free_address()?.port();
    let (receiver, keys) = match case.beside {
        Beside::Tidewatch { receiver, keys } => (receiver, keys),
        Beside::EmptyPrograms => {
            let examples = bench.examples.as_ref().ok_or("the examples of `ebpf-probes` are not built")?;
            return Ok((Program { name: "floor", path: examples.join("floor") }.start("")?, sink));
        }
    };
    let agent = bench.ours.start(&format!(
        "receivers:\n  {receiver}: {{{keys}}}\n\
         exporters:\n  otlp_grpc: {{endpoint: \"{}\", tls: {{insecure: true}}}}\n\
         service:\n  telemetry:\n    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {telemetry}}}}}}}}}]}}\n  \
         pipelines:\n    traces: {{receivers: [{receiver}], exporters: [otlp_grpc]}}\n",
        sink.grpc
    ))?;
    Ok((agent, sink))
}

/// Runs of the programs per request, and nanoseconds of each.
fn by_the_kernel(bench: &Bench, case: Case, nginx: &Nginx) -> Result<(f64, f64), Fault> {
    let _counting = Counting::begin()?;
    with_agent(bench, case, |agent| {
        let before = Statistics::of(agent.pid())?;
        let said = wrk_on(Some(1), nginx.address, STRETCH)?;
        let used = Statistics::of(agent.pid())?.since(before);
        Ok((used.runs as f64 / said.requests as f64, used.nanoseconds as f64 / used.runs.max(1) as f64))
    })
}
