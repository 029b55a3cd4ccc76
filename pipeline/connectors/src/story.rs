//! Tells stories about connectors: spans arrive, time passes, metrics come out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use component::{
    Ack, AnyConnector, Budget, BuildContext, Clock, ConnectorFactory, Consume, Output, SteppedClock, promise,
};
use config::Request;
use pdata::{Batch, MetricData, Number, Signal, SpanFields, TracesWriter, ValueView};

/// When stories begin.
pub(crate) const BEGIN: u64 = 1_700_000_000_000_000_000;

#[derive(Default)]
struct Told(RefCell<Vec<Batch>>);

impl Consume for Told {
    fn consume(&self, batch: Batch, ack: Ack) {
        self.0.borrow_mut().push(batch);
        ack.accept();
    }
}

/// A point that came out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) labels: BTreeMap<String, String>,
    /// The value of a counter, or how many observations.
    pub(crate) count: u64,
    /// The sum of the observations.
    pub(crate) sum: f64,
    pub(crate) start: u64,
    pub(crate) time: u64,
}

impl Point {
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

/// One instance on each of some shards.
pub(crate) struct Story {
    pub(crate) shards: Vec<Box<dyn AnyConnector>>,
    pub(crate) context: BuildContext,
    clock: Arc<SteppedClock>,
    told: Told,
}

/// Builds a connector from its settings on so many shards.
pub(crate) fn story_on(shards: usize, factory: &ConnectorFactory, settings: &str) -> Story {
    let decoded = decode(factory, settings).unwrap_or_else(|problems| panic!("{problems}"));
    let clock = Arc::new(SteppedClock::at(BEGIN));
    let mut context = BuildContext::new(clock.clone(), Budget::new(1 << 20), shards);
    let built = (0..shards).map(|shard| {
        context.shard = shard;
        (factory.build)(&decoded, Signal::Metrics, &context).unwrap()
    });
    Story { shards: built.collect(), context, clock, told: Told::default() }
}

/// Builds a connector from its settings.
pub(crate) fn story(factory: &ConnectorFactory, settings: &str) -> Story {
    story_on(1, factory, settings)
}

/// Settings through the reading of whole files; what is wrong with them otherwise.
pub(crate) fn decode(factory: &ConnectorFactory, settings: &str) -> Result<component::AnyConfig, String> {
    let uris = [format!("yaml:connectors: {{{}: {{{settings}}}}}", factory.identity.name)];
    let request = Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None };
    let mut loaded = config::load(&request).map_err(|problems| problems.render())?;
    let declared = &loaded.connectors[0];
    let path = format!("connectors::{}", declared.id);
    (factory.identity.decode)(&declared.node, &path, declared.mark, &mut loaded.problems)
        .ok_or_else(|| loaded.problems.render())
}

impl Story {
    pub(crate) fn receives(&mut self, spans: &[Span]) -> &mut Self {
        self.shard_receives(0, spans)
    }

    pub(crate) fn shard_receives(&mut self, shard: usize, spans: &[Span]) -> &mut Self {
        let (ack, _answer) = promise();
        let mut output = Output::new(&self.told, Some(&ack), self.clock.now());
        self.shards[shard].consume(batch(spans), &mut output);
        ack.accept();
        self
    }

    /// Time passes; whatever is due meanwhile is done.
    pub(crate) fn after(&mut self, time: Duration) -> &mut Self {
        let end = self.clock.now().monotonic + time;
        while let Some(wake) = self.shards.iter().filter_map(|shard| shard.wake()).min().filter(|wake| *wake <= end) {
            self.clock.advance(wake.saturating_sub(self.clock.now().monotonic));
            for shard in &mut self.shards {
                shard.tick(&mut Output::new(&self.told, None, self.clock.now()));
            }
        }
        self.clock.advance(end - self.clock.now().monotonic);
        self
    }

    /// The process stops.
    pub(crate) fn stops(&mut self) -> &mut Self {
        for shard in &mut self.shards {
            shard.finish(&mut Output::new(&self.told, None, self.clock.now()));
        }
        self
    }

    /// How often metrics came out.
    pub(crate) fn times_told(&self) -> usize {
        self.told.0.borrow().len()
    }

