//! Who is on stage: which entities make which node, and which nodes make which group.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ask::{Collapse, Focus, GroupName};
use crate::filter::Kept;
use crate::{
    EntityEdge, EntityId, Expectation, Expectations, Judgements, Kind, Level, Name, NodeId, Observed, Registry, View,
    Who,
};

/// No node.
const NOBODY: u32 = u32::MAX;

/// Nodes and groups of one view, and the way from an entity to them.
pub(super) struct Cast {
    /// By [`EntityId`]: position of its node, or [`NOBODY`].
    node_of: Vec<u32>,
    pub(super) nodes: Vec<Member>,
    pub(super) groups: Vec<Circle>,
}

/// A node that is on stage.
pub(super) struct Member {
    pub(super) id: NodeId,
    pub(super) entities: Vec<EntityId>,
    /// Position of its group.
    pub(super) group: u32,
}

/// A group that is on stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Circle {
    /// What lives in one namespace of one cluster.
    Namespace { cluster: Name, namespace: Name },
    /// What lives in one cluster, where nodes are namespaces or machines.
    Cluster { cluster: Name },
    /// Outside, by type.
    Outside(Kind),
}

impl Circle {
    pub(super) fn of(node: &NodeId, view: View) -> Self {
        match (node.kind, view) {
            (kind @ Kind::Outside(_), _) => Self::Outside(kind),
            (_, View::Namespace | View::Host) => Self::Cluster { cluster: node.cluster.clone() },
            _ => Self::Namespace { cluster: node.cluster.clone(), namespace: node.namespace.clone() },
        }
    }

    /// As answers name it; what is between the slashes is percent-encoded as in node ids.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Namespace { cluster, namespace } => format!("ns:{}/{}", segment(cluster), segment(namespace)),
            Self::Cluster { cluster } => format!("cluster:{}", segment(cluster)),
            Self::Outside(kind) => format!("ext:{kind}"),
        }
    }

    /// As people read it.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Namespace { namespace: name, .. } | Self::Cluster { cluster: name } => name.to_string(),
            Self::Outside(kind) => kind.to_string(),
        }
    }

    fn is_called(&self, name: &GroupName) -> bool {
        let short = match self {
            Self::Namespace { namespace, .. } => name.0.strip_prefix("ns:").is_some_and(|it| it == segment(namespace)),
            Self::Outside(kind) => name.0.strip_prefix("ext:").is_some_and(|it| it.eq_ignore_ascii_case(kind.as_str())),
            Self::Cluster { .. } => false,
        };
        short || name.0 == self.id()
    }
}

/// One segment of a node id.
fn segment(text: &Name) -> String {
    let id = NodeId { cluster: text.clone(), namespace: "".into(), kind: Kind::Service, name: "".into() }.to_string();
    id.split_once('/').map_or_else(String::new, |(first, _)| first.to_owned())
}

impl Cast {
    /// Everybody with traffic or state in the window, with a problem, or missed by the baseline; and the focus.
    pub(super) fn of(
        observed: &Observed,
        judgements: &Judgements,
        expectations: &Expectations,
        view: View,
        kept: Option<&Kept>,
        focus: Option<&Focus>,
    ) -> Self {
        let active = active(observed, judgements, expectations, kept);
        let mut casting = Casting::new(&observed.registry, view);
        for id in active {
            casting.enter(id);
        }
        for id in focused(&casting, focus) {
            casting.enter(id);
        }
        casting.end()
    }

    /// The node of an entity.
    pub(super) fn node_of(&self, entity: EntityId) -> Option<u32> {
        let place = usize::try_from(entity.0).ok()?;
        self.node_of.get(place).copied().filter(|node| *node != NOBODY)
    }

    /// Both nodes of an entity edge.
    pub(super) fn ends(&self, source: EntityId, target: EntityId) -> Option<(u32, u32)> {
        Some((self.node_of(source)?, self.node_of(target)?))
    }

