//! What a window of time shows, whoever kept it: the store, or a file that `graph export` wrote.
//!
//! In this room: entities, edges after one lane was chosen, state of nodes.
//! Not here: choosing lanes and adding up (the store), views and formats (the query), opinions ([`crate::judgement`]).
//!
//! Enter at [`Observed`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{EntityId, Event, Lane, Measures, Moment, Name, Protocol, Transport, Who};

/// The finest time that is kept, in nanoseconds: 15 s.
pub const STEP: u64 = 15 * crate::SECOND;

/// What a window of time shows. Graphs, rules, baselines and exports are functions of this.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The window.
    pub window: Window,
    /// False if something was dropped, cut or expired; `dropped` says what.
    pub complete: bool,
    /// What is missing, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Every entity known, whether active in the window or not.
    pub registry: Arc<Registry>,
    /// Edges with traffic in the window, by source and target.
    pub edges: Vec<EntityEdge>,
    /// State of entities that have any, by entity.
    pub nodes: Vec<NodeFacts>,
    /// From blocks of which lengths it was added up, finest first.
    pub tiers: Vec<Tier>,
}

/// How long the blocks are that an answer was added up from. The finer, the shorter they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    /// 15 seconds.
    #[serde(rename = "15s")]
    Step,
    /// A minute.
    #[serde(rename = "1m")]
    Minute,
    /// Ten minutes.
    #[serde(rename = "10m")]
    TenMinutes,
    /// An hour.
    #[serde(rename = "1h")]
    Hour,
    /// A day.
    #[serde(rename = "1d")]
    Day,
}

/// A range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// First moment in it.
    pub from: Moment,
    /// First moment after it.
    pub to: Moment,
    /// For how much of it data was kept, in nanoseconds. Rates divide by this.
    pub covered: u64,
}

/// All entities that were ever seen and are not forgotten. An id is a position.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// By [`EntityId`].
    pub entities: Vec<Arc<Entity>>,
}

/// An entity and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Who it is.
    pub who: Who,
    /// First call or state of it.
    pub first_seen: Moment,
    /// Last call or state of it.
    pub last_seen: Moment,
}

/// What one entity called another, by the one lane that knew most.
#[derive(Debug, Clone)]
pub struct EntityEdge {
    /// The caller.
    pub source: EntityId,
    /// The called.
    pub target: EntityId,
    /// The lane of all numbers here.
    pub lane: Lane,
    /// All lanes that saw this edge in the window.
    pub sources: Vec<Lane>,
    /// By port, transport and protocol.
    pub rows: Vec<EdgeRow>,
    /// When the edge was first seen, before this window too.
    pub first_seen: Moment,
    /// When it was last seen.
    pub last_seen: Moment,
    /// On how many different days of the last 64 it was seen.
    pub days: u32,
}

/// What an edge carried under one protocol to one port.
#[derive(Debug, Clone)]
pub struct EdgeRow {
    /// What they spoke.
    pub protocol: Protocol,
    /// The port of the called, if known.
    pub port: Option<u16>,
    /// Under the protocol.
    pub transport: Transport,
    /// What was seen.
    pub measures: Measures,
}

/// What is known of an entity beside its edges.
#[derive(Debug, Clone)]
pub struct NodeFacts {
    /// Whose.
    pub entity: EntityId,
    /// Calls it answered whose callers nobody named, by protocol; not in any edge.
    pub answered: Vec<(Protocol, Measures)>,
    /// Its pods, worst state not first: by name.
    pub instances: Vec<Instance>,
    /// Pods wanted and available, if told.
    pub replicas: Option<Replicas>,
    /// What happened to it in the window, newest first, bounded.
    pub events: Vec<(Moment, Event)>,
}

/// One pod (or process) of an entity.
#[derive(Debug, Clone, Default)]
pub struct Instance {
    /// Its name; empty for the numbers that came without one.
    pub name: Name,
    /// Where it runs.
    pub host: Option<Name>,
    /// What Kubernetes says about its life.
    pub phase: Option<Phase>,
    /// If it takes traffic.
    pub ready: Option<bool>,
    /// Since when it is not ready.
    pub unready_since: Option<Moment>,
    /// Cores.
    pub cpu: Option<Usage>,
    /// Bytes.
    pub memory: Option<Usage>,
    /// Share of scheduling periods in which it was held back, 0 to 1.
    pub throttled: Option<f64>,
    /// Restarts within the window.
    pub restarts: u64,
    /// Kills for lack of memory within the window.
    pub oom_kills: u64,
    /// Last number of any kind.
    pub last_seen: Moment,
}

/// Use of something that has an end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// In use, in the resource's unit (mean over the window), where known.
    pub used: Option<f64>,
    /// Share in use, 0 to 1, where there is something to take a share of.
    pub share: Option<f64>,
    /// What it is a share of.
    pub of: Denominator,
}

/// What a share of use is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Denominator {
    /// The limit.
    Limit,
    /// The request, where there is no limit.
    Request,
    /// Nothing: no share.
    Nothing,
}

/// `status.phase` of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // Kubernetes' own words.
pub enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

/// Pods wanted and there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// Wanted.
    pub desired: u32,
    /// There and ready.
    pub available: u32,
}

impl Registry {
    /// The entity at `id`.
    pub fn get(&self, id: EntityId) -> Option<&Entity> {
        self.entities.get(usize::try_from(id.0).ok()?).map(Arc::as_ref)
    }
}

impl EntityEdge {
    /// All rows together.
    pub fn whole(&self) -> Measures {
        self.rows.iter().fold(Measures::default(), |mut sum, row| {
            sum.add(&row.measures);
            sum
        })
    }
}

impl Tier {
    /// All, finest first.
    pub const ALL: [Self; 5] = [Self::Step, Self::Minute, Self::TenMinutes, Self::Hour, Self::Day];

    /// Length of a block in nanoseconds.
    pub fn length(self) -> u64 {
        u64::from(self.steps()) * STEP
    }

    /// Length of a block in steps.
    pub fn steps(self) -> u32 {
        match self {
            Self::Step => 1,
            Self::Minute => 4,
            Self::TenMinutes => 40,
            Self::Hour => 240,
            Self::Day => 5760,
        }
    }

    /// As answers and files name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "15s",
            Self::Minute => "1m",
            Self::TenMinutes => "10m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }
}

impl Window {
    /// For how much of it data was kept, in seconds.
    pub fn covered_seconds(&self) -> f64 {
        self.covered as f64 / 1e9
    }
}
