//! Who somebody is, from what a resource (or the labels of a point) says.
//!
//! In this room: the attributes that make an identity, who owns which pod, ends that are kept once, the names under which
//! they are known.
//! Not here: what a call says about its other end (`spans::route`).
//!
//! Enter at [`Identity::read`] and [`Residents::end`].

mod known;
mod owners;
mod part;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pairing::Names;
use pdata::Attributes;
use topology::{End, Inside, Kind, Name, Outside, OutsideKind, Service, ServiceOrigin, Who, Workload};

pub(super) use self::known::Known;
pub(super) use self::owners::{Owned, Owners};
pub(super) use self::part::Part;
use super::names::{LONGEST, shortened};

/// What is said about somebody, part by part.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Identity<'a> {
    parts: [Option<&'a str>; Part::COUNT],
}

impl<'a> Identity<'a> {
    /// Reads the parts that are there; values that are no text, or empty, are not.
    pub(super) fn read(attributes: Attributes<'a>) -> Self {
        let mut identity = Self::default();
        for attribute in attributes {
            if let Some(part) = Part::of(attribute.key_bytes())
                && let Some(value) = attribute.value().as_str()
            {
                identity.set(part, value);
            }
        }
        identity
    }

    /// The first value of a part counts, as far as names go. `unknown_service` without a program's name behind it names
    /// nobody.
    pub(super) fn set(&mut self, part: Part, value: &'a str) {
        let says_nothing = value.is_empty() || (part == Part::Service && value == "unknown_service");
        if let Some(place @ None) = self.parts.get_mut(part as usize)
            && !says_nothing
        {
            *place = Some(shortened(value, LONGEST));
        }
    }

    pub(super) fn get(&self, part: Part) -> Option<&'a str> {
        self.parts.get(part as usize).copied().flatten()
    }

    /// A part that another identity knows, where this one does not.
    pub(super) fn or(mut self, other: &Self) -> Self {
        for (own, others) in self.parts.iter_mut().zip(other.parts) {
            *own = own.or(others);
        }
        self
    }

    /// The same without one part.
    pub(super) fn without(mut self, part: Part) -> Self {
        if let Some(place) = self.parts.get_mut(part as usize) {
            *place = None;
        }
        self
    }

    pub(super) fn namespace(&self) -> &'a str {
        self.get(Part::Namespace).or_else(|| self.get(Part::ServiceNamespace)).unwrap_or_default()
    }

    /// True if something says who this is.
    pub(super) fn is_somebody(&self) -> bool {
        const NAMES: [Part; 12] = [
            Part::Service,
            Part::KubeService,
            Part::Deployment,
            Part::StatefulSet,
            Part::DaemonSet,
            Part::ReplicaSet,
            Part::CronJob,
            Part::Job,
            Part::OwnerName,
            Part::Pod,
            Part::Executable,
            Part::Container,
        ];
        NAMES.iter().any(|part| self.get(*part).is_some())
    }

    fn key(&self, out: &mut Vec<u8>) {
        out.clear();
        for (place, value) in (0_u8..).zip(&self.parts) {
            if let Some(value) = value {
                out.push(place);
                out.extend_from_slice(&value.len().to_le_bytes());
                out.extend_from_slice(value.as_bytes());
            }
        }
    }

    /// The workload, and whether that is certain.
    fn workload(&self, owners: &Owners, names: &mut Names) -> Option<(Workload, bool)> {
        let namespace = self.namespace();
        let mut named = |kind, name: &str| (Workload { kind, name: names.get(name) }, true);
        let stated = [
            (Part::Deployment, Kind::Deployment),
            (Part::StatefulSet, Kind::StatefulSet),
            (Part::DaemonSet, Kind::DaemonSet),
            (Part::CronJob, Kind::CronJob),
        ];
        if let Some((kind, name)) = stated.iter().find_map(|(part, kind)| Some((*kind, self.get(*part)?))) {
            return Some(named(kind, name));
        }
        if let Some(job) = self.get(Part::Job) {
            return Some(owners.top(namespace, Owned::Job, job, names));
        }
        if let Some(set) = self.get(Part::ReplicaSet) {
            return Some(owners.top(namespace, Owned::ReplicaSet, set, names));
        }
        if let (Some(kind), Some(name)) = (self.get(Part::OwnerKind), self.get(Part::OwnerName)) {
            return Some(owners.owner(namespace, kind, name, names));
        }
        self.get(Part::Pod).map(|pod| owners.top(namespace, Owned::Pod, pod, names))
    }

    fn service(&self, names: &mut Names) -> Option<Service> {
        let mut named = |name: &str, origin| Service { name: names.get(name), origin };
        if let Some(name) = self.get(Part::KubeService) {
            return Some(named(name, ServiceOrigin::Kubernetes));
        }
        self.get(Part::Service).map(|name| named(name, ServiceOrigin::ServiceName))
    }
}

