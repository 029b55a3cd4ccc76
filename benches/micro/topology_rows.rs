//! What the exporter `topology` costs: per span, and for scrapes of service-graph metrics; alone, and with the store that
//! takes its rows. Cost follows what is active, not what was ever seen.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]
#![allow(clippy::panic, reason = "a benchmark stops at the first surprise")]

mod cpu;

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use benches::message::{SPANS, request};
use component::Now;
use component::testkit::{BEGINNING, settings};
use cpu::ThreadTime;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use exporters::topology::{Extractor, Shared};
use pdata::{AttributesWriter, Batch, HistogramFields, MetricsWriter, Number, PointFields, PointsWriter, Temporality};
use topology::store::{Store, StoreConfig};
use topology::{Moment, Rows};

/// The allocator of the `tidewatch` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Edges of the scrape that must be taken in within 100 ms.
const EDGES: u64 = 20_000;
/// Edges that do something, of however many that are known.
const ACTIVE: u64 = 1_000;
const SCRAPE_SECONDS: u64 = 15;
const SECOND: u64 = 1_000_000_000;
const BOUNDS: [f64; 16] = [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0];

fn extractor(now: Now) -> Extractor {
    Extractor::new(Arc::new(Shared::new(&settings("{}"), "".into(), now)))
}

/// The exporter, and the store to which it tells.
struct Map {
    extractor: Extractor,
    store: Store,
}

impl Map {
    fn new(now: Now) -> Self {
        let config = StoreConfig { max_edges: 60_000, ..StoreConfig::default() };
        let opened = Store::open(config, Moment(now.unix_nanos)).map(|(store, _)| store);
        Self { extractor: extractor(now), store: opened.unwrap_or_else(|error| panic!("{error}")) }
    }

    fn take(&mut self, batch: &Batch, now: Now) {
        let rows = self.extractor.rows(batch, now);
        self.store.apply(rows, Moment(now.unix_nanos));
    }

    /// The same, and what the store does with it once a second.
    fn take_and_tick(&mut self, batch: &Batch, now: Now) {
        self.take(batch, now);
        let ticked = self.store.tick(Moment(now.unix_nanos));
        black_box(ticked.unwrap_or_else(|error| panic!("{error}")).revision);
    }
}

fn now_at(unix_nanos: u64) -> Now {
    Now { unix_nanos, monotonic: Duration::from_nanos(unix_nanos.saturating_sub(BEGINNING)) }
}

/// When the spans of a request have ended.
fn end_of(batch: &Batch) -> Now {
    let spans = batch.resources().flat_map(|resource| resource.scopes().flat_map(|scope| scope.spans()));
    now_at(spans.map(|span| span.end_unix_nano()).max().unwrap_or(BEGINNING))
}

fn spans(criterion: &mut Criterion<ThreadTime>) {
    let now = end_of(&request(0));
    // No span comes twice: what was counted is remembered.
    let number = Cell::new(0);
    let next = || request(number.replace(number.get() + 1));
    let mut group = criterion.benchmark_group("topology_rows");
    group.throughput(Throughput::Elements(SPANS as u64));
    let mut extractor = extractor(now);
    group.bench_function("spans", |bencher| {
        bencher.iter_batched(next, |batch| extractor.rows(&batch, now), BatchSize::SmallInput);
    });
    let mut map = Map::new(now);
    group.bench_function("spans, into the store", |bencher| {
        bencher.iter_batched(next, |batch| map.take(&batch, now), BatchSize::SmallInput);
    });
    group.finish();
}

/// When scrape `number` is read.
fn scraped_at(number: u64) -> Now {
    now_at(BEGINNING + (1 + number * SCRAPE_SECONDS) * SECOND)
}

