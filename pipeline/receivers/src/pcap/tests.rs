//! Stories of captures, through the configuration and the receiver.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use component::testkit::{Stage, faults, settings};
use component::{Ack, Consume};
use tokio::task::LocalSet;

use super::*;
use crate::observe::stories::{Point, Span, points, spans};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pcap/shop.pcap");
const NAMES: &str = "names: {10.1.0.5: web, 10.1.0.10: front, 10.1.0.20: cart, 10.1.0.30: payments, 10.1.0.40: store}";

#[derive(Default)]
struct Pipeline {
    batches: RefCell<Vec<Batch>>,
    refuses: RefCell<Vec<Refusal>>,
}

impl Consume for Pipeline {
    fn consume(&self, batch: Batch, ack: Ack) {
        match self.refuses.borrow_mut().pop() {
            Some(refusal) => ack.refuse(refusal),
            None => {
                self.batches.borrow_mut().push(batch);
                ack.accept();
            }
        }
    }
}

struct Story {
    stage: Stage,
    outcome: Result<(), String>,
    batches: Vec<Batch>,
}

/// Replays a file to its end, into a pipeline that first refuses so.
fn replay(yaml: &str, refuses: Vec<Refusal>) -> Result<Story, StartError> {
    let stage = Stage::new(Signal::Traces, 1 << 20);
    let pipeline = Rc::new(Pipeline { refuses: RefCell::new(refuses), ..Pipeline::default() });
    let next: Rc<dyn Consume> = Rc::clone(&pipeline) as Rc<dyn Consume>;
    let next = BTreeMap::from([(Signal::Traces, Rc::clone(&next)), (Signal::Metrics, next)]);
    let outlets = Outlets::new(next, "pcap".into(), std::sync::Arc::clone(&stage.context.registry));
    let mut receiver = PcapReceiver::build(&settings(yaml), outlets, &stage.context).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = LocalSet::new().block_on(&runtime, async {
        receiver.start().await?;
        let outcome = stage.context.stop.asked().await;
        receiver.stop().await;
        Ok(outcome)
    })?;
    let batches = pipeline.batches.take();
    Ok(Story { stage, outcome, batches })
}

fn shop() -> Story {
    replay(&format!("path: {SHOP}\nexit_at_eof: true\n{NAMES}"), Vec::new()).unwrap()
}

impl Story {
    fn spans(&self) -> Vec<Span> {
        self.batches.iter().filter(|batch| batch.signal() == Signal::Traces).flat_map(spans).collect()
    }

    fn points(&self, metric: &str) -> Vec<Point> {
        self.batches
            .iter()
            .filter(|batch| batch.signal() == Signal::Metrics)
            .flat_map(|batch| points(batch, metric))
            .collect()
    }

    fn server_spans(&self) -> Vec<(String, String, String)> {
        let servers = self.spans().into_iter().filter(|span| span.kind == "server");
        let mut found: Vec<_> = servers
            .map(|span| (span.service, span.name, span.attributes["http.response.status_code"].clone()))
            .collect();
        found.sort();
        found
    }
}

fn span(service: &str, name: &str, status: u16) -> (String, String, String) {
    (service.into(), name.into(), status.to_string())
}

#[test]
fn the_shop_is_told_from_both_ends_of_every_exchange() {
    let story = shop();

    assert_eq!(story.outcome, Ok(()));
    assert_eq!(
        story.server_spans(),
        [
            span("cart", "GET /carts/{id}", 200),
            span("front", "GET /cart", 200),
            span("front", "GET /products/{id}", 200),
            span("front", "POST /checkout", 500),
            span("payments", "POST /payments", 500),
        ]
    );
    let spans = story.spans();
    let clients: Vec<_> = spans.iter().filter(|span| span.kind == "client").collect();
    assert_eq!(clients.len(), 5);
    for server in spans.iter().filter(|span| span.kind == "server") {
        let client = clients.iter().find(|client| Some(&client.id) == server.parent.as_ref()).unwrap();
        assert_eq!(client.attributes["tidewatch.wire.key"], server.attributes["tidewatch.wire.key"]);
    }
}

#[test]
fn times_are_those_of_the_capture() {
    let first = shop().spans().into_iter().map(|span| span.start).min();
    assert_eq!(first, Some(1_767_225_600_000_000_000 + 1_000_000));
}

#[test]
fn edges_have_exact_bytes_repeats_and_failures() {
    let story = shop();

    let repeats = story.points("tidewatch.tcp.retransmits");
    let repeated: Vec<_> = repeats.iter().filter(|point| point.value > 0).collect();
    assert_eq!(repeated.len(), 1, "one segment passed twice, two only changed places: {repeated:?}");
    assert!(repeated[0].is("source.service.name", "web"));

    let failed = story.points("tidewatch.tcp.failed_connections");
    assert_eq!(failed.len(), 1);
    assert!(failed[0].is("error.type", "connection_refused") && failed[0].is("destination.port", "9999"));

    let redis =
        story.points("tidewatch.tcp.bytes").into_iter().filter(|point| point.is("network.protocol.name", "redis"));
    let mut sums: Vec<u64> = redis.map(|point| point.value).collect();
    sums.sort_unstable();
    assert_eq!(sums, [9, 9, 26, 26]);
}

