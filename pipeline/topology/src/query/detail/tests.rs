use super::*;
use crate::query::tests::world::{World, calls, deployment, outside, shop};
use crate::{
    Denominator, Event, Exemplar, Expectation, Instance, Kind, Level, Moment, NodeId, OutsideKind, Protocol, SECOND,
    Usage, View,
};

fn id(namespace: &str, name: &str) -> NodeId {
    NodeId { cluster: "prod".into(), namespace: namespace.into(), kind: Kind::Deployment, name: name.into() }
}

fn look(world: &World, namespace: &str, name: &str) -> NodeDetail {
    let links = Links::default();
    let opinions = (&world.judgements, &world.expectations);
    node(&world.observed, opinions.0, opinions.1, View::Workload, &id(namespace, name), &links).unwrap()
}

fn look_at_edge(
    world: &World,
    from: (&str, &str),
    to: (&str, &str),
    exemplars: &[(Moment, Exemplar)],
) -> Option<EdgeDetail> {
    let links = Links { trace: Some("https://traces.example/{trace_id}".to_owned()), logs: None };
    let ends = (&id(from.0, from.1), &id(to.0, to.1));
    edge(&world.observed, &world.judgements, &world.expectations, View::Workload, ends, exemplars, &links)
}

#[test]
fn a_node_tells_its_calls_by_protocol_and_both_ways() {
    let cart = look(&shop(), "shop", "cart");

    assert_eq!((cart.inbound.calls.requests, cart.outbound.calls.requests), (100, 70));
    let spoken: Vec<_> = cart.outbound.protocols.iter().map(|it| (&*it.protocol.0, it.calls.requests)).collect();
    assert_eq!(spoken, [("grpc", 50), ("http", 20)]);
    assert_eq!(cart.outbound.calls.error_ratio, Some(6.0 / 70.0));
    assert_eq!(cart.also[0].to_string(), "prod/shop/Service/cart");
}

#[test]
fn neighbours_come_worst_first() {
    let mut world = shop();
    world.edge_is(&deployment("shop", "cart"), &deployment("pay", "payment"), Level::Red);

    let cart = look(&world, "shop", "cart");

    let down: Vec<_> = cart.downstream.iter().map(|it| (&*it.id.name, it.level)).collect();
    assert_eq!(down, [("payment", Level::Red), ("price", Level::Unknown)]);
    assert_eq!(&*cart.upstream[0].id.name, "front");
}

#[test]
fn a_call_that_is_required_and_missing_is_a_neighbour() {
    let mut world = shop();
    world.edge_was(&deployment("shop", "price"), &deployment("pay", "ledger"), Expectation::Missing);

    let price = look(&world, "shop", "price");

    assert_eq!(price.downstream[0].expected, Some(Expectation::Missing));
    assert_eq!(price.downstream[0].requests, 0);
}

#[test]
fn the_pod_that_takes_no_traffic_stands_first() {
    let mut world = shop();
    let busy = Usage { used: Some(0.9), share: Some(0.9), of: Denominator::Limit };
    world.facts(
        &deployment("shop", "cart"),
        vec![
            Instance { name: "cart-1".into(), ready: Some(true), ..Instance::default() },
            Instance { name: "cart-2".into(), ready: Some(true), cpu: Some(busy), ..Instance::default() },
            Instance { name: "cart-3".into(), ready: Some(false), ..Instance::default() },
        ],
    );

    let cart = look(&world, "shop", "cart");

    let names: Vec<_> = cart.instances.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["cart-3", "cart-2", "cart-1"]);
}

#[test]
fn events_come_newest_first() {
    let mut world = shop();
    let event = |reason: &str| Event { reason: reason.into(), message: "".into(), warning: true, count: 1 };
    let facts = world.facts(&deployment("shop", "cart"), vec![]);
    facts.events = vec![(Moment(SECOND), event("Pulled")), (Moment(9 * SECOND), event("BackOff"))];

    let cart = look(&world, "shop", "cart");

    assert_eq!(
        cart.events.iter().map(|it| (it.at, &*it.reason)).collect::<Vec<_>>(),
        [(9000, "BackOff"), (1000, "Pulled")]
    );
}

#[test]
fn calls_of_unnamed_callers_count_if_they_are_more_and_are_said_to_be() {
    let mut world = shop();
    let facts = world.facts(&deployment("shop", "cart"), vec![]);
    facts.answered = vec![(Protocol("http".into()), calls(60, 0)), (Protocol("grpc".into()), calls(60, 0))];

    let inbound = look(&world, "shop", "cart").inbound;

    assert!(inbound.anonymous);
    assert_eq!(inbound.calls.requests, 120);
}

