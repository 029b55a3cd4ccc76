//! What a store without files answers.

use super::support::*;
use crate::store::{Retention, SeriesQuery, StoreConfig};
use crate::*;

fn front() -> std::sync::Arc<End> {
    end(workload("shop", "front"))
}

fn cart() -> std::sync::Arc<End> {
    end(workload("shop", "cart"))
}

#[test]
fn a_call_is_seen_at_once_and_for_as_long_as_the_window_holds_it() {
    let mut story = story();
    story.receives(calls(NOON, front(), cart(), 3, 20));

    let edge = story.last(MINUTE).edges.remove(0);
    assert_eq!(edge.whole().requests(), 3);
    assert_eq!(edge.whole().client.latency.mean_ms(), Some(20.0));
    assert_eq!(edge.sources, [Lane::Spans]);
    assert_eq!((edge.rows[0].port, edge.rows[0].protocol.clone()), (Some(80), Protocol("http".into())));

    story.after(10 * MINUTE);
    assert_eq!(requests(&story.last(MINUTE)), 0);
    assert_eq!(requests(&story.last(11 * MINUTE)), 3);
}

#[test]
fn all_lengths_of_blocks_tell_the_same() {
    let mut story = story();
    for _ in 0..(26 * 12) {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.sleeps(5 * MINUTE);
    }

    let day = story.last(26 * HOUR + MINUTE);
    assert_eq!(requests(&day), 26 * 12);
    assert!(day.tiers.contains(&Tier::Hour), "{:?}", day.tiers);
    let hour = story.last(HOUR);
    assert_eq!(requests(&hour), 12);
}

#[test]
fn a_window_says_to_what_it_was_rounded_and_for_how_much_of_it_data_was_kept() {
    let mut story = story();
    story.receives(calls(NOON, front(), cart(), 3, 20));
    story.after(90 * SECOND);

    let window = story.last(5 * MINUTE).window;

    assert_eq!(window.from, story.now.minus(5 * MINUTE));
    assert_eq!(window.to, story.now.plus(STEP));
    assert!((90 * SECOND..=105 * SECOND).contains(&window.covered), "covered {} s", window.covered / SECOND);
}

#[test]
fn late_data_counts_where_it_belongs() {
    let mut story = story();
    story.sleeps(2 * HOUR);
    let applied = story.receives(calls(NOON.plus(10 * MINUTE), front(), cart(), 7, 20));
    assert_eq!(applied.facts, 1);
    story.after(10 * SECOND);

    let snapshot = story.store.snapshot();
    let then = snapshot.observe(NOON.plus(5 * MINUTE), NOON.plus(15 * MINUTE));
    assert_eq!(requests(&then), 7);
    assert_eq!(requests(&story.last(MINUTE)), 0);
    assert_eq!(requests(&story.last(2 * HOUR + MINUTE)), 7, "longer blocks have it too");
}

#[test]
fn yesterdays_capture_is_yesterdays_traffic() {
    let mut story = story();
    story.after(MINUTE);
    story.receives(calls(NOON.minus(26 * HOUR), front(), cart(), 7, 20));

    let yesterday = story.store.snapshot().observe(NOON.minus(27 * HOUR), NOON.minus(25 * HOUR));

    assert_eq!(requests(&yesterday), 7);
    assert!(yesterday.window.covered > 0, "rates can be told");
}

#[test]
fn data_from_the_future_counts_at_its_arrival() {
    let mut story = story();

    let applied = story.receives(calls(NOON.plus(HOUR), front(), cart(), 2, 20));

    assert_eq!(applied.clamped, 1);
    assert_eq!(requests(&story.last(MINUTE)), 2);
}

#[test]
fn an_increment_spreads_evenly_over_what_it_grew_in() {
    let mut story = story();
    story.after(5 * MINUTE);
    let row = FactRow { over: MINUTE, ..calls(story.now, front(), cart(), 61, 20) };
    story.receives(row);

    let halves = [story.now.minus(30 * SECOND), story.now];
    let snapshot = story.store.snapshot();
    let counts = halves.map(|to| requests(&snapshot.observe(to.minus(30 * SECOND), to)));

    assert_eq!(counts.iter().sum::<u64>(), 61);
    assert!(counts.iter().all(|count| (29..=32).contains(count)), "{counts:?}");
}

