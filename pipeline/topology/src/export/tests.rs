use proptest::prelude::*;

use super::*;
use crate::query::tests::world::{World, calls, deployment, outside, shop};
use crate::query::{Collapse, GraphQuery, graph};
use crate::{
    Denominator, Event, Expectation, Histogram, Instance, Level, Measures, Moment, OutsideKind, Phase, Replicas, Usage,
    View,
};

fn drawn(world: &World, expand: Option<&str>, view: View) -> Graph {
    let none = expand.is_none().then_some("none");
    let collapse = Collapse::from_parameters(none, expand).unwrap();
    let query = GraphQuery { collapse, view, ..GraphQuery::default() };
    let mut graph = graph(&world.observed, &world.judgements, &world.expectations, &query);
    graph.place(None);
    graph
}

/// A world in which everything is called something that a format could stumble over.
fn hostile() -> World {
    let mut world = World::new();
    let evil = deployment("=cmd|' /C calc'!A0", "\"]; x --> y; <script>alert(1)</script>\\\n{{");
    let worse = outside(OutsideKind::HttpApi, "@SUM(1+1),\"\r\n\u{1}%]]>&\u{2028}");
    world.call(&evil, &worse, "h\"t,t|p<b>", calls(10, 3));
    world.edge_is(&evil, &worse, Level::Red).node_is(&evil, Level::Yellow);
    world.edge_was(&evil, &worse, Expectation::Unexpected);
    world
}

#[test]
fn every_format_knows_its_name() {
    for (format, name, media) in FORMATS {
        assert_eq!(name.parse(), Ok(format));
        assert_eq!(format.to_string(), name);
        assert_eq!(format.media_type(), media);
    }
    assert!("png".parse::<Format>().unwrap_err().to_string().contains("`png`"));
}

#[test]
fn dot_draws_groups_nodes_and_edges() {
    let text = picture(&drawn(&shop(), Some("ns:shop"), View::Workload), Picture::Dot);

    assert!(text.contains("subgraph cluster_1 {\n    label=\"shop\";"), "{text}");
    assert!(text.contains("label=\"pay (1)\", shape=folder"), "{text}");
    assert!(text.contains("label=\"20 calls, 30 % errors, 10 ms\""), "{text}");
}

#[test]
fn mermaid_draws_them_too_and_colours_what_is_abnormal() {
    let mut world = shop();
    world.edge_is(&deployment("shop", "cart"), &deployment("pay", "payment"), Level::Red);

    let text = picture(&drawn(&world, None, View::Workload), Picture::Mermaid);

    assert!(text.starts_with("flowchart LR\n"));
    assert!(text.contains("subgraph s1[\"shop\"]"), "{text}");
    assert!(text.contains("stroke:#c0392b"), "{text}");
}

#[test]
fn csv_has_a_line_per_edge() {
    let text = picture(&drawn(&shop(), None, View::Workload), Picture::Csv);

    let line = text.lines().find(|line| line.contains("pay/Deployment/payment,20")).unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(line.starts_with("prod/shop/Deployment/cart,prod/pay/Deployment/payment,20,6,0,0.300,10.000,"), "{line}");
}

#[test]
fn no_name_becomes_a_formula() {
    let text = picture(&drawn(&hostile(), None, View::Workload), Picture::Csv);

    // RFC 4180: cells between commas that stand outside of quotes.
    let mut quoted = false;
    let starts: String = text
        .chars()
        .scan(',', |before, c| {
            let cell_starts = !quoted && matches!(*before, ',' | '\n');
            quoted ^= c == '"';
            *before = c;
            Some(if cell_starts { c } else { ' ' })
        })
        .collect();
    assert!(!starts.contains(['=', '+', '-', '@', '\t']), "{text}");
    assert_eq!(csv_cells(&text).len() % 16, 0);
}

fn csv_cells(text: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (vec![], String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells
}

#[test]
fn no_protocol_becomes_a_formula() {
    for sign in ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠"] {
        let mut world = World::new();
        world.call(&deployment("shop", "cart"), &deployment("shop", "price"), &format!("{sign}1+1"), calls(3, 0));

        let text = picture(&drawn(&world, None, View::Workload), Picture::Csv);

        assert!(csv_cells(&text).iter().any(|cell| *cell == format!("'{sign}1+1")), "{text:?}");
    }
}

