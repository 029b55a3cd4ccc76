//! The server: three services with one method each.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pdata::Signal;
use tokio::net::{TcpListener, TcpStream};

use super::headers::{self, ACCEPTED, APPLICATION_GRPC, GRPC_ACCEPT_ENCODING, GRPC_ENCODING};
use super::message::MessageReader;
use super::{FRAME_SIZE, WINDOW};
use crate::admission::{Admission, Admitted};
use crate::body::Payload;
use crate::compression::{Codec, DecompressError, decompress};
use crate::intake::{Encoding, Export, Intake};
use crate::local::LocalExecutor;
use crate::serve::{Connection, Serving, Stopping, accept};
use crate::status::{Code, Status};

/// A request that takes longer to come in than this holds a part of the budget for nothing.
const SLOWEST_REQUEST: Duration = Duration::from_secs(60);

/// How a server behaves; `settings::GrpcServerSettings` writes it.
#[derive(Debug, Clone)]
pub struct GrpcServerOptions {
    /// Largest message, before and after decompression.
    pub max_message_bytes: usize,
    /// Requests at a time per connection.
    pub max_concurrent_streams: u32,
    /// Ping after this much silence.
    pub ping_after: Duration,
    /// And give up after this much more.
    pub ping_timeout: Duration,
    /// Ask clients to reconnect after this age, so that connections spread over shards and replicas.
    pub max_age: Option<Duration>,
    /// How long requests may still run on a connection that is too old.
    pub max_age_grace: Option<Duration>,
    /// Close a connection without requests after this time.
    pub max_idle: Option<Duration>,
}

impl Default for GrpcServerOptions {
    fn default() -> Self {
        Self {
            max_message_bytes: 4 << 20,
            max_concurrent_streams: 1024,
            ping_after: Duration::from_secs(2 * 3600),
            ping_timeout: Duration::from_secs(20),
            max_age: None,
            max_age_grace: None,
            max_idle: None,
        }
    }
}

/// Serves the OTLP export services.
pub struct GrpcServer<I> {
    intake: I,
    admission: Admission,
    options: GrpcServerOptions,
}

impl<I: Intake> GrpcServer<I> {
    /// Serves connections to `listener` on local tasks until [`Serving::stop`].
    pub fn serve(listener: TcpListener, intake: I, admission: Admission, options: GrpcServerOptions) -> Serving {
        accept(listener, Self { intake, admission, options })
    }
}

impl<I: Intake> Connection for GrpcServer<I> {
    async fn serve(self: Rc<Self>, stream: TcpStream, peer: SocketAddr, stopping: Stopping) {
        let activity = Activity::default();
        let service = service_fn(|request| {
            let (server, running) = (Rc::clone(&self), activity.enter());
            async move {
                let reply = server.reply(request, peer).await;
                drop(running);
                Ok::<_, Infallible>(reply)
            }
        });
        let mut builder = http2::Builder::new(LocalExecutor);
        builder
            .timer(TokioTimer::new())
            .max_frame_size(FRAME_SIZE)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_concurrent_streams(self.options.max_concurrent_streams)
            .keep_alive_interval(self.options.ping_after)
            .keep_alive_timeout(self.options.ping_timeout);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            () = self.time_to_leave(stopping, &activity) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                let grace = self.options.max_age_grace.unwrap_or(Duration::MAX);
                tokio::time::timeout(grace, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a gRPC connection broke off");
        }
    }
}

impl<I: Intake> GrpcServer<I> {
    async fn time_to_leave(&self, mut stopping: Stopping, activity: &Activity) {
        tokio::select! {
            () = stopping.begun() => {}
            () = after(self.options.max_age) => {}
            () = activity.idle_for(self.options.max_idle) => {}
        }
    }

    async fn reply(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Payload> {
        if let Some(refused) = not_grpc(&request) {
            return refused;
        }
        let limit = headers::timeout(request.headers()).unwrap_or(Duration::MAX);
        let outcome = match tokio::time::timeout(limit, self.export(request, peer)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Status::new(Code::DeadlineExceeded, "context deadline exceeded")),
        };
        match outcome {
            Ok(()) => success(),
            Err(status) => failure(&status),
        }
    }

    async fn export(&self, request: Request<Incoming>, peer: SocketAddr) -> Result<(), Status> {
        let signal = self.wanted(request.uri().path())?;
        let codec = codec(request.headers())?;
        let read = tokio::time::timeout(SLOWEST_REQUEST, self.read(request.into_body(), codec)).await;
        let (message, admitted) =
            read.map_err(|_| Status::new(Code::DeadlineExceeded, "the request came in too slowly"))??;
        Ok(self.intake.take(Export { signal, encoding: Encoding::Protobuf, message, admitted, peer }).await?)
    }

