//! `/api/v1/stack`: what is near a focus in four planes: Services, workloads, pods, hosts, and what lies on what.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde::Serialize;
use topology::query::{Depth, Direction, Focus};
use topology::{EntityId, Instance, Judgements, Level, Observed, View};

use super::{Parameter, Settings};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::opinion::Opinion;
use crate::topology::published::Published;

/// Beside the window.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "focus",
        meaning: "A node (its id), an edge (two ids with `>` between them) or a group (its name).",
    },
    Parameter { name: "depth", meaning: "How many calls away from the focus: a number (default 1) or `all`." },
    Parameter { name: "dir", meaning: "Which way from the focus: `up`, `down` or `both`." },
];

/// Items of each plane: 200 in all.
const PLANES: [(&str, usize); 4] = [("service", 50), ("workload", 50), ("pod", 60), ("host", 40)];

#[derive(Serialize)]
struct Stack {
    window: Window,
    planes: Vec<Plane>,
    calls: Vec<Call>,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Window {
    from: u64,
    to: u64,
    covered_s: f64,
}

#[derive(Serialize)]
struct Plane {
    plane: &'static str,
    items: Vec<Item>,
    hidden: usize,
}

#[derive(Debug, Clone, Serialize)]
struct Item {
    id: String,
    name: String,
    kind: String,
    level: Level,
    /// Calls away from the focus; callers are negative.
    step: i64,
    focus: bool,
}

#[derive(Serialize)]
struct Call {
    plane: usize,
    source: usize,
    target: usize,
    level: Level,
}

/// From an item of `plane` to one of the next.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    plane: usize,
    upper: usize,
    lower: usize,
}

/// The stack.
pub fn answer(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    let (from, to) = asked.window(map.now)?;
    let focus: Focus = asked.need("focus")?.parse()?;
    let depth = asked.get("depth").map_or(Ok(Depth::default()), str::parse::<Depth>)?;
    let direction = asked.get("dir").map_or(Ok(Direction::default()), str::parse::<Direction>)?;
    let observed = map.observe(from, to);
    let opinion = Opinion::of(map, &settings.rules, &observed, to, View::Workload);
    let (sources, targets) = starts(&observed, &focus);
    if sources.is_empty() || targets.is_empty() {
        return Err(Fault::absent("nobody is called like the focus"));
    }
    let steps = steps(&observed, &sources, &targets, depth.0, direction);
    Answer::json(&Building { observed: &observed, judgements: &opinion.judgements, steps: &steps }.stack())
}

/// The entities of a focus: whose callers are followed, and whose called.
fn starts(observed: &Observed, focus: &Focus) -> (Vec<EntityId>, Vec<EntityId>) {
    let those = |is: &dyn Fn(&topology::Who) -> bool| -> Vec<EntityId> {
        let entities = (0..).map(EntityId).zip(&observed.registry.entities);
        entities.filter(|(_, entity)| is(&entity.who)).map(|(id, _)| id).collect()
    };
    let called = |id: &topology::NodeId| {
        those(&|who| {
            who.node(View::Service) == *id || who.node(View::Workload) == *id || who.node(View::Namespace) == *id
        })
    };
    match focus {
        Focus::Node(id) => (called(id), called(id)),
        Focus::Edge(source, target) => (called(source), called(target)),
        Focus::Group(name) => {
            let members = those(&|who| who.group() == name.0);
            (members.clone(), members)
        }
    }
}

/// How many calls away from the focus each entity is that is near it.
fn steps(
    observed: &Observed,
    sources: &[EntityId],
    targets: &[EntityId],
    depth: u32,
    direction: Direction,
) -> HashMap<EntityId, i64> {
    let mut steps: HashMap<EntityId, i64> = sources.iter().chain(targets).map(|entity| (*entity, 0)).collect();
    let mut follow = |starts: &[EntityId], sign: i64| {
        let mut ways: HashMap<EntityId, Vec<EntityId>> = HashMap::new();
        for edge in &observed.edges {
            let (here, there) = if sign > 0 { (edge.source, edge.target) } else { (edge.target, edge.source) };
            ways.entry(here).or_default().push(there);
        }
        let mut waiting: VecDeque<(EntityId, u32)> = starts.iter().map(|start| (*start, 0)).collect();
        let mut passed: BTreeSet<EntityId> = starts.iter().copied().collect();
        while let Some((here, far)) = waiting.pop_front() {
            if far >= depth {
                continue;
            }
            let next = far.saturating_add(1);
            for there in ways.get(&here).into_iter().flatten() {
                if passed.insert(*there) {
                    steps.entry(*there).or_insert(i64::from(next).saturating_mul(sign));
                    waiting.push_back((*there, next));
                }
            }
        }
    };
    if direction != Direction::Up {
        follow(targets, 1);
    }
    if direction != Direction::Down {
        follow(sources, -1);
    }
    steps
}

struct Building<'a> {
    observed: &'a Observed,
    judgements: &'a Judgements,
    steps: &'a HashMap<EntityId, i64>,
}

/// What a plane could show, by id.
type Items = BTreeMap<String, Item>;

