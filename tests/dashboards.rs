//! What `deploy/` ships is true: a real Prometheus answers every query of the dashboards, and the alerts go off.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use support::{Prometheus, Room, Tidewatch, call_json, free_port, post_json, until, until_within};

/// What a dashboard asks for, by panel.
fn queries(dashboard: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(deployed(dashboard)).expect("the dashboard is there");
    let dashboard: Value = serde_json::from_str(&text).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels").iter();
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(move |target| (title.clone(), filled(target["expr"].as_str().unwrap())))
    };
    panels.flat_map(of_panel).collect()
}

/// As Grafana fills in what stands for the chosen range and for "all".
fn filled(expression: &str) -> String {
    let mut filled = expression.replace("$__rate_interval", "30s").replace("$__range", "1m");
    for variable in ["$client", "$server", "$baseline"] {
        filled = filled.replace(variable, ".*");
    }
    assert!(!filled.contains('$'), "a variable that nobody fills in: {filled}");
    filled
}

fn deployed(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

/// Panels that show nothing in this story: nothing is dropped, nobody asks the map, no baseline is loaded.
const EMPTY: [&str; 4] = ["Dropped per second", "Questions per second", "Judged", "Edges of the baseline"];

/// The built-in rules, without waiting for something to hold.
const RULES: &str = "{window: 1m, for: 0s, rules: []}
";

/// Fed with calls; all that is shown comes from it.
struct Shop {
    tidewatch: Tidewatch,
    otlp: u16,
    metrics: u16,
    trace: u64,
}

impl Shop {
    fn open() -> Self {
        let (otlp, metrics, map) = (free_port(), free_port(), free_port());
        let room = Room::new();
        room.file("rules.yaml", RULES);
        let config = format!(
            "receivers:
  otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{otlp}\"}}}}}}
  topology: {{interval: 1s}}
connectors: {{service_graph: {{metrics_flush_interval: 500ms}}}}
exporters:
  topology:
  prometheus: {{endpoint: \"127.0.0.1:{metrics}\"}}
extensions: {{topology: {{endpoint: \"127.0.0.1:{map}\", rules: [\"${{env:ROOM}}/rules.yaml\"]}}}}
service:
  extensions: [topology]
  pipelines:
    traces: {{receivers: [otlp], exporters: [topology, service_graph]}}
    metrics: {{receivers: [service_graph, topology], exporters: [prometheus]}}
"
        );
        Self { tidewatch: Tidewatch::start_in(room, &config), otlp, metrics, trace: 1 }
    }

    /// Slow calls, half of which fail.
    fn trades(&mut self) {
        for (client, server, failed) in [("web", "cart", false), ("web", "bank", true)] {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
            let call = call_json(client, server, self.trace, failed)
                .replace("1700000000000000000", &(now - 900_000_000).to_string())
                .replace("1700000000100000000", &now.to_string())
                .replace(
                    "{\"attributes\":[",
                    "{\"attributes\":[{\"key\":\"service.namespace\",\"value\":{\"stringValue\":\"shop\"}},",
                );
            self.trace += 1;
            assert_eq!(post_json(self.otlp, &call).status, 200);
        }
    }
}

#[test]
fn every_query_is_answered_and_every_alert_goes_off() {
    let mut shop = Shop::open();
    let rules = deployed("prometheus/alerts.yaml");
    let prometheus = Prometheus::with_rules(&[shop.metrics, shop.tidewatch.metrics_port()], Some(&rules));

    let mut unanswered: Vec<_> = ["grafana/services.json", "grafana/map.json"].into_iter().flat_map(queries).collect();
    assert!(unanswered.len() > 20);
    // A step is judged half a minute after it began.
    until_within(Duration::from_secs(120), "every query shows something", || {
        shop.trades();
        let before = unanswered.len();
        // Those that show nothing here must at least be queries.
        unanswered.retain(|(panel, query)| prometheus.query(query).is_empty() && !EMPTY.contains(&panel.as_str()));
        if unanswered.len() < before {
            println!("still without answer: {unanswered:#?}");
        }
        unanswered.is_empty()
    });

    let alerts = ["TidewatchCallsFail", "TidewatchCallsSlow"];
    until("every alert that there is a reason for is on its way", || {
        shop.trades();
        let data = prometheus.data("/api/v1/alerts");
        let on: BTreeSet<&str> = data["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|alert| alert["labels"]["alertname"].as_str())
            .collect();
        alerts.iter().all(|alert| on.contains(alert))
    });
}
