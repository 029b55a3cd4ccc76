//! Names exchanges by the OpenTelemetry semantic conventions (HTTP, stable).
//!
//! In this room: span names, attributes of spans and metrics, what counts as an error.
//! Not here: encoding them (the receiver), what a process is called.
//!
//! Enter at [`HttpNaming::span`] and [`HttpNaming::metric`].

use std::fmt::Write as _;

use crate::chunk::Party;
use crate::exchange::{Details, Exchange, Outcome};
use crate::http::{HttpExchange, Part};
use crate::redact::{self, QueryRedaction};
use crate::route::Routes;

/// An attribute's value, borrowed from the exchange or the scratch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Str(&'a str),
    /// A number.
    Int(i64),
    /// An array of one text: captured headers are arrays.
    List(&'a str),
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// IP address.
    pub address: &'a str,
    /// Port.
    pub port: u16,
}

/// Both ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoints<'a> {
    /// The end that asks.
    pub client: Endpoint<'a>,
    /// The end that answers.
    pub server: Endpoint<'a>,
}

/// Texts that are made for one description; reuse it.
#[derive(Debug, Default)]
pub struct Scratch {
    name: String,
    route: String,
    url: String,
    query: String,
    status: String,
}

impl Scratch {
    fn clear(&mut self) {
        for text in [&mut self.name, &mut self.route, &mut self.url, &mut self.query, &mut self.status] {
            text.clear();
        }
    }
}

/// How one side of an exchange is told. Attributes are handed out one by one, so that a writer needs no list of them.
#[derive(Debug)]
pub struct Description<'a> {
    naming: &'a HttpNaming,
    http: &'a HttpExchange,
    method: &'static str,
    side: Party,
    ends: Endpoints<'a>,
    scratch: &'a Scratch,
    error: Option<&'a str>,
}

/// How HTTP exchanges are named.
#[derive(Debug, Default)]
pub struct HttpNaming {
    routes: Routes,
    redaction: QueryRedaction,
    header_keys: Vec<(String, String)>,
}

/// Methods with a name of their own (RFC 9110, RFC 5789).
const KNOWN_METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
const OTHER: &str = "_OTHER";

impl HttpNaming {
    /// `headers` are those of the parser's settings, in the same order.
    pub fn new(routes: Routes, redaction: QueryRedaction, headers: &[String]) -> Self {
        let keys = |name: &String| (format!("http.request.header.{name}"), format!("http.response.header.{name}"));
        Self { routes, redaction, header_keys: headers.iter().map(keys).collect() }
    }

