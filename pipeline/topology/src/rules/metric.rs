//! What rules measure, of edges, nodes and groups.

use config::Config;

use super::file::Scope;
use crate::measures::Histogram;
use crate::observed::{Instance, NodeFacts, Phase};
use crate::{Measures, Moment};

/// What a rule measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Config)]
pub enum Metric {
    /// Faults per request, in percent.
    #[default]
    ErrorRatio,
    /// Client errors per request, in percent.
    ClientErrorRatio,
    /// Mean latency, in ms.
    AverageLatency,
    /// 95th percentile of latency, in ms.
    P95Latency,
    /// Requests a second against the same window one day earlier, or without such the window before, in percent.
    RateChange,
    /// Mean client minus server latency, in ms.
    Gap,
    /// Mean round-trip time, in ms.
    Rtt,
    /// Segments sent again, in percent.
    RetransmitRatio,
    /// Connections that did not come about, in percent of all tries.
    FailedConnectRatio,
    /// CPU of the limit, worst instance, in percent.
    Cpu,
    /// Memory of the limit, worst instance, in percent.
    Memory,
    /// Kills for lack of memory.
    OomKills,
    /// How long an instance has not been ready, in s.
    NotReady,
    /// Instances that are ready, in percent.
    ReadyRatio,
    /// Pods that are missing, in percent of those wanted.
    UnavailableRatio,
    /// Pods that wait for a machine.
    Pending,
    /// Restarts.
    Restarts,
    /// Share of scheduling periods in which an instance was held back, in percent.
    Throttled,
    /// Abnormal members of a group, in percent.
    AbnormalRatio,
}

use Scope::{Edge, Group, Node};

const METRICS: &[(Metric, &str, &[Scope])] = &[
    (Metric::ErrorRatio, "%", &[Edge, Node]),
    (Metric::ClientErrorRatio, "%", &[Edge, Node]),
    (Metric::AverageLatency, "ms", &[Edge, Node]),
    (Metric::P95Latency, "ms", &[Edge, Node]),
    (Metric::RateChange, "%", &[Edge, Node]),
    (Metric::Gap, "ms", &[Edge]),
    (Metric::Rtt, "ms", &[Edge]),
    (Metric::RetransmitRatio, "%", &[Edge]),
    (Metric::FailedConnectRatio, "%", &[Edge]),
    (Metric::Cpu, "%", &[Node]),
    (Metric::Memory, "%", &[Node]),
    (Metric::OomKills, "", &[Node]),
    (Metric::NotReady, "s", &[Node]),
    (Metric::ReadyRatio, "%", &[Node]),
    (Metric::UnavailableRatio, "%", &[Node]),
    (Metric::Pending, "", &[Node]),
    (Metric::Restarts, "", &[Node]),
    (Metric::Throttled, "%", &[Node]),
    (Metric::AbnormalRatio, "%", &[Group]),
];

impl Metric {
    fn row(self) -> (&'static str, &'static [Scope]) {
        let found = METRICS.iter().find(|(metric, ..)| *metric == self);
        found.map_or(("", &[]), |(_, unit, scopes)| (*unit, *scopes))
    }