#[test]
fn own_telemetry_counts_what_was_read() {
    let story = shop();
    assert_eq!(story.stage.metric("tidewatch_pcap_exchanges", &[("result", "found")]), 10.0);
    assert_eq!(story.stage.metric("tidewatch_pcap_connections", &[]), 4.0);
    assert_eq!(story.stage.metric("tidewatch_pcap_packets", &[]), 39.0);
    assert_eq!(story.stage.metric("tidewatch_pcap_skipped_packets", &[]), 0.0);
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn replay_bytes(bytes: &[u8]) -> Result<Story, StartError> {
    let file = file(bytes);
    replay(&format!("path: {}\nexit_at_eof: true\n{NAMES}", file.path().display()), Vec::new())
}

#[test]
fn a_cut_capture_gives_everything_before_the_cut_and_ends_well() {
    let whole = std::fs::read(SHOP).unwrap();
    let story = replay_bytes(&whole[..whole.len() / 2]).unwrap();

    assert_eq!(story.outcome, Ok(()));
    assert!(story.server_spans().contains(&span("front", "GET /products/{id}", 200)));
    let unanswered = story.spans().iter().any(|span| !span.attributes.contains_key("http.response.status_code"));
    assert!(!unanswered, "the end of a file is not the end of a connection");
}

#[test]
fn damage_anywhere_harms_nothing() {
    let whole = std::fs::read(SHOP).unwrap();
    for at in (24..whole.len()).step_by(37) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        assert_eq!(replay_bytes(&damaged).unwrap().outcome, Ok(()));
    }
}

#[test]
fn without_handshakes_spans_are_joined_and_no_key_is_told() {
    let whole = std::fs::read(SHOP).unwrap();
    let mut bytes = whole[..24].to_vec();
    let mut rest = &whole[24..];
    while let Some(length) = rest.get(8..12) {
        let length = 16 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let (record, after) = rest.split_at(length);
        // Ethernet and IPv4 headers have 34 bytes, flags are the 14th of TCP.
        let is_syn = record[16 + 34 + 13] & 2 != 0;
        if !is_syn {
            bytes.extend_from_slice(record);
        }
        rest = after;
    }

    let story = replay_bytes(&bytes).unwrap();

    // Of the answer whose halves changed places nothing says where it began.
    assert_eq!(story.server_spans().len(), 4);
    let spans = story.spans();
    assert!(spans.iter().all(|span| !span.attributes.contains_key("tidewatch.wire.key")));
    assert!(spans.iter().filter(|span| span.kind == "server").all(|span| span.parent.is_some()));
}

#[test]
fn a_batch_that_is_refused_for_now_is_offered_again() {
    let yaml = format!("path: {SHOP}\nexit_at_eof: true\n{NAMES}");
    let story = replay(&yaml, vec![Refusal::Retryable("later".into())]).unwrap();

    assert_eq!(story.outcome, Ok(()));
    assert_eq!(story.spans().len(), 10);
}

#[test]
fn what_is_refused_for_good_is_a_failed_end() {
    let yaml = format!("path: {SHOP}\nexit_at_eof: true\n{NAMES}");
    let story = replay(&yaml, vec![Refusal::Permanent("no".into())]).unwrap();

    assert!(story.outcome.is_err_and(|reason| reason.ends_with("was delivered: Permanent error: no")));
}

fn start_fault(yaml: &str) -> String {
    replay(yaml, Vec::new()).err().unwrap().0
}

#[test]
fn what_cannot_be_replayed_is_said_at_the_start() {
    assert!(start_fault("{path: /nowhere.pcap}").starts_with("cannot read the capture /nowhere.pcap: No such file"));
    let packed = file(b"\x1f\x8b\x08\0");
    assert!(
        start_fault(&format!("{{path: {}}}", packed.path().display())).contains("is compressed; decompress it first")
    );
    let mut wireless = std::fs::read(SHOP).unwrap();
    wireless[20] = 105;
    let wireless = file(&wireless);
    assert!(start_fault(&format!("{{path: {}}}", wireless.path().display())).contains("packets of link type 105"));
}

#[test]
fn wrong_settings_are_refused_with_a_sentence() {
    assert_eq!(faults::<PcapConfig>("{exit_at_eof: true}"), ["'path' must be the path of a capture file"]);
    assert_eq!(
        faults::<PcapConfig>("path: x\nnames: {cart: a}"),
        ["\"cart\" must be an address such as \"10.0.0.1\", or an address and port such as \"127.0.0.1:8080\""]
    );
}

#[test]
fn the_readme_lists_every_key() {
    ::config::assert_readme_table::<PcapConfig>(concat!(env!("CARGO_MANIFEST_DIR"), "/src/pcap/README.md"));
}
