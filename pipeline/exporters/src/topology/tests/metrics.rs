//! What metrics make known of edges and nodes.

use ::topology::{FailedConnects, Flow, Lane};
use component::testkit::BEGINNING;
use pdata::{Batch, ExponentialFields, HistogramFields, MetricsWriter, Number, PointFields, Temporality};

use super::super::metrics::PointTally;
use super::kit::{SECOND, call, client, labels, metrics, server, story};

/// A point since one second after our beginning.
fn at(seconds: u64) -> PointFields {
    let since = BEGINNING + SECOND;
    PointFields { start_unix_nano: since, time_unix_nano: BEGINNING + seconds * SECOND, flags: 0 }
}

fn counter(writer: &mut MetricsWriter, name: &str, time: u64, value: i64, of: &[(&str, &str)]) {
    counter_as(writer, name, Temporality::Cumulative, &at(time), value, of);
}

fn counter_as(
    writer: &mut MetricsWriter,
    name: &str,
    temporality: Temporality,
    fields: &PointFields,
    value: i64,
    of: &[(&str, &str)],
) {
    writer.sum(name, "", "", temporality, true, |points| {
        points.number(fields, Number::Int(value), |out| labels(out, of));
    });
}

/// A histogram of `count` measurements of `seconds` each.
fn durations(
    writer: &mut MetricsWriter,
    name: &str,
    unit: &str,
    time: u64,
    (count, each): (u64, f64),
    of: &[(&str, &str)],
) {
    let counts = [0, count, 0];
    let bounds = if unit == "ms" { [1.0, 10_000.0] } else { [0.001, 10.0] };
    let sum = Some(each * f64::from(u32::try_from(count).unwrap()));
    let fields =
        HistogramFields { count, sum, bucket_counts: &counts, explicit_bounds: &bounds, ..HistogramFields::default() };
    writer.histogram(name, "", unit, Temporality::Cumulative, |points| {
        points.histogram(&at(time), &fields, &[], |out| labels(out, of));
    });
}

fn graph(time: u64, count: u32, of: &[(&str, &str)]) -> Batch {
    metrics(&[], |writer| {
        counter(writer, "traces_service_graph_request_total", time, i64::from(count), of);
        let each = (u64::from(count), 0.020);
        durations(writer, "traces_service_graph_request_client", "s", time, each, of);
        durations(writer, "traces_service_graph_request_server", "s", time, (each.0, 0.012), of);
    })
}

const EDGE: [(&str, &str); 3] = [("client", "front"), ("server", "cart"), ("connection_type", "")];

#[test]
fn a_scrape_of_an_edge_is_one_row_that_grew_evenly_since_the_last() {
    let mut story = story("");

    story.takes(&graph(11, 5, &EDGE)).rows();
    story.takes(&graph(26, 9, &EDGE));

    let fact = story.only();
    assert_eq!(call(&fact), "Service/front -> Service/cart: 4 paired");
    assert_eq!((fact.lane, fact.at.0, fact.over), (Lane::ServiceGraph, BEGINNING + 26 * SECOND, 15 * SECOND));
    assert_eq!(fact.measures.client.latency.mean_ms(), Some(20.0));
    assert_eq!(fact.measures.server.latency.mean_ms(), Some(12.0));
    assert_eq!(fact.measures.gap.mean(), Some(8_000_000));
    assert!(fact.protocol.is_unspecified());
}

#[test]
fn an_edge_on_which_nothing_happened_gives_no_row() {
    let mut story = story("");
    story.takes(&graph(11, 5, &EDGE)).rows();

    story.takes(&graph(26, 5, &EDGE));

    assert_eq!(story.rows().facts.len(), 0);
}

#[test]
fn labels_tell_places_and_protocols_with_dots_or_underscores() {
    let mut story = story("");
    let dots = [
        ("client", "front"),
        ("server", "cart"),
        ("client_k8s.namespace.name", "shop"),
        ("client_k8s.deployment.name", "front"),
        ("server_k8s.namespace.name", "shop"),
        ("client_http.request.method", "GET"),
    ];
    let scraped = dots.map(|(key, value)| (key.replace('.', "_"), value));
    let scraped: Vec<_> = scraped.iter().map(|(key, value)| (key.as_str(), *value)).collect();

    story.takes(&graph(11, 5, &dots)).takes(&graph(11, 5, &scraped));

    let facts = story.rows().facts;
    let calls: Vec<_> = facts.iter().map(call).collect();
    assert_eq!(calls, ["shop/Deployment/front -> shop/Service/cart: 5 paired"; 2]);
    assert!(facts.iter().all(|fact| &*fact.protocol.0 == "http"));
}

