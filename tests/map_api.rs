//! The map as a user meets it: started by a configuration, fed by OTLP, asked over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::{Answer, Outcome, Room, Tidewatch, ask, connect, free_port, post, read_head, until, until_within};

/// A Tidewatch that takes OTLP and keeps a map.
struct Map {
    tidewatch: Tidewatch,
    otlp: u16,
    port: u16,
}

fn config(otlp: u16, port: u16, keys: &str) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{otlp}\"}}}}}}}}
exporters: {{topology: }}
extensions: {{topology: {{endpoint: \"127.0.0.1:{port}\", cluster: prod{keys}}}}}
service:
  extensions: [topology]
  pipelines:
    traces: {{receivers: [otlp], exporters: [topology]}}
    metrics: {{receivers: [otlp], exporters: [topology]}}
    logs: {{receivers: [otlp], exporters: [topology]}}
"
    )
}

impl Map {
    fn start() -> Self {
        Self::with("")
    }

    /// With further keys of the extension, each after a comma.
    fn with(keys: &str) -> Self {
        let (otlp, port) = (free_port(), free_port());
        Self { tidewatch: Tidewatch::start(&config(otlp, port, keys)), otlp, port }
    }

    /// Sends calls; they are acknowledged.
    #[track_caller]
    fn receives(&self, calls: &[Call]) {
        let body = json!({"resourceSpans": calls.iter().flat_map(Call::resources).collect::<Vec<_>>()}).to_string();
        let answer = post(self.otlp, "/v1/traces", "Content-Type: application/json\r\n", body.as_bytes());
        assert_eq!(answer.status, 200, "{}", text(&answer));
    }

    fn get(&self, path: &str) -> Answer {
        self.get_with(path, "")
    }

    fn get_with(&self, path: &str, headers: &str) -> Answer {
        ask(self.port, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n"))
    }

    #[track_caller]
    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}: {}", text(&answer)))
    }

    /// Requests and errors of an edge by the names of its ends, if it is drawn.
    fn edge(&self, source: &str, target: &str) -> Option<(u64, u64)> {
        let graph = self.json("/api/v1/graph?collapse=none");
        let ends = |edge: &&Value| {
            let is = |end: &str, name: &str| edge[end].as_str().is_some_and(|id| id.ends_with(&format!("/{name}")));
            is("source", source) && is("target", target)
        };
        let edge = graph["edges"].as_array()?.iter().find(ends)?;
        Some((edge["requests"].as_u64()?, edge["errors"].as_u64()?))
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// A call of one Deployment by another, seen at both ends.
#[derive(Clone)]
struct Call {
    client: String,
    server: String,
    status: u16,
    trace: u64,
    duration: Duration,
}

fn call(client: &str, server: &str, trace: u64) -> Call {
    Call { client: client.into(), server: server.into(), status: 200, trace, duration: Duration::from_millis(20) }
}

impl Call {
    fn answered(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn resources(&self) -> [Value; 2] {
        let (id, callee) = (format!("{:016x}", self.trace * 2 + 1), format!("{:016x}", self.trace * 2 + 2));
        [self.span(&self.client, 3, &id, ""), self.span(&self.server, 2, &callee, &id)]
    }

    fn span(&self, deployment: &str, kind: u8, id: &str, parent: &str) -> Value {
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let start = end.saturating_sub(self.duration);
        let mut attributes = vec![
            attribute("http.request.method", "GET"),
            attribute("network.protocol.name", "http"),
            json!({"key": "http.response.status_code", "value": {"intValue": self.status.to_string()}}),
        ];
        if kind == 3 {
            attributes.push(attribute("server.address", &self.server));
        }
        let resource = [
            attribute("service.name", deployment),
            attribute("k8s.namespace.name", "shop"),
            attribute("k8s.deployment.name", deployment),
            attribute("k8s.pod.name", &format!("{deployment}-0")),
        ];
        json!({
            "resource": {"attributes": resource},
            "scopeSpans": [{"spans": [{
                "traceId": format!("{:032x}", self.trace), "spanId": id, "parentSpanId": parent, "name": "GET /",
                "kind": kind, "startTimeUnixNano": start.as_nanos().to_string(),
                "endTimeUnixNano": end.as_nanos().to_string(), "attributes": attributes,
                "status": {"code": if self.status >= 500 { 2 } else { 0 }},
            }]}],
        })
    }
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

#[test]
fn what_was_acknowledged_is_on_the_map_five_seconds_later() {
    let map = Map::start();

    map.receives(&[call("web", "cart", 1), call("web", "cart", 2).answered(500), call("cart", "db", 3)]);
    let acknowledged = Instant::now();

    until("both edges are drawn", || map.edge("web", "cart") == Some((2, 1)) && map.edge("cart", "db") == Some((1, 0)));
    assert!(acknowledged.elapsed() < Duration::from_secs(5), "it took {:?}", acknowledged.elapsed());
}

#[test]
fn without_parameters_there_are_groups_only() {
    let map = Map::start();
    map.receives(&[call("web", "cart", 1)]);
    until("the edge is drawn", || map.edge("web", "cart").is_some());

    let graph = map.json("/api/v1/graph");

    assert_eq!(graph["nodes"], json!([]));
    assert_eq!(graph["groups"][0]["nodes"], 2, "{graph}");
}

#[test]
fn a_wrong_question_is_told_what_is_wrong() {
    let map = Map::start();
    let told = |path: &str| {
        let answer = map.get(path);
        (answer.status, text(&answer))
    };

    for (path, status, word) in [
        ("/api/v1/graph?form=-5m", 400, "from"),
        ("/api/v1/graph?from=yesterday", 400, "-10m"),
        ("/api/v1/graph?view=pods", 400, "workload"),
        ("/api/v1/graph?from=now&to=-5m", 400, "empty"),
        ("/api/v1/grahp", 404, "openapi.json"),
        ("/api/v1/graph?focus=%ff", 400, "percent-encoded"),
    ] {
        let (is, text) = told(path);
        assert_eq!(is, status, "{path}: {text}");
        assert!(text.contains(word), "{path}: {text}");
    }
    let posted = ask(map.port, "POST /api/v1/graph HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(posted.status, 405);
}

#[test]
fn only_those_who_may_ask_are_answered() {
    let map = Map::with(", token: s3cret");
    let asked = |host: &str, headers: &str| {
        let request = format!("GET /api/v1/graph HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n");
        ask(map.port, request).status
    };

    assert_eq!(asked("localhost", "Authorization: Bearer s3cret\r\n"), 200);
    assert_eq!(asked("localhost", ""), 401);
    assert_eq!(asked("localhost", "Authorization: Bearer wrong\r\n"), 401);
    assert_eq!(asked("evil.example", "Authorization: Bearer s3cret\r\n"), 421);
}

#[test]
fn an_exporter_without_its_extension_is_refused_with_the_remedy() {
    let outcome = Outcome::of_config(
        "receivers: {otlp: {protocols: {http: }}}
exporters: {topology: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [topology]}}}
",
    );

    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("`service::extensions`"), "{}", outcome.stderr);
}

#[test]
fn pages_that_follow_the_map_are_told_when_it_changes() {
    let map = Map::start();
    let mut page = connect(map.port);
    page.write_all(b"GET /api/v1/graph/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(read_head(&mut page).unwrap().contains("text/event-stream"));

    map.receives(&[call("web", "cart", 1)]);

    let mut told = String::new();
    until("two ticks came", || {
        let mut bytes = [0; 512];
        let count = page.read(&mut bytes).unwrap();
        told.push_str(&String::from_utf8_lossy(&bytes[..count]));
        told.matches("event: tick").count() >= 2
    });
}

#[test]
fn an_answer_that_a_client_has_is_not_sent_again() {
    let map = Map::start();
    let first = map.get("/api/openapi.json");
    let etag = first.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();

    let again = map.get_with("/api/openapi.json", &format!("If-None-Match: {etag}\r\n"));
    let packed = map.get_with("/api/openapi.json", "Accept-Encoding: gzip\r\n");

    assert_eq!((again.status, again.body.len()), (304, 0));
    assert!(packed.head.contains("content-encoding: gzip") && packed.body.len() < first.body.len());
    assert!(first.head.contains("content-security-policy: default-src 'self'"));
}

#[test]
fn five_hundred_ask_at_once_while_data_comes_in_and_all_are_answered_or_told_to_wait() {
    let map = Map::start();
    map.receives(&[call("web", "cart", 1)]);
    until("the edge is drawn", || map.edge("web", "cart").is_some());

    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..500)
            .map(|number| {
                // A hundred different questions, each asked five times.
                let path = format!("/api/v1/graph?collapse=none&format=columns&limit={}", 1000 + number % 100);
                let map = &map;
                scope.spawn(move || {
                    let answer = map.get(&path);
                    let tells_when = answer.head.to_ascii_lowercase().contains("retry-after: ");
                    assert!(answer.status == 200 || tells_when, "{}", answer.head);
                    answer.status
                })
            })
            .collect();
        for trace in 2..52 {
            map.receives(&[call("web", "cart", trace)]);
        }
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });

    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200));
    until("all calls are on the map", || map.edge("web", "cart") == Some((51, 0)));
}

