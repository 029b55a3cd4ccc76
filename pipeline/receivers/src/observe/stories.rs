//! A small world of processes that talk, for stories about the observer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hashbrown::HashMap;
use pdata::{Batch, json};
use protocols::connection::Start;
use protocols::http::HttpSettings;
use protocols::redact::QueryRedaction;
use protocols::route::{Fallback, Routes};
use protocols::semconv::HttpNaming;
use protocols::{Chunk, Close, Flow, Nanos, Origin, Role, StreamLimits};
use serde_json::Value;

use super::*;

pub const WEB: u32 = 10;
pub const SHOP: u32 = 20;
pub const BANK: u32 = 30;
const BEGINNING: u64 = 1_767_225_600_000_000_000;

/// A moment of the story.
pub fn ms(at: u64) -> Nanos {
    Nanos(BEGINNING + at * 1_000_000)
}

pub fn settings() -> ObserverSettings {
    let naming = HttpNaming::new(Routes::new::<&str>(&[], Fallback::Heuristic).unwrap(), QueryRedaction::Values, &[]);
    ObserverSettings {
        http: HttpRules { naming: Rc::new(naming), parser: HttpSettings::default() },
        ignore: Vec::new(),
        ratio: 1.0,
        sdk_instrumented: SdkInstrumented::Auto,
        temporality: Temporality::Cumulative,
        series_limit: 100,
        series_age: Duration::from_secs(900),
        patience: Duration::from_secs(2),
        connection_limit: 1000,
        stream: StreamLimits::default(),
    }
}

#[derive(Default)]
pub struct People(HashMap<u32, Rc<Process>>);

impl Identify for People {
    fn process(&mut self, id: u32) -> Rc<Process> {
        let name = match id {
            WEB => "web".to_owned(),
            SHOP => "shop".to_owned(),
            BANK => "bank".to_owned(),
            other => format!("process-{other}"),
        };
        let known = self.0.entry(id).or_insert_with(|| {
            Rc::new(Process {
                pid: id,
                attributes: vec![("service.name".into(), name.clone())],
                service_name: name,
                executable: String::new(),
                cgroup: String::new(),
                declares_sdk: id == BANK,
            })
        });
        Rc::clone(known)
    }
}

impl People {
    /// The program that ran under this id is another one now.
    pub fn replace(&mut self, id: u32) {
        self.0.remove(&id);
    }
}

/// One end of a connection, as a story speaks of it.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    pub client: EndId,
    pub server: EndId,
    pub ends: (u32, u32),
    pub next: (u32, u32),
    pub sees: (bool, bool),
    pub thread: u32,
}

#[derive(Debug, Clone)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub kind: &'static str,
    pub trace: String,
    pub id: String,
    pub parent: Option<String>,
    pub start: u64,
    pub attributes: BTreeMap<String, String>,
    pub links: Vec<(String, String)>,
}

pub struct World {
    pub observer: Observer<People>,
    opened: u64,
}

pub fn world(settings: ObserverSettings) -> World {
    World { observer: Observer::new(settings, People::default()), opened: 0 }
}

