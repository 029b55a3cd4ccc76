//! `/api/v1/events`: what happened, as Kubernetes told it.

use std::cmp::Reverse;

use serde::Serialize;
use topology::store::Snapshot;
use topology::{EntityId, Event, Moment, NodeId, View};

use super::subject::{members, view};
use super::{Parameter, Settings};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// Beside the window and the view.
pub const PARAMETERS: &[Parameter] = &[
    Parameter { name: "node", meaning: "Only events of this node, by its id." },
    Parameter { name: "limit", meaning: "Most events, newest first; 200 if not given." },
];

const USUAL: usize = 200;
const MOST: usize = 10_000;

#[derive(Serialize)]
struct Events {
    events: Vec<Told>,
    /// How many more there are.
    more: usize,
}

#[derive(Serialize)]
struct Told {
    at: u64,
    node: NodeId,
    #[serde(flatten)]
    event: Event,
}

/// Events, newest first.
pub fn answer(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    let (from, to) = asked.window(map.now)?;
    let limit = asked.number("limit", 1, MOST)?.unwrap_or(USUAL);
    let (view, snapshot) = (view(asked)?, &map.snapshot);
    let mut events = match asked.get("node") {
        Some(_) => {
            let members = members(map, &asked.node("node")?, view)?;
            members.into_iter().flat_map(|entity| of(snapshot, entity, view, from, to)).collect()
        }
        None => of_all(snapshot, view, from, to),
    };
    events.sort_by_key(|event| Reverse(event.at));
    let more = events.len().saturating_sub(limit);
    events.truncate(limit);
    Answer::json(&Events { events, more })
}

fn of_all(snapshot: &Snapshot, view: View, from: Moment, to: Moment) -> Vec<Told> {
    let observed = snapshot.observe(from, to);
    let active = observed.nodes.iter().filter(|node| !node.events.is_empty());
    active.flat_map(|node| of(snapshot, node.entity, view, from, to)).collect()
}

fn of(snapshot: &Snapshot, entity: EntityId, view: View, from: Moment, to: Moment) -> Vec<Told> {
    let Some(who) = snapshot.registry().get(entity).map(|entity| &entity.who) else { return Vec::new() };
    let node = who.node(view);
    let events = snapshot.events(entity, from, to).into_iter();
    events.map(|(at, event)| Told { at: at.0 / 1_000_000, node: node.clone(), event }).collect()
}
