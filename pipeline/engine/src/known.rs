//! Components that the OpenTelemetry Collector has and Tidewatch has not yet: their users are told so, instead of being
//! asked whether they meant something else.
//!
//! The lists are those of the Kubernetes and core distributions, in both spellings, with what the Helm charts use.

const RECEIVERS: &[&str] = &[
    "file_log",
    "filelog",
    "fluent_forward",
    "fluentforward",
    "host_metrics",
    "hostmetrics",
    "http_check",
    "httpcheck",
    "jaeger",
    "journald",
    "k8s_cluster",
    "k8s_events",
    "k8sobjects",
    "k8s_objects",
    "kafka",
    "kubelet_stats",
    "kubeletstats",
    "obi",
    "otelarrow",
    "prometheus",
    "receiver_creator",
    "zipkin",
];
const PROCESSORS: &[&str] = &[
    "cumulativetodelta",
    "deltatocumulative",
    "deltatorate",
    "drain",
    "filter",
    "groupbyattrs",
    "groupbytrace",
    "interval",
    "k8s_attributes",
    "k8sattributes",
    "logdedup",
    "metricsgeneration",
    "metricstransform",
    "probabilistic_sampler",
    "queuebatch",
    "redaction",
    "remotetap",
    "resource_detection",
    "resourcedetection",
    "span",
    "tail_sampling",
    "transform",
];
const EXPORTERS: &[&str] = &["kafka", "load_balancing", "loadbalancing", "otelarrow", "zipkin"];
const CONNECTORS: &[&str] =
    &["count", "exceptions", "failover", "otlp_json", "otlpjson", "round_robin", "roundrobin", "routing", "sum"];
const EXTENSIONS: &[&str] = &[
    "ack",
    "basicauth",
    "bearertokenauth",
    "cgroup_runtime",
    "file_storage",
    "headers_setter",
    "healthcheckv2",
    "host_observer",
    "http_forwarder",
    "k8s_leader_elector",
    "k8s_observer",
    "memory_limiter",
    "oauth2client",
    "oidc",
    "opamp",
    "pprof",
    "zpages",
];

/// Whether the Collector has a component of this type in a section such as `receivers`.
pub(crate) fn is_of_the_collector(section: &str, kind: &str) -> bool {
    let kinds = match section {
        "receivers" => RECEIVERS,
        "processors" => PROCESSORS,
        "exporters" => EXPORTERS,
        "connectors" => CONNECTORS,
        "extensions" => EXTENSIONS,
        _ => &[],
    };
    kinds.contains(&kind)
}
