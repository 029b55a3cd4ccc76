use crate::chunk::{Chunk, Close, Flow, Nanos, Party, Role};
use crate::connection::{Connection, ConnectionConfig, Start, Want};
use crate::exchange::{Details, Ending, Exchange, Outcome};
use crate::http::HttpExchange;
use crate::protocol::Label;

/// A connection between a client and the server that is observed; every write takes a microsecond.
struct Story {
    connection: Connection,
    asked: u32,
    answered: u32,
    now: u64,
    found: Vec<Exchange>,
}

impl Story {
    fn new() -> Self {
        let start = Some(Start { sent: 0, received: 0 });
        let config = ConnectionConfig { role: Role::Server, start, ..ConnectionConfig::default() };
        Self { connection: Connection::new(config), asked: 0, answered: 0, now: 0, found: Vec::new() }
    }

    fn asks(&mut self, bytes: &str) -> &mut Self {
        self.passes(Flow::Received, bytes.len() as u32, bytes.as_bytes(), b"")
    }

    fn answers(&mut self, bytes: &str) -> &mut Self {
        self.passes(Flow::Sent, bytes.len() as u32, bytes.as_bytes(), b"")
    }

    /// Bytes of which only a prefix, and perhaps the end, were captured.
    fn passes(&mut self, flow: Flow, length: u32, captured: &[u8], tail: &[u8]) -> &mut Self {
        self.now += 1000;
        let position = if flow == Flow::Sent { &mut self.answered } else { &mut self.asked };
        let mut chunk = Chunk { position: *position, length, captured, tail, ..Chunk::default() };
        chunk.origin.time = Nanos(self.now);
        *position += length;
        self.connection.push(flow, chunk);
        self.drained()
    }

    fn closes(&mut self, first: Flow, reset: bool) -> &mut Self {
        self.now += 1000;
        self.connection.close(Close { time: Nanos(self.now), first: Some(first), reset, ..Close::default() });
        self.drained()
    }

    fn drained(&mut self) -> &mut Self {
        let found = &mut self.found;
        self.connection.drain(|exchange| found.push(exchange.clone()));
        self
    }

    /// Method, target and status of everything found so far.
    fn tells(&self, expected: &[(&str, &str, u16)]) {
        let told = |exchange: &Exchange| {
            let http = http(exchange);
            (http.method().to_owned(), http.target().to_owned(), http.status().unwrap_or(0))
        };
        let expected: Vec<_> = expected.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), *c)).collect();
        assert_eq!(self.found.iter().map(told).collect::<Vec<_>>(), expected);
    }

    fn only(&self) -> &Exchange {
        assert_eq!(self.found.len(), 1, "{:?}", self.found);
        &self.found[0]
    }
}

