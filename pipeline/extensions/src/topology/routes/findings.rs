//! `/api/v1/findings`: what is open now.

use serde::Serialize;
use topology::{Class, Level, NodeId, Notice};

use super::{Parameter, Settings};
use crate::topology::answer::Answer;
use crate::topology::asked::{Asked, Fault};
use crate::topology::published::Published;

/// What it understands. Findings are those of now, whatever the window: the page asks with one.
pub const PARAMETERS: &[Parameter] = &[
    Parameter { name: "of", meaning: "`baseline` (default): what baselines find; `all`: what rules find, too." },
    Parameter { name: "limit", meaning: "Most findings, worst first; 500 if not given." },
];

const USUAL: usize = 500;
const MOST: usize = 10_000;

#[derive(Serialize)]
struct Findings {
    /// When that was judged; 0 before the first time.
    at: u64,
    findings: Vec<Finding>,
    /// How many more there are.
    more: usize,
}

#[derive(Serialize)]
struct Finding {
    id: String,
    kind: String,
    class: Class,
    level: Level,
    state: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    baseline: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    first_seen: u64,
    last_seen: u64,
    count: u64,
    reason: String,
}

/// Findings, worst first.
pub fn answer(asked: &Asked, map: &Published, _settings: &Settings) -> Result<Answer, Fault> {
    // The window is read so that a wrong one is told.
    asked.window(map.now)?;
    let with_rules = asked.word("of", &[("baseline", false), ("all", true)])?.unwrap_or(false);
    let limit = asked.number("limit", 1, MOST)?.unwrap_or(USUAL);
    let wanted = map.notices.open.iter().filter(|notice| with_rules || !notice.baseline.is_empty());
    let mut findings: Vec<Finding> = wanted.map(|notice| Finding::of(notice)).collect();
    let more = findings.len().saturating_sub(limit);
    findings.truncate(limit);
    Answer::json(&Findings { at: map.notices.at.0 / 1_000_000, findings, more })
}

impl Finding {
    fn of(notice: &Notice) -> Self {
        let is_edge = notice.server.is_some();
        Self {
            id: notice.id.to_string(),
            kind: notice.finding.to_string(),
            class: notice.class,
            level: notice.level,
            state: "open",
            baseline: notice.baseline.to_string(),
            rule: notice.rule.to_string(),
            node: (!is_edge).then(|| notice.client.clone()),
            source: is_edge.then(|| notice.client.clone()),
            target: notice.server.clone(),
            port: notice.port,
            protocol: notice.protocol.as_ref().map(|protocol| protocol.0.to_string()),
            first_seen: notice.first_seen.0 / 1_000_000,
            last_seen: notice.last_seen.0 / 1_000_000,
            count: notice.requests,
            reason: notice.message.clone(),
        }
    }
}