#[test]
fn names_without_a_place_mean_the_only_one_who_has_them() {
    let mut story = story("");
    let cart = server("cart", 1).without_parent().of("k8s.namespace.name", "shop").of("k8s.deployment.name", "cart");
    story.takes(&graph(11, 1, &EDGE)).calls();

    story.sees(&[cart]).calls();
    story.takes(&graph(26, 3, &EDGE));

    assert_eq!(story.calls(), ["Service/front -> shop/Deployment/cart: 2 paired"], "though the edge was known before");
}

#[test]
fn exponential_histograms_milliseconds_and_deltas_say_the_same() {
    let mut story = story("");
    let exponential = metrics(&[], |writer| {
        let fields = ExponentialFields {
            count: 4,
            sum: Some(80.0),
            scale: 3,
            positive: (34, &[4]),
            ..ExponentialFields::default()
        };
        writer.exponential_histogram("traces_service_graph_request_client", "", "ms", Temporality::Delta, |points| {
            points.exponential(&at(11), &fields, &[], |out| labels(out, &EDGE));
        });
        counter_as(writer, "traces_service_graph_request_total", Temporality::Delta, &at(11), 4, &EDGE);
    });

    story.takes(&exponential);

    let fact = story.only();
    assert_eq!(call(&fact), "Service/front -> Service/cart: 4 paired");
    assert_eq!((fact.measures.client.latency.count(), fact.measures.client.latency.mean_ms()), (4, Some(20.0)));
    let median = fact.measures.client.latency.quantile_ms(0.5).unwrap();
    assert!((15.0..26.0).contains(&median), "{median}");
}

#[test]
fn resets_repeats_and_writers_before_our_time_never_count_twice() {
    let mut story = story("");
    let old = |seconds: u64, start: u64, value: i64| {
        metrics(&[], |writer| {
            let fields = PointFields { start_unix_nano: start, ..at(seconds) };
            counter_as(writer, "traces_service_graph_request_total", Temporality::Cumulative, &fields, value, &EDGE);
        })
    };
    let (before, replica) = (BEGINNING - 900 * SECOND, BEGINNING - 800 * SECOND);

    story.takes(&old(11, before, 1000)).takes(&old(12, replica, 70));
    story.takes(&old(21, before, 1004)).takes(&old(22, replica, 71)).takes(&old(21, before, 1004));
    story.takes(&old(31, BEGINNING + 25 * SECOND, 6));

    assert_eq!(
        story.calls(),
        [
            "Service/front -> Service/cart: 1 paired",
            "Service/front -> Service/cart: 4 paired",
            "Service/front -> Service/cart: 6 paired"
        ]
    );
    let points = story.told().points;
    assert_eq!((points.references, points.repeated, points.taken), (2, 1, 3));
}

#[test]
fn streams_are_bounded() {
    let mut story = story("{streams: {max_items: 10}}");
    let many = metrics(&[], |writer| {
        for peer in 0..100 {
            let of = [("client", "front"), ("server", &*format!("peer-{peer}"))];
            counter(writer, "traces_service_graph_request_total", 11, 1, &of);
        }
    });

    story.takes(&many);

    assert_eq!(story.calls().len(), 10);
    assert_eq!(story.told().points.full, 90);
}

#[test]
fn a_servers_durations_feed_its_node_and_a_clients_its_edge() {
    let mut story = story("");
    let told = metrics(&[("service.name", "cart"), ("k8s.deployment.name", "cart")], |writer| {
        let ok = [("http.request.method", "GET"), ("http.response.status_code", "200")];
        durations(writer, "http.server.request.duration", "s", 11, (7, 0.010), &ok);
        let missing = [("http.request.method", "GET"), ("http.response.status_code", "404")];
        durations(writer, "http.server.request.duration", "s", 11, (2, 0.010), &missing);
        let failed = [("rpc.system", "grpc"), ("server.address", "pay.example"), ("rpc.grpc.status_code", "14")];
        durations(writer, "rpc.client.duration", "ms", 11, (3, 30.0), &failed);
        let database = [("db.system.name", "postgresql"), ("server.address", "db.example")];
        durations(writer, "db.client.operation.duration", "s", 11, (4, 0.005), &database);
    });

    story.takes(&told);

    let mut facts = story.rows().facts;
    facts.sort_by_key(call);
    let calls: Vec<_> = facts.iter().map(call).collect();
    assert_eq!(
        calls,
        [
            "- -> Deployment/cart: 9 server",
            "Deployment/cart -> HTTP-API/pay.example: 3 client",
            "Deployment/cart -> PostgreSQL/db.example: 4 client"
        ]
    );
    let [node, grpc, database] = &facts[..] else { panic!("three facts") };
    assert_eq!((node.measures.server.errors, node.measures.server.client_errors), (0, 2));
    assert_eq!((grpc.measures.client.errors, grpc.measures.client.latency.mean_ms()), (3, Some(30.0)));
    assert_eq!((&*database.protocol.0, database.lane), ("postgresql", Lane::Red));
}