    fn wanted(&self, path: &str) -> Result<Signal, Status> {
        let signal = super::signal(path).filter(|signal| self.intake.wants(*signal));
        signal.ok_or_else(|| {
            let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap_or((path, ""));
            let known = Signal::ALL.into_iter().any(|signal| {
                self.intake.wants(signal)
                    && super::path(signal).trim_start_matches('/').starts_with(&format!("{service}/"))
            });
            let unknown = if known {
                format!("unknown method {method} for service {service}")
            } else {
                format!("unknown service {service}")
            };
            Status::new(Code::Unimplemented, unknown)
        })
    }

    /// Reads the message. Its length is admitted before its bytes are read, its true size before it is decompressed.
    async fn read(&self, body: Incoming, codec: Option<Codec>) -> Result<(Bytes, Admitted), Status> {
        let most = self.options.max_message_bytes;
        let mut reader = MessageReader::new(body);
        let prefix = reader.prefix().await?;
        if prefix.length > most {
            return Err(too_large(&format!("larger than max ({} vs. {most})", prefix.length)));
        }
        let mut admitted = self.admission.admit(prefix.length).ok_or_else(Status::no_room)?;
        let message = reader.message(prefix.length).await?;
        reader.end().await?;
        if !prefix.compressed {
            return Ok((message, admitted));
        }
        let codec = codec
            .ok_or_else(|| Status::new(Code::Internal, "grpc: compressed flag set with identity or empty encoding"))?;
        let packed = message.len();
        let plain = decompress(codec, message, most, &mut |bytes| admitted.resize(packed.saturating_add(bytes)));
        let plain = plain.map_err(|error| match error {
            DecompressError::TooLarge { limit } => too_large(&format!("after decompression larger than max {limit}")),
            DecompressError::NoRoom => Status::no_room(),
            DecompressError::Corrupt { .. } => {
                Status::new(Code::Internal, format!("grpc: failed to decompress the received message: {error}"))
            }
        })?;
        admitted.resize(plain.len());
        Ok((plain, admitted))
    }
}

/// What a request is told that gRPC has no words for.
fn not_grpc(request: &Request<Incoming>) -> Option<Response<Payload>> {
    let plain = |status, text: String| {
        let mut response = Response::new(Payload::from(text));
        *response.status_mut() = status;
        response
    };
    if request.method() != Method::POST {
        return Some(plain(StatusCode::METHOD_NOT_ALLOWED, format!("gRPC requires POST, not {}", request.method())));
    }
    let content_type = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    match content_type.strip_prefix(b"application/grpc") {
        Some([] | [b'+' | b';', ..]) => None,
        _ => {
            let text = format!("invalid gRPC request content-type {:?}", String::from_utf8_lossy(content_type));
            Some(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
        }
    }
}

/// The words of grpc-go, and the key that changes it. Without a time to come back: it will never be taken.
fn too_large(how: &str) -> Status {
    let text = format!("grpc: received message {how}; raise 'max_recv_msg_size_mib' to take it");
    Status::new(Code::ResourceExhausted, text)
}

fn codec(headers: &HeaderMap) -> Result<Option<Codec>, Status> {
    let name = headers.get(GRPC_ENCODING).and_then(|name| name.to_str().ok()).unwrap_or_default();
    Codec::of_grpc_encoding(name).map_err(|unknown| {
        let text = format!("grpc: Decompressor is not installed for grpc-encoding {unknown:?}");
        Status::new(Code::Unimplemented, text)
    })
}

fn success() -> Response<Payload> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(headers::GRPC_STATUS, 0.into());
    // An empty response message: not compressed, no bytes.
    let mut response = Response::new(Payload::from(Bytes::from_static(&[0; 5])).with_trailers(trailers));
    response.headers_mut().insert(CONTENT_TYPE, APPLICATION_GRPC);
    response
}

fn failure(status: &Status) -> Response<Payload> {
    let mut response = Response::new(Payload::default());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, APPLICATION_GRPC);
    headers.insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
    headers::put_status(headers, status);
    response
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Counts the requests that run on a connection.
#[derive(Clone)]
struct Activity(Rc<tokio::sync::watch::Sender<usize>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Rc::new(tokio::sync::watch::channel(0).0))
    }
}

struct Running(Activity);

impl Activity {
    fn enter(&self) -> Running {
        self.0.send_modify(|running| *running += 1);
        Running(self.clone())
    }

    /// Returns when nothing has run for `time`.
    async fn idle_for(&self, time: Option<Duration>) {
        let mut watcher = self.0.subscribe();
        loop {
            let idle = *watcher.borrow_and_update() == 0;
            tokio::select! {
                () = after(time), if idle => return,
                _ = watcher.changed() => {}
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running = running.saturating_sub(1));
    }
}
