use std::time::Duration;

use super::*;
use crate::story::{BEGIN, Point, Span, Story, client, decode, server, story, story_on};

const TOTAL: &str = "traces_service_graph_request_total";
const UNPAIRED: &str = "traces_service_graph_unpaired_spans_total";
const DROPPED: &str = "traces_service_graph_dropped_spans_total";
const SERVER_SECONDS: &str = "traces_service_graph_request_server";
const CLIENT_SECONDS: &str = "traces_service_graph_request_client";

fn graph(settings: &str) -> Story {
    story(&FACTORY, settings)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// `client -> server: count` for each edge, sorted.
fn edges(graph: &Story, metric: &str) -> Vec<String> {
    let edge = |point: &Point| {
        let end = |key| point.label(key).unwrap_or("?");
        format!("{} -> {}: {}", end("client"), end("server"), point.count)
    };
    let mut edges: Vec<String> = graph.points(metric).iter().map(edge).collect();
    edges.sort();
    edges
}

fn pair(call: u64) -> [Span; 2] {
    [client("front", call), server("cart", call).lasts(12)]
}

#[test]
fn a_late_server_span_still_completes_its_edge() {
    let mut graph = graph("store: {ttl: 10s}");

    graph.receives(&[client("front", 1)]);
    graph.after(seconds(9)).receives(&[server("cart", 1).lasts(12)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["front -> cart: 1"]);
    assert_eq!(graph.points(CLIENT_SECONDS)[0].sum, 0.020);
    assert_eq!(graph.points(SERVER_SECONDS)[0].sum, 0.012);
    assert_eq!(graph.own_count("otelcol_connector_servicegraph_total_edges"), 1);
}

#[test]
fn the_two_ends_of_a_call_meet_from_different_shards() {
    let mut graph = story_on(2, &FACTORY, "");

    graph.shard_receives(0, &[client("front", 1)]).shard_receives(1, &[server("cart", 1)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["front -> cart: 1"]);
    assert_eq!(graph.times_told(), 1, "one shard tells for all");
}

#[test]
fn what_was_not_told_is_told_when_the_last_shard_stops() {
    let mut graph = story_on(2, &FACTORY, "");
    graph.receives(&pair(1));

    graph.stops();

    assert_eq!((edges(&graph, TOTAL), graph.times_told()), (vec!["front -> cart: 1".to_owned()], 1));
}

#[test]
fn nothing_is_told_at_the_end_if_that_is_not_wanted() {
    let mut graph = graph("flush_on_shutdown: false");
    graph.receives(&pair(1));

    graph.stops();

    assert_eq!(graph.times_told(), 0);
}

#[test]
fn an_edge_that_comes_back_does_not_pretend_to_have_counted_since_the_beginning() {
    let mut graph = graph("series_expiration: 5m");
    graph.receives(&pair(1)).after(seconds(60));
    assert_eq!(graph.points(TOTAL)[0].start, BEGIN);

    graph.after(seconds(400));
    graph.receives(&pair(2)).after(seconds(60));

    let point = &graph.points(TOTAL)[0];
    assert_eq!(point.count, 1);
    assert!(point.start > BEGIN + 300_000_000_000 && point.start < point.time, "started at {}", point.start - BEGIN);
}

#[test]
fn edges_beyond_the_limit_are_counted_together() {
    let mut graph = graph("series_limit: 2");
    for call in 0..5 {
        graph.receives(&[client(&format!("front-{call}"), call), server("cart", call)]);
    }

    graph.after(seconds(60));

    let points = graph.points(TOTAL);
    let overflow: Vec<&Point> =
        points.iter().filter(|point| point.label("otel.metric.overflow") == Some("true")).collect();
    assert_eq!((points.len(), overflow.len(), overflow[0].count), (3, 1, 3));
}

#[test]
fn spans_that_make_no_edge_are_counted_as_metrics() {
    let mut graph = graph("loss_metrics: true, store: {max_items: 2}");

    graph.receives(&[server("cart", 1), client("front", 2), client("front", 3)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, UNPAIRED), [" -> cart: 1", "front -> : 1"]);
    assert_eq!(edges(&graph, DROPPED), ["front -> : 1"]);
    assert_eq!(edges(&graph, TOTAL), ["front -> unknown: 1"]);
    assert_eq!(graph.own_count("otelcol_connector_servicegraph_dropped_spans"), 1);
    assert_eq!(graph.own_count("otelcol_connector_servicegraph_expired_edges"), 2);
}

#[test]
fn the_oldest_end_gives_up_its_place_if_that_is_wanted() {
    let mut graph = graph("store: {max_items: 1, evict_oldest: true}");

    graph.receives(&[client("old", 1), client("front", 2), server("cart", 2)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["front -> cart: 1", "old -> unknown: 1"]);
    assert_eq!(graph.own_count("otelcol_connector_servicegraph_dropped_spans"), 0);
}

#[test]
fn a_pair_that_is_sent_again_counts_once() {
    let mut graph = graph("deduplication: {window: 5m}");

    graph.receives(&pair(1)).receives(&pair(1));
    graph.after(seconds(10)).receives(&pair(1));

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["front -> cart: 1"]);
    assert_eq!(graph.own_count("otelcol_connector_servicegraph_repeated_spans"), 4);
}

#[test]
fn the_second_end_of_a_call_that_was_counted_with_one_makes_no_other_edge() {
    let mut graph = graph("deduplication: {window: 5m}, unpaired_servers: bucket");
    graph.receives(&[server("cart", 1)]).after(seconds(10));

    graph.receives(&[client("front", 1)]).after(seconds(60));

    assert_eq!(edges(&graph, TOTAL), ["unknown -> cart: 1"]);
}

#[test]
fn all_consumers_of_a_message_count_also_when_repeats_do_not() {
    let (consumer, producer) = (5, 4);
    let mut graph = graph("deduplication: {window: 5m}, unpaired_servers: bucket");

    graph.receives(&[client("shop", 1).of_kind(producer), server("mail", 1).of_kind(consumer)]);
    graph.receives(&[server("bill", 1).of_kind(consumer).with_id(99)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["shop -> mail: 1", "unknown -> bill: 1"]);
}

#[test]
fn ends_in_different_traces_meet_by_the_wire() {
    let key = "000102030405060708090a0b0c0d0e0f";
    let mut graph = graph("pair_by_wire_key: true");

    graph.receives(&[client("front", 1).with("tidewatch.wire.key", key)]);
    graph.receives(&[server("cart", 2).in_trace(77).without_parent().with("tidewatch.wire.key", key)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["front -> cart: 1"]);
}

#[test]
fn an_end_with_a_wire_key_meets_one_that_only_knows_the_trace() {
    let key = "000102030405060708090a0b0c0d0e0f";
    let mut graph = graph("pair_by_wire_key: true");

    graph.receives(&[server("cart", 1).with("tidewatch.wire.key", key), client("front", 1)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["front -> cart: 1"]);
}

#[test]
fn a_database_that_is_observed_is_the_server_of_its_edge_and_one_that_is_not_is_its_name() {
    let key = |call: u64| format!("{call:032x}");
    let query = |call| client("orders", call).with("db.name", "shop").with("tidewatch.wire.key", &key(call));
    let mut graph = graph("pair_by_wire_key: true");

    graph.receives(&[query(1), server("mysqld", 1).with("tidewatch.wire.key", &key(1)), query(2)]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["orders -> mysqld: 1", "orders -> shop: 1"]);
    assert!(graph.points(TOTAL).iter().all(|point| point.label("connection_type") == Some("database")));
}

#[test]
fn a_server_whose_client_never_comes_is_an_edge_from_a_bucket_if_that_is_wanted() {
    let mut graph = graph("unpaired_servers: bucket, virtual_node_extra_label: true");

    graph.receives(&[server("cart", 1), server("web", 2).without_parent()]);

    graph.after(seconds(60));
    assert_eq!(edges(&graph, TOTAL), ["unknown -> cart: 1", "user -> web: 1"]);
    assert!(graph.points(TOTAL).iter().all(|point| point.label("virtual_node") == Some("client")));
}

#[test]
fn peers_are_found_by_current_conventions() {
    let mut graph = graph("current_conventions: true");

    graph.receives(&[
        client("a", 1).with("service.peer.name", "bank"),
        client("b", 2).with("server.address", "api.example.com"),
        client("c", 3).with("db.system.name", "redis").with("server.address", "cache.local"),
        client("d", 4).with("db.namespace", "orders").with("db.system.name", "postgresql"),
    ]);

    graph.after(seconds(60));
    let found = ["a -> bank: 1", "b -> api.example.com: 1", "c -> cache.local: 1", "d -> orders: 1"];
    assert_eq!(edges(&graph, TOTAL), found);
    let is_database = |point: &Point| point.label("connection_type") == Some("database");
    assert_eq!(graph.points(TOTAL).iter().filter(|point| is_database(point)).count(), 2);
}

#[test]
fn both_ends_say_in_which_namespace_they_are() {
    let mut graph = graph("namespace_labels: true");

    graph.receives(&[
        client("front", 1).of_resource("service.namespace", "shop"),
        server("cart", 1).of_resource("k8s.namespace.name", "stock"),
    ]);

    graph.after(seconds(60));
    let point = &graph.points(TOTAL)[0];
    assert_eq!(point.label("client_service_namespace"), Some("shop"));
    assert_eq!(point.label("server_service_namespace"), Some("stock"));
}

#[test]
fn both_ends_say_which_workload_runs_them() {
    let mut graph = graph("workload_labels: true");

    graph.receives(&[
        client("front", 1).of_resource("k8s.deployment.name", "front-v2").of_resource("k8s.job.name", "x"),
        server("cart", 1).of_resource("k8s.deployment.name", "").of_resource("k8s.statefulset.name", "cart"),
        // One that says nothing has no label.
        client("front", 2),
        server("stock", 2),
    ]);

    graph.after(seconds(60));
    let points = graph.points(TOTAL);
    let of = |server: &str, label: &str| {
        let point = points.iter().find(|point| point.label("server") == Some(server)).unwrap();
        point.label(label).map(ToOwned::to_owned)
    };
    let labels = [
        "client_k8s_workload_name",
        "client_k8s_workload_kind",
        "server_k8s_workload_name",
        "server_k8s_workload_kind",
    ];
    let found = labels.map(|label| of("cart", label));
    assert_eq!(found, ["front-v2", "Deployment", "cart", "StatefulSet"].map(|value| Some(value.to_owned())));
    assert_eq!(labels.map(|label| of("stock", label)), [None, None, None, None]);
}

#[test]
fn an_edge_has_a_series_for_each_protocol_as_its_client_tells_it_else_its_server() {
    let mut graph = graph("protocol_label: true, current_conventions: true");

    graph.receives(&[
        client("a", 1).with("rpc.system", "grpc").with("network.protocol.name", "http"),
        server("b", 1).with("http.request.method", "POST"),
        server("b", 2).with("http.method", "GET"),
        client("a", 2),
        client("a", 3).with("db.system.name", "redis").with("server.address", "cache.local"),
        client("a", 4),
        server("b", 4),
    ]);

    graph.after(seconds(60));
    let mut protocols: Vec<_> = graph
        .points(TOTAL)
        .iter()
        .map(|point| {
            (point.label("server").unwrap().to_owned(), point.label("network_protocol_name").map(ToOwned::to_owned))
        })
        .collect();
    protocols.sort();
    let expected = [("b", None), ("b", Some("grpc")), ("b", Some("http")), ("cache.local", Some("redis"))];
    assert_eq!(protocols, expected.map(|(server, protocol)| (server.to_owned(), protocol.map(ToOwned::to_owned))));
}

#[test]
fn points_are_stamped_in_the_past_by_the_offset() {
    let mut graph = graph("metrics_timestamp_offset: 10s");
    graph.receives(&pair(1));

    graph.after(seconds(60));

    assert_eq!(graph.points(TOTAL)[0].time, BEGIN + 50_000_000_000);
    assert_eq!(graph.points(SERVER_SECONDS)[0].time, BEGIN + 50_000_000_000);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let problem = |settings: &str| decode(&FACTORY, settings).err().unwrap_or_default();

    let both = problem("latency_histogram_buckets: [1s], exponential_histogram_max_size: 10");
    assert!(
        both.contains(
            "connectors::service_graph: use either `latency_histogram_buckets` or `exponential_histogram_max_size`"
        ),
        "{both}"
    );
    let negative = problem("exponential_histogram_max_size: -1");
    assert!(negative.contains("`exponential_histogram_max_size` can not be negative"), "{negative}");
    assert!(problem("series_limits: 5").contains("did you mean `series_limit`?"));
}

#[test]
fn the_readme_lists_every_key() {
    ::config::assert_readme_table::<ServiceGraphConfig>(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/service_graph/README.md"
    ));
}
