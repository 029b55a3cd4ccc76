//! What is thought of what was observed.
//!
//! In this room: health by rule, expectation by baseline, both per entity and entity edge; views inherit the worst.
//! Not here: the rules and the baseline themselves.
//!
//! Enter at [`Judgements`] and [`Expectations`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::rules::Metric;
use crate::{EntityId, Moment, Name};

/// Health of everything that some rule has an opinion on.
#[derive(Debug, Clone, Default)]
pub struct Judgements {
    /// Per entity.
    pub nodes: HashMap<EntityId, Health>,
    /// Per entity edge.
    pub edges: HashMap<(EntityId, EntityId), Health>,
    /// Per group of entities, where a rule speaks of groups: by the id that answers give the group.
    pub groups: HashMap<Name, Health>,
}

/// How something is, and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// The worst level of its reasons.
    pub level: Level,
    /// Every rule that fires, worst first.
    pub reasons: Vec<Reason>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No rule had data to look at.
    #[default]
    Unknown,
    /// Rules looked, none fires.
    Ok,
    /// Abnormal.
    Yellow,
    /// Badly so.
    Red,
}

impl Level {
    /// As answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// One rule that fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The rule's name.
    pub rule: String,
    /// What it measures.
    pub metric: Metric,
    /// What sort of problem it is.
    pub class: Class,
    /// Which level it gives.
    pub level: Level,
    /// What was measured.
    pub value: f64,
    /// What it was held against.
    pub threshold: f64,
    /// What both are measured in: `%`, `ms`, `s`, or nothing.
    pub unit: &'static str,
    /// Since when.
    pub since: Moment,
    /// What to do.
    pub suggestion: String,
}

/// The five sorts of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Something is there that should not be, or the other way round.
    Architecture,
    /// Errors, latency, rate.
    Performance,
    /// CPU, memory.
    Resource,
    /// Pods that do not come up, stay up or get to run.
    Scheduling,
    /// The way between two healthy ends.
    Network,
}

impl Class {
    /// As answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Architecture => "architecture",
            Self::Performance => "performance",
            Self::Resource => "resource",
            Self::Scheduling => "scheduling",
            Self::Network => "network",
        }
    }
}

/// How observed and missing edges and nodes stand to the baseline.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// Per entity edge with traffic, or that a `require` line misses.
    pub edges: HashMap<(EntityId, EntityId), Expectation>,
    /// Per entity.
    pub nodes: HashMap<EntityId, Expectation>,
    /// Share of requests in scope that could be judged, 0 to 1; `None` without a baseline.
    pub coverage: Option<f64>,
}

/// How one thing stands to the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// A line allows or requires it.
    Expected,
    /// An exception lets it pass until its date.
    Excepted,
    /// No line speaks of it yet, within the grace.
    Pending,
    /// A line requires it, and it is not there.
    Missing,
    /// No line allows it.
    Unexpected,
    /// A line forbids it.
    Forbidden,
}

impl Expectation {
    /// As answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Excepted => "excepted",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Forbidden => "forbidden",
        }
    }
}

/// A stretch of time in which something was judged in one way. The history of judgement is made of these.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// What was judged.
    pub subject: Subject,
    /// By which rule; for a finding, its state.
    pub rule: Name,
    /// How bad.
    pub level: Level,
    /// Since when.
    pub from: Moment,
    /// Until when; `None` while it lasts.
    pub to: Option<Moment>,
    /// What was measured; the worst of it when it is over.
    pub value: f64,
}

/// What an [`Interval`] is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An entity.
    Node(EntityId),
    /// An entity edge.
    Edge(EntityId, EntityId),
    /// A group, by its id.
    Group(Name),
    /// A finding, by its id.
    Finding(Name),
}
