//! What a reader waits for: drawing a window as groups and whole, as columns, and finding a place for everything.

#![allow(missing_docs, reason = "criterion's macros write functions without any")]

mod cpu;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cpu::ThreadTime;
use criterion::{Criterion, criterion_group, criterion_main};
use topology::layout::{GroupInput, LayoutInput, NodeInput, place};
use topology::query::{Collapse, GraphQuery, Spot, graph};
use topology::{
    EdgeRow, Entity, EntityEdge, EntityId, Expectations, Histogram, Inside, Judgements, Kind, Lane, Measures, Moment,
    Observed, Protocol, Registry, Requests, SECOND, Service, ServiceOrigin, Side, Transport, Who, Window, Workload,
};

/// Numbers that repeat from run to run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// An edge as real ones are: seven of ten within a namespace, nearly all from lower numbers to higher.
    fn edge(&mut self, nodes: u64, namespaces: u64) -> (u64, u64) {
        let source = self.roll(nodes);
        let near = self.roll(10) < 7;
        let target =
            if near { self.roll(nodes / namespaces) * namespaces + source % namespaces } else { self.roll(nodes) };
        let backward = self.roll(100) < 4;
        let (low, high) = (source.min(target), source.max(target));
        if backward { (high, low) } else { (low, high) }
    }
}

fn workload(number: u64, namespaces: u64) -> Entity {
    let name: Arc<str> = format!("workload-{number}").into();
    let who = Who::Inside(Inside {
        cluster: "prod".into(),
        namespace: format!("namespace-{}", number % namespaces).into(),
        workload: Some(Workload { kind: Kind::Deployment, name: name.clone() }),
        service: Some(Service { name, origin: ServiceOrigin::ServiceName }),
    });
    Entity { who, first_seen: Moment(0), last_seen: Moment(900 * SECOND) }
}

fn measures(dice: &mut Dice) -> Measures {
    let requests = 1 + dice.roll(10_000);
    let mut side = || {
        let slow = 1_000_000 + dice.roll(50_000_000);
        let buckets = (0..8).map(|step| (80 + 2 * step, 1 + requests / 8));
        Side { errors: 0, client_errors: 0, latency: Histogram::from_parts(slow * requests, buckets) }
    };
    Measures {
        client: side(),
        server: side(),
        requests: Requests { paired: requests, ..Requests::default() },
        ..Measures::default()
    }
}

fn window(nodes: u64, edges: u64, namespaces: u64) -> Observed {
    let mut dice = Dice(7);
    let entities = (0..nodes).map(|number| Arc::new(workload(number, namespaces))).collect();
    let mut pairs: Vec<_> = (0..edges).map(|_| dice.edge(nodes, namespaces)).collect();
    pairs.sort_unstable();
    let protocol = Protocol("http".into());
    let edge = |(source, target): (u64, u64)| EntityEdge {
        source: EntityId(source as u32),
        target: EntityId(target as u32),
        lane: Lane::Spans,
        sources: vec![Lane::Spans],
        rows: vec![EdgeRow {
            protocol: protocol.clone(),
            port: Some(8080),
            transport: Transport::Tcp,
            measures: measures(&mut dice),
        }],
        first_seen: Moment(0),
        last_seen: Moment(900 * SECOND),
        days: 3,
    };
    Observed {
        window: Window { from: Moment(0), to: Moment(900 * SECOND), covered: 900 * SECOND },
        complete: true,
        registry: Arc::new(Registry { entities }),
        edges: pairs.into_iter().map(edge).collect(),
        ..Observed::default()
    }
}

fn drawing(criterion: &mut Criterion<ThreadTime>) {
    let observed = window(2_000, 20_000, 40);
    let (judgements, expectations) = (Judgements::default(), Expectations::default());
    let groups = GraphQuery::default();
    let whole = GraphQuery { collapse: Collapse::Only(BTreeSet::new()), ..GraphQuery::default() };
    let mut group = criterion.benchmark_group("draw 2,000 workloads, 20,000 edges");
    group.bench_function("groups, placed, as JSON", |bencher| {
        bencher.iter(|| {
            let mut drawn = graph(black_box(&observed), &judgements, &expectations, &groups);
            drawn.place(None);
            serde_json::to_vec(&drawn)
        });
    });
    group.bench_function("whole, as columns", |bencher| {
        bencher.iter(|| {
            let drawn = graph(black_box(&observed), &judgements, &expectations, &whole);
            serde_json::to_vec(&drawn.columns())
        });
    });
    group.bench_function("whole, placed, as columns", |bencher| {
        bencher.iter(|| {
            let mut drawn = graph(black_box(&observed), &judgements, &expectations, &whole);
            drawn.place(None);
            serde_json::to_vec(&drawn.columns())
        });
    });
    group.finish();
}

fn placing(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("place");
    for (nodes, edges, namespaces) in [(1_000, 3_000, 20), (2_000, 20_000, 40), (10_000, 60_000, 200)] {
        let mut dice = Dice(7);
        let input = LayoutInput {
            groups: (0..namespaces)
                .map(|number| GroupInput { id: format!("ns:prod/{number}"), collapsed: false })
                .collect(),
            nodes: (0..nodes)
                .map(|number| NodeInput { id: format!("n{number}"), group: (number % namespaces) as u32 })
                .collect(),
            edges: (0..edges)
                .map(|_| dice.edge(nodes, namespaces))
                .map(|(source, target)| (Spot::Node(source as u32), Spot::Node(target as u32)))
                .collect(),
        };
        let name = format!("{nodes} nodes, {edges} edges");
        group.bench_function(&name, |bencher| bencher.iter(|| place(black_box(&input), None)));
        let before = place(&input, None);
        group.bench_function(format!("{name}, again"), |bencher| {
            bencher.iter(|| place(black_box(&input), Some(&before)));
        });
    }
    group.finish();
}

criterion_group! {
    name = layout;
    config = cpu::criterion().sample_size(10).measurement_time(Duration::from_secs(3));
    targets = drawing, placing
}
criterion_main!(layout);