/// A connection of `role` at one end between two processes, before anybody opens it.
pub fn opened(role: Role, process: u32, start: Option<Start>) -> Opened {
    let (client, server): (SocketAddr, SocketAddr) =
        ("10.0.0.1:40000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
    let (local, peer) = if role == Role::Server { (server, client) } else { (client, server) };
    let before = Statistics::default();
    Opened { role, local, peer, start, process, is_new: true, connect_seconds: None, before }
}

impl World {
    pub fn wire(&mut self, client: u32, server: u32) -> Wire {
        self.opened += 2;
        let number = u32::try_from(self.opened).unwrap();
        Wire {
            client: EndId(self.opened),
            server: EndId(self.opened + 1),
            ends: (client, server),
            next: (number * 1000, number * 2000),
            sees: (true, true),
            thread: 1,
        }
    }

    /// A new connection, of which both ends are seen.
    pub fn connects(&mut self, client: u32, server: u32) -> Wire {
        let wire = self.wire(client, server);
        self.opens(&wire, (Role::Client, Role::Server), true);
        wire
    }

    /// A new connection, of which only the client's end is seen.
    pub fn connects_away(&mut self, client: u32) -> Wire {
        let wire = Wire { sees: (true, false), ..self.wire(client, 0) };
        self.opens(&wire, (Role::Client, Role::Server), true);
        wire
    }

    /// A new connection, of which only the server's end is seen.
    pub fn is_called(&mut self, server: u32) -> Wire {
        let wire = Wire { sees: (false, true), ..self.wire(0, server) };
        self.opens(&wire, (Role::Client, Role::Server), true);
        wire
    }

    pub fn opens(&mut self, wire: &Wire, roles: (Role, Role), is_new: bool) {
        let (sent, received) = wire.next;
        let client = Opened { is_new, ..opened(Role::Client, wire.ends.0, Some(Start { sent, received })) };
        let server =
            Opened { is_new, ..opened(Role::Server, wire.ends.1, Some(Start { sent: received, received: sent })) };
        if wire.sees.0 {
            self.observer.opened(wire.client, &Opened { role: roles.0, ..client });
        }
        if wire.sees.1 {
            self.observer.opened(wire.server, &Opened { role: roles.1, ..server });
        }
    }

    pub fn asks(&mut self, wire: &mut Wire, at: u64, line: &str) {
        self.asks_with(wire, at, line, "");
    }

    pub fn asks_with(&mut self, wire: &mut Wire, at: u64, line: &str, headers: &str) {
        let text = format!("{line} HTTP/1.1\r\nHost: shop\r\n{headers}\r\n");
        self.moves(wire, at, true, text.as_bytes());
    }

    pub fn answers(&mut self, wire: &mut Wire, at: u64, status: u16) {
        self.moves(wire, at, false, format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok").as_bytes());
    }

    /// Bytes from the client or to it, at both ends at the same time.
    pub fn moves(&mut self, wire: &mut Wire, at: u64, forth: bool, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap();
        let position = if forth { &mut wire.next.0 } else { &mut wire.next.1 };
        let chunk = Chunk { position: *position, length, captured: bytes, ..Chunk::default() };
        *position += length;
        let origin = |tgid| Origin { time: ms(at), tgid, tid: wire.thread };
        let (client, server) = if forth { (Flow::Sent, Flow::Received) } else { (Flow::Received, Flow::Sent) };
        let at_client = |world: &mut Self| {
            world.observer.chunk(wire.client, client, Chunk { origin: origin(wire.ends.0), ..chunk });
        };
        // Who sends is seen first.
        if forth {
            at_client(self);
        }
        self.observer.chunk(wire.server, server, Chunk { origin: origin(wire.ends.1), ..chunk });
        if !forth {
            at_client(self);
        }
    }

    pub fn closes(&mut self, id: EndId, at: u64) {
        self.observer.closed(id, &Closed { close: Close { time: ms(at), ..Close::default() }, statistics: None });
    }

    pub fn whole_exchange(&mut self, wire: &mut Wire, at: u64, line: &str) {
        self.asks(wire, at, line);
        self.answers(wire, at + 5, 200);
    }

    /// The spans that are ready.
    pub fn spans(&mut self) -> Vec<Span> {
        self.observer.take_spans().map_or_else(Vec::new, |batch| spans(&batch))
    }

    /// The spans that are ready when everybody has waited long enough.
    pub fn spans_at_last(&mut self) -> Vec<Span> {
        self.observer.flush();
        self.spans()
    }

    /// The points of a metric at this time.
    pub fn points(&mut self, at: u64, metric: &str) -> Vec<Point> {
        self.observer.take_metrics(ms(at)).map_or_else(Vec::new, |batch| points(&batch, metric))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn attributes(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_array().into_iter().flatten();
    pairs
        .map(|pair| (text(&pair["key"]), pair["value"].as_object().unwrap().values().next().unwrap()))
        .map(plain)
        .collect()
}

fn plain((key, value): (String, &Value)) -> (String, String) {
    (key, value.as_str().map_or_else(|| value.to_string(), Into::into))
}

pub fn as_json(batch: &Batch) -> Value {
    serde_json::from_slice(&json::encode(batch)).unwrap()
}

pub fn spans(batch: &Batch) -> Vec<Span> {
    let json = as_json(batch);
    let mut spans = Vec::new();
    for resource in json["resourceSpans"].as_array().unwrap() {
        let service = attributes(&resource["resource"]["attributes"])["service.name"].clone();
        for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
            let links = span["links"].as_array().into_iter().flatten();
            spans.push(Span {
                service: service.clone(),
                name: text(&span["name"]),
                kind: if span["kind"] == 3 { "client" } else { "server" },
                trace: text(&span["traceId"]),
                id: text(&span["spanId"]),
                parent: span["parentSpanId"].as_str().filter(|id| !id.is_empty()).map(Into::into),
                start: text(&span["startTimeUnixNano"]).parse().unwrap(),
                attributes: attributes(&span["attributes"]),
                links: links.map(|link| (text(&link["traceId"]), text(&link["spanId"]))).collect(),
            });
        }
    }
    spans
}

#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub attributes: BTreeMap<String, String>,
    /// Of a sum; of a histogram the count.
    pub value: u64,
    pub since: u64,
}

impl Point {
    pub fn is(&self, key: &str, value: &str) -> bool {
        self.attributes.get(key).is_some_and(|known| known == value)
    }
}

pub fn points(batch: &Batch, metric: &str) -> Vec<Point> {
    let json = as_json(batch);
    let mut points = Vec::new();
    for resource in json["resourceMetrics"].as_array().unwrap() {
        let all = resource["scopeMetrics"][0]["metrics"].as_array().unwrap();
        for found in all.iter().filter(|found| found["name"] == metric) {
            let kind = if found["sum"].is_object() { &found["sum"] } else { &found["histogram"] };
            for point in kind["dataPoints"].as_array().unwrap() {
                let value = point["asInt"].as_str().or(point["count"].as_str()).unwrap();
                points.push(Point {
                    attributes: attributes(&point["attributes"]),
                    value: value.parse().unwrap(),
                    since: text(&point["startTimeUnixNano"]).parse().unwrap(),
                });
            }
        }
    }
    points
}

/// The client's and the server's span of the only exchange.
pub fn pair(spans: Vec<Span>) -> (Span, Span) {
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let client = spans.iter().find(|span| span.kind == "client").unwrap().clone();
    let server = spans.iter().find(|span| span.kind == "server").unwrap().clone();
    (client, server)
}
