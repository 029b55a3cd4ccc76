//! The keys of `service_graph`.

use config::{Check, Config, GoDuration, Validate};

/// `service_graph`: makes metrics about who calls whom.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct ServiceGraphConfig {
    /// Upper bounds of the buckets of both histograms. Absent: 2ms 4ms 6ms 8ms 10ms 50ms 100ms 200ms 400ms 800ms 1s 1.4s 2s 5s 10s 15s.
    pub latency_histogram_buckets: Option<Vec<GoDuration>>,
    /// Most buckets of an exponential histogram; 0 makes histograms with fixed bounds.
    #[config(default = 0)]
    pub exponential_histogram_max_size: i32,
    /// Attributes that become labels `client_<key>` and `server_<key>`, looked up in the resource, then in the span.
    pub dimensions: Vec<String>,
    /// Where one end of a call waits for the other.
    pub store: StoreConfig,
    /// How often series that nothing updates are looked for.
    #[config(default = GoDuration::seconds(60))]
    pub cache_loop: GoDuration,
    /// How often ends whose other end never came are looked for.
    #[config(default = GoDuration::seconds(2))]
    pub store_expiration_loop: GoDuration,
    /// Attributes of a client span that name its server when the server's span never comes; the first wins. An empty list makes no virtual nodes.
    #[config(default = vec!["peer.service".to_owned(), "db.name".to_owned(), "db.system".to_owned()])]
    pub virtual_node_peer_attributes: Vec<String>,
    /// Adds the label `virtual_node`: which end was not seen (`client`, `server` or empty).
    #[config(default = false)]
    pub virtual_node_extra_label: bool,
    /// How often metrics are sent; 0 sends after every batch of spans.
    #[config(default = GoDuration::seconds(60))]
    pub metrics_flush_interval: GoDuration,
    /// How far in the past metrics are stamped.
    pub metrics_timestamp_offset: GoDuration,
    /// Attributes of a client span or its resource that name a database; the first wins. Such a call is complete without a server span.
    #[config(default = vec!["db.name".to_owned()])]
    pub database_name_attributes: Vec<String>,

    /// Tidewatch: a series that nothing updates for so long is dropped at the next `cache_loop`; 0 keeps it for ever. When it comes back, its start timestamp says so.
    #[config(default = GoDuration::seconds(900))]
    pub series_expiration: GoDuration,
    /// Tidewatch: most edges (series of each metric); those beyond count in one series `otel.metric.overflow="true"`. 0 for no limit.
    #[config(default = 20_000)]
    pub series_limit: usize,
    /// Tidewatch: sends what is not sent yet when the process stops.
    #[config(default = true)]
    pub flush_on_shutdown: bool,
    /// Tidewatch: adds the metrics `traces_service_graph_unpaired_spans_total` and `traces_service_graph_dropped_spans_total`.
    #[config(default = false)]
    pub loss_metrics: bool,
    /// Tidewatch: peers by current conventions too: `service.peer.name`, `server.address`, `db.namespace`, `db.system.name`; a client span with any of the `db.*` ones is a call of a database.
    #[config(default = false)]
    pub current_conventions: bool,
    /// Tidewatch: adds the labels `client_service_namespace` and `server_service_namespace` (`service.namespace`, else `k8s.namespace.name` of the resource).
    #[config(default = false)]
    pub namespace_labels: bool,
    /// Tidewatch: adds the labels `client_k8s_workload_name`, `client_k8s_workload_kind` and the same of the server (`k8s.deployment.name`, else `k8s.statefulset.name`, `k8s.daemonset.name`, `k8s.cronjob.name`, `k8s.job.name` of the resource).
    #[config(default = false)]
    pub workload_labels: bool,
    /// Tidewatch: adds the label `network_protocol_name`: what the client's span, else the server's, says of the protocol (`rpc.system`, `db.system`, `messaging.system`, `network.protocol.name`, also by their current names; `http` if it only names a method).
    #[config(default = false)]
    pub protocol_label: bool,
    /// Tidewatch: pairs by the attribute `tidewatch.wire.key` before the trace id. A call of a database whose client span has the key waits for the database's own span.
    #[config(default = false)]
    pub pair_by_wire_key: bool,
    /// Tidewatch: what becomes of a server span with a parent whose client never comes: `drop` counts it only, `bucket` makes an edge from the client `unknown`.
    #[config(default = UnpairedServers::Drop)]
    pub unpaired_servers: UnpairedServers,
    /// Tidewatch: counts a call once, also when its spans are sent again or its second end comes late.
    pub deduplication: DeduplicationConfig,
}

/// `store`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct StoreConfig {
    /// How long the first end waits.
    #[config(default = GoDuration::seconds(2))]
    pub ttl: GoDuration,
    /// How many ends may wait. A span that finds no room is dropped and counted.
    #[config(default = 1000)]
    pub max_items: i64,
    /// Tidewatch: when there is no room, the oldest end gives up its place (as if it had expired) instead of the new one.
    #[config(default = false)]
    pub evict_oldest: bool,
}

/// `deduplication`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct DeduplicationConfig {
    /// How long counted spans are remembered; 0 for not at all.
    pub window: GoDuration,
    /// How many are remembered: about three for each call, 40 bytes each.
    #[config(default = 300_000)]
    pub max_items: usize,
}

/// `unpaired_servers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Config)]
pub enum UnpairedServers {
    /// Only counted.
    Drop,
    /// An edge from `unknown`.
    Bucket,
}

impl Validate for ServiceGraphConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let size = "exponential_histogram_max_size";
        let has_buckets = self.latency_histogram_buckets.is_some();
        check.require(
            has_buckets || self.exponential_histogram_max_size >= 0,
            size,
            "`exponential_histogram_max_size` can not be negative",
        );
        check.require(
            !has_buckets || self.exponential_histogram_max_size <= 0,
            size,
            "use either `latency_histogram_buckets` or `exponential_histogram_max_size`",
        );
        if self.metrics_flush_interval.as_nanoseconds() <= 0 {
            check.warn("metrics_flush_interval", "metrics are sent after every batch of spans", None);
        }
        if self.latency_histogram_buckets.as_ref().is_some_and(|bounds| !bounds.is_sorted()) {
            let help = "write them in ascending order".to_owned();
            check.warn(
                "latency_histogram_buckets",
                "the buckets are not in order: the histograms mean nothing",
                Some(help),
            );
        }
    }
}
