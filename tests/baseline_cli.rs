//! The expected architecture, as a user keeps it: learned, reviewed, held against what runs, offline and live.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::{Outcome, Room, Tidewatch, free_port, post_json, text_of, tidewatch, until, until_within};

/// A Tidewatch that keeps a map of a shop.
struct Shop {
    tidewatch: Tidewatch,
    otlp: u16,
    port: u16,
}

/// The catalog has no business with payments.
const REVIEWED: &str = "apiVersion: topology/v1alpha1
kind: TopologyBaseline
metadata: { name: shop }
spec:
  scope: { namespaces: [shop] }
  defaults: { grace: 0s, missingAfter: 1h }
  edges:
    # The front door.
    - from: { ns: shop, kind: Deployment, name: web }
      to: { ns: shop, kind: Deployment, name: cart }
    - from: { ns: shop, kind: Deployment, name: cart }
      to: { ns: shop, kind: Deployment, name: payment }
      state: require
    - from: { ns: shop, kind: Deployment, name: web }
      to: { ns: shop, kind: Deployment, name: catalog }
";

impl Shop {
    fn open() -> Self {
        let (otlp, port, room) = (free_port(), free_port(), Room::new());
        let baseline = room.file("baseline.yaml", REVIEWED);
        let config = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{otlp}\"}}}}}}}}
exporters: {{topology: }}
extensions:
  topology: {{endpoint: \"127.0.0.1:{port}\", cluster: prod, baselines: [\"{}\"]}}
service:
  extensions: [topology]
  pipelines: {{traces: {{receivers: [otlp], exporters: [topology]}}}}
",
            baseline.display()
        );
        Self { tidewatch: Tidewatch::start_in(room, &config), otlp, port }
    }

    /// Five calls, each seen at both ends; all of them answered so.
    fn calls(&self, client: &str, server: &str, status: u16) -> &Self {
        let spans = (0..5).flat_map(|_| call(client, server, status)).collect::<Vec<_>>();
        let answer = post_json(self.otlp, &json!({"resourceSpans": spans}).to_string());
        assert_eq!(answer.status, 200);
        let is_drawn = || {
            let graph = self.json("/api/v1/graph?collapse=none");
            graph["edges"].as_array().unwrap().iter().any(|edge| is_between(edge, client, server))
        };
        until("the calls are on the map", is_drawn);
        self
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&text_of(self.port, path)).unwrap()
    }

    /// Runs a command that asks this server.
    fn asked(&self, arguments: &[&str]) -> Outcome {
        let server = format!("http://127.0.0.1:{}", self.port);
        tidewatch(&[arguments, &["--server", &server]].concat())
    }

    fn file(&self, name: &str, text: &str) -> String {
        self.tidewatch.room().file(name, text).display().to_string()
    }
}

fn is_between(edge: &Value, client: &str, server: &str) -> bool {
    let ends = |end: &str, name: &str| edge[end].as_str().is_some_and(|id| id.ends_with(&format!("/{name}")));
    ends("source", client) && ends("target", server)
}

