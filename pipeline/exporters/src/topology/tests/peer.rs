//! The Go Collector's own `service_graph` metrics, as it answered when asked (`tests/compat`), beside the spans that it
//! was given.

use ::topology::store::{Store, StoreConfig};
use ::topology::{Moment, Rows, View};
use component::testkit::BEGINNING;
use pdata::{Batch, Signal, json};
use serde_json::{Value, json as value};

use super::kit::{SECOND, story};

/// What the spans of recorded cases say about time.
const RECORDED: u64 = 1_700_000_000_000_000_000;

fn recorded(file: &str) -> Value {
    let path = format!("{}/../../tests/compat/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Gives spans and points times within this story.
fn in_our_time(value: &mut Value, point_time: u64) {
    match value {
        Value::Object(members) => {
            for key in ["startTimeUnixNano", "endTimeUnixNano"] {
                if let Some(time) = members.get_mut(key)
                    && let Some(then) = time.as_str().and_then(|time| time.parse::<u64>().ok())
                {
                    *time = value!((then - RECORDED + BEGINNING + SECOND).to_string());
                }
            }
            if members.contains_key("asInt") || members.contains_key("bucketCounts") {
                members.insert("startTimeUnixNano".into(), value!((BEGINNING + SECOND).to_string()));
                members.insert("timeUnixNano".into(), value!(point_time.to_string()));
            }
            members.values_mut().for_each(|member| in_our_time(member, point_time));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| in_our_time(item, point_time)),
        _ => {}
    }
}

fn decoded(signal: Signal, mut request: Value, point_time: u64) -> Batch {
    in_our_time(&mut request, point_time);
    json::decode(signal, request.to_string().as_bytes()).unwrap()
}

/// The map's edges, as an answer shows them.
fn edges(rows: Rows) -> Vec<String> {
    let now = Moment(BEGINNING + 30 * SECOND);
    let (mut store, _) = Store::open(StoreConfig::default(), now).unwrap();
    store.apply(rows, now);
    store.tick(now).unwrap();
    let observed = store.snapshot().observe(Moment(BEGINNING - 60 * SECOND), now.plus(15 * SECOND));
    let node = |id| observed.registry.get(id).unwrap().who.node(View::Workload).to_string();
    let mean = |mean: Option<f64>| mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.3}"));
    let mut told: Vec<_> = observed
        .edges
        .iter()
        .map(|edge| {
            let whole = edge.whole();
            let protocols: Vec<_> = edge.rows.iter().map(|row| row.protocol.0.to_string()).collect();
            format!(
                "{} -> {}: {} requests, {} errors, client {} ms, server {} ms, {}",
                node(edge.source),
                node(edge.target),
                whole.requests(),
                whole.errors(),
                mean(whole.client.latency.mean_ms()),
                mean(whole.server.latency.mean_ms()),
                protocols.join(" ")
            )
        })
        .collect();
    told.sort();
    told
}

#[test]
fn the_collectors_metrics_show_what_the_spans_show() {
    let case = recorded("cases/sg-map.json");
    let mut from_spans = story("");
    for step in case["steps"].as_array().unwrap().iter().filter_map(|step| step.get("send")) {
        from_spans.takes(&decoded(Signal::Traces, step.clone(), 0));
    }
    let from_spans = edges(from_spans.after(4).rows());

    let mut from_metrics = story("");
    for (answer, time) in recorded("golden/sg-map.json").as_array().unwrap().iter().zip(10..) {
        from_metrics.takes(&decoded(Signal::Metrics, answer.clone(), BEGINNING + time * SECOND));
    }
    let from_metrics = edges(from_metrics.rows());

    assert_eq!(
        from_metrics,
        [
            "//Service/cart -> //PostgreSQL/orders: 3 requests, 0 errors, client 25.667 ms, server - ms, postgresql",
            "//Service/front -> //HTTP-API/stripe: 1 requests, 0 errors, client 70.000 ms, server - ms, unspecified",
            "//Service/front -> //Service/cart: 3 requests, 1 errors, client 40.000 ms, server 30.667 ms, unspecified",
            "//User/user -> //Service/front: 3 requests, 1 errors, client - ms, server 50.000 ms, unspecified",
        ]
    );
    assert_eq!(from_metrics, from_spans);
}
