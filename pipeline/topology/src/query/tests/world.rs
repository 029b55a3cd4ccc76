//! A small world to ask about: who calls whom, told in words.

use std::sync::Arc;

use crate::rules::Metric;
use crate::{
    Class, EdgeRow, Entity, EntityEdge, EntityId, Expectation, Expectations, Health, Histogram, Inside, Instance,
    Judgements, Kind, Lane, Level, Measures, Moment, Name, NodeFacts, Observed, Outside, OutsideKind, Protocol, Reason,
    Registry, Requests, SECOND, Service, ServiceOrigin, Side, Transport, Who, Window, Workload,
};

/// What was seen, and what is thought of it.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) observed: Observed,
    pub(crate) judgements: Judgements,
    pub(crate) expectations: Expectations,
    entities: Vec<Arc<Entity>>,
}

/// A Deployment `name` in `namespace` of cluster `prod`, behind a Service of the same name.
pub(crate) fn deployment(namespace: &str, name: &str) -> Who {
    Who::Inside(Inside {
        cluster: "prod".into(),
        namespace: namespace.into(),
        workload: Some(Workload { kind: Kind::Deployment, name: name.into() }),
        service: Some(Service { name: name.into(), origin: ServiceOrigin::ServiceName }),
    })
}

pub(crate) fn outside(kind: OutsideKind, name: &str) -> Who {
    Who::Outside(Outside { cluster: "prod".into(), kind, name: name.into() })
}

/// `requests` calls of which both sides saw `errors` fail, 10 ms for the client and 8 ms for the server.
pub(crate) fn calls(requests: u64, errors: u64) -> Measures {
    let side = |ms: u64| Side { errors, client_errors: 0, latency: Histogram::of(ms * 1_000_000, requests) };
    Measures {
        requests: Requests { paired: requests, ..Requests::default() },
        client: side(10),
        server: side(8),
        ..Measures::default()
    }
}

pub(crate) fn health(level: Level, rule: &str) -> Health {
    let reason = Reason {
        rule: rule.to_owned(),
        metric: Metric::ErrorRatio,
        class: Class::Performance,
        level,
        value: 0.3,
        threshold: 0.1,
        unit: "%",
        since: Moment(60 * SECOND),
        suggestion: "look at the logs".to_owned(),
    };
    Health { level, reasons: vec![reason] }
}

impl World {
    /// Fifteen minutes in which nothing happened.
    pub(crate) fn new() -> Self {
        let window = Window { from: Moment(0), to: Moment(900 * SECOND), covered: 900 * SECOND };
        Self { observed: Observed { window, complete: true, ..Observed::default() }, ..Self::default() }
    }

    /// The position of an entity, known from now on.
    pub(crate) fn entity(&mut self, who: &Who) -> EntityId {
        let known = self.entities.iter().position(|entity| entity.who == *who);
        let place = known.unwrap_or_else(|| {
            let entity = Entity { who: who.clone(), first_seen: Moment(0), last_seen: Moment(900 * SECOND) };
            self.entities.push(Arc::new(entity));
            self.observed.registry = Arc::new(Registry { entities: self.entities.clone() });
            self.entities.len() - 1
        });
        EntityId(u32::try_from(place).unwrap())
    }

    pub(crate) fn call(&mut self, from: &Who, to: &Who, protocol: &str, measures: Measures) -> &mut Self {
        let (source, target) = (self.entity(from), self.entity(to));
        let protocol = Protocol(Name::from(protocol));
        let row = EdgeRow { protocol, port: Some(8080), transport: Transport::Tcp, measures };
        let edges = &mut self.observed.edges;
        match edges.iter_mut().find(|edge| (edge.source, edge.target) == (source, target)) {
            Some(edge) => edge.rows.push(row),
            None => edges.push(EntityEdge {
                source,
                target,
                lane: Lane::Spans,
                sources: vec![Lane::Spans],
                rows: vec![row],
                first_seen: Moment(0),
                last_seen: Moment(900 * SECOND),
                days: 1,
            }),
        }
        edges.sort_by_key(|edge| (edge.source, edge.target));
        self
    }

    pub(crate) fn facts(&mut self, who: &Who, instances: Vec<Instance>) -> &mut NodeFacts {
        let entity = self.entity(who);
        self.observed.nodes.push(NodeFacts { entity, answered: vec![], instances, replicas: None, events: vec![] });
        self.observed.nodes.last_mut().unwrap()
    }

    pub(crate) fn node_is(&mut self, who: &Who, level: Level) -> &mut Self {
        let entity = self.entity(who);
        self.judgements.nodes.insert(entity, health(level, "errors"));
        self
    }

    pub(crate) fn edge_is(&mut self, from: &Who, to: &Who, level: Level) -> &mut Self {
        let pair = (self.entity(from), self.entity(to));
        self.judgements.edges.insert(pair, health(level, "errors"));
        self
    }

    pub(crate) fn edge_was(&mut self, from: &Who, to: &Who, expectation: Expectation) -> &mut Self {
        let pair = (self.entity(from), self.entity(to));
        self.expectations.edges.insert(pair, expectation);
        self
    }
}

/// front -> cart -> price in `shop`, cart -> payment in `pay`, payment -> a MySQL outside.
pub(crate) fn shop() -> World {
    let mut world = World::new();
    let [front, cart, price] = ["front", "cart", "price"].map(|name| deployment("shop", name));
    let payment = deployment("pay", "payment");
    let database = outside(OutsideKind::MySQL, "db.example");
    world
        .call(&front, &cart, "http", calls(100, 0))
        .call(&cart, &price, "grpc", calls(50, 0))
        .call(&cart, &payment, "http", calls(20, 6))
        .call(&payment, &database, "mysql", calls(40, 0));
    world
}