#[test]
fn span_metrics_count_calls_once_and_only_where_nothing_better_is_told() {
    let mut story = story("");
    let spans = |service: &'static str| {
        metrics(&[("service.name", service)], |writer| {
            let of = [("span.kind", "SPAN_KIND_SERVER"), ("status.code", "STATUS_CODE_ERROR"), ("span.name", "GET /")];
            counter(writer, "traces.span.metrics.calls", 11, 5, &of);
            durations(writer, "traces.span.metrics.duration", "ms", 11, (5, 40.0), &of);
        })
    };
    let convention = metrics(&[("service.name", "cart")], |writer| {
        durations(writer, "http.server.request.duration", "s", 11, (5, 0.040), &[("http.request.method", "GET")]);
    });

    story.takes(&convention).calls();
    story.takes(&spans("cart")).takes(&spans("pay"));

    let fact = story.only();
    assert_eq!(call(&fact), "- -> Service/pay: 5 server");
    assert_eq!((fact.measures.server.errors, fact.measures.server.latency.mean_ms()), (5, Some(40.0)));
}

#[test]
fn flows_are_told_once_from_the_caller_and_by_the_called_if_the_caller_is_not_observed() {
    let mut story = story("");
    let tcp = |reporter: &'static str, source: &'static str, bytes: i64| {
        metrics(&[("host.name", "a")], |writer| {
            let mut of = vec![
                ("tidewatch.reporter", reporter),
                ("destination.service.name", "cart"),
                ("network.protocol.name", "http"),
                ("tidewatch.direction", "forward"),
            ];
            of.push(if source.contains('.') { ("source.address", source) } else { ("source.service.name", source) });
            counter(writer, "tidewatch.tcp.bytes", 11, bytes, &of);
        })
    };

    story.takes(&tcp("source", "front", 500)).takes(&tcp("destination", "front", 500)).takes(&tcp(
        "destination",
        "10.0.0.7",
        90,
    ));

    let facts = story.rows().facts;
    let told: Vec<_> = facts.iter().map(|fact| (call(fact), fact.measures.flow.bytes_sent, fact.lane)).collect();
    assert_eq!(
        told,
        [
            ("Service/front -> Service/cart: ".to_owned(), 500, Lane::Flows),
            ("IP/10.0.0.7 -> Service/cart: ".to_owned(), 90, Lane::Flows)
        ]
    );
}

#[test]
fn an_address_is_whoever_speaks_from_it() {
    let mut story = story("");
    let of = |more: &[(&'static str, &'static str)]| {
        let more = more.to_vec();
        metrics(&[], move |writer| counter(writer, "tidewatch.tcp.connections", 11, 2, &more))
    };

    story.takes(&of(&[
        ("tidewatch.reporter", "destination"),
        ("destination.service.name", "cart"),
        ("destination.address", "10.0.0.9"),
        ("source.address", "10.0.0.7"),
    ]));
    story.takes(&of(&[
        ("tidewatch.reporter", "source"),
        ("source.service.name", "front"),
        ("source.address", "10.0.0.7"),
        ("destination.address", "10.0.0.9"),
    ]));

    assert_eq!(story.calls().last().map(String::as_str), Some("Service/front -> Service/cart: "));
}

#[test]
fn an_address_that_two_have_spoken_from_is_nobodys() {
    let mut story = story("");
    let tells = |source: &'static str, from: &'static str, to: &'static str| {
        let of = [
            ("tidewatch.reporter", "source"),
            ("source.service.name", source),
            ("source.address", from),
            ("destination.address", to),
        ];
        metrics(&[], move |writer| counter(writer, "tidewatch.tcp.connections", 11, 2, &of))
    };

    story.takes(&tells("old", "10.0.0.7", "203.0.113.9"));
    story.takes(&tells("new", "10.0.0.7", "203.0.113.9"));
    story.takes(&tells("front", "10.0.0.8", "10.0.0.7"));

    let calls = story.calls();
    assert!(calls.contains(&"Service/front -> Unknown/unknown: ".to_owned()), "{calls:?}");
    assert_eq!(calls.len(), 3, "{calls:?}");
}