fn call(client: &str, server: &str, status: u16) -> [Value; 2] {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let trace = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let (id, callee) = (format!("{:016x}", trace * 2), format!("{:016x}", trace * 2 + 1));
    let span = |deployment: &str, kind: u8, id: &str, parent: &str| {
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let start = end.saturating_sub(Duration::from_millis(20));
        json!({
            "resource": {"attributes": [
                text("service.name", deployment),
                text("k8s.namespace.name", "shop"),
                text("k8s.deployment.name", deployment),
            ]},
            "scopeSpans": [{"spans": [{
                "traceId": format!("{trace:032x}"), "spanId": id, "parentSpanId": parent, "name": "GET /", "kind": kind,
                "startTimeUnixNano": start.as_nanos().to_string(), "endTimeUnixNano": end.as_nanos().to_string(),
                "attributes": [
                    text("http.request.method", "GET"),
                    text("network.protocol.name", "http"),
                    json!({"key": "http.response.status_code", "value": {"intValue": status.to_string()}}),
                ],
            }]}],
        })
    };
    [span(client, 3, &id, ""), span(server, 2, &callee, &id)]
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

#[track_caller]
fn ends_with(outcome: &Outcome, code: i32) {
    assert_eq!(outcome.code, code, "{}\n{}", outcome.stdout, outcome.stderr);
}

#[test]
fn traffic_that_nobody_expected_is_found_on_the_command_line_and_on_the_map() {
    let shop = Shop::open();
    shop.calls("web", "cart", 200).calls("cart", "payment", 200).calls("web", "catalog", 200);
    let baseline = shop.file("mine.yaml", REVIEWED);
    ends_with(&shop.asked(&["baseline", "diff", &baseline]), 0);

    shop.calls("catalog", "payment", 200);

    let found = shop.asked(&["baseline", "diff", &baseline, "-o", "json"]);
    ends_with(&found, 1);
    let told: Value = serde_json::from_str(&found.stdout).unwrap();
    let findings = told["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{told:#}");
    assert_eq!((&findings[0]["kind"], &findings[0]["requests"]), (&json!("edge.unexpected"), &json!(5)));
    assert_eq!(findings[0]["client"], "prod/shop/Deployment/catalog");
    assert_eq!(findings[0]["server"], "prod/shop/Deployment/payment");
    let told = shop.asked(&["baseline", "diff", &baseline]).stdout;
    assert!(told.contains("shop/catalog calls shop/payment") && told.contains("judged 100 %"), "{told}");

    let is_told = || {
        let findings = shop.json("/api/v1/findings");
        let list = findings["findings"].as_array().unwrap();
        list.len() == 1 && is_between(&list[0], "catalog", "payment") && list[0]["kind"] == "edge.unexpected"
    };
    until_within(Duration::from_secs(60), "a step is judged and the finding is open", is_told);
    let graph = shop.json("/api/v1/graph?collapse=none&filter=is:unexpected");
    let drawn: Vec<&Value> = graph["edges"].as_array().unwrap().iter().collect();
    assert!(drawn.len() == 1 && is_between(drawn[0], "catalog", "payment"), "{graph:#}");
    assert_eq!(drawn[0]["expected"], "unexpected");
    assert_eq!(shop.json("/api/v1/graph")["groups"][0]["unexpected"], 1);
}

#[test]
fn an_export_is_learned_reviewed_and_held_against_offline() {
    let shop = Shop::open();
    shop.calls("web", "cart", 200).calls("cart", "payment", 500);
    let exported = shop.asked(&["graph", "export", "-o", "json"]);
    ends_with(&exported, 0);
    let export = shop.file("export.json", &exported.stdout);
    let room = shop.tidewatch.room();
    let path = |name: &str| room.path(name).display().to_string();

    ends_with(&tidewatch(&["baseline", "learn", &export, "--name", "shop", "-o", &path("draft.yaml")]), 0);
    let draft = room.read("draft.yaml");
    assert!(draft.contains("# 5 calls"), "{draft}");
    ends_with(&tidewatch(&["baseline", "diff", &path("draft.yaml"), "--against", &export]), 0);
    ends_with(&tidewatch(&["baseline", "lint", &path("draft.yaml"), "--file", &export]), 0);

    let smaller = shop.file(
        "smaller.yaml",
        &REVIEWED.replace(
            "name: cart }\n      to: { ns: shop, kind: Deployment, name: payment }\n      state: require",
            "name: cart }\n      to: { ns: shop, kind: Deployment, name: catalog }",
        ),
    );
    let found = tidewatch(&["baseline", "diff", &smaller, "--file", &export, "-o", "markdown"]);
    ends_with(&found, 1);
    assert!(found.stdout.contains("| yellow | node.unexpected |"), "{}", found.stdout);
    ends_with(&tidewatch(&["baseline", "diff", &smaller, "--file", &export, "--fail-on", "red"]), 0);

    let merged = tidewatch(&["baseline", "merge", &smaller, &path("draft.yaml"), "-o", &path("merged.yaml")]);
    ends_with(&merged, 0);
    assert!(room.read("merged.yaml").contains("    # The front door.\n"), "what people wrote stays");
    ends_with(&tidewatch(&["baseline", "diff", &path("merged.yaml"), "--file", &export]), 0);
    let forbids = room.read("draft.yaml").replace("state: allow", "state: forbid");
    let forbids = shop.file("forbids.yaml", &forbids);
    ends_with(&tidewatch(&["baseline", "merge", &path("draft.yaml"), &forbids]), 3);

    let policies = tidewatch(&["baseline", "policy", &path("merged.yaml")]);
    ends_with(&policies, 0);
    let policies = shop.file("policies.yaml", &policies.stdout);
    ends_with(&tidewatch(&["baseline", "import", "--netpol", &policies, "-o", &path("imported.yaml")]), 0);
    let same = tidewatch(&["graph", "diff", &path("merged.yaml"), &path("imported.yaml"), "--ignore", "cluster"]);
    assert_eq!((same.code, same.stdout.as_str()), (0, ""), "{}", same.stderr);
    ends_with(&tidewatch(&["graph", "diff", &path("merged.yaml"), &smaller]), 1);
}

#[test]
fn a_graph_is_written_in_every_format_and_compared_with_another() {
    let shop = Shop::open();
    shop.calls("web", "cart", 200);
    let first = shop.file("first.yaml", &shop.asked(&["graph", "export"]).stdout);
    shop.calls("catalog", "payment", 200);
    let second = shop.file("second.json", &shop.asked(&["graph", "export", "-o", "json"]).stdout);

    for (format, mark) in [
        ("dot", "digraph"),
        ("mermaid", "flowchart"),
        ("svg", "<svg"),
        ("csv", "source"),
        ("yaml", "kind: ObservedGraph"),
    ] {
        let written = tidewatch(&["graph", "export", "-o", format, "--file", &second, "--ns", "shop"]);
        ends_with(&written, 0);
        assert!(written.stdout.contains(mark) && written.stdout.contains("payment"), "{format}: {}", written.stdout);
    }
    let none = tidewatch(&["graph", "export", "-o", "csv", "--file", &second, "--ns", "elsewhere"]);
    assert!(!none.stdout.contains("payment"), "{}", none.stdout);

    ends_with(&tidewatch(&["graph", "diff", &first, &first]), 0);
    let differs = tidewatch(&["graph", "diff", &first, &second]);
    ends_with(&differs, 1);
    let new = "+ prod/shop/Deployment/catalog -> prod/shop/Deployment/payment\n";
    assert!(differs.stdout.contains(new), "{}", differs.stdout);
}

#[test]
fn a_check_says_by_its_exit_code_whether_one_reaches_the_other() {
    let shop = Shop::open();
    shop.calls("web", "cart", 200).calls("cart", "payment", 500);

    ends_with(&shop.asked(&["check", "web", "cart"]), 0);
    let broken = shop.asked(&["check", "web", "payment"]);
    ends_with(&broken, 1);
    assert!(broken.stdout.contains("every call fails"), "{}", broken.stdout);
    ends_with(&shop.asked(&["check", "shop/payment", "web", "-o", "json"]), 4);
    let nobody = shop.asked(&["check", "web", "carrt"]);
    ends_with(&nobody, 2);
    assert!(nobody.stderr.contains("`carrt`"), "{}", nobody.stderr);
}

#[test]
fn what_cannot_be_done_is_told_with_its_place_and_exit_code_2() {
    let room = Room::new();
    let typo = room.file("typo.yaml", REVIEWED.replace("state: require", "stat: require")).display().to_string();
    let good = room.file("good.yaml", REVIEWED).display().to_string();
    let other = room.file("other.yaml", "a: 1\n").display().to_string();
    let nobody = format!("http://127.0.0.1:{}", free_port());

    let told = |arguments: &[&str], words: &str| {
        let outcome = tidewatch(arguments);
        ends_with(&outcome, 2);
        assert!(outcome.stderr.contains(words), "{arguments:?}: {}", outcome.stderr);
    };
    told(&["baseline", "diff", &typo, "--file", &other], "typo.yaml:13:7");
    told(&["baseline", "lint", &typo], "did you mean `state`?");
    told(&["baseline", "diff", &good, "--file", &other], "this is no graph export");
    told(&["baseline", "diff", &good, "--server", &nobody], "cannot read");
    told(&["baseline", "diff", &good, "--against", "yesterday"], "yesterday");
    told(&["baseline", "diff", "/no/such/file.yaml"], "/no/such/file.yaml");
    told(&["graph", "export", "-o", "pdf"], "json, yaml, dot");
    told(&["graph", "diff", &good, &other], "baseline diff");
    told(&["baseline", "import", "--netpol", &other, "--name", ""], "name");
}