/// What stands outside of quotes, and what inside, by turns.
fn outside_and_inside(text: &str) -> (Vec<&str>, Vec<&str>) {
    let parts: Vec<&str> = text.split('"').collect();
    assert_eq!(parts.len() % 2, 1, "a quote is open: {text}");
    (parts.iter().copied().step_by(2).collect(), parts.iter().copied().skip(1).step_by(2).collect())
}

#[test]
fn no_name_becomes_markup() {
    for open in [None, Some("ns:none")] {
        let graph = drawn(&hostile(), open, View::Workload);
        let names = ["script", "alert", "calc", "SUM", "x --> y"];
        let is_ours = |code: &&str| !names.iter().any(|name| code.contains(name));

        let svg = picture(&graph, Picture::Svg);
        assert!(!svg.contains("<script"), "{svg}");
        assert!(!svg.chars().any(|c| c.is_control() && c != '\n'));
        let tags = svg.split('<').skip(1).map(|tag| tag.split_once('>').expect("a tag ends").0);
        let ours = ["svg", "rect", "g", "title", "text", "tspan", "path"];
        for tag in tags {
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
            assert!(ours.contains(&name) && is_ours(&tag), "<{tag}> is none of ours");
        }

        let mermaid = picture(&graph, Picture::Mermaid);
        let (code, labels) = outside_and_inside(&mermaid);
        assert!(code.iter().all(is_ours), "{mermaid}");
        let is_plain = |c: char| c.is_alphanumeric() || " -_.:/,()%#;".contains(c);
        assert!(labels.iter().all(|label| label.chars().all(is_plain)), "{mermaid}");

        let dot = picture(&graph, Picture::Dot);
        let without_escapes = dot.replace("\\\\", "").replace("\\\"", "");
        let (code, labels) = outside_and_inside(&without_escapes);
        assert!(code.iter().all(is_ours), "{dot}");
        assert!(!labels.iter().any(|label| label.contains(['\\', '\n'])), "{dot}");
    }
}

#[test]
fn the_picture_is_the_map_of_the_page() {
    let mut world = shop();
    world.node_is(&deployment("shop", "price"), Level::Red);
    let graph = drawn(&world, Some("ns:shop"), View::Workload);

    let svg = picture(&graph, Picture::Svg);

    assert_eq!(svg.matches("<g id=\"n").count(), 3);
    assert_eq!(svg.matches("<g id=\"g").count(), 3);
    assert_eq!(svg.matches("<g class=\"edge\">").count(), 4);
    let place = graph.nodes.iter().position(|node| &*node.id.name == "price").unwrap();
    let rect = graph.placement.as_ref().unwrap().nodes[place];
    assert!(svg.contains(&format!("x=\"{}\" y=\"{}\" width=\"3\" height=\"44\" fill=\"#c0392b\"", rect.x, rect.y)));
}

#[test]
fn the_picture_shows_what_the_baseline_says() {
    let mut world = shop();
    let [front, cart, price, payment] =
        [("shop", "front"), ("shop", "cart"), ("shop", "price"), ("pay", "payment")].map(|(ns, it)| deployment(ns, it));
    world.edge_was(&front, &cart, Expectation::Forbidden).edge_was(&cart, &payment, Expectation::Unexpected);
    let price = world.entity(&price);
    world.expectations.nodes.insert(price, Expectation::Missing);

    let svg = picture(&drawn(&world, Some("ns:shop"), View::Workload), Picture::Svg);

    let after = |title: &str| svg.split_once(title).unwrap().1.split_once("</g>").unwrap().0;
    assert_eq!(after("front → cart").matches("stroke-width").count(), 2, "forbidden is a double line");
    assert!(after("front → cart").contains("stroke-dasharray=\"7 4\""));
    assert_eq!(after("cart → pay").matches("stroke-dasharray=\"7 4\"").count(), 1);
    assert!(
        after("Deployment/price").contains("fill=\"none\" stroke=\"#646c78\" stroke-dasharray"),
        "missing is hollow"
    );
    assert!(after("ns:prod/pay").contains("1 node · 1 unexpected"), "{}", after("ns:prod/pay"));
}