#[test]
fn lanes_are_never_added_and_the_one_that_knows_protocols_speaks() {
    let mut story = story();
    story.receives(calls(NOON, front(), cart(), 99, 20));
    let graph = FactRow {
        lane: Lane::ServiceGraph,
        protocol: Protocol::unspecified(),
        port: None,
        ..calls(NOON, front(), cart(), 100, 20)
    };
    story.receives(graph.clone());

    let edge = story.last(MINUTE).edges.remove(0);
    assert_eq!((edge.lane, edge.whole().requests()), (Lane::Spans, 99), "within two percent");
    assert_eq!(edge.sources, [Lane::Spans, Lane::ServiceGraph]);

    story.receives(graph);
    let edge = story.last(MINUTE).edges.remove(0);
    assert_eq!((edge.lane, edge.whole().requests()), (Lane::ServiceGraph, 200), "the larger total");
    assert!(edge.rows[0].protocol.is_unspecified());
}

#[test]
fn what_the_network_carried_joins_the_requests_it_carried() {
    let mut story = story();
    story.receives(calls(NOON, front(), cart(), 5, 20));
    let flow = Flow { bytes_sent: 900, rtt_sum: 8 * MS, rtt_count: 2, connections: 1, ..Flow::default() };
    story.receives(FactRow {
        lane: Lane::Flows,
        protocol: Protocol::unspecified(),
        measures: Measures { flow, ..Measures::default() },
        ..calls(NOON, front(), cart(), 0, 0)
    });

    let edge = story.last(MINUTE).edges.remove(0);
    assert_eq!((edge.lane, edge.rows.len()), (Lane::Spans, 1));
    assert_eq!(edge.rows[0].measures.flow, flow);
}

#[test]
fn a_million_peers_stay_bounded_and_nothing_of_them_is_lost() {
    let mut story = story_with(StoreConfig { max_entities: 1000, max_edges: 300, ..StoreConfig::default() });
    for peers in 0..100_u64 {
        let rows = (0..10_000_u64)
            .map(|peer| calls(NOON, front(), outside(OutsideKind::PlainIP, &format!("10.0.{peers}.{peer}")), 1, 20));
        story.store.apply(Rows { facts: rows.collect(), ..Rows::default() }, NOON);
    }
    story.receives(calls(NOON, front(), cart(), 1, 20));
    story.after(SECOND);

    let observed = story.last(MINUTE);
    assert_eq!(requests(&observed), 1_000_001);
    assert!(observed.edges.len() <= 302, "{} edges", observed.edges.len());
    assert!(observed.registry.entities.len() <= 1000 + 1024);
    assert!(!observed.complete);
    assert!(observed.dropped["too_many_peers"] > 999_000);
}

#[test]
fn the_inside_is_seen_however_many_peers_are_outside() {
    let mut story = story_with(StoreConfig { max_entities: 10, ..StoreConfig::default() });
    for peer in 0..100 {
        story.receives(calls(NOON, front(), outside(OutsideKind::PlainIP, &format!("10.0.0.{peer}")), 1, 20));
    }

    story.receives(calls(NOON, front(), cart(), 1, 20));

    let edge = ("prod/shop/Deployment/front -> prod/shop/Deployment/cart".to_owned(), 1);
    assert!(edges(&story.last(MINUTE)).contains(&edge));
}

#[test]
fn what_nobody_is_known_to_have_called_belongs_to_the_node() {
    let mut story = story();
    story.receives(FactRow { source: None, lane: Lane::Red, ..calls(NOON, front(), cart(), 8, 20) });

    let observed = story.last(MINUTE);
    assert_eq!(observed.edges.len(), 0);
    assert_eq!(observed.nodes[0].answered[0].1.requests(), 8);
}

