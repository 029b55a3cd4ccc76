use std::sync::Arc;

use ::config::assert_readme_table;
use component::testkit::{faults, settings};
use pdata::{Batch, Signal};
use topology::notice::Telling;
use topology::{Board, Class, Level, Moment, NodeId, Notice, Notices, Protocol, SECOND, Standing, Transport};

use super::config::TopologyReceiverConfig;
use super::herald::{Herald, Message, State};
use super::write::{Gauges, events};

const NOON: Moment = Moment(1_767_268_800 * SECOND);
const HOUR: u64 = 3600 * SECOND;

fn node(name: &str) -> NodeId {
    format!("prod/shop/Deployment/{name}").parse().unwrap()
}

fn unexpected(id: &str, client: &str, server: &str) -> Arc<Notice> {
    Arc::new(Notice {
        id: id.into(),
        finding: "edge.unexpected".into(),
        class: Class::Architecture,
        level: Level::Red,
        baseline: "shop".into(),
        rule: "".into(),
        client: node(client),
        server: Some(node(server)),
        port: Some(6379),
        transport: Transport::Tcp,
        protocol: Some(Protocol("redis".into())),
        first_seen: NOON,
        last_seen: NOON,
        requests: 7,
        message: format!("{client} calls {server}, which no line of shop allows"),
    })
}

fn open(notices: &[&Arc<Notice>]) -> Notices {
    Notices { at: NOON, open: notices.iter().map(|notice| Arc::clone(notice)).collect(), standings: Vec::new() }
}

fn states(messages: &[Message]) -> Vec<(State, &str)> {
    messages.iter().map(|message| (message.state, &*message.notice.id)).collect()
}

fn herald() -> Herald {
    Herald::new("topology", HOUR)
}

/// A herald after a restart, and the board on which the map hung what this one told before.
fn heir(told: Vec<Telling>) -> (Herald, Board) {
    let (before, after) = (Board::default(), Board::default());
    before.note(told);
    after.remember(&before.take());
    (herald(), after)
}

#[test]
fn a_finding_is_told_when_it_opens_and_when_it_closes() {
    let (mut herald, finding) = (herald(), unexpected("a", "web", "redis"));

    let opened = herald.due(&open(&[&finding]), NOON);
    herald.delivered(&opened, NOON);
    let meanwhile = herald.due(&open(&[&finding]), NOON.plus(SECOND));
    let closed = herald.due(&open(&[]), NOON.plus(2 * SECOND));
    herald.delivered(&closed, NOON.plus(2 * SECOND));

    assert_eq!(states(&opened), [(State::Open, "a")]);
    assert!(meanwhile.is_empty());
    assert_eq!(states(&closed), [(State::Closed, "a")]);
    assert!(herald.due(&open(&[]), NOON.plus(3 * SECOND)).is_empty());
}

#[test]
fn what_no_pipeline_took_is_told_again() {
    let (herald, finding) = (herald(), unexpected("a", "web", "redis"));

    assert_eq!(herald.due(&open(&[&finding]), NOON).len(), 1);
    assert_eq!(states(&herald.due(&open(&[&finding]), NOON.plus(SECOND))), [(State::Open, "a")]);
}

#[test]
fn what_stays_open_is_told_once_in_a_while() {
    let (mut herald, finding) = (herald(), unexpected("a", "web", "redis"));
    let opened = herald.due(&open(&[&finding]), NOON);
    herald.delivered(&opened, NOON);

    assert!(herald.due(&open(&[&finding]), NOON.plus(HOUR - 1)).is_empty());
    assert_eq!(states(&herald.due(&open(&[&finding]), NOON.plus(HOUR))), [(State::StillOpen, "a")]);
}

/// What one that has told the finding at noon leaves to be remembered.
fn told_at_noon(finding: &Arc<Notice>) -> Vec<Telling> {
    let mut before = herald();
    let opened = before.due(&open(&[finding]), NOON);
    before.delivered(&opened, NOON)
}

#[test]
fn a_restart_tells_nothing_again_and_forgets_nothing() {
    let (finding, later) = (unexpected("a", "web", "redis"), NOON.plus(60 * SECOND));
    let (mut herald, board) = heir(told_at_noon(&finding));

    assert_eq!(herald.look(&board, &open(&[&finding]), later), []);
    assert!(herald.due(&open(&[&finding]), later).is_empty());
    assert_eq!(states(&herald.due(&open(&[&finding]), NOON.plus(HOUR))), [(State::StillOpen, "a")]);

    let closed = herald.due(&open(&[]), later);
    assert_eq!(states(&closed), [(State::Closed, "a")]);
    let over = herald.delivered(&closed, later);
    assert_eq!((over[0].first, over[0].over), (NOON, Some(later)), "it ends the telling that began before");
}

#[test]
fn what_needs_time_to_be_found_again_is_not_told_again() {
    let (finding, later) = (unexpected("a", "web", "redis"), NOON.plus(60 * SECOND));
    let (mut herald, board) = heir(told_at_noon(&finding));

    assert_eq!(herald.look(&board, &open(&[]), NOON), []);
    assert!(herald.due(&open(&[]), NOON).is_empty(), "nobody knows yet that it is over");

    assert_eq!(herald.look(&board, &open(&[&finding]), later), []);
    assert!(herald.due(&open(&[&finding]), later).is_empty());
}

