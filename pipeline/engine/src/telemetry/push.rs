//! Sends own metrics as OTLP at an interval, or prints them.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use component::{BuildContext, Clock, Family, Kind, Registry, Sample, Series};
use config::telemetry::{OtlpProtocol, OtlpPush, Periodic, PushCompression, Temporality as Preference};
use http::{HeaderMap, HeaderName, HeaderValue};
use pdata::{AttributesWriter, Batch, HistogramFields, MetricsWriter, Number, PointFields, Signal, Temporality};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use transport::{
    Codec, Compression, Encoding, GrpcClient, GrpcClientOptions, HttpClient, HttpClientOptions, Target,
    export_over_http,
};

/// A running sender.
pub(super) struct Push {
    stopping: Rc<Notify>,
    task: JoinHandle<()>,
}

impl Push {
    /// Sends once more and ends.
    pub(super) async fn stop(self) {
        self.stopping.notify_one();
        // A task that ended by itself has nothing more to send.
        let _ = self.task.await;
    }
}

/// Starts sending what the registry holds.
pub(super) fn start(
    settings: &Periodic,
    context: &BuildContext,
    resource: &[(String, String)],
) -> Result<Push, String> {
    let sender = Sender {
        registry: Arc::clone(&context.registry),
        clock: Arc::clone(&context.clock),
        born: context.clock.now().unix_nanos,
        resource: resource.to_vec(),
        timeout: Duration::from_millis(settings.timeout),
        destination: Destination::new(settings, &context.clock)?,
    };
    let interval = Duration::from_millis(settings.interval.max(1));
    let stopping = Rc::new(Notify::new());
    let stop = Rc::clone(&stopping);
    let task = tokio::task::spawn_local(async move {
        loop {
            let is_last = tokio::time::timeout(interval, stop.notified()).await.is_ok();
            sender.send().await;
            if is_last {
                return;
            }
        }
    });
    Ok(Push { stopping, task })
}

struct Sender {
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    born: u64,
    resource: Vec<(String, String)>,
    timeout: Duration,
    destination: Destination,
}

impl Sender {
    async fn send(&self) {
        let families = self.registry.read();
        if let Destination::Console = self.destination {
            print!("{}", self.registry.prometheus_text());
            return;
        }
        let batch = encode(&families, &self.resource, self.born, self.clock.now().unix_nanos);
        let sent = tokio::time::timeout(self.timeout, self.destination.send(&batch)).await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error, "own metrics were not taken; the next send carries their totals"),
            Err(_) => tracing::warn!("own metrics got no answer in time; the next send carries their totals"),
        }
    }
}

enum Destination {
    Grpc(Box<GrpcClient>),
    Http(Box<(HttpClient, Target)>),
    Console,
}

impl Destination {
    fn new(settings: &Periodic, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        let Some(otlp) = &settings.exporter.otlp else { return Ok(Self::Console) };
        if otlp.temporality_preference != Preference::Cumulative {
            tracing::warn!("own metrics are sent as totals; 'temporality_preference' is not supported yet");
        }
        match otlp.protocol {
            OtlpProtocol::Grpc => Self::grpc(otlp, Duration::from_millis(settings.timeout)),
            OtlpProtocol::HttpProtobuf => Self::http(otlp, Duration::from_millis(settings.timeout), clock),
        }
    }

    fn grpc(otlp: &OtlpPush, timeout: Duration) -> Result<Self, String> {
        let endpoint = otlp.endpoint.strip_prefix("http://");
        let endpoint = endpoint.or((otlp.insecure && !otlp.endpoint.contains("://")).then_some(&otlp.endpoint));
        let endpoint = endpoint.ok_or_else(|| no_tls(&otlp.endpoint))?.trim_end_matches('/').to_owned();
        let options = GrpcClientOptions {
            endpoint,
            authority: None,
            headers: headers(otlp)?,
            user_agent: USER_AGENT,
            compression: compression(otlp),
            timeout: Some(timeout),
            pings: None,
            wait_for_ready: false,
        };
        GrpcClient::new(options).map(|client| Self::Grpc(Box::new(client))).map_err(|error| error.to_string())
    }

    fn http(otlp: &OtlpPush, timeout: Duration, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        if !otlp.endpoint.starts_with("http://") {
            return Err(no_tls(&otlp.endpoint));
        }
        let target = Target::parse(&otlp.endpoint).map_err(|error| error.to_string())?;
        let options = HttpClientOptions {
            headers: headers(otlp)?,
            user_agent: USER_AGENT,
            compression: compression(otlp).map(|compression| (compression, HeaderValue::from_static("gzip"))),
            timeout: Some(timeout),
            max_idle: 1,
            max_connections: 1,
            idle_time: Duration::from_secs(90),
            keep_alive: true,
        };
        Ok(Self::Http(Box::new((HttpClient::new(options, Arc::clone(clock)), target))))
    }

