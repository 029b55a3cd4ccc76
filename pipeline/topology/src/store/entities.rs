//! Which entities exist, which of them are one, and since when they are known.
//!
//! A resource that carries both a workload and a Service binds them: what says only one of the two is the same entity
//! from then on (MAP.md 1), as long as the binding is the only one. Rows keep the id they came under; [`Entities::whole`]
//! maps an id to the entity that it is today, so history is never rewritten.

use std::sync::Arc;

use hashbrown::{HashMap, HashTable};
use smallvec::SmallVec;

use super::spread::moment_of;
use crate::{Entity, EntityId, Inside, Kind, Name, Outside, OutsideKind, Registry, Service, ServiceOrigin, Who};

/// Places above `max_entities` for the buckets that overflow goes to.
const BUCKETS: usize = 1024;

/// All entities.
pub(crate) struct Entities {
    most: usize,
    list: Vec<Known>,
    lookup: HashTable<u32>,
    hasher: foldhash::fast::FixedState,
    bindings: HashMap<BindingKey, Binding>,
    outside: usize,
    /// Today's entity of each id.
    whole: Arc<Vec<EntityId>>,
    published: Arc<Registry>,
    dirty: bool,
}

/// An entity as it came.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) who: Who,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

/// A workload or a Service, as what says only this names it.
#[derive(PartialEq, Eq, Hash, Clone)]
struct BindingKey {
    cluster: Name,
    namespace: Name,
    /// `None`: a Service.
    kind: Option<Kind>,
    name: Name,
}

/// Who carries a workload or a Service.
#[derive(Default)]
struct Binding {
    /// The entity that has nothing else.
    lone: Option<EntityId>,
    /// Those that have the other too.
    full: SmallVec<[EntityId; 1]>,
}

/// What came of a look-up.
pub(crate) struct Found {
    pub(crate) id: EntityId,
    /// True if there was no room, and a bucket stands for it.
    pub(crate) bucketed: bool,
}

impl Entities {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            list: Vec::new(),
            lookup: HashTable::new(),
            hasher: foldhash::fast::FixedState::with_seed(0),
            bindings: HashMap::new(),
            outside: 0,
            whole: Arc::default(),
            published: Arc::default(),
            dirty: false,
        }
    }

    pub(crate) fn list(&self) -> &[Known] {
        &self.list
    }

    /// The id of an entity, new or known. When there is no room it is that of a bucket: `other` of its namespace or type.
    pub(crate) fn find(&mut self, who: &Who, step: u32) -> Found {
        if let Some(id) = self.known(who) {
            return Found { id, bucketed: false };
        }
        // Outside peers come in any number; they shall not keep the inside from being seen.
        let outside = matches!(who, Who::Outside(_));
        if self.list.len() < self.most && (!outside || self.outside < self.most / 2) {
            return Found { id: self.insert(who.clone(), step), bucketed: false };
        }
        Found { id: self.bucket(who, step), bucketed: true }
    }

    /// The bucket that stands for those like `who`.
    pub(crate) fn bucket(&mut self, who: &Who, step: u32) -> EntityId {
        let nowhere = Who::Outside(Outside { cluster: "".into(), kind: OutsideKind::Unknown, name: "other".into() });
        let roomy = self.list.len() < self.most.saturating_add(BUCKETS);
        let bucket = bucket_of(who);
        match self.known(&bucket) {
            Some(id) => id,
            None if roomy => self.insert(bucket, step),
            None => match self.known(&nowhere) {
                Some(id) => id,
                None => self.insert(nowhere, step),
            },
        }
    }

    fn known(&self, who: &Who) -> Option<EntityId> {
        let found = self
            .lookup
            .find(hash(&self.hasher, who), |id| self.list.get(*id as usize).is_some_and(|known| same(&known.who, who)));
        found.copied().map(EntityId)
    }

    /// Adds an entity at the next id.
    pub(crate) fn insert(&mut self, who: Who, step: u32) -> EntityId {
        let id = EntityId(self.list.len() as u32);
        self.outside = self.outside.saturating_add(usize::from(matches!(who, Who::Outside(_))));
        self.list.push(Known { who, first: step, last: step });
        self.link(id);
        id
    }

    /// Makes an entity that stands in the list findable, and binds it.
    fn link(&mut self, id: EntityId) {
        let Some(known) = self.list.get(id.0 as usize) else { return };
        let who = known.who.clone();
        let (list, hasher) = (&self.list, &self.hasher);
        self.lookup.insert_unique(hash(hasher, &who), id.0, |id| {
            list.get(*id as usize).map_or(0, |known| hash(hasher, &known.who))
        });
        let whole = Arc::make_mut(&mut self.whole);
        whole.resize(self.list.len(), id);
        if let Some(place) = whole.get_mut(id.0 as usize) {
            *place = id;
        }
        if let Who::Inside(inside) = &who {
            self.bind(id, inside);
        }
        self.dirty = true;
    }

    fn bind(&mut self, id: EntityId, inside: &Inside) {
        let keys: SmallVec<[BindingKey; 2]> = binding_keys(inside).collect();
        let full = keys.len() == 2;
        let whole = Arc::make_mut(&mut self.whole);
        for key in keys {
            let binding = self.bindings.entry(key).or_default();
            if full {
                binding.full.push(id);
            } else {
                binding.lone = Some(id);
            }
            // With two candidates nobody knows which is meant: it stands for itself.
            if let Some(lone) = binding.lone
                && let Some(place) = whole.get_mut(lone.0 as usize)
            {
                *place = if let [only] = binding.full.as_slice() { *only } else { lone };
            }
        }
    }

    /// Notes that an entity was seen in a step.
    pub(crate) fn saw(&mut self, id: EntityId, step: u32) {
        self.saw_between(id, step, step);
    }

    /// Notes from when to when an entity is known to have been seen.
    pub(crate) fn saw_between(&mut self, id: EntityId, first: u32, last: u32) {
        if let Some(known) = self.list.get_mut(id.0 as usize) {
            known.first = known.first.min(first);
            // A minute of delay spares everybody a new registry every second.
            self.dirty |= last / 4 > known.last / 4;
            known.last = known.last.max(last);
        }
    }

    /// Today's entity of each id.
    pub(crate) fn whole(&self) -> Arc<Vec<EntityId>> {
        Arc::clone(&self.whole)
    }

    /// Keeps [`Entities::registry`] until something changes.
    pub(crate) fn publish(&mut self) {
        self.published = self.registry();
        self.dirty = false;
    }

    /// Everybody as answers show them. Ids that are one entity today show the same one.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        if !self.dirty {
            return Arc::clone(&self.published);
        }
        let mut seen: Vec<(u32, u32)> = vec![(u32::MAX, 0); self.list.len()];
        for (known, whole) in self.list.iter().zip(self.whole.iter()) {
            if let Some((first, last)) = seen.get_mut(whole.0 as usize) {
                (*first, *last) = ((*first).min(known.first), (*last).max(known.last));
            }
        }
        let held = &self.published.entities;
        let mut entities: Vec<Arc<Entity>> = Vec::with_capacity(self.list.len());
        for (place, known) in self.list.iter().enumerate() {
            let (first, last) = seen.get(place).copied().unwrap_or_default();
            let (first_seen, last_seen) = (moment_of(first), moment_of(last));
            let same = held
                .get(place)
                .filter(|held| held.first_seen == first_seen && held.last_seen == last_seen && held.who == known.who);
            entities.push(match same {
                Some(held) => Arc::clone(held),
                None => Arc::new(Entity { who: known.who.clone(), first_seen, last_seen }),
            });
        }
        for (place, whole) in self.whole.iter().enumerate().filter(|(place, whole)| *place != whole.0 as usize) {
            if let Some(entity) = entities.get(whole.0 as usize).cloned()
                && let Some(shown) = entities.get_mut(place)
            {
                *shown = entity;
            }
        }
        Arc::new(Registry { entities })
    }
}

