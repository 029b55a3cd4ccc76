//! Serves HTTP/1.1 to any service function, and reads request bodies within bounds.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::patient::Patient;
use crate::admission::{Admission, Admitted};
use crate::compression::{Codec, DecompressError, decompress};
use crate::serve::{Connection, Serving, Stopping, accept};
use crate::status::{Code, Status};

/// What is admitted for a body that does not say its size; it grows with the body.
const UNKNOWN_SIZE: usize = 64 * 1024;

/// How a server behaves; `settings::HttpServerSettings` writes it.
#[derive(Debug, Clone)]
pub struct HttpServerOptions {
    /// Largest body, before and after decompression.
    pub max_body_bytes: usize,
    /// A body that takes longer to come in than this holds a part of the budget for nothing.
    pub body_timeout: Duration,
    /// Headers must be here after this time; it also bounds how long a connection may idle.
    pub header_timeout: Option<Duration>,
    /// Keep connections for more than one request.
    pub keep_alive: bool,
    /// Codecs that are taken; all if `None`.
    pub codecs: Option<Vec<String>>,
    /// Sent with every answer.
    pub response_headers: Vec<(HeaderName, HeaderValue)>,
    /// A client that takes nothing of what waits for it for so long is left.
    pub write_patience: Option<Duration>,
}

impl Default for HttpServerOptions {
    fn default() -> Self {
        Self {
            max_body_bytes: 20 << 20,
            body_timeout: Duration::from_secs(60),
            header_timeout: Some(Duration::from_secs(60)),
            keep_alive: true,
            codecs: None,
            response_headers: Vec::new(),
            write_patience: None,
        }
    }
}

struct Server<S> {
    service: S,
    options: HttpServerOptions,
}

/// Serves each request to `listener` with `service`, on local tasks, until [`Serving::stop`]. Answers have bodies of any
/// kind: mostly [`Payload`](crate::Payload).
pub fn serve_http<S, F, B>(listener: TcpListener, options: HttpServerOptions, service: S) -> Serving
where
    S: Fn(Request<Incoming>, SocketAddr) -> F + 'static,
    F: Future<Output = Response<B>> + 'static,
    B: Body<Data: Buf, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    accept(listener, Server { service, options })
}

impl<S, F, B> Connection for Server<S>
where
    S: Fn(Request<Incoming>, SocketAddr) -> F + 'static,
    F: Future<Output = Response<B>> + 'static,
    B: Body<Data: Buf, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    async fn serve(self: Rc<Self>, stream: TcpStream, peer: SocketAddr, mut stopping: Stopping) {
        let service = service_fn(|request| {
            let server = Rc::clone(&self);
            async move {
                let mut response = (server.service)(request, peer).await;
                let extra = server.options.response_headers.iter().cloned();
                response.headers_mut().extend(extra);
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.header_timeout)
            .keep_alive(self.options.keep_alive);
        let stream = Patient::new(stream, self.options.write_patience);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            () = stopping.begun() => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "an HTTP connection broke off");
        }
    }
}

/// Reads and decompresses the body of a request within the bounds of `options` and `admission`. When it is refused,
/// what has not come in yet is read and thrown away, so that the sender gets to read the answer.
pub async fn read_body(
    headers: &HeaderMap,
    mut body: Incoming,
    options: &HttpServerOptions,
    admission: &Admission,
) -> Result<(Bytes, Admitted), Status> {
    let reading = async {
        let read = read_within(headers, &mut body, options, admission).await;
        if read.is_err() {
            throw_away(&mut body, options.max_body_bytes).await;
        }
        read
    };
    let (packed, codec, mut admitted) = tokio::time::timeout(options.body_timeout, reading)
        .await
        .map_err(|_| Status::new(Code::DeadlineExceeded, "the request came in too slowly"))??;
    let Some(codec) = codec else {
        return Ok((packed, admitted));
    };
    let size = packed.len();
    let limit = options.max_body_bytes;
    let plain = decompress(codec, packed, limit, &mut |bytes| admitted.resize(size.saturating_add(bytes)));
    let plain = plain.map_err(|error| match error {
        DecompressError::NoRoom => Status::no_room(),
        DecompressError::TooLarge { .. } => too_large(limit),
        DecompressError::Corrupt { .. } => Status::new(Code::InvalidArgument, error.to_string()),
    })?;
    admitted.resize(plain.len());
    Ok((plain, admitted))
}

async fn read_within(
    headers: &HeaderMap,
    body: &mut Incoming,
    options: &HttpServerOptions,
    admission: &Admission,
) -> Result<(Bytes, Option<Codec>, Admitted), Status> {
    let codec = codec(headers, options)?;
    let told: Option<usize> = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|length| length > options.max_body_bytes) {
        return Err(too_large(options.max_body_bytes));
    }
    let expected = told.unwrap_or(UNKNOWN_SIZE.min(options.max_body_bytes));
    let mut admitted = admission.admit(expected).ok_or_else(Status::no_room)?;
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Status::new(Code::InvalidArgument, format!("the request broke off: {error}")))?;
        let Ok(segment) = frame.into_data() else { continue };
        if read.is_empty() && told == Some(segment.len()) {
            return Ok((segment, codec, admitted));
        }
        let size = read.len().saturating_add(segment.len());
        if size > options.max_body_bytes {
            return Err(too_large(options.max_body_bytes));
        }
        if size > admitted.bytes() && !admitted.resize(size.saturating_mul(2).min(options.max_body_bytes)) {
            return Err(Status::no_room());
        }
        read.reserve(admitted.bytes().saturating_sub(read.len()));
        read.extend_from_slice(&segment);
    }
    admitted.resize(read.len());
    Ok((read.into(), codec, admitted))
}

fn codec(headers: &HeaderMap, options: &HttpServerOptions) -> Result<Option<Codec>, Status> {
    let name = headers.get(CONTENT_ENCODING).and_then(|name| name.to_str().ok()).unwrap_or_default();
    let taken = options.codecs.as_ref().is_none_or(|taken| taken.iter().any(|taken| taken == name));
    let unsupported = || Status::new(Code::InvalidArgument, format!("unsupported Content-Encoding: {name}"));
    match Codec::of_content_encoding(name) {
        Ok(codec) if taken || codec.is_none() => Ok(codec),
        _ => Err(unsupported()),
    }
}

fn too_large(limit: usize) -> Status {
    let text =
        format!("http: request body too large: more than {limit} bytes; raise 'max_request_body_size' to take it");
    Status::new(Code::ResourceExhausted, text)
}

async fn throw_away(body: &mut Incoming, most: usize) {
    let mut thrown = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        thrown = thrown.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if thrown > most {
            return;
        }
    }
}
