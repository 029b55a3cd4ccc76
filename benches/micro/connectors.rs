//! What the two connectors cost per span, without the way in.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod cpu;

use benches::message::{SPANS, request};
use component::testkit::{Stage, settings};
use component::{Ack, Clock as _, Connector, Consume, Output};
use connectors::service_graph::ServiceGraph;
use connectors::span_metrics::SpanMetrics;
use cpu::ThreadTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pdata::{Batch, Signal};

struct Nowhere;

impl Consume for Nowhere {
    fn consume(&self, _batch: Batch, ack: Ack) {
        ack.accept();
    }
}

fn costs(criterion: &mut Criterion<ThreadTime>) {
    cost::<ServiceGraph>(criterion, "service_graph");
    cost::<SpanMetrics>(criterion, "span_metrics");
}

fn cost<C: Connector>(criterion: &mut Criterion<ThreadTime>, name: &str) {
    let stage = Stage::new(Signal::Traces, usize::MAX >> 1);
    let built = C::build(&settings::<C::Config>("{}"), Signal::Metrics, &stage.context);
    let Ok(mut connector) = built else { return };
    let batches: Vec<Batch> = (0..32).map(request).collect();
    let mut batches = batches.iter().cycle();
    let mut group = criterion.benchmark_group("connectors");
    group.throughput(Throughput::Elements(SPANS as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut output = Output::new(&Nowhere, None, stage.clock.now());
            if let Some(batch) = batches.next() {
                connector.consume(batch.clone(), &mut output);
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = costs
}
criterion_main!(benches);