fn binding_keys(inside: &Inside) -> impl Iterator<Item = BindingKey> {
    let key = |kind, name: &Name| BindingKey {
        cluster: inside.cluster.clone(),
        namespace: inside.namespace.clone(),
        kind,
        name: name.clone(),
    };
    let service = inside.service.as_ref().map(|service| key(None, &service.name));
    let workload = inside.workload.as_ref().map(|workload| key(Some(workload.kind), &workload.name));
    service.into_iter().chain(workload)
}

fn service_name(inside: &Inside) -> Option<&Name> {
    inside.service.as_ref().map(|service| &service.name)
}

/// Where the name of a Service comes from does not make another Service of it.
fn same(one: &Who, other: &Who) -> bool {
    match (one, other) {
        (Who::Inside(one), Who::Inside(other)) => {
            one.cluster == other.cluster
                && one.namespace == other.namespace
                && one.workload == other.workload
                && service_name(one) == service_name(other)
        }
        (Who::Outside(one), Who::Outside(other)) => one == other,
        _ => false,
    }
}

fn hash(hasher: &foldhash::fast::FixedState, who: &Who) -> u64 {
    use std::hash::{BuildHasher, Hash, Hasher};
    let mut state = hasher.build_hasher();
    match who {
        Who::Inside(inside) => {
            inside.cluster.hash(&mut state);
            inside.namespace.hash(&mut state);
            inside.workload.hash(&mut state);
            service_name(inside).hash(&mut state);
        }
        Who::Outside(outside) => outside.hash(&mut state),
    }
    state.finish()
}

/// `other` of the same namespace, or of the same type.
fn bucket_of(who: &Who) -> Who {
    match who {
        Who::Inside(inside) => Who::Inside(Inside {
            cluster: inside.cluster.clone(),
            namespace: inside.namespace.clone(),
            workload: None,
            service: Some(Service { name: "other".into(), origin: ServiceOrigin::ServiceName }),
        }),
        Who::Outside(outside) => {
            Who::Outside(Outside { cluster: outside.cluster.clone(), kind: outside.kind, name: "other".into() })
        }
    }
}