    /// The points of one metric, when metrics came out last.
    pub(crate) fn points(&self, metric: &str) -> Vec<Point> {
        let told = self.told.0.borrow();
        let Some(batch) = told.last() else { return Vec::new() };
        let metrics = batch.resources().flat_map(|resource| resource.scopes()).flat_map(|scope| scope.metrics());
        metrics.filter(|found| found.name() == metric).flat_map(|found| points(&found.data())).collect()
    }

    /// The value of one of our own counters.
    pub(crate) fn own_count(&self, name: &str) -> u64 {
        let id = self.context.id.to_string();
        self.context.registry.counter(name, "", &[("connector", &id)]).get()
    }
}

fn points(data: &MetricData<'_>) -> Vec<Point> {
    let whole = |number: Number| match number {
        Number::Int(number) => u64::try_from(number).unwrap(),
        Number::Double(number) => panic!("{number} is no count"),
    };
    match data {
        MetricData::Sum { points, .. } => points
            .clone()
            .map(|point| Point {
                labels: labels(point.attributes()),
                count: point.value().map_or(0, whole),
                sum: 0.0,
                start: point.start_unix_nano(),
                time: point.time_unix_nano(),
            })
            .collect(),
        MetricData::Histogram { points, .. } => points
            .clone()
            .map(|point| Point {
                labels: labels(point.attributes()),
                count: point.count(),
                sum: point.sum().unwrap(),
                start: point.start_unix_nano(),
                time: point.time_unix_nano(),
            })
            .collect(),
        _ => panic!("a connector makes sums and histograms"),
    }
}

fn labels(attributes: pdata::Attributes<'_>) -> BTreeMap<String, String> {
    let text = |value: ValueView<'_>| value.as_display_string().into_owned();
    attributes.map(|attribute| (attribute.key().to_owned(), text(attribute.value()))).collect()
}

/// A span to be received.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    service: String,
    resource: Vec<(&'static str, String)>,
    kind: i32,
    trace: u128,
    id: u64,
    parent: u64,
    milliseconds: u64,
    attributes: Vec<(&'static str, String)>,
    name: String,
}

/// The client's span of call `call`: 20 ms.
pub(crate) fn client(service: &str, call: u64) -> Span {
    span(service, 3, call, call * 2 + 1, 0)
}

/// The server's span of call `call`: 20 ms.
pub(crate) fn server(service: &str, call: u64) -> Span {
    span(service, 2, call, call * 2 + 2, call * 2 + 1)
}

fn span(service: &str, kind: i32, call: u64, id: u64, parent: u64) -> Span {
    let (service, name) = (service.to_owned(), "GET /cart".to_owned());
    let (resource, attributes) = (Vec::new(), Vec::new());
    let trace = u128::from(call) + 1;
    Span { service, resource, kind, trace, id, parent, milliseconds: 20, attributes, name }
}

impl Span {
    pub(crate) fn of_kind(self, kind: i32) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn lasts(self, milliseconds: u64) -> Self {
        Self { milliseconds, ..self }
    }

    pub(crate) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    pub(crate) fn without_parent(self) -> Self {
        Self { parent: 0, ..self }
    }

    pub(crate) fn with_id(self, id: u64) -> Self {
        Self { id, ..self }
    }

    pub(crate) fn in_trace(self, trace: u128) -> Self {
        Self { trace, ..self }
    }

    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push((key, value.to_owned()));
        self
    }

    pub(crate) fn of_resource(mut self, key: &'static str, value: &str) -> Self {
        self.resource.push((key, value.to_owned()));
        self
    }
}

fn batch(spans: &[Span]) -> Batch {
    let mut writer = TracesWriter::new();
    for span in spans {
        writer.resource(|out| {
            out.add("service.name", &span.service);
            for (key, value) in &span.resource {
                out.add(key, value);
            }
        });
        let (trace, id, parent) = (span.trace.to_be_bytes(), span.id.to_be_bytes(), span.parent.to_be_bytes());
        let fields = SpanFields {
            trace_id: &trace,
            span_id: &id,
            parent_span_id: if span.parent == 0 { &[] } else { &parent },
            name: &span.name,
            kind: span.kind,
            start_unix_nano: BEGIN,
            end_unix_nano: BEGIN + span.milliseconds * 1_000_000,
            ..SpanFields::default()
        };
        writer.span(&fields, |out| {
            for (key, value) in &span.attributes {
                out.add(key, value);
            }
        });
    }
    writer.finish()
}
