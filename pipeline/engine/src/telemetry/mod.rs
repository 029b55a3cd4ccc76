//! What the process reports about itself, and to whom.
//!
//! In this room: the `/metrics` endpoint, figures of the process, the reader that sends OTLP.
//! Not here: the counters of components (they register their own).

mod process;
mod push;
mod resource;

pub(crate) use resource::instance;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use component::{BuildContext, Registry};
use config::telemetry::{MetricsLevel, Prometheus, Telemetry};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use transport::{HttpServerOptions, Payload, Serving, Sharing, listen, serve_http};

/// Running readers of own telemetry.
pub(crate) struct Readers {
    servers: Vec<Serving>,
    pushes: Vec<push::Push>,
}

impl Readers {
    /// Sends what is left and closes.
    pub(crate) async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
        for push in self.pushes {
            push.stop().await;
        }
    }
}

/// Starts what `service::telemetry` asks for.
pub(crate) async fn start(settings: &Telemetry, context: &BuildContext, version: &str) -> Result<Readers, String> {
    process::register(&context.registry, &context.budget, Arc::clone(&context.clock));
    let mut readers = Readers { servers: Vec::new(), pushes: Vec::new() };
    if settings.metrics.level == MetricsLevel::None {
        return Ok(readers);
    }
    let resource = resource::attributes(&settings.resource, version, &context.instance);
    for reader in &settings.metrics.readers {
        if let Some(prometheus) = reader.pull.as_ref().and_then(|pull| pull.exporter.prometheus.as_ref()) {
            readers.servers.push(serve(prometheus, &context.registry, &resource).await?);
        }
        if let Some(periodic) = &reader.periodic {
            readers.pushes.push(push::start(periodic, context, &resource)?);
        }
    }
    Ok(readers)
}

async fn serve(
    settings: &Prometheus,
    registry: &Arc<Registry>,
    resource: &[(String, String)],
) -> Result<Serving, String> {
    let endpoint = format!("{}:{}", settings.host, settings.port);
    let listener = listen(&endpoint, Sharing::Alone).await;
    let listener = listener
        .map_err(|error| format!("cannot serve own metrics (service::telemetry::metrics::readers): {error}"))?;
    let registry = Arc::clone(registry);
    let target_info: Rc<str> = target_info(resource).into();
    let service = move |request: Request<Incoming>, _peer: SocketAddr| {
        let text = format!("{}{target_info}", registry.prometheus_text());
        async move { respond(&request, text) }
    };
    Ok(serve_http(listener, HttpServerOptions::default(), service))
}

fn respond(request: &Request<Incoming>, text: String) -> Response<Payload> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, text),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed, supported: [GET]\n".into()),
        _ => (StatusCode::NOT_FOUND, "404 page not found: metrics are at /metrics\n".into()),
    };
    let mut response = Response::new(Payload::from(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

/// The resource, as Prometheus wants it: one series of value 1.
fn target_info(resource: &[(String, String)]) -> String {
    let registry = Registry::default();
    let labels: Vec<(String, &str)> = resource
        .iter()
        .map(|(name, value)| (name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"), value.as_str()))
        .collect();
    let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    registry.gauge("target_info", "Target metadata", &labels).set(1.0);
    registry.prometheus_text()
}