/// One of whom resources told.
#[derive(Debug)]
pub(super) struct Resident {
    /// Who it is.
    pub(super) end: Arc<End>,
    /// True once it told that it works on messages. Then its spans about getting them tell the same story again.
    pub(super) processes: Cell<bool>,
    /// The state of the owners' table from which a guess was made; `None` if nothing had to be guessed.
    guessed_at: Option<u64>,
}

/// Most ends that are kept at hand; a full table starts over.
const MOST: usize = 65_536;

/// Ends of which resources told, kept once. One for each shard.
pub(super) struct Residents {
    cluster: Name,
    known: HashMap<Box<[u8]>, Rc<Resident>, RandomState>,
    names: Names,
    scratch: Vec<u8>,
    /// Those that were not seen before, since this was last taken.
    fresh: Vec<Arc<End>>,
    /// How often the names under which they are known had started over when they were last seen.
    restarts: u64,
}

impl Residents {
    /// Nobody yet. `cluster` is where those live that do not say so.
    pub(super) fn new(cluster: &Name) -> Self {
        Self {
            cluster: cluster.clone(),
            known: HashMap::default(),
            names: Names::default(),
            scratch: Vec::new(),
            fresh: Vec::new(),
            restarts: 0,
        }
    }

    /// If everybody's name was forgotten, everybody is new: whoever is read again is known again.
    pub(super) fn keep_up_with(&mut self, known: &Known) {
        let [restarts, _] = known.restarts();
        if restarts != self.restarts {
            self.restarts = restarts;
            self.known.clear();
        }
    }

    /// Who this is. Per resource and batch; no allocation for one that was seen before.
    pub(super) fn resident(&mut self, identity: &Identity<'_>, owners: &Owners) -> Rc<Resident> {
        identity.key(&mut self.scratch);
        if let Some(known) = self.known.get(self.scratch.as_slice())
            && known.guessed_at.is_none_or(|revision| revision == owners.revision())
        {
            return Rc::clone(known);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let revision = owners.revision();
        let (end, is_certain) = self.make(identity, owners);
        let resident = Rc::new(Resident {
            end: Arc::new(end),
            processes: Cell::new(false),
            guessed_at: (!is_certain).then_some(revision),
        });
        self.fresh.push(Arc::clone(&resident.end));
        self.known.insert(self.scratch.as_slice().into(), Rc::clone(&resident));
        resident
    }

    /// The end of it.
    pub(super) fn end(&mut self, identity: &Identity<'_>, owners: &Owners) -> Arc<End> {
        Arc::clone(&self.resident(identity, owners).end)
    }

    /// Those that were not seen before.
    pub(super) fn take_fresh(&mut self) -> Vec<Arc<End>> {
        std::mem::take(&mut self.fresh)
    }

    /// The cluster of those that do not say theirs.
    pub(super) fn cluster(&self) -> &Name {
        &self.cluster
    }

    /// Names, kept once.
    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn make(&mut self, identity: &Identity<'_>, owners: &Owners) -> (End, bool) {
        let names = &mut self.names;
        let cluster = identity.get(Part::Cluster).map_or_else(|| self.cluster.clone(), |cluster| names.get(cluster));
        let pod = identity.get(Part::Pod).or_else(|| identity.get(Part::Instance)).map(|pod| names.get(pod));
        let host = identity.get(Part::Node).or_else(|| identity.get(Part::Host)).map(|host| names.get(host));
        let found = identity.workload(owners, names);
        let is_certain = found.as_ref().is_none_or(|(_, is_certain)| *is_certain);
        let workload = found.map(|(workload, _)| workload);
        if let (Some(workload), Some(pod), true) = (&workload, identity.get(Part::Pod), is_certain) {
            owners.learn(identity.namespace(), Owned::Pod, pod, workload.clone());
        }
        let service = identity.service(names).filter(|service| workload.is_none() || !is_default(service));
        let service = service.or_else(|| workload.is_none().then(|| fallback(identity, names)).flatten());
        let who = if workload.is_none() && service.is_none() {
            nobody(cluster)
        } else {
            let namespace = names.get(identity.namespace());
            Who::Inside(Inside { cluster, namespace, workload, service })
        };
        (End { who, pod, host }, is_certain)
    }
}

/// SDKs say `unknown_service:java` when nobody told them a name. Many share it, so it names nobody whom we know better.
fn is_default(service: &Service) -> bool {
    service.origin == ServiceOrigin::ServiceName && service.name.starts_with("unknown_service")
}

/// What is at hand for a process without a name.
fn fallback(identity: &Identity<'_>, names: &mut Names) -> Option<Service> {
    let name = identity.get(Part::Container).or_else(|| identity.get(Part::Executable))?;
    Some(Service { name: names.get(name), origin: ServiceOrigin::ServiceName })
}

fn nobody(cluster: Name) -> Who {
    Who::Outside(Outside {
        cluster,
        kind: OutsideKind::Unknown,
        name: OutsideKind::Unknown.as_str().to_lowercase().into(),
    })
}