#[test]
fn names_are_cut_where_they_do_not_fit_and_only_there() {
    let shown = |name: &str| {
        let mut world = World::new();
        world.call(&deployment("shop", name), &deployment("shop", "b"), "http", calls(3, 0));
        let svg = picture(&drawn(&world, None, View::Workload), Picture::Svg);
        let card = svg.split_once(&format!("<g id=\"n{}\"", usize::from(name > "b"))).unwrap().1;
        card.split_once("fill=\"#1c2026\">").unwrap().1.split_once('<').unwrap().0.to_owned()
    };

    assert_eq!(shown("checkout-service-v2"), "checkout-service-v2");
    assert_eq!(shown("illicit-traffic-filter"), "illicit-traffic-filter");
    assert_eq!(shown("recommendation-engine-primary"), "recomme…-primary");
    assert_eq!(shown("WWWWWWWWWWWWWWWWWWWW"), "WWWW…WWWW");
    assert_eq!(shown("支付服务网关接口处理中心系统"), "支付服务…中心系统");
}

#[test]
fn grafana_gets_every_field_it_is_told_of() {
    let mut world = hostile();
    world.call(&deployment("shop", "front"), &deployment("shop", "cart"), "http", calls(1, 0));
    let frames = serde_json::to_value(grafana(&drawn(&world, Some("ns:shop"), View::Workload))).unwrap();
    let fields = serde_json::to_value(fields()).unwrap();

    for (frame, list) in [("nodes", "nodes_fields"), ("edges", "edges_fields")] {
        let told: Vec<&str> =
            fields[list].as_array().unwrap().iter().map(|f| f["field_name"].as_str().unwrap()).collect();
        for row in frames[frame].as_array().unwrap() {
            row.as_object().unwrap().keys().for_each(|key| assert!(told.contains(&key.as_str()), "{key}"));
        }
    }
    for node in frames["nodes"].as_array().unwrap() {
        let arcs = ["arc__ok", "arc__yellow", "arc__red"].iter().map(|arc| node[arc].as_f64().unwrap()).sum::<f64>();
        assert!((arcs - 1.0).abs() < 1e-9);
        assert!(node["fixedX"].is_i64() && node["fixedY"].is_i64());
    }
    let ids: Vec<_> = frames["nodes"].as_array().unwrap().iter().map(|node| &node["id"]).collect();
    for edge in frames["edges"].as_array().unwrap() {
        assert!(ids.contains(&&edge["source"]) && ids.contains(&&edge["target"]));
    }
}

#[test]
fn jaeger_gets_services_and_how_often_they_call() {
    let answer = dependencies(&drawn(&shop(), None, View::Service));

    let calls: Vec<_> = answer.data.iter().map(|it| (&*it.parent, &*it.child, it.call_count)).collect();
    assert_eq!(
        calls,
        [("cart", "payment", 20), ("cart", "price", 50), ("front", "cart", 100), ("payment", "db.example", 40)]
    );
    let json = serde_json::to_value(&answer).unwrap();
    assert_eq!(json["data"][0]["callCount"], 20);
}

/// Everything that a window can hold.
fn full() -> World {
    let mut world = hostile();
    let cart = deployment("shop", "cart");
    let usage = Usage { used: Some(0.25), share: Some(0.5), of: Denominator::Request };
    let pod = Instance {
        name: "cart-1".into(),
        host: Some("host \u{85}\u{1f600}".into()),
        phase: Some(Phase::Pending),
        ready: Some(false),
        unready_since: Some(Moment(7)),
        cpu: Some(usage),
        memory: Some(usage),
        throttled: Some(0.125),
        restarts: 3,
        oom_kills: 1,
        last_seen: Moment(u64::MAX),
    };
    let facts = world.facts(&cart, vec![pod, Instance::default()]);
    facts.replicas = Some(Replicas { desired: 3, available: 1 });
    facts.answered.push((crate::Protocol("true".into()), calls(7, 1)));
    let event = Event { reason: "BackOff".into(), message: "- a: [b".into(), warning: true, count: 9 };
    facts.events.push((Moment(5), event));
    world.observed.complete = false;
    world.observed.tiers = vec![crate::Tier::Step, crate::Tier::Hour];
    world.observed.dropped.insert("edges", 12);
    let measures = &mut world.observed.edges[0].rows[0].measures;
    (measures.gap.sum, measures.gap.count) = (-5, 2);
    measures.flow.failed.timed_out = 4;
    measures.flow.rtt_sum = 99;
    world
}

