//! `otlp`: takes OTLP over gRPC and HTTP, protobuf and JSON.
//!
//! In this room: keys, and the way from a request to the pipelines of its signal.
//! Not here: servers, decompression, admission, status codes (`transport`), checking the bytes (`pdata`).
//!
//! Enter at [`OtlpReceiver`].

mod config;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use component::{Budget, BuildContext, BuildError, Outlet, Outlets, Receiver, ReceiverFactory, Stability, StartError};
use pdata::{Batch, Signal, json};
use transport::{
    Admission, Encoding, Export, GrpcServer, HttpServer, Intake, OtlpPaths, Rejection, Serving, Sharing, listen,
};

pub use self::config::OtlpConfig;

/// Takes OTLP over gRPC and HTTP.
pub const FACTORY: ReceiverFactory = ReceiverFactory::of::<OtlpReceiver>("otlp").stability(Stability::Beta);

/// Its servers on one shard.
pub struct OtlpReceiver {
    config: OtlpConfig,
    outlets: Outlets,
    own_budget: Arc<Budget>,
    context: BuildContext,
    servers: Vec<Serving>,
}

#[async_trait(?Send)]
impl Receiver for OtlpReceiver {
    type Config = OtlpConfig;
    const SIGNALS: &'static [Signal] = &Signal::ALL;
    const ON_EVERY_SHARD: bool = true;

    fn build(config: &OtlpConfig, outlets: Outlets, context: &BuildContext) -> Result<Self, BuildError> {
        // One receiver may not take the whole process's budget: the queues behind it need room for what it took.
        let own_budget = context.shared(|| Budget::new(context.budget.limit() / 2));
        Ok(Self {
            config: config.clone(),
            outlets,
            own_budget: Arc::clone(&own_budget),
            context: context.clone(),
            servers: Vec::new(),
        })
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let sharing = Sharing::among(self.context.shards);
        let failed = |error: transport::ListenError| StartError(error.to_string());
        let admission = Admission::new(Arc::clone(&self.own_budget), Arc::clone(&self.context.budget));
        if let Some(grpc) = self.config.protocols.grpc.get() {
            let listener = listen(&grpc.endpoint, sharing).await.map_err(failed)?;
            tracing::info!(endpoint = grpc.endpoint, "Starting GRPC server");
            let intake = Pipelines::of(&self.outlets, "grpc");
            self.servers.push(GrpcServer::serve(listener, intake, admission.clone(), grpc.options()));
        }
        if let Some(http) = self.config.protocols.http.get() {
            let listener = listen(&http.server.endpoint, sharing).await.map_err(failed)?;
            tracing::info!(endpoint = http.server.endpoint, "Starting HTTP server");
            let paths = OtlpPaths {
                traces: config::path(&http.traces_url_path),
                metrics: config::path(&http.metrics_url_path),
                logs: config::path(&http.logs_url_path),
            };
            let intake = Pipelines::of(&self.outlets, "http");
            self.servers.push(HttpServer::serve(listener, intake, admission, http.server.options(), paths));
        }
        Ok(())
    }

    async fn stop(&mut self) {
        for server in self.servers.drain(..) {
            server.stop().await;
        }
    }
}

/// The pipelines behind one server.
struct Pipelines {
    traces: Option<Outlet>,
    metrics: Option<Outlet>,
    logs: Option<Outlet>,
}

impl Pipelines {
    fn of(outlets: &Outlets, transport: &str) -> Self {
        let outlet = |signal| outlets.outlet(signal, transport);
        Self { traces: outlet(Signal::Traces), metrics: outlet(Signal::Metrics), logs: outlet(Signal::Logs) }
    }

    fn outlet(&self, signal: Signal) -> Option<&Outlet> {
        match signal {
            Signal::Traces => self.traces.as_ref(),
            Signal::Metrics => self.metrics.as_ref(),
            Signal::Logs => self.logs.as_ref(),
        }
    }
}

impl Intake for Pipelines {
    fn wants(&self, signal: Signal) -> bool {
        self.outlet(signal).is_some()
    }

    async fn take(&self, export: Export) -> Result<(), Rejection> {
        let Some(outlet) = self.outlet(export.signal) else { return Ok(()) };
        let batch = read(&export)?;
        if batch.is_empty() {
            return Ok(());
        }
        // `export.admitted` lives until the answer, and with it the request's part of the budgets.
        Ok(outlet.send(batch).await?)
    }
}

fn read(export: &Export) -> Result<Batch, Rejection> {
    let outcome = match export.encoding {
        Encoding::Protobuf => Batch::from_otlp(export.signal, export.message.clone()),
        Encoding::Json => json::decode(export.signal, &export.message),
    };
    outcome.map_err(|malformed| Rejection::Malformed(malformed.to_string()))
}
