//! What spans make known.

use ::topology::{Exemplar, Lane, Protocol, Transport};
use component::testkit::BEGINNING;

use super::kit::{MS, SECOND, client, node, server, story, story_on};

#[test]
fn a_call_that_both_ends_saw_is_one_fact_with_both_latencies() {
    let mut story = story("");

    story.sees(&[
        client("front", 1)
            .with("network.protocol.name", "HTTP")
            .with("network.transport", "tcp")
            .number("server.port", 8080),
        server("cart", 1),
    ]);

    let fact = story.only();
    assert_eq!(super::kit::call(&fact), "Service/front -> Service/cart: 1 paired");
    assert_eq!((fact.lane, fact.over, fact.at.0), (Lane::Spans, 0, BEGINNING));
    assert_eq!((fact.protocol, fact.port, fact.transport), (Protocol("http".into()), Some(8080), Transport::Tcp));
    assert_eq!(fact.measures.client.latency.mean_ms(), Some(20.0));
    assert_eq!(fact.measures.server.latency.mean_ms(), Some(12.0));
    assert_eq!(fact.measures.gap.mean(), Some(i64::try_from(8 * MS).unwrap()));
    let trace = 2_u128.to_be_bytes();
    assert_eq!(fact.exemplar, Some(Exemplar { trace, duration: 20 * MS, failed: false }));
}

#[test]
fn the_ends_meet_on_different_shards_in_any_order_within_their_patience() {
    let mut story = story_on(2, "");

    story.shard_sees(1, &[server("cart", 1)]).after(2).shard_sees(0, &[client("front", 1)]).after(60);

    assert_eq!(story.calls(), ["Service/front -> Service/cart: 1 paired"]);
}

#[test]
fn the_wire_joins_ends_of_different_traces() {
    let key = "0000000000000000000000000000002a";
    let mut story = story("");

    story.sees(&[
        client("front", 1).with("tidewatch.wire.key", key),
        server("cart", 1).in_trace(77).without_parent().with("tidewatch.wire.key", key),
    ]);

    assert_eq!(story.calls(), ["Service/front -> Service/cart: 1 paired"]);
}

#[test]
fn a_root_is_called_by_the_user_and_anybody_elses_caller_is_unknown() {
    let mut story = story("");

    story.sees(&[server("front", 1).without_parent(), server("cart", 2)]).after(4);

    assert_eq!(story.calls(), ["Unknown/unknown -> Service/cart: 1 server", "User/user -> Service/front: 1 server"]);
}

#[test]
fn an_end_that_comes_late_still_learns_who_called() {
    let mut story = story("");
    story.sees(&[server("cart", 9).without_parent()]).calls();

    story.sees(&[client("front", 1).with("server.address", "cart")]).after(10).sees(&[server("cart", 1)]).after(60);

    assert_eq!(
        story.calls(),
        ["Service/front -> Service/cart: 1 client", "Service/front -> Service/cart: 1 server"],
        "one edge, and its requests are the larger of both: one"
    );
}

#[test]
fn a_span_that_comes_again_counts_once() {
    let mut story = story("");
    let call = [client("front", 1), server("cart", 1)];

    story.sees(&call).sees(&call).after(200).sees(&call);

    assert_eq!(story.calls(), ["Service/front -> Service/cart: 1 paired"]);
    assert_eq!(story.told().ends.repeated, 4);
    story.after(301).sees(&call);
    assert_eq!(story.calls().len(), 1, "five minutes later nobody remembers");
}

#[test]
fn unpaired_ends_that_come_again_count_once() {
    let mut story = story("");
    let (alone, database) = (server("cart", 1), client("cart", 2).with("db.system.name", "redis"));

    story.sees(&[alone.clone(), alone.clone(), database.clone()]).after(4).sees(&[alone, database]).after(4);

    assert_eq!(story.calls(), ["Service/cart -> Redis/redis: 1 client", "Unknown/unknown -> Service/cart: 1 server"]);
}

#[test]
fn the_memory_of_waiting_ends_is_bounded_and_the_oldest_gives_way() {
    let mut story = story("{pairing: {max_items: 10}}");

    for call in 0..100 {
        story.sees(&[server("cart", call)]);
    }

    assert_eq!(story.calls().len(), 90, "they are on the map all the same");
    assert_eq!(story.told().ends.evicted, 90);
}

#[test]
fn workloads_come_from_attributes_of_kubernetes() {
    let mut story = story("");
    let front = client("front-svc", 1).of("k8s.cluster.name", "prod").of("k8s.namespace.name", "shop");
    let front = front.of("k8s.deployment.name", "front").of("k8s.pod.name", "front-1").of("k8s.node.name", "node-a");
    let cart = server("cart", 1).of("k8s.namespace.name", "shop").of("k8s.replicaset.name", "cart-7d9f8b6c5d");

    story.sees(&[front, cart]);

    let fact = story.only();
    assert_eq!(super::kit::call(&fact), "prod/shop/Deployment/front -> shop/Deployment/cart: 1 paired");
    let source = fact.source.unwrap();
    assert_eq!((source.pod.as_deref(), source.host.as_deref()), (Some("front-1"), Some("node-a")));
}

