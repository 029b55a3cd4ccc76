//! The client: one HTTP/2 connection to one destination, made when first needed and again when it broke.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, TE, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use pdata::Signal;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::headers::{self, ACCEPTED, APPLICATION_GRPC, GRPC_ACCEPT_ENCODING, GRPC_ENCODING, GRPC_TIMEOUT};
use super::message::framed;
use super::{FRAME_SIZE, WINDOW};
use crate::body::{Payload, beginning};
use crate::compression::{Codec, Compression, compress};
use crate::delivery::DeliveryError;
use crate::local::LocalExecutor;
use crate::partial::PartialSuccess;
use crate::status::{Code, Status};

/// An honest answer has a few bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Between attempts to connect when the caller wants to wait for the destination.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Pings on a quiet connection.
#[derive(Debug, Clone, Copy)]
pub struct Pings {
    /// After this much silence.
    pub after: Duration,
    /// Give up after this much more.
    pub timeout: Duration,
    /// Even when no request runs.
    pub when_idle: bool,
}

/// Where a client sends and how; `settings::GrpcClientSettings` writes it.
#[derive(Debug, Clone)]
pub struct GrpcClientOptions {
    /// `host:port`.
    pub endpoint: String,
    /// The name the server is addressed by; the endpoint by default.
    pub authority: Option<String>,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// Sent with every request.
    pub user_agent: HeaderValue,
    /// Of messages.
    pub compression: Option<Compression>,
    /// Told to the server, which may then give up in time.
    pub timeout: Option<Duration>,
    /// If at all.
    pub pings: Option<Pings>,
    /// Wait for the destination instead of failing when it cannot be reached.
    pub wait_for_ready: bool,
}

/// Calls the OTLP export services of one destination. Any number of calls run at a time.
pub struct GrpcClient {
    options: GrpcClientOptions,
    authority: Authority,
    // Held while connecting, so that many calls make one connection.
    connection: Mutex<Option<SendRequest<Payload>>>,
}

/// The options do not make a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host and port that a request can be addressed to")]
pub struct BadAuthority(pub String);

impl GrpcClient {
    /// A client that has not connected yet.
    pub fn new(options: GrpcClientOptions) -> Result<Self, BadAuthority> {
        let name = options.authority.as_ref().unwrap_or(&options.endpoint);
        let authority = Authority::try_from(name.as_str()).map_err(|_| BadAuthority(name.clone()))?;
        Ok(Self { options, authority, connection: Mutex::new(None) })
    }

    /// Sends one export request, given as the segments of its message.
    pub async fn export(
        &self,
        signal: Signal,
        segments: impl IntoIterator<Item = Bytes>,
    ) -> Result<PartialSuccess, DeliveryError> {
        let outcome = self.call(signal, segments.into_iter().collect()).await;
        outcome.map_err(Status::into_delivery_error)
    }

    async fn call(&self, signal: Signal, segments: Vec<Bytes>) -> Result<PartialSuccess, Status> {
        let mut request = self.request(signal, segments)?;
        // A connection that the server closed while it was idle never saw the request: that is worth a second one.
        for _ in 0..2 {
            let mut connection = self.connection().await?;
            match connection.try_send_request(request).await {
                Ok(response) => return answer(response).await,
                Err(mut failed) => {
                    self.forget(&connection).await;
                    match failed.take_message() {
                        Some(unsent) => request = unsent,
                        None => return Err(unavailable(format!("the connection broke off: {}", failed.into_error()))),
                    }
                }
            }
        }
        Err(unavailable(format!("{} closes every connection", self.options.endpoint)))
    }

