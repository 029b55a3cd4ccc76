//! Writes exchanges as OTLP spans.

use hashbrown::HashMap;
use pdata::{AttributesWriter, Batch, LinkFields, SpanFields, TracesWriter};
use protocols::chunk::Party;
use protocols::semconv::{Scratch, Value};

use super::finished::Finished;
use super::lineage::{Lineage, Place, Side};
use super::process::Who;
use super::settings::{HttpRules, ObserverSettings};
use super::wire::WIRE_KEY_ATTRIBUTE;

/// Instrumentation scope of everything that is observed.
pub const SCOPE: &str = "tidewatch";

/// Spans that are written and wait for their batch. Written at once, while the exchange is still in the cache, one
/// writer per process, so that each process's resource is written once. A writer stays while each batch has spans of its
/// process.
pub struct Spans {
    writers: Vec<(Who, TracesWriter)>,
    /// Which of the writers is whose.
    places: HashMap<Who, usize>,
    count: usize,
    rules: HttpRules,
    /// Traces whose last seven bytes are below this are not told: the rejection threshold of consistent sampling, so
    /// that samplers behind us keep whole traces, too (OpenTelemetry, "TraceState: Probability Sampling").
    threshold: u64,
    scratch: Scratch,
}

/// Number of values of the part of a trace id that sampling looks at.
const RANDOM_VALUES: u64 = 1 << 56;

impl Spans {
    /// No spans yet.
    pub fn new(settings: &ObserverSettings) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a ratio"
        )]
        let threshold = ((1.0 - settings.ratio.clamp(0.0, 1.0)) * RANDOM_VALUES as f64) as u64;
        Self {
            writers: Vec::new(),
            places: HashMap::new(),
            count: 0,
            rules: settings.http.clone(),
            threshold,
            scratch: Scratch::default(),
        }
    }

    /// How many are ready.
    pub fn len(&self) -> usize {
        self.count
    }

    /// One end, alone.
    pub fn add(&mut self, end: &Finished, lineage: &mut Lineage) {
        let place = lineage.place(end.key, end.side);
        let [.., a, b, c, d, e, f, g] = place.trace_id;
        let random = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
        if random >= self.threshold {
            self.write(end, &place);
        }
    }

    /// Both ends of one exchange, in any order. The client's start is never after the server's: a blocking send is
    /// stamped when it returns, which may be after the other end has received.
    pub fn add_pair(&mut self, first: Box<Finished>, second: Box<Finished>, lineage: &mut Lineage) {
        let (mut client, mut server) = if first.side == Side::Client { (first, second) } else { (second, first) };
        client.peer_process.get_or_insert_with(|| server.process.clone());
        server.peer_process.get_or_insert_with(|| client.process.clone());
        client.exchange.start = client.exchange.start.min(server.exchange.start);
        client.exchange.end = client.exchange.end.max(client.exchange.start);
        self.add(&client, lineage);
        self.add(&server, lineage);
    }

    /// All that is ready as one batch.
    pub fn take(&mut self) -> Option<Batch> {
        self.count = 0;
        let before = self.writers.len();
        self.writers.retain(|(_, writer)| writer.items() > 0);
        if self.writers.len() != before {
            self.places = self.writers.iter().map(|(who, _)| who.clone()).zip(0..).collect();
        }
        Batch::merge(self.writers.iter_mut().map(|(_, writer)| writer.finish()))
    }

    // Per span, on the observer's thread. No allocation but the growth of buffers.
    fn write(&mut self, end: &Finished, place: &Place) {
        let next = self.writers.len();
        let index = *self.places.entry(Who(end.process.clone())).or_insert(next);
        if index == next {
            self.writers.push((Who(end.process.clone()), TracesWriter::new()));
        }
        let Some((_, writer)) = self.writers.get_mut(index) else { return };
        if writer.items() == 0 {
            begin(writer, end);
        }
        self.count += 1;
        let ends = end.addresses.endpoints(end.side);
        let described = self.rules.naming.span(&end.exchange, party(end.side), &ends, &mut self.scratch);
        let fields = SpanFields {
            trace_id: &place.trace_id,
            span_id: &place.span_id,
            parent_span_id: place.parent_id.as_ref().map_or(&[], |id| id.as_slice()),
            name: described.name(),
            kind: if end.side == Side::Client { 3 } else { 2 },
            start_unix_nano: end.exchange.start.0,
            end_unix_nano: end.exchange.end.0,
            status_code: if described.error().is_some() { 2 } else { 0 },
            ..SpanFields::default()
        };
        writer.span_with(&fields, |extras| {
            extras.attributes(|attributes| {
                described.span_attributes(|key, value| add(attributes, key, value));
                attributes.add("network.protocol.name", "http");
                if end.is_key_genuine {
                    attributes.add(WIRE_KEY_ATTRIBUTE, end.key.hex().as_str());
                }
                if let Some(peer) = &end.peer_process {
                    attributes.add("service.peer.name", peer.service_name.as_str());
                }
            });
            if let Some((trace_id, span_id, evidence)) = &place.link {
                let link = LinkFields { trace_id, span_id, ..LinkFields::default() };
                extras.link(&link, |attributes| {
                    attributes.add("tidewatch.evidence", evidence.name());
                });
            }
        });
    }
}

/// Writes who an end's process is.
fn begin(writer: &mut TracesWriter, end: &Finished) {
    writer.resource(|attributes| {
        end.process.attributes.iter().for_each(|(key, value)| {
            attributes.add(key, value.as_str());
        });
    });
    writer.scope(SCOPE, env!("CARGO_PKG_VERSION"));
}

/// Adds an attribute as the conventions' describer gives it.
fn add(attributes: &mut AttributesWriter<'_>, key: &str, value: Value<'_>) {
    match value {
        Value::Str(text) => attributes.add(key, text),
        Value::Int(number) => attributes.add(key, number),
        Value::List(text) => attributes.add(key, &[text][..]),
    };
}

/// The side as the parsers call it.
pub fn party(side: Side) -> Party {
    match side {
        Side::Client => Party::Client,
        Side::Server => Party::Server,
    }
}
