//! `service::telemetry`: how Tidewatch speaks about itself, with the Collector's keys.

use crate::Config;
use crate::decode::{Check, Decode, DecodeContext, Pairs, Secret, Toggle, Validate};
use crate::node::{Node, Value};

/// Logs, metrics and resource of Tidewatch itself.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("traces"))]
pub struct Telemetry {
    /// Its log.
    pub logs: Logs,
    /// Its metrics.
    pub metrics: Metrics,
    /// The resource of both.
    pub resource: ResourceAttributes,
}

impl Validate for Telemetry {
    fn validate(&self, check: &mut Check<'_, '_>) {
        let silent = self.metrics.level == MetricsLevel::None;
        check.require(
            silent || !self.metrics.readers.is_empty(),
            "metrics",
            "collector telemetry metrics reader should exist when metric level is not none",
        );
    }
}

/// `service::telemetry::logs`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules, unsupported("processors"))]
pub struct Logs {
    /// Least important level that is written.
    pub level: LogLevel,
    /// Form of a line.
    pub encoding: LogEncoding,
    /// Accepted for compatibility.
    pub development: bool,
    /// Leave out where in the code a line comes from.
    pub disable_caller: bool,
    /// Leave out stack traces.
    pub disable_stacktrace: bool,
    /// Where lines go: `stderr`, `stdout` or files.
    #[config(default = vec!["stderr".to_owned()])]
    pub output_paths: Vec<String>,
    /// Where problems of logging itself go.
    #[config(default = vec!["stderr".to_owned()])]
    pub error_output_paths: Vec<String>,
    /// Fields on every line.
    pub initial_fields: Pairs<Node>,
    /// Keeps repeated lines down.
    #[config(default = Toggle::on(LogSampling::default()))]
    pub sampling: Toggle<LogSampling>,
    /// Leave out the resource on every line.
    pub disable_zap_resource: bool,
}

/// Levels of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "unrecognized level: {:?}", ignore_case)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens in operation.
    #[default]
    Info,
    /// What should be looked at.
    Warn,
    /// What failed.
    #[config(alias = "fatal")]
    Error,
}

/// Forms of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "no encoder registered for name {:?}")]
pub enum LogEncoding {
    /// For people.
    #[default]
    Console,
    /// For machines.
    Json,
}

/// `service::telemetry::logs::sampling`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct LogSampling {
    /// Time over which equal lines are counted.
    #[config(default = crate::GoDuration::seconds(10))]
    pub tick: crate::GoDuration,
    /// Equal lines written in each tick before sampling starts.
    #[config(default = 10)]
    pub initial: u32,
    /// Of further equal lines one in this many is written.
    #[config(default = 100)]
    pub thereafter: u32,
}

/// `service::telemetry::metrics`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules, unsupported("views"))]
pub struct Metrics {
    /// How much is measured.
    pub level: MetricsLevel,
    /// How the metrics get out.
    #[config(default = vec![Reader::prometheus_on_localhost()])]
    pub readers: Vec<Reader>,
}

/// How much Tidewatch measures about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Config)]
#[config(unknown = "unknown metrics level {:?}", ignore_case)]
pub enum MetricsLevel {
    /// Nothing.
    None,
    /// The least.
    Basic,
    /// What dashboards need.
    #[default]
    Normal,
    /// Everything.
    Detailed,
}

/// One way out for metrics: pulled or pushed.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct Reader {
    /// Served to whoever asks.
    pub pull: Option<Pull>,
    /// Sent at intervals.
    pub periodic: Option<Periodic>,
}

impl Reader {
    fn prometheus_on_localhost() -> Self {
        let exporter = PullExporter { prometheus: Some(Prometheus::default()) };
        Self { pull: Some(Pull { exporter }), periodic: None }
    }
}

impl Validate for Reader {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(
            self.pull.is_some() != self.periodic.is_some(),
            "periodic",
            "invalid metric reader: must be one of 'pull' or 'periodic'",
        );
    }
}

/// A reader that is asked.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct Pull {
    /// Who asks.
    pub exporter: PullExporter,
}

/// Who asks for metrics.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct PullExporter {
    /// Prometheus text on `/metrics`.
    pub prometheus: Option<Prometheus>,
}

impl Validate for PullExporter {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.prometheus.is_some(), "prometheus", "no valid metric exporter");
    }
}

/// A Prometheus endpoint.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct Prometheus {
    /// Address to listen on.
    #[config(default = "localhost")]
    pub host: String,
    /// Port to listen on.
    #[config(default = 8888)]
    pub port: u16,
    /// Leave out `otel_scope_info`.
    #[config(default = true)]
    pub without_scope_info: bool,
    /// Leave units out of names.
    #[config(default = true)]
    pub without_units: bool,
    /// Leave `_total` out of names.
    #[config(default = true)]
    pub without_type_suffix: bool,
    /// Resource attributes that every series carries.
    pub with_resource_constant_labels: ConstantLabels,
}

