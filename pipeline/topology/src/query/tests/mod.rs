mod questions;
pub(crate) mod world;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::filter::Kept;
use crate::{EntityId, Expectation, Instance, Level, Measures, OutsideKind, View, Who};
use world::{World, calls, deployment, outside, shop};

fn ask(world: &World, query: &GraphQuery) -> Graph {
    graph(&world.observed, &world.judgements, &world.expectations, query)
}

fn open() -> GraphQuery {
    GraphQuery { collapse: Collapse::from_parameters(Some("none"), None).unwrap(), ..GraphQuery::default() }
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| &*node.id.name).collect()
}

/// `front>cart` for every edge; groups by their ids.
fn lines(graph: &Graph) -> Vec<String> {
    let name = |spot: Spot| match spot {
        Spot::Node(place) => graph.nodes[place as usize].id.name.to_string(),
        Spot::Group(place) => graph.groups[place as usize].id.clone(),
    };
    graph.edges.iter().map(|edge| format!("{}>{}", name(edge.source), name(edge.target))).collect()
}

#[test]
fn at_first_only_groups_are_seen_and_each_shows_its_abnormal_share() {
    let mut world = shop();
    world.node_is(&deployment("shop", "cart"), Level::Yellow).node_is(&deployment("shop", "price"), Level::Red);

    let graph = ask(&world, &GraphQuery::default());

    assert!(graph.nodes.is_empty());
    let ids: Vec<_> = graph.groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(ids, ["ns:prod/pay", "ns:prod/shop", "ext:MySQL"]);
    let shop = &graph.groups[1];
    assert_eq!((shop.nodes, shop.yellow, shop.red), (3, 1, 1));
    let worst: Vec<_> = shop.worst.iter().map(|(id, level)| (&*id.name, *level)).collect();
    assert_eq!(worst, [("price", Level::Red), ("cart", Level::Yellow)]);
    assert_eq!(lines(&graph), ["ns:prod/pay>ext:MySQL", "ns:prod/shop>ns:prod/pay"]);
}

#[test]
fn an_edge_between_groups_says_how_many_calls_it_stands_for_and_how_many_are_red() {
    let mut world = shop();
    let (front, payment) = (deployment("shop", "front"), deployment("pay", "payment"));
    world.call(&front, &payment, "http", calls(5, 0));
    world.edge_is(&deployment("shop", "cart"), &payment, Level::Red);

    let graph = ask(&world, &GraphQuery::default());

    let edge = &graph.edges[1];
    assert_eq!((edge.edges, edge.red, edge.whole.requests(), edge.whole.errors()), (2, 1, 25, 6));
    assert_eq!(edge.health.level, Level::Red);
    let red: Vec<_> = graph.groups.iter().map(|group| group.edges_red).collect();
    assert_eq!(red, [1, 1, 0]);
}

#[test]
fn one_group_opens_and_the_others_stay_cards() {
    let collapse = Collapse::from_parameters(None, Some("ns:shop")).unwrap();

    let graph = ask(&shop(), &GraphQuery { collapse, ..GraphQuery::default() });

    assert_eq!(names(&graph), ["cart", "front", "price"]);
    assert_eq!(lines(&graph), ["cart>price", "cart>ns:prod/pay", "front>cart", "ns:prod/pay>ext:MySQL"]);
}

#[test]
fn calls_within_a_collapsed_group_are_counted_but_not_drawn() {
    let mut world = shop();
    world.edge_is(&deployment("shop", "front"), &deployment("shop", "cart"), Level::Red);

    let graph = ask(&world, &GraphQuery::default());

    assert!(!lines(&graph).iter().any(|line| line == "ns:prod/shop>ns:prod/shop"));
    assert_eq!(graph.groups[1].edges_red, 1);
}

