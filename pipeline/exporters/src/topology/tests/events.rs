//! What Kubernetes events make known, in both shapes.

use ::topology::Event;
use pdata::{Batch, Signal, json};
use serde_json::json as value;

use super::kit::{node, story};

fn attribute(key: &str, text: &str) -> serde_json::Value {
    value!({"key": key, "value": {"stringValue": text}})
}

fn logs(resource: &serde_json::Value, record: &serde_json::Value) -> Batch {
    let request =
        value!({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": [record]}]}]});
    json::decode(Signal::Logs, request.to_string().as_bytes()).unwrap()
}

fn text(text: &str) -> serde_json::Value {
    value!({"stringValue": text})
}

fn map(members: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let values: Vec<_> = members.iter().map(|(key, value)| value!({"key": key, "value": value})).collect();
    value!({"kvlistValue": {"values": values}})
}

fn back_off() -> Event {
    Event { reason: "BackOff".into(), message: "Back-off restarting".into(), warning: true, count: 7 }
}

#[test]
fn an_event_of_the_k8s_events_receiver_lands_on_its_workload() {
    let mut story = story("");
    let resource = value!([
        attribute("k8s.object.kind", "Pod"),
        attribute("k8s.object.name", "cart-7d9f8b6c5d-x2x4z"),
        attribute("k8s.node.name", "a")
    ]);
    let record = value!({
        "timeUnixNano": "5000", "severityText": "Warning", "body": text("Back-off restarting"),
        "attributes": [
            attribute("k8s.event.reason", "BackOff"), attribute("k8s.namespace.name", "shop"),
            {"key": "k8s.event.count", "value": {"intValue": "7"}}
        ]
    });

    story.takes(&logs(&resource, &record));

    let event = story.rows().events.remove(0);
    assert_eq!(node(&event.subject.who), "shop/Deployment/cart");
    assert_eq!((event.subject.pod.as_deref(), event.at.0), (Some("cart-7d9f8b6c5d-x2x4z"), 5000));
    assert_eq!(event.event, back_off());
}

#[test]
fn an_event_of_the_k8sobjects_receiver_says_the_same_watched_or_pulled() {
    let mut story = story("");
    let object = map(&[("kind", text("Deployment")), ("name", text("cart")), ("namespace", text("shop"))]);
    let event = map(&[
        ("kind", text("Event")),
        ("involvedObject", object),
        ("reason", text("BackOff")),
        ("message", text("Back-off restarting")),
        ("type", text("Warning")),
        ("count", value!({"doubleValue": 7.0})),
    ]);
    let watched = map(&[("type", text("ADDED")), ("object", event.clone())]);

    for body in [event, watched] {
        story.takes(&logs(&value!([]), &value!({"body": body})));
    }

    let events = story.rows().events;
    assert_eq!(events.len(), 2);
    for told in events {
        assert_eq!((node(&told.subject.who).as_str(), told.event), ("shop/Deployment/cart", back_off()));
        assert_eq!(told.at.0, component::testkit::BEGINNING, "without a time it is of now");
    }
}

#[test]
fn a_hostile_message_is_cut_between_characters() {
    let mut story = story("");
    let resource = value!([attribute("k8s.object.kind", "Pod"), attribute("k8s.object.name", "<script>")]);
    let record = value!({"body": text(&"é".repeat(5000)), "attributes": [attribute("k8s.event.reason", "x")]});

    story.takes(&logs(&resource, &record));

    assert_eq!(story.rows().events[0].event.message.len(), 1024);
}

#[test]
fn other_records_and_our_own_findings_are_counted_apart() {
    let mut story = story("");
    let ordinary = value!({"body": text("GET / 200")});
    let own = value!({"eventName": "topology.finding", "body": text("unexpected")});
    let of_a_node =
        map(&[("kind", text("Event")), ("involvedObject", map(&[("kind", text("Node")), ("name", text("a"))]))]);

    for record in [ordinary, own, value!({"body": of_a_node})] {
        story.takes(&logs(&value!([]), &record));
    }

    let records = story.told().records;
    assert_eq!((records.taken, records.foreign, records.own), (0, 2, 1));
    assert_eq!(story.rows().count(), 0);
}