fn http(exchange: &Exchange) -> &HttpExchange {
    let Details::Http(http) = &exchange.details;
    http
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn an_exchange_lasts_from_the_first_request_byte_to_the_last_response_byte() {
    let mut story = Story::new();

    story.asks("GET /cart HT").asks("TP/1.1\r\nHost: shop\r\n\r\n");
    story.answers("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").answers("ca").answers("rt");

    let exchange = story.only();
    assert_eq!((exchange.start, exchange.first_response, exchange.end), (Nanos(1000), Some(Nanos(3000)), Nanos(5000)));
    assert_eq!(http(exchange).response_body_size(), Some(4));
    assert_eq!(http(exchange).request_size(), Some(34));
}

#[test]
fn megabytes_in_both_directions_pass_uncaptured() {
    let mut story = Story::new();
    let post = b"POST /upload HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000000\r\n";

    story.passes(Flow::Received, 30_000_000, post, b"").passes(
        Flow::Received,
        20_000_000 + post.len() as u32,
        b"",
        b"",
    );
    story.passes(Flow::Sent, 40_000_000, answer, b"................").passes(
        Flow::Sent,
        9_000,
        b"",
        b"...last\r\n0\r\n\r\n",
    );
    story.asks("GET /next HTTP/1.1\r\n\r\n").answers(OK);

    story.tells(&[("POST", "/upload", 200), ("GET", "/next", 200)]);
    assert_eq!(http(&story.found[0]).request_body_size(), Some(50_000_000));
}

#[test]
fn a_chunked_body_that_passes_uncaptured_ends_at_its_terminator() {
    let mut story = Story::new();
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n";

    story.asks("GET /big HTTP/1.1\r\n\r\n");
    story.passes(Flow::Sent, 9_000, answer, b"no terminator...").passes(
        Flow::Sent,
        9_000,
        b"",
        b".........\r\n0\r\n\r\n",
    );
    story.asks("GET /next HTTP/1.1\r\n\r\n").answers(OK);

    story.tells(&[("GET", "/big", 200), ("GET", "/next", 200)]);
    assert_eq!(http(&story.found[0]).response_body_size(), None);
    assert_eq!(http(&story.found[0]).response_size(), Some(18_000));
}

#[test]
fn an_upgrade_is_an_exchange_and_then_something_else() {
    let mut story = Story::new();

    story.asks("GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /lie HTTP/1.1\r\n\r\n");
    story.answers("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 Lie\r\n\r\n");

    story.tells(&[("GET", "/chat", 101)]);
    assert_eq!(story.connection.protocol(), Label::WebSocket);
    assert_eq!(story.connection.wants(), Want::Counters);
}

#[test]
fn a_refused_upgrade_changes_nothing() {
    let mut story = Story::new();

    story.asks("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n").answers(OK).asks("GET /2 HTTP/1.1\r\n\r\n").answers(OK);

    story.tells(&[("GET", "/", 200), ("GET", "/2", 200)]);
    assert_eq!(story.connection.protocol(), Label::Http);
}

#[test]
fn connect_opens_a_tunnel_or_does_not() {
    let mut refused = Story::new();
    refused.asks("CONNECT a.test:443 HTTP/1.1\r\n\r\n").answers("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    refused.asks("GET / HTTP/1.1\r\n\r\n").answers(OK);
    refused.tells(&[("CONNECT", "a.test:443", 403), ("GET", "/", 200)]);

    let mut opened = Story::new();
    opened.asks("CONNECT a.test:443 HTTP/1.1\r\n\r\n").answers("HTTP/1.1 200 Yes\r\nContent-Length: 9\r\n\r\n");
    opened.asks("GET / HTTP/1.1\r\n\r\n").answers(OK);
    opened.tells(&[("CONNECT", "a.test:443", 200)]);
    assert_eq!(opened.connection.protocol(), Label::Tunnel);
}

#[test]
fn an_early_response_waits_for_the_end_of_its_request() {
    let mut story = Story::new();

    story.asks("POST /upload HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc");
    story.answers("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").tells(&[]);
    story.asks("def");

    story.tells(&[("POST", "/upload", 413)]);
}

#[test]
fn a_server_that_dies_before_it_answers_gave_no_response() {
    let mut story = Story::new();

    story.asks("GET /slow HTTP/1.1\r\n\r\n").closes(Flow::Sent, true);

    assert_eq!(story.only().outcome, Outcome::NoResponse(Ending { by: Some(Party::Server), reset: true }));
    assert_eq!(story.only().end, Nanos(2000));
}

#[test]
fn a_connection_that_ends_inside_a_message_says_inside_which() {
    let ending = Ending { by: Some(Party::Client), reset: false };
    let mut request = Story::new();
    request.asks("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc").closes(Flow::Received, false);
    assert_eq!(request.only().outcome, Outcome::RequestTruncated(ending));

    let mut response = Story::new();
    response.asks("GET / HTTP/1.1\r\n\r\n").answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    response.closes(Flow::Received, false);
    assert_eq!(response.only().outcome, Outcome::ResponseTruncated(ending));
    assert_eq!(http(response.only()).status(), Some(200));
}

#[test]
fn an_idle_close_and_half_a_head_are_nothing() {
    let mut story = Story::new();

    story.asks("GET / HTTP/1.1\r\n\r\n").answers(OK).asks("GET /ha").closes(Flow::Received, false);

    story.tells(&[("GET", "/", 200)]);
}

#[test]
fn a_response_without_length_ends_with_the_connection() {
    let mut story = Story::new();

    story
        .asks("GET / HTTP/1.0\r\n\r\n")
        .answers("HTTP/1.0 200 OK\r\n\r\nsome")
        .answers(" text")
        .closes(Flow::Sent, false);

    assert_eq!(story.only().outcome, Outcome::Complete);
    assert_eq!(story.only().end, Nanos(3000));
    assert_eq!(http(story.only()).response_body_size(), Some(9));
}

#[test]
fn framing_that_two_readers_could_read_differently_is_not_read() {
    let shapes = [
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Content-Length: 3\r\n",
    ];
    for shape in shapes {
        let mut story = Story::new();

        story.asks(&format!("POST / HTTP/1.1\r\n{shape}\r\nabc")).answers(OK);

        story.tells(&[]);
        assert_eq!(story.connection.unreported().malformed, 1, "{shape}");
    }
}

#[test]
fn the_same_length_twice_and_folded_lines_are_understood() {
    let mut story = Story::new();

    story.asks("POST / HTTP/1.1\r\nX: a\r\n  b\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc").answers(OK);

    story.tells(&[("POST", "/", 200)]);
}

#[test]
fn a_head_of_sixty_kilobytes_may_come_in_small_pieces() {
    let mut story = Story::new();
    let head = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(60_000));

    for piece in head.as_bytes().chunks(100) {
        story.asks(std::str::from_utf8(piece).unwrap());
    }
    story.answers(OK);

    story.tells(&[("GET", "/", 200)]);
}

#[test]
fn a_head_without_end_is_given_up() {
    let mut story = Story::new();

    story.asks(&format!("GET / HTTP/1.1\r\nCookie: {}", "x".repeat(70_000))).answers(OK);

    story.tells(&[]);
    assert_eq!(story.connection.unreported().malformed, 1);
}

#[test]
fn an_absolute_target_names_its_host() {
    let mut story = Story::new();
    story.asks("GET http://ann:s@shop.test:81?q=1 HTTP/1.1\r\nHost: proxy\r\n\r\n").answers(OK);

    let http = http(story.only());

    assert_eq!((http.path(), http.query()), ("/", Some("q=1")));
    assert_eq!(http.host_and_port(), (Some("shop.test"), Some(81)));
}
