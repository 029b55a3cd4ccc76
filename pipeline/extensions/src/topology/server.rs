//! The server's thread: takes requests, checks who asks, and has questions answered by others.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use component::Registry;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::body::Incoming;
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;
use topology::rules::Rules;
use transport::{HttpServerOptions, Sharing, listen, serve_http};

use super::answer::{Answer, guarded, takes_gzip};
use super::asked::{Asked, Fault};
use super::config::TopologyConfig;
use super::gate::{AT_ONCE, Busy, Gate, Question};
use super::guard::Guard;
use super::page;
use super::published::Published;
use super::routes::{self, ROUTES, Settings};
use super::stream::Streams;

/// Any body that the server sends.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Of a rule file to try.
const LONGEST_BODY: usize = 1 << 20;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that takes nothing of its answer for so long is left: a page that hangs must not hold a stream for ever.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long running answers may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the server works with.
pub struct Serving {
    /// Where it listens and who may ask.
    pub config: Arc<TopologyConfig>,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// What questions are answered from.
    pub map: watch::Receiver<Arc<Published>>,
    /// Where it counts.
    pub telemetry: Arc<Registry>,
}

/// A running server.
pub struct Server {
    address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Opens the port and serves what `map` publishes, on a thread of its own.
    pub async fn start(serving: Serving) -> Result<Self, String> {
        let (opened, is_open) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("map-http".into());
        let thread = thread.spawn(move || run(&serving, opened, stopped));
        let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
        let address = is_open.await.unwrap_or_else(|_| Err("the map's server ended before it began".into()))?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Closes the port and ends streams; running answers get a moment.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

type Opened = oneshot::Sender<Result<Option<SocketAddr>, String>>;

fn run(serving: &Serving, opened: Opened, stopped: oneshot::Receiver<()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(AT_ONCE).thread_name("map-query").build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = opened.send(Err(format!("cannot start an event loop: {error}")));
            return;
        }
    };
    LocalSet::new().block_on(&runtime, serve(serving, opened, stopped));
    runtime.shutdown_timeout(Duration::from_millis(100));
}

async fn serve(serving: &Serving, opened: Opened, stopped: oneshot::Receiver<()>) {
    let listener = match listen(&serving.config.endpoint, Sharing::Alone).await {
        Ok(listener) => listener,
        Err(error) => {
            let _ = opened.send(Err(error.to_string()));
            return;
        }
    };
    let (stopping, when_stopping) = watch::channel(false);
    let door = Rc::new(Door::new(serving, when_stopping));
    let service = move |request: Request<Incoming>, _peer: SocketAddr| {
        let door = Rc::clone(&door);
        async move { door.respond(request).await }
    };
    let options = HttpServerOptions { write_patience: Some(PATIENCE), ..HttpServerOptions::default() };
    let server = serve_http(listener, options, service);
    let _ = opened.send(Ok(server.address()));
    let _ = stopped.await;
    stopping.send_replace(true);
    let _ = tokio::time::timeout(FAREWELL, server.stop()).await;
}

/// What all connections share.
struct Door {
    guard: Guard,
    gate: Gate,
    streams: Streams,
    most_streams: usize,
    settings: Arc<Settings>,
    telemetry: Arc<Registry>,
    map: watch::Receiver<Arc<Published>>,
    stopping: watch::Receiver<bool>,
}