    /// Describes the span of one side of an exchange.
    // Per span. No allocation once the scratch has grown.
    pub fn span<'a>(
        &'a self,
        exchange: &'a Exchange,
        side: Party,
        ends: &Endpoints<'a>,
        scratch: &'a mut Scratch,
    ) -> Description<'a> {
        let Details::Http(http) = &exchange.details;
        scratch.clear();
        let method = known_method(http);
        scratch.name.push_str(if method == OTHER { "HTTP" } else { method });
        self.write_route(http, side, scratch);
        if !scratch.route.is_empty() {
            scratch.name.push(' ');
            scratch.name.push_str(&scratch.route);
        }
        match side {
            Party::Server => {
                if let Some(query) = http.query() {
                    redact::write_query(query, self.redaction, &mut scratch.query);
                }
            }
            Party::Client => self.write_url(http, ends, scratch),
        }
        self.describe(exchange, http, method, side, ends, scratch)
    }

    /// Describes the point of one side of an exchange in `http.*.request.duration` and its sisters.
    // Per exchange and side. No allocation once the scratch has grown.
    pub fn metric<'a>(
        &'a self,
        exchange: &'a Exchange,
        side: Party,
        ends: &Endpoints<'a>,
        scratch: &'a mut Scratch,
    ) -> Description<'a> {
        let Details::Http(http) = &exchange.details;
        scratch.clear();
        self.write_route(http, side, scratch);
        self.describe(exchange, http, known_method(http), side, ends, scratch)
    }

    fn describe<'a>(
        &'a self,
        exchange: &'a Exchange,
        http: &'a HttpExchange,
        method: &'static str,
        side: Party,
        ends: &Endpoints<'a>,
        scratch: &'a mut Scratch,
    ) -> Description<'a> {
        let error = error_type(exchange, http, side);
        if let Some(ErrorType::Status(status)) = error {
            // Writing to a string cannot fail.
            let _ = write!(scratch.status, "{status}");
        }
        let scratch = &*scratch;
        let error = error.map(|error| match error {
            ErrorType::Status(_) => scratch.status.as_str(),
            ErrorType::Word(word) => word,
        });
        Description { naming: self, http, method, side, ends: *ends, scratch, error }
    }

    /// Only servers have routes.
    fn write_route(&self, http: &HttpExchange, side: Party, scratch: &mut Scratch) {
        if side == Party::Server {
            self.routes.write(http.path(), &mut scratch.route);
        }
    }

    fn write_url(&self, http: &HttpExchange, ends: &Endpoints<'_>, scratch: &mut Scratch) {
        let mut address = String::new();
        let authority = http.authority().unwrap_or_else(|| {
            let colon = ends.server.address.contains(':');
            let (open, close) = if colon { ("[", "]") } else { ("", "") };
            let _ = write!(address, "{open}{}{close}:{}", ends.server.address, ends.server.port);
            &address
        });
        redact::write_url("http", authority, http.path(), http.query(), self.redaction, &mut scratch.url);
    }
}

impl<'a> Description<'a> {
    /// A span's name: `{method} {route}` or `{method}`.
    pub fn name(&self) -> &'a str {
        &self.scratch.name
    }

    /// Why the span's status is an error, if it is.
    pub fn error(&self) -> Option<&'a str> {
        self.error
    }

    /// The attributes of a span, in the order in which they are written.
    pub fn span_attributes(&self, mut put: impl FnMut(&'a str, Value<'a>)) {
        let Self { http, ends, scratch, .. } = self;
        put("http.request.method", Value::Str(self.method));
        if self.method == OTHER {
            put("http.request.method_original", Value::Str(http.method()));
        }
        match self.side {
            Party::Server => {
                put("url.path", Value::Str(http.path()));
                put("url.scheme", Value::Str("http"));
                if !scratch.query.is_empty() {
                    put("url.query", Value::Str(&scratch.query));
                }
                put("client.address", Value::Str(ends.client.address));
            }
            Party::Client => put("url.full", Value::Str(&scratch.url)),
        }
        self.outcome(&mut put);
        self.server(&mut put);
        put("network.protocol.version", Value::Str(http.version()));
        if let Some(user_agent) = http.user_agent() {
            put("user_agent.original", Value::Str(user_agent));
        }
        let peer = if self.side == Party::Client { ends.server } else { ends.client };
        put("network.peer.address", Value::Str(peer.address));
        put("network.peer.port", Value::Int(peer.port.into()));
        self.headers(put);
    }

    /// The attributes of a point, in the order in which they are written.
    pub fn metric_attributes(&self, mut put: impl FnMut(&'a str, Value<'a>)) {
        put("http.request.method", Value::Str(self.method));
        put("url.scheme", Value::Str("http"));
        self.outcome(&mut put);
        // The name that a client chose for a server is not a dimension of the server's own metrics.
        if self.side == Party::Client {
            self.server(&mut put);
        }
        put("network.protocol.version", Value::Str(self.http.version()));
    }

    fn outcome(&self, put: &mut impl FnMut(&'a str, Value<'a>)) {
        if let Some(status) = self.http.status() {
            put("http.response.status_code", Value::Int(status.into()));
        }
        if !self.scratch.route.is_empty() {
            put("http.route", Value::Str(&self.scratch.route));
        }
        if let Some(error) = self.error {
            put("error.type", Value::Str(error));
        }
    }

    fn server(&self, put: &mut impl FnMut(&'a str, Value<'a>)) {
        let own = self.ends.server;
        let (host, port) = self.http.host_and_port();
        // A server's own address is what the client called it; behind a proxy the port of `Host` is not this socket's.
        put("server.address", Value::Str(host.unwrap_or(own.address)));
        let port = if self.side == Party::Client { own.port } else { port.unwrap_or(own.port) };
        put("server.port", Value::Int(port.into()));
    }

    fn headers(&self, mut put: impl FnMut(&'a str, Value<'a>)) {
        for (part, index, value) in self.http.headers() {
            let Some((request, response)) = self.naming.header_keys.get(index) else { continue };
            let key = if part == Part::Request { request } else { response };
            put(key, Value::List(value));
        }
    }
}