#[test]
fn the_same_rows_make_services_workloads_and_namespaces() {
    let mut world = World::new();
    let canary = |workload: &str| match deployment("shop", workload) {
        Who::Inside(mut inside) => {
            inside.service.as_mut().unwrap().name = "cart".into();
            Who::Inside(inside)
        }
        outside @ Who::Outside(_) => outside,
    };
    let front = deployment("shop", "front");
    world.call(&front, &canary("cart-v1"), "http", calls(90, 0)).call(&front, &canary("cart-v2"), "http", calls(10, 1));

    let in_view = |view| ask(&world, &GraphQuery { view, ..open() });

    assert_eq!(lines(&in_view(View::Workload)), ["front>cart-v1", "front>cart-v2"]);
    let services = in_view(View::Service);
    assert_eq!(lines(&services), ["front>cart"]);
    assert_eq!((services.edges[0].whole.requests(), services.edges[0].whole.errors()), (100, 1));
    assert_eq!(lines(&in_view(View::Namespace)), ["shop>shop"]);
}

#[test]
fn a_workload_without_traffic_is_a_node_if_its_state_is_known() {
    let mut world = shop();
    let pod = |name: &str, ready| Instance { name: name.into(), ready: Some(ready), ..Instance::default() };
    world.facts(&deployment("shop", "idle"), vec![pod("idle-1", true), pod("idle-2", false)]);

    let graph = ask(&world, &open());

    let idle = graph.nodes.iter().find(|node| &*node.id.name == "idle").unwrap();
    assert_eq!(idle.instances, Some(Instances { total: 2, ready: 1 }));
    assert_eq!(idle.inbound, Measures::default());
}

#[test]
fn what_a_baseline_requires_and_nobody_does_is_drawn_as_missing() {
    let mut world = shop();
    world.edge_was(&deployment("shop", "price"), &deployment("pay", "ledger"), Expectation::Missing);

    let graph = ask(&world, &open());

    let place = lines(&graph).iter().position(|line| line == "price>ledger").unwrap();
    assert_eq!(graph.edges[place].expected, Some(Expectation::Missing));
    assert_eq!(graph.edges[place].whole.requests(), 0);
}

#[test]
fn unexpected_calls_show_on_the_edge_and_on_both_groups() {
    let mut world = shop();
    world.edge_was(&deployment("shop", "cart"), &deployment("pay", "payment"), Expectation::Unexpected);

    let graph = ask(&world, &GraphQuery::default());

    assert_eq!((graph.edges[1].unexpected, graph.edges[1].expected), (1, Some(Expectation::Unexpected)));
    assert_eq!(graph.groups.iter().map(|group| group.unexpected).collect::<Vec<_>>(), [1, 1, 0]);
}

fn focused(text: &str, depth: u32, direction: Direction) -> GraphQuery {
    GraphQuery { focus: Some(text.parse().unwrap()), depth: Depth(depth), direction, ..GraphQuery::default() }
}

#[test]
fn a_focus_shows_callers_and_called_as_far_as_asked() {
    let world = shop();
    let cart = "prod/shop/Deployment/cart";

    let around = ask(&world, &focused(cart, 1, Direction::Both));
    assert_eq!(names(&around), ["payment", "cart", "front", "price"]);
    assert_eq!(lines(&around), ["cart>payment", "cart>price", "front>cart"]);

    assert_eq!(names(&ask(&world, &focused(cart, 1, Direction::Up))), ["cart", "front"]);
    assert_eq!(ask(&world, &focused(cart, 2, Direction::Down)).nodes.len(), 4);
    assert_eq!(names(&ask(&world, &focused(cart, 0, Direction::Both))), ["cart"]);
}

#[test]
fn a_focus_on_an_edge_shows_who_leads_to_it_and_what_it_leads_to() {
    let focus = "prod/shop/Deployment/cart>prod/pay/Deployment/payment";

    let graph = ask(&shop(), &focused(focus, 1, Direction::Both));

    let mut found = lines(&graph);
    found.sort();
    assert_eq!(found, ["cart>payment", "front>cart", "payment>db.example"]);
}

#[test]
fn a_focus_that_had_no_traffic_stands_alone() {
    let mut world = shop();
    world.entity(&deployment("shop", "quiet"));

    let graph = ask(&world, &focused("prod/shop/Deployment/quiet", 3, Direction::Both));

    assert_eq!(names(&graph), ["quiet"]);
}

