//! A small world for the stories of this crate: entities and edges by name, and what a window shows of them.

use std::sync::Arc;

use crate::measures::{Histogram, Requests};
use crate::{
    EdgeRow, Entity, EntityEdge, EntityId, Expectations, Inside, Judgements, Kind, Lane, Measures, Moment, NodeFacts,
    Observed, Outside, OutsideKind, Protocol, Registry, SECOND, Service, ServiceOrigin, Transport, Who, Window,
    Workload,
};

/// One minute of a shop, from 1,000,000 s to 1,000,060 s after the epoch.
#[derive(Default)]
pub(crate) struct Shop {
    entities: Vec<Arc<Entity>>,
    pub(crate) edges: Vec<EntityEdge>,
    pub(crate) nodes: Vec<NodeFacts>,
    pub(crate) judgements: Judgements,
    pub(crate) expectations: Expectations,
}

pub(crate) const FROM: Moment = Moment(1_000_000 * SECOND);

impl Shop {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn now(&self) -> Moment {
        FROM.plus(60 * SECOND)
    }

    /// A Deployment with a Service of the same name.
    pub(crate) fn workload(&mut self, namespace: &str, name: &str) -> &mut Self {
        self.workload_of(Kind::Deployment, namespace, name)
    }

    /// A workload with a Service of the same name.
    pub(crate) fn workload_of(&mut self, kind: Kind, namespace: &str, name: &str) -> &mut Self {
        self.entity(Who::Inside(Inside {
            cluster: "prod".into(),
            namespace: namespace.into(),
            workload: Some(Workload { kind, name: name.into() }),
            service: Some(Service { name: name.into(), origin: ServiceOrigin::Kubernetes }),
        }))
    }

    pub(crate) fn outside(&mut self, kind: OutsideKind, name: &str) -> &mut Self {
        self.entity(Who::Outside(Outside { cluster: "prod".into(), kind, name: name.into() }))
    }

    fn entity(&mut self, who: Who) -> &mut Self {
        let (first_seen, last_seen) = (FROM.minus(3600 * SECOND), FROM.plus(50 * SECOND));
        self.entities.push(Arc::new(Entity { who, first_seen, last_seen }));
        self
    }

    pub(crate) fn id(&self, name: &str) -> EntityId {
        let found = (0..).zip(&self.entities).find(|(id, _)| self.name(EntityId(*id)) == name);
        EntityId(found.unwrap_or_else(|| panic!("nobody is called {name}")).0)
    }

    pub(crate) fn name(&self, id: EntityId) -> String {
        match &self.entities[id.0 as usize].who {
            Who::Inside(inside) => inside.workload.as_ref().map_or("", |it| &it.name).to_owned(),
            Who::Outside(outside) => outside.name.to_string(),
        }
    }

    pub(crate) fn edge(&self, from: &str, to: &str) -> (EntityId, EntityId) {
        (self.id(from), self.id(to))
    }

    /// Requests that both ends saw, in 0 ms until [`Calls::taking_ms`] says otherwise.
    pub(crate) fn calls(&mut self, from: &str, to: &str, protocol: &str, requests: u64) -> Calls<'_> {
        let (source, target) = self.edge(from, to);
        let requests = Requests { paired: requests, ..Requests::default() };
        let row = EdgeRow {
            protocol: Protocol(protocol.into()),
            port: Some(8080),
            transport: Transport::Tcp,
            measures: Measures { requests, ..Measures::default() },
        };
        self.edges.push(EntityEdge {
            source,
            target,
            lane: Lane::Spans,
            sources: vec![Lane::Spans],
            rows: vec![row],
            first_seen: FROM.minus(3600 * SECOND),
            last_seen: FROM.plus(50 * SECOND),
            days: 5,
        });
        Calls { edge: self.edges.last_mut().unwrap() }
    }

    pub(crate) fn observed(&self) -> Observed {
        let to = FROM.plus(60 * SECOND);
        Observed {
            window: Window { from: FROM, to, covered: 60 * SECOND },
            complete: true,
            registry: Arc::new(Registry { entities: self.entities.clone() }),
            edges: self.edges.clone(),
            nodes: self.nodes.clone(),
            ..Observed::default()
        }
    }
}

/// The last edge, to be told more about.
pub(crate) struct Calls<'s> {
    edge: &'s mut EntityEdge,
}

impl Calls<'_> {
    fn measures(&mut self) -> &mut Measures {
        &mut self.edge.rows[0].measures
    }

    pub(crate) fn failing(mut self, errors: u64) -> Self {
        let measures = self.measures();
        (measures.client.errors, measures.server.errors) = (errors, errors);
        self
    }

    /// On both sides alike.
    pub(crate) fn taking_ms(self, ms: u64) -> Self {
        self.taking_on_each_side_ms(ms, ms)
    }

    pub(crate) fn taking_on_each_side_ms(mut self, client: u64, server: u64) -> Self {
        let measures = self.measures();
        let count = measures.requests.paired;
        measures.client.latency = Histogram::of(client * 1_000_000, count);
        measures.server.latency = Histogram::of(server * 1_000_000, count);
        measures.gap.count = count;
        measures.gap.sum = (client as i64 - server as i64) * 1_000_000 * count as i64;
        self
    }
}
