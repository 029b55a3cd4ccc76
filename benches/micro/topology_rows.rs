//! What the exporter `topology` costs: per span, and for one scrape of service-graph metrics.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod cpu;

use std::cell::Cell;
use std::sync::Arc;

use benches::message::{SPANS, request};
use component::testkit::{BEGINNING, settings};
use component::{Clock as _, SteppedClock};
use cpu::ThreadTime;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use exporters::topology::{Extractor, Shared};
use pdata::{Batch, HistogramFields, MetricsWriter, Number, PointFields, Temporality};

/// Edges of the scrape that must be taken in within 100 ms.
const EDGES: u64 = 20_000;
const SECOND: u64 = 1_000_000_000;

fn extractor(clock: &SteppedClock) -> Extractor {
    Extractor::new(Arc::new(Shared::new(&settings("{deduplication: {window: 0s}}"), "".into(), clock.now())))
}

fn spans(criterion: &mut Criterion<ThreadTime>) {
    let clock = SteppedClock::at(BEGINNING);
    let mut extractor = extractor(&clock);
    let batches: Vec<Batch> = (0..32).map(request).collect();
    let mut batches = batches.iter().cycle();
    let mut group = criterion.benchmark_group("topology_rows");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function("spans", |bencher| {
        bencher.iter(|| batches.next().map(|batch| extractor.rows(batch, clock.now())));
    });
    group.finish();
}

/// A scrape in which 30 % of the edges have grown, as `number` says.
fn scrape(number: u64) -> Batch {
    let mut writer = MetricsWriter::new();
    writer.resource(|_| {}).scope("traces_service_graph", "");
    let start = BEGINNING + SECOND;
    let fields = PointFields { start_unix_nano: start, time_unix_nano: start + number * 15 * SECOND, flags: 0 };
    let count = |edge: u64| if edge % 10 < 3 { number * 7 } else { 1 };
    let labels = |out: &mut pdata::AttributesWriter<'_>, edge: u64| {
        out.add("client", &*format!("service-{}", edge / 10))
            .add("server", &*format!("service-{}", edge % 2000))
            .add("connection_type", "")
            .add("failed", false)
            .add("client_service_namespace", "shop")
            .add("server_service_namespace", "shop");
    };
    writer.sum("traces_service_graph_request_total", "", "", Temporality::Cumulative, true, |points| {
        for edge in 0..EDGES {
            let value = i64::try_from(count(edge)).unwrap_or(0);
            points.number(&fields, Number::Int(value), |out| labels(out, edge));
        }
    });
    let bounds = [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0];
    for name in ["traces_service_graph_request_server", "traces_service_graph_request_client"] {
        writer.histogram(name, "", "s", Temporality::Cumulative, |points| {
            for edge in 0..EDGES {
                let mut counts = [0; 17];
                counts[5] = count(edge);
                #[allow(clippy::cast_precision_loss, reason = "a small count")]
                let sum = Some(count(edge) as f64 * 0.02);
                let bucket_counts = &counts;
                let fields_of = HistogramFields {
                    count: count(edge),
                    sum,
                    bucket_counts,
                    explicit_bounds: &bounds,
                    ..HistogramFields::default()
                };
                points.histogram(&fields, &fields_of, &[], |out| labels(out, edge));
            }
        });
    }
    writer.finish()
}

fn service_graph(criterion: &mut Criterion<ThreadTime>) {
    let clock = SteppedClock::at(BEGINNING);
    let mut extractor = extractor(&clock);
    let number = Cell::new(1);
    let next = || {
        number.set(number.get() + 1);
        scrape(number.get())
    };
    let mut group = criterion.benchmark_group("topology_rows");
    group.sample_size(10);
    group.bench_function("scrape_of_20000_edges", |bencher| {
        bencher.iter_batched(next, |batch| extractor.rows(&batch, clock.now()), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = spans, service_graph
}
criterion_main!(benches);
