//! Tidewatch as an OTLP gateway: in from real SDKs, and out again to another Tidewatch.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Room, Tidewatch, Told, free_port, post, post_json, run, system_python, traces_json, until};

/// The last one in the row: takes OTLP over gRPC and HTTP, and writes it down.
fn scribe(grpc: u16, http: u16) -> Tidewatch {
    Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: \"127.0.0.1:{grpc}\"}}, http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
exporters: {{file: {{path: \"${{env:ROOM}}/told.json\"}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    metrics: {{receivers: [otlp], exporters: [file]}}
    logs: {{receivers: [otlp], exporters: [file]}}
"
    ))
}

/// Takes OTLP over both protocols, changes the resource, and sends it on through `exporter`.
fn gateway(grpc: u16, http: u16, exporter: &str) -> Tidewatch {
    let name = exporter.split(':').next().unwrap();
    Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: \"127.0.0.1:{grpc}\"}}, http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
processors:
  resource: {{attributes: [{{key: cluster, value: north, action: insert}}]}}
  batch: {{timeout: 200ms}}
exporters: {{{exporter}}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [resource, batch], exporters: [{name}]}}
    metrics: {{receivers: [otlp], processors: [resource, batch], exporters: [{name}]}}
    logs: {{receivers: [otlp], processors: [resource, batch], exporters: [{name}]}}
"
    ))
}

fn grpc_to(port: u16) -> String {
    format!(
        "otlp_grpc: {{endpoint: \"127.0.0.1:{port}\", tls: {{insecure: true}}, retry_on_failure: {{initial_interval: 100ms}}}}"
    )
}

fn http_to(port: u16) -> String {
    format!("otlp_http: {{endpoint: \"http://127.0.0.1:{port}\", retry_on_failure: {{initial_interval: 100ms}}}}")
}