fn known_method(http: &HttpExchange) -> &'static str {
    let method = http.method();
    KNOWN_METHODS.into_iter().find(|known| *known == method).unwrap_or(OTHER)
}

enum ErrorType {
    Status(u16),
    Word(&'static str),
}

/// Why an exchange failed in the eyes of one side: a client may blame 4xx on itself, a server never does.
fn error_type(exchange: &Exchange, http: &HttpExchange, side: Party) -> Option<ErrorType> {
    let first_error = if side == Party::Server { 500 } else { 400 };
    if let Some(status) = http.status().filter(|status| *status >= first_error) {
        return Some(ErrorType::Status(status));
    }
    let (closed, ending) = match exchange.outcome {
        Outcome::Complete => return None,
        Outcome::NoResponse(ending) => ("no_response", ending),
        Outcome::RequestTruncated(ending) => ("request_truncated", ending),
        Outcome::ResponseTruncated(ending) => ("response_truncated", ending),
    };
    Some(ErrorType::Word(match ending.by {
        _ if ending.reset => "connection_reset",
        Some(Party::Client) if matches!(exchange.outcome, Outcome::NoResponse(_)) => "client_closed",
        _ => closed,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Start;
    use crate::route::Fallback;
    use crate::{Chunk, Close, Connection, ConnectionConfig, Flow, Nanos, Role};

    const ENDS: Endpoints<'static> = Endpoints {
        client: Endpoint { address: "10.0.0.1", port: 40000 },
        server: Endpoint { address: "10.0.0.2", port: 8080 },
    };

    fn exchange(request: &str, response: &str) -> Exchange {
        let mut connection = Connection::new(ConnectionConfig {
            role: Role::Client,
            start: Some(Start { sent: 1, received: 1 }),
            http: crate::http::HttpSettings { headers: vec!["x-shop".to_owned()].into() },
            ..ConnectionConfig::default()
        });
        for (flow, bytes) in [(Flow::Sent, request), (Flow::Received, response)] {
            let captured = bytes.as_bytes();
            connection.push(flow, Chunk { position: 1, length: bytes.len() as u32, captured, ..Chunk::default() });
        }
        connection.close(Close { time: Nanos(9), first: Some(Flow::Received), ..Close::default() });
        let mut found = None;
        connection.drain(|exchange| found = Some(exchange.clone()));
        found.expect("one exchange")
    }

    fn naming() -> HttpNaming {
        let routes = Routes::new(&["/users/{id}"], Fallback::Heuristic).unwrap();
        HttpNaming::new(routes, QueryRedaction::Values, &["x-shop".to_owned()])
    }

    fn span_attributes<'a>(description: &Description<'a>) -> Vec<(&'a str, Value<'a>)> {
        let mut attributes = Vec::new();
        description.span_attributes(|key, value| attributes.push((key, value)));
        attributes
    }

    fn get<'a>(description: &Description<'a>, key: &str) -> Option<Value<'a>> {
        span_attributes(description).into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Shop: open\r\n\r\n";

    #[test]
    fn a_server_span_is_named_by_its_route_and_shows_no_secret() {
        let exchange = exchange("GET /users/ann?token=1 HTTP/1.1\r\nHost: shop.test:80\r\nUser-Agent: u\r\n\r\n", OK);
        let (naming, mut scratch) = (naming(), Scratch::default());

        let span = naming.span(&exchange, Party::Server, &ENDS, &mut scratch);

        assert_eq!(span.name(), "GET /users/{id}");
        assert_eq!(span.error(), None);
        let expected = [
            ("http.request.method", Value::Str("GET")),
            ("url.path", Value::Str("/users/ann")),
            ("url.scheme", Value::Str("http")),
            ("url.query", Value::Str("token=REDACTED")),
            ("client.address", Value::Str("10.0.0.1")),
            ("http.response.status_code", Value::Int(200)),
            ("http.route", Value::Str("/users/{id}")),
            ("server.address", Value::Str("shop.test")),
            ("server.port", Value::Int(80)),
            ("network.protocol.version", Value::Str("1.1")),
            ("user_agent.original", Value::Str("u")),
            ("network.peer.address", Value::Str("10.0.0.1")),
            ("network.peer.port", Value::Int(40000)),
            ("http.response.header.x-shop", Value::List("open")),
        ];
        assert_eq!(span_attributes(&span), expected);
    }

    #[test]
    fn a_client_span_has_the_whole_url_without_credentials() {
        let exchange = exchange("GET http://ann:secret@shop.test/a?b=c HTTP/1.1\r\nHost: proxy\r\n\r\n", OK);
        let (naming, mut scratch) = (naming(), Scratch::default());

        let span = naming.span(&exchange, Party::Client, &ENDS, &mut scratch);

        assert_eq!(span.name(), "GET");
        let url = Value::Str("http://REDACTED:REDACTED@shop.test/a?b=REDACTED");
        assert_eq!(get(&span, "url.full"), Some(url));
        assert_eq!(get(&span, "server.address"), Some(Value::Str("shop.test")));
        assert_eq!(get(&span, "server.port"), Some(Value::Int(8080)));
    }

    #[test]
    fn a_refusal_is_the_clients_error_and_a_failure_is_everybodys() {
        let refused = exchange("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        let failed = exchange("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        let naming = naming();
        let error = |exchange: &Exchange, side| {
            let mut scratch = Scratch::default();
            let mut error = None;
            let point = naming.metric(exchange, side, &ENDS, &mut scratch);
            point.metric_attributes(|key, value| {
                if key == "error.type" {
                    error = Some(format!("{value:?}"));
                }
            });
            error
        };

        assert_eq!(error(&refused, Party::Server), None);
        assert_eq!(error(&refused, Party::Client).as_deref(), Some("Str(\"404\")"));
        assert_eq!(error(&failed, Party::Server).as_deref(), Some("Str(\"503\")"));
        assert_eq!(error(&failed, Party::Client).as_deref(), Some("Str(\"503\")"));
    }

    #[test]
    fn without_a_response_the_error_says_why() {
        let unanswered = exchange("GET /a HTTP/1.1\r\n\r\n", "");
        let (naming, mut scratch) = (naming(), Scratch::default());

        let span = naming.span(&unanswered, Party::Client, &ENDS, &mut scratch);

        assert_eq!(span.error(), Some("no_response"));
        assert_eq!(get(&span, "http.response.status_code"), None);
        assert_eq!(get(&span, "url.full"), Some(Value::Str("http://10.0.0.2:8080/a")));
    }

    #[test]
    fn an_unknown_method_is_other_and_kept() {
        let exchange = exchange("BREW /pot HTTP/1.1\r\n\r\n", "HTTP/1.1 418 T\r\nContent-Length: 0\r\n\r\n");
        let (naming, mut scratch) = (naming(), Scratch::default());

        let span = naming.span(&exchange, Party::Server, &ENDS, &mut scratch);

        assert_eq!(span.name(), "HTTP /pot");
        assert_eq!(get(&span, "http.request.method"), Some(Value::Str("_OTHER")));
        assert_eq!(get(&span, "http.request.method_original"), Some(Value::Str("BREW")));
    }
}
