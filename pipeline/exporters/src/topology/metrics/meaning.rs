//! What metrics mean, by name: those of the conventions, and what Prometheus makes of them.

use topology::StateMetric;

/// What a metric is to the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Our own findings: read back, they would talk about themselves.
    Own,
    /// `traces_service_graph_*`.
    Graph(Graph),
    /// Durations by semantic convention.
    Red(Red),
    /// `traces.span.metrics.duration`.
    SpanDuration,
    /// `traces.span.metrics.calls`.
    SpanCalls,
    /// `tidewatch.tcp.*`.
    Flow(Flow),
    /// State of what the resource names.
    State(State),
    /// State of what the labels name, as Prometheus' exporters do: kube-state-metrics, cAdvisor.
    Labelled(State),
    /// Who owns what.
    Owner(OwnerOf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Graph {
    Requests,
    Failed,
    Client,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Red {
    /// Told by who answers.
    Server,
    /// Told by who asks.
    Client,
    /// Told by who works on messages.
    Process,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Bytes,
    Connections,
    Failed,
    Retransmits,
    RoundTrip,
}

/// How a value becomes a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As it is.
    As(StateMetric),
    /// The same, where 0 stands for none.
    Limit(StateMetric),
    /// Seconds of CPU so far.
    CpuTime,
    /// Microseconds of CPU in each tenth of a second.
    CpuQuota,
    /// Scheduling periods so far, and those in which it was held back.
    Periods,
    ThrottledPeriods,
    /// `resource="cpu"` or `"memory"`: limit and request.
    Limits,
    Requests,
    /// 1 for the phase that the label names.
    PhaseByLabel,
    /// 1 for the condition that the label names.
    ReadyByLabel,
    /// 1 if the label names a kill for lack of memory.
    Terminated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnerOf {
    Pod,
    ReplicaSet,
    Job,
}

impl Meaning {
    /// True of what becomes rows of facts.
    pub(super) fn is_of_calls(self) -> bool {
        matches!(self, Self::Graph(_) | Self::Red(_) | Self::SpanDuration | Self::SpanCalls | Self::Flow(_))
    }

    /// What a metric of this name means. `None` for all that is not for the map.
    pub(super) fn of(name: &str) -> Option<Self> {
        if name.starts_with("topology.") || name.starts_with("topology_") {
            return Some(Self::Own);
        }
        let plain = name.replace('.', "_");
        if let Some(rest) = plain.strip_prefix("traces_service_graph_request_") {
            return graph(rest).map(Self::Graph);
        }
        if let Some(rest) = plain.strip_prefix("tidewatch_tcp_") {
            return flow(rest).map(Self::Flow);
        }
        let calls = plain.strip_prefix("traces_span_metrics_").or_else(|| plain.strip_prefix("traces_spanmetrics_"));
        if let Some(rest) = calls {
            return spans(without_unit(rest));
        }
        if let Some(told) = kube(&plain) {
            return Some(told);
        }
        state(&plain).map(Self::State).or_else(|| red(without_unit(&plain)).map(Self::Red))
    }
}

fn without_unit(name: &str) -> &str {
    name.strip_suffix("_milliseconds").or_else(|| name.strip_suffix("_seconds")).unwrap_or(name)
}

fn graph(rest: &str) -> Option<Graph> {
    Some(match without_unit(rest) {
        "total" => Graph::Requests,
        "failed_total" => Graph::Failed,
        "client" => Graph::Client,
        "server" | "duration" => Graph::Server,
        _ => return None,
    })
}

fn flow(rest: &str) -> Option<Flow> {
    Some(match without_unit(rest.strip_suffix("_total").unwrap_or(rest)) {
        "bytes" => Flow::Bytes,
        "connections" => Flow::Connections,
        "failed_connections" => Flow::Failed,
        "retransmits" => Flow::Retransmits,
        "rtt" => Flow::RoundTrip,
        _ => return None,
    })
}

fn spans(rest: &str) -> Option<Meaning> {
    Some(match rest {
        "duration" | "latency" => Meaning::SpanDuration,
        "calls" | "calls_total" => Meaning::SpanCalls,
        _ => return None,
    })
}

fn red(name: &str) -> Option<Red> {
    Some(match name {
        "http_server_request_duration"
        | "http_server_duration"
        | "rpc_server_call_duration"
        | "rpc_server_duration" => Red::Server,
        "http_client_request_duration"
        | "http_client_duration"
        | "rpc_client_call_duration"
        | "rpc_client_duration"
        | "db_client_operation_duration"
        | "messaging_client_operation_duration"
        | "messaging_publish_duration"
        | "dns_lookup_duration" => Red::Client,
        "messaging_process_duration" => Red::Process,
        _ => return None,
    })
}

/// Names of the receivers `k8s_cluster` and `kubeletstats`, and our own for control groups.
fn state(name: &str) -> Option<State> {
    use StateMetric as M;
    Some(match name {
        "k8s_container_cpu_limit" => State::Limit(M::CpuLimit),
        "k8s_container_cpu_request" => State::Limit(M::CpuRequest),
        "k8s_container_memory_limit" => State::Limit(M::MemoryLimit),
        "k8s_container_ready" => State::As(M::Ready),
        "k8s_container_restarts" => State::As(M::Restarts),
        "k8s_pod_phase" => State::As(M::Phase),
        "k8s_deployment_desired" | "k8s_statefulset_desired_pods" | "k8s_daemonset_desired_scheduled_nodes" => {
            State::As(M::ReplicasDesired)
        }
        "k8s_deployment_available" | "k8s_statefulset_ready_pods" | "k8s_daemonset_ready_nodes" => {
            State::As(M::ReplicasAvailable)
        }
        "container_cpu_usage" => State::As(M::CpuUsage),
        "container_cpu_time" => State::CpuTime,
        "container_cpu_limit" => State::Limit(M::CpuLimit),
        "container_cpu_periods" => State::Periods,
        "container_cpu_throttled_periods" => State::ThrottledPeriods,
        "container_memory_working_set" => State::As(M::MemoryWorkingSet),
        "container_memory_limit" => State::Limit(M::MemoryLimit),
        "k8s_container_cpu_limit_utilization" => State::As(M::CpuLimitUtilization),
        "k8s_container_memory_limit_utilization" => State::As(M::MemoryLimitUtilization),
        _ => return None,
    })
}

/// Names of kube-state-metrics and cAdvisor.
fn kube(name: &str) -> Option<Meaning> {
    use StateMetric as M;
    Some(Meaning::Labelled(match name {
        "kube_pod_owner" => return Some(Meaning::Owner(OwnerOf::Pod)),
        "kube_replicaset_owner" => return Some(Meaning::Owner(OwnerOf::ReplicaSet)),
        "kube_job_owner" => return Some(Meaning::Owner(OwnerOf::Job)),
        "kube_pod_container_resource_limits" => State::Limits,
        "kube_pod_container_resource_requests" => State::Requests,
        "kube_pod_container_status_restarts_total" => State::As(M::Restarts),
        "kube_pod_container_status_last_terminated_reason" => State::Terminated,
        "kube_pod_status_phase" => State::PhaseByLabel,
        "kube_pod_status_ready" => State::ReadyByLabel,
        "kube_deployment_spec_replicas"
        | "kube_statefulset_replicas"
        | "kube_daemonset_status_desired_number_scheduled" => State::As(M::ReplicasDesired),
        "kube_deployment_status_replicas_available"
        | "kube_statefulset_status_replicas_ready"
        | "kube_daemonset_status_number_available" => State::As(M::ReplicasAvailable),
        "container_cpu_usage_seconds_total" => State::CpuTime,
        "container_memory_working_set_bytes" => State::As(M::MemoryWorkingSet),
        "container_spec_memory_limit_bytes" => State::Limit(M::MemoryLimit),
        "container_spec_cpu_quota" => State::CpuQuota,
        "container_cpu_cfs_periods_total" => State::Periods,
        "container_cpu_cfs_throttled_periods_total" => State::ThrottledPeriods,
        "container_oom_events_total" => State::As(M::OomKills),
        _ => return None,
    }))
}

/// How many nanoseconds one of a unit is. Without a unit, the name may end in it; else seconds.
pub(super) fn unit(unit: &str, name: &str) -> f64 {
    match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "" if name.ends_with("_milliseconds") => 1e6,
        _ => 1e9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_same_with_dots_and_as_prometheus_writes_them() {
        for (plain, scraped) in [
            ("http.server.request.duration", "http_server_request_duration_seconds"),
            ("traces_service_graph_request_client", "traces_service_graph_request_client_seconds"),
            ("traces.span.metrics.duration", "traces_span_metrics_duration_milliseconds"),
            ("traces.span.metrics.calls", "traces_span_metrics_calls_total"),
            ("tidewatch.tcp.bytes", "tidewatch_tcp_bytes_total"),
            ("tidewatch.tcp.rtt", "tidewatch_tcp_rtt_seconds"),
        ] {
            assert_eq!(Meaning::of(plain), Meaning::of(scraped), "{plain}");
            assert!(Meaning::of(plain).is_some(), "{plain}");
        }
    }

    #[test]
    fn what_is_not_for_the_map_means_nothing() {
        for name in ["", "up", "http.server.active_requests", "traces_service_graph_unpaired_spans_total"] {
            assert_eq!(Meaning::of(name), None, "{name}");
        }
        assert_eq!(Meaning::of("topology.findings"), Some(Meaning::Own));
    }
}
