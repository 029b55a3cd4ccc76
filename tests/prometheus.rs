//! A real Prometheus scrapes what we serve, takes what we write, and answers the questions of a service map.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use support::{Prometheus, Tidewatch, call_json, free_port, post, post_json, read_head, serve_each, until, until_some};

fn graph(otlp: u16, metrics: u16, exporters: &str, names: &str) -> Tidewatch {
    Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{otlp}\"}}}}}}}}
connectors: {{service_graph: {{metrics_flush_interval: 500ms, store: {{ttl: 2s}}}}}}
exporters:
  prometheus: {{endpoint: \"127.0.0.1:{metrics}\"}}
{exporters}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [service_graph]}}
    metrics: {{receivers: [service_graph], exporters: [{names}]}}
"
    ))
}

/// Three calls, one of which fails, and two others.
fn calls(otlp: u16, first: u64) {
    let calls = [
        ("web", "cart", false),
        ("web", "cart", true),
        ("web", "cart", false),
        ("cart", "db", false),
        ("cart", "db", false),
    ];
    for (trace, (client, server, failed)) in (first..).zip(calls) {
        assert_eq!(post_json(otlp, &call_json(client, server, trace, failed)).status, 200);
    }
}

#[test]
fn prometheus_scrapes_and_receives_and_draws_the_map() {
    let (otlp, metrics) = (free_port(), free_port());
    let prometheus = Prometheus::scraping(&[metrics]);
    let write = format!(
        "  prometheus_remote_write: {{endpoint: \"http://127.0.0.1:{}/api/v1/write\", external_labels: {{via: remote_write}}}}",
        prometheus.port()
    );
    let _tidewatch = graph(otlp, metrics, &write, "prometheus, prometheus_remote_write");

    calls(otlp, 1);

    let edge = |client: &str, server: &str| (client.to_owned(), server.to_owned());
    let requests = BTreeMap::from([(edge("web", "cart"), 3.0), (edge("cart", "db"), 2.0)]);
    let failures = BTreeMap::from([(edge("web", "cart"), 1.0)]);
    for via in ["job=\"scraped\"", "via=\"remote_write\""] {
        let total = format!("sum by (client, server) (traces_service_graph_request_total{{{via}}})");
        until(&format!("all requests are counted {via}"), || prometheus.by_edge(&total) == requests);
        let failed = format!("sum by (client, server) (traces_service_graph_request_failed_total{{{via}}}) > 0");
        until(&format!("all failures are counted {via}"), || prometheus.by_edge(&failed) == failures);
    }

    // More of the same, so that there are rates: then the questions of the service map.
    calls(otlp, 100);
    for metric in
        ["request_server_seconds_sum", "request_total", "request_failed_total", "request_server_seconds_bucket"]
    {
        let rate = format!("sum by (client, server) (rate(traces_service_graph_{metric}{{via=\"remote_write\"}}[1m]))");
        let has_rate = || prometheus.by_edge(&rate).get(&edge("web", "cart")).is_some_and(|rate| *rate > 0.0);
        until(&format!("{metric} has a rate"), has_rate);
    }
    let group = "group by (client, connection_type, server) (traces_service_graph_request_total)";
    assert_eq!(
        prometheus.by_edge(group).keys().cloned().collect::<Vec<_>>(),
        [edge("cart", "db"), edge("web", "cart")]
    );
    let quantile = "histogram_quantile(0.9, sum(rate(traces_service_graph_request_server_seconds_bucket{client=\"web\"}[1m])) by (le, client, server))";
    let ninth = until_some("there is a quantile", || {
        prometheus.by_edge(quantile).get(&edge("web", "cart")).copied().filter(|value| value.is_finite())
    });
    assert!((0.05..=0.2).contains(&ninth), "calls of 100 ms, and the map says {ninth}");
}

/// Instead of a status: reads the request, and says nothing until the other side has had enough.
const SILENCE: u16 = 0;

/// A destination of remote writes that answers what it is told to.
fn writer(port: u16, statuses: &'static [u16]) -> Arc<Mutex<Vec<u16>>> {
    let turn = Arc::new(AtomicU32::new(0));
    let answered = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&answered);
    serve_each(port, move |mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
            let turn = turn.fetch_add(1, Ordering::Relaxed) as usize;
            let status = statuses.get(turn).or(statuses.last()).copied().unwrap();
            log.lock().unwrap().push(status);
            if status == SILENCE {
                let _ = stream.read(&mut [0]);
                return;
            }
            let retry = if status == 429 { "Retry-After: 0\r\n" } else { "" };
            let answer = format!("HTTP/1.1 {status} X\r\n{retry}Content-Length: 0\r\n\r\n");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    answered
}

