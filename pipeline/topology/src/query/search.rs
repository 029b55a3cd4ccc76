//! Finds a node by what somebody remembers of its name.

use std::collections::HashMap;

use serde::Serialize;

use super::cast::Circle;
use super::figures::millis;
use crate::{Judgements, Kind, Level, Moment, Name, NodeId, Observed, View};

/// A node that a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Its id.
    pub id: NodeId,
    /// What it is.
    pub kind: Kind,
    /// Where it lives; empty for what lives in none.
    pub namespace: Name,
    /// What it is called.
    pub name: Name,
    /// Its group: what to expand to see it.
    pub group: String,
    /// How it is.
    pub level: Level,
    /// Last call or state of it, in milliseconds since the epoch.
    pub last_seen: u64,
}

/// The best `most` nodes, whether they were active in the window or not. Every word of `text` must be in the name, the
/// namespace, the cluster or the kind; the better the name fits, the higher the node stands. An empty text finds
/// nothing.
pub fn search(observed: &Observed, judgements: &Judgements, view: View, text: &str, most: usize) -> Vec<Hit> {
    let words: Vec<String> = text.split([' ', '/']).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    if words.is_empty() {
        return vec![];
    }
    let mut found: HashMap<NodeId, (u32, Level, Moment)> = HashMap::new();
    for (entity, place) in observed.registry.entities.iter().zip(0u32..) {
        let id = entity.who.node(view);
        let Some(fit) = fit(&id, &words) else { continue };
        let level = judgements.nodes.get(&crate::EntityId(place)).map_or(Level::Unknown, |health| health.level);
        let held = found.entry(id).or_insert((fit, level, entity.last_seen));
        *held = (held.0.min(fit), held.1.max(level), held.2.max(entity.last_seen));
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(a, (fit, level, _)), (b, (other_fit, other_level, _))| {
        fit.cmp(other_fit).then_with(|| other_level.cmp(level)).then_with(|| a.name.cmp(&b.name)).then_with(|| a.cmp(b))
    });
    let hits = found.into_iter().take(most).map(|(id, (_, level, last_seen))| Hit {
        kind: id.kind,
        namespace: id.namespace.clone(),
        name: id.name.clone(),
        group: Circle::of(&id, view).id(),
        level,
        last_seen: millis(last_seen),
        id,
    });
    hits.collect()
}

/// 0 is best; `None` if a word is nowhere.
fn fit(id: &NodeId, words: &[String]) -> Option<u32> {
    let name = id.name.to_lowercase();
    let around = [id.namespace.to_lowercase(), id.cluster.to_lowercase(), id.kind.as_str().to_lowercase()];
    words.iter().map(|word| in_name(&name, word).or_else(|| elsewhere(&around, word))).sum()
}

fn in_name(name: &str, word: &str) -> Option<u32> {
    if name == word {
        Some(0)
    } else if name.starts_with(word) {
        Some(1)
    } else if name.split(['-', '_', '.']).any(|part| part.starts_with(word)) {
        Some(2)
    } else if name.contains(word) {
        Some(3)
    } else {
        None
    }
}

fn elsewhere(around: &[String], word: &str) -> Option<u32> {
    if around.iter().any(|text| text == word) {
        Some(4)
    } else {
        around.iter().any(|text| text.starts_with(word)).then_some(5)
    }
}
