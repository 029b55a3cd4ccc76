//! Holds the rules against what is observed, step by step.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::file::Scope;
use super::state::State;
use super::{Metric, Rule, Rules};
use crate::filter::Kept;
use crate::measures::Measures;
use crate::observed::{EntityEdge, NodeFacts};
use crate::{
    EntityId, Expectations, Health, Interval, Judgements, Level, Moment, Name, Observed, Reason, SECOND, Subject,
};

/// How long after a step it is judged: until then its data has arrived.
pub const LAG: u64 = 20 * SECOND;
const DAY: u64 = 86_400 * SECOND;

/// What one step found.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// Health of everything, now.
    pub judgements: Judgements,
    /// Levels that began or ended with this step.
    pub changes: Vec<Interval>,
}

/// Keeps the rules in time: a level counts when it has held for long enough, and gives way when the value has fallen
/// clearly. Only what is abnormal, or may soon be, is remembered.
#[derive(Debug)]
pub struct Judge {
    rules: Rules,
    states: HashMap<(usize, Subject), State>,
}

/// What a rule is held against in one window.
struct Scene {
    observed: Observed,
    /// What each edge carries.
    edges: HashMap<(EntityId, EntityId), Measures>,
    /// What reaches each entity.
    inbound: HashMap<EntityId, Measures>,
}

impl Judge {
    /// A judge who has not seen anything yet.
    pub fn new(rules: Rules) -> Self {
        Self { rules, states: HashMap::new() }
    }

    /// How many opinions it keeps.
    #[cfg(test)]
    pub(super) fn opinions(&self) -> usize {
        self.states.len()
    }

    /// Judges the moment `now` (some [`LAG`] before the present). `observe` gives what a window shows.
    pub fn step(
        &mut self,
        now: Moment,
        expectations: &Expectations,
        observe: &mut dyn FnMut(Moment, Moment) -> Observed,
    ) -> Judged {
        let scenes = self.scenes(now, observe);
        let mut judged = Judged::default();
        let mut held = HashSet::new();
        // Nodes answer for faults of edges, and groups count nodes: whoever looks at others comes after them.
        for scope in [Scope::Edge, Scope::Node, Scope::Group] {
            if scope == Scope::Group {
                judged.judgements.colour_servers(&self.rules.rules, &scenes);
                self.note_servers(now, &mut judged, &mut held);
            }
            for (index, rule) in self.rules.rules.iter().enumerate().filter(|(_, rule)| rule.on == scope) {
                let Some(scene) = scenes.get(&(rule.window, 0)) else { continue };
                let earlier = backs(rule.window).into_iter().find_map(|back| scenes.get(&(rule.window, back)));
                for (subject, value) in values(rule, scene, earlier, &judged.judgements, expectations, now) {
                    let key = (index, subject);
                    let before = self.states.remove(&key).unwrap_or_else(|| State::new(now));
                    let mut state = before;
                    if state.take(rule.level(value, state.level), value, rule.hold, now) {
                        judged.changes.extend(changes(rule, &key.1, &before, &state));
                    }
                    judged.judgements.note(rule, &key.1, &state);
                    if !state.is_at_rest() {
                        held.insert(key.clone());
                        self.states.insert(key, state);
                    }
                }
            }
        }
        self.forget(&held, now, &mut judged);
        judged.judgements.sort();
        judged
    }

    /// Servers that answer for faults of edges have a history too, or the past would show them well.
    fn note_servers(&mut self, now: Moment, judged: &mut Judged, held: &mut HashSet<(usize, Subject)>) {
        let rules = self.rules.rules.iter().enumerate().filter(|(_, rule)| rule.is_of_faults(Scope::Edge));
        let known: HashMap<&str, (usize, &Rule)> = rules.map(|it| (it.1.name.as_str(), it)).collect();
        for (id, health) in &judged.judgements.nodes {
            for reason in &health.reasons {
                let Some((index, rule)) = known.get(reason.rule.as_str()) else { continue };
                let key = (*index, Subject::Node(*id));
                let before = self.states.get(&key).copied().unwrap_or_else(|| State::new(Moment::default()));
                let mut state = before;
                // Another edge that is worse may have been so for longer than this server has answered for one.
                let worse = reason.level > before.level;
                let since = if worse { reason.since.max(before.since) } else { now };
                if state.take(reason.level, reason.value, 0, since) {
                    judged.changes.extend(changes(rule, &key.1, &before, &state));
                }
                held.insert(key.clone());
                self.states.insert(key, state);
            }
        }
    }

