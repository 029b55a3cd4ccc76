//! Stories: what the observer makes of what processes do.

use protocols::{Close, Role};

use super::stories::*;
use super::*;

const TRACEPARENT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

#[test]
fn both_ends_of_an_exchange_leave_in_one_batch_as_parent_and_child() {
    let mut world = world(settings());
    let mut wire = world.connects(WEB, SHOP);

    world.asks(&mut wire, 0, "GET /cart/17");
    world.answers(&mut wire, 5, 200);

    let (client, server) = pair(world.spans());
    assert_eq!((client.service.as_str(), server.service.as_str()), ("web", "shop"));
    assert_eq!(server.parent.as_ref(), Some(&client.id));
    assert_eq!((client.parent.as_ref(), &client.trace), (None, &server.trace));
    assert_eq!(client.attributes["tidewatch.wire.key"], server.attributes["tidewatch.wire.key"]);
    assert_eq!(client.attributes["service.peer.name"], "shop");
    assert_eq!(server.attributes["service.peer.name"], "web");
    assert!(client.start <= server.start);
}

#[test]
fn a_client_whose_send_was_stamped_late_does_not_start_after_its_server() {
    let mut world = world(settings());
    let mut wire = world.connects(WEB, SHOP);

    // The server receives at 1 ms; the client's blocking send returns at 3 ms.
    world.moves(&mut Wire { client: EndId(0), ..wire }, 1, true, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    world.moves(&mut Wire { server: EndId(0), ..wire }, 3, true, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.next.0 += 27;
    world.answers(&mut wire, 5, 200);

    let (client, server) = pair(world.spans());
    assert_eq!(client.start, server.start);
}

#[test]
fn the_end_that_is_alone_leaves_when_patience_ends() {
    let mut world = world(settings());
    let mut wire = world.connects(WEB, SHOP);
    world.asks(&mut wire, 0, "GET /");
    // The server's answer is seen where it is sent only.
    world.answers(&mut Wire { client: EndId(0), ..wire }, 5, 200);
    assert!(world.spans().is_empty());

    world.observer.tick(ms(1_000));
    assert!(world.spans().is_empty());
    world.observer.tick(ms(3_000));

    let spans = world.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].kind, "server");
    assert_eq!(world.observer.unjoined(), 1);
}

#[test]
fn an_end_whose_other_end_is_elsewhere_does_not_wait() {
    let mut world = world(settings());
    let mut wire = world.connects_away(WEB);

    world.whole_exchange(&mut wire, 0, "GET /");

    assert_eq!(world.spans().len(), 1);
    assert_eq!(world.observer.unjoined(), 0);
}

#[test]
fn a_server_that_closes_before_its_client_has_read_the_answer_is_joined_all_the_same() {
    let mut world = world(settings());
    let mut wire = world.connects(WEB, SHOP);
    world.asks(&mut wire, 0, "GET /");
    let mut at_server = Wire { client: EndId(0), ..wire };
    world.answers(&mut at_server, 5, 200);
    world.closes(wire.server, 6);

    world.answers(&mut Wire { server: EndId(0), ..wire }, 7, 200);

    let (client, server) = pair(world.spans());
    assert_eq!(server.parent, Some(client.id));
    assert_eq!(client.attributes["service.peer.name"], "shop");
}

#[test]
fn a_connection_whose_role_only_its_bytes_tell_is_paired() {
    let mut world = world(settings());
    let mut wire = world.wire(WEB, SHOP);
    world.opens(&wire, (Role::Unknown, Role::Unknown), false);

    world.whole_exchange(&mut wire, 0, "GET /");

    let (client, server) = pair(world.spans());
    assert_eq!(server.parent, Some(client.id));
    assert!(server.attributes.contains_key("tidewatch.wire.key"));
}

