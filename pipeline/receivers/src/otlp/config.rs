//! Keys of the `otlp` receiver.

use config::{Check, Config, Toggle, Validate};
use transport::settings::{GrpcServerSettings, HttpServerSettings};

/// `otlp`: takes OTLP over gRPC and HTTP.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct OtlpConfig {
    /// What to speak; at least one.
    pub protocols: Protocols,
}

/// What to speak.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct Protocols {
    /// OTLP over gRPC. On when written.
    #[config(default = Toggle::off(GrpcServerSettings {
        endpoint: "localhost:4317".into(),
        read_buffer_size: 512 * 1024,
        ..GrpcServerSettings::default()
    }))]
    pub grpc: Toggle<GrpcServerSettings>,
    /// OTLP over HTTP. On when written.
    #[config(default = Toggle::off(HttpConfig::default()))]
    pub http: Toggle<HttpConfig>,
}

/// OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("profiles_url_path"))]
pub struct HttpConfig {
    /// The server.
    #[config(flatten, default = HttpServerSettings { endpoint: "localhost:4318".into(), ..HttpServerSettings::default() })]
    pub server: HttpServerSettings,
    /// Path of traces.
    #[config(default = "/v1/traces")]
    pub traces_url_path: String,
    /// Path of metrics.
    #[config(default = "/v1/metrics")]
    pub metrics_url_path: String,
    /// Path of logs.
    #[config(default = "/v1/logs")]
    pub logs_url_path: String,
}

impl Validate for OtlpConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let speaks = self.protocols.grpc.is_on() || self.protocols.http.is_on();
        check.require(speaks, "protocols", "must specify at least one protocol when using the OTLP receiver");
    }
}

impl Validate for HttpConfig {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let paths = [
            ("traces_url_path", &self.traces_url_path),
            ("metrics_url_path", &self.metrics_url_path),
            ("logs_url_path", &self.logs_url_path),
        ];
        for (key, path) in paths {
            check.require(!path.is_empty(), key, format!("'{key}' must not be empty"));
        }
    }
}

/// A path begins with a slash, written or not.
pub(super) fn path(text: &str) -> String {
    if text.starts_with('/') { text.to_owned() } else { format!("/{text}") }
}