    /// Positions of the nodes that a focus means.
    pub(super) fn find(&self, matches: impl Fn(&Member, &Circle) -> bool) -> Vec<u32> {
        let chosen = self.nodes.iter().zip(0u32..).filter(|(member, _)| {
            usize::try_from(member.group)
                .ok()
                .and_then(|group| self.groups.get(group))
                .is_some_and(|group| matches(member, group))
        });
        chosen.map(|(_, place)| place).collect()
    }

    /// Which groups are drawn as one card.
    pub(super) fn collapsed(&self, collapse: &Collapse, view: View, focused: bool) -> Vec<bool> {
        let named = |circle: &Circle, names: &std::collections::BTreeSet<GroupName>| {
            names.iter().any(|name| circle.is_called(name))
        };
        let closed = |circle: &Circle| match collapse {
            Collapse::ByView => !focused && matches!(view, View::Workload | View::Service),
            Collapse::AllBut(open) => !named(circle, open),
            Collapse::Only(closed) => named(circle, closed),
        };
        self.groups.iter().map(closed).collect()
    }
}

/// True if a group of this node goes by that name.
pub(super) fn in_group(circle: &Circle, name: &GroupName) -> bool {
    circle.is_called(name)
}

/// Entity edges to draw: those with traffic, and those that a `require` line misses.
pub(super) struct Drawn<'a> {
    pub(super) seen: Vec<&'a EntityEdge>,
    pub(super) missing: Vec<(EntityId, EntityId)>,
}

impl<'a> Drawn<'a> {
    pub(super) fn of(observed: &'a Observed, expectations: &Expectations, kept: Option<&Kept>) -> Self {
        let keeps = |pair: &(EntityId, EntityId)| kept.is_none_or(|kept| kept.edges.contains(pair));
        let seen: Vec<_> = observed.edges.iter().filter(|edge| keeps(&(edge.source, edge.target))).collect();
        let missed =
            expectations.edges.iter().filter(|(_, state)| **state == Expectation::Missing).map(|(pair, _)| *pair);
        let mut missing: Vec<_> = missed.filter(keeps).collect();
        if !missing.is_empty() {
            let there: HashSet<_> = observed.edges.iter().map(|edge| (edge.source, edge.target)).collect();
            missing.retain(|pair| !there.contains(pair));
            missing.sort_unstable();
        }
        Self { seen, missing }
    }

