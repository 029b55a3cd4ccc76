//! The load: requests of 500 spans in client/server pairs, about 400 bytes a span.

use bytes::Bytes;
use pdata::{AttributesWriter, Batch, SpanFields, TracesWriter};

/// Spans of one request.
pub const SPANS: usize = 500;
/// Different requests, sent in turn: enough that no cache remembers one until it comes again.
const VARIETY: u64 = 32;
/// 2026-01-01 00:00:00 UTC.
const BEGINNING: u64 = 1_767_225_600_000_000_000;
const MILLISECOND: u64 = 1_000_000;

/// Each calls the next.
const SERVICES: [&str; 6] = ["front", "cart", "checkout", "catalog", "payment", "shipping"];
const ROUTES: [&str; 5] = ["/cart/{id}", "/checkout", "/products/{id}", "/payments", "/quotes/{region}"];

/// All different requests.
pub fn requests() -> Vec<Bytes> {
    (0..VARIETY).map(|number| request(number).to_bytes()).collect()
}

/// One request: for each service its resource with the calls that it makes and the calls that it answers.
pub fn request(number: u64) -> Batch {
    let pairs = (SPANS / 2) as u64;
    let mut writer = TracesWriter::new();
    for (place, service) in SERVICES.iter().enumerate() {
        writer.resource(|attributes| resource(attributes, service, number));
        writer.scope("io.opentelemetry.http", "2.9.1");
        for pair in (0..pairs).filter(|pair| caller(*pair) == place) {
            Call::new(number, pair).client(&mut writer);
        }
        for pair in (0..pairs).filter(|pair| caller(*pair) + 1 == place) {
            Call::new(number, pair).server(&mut writer);
        }
    }
    writer.finish()
}

/// Which service makes the call.
fn caller(pair: u64) -> usize {
    (pair % ROUTES.len() as u64) as usize
}

fn resource(attributes: &mut AttributesWriter<'_>, service: &str, number: u64) {
    attributes
        .add("service.name", service)
        .add("service.namespace", "shop")
        .add("service.version", "1.14.2")
        .add("service.instance.id", &format!("{service}-7c5ddbdf54-{:05x}", number % 7))
        .add("telemetry.sdk.name", "opentelemetry")
        .add("telemetry.sdk.language", "java")
        .add("host.name", "ip-10-0-17-23.eu-central-1.compute.internal")
        .add("k8s.namespace.name", "shop");
}

struct Call {
    trace_id: [u8; 16],
    client_id: [u8; 8],
    server_id: [u8; 8],
    start: u64,
    duration: u64,
    route: &'static str,
    target: &'static str,
    status: i64,
}

impl Call {
    fn new(number: u64, pair: u64) -> Self {
        let seed = number << 32 | pair << 2;
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&mixed(seed).to_be_bytes());
        trace_id[8..].copy_from_slice(&mixed(seed + 1).to_be_bytes());
        let place = caller(pair);
        Self {
            trace_id,
            client_id: mixed(seed + 2).to_be_bytes(),
            server_id: mixed(seed + 3).to_be_bytes(),
            start: BEGINNING + seed % 1000 * MILLISECOND,
            duration: (1 + mixed(seed) % 200) * MILLISECOND,
            route: ROUTES[place],
            target: SERVICES[place + 1],
            status: if mixed(seed).is_multiple_of(50) { 500 } else { 200 },
        }
    }

    fn client(&self, writer: &mut TracesWriter) {
        let fields = SpanFields {
            trace_id: &self.trace_id,
            span_id: &self.client_id,
            name: "GET",
            kind: 3,
            start_unix_nano: self.start,
            end_unix_nano: self.start + self.duration,
            status_code: self.status_code(),
            ..SpanFields::default()
        };
        writer.span(&fields, |attributes| {
            attributes
                .add("http.request.method", "GET")
                .add("url.full", &format!("http://{}.shop.svc.cluster.local:8080{}", self.target, self.route))
                .add("server.address", &format!("{}.shop.svc.cluster.local", self.target))
                .add("server.port", 8080)
                .add("http.response.status_code", self.status)
                .add("network.protocol.version", "1.1")
                .add("thread.name", "http-nio-8080-exec-7")
                .add("thread.id", 43);
        });
    }

    fn server(&self, writer: &mut TracesWriter) {
        let fields = SpanFields {
            trace_id: &self.trace_id,
            span_id: &self.server_id,
            parent_span_id: &self.client_id,
            name: &format!("GET {}", self.route),
            kind: 2,
            start_unix_nano: self.start + self.duration / 8,
            end_unix_nano: self.start + self.duration,
            status_code: self.status_code(),
            ..SpanFields::default()
        };
        writer.span(&fields, |attributes| {
            attributes
                .add("http.request.method", "GET")
                .add("http.route", self.route)
                .add("url.path", self.route)
                .add("url.scheme", "http")
                .add("http.response.status_code", self.status)
                .add("client.address", "10.0.131.77")
                .add("network.peer.port", 51_226)
                .add("user_agent.original", "Apache-HttpClient/5.2.1 (Java/21.0.2)")
                .add("network.protocol.version", "1.1")
                .add("thread.name", "http-nio-8080-exec-3");
        });
    }

    fn status_code(&self) -> i32 {
        if self.status == 500 { 2 } else { 0 }
    }
}

/// Looks random and is not: the finaliser of splitmix64.
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counting::spans;

    #[test]
    fn a_request_has_five_hundred_spans_of_four_hundred_bytes() {
        let request = request(7);
        assert_eq!(request.items(), SPANS);
        let each = request.size() / SPANS;
        assert!((370..=430).contains(&each), "{each} bytes a span");
    }

    #[test]
    fn half_of_the_spans_are_clients_and_half_are_servers() {
        let counted = spans(&request(3).to_bytes());
        assert_eq!((counted.all, counted.clients, counted.servers), (500, 250, 250));
    }
}