#[test]
fn an_edge_tells_both_sides_and_the_gap_between_them() {
    let mut world = shop();
    let gap = &mut world.observed.edges[0].rows[0].measures.gap;
    (gap.sum, gap.count) = (200_000_000, 100);

    let edge = look_at_edge(&world, ("shop", "front"), ("shop", "cart"), &[]).unwrap();

    assert_eq!(edge.calls.client.unwrap().avg_ms, 10.0);
    assert_eq!(edge.calls.server.unwrap().avg_ms, 8.0);
    assert_eq!(edge.calls.gap_ms, Some(2.0));
    assert_eq!(edge.calls.rate, Some(100.0 / 900.0));
    assert_eq!(edge.rows[0].port, Some(8080));
    assert_eq!(edge.protocols[0].calls.requests, 100);
}

#[test]
fn what_the_network_did_is_told_where_it_was_counted() {
    let mut world = shop();
    let flow = &mut world.observed.edges[0].rows[0].measures.flow;
    (flow.rtt_sum, flow.rtt_count, flow.retransmits, flow.segments) = (30_000_000, 10, 5, 100);
    flow.failed.refused = 2;

    let network = look_at_edge(&world, ("shop", "front"), ("shop", "cart"), &[]).unwrap().calls.network.unwrap();

    assert_eq!((network.rtt_ms, network.retransmit_ratio, network.refused), (Some(3.0), Some(0.05), 2));
    assert!(look_at_edge(&shop(), ("shop", "front"), ("shop", "cart"), &[]).unwrap().calls.network.is_none());
}

#[test]
fn failed_traces_come_first_and_have_links() {
    let trace = |byte: u8, duration: u64, failed| (Moment(0), Exemplar { trace: [byte; 16], duration, failed });
    let exemplars = [trace(1, 900, false), trace(2, 5, true), trace(1, 900, false)];

    let edge = look_at_edge(&shop(), ("shop", "front"), ("shop", "cart"), &exemplars).unwrap();

    let links: Vec<_> = edge.exemplars.iter().filter_map(|it| it.link.as_deref()).collect();
    assert_eq!(
        links,
        [
            "https://traces.example/02020202020202020202020202020202",
            "https://traces.example/01010101010101010101010101010101"
        ]
    );
}

#[test]
fn an_edge_of_services_stands_for_edges_of_their_workloads() {
    let world = shop();
    let service = |name: &str| format!("prod/shop/Service/{name}").parse::<NodeId>().unwrap();

    let found = pairs(&world.observed, View::Service, &service("front"), &service("cart"));

    let edge = &world.observed.edges[0];
    assert_eq!(found, [(edge.source, edge.target)]);
    assert_eq!(members(&world.observed, View::Service, &service("cart")), [edge.target]);
}

#[test]
fn between_strangers_there_is_no_edge() {
    assert!(look_at_edge(&shop(), ("shop", "price"), ("shop", "front"), &[]).is_none());
    let (judged, expected) = Default::default();
    let nobody = node(&shop().observed, &judged, &expected, View::Workload, &id("shop", "nobody"), &Links::default());
    assert!(nobody.is_none());
}

#[test]
fn an_outside_peer_has_details_too() {
    let mut world = shop();
    world.entity(&outside(OutsideKind::MySQL, "db.example"));
    let mysql: NodeId = "prod//MySQL/db.example".parse().unwrap();

    let links = Links::default();
    let detail = node(&world.observed, &world.judgements, &world.expectations, View::Service, &mysql, &links).unwrap();

    assert_eq!(detail.inbound.calls.requests, 40);
    assert!(detail.also.is_empty());
}

#[test]
fn hostile_names_do_not_break_out_of_links() {
    let evil = NodeId { name: "a/../b?x=\"><script>".into(), ..id("shop", "cart") };
    let links = Links { trace: None, logs: Some("https://logs.example/{namespace}/{name}?p={pod}&{what}".to_owned()) };

    let link = links.of_logs(&evil, "&q=1", 1, 2).unwrap();

    assert_eq!(link, "https://logs.example/shop/a%2F..%2Fb%3Fx%3D%22%3E%3Cscript%3E?p=%26q%3D1&{what}");
    let script = Links { trace: None, logs: Some("javascript:alert('{name}')".to_owned()) };
    assert_eq!(script.of_logs(&evil, "", 1, 2), None);
}