#[test]
fn an_edge_knows_since_when_and_on_how_many_days_it_was_seen() {
    let mut story = story();
    for _ in 0..3 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.store.tick(story.now).unwrap();
        story.now = story.now.plus(DAY);
        story.store.tick(story.now).unwrap();
    }
    story.receives(calls(story.now, front(), cart(), 1, 20));
    story.after(SECOND);

    let edge = story.last(MINUTE).edges.remove(0);
    assert_eq!((edge.first_seen, edge.days), (NOON, 4));
    assert_eq!(story.store.snapshot().known_edges().len(), 1);
}

#[test]
fn the_slowest_and_the_first_failed_trace_of_a_minute_can_be_looked_at() {
    let mut story = story();
    let traced = |id: u8, ms: u64, failed| FactRow {
        exemplar: Some(Exemplar { trace: [id; 16], duration: ms * MS, failed }),
        ..calls(NOON.plus(u64::from(id) * SECOND), front(), cart(), 1, ms)
    };
    for row in
        [traced(1, 10, false), traced(2, 90, false), traced(3, 5, true), traced(4, 6, true), traced(5, 20, false)]
    {
        story.receives(row);
    }

    let edge = story.last(MINUTE).edges.remove(0);
    let found = story.store.snapshot().exemplars(edge.source, edge.target, NOON, NOON.plus(MINUTE));

    assert_eq!(found.iter().map(|(_, exemplar)| exemplar.trace[0]).collect::<Vec<_>>(), [3, 2]);
}

#[test]
fn a_series_has_a_point_for_each_step_and_sums_to_what_the_window_shows() {
    let mut story = story();
    for _ in 0..40 {
        story.receives(calls(story.now, front(), cart(), 2, 20));
        story.after(15 * SECOND);
    }
    let edge = story.last(10 * MINUTE).edges.remove(0);
    let edges = vec![(edge.source, edge.target)];
    let query = SeriesQuery { edges, from: story.now.minus(10 * MINUTE), to: story.now, ..SeriesQuery::default() };

    let series = story.store.snapshot().series(&query);

    assert_eq!((series.step, series.points.len()), (STEP, 40));
    let sum: u64 = series.points.iter().flat_map(|point| &point.by_protocol).map(|(_, row)| row.requests()).sum();
    assert_eq!(sum, 80);
}

#[test]
fn pods_are_told_with_their_use_of_what_they_may_use() {
    let mut story = story();
    let pod = std::sync::Arc::new(End {
        who: Who::Inside(workload("shop", "cart")),
        pod: Some("cart-1".into()),
        host: Some("n1".into()),
    });
    let state = |at, metric, value| StateRow { at, subject: pod.clone(), metric, value };
    let states = vec![
        state(NOON, StateMetric::CpuUsage, 0.3),
        state(NOON, StateMetric::CpuUsage, 0.5),
        state(NOON, StateMetric::CpuLimit, 0.5),
        state(NOON, StateMetric::Ready, 1.0),
        state(NOON.plus(2 * SECOND), StateMetric::Ready, 0.0),
        state(NOON, StateMetric::Restarts, 4.0),
        state(NOON.plus(3 * SECOND), StateMetric::Restarts, 6.0),
        state(NOON, StateMetric::Phase, 2.0),
        state(NOON, StateMetric::MemoryWorkingSet, f64::NAN),
    ];
    let applied = story.store.apply(Rows { states, ..Rows::default() }, NOON);
    assert_eq!((applied.states, applied.dropped["not_a_number"]), (8, 1));
    story.after(10 * SECOND);

    let node = story.last(MINUTE).nodes.remove(0);
    let instance = &node.instances[0];
    assert_eq!((&*instance.name, instance.host.as_deref()), ("cart-1", Some("n1")));
    let cpu = instance.cpu.unwrap();
    assert_eq!((cpu.share, cpu.of), (Some(0.8), Denominator::Limit));
    assert_eq!((instance.ready, instance.unready_since), (Some(false), Some(NOON.plus(2 * SECOND))));
    assert_eq!((instance.restarts, instance.phase), (2, Some(Phase::Running)));
    assert_eq!(story.store.snapshot().usage(node.entity, NOON, story.now).len(), 1);

    story.after(10 * MINUTE);
    assert!(story.last(MINUTE).nodes.is_empty(), "a silent pod is gone");
}