#[test]
fn what_was_told_before_a_restart_and_never_comes_back_is_forgotten() {
    let (mut herald, board) = heir(told_at_noon(&unexpected("a", "web", "redis")));
    assert_eq!(herald.look(&board, &open(&[]), NOON), []);

    let over = herald.look(&board, &open(&[]), NOON.plus(HOUR));

    assert_eq!(over.iter().map(|telling| telling.over).collect::<Vec<_>>(), [Some(NOON.plus(HOUR))]);
    assert_eq!(herald.look(&board, &open(&[]), NOON.plus(2 * HOUR)), []);
}

#[test]
fn what_was_not_delivered_before_a_restart_is_told_after_it() {
    let finding = unexpected("a", "web", "redis");
    assert_eq!(herald().due(&open(&[&finding]), NOON).len(), 1);

    let (mut herald, board) = heir(Vec::new());

    assert_eq!(herald.look(&board, &open(&[&finding]), NOON), []);
    assert_eq!(states(&herald.due(&open(&[&finding]), NOON)), [(State::Open, "a")]);
}

#[test]
fn before_the_first_judgement_nothing_is_over() {
    let (mut herald, finding) = (herald(), unexpected("a", "web", "redis"));
    let opened = herald.due(&open(&[&finding]), NOON);
    herald.delivered(&opened, NOON);

    assert!(herald.due(&Notices::default(), NOON.plus(SECOND)).is_empty());
}

#[test]
fn an_event_says_who_called_whom_and_why_that_is_a_finding() {
    let message = Message { state: State::Open, notice: unexpected("a1", "web", "redis") };

    let told = json(&events(&[message], NOON));

    let record = &told["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["eventName"], "topology.edge.unexpected");
    assert_eq!(record["severityText"], "ERROR");
    assert_eq!(record["body"]["stringValue"], "web calls redis, which no line of shop allows");
    let attributes = attributes(record);
    for wanted in [
        "topology.finding.id=a1",
        "topology.finding.state=open",
        "topology.finding=edge.unexpected",
        "topology.baseline=shop",
        "client.k8s.namespace.name=shop",
        "client.k8s.workload.kind=Deployment",
        "client.k8s.workload.name=web",
        "server.k8s.workload.name=redis",
        "server.port=6379",
        "network.transport=tcp",
        "network.protocol.name=redis",
        "topology.first_seen=2026-01-01T12:00:00Z",
        "topology.requests=7",
    ] {
        assert!(attributes.iter().any(|attribute| attribute == wanted), "no {wanted} in {attributes:?}");
    }
}

#[test]
fn gauges_count_by_namespaces_and_end_with_a_zero() {
    let mut gauges = Gauges::default();
    let (one, two) = (unexpected("a", "web", "redis"), unexpected("b", "web", "mysql"));

    let open_now = numbers(&gauges.write(&open(&[&one, &two]), NOON).unwrap(), "topology_edge_findings");
    let over = numbers(&gauges.write(&open(&[]), NOON).unwrap(), "topology_edge_findings");
    let later = numbers(&gauges.write(&open(&[]), NOON).unwrap(), "topology_edge_findings");

    assert_eq!(open_now, [2.0], "one series for both, since their namespaces are the same");
    assert_eq!(over, [0.0]);
    assert_eq!(later, Vec::<f64>::new());
    assert!(Gauges::default().write(&Notices::default(), NOON).is_none(), "nothing was judged yet");
}

#[test]
fn a_baseline_says_how_many_edges_stand_how_and_how_much_was_judged() {
    let standing = Standing { baseline: "shop".into(), edges: vec![("expected", 5)], coverage: Some(0.97) };
    let notices = Notices { standings: vec![standing], ..open(&[]) };

    let batch = Gauges::default().write(&notices, NOON).unwrap();

    assert_eq!(numbers(&batch, "topology_baseline_edges"), [5.0]);
    assert_eq!(numbers(&batch, "topology_baseline_coverage"), [0.97]);
}

#[test]
fn keys_have_sane_defaults_and_senseless_ones_are_refused() {
    assert_eq!(settings::<TopologyReceiverConfig>("{}").extension, "topology");
    assert!(!faults::<TopologyReceiverConfig>("{interval: 1ms}").is_empty());
    assert!(!faults::<TopologyReceiverConfig>("{extension: \"1/\"}").is_empty());
}

#[test]
fn the_readme_has_every_key() {
    assert_readme_table::<TopologyReceiverConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/topology/README.md"));
}

fn json(batch: &Batch) -> serde_json::Value {
    serde_json::from_slice(&pdata::json::encode(batch)).unwrap()
}

fn attributes(owner: &serde_json::Value) -> Vec<String> {
    let pairs = owner["attributes"].as_array().unwrap().iter();
    let value = |value: &serde_json::Value| {
        let value = value.as_object().unwrap().values().next().unwrap();
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    pairs.map(|pair| format!("{}={}", pair["key"].as_str().unwrap(), value(&pair["value"]))).collect()
}

fn numbers(batch: &Batch, name: &str) -> Vec<f64> {
    assert_eq!(batch.signal(), Signal::Metrics);
    let told = json(batch);
    let metrics = told["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let metric = metrics.iter().find(|metric| metric["name"] == name);
    let points = metric.and_then(|metric| metric["gauge"]["dataPoints"].as_array()).cloned().unwrap_or_default();
    let number = |point: &serde_json::Value| {
        point["asDouble"].as_f64().or_else(|| point["asInt"].as_str()?.parse().ok()).unwrap()
    };
    points.iter().map(number).collect()
}
