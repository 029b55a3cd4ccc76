//! `health_check`: answers probes.
//!
//! In this room: keys, and the answer by the phase that the engine is in.
//! Not here: finding out how the process is (`engine`).
//!
//! Enter at [`HealthCheck`].

mod config;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use component::{BuildContext, BuildError, Extension, ExtensionFactory, Phase, Stability, StartError};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use transport::{Payload, Serving, Sharing, listen, serve_http};

pub use self::config::HealthCheckConfig;

/// Answers probes.
pub const FACTORY: ExtensionFactory = ExtensionFactory::of::<HealthCheck>("health_check").stability(Stability::Beta);

/// Its server.
pub struct HealthCheck {
    config: Rc<HealthCheckConfig>,
    context: BuildContext,
    server: Option<Serving>,
}

#[async_trait(?Send)]
impl Extension for HealthCheck {
    type Config = HealthCheckConfig;

    fn build(config: &HealthCheckConfig, context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self { config: Rc::new(config.clone()), context: context.clone(), server: None })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let listener = listen(&self.config.server.endpoint, Sharing::Alone).await;
        let listener = listener.map_err(|error| StartError(error.to_string()))?;
        let (config, context) = (Rc::clone(&self.config), self.context.clone());
        let service = move |request: Request<Incoming>, _peer: SocketAddr| {
            let response = answer(&config, request.uri().path(), &context);
            async move { response }
        };
        self.server = Some(serve_http(listener, self.config.server.options(), service));
        Ok(())
    }

    async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }
}

fn answer(config: &HealthCheckConfig, path: &str, context: &BuildContext) -> Response<Payload> {
    if path != config.path {
        return respond(StatusCode::NOT_FOUND, "text/plain", "404 page not found\n".into());
    }
    let (phase, since) = context.health.phase();
    let is_healthy = phase == Phase::Ready;
    let status = if is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let own = config.response_body.as_ref().map(|body| if is_healthy { &body.healthy } else { &body.unhealthy });
    if let Some(body) = own {
        return respond(status, "text/plain", body.clone());
    }
    let upsince = humantime::format_rfc3339_nanos(std::time::UNIX_EPOCH + Duration::from_nanos(since.unix_nanos));
    let uptime = humantime::format_duration(context.health.lasted(context.clock.now()));
    let text = match &phase {
        Phase::Ready => "Server available".to_owned(),
        Phase::Degraded(reason) => format!("Server not available: {reason}"),
        Phase::Starting | Phase::Stopping => "Server not available".to_owned(),
    };
    let body = serde_json::json!({
        "status": text,
        "upSince": if is_healthy { upsince.to_string() } else { "0001-01-01T00:00:00Z".to_owned() },
        "uptime": if is_healthy { uptime.to_string().replace(' ', "") } else { String::new() },
    });
    respond(status, "application/json", body.to_string())
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Payload> {
    let mut response = Response::new(Payload::from(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
