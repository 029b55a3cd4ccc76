//! Keys of `prometheus_remote_write`.

use std::collections::BTreeMap;

use config::{Check, Config, GoDuration, Toggle, Validate};
use transport::settings::{CompressionType, HttpClientSettings, RetrySettings};

use crate::prometheus_names::{ResourceLabelSettings, TranslationStrategy};

/// `prometheus_remote_write`: pushes samples to Prometheus and stores that speak its protocol.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported(
    "wal",
    "include_metadata_keys",
    "convert_explicit_histograms_to_nhcb",
    "keep_classic_histograms"
))]
pub struct RemoteWriteConfig {
    #[config(flatten = "clientconfig", default = client())]
    pub(super) flat: HttpClientSettings,
    /// The same keys in a block of their own; it wins over those beside it.
    #[config(default = Toggle::off(client()))]
    pub(super) http: Toggle<HttpClientSettings>,
    /// When a request is attempted again: after network errors, 429 and 5xx.
    #[config(default = Toggle::on(retry()))]
    pub(super) retry_on_failure: Toggle<RetrySettings>,
    /// What waits between the pipeline and the server.
    #[config(default = Toggle::on(RemoteWriteQueue::default()))]
    pub(super) remote_write_queue: Toggle<RemoteWriteQueue>,
    /// Cut requests that would be larger, before compression. 0: the default.
    #[config(default = 3_000_000)]
    pub(super) max_batch_size_bytes: i64,
    /// How many requests are sent at a time; wins over `remote_write_queue.num_consumers`.
    pub(super) max_batch_request_parallelism: Option<i64>,
    /// Stands before every metric name, with an underscore between.
    pub(super) namespace: String,
    /// Labels of every series that does not have them.
    pub(super) external_labels: BTreeMap<String, String>,
    /// Resource attributes that become labels of every series.
    #[config(deprecated = "use `resource_constant_labels`")]
    pub(super) resource_to_telemetry_conversion: ResourceLabelSettings,
    /// Resource attributes that become labels of every series.
    pub(super) resource_constant_labels: ResourceLabelSettings,
    /// The series that tells what is known of a resource.
    pub(super) target_info: TargetInfo,
    /// Leave out the labels `otel_scope_*`.
    pub(super) disable_scope_info: bool,
    /// Append unit and type to names.
    #[config(default = true, deprecated = "use `translation_strategy`")]
    pub(super) add_metric_suffixes: bool,
    /// How names become names of Prometheus. Wins over `add_metric_suffixes`. The protocol's first version has no UTF-8
    /// names.
    pub(super) translation_strategy: Option<TranslationStrategy>,
    /// Send type, unit and description of metrics too.
    pub(super) send_metadata: bool,
    /// Version of the protocol. Only the first is supported.
    pub(super) protobuf_message: ProtobufMessage,
}

/// The message that requests carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(
    unknown = "unknown type for remote write protobuf message {}, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"
)]
pub(crate) enum ProtobufMessage {
    /// Version 1.
    #[default]
    #[config(rename = "prometheus.WriteRequest")]
    V1,
    /// Version 2.
    #[config(rename = "io.prometheus.write.v2.Request")]
    V2,
}

/// `target_info`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub(crate) struct TargetInfo {
    /// Send it.
    #[config(default = true)]
    pub(super) enabled: bool,
}

/// What waits, in batches as they come. It also counts against the byte budget of the process.
#[derive(Debug, Clone, PartialEq, Config)]
pub(crate) struct RemoteWriteQueue {
    /// Most batches that wait or are being sent.
    #[config(default = 10_000)]
    pub(super) queue_size: i64,
    /// How many requests are sent at a time. A series always has the same sender, so its samples stay in order.
    #[config(default = 5)]
    pub(super) num_consumers: i64,
}

impl Validate for RemoteWriteQueue {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.queue_size >= 0, "queue_size", "remote write queue size can't be negative");
        check.require(self.queue_size != 0, "queue_size", "a 0 size queue will drop all the data");
        check.require(self.num_consumers >= 0, "num_consumers", "remote write consumer number can't be negative");
    }
}

/// The client that the Collector assumes; its endpoint stands for "not configured".
fn client() -> HttpClientSettings {
    HttpClientSettings {
        endpoint: "http://some.url:9411/api/prom/push".into(),
        timeout: GoDuration::seconds(5),
        compression: CompressionType::Snappy,
        write_buffer_size: 512 * 1024,
        ..HttpClientSettings::default()
    }
}

fn retry() -> RetrySettings {
    RetrySettings { initial_interval: GoDuration::milliseconds(50), ..RetrySettings::default() }
}

impl RemoteWriteConfig {
    /// The client's settings, wherever they are written.
    pub(super) fn client(&self) -> &HttpClientSettings {
        self.http.get().unwrap_or(&self.flat)
    }

    /// Names as the protocol can carry them.
    pub(super) fn strategy(&self) -> TranslationStrategy {
        TranslationStrategy::chosen(self.translation_strategy, self.add_metric_suffixes)
    }
}

impl Validate for RemoteWriteConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        ResourceLabelSettings::check(&self.resource_to_telemetry_conversion, &self.resource_constant_labels, check);
        check.require(
            self.max_batch_request_parallelism.is_none_or(|most| most >= 1),
            "max_batch_request_parallelism",
            "max_batch_request_parallelism can't be set to below 1",
        );
        check.require(
            self.max_batch_size_bytes >= 0,
            "max_batch_size_bytes",
            "max_batch_size_bytes must be greater than 0",
        );
        let has_time = !self.client().timeout.is_negative();
        let key = if self.http.is_on() { "http" } else { "timeout" };
        check.require(has_time, key, "timeout value must be greater than or equal to 0");
        let snappy = matches!(self.client().compression, CompressionType::Snappy | CompressionType::None);
        check.require(
            snappy,
            if self.http.is_on() { "http" } else { "compression" },
            "compression type must be snappy",
        );
        check.require(
            self.protobuf_message == ProtobufMessage::V1,
            "protobuf_message",
            "remote write v2 is only supported with the feature gate exporter.prometheusremotewritexporter.enableSendingRW2",
        );
        if let Some(strategy) = self.translation_strategy.filter(|strategy| strategy.utf8()) {
            let name = strategy.as_str();
            let sentence = format!("translation strategy {name} requires Prometheus Remote Write 2.0 (UTF-8 support)");
            check.error("translation_strategy", sentence);
        }
    }
}