#[test]
fn an_sdks_default_name_names_nobody_whom_we_know_better() {
    let mut story = story("");
    let named = |call, service| server(service, call).without_parent();

    story.sees(&[named(1, "unknown_service:java").of("k8s.deployment.name", "cart"), named(2, "unknown_service:java")]);

    let facts = story.rows().facts;
    let service = |place: usize| match &facts[place].target.who {
        ::topology::Who::Inside(inside) => inside.service.as_ref().map(|service| service.name.to_string()),
        ::topology::Who::Outside(_) => None,
    };
    assert_eq!((service(0), service(1)), (None, Some("unknown_service:java".into())));
}

#[test]
fn a_resource_without_any_name_is_unknown_and_its_calls_are_not_lost() {
    let mut story = story("");

    story.sees(&[client("", 1).nameless(), server("cart", 1)]);

    assert_eq!(story.calls(), ["Unknown/unknown -> Service/cart: 1 paired"]);
}

#[test]
fn a_peer_is_the_service_or_workload_that_is_known_under_its_address() {
    let mut story = story("");
    let cart = |call, name: &str| {
        server("cart-app", call).without_parent().of("k8s.namespace.name", "shop").of("k8s.deployment.name", name)
    };
    story.sees(&[cart(90, "cart")]).calls();
    let front =
        |call, address: &str| client("front", call).of("k8s.namespace.name", "shop").with("server.address", address);

    story.sees(&[front(1, "cart"), front(2, "cart.shop"), front(3, "cart-app.shop.svc.cluster.local.")]).after(4);
    assert_eq!(story.calls(), vec!["shop/Service/front -> shop/Deployment/cart: 1 client"; 3]);

    story.sees(&[front(4, "cart.other"), front(5, "pay.other.svc")]).after(4);
    assert_eq!(
        story.calls(),
        ["shop/Service/front -> HTTP-API/cart.other: 1 client", "shop/Service/front -> other/Service/pay: 1 client"],
        "only known names, unless the name says itself that it is a Service"
    );
}

#[test]
fn a_service_in_front_of_two_workloads_is_the_target_if_the_backend_was_not_seen() {
    let mut story = story("");
    let cart = |call, workload: &str| server("cart", call).without_parent().of("k8s.deployment.name", workload);
    story.sees(&[cart(90, "cart-v1"), cart(91, "cart-v2")]).calls();

    story.sees(&[client("front", 1).with("server.address", "cart")]).after(4);

    assert_eq!(story.calls(), ["Service/front -> Service/cart: 1 client"]);
}

#[test]
fn outside_peers_are_typed_by_product_else_by_class() {
    let mut story = story("");
    let call = |call| client("cart", call);

    story
        .sees(&[
            call(1)
                .with("db.system.name", "postgresql")
                .with("server.address", "db.example")
                .with("db.namespace", "orders"),
            call(2).with("db.system", "mysql").with("db.name", "orders"),
            call(3).with("db.system.name", "duckdb"),
            call(4).with("http.request.method", "GET").with("server.address", "API.example.com"),
            call(5).with("http.request.method", "GET").with("server.address", "10.1.2.3"),
            call(6).with("rpc.system", "aws-api").with("rpc.service", "S3").with("aws.s3.bucket", "photos"),
            call(7).with("dns.question.name", "x.example").with("server.address", "10.0.0.10"),
            call(8).with("http.url", "https://old.example/v1").with("http.method", "GET"),
            call(9).with("peer.service", "stripe"),
            call(10),
            call(11).with("service.peer.name", "pay"),
        ])
        .after(4);

    assert_eq!(
        story.calls(),
        [
            "Service/cart -> DNS/10.0.0.10: 1 client",
            "Service/cart -> Database/duckdb: 1 client",
            "Service/cart -> HTTP-API/api.example.com: 1 client",
            "Service/cart -> HTTP-API/old.example: 1 client",
            "Service/cart -> HTTP-API/stripe: 1 client",
            "Service/cart -> IP/10.1.2.3: 1 client",
            "Service/cart -> MySQL/orders: 1 client",
            "Service/cart -> PostgreSQL/db.example: 1 client",
            "Service/cart -> S3/photos: 1 client",
            "Service/cart -> Service/pay: 1 client",
            "Service/cart -> Unknown/unknown: 1 client",
        ]
    );
}