/// `Observed` has no equality; everything in it prints.
fn shown(observed: &Observed) -> String {
    format!("{observed:#?}")
}

#[test]
fn what_was_written_reads_back() {
    let world = full();

    for format in [File::Json, File::Yaml] {
        let text = window(&world.observed, format);
        let again = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(shown(&again), shown(&world.observed));
    }
}

#[test]
fn what_is_no_export_says_why() {
    let error = |text: &str| read(text).unwrap_err().to_string();

    assert!(error("a: [1").starts_with("line "));
    assert!(error("{\"apiVersion\": ").contains("EOF"));
    assert!(error("").contains("no graph export"));
    assert!(error("a: &x [1]\nb: *x").contains("no aliases"));
    let other = window(&shop().observed, File::Yaml).replace("ObservedGraph", "TopologyBaseline");
    assert!(error(&other).contains("kind `TopologyBaseline`"));
    let cut = window(&shop().observed, File::Json).replace("\"from\": 1,", "\"from\": 77,");
    assert!(error(&cut).contains("entity 77"), "{cut}");
}

#[test]
fn a_deep_file_is_refused() {
    let deep = "[".repeat(100_000);

    assert!(read(&deep).is_err());
    assert!(read(&format!("{{\"a\":{deep}")).is_err());
}

prop_compose! {
    fn measures()(counts in prop::array::uniform8(0u64..1 << 40), buckets in prop::collection::vec((any::<u8>(), 0u64..99), 0..6)) -> Measures {
        let mut measures = calls(counts[0] % 1000, counts[1] % 10);
        measures.server.latency = Histogram::from_parts(counts[2], buckets);
        measures.flow.bytes_sent = counts[3];
        measures.flow.rtt_count = counts[4];
        measures.requests.server_only = counts[5];
        measures.gap.sum = counts[6] as i64 - (1 << 39);
        measures.client.client_errors = counts[7];
        measures
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_window_reads_back(
        edges in prop::collection::vec((0usize..6, 0usize..6, "\\PC{0,6}|http|unspecified", measures()), 0..12),
        names in prop::array::uniform6(".{0,9}"),
    ) {
        let mut world = World::new();
        let who: Vec<_> = names.iter().enumerate().map(|(place, name)| deployment(name, &format!("{name}{place}"))).collect();
        for (from, to, protocol, measures) in edges {
            world.call(&who[from], &who[to], &protocol, measures);
        }
        for format in [File::Json, File::Yaml] {
            let text = window(&world.observed, format);
            let again = read(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(shown(&again), shown(&world.observed));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(\\{|\\[|- |a: |\"|\n|[a-z]|&x |\\*x| ){0,40}") {
        let _ = read(&text);
    }

    #[test]
    fn pictures_of_any_names_are_whole(namespace in ".{0,12}", name in ".{0,12}") {
        let mut world = World::new();
        world.call(&deployment(&namespace, &name), &outside(OutsideKind::S3, &name), &name, calls(3, 1));
        let graph = drawn(&world, None, View::Workload);
        let svg = picture(&graph, Picture::Svg);
        prop_assert_eq!(svg.matches('<').count(), svg.matches('>').count());
        prop_assert_eq!(csv_cells(&picture(&graph, Picture::Csv)).len(), 32);
        let mermaid = picture(&graph, Picture::Mermaid);
        prop_assert_eq!(mermaid.lines().count(), picture(&drawn(&plain(), None, View::Workload), Picture::Mermaid).lines().count());
    }
}

/// The same shape with harmless names.
fn plain() -> World {
    let mut world = World::new();
    world.call(&deployment("shop", "cart"), &outside(OutsideKind::S3, "files"), "http", calls(3, 1));
    world
}