    /// Each window that some rule wants, once; and those that rates are compared with.
    fn scenes(&self, now: Moment, observe: &mut dyn FnMut(Moment, Moment) -> Observed) -> BTreeMap<(u64, u64), Scene> {
        let mut scenes = BTreeMap::new();
        let rules = self.rules.rules.iter();
        let compared: BTreeSet<u64> =
            rules.clone().filter(|rule| rule.metric == Metric::RateChange).map(|rule| rule.window).collect();
        for window in rules.map(|rule| rule.window).collect::<BTreeSet<u64>>() {
            scenes.insert((window, 0), Scene::of(observe(now.minus(window), now)));
        }
        for window in compared {
            for back in backs(window) {
                let to = now.minus(back);
                let observed = observe(to.minus(window), to);
                // A window that began before we did would make every rate look risen.
                if observed.window.covered >= window / 10 * 9 {
                    scenes.insert((window, back), Scene::of(observed));
                    break;
                }
            }
        }
        scenes
    }

    /// What no rule saw in this step is forgotten; what was abnormal ends.
    fn forget(&mut self, held: &HashSet<(usize, Subject)>, now: Moment, judged: &mut Judged) {
        let gone: Vec<_> = self.states.keys().filter(|key| !held.contains(*key)).cloned().collect();
        for key in gone {
            let Some(state) = self.states.remove(&key) else { continue };
            let Some(rule) = self.rules.rules.get(key.0) else { continue };
            if state.level >= Level::Yellow {
                judged.changes.push(interval(rule, &key.1, &state, Some(now)));
            }
        }
    }
}

impl Rule {
    fn is_of_faults(&self, on: Scope) -> bool {
        self.on == on && self.metric == Metric::ErrorRatio
    }
}

impl Scene {
    fn of(observed: Observed) -> Self {
        let edge = |edge: &EntityEdge| ((edge.source, edge.target), edge.whole());
        let edges: HashMap<_, _> = observed.edges.iter().map(edge).collect();
        let mut inbound: HashMap<EntityId, Measures> = HashMap::new();
        for ((_, target), whole) in &edges {
            inbound.entry(*target).or_default().add(whole);
        }
        for facts in &observed.nodes {
            for (_, measures) in &facts.answered {
                inbound.entry(facts.entity).or_default().add(measures);
            }
        }
        Self { observed, edges, inbound }
    }

    fn seconds(&self) -> f64 {
        self.observed.window.covered_seconds()
    }
}

/// How far before a window the one begins that a rate is compared with, best first.
fn backs(window: u64) -> [u64; 2] {
    [DAY, window]
}

/// Everything that the rule has a value of.
fn values(
    rule: &Rule,
    scene: &Scene,
    earlier: Option<&Scene>,
    so_far: &Judgements,
    expectations: &Expectations,
    now: Moment,
) -> Vec<(Subject, f64)> {
    let observed = &scene.observed;
    let kept = rule.filter.as_ref().map(|filter| filter.keeps(observed, so_far, expectations, now));
    match rule.on {
        Scope::Edge => {
            let meant = |ends: &(EntityId, EntityId)| kept.as_ref().is_none_or(|it| it.edges.contains(ends));
            let value = |ends: &(EntityId, EntityId), whole: &Measures| {
                let before = earlier.map(|scene| (scene, scene.edges.get(ends)));
                of_calls(rule, whole, scene, before)
            };
            let edges = scene.edges.iter().filter(|(ends, _)| meant(ends));
            edges.filter_map(|(ends, whole)| Some((Subject::Edge(ends.0, ends.1), value(ends, whole)?))).collect()
        }
        Scope::Node => nodes(rule, scene, earlier, kept.as_ref(), now),
        Scope::Group => groups(scene, kept.as_ref(), so_far),
    }
}

fn nodes(rule: &Rule, scene: &Scene, earlier: Option<&Scene>, kept: Option<&Kept>, now: Moment) -> Vec<(Subject, f64)> {
    let meant = |id: EntityId| kept.is_none_or(|kept| kept.nodes.contains(&id));
    let by_state = scene.observed.nodes.iter().filter(|facts| meant(facts.entity));
    let by_state = by_state.filter_map(|facts: &NodeFacts| Some((facts.entity, rule.metric.of_state(facts, now)?)));
    let by_calls = scene.inbound.iter().filter(|(id, _)| meant(**id)).filter_map(|(id, measures)| {
        let before = earlier.map(|scene| (scene, scene.inbound.get(id)));
        Some((*id, of_calls(rule, measures, scene, before)?))
    });
    by_state.chain(by_calls).map(|(id, value)| (Subject::Node(id), value)).collect()
}

