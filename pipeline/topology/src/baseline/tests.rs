use std::sync::Arc;

use config::Problems;

use super::*;
use crate::story::{FROM, Shop};
use crate::{
    EntityId, Expectation, Lane, Level, Measures, Moment, Observed, OutsideKind, Protocol, SECOND, Subject, Transport,
};

/// A baseline of the namespace `shop`, with these lists.
pub(super) fn text(lists: &str) -> String {
    format!(
        "apiVersion: topology/v1alpha1
kind: TopologyBaseline
metadata: {{ name: shop-prod, cluster: prod }}
spec:
  scope: {{ namespaces: [shop] }}
  defaults: {{ grace: 10m, missingAfter: 1m }}
{lists}"
    )
}

#[track_caller]
pub(super) fn baseline(lists: &str) -> Baseline {
    read(&text(lists)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn read(text: &str) -> Result<Baseline, String> {
    let mut problems = Problems::new();
    Baseline::read("baseline.yaml", text, &mut problems).ok_or_else(|| problems.render())
}

const LINES: &str = "  edges:
    - from: { ns: shop, kind: Deployment, name: web }
      to: { ns: shop, kind: Deployment, name: cart }
      ports: [{ port: 8080, transport: tcp, protocols: [http, grpc] }]
    - from: { ns: shop, name: cart }
      to: { group: external-psp }
      state: require
    - from: { ns: shop, name: catalog }
      to: { ns: shop, name: \"pay*\" }
      state: forbid
  groups:
    - { name: external-psp, match: { external: { dns: [\"*.psp.example\"], ports: [443, 8080] } } }
  exceptions:
    - match: { from: { ns: shop, name: web }, to: { ns: shop, name: ledger } }
      until: 2027-01-31T00:00:00Z
      owner: team-pay
      reason: CHG-1234
";

fn shop() -> Shop {
    let mut shop = Shop::new();
    for name in ["web", "cart", "catalog", "payment", "ledger"] {
        shop.workload("shop", name);
    }
    shop.outside(OutsideKind::HttpApi, "eu.psp.example");
    shop.outside(OutsideKind::Redis, "sessions");
    shop.outside(OutsideKind::Unknown, "unknown");
    shop.calls("web", "cart", "http", 100);
    shop.calls("cart", "eu.psp.example", "http", 10);
    shop
}

fn found(comparison: &Comparison) -> Vec<(FindingKind, String)> {
    let name = |finding: &Finding| {
        let server = finding.server.as_ref().map(|it| format!(">{}", it.name)).unwrap_or_default();
        (finding.kind, format!("{}{server}", finding.client.name))
    };
    comparison.findings.iter().map(name).collect()
}

fn compared(lists: &str, shop: &Shop) -> Comparison {
    compare(&baseline(lists), &shop.observed(), shop.now())
}

#[test]
fn what_lines_allow_is_expected_and_all_of_it_is_judged() {
    let shop = shop();
    let comparison = compared(LINES, &shop);

    assert_eq!(found(&comparison), []);
    assert_eq!(comparison.expectations.edges[&shop.edge("web", "cart")], Expectation::Expected);
    assert_eq!(comparison.expectations.nodes[&shop.id("cart")], Expectation::Expected);
    assert_eq!(comparison.expectations.coverage, Some(1.0));
    assert_eq!((comparison.counts.expected, comparison.counts.missing), (2, 0));
}

/// Scene (a): a new version calls a Redis that nobody expects.
#[test]
fn an_edge_that_no_line_allows_is_found_with_what_shows_it() {
    let mut shop = shop();
    shop.calls("cart", "sessions", "redis", 40);
    let comparison = compared(LINES, &shop);

    assert_eq!(found(&comparison), [(FindingKind::EdgeUnexpected, "cart>sessions".into())]);
    let finding = &comparison.findings[0];
    assert_eq!((finding.level, finding.requests, finding.ports.only()), (Level::Red, 40, Some(8080)));
    assert_eq!(finding.evidence, ["span"]);
    assert_eq!(finding.message, "shop/cart calls Redis sessions on port 8080/tcp (redis), which no line allows");
    assert_eq!(comparison.expectations.edges[&shop.edge("cart", "sessions")], Expectation::Unexpected);
    assert!(comparison.has(Level::Red));
}

#[test]
fn a_forbidden_edge_is_forbidden_even_if_a_line_allows_it_too() {
    let mut shop = shop();
    shop.calls("catalog", "payment", "http", 5);
    let lists = LINES.replace("  edges:\n", "  edges:\n    - { from: { name: \"*\" }, to: { name: \"*\" } }\n");

    let comparison = compared(&lists, &shop);

    assert_eq!(found(&comparison), [(FindingKind::EdgeForbidden, "catalog>payment".into())]);
    assert_eq!(comparison.expectations.edges[&shop.edge("catalog", "payment")], Expectation::Forbidden);
    assert!(comparison.findings[0].rule.starts_with("baseline.yaml:15:"), "{}", comparison.findings[0].rule);
}

#[test]
fn an_exception_lets_an_edge_pass_until_its_date() {
    let mut shop = shop();
    shop.calls("web", "ledger", "http", 5);
    let after = Moment::of_rfc3339("2027-01-31T00:00:01Z").unwrap();
    let before = compared(LINES, &shop);

    assert_eq!(before.expectations.edges[&shop.edge("web", "ledger")], Expectation::Excepted);
    assert_eq!(found(&before), []);
    let later = compare(&baseline(LINES), &shop.observed(), after);
    assert_eq!(found(&later), [(FindingKind::ExceptionExpired, "web>ledger".into())]);
    assert!(later.findings[0].message.contains("team-pay: CHG-1234"), "{}", later.findings[0].message);
}

#[test]
fn a_new_port_or_protocol_changes_an_edge_and_what_is_not_known_contradicts_nothing() {
    let mut shop = shop();
    shop.edges.clear();
    shop.calls("cart", "eu.psp.example", "http", 1);
    shop.calls("web", "cart", "mysql", 3);
    let changed = compared(LINES, &shop);
    let row = &mut shop.edges.last_mut().unwrap().rows[0];
    (row.port, row.transport, row.protocol) = (None, Transport::Unspecified, Protocol::unspecified());
    let unknown = compared(LINES, &shop);

    assert_eq!(found(&changed), [(FindingKind::EdgeChanged, "web>cart".into())]);
    assert_eq!(changed.findings[0].protocols, [Protocol("mysql".into())]);
    assert_eq!(found(&unknown), []);
}

#[test]
fn what_is_not_known_does_not_make_an_edge_forbidden() {
    let mut shop = shop();
    shop.calls("catalog", "payment", "http", 5);
    shop.edges.last_mut().unwrap().rows[0].port = None;
    let lists = LINES.replace("      state: forbid", "      ports: [{ port: 3306 }]\n      state: forbid");

    assert_eq!(found(&compared(&lists, &shop)), [(FindingKind::EdgeUnexpected, "catalog>payment".into())]);
}

#[test]
fn an_end_that_nobody_knows_is_never_unexpected_and_lowers_coverage() {
    let mut shop = shop();
    shop.calls("web", "unknown", "http", 90);
    let comparison = compared(LINES, &shop);

    assert_eq!(found(&comparison), []);
    assert_eq!(comparison.expectations.coverage, Some(0.55));
    assert_eq!(comparison.counts.unresolved, 1);
}

#[test]
fn a_required_edge_is_missing_if_the_window_is_long_enough_to_miss_it() {
    let mut shop = shop();
    shop.edges.pop();
    let comparison = compared(LINES, &shop);

    assert_eq!(found(&comparison), [(FindingKind::EdgeMissing, "cart>external-psp".into())]);
    assert_eq!(comparison.expectations.edges[&shop.edge("cart", "eu.psp.example")], Expectation::Missing);
    let patient = compare(&baseline(LINES).missing_after(3600 * SECOND), &shop.observed(), shop.now());
    assert_eq!((found(&patient), patient.counts.quiet), (vec![], 1));
}

#[test]
fn a_required_workload_of_which_nothing_is_seen_is_missing_itself() {
    let shop = shop();
    let lists = "  edges:\n    - { from: { ns: shop, kind: Deployment, name: worker }, to: { ns: shop, name: cart }, state: require }
    - { from: { name: \"*\" }, to: { name: \"*\" } }\n";
    let comparison = compared(lists, &shop);

    assert_eq!(found(&comparison), [(FindingKind::NodeMissing, "worker".into())]);
}

/// The workload that a `require` line names, and nobody has seen.
const WORKER: &str =
    "  edges:\n    - { from: { ns: shop, kind: Deployment, name: worker }, to: { ns: shop, name: cart }, state: require }
    - { from: { name: \"*\" }, to: { name: \"*\" } }\n";

#[test]
fn a_required_workload_that_nobody_has_seen_is_drawn_before_and_after_it_is_missing() {
    let (shop, baselines) = (shop(), [Arc::new(baseline(WORKER))]);
    let absent = Absent::of(&baselines, &shop.observed().registry, &"prod".into());
    let observed = absent.beside(shop.observed());
    let query = crate::query::GraphQuery {
        collapse: crate::query::Collapse::Only(std::collections::BTreeSet::new()),
        ..crate::query::GraphQuery::default()
    };
    let drawn = |expectations: &crate::Expectations| {
        let graph = crate::query::graph(&observed, &crate::Judgements::default(), expectations, &query);
        let worker = graph.nodes.iter().find(|node| &*node.id.name == "worker").cloned();
        (worker.map(|node| node.expected), graph.edges.iter().any(|edge| edge.expected == Some(Expectation::Missing)))
    };

    let waits = compare(&baseline(WORKER).missing_after(3600 * SECOND), &observed, shop.now());
    let misses = compare(&baseline(WORKER), &observed, shop.now());

    assert_eq!(drawn(&waits.expectations), (Some(None), false));
    assert_eq!(drawn(&misses.expectations), (Some(Some(Expectation::Missing)), true));
    assert_eq!(found(&misses), [(FindingKind::NodeMissing, "worker".into())]);
    let mut with_worker = shop;
    with_worker.workload("shop", "worker");
    let known = with_worker.observed();
    assert_eq!(
        Absent::of(&baselines, &known.registry, &"prod".into()).beside(known).registry.entities.len(),
        9,
        "it was seen"
    );
}

#[test]
fn who_is_absent_is_called_as_far_as_the_file_tells() {
    let lines = "spec:
  edges:
    - { from: { ns: shop, name: worker }, to: { ns: shop, name: mail }, state: require }
    - { from: { ns: shop, kind: Deployment, name: worker }, to: { ns: shop, name: mail }, state: require }
    - { from: { ns: shop, name: \"cron-*\" }, to: { ns: shop, cluster: east, service: stock }, state: require }
    - { from: { ns: shop, name: web }, to: { external: { dns: [mail.example] } }, state: require }
";
    let unnamed = format!("apiVersion: topology/v1alpha1\nkind: TopologyBaseline\nmetadata: {{ name: shop }}\n{lines}");
    let baselines = [Arc::new(read(&unnamed).unwrap_or_else(|problems| panic!("{problems}")))];

    let absent = Absent::of(&baselines, &shop().observed().registry, &"prod".into());
    let drawn = absent.beside(Observed { registry: shop().observed().registry, ..Observed::default() });

    let ids = drawn.nodes.iter().map(|node| drawn.registry.get(node.entity).unwrap().who.node(crate::View::Workload));
    assert_eq!(
        ids.map(|id| id.to_string()).collect::<Vec<_>>(),
        ["prod/shop/Deployment/worker", "prod/shop/Service/mail", "east/shop/Service/stock"],
        "neither who may be many, nor who was seen, nor who is outside"
    );
}

#[test]
fn who_is_absent_stays_behind_those_who_come() {
    let mut shop = shop();
    let mut absent = Absent::of(&[Arc::new(baseline(WORKER))], &shop.observed().registry, &"prod".into());
    let mut expectations = compare(&baseline(WORKER), &absent.beside(shop.observed()), shop.now()).expectations;
    let worker = EntityId(8);
    assert_eq!(expectations.nodes[&worker], Expectation::Missing);

    shop.workload("shop", "newcomer");
    assert!(!absent.is_behind(9));
    absent.move_behind(9, &mut expectations);

    assert!(!expectations.nodes.contains_key(&worker));
    assert_eq!(expectations.nodes[&EntityId(9)], Expectation::Missing);
    assert_eq!(expectations.edges[&(EntityId(9), shop.id("cart"))], Expectation::Missing);
    assert_eq!(expectations.edges[&shop.edge("web", "cart")], Expectation::Expected);
    assert_eq!(absent.beside(shop.observed()).registry.entities.len(), 10);
}

#[test]
fn edges_of_a_workload_that_no_line_speaks_of_are_listed_under_it() {
    let mut shop = shop();
    shop.workload("shop", "miner").calls("miner", "cart", "http", 3);
    shop.calls("miner", "sessions", "redis", 4);
    let comparison = compared(LINES, &shop);

    assert_eq!(found(&comparison), [(FindingKind::NodeUnexpected, "miner".into())]);
    assert_eq!((comparison.findings[0].edges.len(), comparison.findings[0].requests), (2, 7));
    assert_eq!(comparison.counts.unexpected, 2);
    assert_eq!(comparison.expectations.nodes[&shop.id("miner")], Expectation::Unexpected);
}

#[test]
fn a_scan_is_one_finding_however_many_ports_or_peers_it_tries() {
    let mut shop = shop();
    shop.calls("catalog", "cart", "http", 1);
    let one = shop.edges.last_mut().unwrap();
    let row = one.rows[0].clone();
    one.rows = (1..=1000).map(|port| crate::EdgeRow { port: Some(port), ..row.clone() }).collect();
    for peer in 0..300 {
        let name = format!("203.0.113.{peer}");
        shop.outside(OutsideKind::PlainIP, &name).calls("ledger", &name, "http", 1);
    }
    let comparison = compared(LINES, &shop);

    let kinds = [(FindingKind::EdgeUnexpected, "catalog>cart".into()), (FindingKind::EdgeUnexpected, "ledger".into())];
    assert_eq!(found(&comparison), kinds);
    assert_eq!(comparison.findings[0].ports.to_string(), "many");
    assert_eq!(comparison.findings[1].edges_total, 300);
}

#[test]
fn an_allowed_edge_seen_only_from_the_wrong_end_is_no_red() {
    let mut shop = shop();
    shop.calls("cart", "web", "unspecified", 0);
    let edge = shop.edges.last_mut().unwrap();
    (edge.lane, edge.sources) = (Lane::Flows, vec![Lane::Flows]);
    edge.rows[0].measures.flow.connections = 2;
    let comparison = compared(LINES, &shop);

    assert_eq!(found(&comparison), [(FindingKind::EdgeChanged, "cart>web".into())]);
    assert_eq!((comparison.findings[0].level, comparison.findings[0].direction), (Level::Yellow, Some("inferred")));
}

#[test]
fn an_edge_that_never_came_about_was_denied() {
    let mut shop = shop();
    shop.calls("catalog", "sessions", "unspecified", 0);
    let measures: &mut Measures = &mut shop.edges.last_mut().unwrap().rows[0].measures;
    (measures.flow.connections, measures.flow.failed.refused) = (7, 7);

    assert_eq!(found(&compared(LINES, &shop)), [(FindingKind::PolicyDenied, "catalog>sessions".into())]);
}

#[test]
fn ignored_kinds_of_traffic_are_not_judged() {
    let mut shop = shop();
    shop.outside(OutsideKind::DNS, "10.0.0.10").calls("web", "10.0.0.10", "dns", 5);
    shop.workload("monitoring", "prometheus").calls("prometheus", "cart", "http", 5);
    let lists = format!("  learning: {{ ignore: [dns, prometheus-scrape] }}\n{LINES}");

    let comparison = compared(&lists, &shop);

    assert_eq!((found(&comparison), comparison.counts.ignored), (vec![], 2));
}

#[test]
fn while_it_learns_nothing_is_judged() {
    let mut shop = shop();
    shop.calls("cart", "sessions", "redis", 40);
    let comparison = compared(&format!("  mode: learn\n{LINES}"), &shop);

    assert!(comparison.learning && comparison.findings.is_empty() && comparison.expectations.edges.is_empty());
    assert_eq!(comparison.expectations.coverage, None);
}

#[test]
fn jobs_and_pods_are_who_owns_them() {
    let mut shop = Shop::new();
    shop.workload_of(crate::Kind::Job, "shop", "backup-28312345").workload("shop", "cart");
    shop.workload_of(crate::Kind::Pod, "shop", "web-7d9f8b6c5d-x2x4z");
    shop.calls("backup-28312345", "cart", "http", 5);
    shop.calls("web-7d9f8b6c5d-x2x4z", "cart", "http", 5);
    let lists = "  edges:\n    - { from: { ns: shop, kind: CronJob, name: backup }, to: { name: cart } }
    - { from: { ns: shop, kind: ReplicaSet, name: web }, to: { name: cart } }\n";

    assert_eq!(compared(lists, &shop).counts.expected, 2);
}

#[test]
fn every_typo_is_told_with_its_place_and_what_was_meant() {
    let cases = [
        ("  edgse: []\n", "baseline.yaml:7:3", "did you mean `edges`?"),
        ("  mode: obsreve\n", "baseline.yaml:7:9", "did you mean `observe`?"),
        (
            "  edges:\n    - { from: { ns: a, kind: Deploymnet, name: b }, to: { name: c } }\n",
            "baseline.yaml:8:",
            "Deployment",
        ),
        ("  edges:\n    - { from: { nam: b }, to: { name: c } }\n", "baseline.yaml:8:17", "did you mean `name`?"),
        ("  edges:\n    - { from: { name: b } }\n", "baseline.yaml:8:7", "anybody"),
        (
            "  edges:\n    - { from: { name: b }, to: { group: extrenal } }\n  groups:\n    - { name: external, match: { external: { dns: [a] } } }\n",
            ":8:41",
            "did you mean `external`?",
        ),
        ("  exceptions:\n    - { match: { from: { name: a } }, owner: o, reason: r }\n", "baseline.yaml:8:7", "until"),
        (
            "  exceptions:\n    - { match: { from: { name: a } }, until: soon, owner: o, reason: r }\n",
            "baseline.yaml:8:",
            "2027-01-31",
        ),
        (
            "  groups:\n    - { name: g, match: { external: { cidr: 10.0.0.0/40 } } }\n",
            "baseline.yaml:8:",
            "no network",
        ),
        (
            "  groups:\n    - { name: g, match: { external: { type: Reddis } } }\n",
            "baseline.yaml:8:",
            "did you mean `Redis`?",
        ),
        (
            "  edges:\n    - { from: { name: b }, to: { name: c }, ports: [{ port: 80800 }] }\n",
            "baseline.yaml:8:",
            "port",
        ),
        ("  defaults: { grace: 10x }\n", "baseline.yaml:", "unit"),
    ];
    for (lists, place, help) in cases {
        let whole = text(lists).replacen("  defaults: { grace: 10m, missingAfter: 1m }\n", "  mode: observe\n", 1);
        let whole = if lists.contains("mode:") { text(lists) } else { whole };
        let told = read(&whole).expect_err(lists);
        assert!(told.contains(place) && told.contains(help), "{lists}\n{told}");
    }
    assert!(read("kind: Topology\n").unwrap_err().contains("TopologyBaseline"));
}

// In time.

struct Story {
    watch: Watch,
    now: Moment,
}

impl Story {
    fn of(lists: &str) -> Self {
        Self { watch: Watch::new(Arc::new(baseline(lists))), now: FROM.plus(60 * SECOND) }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.plus(seconds * SECOND);
        self
    }

    fn sees(&mut self, observed: &Observed) -> Watched {
        self.watch.step(observed, self.now)
    }
}

fn open(watched: &Watched) -> Vec<String> {
    watched.notices.iter().map(|notice| notice.finding.to_string()).collect()
}

/// An edge that nobody expects, first seen just now.
fn intruder() -> (Shop, EntityId, EntityId) {
    let mut shop = shop();
    shop.calls("cart", "sessions", "redis", 40);
    shop.edges.last_mut().unwrap().first_seen = FROM;
    let (from, to) = shop.edge("cart", "sessions");
    (shop, from, to)
}

#[test]
fn an_unexpected_edge_is_pending_until_its_grace_is_over_and_closes_when_it_was_gone_for_long() {
    let (mut shop, from, to) = intruder();
    let mut story = Story::of(&LINES.replace("state: require", "state: allow"));

    let first = story.sees(&shop.observed());
    assert_eq!((open(&first), first.expectations.edges[&(from, to)]), (vec![], Expectation::Pending));

    let opened = story.after(600).sees(&shop.observed());
    assert_eq!(open(&opened), ["edge.unexpected"]);
    assert_eq!(opened.changes.len(), 1);
    assert!(matches!(&opened.changes[0].subject, Subject::Finding(id) if *id == opened.notices[0].id));
    assert_eq!((opened.changes[0].from, opened.changes[0].to), (FROM, None));

    shop.edges.pop();
    let quiet = story.after(600).sees(&shop.observed());
    assert_eq!((open(&quiet).len(), quiet.changes.len()), (1, 0), "not every call is made every minute");
    assert_eq!(quiet.expectations.edges[&(from, to)], Expectation::Unexpected);

    let closed = story.after(300).sees(&shop.observed());
    assert_eq!(open(&closed), Vec::<String>::new());
    assert_eq!(closed.changes[0].to, Some(story.now));
}

#[test]
fn a_restart_reopens_the_same_finding_and_waits_for_nothing_again() {
    let (shop, ..) = intruder();
    let mut story = Story::of(LINES);
    let before = story.after(600).sees(&shop.observed());

    let mut restarted = Story::of(LINES);
    let after = restarted.after(615).sees(&shop.observed());

    assert_eq!(before.notices[0].id, after.notices[0].id);
}

#[test]
fn a_required_edge_is_missing_after_its_time_and_no_longer_when_it_comes_back() {
    let mut quiet = shop();
    quiet.edges.pop();
    let mut story = Story::of(LINES);

    assert_eq!(open(&story.sees(&quiet.observed())), Vec::<String>::new());
    assert_eq!(
        open(&story.after(60).sees(&quiet.observed())),
        ["node.missing"],
        "of its caller nothing is seen at all"
    );

    let mut back = shop();
    back.edges.last_mut().unwrap().last_seen = story.now;
    let watched = story.after(15).sees(&back.observed());
    assert_eq!(open(&watched), Vec::<String>::new());
    assert_eq!(watched.changes.len(), 1);
}

#[test]
fn what_the_store_remembers_counts_after_a_restart() {
    let mut quiet = shop();
    let (from, to) = quiet.edge("cart", "eu.psp.example");
    quiet.edges.pop();
    let observed = quiet.observed();
    let mut story = Story::of(LINES);

    story.watch.recall(&observed.registry, [(from, to, story.now.minus(30 * SECOND))], story.now);

    let watched = story.sees(&observed);
    assert_eq!(open(&watched), Vec::<String>::new(), "it was seen half a minute ago");
    assert_eq!(watched.expectations.edges[&(from, to)], Expectation::Expected);
    assert_eq!(open(&story.after(30).sees(&observed)), ["edge.missing"]);
}

#[test]
fn of_two_baselines_the_worse_holds() {
    let shop = shop();
    let strict = "  edges:\n    - { from: { name: cart }, to: { name: web } }\n";
    let watch = |lists: &str| Watch::new(Arc::new(baseline(&format!("  learning: {{}}\n{lists}"))));
    let mut watches = Watches(vec![watch(LINES), watch(strict)]);

    let watched = watches.step(&shop.observed(), shop.now());

    assert_eq!(watched.expectations.edges[&shop.edge("web", "cart")], Expectation::Unexpected);
    assert_eq!(watched.standings.len(), 2);
}