#[test]
fn what_goes_on_to_an_address_that_changed_hands_is_nobodys_from_then_on() {
    let mut story = story("");
    let tells = |source: &'static str, from: &'static str, to: &'static str, seconds, count| {
        let of = [
            ("tidewatch.reporter", "source"),
            ("source.service.name", source),
            ("source.address", from),
            ("destination.address", to),
        ];
        metrics(&[], move |writer| counter(writer, "tidewatch.tcp.connections", seconds, count, &of))
    };

    story.takes(&tells("old", "10.0.0.7", "203.0.113.9", 11, 1));
    story.takes(&tells("front", "10.0.0.8", "10.0.0.7", 11, 2));
    story.takes(&tells("new", "10.0.0.7", "203.0.113.9", 12, 1));
    story.takes(&tells("front", "10.0.0.8", "10.0.0.7", 26, 5));

    let facts = story.rows().facts;
    let of_front: Vec<_> = facts.iter().filter(|fact| call(fact).starts_with("Service/front")).collect();
    let told: Vec<_> = of_front.iter().map(|fact| (call(fact), fact.measures.flow.connections)).collect();
    assert_eq!(
        told,
        [("Service/front -> Service/old: ".to_owned(), 2), ("Service/front -> Unknown/unknown: ".to_owned(), 3)]
    );
}

#[test]
fn everything_of_a_flow_has_its_place() {
    let mut story = story("");
    let edge =
        [("tidewatch.reporter", "source"), ("source.service.name", "front"), ("destination.service.name", "cart")];
    let with = |key: &'static str, value: &'static str| edge.into_iter().chain([(key, value)]).collect::<Vec<_>>();

    story.takes(&metrics(&[], |writer| {
        counter(writer, "tidewatch.tcp.bytes", 11, 10, &with("tidewatch.direction", "forward"));
        counter(writer, "tidewatch.tcp.bytes", 11, 20, &with("tidewatch.direction", "backward"));
        counter(writer, "tidewatch.tcp.connections", 11, 3, &edge);
        counter(writer, "tidewatch.tcp.retransmits", 11, 4, &edge);
        counter(writer, "tidewatch.tcp.failed_connections", 11, 5, &with("error.type", "connection_refused"));
        counter(writer, "tidewatch.tcp.failed_connections", 11, 6, &with("error.type", "timeout"));
        counter(writer, "tidewatch.tcp.failed_connections", 11, 7, &with("error.type", "host_unreachable"));
        durations(writer, "tidewatch.tcp.rtt", "s", 11, (8, 0.001), &edge);
    }));

    assert_eq!(
        story.only().measures.flow,
        Flow {
            bytes_sent: 10,
            bytes_received: 20,
            connections: 3,
            failed: FailedConnects { refused: 5, timed_out: 6, unreachable: 7 },
            rtt_sum: 8_000_000,
            rtt_count: 8,
            retransmits: 4,
            segments: 0,
        }
    );
}

#[test]
fn a_histogram_of_more_buckets_than_anybody_has_counts_and_lies_at_its_mean() {
    let mut story = story("");
    let bounds: Vec<f64> = (1..=1000).map(f64::from).collect();
    let mut counts = vec![0; 1001];
    (counts[0], counts[999]) = (50, 50);
    let fields = HistogramFields {
        count: 100,
        sum: Some(3.0),
        bucket_counts: &counts,
        explicit_bounds: &bounds,
        ..HistogramFields::default()
    };

    story.takes(&metrics(&[("service.name", "cart")], |writer| {
        writer.histogram("http.server.request.duration", "", "s", Temporality::Cumulative, |points| {
            points.histogram(&at(11), &fields, &[], |_| {});
        });
    }));

    let measures = story.only().measures;
    let latency = measures.server.latency;
    assert_eq!((measures.requests.server_only, latency.mean_ms()), (100, Some(30.0)));
    assert!(latency.quantile_ms(0.95).unwrap() < 40.0);
}

#[test]
fn our_own_findings_are_skipped_and_counted_and_so_is_what_means_nothing() {
    let mut story = story("");

    story.takes(&metrics(&[], |writer| {
        counter(writer, "topology.findings", 11, 1, &[]);
        counter(writer, "http.server.active_requests", 11, 1, &[]);
        writer.gauge("container.cpu.usage", "", "{cpu}", |points| {
            points.number(&at(11), Number::Double(f64::NAN), |_| {});
            points.number(&PointFields { flags: 1, ..at(11) }, Number::Int(0), |_| {});
        });
        let edge = [("server.address", "127.0.0.1")];
        durations(writer, "http.client.request.duration", "s", 11, (1, 0.1), &edge);
    }));

    let points = story.told().points;
    let told = PointTally { own: 1, foreign: 1, unreadable: 1, absent: 1, nobody: 1, ..PointTally::default() };
    assert_eq!(points, told);
    assert_eq!(story.rows().count(), 0);
}

#[test]
fn a_span_and_a_metric_of_the_same_call_stay_in_their_lanes() {
    let mut story = story("");

    story.sees(&[client("front", 1), server("cart", 1)]).takes(&graph(11, 1, &EDGE));

    let lanes: Vec<_> = story.rows().facts.iter().map(|fact| (fact.lane, call(fact))).collect();
    let edge = "Service/front -> Service/cart: 1 paired".to_owned();
    assert_eq!(lanes, [(Lane::Spans, edge.clone()), (Lane::ServiceGraph, edge)]);
}
