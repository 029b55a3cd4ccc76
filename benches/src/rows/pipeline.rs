//! OTLP in, something done, OTLP or metrics out: CPU per span and peak memory.

use std::net::SocketAddr;
use std::time::Duration;

use super::figure::{Figure, mebibytes, micros, verdict};
use super::{Bench, Report};
use crate::Fault;
use crate::load::{Load, Pace, Plan, Protocol, Squeeze};
use crate::sink::Sink;
use crate::subject::{Program, free_address};

/// Before anything is measured: connections are made, buffers are warm, the garbage collector has found its pace.
const WARM_UP: Duration = Duration::from_secs(1);
const FIXED: Pace = Pace::Rate(20_000);
/// Requests at a time: enough that nobody waits for the load, nor `batch` for its timeout.
const FLAT_OUT: Pace = Pace::Flat(48);

/// What stands between entry and exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Resource,
    ResourceAndBatch,
    Connectors,
}

/// One row.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    protocol: Protocol,
    work: Work,
    pace: Pace,
    squeeze: Squeeze,
    /// Our own key; the peer's gRPC has none.
    level: Option<i32>,
    /// CPU per span, as a part of the peer's, that it must not exceed.
    target: Option<f64>,
}

const fn case(name: &'static str, protocol: Protocol, work: Work, pace: Pace, target: f64) -> Case {
    Case { name, protocol, work, pace, squeeze: Squeeze::None, level: None, target: Some(target) }
}

const fn squeezed(name: &'static str, squeeze: Squeeze, level: Option<i32>) -> Case {
    let (protocol, work) = (Protocol::Grpc, Work::Resource);
    Case { name, protocol, work, pace: FIXED, squeeze, level, target: None }
}

const CASES: &[Case] = &[
    case("gRPC, `resource`, 20,000/s", Protocol::Grpc, Work::Resource, FIXED, 0.25),
    case("gRPC, `resource`, flat out", Protocol::Grpc, Work::Resource, FLAT_OUT, 0.25),
    case("gRPC, `resource` and `batch`, 20,000/s", Protocol::Grpc, Work::ResourceAndBatch, FIXED, 0.25),
    case("gRPC, `resource` and `batch`, flat out", Protocol::Grpc, Work::ResourceAndBatch, FLAT_OUT, 0.25),
    case("HTTP, `resource`, 20,000/s", Protocol::Http, Work::Resource, FIXED, 0.1),
    case("HTTP, `resource`, flat out", Protocol::Http, Work::Resource, FLAT_OUT, 0.1),
    case("gRPC, `service_graph` and `span_metrics`, 20,000/s", Protocol::Grpc, Work::Connectors, FIXED, 0.2),
    case("gRPC, `service_graph` and `span_metrics`, flat out", Protocol::Grpc, Work::Connectors, FLAT_OUT, 0.2),
    squeezed("gRPC, `resource`, zstd in and out, 20,000/s", Squeeze::Zstd, None),
    squeezed("gRPC, `resource`, gzip in and out, 20,000/s", Squeeze::Gzip, None),
    squeezed("the same, our gzip at level 1", Squeeze::Gzip, Some(1)),
];

/// What one run gave.
struct Run {
    spans_per_second: f64,
    cpu_per_span: f64,
    peak_rss: f64,
    refused: f64,
}

#[derive(Default)]
struct Figures {
    spans_per_second: Figure,
    cpu_per_span: Figure,
    peak_rss: Figure,
    refused: Figure,
}

impl Figures {
    fn add(&mut self, run: &Run) {
        self.spans_per_second.add(run.spans_per_second);
        self.cpu_per_span.add(run.cpu_per_span);
        self.peak_rss.add(run.peak_rss);
        self.refused.add(run.refused);
    }
}

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Fault> {
    report.table(
        "Pipelines",
        "500 spans a request, 400 B a span, no compression unless the row says so, the same YAML for both. Flat out: 48 requests at a time, `sending_queue: {wait_for_result: true}`.",
        &["Row", "Program", "spans/s", "CPU us/span", "peak RSS MiB", "spans refused", "CPU of the peer's"],
    );
    let mut verdicts = Vec::new();
    for case in CASES {
        let figures = run_all(bench, case)?;
        let cpu = |place: usize| figures.get(place).map_or(f64::NAN, |(_, figures)| figures.cpu_per_span.median());
        let share = cpu(0) / cpu(1);
        for (place, (program, figures)) in figures.iter().enumerate() {
            let compared = if place == 0 && share.is_finite() { format!("{share:.3}") } else { String::new() };
            report.row(&[
                case.name,
                program.name,
                &figures.spans_per_second.show(0),
                &figures.cpu_per_span.show(2),
                &figures.peak_rss.show(0),
                &figures.refused.show(0),
                &compared,
            ]);
        }
        if let Some(target) = case.target.filter(|_| share.is_finite()) {
            verdicts.push(format!("- {}", verdict(case.name, share, target, "of the peer's CPU")));
        }
    }
    report.note(&verdicts.join("\n"));
    Ok(())
}