#[test]
fn a_filter_leaves_what_it_keeps() {
    let mut world = shop();
    let (front, cart) = (world.entity(&deployment("shop", "front")), world.entity(&deployment("shop", "cart")));
    let kept = Kept { nodes: [front, cart].into(), edges: [(front, cart)].into() };

    let graph = ask(&world, &GraphQuery { kept: Some(kept), ..open() });

    assert_eq!(lines(&graph), ["front>cart"]);
    assert_eq!(names(&graph), ["cart", "front"]);
}

#[test]
fn what_is_over_the_limit_goes_and_is_counted_and_trouble_stays() {
    let mut world = shop();
    world.node_is(&outside(OutsideKind::MySQL, "db.example"), Level::Red);

    let graph = ask(&world, &GraphQuery { limits: Limits { nodes: 2, edges: 10 }, ..open() });

    assert!(!graph.complete);
    assert_eq!(graph.dropped.get("nodes"), Some(&3));
    assert!(names(&graph).contains(&"db.example"));
}

#[test]
fn calls_without_a_known_caller_feed_the_node_and_are_not_added_to_its_edges() {
    let mut world = shop();
    let cart = deployment("shop", "cart");
    world.facts(&cart, vec![]).answered.push((crate::Protocol("http".into()), calls(130, 2)));

    let graph = ask(&world, &open());

    let node = graph.nodes.iter().find(|node| &*node.id.name == "cart").unwrap();
    assert_eq!((node.inbound.requests(), node.inbound.errors()), (130, 2));
    assert_eq!(node.outbound, Outbound { requests: 70, errors: 6 });
}

