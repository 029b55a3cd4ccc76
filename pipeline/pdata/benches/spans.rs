//! What a span costs in each step of a batch's life.
//!
//! In this room: one request of 1000 spans with ten attributes each, taken through receipt, reading, editing, splitting
//! and writing; rows of `memcpy` and prost beside them, because only ratios within one run mean anything on a shared
//! machine.
//! Not here: whole pipelines, networks, other products (`benches/` of the workspace).
//!
//! Enter at `cargo bench -p pdata --bench spans`. Throughput is in spans.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use pdata::{AttributesWriter, Batch, BufferPool, Limit, Segments, Signal, SpanFields, SpanView, TracesWriter, json};
use prost::Message;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPANS: usize = 1000;

/// Server spans as an HTTP instrumentation makes them.
fn write_request() -> Batch {
    let mut writer = TracesWriter::new();
    writer.resource(|resource| {
        resource
            .add("service.name", "checkout")
            .add("service.namespace", "shop")
            .add("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09")
            .add("telemetry.sdk.language", "rust");
    });
    writer.scope("io.opentelemetry.contrib.http", "0.61.0");
    for index in 0..SPANS as u64 {
        let trace_id = u128::from(index / 4 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
        let span_id = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let parent_span_id = (index + 7).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let start = 1_700_000_000_000_000_000 + index * 1_000_003;
        let fields = SpanFields {
            trace_id: &trace_id,
            span_id: &span_id,
            parent_span_id: &parent_span_id,
            name: "GET /api/v1/products/{id}",
            kind: 2,
            start_unix_nano: start,
            end_unix_nano: start + 12_345_678,
            status_code: i32::from(index % 50 == 0) * 2,
            ..SpanFields::default()
        };
        writer.span(&fields, |attributes| write_attributes(attributes, index));
    }
    writer.finish()
}

fn write_attributes(attributes: &mut AttributesWriter<'_>, index: u64) {
    attributes
        .add("http.request.method", "GET")
        .add("url.path", "/api/v1/products/4711")
        .add("http.route", "/api/v1/products/{id}")
        .add("http.response.status_code", if index.is_multiple_of(50) { 500 } else { 200 })
        .add("server.address", "products.shop.svc.cluster.local")
        .add("server.port", 8080)
        .add("network.protocol.version", "1.1")
        .add("user_agent.original", "Mozilla/5.0 (X11; Linux)")
        .add("client.address", "10.42.13.37")
        .add("url.scheme", "https");
}

fn for_each_span(batch: &Batch, mut visit: impl FnMut(&SpanView<'_>)) {
    for resource in batch.resources() {
        for scope in resource.scopes() {
            for span in scope.spans() {
                visit(&span);
            }
        }
    }
}

fn fixed_walk(batch: &Batch) -> u64 {
    let mut sum = 0;
    for_each_span(batch, |span| {
        sum += span.end_unix_nano() - span.start_unix_nano();
        sum += u64::from(span.kind().unsigned_abs()) + u64::from(span.status_code().unsigned_abs());
        sum += (span.name().len() + span.trace_id().len() + span.span_id().len() + span.parent_span_id().len()) as u64;
    });
    sum
}

fn attribute_walk(batch: &Batch) -> usize {
    let mut sum = 0;
    for_each_span(batch, |span| {
        for attribute in span.attributes() {
            sum += attribute.key().len();
            match attribute.value().kind() {
                pdata::ValueKind::Str(text) => sum += text.len(),
                pdata::ValueKind::Int(number) => sum += number as usize & 7,
                _ => {}
            }
        }
    });
    sum
}

fn attribute_lookup(batch: &Batch) -> usize {
    let mut sum = 0;
    for_each_span(batch, |span| {
        sum += span.attribute("http.response.status_code").and_then(|value| value.as_int()).unwrap_or(0) as usize;
        sum += span.attribute("server.address").and_then(|value| value.as_str()).unwrap_or("").len();
        sum += usize::from(span.attribute("no.such.key").is_some());
    });
    sum
}

fn reading(criterion: &mut Criterion) {
    let batch = write_request();
    let bytes = batch.to_bytes();
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(SPANS as u64));
    let mut copy = vec![0; bytes.len()];
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| black_box(&mut copy).copy_from_slice(black_box(&bytes)));
    });
    group.bench_function("prost decode", |bencher| {
        bencher.iter(|| TracesData::decode(black_box(bytes.clone())).unwrap_or_default());
    });
    group.bench_function("framing", |bencher| {
        bencher.iter(|| Batch::from_otlp(Signal::Traces, black_box(bytes.clone())));
    });
    group.bench_function("fixed fields", |bencher| bencher.iter(|| fixed_walk(black_box(&batch))));
    group.bench_function("all attributes", |bencher| bencher.iter(|| attribute_walk(black_box(&batch))));
    group.bench_function("3 keys", |bencher| bencher.iter(|| attribute_lookup(black_box(&batch))));
    group.finish();
}

/// Edits a batch and has it written, as a processor and an exporter do.
fn edited(batch: Batch, pool: &mut BufferPool, edit: impl FnOnce(&mut Batch)) -> Segments {
    let mut batch = batch;
    edit(&mut batch);
    batch.into_segments(pool)
}

fn add_to_spans(batch: &mut Batch) {
    batch.edit_item_attributes(|attributes| attributes.upsert("deployment.environment.name", "production"));
}

fn add_to_resources(batch: &mut Batch) {
    for mut resource in batch.resources_mut() {
        resource.upsert("k8s.pod.name", "checkout-7d9f5b6c4-x2x8p");
        resource.upsert("k8s.namespace.name", "shop");
    }
}

fn editing(criterion: &mut Criterion) {
    let batch = write_request();
    let mut pool = BufferPool::default();
    let mut group = criterion.benchmark_group("edit");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function("span attribute", |bencher| {
        bencher.iter(|| edited(batch.clone(), &mut pool, add_to_spans));
    });
    group.bench_function("span attribute, to_bytes", |bencher| {
        bencher.iter(|| {
            let mut batch = batch.clone();
            add_to_spans(&mut batch);
            batch.to_bytes()
        });
    });
    group.bench_function("resource attributes", |bencher| {
        bencher.iter(|| edited(batch.clone(), &mut pool, add_to_resources));
    });
    group.bench_function("keep half of the spans", |bencher| {
        bencher.iter(|| {
            edited(batch.clone(), &mut pool, |batch| batch.retain_spans(|span| span.span_id().last() > Some(&127)))
        });
    });
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let batch = write_request();
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function("split 100", |bencher| {
        bencher.iter_batched(|| batch.clone(), |batch| batch.split(Limit::Items(100)), BatchSize::SmallInput);
    });
    group.bench_function("writer", |bencher| bencher.iter(write_request));
    group.bench_function("json", |bencher| bencher.iter(|| json::encode(black_box(&batch))));
    let decoded = TracesData::decode(batch.to_bytes()).unwrap_or_default();
    group.bench_function("prost encode", |bencher| bencher.iter(|| black_box(&decoded).encode_to_vec()));
    group.finish();
}

fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
}

criterion_group!(name = spans; config = quick(); targets = reading, editing, writing);
criterion_main!(spans);