fn run_all<'a>(bench: &'a Bench, case: &Case) -> Result<Vec<(&'a Program, Figures)>, Fault> {
    let programs = bench.programs().filter(|program| case.level.is_none() || program.name == bench.ours.name);
    let mut measured: Vec<_> = programs.map(|program| (program, Figures::default())).collect();
    for _ in 0..bench.runs {
        for (program, figures) in &mut measured {
            figures.add(&run(bench, program, case)?);
        }
    }
    Ok(measured)
}

fn run(bench: &Bench, program: &Program, case: &Case) -> Result<Run, Fault> {
    let sink = Sink::start(Duration::ZERO)?;
    let entry = free_address()?;
    let config = config(case.protocol, case.work, entry, &sink, &exporter_keys(case))?;
    let running = program.start(&config)?;
    let duration = WARM_UP + bench.stretch + Duration::from_millis(500);
    let plan = Plan { protocol: case.protocol, squeeze: case.squeeze, target: entry, pace: case.pace, duration };
    let load = Load::start(plan);
    let delivered = || match case.work {
        Work::Connectors => load.counters.accepted(),
        Work::Resource | Work::ResourceAndBatch => sink.counters.spans(),
    };

    std::thread::sleep(WARM_UP);
    let (cpu, spans, begin) = (running.cpu()?, delivered(), std::time::Instant::now());
    std::thread::sleep(bench.stretch);
    let (cpu, spans, took) = (running.cpu()? - cpu, delivered() - spans, begin.elapsed());

    let counters = load.finish()?;
    let peak_rss = mebibytes(running.peak_rss()?);
    running.stop()?;
    if spans == 0 {
        return Err(format!("{}: no span arrived; {} failed with\n{config}", program.name, counters.failed()).into());
    }
    Ok(Run {
        spans_per_second: spans as f64 / took.as_secs_f64(),
        cpu_per_span: micros(cpu) / spans as f64,
        peak_rss,
        refused: (counters.refused() + counters.failed() + counters.unsent()) as f64,
    })
}

fn exporter_keys(case: &Case) -> String {
    let codec = match case.squeeze {
        Squeeze::None => "none",
        Squeeze::Gzip => "gzip",
        Squeeze::Zstd => "zstd",
    };
    let level = case.level.map_or_else(String::new, |level| format!(", compression_params: {{level: {level}}}"));
    // Flat out, senders wait for the result: a queue that only fills would be measured until it refuses.
    let queue = if case.pace == FLAT_OUT { ", sending_queue: {wait_for_result: true}" } else { "" };
    format!("compression: {codec}{level}{queue}")
}

/// The same YAML for both programs.
pub(super) fn config(
    protocol: Protocol,
    work: Work,
    entry: SocketAddr,
    sink: &Sink,
    exporter_keys: &str,
) -> Result<String, Fault> {
    let (receiver, exporter, destination) = match protocol {
        Protocol::Grpc => ("grpc", "otlp_grpc", sink.grpc.to_string()),
        Protocol::Http => ("http", "otlp_http", format!("http://{}", sink.http)),
    };
    let processors = match work {
        Work::ResourceAndBatch => "[resource, batch]",
        Work::Resource | Work::Connectors => "[resource]",
    };
    let telemetry = free_address()?.port();
    let scrape = free_address()?;
    let head = format!(
        "receivers:\n  otlp: {{protocols: {{{receiver}: {{endpoint: \"{entry}\"}}}}}}\n\
         exporters:\n"
    );
    let own = format!(
        "service:\n  telemetry:\n    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {telemetry}}}}}}}}}]}}\n  pipelines:\n"
    );
    if work == Work::Connectors {
        return Ok(format!(
            "{head}  prometheus: {{endpoint: \"{scrape}\"}}\n\
             connectors:\n  service_graph:\n  span_metrics:\n{own}    \
             traces: {{receivers: [otlp], exporters: [service_graph, span_metrics]}}\n    \
             metrics: {{receivers: [service_graph, span_metrics], exporters: [prometheus]}}\n"
        ));
    }
    Ok(format!(
        "{head}  {exporter}: {{endpoint: \"{destination}\", tls: {{insecure: true}}, {exporter_keys}}}\n\
         processors:\n  batch:\n  resource:\n    attributes:\n      \
         - {{key: k8s.cluster.name, value: west-1, action: upsert}}\n      \
         - {{key: deployment.environment.name, value: production, action: insert}}\n      \
         - {{key: host.name, action: delete}}\n{own}    \
         traces: {{receivers: [otlp], processors: {processors}, exporters: [{exporter}]}}\n"
    ))
}