#[test]
fn events_are_newest_first_and_a_repeated_one_stands_once() {
    let mut story = story();
    let event = |seconds: u64, count| EventRow {
        at: NOON.plus(seconds * SECOND),
        subject: cart(),
        event: Event { reason: "BackOff".into(), message: "restarting".into(), warning: true, count },
    };
    let events = vec![event(1, 1), event(2, 2), event(3, 3)];
    story.store.apply(Rows { events, ..Rows::default() }, NOON);
    story.after(10 * SECOND);

    let node = story.last(MINUTE).nodes.remove(0);
    assert_eq!(node.events.iter().map(|(_, event)| event.count).collect::<Vec<_>>(), [3]);
}

#[test]
fn judgement_is_remembered_from_its_start_to_its_end() {
    let mut story = story();
    let interval = Interval {
        subject: Subject::Node(EntityId(0)),
        rule: "errors".into(),
        level: Level::Red,
        from: NOON,
        to: None,
        value: 0.4,
    };
    story.store.record(interval.clone());
    assert_eq!(story.store.snapshot().intervals(NOON, NOON.plus(DAY)), std::slice::from_ref(&interval));

    let ended = Interval { to: Some(NOON.plus(MINUTE)), ..interval };
    story.store.record(ended.clone());

    assert_eq!(story.store.snapshot().intervals(NOON, NOON.plus(DAY)), [ended]);
    assert_eq!(story.store.snapshot().intervals(NOON.plus(HOUR), NOON.plus(DAY)), []);
}

#[test]
fn a_full_memory_loses_the_finest_first_and_says_so() {
    let mut story = story_with(StoreConfig { memory_bytes: 2000, ..StoreConfig::default() });
    for _ in 0..120 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.after(MINUTE);
    }

    let observed = story.last(2 * HOUR);
    assert!(observed.window.covered <= 2 * HOUR + MINUTE);
    assert!(!observed.tiers.is_empty());
    assert!(requests(&observed) > 60, "longer blocks still tell: {}", requests(&observed));
}

#[test]
fn what_was_lost_on_the_way_makes_the_answer_incomplete() {
    let mut story = story();
    story.store.note_lost("intake_full", 12, NOON);

    let observed = story.last(MINUTE);

    assert!(!observed.complete);
    assert_eq!(observed.dropped["intake_full"], 12);
}

#[test]
fn all_of_time_is_a_window_too() {
    let mut story = story();
    story.receives(calls(NOON, front(), cart(), 3, 20));
    story.after(MINUTE);

    assert_eq!(requests(&story.store.snapshot().observe(Moment(0), Moment(u64::MAX))), 3);
    assert_eq!(requests(&story.store.snapshot().observe(NOON.plus(HOUR), NOON)), 0);
}

#[test]
fn a_day_is_whole_however_short_its_hours_are_kept() {
    let retention = Retention { hours: HOUR, days: HOUR, ..Retention::default() };
    let mut story = story_with(StoreConfig { retention, ..StoreConfig::default() });
    for _ in 0..12 {
        story.receives(calls(story.now, front(), cart(), 1, 20));
        story.sleeps(HOUR);
    }
    story.sleeps(10 * MINUTE);

    let day = story.store.snapshot().observe(NOON.minus(12 * HOUR), NOON.plus(12 * HOUR));

    assert_eq!((day.complete, day.tiers, day.edges.len()), (true, vec![Tier::Day], 1));
    assert_eq!(day.edges[0].whole().requests(), 12);
}

#[test]
fn an_edge_with_many_ports_has_few_facts_and_all_its_calls() {
    let mut story = story();
    let row = |port| FactRow { port: Some(port), ..calls(NOON, front(), cart(), 1, 20) };

    let applied = story.store.apply(Rows { facts: (1..=1000).map(row).collect(), ..Rows::default() }, NOON);

    assert_eq!(applied.dropped["too_many_ports"], 1000 - 64);
    let observed = story.last(MINUTE);
    assert!(observed.complete, "every call is there");
    let edge = &observed.edges[0];
    assert_eq!((edge.whole().requests(), edge.rows.len()), (1000, 65));
}