/// A scrape of edges that `count` says how much was counted of.
fn scrape(number: u64, edges: impl Iterator<Item = u64> + Clone, count: impl Fn(u64) -> u64) -> Batch {
    let mut writer = MetricsWriter::new();
    writer.resource(|_| {}).scope("traces_service_graph", "");
    let fields =
        PointFields { start_unix_nano: BEGINNING + SECOND, time_unix_nano: scraped_at(number).unix_nanos, flags: 0 };
    writer.sum("traces_service_graph_request_total", "", "", Temporality::Cumulative, true, |points| {
        for edge in edges.clone() {
            let value = i64::try_from(count(edge)).unwrap_or(0);
            points.number(&fields, Number::Int(value), |out| labels(out, edge));
        }
    });
    for name in ["traces_service_graph_request_server", "traces_service_graph_request_client"] {
        writer.histogram(name, "", "s", Temporality::Cumulative, |points| {
            edges.clone().for_each(|edge| durations(points, &fields, edge, count(edge)));
        });
    }
    writer.finish()
}

fn durations(points: &mut PointsWriter<'_>, fields: &PointFields, edge: u64, count: u64) {
    let mut counts = [0; BOUNDS.len() + 1];
    counts[5] = count;
    #[allow(clippy::cast_precision_loss, reason = "a small count")]
    let sum = Some(count as f64 * 0.02);
    let histogram =
        HistogramFields { count, sum, bucket_counts: &counts, explicit_bounds: &BOUNDS, ..HistogramFields::default() };
    points.histogram(fields, &histogram, &[], |out| labels(out, edge));
}

fn labels(out: &mut AttributesWriter<'_>, edge: u64) {
    out.add("client", &*format!("service-{}", edge / 10))
        .add("server", &*format!("service-{}", edge % 2000))
        .add("connection_type", "")
        .add("failed", false)
        .add("client_service_namespace", "shop")
        .add("server_service_namespace", "shop");
}

/// Scrapes that come one after the other, and when they do.
fn scrapes(first: u64, scrape: impl Fn(u64) -> Batch) -> impl Fn() -> (Batch, Now) {
    let number = Cell::new(first);
    move || {
        let this = number.replace(number.get() + 1);
        (scrape(this), scraped_at(this))
    }
}

fn whole_scrapes(criterion: &mut Criterion<ThreadTime>) {
    // Three of ten edges have grown.
    let whole = |number: u64| scrape(number, 0..EDGES, |edge| if edge % 10 < 3 { number * 7 } else { 1 });
    let mut group = criterion.benchmark_group("topology_rows, a scrape of 20,000 edges");
    group.sample_size(10);
    let extractor = RefCell::new(extractor(scraped_at(0)));
    let rows = |(batch, now): (Batch, Now)| -> Rows { extractor.borrow_mut().rows(&batch, now) };
    let next = scrapes(1, whole);
    rows(next());
    group.bench_function("rows", |bencher| bencher.iter_batched(&next, rows, BatchSize::PerIteration));
    let mut map = Map::new(scraped_at(0));
    let next = scrapes(1, whole);
    let (batch, now) = next();
    map.take_and_tick(&batch, now);
    group.bench_function("into the store", |bencher| {
        bencher.iter_batched(&next, |(batch, now)| map.take_and_tick(&batch, now), BatchSize::PerIteration);
    });
    group.bench_function("the first one, into the store", |bencher| {
        let fresh = || (Map::new(scraped_at(0)), whole(1));
        bencher.iter_batched_ref(
            fresh,
            |(map, batch)| map.take_and_tick(batch, scraped_at(1)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn active_edges(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("topology_rows, 1,000 active of");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ACTIVE));
    for known in [1_000, 10_000, 50_000] {
        let mut map = Map::new(scraped_at(0));
        for number in 1..=2 {
            map.take_and_tick(&scrape(number, 0..known, |_| number), scraped_at(number));
        }
        let every = usize::try_from(known / ACTIVE).unwrap_or(1);
        let next = scrapes(3, |number| scrape(number, (0..known).step_by(every), |_| number * 7));
        group.bench_function(BenchmarkId::new("into the store", known), |bencher| {
            bencher.iter_batched(&next, |(batch, now)| map.take_and_tick(&batch, now), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu::criterion();
    targets = spans, whole_scrapes, active_edges
}
criterion_main!(benches);
