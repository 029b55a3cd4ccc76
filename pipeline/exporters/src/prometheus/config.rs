//! Keys of `prometheus`.

use std::collections::BTreeMap;

use config::{ByteSize, Check, Config, GoDuration, Toggle, Validate};
use transport::settings::{HttpServerSettings, QueueSettings};

use crate::prometheus_names::{ResourceLabelSettings, TranslationStrategy};

/// `prometheus`: serves the last value of every series to scrapers.
#[derive(Debug, Clone, PartialEq, Config)]
pub(crate) struct PrometheusConfig {
    #[config(flatten)]
    pub(super) server: HttpServerSettings,
    /// Stands before every metric name, with an underscore between.
    pub(super) namespace: String,
    /// Labels of every series.
    pub(super) const_labels: BTreeMap<String, String>,
    /// Tell when each value was measured. Without it the scraper's own time counts.
    pub(super) send_timestamps: bool,
    /// How long a series is served after its last update.
    #[config(default = GoDuration::seconds(300))]
    pub(super) metric_expiration: GoDuration,
    /// Serve OpenMetrics, with exemplars, to scrapers that ask for it.
    pub(super) enable_open_metrics: bool,
    /// Append unit and type to names.
    #[config(default = true, deprecated = "use `translation_strategy`")]
    pub(super) add_metric_suffixes: bool,
    /// How names become names of Prometheus. Wins over `add_metric_suffixes`.
    pub(super) translation_strategy: Option<TranslationStrategy>,
    /// Resource attributes that become labels of every series.
    #[config(deprecated = "use `resource_constant_labels`")]
    pub(super) resource_to_telemetry_conversion: ResourceLabelSettings,
    /// Resource attributes that become labels of every series.
    pub(super) resource_constant_labels: ResourceLabelSettings,
    /// Leave out the labels `otel_scope_*`.
    pub(super) without_scope_info: bool,
    /// Accepted; data is taken at once, so nothing is ever queued.
    pub(super) sending_queue: Toggle<QueueSettings>,
    /// Most series. New ones beyond it are refused and counted. Not a key of the Collector, which has no bound.
    #[config(default = 500_000)]
    pub(super) max_series: u64,
    /// Most memory that series may take, labels included. Not a key of the Collector.
    #[config(default = ByteSize::mib(256))]
    pub(super) max_series_bytes: ByteSize,
}

impl Validate for PrometheusConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        ResourceLabelSettings::check(&self.resource_to_telemetry_conversion, &self.resource_constant_labels, check);
        check.require(self.max_series > 0, "max_series", "'max_series' must be positive");
        check.require(self.max_series_bytes.bytes() > 0, "max_series_bytes", "'max_series_bytes' must be positive");
        let negative = self.metric_expiration.is_negative();
        check.require(!negative, "metric_expiration", "'metric_expiration' must be non-negative");
    }
}
