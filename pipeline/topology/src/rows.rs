//! What evidence is turned into before it reaches the store.
//!
//! In this room: one row per fact, per state, per event.
//! Not here: reading evidence (`exporters::topology`), adding rows up (the store).
//!
//! Enter at [`Rows`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{End, Measures, Moment, Name};

/// What one batch of evidence said.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Who called whom.
    pub facts: Vec<FactRow>,
    /// What is in which state.
    pub states: Vec<StateRow>,
    /// What happened to what.
    pub events: Vec<EventRow>,
}

/// Calls between two ends, or (without a source) calls that a node answered and nobody said whose.
#[derive(Debug, Clone)]
pub struct FactRow {
    /// When it ended.
    pub at: Moment,
    /// If it grew evenly over an interval, how long that was, in nanoseconds; 0 for a single exchange.
    pub over: u64,
    /// By what kind of evidence. Lanes are never added.
    pub lane: Lane,
    /// The caller; `None` feeds the node of `target` and no edge.
    pub source: Option<Arc<End>>,
    /// The called.
    pub target: Arc<End>,
    /// What they speak.
    pub protocol: Protocol,
    /// The port of the target, if known.
    pub port: Option<u16>,
    /// Under the protocol.
    pub transport: Transport,
    /// What was seen, as an increment.
    pub measures: Measures,
    /// The trace to look at.
    pub exemplar: Option<Exemplar>,
}

/// A trace that shows what a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exemplar {
    /// W3C trace id.
    pub trace: [u8; 16],
    /// How long the exchange took, in nanoseconds.
    pub duration: u64,
    /// True if it was an error.
    pub failed: bool,
}

/// By what kind of evidence a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Client and server spans.
    Spans,
    /// `traces_service_graph_*` metrics.
    ServiceGraph,
    /// `http.server.request.duration` and kin, `traces_span_metrics_*`.
    Red,
    /// TCP metrics.
    Flows,
}

impl Lane {
    /// All lanes, in the order in which answers list them.
    pub const ALL: [Self; 4] = [Self::Spans, Self::ServiceGraph, Self::Red, Self::Flows];

    /// As answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::ServiceGraph => "service_graph",
            Self::Red => "red",
            Self::Flows => "flows",
        }
    }
}

/// What two ends speak: the value of `network.protocol.name` and kin, lower case. `unspecified` if nobody said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Protocol(pub Name);

impl Protocol {
    /// What evidence did not say.
    pub fn unspecified() -> Self {
        Self("unspecified".into())
    }

    /// True if evidence did not say.
    pub fn is_unspecified(&self) -> bool {
        &*self.0 == "unspecified"
    }
}

/// What a protocol runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Evidence did not say.
    #[default]
    Unspecified,
}

/// A number about the state of an entity or of one of its pods.
#[derive(Debug, Clone)]
pub struct StateRow {
    /// When it was so.
    pub at: Moment,
    /// Of what. With a pod: of that instance.
    pub subject: Arc<End>,
    /// Which number.
    pub metric: StateMetric,
    /// Its value in the unit of the metric.
    pub value: f64,
}

/// The numbers about state that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateMetric {
    /// Cores in use.
    CpuUsage,
    /// Cores.
    CpuLimit,
    /// Cores.
    CpuRequest,
    /// Share of the limit, 0 to 1.
    CpuLimitUtilization,
    /// Share of scheduling periods in which it was held back, 0 to 1.
    CpuThrottled,
    /// Bytes in use.
    MemoryWorkingSet,
    /// Bytes.
    MemoryLimit,
    /// Share of the limit, 0 to 1.
    MemoryLimitUtilization,
    /// 1 if the pod is ready, 0 if not.
    Ready,
    /// Restarts so far.
    Restarts,
    /// Kills for lack of memory so far.
    OomKills,
    /// `k8s.pod.phase`: 1 Pending, 2 Running, 3 Succeeded, 4 Failed, 5 Unknown.
    Phase,
    /// Pods wanted.
    ReplicasDesired,
    /// Pods available.
    ReplicasAvailable,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// When.
    pub at: Moment,
    /// To what.
    pub subject: Arc<End>,
    /// What.
    pub event: Event,
}

/// What happened, in the words of who saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `BackOff`, `Unhealthy`, ...
    pub reason: Name,
    /// The sentence.
    pub message: Name,
    /// True for `Warning`.
    pub warning: bool,
    /// How often so far.
    pub count: u32,
}