    /// The same between nodes, each pair once.
    pub(super) fn between(&self, cast: &Cast) -> Vec<(u32, u32)> {
        let seen = self.seen.iter().map(|edge| (edge.source, edge.target));
        let pairs = seen.chain(self.missing.iter().copied());
        let mut pairs: Vec<_> = pairs.filter_map(|(source, target)| cast.ends(source, target)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

fn active(
    observed: &Observed,
    judgements: &Judgements,
    expectations: &Expectations,
    kept: Option<&Kept>,
) -> Vec<EntityId> {
    if let Some(kept) = kept {
        let ends = kept.edges.iter().flat_map(|(source, target)| [*source, *target]);
        return in_order(ends.chain(kept.nodes.iter().copied()));
    }
    let missing = |state: &Expectation| *state == Expectation::Missing;
    let ends = observed.edges.iter().flat_map(|edge| [edge.source, edge.target]);
    let stated = observed.nodes.iter().map(|facts| facts.entity);
    let ill = judgements.nodes.iter().filter(|(_, health)| health.level >= Level::Yellow).map(|(id, _)| *id);
    let missed = expectations.nodes.iter().filter(|(_, state)| missing(state)).map(|(id, _)| *id);
    let missed_ends = expectations.edges.iter().filter(|(_, state)| missing(state)).flat_map(|((a, b), _)| [*a, *b]);
    in_order(ends.chain(stated).chain(ill).chain(missed).chain(missed_ends))
}

fn in_order(ids: impl Iterator<Item = EntityId>) -> Vec<EntityId> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A focus without traffic is on stage nevertheless, alone.
fn focused(casting: &Casting<'_>, focus: Option<&Focus>) -> Vec<EntityId> {
    let wanted: Vec<&NodeId> = match focus {
        Some(Focus::Node(id)) => vec![id],
        Some(Focus::Edge(source, target)) => vec![source, target],
        Some(Focus::Group(_)) | None => vec![],
    };
    let absent: Vec<_> = wanted.into_iter().filter(|id| !casting.places.contains_key(*id)).collect();
    if absent.is_empty() {
        return vec![];
    }
    let known = casting.registry.entities.iter().zip(0u32..);
    known.filter(|(entity, _)| absent.contains(&&entity.who.node(casting.view))).map(|(_, id)| EntityId(id)).collect()
}

struct Casting<'a> {
    registry: &'a Registry,
    view: View,
    cast: Cast,
    places: HashMap<NodeId, u32>,
    circles: BTreeMap<Circle, u32>,
}

impl<'a> Casting<'a> {
    fn new(registry: &'a Registry, view: View) -> Self {
        let cast = Cast { node_of: vec![NOBODY; registry.entities.len()], nodes: vec![], groups: vec![] };
        Self { registry, view, cast, places: HashMap::new(), circles: BTreeMap::new() }
    }

    fn enter(&mut self, entity: EntityId) {
        let Some(who) = self.registry.get(entity).map(|entity| &entity.who) else { return };
        let node = self.node(who);
        if let Some(member) = usize::try_from(node).ok().and_then(|place| self.cast.nodes.get_mut(place)) {
            member.entities.push(entity);
        }
        if let Some(slot) = usize::try_from(entity.0).ok().and_then(|place| self.cast.node_of.get_mut(place)) {
            *slot = node;
        }
    }

    fn node(&mut self, who: &Who) -> u32 {
        let id = who.node(self.view);
        if let Some(place) = self.places.get(&id) {
            return *place;
        }
        let circle = Circle::of(&id, self.view);
        let next_group = u32::try_from(self.cast.groups.len()).unwrap_or(NOBODY);
        let group = *self.circles.entry(circle).or_insert_with_key(|circle| {
            self.cast.groups.push(circle.clone());
            next_group
        });
        let place = u32::try_from(self.cast.nodes.len()).unwrap_or(NOBODY);
        self.cast.nodes.push(Member { id: id.clone(), entities: vec![], group });
        self.places.insert(id, place);
        place
    }

    /// Nodes in order of their ids, groups in theirs.
    fn end(self) -> Cast {
        let Cast { node_of, nodes, groups } = self.cast;
        let (nodes, moved_nodes) = sorted(nodes, |a, b| a.id.cmp(&b.id));
        let (groups, moved_groups) = sorted(groups, Ord::cmp);
        let at = |moved: &[u32], old: u32| usize::try_from(old).ok().and_then(|old| moved.get(old)).copied();
        let node_of = node_of.into_iter().map(|old| at(&moved_nodes, old).unwrap_or(NOBODY)).collect();
        let regroup = |member: Member| Member { group: at(&moved_groups, member.group).unwrap_or(NOBODY), ..member };
        Cast { node_of, nodes: nodes.into_iter().map(regroup).collect(), groups }
    }
}

/// The items in order, and where each went.
fn sorted<T>(items: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> (Vec<T>, Vec<u32>) {
    let mut moved = vec![0; items.len()];
    let mut numbered: Vec<(T, usize)> = items.into_iter().zip(0..).collect();
    numbered.sort_by(|(a, _), (b, _)| order(a, b));
    for ((_, old), new) in numbered.iter().zip(0u32..) {
        if let Some(slot) = moved.get_mut(*old) {
            *slot = new;
        }
    }
    (numbered.into_iter().map(|(item, _)| item).collect(), moved)
}
