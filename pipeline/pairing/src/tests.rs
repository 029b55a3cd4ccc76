use std::time::Duration;

use pdata::{SpanFields, TracesWriter};

use super::*;

#[derive(Debug, PartialEq, Eq, Default)]
struct Call {
    client: Option<&'static str>,
    server: Option<&'static str>,
}

impl Half for Call {
    fn join(&mut self, later: Self) {
        self.client = later.client.or(self.client);
        self.server = later.server.or(self.server);
    }

    fn is_whole(&self) -> bool {
        self.client.is_some() && self.server.is_some()
    }
}

fn client(name: &'static str) -> Call {
    Call { client: Some(name), server: None }
}

fn server(name: &'static str) -> Call {
    Call { client: None, server: Some(name) }
}

fn traced(client_span: u64) -> PairKey {
    PairKey::Trace { trace: 7, client_span }
}

fn both(wire: u128, client_span: u64) -> Keys {
    Keys { first: PairKey::Wire(wire), second: Some(traced(client_span)) }
}

const fn second(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn store(capacity: usize) -> PairStore<Call> {
    PairStore::new(capacity, second(2))
}

fn whole(met: Met<Call>) -> (Option<&'static str>, Option<&'static str>) {
    match met {
        Met::Whole { value, .. } => (value.client, value.server),
        other => panic!("not a whole call: {other:?}"),
    }
}

#[test]
fn the_second_end_completes_the_first_in_either_order() {
    let mut store = store(10);

    assert_eq!(store.meet(traced(1).into(), client("front"), second(0)), Met::Waits { first: true });
    assert_eq!(whole(store.meet(traced(1).into(), server("cart"), second(1))), (Some("front"), Some("cart")));
    store.meet(traced(2).into(), server("cart"), second(1));
    assert_eq!(whole(store.meet(traced(2).into(), client("front"), second(1))), (Some("front"), Some("cart")));
    assert!(store.is_empty());
}

#[test]
fn the_same_end_again_waits_once() {
    let mut store = store(10);
    store.meet(traced(1).into(), client("front"), second(0));

    assert_eq!(store.meet(traced(1).into(), client("front"), second(1)), Met::Waits { first: false });
    assert_eq!(store.len(), 1);
}

#[test]
fn a_full_store_still_completes_what_waits_and_what_needs_nobody() {
    let mut store = store(1);
    store.meet(traced(1).into(), client("front"), second(0));

    assert_eq!(store.meet(traced(2).into(), client("late"), second(0)), Met::NoRoom(client("late")));
    let alone = Call { client: Some("front"), server: Some("orders-db") };
    assert_eq!(whole(store.meet(traced(3).into(), alone, second(0))), (Some("front"), Some("orders-db")));
    assert_eq!(whole(store.meet(traced(1).into(), server("cart"), second(0))), (Some("front"), Some("cart")));
}

#[test]
fn patience_ends_in_order_of_arrival_and_not_at_its_last_moment() {
    let mut store = store(10);
    store.meet(traced(1).into(), client("a"), second(0));
    store.meet(traced(2).into(), client("b"), second(1));

    assert_eq!(store.pop_expired(second(2)), None);
    assert_eq!(store.pop_expired(second(3)).map(|(_, call)| call), Some(client("a")));
    assert_eq!(store.pop_expired(second(3)), None);
    assert_eq!(store.pop_oldest().map(|(_, call)| call), Some(client("b")));
}

#[test]
fn a_key_that_is_used_again_gets_patience_of_its_own() {
    let mut store = store(10);
    store.meet(traced(1).into(), client("a"), second(0));
    store.meet(traced(1).into(), server("b"), second(0));
    store.meet(traced(1).into(), client("again"), second(9));

    assert_eq!(store.pop_expired(second(10)), None);
    assert_eq!(store.len(), 1);
}

#[test]
fn ends_in_different_traces_meet_by_the_wire() {
    let mut store = store(10);
    store.meet(both(42, 1), client("front"), second(0));

    assert_eq!(whole(store.meet(both(42, 2), server("cart"), second(0))), (Some("front"), Some("cart")));
    assert!(!store.awaits(traced(1).into()), "nothing is left under the other key");
}

#[test]
fn an_end_without_a_wire_key_meets_one_that_has_both() {
    let mut store = store(10);
    store.meet(both(42, 1), server("cart"), second(0));

    assert_eq!(whole(store.meet(traced(1).into(), client("front"), second(0))), (Some("front"), Some("cart")));

    store.meet(traced(3).into(), client("front"), second(0));
    assert_eq!(whole(store.meet(both(43, 3), server("cart"), second(0))), (Some("front"), Some("cart")));
}

#[test]
fn whoever_shares_one_of_two_keys_meets() {
    let mut store = store(10);
    store.meet(both(42, 1), client("front"), second(0));

    assert_eq!(store.meet(both(43, 1), client("front"), second(0)), Met::Waits { first: false });
    assert!(!store.awaits(PairKey::Wire(43).into()), "it is known by the keys with which it came first");
    assert_eq!(whole(store.meet(PairKey::Wire(42).into(), server("cart"), second(0))), (Some("front"), Some("cart")));
    assert!(!store.awaits(traced(1).into()) && store.is_empty());
}

#[test]
fn places_are_used_again_however_many_pass() {
    let mut store = store(10);
    store.meet(traced(0).into(), client("waits"), second(0));

    for span in 1..10_000 {
        store.meet(traced(span).into(), client("a"), second(0));
        store.meet(traced(span).into(), server("b"), second(0));
    }

    assert_eq!(store.places(), 2);
    assert_eq!(store.pop_oldest().map(|(_, call)| call), Some(client("waits")));
}

#[test]
fn what_was_counted_is_known_until_it_is_forgotten() {
    let mut counted = Counted::new(2, second(300));
    counted.note(&traced(1), second(0));

    assert!(counted.knows(&traced(1)));
    assert!(!counted.knows(&traced(2)));
    counted.forget(second(300));
    assert!(counted.knows(&traced(1)));
    counted.forget(second(301));
    assert!(!counted.knows(&traced(1)));
}

#[test]
fn the_memory_holds_no_more_than_its_capacity() {
    let mut counted = Counted::new(2, second(300));
    for span in 1..=3 {
        counted.note(&traced(span), second(0));
    }

    assert!(!counted.knows(&traced(1)));
    assert!(counted.knows(&traced(2)) && counted.knows(&traced(3)));
}

/// What a span of this kind in trace 7 (span 2, child of span 1) would be paired by.
fn keys(kind: i32, parent: &[u8], wire: &str) -> Option<Keys> {
    let trace = 7_u128.to_be_bytes();
    let fields = SpanFields {
        trace_id: &trace,
        span_id: &2_u64.to_be_bytes(),
        parent_span_id: parent,
        kind,
        ..SpanFields::default()
    };
    let mut writer = TracesWriter::new();
    writer.resource(|_| {}).scope("", "").span(&fields, |out| {
        out.add(WIRE_KEY, wire);
    });
    let batch = writer.finish();
    let span = batch.resources().flat_map(|resource| resource.scopes()).flat_map(|scope| scope.spans()).next()?;
    Some(Keys::of(&span, Role::of(&span)?, span.attribute(WIRE_KEY).and_then(PairKey::on_wire)))
}

const WIRE: &str = "0000000000000000000000000000002a";
const PARENT: [u8; 8] = 1_u64.to_be_bytes();

#[test]
fn a_client_is_known_by_its_own_span_and_a_server_by_its_parent() {
    let [_inner, server, client, producer, consumer] = [1, 2, 3, 4, 5].map(|kind| keys(kind, &PARENT, ""));

    assert_eq!((client, producer), (Some(traced(2).into()), Some(traced(2).into())));
    assert_eq!((server, consumer), (Some(traced(1).into()), Some(traced(1).into())));
}

#[test]
fn a_span_inside_of_a_service_is_no_end() {
    assert_eq!([keys(0, &PARENT, ""), keys(1, &PARENT, ""), keys(6, &PARENT, "")], [None; 3]);
}

#[test]
fn the_wire_key_comes_before_the_trace_and_alone_for_a_root() {
    assert_eq!(keys(3, &PARENT, WIRE), Some(both(42, 2)));
    assert_eq!(keys(2, &PARENT, WIRE), Some(both(42, 1)));
    assert_eq!(keys(2, &[], WIRE), Some(PairKey::Wire(42).into()));
    assert_eq!(keys(2, &PARENT, "not a key"), Some(traced(1).into()));
}

#[test]
fn ends_are_whatever_the_caller_knows_of_them() {
    let mut store: PairStore<Ends<u32>> = PairStore::new(10, second(2));

    store.meet(traced(1).into(), Ends::one(Role::Consumer, 12), second(0));
    store.meet(traced(1).into(), Ends::one(Role::Consumer, 13), second(0));
    let met = store.meet(traced(1).into(), Ends::one(Role::Producer, 20), second(1));

    let value = Ends { client: Some(20), server: Some(13) };
    assert_eq!(met, Met::Whole { value, keys: traced(1).into(), waited: true });
}