#[test]
fn too_many_protocols_are_one_that_nobody_named() {
    let mut story = story();
    let row = |number: u32| {
        let target = end(workload("shop", &format!("t{}", number / 50)));
        FactRow { protocol: Protocol(format!("p{number}").into()), ..calls(NOON, front(), target, 1, 20) }
    };

    let applied = story.store.apply(Rows { facts: (0..1000).map(row).collect(), ..Rows::default() }, NOON);

    assert_eq!(applied.dropped["too_many_ports"], 1000 - 512);
    assert_eq!(requests(&story.last(MINUTE)), 1000);
}

#[test]
fn traces_events_and_judgements_that_go_before_their_time_are_counted() {
    let config = StoreConfig { max_exemplars: 3, events_per_entity: 2, max_intervals: 2, ..StoreConfig::default() };
    let mut story = story_with(config);
    let traced = |minute: u64| {
        let exemplar = Some(Exemplar { trace: [1; 16], duration: MS, failed: false });
        FactRow { exemplar, ..calls(NOON.minus(minute * MINUTE), front(), cart(), 1, 20) }
    };
    let event = |count| EventRow {
        at: NOON,
        subject: cart(),
        event: Event { reason: format!("reason {count}").into(), message: "".into(), warning: true, count },
    };
    for minute in 0..4 {
        let from = NOON.minus(minute * MINUTE);
        let subject = Subject::Finding(format!("f{minute}").into());
        let rule = Name::from("open");
        story.store.record(Interval { subject, rule, level: Level::Red, from, to: Some(from), value: 1.0 });
    }

    let rows = Rows { facts: (0..5).map(traced).collect(), events: (0..6).map(event).collect(), ..Rows::default() };
    let applied = story.store.apply(rows, NOON);

    assert_eq!((applied.dropped["too_many_traces"], applied.dropped["too_many_events"]), (2, 4));
    assert_eq!(applied.dropped["too_many_judgements"], 2);
    assert!(story.last(HOUR).complete, "no call is missing");
    assert_eq!(story.store.apply(Rows::default(), NOON).dropped.len(), 0, "it is told once");
}

#[test]
fn an_event_that_counts_on_stays_when_there_is_room_for_no_more() {
    let mut story = story_with(StoreConfig { max_events: 1, ..StoreConfig::default() });
    let event = |count| EventRow {
        at: NOON,
        subject: cart(),
        event: Event { reason: "BackOff".into(), message: "restarting".into(), warning: true, count },
    };
    story.store.apply(Rows { events: vec![event(1), event(2)], ..Rows::default() }, NOON);

    let node = story.last(MINUTE).nodes.remove(0);

    assert_eq!(node.events.iter().map(|(_, event)| event.count).collect::<Vec<_>>(), [2]);
}

#[test]
fn machines_and_pods_without_a_name_of_their_own_are_counted() {
    let mut story = story_with(StoreConfig { max_entities: 4, ..StoreConfig::default() });
    let on = |who: &str, host: u32| {
        let who = Who::Inside(workload("shop", who));
        std::sync::Arc::new(End { who, pod: None, host: Some(format!("n{host}").into()) })
    };
    let rows = (0..10).map(|host| calls(NOON, on("front", host), on("cart", host + 1), 1, 20));

    let applied = story.store.apply(Rows { facts: rows.collect(), ..Rows::default() }, NOON);
    assert_eq!(applied.bucketed["too_many_machines"], 7, "there are eleven, and room for four");

    let state = |name: &str| StateRow {
        at: NOON,
        subject: end(workload("shop", name)),
        metric: StateMetric::ReplicasDesired,
        value: 1.0,
    };
    let states = ["one", "two", "three"].map(state).to_vec();
    let applied = story.store.apply(Rows { states, ..Rows::default() }, NOON);
    assert_eq!(applied.bucketed["too_many_peers"], 1);
}