    /// What it is measured in: `%`, `ms`, `s`, or nothing.
    pub fn unit(self) -> &'static str {
        self.row().0
    }

    pub(super) fn is_of(self, scope: Scope) -> bool {
        self.row().1.contains(&scope)
    }

    pub(super) fn scopes(self) -> String {
        let names: Vec<String> = self.row().1.iter().map(|scope| scope.as_str().to_owned()).collect();
        names.join(", ")
    }

    /// True if it counts requests, so that a least number of them makes sense.
    fn is_of_requests(self) -> bool {
        matches!(
            self,
            Self::ErrorRatio
                | Self::ClientErrorRatio
                | Self::AverageLatency
                | Self::P95Latency
                | Self::RateChange
                | Self::Gap
        )
    }

    /// Its value for calls, and `None` if they say nothing about it or are fewer than `least`. `earlier` are the calls of
    /// the window that [`Self::RateChange`] compares with, both by the second.
    pub(super) fn of_calls(self, measures: &Measures, latency: &Histogram, least: u64) -> Option<f64> {
        let requests = measures.requests();
        if self.is_of_requests() && requests < least.max(1) {
            return None;
        }
        let flow = &measures.flow;
        match self {
            Self::ErrorRatio => percent(measures.errors(), requests),
            Self::ClientErrorRatio => percent(measures.client_errors(), requests),
            Self::AverageLatency => latency.mean_ms(),
            Self::P95Latency => latency.quantile_ms(0.95),
            Self::Gap => (measures.gap.count >= least).then(|| measures.gap.mean())?.map(|mean| mean as f64 / 1e6),
            Self::Rtt => flow.rtt_sum.checked_div(flow.rtt_count).map(|mean| mean as f64 / 1e6),
            Self::RetransmitRatio => percent(flow.retransmits, flow.segments),
            Self::FailedConnectRatio => {
                percent(flow.failed.total(), flow.failed.total().saturating_add(flow.connections))
            }
            _ => None,
        }
    }

    /// Its value for the state of an entity at `now`.
    pub(super) fn of_state(self, facts: &NodeFacts, now: Moment) -> Option<f64> {
        let instances = facts.instances.iter();
        let worst = |value: fn(&Instance) -> Option<f64>| facts.instances.iter().filter_map(value).reduce(f64::max);
        match self {
            Self::Cpu => worst(|instance| Some(instance.cpu?.share? * 100.0)),
            Self::Memory => worst(|instance| Some(instance.memory?.share? * 100.0)),
            Self::Throttled => worst(|instance| Some(instance.throttled? * 100.0)),
            Self::OomKills => some_if_any(&facts.instances, instances.map(|it| it.oom_kills).sum::<u64>()),
            Self::Restarts => some_if_any(&facts.instances, instances.map(|it| it.restarts).sum::<u64>()),
            Self::NotReady => not_ready_for(facts, now),
            Self::ReadyRatio => {
                let known = facts.instances.iter().filter(|it| counts_for_readiness(it)).count();
                let ready = facts.instances.iter().filter(|it| counts_for_readiness(it) && it.ready == Some(true));
                percent(ready.count() as u64, known as u64)
            }
            Self::UnavailableRatio => {
                let replicas = facts.replicas?;
                let missing = replicas.desired.saturating_sub(replicas.available);
                percent(missing.into(), replicas.desired.into())
            }
            Self::Pending => {
                let known = facts.instances.iter().filter(|it| it.phase.is_some()).count();
                let pending = facts.instances.iter().filter(|it| it.phase == Some(Phase::Pending)).count();
                (known > 0).then_some(pending as f64)
            }
            _ => None,
        }
    }
}

/// The longest that an instance has not been ready, in seconds; 0 if all are.
fn not_ready_for(facts: &NodeFacts, now: Moment) -> Option<f64> {
    let known = facts.instances.iter().filter(|it| counts_for_readiness(it));
    let lasting = known.map(|instance| match (instance.ready, instance.unready_since) {
        // Not ready by its last word: even if it said so only now, that is more than nothing.
        (Some(false), since) => (now.since(since.unwrap_or(now)) as f64 / 1e9).max(f64::MIN_POSITIVE),
        _ => 0.0,
    });
    lasting.reduce(f64::max)
}

/// A pod that is done need not be ready.
fn counts_for_readiness(instance: &Instance) -> bool {
    instance.ready.is_some() && instance.phase != Some(Phase::Succeeded)
}

fn some_if_any(instances: &[Instance], sum: u64) -> Option<f64> {
    (!instances.is_empty()).then_some(sum as f64)
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64 * 100.0)
}