    async fn send(&self, batch: &Batch) -> Result<(), String> {
        let segments: Vec<Bytes> = vec![batch.to_bytes()];
        let outcome = match self {
            Self::Console => return Ok(()),
            Self::Grpc(client) => client.export(Signal::Metrics, segments).await,
            Self::Http(destination) => {
                let (client, target) = destination.as_ref();
                export_over_http(client, target, Encoding::Protobuf, segments).await
            }
        };
        outcome.map(|_partial| ()).map_err(|error| error.to_string())
    }
}

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("tidewatch/", env!("CARGO_PKG_VERSION")));

fn no_tls(endpoint: &str) -> String {
    format!(
        "service::telemetry::metrics::readers: TLS is not supported yet; give an 'endpoint' of the form http://host:port instead of \"{endpoint}\""
    )
}

fn compression(otlp: &OtlpPush) -> Option<Compression> {
    (otlp.compression == PushCompression::Gzip).then_some(Compression { codec: Codec::Gzip, level: None })
}

fn headers(otlp: &OtlpPush) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in otlp.headers.iter() {
        let bad = |what: &str| format!("service::telemetry::metrics::readers: header \"{name}\" has an invalid {what}");
        let header = HeaderName::try_from(name).map_err(|_| bad("name"))?;
        headers.insert(header, HeaderValue::try_from(value.expose()).map_err(|_| bad("value"))?);
    }
    Ok(headers)
}

/// All families as one batch of cumulative metrics.
fn encode(families: &[Family], resource: &[(String, String)], born: u64, now: u64) -> Batch {
    let mut writer = MetricsWriter::new();
    writer.resource(|attributes| label(resource, attributes));
    writer.scope("tidewatch", env!("CARGO_PKG_VERSION"));
    for family in families {
        let (name, help) = (family.name.as_str(), family.help.as_str());
        let start_unix_nano = if family.kind == Kind::Gauge { 0 } else { born };
        let fields = PointFields { start_unix_nano, time_unix_nano: now, flags: 0 };
        match family.kind {
            Kind::Gauge => writer.gauge(name, help, "", |points| {
                for (series, value) in values(&family.series) {
                    points.number(&fields, Number::Double(value), |attributes| label(&series.labels, attributes));
                }
            }),
            Kind::Counter => writer.sum(name, help, "", Temporality::Cumulative, true, |points| {
                for (series, value) in values(&family.series) {
                    points.number(&fields, Number::Double(value), |attributes| label(&series.labels, attributes));
                }
            }),
            Kind::Histogram => writer.histogram(name, help, "", Temporality::Cumulative, |points| {
                for series in &family.series {
                    let Sample::Buckets(bounds, counts, sum) = &series.sample else { continue };
                    let numbers = HistogramFields {
                        count: counts.iter().sum(),
                        sum: Some(*sum),
                        bucket_counts: counts,
                        explicit_bounds: bounds,
                        ..HistogramFields::default()
                    };
                    points.histogram(&fields, &numbers, &[], |attributes| label(&series.labels, attributes));
                }
            }),
        };
    }
    writer.finish()
}

fn values(series: &[Series]) -> impl Iterator<Item = (&Series, f64)> {
    series.iter().filter_map(|series| match series.sample {
        Sample::Value(value) => Some((series, value)),
        Sample::Buckets(..) => None,
    })
}

fn label(labels: &[(String, String)], attributes: &mut AttributesWriter<'_>) {
    labels.iter().for_each(|(name, value)| {
        attributes.add(name, value.as_str());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_becomes_a_metric() {
        let registry = Registry::default();
        registry.counter("otelcol_exporter_sent_spans", "Sent.", &[("exporter", "debug")]).add(7);
        registry.gauge("otelcol_exporter_queue_size", "Queue.", &[]).set(2.0);
        registry.histogram("sizes", "Sizes.", &[], &[1.0]).observe(3.0);

        let batch = encode(&registry.read(), &[("service.name".into(), "tidewatch".into())], 5, 9);

        let json = String::from_utf8(pdata::json::encode(&batch)).unwrap();
        assert_eq!(batch.items(), 3);
        for part in [
            "otelcol_exporter_sent_spans",
            "\"asDouble\":7",
            "\"startTimeUnixNano\":\"5\"",
            "\"bucketCounts\":[\"0\",\"1\"]",
        ] {
            assert!(json.contains(part), "{part} is not in {json}");
        }
    }
}