#[test]
fn both_ends_of_a_connection_seen_from_outside_belong_together_without_handshake() {
    let mut world = world(settings());
    let mut wire = world.wire(WEB, SHOP);
    let one = Opened { is_new: false, ..opened(Role::Unknown, WEB, None) };
    let other = Opened { local: one.peer, peer: one.local, process: SHOP, ..one };
    world.observer.opened_together((wire.client, &one), (wire.server, &other));

    world.whole_exchange(&mut wire, 0, "GET /");

    let (client, server) = pair(world.spans());
    assert_eq!(server.parent, Some(client.id));
    assert!(!server.attributes.contains_key("tidewatch.wire.key"), "a made-up key is told to nobody");
}

#[test]
fn the_trace_context_on_the_wire_is_the_trace() {
    let mut world = world(settings());
    let mut wire = world.is_called(SHOP);

    world.asks_with(&mut wire, 0, "GET /", TRACEPARENT);
    world.answers(&mut wire, 5, 200);

    let span = world.spans().remove(0);
    assert_eq!(span.trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span.parent.as_deref(), Some("00f067aa0ba902b7"));
}

#[test]
fn a_call_made_while_answering_belongs_to_the_request() {
    let mut world = world(settings());
    let mut outer = world.is_called(SHOP);
    let mut inner = world.connects(SHOP, BANK);

    world.asks(&mut outer, 0, "GET /checkout");
    world.whole_exchange(&mut inner, 1, "POST /pay");
    world.answers(&mut outer, 10, 200);

    let spans = world.spans();
    let find =
        |service: &str, kind: &str| spans.iter().find(|span| span.service == service && span.kind == kind).unwrap();
    let (outer, call, bank) = (find("shop", "server"), find("shop", "client"), find("bank", "server"));
    assert_eq!(call.parent.as_ref(), Some(&outer.id));
    assert_eq!(bank.parent.as_ref(), Some(&call.id));
    assert_eq!((&call.trace, &bank.trace), (&outer.trace, &outer.trace));
}

#[test]
fn a_request_whose_connection_broke_causes_nothing_any_more() {
    let mut world = world(settings());
    let mut broken = world.is_called(SHOP);
    let mut inner = world.connects(SHOP, BANK);
    world.asks(&mut broken, 0, "GET /first");
    world.closes(broken.server, 2);
    world.spans();

    world.whole_exchange(&mut inner, 3, "POST /pay");

    let (client, _) = pair(world.spans());
    assert_eq!((client.parent, client.links.len()), (None, 0));
}

#[test]
fn an_answer_that_was_lost_does_not_keep_its_request_open() {
    let mut world = world(settings());
    let mut outer = world.is_called(SHOP);
    let mut inner = world.connects(SHOP, BANK);
    world.asks(&mut outer, 0, "GET /lost");
    outer.next.1 += 500;
    world.whole_exchange(&mut outer, 1_000, "GET /found");

    world.whole_exchange(&mut inner, 2_000, "POST /pay");

    let spans = world.spans_at_last();
    let call = spans.iter().find(|span| span.kind == "client").unwrap();
    assert_eq!((call.parent.as_ref(), call.links.len()), (None, 0));
}

#[test]
fn sampling_keeps_or_drops_whole_traces() {
    let mut world = world(ObserverSettings { ratio: 0.5, ..settings() });
    let mut wire = world.connects(WEB, SHOP);
    for number in 0..200 {
        world.whole_exchange(&mut wire, number * 10, "GET /");
    }

    let spans = world.spans();

    let servers = spans.iter().filter(|span| span.kind == "server").count();
    assert!((60..140).contains(&servers), "{servers}");
    assert_eq!(spans.len(), 2 * servers);
    assert!(spans.iter().all(|span| u8::from_str_radix(&span.trace[18..20], 16).unwrap() >= 0x80));
    assert_eq!(world.points(5_000, "http.server.request.duration")[0].value, 200, "metrics are always whole");
}

fn ignoring(metrics: bool) -> ObserverSettings {
    let rule = IgnoreRule { path: Some("/healthz".into()), user_agent: None, metrics };
    ObserverSettings { ignore: vec![rule], ..settings() }
}

