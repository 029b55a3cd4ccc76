//! Plays OTLP and the passing of time to the extractors of an exporter.

use std::sync::Arc;
use std::time::Duration;

use ::topology::{FactRow, NodeId, Rows, View, Who};
use component::testkit::{BEGINNING, settings};
use component::{Clock as _, SteppedClock};
use pdata::{AttributesWriter, Batch, MetricsWriter, SpanFields, TracesWriter};

use super::super::extract::Told;
use super::super::{Extractor, Shared};

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MS: u64 = 1_000_000;

/// The extractors of some shards.
pub(super) struct Story {
    shared: Arc<Shared>,
    shards: Vec<Extractor>,
    pub(super) clock: Arc<SteppedClock>,
    rows: Rows,
}

pub(super) fn story(yaml: &str) -> Story {
    story_on(1, yaml)
}

pub(super) fn story_on(shards: usize, yaml: &str) -> Story {
    let clock = Arc::new(SteppedClock::at(BEGINNING));
    let shared = Arc::new(Shared::new(&settings(yaml), "".into(), clock.now()));
    let shards = (0..shards).map(|_| Extractor::new(Arc::clone(&shared))).collect();
    Story { shared, shards, clock, rows: Rows::default() }
}

impl Story {
    /// Spans arrive.
    pub(super) fn sees(&mut self, spans: &[Span]) -> &mut Self {
        self.shard_sees(0, spans)
    }

    pub(super) fn shard_sees(&mut self, shard: usize, spans: &[Span]) -> &mut Self {
        self.shard_takes(shard, &batch(spans))
    }

    /// A batch of any signal arrives.
    pub(super) fn takes(&mut self, batch: &Batch) -> &mut Self {
        self.shard_takes(0, batch)
    }

    pub(super) fn shard_takes(&mut self, shard: usize, batch: &Batch) -> &mut Self {
        let rows = self.shards[shard].rows(batch, self.clock.now());
        self.keep(rows)
    }

    /// Time passes; whoever waited in vain gives up.
    pub(super) fn after(&mut self, seconds: u64) -> &mut Self {
        self.clock.advance(Duration::from_secs(seconds));
        let rows = self.shared.expire(self.clock.now());
        self.keep(rows)
    }

    fn keep(&mut self, rows: Rows) -> &mut Self {
        self.rows.facts.extend(rows.facts);
        self.rows.states.extend(rows.states);
        self.rows.events.extend(rows.events);
        self
    }

    /// All rows since this was last asked.
    pub(super) fn rows(&mut self) -> Rows {
        std::mem::take(&mut self.rows)
    }

    /// All facts since this was last asked, as `source -> target: requests`, sorted.
    pub(super) fn calls(&mut self) -> Vec<String> {
        let mut calls: Vec<_> = self.rows().facts.iter().map(call).collect();
        calls.sort();
        calls
    }

    /// The only fact.
    pub(super) fn only(&mut self) -> FactRow {
        let mut facts = self.rows().facts;
        assert_eq!(facts.len(), 1, "one fact, not {:?}", facts.iter().map(call).collect::<Vec<_>>());
        facts.remove(0)
    }

    /// What happened to what was read since this was last asked.
    pub(super) fn told(&self) -> Told {
        self.shared.told()
    }
}

/// `source -> target: requests`, with the sides that saw them.
pub(super) fn call(fact: &FactRow) -> String {
    let source = fact.source.as_ref().map_or_else(|| "-".to_owned(), |end| node(&end.who));
    let requests = fact.measures.requests;
    let sides = [(requests.paired, "paired"), (requests.client_only, "client"), (requests.server_only, "server")];
    let sides: Vec<_> =
        sides.iter().filter(|(count, _)| *count > 0).map(|(count, side)| format!("{count} {side}")).collect();
    format!("{source} -> {}: {}", node(&fact.target.who), sides.join(", "))
}

pub(super) fn node(who: &Who) -> String {
    let NodeId { cluster, namespace, kind, name } = who.node(View::Workload);
    let place: Vec<_> =
        [cluster, namespace].iter().filter(|part| !part.is_empty()).map(|part| format!("{part}/")).collect();
    format!("{}{kind}/{name}", place.concat())
}

