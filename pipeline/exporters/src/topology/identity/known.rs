//! The names under which ends are known, so that a client's word for its peer finds them.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use topology::{End, Inside, Name, Service, ServiceOrigin, Who};

/// Most names; a full table starts over, and ends are known again when their resource is read anew.
const MOST: usize = 262_144;

/// Cluster, namespace, name.
type Place = (Name, Name, Name);

#[derive(Debug, Clone)]
enum Bearer {
    /// One workload.
    One(Arc<End>),
    /// More than one: a Service in front of several workloads, such as a canary.
    Service(Arc<End>),
}

/// Who is known under which name.
#[derive(Debug, Default)]
pub(in super::super) struct Known {
    bearers: HashMap<Place, Bearer, RandomState>,
}

impl Known {
    /// Somebody was seen.
    pub(in super::super) fn meet(&mut self, end: &End) {
        let Who::Inside(inside) = &end.who else { return };
        let service = inside.service.as_ref().map(|service| &service.name);
        let workload = inside.workload.as_ref().map(|workload| &workload.name);
        if let Some(name) = service {
            self.add(inside, name);
        }
        if let Some(name) = workload.filter(|name| Some(*name) != service) {
            self.add(inside, name);
        }
    }

    fn add(&mut self, inside: &Inside, name: &Name) {
        if self.bearers.len() >= MOST {
            self.bearers.clear();
        }
        let place = (inside.cluster.clone(), inside.namespace.clone(), name.clone());
        let whole = |inside: Inside| Arc::new(End { who: Who::Inside(inside), pod: None, host: None });
        match self.bearers.get_mut(&place) {
            None => {
                self.bearers.insert(place, Bearer::One(whole(inside.clone())));
            }
            Some(bearer @ Bearer::One(_)) => {
                let Bearer::One(known) = bearer else { return };
                let Who::Inside(before) = &known.who else { return };
                match (&before.workload, &inside.workload) {
                    // What only said its service's name is that workload, now that we know it.
                    (None, Some(_)) => *bearer = Bearer::One(whole(inside.clone())),
                    (Some(before), Some(now)) if before != now => {
                        let service = Some(Service { name: name.clone(), origin: ServiceOrigin::Address });
                        *bearer = Bearer::Service(whole(Inside { workload: None, service, ..inside.clone() }));
                    }
                    _ => {}
                }
            }
            Some(Bearer::Service(_)) => {}
        }
    }

    /// Who is known under a name.
    pub(in super::super) fn find(&self, cluster: &Name, namespace: &Name, name: &Name) -> Option<&Arc<End>> {
        let place = (cluster.clone(), namespace.clone(), name.clone());
        self.bearers.get(&place).map(|bearer| match bearer {
            Bearer::One(end) | Bearer::Service(end) => end,
        })
    }
}
