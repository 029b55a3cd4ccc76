//! A store that a story talks to, and the words it uses.

use std::sync::Arc;

use crate::store::{Applied, Store, StoreConfig};
use crate::*;

pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;
pub(crate) const MS: u64 = 1_000_000;

/// Noon of some day.
pub(crate) const NOON: Moment = Moment(20_000 * DAY + 12 * HOUR);

pub(crate) struct Story {
    pub(crate) store: Store,
    pub(crate) now: Moment,
}

pub(crate) fn story() -> Story {
    story_with(StoreConfig::default())
}

pub(crate) fn story_with(config: StoreConfig) -> Story {
    let (store, report) = Store::open(config, NOON).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    Story { store, now: NOON }
}

impl Story {
    /// Lets time pass, with a tick in every step.
    pub(crate) fn after(&mut self, nanoseconds: u64) -> &mut Self {
        let end = self.now.plus(nanoseconds);
        while self.now < end {
            let step = STEP.min(end.since(self.now));
            self.sleeps(step);
        }
        self
    }

    /// Lets time pass in one leap, and files be written.
    pub(crate) fn sleeps(&mut self, nanoseconds: u64) -> &mut Self {
        self.now = self.now.plus(nanoseconds);
        self.store.tick(self.now).unwrap();
        self.store.finish_writing();
        self
    }

    pub(crate) fn receives(&mut self, fact: FactRow) -> Applied {
        self.store.apply(Rows { facts: vec![fact], ..Rows::default() }, self.now)
    }

    pub(crate) fn last(&self, nanoseconds: u64) -> Observed {
        self.store.snapshot().observe(self.now.minus(nanoseconds), self.now.plus(1))
    }
}

pub(crate) fn workload(namespace: &str, name: &str) -> Inside {
    Inside {
        cluster: "prod".into(),
        namespace: namespace.into(),
        workload: Some(Workload { kind: Kind::Deployment, name: name.into() }),
        service: None,
    }
}

pub(crate) fn service(namespace: &str, name: &str) -> Inside {
    let service = Some(Service { name: name.into(), origin: ServiceOrigin::ServiceName });
    Inside { cluster: "prod".into(), namespace: namespace.into(), workload: None, service }
}

pub(crate) fn both(namespace: &str, workload_name: &str, service_name: &str) -> Inside {
    Inside { service: service(namespace, service_name).service, ..workload(namespace, workload_name) }
}

pub(crate) fn end(who: Inside) -> Arc<End> {
    Arc::new(End { who: Who::Inside(who), pod: None, host: None })
}

pub(crate) fn outside(kind: OutsideKind, name: &str) -> Arc<End> {
    let who = Who::Outside(Outside { cluster: "prod".into(), kind, name: name.into() });
    Arc::new(End { who, pod: None, host: None })
}

/// `count` calls that both ends saw, each `ms` long for the caller.
pub(crate) fn calls(at: Moment, source: Arc<End>, target: Arc<End>, count: u64, ms: u64) -> FactRow {
    let measures = Measures {
        requests: Requests { paired: count, ..Requests::default() },
        client: Side { latency: Histogram::of(ms * MS, count), ..Side::default() },
        server: Side { latency: Histogram::of(ms * MS / 2, count), ..Side::default() },
        gap: Gap { sum: i64::try_from(ms * MS / 2 * count).unwrap(), count },
        ..Measures::default()
    };
    FactRow {
        at,
        over: 0,
        lane: Lane::Spans,
        source: Some(source),
        target,
        protocol: Protocol("http".into()),
        port: Some(80),
        transport: Transport::Tcp,
        measures,
        exemplar: None,
    }
}

/// All edges of an answer as `source -> target`, with their requests.
pub(crate) fn edges(observed: &Observed) -> Vec<(String, u64)> {
    let name = |id| observed.registry.get(id).unwrap().who.node(View::Workload).to_string();
    let edge = |edge: &EntityEdge| (format!("{} -> {}", name(edge.source), name(edge.target)), edge.whole().requests());
    let mut edges: Vec<_> = observed.edges.iter().map(edge).collect();
    edges.sort();
    edges
}

pub(crate) fn requests(observed: &Observed) -> u64 {
    observed.edges.iter().map(|edge| edge.whole().requests()).sum()
}
