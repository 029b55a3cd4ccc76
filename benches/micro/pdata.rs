//! What OTLP bytes cost per span: receipt, reading, editing, cutting.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod cpu;

use std::hint::black_box;

use benches::message::{SPANS, request};
use cpu::ThreadTime;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pdata::{Batch, BufferPool, Limit, Signal};

fn costs(criterion: &mut Criterion<ThreadTime>) {
    let batch = request(1);
    let bytes = batch.to_bytes();
    let mut group = criterion.benchmark_group("pdata");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function("framing pass", |bencher| {
        bencher.iter(|| Batch::from_otlp(Signal::Traces, black_box(bytes.clone())));
    });
    group.bench_function("walk: ids, kind, times, all attributes", |bencher| bencher.iter(|| walk(black_box(&batch))));
    let mut pool = BufferPool::default();
    group.bench_function("edit each resource, write", |bencher| {
        bencher.iter(|| {
            let mut edited = batch.clone();
            for mut resource in edited.resources_mut() {
                resource.upsert("k8s.cluster.name", "west-1");
                resource.delete("host.name");
            }
            black_box(edited.into_segments(&mut pool))
        });
    });
    group.bench_function("edit each span, write", |bencher| {
        bencher.iter(|| {
            let mut edited = batch.clone();
            edited.edit_item_attributes(|attributes| attributes.upsert("peer.zone", "b"));
            black_box(edited.into_segments(&mut pool))
        });
    });
    group.bench_function("split by 100 spans", |bencher| {
        bencher.iter_batched(
            || batch.clone(),
            |batch| black_box(batch.split(Limit::Items(100))),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn walk(batch: &Batch) -> u64 {
    let mut sum = 0_u64;
    for resource in batch.resources() {
        for span in resource.scopes().flat_map(|scope| scope.spans()) {
            sum = sum
                .wrapping_add(span.end_unix_nano().wrapping_sub(span.start_unix_nano()))
                .wrapping_add(u64::from(span.trace_id().first().copied().unwrap_or(0)))
                .wrapping_add(span.kind() as u64);
            for attribute in span.attributes() {
                sum = sum.wrapping_add(attribute.key_bytes().len() as u64);
                sum = sum.wrapping_add(attribute.value().as_str_bytes().map_or(0, <[u8]>::len) as u64);
            }
        }
    }
    sum
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = costs
}
criterion_main!(benches);
