//! Workloads that must be there and of which nothing was ever seen: they are on the map nevertheless.

use std::sync::Arc;

use super::compare::Census;
use super::end::{EndPattern, Fit, Shape};
use super::expect::Baseline;
use super::file::Mode;
use super::judge::required;
use super::pattern::Pattern;
use crate::{
    Entity, EntityId, Expectations, Inside, Kind, Moment, Name, NodeFacts, NodeId, Observed, Registry, Service,
    ServiceOrigin, View, Who, Workload,
};

/// Workloads that `require` lines name and nobody has seen. In a window they stand behind everybody who is known.
#[derive(Debug, Clone, Default)]
pub struct Absent {
    /// So many are known: the id of the first of these.
    known: usize,
    who: Vec<Who>,
}

impl Absent {
    /// Those of some baselines, each once; `cluster` is that of lines and files which name none.
    pub fn of(baselines: &[Arc<Baseline>], registry: &Registry, cluster: &Name) -> Self {
        let mut found: Vec<_> = baselines.iter().flat_map(|baseline| baseline.absent(registry, cluster)).collect();
        // Who is a workload in one line may be called by its name only in another.
        found.sort_by_key(|(_, inside)| inside.workload.is_none());
        let mut absent = Self { known: registry.entities.len(), who: Vec::new() };
        for (end, inside) in found {
            if !absent.who.iter().any(|known| end.fit(known, &inside.cluster) > Fit::No) {
                absent.who.push(Who::Inside(inside));
            }
        }
        absent
    }

    /// True if one of them is drawn as this node.
    pub fn has(&self, id: &NodeId, view: View) -> bool {
        self.who.iter().any(|who| who.node(view) == *id)
    }

    /// A window of the registry that they stand behind, with them in it: without traffic and without state.
    #[must_use]
    pub fn beside(&self, mut observed: Observed) -> Observed {
        if self.who.is_empty() || observed.registry.entities.len() != self.known {
            return observed;
        }
        let never = Moment::default();
        let mut registry = Registry::clone(&observed.registry);
        for who in &self.who {
            let Ok(place) = u32::try_from(registry.entities.len()) else { break };
            registry.entities.push(Arc::new(Entity { who: who.clone(), first_seen: never, last_seen: never }));
            observed.nodes.push(NodeFacts {
                entity: EntityId(place),
                answered: Vec::new(),
                instances: Vec::new(),
                replicas: None,
                events: Vec::new(),
            });
        }
        observed.registry = Arc::new(registry);
        observed
    }

    /// True if they stand behind so many already.
    pub fn is_behind(&self, known: usize) -> bool {
        self.who.is_empty() || self.known == known
    }

    /// Puts them behind so many, since others came, and with them what is expected of them.
    pub fn move_behind(&mut self, known: usize, expectations: &mut Expectations) {
        let moved = |id: EntityId| {
            let place = usize::try_from(id.0).ok().and_then(|place| place.checked_sub(self.known));
            let place = place.and_then(|place| u32::try_from(known.saturating_add(place)).ok());
            place.map_or(id, EntityId)
        };
        let nodes = std::mem::take(&mut expectations.nodes).into_iter();
        expectations.nodes = nodes.map(|(id, expectation)| (moved(id), expectation)).collect();
        let edges = std::mem::take(&mut expectations.edges).into_iter();
        expectations.edges = edges.map(|((one, other), it)| ((moved(one), moved(other)), it)).collect();
        self.known = known;
    }
}

impl Baseline {
    /// Workloads that must be there and that nobody in a registry may be, with the ends that say so.
    fn absent(&self, registry: &Registry, cluster: &Name) -> Vec<(&EndPattern, Inside)> {
        if self.mode == Mode::Learn || required(self).next().is_none() {
            return Vec::new();
        }
        let census = Census::of(registry);
        let ends = required(self).flat_map(|(_, line)| [&line.from, &line.to]);
        let absent = ends.filter(|end| census.last_of(end, &self.cluster).is_none());
        absent.filter_map(|end| Some((end, self.certain(end, cluster)?))).collect()
    }

    /// The one workload that an end means, if it can be no other; a Service, if the end does not say more.
    fn certain(&self, end: &EndPattern, cluster: &Name) -> Option<Inside> {
        let [Shape::Named(named)] = end.shapes.as_slice() else { return None };
        let literal =
            |pattern: &Option<Pattern>| pattern.clone().filter(Pattern::is_literal).map(|it| Name::from(it.0));
        let own = Some(&*self.cluster).filter(|own| !own.is_empty()).map_or_else(|| cluster.clone(), Name::from);
        let (namespace, name) = (literal(&named.ns)?, literal(&named.name.clone().or_else(|| named.service.clone()))?);
        let (workload, service) = match named.kind {
            Some(kind) if kind.is_outside() => return None,
            Some(Kind::Service) | None => (None, Some(name)),
            Some(kind) => (Some(Workload { kind, name }), literal(&named.service)),
        };
        let service = service.map(|name| Service { name, origin: ServiceOrigin::ServiceName });
        let cluster = literal(&named.cluster).unwrap_or(own);
        Some(Inside { cluster, namespace, workload, service })
    }
}