#[test]
fn the_frozen_names_are_in_the_answer() {
    let mut world = shop();
    world.edge_is(&deployment("shop", "cart"), &deployment("pay", "payment"), Level::Red);

    let answer = serde_json::to_value(ask(&world, &open())).unwrap();

    assert_eq!(answer["window"]["covered_s"], 900.0);
    assert_eq!(answer["complete"], true);
    let edges = answer["edges"].as_array().unwrap();
    let edge = edges.iter().find(|edge| edge["target"] == "prod/pay/Deployment/payment").unwrap();
    assert_eq!(edge["source"], "prod/shop/Deployment/cart");
    assert_eq!((&edge["requests"], &edge["errors"]), (&Value::from(20), &Value::from(6)));
    assert_eq!(edge["client"]["avg_ms"], 10.0);
    assert_eq!(edge["server"]["avg_ms"], 8.0);
    assert_eq!(edge["protocols"]["http"]["requests"], 20);
    assert_eq!(edge["sources"][0], "spans");
    assert_eq!(edge["health"]["level"], "red");
    assert_eq!(edge["health"]["reasons"][0]["class"], "performance");
    assert!(edge.get("expected").is_none());
    let node = answer["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "payment").unwrap();
    assert_eq!((&node["kind"], &node["namespace"]), (&"Deployment".into(), &"pay".into()));
}

#[test]
fn columns_say_what_objects_say() {
    let mut world = shop();
    world.edge_is(&deployment("shop", "cart"), &deployment("pay", "payment"), Level::Red);
    let collapse = Collapse::from_parameters(None, Some("ns:shop")).unwrap();
    let graph = ask(&world, &GraphQuery { collapse, ..GraphQuery::default() });

    let objects = serde_json::to_value(&graph).unwrap();
    let columns = serde_json::to_value(graph.columns()).unwrap();

    let nodes = columns["nodes"]["id"].as_array().unwrap();
    let ids: Vec<&Value> = nodes.iter().chain(columns["groups"]["id"].as_array().unwrap()).collect();
    for (place, edge) in objects["edges"].as_array().unwrap().iter().enumerate() {
        let column = |name: &str| &columns["edges"][name][place];
        assert_eq!(ids[column("source").as_u64().unwrap() as usize], &edge["source"]);
        assert_eq!(ids[column("target").as_u64().unwrap() as usize], &edge["target"]);
        assert_eq!(column("requests"), &edge["requests"]);
        assert_eq!(column("client_p95_ms"), &edge["client"]["p95_ms"]);
        let level = column("level").as_u64().unwrap() as usize;
        assert_eq!(columns["levels"][level], edge["health"]["level"]);
    }
    for (place, node) in objects["nodes"].as_array().unwrap().iter().enumerate() {
        let text = |name: &str| &columns["texts"][columns["nodes"][name][place].as_u64().unwrap() as usize];
        assert_eq!(text("kind"), &node["kind"]);
        assert_eq!(text("namespace"), &node["namespace"]);
        assert_eq!(columns["nodes"]["name"][place], node["name"]);
    }
}

#[test]
fn a_placed_graph_says_where_everything_stands() {
    let collapse = Collapse::from_parameters(None, Some("ns:shop")).unwrap();
    let mut graph = ask(&shop(), &GraphQuery { collapse, ..GraphQuery::default() });
    graph.place(None);

    let objects = serde_json::to_value(&graph).unwrap();
    let columns = serde_json::to_value(graph.columns()).unwrap();

    for kind in ["nodes", "groups"] {
        for (place, object) in objects[kind].as_array().unwrap().iter().enumerate() {
            for side in ["x", "y", "w", "h"] {
                assert!(object[side].is_i64(), "{object}");
                assert_eq!(object[side], columns[kind][side][place]);
            }
        }
    }
    let route = objects["edges"][0]["route"].as_array().unwrap();
    let flat: Vec<&Value> = route.iter().flat_map(|corner| corner.as_array().unwrap()).collect();
    assert_eq!(flat, columns["edges"]["route"][0].as_array().unwrap().iter().collect::<Vec<_>>());
    assert!(objects["size"][0].as_i64() > objects["nodes"][0]["x"].as_i64());
}

#[test]
fn questions_that_mean_nothing_say_what_would() {
    let error = Collapse::from_parameters(Some("shop"), None).unwrap_err();
    assert!(error.to_string().contains("`collapse=shop` means nothing"), "{error}");
    assert!("sideways".parse::<Direction>().unwrap_err().to_string().contains("`up`, `down` or `both`"));
    assert!("shop/cart".parse::<Focus>().unwrap_err().to_string().contains("cluster/namespace/Kind/name"));
    assert!(view("pods").unwrap_err().to_string().contains("`host`"));
}

proptest! {
    #[test]
    fn collapsing_never_loses_or_invents_calls(
        calls_made in prop::collection::vec((0usize..12, 0usize..12, 1u64..50), 1..60),
        opened in prop::collection::vec(0usize..4, 0..4),
    ) {
        let mut world = World::new();
        let who = |place: usize| deployment(["a", "b", "c", "d"][place % 4], &format!("w{place}"));
        for (from, to, requests) in &calls_made {
            world.call(&who(*from), &who(*to), "http", calls(*requests, 0));
        }
        let expand = opened.iter().map(|place| format!("ns:{}", ["a", "b", "c", "d"][*place])).collect::<Vec<_>>().join(",");
        let collapse = Collapse::from_parameters(None, Some(&expand)).unwrap();

        let whole = ask(&world, &open());
        let part = ask(&world, &GraphQuery { collapse, ..GraphQuery::default() });

        let is_closed = |place: usize| !opened.contains(&(place % 4));
        let inside = calls_made.iter().filter(|(from, to, _)| from % 4 == to % 4 && is_closed(*from));
        let hidden: u64 = inside.map(|(_, _, requests)| requests).sum();
        let total = |graph: &Graph| graph.edges.iter().map(|edge| edge.whole.requests()).sum::<u64>();
        prop_assert_eq!(total(&part) + hidden, total(&whole));
        let counted: u32 = part.groups.iter().map(|group| group.nodes).sum();
        prop_assert_eq!(counted as usize, whole.nodes.len());
    }

    #[test]
    fn any_text_is_a_question_or_refused(text in ".{0,40}") {
        let _ = Collapse::from_parameters(Some(&text), None);
        let _ = text.parse::<Focus>();
        let _ = text.parse::<Depth>();
    }

    #[test]
    fn unknown_entities_draw_nothing(source in 0u32..9, target in 0u32..9) {
        let mut world = shop();
        let mut edge = world.observed.edges[0].clone();
        (edge.source, edge.target) = (EntityId(source), EntityId(target));
        world.observed.edges.push(edge);
        let _ = ask(&world, &open());
    }
}