fn of_calls(
    rule: &Rule,
    measures: &Measures,
    scene: &Scene,
    earlier: Option<(&Scene, Option<&Measures>)>,
) -> Option<f64> {
    if rule.metric == Metric::RateChange {
        let (before, then) = earlier?;
        // A few requests more or less are no change: the larger of both windows has to have the least number.
        let then = then.map_or(0, Measures::requests);
        let enough = measures.requests().max(then) >= rule.min_requests.max(1);
        let was = then as f64 / before.seconds();
        let is = measures.requests() as f64 / scene.seconds();
        return (enough && was > 0.0 && is.is_finite()).then(|| (is / was - 1.0) * 100.0);
    }
    // An edge is as slow as its client sees it; a node, as it answers.
    let latency = match rule.on {
        Scope::Node if !measures.server.latency.is_empty() => &measures.server.latency,
        _ => measures.latency(),
    };
    rule.metric.of_calls(measures, latency, rule.min_requests)
}

fn groups(scene: &Scene, kept: Option<&Kept>, so_far: &Judgements) -> Vec<(Subject, f64)> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (id, entity) in (0..).map(EntityId).zip(&scene.observed.registry.entities) {
        if kept.is_some_and(|kept| !kept.nodes.contains(&id)) {
            continue;
        }
        let abnormal = so_far.nodes.get(&id).is_some_and(|health| health.level >= Level::Yellow);
        let sum = sums.entry(entity.who.group()).or_default();
        *sum = (sum.0 + u64::from(abnormal), sum.1 + 1);
    }
    let value = |(abnormal, all): (u64, u64)| abnormal as f64 / all as f64 * 100.0;
    sums.into_iter().map(|(group, sum)| (Subject::Group(Name::from(group)), value(sum))).collect()
}

fn interval(rule: &Rule, subject: &Subject, state: &State, to: Option<Moment>) -> Interval {
    Interval {
        subject: subject.clone(),
        rule: Name::from(rule.name.as_str()),
        level: state.level,
        from: state.since,
        to,
        value: state.worst,
    }
}

/// The end of what was abnormal, and the beginning of what is.
fn changes(rule: &Rule, subject: &Subject, before: &State, after: &State) -> impl Iterator<Item = Interval> {
    let ended = (before.level >= Level::Yellow).then(|| interval(rule, subject, before, Some(after.since)));
    let begun = (after.level >= Level::Yellow).then(|| interval(rule, subject, after, None));
    ended.into_iter().chain(begun)
}

impl Judgements {
    fn of(&mut self, subject: &Subject) -> Option<&mut Health> {
        Some(match subject {
            Subject::Node(id) => self.nodes.entry(*id).or_default(),
            Subject::Edge(source, target) => self.edges.entry((*source, *target)).or_default(),
            Subject::Group(id) => self.groups.entry(id.clone()).or_default(),
            Subject::Finding(_) => return None,
        })
    }

    fn note(&mut self, rule: &Rule, subject: &Subject, state: &State) {
        let Some(health) = self.of(subject) else { return };
        health.level = health.level.max(state.level);
        if state.level >= Level::Yellow {
            health.reasons.push(rule.reason(state.level, state.value, state.since));
        }
    }

    /// Faults of an edge that the server's own numbers show are the server's: its node takes their colour. Where the
    /// server was not seen, the client's word is taken for it.
    fn colour_servers(&mut self, rules: &[Rule], scenes: &BTreeMap<(u64, u64), Scene>) {
        let of_faults = |on| rules.iter().filter(move |rule| rule.is_of_faults(on));
        let own: HashSet<&str> = of_faults(Scope::Node).map(|rule| rule.name.as_str()).collect();
        for rule in of_faults(Scope::Edge) {
            let edges = scenes.get(&(rule.window, 0)).into_iter().flat_map(|scene| &scene.edges);
            for (ends, _) in edges.filter(|(_, whole)| whole.server.errors > 0 || whole.server.latency.is_empty()) {
                let mut reasons = self.edges.get(ends).into_iter().flat_map(|health| &health.reasons);
                if let Some(fault) = reasons.find(|it| it.rule == rule.name).cloned() {
                    self.nodes.entry(ends.1).or_default().answer_for(fault, &own);
                }
            }
        }
    }

    fn sort(&mut self) {
        let all = self.nodes.values_mut().chain(self.edges.values_mut()).chain(self.groups.values_mut());
        for health in all {
            health.reasons.sort_by(|left, right| (right.level, left.since).cmp(&(left.level, right.since)));
        }
    }
}

impl Health {
    /// Takes over a fault of an edge. Of several edges the worst is listed, and none if rules of the node itself (`own`)
    /// say as much of the same faults.
    fn answer_for(&mut self, fault: Reason, own: &HashSet<&str>) {
        self.level = self.level.max(fault.level);
        if self.reasons.iter().any(|it| own.contains(it.rule.as_str()) && it.level >= fault.level) {
            return;
        }
        let worse = |it: &Reason| (fault.level, fault.value, it.since) > (it.level, it.value, fault.since);
        match self.reasons.iter_mut().find(|it| it.rule == fault.rule) {
            Some(known) if worse(known) => *known = fault,
            Some(_) => {}
            None => self.reasons.push(fault),
        }
    }
}
