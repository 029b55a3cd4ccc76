//! `/api/v1/rules`: the rules in force; by POST, what other rules would colour now.

use serde::Serialize;
use topology::rules::{Judge, Rule, Rules, Scope};
use topology::{Class, EntityId, Health, Level, NodeId, View};

use super::Settings;
use super::subject::view;
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

#[derive(Serialize)]
struct InForce {
    rules: Vec<RuleFigures>,
}

#[derive(Serialize)]
struct RuleFigures {
    name: String,
    on: &'static str,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    metric: &'static str,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    yellow: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    red: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    yellow_below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    red_below: Option<f64>,
    window_s: f64,
    for_s: f64,
    min_requests: u64,
    class: Class,
    suggestion: String,
}

/// What rules would colour.
#[derive(Serialize)]
struct Tried {
    rules: usize,
    nodes: Vec<Coloured>,
    edges: Vec<Coloured>,
    groups: Vec<Coloured>,
}

#[derive(Serialize)]
struct Coloured {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<NodeId>,
    level: Level,
    reasons: Vec<Because>,
}

#[derive(Serialize)]
struct Because {
    rule: String,
    level: Level,
    value: f64,
    threshold: f64,
    unit: &'static str,
}

/// The rules, or what those in the body would do.
pub fn answer(asked: &Asked, map: &Published, settings: &Settings) -> Result<Answer, Fault> {
    let view = view(asked)?;
    if asked.body.is_empty() {
        return Answer::json(&InForce { rules: settings.rules.rules.iter().map(RuleFigures::of).collect() });
    }
    let mut problems = config::Problems::new();
    let rules = Rules::read([("rules", asked.body.as_str())], &mut problems);
    let rules = rules.ok_or_else(|| Fault::bad(problems.render()))?;
    Answer::json(&tried(rules, map, view))
}

/// Judges this moment, as if everything had held for long enough.
fn tried(mut rules: Rules, map: &Published, view: View) -> Tried {
    rules.rules.iter_mut().for_each(|rule| rule.hold = 0);
    let count = rules.rules.len();
    let end = map.now;
    let mut judge = Judge::new(rules);
    let observe = &mut |from, to| map.snapshot.observe(from, to);
    let judged = judge.step(end, &map.opinion.expectations, observe).judgements;
    let registry = map.snapshot.registry();
    let node = |id: EntityId| registry.get(id).map(|entity| entity.who.node(view));
    let ill = |health: &&Health| health.level >= Level::Yellow;
    let nodes = judged
        .nodes
        .iter()
        .filter(|(_, health)| ill(health))
        .map(|(id, health)| Coloured { id: node(*id).map(|id| id.to_string()), ..Coloured::of(health) });
    let edges = judged.edges.iter().filter(|(_, health)| ill(health)).map(|((source, target), health)| Coloured {
        source: node(*source),
        target: node(*target),
        ..Coloured::of(health)
    });
    let groups = judged
        .groups
        .iter()
        .filter(|(_, health)| ill(health))
        .map(|(id, health)| Coloured { id: Some(id.to_string()), ..Coloured::of(health) });
    let mut tried = Tried { rules: count, nodes: nodes.collect(), edges: edges.collect(), groups: groups.collect() };
    for coloured in [&mut tried.nodes, &mut tried.edges, &mut tried.groups] {
        coloured.sort_by(|a, b| (b.level, &a.id, &a.source, &a.target).cmp(&(a.level, &b.id, &b.source, &b.target)));
    }
    tried
}

impl RuleFigures {
    fn of(rule: &Rule) -> Self {
        Self {
            name: rule.name.clone(),
            on: match rule.on {
                Scope::Edge => "edge",
                Scope::Node => "node",
                Scope::Group => "group",
            },
            filter: rule.filter.as_ref().map(|filter| filter.text().to_owned()),
            metric: rule.metric.as_str(),
            unit: rule.metric.unit(),
            yellow: rule.yellow,
            red: rule.red,
            yellow_below: rule.yellow_below,
            red_below: rule.red_below,
            window_s: rule.window as f64 / 1e9,
            for_s: rule.hold as f64 / 1e9,
            min_requests: rule.min_requests,
            class: rule.class,
            suggestion: rule.suggestion.clone(),
        }
    }
}

impl Coloured {
    fn of(health: &Health) -> Self {
        let because = health.reasons.iter().map(|reason| Because {
            rule: reason.rule.clone(),
            level: reason.level,
            value: reason.value,
            threshold: reason.threshold,
            unit: reason.unit,
        });
        Self { id: None, source: None, target: None, level: health.level, reasons: because.collect() }
    }
}