#[test]
fn what_is_ignored_still_counts_unless_told_otherwise() {
    for (metrics, counted) in [(true, 2), (false, 1)] {
        let mut world = world(ignoring(metrics));
        let mut wire = world.connects(WEB, SHOP);
        world.whole_exchange(&mut wire, 0, "GET /healthz");
        world.whole_exchange(&mut wire, 10, "GET /cart");

        let spans = world.spans();
        let points = world.points(100, "http.server.request.duration");

        assert_eq!(pair(spans).1.name, "GET /cart");
        assert_eq!(points.iter().map(|point| point.value).sum::<u64>(), counted);
    }
}

fn exports_traces(world: &mut World, process: u32) {
    let mut wire = world.connects_away(process);
    world.whole_exchange(&mut wire, 0, "POST /v1/traces");
    world.spans();
}

#[test]
fn a_process_that_exports_traces_is_left_to_itself_and_its_callee_has_the_parent_on_the_wire() {
    let mut world = world(settings());
    exports_traces(&mut world, WEB);
    let mut wire = world.connects(WEB, SHOP);

    world.asks_with(&mut wire, 10, "GET /", TRACEPARENT);
    world.answers(&mut wire, 15, 200);

    let spans = world.spans();
    assert_eq!(spans.len(), 1, "nobody waits for a span that is not told");
    assert_eq!(spans[0].service, "shop");
    assert_eq!(spans[0].parent.as_deref(), Some("00f067aa0ba902b7"));
    assert_eq!(world.points(100, "http.client.request.duration").len(), 2, "metrics stay");
}

#[test]
fn a_program_that_replaces_one_that_exported_traces_is_told() {
    let mut world = world(settings());
    exports_traces(&mut world, WEB);
    world.observer.identify().replace(WEB);

    let mut wire = world.connects(WEB, SHOP);
    world.whole_exchange(&mut wire, 10, "GET /");

    assert_eq!(world.spans().len(), 2);
}

#[test]
fn keep_tells_all_spans_and_suppress_leaves_out_who_declares_an_sdk() {
    for (policy, services) in [
        (SdkInstrumented::Keep, vec!["bank", "web"]),
        (SdkInstrumented::Auto, vec!["bank", "web"]),
        (SdkInstrumented::SuppressSpans, vec!["web"]),
    ] {
        let mut world = world(ObserverSettings { sdk_instrumented: policy, ..settings() });
        let mut wire = world.connects(WEB, BANK);
        world.whole_exchange(&mut wire, 0, "GET /");

        let mut found: Vec<String> = world.spans().into_iter().map(|span| span.service).collect();
        found.sort();
        assert_eq!(found, services, "{policy:?}");
    }
}

fn sums(sent: u64, received: u64) -> Statistics {
    Statistics { sent, received, retransmits: 0, rtt_us: 0 }
}

fn bytes(world: &mut World, at: u64, reporter: &str) -> Vec<u64> {
    let points = world.points(at, "tidewatch.tcp.bytes");
    let of = |direction| {
        let is_it =
            |point: &&Point| point.is("tidewatch.reporter", reporter) && point.is("tidewatch.direction", direction);
        points.iter().filter(is_it).map(|point| point.value).sum()
    };
    vec![of("forward"), of("backward")]
}

#[test]
fn both_ends_report_an_edge_with_bytes_exactly_as_their_sums_say() {
    let mut world = world(settings());
    let wire = world.connects(WEB, SHOP);
    world.observer.statistics(wire.client, sums(100, 40));
    world.observer.statistics(wire.server, sums(40, 100));
    assert_eq!(bytes(&mut world, 100, "source"), [100, 40]);

    world.observer.statistics(wire.client, sums(150, 45));
    world.observer.statistics(wire.server, sums(45, 150));

    let points = world.points(200, "tidewatch.tcp.bytes");
    assert_eq!(points.len(), 4);
    assert!(
        points
            .iter()
            .all(|point| point.is("source.service.name", "web") && point.is("destination.service.name", "shop"))
    );
    assert!(
        points.iter().all(|point| point.is("destination.port", "80") && !point.attributes.contains_key("source.port"))
    );
    assert_eq!(bytes(&mut world, 300, "source"), [150, 45]);
    assert_eq!(bytes(&mut world, 300, "destination"), [150, 45]);
}