impl Building<'_> {
    fn stack(&self) -> Stack {
        let mut items: [Items; 4] = Default::default();
        let mut over: BTreeSet<(usize, String, String)> = BTreeSet::new();
        for (entity, step) in self.steps {
            let Some(chain) = self.chain(*entity, *step) else { continue };
            let [service, workload] = chain;
            over.insert((0, service.id.clone(), workload.id.clone()));
            for instance in self.instances(*entity) {
                let pod = pod(&workload, instance);
                over.insert((1, workload.id.clone(), pod.id.clone()));
                if let Some(host) = host(&pod, instance) {
                    over.insert((2, pod.id.clone(), host.id.clone()));
                    add(&mut items, 3, host);
                }
                add(&mut items, 2, pod);
            }
            add(&mut items, 0, service);
            add(&mut items, 1, workload);
        }
        let planes: Vec<Plane> =
            items.into_iter().zip(PLANES).map(|(items, plane)| worst_first(items, plane)).collect();
        let places: Vec<HashMap<&str, usize>> = planes.iter().map(places).collect();
        let place = |plane: usize, id: &str| places.get(plane)?.get(id).copied();
        let lines = over.iter().filter_map(|(plane, upper, lower)| {
            let (upper, lower) = (place(*plane, upper)?, place(plane.saturating_add(1), lower)?);
            Some(Line { plane: *plane, upper, lower })
        });
        let lines = lines.collect();
        let calls = self.calls(&places);
        let window = self.observed.window;
        let window = Window {
            from: window.from.0 / 1_000_000,
            to: window.to.0 / 1_000_000,
            covered_s: window.covered_seconds(),
        };
        Stack { window, planes, calls, lines }
    }

    /// An entity as a Service and as a workload.
    fn chain(&self, entity: EntityId, step: i64) -> Option<[Item; 2]> {
        let who = &self.observed.registry.get(entity)?.who;
        let level = self.judgements.nodes.get(&entity).map_or(Level::Unknown, |health| health.level);
        Some([View::Service, View::Workload].map(|view| {
            let node = who.node(view);
            let (name, kind) = (node.name.to_string(), node.kind.to_string());
            Item { id: node.to_string(), name, kind, level, step, focus: step == 0 }
        }))
    }

    fn instances(&self, entity: EntityId) -> impl Iterator<Item = &Instance> {
        let facts = self.observed.nodes.iter().filter(move |facts| facts.entity == entity);
        facts.flat_map(|facts| &facts.instances).filter(|instance| !instance.name.is_empty())
    }

    /// Calls between what is shown, by Service and by workload.
    fn calls(&self, places: &[HashMap<&str, usize>]) -> Vec<Call> {
        let mut calls: BTreeMap<(usize, usize, usize), Level> = BTreeMap::new();
        for edge in &self.observed.edges {
            if !self.steps.contains_key(&edge.source) || !self.steps.contains_key(&edge.target) {
                continue;
            }
            let level = self.judgements.edges.get(&(edge.source, edge.target));
            let level = level.map_or(Level::Unknown, |health| health.level);
            for (plane, view) in [View::Service, View::Workload].into_iter().enumerate() {
                let place = |entity| {
                    let id = self.observed.registry.get(entity)?.who.node(view).to_string();
                    places.get(plane)?.get(id.as_str()).copied()
                };
                let (Some(source), Some(target)) = (place(edge.source), place(edge.target)) else { continue };
                let worst = calls.entry((plane, source, target)).or_insert(level);
                *worst = (*worst).max(level);
            }
        }
        calls.into_iter().map(|((plane, source, target), level)| Call { plane, source, target, level }).collect()
    }
}

fn pod(workload: &Item, instance: &Instance) -> Item {
    let level = match instance.ready {
        Some(false) => Level::Red,
        Some(true) => Level::Ok,
        None => Level::Unknown,
    };
    let id = format!("{}/{}", workload.id, topology::entity::Encoded(&instance.name));
    Item { id, name: instance.name.to_string(), kind: "Pod".into(), level, ..workload.clone() }
}

fn host(pod: &Item, instance: &Instance) -> Option<Item> {
    let name = instance.host.as_ref()?.to_string();
    Some(Item { id: name.clone(), name, kind: "Host".into(), level: Level::Unknown, ..pod.clone() })
}

/// The same thing seen twice is as near as the nearer and as bad as the worse.
fn add(items: &mut [Items; 4], plane: usize, item: Item) {
    let Some(items) = items.get_mut(plane) else { return };
    let held = items.entry(item.id.clone()).or_insert_with(|| item.clone());
    held.level = held.level.max(item.level);
    held.focus |= item.focus;
    if item.step.abs() < held.step.abs() {
        held.step = item.step;
    }
}

fn worst_first(items: Items, (plane, most): (&'static str, usize)) -> Plane {
    let mut items: Vec<Item> = items.into_values().collect();
    items.sort_by_key(|item| (!item.focus, Reverse(item.level), item.step.abs()));
    let hidden = items.len().saturating_sub(most);
    items.truncate(most);
    Plane { plane, items, hidden }
}

fn places(plane: &Plane) -> HashMap<&str, usize> {
    plane.items.iter().enumerate().map(|(place, item)| (item.id.as_str(), place)).collect()
}