fn writes_to(port: u16, metrics: u16, otlp: u16) -> Tidewatch {
    let write = format!(
        "  prometheus_remote_write: {{endpoint: \"http://127.0.0.1:{port}/api/v1/write\", retry_on_failure: {{initial_interval: 50ms}}}}"
    );
    graph(otlp, metrics, &write, "prometheus_remote_write, prometheus")
}

#[test]
fn a_destination_that_is_busy_is_asked_again() {
    let (otlp, metrics, port) = (free_port(), free_port(), free_port());
    let answered = writer(port, &[429, 503, 200]);
    let _tidewatch = writes_to(port, metrics, otlp);

    calls(otlp, 1);

    until("it was asked again", || answered.lock().unwrap().get(..3) == Some(&[429, 503, 200]));
}

#[test]
fn a_destination_that_refuses_for_good_is_counted_and_nothing_else_breaks() {
    let (otlp, metrics, port) = (free_port(), free_port(), free_port());
    let answered = writer(port, &[400]);
    let tidewatch = writes_to(port, metrics, otlp);

    calls(otlp, 1);

    until("it has refused", || !answered.lock().unwrap().is_empty());
    let failed = || {
        tidewatch.own("otelcol_exporter_send_failed_metric_points_total", &["prometheus_remote_write"])
            + tidewatch.own("otelcol_exporter_send_failed_metric_points", &["prometheus_remote_write"])
    };
    until("the refusal is counted", || failed() > 0.0);
    let served = || support::text_of(metrics, "/metrics");
    until("the other exporter serves them", || served().contains("traces_service_graph_request_total{"));
}

/// Writes gauges that come by OTLP to a destination, and does not wait long for its answers.
fn writes_gauges_to(port: u16, otlp: u16) -> Tidewatch {
    Tidewatch::start(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{otlp}\"}}}}}}}}
exporters:
  prometheus_remote_write:
    endpoint: http://127.0.0.1:{port}/api/v1/write
    timeout: 300ms
    retry_on_failure: {{initial_interval: 50ms}}
service: {{pipelines: {{metrics: {{receivers: [otlp], exporters: [prometheus_remote_write]}}}}}}
"
    ))
}

/// One gauge, which is acknowledged.
fn gauge(otlp: u16) {
    let metrics = "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"up\",\"gauge\":{\"dataPoints\":[\
                   {\"timeUnixNano\":\"1700000000000000000\",\"asInt\":\"1\"}]}}]}]}]}";
    let answer = post(otlp, "/v1/metrics", "Content-Type: application/json\r\n", metrics.as_bytes());
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

#[test]
fn a_destination_that_never_answers_is_given_up_and_asked_again() {
    let (otlp, port) = (free_port(), free_port());
    let answered = writer(port, &[SILENCE, SILENCE, 200]);
    let tidewatch = writes_gauges_to(port, otlp);

    gauge(otlp);

    until("it was asked again", || *answered.lock().unwrap() == [SILENCE, SILENCE, 200]);
    let labels = ["prometheus_remote_write"];
    until("the gauge is counted as sent", || tidewatch.own("otelcol_exporter_sent_metric_points", &labels) == 1.0);
    assert_eq!(tidewatch.own("otelcol_exporter_prometheusremotewrite_sent_batches", &labels), 3.0);
    assert_eq!(tidewatch.own("otelcol_exporter_send_failed_metric_points", &labels), 0.0);
    let log = tidewatch.log();
    let retries = log.lines().filter(|line| line.contains("Will retry the request after interval"));
    let retries: Vec<&str> = retries.filter(|line| line.contains("no answer within 0.3s")).collect();
    assert_eq!(retries.len(), 2, "{log}");
}

#[test]
fn the_end_does_not_wait_for_ever_for_a_destination_that_never_answers() {
    let (otlp, port) = (free_port(), free_port());
    let answered = writer(port, &[SILENCE]);
    let mut tidewatch = writes_gauges_to(port, otlp);
    gauge(otlp);
    until("it was asked", || !answered.lock().unwrap().is_empty());

    tidewatch.terminate();

    // A queue in memory dies with its process; what that cost is said.
    tidewatch.must_end_well();
    let log = tidewatch.log();
    let lost = log.lines().find(|line| line.contains("Exporting failed. Dropping data.")).expect(&log);
    assert!(lost.contains("dropped_items=1") || lost.contains("\"dropped_items\":1"), "{lost}");
}