/// Which resource attributes become labels; patterns with `*`.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct ConstantLabels {
    /// Attributes that do.
    pub included: Vec<String>,
    /// Attributes that do not.
    pub excluded: Vec<String>,
}

/// A reader that sends.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct Periodic {
    /// Milliseconds between two sends.
    #[config(default = 60_000)]
    pub interval: u64,
    /// Milliseconds that a send may take.
    #[config(default = 30_000)]
    pub timeout: u64,
    /// Where to.
    pub exporter: PushExporter,
}

/// Where metrics are sent.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct PushExporter {
    /// An OTLP receiver.
    pub otlp: Option<OtlpPush>,
    /// Standard output.
    pub console: Toggle<Console>,
}

impl Validate for PushExporter {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(self.otlp.is_some() || self.console.is_on(), "otlp", "no valid metric exporter");
    }
}

/// Standard output has no settings.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub struct Console {}

/// An OTLP receiver for our own metrics.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(unsupported("certificate", "client_certificate", "client_key"))]
pub struct OtlpPush {
    /// How to speak to it.
    pub protocol: OtlpProtocol,
    /// Its URL.
    pub endpoint: String,
    /// Headers of every request.
    pub headers: Pairs<Secret>,
    /// `gzip` or nothing.
    pub compression: PushCompression,
    /// Without TLS.
    pub insecure: bool,
    /// Milliseconds that a request may take.
    #[config(default = 10_000)]
    pub timeout: u64,
    /// Temporality of sums and histograms.
    pub temporality_preference: Temporality,
    /// Kind of histograms.
    pub default_histogram_aggregation: HistogramAggregation,
}

impl Validate for OtlpPush {
    fn validate(&self, check: &mut Check<'_, '_>) {
        check.require(!self.endpoint.is_empty(), "endpoint", "'endpoint' must be set");
    }
}

/// How to speak OTLP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "unsupported protocol {:?}")]
pub enum OtlpProtocol {
    /// gRPC.
    #[default]
    Grpc,
    /// Protobuf over HTTP.
    #[config(rename = "http/protobuf")]
    HttpProtobuf,
}

/// Compression of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "unsupported compression {:?}")]
pub enum PushCompression {
    /// None.
    #[default]
    None,
    /// gzip.
    Gzip,
}

/// Which temporality to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "unsupported temporality preference {:?}")]
pub enum Temporality {
    /// Totals since the start.
    #[default]
    Cumulative,
    /// What is new.
    Delta,
    /// Delta where that needs less memory.
    #[config(rename = "lowmemory")]
    LowMemory,
}

/// Which histograms to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Config)]
#[config(unknown = "unsupported histogram aggregation {:?}")]
pub enum HistogramAggregation {
    /// Fixed buckets.
    #[default]
    ExplicitBucketHistogram,
    /// Exponential buckets.
    Base2ExponentialBucketHistogram,
}

/// `service::telemetry::resource`: `attributes: [{name, value}]`, or the older map of names to values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceAttributes {
    /// Attributes to set; `None` removes one that would be there by itself.
    pub attributes: Vec<(String, Option<String>)>,
    /// The schema that they follow.
    pub schema_url: Option<String>,
}

impl Decode for ResourceAttributes {
    const TYPE_NAME: &'static str = "section";

    fn decode(node: &Node, context: &mut DecodeContext<'_>) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            context.not_a_map(node);
            return None;
        };
        let mut resource = Self::default();
        let mut legacy = None;
        for entry in map {
            match (entry.key.as_str(), &entry.value.value) {
                ("attributes", Value::List(_)) => {
                    let pairs = context.inside("attributes", |context| Pairs::<Node>::decode(&entry.value, context))?;
                    for (name, value) in pairs.0 {
                        resource.attributes.push((name, value.scalar_text()));
                    }
                }
                ("schema_url", _) => resource.schema_url = entry.value.as_str().map(str::to_owned),
                ("detection/development" | "attributes_list", _) => {
                    context.inside(&entry.key, |context| context.error(&entry.value, "is not supported yet"));
                }
                (_, Value::List(_) | Value::Map(_)) => {
                    context.inside(&entry.key, |context| context.wrong_type(&entry.value, "string"));
                }
                (name, _) => {
                    legacy = legacy.or(Some(entry.mark));
                    resource.attributes.push((name.to_owned(), entry.value.scalar_text()));
                }
            }
        }
        if let Some(mark) = legacy {
            let help = "write `attributes: [{name: ..., value: ...}]`".to_owned();
            context.warn(mark, "holds attributes in the older form, which is deprecated", Some(help));
        }
        Some(resource)
    }
}