    fn request(&self, signal: Signal, segments: Vec<Bytes>) -> Result<Request<Payload>, Status> {
        let internal = |error: &dyn std::error::Error| Status::new(Code::Internal, error.to_string());
        let segments = match self.options.compression {
            Some(compression) => vec![compress(compression, &segments).map_err(|error| internal(&error))?],
            None => segments,
        };
        let body = Payload::new(framed(segments, self.options.compression.is_some())?);
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_static(super::path(signal)));
        let mut request = Request::post(Uri::from_parts(parts).map_err(|error| internal(&error))?)
            .body(body)
            .map_err(|error| internal(&error))?;
        self.put_headers(request.headers_mut());
        Ok(request)
    }

    fn put_headers(&self, headers: &mut HeaderMap) {
        *headers = self.options.headers.clone();
        headers.insert(CONTENT_TYPE, APPLICATION_GRPC);
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(USER_AGENT, self.options.user_agent.clone());
        headers.insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
        if let Some(name) = self.options.compression.and_then(|compression| grpc_name(compression.codec)) {
            headers.insert(GRPC_ENCODING, HeaderValue::from_static(name));
        }
        if let Some(timeout) = self.options.timeout.and_then(headers::timeout_value) {
            headers.insert(GRPC_TIMEOUT, timeout);
        }
    }

    async fn connection(&self) -> Result<SendRequest<Payload>, Status> {
        let mut slot = self.connection.lock().await;
        if let Some(open) = slot.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(open.clone());
        }
        loop {
            match self.connect().await {
                Ok(connection) => return Ok(slot.insert(connection).clone()),
                Err(_) if self.options.wait_for_ready => tokio::time::sleep(RECONNECT_PAUSE).await,
                Err(status) => return Err(status),
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Payload>, Status> {
        let endpoint = &self.options.endpoint;
        let failed = |error: &dyn std::error::Error| unavailable(format!("cannot connect to {endpoint}: {error}"));
        let stream = TcpStream::connect(endpoint.as_str()).await.map_err(|error| failed(&error))?;
        let _ = stream.set_nodelay(true);
        let mut builder = http2::Builder::new(LocalExecutor);
        builder
            .timer(TokioTimer::new())
            .max_frame_size(FRAME_SIZE)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        if let Some(pings) = self.options.pings {
            builder
                .keep_alive_interval(pings.after)
                .keep_alive_timeout(pings.timeout)
                .keep_alive_while_idle(pings.when_idle);
        }
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a gRPC connection broke off");
            }
        });
        Ok(sender)
    }

    /// Makes the next call connect again, unless another call has done so already.
    async fn forget(&self, broken: &SendRequest<Payload>) {
        let mut slot = self.connection.lock().await;
        if broken.is_closed() && slot.as_ref().is_some_and(SendRequest::is_closed) {
            *slot = None;
        }
    }
}

fn grpc_name(codec: Codec) -> Option<&'static str> {
    match codec {
        Codec::Gzip => Some("gzip"),
        Codec::Zlib => Some("deflate"),
        Codec::Zstd => Some("zstd"),
        Codec::SnappyFramed => Some("snappy"),
        Codec::Snappy | Codec::Lz4 => None,
    }
}

async fn answer(response: Response<Incoming>) -> Result<PartialSuccess, Status> {
    let (head, body) = response.into_parts();
    if let Some(status) = headers::status(&head.headers) {
        return settled(status, &[]);
    }
    if head.status != StatusCode::OK {
        return Err(Status::new(
            Code::of_http(head.status),
            format!("unexpected HTTP status code received from server: {}", head.status),
        ));
    }
    let broken = |error| unavailable(format!("the answer broke off: {error}"));
    let answer = beginning(body, LONGEST_ANSWER).await.map_err(broken)?;
    let status = answer.trailers.as_ref().and_then(headers::status);
    let status =
        status.ok_or_else(|| Status::new(Code::Internal, "server closed the stream without sending trailers"))?;
    // We accept compressed answers because every server may send them; a partial success inside one stays unread.
    let message = answer.bytes.strip_prefix(&[0]).and_then(|rest| rest.get(4..)).unwrap_or_default();
    settled(status, message)
}

fn settled(status: Status, message: &[u8]) -> Result<PartialSuccess, Status> {
    if status.code == Code::Ok { Ok(PartialSuccess::of_protobuf(message)) } else { Err(status) }
}

fn unavailable(reason: String) -> Status {
    Status::new(Code::Unavailable, reason)
}
