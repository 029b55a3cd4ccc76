//! What a data point costs on its way into a remote-write request: names, labels, series, protobuf. Nothing is sent.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod cpu;

use component::testkit::{Stage, settings};
use component::{Ack, Exporter};
use cpu::ThreadTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exporters::prometheus_remote_write::{RemoteWriteConfig, RemoteWriteExporter};
use pdata::{AttributesWriter, Batch, HistogramFields, MetricsWriter, Number, PointFields, Signal, Temporality};

const POINTS: u64 = 500;
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const FIELDS: PointFields =
    PointFields { start_unix_nano: 1_767_225_600_000_000_000, time_unix_nano: 1_767_225_660_000_000_000, flags: 0 };

fn costs(criterion: &mut Criterion<ThreadTime>) {
    cost(criterion, "a point of a sum", &sums());
    cost(criterion, "a point of a histogram, 17 series", &histograms());
}

fn cost(criterion: &mut Criterion<ThreadTime>, name: &str, batch: &Batch) {
    let stage = Stage::new(Signal::Metrics, usize::MAX >> 1);
    // Without a queue, and never started: what is encoded has nowhere to wait.
    let yaml = "{endpoint: \"http://127.0.0.1:9/\", remote_write_queue: {enabled: false}}";
    let built = RemoteWriteExporter::build(&settings::<RemoteWriteConfig>(yaml), &stage.context);
    let Ok(mut exporter) = built else { return };
    let mut group = criterion.benchmark_group("remote_write");
    group.throughput(Throughput::Elements(POINTS));
    group.bench_function(name, |bencher| bencher.iter(|| exporter.accept(batch.clone(), Ack::unwatched())));
    group.finish();
}

fn sums() -> Batch {
    metrics(|writer| {
        writer.sum("traces_service_graph_request", "", "", Temporality::Cumulative, true, |points| {
            for place in 0..POINTS {
                points.number(&FIELDS, Number::Int(place as i64), |attributes| edge(attributes, place));
            }
        });
    })
}

fn histograms() -> Batch {
    let numbers = HistogramFields {
        count: 120,
        sum: Some(17.25),
        bucket_counts: &[8; BOUNDS.len() + 1],
        explicit_bounds: &BOUNDS,
        ..HistogramFields::default()
    };
    metrics(|writer| {
        writer.histogram("traces_service_graph_request_server", "", "s", Temporality::Cumulative, |points| {
            for place in 0..POINTS {
                points.histogram(&FIELDS, &numbers, &[], |attributes| edge(attributes, place));
            }
        });
    })
}

fn metrics(write: impl FnOnce(&mut MetricsWriter)) -> Batch {
    let mut writer = MetricsWriter::new();
    writer.resource(|attributes| {
        attributes.add("service.name", "gateway").add("service.instance.id", "7c5ddbdf54-00001");
    });
    write(&mut writer);
    writer.finish()
}

/// Labels as an edge of the service graph has them.
fn edge(attributes: &mut AttributesWriter<'_>, place: u64) {
    attributes
        .add("client", &format!("service-{:02}", place % 20))
        .add("server", &format!("service-{:02}", place / 20))
        .add("connection_type", "")
        .add("failed", "false");
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = costs
}
criterion_main!(benches);