#[test]
fn a_page_that_never_reads_holds_nothing_up() {
    let map = Map::start();
    let mut sleepers: Vec<_> = (0..50).map(|_| connect(map.port)).collect();
    for sleeper in &mut sleepers {
        sleeper.write_all(b"GET /api/v1/graph/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    }

    map.receives(&[call("web", "cart", 1)]);

    until("the edge is drawn", || map.edge("web", "cart").is_some());
    map.tidewatch.stop();
}

#[test]
fn more_pages_than_may_follow_are_turned_away() {
    let map = Map::with(", limits: {streams: 1}");
    let follow = || {
        let mut page = connect(map.port);
        page.write_all(b"GET /api/v1/graph/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let head = read_head(&mut page).unwrap();
        (page, head.split(' ').nth(1).unwrap().to_owned())
    };

    let (first, status) = follow();
    assert_eq!(status, "200");
    assert_eq!(follow().1, "503");
    drop(first);
    until("there is room again", || follow().1 == "200");
}

#[test]
fn hostile_names_are_names_and_nothing_else() {
    let map = Map::start();
    let names =
        ["<script>alert(1)</script>", "../../etc/passwd", "=cmd|' /C calc'!A0", "a\"b\\c\u{0}\u{202e}d", "%2e%2e%2f"];
    for (trace, name) in (1..).zip(names) {
        map.receives(&[call("web", name, trace)]);
    }

    until("all are drawn", || {
        let graph = map.json("/api/v1/graph?collapse=none");
        let drawn = |name: &&str| graph["nodes"].as_array().unwrap().iter().any(|node| node["name"] == **name);
        names.iter().all(drawn)
    });
    let answer = map.get("/api/v1/graph?collapse=none");
    assert!(answer.head.contains("content-type: application/json"));
    assert!(answer.head.contains("x-content-type-options: nosniff"));
    for path in ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc/passwd"] {
        assert_eq!(map.get(path).status, 404, "{path}");
    }
}

/// Answers of every route, held against the document that describes them.
#[test]
fn every_answer_is_what_the_document_says() {
    let map = Map::start();
    map.receives(&[call("web", "cart", 1), call("cart", "db", 2).answered(503), call("web", "cart", 3).answered(404)]);
    until("both edges are drawn", || map.edge("web", "cart").is_some() && map.edge("cart", "db").is_some());
    let document = map.json("/api/openapi.json");
    let (web, cart) = ("prod%2Fshop%2FDeployment%2Fweb", "prod%2Fshop%2FDeployment%2Fcart");
    let asked = [
        ("/api/v1/graph", "Graph", String::new()),
        ("/api/v1/graph", "Graph", "collapse=none&rows=true&from=-1h".to_owned()),
        ("/api/v1/graph", "Graph", "collapse=none&layout=layered".to_owned()),
        ("/api/v1/graph", "Columns", "collapse=none&format=columns&layout=layered".to_owned()),
        ("/api/v1/nodes/{id}", "NodeDetail", String::new()),
        ("/api/v1/edges", "EdgeDetail", format!("source={web}&target={cart}")),
        ("/api/v1/edges/{source}/{target}", "EdgeDetail", String::new()),
        ("/api/v1/stack", "Stack", format!("focus={cart}")),
        ("/api/v1/findings", "Findings", "of=all&from=-1h".to_owned()),
        ("/api/v1/search", "Hits", "q=ca".to_owned()),
        ("/api/v1/path", "Check", "a=web&b=db".to_owned()),
        ("/api/v1/graph/diff", "Comparison", "a=-20m..-10m".to_owned()),
        ("/api/graph/fields", "GrafanaFields", String::new()),
        ("/api/graph/data", "GrafanaGraph", String::new()),
        ("/api/health", "Alive", String::new()),
        ("/api/dependencies", "Dependencies", "service=cart".to_owned()),
        ("/api/v1/series", "Series", format!("source={web}&target={cart}")),
        ("/api/v1/series", "Series", format!("node={cart}")),
        ("/api/v1/events", "Events", String::new()),
        ("/api/v1/history", "History", "from=-1h".to_owned()),
        ("/api/v1/rules", "Rules", String::new()),
        ("/api/v1/export", "ObservedGraph", "from=-1h".to_owned()),
        ("/api/openapi.json", "OpenApi", String::new()),
    ];
    let paths = document["paths"].as_object().unwrap().keys().filter(|path| !path.ends_with("/stream"));
    for path in paths {
        assert!(asked.iter().any(|(asked, _, _)| asked == path), "nobody asks {path}");
    }

    for (path, schema, query) in &asked {
        let filled = path.replace("{id}", cart).replace("{source}", web).replace("{target}", cart);
        let answer = map.json(&format!("{filled}?{query}"));
        conforms(&document, schema, &answer, &format!("{filled}?{query}"));
    }
    let refused = map.get("/api/v1/graph?view=x");
    conforms(&document, "Fault", &serde_json::from_slice(&refused.body).unwrap(), "a refusal");
}

#[track_caller]
fn conforms(document: &Value, schema: &str, answer: &Value, what: &str) {
    let components = document["components"].clone();
    let schema = json!({"$ref": format!("#/components/schemas/{schema}"), "components": components});
    let validator = jsonschema::validator_for(&schema).expect("the document's schemas are schemas");
    let faults: Vec<String> =
        validator.iter_errors(answer).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(faults.is_empty(), "{what}: {faults:#?}\n{answer:#}");
}

#[test]
fn rules_can_be_tried_before_they_are_in_force() {
    let map = Map::start();
    let calls: Vec<Call> =
        (1..=40).map(|trace| call("web", "cart", trace).answered(if trace % 2 == 0 { 500 } else { 200 })).collect();
    map.receives(&calls);
    until("the calls are on the map", || map.edge("web", "cart") == Some((40, 20)));

    let try_out = |rules: &str| {
        let length = rules.len();
        let request = format!(
            "POST /api/v1/rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{rules}"
        );
        let answer = ask(map.port, request);
        (answer.status, text(&answer))
    };

    let (status, told) = try_out("rules:\n  - {name: broken, on: edge, metric: eror_ratio, yellow: 1%}\n");
    assert_eq!(status, 400);
    assert!(told.contains("rules:2:") && told.contains("error_ratio"), "{told}");
    let rules = "rules:\n  - {name: half, on: edge, metric: error_ratio, yellow: 40%, window: 5m, min_requests: 1}\n";
    until("the step is over and the rule colours the edge", || try_out(rules).1.contains("\"rule\":\"half\""));
}

#[test]
fn the_map_can_be_taken_along_in_every_format() {
    let map = Map::start();
    map.receives(&[call("web", "=cart", 1)]);
    until("the edge is drawn", || map.edge("web", "%3Dcart").is_some());

    for (format, kind, sign) in [
        ("window", "application/json", "\"=cart\""),
        ("yaml", "application/yaml", "=cart"),
        ("dot", "text/vnd.graphviz", "digraph"),
        ("mermaid", "text/vnd.mermaid", "flowchart"),
        ("svg", "image/svg+xml", "<svg"),
        ("csv", "text/csv", "/%3Dcart"),
        ("grafana", "application/json", "arc__red"),
    ] {
        let answer = map.get(&format!("/api/v1/graph?collapse=none&format={format}"));
        assert_eq!(answer.status, 200, "{format}: {}", text(&answer));
        assert!(answer.head.contains(&format!("content-type: {kind}")), "{}", answer.head);
        assert!(text(&answer).contains(sign), "{format}: {}", text(&answer));
    }
}

#[test]
fn what_a_rule_finds_leaves_as_an_event_and_as_a_gauge() {
    let (otlp, port, room) = (free_port(), free_port(), Room::new());
    room.file("rules.yaml", "{window: 1m, for: 0s, rules: []}\n");
    let config = format!(
        "receivers:
  otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{otlp}\"}}}}}}
  topology: {{interval: 1s}}
exporters: {{topology: , file: {{path: \"${{env:ROOM}}/told.json\"}}}}
extensions: {{topology: {{endpoint: \"127.0.0.1:{port}\", rules: [\"${{env:ROOM}}/rules.yaml\"]}}}}
service:
  extensions: [topology]
  pipelines:
    traces: {{receivers: [otlp], exporters: [topology]}}
    metrics: {{receivers: [topology], exporters: [file]}}
    logs: {{receivers: [topology], exporters: [file]}}
"
    );
    let map = Map { tidewatch: Tidewatch::start_in(room, &config), otlp, port };

    map.receives(&(1..=40).map(|trace| call("web", "cart", trace).answered(500)).collect::<Vec<_>>());

    // A step is judged 20 s after its end.
    until_within(Duration::from_secs(90), "the edge was told", || {
        let told = map.tidewatch.told();
        let is_told = |log: &String| log.contains("Deployment/web > ") && log.contains("error-rate is 100.0%");
        told.logs.iter().any(is_told) && told.points.iter().any(|point| point.metric == "topology_edge_findings")
    });
    let graph = map.json("/api/v1/graph?collapse=none");
    assert_eq!(graph["edges"][0]["health"]["level"], "red", "{graph}");
}

/// A file that says this about the shop.
fn baseline(spec: &str) -> String {
    format!("apiVersion: topology/v1alpha1\nkind: TopologyBaseline\nmetadata: {{ name: shop }}\nspec:\n{spec}")
}

#[test]
fn who_is_required_and_was_never_seen_is_on_the_map_as_missing() {
    let (otlp, port, room) = (free_port(), free_port(), Room::new());
    let baseline = baseline(
        "  defaults: { missingAfter: 0s }
  edges:
    - from: { ns: shop, kind: Deployment, name: worker }
      to: { ns: shop, kind: Deployment, name: cart }
      state: require
    - { from: { name: \"*\" }, to: { name: \"*\" } }
",
    );
    let keys = format!(", baselines: [\"{}\"]", room.file("baseline.yaml", &baseline).display());
    let map = Map { tidewatch: Tidewatch::start_in(room, &config(otlp, port, &keys)), otlp, port };
    let worker = || {
        let graph = map.json("/api/v1/graph?collapse=none");
        let found = graph["nodes"].as_array()?.iter().find(|node| node["name"] == "worker").cloned()?;
        Some((found["expected"].clone(), graph["edges"].as_array()?.iter().any(|edge| edge["expected"] == "missing")))
    };

    until("it is drawn, and the call that it does not make", || worker() == Some((json!("missing"), true)));

    let detail = map.json("/api/v1/nodes/prod/shop/Deployment/worker");
    assert_eq!(detail["name"], "worker", "{detail}");
    assert_eq!(map.json("/api/v1/graph")["groups"][0]["nodes"], 2);
    map.receives(&[call("web", "cart", 1)]);
    until("others come, and it stays", || map.edge("web", "cart").is_some() && worker().is_some());
}

#[test]
fn a_restart_tells_no_finding_again() {
    let (otlp, port, kept) = (free_port(), free_port(), Room::new());
    let baseline = baseline(
        "  defaults: { grace: 0s }
  edges:
    - { from: { ns: shop, name: web }, to: { ns: shop, name: cart }, state: forbid }
",
    );
    let config = format!(
        "receivers:
  otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{otlp}\"}}}}}}
  topology: {{interval: 1s}}
exporters: {{topology: , file: {{path: \"${{env:ROOM}}/told.json\"}}}}
extensions:
  topology: {{endpoint: \"127.0.0.1:{port}\", directory: \"{}\", baselines: [\"{}\"]}}
service:
  extensions: [topology]
  pipelines:
    traces: {{receivers: [otlp], exporters: [topology]}}
    metrics: {{receivers: [topology], exporters: [file]}}
    logs: {{receivers: [topology], exporters: [file]}}
",
        kept.path("map").display(),
        kept.file("baseline.yaml", &baseline).display()
    );
    let start = || Map { tidewatch: Tidewatch::start(&config), otlp, port };
    let gauges = |map: &Map| {
        let points = map.tidewatch.told().points;
        points.iter().filter(|point| point.metric == "topology_edge_findings").count()
    };

    let before = start();
    before.receives(&[call("web", "cart", 1)]);
    let told = |map: &Map| map.tidewatch.told().logs;
    until_within(Duration::from_secs(60), "the call is told", || {
        told(&before).iter().any(|log| log.contains("forbids"))
    });
    before.tidewatch.stop();

    let after = start();
    // Findings are looked at before they are counted: with the second count, they were looked at as they are counted.
    until("the finding is open, and was looked at", || gauges(&after) >= 2);
    assert_eq!(told(&after), Vec::<String>::new());
}
