//! What a span costs in each connector: `cargo bench -p connectors`.
//!
//! 500 spans a batch, about 400 bytes a span, pairs of client and server over 20 services and 50 operations.
#![expect(clippy::unwrap_used, reason = "a measurement that surprises should stop")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use component::{Ack, Budget, BuildContext, Clock, Consume, Output, SystemClock, promise};
use config::Request;
use pdata::{Batch, Signal, SpanFields, TracesWriter};

const SPANS: u64 = 500;
const SERVICES: u64 = 20;
const BATCHES: u64 = 2_000;

struct Nowhere;

impl Consume for Nowhere {
    fn consume(&self, _batch: Batch, ack: Ack) {
        ack.accept();
    }
}

fn main() {
    let batches: Vec<Batch> = (0..200).map(batch).collect();
    let bytes: usize = batches.iter().map(Batch::size).sum();
    println!("{} bytes a span", bytes as u64 / SPANS / 200);
    for (kind, settings) in [
        ("forward", ""),
        ("service_graph", ""),
        ("service_graph", "dimensions: [http.request.method, k8s.namespace.name]"),
        ("service_graph", "exponential_histogram_max_size: 160"),
        (
            "service_graph",
            "deduplication: {window: 1s}, namespace_labels: true, pair_by_wire_key: true, current_conventions: true",
        ),
        ("span_metrics", ""),
        ("span_metrics", "dimensions: [{name: http.request.method}, {name: http.response.status_code}]"),
        ("span_metrics", "histogram: {exponential: {}}"),
    ] {
        let nanoseconds = measure(kind, settings, &batches);
        println!("{nanoseconds:>8.0} ns a span  {kind} {{{settings}}}");
    }
}

fn measure(kind: &str, settings: &str, batches: &[Batch]) -> f64 {
    let factory = connectors::FACTORIES.iter().find(|factory| factory.identity.is_called(kind)).unwrap();
    let uris = [format!("yaml:connectors: {{{kind}: {{{settings}}}}}")];
    let request = Request { uris: &uris, sets: &[], gates: &[], environment: &|_| None };
    let mut loaded = config::load(&request).ok().unwrap();
    let declared = &loaded.connectors[0];
    let config = (factory.identity.decode)(&declared.node, kind, declared.mark, &mut loaded.problems).unwrap();
    let clock = Arc::new(SystemClock::default());
    let context = BuildContext::new(clock.clone(), Budget::new(1 << 20), 1);
    let mut connector = (factory.build)(&config, Signal::Metrics, &context).unwrap();
    let mut play = |batch: &Batch| {
        let (ack, _answer) = promise();
        connector.consume(batch.clone(), &mut Output::new(&Nowhere, Some(&ack), clock.now()));
        ack.accept();
    };
    batches.iter().for_each(&mut play);
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begin = Instant::now();
        batches.iter().cycle().take(usize::try_from(BATCHES).unwrap()).for_each(&mut play);
        best = best.min(begin.elapsed());
    }
    best.as_nanos() as f64 / (BATCHES * SPANS) as f64
}

/// Client and server spans of `SPANS / 2` calls, ten resources a batch.
fn batch(number: u64) -> Batch {
    let mut writer = TracesWriter::new();
    for part in 0..10 {
        let is_client = part < 5;
        let service = (number + part % 5 + if is_client { 0 } else { 1 }) % SERVICES;
        writer.resource(|out| {
            out.add("service.name", format!("service-{service}").as_str());
            out.add("k8s.namespace.name", "shop").add("k8s.pod.name", format!("service-{service}-7d9f").as_str());
            out.add("host.name", "node-17").add("telemetry.sdk.language", "go");
        });
        writer.scope("io.opentelemetry.http", "1.2.3");
        for call in 0..SPANS / 10 {
            let call = number * SPANS + (part % 5) * SPANS / 10 + call + 1;
            let trace = u128::from(call).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
            let (client, server) = ((call * 2).to_be_bytes(), (call * 2 + 1).to_be_bytes());
            let name = format!("GET /api/v1/resource-{}", call % 50);
            let fields = SpanFields {
                trace_id: &trace,
                span_id: if is_client { &client } else { &server },
                parent_span_id: if is_client { &[] } else { &client },
                name: &name,
                kind: if is_client { 3 } else { 2 },
                start_unix_nano: 1_700_000_000_000_000_000,
                end_unix_nano: 1_700_000_000_000_000_000 + 1_000_000 + call % 97 * 1_700_000,
                ..SpanFields::default()
            };
            writer.span(&fields, |out| {
                out.add("http.request.method", "GET").add("http.response.status_code", 200);
                out.add("url.path", name.as_str()).add("url.scheme", "http").add("server.address", "cart.shop.svc");
                out.add("server.port", 8080).add("network.protocol.version", "1.1");
                out.add("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36");
            });
        }
    }
    writer.finish()
}
