//! What the map's store costs: taking rows in, ticking, answering. Cost follows what is active, not what was ever seen.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]
#![allow(clippy::panic, reason = "a benchmark stops at the first surprise")]

mod cpu;

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use cpu::ThreadTime;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use topology::store::{SeriesQuery, Store, StoreConfig};
use topology::{
    End, FactRow, Histogram, Inside, Kind, Lane, Measures, Moment, Protocol, Requests, Rows, SECOND, STEP, Side,
    Transport, Who, Workload,
};

const DAY: u64 = 86_400 * SECOND;
const MINUTE: u64 = 60 * SECOND;
const BEGIN: Moment = Moment(20_000 * DAY);

/// One scrape: every `every`th edge did something in the last 15 seconds.
fn scrape(edges: usize, every: usize, at: Moment) -> Rows {
    let ends: Vec<Arc<End>> = (0..edges / 10).map(end).collect();
    let fact = |edge: usize| FactRow {
        at,
        over: STEP,
        lane: Lane::ServiceGraph,
        source: ends.get(edge / 10).cloned(),
        target: Arc::clone(&ends[(edge / 10 + 1 + edge % 10 * 7) % ends.len()]),
        protocol: Protocol::unspecified(),
        port: None,
        transport: Transport::Unspecified,
        measures: Measures {
            requests: Requests { paired: 5, ..Requests::default() },
            client: Side {
                latency: Histogram::from_parts(90_000_000, [(96, 2), (98, 2), (101, 1)]),
                ..Side::default()
            },
            server: Side {
                latency: Histogram::from_parts(80_000_000, [(95, 2), (97, 2), (100, 1)]),
                ..Side::default()
            },
            ..Measures::default()
        },
        exemplar: None,
    };
    Rows { facts: (0..edges).step_by(every).map(fact).collect(), ..Rows::default() }
}

fn end(number: usize) -> Arc<End> {
    let workload = Some(Workload { kind: Kind::Deployment, name: format!("workload-{number}").into() });
    let namespace = format!("namespace-{}", number / 40).into();
    let who = Who::Inside(Inside { cluster: "prod".into(), namespace, workload, service: None });
    Arc::new(End { who, pod: None, host: None })
}

fn open() -> Store {
    let config = StoreConfig { max_edges: 60_000, ..StoreConfig::default() };
    Store::open(config, BEGIN).map(|(store, _)| store).unwrap_or_else(|error| panic!("{error}"))
}

/// A store that has seen all edges once, and for an hour a tenth of them.
fn lived(edges: usize, active: usize) -> (Store, Moment) {
    let mut store = open();
    let mut now = BEGIN;
    store.apply(scrape(edges, 1, now), now);
    for _ in 0..240 {
        now = now.plus(STEP);
        store.apply(scrape(edges, edges / active, now), now);
        let _ = store.tick(now);
    }
    (store, now)
}

fn costs(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("store");
    group.sample_size(10);
    for edges in [1_000, 10_000, 20_000, 50_000] {
        group.throughput(Throughput::Elements(edges as u64));
        group.bench_with_input(
            BenchmarkId::new("take a scrape of all edges, tick", edges),
            &edges,
            |bencher, edges| {
                let (mut store, now) = lived(*edges, *edges / 10);
                let clock = Cell::new(now);
                bencher.iter_batched(
                    || scrape(*edges, 1, clock.get().plus(STEP)),
                    |rows| {
                        let now = clock.get().plus(STEP);
                        clock.set(now);
                        store.apply(rows, now);
                        black_box(store.tick(now).map(|ticked| ticked.revision))
                    },
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();

    let mut group = criterion.benchmark_group("store, 1,000 active of");
    group.sample_size(10);
    for edges in [1_000, 10_000, 50_000] {
        let (store, now) = lived(edges, 1_000);
        let snapshot = store.snapshot();
        group.bench_with_input(BenchmarkId::new("answer 5 minutes", edges), &edges, |bencher, _| {
            bencher.iter(|| black_box(snapshot.observe(now.minus(5 * MINUTE), now)).edges.len());
        });
        let edge = snapshot.observe(now.minus(5 * MINUTE), now).edges.first().map(|edge| (edge.source, edge.target));
        let query = SeriesQuery {
            edges: edge.into_iter().collect(),
            from: now.minus(60 * MINUTE),
            to: now,
            ..SeriesQuery::default()
        };
        group.bench_with_input(BenchmarkId::new("series of an hour", edges), &edges, |bencher, _| {
            bencher.iter(|| black_box(snapshot.series(&query)).points.len());
        });
        let (mut store, clock) = (store, Cell::new(now));
        group.bench_with_input(BenchmarkId::new("a second of 1,000 rows", edges), &edges, |bencher, edges| {
            bencher.iter_batched(
                || scrape(*edges, edges / 1_000, clock.get()),
                |rows| {
                    let now = clock.get().plus(SECOND);
                    clock.set(now);
                    store.apply(rows, now);
                    black_box(store.tick(now).map(|ticked| ticked.revision))
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = costs
}
criterion_main!(benches);