#[test]
fn a_database_inside_is_its_workload() {
    let mut story = story("");
    let database = server("orders-db", 90).without_parent().of("k8s.namespace.name", "shop");
    story.sees(&[database.of("k8s.statefulset.name", "orders-db")]).calls();

    let cart = client("cart", 1).of("k8s.namespace.name", "shop").with("db.system.name", "postgresql");
    story.sees(&[cart.with("server.address", "orders-db.shop.svc")]);

    let fact = story.only();
    assert_eq!(super::kit::call(&fact), "shop/Service/cart -> shop/StatefulSet/orders-db: 1 client");
    assert_eq!(fact.protocol, Protocol("postgresql".into()), "which draws the glyph of a database");
}

#[test]
fn messages_pass_through_their_queue() {
    let mut story = story("");
    let message = |span: super::kit::Span, operation: &str| {
        span.with("messaging.system", "kafka")
            .with("messaging.destination.name", "orders")
            .with("messaging.operation.type", operation)
    };

    story.sees(&[
        message(client("shop", 1).of_kind(4), "create"),
        message(client("shop", 1).with_id(50), "send"),
        message(server("billing", 1).of_kind(5), "process"),
        message(client("billing", 2), "receive"),
        message(client("audit", 3), "receive"),
    ]);

    assert_eq!(
        story.calls(),
        [
            "Kafka/orders -> Service/audit: 1 server",
            "Kafka/orders -> Service/billing: 1 server",
            "Service/shop -> Kafka/orders: 1 client",
        ]
    );
}

#[test]
fn without_a_destination_producer_and_consumer_are_a_direct_pair() {
    let mut story = story("");

    story.sees(&[client("shop", 1).of_kind(4), server("billing", 1).of_kind(5)]);

    assert_eq!(story.calls(), ["Service/shop -> Service/billing: 1 paired"]);
}

#[test]
fn faults_and_errors_of_clients_are_counted_apart_and_per_side() {
    let mut story = story("");

    story.sees(&[
        client("front", 1).number("http.response.status_code", 404).fails(),
        server("cart", 1).number("http.response.status_code", 404),
        client("front", 2).fails(),
        server("cart", 2).number("http.response.status_code", 200),
        client("front", 3).number("rpc.grpc.status_code", 14),
        server("cart", 3).number("rpc.grpc.status_code", 14),
    ]);

    let sides: Vec<_> = story
        .rows()
        .facts
        .iter()
        .map(|fact| (&fact.measures.client, &fact.measures.server))
        .map(|(client, server)| [client.errors, client.client_errors, server.errors, server.client_errors])
        .collect();
    assert_eq!(sides, [[0, 1, 0, 1], [1, 0, 0, 0], [1, 0, 1, 0]]);
}

#[test]
fn a_sampled_span_stands_for_those_that_were_not_kept() {
    let mut story = story("");

    for call in 0..100 {
        // A span stands for one and a half.
        let state = "ot=th:55555555555555";
        story.sees(&[client("front", call).weighs(state), server("cart", call).weighs(state)]);
    }

    let facts = story.rows().facts;
    let requests: u64 = facts.iter().map(|fact| fact.measures.requests()).sum();
    assert!((149..=151).contains(&requests), "{requests}");
    let latency: u64 = facts.iter().map(|fact| fact.measures.client.latency.count()).sum();
    assert_eq!(latency, requests);
}

#[test]
fn the_end_of_a_span_is_its_time_however_late_and_odd_clocks_do_no_harm() {
    let mut story = story("");
    let yesterday = BEGINNING - 86_400 * SECOND;

    story.sees(&[server("cart", 1).without_parent().ends_at(yesterday)]);
    assert_eq!(story.only().at.0, yesterday);

    let backwards = server("cart", 2).without_parent().ends_at(u64::MAX);
    story.sees(&[backwards]);
    assert_eq!(story.only().at.0, u64::MAX, "the store says what is too far in the future");
}

#[test]
fn any_number_of_names_is_read_and_told() {
    let mut story = story("");
    let call = |call: u64| {
        let peer = format!("host-{call}.example");
        client(&format!("cart-{call}"), call).with("db.system", "redis").with("server.address", &peer)
    };

    for thousand in 0..20 {
        story.sees(&(thousand * 1000..(thousand + 1) * 1000).map(call).collect::<Vec<_>>());
    }

    assert_eq!(story.calls().len(), 20_000, "more than are kept at hand");
}

#[test]
fn names_are_kept_as_far_as_names_go() {
    let mut story = story("");
    let long = "é".repeat(100_000);
    let url = format!("https://{long}/{long}");

    story.sees(&[
        client(&long, 1).with("url.full", &url).with("network.protocol.name", &long),
        client("front", 2).of("k8s.pod.name", &long).with("db.system", &long),
    ]);

    for fact in story.after(4).rows().facts {
        let (source, target) = (fact.source.as_ref().map(|end| node(&end.who)), node(&fact.target.who));
        let longest = [source.unwrap(), target, fact.protocol.0.to_string()].map(|name| name.len());
        assert!(longest.iter().all(|length| *length < 300), "{longest:?}");
    }
}