/// A span to be received.
#[derive(Debug, Clone)]
pub(super) struct Span {
    resource: Vec<(&'static str, String)>,
    kind: i32,
    trace: u128,
    id: u64,
    parent: u64,
    end: u64,
    milliseconds: u64,
    texts: Vec<(&'static str, String)>,
    numbers: Vec<(&'static str, i64)>,
    trace_state: &'static str,
    failed: bool,
}

/// The client's span of call `call`: 20 ms, by `service`.
pub(super) fn client(service: &str, call: u64) -> Span {
    span(service, 3, call, call * 2 + 1, 1)
}

/// The server's span of call `call`: 12 ms, by `service`.
pub(super) fn server(service: &str, call: u64) -> Span {
    span(service, 2, call, call * 2 + 2, call * 2 + 1).lasts(12)
}

fn span(service: &str, kind: i32, call: u64, id: u64, parent: u64) -> Span {
    Span {
        resource: vec![("service.name", service.to_owned())],
        kind,
        trace: u128::from(call) + 1,
        id,
        parent,
        end: BEGINNING,
        milliseconds: 20,
        texts: Vec::new(),
        numbers: Vec::new(),
        trace_state: "",
        failed: false,
    }
}

impl Span {
    pub(super) fn of_kind(self, kind: i32) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn lasts(self, milliseconds: u64) -> Self {
        Self { milliseconds, ..self }
    }

    pub(super) fn without_parent(self) -> Self {
        Self { parent: 0, ..self }
    }

    pub(super) fn with_id(self, id: u64) -> Self {
        Self { id, ..self }
    }

    pub(super) fn in_trace(self, trace: u128) -> Self {
        Self { trace, ..self }
    }

    pub(super) fn ends_at(self, end: u64) -> Self {
        Self { end, ..self }
    }

    pub(super) fn weighs(self, trace_state: &'static str) -> Self {
        Self { trace_state, ..self }
    }

    pub(super) fn fails(self) -> Self {
        Self { failed: true, ..self }
    }

    pub(super) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.texts.push((key, value.to_owned()));
        self
    }

    pub(super) fn number(mut self, key: &'static str, value: i64) -> Self {
        self.numbers.push((key, value));
        self
    }

    pub(super) fn of(mut self, key: &'static str, value: &str) -> Self {
        self.resource.push((key, value.to_owned()));
        self
    }

    /// Without `service.name`.
    pub(super) fn nameless(mut self) -> Self {
        self.resource.clear();
        self
    }
}

fn texts(out: &mut AttributesWriter<'_>, attributes: &[(&'static str, String)]) {
    for (key, value) in attributes {
        out.add(key, value.as_str());
    }
}

pub(super) fn batch(spans: &[Span]) -> Batch {
    let mut writer = TracesWriter::new();
    for span in spans {
        writer.resource(|out| texts(out, &span.resource));
        let (trace, id, parent) = (span.trace.to_be_bytes(), span.id.to_be_bytes(), span.parent.to_be_bytes());
        let fields = SpanFields {
            trace_id: &trace,
            span_id: &id,
            parent_span_id: if span.parent == 0 { &[] } else { &parent },
            trace_state: span.trace_state,
            name: "GET /cart",
            kind: span.kind,
            start_unix_nano: span.end - span.milliseconds * MS,
            end_unix_nano: span.end,
            status_code: if span.failed { 2 } else { 0 },
            ..SpanFields::default()
        };
        writer.span(&fields, |out| {
            texts(out, &span.texts);
            for (key, value) in &span.numbers {
                out.add(key, *value);
            }
        });
    }
    writer.finish()
}

/// Metrics of one resource.
pub(super) fn metrics(resource: &[(&str, &str)], write: impl FnOnce(&mut MetricsWriter)) -> Batch {
    let mut writer = MetricsWriter::new();
    writer.resource(|out| labels(out, resource)).scope("story", "");
    write(&mut writer);
    writer.finish()
}

pub(super) fn labels(out: &mut AttributesWriter<'_>, labels: &[(&str, &str)]) {
    for (key, value) in labels {
        out.add(key, *value);
    }
}