#[test]
fn sums_that_run_ahead_of_bytes_still_underway_count_nothing_twice() {
    let mut world = world(settings());
    let mut wire = world.connects_away(WEB);
    // The sweep already holds these ten bytes; their record comes after it.
    world.observer.statistics(wire.client, sums(10, 0));
    world.moves(&mut wire, 1, true, b"0123456789");
    assert_eq!(bytes(&mut world, 100, "source"), [20, 0]);

    world.observer.statistics(wire.client, sums(10, 0));
    world.points(200, "");
    world.observer.statistics(wire.client, sums(25, 0));

    assert_eq!(bytes(&mut world, 300, "source"), [25, 0]);
}

#[test]
fn the_end_that_closes_last_still_knows_who_the_other_was() {
    let mut world = world(settings());
    let mut wire = world.connects(WEB, SHOP);
    world.whole_exchange(&mut wire, 0, "GET /");
    world.closes(wire.client, 10);
    world.closes(wire.server, 11);

    let points = world.points(100, "tidewatch.tcp.connections");

    assert_eq!(points.len(), 2);
    assert!(
        points
            .iter()
            .all(|point| point.is("source.service.name", "web") && point.is("destination.service.name", "shop"))
    );
}

#[test]
fn an_existing_connection_does_not_tell_what_was_before_us() {
    let mut world = world(settings());
    let wire = world.wire(WEB, SHOP);
    let existing = Opened { is_new: false, before: sums(1000, 2000), ..opened(Role::Client, WEB, None) };
    world.observer.opened(wire.client, &existing);
    world.observer.statistics(wire.client, sums(1010, 2001));

    assert_eq!(bytes(&mut world, 100, "source"), [10, 1]);
    assert_eq!(world.points(200, "tidewatch.tcp.connections")[0].value, 0, "it was not established now");
}

#[test]
fn failed_connects_are_counted_by_cause() {
    let mut world = world(settings());
    let fail = |error: i32| Failed {
        local: "10.0.0.1:40000".parse().unwrap(),
        peer: "10.0.0.2:80".parse().unwrap(),
        process: WEB,
        error: u16::try_from(error).unwrap(),
    };
    for error in [libc::ECONNREFUSED, libc::ECONNREFUSED, libc::ETIMEDOUT] {
        world.observer.failed(&fail(error), ms(1));
    }

    let mut points: Vec<(String, u64)> = world
        .points(10, "tidewatch.tcp.failed_connections")
        .into_iter()
        .map(|point| (point.attributes["error.type"].clone(), point.value))
        .collect();
    points.sort();

    assert_eq!(points, [("connection_refused".into(), 2), ("timeout".into(), 1)]);
}

#[test]
fn an_unknown_protocol_is_an_edge() {
    let mut world = world(settings());
    let mut wire = world.connects(WEB, SHOP);
    world.moves(&mut wire, 0, true, &[0xff; 300]);

    let points = world.points(100, "tidewatch.tcp.connections");

    assert_eq!(points.len(), 2);
    assert!(points.iter().all(|point| !point.attributes.contains_key("network.protocol.name")));
    assert!(world.spans().is_empty());
}

#[test]
fn a_connection_that_nothing_tells_the_ends_of_is_told_by_its_ports_when_it_is_over() {
    let mut world = world(settings());
    let mut wire = world.wire(WEB, SHOP);
    world.opens(&wire, (Role::Unknown, Role::Unknown), false);
    world.moves(&mut wire, 0, true, b"\xff\xff");
    assert!(world.points(10, "tidewatch.tcp.bytes").is_empty(), "its first bytes may still tell");

    world.closes(wire.client, 20);

    assert_eq!(bytes(&mut world, 30, "source"), [2, 0]);
}

