//! OTLP over HTTP, the server's side.

use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use pdata::Signal;
use tokio::net::TcpListener;

use super::server::{HttpServerOptions, read_body, serve_http};
use crate::admission::Admission;
use crate::body::Payload;
use crate::intake::{Encoding, Export, Intake};
use crate::serve::Serving;
use crate::status::{Code, Status};

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// The path of each signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpPaths {
    /// Of traces.
    pub traces: String,
    /// Of metrics.
    pub metrics: String,
    /// Of logs.
    pub logs: String,
}

impl Default for OtlpPaths {
    fn default() -> Self {
        Self { traces: "/v1/traces".into(), metrics: "/v1/metrics".into(), logs: "/v1/logs".into() }
    }
}

impl OtlpPaths {
    fn signal(&self, path: &str) -> Option<Signal> {
        let paths = [(&self.traces, Signal::Traces), (&self.metrics, Signal::Metrics), (&self.logs, Signal::Logs)];
        paths.into_iter().find(|(of, _)| *of == path).map(|(_, signal)| signal)
    }
}

/// Serves the OTLP export paths.
pub struct HttpServer<I> {
    intake: I,
    admission: Admission,
    options: HttpServerOptions,
    paths: OtlpPaths,
}

impl<I: Intake> HttpServer<I> {
    /// Serves connections to `listener` on local tasks until [`Serving::stop`].
    pub fn serve(
        listener: TcpListener,
        intake: I,
        admission: Admission,
        options: HttpServerOptions,
        paths: OtlpPaths,
    ) -> Serving {
        let server = Rc::new(Self { intake, admission, options: options.clone(), paths });
        serve_http(listener, options, move |request, peer| {
            let server = Rc::clone(&server);
            async move { server.reply(request, peer).await }
        })
    }

    async fn reply(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Payload> {
        let signal = self.paths.signal(request.uri().path()).filter(|signal| self.intake.wants(*signal));
        let Some(signal) = signal else {
            return answer(StatusCode::NOT_FOUND, TEXT, "404 page not found\n");
        };
        if request.method() != Method::POST {
            let text = "405 method not allowed, supported: [POST]";
            let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, text);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let Some(encoding) = encoding(&request) else {
            let text = "415 unsupported media type, supported: [application/json, application/x-protobuf]";
            return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, TEXT, text);
        };
        match (self.export(request, signal, encoding, peer).await, encoding) {
            (Ok(()), Encoding::Protobuf) => answer(StatusCode::OK, PROTOBUF, Bytes::new()),
            (Ok(()), Encoding::Json) => answer(StatusCode::OK, JSON, r#"{"partialSuccess":{}}"#),
            (Err(status), encoding) => failure(&status, encoding),
        }
    }

    async fn export(
        &self,
        request: Request<Incoming>,
        signal: Signal,
        encoding: Encoding,
        peer: SocketAddr,
    ) -> Result<(), Status> {
        let (head, body) = request.into_parts();
        let (message, admitted) = read_body(&head.headers, body, &self.options, &self.admission).await?;
        Ok(self.intake.take(Export { signal, encoding, message, admitted, peer }).await?)
    }
}

fn encoding(request: &Request<Incoming>) -> Option<Encoding> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match () {
        () if media_type.eq_ignore_ascii_case("application/x-protobuf") => Some(Encoding::Protobuf),
        () if media_type.eq_ignore_ascii_case("application/json") => Some(Encoding::Json),
        () => None,
    }
}

fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Payload> {
    let mut response = Response::new(Payload::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn failure(status: &Status, encoding: Encoding) -> Response<Payload> {
    let http = status.http();
    let mut response = match encoding {
        Encoding::Protobuf => answer(http, PROTOBUF, status.encode()),
        Encoding::Json => answer(http, JSON, json(status)),
    };
    if let Some(delay) = status.retry_after {
        // Whole seconds, and never less than asked for.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn json(status: &Status) -> String {
    let code = if status.code == Code::Ok { Code::Unknown } else { status.code };
    serde_json::json!({"code": code.number(), "message": status.message}).to_string()
}
