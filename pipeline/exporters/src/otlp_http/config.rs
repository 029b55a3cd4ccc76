//! Keys of the `otlp_http` exporter.

use config::{Check, Config, GoDuration, Toggle, Validate};
use pdata::Signal;
use transport::settings::{CompressionType, HttpClientSettings, QueueSettings, RetrySettings};

/// `otlp_http`: sends OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("profiles_endpoint"))]
pub struct OtlpHttpConfig {
    /// The client.
    #[config(flatten, default = HttpClientSettings {
        timeout: GoDuration::seconds(30),
        compression: CompressionType::Gzip,
        ..HttpClientSettings::default()
    })]
    pub client: HttpClientSettings,
    /// URL of traces, used as it is; by default `endpoint` with `/v1/traces`.
    pub traces_endpoint: String,
    /// URL of metrics, used as it is; by default `endpoint` with `/v1/metrics`.
    pub metrics_endpoint: String,
    /// URL of logs, used as it is; by default `endpoint` with `/v1/logs`.
    pub logs_endpoint: String,
    /// Encoding of requests.
    pub encoding: EncodingType,
    /// When a batch is attempted again.
    #[config(default = Toggle::on(RetrySettings::default()))]
    pub retry_on_failure: Toggle<RetrySettings>,
    /// What waits between the pipeline and the destination.
    #[config(default = Toggle::on(QueueSettings::default()))]
    pub sending_queue: Toggle<QueueSettings>,
}

/// Encoding of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "invalid encoding type: {}")]
pub enum EncodingType {
    /// Protobuf.
    #[default]
    Proto,
    /// OTLP/JSON.
    Json,
}

impl OtlpHttpConfig {
    /// Where one signal goes.
    pub(super) fn url(&self, signal: Signal) -> String {
        let own = match signal {
            Signal::Traces => &self.traces_endpoint,
            Signal::Metrics => &self.metrics_endpoint,
            Signal::Logs => &self.logs_endpoint,
        };
        if own.is_empty() { format!("{}/v1/{signal}", self.client.endpoint.trim_end_matches('/')) } else { own.clone() }
    }
}

impl Validate for OtlpHttpConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let endpoints = [&self.client.endpoint, &self.traces_endpoint, &self.metrics_endpoint, &self.logs_endpoint];
        let has_one = endpoints.iter().any(|endpoint| !endpoint.is_empty());
        check.require(has_one, "endpoint", "at least one endpoint must be specified");
    }
}