#[test]
fn beyond_the_limit_series_are_counted_together_under_our_own_name() {
    let mut world = world(ObserverSettings { series_limit: 1, ..settings() });
    let mut wire = world.connects(WEB, SHOP);
    for (number, path) in ["/a", "/b", "/c"].iter().enumerate() {
        world.asks(&mut wire, number as u64 * 10, &format!("GET {path}"));
        world.answers(&mut wire, number as u64 * 10 + 1, 200 + u16::try_from(number).unwrap());
    }

    let batch = world.observer.take_metrics(ms(100)).unwrap();

    for metric in ["http.server.request.duration", "http.client.request.duration"] {
        let points = points(&batch, metric);
        assert_eq!(points.iter().map(|point| point.value).sum::<u64>(), 3, "{metric}");
        let overflow: Vec<_> = points.iter().filter(|point| point.is("otel.metric.overflow", "true")).collect();
        assert_eq!(overflow.iter().map(|point| point.attributes.len()).collect::<Vec<_>>(), [1], "{metric}");
    }
}

#[test]
fn deltas_begin_where_the_last_report_ended_and_totals_where_the_series_began() {
    for (temporality, values, begins) in
        [(Temporality::Delta, [2, 1], [ms(0).0, ms(100).0]), (Temporality::Cumulative, [2, 3], [ms(0).0, ms(0).0])]
    {
        let mut world = world(ObserverSettings { temporality, ..settings() });
        let mut wire = world.connects_away(WEB);
        world.whole_exchange(&mut wire, 0, "GET /");
        world.whole_exchange(&mut wire, 10, "GET /");
        let first = world.points(100, "http.client.request.duration").remove(0);
        world.whole_exchange(&mut wire, 110, "GET /");
        let second = world.points(200, "http.client.request.duration").remove(0);

        assert_eq!([first.value, second.value], values, "{temporality:?}");
        assert_eq!([first.since, second.since], begins, "{temporality:?}");
    }
}

#[test]
fn a_socket_that_was_handed_over_is_told_of_the_process_that_uses_it() {
    let mut world = world(settings());
    let mut wire = world.is_called(WEB);
    world.whole_exchange(&mut wire, 0, "GET /before");
    wire.ends.1 = SHOP;
    world.whole_exchange(&mut wire, 10, "GET /after");

    let services: Vec<(String, String)> = world.spans().into_iter().map(|span| (span.name, span.service)).collect();

    assert!(services.contains(&("GET /before".into(), "web".into())), "{services:?}");
    assert!(services.contains(&("GET /after".into(), "shop".into())), "{services:?}");
}

#[test]
fn a_chunk_that_waits_for_one_that_was_lost_is_given_up_though_the_connection_fell_silent() {
    let mut world = world(settings());
    let mut wire = world.connects_away(WEB);
    world.asks(&mut wire, 0, "GET /");
    // Four bytes of the body are lost, and the last two have come.
    world.moves(&mut wire, 5, false, b"HTTP/1.1 200 X\r\nContent-Length: 6\r\n\r\n");
    wire.next.1 += 4;
    world.moves(&mut wire, 6, false, b"ok");
    assert!(world.spans().is_empty());

    world.observer.tick(ms(2_000));

    assert_eq!(world.spans().len(), 1);
}

#[test]
fn a_connection_that_is_told_twice_is_known_once() {
    let mut world = world(settings());
    let wire = world.connects(WEB, SHOP);
    let moved = Wire { next: (7, 9), ..wire };
    world.opens(&moved, (Role::Client, Role::Server), true);
    world.closes(wire.client, 1);
    world.closes(wire.server, 1);

    assert_eq!(world.observer.pairs_known(), 0);
}

#[test]
fn beyond_the_limit_connections_are_counted_and_not_watched() {
    let mut world = world(ObserverSettings { connection_limit: 1, ..settings() });
    let wire = world.connects(WEB, SHOP);

    assert!(world.observer.watches(wire.client));
    assert!(!world.observer.watches(wire.server));
    assert_eq!(world.observer.counts().connections_over_limit, 1);
}

#[test]
fn a_request_whose_server_died_is_a_failed_span() {
    let mut world = world(settings());
    let mut wire = world.connects_away(WEB);
    world.asks(&mut wire, 0, "GET /");
    let close = Close { time: ms(9), reset: true, ..Close::default() };
    world.observer.closed(wire.client, &Closed { close, statistics: None });

    let batch = world.observer.take_spans().unwrap();

    let span = &as_json(&batch)["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["status"]["code"], 2);
}