fn names(told: &Told) -> Vec<&str> {
    let mut names: Vec<&str> = told.spans.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn json_goes_in_and_the_same_spans_come_out_of_both_exporters() {
    for exporter in [grpc_to, http_to] {
        let (grpc, http, first_grpc, first_http) = (free_port(), free_port(), free_port(), free_port());
        let scribe = scribe(grpc, http);
        let exporter = exporter(if exporter(1).starts_with("otlp_grpc") { grpc } else { http });
        let gateway = gateway(first_grpc, first_http, &exporter);

        let answer = post_json(first_http, &traces_json("cart", &["one".into(), "two".into()]));

        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let told = scribe.told_when("both spans are written", |told| told.spans.len() == 2);
        assert_eq!(names(&told), ["one", "two"]);
        let span = &told.spans[0];
        assert_eq!((span.service.as_str(), span.trace_id.as_str()), ("cart", "00000000000000000000000000000abc"));
        assert_eq!((span.start, span.end), (1_700_000_000_000_000_000, 1_700_000_000_100_000_000));
        assert_eq!(span.resource["cluster"], "north");
        drop((gateway, scribe));
    }
}

#[test]
fn what_was_acknowledged_waits_for_a_backend_that_is_down() {
    let (grpc, http, first_grpc, first_http) = (free_port(), free_port(), free_port(), free_port());
    let gateway = gateway(first_grpc, first_http, &grpc_to(grpc));

    assert_eq!(post_json(first_http, &traces_json("cart", &["early".into()])).status, 200);
    until("a delivery has failed", || gateway.log().contains("will be tried again") || gateway.log().contains("retry"));
    let scribe = scribe(grpc, http);

    let told = scribe.told_when("it is delivered at last", |told| !told.spans.is_empty());
    assert_eq!(names(&told), ["early"]);
}

#[test]
fn the_end_drains_what_was_acknowledged() {
    let (grpc, http, first_grpc, first_http) = (free_port(), free_port(), free_port(), free_port());
    let scribe = scribe(grpc, http);
    let gateway = gateway(first_grpc, first_http, &grpc_to(grpc));

    for number in 0..50 {
        assert_eq!(post_json(first_http, &traces_json("cart", &[format!("span{number:02}")])).status, 200);
    }
    gateway.stop();

    let told = scribe.told_when("all is delivered", |told| told.spans.len() >= 50);
    assert_eq!(names(&told), (0..50).map(|number| format!("span{number:02}")).collect::<Vec<_>>());
}

#[test]
fn a_path_that_is_not_served_and_a_type_that_is_not_read_are_refused() {
    let (grpc, http) = (free_port(), free_port());
    let _scribe = scribe(grpc, http);

    assert_eq!(post(http, "/v1/nothing", "Content-Type: application/json\r\n", b"{}").status, 404);
    assert_eq!(post(http, "/v1/traces", "Content-Type: text/plain\r\n", b"{}").status, 415);
    let get = support::ask(http, "GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(get.status, 405);
}

#[test]
fn data_and_own_telemetry_name_the_same_instance() {
    for (written, expected) in [("", None), ("resource: {service.instance.id: mine}", Some("mine"))] {
        let http = free_port();
        let tidewatch = Tidewatch::start(&format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{http}\"}}}}}}}}
connectors: {{span_metrics: {{metrics_flush_interval: 100ms}}}}
exporters: {{file: {{path: \"${{env:ROOM}}/told.json\"}}}}
service:
  telemetry: {{{written}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [span_metrics]}}
    metrics: {{receivers: [span_metrics], exporters: [file]}}
"
        ));

        assert_eq!(post_json(http, &traces_json("cart", &["one".into()])).status, 200);

        let told = tidewatch.told_when("there are metrics", |told| !told.points.is_empty());
        let instance = &told.points[0].attributes["collector.instance.id"];
        let label = format!("service_instance_id=\"{instance}\"");
        assert_eq!(tidewatch.own("target_info", &[&label]), 1.0, "{instance}");
        assert!(expected.is_none_or(|expected| expected == instance), "{instance}");
    }
}

/// A trace of two spans, a counter and a log record, by whichever protocol the environment names.
const SDK_PROGRAM: &str = r#"
import logging, sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

protocol, port = sys.argv[1], sys.argv[2]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    to = lambda exporter, _: exporter(endpoint=f"127.0.0.1:{port}", insecure=True)
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    to = lambda exporter, signal: exporter(endpoint=f"http://127.0.0.1:{port}/v1/{signal}")

resource = Resource.create({"service.name": f"sdk-{protocol}"})
tracing = TracerProvider(resource=resource)
tracing.add_span_processor(BatchSpanProcessor(to(OTLPSpanExporter, "traces")))
metering = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(to(OTLPMetricExporter, "metrics"))])
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(to(OTLPLogExporter, "logs")))

tracer = tracing.get_tracer("story")
with tracer.start_as_current_span("outer", kind=trace.SpanKind.SERVER) as outer:
    outer.set_attribute("numbers", [1, 2, 3])
    with tracer.start_as_current_span("inner"):
        pass
metering.get_meter("story").create_counter("sold").add(7, {"fruit": "pear"})
logger = logging.getLogger("story")
logger.addHandler(LoggingHandler(logger_provider=logs))
logger.warning("sold out")
for provider in (tracing, metering, logs):
    provider.shutdown()
"#;

/// A Python with the OpenTelemetry SDK, made once per target folder. `None` where packages cannot be had: a loud line
/// says so; in CI it is a failure.
fn python_with_sdk() -> Option<PathBuf> {
    const PACKAGES: [&str; 2] = ["opentelemetry-sdk==1.30.0", "opentelemetry-exporter-otlp==1.30.0"];
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("opentelemetry-sdk");
    let python = home.join("bin/python");
    let has_sdk = || {
        let imports = Command::new(&python).args(["-c", "import opentelemetry.exporter.otlp.proto.grpc"]).output();
        imports.is_ok_and(|output| output.status.success())
    };
    if !has_sdk() {
        let made = Command::new(system_python())
            .args(["-m", "venv"])
            .arg(&home)
            .output()
            .is_ok_and(|made| made.status.success());
        // Without the distribution's python3-venv there may be another Python that can.
        if !made {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home));
        }
        let install = Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES).output().unwrap();
        if !install.status.success() {
            let reason = String::from_utf8_lossy(&install.stderr);
            assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "the SDK cannot be installed: {reason}");
            eprintln!("SKIPPED: this story needs opentelemetry-sdk, which cannot be installed: {reason}");
            return None;
        }
    }
    Some(python)
}

#[test]
fn a_real_sdk_sends_all_signals_by_both_protocols() {
    let Some(python) = python_with_sdk() else { return };
    let (grpc, http, first_grpc, first_http) = (free_port(), free_port(), free_port(), free_port());
    let scribe = scribe(grpc, http);
    let gateway = gateway(first_grpc, first_http, &grpc_to(grpc));
    let room = Room::new();
    let program = room.file("program.py", SDK_PROGRAM);

    run(Command::new(&python).arg(&program).args(["grpc", &first_grpc.to_string()]));
    run(Command::new(&python).arg(&program).args(["http", &first_http.to_string()]));

    gateway.stop();
    let told = scribe.told_when("everything is written", |told| told.spans.len() == 4 && told.logs.len() == 2);
    for service in ["sdk-grpc", "sdk-http"] {
        let of_service = |name| told.spans.iter().find(|span| span.service == service && span.name == name).unwrap();
        let (outer, inner) = (of_service("outer"), of_service("inner"));
        assert_eq!((&inner.trace_id, &inner.parent_id), (&outer.trace_id, &outer.span_id));
        assert_eq!(outer.get("numbers"), "1,2,3");
        assert_eq!(outer.resource["cluster"], "north");
        let sold = told.points.iter().find(|point| point.service == service && point.metric == "sold").unwrap();
        assert_eq!((sold.value, sold.attributes["fruit"].as_str()), (7.0, "pear"));
    }
    assert_eq!(told.logs, ["sold out", "sold out"]);
}