impl Door {
    fn new(serving: &Serving, stopping: watch::Receiver<bool>) -> Self {
        let config = &serving.config;
        Self {
            guard: Guard::new(config),
            gate: Gate::new(config.limits.waiting_questions),
            streams: Streams::default(),
            most_streams: config.limits.streams,
            settings: Arc::new(Settings::new(config, Arc::clone(&serving.rules))),
            telemetry: Arc::clone(&serving.telemetry),
            map: serving.map.clone(),
            stopping,
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let response = self.answer(request).await.unwrap_or_else(|fault| refusal(&fault));
        let status = response.status();
        let help = "Questions to the map that were answered, by HTTP status.";
        self.telemetry.counter("tidewatch_topology_questions", help, &[("status", status.as_str())]).add(1);
        response
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Fault> {
        self.guard.knows_host(request.headers(), request.uri())?;
        self.guard.knows_sender(request.headers())?;
        let path = request.uri().path();
        if path == routes::STREAM {
            return self.stream(request.method());
        }
        if let Some((route, rest)) = routes::find(path) {
            return self.question(route, rest.to_owned(), request).await;
        }
        if path.starts_with("/api/") {
            return Err(Fault::absent(format!("nothing answers at `{path}`")).help("see /api/openapi.json"));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(not_allowed());
        }
        let page = page::answer(path, request.headers());
        page.map(|page| page.map(BodyExt::boxed_unsync))
            .ok_or_else(|| Fault::absent(format!("no page is called `{path}`")))
    }

    async fn question(&self, route: usize, rest: String, request: Request<Incoming>) -> Result<Response<Body>, Fault> {
        let Some(found) = ROUTES.get(route) else { return Err(Fault::absent("no such route")) };
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_try = found.takes_body && *request.method() == Method::POST;
        if !is_read && !is_try {
            return Err(not_allowed());
        }
        let (parts, body) = request.into_parts();
        let mut asked = Asked::read(parts.uri.query().unwrap_or_default(), &found.parameter_names())?;
        asked.rest = rest;
        if is_try {
            asked.body = read(body).await?;
        }
        let gzip = takes_gzip(&parts.headers);
        let map = Arc::clone(&self.map.borrow());
        let (serial, settings, question) = (map.serial, Arc::clone(&self.settings), Question { route, asked, gzip });
        let asked = question.asked.clone();
        let work = move || {
            let answer = (found.answer)(&asked, &map, &settings);
            answer.unwrap_or_else(|fault| Answer::fault(&fault)).finished(gzip)
        };
        match self.gate.ask(question, serial, work).await {
            Ok(answer) => Ok(answer.response(&parts.headers).map(BodyExt::boxed_unsync)),
            Err(Busy) => Err(Fault { status: 503, error: "too many questions wait for an answer".into(), help: None }),
        }
    }

    fn stream(&self, method: &Method) -> Result<Response<Body>, Fault> {
        if method != Method::GET {
            return Err(not_allowed());
        }
        let busy = || Fault { status: 503, error: "too many pages follow the map live".into(), help: None };
        let stream = self.streams.open(self.most_streams, self.map.clone(), self.stopping.clone()).ok_or_else(busy)?;
        let mut response = Response::new(StreamBody::new(stream).boxed_unsync());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        guarded(headers);
        Ok(response)
    }
}

fn not_allowed() -> Fault {
    Fault { status: 405, error: "this can only be read".into(), help: Some("use GET".into()) }
}

/// What is wrong, with the headers that its status asks for.
fn refusal(fault: &Fault) -> Response<Body> {
    let mut response = Answer::fault(fault).response(&http::HeaderMap::new()).map(BodyExt::boxed_unsync);
    let header = match response.status() {
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Basic realm=\"tidewatch\", charset=\"UTF-8\"")),
        StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, "1")),
        StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, "GET, HEAD")),
        _ => None,
    };
    response.headers_mut().extend(header.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

async fn read(body: Incoming) -> Result<String, Fault> {
    let too_long = || {
        let error = format!("the body is longer than {LONGEST_BODY} bytes");
        Fault { status: 413, error, help: None }
    };
    if body.size_hint().lower() > LONGEST_BODY as u64 {
        return Err(too_long());
    }
    let reading = Limited::new(body, LONGEST_BODY).collect();
    let read = tokio::time::timeout(BODY_TIMEOUT, reading).await;
    let read = read.map_err(|_| Fault { status: 408, error: "the body came in too slowly".into(), help: None })?;
    let read = read.map_err(|error| match error.is::<LengthLimitError>() {
        true => too_long(),
        false => Fault::bad(format!("the body cannot be read: {error}")),
    })?;
    String::from_utf8(read.to_bytes().into()).map_err(|_| Fault::bad("the body is not UTF-8"))
}

#[cfg(test)]
mod tests;
